import zipfile
from datetime import date, datetime
from pathlib import Path

import pytest
from openpyxl import Workbook

from pipeline.errors import DataError
from pipeline.ingest import limits

ROWS = [
    [None, None],
    ["id", "title", "text", "published", "score", "link"],
    [1, "One", "The ferries stay.", datetime(2031, 4, 17), 0.5, "x"],
    [2.0, 2031, "  Two.  ", datetime(2031, 4, 17, 10, 30), None, None],
    [None] * 6,
    ["c", "Three", "Dritte Straße – 😀", "17 April 2031", 3, "=A1"],
]


def save(path: Path, rows: list[list[object]] = ROWS, **more: list[list[object]]) -> None:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    for name, others in more.items():
        sheet = book.create_sheet(name)
        for row in others:
            sheet.append(row)
    book.save(path)


def test_rows_of_the_first_sheet_are_read_with_dates_as_dates(read, tmp_path) -> None:
    save(tmp_path / "a.xlsx", notes=[["x"]])

    result = read("a.xlsx")

    assert result.texts == ["The ferries stay.", "Two.", "Dritte Straße – 😀"]
    assert [row["id"] for row in result.rows] == ["1", "2", "c"]
    assert [row["title"] for row in result.rows] == ["One", "2031", "Three"]
    assert [row["published"] for row in result.rows] == [
        "2031-04-17", "2031-04-17T10:30:00", "2031-04-17",
    ]  # fmt: skip
    assert [row["place"] for row in result.rows] == [3, 4, 6]
    assert result.rows[0]["extra"] == '{"link":"x","score":0.5}'
    assert result.rejects == []


def test_a_sheet_is_read_by_its_name(read, tmp_path) -> None:
    save(tmp_path / "a.xlsx", Articles=[["text"], ["from the second"]])

    assert read({"path": "a.xlsx", "sheet": "Articles"}).texts == ["from the second"]
    with pytest.raises(DataError, match=r"no sheet 'articles'; its sheets are 'Sheet', 'Articles'"):
        read({"path": "a.xlsx", "sheet": "articles"})


def test_a_row_that_is_longer_than_the_header_is_a_reject(read, tmp_path) -> None:
    save(tmp_path / "a.xlsx", [["id", "text"], [1, "good"], [2, "bad", "more"]])

    result = read("a.xlsx")

    assert result.texts == ["good"]
    assert result.reasons == [(3, "a cell beyond the 2 columns that the header names")]


def test_a_header_that_names_a_column_twice_is_an_error(read, tmp_path) -> None:
    save(tmp_path / "a.xlsx", [["id", "text", "id"], [1, "x", 2]])

    with pytest.raises(DataError, match="names the column 'id' more than once"):
        read("a.xlsx")


@pytest.mark.parametrize("rows", [[], [["id", "text"]]])
def test_a_workbook_without_rows_has_no_articles(rows, read, tmp_path) -> None:
    save(tmp_path / "a.xlsx", rows)

    assert (read("a.xlsx").rows, read("a.xlsx").rejects) == ([], [])


def test_a_date_beside_other_kinds_of_cells_is_kept(read, tmp_path) -> None:
    save(tmp_path / "a.xlsx", [["text", "seen"], ["x", date(2031, 4, 17)], [True, None]])

    result = read("a.xlsx")

    assert result.rows[0]["extra"] == '{"seen":"2031-04-17"}'
    assert result.reasons == [(3, "'text' is true or false; it must be text")]


def spoil(path: Path, part: str, change) -> None:
    """Write the workbook again with one part changed."""
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    parts[part] = change(parts[part])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in parts.items():
            book.writestr(name, content)


SHEET = "xl/worksheets/sheet1.xml"
SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"


@pytest.mark.parametrize(
    ("part", "change", "reason"),
    [
        (SHEET, lambda part: part + bytes(80 << 20), "unpack to more than 200 times"),
        ("xl/styles.xml", lambda part: part + bytes(9 << 20), "styles.xml is larger than 8 MB"),
        (SHEET, lambda part: b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + part, "has a document type"),
        (SHEET, lambda part: part[:200], r"cannot be read on \("),
        ("xl/workbook.xml", lambda _: b"<a/>", r"cannot be read on \(|has no sheet"),
        ("[Content_Types].xml", lambda _: b"", r"cannot be read on \("),
    ],
)
def test_a_hostile_workbook_is_a_reject(part: str, change, reason: str, read, tmp_path) -> None:
    save(tmp_path / "a.xlsx")
    spoil(tmp_path / "a.xlsx", part, change)

    with pytest.raises(DataError, match=reason):
        read("a.xlsx")


@pytest.mark.parametrize("types", [["sharedStrings"], ["styles"], ["worksheet", "sharedStrings"]])
def test_only_what_is_stated_to_be_a_sheet_alone_is_larger_than_other_parts(
    types: list[str], read, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(limits, "SHEET_PART", 20_000)
    save(tmp_path / "a.xlsx", [["text"], ["x"]])
    spoil(tmp_path / "a.xlsx", SHEET, lambda part: part + b" " * 30_000)
    assert read("a.xlsx").texts == ["x"]

    with zipfile.ZipFile(tmp_path / "a.xlsx", "a") as book:
        book.writestr("xl/worksheets/strings.xml", "<sst/>" + " " * 30_000)
    stated = "".join(
        f'<Override PartName="/xl/worksheets/strings.xml" ContentType="{SPREADSHEET}.{one}+xml"/>'
        for one in types
    )
    spoil(
        tmp_path / "a.xlsx",
        "[Content_Types].xml",
        lambda part: part.replace(b"</Types>", f"{stated}</Types>".encode()),
    )
    with pytest.raises(DataError, match=r"its part xl/worksheets/strings\.xml is larger than"):
        read("a.xlsx")


def test_a_sheet_that_lies_about_its_size_costs_no_more_than_its_cells(read, tmp_path) -> None:
    save(tmp_path / "a.xlsx", [["text"], ["x"]])
    far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    spoil(
        tmp_path / "a.xlsx",
        SHEET,
        lambda part: part.replace(b'ref="A1:A2"', b'ref="A1:XFD1048576"').replace(
            b"</sheetData>", far.replace(b"1048576", b"2000")
        ),
    )

    assert read("a.xlsx").texts == ["x"]


def test_more_columns_than_tables_have_are_not_looked_at(read, tmp_path) -> None:
    names = ["text", *(f"c{number}" for number in range(limits.SHEET_COLUMNS))]
    save(tmp_path / "a.xlsx", [names, ["x"]])

    assert read("a.xlsx").texts == ["x"]
