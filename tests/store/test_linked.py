"""The calls that a stored call is linked with, where they are stored as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.store.linked import drawable, linked_calls
from sipwatch.store.wanted import Wanted
from tests.cli.program import ROOT
from tests.export import records
from tests.export.records import at, link

if TYPE_CHECKING:
    from tests.store.stored import Stored


def test_linked_calls_come_with_what_became_of_them_if_they_are_there(store: Stored) -> None:
    call = records.call(linked=[link("1" * 12, 5), link("2" * 12, 6)])
    store.put(call, records.answered(id="1" * 12, started=at(5)))
    first, second = linked_calls(store.read(), call)
    assert first.call is not None
    assert (first.call.record.outcome, second.call) == ("answered", None)


def test_those_are_drawn_of_which_messages_are_kept_each_once(store: Stored) -> None:
    store.capture(ROOT / "pcaps/situations/linked.pcap")
    reader = store.read()
    (call,) = [one.record for one in reader.calls(Wanted()) if one.record.call_id == "connected"]
    links = linked_calls(reader, call)
    found = drawable(reader, [*links, *links])
    assert [one.id for one in found] == [link.id for link in call.linked]
    assert all(one.messages for one in found)
    store.put(records.answered(id="1" * 12, started=at(5)))
    nothing_kept = linked_calls(store.read(), records.call(linked=[link("1" * 12, 5), link("2" * 12, 6)]))
    assert drawable(store.read(), nothing_kept) == []
