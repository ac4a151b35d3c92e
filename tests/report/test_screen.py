"""What every page at a terminal is made of: as wide as it may be, and never wider."""

from __future__ import annotations

import io

import pytest
from rich.text import Text

from sipwatch.report.screen import PIPED_WIDTH, Column, console, figures, fits, indented, print_list, table


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("columns", "width"),
    [("60", 60), ("200", 200), ("5", 20), ("0", PIPED_WIDTH), ("-3", PIPED_WIDTH), ("²", PIPED_WIDTH),
     ("9" * 40, PIPED_WIDTH), ("wide", PIPED_WIDTH), (None, PIPED_WIDTH)],
)  # fmt: skip
def test_a_pipe_is_as_wide_as_columns_says(columns: str | None, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)
    assert console(io.StringIO()).width == width
    assert console(io.StringIO(), 50).width == min(width, 50)


def test_a_terminal_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    monkeypatch.setenv("TERM", "xterm")
    assert console(Terminal()).width == 72


def printed(width: int, items: list[str]) -> list[str]:
    out = io.StringIO()
    target = console(out)
    target.width = width
    columns = (Column("What", one_piece=True), figures("Length"))
    print_list(target, items, columns, lambda item: (item, str(len(item))), lambda item: [Text(item), indented("x", 4)])
    return out.getvalue().splitlines()


def test_a_list_is_a_table_where_it_fits_and_paragraphs_where_not() -> None:
    item = "a" * 30
    assert printed(38, [item]) == [f"What{' ' * 28}Length", f"{item}{' ' * 6}30"]
    assert printed(37, [item]) == [item, "    x"]


def test_no_line_ends_with_blanks_where_nobody_looks_on() -> None:
    """Tables fill up their last column; a terminal may be coloured there."""
    for out, end in ((io.StringIO(), ""), (Terminal(), "    ")):
        rows = table("A", "B")
        rows.add_row("a", "b")
        rows.add_row("a", "bbbbb")
        console(out).print(rows)
        assert out.getvalue().splitlines()[1].replace("\x1b[0m", "") == f"a  b{end}"


def test_what_fits_is_measured_without_breaking_it() -> None:
    target = console(io.StringIO())
    rows = table("A", "B")
    rows.add_row("word " * 20, "")
    assert fits(target, rows)
    rows.add_row("word " * 40, "")
    assert not fits(target, rows)
