"""What to look for instead where a number has no call: all numbers that end so.

Must not know: HTTP, pages, terminals.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.store.days import TooLongError
from sipwatch.store.wanted import Number

if TYPE_CHECKING:
    from sipwatch.store.reader import StoreReader
    from sipwatch.store.wanted import Wanted

MAX_COUNTED: Final = 100  # calls


class EndingHint(NamedTuple):
    """What would find calls, as it is written (``*5386``), and how many: ``MAX_COUNTED`` says as many at least."""

    ending: str
    calls: int

    @property
    def words(self) -> str:
        """Say how many calls it would find."""
        least = " at least" if self.calls == MAX_COUNTED else ""
        how_many = "1 call is" if self.calls == 1 else f"{self.calls} calls{least} are"
        return f"{how_many} from or to a number that ends so"


def ending_hint(reader: StoreReader, wanted: Wanted) -> EndingHint | None:
    """Return what would find calls where none were found by a number, None if that finds none either, or takes long.

    Raises StoreError.
    """
    ending = None if wanted.number is None else wanted.number.ending
    if ending is None:
        return None
    asked = wanted._replace(number=Number(ending))
    try:
        found = sum(1 for _ in islice(reader.calls(asked), MAX_COUNTED))
    except TooLongError:
        return None
    return EndingHint(ending, found) if found else None
