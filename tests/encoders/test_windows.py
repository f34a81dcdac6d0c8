"""Windows: nothing of a text is lost, the target is seen, the shares are right."""

import numpy as np
import pytest

from pipeline.config import EncoderFeatures, MentionView
from pipeline.encoders import NOWHERE, seen, windows_of

LONG = " ".join(f"The harbour paid {number} crowns for salt." for number in range(60))
PACT = "Captains fear the Salt Pact. Growers cheer it, and the Salt Pact opens docks to the League."


def section(**settings):
    return EncoderFeatures(kind="encoder", **{"window": 32, "overlap": 8, **settings})


def cut(encoder, asking, **settings):
    texts, asked = asking
    tokens = encoder.tokenizer.tokens(texts)
    return tokens, windows_of(encoder.tokenizer, tokens, asked, section(**settings))


def words(encoder, window):
    return decoded(encoder, window.ids)


def decoded(encoder, ids):
    text = encoder.tokenizer._tokenizer.decode(ids.tolist(), skip_special_tokens=False)
    return text.replace(" ##", "")


def test_a_text_that_fits_is_one_window(bert, ask):
    tokens, windows = cut(bert, ask((None, "Captains cheer.")))
    assert len(windows) == 1
    assert windows[0].share == 1
    assert windows[0].mention_share == 0
    assert words(bert, windows[0]).startswith("[CLS] captains cheer")
    assert words(bert, windows[0]).endswith("[SEP]")
    known = windows[0].places[windows[0].places != NOWHERE]
    np.testing.assert_array_equal(known, np.arange(len(tokens.ids)))


@pytest.mark.parametrize("overlap", [0, 8, 31])
def test_every_token_of_a_long_text_is_in_a_window(bert, ask, overlap):
    tokens, windows = cut(bert, ask((None, LONG)), windows=1000, overlap=overlap)
    seen = np.concatenate([window.places for window in windows])
    assert set(seen.tolist()) - {NOWHERE} == set(range(len(tokens.ids)))
    assert max(len(window.ids) for window in windows) == 32
    assert sum(window.share for window in windows) == pytest.approx(1)


def test_windows_share_as_many_tokens_as_asked(bert, ask):
    _, windows = cut(bert, ask((None, LONG)), windows=1000, overlap=8)
    first, second = (set(window.places.tolist()) - {NOWHERE} for window in windows[:2])
    assert len(first & second) == 8


def test_of_too_many_windows_those_with_the_target_are_read(bert, ask):
    body = f"{LONG} Growers cheer the Salt Pact. {LONG}"
    _, windows = cut(bert, ask((None, body, "Salt Pact", None)), windows=2, overlap=0)
    assert [bool(window.mention.any()) for window in windows] == [False, True]
    assert windows[0].places[1] == 0
    assert windows[0].share == pytest.approx(1 / 3)
    assert windows[1].share == pytest.approx(2 / 3)
    assert [window.mention_share for window in windows] == [0, 1]


def test_the_mention_is_marked_and_the_target_named(bert, ask):
    _, windows = cut(bert, ask((None, PACT, "Salt Pact", "Captains")), window=64)
    text = words(bert, windows[0])
    assert text.count("[ salt pact ]") == 2
    assert text.count("{ captains }") == 1
    assert text.endswith("[SEP] captains > salt pact [SEP]")
    assert decoded(bert, windows[0].ids[windows[0].mention]) == "[ salt pact ] [ salt pact ]"
    assert windows[0].types.tolist().count(1) == len(bert.tokenizer.ids("captains > salt pact")) + 1


def test_a_masked_target_is_nowhere_to_be_read(bert, ask):
    _, windows = cut(
        bert, ask((None, PACT, "Salt Pact", None)), window=64, target=MentionView(mention="mask")
    )
    text = words(bert, windows[0])
    assert "salt" not in text
    assert text.count("[MASK]") == 2
    assert windows[0].mention.sum() == 2


def test_a_target_that_the_text_never_names_is_still_named(bert, ask):
    _, windows = cut(bert, ask((None, "Captains cheer.", "River League", None)))
    assert words(bert, windows[0]).endswith("[SEP] river league [SEP]")
    assert not windows[0].mention.any()
    assert windows[0].mention_share == 0


def test_a_marked_name_stands_in_for_a_mention_that_is_not_there(bert, ask):
    view = MentionView(name="marked")
    _, windows = cut(
        bert, ask((None, LONG, "Salt Pact", "Captains")), windows=3, overlap=0, target=view
    )
    for window in windows:
        assert words(bert, window).endswith("[SEP] { captains } [ salt pact ] [SEP]")
        assert decoded(bert, window.ids[window.mention]) == "[ salt pact ]"
        assert window.mention_share == pytest.approx(1 / 3)
        assert len(window.ids) <= 32


def test_a_name_may_hold_what_stands_between_who_acts_and_the_target(bert, ask):
    view = MentionView(name="marked")
    _, windows = cut(bert, ask((None, PACT, "Salt > Pact", None)), window=64, target=view)
    assert words(bert, windows[0]).endswith("[SEP] [ salt > pact ] [SEP]")


def test_a_marked_name_is_no_mention_where_the_text_has_one(bert, ask):
    view = MentionView(name="marked")
    _, windows = cut(bert, ask((None, PACT, "Salt Pact", None)), window=64, target=view)
    assert words(bert, windows[0]).endswith("[SEP] [ salt pact ] [SEP]")
    assert decoded(bert, windows[0].ids[windows[0].mention]) == "[ salt pact ] [ salt pact ]"


def test_parts_of_a_name_are_marked_if_asked_for(bert, ask):
    texts, asked = ask((None, "The Pact is dead, captains say.", "Salt Pact", "Captains"))
    view = section(target=MentionView(parts=True), window=64)
    tokens = bert.tokenizer.tokens(texts)
    windows = windows_of(bert.tokenizer, tokens, seen(texts, asked, view)[1], view)
    assert "the [ pact ] is dead" in words(bert, windows[0])
    as_it_is = seen(texts, asked, section())
    assert as_it_is[0] is texts
    assert as_it_is[1] is asked


def test_a_headline_is_read_before_the_body_and_shifts_the_mention(bert, ask):
    _, windows = cut(bert, ask(("Growers cheer", PACT, "Salt Pact", None)), window=64)
    assert words(bert, windows[0]).startswith("[CLS] growers cheer captains fear the [ salt pact ]")


@pytest.mark.parametrize("parts", [False, True])
def test_a_headline_alone_is_read_where_there_is_one(bert, ask, parts):
    view = section(reads="headline", target=MentionView(parts=parts), window=64)
    texts, asked = ask(
        ("Żółć — “growers” 🚢", PACT, "Salt Pact", "Captains"),
        (None, PACT, "Salt Pact", "Captains"),
    )
    read, asked = seen(texts, asked, view)
    tokens = bert.tokenizer.tokens(read)
    headline, whole = windows_of(bert.tokenizer, tokens, asked, view)
    alone = ask((None, "Żółć — “growers” 🚢", "Salt Pact", "Captains"))
    (expected,) = windows_of(bert.tokenizer, bert.tokenizer.tokens(alone[0]), alone[1], view)
    np.testing.assert_array_equal(headline.ids, expected.ids)
    assert not headline.mention.any()
    assert "[ salt pact ]" in words(bert, whole)
    assert [read.text(0), read.text(1)] == ["Żółć — “growers” 🚢", PACT]


def test_an_empty_text_is_one_window_of_the_frame(bert, ask):
    _, windows = cut(bert, ask((None, "")))
    assert words(bert, windows[0]) == "[CLS] [SEP]"


def test_a_name_of_any_length_leaves_room_for_the_text(bert, ask):
    _, windows = cut(bert, ask((None, "Captains cheer.", "Salt Pact " * 500, None)), window=60)
    assert max(len(window.ids) for window in windows) <= 60
    assert "captains" in words(bert, windows[0])


def test_another_family_is_framed_by_its_own_template(roberta, ask):
    _, windows = cut(roberta, ask((None, PACT, "Salt Pact", None)), window=64)
    text = words(roberta, windows[0])
    assert text.startswith("<s>Captains fear the[ Salt Pact].")
    assert text.endswith("</s></s>Salt Pact</s>")
    assert not windows[0].types.any()


def test_the_digest_tells_inputs_apart(bert, ask):
    _, marked = cut(bert, ask((None, PACT, "Salt Pact", None)), window=64)
    _, again = cut(bert, ask((None, PACT, "Salt Pact", None)), window=64)
    _, other = cut(bert, ask((None, PACT, "League", None)), window=64)
    assert marked[0].digest() == again[0].digest()
    assert marked[0].digest() != other[0].digest()


@pytest.mark.parametrize("name", ["plain", "marked"])
def test_the_name_of_another_target_takes_the_place_of_each_mention(bert, ask, name):
    texts, asked = ask((None, PACT, "Salt Pact", "Growers"))
    view = section(window=64, target=MentionView(name=name))
    tokens = bert.tokenizer.tokens(texts)
    (window,) = windows_of(bert.tokenizer, tokens, asked, view, ["League of Ports"])
    (as_it_is,) = windows_of(bert.tokenizer, tokens, asked, view)

    assert "salt pact" not in words(bert, window)
    assert words(bert, window) == words(bert, as_it_is).replace("salt pact", "league of ports")
    mentions = words(bert, as_it_is).count("[ salt pact ]")
    assert words(bert, window).count("[ league of ports ]") == mentions >= 2
    assert decoded(bert, window.ids[window.mention]) == decoded(
        bert, as_it_is.ids[as_it_is.mention]
    ).replace("salt pact", "league of ports")


def test_what_ignores_the_target_reads_the_same_of_every_target(bert, ask):
    texts, asked = ask((None, PACT, "Salt Pact", "Captains"), (None, PACT, "League", None))
    view = section(target=MentionView(mention="ignore"))
    tokens = bert.tokenizer.tokens(texts)
    windows = windows_of(bert.tokenizer, tokens, seen(texts, asked, view)[1], view)

    _, plain = cut(bert, ask((None, PACT)))
    assert [window.example for window in windows] == [0] * len(plain) + [1] * len(plain)
    for at, window in enumerate(windows):
        assert words(bert, window) == words(bert, plain[at % len(plain)])
        assert not window.mention.any()
