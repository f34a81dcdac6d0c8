"""A table of pages as bytes, and the text that must come of each."""

import pytest

from pipeline.ingest import encodings

GERMAN = "Die Fähren von Pellow fahren wieder, sagte die Ministerin – «endlich» für 5 €."
POLISH = "Źródła mówią, że prom wróci na wyspę w środę, a most nie będzie zbudowany."
RUSSIAN = "Паромы возвращаются на остров, сказала министр в понедельник вечером в порту."
JAPANESE = "フェリーは島に戻ると大臣は月曜日の夕方に港で述べた。橋は建設されない。"
GREEK = "Τα πλοία επιστρέφουν στο νησί, είπε η υπουργός το βράδυ της Δευτέρας στο λιμάνι."
CHINESE = "渡轮将返回该岛，部长周一晚上在港口表示。这座桥将不会建造。"
KOREAN = "장관은 월요일 저녁 항구에서 페리가 섬으로 돌아올 것이라고 말했다."


def page(text: str, head: str = "", language: str = "") -> str:
    attribute = f" lang='{language}'" if language else ""
    return f"<html{attribute}><head>{head}</head><body><p>{text}</p></body></html>"


def meta(charset: str) -> str:
    return f"<meta charset='{charset}'>"


@pytest.mark.parametrize(
    ("text", "head", "charset", "outside", "language"),
    [
        # As it is declared, or as browsers understand what is declared.
        (GERMAN, meta("utf-8"), "utf-8", None, ""),
        (GERMAN, meta("iso-8859-1"), "cp1252", None, ""),
        (GERMAN, "<meta content='text/html; charset=windows-1252'>", "cp1252", None, ""),
        (POLISH, meta("iso-8859-2"), "iso-8859-2", None, ""),
        (RUSSIAN, meta("koi8-r"), "koi8-r", None, ""),
        (JAPANESE, meta("shift_jis"), "cp932", None, ""),
        (JAPANESE, meta("iso-2022-jp"), "iso-2022-jp", None, ""),
        (CHINESE, meta("gb2312"), "gb18030", None, ""),
        (KOREAN, meta("euc-kr"), "cp949", None, ""),
        # The HTTP header goes before the page.
        (RUSSIAN, meta("iso-8859-1"), "cp1251", "windows-1251", ""),
        # A byte order mark goes before all, and UTF-8 before what is declared.
        (GERMAN, meta("iso-8859-1"), "utf-8-sig", "koi8-r", ""),
        (JAPANESE, meta("iso-8859-1"), "utf-16", None, ""),
        (GERMAN, meta("iso-8859-1"), "utf-8", "iso-8859-1", ""),
        # What no page can mean, and what is no character set, does not count.
        (GERMAN, meta("utf-16"), "cp1252", None, ""),
        (GERMAN, meta("utf-7"), "cp1252", None, ""),
        (GERMAN, meta("unicode_escape"), "cp1252", None, ""),
        (GERMAN, meta("nonsense"), "cp1252", "rot13", ""),
        (RUSSIAN, meta("utf-8"), "cp1251", None, "ru"),
        # Undeclared: by the language of the page, else Western, else by the bytes.
        (POLISH, "", "iso-8859-2", None, "pl"),
        (GREEK, "", "iso-8859-7", None, "el-GR"),
        (RUSSIAN, "", "cp1251", None, "ru"),
        (JAPANESE, "", "cp932", None, "ja"),
        (GERMAN, "", "cp1252", None, ""),
        (GERMAN, "", "cp1252", None, "de"),
        (RUSSIAN, "", "cp1251", None, ""),
        (GREEK, "", "cp1253", None, ""),
    ],
)  # fmt: skip
def test_pages_are_decoded(text: str, head: str, charset: str, outside, language: str) -> None:
    whole = page(text * 3, head, language)

    assert encodings.decode(whole.encode(charset), outside) == whole


def test_a_few_bytes_of_another_character_set_do_not_cost_the_others() -> None:
    content = page(GERMAN * 3).encode() + "<p>Straße</p>".encode("cp1252")

    assert encodings.decode(content) == page(GERMAN * 3) + "<p>Straße</p>"


@pytest.mark.parametrize("content", [b"", b"\xff", b"\x81\x8d", bytes(range(256)), b"\xef\xbb\xbf"])
def test_every_page_has_some_text(content: bytes) -> None:
    assert isinstance(encodings.decode(content), str)


@pytest.mark.parametrize("text", [GERMAN, POLISH, RUSSIAN, JAPANESE, GREEK, "À la carte: Ã, ©, £5"])
def test_text_that_was_decoded_rightly_stays_as_it_is(text: str) -> None:
    assert encodings.mended(text) == text


@pytest.mark.parametrize("text", [GERMAN, POLISH, "L’été, c’est « bien »", "Ångström – “naïve”"])
def test_text_that_a_site_decoded_wrongly_is_put_right(text: str) -> None:
    broken = text.encode().decode("cp1252", errors="replace")
    if "\ufffd" not in broken:
        assert encodings.mended(broken) == text
