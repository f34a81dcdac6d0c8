from pipeline.quotations import is_quoted, quoted_spans


def quoted(text: str) -> list[str]:
    return [text[start:end] for start, end in quoted_spans(text)]


def test_straight_curly_and_angled_marks_quote():
    assert quoted('He said "no". She said “yes”, „nein“ and «non».') == [
        '"no"', "“yes”", "„nein“", "«non»",
    ]  # fmt: skip


def test_apostrophes_do_not_quote():
    assert quoted("The union's leader didn't speak of the 'pact'.") == []


def test_a_quotation_without_an_end_ends_with_its_paragraph():
    assert quoted("“It goes on\n“and on,” she said.") == ["“It goes on", "“and on,”"]


def test_a_span_is_quoted_only_if_the_marks_hold_all_of_it():
    text = 'The Salt Pact is "a danger to the Salt Pact".'
    marks = quoted_spans(text)
    first, second = text.index("Salt"), text.rindex("Salt")
    assert not is_quoted((first, first + 9), marks)
    assert is_quoted((second, second + 9), marks)
