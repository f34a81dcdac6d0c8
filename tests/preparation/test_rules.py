import re
import time

import pyarrow as pa
import pytest

from pipeline.config import Boilerplate
from pipeline.errors import ConfigError
from pipeline.preparation.boilerplate import BoilerplateFinder
from pipeline.preparation.rules import (
    Stands,
    Takes,
    dump_rules,
    load_rules,
    packaged_rules,
    restore_rules,
)

RULES = packaged_rules()
FINDER = BoilerplateFinder(RULES)
LINED = {name: rule for name, rule in RULES.items() if rule.pattern is not None}
BEFORE = "The council of Varn met in the old customs house at noon."
AFTER = "Nobody spoke against the levy, and the ferries sailed at four."

# Further wordings, as other houses write them.
CAUGHT = [
    ("photo-credit", "Photographer: Ada Wien"),
    ("photo-credit", "Image source, Harbour Museum"),
    ("photo-credit", "Pictures: Ben Mole, Ilse Marn"),
    ("photo-credit", "[Photo: Ada Wien | Varn Press]"),
    ("photo-credit-ending", "The new quay, seen from the tower. (Photo by Ada Wien/Varn Press)"),
    ("photo-credit-ending", "Salz auf der Mole. Bild: Ilse Marn"),
    ("caption", "Archivbild: Die Fähre im Eis"),
    ("caption", "FILE PICTURE - The minister leaves the ferry"),
    ("caption", "Caption: The salt works in 2029"),
    ("read-more", "READ MORE: The men who count the ferries"),
    ("read-more", "See also: A short history of the levy"),
    ("read-more", "Continue reading"),
    ("read-more", "▶ Read next: Salt and its friends"),
    ("read-more", "Siehe auch: Wem gehört die Mole?"),
    ("related-links", "Related stories:"),
    ("related-links", "MOST POPULAR"),
    ("related-links", "Das könnte Sie auch interessieren"),
    ("newsletter", "Stay informed: the Harbour Post in your inbox"),
    ("newsletter", "Please sign up to receive our weekly newsletter."),
    ("newsletter", "Hier den Newsletter der Redaktion bestellen"),
    ("podcast-video", "LISTEN: Our reporter on the night of the flood"),
    ("podcast-video", "Watch the video below"),
    ("podcast-video", "Subscribe on Spotify, Apple Podcasts or wherever you listen to podcasts."),
    ("share", "Share this story via e-mail"),
    ("share", "Folgen Sie uns auf Instagram"),
    ("share", "Follow @varnpress on Mastodon"),
    ("share", "View comments (14)"),
    ("share", "Link kopieren"),
    ("paywall", "Log in to continue"),
    ("paywall", "Become a member and read without limits"),
    ("paywall", "Exklusiv für Abonnenten"),
    ("cookies", "This website uses cookies to count its readers."),
    ("cookies", "Cookie settings"),
    ("cookies", "Datenschutz | Impressum"),
    ("advertisement", "ADVERTISEMENT"),
    ("advertisement", "Article continues below"),
    ("advertisement", "Werbung"),
    ("copyright", "Copyright © 2031 Varn Press GmbH"),
    ("copyright", "The Harbour Post. All Rights Reserved."),
    ("copyright", "© Anseler Bote"),
    ("wire-footer", "Reporting by Ada Wien in Varn and Ben Mole in Pellow; writing by Ilse Marn"),
    ("wire-footer", "The Varn Press contributed to this article."),
    ("wire-footer", "Quelle: dpa"),
    ("amended", "This story has been corrected to say that the levy is paid in June."),
    ("amended", "The headline of this article was changed on Friday."),
    ("amended", "Clarification: The ferry is owned by the town."),
    ("amended", "Anmerkung der Redaktion: Wir haben den Namen geändert."),
    ("amended", "In einer früheren Version dieses Artikels hieß es, die Fähre sei gesunken."),
    ("tips", "Do you have a story? Call us or write to us."),
    ("tips", "Email the author at ada@harbour.example"),
    ("stamp", "Updated 14:05 GMT, 3 May 2031"),
    ("stamp", "Veröffentlicht am 3. Mai 2031"),
    ("stamp", "Reading time: 4 minutes"),
    ("byline", "BY ADA WIEN"),
    ("byline", "Von Ilse Marn und Jan Roth"),
    ("dateline", "PELLOW, Varn (AP) -- The levy is gone."),
    ("dateline", "ANSEL/VARN (Reuters) - Forty ferries stay in harbour."),
    ("dateline", "Varn, 3. Mai (dpa) – Die Ministerin bleibt."),
]  # fmt: skip

LEFT = [
    "Photo albums were saved from the water by the crew.",
    "By noon the ferries had sailed.",
    "Watch out for the ice, the harbour master told them.",
    "More than forty ferries stay in harbour: the ice is thick.",
    "Read aloud, the treaty takes nine minutes.",
    "Sign here, the captain said, and you are free.",
    "Share prices of the salt works fell by a third on Friday.",
    "Follow-up talks will be held in Pellow.",
    "Support for the levy grew in the north.",
    "This article of the treaty was never applied.",
    "The correction came late: the levy had been paid.",
    "Advertisements for the ferry were torn down.",
    "We use salt to keep the fish, he said.",
    "Reporting by the ministry was late again.",
    "Comments were not to be had on Sunday.",
    "Related to the minister by marriage, he kept silent.",
    "Source: the word means a spring, the poet said.",
    "Die Teilen der Insel gehörten einst dem Bund.",
    "Mehr als vierzig Fähren bleiben im Hafen.",
    "Von Varn nach Pellow sind es elf Meilen.",
    "Stand up and be counted, she told the crowd.",
    "Print runs have halved since the levy.",
    "NATO — the alliance of the north — will not come.",
    "“Subscribe to nothing,” her father had told her.",
    "Update your charts, the harbour master said.",
    "Email made him rich, and the newsletter famous.",
    "Log houses line the shore.",
    "Listen, he said, and was silent.",
    "© is a sign that few people can type.",
]


def found(text):
    return FINDER.set_apart(pa.array([text], pa.large_string())).get(0, (text, []))


def around(rule, line):
    """Put a line where its rule looks for it."""
    if rule.stands is Stands.FIRST or rule.takes is Takes.BEGINNING:
        return f"{line}\n\n{AFTER}"
    if rule.stands is Stands.BEGINNING:
        return f"{line}\n{BEFORE}\n\n{AFTER}"
    return f"{BEFORE}\n\n{line}" if rule.stands is Stands.END else f"{BEFORE}\n\n{line}\n\n{AFTER}"


OWN = [(name, line) for name, rule in LINED.items() for line in rule.catches]


@pytest.mark.parametrize(("name", "line"), OWN + CAUGHT, ids=lambda value: value[:40])
def test_a_line_that_a_rule_must_catch_is_set_apart(name, line):
    text = around(LINED[name], line)
    body, pieces = found(text)
    assert name in [piece.rule for piece in pieces]
    caught = "".join(piece.text for piece in pieces).strip()
    assert caught == line if LINED[name].takes is Takes.LINE else caught in line
    if LINED[name].takes is Takes.LINE:
        assert line not in body


LEAVES = [line for rule in LINED.values() for line in rule.leaves] + LEFT


@pytest.mark.parametrize("line", LEAVES, ids=lambda value: value[:40])
def test_prose_stays_wherever_it_stands(line):
    for text in (line, f"{line}\n\n{AFTER}", f"{BEFORE}\n\n{line}", f"{BEFORE}\n{line}\n{AFTER}"):
        assert found(text) == (text, [])


def test_every_rule_shows_what_it_catches_and_what_it_leaves():
    for name, rule in RULES.items():
        assert rule.about, name
        assert rule.catches, name
        assert rule.leaves, name
    assert {name for name, _ in CAUGHT} == set(LINED)


def test_no_rule_takes_long_over_any_line():
    lines = [
        "a" * 500, "1" * 500, "A " * 250, "1, " * 160, "By A" * 120, "photo: " * 70,
        "Facebook " * 55, "share " * 80, "Updated " + "1" * 80, "(Reuters) - " * 40,
        "newsletter " * 45, "copyright " * 50, "reporting by a; " * 30, "read more " * 50,
    ]  # fmt: skip
    for name, rule in LINED.items():
        for line in lines:
            started = time.process_time()
            rule.found_in(line[: rule.longest])
            assert time.process_time() - started < 0.2, (name, line[:20])


OWN_FILE = """\
version: "1.0"
rules:
  weather-box:
    about: The weather that the Bote prints below everything.
    words: [wetter]
    pattern: 'das wetter: .*'
    catches: ["Das Wetter: Regen"]
    leaves: ["Das Wetter war gut."]
"""


def write(tmp_path, text):
    path = tmp_path / "rules.yaml"
    path.write_text(text)
    return path


def test_rules_of_ones_own_stand_beside_the_packaged_ones(tmp_path):
    rules = load_rules(Boilerplate(rules=[write(tmp_path, OWN_FILE)]))
    assert list(rules) == [*RULES, "weather-box"]
    text = f"{BEFORE}\n\nDas Wetter: Regen in Varn\n\n{AFTER}"
    body, _ = BoilerplateFinder(rules).set_apart(pa.array([text], pa.large_string()))[0]
    assert body == f"{BEFORE}\n\n{AFTER}"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"Das Wetter: Regen"', '"Wetter: Regen"', "the pattern does not fit it"),
        ('"Das Wetter: Regen"', '"Das Klima: Regen"', "it has none of the words"),
        ("war gut.", "war gut.\", \"Das Wetter: gut", "must leave 'Das Wetter: gut', and catches"),
        ("'das wetter: .*'", "'das wetter: (.*'", "the pattern is no regular expression"),
        ("'das wetter: .*'", "'.*'", "the pattern fits an empty line"),
        ("weather-box", "share", "there is a rule of this name already"),
        ("catches:", "catchs:", "unknown key (did you mean 'catches'?)"),
        ('    leaves: ["Das Wetter war gut."]\n', "", "missing; this key is required"),
    ],
)  # fmt: skip
def test_a_rule_that_does_not_do_what_it_says_is_refused(tmp_path, old, new, message):
    assert old in OWN_FILE
    path = write(tmp_path, OWN_FILE.replace(old, new))
    with pytest.raises(ConfigError, match=re.escape(message)) as error:
        load_rules(Boilerplate(rules=[path]))
    assert str(error.value).startswith(f"{path}:")


def test_rules_can_be_left_out_by_name():
    rules = load_rules(Boilerplate(without=["dateline", "byline"]))
    assert set(RULES) - set(rules) == {"dateline", "byline"}
    with pytest.raises(ConfigError) as error:
        load_rules(Boilerplate(without=["datelin"]))
    assert str(error.value) == (
        "ingest.boilerplate.without: no rule 'datelin' (did you mean 'dateline'?)"
    )
    assert load_rules(Boilerplate(texts="none")) == {}


def test_rules_find_the_same_after_a_round_through_a_bundle():
    again = restore_rules(dump_rules(RULES))
    assert [rule.compiled for rule in again.values()] == [rule.compiled for rule in RULES.values()]
    for name, line in OWN:
        text = around(LINED[name], line)
        finder = BoilerplateFinder(again)
        assert finder.set_apart(pa.array([text], pa.large_string()))[0] == found(text)
