import re
from dataclasses import replace
from html.parser import HTMLParser

import pyarrow as pa
import pytest

from pipeline import evaluate, records
from pipeline.config import Evaluate

QUICK = Evaluate(resamples=100)
# A PNG's head is all that the page reads of one.
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes([0, 0, 3, 0, 0, 0, 1, 128])


@pytest.fixture(scope="module")
def metrics(scored, codebook, train_gold):
    return evaluate.evaluate(scored, codebook, QUICK, 0, train_gold)


@pytest.fixture
def page(metrics, scored, codebook, facts):
    plots = {"topic_confusion.png": PNG, "stance_labels.png": PNG, "frames_reliability.png": PNG}
    return evaluate.report(metrics, scored, plots, codebook, facts)


def test_the_findings_of_the_audit_stand_there_with_the_score_without_them(
    scored, codebook, facts, train_gold
):
    gone = {"test": {"copies": set(scored["article_id"].to_pylist()[:9])}}
    metrics = evaluate.evaluate(scored, codebook, QUICK, 0, train_gold, gone)
    page = evaluate.report(metrics, scored, {}, codebook, facts)
    audit = page[page.index('id="audit"') : page.index('id="task-')]
    assert "Of 2 findings 1 should\nbe weighed" in audit
    assert "the articles are &lt;copies&gt;" in audit
    left = metrics["test"]["topic"]["without"]["copies"]
    assert f"topic: {left['macro_f1']:.3f}" in audit
    assert f"n = {left['n']}" in audit
    assert "label words" in audit


def test_an_audit_without_worries_says_so(metrics, scored, codebook, facts):
    calm = replace(facts, findings=[facts.findings[0] | {"severity": "info"}])
    page = evaluate.report(metrics, scored, {}, codebook, calm)
    assert "The audit found nothing to worry about" in page


def test_the_model_card_has_the_numbers_with_intervals_and_what_flatters_them(
    metrics, codebook, facts
):
    card = evaluate.model_card(metrics, codebook, facts)
    topic = metrics["test"]["topic"]
    low, high = topic["macro_f1_low"], topic["macro_f1_high"]
    assert f"macro-F1 **{topic['macro_f1']:.3f}** ({low:.3f} to {high:.3f})" in card
    assert "- error, copies: 2 of 80 (2.5 %) of the articles are \\<copies\\>" in card
    assert "label words" not in card  # an info is none of its business
    assert "| Outlets | 2: Post (9) and others |" in card
    economy = topic["labels"]["economy"]
    assert f"| Economy | {economy['f1']:.3f} | {economy['f1_low']:.3f} to" in card
    assert "| negation | 40 | 22.5\N{NO-BREAK SPACE}% |" in card
    rows = [line for line in card.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in rows)


def test_a_model_card_without_scores_says_so(codebook, facts):
    assert "Nothing was scored" in evaluate.model_card({}, codebook, facts)


def test_names_with_bars_do_not_break_a_table_of_the_card(metrics, codebook, facts):
    odd = replace(facts, settings=[("Encoder", "a|b\nc ![x](y) <b>")])
    assert r"| Encoder | a\|b c \!\[x\](y) \<b\> |" in evaluate.model_card(metrics, codebook, odd)


def test_the_tests_of_behaviour_stand_there_with_failing_examples(page):
    part = page[page.index('id="behaviour"') : page.index('id="reading"')]
    assert "Of 2 tests 1 fail more often" in part
    assert "&lt;No&gt; is no yes." in part
    assert "9 of 40<br>" in part
    assert "3 unchanged" in part
    assert "22.5\N{NO-BREAK SPACE}%<br>" in part
    assert part.count("<details>") == 1
    assert "negation: 1 of 9 failing cases" in part
    assert "A &lt;danger&gt;.<br><strong>threat</strong>" in part
    assert "No danger.<br><strong>none</strong>" in part


def test_a_run_without_suites_says_so(metrics, scored, codebook, facts):
    page = evaluate.report(metrics, scored, {}, codebook, replace(facts, behaviour=[]))
    assert "No test of behaviour was asked for" in page


class Tags(HTMLParser):
    """Collect tags and check that they are closed in order."""

    VOID = {"meta", "img", "br"}

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def tags_of(page):
    parser = Tags()
    parser.feed(page)
    assert parser.open == []
    return parser.seen


def test_the_page_is_well_formed_and_keeps_to_itself(page):
    tags = tags_of(page)
    names = [tag for tag, _ in tags]
    assert names.count("h1") == 1
    assert "script" not in names
    assert "link" not in names
    assert tags[0] == ("html", {"lang": "en"})
    assert all(attrs["src"].startswith("data:image/png;base64,") for t, attrs in tags if t == "img")
    assert all(attrs["href"].startswith("#") for t, attrs in tags if t == "a")
    assert not re.search(r"https?://|url\(|@import", page)


def test_tables_images_and_links_can_be_used_without_eyes_or_mouse(page):
    tags = tags_of(page)
    assert all("scope" in attrs for tag, attrs in tags if tag == "th")
    names = [tag for tag, _ in tags]
    assert names.count("caption") == names.count("table") == 14
    alts = [attrs["alt"] for tag, attrs in tags if tag == "img"]
    assert len(alts) == 3
    assert all(len(alt) > 20 for alt in alts)
    ids = [attrs["id"] for _, attrs in tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {attrs["href"][1:] for tag, attrs in tags if tag == "a"} <= set(ids)


def test_headline_baselines_and_facts_stand_in_the_page(page, metrics):
    score = metrics["test"]["topic"]
    assert f"between {score['macro_f1_low']:.3f} and {score['macro_f1_high']:.3f}" in page
    blind = metrics["test"]["stance"]["target_blind"]
    row = "The same model without its target</th><td>"
    assert f"{row}{blind['macro_f1']:.3f}</td><td>{blind['accuracy']:.3f}</td>" in page
    for text in ("1,234 articles came in", "1\nrow was rejected", "0.812", "train.C", "test_mt"):
        assert text in page


def test_what_comes_from_data_is_escaped(page):
    assert "<h1>demo &lt;run&gt;</h1>" in page
    assert "<mark>“Là &lt;b&gt;&amp; ici&lt;/b&gt;” 🙂</mark>" in page
    assert "Tests &amp; trials." in page


def test_the_worst_errors_come_surest_first_ten_of_a_task(page, scored):
    part = page[page.index('id="task-topic"') :]
    part = part[: part.index("</section>")]
    shown = [float(p) for p in re.findall(r"with probability ([\d.]+);", part)]
    wrong = [
        row["probability"]
        for row in scored.to_pylist()
        if (row["task"], row["side"]) == ("topic", "test") and row["gold"] != [row["label"]]
    ]
    expected = sorted(wrong, reverse=True)[:10]
    assert shown == pytest.approx(expected, abs=6e-4)
    assert len(shown) == 10


def test_names_of_labels_and_targets_are_those_that_people_read(page):
    assert "<bdi>the alliance of the two states</bdi>" in page
    assert "<bdi>حلف</bdi>" in page
    assert '<th scope="row">Defence Policy</th>' in page


def test_equal_arguments_give_an_equal_page(page, metrics, scored, codebook, facts):
    plots = {"topic_confusion.png": PNG, "stance_labels.png": PNG, "frames_reliability.png": PNG}
    assert evaluate.report(metrics, scored, plots, codebook, facts) == page


def test_the_agreement_of_coders_stands_with_its_intervals_where_two_coders_answered(page):
    table = page[page.index('aria-label="Agreement of the coders"') :].partition("</table>")[0]
    assert '<th scope="row">topic</th><td>2</td><td>60</td>' in table
    assert table.count('0.812<br><span class="interval">0.710 to 0.890</span>') == 5
    assert "<td>dawid skene</td><td>3</td>" in table
    assert "stance" not in table


def test_a_run_without_scores_has_a_page_that_says_so(table, codebook, facts):
    bare = replace(facts, examples={}, agreement={})
    page = evaluate.report({}, table([]), {}, codebook, bare)
    tags_of(page)
    assert "Nothing was scored" in page


def test_one_example_without_interval_or_error_has_a_page(scored_row, table, codebook, facts):
    row = scored_row({"economy": 0.7, "migration": 0.2, "defence policy": 0.1}, ["economy"])
    metrics = evaluate.evaluate(table([row]), codebook, QUICK, 0, {})
    page = evaluate.report(metrics, table([row]), {}, codebook, facts)
    tags_of(page)
    assert "too few stories for an interval" in page
    assert "There is no wrong answer on this side" in page
    assert "1 example of 1 story." in page


def test_coders_and_tiers_have_their_place(scored, codebook, facts, train_gold):
    coders = {"<ann>": "economy", "ben": "migration", "cem": "economy", "dan": "economy",
              "eve": "migration"}  # fmt: skip
    annotations = pa.Table.from_pylist(
        [
            {"article_id": f"test-{n}", "task": "topic", "target": None, "coder": coder,
             "label": "economy" if n % 3 else label}
            for n in range(80) for coder, label in coders.items()
        ],
        records.ANNOTATIONS,
    )  # fmt: skip
    coded = evaluate.Coded(annotations, evaluate.TIES.empty_table())
    metrics = evaluate.evaluate(scored, codebook, QUICK, 0, train_gold, coded=coded)
    of_label = {"tier": "B", "why": "alpha .700 < .800"}
    tiers = {name: dict.fromkeys(task.label_ids, of_label) for name, task in codebook.tasks.items()}
    metrics = {side: evaluate.with_tiers(tasks, tiers) for side, tasks in metrics.items()}
    page = evaluate.report(metrics, scored, {}, codebook, facts)
    tags_of(page)
    assert page.count("Beside the coders") == 1
    found = metrics["test"]["topic"]["coders"]
    assert f"mean kappa of {found['coder_kappa']:.3f}" in page
    assert '<th scope="row">&lt;ann&gt;, ben</th><td>80</td>' in page
    assert page.count('<td>B</td><td class="why">alpha .700 &lt; .800</td>') == 10
    assert "F1 from 0.75 at the lower end of its interval" in page


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        (-0.3, -0.1, "does not yet stand in for a further coder"),
        (-0.1, 0.1, "do not show that the model agrees with a coder less"),
        (0.1, 0.3, "more than they do with one another"),
        (None, None, "too few stories"),
    ],
)
def test_the_page_says_what_the_difference_to_the_coders_means(
    metrics, scored, codebook, facts, low, high, told
):
    coders = {
        "n": 40, "ties": 3, "pairs": [], "pairs_left_out": 0, "kappa_difference": 0.0,
        "kappa_difference_low": low, "kappa_difference_high": high,
    }  # fmt: skip
    for name in ("coder_kappa", "model_kappa"):
        coders |= {name: 0.5, f"{name}_low": low, f"{name}_high": high}
    of_test = metrics["test"] | {"topic": metrics["test"]["topic"] | {"coders": coders}}
    page = evaluate.report({"test": of_test}, scored, {}, codebook, facts)
    part = page[page.index("Beside the coders") :]
    assert told in part[: part.index("The worst errors")]


def test_the_page_of_a_comparison_has_each_run_each_label_and_what_flipped(make_scored, codebook):
    tables = {"good <1>": make_scored(model=1, skill=2.5), "poor": make_scored(model=2, skill=0.5)}
    named = {
        name: (evaluate.evaluate(table, codebook, QUICK, 0, {}), table)
        for name, table in tables.items()
    }
    comparison = evaluate.compare(named, QUICK)
    page = evaluate.comparison_page(comparison, QUICK)
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    names = [tag for tag, _ in tags.seen]
    assert names.count("table") == names.count("caption") == 6
    assert "good &lt;1&gt;" in page
    assert "good <1>" not in page
    topic = comparison.rows[5]
    assert f"{topic.lost} lost" in page
    assert all(f"<strong>{flip.article_id}</strong>" in page for flip in topic.losses)
    assert page == evaluate.comparison_page(comparison, QUICK)
