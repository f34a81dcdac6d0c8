import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config import PersonalData
from pipeline.preparation.masking import Masker, _joined

EMAIL, PHONE, URL, HANDLE = (
    PersonalData.EMAIL, PersonalData.PHONE, PersonalData.URL, PersonalData.HANDLE,
)  # fmt: skip

CATCHES = [
    (EMAIL, "Write to ada.wien@mail.harbour.example today.",
            "Write to xxx.xxxx@xxxx.xxxxxxx.xxxxxxx today."),
    (EMAIL, "<ben+news@x-y.example>", "<xxx+xxxx@x-x.xxxxxxx>"),
    (EMAIL, "jörg.müller2@straße.example", "xxxx.xxxxxx0@xxxxxx.xxxxxxx"),
    (EMAIL, "ada (at) mail (dot) example", "xxx (at) xxxx (xxx) xxxxxxx"),
    (EMAIL, "ada[at]mail.example", "xxx[at]xxxx.xxxxxxx"),
    (EMAIL, "E-mail her: ada at mail dot example.", "E-mail her: xxx at xxxx xxx xxxxxxx."),
    (PHONE, "+49 30 901820-0", "+00 00 000000-0"),
    (PHONE, "Call +44 (0)20 7946 0018 now", "Call +00 (0)00 0000 0000 now"),
    (PHONE, "0049 30 901820", "0000 00 000000"),
    (PHONE, "+15550100199", "+00000000000"),
    (PHONE, "+33 1 42 68 53 00", "+00 0 00 00 00 00"),
    (PHONE, "020 7946 0018.", "000 0000 0000."),
    (PHONE, "030/901820, or", "000/000000, or"),
    (PHONE, "(030) 901820-12", "(000) 000000-00"),
    (PHONE, "0171-1234567", "0000-0000000"),
    (PHONE, "(0171) 123 45 67", "(0000) 000 00 00"),
    (PHONE, "(555) 010-0199", "(000) 000-0000"),
    (PHONE, "555.010.0199", "000.000.0000"),
    (PHONE, "1-800-555-0199", "0-000-000-0000"),
    (PHONE, "01 42 68 53 00", "00 00 00 00 00"),
    (PHONE, "02079460018", "00000000000"),
    (PHONE, "Tel. 901820", "Tel. 000000"),
    (PHONE, "Tel. 030/901820", "Tel. 000/000000"),
    (PHONE, "Telefon: 0 30 / 90 18 20", "Telefon: 0 00 / 00 00 00"),
    (PHONE, "phone 555-0199", "phone 000-0000"),
    (HANDLE, "Follow @ada_wien2.", "Follow @xxx_xxxx0."),
    (HANDLE, "„@varn_news“", "„@xxxx_xxxx“"),
    (HANDLE, "@ada@social.example", "@xxx@xxxxxx.xxxxxxx"),
    (HANDLE, "https://social.example/@ada", "https://social.example/@xxx"),
    (URL, "https://ada:secret@mail.example/inbox", "https://xxx:xxxxxx@mail.example/inbox"),
    (URL, "https://x.example/a?session=abc123&utm_source=news.",
          "https://x.example/a?session=xxx000&utm_source=xxxx."),
    (URL, "https://x.example/r/550e8400-e29b-41d4-a716-446655440000",
          "https://x.example/r/000x0000-x00x-00x0-x000-000000000000"),
    (URL, "(https://x.example/t/a1b2c3d4e5f6a7b8c9)", "(https://x.example/t/x0x0x0x0x0x0x0x0x0)"),
    (URL, "https://x.example/#access_token=abc", "https://x.example/#access_token=xxx"),
    (URL, "www.x.example/?q=ada+wien", "www.x.example/?q=xxx+xxxx"),
    (URL, "http://x.example/a?abc", "http://x.example/a?xxx"),
]  # fmt: skip

LEAVES = [
    "They met at noon.", "She looked at the dot on the map.", "Buy it at amazon dot com.",
    "5 apples @ 3 crowns", "user@", "meet @ noon", "the (at) sign", "@", "@5", "a@b",
    "2031-04-17", "17.04.2031", "17/04/2031", "03-05-2031", "9/11/2001", "2031/12345",
    "the years 2024-2025", "1998–2002", "Phone sales rose 2024-2025", "since 1987 or 1988",
    "won 3-2 and 21-14", "6-4 6-3 7-6", "218-212", "a ratio of 1000 2000 3000",
    "1,234,567 crowns", "1.234.567,89 Euro", "1 234 567 inhabitants", "12,000-15,000",
    "50 000 000", "100 000 000 dollars", "from 100 200 to 300 400 crowns", "20 000 to 30 000",
    "The phone cost 1299 crowns", "+1.5 to +2.5", "+12,000", "-40 to -20", "0.171 1234567",
    "ISBN 978-3-16-148410-0", "ISBN 0-306-40615-2", "ISBN 0306406152", "ISBN-13: 9783161484100",
    "10:30-11:45", "20.15–21.45 Uhr", "192.168.10.1", "call 911", "007 agents",
    "4 8 15 16 23 42", "04 08 15 16 23 42", "1000-2000-3000",
    "https://x.example/2031/04/17/minister-says-no-to-the-levy-2", "www.harbour.example",
    "https://x.example/#comments", "https://x.example/story/12345678", "https://x.example/",
    "https://x.example/thevoyageofthesaltferries", "Why? And see x.example?",
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "masked"), CATCHES, ids=lambda value: str(value)[:30])
def test_what_leads_to_a_person_is_masked(kind, text, masked):
    masker = Masker([kind])
    assert masker.mask(text) == masked
    assert masker.counts == {kind: 1}


@pytest.mark.parametrize("text", LEAVES)
def test_what_only_looks_like_it_stays(text):
    masker = Masker(list(PersonalData))
    assert masker.mask(text) == text
    assert not masker.counts


def test_nothing_is_masked_that_is_not_asked_for():
    text = " ".join(text for _, text, _ in CATCHES)
    assert Masker([]).mask(text) == text


PARTS = st.lists(
    st.one_of(
        st.sampled_from([text for _, text, _ in CATCHES] + LEAVES),
        st.text(st.sampled_from("ab1 @.:/?#+-(){}[]é\u0308👍\n0"), max_size=12),
    ),
    max_size=6,
)


@settings(deadline=None)
@given(PARTS.map(" ".join), st.sets(st.sampled_from(list(PersonalData))))
def test_a_mask_is_as_long_as_what_it_hides_and_stays_as_it_is(text, kinds):
    masked = Masker(list(kinds)).mask(text)
    assert len(masked) == len(text)
    for one, other in zip(text, masked, strict=True):
        assert one == other or other in "x0"
    again = Masker(list(kinds))
    assert again.mask(masked) == masked
    assert not again.counts


@pytest.mark.parametrize(
    "text",
    ["1" * 50_000, "+1" * 20_000, "a" * 50_000 + "@", "@a" * 20_000, "a.b" * 20_000 + "@",
     "tel " * 10_000, "(" * 20_000 + "at", "https://" + "a/" * 20_000, "0 1" * 20_000,
     "mail " * 5_000 + " at x dot "],
    ids=lambda text: text[:8],
)  # fmt: skip
def test_no_text_takes_long(text):
    started = time.process_time()
    Masker(list(PersonalData)).mask(text)
    assert time.process_time() - started < 2


# 300 KB each; a look from each number at all others takes minutes.
@pytest.mark.slow
@pytest.mark.timeout(60)
@pytest.mark.parametrize("number", ["030/901820, ", "Tel. 030 901820; "])
def test_a_long_line_of_numbers_is_masked_whole(number):
    text = number * (300_000 // len(number))
    hidden = "".join("0" if one.isdigit() else one for one in text)
    assert Masker([PHONE]).mask(text) == hidden


@given(
    st.sets(
        st.tuples(st.integers(0, 30), st.integers(1, 9)).map(lambda at: (at[0], at[0] + at[1])),
        max_size=12,
    )
)
def test_spans_that_overlap_are_one_and_all_places_stay(spans):
    joined = list(_joined(sorted(spans)))
    assert [place for start, end in joined for place in range(start, end)] == sorted(
        {place for start, end in spans for place in range(start, end)}
    )
    starts = {start for start, _ in spans if not any(a < start < b for a, b in spans)}
    assert {start for start, _ in joined} == starts


def test_texts_in_json_are_masked_and_names_and_numbers_are_not():
    extra = {"author@x.example": {"mail": ["ada@x.example", 49_30_901820, None]}, "n": "é"}
    masked = Masker([EMAIL]).mask_json(json.dumps(extra))
    assert json.loads(masked) == {
        "author@x.example": {"mail": ["xxx@x.xxxxxxx", 49_30_901820, None]},
        "n": "é",
    }
