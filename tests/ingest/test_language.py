import json

import pytest

from pipeline import config, ingest
from pipeline.errors import ConfigError, DataError
from pipeline.ingest.language import detected, language_code

ENGLISH = "The council of the island met at noon and voted for the new levy on salt."
GERMAN = "Der Rat der Insel trat am Mittag zusammen und stimmte für die neue Abgabe auf Salz."
FRENCH = "Le conseil de l'île s'est réuni à midi et a voté pour la nouvelle taxe sur le sel."


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.mark.parametrize(
    ("declared", "code"),
    [
        ("en", "en"), ("en-GB", "en"), ("en_US", "en"), ("EN", "en"), ("English", "en"),
        ("eng", "en"), (" de-AT ", "de"), ("Deutsch", "de"), ("German (Austria)", "de"),
        ("ger", "de"), ("zh-Hant-TW", "zh"), ("nb", "no"), ("nn-NO", "no"), ("français", "fr"),
        ("eo", "eo"), ("klingon", "klingon"),
    ],
)  # fmt: skip
def test_a_language_is_known_however_it_is_declared(declared, code):
    assert language_code(declared) == code


@pytest.mark.slow
@pytest.mark.parametrize(
    ("title", "text", "code"),
    [
        (None, ENGLISH, "en"), (None, GERMAN, "de"), (None, FRENCH, "fr"),
        ("Der Rat der Insel stimmt für die neue Abgabe auf Salz", "Ja.", "de"),
        (None, "Yes.", None), (None, "12 34", None), (None, "👍", None), (None, "Ansel", None),
    ],
)  # fmt: skip
def test_the_model_says_what_it_is_sure_of(title, text, code):
    assert detected(title, text) == code


@pytest.mark.slow
def test_only_the_wanted_languages_stay_and_unsure_ones_do(read, tmp_path):
    rows = [
        {"id": "declared", "text": ENGLISH, "language": "en-GB"},
        {"id": "detected", "text": GERMAN},
        {"id": "short", "text": "Ansel"},
        {"id": "french", "text": FRENCH},
        {"id": "told", "text": ENGLISH, "language": "French"},
    ]
    write(tmp_path / "a.jsonl", *rows)
    found = read("a.jsonl", languages=["English", "de"], max_rejects=0)
    assert [(row["id"], row["language"], row["language_from"]) for row in found.rows] == [
        ("declared", "en-GB", "declared"), ("detected", "de", "detected"), ("short", None, None),
    ]  # fmt: skip
    assert found.reasons == [
        (4, "language is 'fr' (detected); asked for: de, en"),
        (5, "language is 'French' (declared); asked for: de, en"),
    ]
    assert {reject.kind for reject in found.rejects} == {ingest.RejectKind.LANGUAGE}


def test_other_languages_do_not_count_as_rows_that_cannot_be_read(read, tmp_path):
    french = [{"text": f"{number}", "language": "fr"} for number in range(3)]
    write(tmp_path / "a.jsonl", *french, {"text": "good", "language": "en"}, {"text": ""})
    with pytest.raises(DataError, match="1 row cannot be read"):
        read("a.jsonl", languages=["en"], max_rejects=0)
    assert read("a.jsonl", languages=["en"], max_rejects=1).texts == ["good"]


def test_a_copy_in_another_language_is_of_another_language_too(read, tmp_path):
    french = {"id": "one", "text": FRENCH, "language": "fr"}
    german = {"text": GERMAN, "language": "de"}
    english = {"id": "one", "text": ENGLISH, "language": "en"}
    write(tmp_path / "a.jsonl", french, french, german, german, english)
    found = read("a.jsonl", languages=["en"], max_rejects=0)
    assert {reject.kind for reject in found.rejects} == {ingest.RejectKind.LANGUAGE}
    assert [place for place, _ in found.reasons] == [1, 2, 3, 4]
    assert found.texts == [ENGLISH]


def test_no_language_is_looked_for_unless_it_is_asked_for(read, tmp_path):
    write(tmp_path / "a.jsonl", {"text": GERMAN})
    (row,) = read("a.jsonl").rows
    assert (row["language"], row["language_from"]) == (None, None)


@pytest.mark.slow
def test_the_language_can_be_found_for_all(read, tmp_path):
    write(tmp_path / "a.jsonl", {"text": GERMAN}, {"text": ENGLISH, "language": "en"})
    rows = read("a.jsonl", detect_language=True).rows
    assert [(row["language"], row["language_from"]) for row in rows] == [
        ("de", "detected"), ("en", "declared"),
    ]  # fmt: skip


@pytest.mark.slow
def test_a_language_that_nobody_knows_is_refused(tmp_path):
    write(tmp_path / "a.jsonl", {"text": "good"})
    section = config.Ingest.model_validate(
        {"root": tmp_path, "sources": [{"path": "a.jsonl"}], "languages": ["englisch-"]}
    )
    with pytest.raises(ConfigError) as error:
        ingest.read_sources(section)
    assert str(error.value) == (
        "ingest.languages: 'englisch-' is no language that is known; write a code such as en"
    )
