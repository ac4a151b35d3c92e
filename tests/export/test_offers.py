"""Devices counted over the records of calls, and their refusals in a row."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sipwatch.capture.files import open_capture
from sipwatch.classify.peers import Settings
from sipwatch.config import parse
from sipwatch.engine import Engine
from sipwatch.export.offers import MAX_UNORDERED, Offers, Streaks
from sipwatch.export.summary import Summary
from tests.export.records import at, call, leg

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord, DeviceRecord

PCAPS = Path(__file__).resolve().parents[2] / "pcaps"
PHONE = "192.0.2.80"
WORDS = {
    "answered": "taken", "busy": "busy", "declined": "declined", "no_answer": "rang_out", "unavailable": "not_alerted",
    "abandoned": "gave_up", "answered_elsewhere": "elsewhere", "retried": "other",
}  # fmt: skip


def offered(*outcomes: str, callee: str = "101", address: str = f"{PHONE}:5060", first: float = 0) -> list[CallRecord]:
    """Return a call a minute to one device, the first of them at ``first``, each settled within two seconds."""
    return [
        call(
            outcome,
            legs=[
                leg(
                    outcome=outcome, offered=WORDS[outcome], callee=callee, destination_address=address,
                    started=at(first + 60 * place), settled=at(first + 60 * place + 2),
                )
            ],
        )
        for place, outcome in enumerate(outcomes)
    ]  # fmt: skip


def devices(*calls: CallRecord) -> list[DeviceRecord]:
    """Return the devices that refused some of these calls."""
    offers = Offers()
    for one in calls:
        offers.add(one)
    return offers.devices()


def test_what_a_device_took_and_refused_is_counted_and_what_it_cannot_help_is_not() -> None:
    (one,) = devices(
        *offered("busy", "busy", "answered", "abandoned", "declined", "answered_elsewhere", "retried", "no_answer")
    )
    assert (one.device, one.address) == ("101", PHONE)
    assert (one.offered, one.answered, one.refused) == (5, 1, {"busy": 2, "declined": 1, "no_answer": 1})
    assert (one.streak, one.longest) == (2, 2)


def test_a_device_that_took_every_call_is_left_out() -> None:
    assert devices(*offered("answered")) == devices() == []


def test_what_is_no_device_is_left_out() -> None:
    assert devices(call("busy")) == []


def test_a_call_offered_twice_is_one_and_its_last_word_counts() -> None:
    legs = [
        leg(outcome=outcome, offered=WORDS[outcome], settled=at(place))
        for place, outcome in enumerate(("busy", "retried", "declined"))
    ]
    (one,) = devices(call("declined", legs=legs))
    assert (one.offered, one.refused) == (1, {"declined": 1})


def test_a_call_that_was_refused_and_taken_when_it_was_offered_again_was_taken() -> None:
    for order in ((0, 1), (1, 0)):
        two = [*offered("busy"), *offered("answered", first=5)]
        legs = [two[place].legs[0] for place in order]
        assert devices(call("answered", legs=legs)) == []


def test_several_at_one_address_are_told_apart_by_the_number() -> None:
    found = devices(*offered("busy"), *offered("busy", "busy", callee="102"))
    assert [(one.device, one.offered) for one in found] == [("102", 2), ("101", 1)]


def test_whose_device_it_is_goes_before_who_was_asked_for() -> None:
    """A group's number rings at one agent's phone."""
    calls = [call(legs=[leg(offered="busy", callee="500", device="101")]), *offered("busy")]
    assert [(one.device, one.offered) for one in devices(*calls)] == [("101", 2)]


def test_an_ipv6_address_is_one_too() -> None:
    (one,) = devices(*offered("busy", address="[2001:db8::7]:5060"))
    assert one.address == "2001:db8::7"


# In a row


def streaks(*calls: tuple[float, bool]) -> tuple[int, int]:
    found = Streaks()
    for moment, taken in calls:
        found.add(at(moment), taken=taken)
    return found.counted()


def test_refusals_in_a_row_are_counted_by_when_they_were_known_in_whatever_order_they_are_told() -> None:
    """R R T R: two in a row, one at present. The call that was taken is over, and told, last of all."""
    for order in permutations([(1, False), (2, False), (3, True), (4, False)]):
        assert streaks(*order) == (1, 2)


@pytest.mark.parametrize("calls", [MAX_UNORDERED - 1, MAX_UNORDERED, 3 * MAX_UNORDERED])
def test_a_streak_is_counted_to_its_end_however_long(calls: int) -> None:
    refused = [(float(place), False) for place in range(calls)]
    assert streaks(*refused) == (calls, calls)
    assert streaks(*refused, (calls, True), (calls + 1, False)) == (1, calls)


def test_many_calls_take_no_more_room_than_some() -> None:
    found = Streaks()
    for place in range(10 * MAX_UNORDERED):
        found.add(at(place), taken=place % 3 == 0)
    assert len(found._known) <= MAX_UNORDERED
    assert found.counted() == (0, 2)  # the last of them was taken


def test_many_calls_are_put_in_order_before_they_are_let_go_of() -> None:
    """Every second is told before the first; of three one is taken, so never more than two are refused in a row."""
    found = Streaks()
    for place in range(0, 4 * MAX_UNORDERED, 2):
        for moment in (place + 1, place):
            found.add(at(moment), taken=moment % 3 == 0)
    assert found.counted()[1] == 2


def test_two_parts_of_one_devices_calls_are_counted_together() -> None:
    """R, R at 1 and 4 s; T, R at 2 and 3 s: together R T R R."""
    one, other = Streaks(), Streaks()
    for moment in (1, 4):
        one.add(at(moment), taken=False)
    other.add(at(2), taken=True)
    other.add(at(3), taken=False)
    one.join(other)
    assert one.counted() == (2, 2)


def test_what_one_part_has_let_go_of_is_not_forgotten() -> None:
    one, other = Streaks(), Streaks()
    for place in range(2 * MAX_UNORDERED):
        other.add(at(place), taken=place == 10)
    for place in range(MAX_UNORDERED):
        other.add(at(1000 + place), taken=True)
    one.join(other)
    assert one.counted() == (0, 2 * MAX_UNORDERED - 11)


# The same as the engine counts


FILES = [PCAPS / "demo.pcap", *sorted((PCAPS / "situations").glob("*.pcap"))]


@pytest.mark.parametrize("config", ["", (PCAPS / "demo.toml").read_text()], ids=["who registers", "who is configured"])
def test_records_and_engine_count_the_same_devices(config: str) -> None:
    settings = parse(config, "x").settings if config else Settings()
    found = 0
    for path in FILES:
        offers, summary = Offers(), Summary()
        engine = Engine(lambda call, _, offers=offers: offers.add(call), settings)  # type: ignore[misc]
        with open_capture([str(path)]) as source:
            engine.run(source, source.place)
            engine.finish(source.last)
        counted = engine.account.whole(summary).devices
        assert offers.devices()[: len(counted)] == counted, path.name
        found += len(counted)
    assert found > 10
