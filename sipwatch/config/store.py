"""The call store, [store]: how much is kept for how long, and whose messages.

Must not know: files, tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sipwatch.budget import MEBIBYTE
from sipwatch.store.settings import DEFAULT_SIZE, KeepMessages, StoreSettings

if TYPE_CHECKING:
    from sipwatch.config.checks import Checks
    from sipwatch.config.lines import Where

STORE_KEYS: Final = ("days", "message_days", "calls", "size", "spool", "messages", "sample")
MAX_DAYS: Final = 3650
MIN_CALLS, MAX_CALLS = 1000, 10**9
MIN_SIZE, MAX_SIZE = 64 * MEBIBYTE, 1 << 50
MIN_SPOOL: Final = 16 * MEBIBYTE  # four of its segments
_WHERE: Final[Where] = ("store",)


def read_store(check: Checks, found: object) -> StoreSettings:
    """Return what [store] says. Raises ConfigError."""
    table = check.table(found, _WHERE)
    check.known(table, STORE_KEYS, _WHERE)
    default = StoreSettings()
    days = check.number(table, "days", 1, MAX_DAYS, _WHERE) or default.days
    sample = check.share(table, "sample", _WHERE)
    return StoreSettings(
        days,
        _message_days(check, table, days),
        check.number(table, "calls", MIN_CALLS, MAX_CALLS, _WHERE) or default.calls,
        check.size(table, (*_WHERE, "size"), DEFAULT_SIZE, MIN_SIZE, MAX_SIZE),
        check.size(table, (*_WHERE, "spool"), default.spool, MIN_SPOOL, MAX_SIZE),
        KeepMessages(check.one_of(table.get("messages", default.messages.value), KeepMessages, (*_WHERE, "messages"))),
        default.sample if sample is None else sample,
    )


def _message_days(check: Checks, table: dict[str, Any], days: int | None) -> int | None:
    """Return for how many days messages are kept: not longer than their calls."""
    asked = check.number(table, "message_days", 0, MAX_DAYS, _WHERE)
    if asked is not None and days is not None and asked > days:
        check.complain((*_WHERE, "message_days"), asked, f"not more than days = {days}: messages go with their calls")
    default = StoreSettings().message_days
    if asked is None:
        return default if days is None or default is None else min(default, days)
    return asked
