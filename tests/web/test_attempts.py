"""What else there was between two numbers, whoever of them called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.web.attempts import attempts_around
from tests.export import records
from tests.export.records import at

if TYPE_CHECKING:
    from tests.store.stored import Stored

DAY = 86_400
A, B = "+49 30 555 0100", "030 555 0101"


def test_the_nearest_attempts_of_both_ways_are_found_in_order(store: Stored) -> None:
    this = records.call(id="f" * 12, caller="00493055501 00", callee=B, started=at(1000))
    store.put(
        *[records.call(id=f"{n:012x}", caller=A, callee=B, started=at(100 * n)) for n in range(5)],
        this,
        records.call(id="a" * 12, caller=B, callee=A, started=at(1010)),
        records.call(id="b" * 12, caller=A, callee="999", started=at(1020)),
        records.call(id="c" * 12, caller=A, callee=A, started=at(1030)),
        records.call(id="d" * 12, caller=A, callee=B, started=at(1000 + 8 * DAY)),
    )
    found = attempts_around(store.read(), this, "DE")
    assert [one.record.id for one in found.before] == [f"{n:012x}" for n in (2, 3, 4)]
    assert [one.record.id[0] for one in found.after] == ["a"]
    assert found.why_not == ""


def test_why_there_are_none_is_said(store: Stored) -> None:
    call = records.call()
    store.put(call)
    reader = store.read()
    assert attempts_around(reader, call, None).why_not == "None within a week before or after."
    nameless = records.call(caller="anonymous")
    assert attempts_around(reader, nameless, None).why_not == "One of the two has no number by which calls are found."
