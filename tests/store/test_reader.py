"""Reading a store: in the order of time, page by page, while days come and go."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import msgspec
import pytest

from sipwatch.export.filters import compile_filter
from sipwatch.export.writers import encode
from sipwatch.store.days import StoreError
from sipwatch.store.ids import UnclearIdError
from sipwatch.store.reader import StoreReader
from sipwatch.store.wanted import Position, Wanted
from tests.each import for_each
from tests.export import records
from tests.export.records import at
from tests.replay import replay
from tests.store.conftest import DEMO

if TYPE_CHECKING:
    from pathlib import Path

    from sipwatch.export.record import CallRecord
    from tests.store.stored import Stored

DAY = 86_400


def days_of_calls(store: Stored, days: int = 3, calls: int = 200) -> list[str]:
    """Write so many calls on each of some days, two at each moment; return their ids, the oldest first."""
    made = [(f"{day:06x}{place:06x}", DAY * day + place // 2) for day in range(days) for place in range(calls)]
    store.put(*[records.call(id=one, started=at(when)) for one, when in made])
    return [one for one, _ in made]


def test_calls_come_in_the_order_of_time_over_all_days(store: Stored) -> None:
    ids = days_of_calls(store)
    reader = store.read()
    assert [one.record.id for one in reader.calls(Wanted(), oldest_first=True)] == ids
    assert [one.record.id for one in reader.calls(Wanted())] == ids[::-1]


def test_pages_one_after_the_other_are_the_whole_and_no_call_is_on_two(store: Stored) -> None:
    """Also where many began at one moment, and calls come in between two pages."""
    ids = days_of_calls(store, days=2, calls=150)
    reader = store.read()
    for oldest_first in (True, False):
        found: list[str] = []
        behind: Position | None = None
        while page := _page(reader, behind, oldest_first):
            found += [one for one, _ in page]
            behind = page[-1][1]
        assert found == (ids if oldest_first else ids[::-1])
    first = _page(reader, None, False)
    store.put(records.call(id="ffffffffffff", started=at(5 * DAY)))
    assert [one for one, _ in _page(reader, first[-1][1], False)] == ids[::-1][40:80]


def _page(reader: StoreReader, behind: Position | None, oldest_first: bool) -> list[tuple[str, Position]]:
    found = []
    for one in reader.calls(Wanted(keep=compile_filter('outcome == "busy"')), behind=behind, oldest_first=oldest_first):
        found.append((one.record.id, one.place))
        if len(found) == 40:
            break
    return found


def test_a_call_is_found_by_its_id_the_beginning_of_that_or_its_call_id(store: Stored) -> None:
    """Of several calls with one Call-ID the newest; letters of an id may be large."""
    store.put(
        records.call(id="aaaa00000001", call_id="one@x"),
        records.call(id="aaaa01000002", call_id="two@x", started=at(DAY)),
        records.call(id="bbbb00000003", call_id="one@x", started=at(2 * DAY)),
        records.call(id="cccc00000004", call_id="bbbb", started=at(3 * DAY)),
    )
    reader = store.read()
    for wanted, found in (
        ("aaaa00000001", "aaaa00000001"),
        ("AAAA00000001", "aaaa00000001"),
        ("aaaa00", "aaaa00000001"),
        ("aaaa01", "aaaa01000002"),
        ("one@x", "bbbb00000003"),
        ("bbbb", "cccc00000004"),
    ):
        one = reader.call(wanted)
        assert one is not None
        assert one.record.id == found
    for wanted in ("", "dddd", "aaaa02", "one", "'; --", "\x00", "%"):
        assert reader.call(wanted) is None


@for_each(
    "beginning, said",
    [
        ("a", "'a' names no single call: 24 calls begin so; give 6 digits of the id or more"),
        ("aaaaaa", "'aaaaaa' names no single call: 24 calls begin so; give 7 digits of the id or more"),
        ("bbbbb", "'bbbbb' names no single call: 1 call begins so; give 6 digits of the id or more"),
    ],
)
def test_a_beginning_of_several_ids_or_of_few_digits_is_no_call_but_a_list(
    store: Stored, beginning: str, said: str
) -> None:
    """On whatever days they are, the newest first and not too many: nobody is shown a stranger's call."""
    store.put(*[records.call(id=f"aaaaaa{n:06x}", started=at(n * DAY / 8)) for n in range(24)])
    store.put(records.call(id="bbbbb0000000"))
    with pytest.raises(UnclearIdError) as raised:
        store.read().call(beginning)
    assert str(raised.value) == said
    found = [one.record.id for one in raised.value.newest]
    assert found == ([f"aaaaaa{n:06x}" for n in range(23, 3, -1)] if beginning[0] == "a" else ["bbbbb0000000"])


def test_the_messages_of_a_call_come_as_they_came(demo: Stored) -> None:
    """Repeated ones are marked; the packets are those of the capture."""
    reader = demo.read()
    one = next(one for one in reader.calls(Wanted(keep=compile_filter('outcome == "not_responding"'))))
    kept = reader.messages(one.record)
    assert len(kept) == one.kept
    assert kept[0].message.raw.startswith(b"INVITE ")
    assert [each.message.time for each in kept] == sorted(each.message.time for each in kept)
    assert sum(each.again for each in kept) == one.record.retransmissions


def test_a_call_with_its_messages_is_the_call_that_a_replay_gives(demo: Stored) -> None:
    """Every key of every call of the demonstration, every message of it."""
    reader = demo.read()
    found = [reader.with_messages(one.record) for one in reader.calls(Wanted(), oldest_first=True)]
    replayed = replay(DEMO, config=DEMO.with_suffix(".toml").read_text(), keep_messages=True).calls
    assert {call.id: plain(call) for call in found} == {call.id: plain(call) for call in replayed}


def plain(call: CallRecord) -> object:
    """Return a call as JSON has it; a packet's number is not the store's, of several files there may be many."""
    return msgspec.json.decode(encode(call))


def test_a_day_that_is_let_go_of_meanwhile_is_as_if_it_had_never_been(store: Stored) -> None:
    days_of_calls(store, days=2, calls=2)
    reader = store.read()
    assert len(list(reader.calls(Wanted()))) == 4
    for path in store.folder.glob("2026-01-05.*"):
        path.unlink()
    assert len(list(reader.calls(Wanted()))) == 2
    calls = reader.calls(Wanted(), oldest_first=True)
    for path in store.folder.glob("2026-01-06.*"):
        path.unlink()
    assert list(calls) == []


def test_where_nothing_is_stored_it_is_said_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no calls are stored there; sipwatch live --store"):
        StoreReader(tmp_path)
    with pytest.raises(StoreError, match="cannot be read"):
        StoreReader(tmp_path / "nowhere")


def test_a_damaged_file_is_named(store: Stored) -> None:
    days_of_calls(store, days=1, calls=2)
    reader = store.read()
    store.close()
    path = store.folder / "2026-01-05.calls.sqlite"
    path.write_bytes(b"no database at all" * 1000)
    with pytest.raises(StoreError, match=r"2026-01-05.calls.sqlite: cannot be read: file is not a database"):
        list(reader.calls(Wanted()))


def test_a_file_of_before_it_was_told_which_calls_are_up_tells_of_none(store: Stored) -> None:
    """A reader changes no file."""
    store.put(records.call())
    with sqlite3.connect(store.folder / "2026-01-05.calls.sqlite") as connection:
        connection.executescript("DROP TABLE up; PRAGMA user_version = 1;")
    assert store.read().up(at(0), at(DAY), 10**9) == []


def test_what_is_written_from_now_on_is_given_once(store: Stored) -> None:
    """Also calls that began before others that are there already, and those of a new day."""
    store.put(records.call(), records.call(id="1" * 12, started=at(50)))
    store.put(records.call(id="4" * 12, started=at(-DAY)))
    reader = store.read()
    marks: dict[str, int] = {}
    assert reader.added(marks, 10) == []
    store.put(records.call(id="2" * 12, started=at(20)), records.call(id="3" * 12, started=at(DAY)))
    assert [one.record.id[0] for one in reader.added(marks, 10)] == ["2", "3"]
    assert reader.added(marks, 10) == []
    store.put(*[records.call(id=f"{n:012x}", started=at(DAY + n)) for n in range(100, 120)])
    assert len(reader.added(marks, 10)) == 10
    assert reader.added(marks, 10) == []  # the others are there all the same: who asks looks at the whole


def test_the_span_of_a_store_is_from_its_first_call_to_its_last(store: Stored) -> None:
    store.put(records.call(started=at(7)), records.call(id="1" * 12, started=at(DAY)), records.call(id="2" * 12))
    assert store.read().span() == (at(0), at(DAY))


def test_peers_are_those_that_calls_were_between(store: Stored) -> None:
    store.put(records.call(source="acme"), records.call(id="1" * 12, started=at(DAY), destination="phones"))
    assert store.read().peers() == {"acme", "phones", "other"}


def test_who_looks_can_stop_at_a_place_and_go_on_from_there(store: Stored) -> None:
    ids = days_of_calls(store)
    told: list[Position] = []

    def stop(place: Position) -> bool:
        told.append(place)
        return False

    reader = store.read()
    first = [one.record.id for one in reader.calls(Wanted(), go_on=stop)]
    rest = [one.record.id for one in reader.calls(Wanted(), behind=told[0])]
    assert 0 < len(first) < len(ids)
    assert first + rest == ids[::-1]


@for_each("wanted", ["\U0010ffff", "\ud7ff", "%", "_", "", "'", "\0", "x" * 10_000])
def test_an_id_that_is_none_finds_no_call(store: Stored, wanted: str) -> None:
    store.put(records.call())
    assert store.read().call(wanted) is None


def test_a_file_that_was_made_a_moment_ago_has_no_calls_yet(store: Stored) -> None:
    """At the first call of a day it is there before its tables are."""
    store.put(records.call())
    (store.folder / "2026-01-06.calls.sqlite").touch()
    reader = store.read()
    assert [one.record.id for one in reader.calls(Wanted())] == [records.call().id]
    assert len(list(reader.sums())) == 1
