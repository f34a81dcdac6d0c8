import pytest

from pipeline.tracking.champion import decide

TAGS = {"dev_macro_f1": "0.8", "dev_digest": "d", "codebook": "news 1.0"}


@pytest.mark.parametrize(
    ("promote", "mine", "theirs", "champion", "words"),
    [
        ("better", {}, None, True, "first"),
        ("better", {"dev_macro_f1": "0.81"}, {}, True, "0.8100 against 0.8000 of version 3"),
        ("better", {"dev_macro_f1": "0.79"}, {}, False, "not better"),
        ("better", {}, {}, False, "not better"),
        # The higher score does not count: it is of other data, or of other questions.
        ("better", {"dev_macro_f1": "0.9", "dev_digest": "e"}, {}, False, "dev data are not"),
        ("better", {"dev_macro_f1": "0.9", "codebook": "news 2.0"}, {}, False, "'news 2.0'"),
        ("better", {"dev_macro_f1": None}, {}, False, "this version has no dev score"),
        ("better", {}, {"dev_macro_f1": None}, False, "version 3 has no dev score"),
        ("better", {}, {"dev_digest": None}, False, "version 3 has no record of its dev data"),
        ("always", {"dev_macro_f1": "0.1", "dev_digest": "e"}, {}, True, "in place of version 3"),
        ("always", {}, None, True, "first"),
        ("never", {"dev_macro_f1": "0.9"}, {}, False, "version 3 stays"),
        ("never", {}, None, False, "there is no champion"),
    ],
)
def test_verdicts(promote, mine, theirs, champion, words):
    verdict = decide(promote, _tags(mine), None if theirs is None else _tags(theirs), "3")
    assert verdict.champion is champion
    assert words in verdict.sentence


def test_a_version_that_cannot_be_compared_is_told_how_to_be_set():
    verdict = decide("better", _tags({"dev_digest": "e"}), TAGS, "3")
    assert verdict.sentence == (
        "the dev data are not version 3's, so the scores do not compare: "
        "version 3 stays the champion; to change it: --set track.promote=always"
    )


def _tags(changes):
    return {key: value for key, value in (TAGS | changes).items() if value is not None}
