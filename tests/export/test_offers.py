"""Devices counted again over the calls that a filter kept."""

from __future__ import annotations

from sipwatch.export.offers import Offers
from sipwatch.export.record import DeviceRecord
from tests.export.records import call, leg

PHONE = "192.0.2.80"


def offered(*outcomes: str, callee: str = "101", address: str = f"{PHONE}:5060") -> list[tuple[str, str, str]]:
    return [(outcome, callee, address) for outcome in outcomes]


def kept(*calls: tuple[str, str, str]) -> Offers:
    offers = Offers()
    for outcome, callee, address in calls:
        offers.add(call(outcome, callee=callee, legs=[leg(outcome=outcome, destination_address=address)]))
    return offers


def device(name: str, address: str = PHONE, **refused: int) -> DeviceRecord:
    """Return a device over all calls."""
    return DeviceRecord(name, address, 10 + sum(refused.values()), 10, refused, 0, 9)


def test_only_calls_that_were_kept_are_counted() -> None:
    (one,) = kept(*offered("busy", "busy", "answered", "declined")).taken([device("101", busy=7, declined=1)])
    assert (one.offered, one.answered, one.refused) == (4, 1, {"busy": 2, "declined": 1})
    assert (one.streak, one.longest) == (1, 2)


def test_a_device_that_took_every_call_that_was_kept_is_left_out() -> None:
    assert kept(*offered("answered")).taken([device("101", busy=7)]) == []
    assert kept().taken([device("101", busy=7)]) == []


def test_what_is_no_device_is_left_out() -> None:
    assert kept(*offered("busy")).taken([]) == []


def test_a_call_offered_twice_is_one_and_its_last_word_counts() -> None:
    offers = Offers()
    legs = [leg(outcome=outcome) for outcome in ("busy", "retried", "declined")]
    offers.add(call("declined", legs=legs))
    (one,) = offers.taken([device("101", busy=7, declined=7)])
    assert one.refused == {"declined": 1}


def test_several_at_one_address_are_told_apart_by_the_number() -> None:
    found = kept(*offered("busy"), *offered("busy", "busy", callee="102")).taken(
        [device("101", busy=7), device("102", busy=7)]
    )
    assert [(one.device, one.offered) for one in found] == [("102", 2), ("101", 1)]


def test_an_ipv6_address_is_one_too() -> None:
    (one,) = kept(*offered("busy", address="[2001:db8::7]:5060")).taken([device("101", "2001:db8::7", busy=1)])
    assert one.offered == 1


def test_more_is_never_counted_than_over_all_calls() -> None:
    """A phone that was given up at once, for the next to ring, refused nothing: a record does not show that."""
    (one,) = kept(*offered("no_answer", "no_answer")).taken([device("101", no_answer=1)])
    assert one.refused == {"no_answer": 1}
