"""The messages of a selection of calls, for a capture file: of so many calls, and so many bytes, at most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.store import selected
from sipwatch.store.selected import selected_messages
from sipwatch.store.wanted import Wanted
from tests.export import records
from tests.web.browsing import LONG
from tests.web.test_why import PROXIED

if TYPE_CHECKING:
    import pytest

    from tests.store.stored import Stored

TWO = PROXIED + PROXIED.replace("INVITE", "INVITE call=c2").replace("486", "486 call=c2")


def test_all_messages_of_the_calls_are_there(store: Stored) -> None:
    store.watch(TWO, until=int(LONG))
    found = selected_messages(store.read(), Wanted())
    assert (len(found.messages), found.without, found.cut, found.what_is_missing) == (14, 0, False, "")


def test_what_was_not_kept_is_counted(store: Stored) -> None:
    store.watch(PROXIED, until=int(LONG))
    store.put(records.call(id="00000000000a"), records.call(id="00000000000b"))
    found = selected_messages(store.read(), Wanted())
    assert (len(found.messages), found.what_is_missing) == (7, "2 of the calls have no packets that are kept")


def test_the_newest_calls_are_taken_within_bounds(store: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks for one gets one, and is told of no bound."""
    store.watch(TWO, until=int(LONG))
    one = selected_messages(store.read(), Wanted(), 1)
    assert (len(one.messages), one.cut) == (4, False)
    monkeypatch.setattr(selected, "MAX_CALLS", 1)
    assert len(selected_messages(store.read(), Wanted()).messages) == 4
    assert "older calls are left out" in selected_messages(store.read(), Wanted()).what_is_missing
    monkeypatch.setattr(selected, "MAX_BYTES", 10)
    assert selected_messages(store.read(), Wanted()).why_none == (
        "The newest of these calls is too large for a capture file."
    )


def test_why_there_is_nothing_is_said(store: Stored) -> None:
    store.put(records.call())
    assert selected_messages(store.read(), Wanted()).why_none.startswith("No packets are kept of this call: ")
    assert selected_messages(store.read(), Wanted(until=0)).why_none == "No call matches."
