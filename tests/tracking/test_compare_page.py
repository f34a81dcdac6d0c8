"""The pages of the real MLflow server that people compare our runs on."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.config import Track
from pipeline.tracking import flatten, track

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PANEL = "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1"
SECOND = 1000
RUNS = {"unigrams": (1, 0.62), "bigrams": (2, 0.71), "bigrams-sqrt": (2, 0.68)}
PLOTS = ("topic_confusion.png", "stance_confusion.png")


@pytest.fixture(scope="module")
def project(new_project):
    return new_project()


@pytest.fixture(scope="module")
def tracked(project, record_in):
    """Three runs that differ in a setting, their scores and their files."""
    return [_tracked(project, record_in, name) for name in RUNS]


def _tracked(project, record_in, name):
    words, macro_f1 = RUNS[name]
    config = {
        "name": name,
        "seed": 0,
        "features": {"kind": "ngrams", "words": words, "chars": None, "min_count": 2},
        "train": {"C": [0.3, 1.0], "class_weight": "sqrt" if "sqrt" in name else "balanced"},
    }
    record = record_in(project, name, macro_f1, params=flatten(config))
    run = project / "runs" / name
    files = {plot: _plot(run / plot, f"{plot} of {name}", words) for plot in PLOTS}
    report = run / "report.html"
    report.write_text(f"<!doctype html><title>{name}</title><h1>Report of {name}</h1>")
    files["report.html"] = report
    return track(replace(record, artifacts={**record.artifacts, **files}), Track(), project)


def _plot(path: Path, title: str, number: int) -> Path:
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(4, 3))
    axes.imshow([[9, number], [number, 9]], cmap="Blues")
    axes.set_title(title, fontsize=8)
    figure.savefig(path)
    pyplot.close(figure)
    return path


@pytest.fixture(scope="module")
def server(serve, project, tracked):
    """The address of MLflow's server on the three runs."""
    with serve(project) as address:
        yield address


@pytest.fixture(scope="module")
def page(browser):
    """A page wide enough that no title is cut."""
    page = browser.new_page(viewport={"width": 1600, "height": 1100})
    page.set_default_timeout(60 * SECOND)
    # The panel that MLflow opens on a first visit would take a third of the page.
    page.add_init_script(f"localStorage.setItem('{PANEL}', 'true')")
    yield page
    page.close()


def test_the_printed_link_shows_the_runs_in_charts_by_side(server, page, tracked, tmp_path):
    page.goto(f"{server}{tracked[0].url_path}")
    for name in RUNS:
        page.get_by_role("link", name=name, exact=True).wait_for()
    page.get_by_text("test/stance.macro_f1", exact=True).wait_for()
    page.screenshot(path=tmp_path / "charts.png")
    text = _words_of(page)
    assert "dev (2)" in text
    assert "test (11)" in text
    for metric in ("dev/topic.macro_f1", "test/stance.accuracy", "test/stance.ece"):
        assert metric in text


def test_the_comparison_shows_settings_and_scores_of_all_three(server, page, tracked, tmp_path):
    text = _open_comparison(server, page, tracked)
    page.screenshot(path=tmp_path / "compare.png")
    assert "features.words\t1\t2\t2" in text
    assert "train.class_weight\tbalanced\tbalanced\tsqrt" in text
    assert "seed\t0\t0\t0" in text
    assert "Run Name:" in text
    for name in [*RUNS, "test/topic.macro_f1_low", "test/stance.target_blind_delta"]:
        assert name in text
    for score in ("0.62", "0.71", "0.68"):
        assert score in text


def test_show_diff_only_leaves_what_differs(server, page, tracked, tmp_path):
    _open_comparison(server, page, tracked)
    for section in ("Parameters", "Metrics", "Tags"):
        page.get_by_role("switch", name=f"{section} - Show diff only").click()
    page.get_by_text("No tags to display.").wait_for()
    text = page.inner_text("body")
    page.screenshot(path=tmp_path / "diff.png")
    settings = text[text.index("Show diff only") : text.index("Artifacts\n")]
    assert "features.words\t1\t2\t2" in settings
    assert "train.class_weight\tbalanced\tbalanced\tsqrt" in settings
    assert "test/topic.macro_f1" in settings
    for same in ("seed", "features.kind", "target_blind_delta", "test/topic.ece", "name\t"):
        assert same not in settings


def test_plots_and_reports_stand_side_by_side(server, page, tracked, tmp_path):
    _open_comparison(server, page, tracked)
    # MLflow lays a transparent sheet over the list of files.
    page.get_by_text("topic_confusion.png", exact=True).dispatch_event("click")
    images = page.locator("img[src^='blob:']")
    images.nth(2).wait_for()
    images.first.scroll_into_view_if_needed()
    page.screenshot(path=tmp_path / "plots.png")
    boxes = {round(image.bounding_box()["x"]) for image in images.all() if image.is_visible()}
    assert len(boxes) == 3
    page.get_by_text("report.html", exact=True).dispatch_event("click")
    page.locator("iframe").nth(2).wait_for()
    page.screenshot(path=tmp_path / "reports.png")
    headings = [
        page.frame_locator("iframe").nth(place).locator("h1").inner_text() for place in range(3)
    ]
    assert headings == [f"Report of {name}" for name in RUNS]


def test_labels_are_compared_in_the_table_view(server, page, tracked, tmp_path):
    page.goto(f"{server}{tracked[0].url_path.replace('CHART', 'ARTIFACT')}")
    page.get_by_text("test/topic: sport", exact=True).wait_for()
    page.screenshot(path=tmp_path / "labels.png")
    text = _words_of(page)
    for expected in (
        "Table: labels.json",
        "Compare: f1",
        "test/stance: against",
        "0.62",
        "0.71",
        "0.68",
    ):
        assert expected in text


def _words_of(page):
    return " ".join(page.inner_text("body").split())


def _open_comparison(server, page, tracked):
    runs = ",".join(f'"{each.run_id}"' for each in tracked)
    experiment = tracked[0].experiment_id
    # Another page first: a change behind the # alone would keep the switches.
    page.goto("about:blank")
    page.goto(
        f'{server}/#/compare-runs?runs=[{runs}]&experiments=["{experiment}"]'
        "&workflowType=machine_learning"
    )
    page.get_by_text("topic_confusion.png", exact=True).wait_for()
    page.get_by_text("test/topic.macro_f1_low").wait_for()
    return page.inner_text("body")
