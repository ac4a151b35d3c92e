"""The messages of a selection of calls, as many as a capture file of them takes.

Must not know: formats, pages, commands.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from sipwatch.store.reader import StoreReader
    from sipwatch.store.spool import Kept
    from sipwatch.store.wanted import Wanted

MAX_CALLS: Final = 500  # of a capture file
MAX_BYTES: Final = 64 << 20  # of their messages


class SelectedMessages(NamedTuple):
    """Messages of calls, of how many calls there are none, and whether older calls had no room."""

    messages: list[Kept]
    without: int
    cut: bool

    @property
    def why_none(self) -> str:
        """Say why there is no message at all, as far as the store knows."""
        if self.without:
            these = "this call" if self.without == 1 else f"these {self.without:,} calls"
            return (
                f"No packets are kept of {these}: [store] messages says of which they are, and message_days how long."
            )
        return "The newest of these calls is too large for a capture file." if self.cut else "No call matches."

    @property
    def what_is_missing(self) -> str:
        """Say what lacks in a capture file of the messages, "" where nothing does."""
        calls = "1 of the calls has" if self.without == 1 else f"{self.without:,} of the calls have"
        cut = f"older calls are left out: a capture file takes {MAX_CALLS} calls and {MAX_BYTES >> 20} MiB"
        return "; ".join(
            [*([f"{calls} no packets that are kept"] if self.without else []), *([cut] if self.cut else [])]
        )


def selected_messages(reader: StoreReader, wanted: Wanted, most: int | None = None) -> SelectedMessages:
    """Return the messages of the newest calls that are wanted, ``most`` at most, within bounds. Raises StoreError."""
    found: list[Kept] = []
    without = size = 0
    for place, one in enumerate(islice(reader.calls(wanted), most)):
        if place == MAX_CALLS:
            return SelectedMessages(found, without, cut=True)
        messages = [kept.message for kept in reader.messages(one.record)] if one.kept else []
        size += sum(len(message.raw) for message in messages)
        if size > MAX_BYTES:
            return SelectedMessages(found, without, cut=True)
        without += not messages
        found += messages
    return SelectedMessages(found, without, cut=False)
