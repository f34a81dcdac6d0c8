"""The pages in a real browser: on a phone, by keyboard, in the dark, in print."""

import pyarrow as pa
import pytest

from pipeline import evaluate
from pipeline.config import Evaluate

pytestmark = [pytest.mark.browser, pytest.mark.slow]

QUICK = Evaluate(resamples=100)
PHONE = {"width": 360, "height": 740}
# Of the text's and the background's colours as the browser computes them.
CONTRAST = """
() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const background = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = parse(getComputedStyle(each).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll("h1, h2, p, th, td, dd, li, a, mark, caption, .interval")]
    .filter((each) => each.innerText.trim())
    .map((each) => {
      const [a, b] = [light(parse(getComputedStyle(each).color)), light(background(each))];
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    })
    .reduce((least, each) => Math.min(least, each), 21);
}
"""


@pytest.fixture(scope="module")
def pages(make_scored, codebook, train_gold, facts, tmp_path_factory):
    """The two pages as files, of runs with slices and a long outlet's name."""
    folder = tmp_path_factory.mktemp("pages")
    runs = {}
    for name, skill in (("first", 1.5), ("second", 0.9)):
        scored = make_scored(model=1, skill=skill)
        outlets = ["The Archipelago's Independent Evening Correspondent", "Post"]
        slices = [[("outlet", outlets[at % 2])] for at in range(len(scored))]
        field = scored.schema.field("slices")
        place = scored.schema.get_field_index("slices")
        scored = scored.set_column(place, field, pa.array(slices, field.type))
        runs[name] = (evaluate.evaluate(scored, codebook, QUICK, 0, train_gold), scored)
    metrics, scored = runs["first"]
    drawn = evaluate.plots(scored, metrics, codebook, QUICK)
    written = {
        "report": evaluate.report(metrics, scored, drawn, codebook, facts),
        "comparison": evaluate.comparison_page(evaluate.compare(runs, QUICK), QUICK),
    }
    for name, text in written.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(params=["report", "comparison"])
def open_page(request, browser, pages):
    """A function that opens the page in a window of its own, on a phone unless told otherwise."""
    opened = []

    def show(**options):
        page = browser.new_page(**{"viewport": PHONE, **options})
        page.asked = []
        page.trouble = []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("console", lambda message: page.trouble.append(message.text))
        page.goto((pages / f"{request.param}.html").as_uri())
        opened.append(page)
        return page

    yield show
    for page in opened:
        page.close()


def test_nothing_but_the_file_is_loaded_and_nothing_is_complained_of(open_page):
    page = open_page()
    assert [url.split(":")[0] for url in page.asked if not url.startswith("data:")] == ["file"]
    assert page.trouble == []


def test_on_a_phone_only_tables_scroll_sideways(open_page, tmp_path):
    page = open_page()
    page.screenshot(path=tmp_path / "phone.png", full_page=True)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= PHONE["width"]
    assert page.evaluate("getComputedStyle(document.body).fontSize") == "16px"


def test_the_keyboard_reaches_the_content_and_every_table(open_page):
    page = open_page()
    page.keyboard.press("Tab")
    skip = page.locator(".skip")
    assert skip.evaluate("(link) => link === document.activeElement")
    assert skip.bounding_box()["x"] >= 0  # out of sight until then
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main"
    reached = set()
    for _ in range(200):
        page.keyboard.press("Tab")
        label = page.evaluate("document.activeElement.getAttribute('aria-label')")
        if label in reached:
            break
        if label:
            reached.add(label)
    tables = page.locator(".table").evaluate_all("(all) => all.map((each) => each.ariaLabel)")
    assert reached >= set(tables)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_background(open_page, scheme):
    page = open_page(color_scheme=scheme)
    # What WCAG 2 asks for at level AA, https://www.w3.org/TR/WCAG22/#contrast-minimum
    assert page.evaluate(CONTRAST) >= 4.5


def test_in_print_no_table_is_cut_and_links_to_sections_are_gone(open_page, tmp_path):
    page = open_page(viewport={"width": 1000, "height": 800})
    page.emulate_media(media="print")
    page.pdf(path=tmp_path / "page.pdf", format="A4")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
    assert not page.locator(".skip").is_visible()
    hidden = page.locator(".table").evaluate_all(
        "(all) => all.filter((each) => getComputedStyle(each).overflowX !== 'visible').length"
    )
    assert hidden == 0
