"""What every page at a terminal is made of: its width and colours, plain tables, and lists that fit.

Must not know: what is shown. Text that a stranger wrote has been escaped before it comes here.
"""

from __future__ import annotations

import os
import re
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

from rich.console import Console, Group
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeVar

    from rich.console import RenderableType

    _T = TypeVar("_T")

PIPED_WIDTH = 110  # columns when nobody says how wide the output is
FAINT = "bright_black"
_NARROWEST = 20
_SIZES = ("COLUMNS", "LINES")
_MAX_SIZE_DIGITS = 6
_BLANKS_AT_END = re.compile(r" +$", re.MULTILINE)


class _Trimmed:
    """A text stream on which no line ends with blanks: tables fill up their last column with them."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out

    def __getattr__(self, name: str) -> Any:
        return getattr(self._out, name)

    def write(self, text: str) -> int:
        """Write whole lines, as consoles do."""
        return self._out.write(_BLANKS_AT_END.sub("", text))


class _Console(Console):
    """A console that leaves a broken pipe to the command line: a reader that has seen enough is no failure."""

    def on_broken_pipe(self) -> None:
        """Raise it, where rich would exit with status 1."""
        raise BrokenPipeError


def console(out: IO[str], widest: int | None = None) -> Console:
    """Return a console on a text stream, as wide as COLUMNS says, the terminal is, or a page is wide.

    There are colours only on a terminal, and none where NO_COLOR is set; elsewhere no line ends with blanks.
    """
    # What rich takes for a number need not be one.
    environment = {name: value for name, value in os.environ.items() if name not in _SIZES or _is_size(value)}
    width = None if out.isatty() or "COLUMNS" in environment else PIPED_WIDTH
    stream = out if out.isatty() else cast("IO[str]", _Trimmed(out))
    made = _Console(file=stream, highlight=False, markup=False, emoji=False, width=width, _environ=environment)
    made.width = max(_NARROWEST, made.width if widest is None else min(made.width, widest))
    return made


def _is_size(value: str) -> bool:
    return value.isdecimal() and 0 < len(value) <= _MAX_SIZE_DIGITS and int(value) > 0


class Column(NamedTuple):
    """A column of a table: figures stand to the right, and what is in one piece is not broken into lines."""

    heading: str = ""
    right: bool = False
    one_piece: bool = False


def figures(heading: str) -> Column:
    """Return a column of figures."""
    return Column(heading, right=True, one_piece=True)


def table(*columns: Column | str) -> Table:
    """Return an empty table without lines; a column given by its heading alone breaks where it must."""
    made = Table(box=None, pad_edge=False, header_style=FAINT)
    for column in columns:
        heading, right, one_piece = Column(column) if isinstance(column, str) else column
        made.add_column(heading, justify="right" if right else "left", no_wrap=one_piece, overflow="fold")
    return made


def fits(target: Console, what: RenderableType) -> bool:
    """Tell whether something can be shown without breaking any of its lines."""
    endless = target.options.update(width=10 ** (_MAX_SIZE_DIGITS - 1))
    return Measurement.get(target, endless, what).maximum <= target.width


def indented(text: Text | str, columns: int, style: str = "") -> Padding:
    """Return text whose every line stands this far to the right, however narrow the page."""
    return Padding(Text(text, style) if isinstance(text, str) else text, (0, 0, 0, columns), expand=False)


def print_list(
    target: Console,
    items: Sequence[_T],
    columns: Sequence[Column | str],
    cells: Callable[[_T], Iterable[RenderableType]],
    lines: Callable[[_T], Sequence[RenderableType]],
    style: Callable[[_T], str] = lambda _: "",
) -> bool:
    """Print items as a table with a line for each where that fits, else as a paragraph of ``lines`` for each.

    Tell whether it is a table, whose headings say what stands in it.
    """
    if print_fitting(target, items, columns, cells, style):
        return True
    for item in items:
        target.print(Group(*lines(item)), style=style(item))
    return False


def print_fitting(
    target: Console,
    items: Sequence[_T],
    columns: Sequence[Column | str],
    cells: Callable[[_T], Iterable[RenderableType]],
    style: Callable[[_T], str] = lambda _: "",
) -> bool:
    """Print items as a table with a line for each, and tell whether that fitted: else nothing is printed."""
    rows = table(*columns)
    for item in items:
        rows.add_row(*cells(item), style=style(item))
    if fits(target, rows):
        target.print(rows)
        return True
    return False
