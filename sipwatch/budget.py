"""How the memory that the engine may take is shared out among the kinds of tables, in bytes.

Must not know: any table. What a table's entry takes is said where the table is.
"""

from __future__ import annotations

from typing import NamedTuple

MEBIBYTE = 1 << 20
DEFAULT_MEMORY = 256 * MEBIBYTE
MIN_MEMORY = 32 * MEBIBYTE  # below this no kind would have room for an ordinary minute
MAX_MEMORY = 1 << 40
_MAX_DIGITS = 9
_UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "kB": 10**3, "MB": 10**6, "GB": 10**9}


class Budget(NamedTuple):
    """Bytes for each kind of table.

    ``calls`` are calls with their legs and texts; ``registrations`` transactions of REGISTER and OPTIONS, and bindings;
    ``paths`` who talks to whom, and who was heard; ``streams`` what TCP and fragments buffer, and recent datagrams;
    ``memories`` what findings look back at; ``series`` the figures of pairs of peers.
    """

    calls: int
    registrations: int
    paths: int
    streams: int
    memories: int
    series: int


def shared_out(memory: int) -> Budget:
    """Return the budget of so many bytes: half for calls, a tenth for each other kind."""
    tenth = memory // 10
    return Budget(5 * tenth, tenth, tenth, tenth, tenth, tenth)


def read_size(text: str) -> int | None:
    """Read a size such as ``256 MiB``, in bytes; None for what is none."""
    number = text.rstrip("kKMGiB")
    unit, number = text[len(number) :], number.strip()
    if unit not in _UNITS or not (number.isascii() and number.isdigit()) or len(number) > _MAX_DIGITS:
        return None
    return int(number) * _UNITS[unit]


def written_size(size: int) -> str:
    """Write a size in the largest binary unit that holds it exactly."""
    for unit in ("GiB", "MiB", "KiB"):
        if size % _UNITS[unit] == 0:
            return f"{size // _UNITS[unit]} {unit}"
    return f"{size} bytes"


DEFAULT_BUDGET = shared_out(DEFAULT_MEMORY)
