"""Which of a store's files go: by age, by the number of calls, by bytes; messages before calls, the oldest first.

Must not know: how files are removed, what is in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.store.days import day_after
from sipwatch.store.schema import CALLS, MESSAGES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sipwatch.store.days import DayFile
    from sipwatch.store.settings import StoreSettings


def outdated(files: Sequence[DayFile], settings: StoreSettings, today: str) -> list[DayFile]:
    """Return the files that are older than they may be; a day counts from its end, today not at all."""
    oldest = {CALLS: _oldest(today, settings.days), MESSAGES: _oldest(today, settings.message_days)}
    return [file for file in files if file.day < oldest[file.kind] or file.day < oldest[CALLS]]


def _oldest(today: str, days: int | None) -> str:
    return "" if days is None else day_after(today, -days)


def beyond(files: Sequence[DayFile], settings: StoreSettings, calls: Mapping[str, int], today: str) -> list[DayFile]:
    """Return the files that have to go for the others to be within the bounds of calls and bytes.

    ``calls`` says how many calls a day has. Today's files never go: of them as many calls are let go of one by one.
    """
    going: list[DayFile] = []
    left = sorted(files)
    if settings.size is not None:
        for kind in (MESSAGES, CALLS):
            for file in [file for file in left if file.kind == kind and file.day < today]:
                if sum(one.size for one in left) <= settings.size:
                    break
                going.append(file)
                left.remove(file)
    if settings.calls is not None:
        for day in sorted({file.day for file in left if file.day < today}):
            if sum(calls.get(each, 0) for each in {file.day for file in left}) <= settings.calls:
                break
            going += [file for file in left if file.day == day]
            left = [file for file in left if file.day != day]
    return going
