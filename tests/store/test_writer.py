"""The writer: what happened is on disk within a second or two, and whatever the disk does, the capture goes on."""

from __future__ import annotations

import sqlite3
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

import pytest

from sipwatch.classify.peers import Callback, Peer, PeerKind, Settings
from sipwatch.engine import Engine
from sipwatch.packet import MINUTE, SECOND
from sipwatch.store import writer as writer_module
from sipwatch.store.book import Book
from sipwatch.store.days import StoreError, begin_of
from sipwatch.store.reader import UpSum
from sipwatch.store.schema import CALLS, MESSAGES, MIGRATIONS
from sipwatch.store.settings import StoreSettings
from sipwatch.store.spool import Spool
from sipwatch.store.wanted import Wanted
from tests.conversation import messages, nanoseconds
from tests.export import records
from tests.export.records import START, at
from tests.store.stored import EVERYTHING, Stored
from tests.test_daemon import PCAPS
from tests.track.registering import said

if TYPE_CHECKING:
    from collections.abc import Callable

    Stores = Callable[..., Stored]

DAY = 86_400


def full(*_: object, **__: object) -> None:
    raise sqlite3.OperationalError("database or disk is full")


# What is kept


def test_of_a_call_that_failed_the_messages_are_kept_and_of_a_good_one_not(stores: Stores) -> None:
    store = stores(EVERYTHING._replace(messages=StoreSettings().messages, sample=0.0))
    store.capture(PCAPS / "demo.pcap")
    kept = dict(store.ask("SELECT outcome, sum(kept) FROM calls GROUP BY outcome"))
    assert kept["busy"] > 0
    assert kept["not_responding"] > 0
    assert store.ask("SELECT sum(kept) FROM calls WHERE outcome = 'answered' AND ending = 'normal' AND number NOT IN"
                     " (SELECT call FROM findings UNION SELECT call FROM conditions)") == [(0,)]  # fmt: skip
    assert store.ask("SELECT count(*) FROM messages", kind="messages") == [(sum(kept.values()),)]


def test_the_spool_holds_nothing_once_all_calls_are_over(store: Stored) -> None:
    """Good calls and bad: what is kept is in its day, what is not is gone."""
    store.capture(PCAPS / "demo.pcap")
    spool = store.writer._spool
    assert sum(segment.wanted for segment in (*spool._old, *spool._young)) == 0


def test_a_call_is_up_from_the_moment_of_its_answer(store: Stored) -> None:
    """Who failed is stored at once, who talks only at the end: without this the last minutes look worse than they are."""
    engine = Engine(None, keeper=store.intake)
    store.put(records.call(started=at(-DAY)))
    reader = store.read()
    script = "0 A>P INVITE\n1 P>A 180\n65 P>A 200\n65.1 P>A ACK ttag=callee\n"
    for message in messages(script):
        engine.message(message)
    engine.advance(nanoseconds("300"))
    store.writer.write()
    begin = nanoseconds("0") // MINUTE * MINUTE
    assert reader.up(begin, begin + MINUTE, MINUTE) == [UpSum(begin, "other", "other", 1)]
    assert reader.up(begin + MINUTE, begin + 9 * MINUTE, MINUTE) == []
    engine.finish(nanoseconds("400"))
    store.writer.write()
    assert reader.up(begin, begin + MINUTE, MINUTE) == []


def test_what_waits_for_a_disk_that_is_full_has_bounds(store: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "MAX_TAGS", 3)
    monkeypatch.setattr(writer_module, "MAX_ANSWERED", 2)
    monkeypatch.setattr(Book, "write", full)
    for number in range(5):
        store.intake.tag(str(number), START, [])
        store.intake.answered(str(number), START, ("a", "b"))
        store.writer.write()
    assert store.intake.dropped == {("tag", "queue"): 2, ("answer", "queue"): 3}


def test_a_missed_call_is_there_at_once_and_its_tag_follows_when_the_caller_was_called_back(store: Stored) -> None:
    """Somebody may want to call back now, not in an hour."""
    settings = Settings(
        peers=[
            Peer("trunk", PeerKind.TRUNK, [IPv4Network("192.0.2.65/32")]),
            Peer("phones", PeerKind.DEVICES, [IPv4Network("192.0.2.80/32")]),
        ],
        callback=Callback(3600 * SECOND),
    )
    missed = "0 A>P INVITE\n1 P>A 180\n20 P>A 486\n20.1 A>P ACK ttag=callee\n"
    back = "600 P>A INVITE call=c2 uri=sip:15550100@x\n601 A>P 200 call=c2\n601.1 P>A ACK call=c2 ttag=callee\n"
    engine = Engine(None, settings, keeper=store.intake)
    tags = "SELECT tag FROM calls JOIN tags ON call = number WHERE outcome = 'busy' AND tag LIKE '%call%back%'"
    for message in messages(missed):
        engine.message(message)
    engine.advance(nanoseconds("300"))
    store.writer.write()
    assert store.ask(tags) == [("waiting_callback",)]
    for message in messages(back):
        engine.message(message)
    engine.finish(nanoseconds("700"))
    store.writer.write()
    assert store.ask(tags) == [("called_back",)]


# When something is wrong


def test_a_disk_that_is_full_for_a_while_loses_nothing(store: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits is written when there is room again; it is said once that it failed, and once that it goes on."""
    with monkeypatch.context() as patched:
        patched.setattr(Book, "write", full)
        for number in range(5):
            store.put(records.call(id=f"{number:012x}"))
            store.turns(10)
    assert [event for event, _ in store.told] == ["store_failed"]
    store.turns(10)
    assert len(store.ids()) == 5
    assert store.intake.dropped == {}
    assert [event for event, _ in store.told] == ["store_failed", "store_recovered"]


def test_what_finds_no_room_meanwhile_is_counted(store: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no more than that: who was let in is written."""
    monkeypatch.setattr("sipwatch.store.intake.MAX_CALLS", 3)
    with monkeypatch.context() as patched:
        patched.setattr(Book, "write", full)
        for number in range(5):
            store.put(records.call(id=f"{number:012x}"))
    store.turns(10)
    assert store.ids() == ["000000000000", "000000000001", "000000000002"]
    assert store.intake.dropped == {("call", "queue"): 2}
    store.put(records.call(id="00000000000a"))
    assert len(store.ids()) == 4


def test_attempts_to_register_wait_for_the_disk_as_well_and_find_so_much_room(
    store: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that were let in are written once, however often that was tried."""
    script = [message for n in range(5) for message in said(f"{n} A>P REGISTER call=r{n}\n{n}.1 P>A 403 call=r{n}")]
    monkeypatch.setattr(writer_module, "MAX_ATTEMPTS", 3)
    with monkeypatch.context() as patched:
        patched.setattr(Book, "write", full)
        store.watch(script)
        assert store.writer.waiting == 3
        store.turns(10)
    store.turns(10)
    assert store.writer.waiting == 0
    assert store.ask("SELECT refused, streak FROM registrations") == [(3, 3)]
    assert store.intake.dropped == {("attempt", "queue"): 2}


def test_a_call_that_cannot_be_written_keeps_no_attempt_from_it(store: Stored) -> None:
    """Nor any other call, be there one or none."""
    bad = records.call(id="00000000000a", status_code=1 << 70)
    store.intake.call(bad, False, [])
    store.watch(said("0 A>P REGISTER\n0.1 P>A 403"))
    store.intake.call(bad, False, [])
    store.intake.call(records.call(id="00000000000b"), False, [])
    store.watch(said("5 A>P REGISTER call=c2\n5.1 P>A 403 call=c2"))
    assert store.ids() == ["00000000000b"]
    assert store.ask("SELECT refused FROM registrations") == [(2,)]
    assert store.intake.dropped == {("call", "file"): 2}


def test_devices_that_give_way_are_counted(store: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sipwatch.store.registering.MAX_ROWS_A_DAY", 2)
    store.watch(
        [m for n in range(5) for m in said(f"{n} A>P REGISTER call=r{n} aor=g{n}\n{n}.1 P>A 403 call=r{n} aor=g{n}")]
    )
    assert store.intake.dropped == {("registration", "room"): 3}


def test_where_only_messages_have_no_room_calls_are_written_without(
    store: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Book, "write_messages", full)
    store.capture(PCAPS / "demo.pcap")
    assert store.ask("SELECT count(*), sum(kept) FROM calls") == [(318, 0)]
    assert store.intake.dropped["message", "disk"] > 4000


def test_where_the_spool_has_no_room_calls_are_written_without(store: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Spool, "add", no_room)
    store.capture(PCAPS / "demo.pcap")
    assert store.ask("SELECT count(*), sum(kept) FROM calls") == [(318, 0)]
    assert store.intake.dropped["message", "disk"] > 4000


def test_a_damaged_file_is_put_aside_and_another_begun(stores: Stores) -> None:
    """What it holds may yet be read by somebody with more patience."""
    first = stores()
    first.put(records.call(id="00000000000a"))
    first.close()
    path = first.folder / "2026-01-05.calls.sqlite"
    path.write_bytes(b"no database at all" * 1000)
    store = stores()
    store.put(records.call(id="00000000000b"))
    store.turns(2)
    assert store.ids() == ["00000000000b"]
    assert [event for event, _ in store.told] == ["store_damaged"]
    assert [each.name for each in store.folder.glob("*damaged*")] == [
        f"2026-01-05.calls.sqlite.damaged-{START // SECOND}"
    ]


def test_a_file_of_a_later_version_is_left_alone_and_its_calls_counted(stores: Stores) -> None:
    first = stores()
    first.put(records.call(id="00000000000a"))
    first.close()
    connection = sqlite3.connect(first.folder / "2026-01-05.calls.sqlite")
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS[CALLS]) + 1}")
    connection.close()
    store = stores()
    store.put(records.call(id="00000000000b"), records.call(id="00000000000c", started=at(DAY)))
    assert store.intake.dropped == {("call", "file"): 1}
    assert store.ask("SELECT id FROM calls", day="2026-01-06") == [("00000000000c",)]
    assert store.ask("SELECT id FROM calls") == [("00000000000a",)]


def test_two_do_not_write_one_store(stores: Stores) -> None:
    store = stores()
    with pytest.raises(StoreError, match="another sipwatch writes this store"):
        Stored(store.folder)
    store.close()
    Stored(store.folder).close()


def test_a_spool_that_a_killed_one_left_is_cleared_away(stores: Stores) -> None:
    store = stores()
    store.close()
    (store.folder / "spool").mkdir()
    (store.folder / "spool" / "1.spool").write_bytes(b"x" * 1000)
    assert list((stores().folder / "spool").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(stores: Stores) -> None:
    store = stores()
    (store.folder / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="the store cannot be written"):
        Stored(store.folder / "file")


# Bounds


def filled(stores: Stores, settings: StoreSettings, *, calls: int = 20) -> Stored:
    """Write calls on five days, then go on under some settings on the fifth."""
    first = stores()
    for day in range(5):
        first.put(*[records.call(id=f"{day:06x}{place:06x}", started=at(DAY * day + place)) for place in range(calls)])
    store = stores(settings, now=at(4 * DAY))
    store.turns(1)
    return store


def days(store: Stored) -> list[str]:
    return [file.day[-2:] for file in store.read().files()]


def test_days_grow_old_and_go(stores: Stores) -> None:
    store = filled(stores, EVERYTHING._replace(days=2))
    assert days(store) == ["07", "08", "09"]
    assert [event for event, _ in store.told] == ["store_day_dropped"] * 2
    store.now = at(5 * DAY)
    store.turns(writer_module._LOOK_AT_BOUNDS)
    assert days(store) == ["07", "08", "09"]  # nothing has come since
    store.put(records.call(id="f" * 12, started=at(5 * DAY)))
    store.turns(writer_module._LOOK_AT_BOUNDS)
    assert days(store) == ["08", "09", "10"]


def test_old_packets_are_no_old_days(stores: Stores) -> None:
    """What is read from a file of last year is not let go of at once; and a date to come makes nothing old."""
    store = filled(stores, EVERYTHING._replace(days=2))
    store.now = at(365 * DAY)
    store.turns(writer_module._LOOK_AT_BOUNDS)
    assert days(store) == ["07", "08", "09"]
    store.now = at(4 * DAY)
    store.put(records.call(id="f" * 12, started=at(3650 * DAY)))
    store.turns(writer_module._LOOK_AT_BOUNDS)
    assert [file.day for file in store.read().files()][:3] == ["2026-01-07", "2026-01-08", "2026-01-09"]


def test_whole_days_go_for_the_number_of_calls_and_today_s_first_calls_if_it_alone_has_more(stores: Stores) -> None:
    assert days(filled(stores, EVERYTHING._replace(calls=50))) == ["08", "09"]
    store = filled(stores, EVERYTHING._replace(calls=5))
    assert days(store) == ["09"]
    assert store.ids() == [f"000004{place:06x}" for place in range(15, 20)]


def test_days_go_for_bytes_until_what_is_left_fits(stores: Stores) -> None:
    whole = filled(stores, EVERYTHING)
    size = whole.writer.size
    store = filled(stores, EVERYTHING._replace(size=size - 1))
    assert days(store) == ["06", "07", "08", "09"]
    assert store.writer.size < size


def test_today_alone_is_trimmed_to_its_bytes_messages_first(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "_LET_GO", 100)
    first = stores()
    first.capture(PCAPS / "demo.pcap")
    [(calls, before)] = first.ask("SELECT count(*), sum(kept) FROM calls")
    book, day = first.writer._book, first.read().files()[0].day
    used = [book.used(day, kind) for kind in (CALLS, MESSAGES)]
    most = used[0] + used[1] * 3 // 4
    assert used[1] * 3 // 4 > used[0] // 2  # so that messages alone have to go
    store = stores(EVERYTHING._replace(size=most), now=begin_of(day))
    store.turns(1)
    left = store.ask("SELECT count(*) FROM messages", kind="messages")[0][0]
    assert 0 < left < before
    assert store.ask("SELECT count(*) FROM calls") == [(calls,)]
    assert sum(store.writer._book.used(day, kind) for kind in (CALLS, MESSAGES)) <= most


def test_the_thread_writes_what_comes_and_the_rest_when_it_is_stopped(store: Stored) -> None:
    store.writer.start()
    for number in range(100):
        store.intake.call(records.call(id=f"{number:012x}"), False, [])
    store.writer.stop(20)
    assert len(list(store.read().calls(Wanted()))) == 100
    assert not (store.folder / "spool").exists()
