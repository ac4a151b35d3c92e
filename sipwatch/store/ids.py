"""How people name a call: by its id, by the beginning of that, or by its Call-ID.

Must not know: files, connections.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sipwatch.store.sql import Clause

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sipwatch.store.reader import Stored

MIN_BEGINNING: Final = 6  # hex digits: of fewer, a slip of the finger may well be another call's
MAX_NAMED: Final = 20  # calls that are given where several are meant
_BEGINNING: Final = re.compile("[0-9a-f]{1,11}")


class UnclearIdError(Exception):
    """A beginning is that of several ids, or too short to name a call; one line says so.

    ``newest`` are the newest calls whose ids begin so, ``MAX_NAMED`` at most.
    """

    def __init__(self, beginning: str, count: int, newest: Sequence[Stored]) -> None:
        what = "1 call begins so" if count == 1 else f"{count:,} calls begin so"
        least = MIN_BEGINNING if len(beginning) < MIN_BEGINNING else len(beginning) + 1
        super().__init__(f"{beginning!r} names no single call: {what}; give {least} digits of the id or more")
        self.newest = newest


def exactly(named: str) -> tuple[Clause, ...]:
    """Return what holds of the calls with an id, and of those with a Call-ID."""
    return Clause("id = ?", (named.lower(),)), Clause("call_id = ?", (named,))


def begins_so(named: str) -> Clause | None:
    """Return what holds of the calls whose id begins so, None for what no id begins with."""
    beginning = named.lower()
    if not _BEGINNING.fullmatch(beginning):
        return None
    return Clause("id >= ? AND id < ?", (beginning, f"{beginning}g"))  # what stands behind f
