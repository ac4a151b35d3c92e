"""Whose messages are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sipwatch.export.record import FindingRecord
from sipwatch.store.settings import KeepMessages, StoreSettings, is_worth_keeping
from tests.each import for_each
from tests.export import records
from tests.export.records import words

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord

NOTHING = StoreSettings(sample=0)


@for_each(
    "call, kept",
    [
        (records.call("busy"), True),
        (records.call("no_progress"), True),
        (records.call("abandoned"), True),
        (records.answered(), False),
        (records.call("answered_elsewhere"), False),
        (records.answered(ending="no_bye"), True),
        (records.answered(ending="capture_end"), False),
        (records.answered(conditions=[records.condition()]), True),
        (records.answered(findings=[FindingRecord("loss", words("a"), words("b"), [])]), True),
    ],
    ids=lambda row: f"{row[0].outcome}-{row[0].ending}",
)
def test_all_that_failed_or_was_troubled_is_kept(call: CallRecord, kept: bool) -> None:
    assert is_worth_keeping(call, NOTHING) is kept


def test_all_are_kept_on_request_and_none_on_request() -> None:
    assert is_worth_keeping(records.answered(), StoreSettings(messages=KeepMessages.ALL))
    assert not is_worth_keeping(records.call("busy"), StoreSettings(messages=KeepMessages.NONE))


def test_of_the_good_ones_a_sample_is_kept_always_the_same() -> None:
    """By the id: of 1,000 with ids evenly spread from 0 on a tenth, and the same again."""
    calls: list[Any] = [records.answered(id=f"{number * 4_294_967:08x}0000") for number in range(1000)]
    tenth = StoreSettings(sample=0.1)
    kept = [call.id for call in calls if is_worth_keeping(call, tenth)]
    assert len(kept) == 101
    assert kept == [call.id for call in calls if is_worth_keeping(call, tenth)]
