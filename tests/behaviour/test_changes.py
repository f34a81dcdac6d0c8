"""What the changes do to texts, and that mentions stay where they are named."""

import pytest

from pipeline.behaviour.changes import LeftOut, changing
from pipeline.behaviour.outlets import places_of
from pipeline.behaviour.passages import Passage, Targets
from pipeline.behaviour.suite import (
    Alias,
    OtherTarget,
    Quotes,
    RemoveOutlet,
    Replace,
    SwapAmong,
    Typos,
    UpperHeadline,
)
from pipeline.codebook import Target


@pytest.fixture
def targets(tiny_bundle):
    return Targets(tiny_bundle.codebook)


@pytest.fixture
def change(targets):
    """A function from a change, a text, and what is given beside it, to the passage after it."""

    def make(what, text, target=None, title=None, outlet=None):
        about = targets.about(text, target)
        passage = Passage(title, text, about.target, about.mentions, outlet=outlet)
        changed = changing(what, targets)(passage)
        if isinstance(changed, Passage) and changed.target:
            assert changed.mentions == targets.mentions(changed.text, changed.target) != ()
        return changed

    return make


LONG = (
    9 * "Under the Salt Pact fishermen, farmers and teachers “earn” nothing; Salt Pact ships rot. "
)


def test_typos_exchange_letters_and_leave_the_target_alone(change):
    changed = change(Typos(kind="typos", share=0.3), LONG, "Salt Pact", title="Salt Pact teachers")
    assert changed.title == "Salt Pact teachers"
    assert changed.text.count("Salt Pact") == 18
    assert sorted(changed.text) == sorted(LONG)
    words = [
        (one, other)
        for one, other in zip(LONG.split(), changed.text.split(), strict=True)
        if one != other
    ]
    assert len(words) == round(0.3 * 63)
    assert all(one[:1] == other[:1] and len(one) >= 4 for one, other in words)


def test_the_same_text_is_always_misspelt_alike_and_one_word_at_least(change):
    typos = Typos(kind="typos", share=0.001)
    once = change(typos, "The harvest was good.")
    assert once == change(typos, "The harvest was good.") != change(typos, "The harvest is good.")
    assert change(typos, "It is so.") is LeftOut.UNCHANGED


def test_wordings_become_others_the_longest_first_as_whole_words(change):
    words = {"is a threat": "is no threat", "is": "was", "threat": "promise"}
    changed = change(
        Replace(kind="replace", words=words),
        "The Salt Pact is a threat. Is this island lost? A Threatening threat.",
        "salt-pact",
    )
    assert changed.text == (
        "The Salt Pact is no threat. Was this island lost? A Threatening promise."
    )
    assert change(Replace(kind="replace", words={"gone": "here"}), "All lost.") is LeftOut.UNCHANGED


def test_names_are_swapped_alike_throughout_but_not_in_the_targets_name(change):
    swap = SwapAmong(kind="swap_among", names=["Salt", "Port Ilm", "Ilm"])
    changed = change(swap, "Salt of Port Ilm. Ilm and Salt; the Salt Pact.", "salt-pact", "Ilm")
    assert changed.text == "Port Ilm of Ilm. Salt and Port Ilm; the Salt Pact."
    assert changed.title == "Salt"


def test_the_target_goes_by_its_next_name_in_text_and_headline(change):
    text = "The Salt Pact, or S.P., binds. River League."
    changed = change(Alias(kind="alias"), text, "salt-pact", "Salt Pact")
    assert changed.text == "The pact of the two coasts, or Salt Pact, binds. River League."
    assert changed.title == "the pact of the two coasts"
    assert (
        change(Alias(kind="alias"), "The S.P. binds.", "salt-pact").text == "The Salt Pact binds."
    )
    assert change(Alias(kind="alias"), "The canal is dry.", "the canal") is LeftOut.UNCHANGED


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("The pact of the coasts binds.", "The Salt Pact binds."),
        ("Near the Salt Pact all sleep.", "Near the pact of the coasts all sleep."),
        ("Salt Pact signed.", "the pact of the coasts signed."),
    ],
)
def test_a_name_with_an_article_of_its_own_has_one_article(tiny_bundle, text, after):
    pact = Target(id="pact", name="the pact of the coasts", aliases=["Salt Pact"])
    targets = Targets(tiny_bundle.codebook.model_copy(update={"targets": [pact]}))
    assert changing(Alias(kind="alias"), targets)(targets.about(text, "pact")).text == after


def test_mentions_are_those_that_prediction_finds_after_the_change(change):
    more = Replace(kind="replace", words={"talks": "League"})
    assert len(change(more, "The River talks, River League", "river-league").mentions) == 2


def test_a_case_in_which_the_target_would_no_longer_be_found_is_left_out(tiny_bundle):
    pact = Target(id="pact", name="Salt Pact")
    office = Target(id="office", name="Salt Pact office")
    targets = Targets(tiny_bundle.codebook.model_copy(update={"targets": [pact, office]}))
    changed = changing(Replace(kind="replace", words={"rules": "office"}), targets)
    assert changed(targets.about("The Salt Pact rules.", "pact")) is LeftOut.LOST
    both = changed(targets.about("The Salt Pact rules bind the Salt Pact.", "pact"))
    assert both.mentions == ((30, 39),)


def test_another_target_is_the_next_that_is_named_or_the_one_asked_for(change):
    text = "The River League helps; the Salt Pact harms; the canal waits."
    other = OtherTarget(kind="target")
    assert change(other, text, "river-league").target == "salt-pact"
    assert change(other, text, "salt-pact").target == "river-league"
    assert change(OtherTarget(kind="target", to="the canal"), text, "salt-pact").mentions == (
        (45, 54),
    )
    assert change(other, "The Salt Pact harms.", "salt-pact") is LeftOut.NO_OTHER
    assert change(OtherTarget(kind="target", to="Salt Pact"), text, "S.P.") is LeftOut.NO_OTHER


def test_quotes_take_the_other_style_and_go_back(change):
    curly = "“It’s late,” said Ilka, ‘and (“so”) on’."
    straight = '"It\'s late," said Ilka, \'and ("so") on\'.'
    assert change(Quotes(kind="quotes", to="straight"), curly).text == straight
    assert change(Quotes(kind="quotes", to="curly"), straight).text == curly
    assert change(Quotes(kind="quotes", to="curly"), curly) is LeftOut.UNCHANGED


def test_a_headline_is_put_in_capitals_and_an_article_without_one_left_out(change):
    upper = UpperHeadline(kind="upper_headline")
    assert change(upper, "Rain.", title="Mild March").title == "MILD MARCH"
    assert change(upper, "Rain.") is LeftOut.UNCHANGED


@pytest.mark.parametrize(
    ("outlet", "text", "left"),
    [
        ("Meridian Wire", "BRACK (Meridian Wire) – A truce held.", "BRACK – A truce held."),
        ("The Long Tide", "She met the Long Tide on a path.", "She met on a path."),
        ("The Long Tide", "Tides | The Long Tide", "Tides"),
        ("Long Tide (Online News)", "The Long Tide - Ships sail.", "Ships sail."),
        ("Brack Observer", "By Ilka Brandt, Brack Observer\nA dull day.", "A dull day."),
        ("theobserver.com", "The Observer has seen them.", "has seen them."),
        ("Harbour Evening", "Each harbour evening is long.", "Each harbour evening is long."),
        ("Brack Observer", "Why the Brack Observer closed\nIt was sold.",
         "Why closed\nIt was sold."),
    ],
)  # fmt: skip
def test_the_outlet_is_taken_out_in_any_spelling(change, outlet, text, left):
    changed = change(RemoveOutlet(kind="remove_outlet"), text, outlet=outlet)
    assert (text if changed is LeftOut.UNCHANGED else changed.text.strip()) == left


def test_an_article_without_outlet_or_that_does_not_name_it_is_left_out(change):
    remove = RemoveOutlet(kind="remove_outlet")
    assert change(remove, "The Brack Observer.") is LeftOut.UNCHANGED
    assert change(remove, "Rain.", outlet="Brack Observer") is LeftOut.UNCHANGED
    assert list(places_of("Rain.", "–")) == []
