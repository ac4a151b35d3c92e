"""The store as pages ask it: page by page, a few at once, and never for long."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from sipwatch.store.days import TooLongError
from sipwatch.store.wanted import Position, Wanted
from sipwatch.web import stored
from sipwatch.web.asked import compiled
from sipwatch.web.stored import Busy, Store, listed
from tests.export import records
from tests.export.records import at

if TYPE_CHECKING:
    from sipwatch.store.reader import StoreReader
    from tests.store.stored import Stored

DAY = 86_400


def filled(store: Stored, calls: int = 25, apart: float = DAY / 10) -> list[str]:
    """Write calls, and return their ids, the newest first."""
    ids = [f"{place:012x}" for place in range(calls)]
    store.put(*[records.call(id=one, started=at(place * apart)) for place, one in enumerate(ids)])
    return ids[::-1]


def test_one_pages_through_all_calls_and_back(store: Stored) -> None:
    """25 calls over three days, 10 to a page: 10, 10, 5; and the same ones on the way back."""
    ids = filled(store)
    reader = store.read()
    first = listed(reader, Wanted(), 10)
    second = listed(reader, Wanted(), 10, behind=first.older)
    third = listed(reader, Wanted(), 10, behind=second.older)
    pages = [first, second, third]
    assert [one.record.id for page in pages for one in page.calls] == ids
    assert (first.newer, third.older) == (None, None)
    back = listed(reader, Wanted(), 10, before=third.newer)
    assert back.calls == second.calls
    front = listed(reader, Wanted(), 10, before=back.newer)
    assert front.calls == first.calls
    assert front.newer is None


def test_back_at_the_front_the_page_is_full_and_has_what_came_meanwhile(store: Stored) -> None:
    ids = filled(store)
    reader = store.read()
    second = listed(reader, Wanted(), 10, behind=listed(reader, Wanted(), 10).older)
    store.put(records.call(id="f" * 12, started=at(3 * DAY)))
    page = listed(reader, Wanted(), 20, before=second.newer)
    assert [one.record.id for one in page.calls] == ["f" * 12, *ids[:19]]


def test_looking_for_what_is_rare_stops_in_time_and_says_where(store: Stored) -> None:
    filled(store, calls=700, apart=1)
    rare = Wanted(keep=compiled('call_id =~~ "nowhere"'))
    page = listed(store.read(), rare, 10, patience=0)
    assert page.calls == []
    assert page.cut_at == page.older is not None
    on = listed(store.read(), rare, 10, behind=page.older)
    assert (on.calls, on.cut_at, on.older) == ([], None, None)


def test_a_page_behind_the_last_call_is_empty_and_leads_back(store: Stored) -> None:
    filled(store)
    page = listed(store.read(), Wanted(), 10, behind=Position(0, 0))
    assert (page.calls, page.older, page.newer) == ([], None, Position(0, 0))


def test_questions_share_readers_and_no_two_have_one_at_once(store: Stored) -> None:
    filled(store)
    opened: list[StoreReader] = []

    def open_reader() -> StoreReader:
        opened.append(store.read())
        return opened[-1]

    async def run() -> None:
        site = Store(open_reader)
        meeting = threading.Barrier(stored.MAX_QUESTIONS, timeout=20)

        def meet(reader: StoreReader) -> int:
            meeting.wait()
            return id(reader)

        for _ in range(2):
            found = await asyncio.gather(*[site.ask(meet) for _ in range(stored.MAX_QUESTIONS)])
            assert len(set(found)) == stored.MAX_QUESTIONS
        site.close()

    asyncio.run(run())
    assert len(opened) == stored.MAX_QUESTIONS


def test_who_comes_when_too_many_wait_is_sent_away(store: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(store, calls=1)
    monkeypatch.setattr(stored, "MAX_WAITING", 1)

    async def run() -> None:
        site = Store(store.read)
        leave = threading.Event()
        first = asyncio.ensure_future(site.ask(lambda _: leave.wait(20)))
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await site.ask(lambda _: None)
        leave.set()
        assert await first

    asyncio.run(run())


def test_a_question_to_a_file_that_takes_too_long_is_given_up(store: Stored) -> None:
    filled(store, calls=20, apart=1)
    reader = store.read()
    slow = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    reader.span()  # the file is open now
    reader.give_up = lambda: True
    with pytest.raises(TooLongError, match="shorter time"):
        reader._ask(reader.files()[0].path, "calls", slow, ())
    reader.give_up = None
    assert len(list(reader.calls(Wanted()))) == 20


def test_names_of_peers_are_asked_for_once_a_minute(store: Stored) -> None:
    store.put(records.call(source="acme", destination="phones"))
    site = Store(store.read)
    reader = store.read()
    assert site.peers(reader) == ["acme", "phones"]
    store.put(records.call(id="1" * 12, source="zeta"))
    assert site.peers(reader) == ["acme", "phones"]


def test_a_last_page_that_is_just_full_leads_no_further(store: Stored) -> None:
    filled(store, calls=20)
    reader = store.read()
    first = listed(reader, Wanted(), 10)
    last = listed(reader, Wanted(), 10, behind=first.older)
    assert (len(last.calls), last.older) == (10, None)


def test_a_question_is_given_up_after_a_while(store: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(store, calls=20, apart=1)
    monkeypatch.setattr(stored, "PATIENCE", 0.05)
    slow = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 30000000) SELECT count(*) FROM n"

    async def run() -> None:
        site = Store(store.read)
        with pytest.raises(TooLongError):
            await site.ask(lambda reader: reader._ask(reader.files()[0].path, "calls", slow, ()))
        assert await site.ask(lambda reader: reader.span()) == (at(0), at(19))

    asyncio.run(run())
