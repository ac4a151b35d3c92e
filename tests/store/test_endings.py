"""What to look for instead where a number has no call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.store.days import TooLongError
from sipwatch.store.endings import MAX_COUNTED, ending_hint
from sipwatch.store.wanted import Number, Wanted
from tests.each import for_each
from tests.export import records
from tests.export.records import at

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from sipwatch.store.reader import StoreReader
    from tests.store.stored import Stored


def asked(number: str, since: int | None = None) -> Wanted:
    return Wanted(since, number=Number(number))


@for_each(
    "wanted, hint",
    [
        (asked("5386"), ("*5386", 2)),
        (asked("930-5386"), ("*9305386", 1)),
        (asked("5386", since=at(50)), ("*5386", 1)),
        (asked("5387"), None),
        (asked("*5387"), None),
        (Wanted(since=at(500)), None),
    ],
)
def test_a_number_without_its_beginning_is_found_by_its_end(
    store: Stored, wanted: Wanted, hint: tuple[str, int] | None
) -> None:
    """In the time that is asked for; nothing is proposed that finds nothing either."""
    if not any(store.folder.glob("*.calls.sqlite")):  # of the first row
        store.put(
            records.call(id="a" * 12, caller="+49309305386"), records.call(id="b" * 12, callee="15386", started=at(90))
        )
    assert ending_hint(store.read(), wanted) == hint


def test_not_all_calls_are_counted(store: Stored) -> None:
    store.put(*[records.call(id=f"{n:012x}", caller="+49309305386") for n in range(MAX_COUNTED + 10)])
    hint = ending_hint(store.read(), asked("5386"))
    assert hint is not None
    assert hint.words == "100 calls at least are from or to a number that ends so"
    assert hint._replace(calls=1).words == "1 call is from or to a number that ends so"


def test_where_it_takes_too_long_nothing_is_proposed(store: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put(records.call(caller="+49309305386"))
    reader: StoreReader = store.read()

    def slow(_: Wanted) -> Iterator[None]:
        raise TooLongError
        yield

    monkeypatch.setattr(reader, "calls", slow)
    assert ending_hint(reader, asked("5386")) is None
