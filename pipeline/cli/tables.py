"""Numbers and tables as the commands print them."""


def aligned(rows: list[list[str]], *, count_first: bool = False) -> str:
    """Return rows as lines, the first column to the left and the others to the right.

    With `count_first` it is the other way round.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if bool(place) != count_first else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def interval(low: float | None, high: float | None, *, signed: bool = False) -> str:
    if low is None or high is None:
        return "–"
    return f"{low:+.3f} – {high:+.3f}" if signed else f"{number(low)} – {number(high)}"


def p_value(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}".replace("0.", ".", 1)
