"""What a store may take, and which calls' messages it keeps.

Must not know: files, tables.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.classify.endings import UNREMARKABLE
from sipwatch.classify.outcomes import FAILURES

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord

GIBIBYTE: Final = 1 << 30
DEFAULT_SIZE: Final = 20 * GIBIBYTE
_ALL: Final = 1 << 32


class KeepMessages(StrEnum):
    """Whose messages are kept."""

    NONE = "none"
    TROUBLED = "troubled"
    ALL = "all"


class StoreSettings(NamedTuple):
    """Bounds: ``days`` of calls, of which the last ``message_days`` have messages; calls; bytes in all; of the spool.

    ``messages`` says whose are kept; of calls without trouble, the share ``sample`` of them all the same. What is
    None has no bound.
    """

    days: int | None = 30
    message_days: int | None = 7
    calls: int | None = 20_000_000
    size: int | None = DEFAULT_SIZE
    spool: int = GIBIBYTE
    messages: KeepMessages = KeepMessages.TROUBLED
    sample: float = 0.01


def is_troubled(record: CallRecord) -> bool:
    """Tell whether a call failed, ended oddly, or had anything to be explained."""
    return bool(
        record.outcome in FAILURES
        or record.conditions
        or record.findings
        or (record.ending is not None and record.ending not in UNREMARKABLE)
    )


def is_worth_keeping(record: CallRecord, settings: StoreSettings) -> bool:
    """Tell whether a call's messages are to be kept. Of the good ones always the same: the id draws the lot."""
    if settings.messages is not KeepMessages.TROUBLED:
        return settings.messages is KeepMessages.ALL
    return is_troubled(record) or int(record.id[:8], 16) < settings.sample * _ALL
