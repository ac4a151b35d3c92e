"""Who still waits for a call back: missed, marked as waiting, and not spoken to since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.report.html import unreached
from sipwatch.report.html.unreached import UnreachedCallers
from tests.export.records import answered, at, call

if TYPE_CHECKING:
    import pytest

WAITS = {"tags": ["waiting_callback"], "caller": "+49301234567", "source": "trunk"}


def waiting(*calls: object, region: str | None = "DE") -> list[tuple[str, int]]:
    known = UnreachedCallers(region)
    for one in calls:
        known.add(one)  # type: ignore[arg-type]
    return [(one.number, one.calls) for one in known.waiting()]


def test_who_called_in_vain_waits_once_however_often_he_called() -> None:
    known = UnreachedCallers()
    for n, seconds in enumerate((20, 0)):
        known.add(call("abandoned", id=f"c{n}", started=at(seconds), callee=f"line {n}", **WAITS))
    (one,) = known.waiting()
    assert (one.number, one.calls, one.first, one.last) == ("+49301234567", 2, at(0), at(20))
    assert (one.dialled, one.id, one.source) == ("line 0", "c0", "trunk")


def test_who_was_called_back_later_waits_no_more_however_his_number_was_written() -> None:
    back = answered(caller="201", callee="0301234567", answered=at(5000))
    missed = call("no_answer", **WAITS)
    assert waiting(missed, back) == waiting(back, missed) == []
    assert waiting(missed, answered(caller="0049301234567", callee="0800", answered=at(9000))) == []


def test_who_was_spoken_to_before_or_not_at_all_waits_on() -> None:
    missed = call("no_answer", started=at(100), **WAITS)
    assert waiting(missed, answered(callee="0301234567", answered=at(50))) == [("+49301234567", 1)]
    assert waiting(missed, call("busy", callee="0301234567")) == [("+49301234567", 1)]
    assert waiting(missed, answered(callee="0307654321", answered=at(500))) == [("+49301234567", 1)]


def test_his_own_number_inside_calls_nobody_back() -> None:
    """An agent called in from outside by his own number; what he says inside, or to others, is not with that caller."""
    known = UnreachedCallers("DE", frozenset({"trunk"}))
    known.add(call("no_answer", **WAITS))
    known.add(answered(caller="0301234567", source="phones", callee="0307", destination="trunk", answered=at(500)))
    known.add(answered(caller="0307", source="trunk", callee="0301234567", destination="phones", answered=at(500)))
    assert [one.number for one in known.waiting()] == ["+49301234567"]
    known.add(answered(caller="201", source="phones", callee="0301234567", destination="trunk", answered=at(600)))
    assert known.waiting() == []


def test_the_longest_waiting_stands_first() -> None:
    calls = [call("abandoned", started=at(n), tags=["waiting_callback"], caller=f"+4930765432{n}") for n in (2, 1)]
    assert [number for number, _ in waiting(*calls)] == ["+49307654321", "+49307654322"]


def test_whether_missed_calls_are_known_at_all_is_said() -> None:
    known = UnreachedCallers()
    known.add(call())
    assert not known.is_known
    known.add(call(tags=["called_back"]))
    assert known.is_known
    assert known.waiting() == []


def test_both_tables_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unreached, "MAX_WAITING", 2)
    monkeypatch.setattr(unreached, "MAX_SPOKEN_TO", 3)
    known = UnreachedCallers()
    for n in range(5):
        known.add(call("abandoned", tags=["waiting_callback"], caller=f"4930000000{n}"))
        known.add(answered(caller=f"4940000000{n}", callee=None))
    assert (len(known.waiting()), known.left_out) == (2, 3)
    assert len(known._spoken) == 3
