"""Who is asked for by id or Call-ID, and who is linked with him."""

from __future__ import annotations

from sipwatch.cli.wanted import MAX_KEPT, FoundCalls
from tests.export.records import at, call, link

FIRST = call(id="aa00", call_id="one", started=at(0))
SECOND = call(id="bb00", call_id="two", started=at(1), linked=[link("aa00", 0)])
BOTH = call(id="aa00", call_id="one", started=at(0), linked=[link("bb00", 1)])
STRANGER = call(id="cc00", call_id="three", linked=[link("dd00", 0)])


def taken(wanted: str, *calls: object) -> list[tuple[str, list[str]]]:
    found = FoundCalls(wanted)
    for one in calls:
        found.take(one, True)  # type: ignore[arg-type] # records
    return [(one.id, [other.id for other in found.linked_with(one)]) for one in found.found]


def test_a_call_is_asked_for_by_id_its_beginning_or_call_id() -> None:
    for wanted in ("aa00", "AA", "one"):
        assert taken(wanted, FIRST, STRANGER) == [("aa00", [])]
    assert taken("zz", FIRST) == []


def test_the_call_that_it_names_is_found_whether_it_was_over_before_or_after() -> None:
    assert taken("bb", FIRST, SECOND, STRANGER) == [("bb00", [])]  # which had no link, and was not kept
    assert taken("bb", BOTH, STRANGER, SECOND) == [("bb00", ["aa00"])]
    assert taken("bb", SECOND, STRANGER, FIRST) == [("bb00", ["aa00"])]


def test_a_later_call_that_names_it_is_found_as_well() -> None:
    assert taken("aa", FIRST, STRANGER, SECOND) == [("aa00", ["bb00"])]


def test_two_that_were_asked_for_are_linked_with_each_other() -> None:
    both = [call(id="aa01", linked=[link("aa02", 1)]), call(id="aa02", linked=[link("aa01", 0)])]
    assert taken("aa", *both) == [("aa01", ["aa02"]), ("aa02", ["aa01"])]


def test_of_linked_calls_that_were_over_before_so_many_are_kept() -> None:
    crowd = [call(id=f"{n:04x}", linked=[link("dd00", 0)]) for n in range(MAX_KEPT)]
    assert taken("bb", BOTH, *crowd[1:], SECOND) == [("bb00", ["aa00"])]
    assert taken("bb", BOTH, *crowd, SECOND) == [("bb00", [])]
