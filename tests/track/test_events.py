"""What tracking tells the layers above: every event once, in the order in which things happen."""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING

from sipwatch.track.events import EVENTS, ByeAccepted, CallOver, CallSettled, Event, LegBegun, LegSettled, takers_of
from tests.conversation import Observed, messages, nanoseconds

if TYPE_CHECKING:
    from sipwatch.track.events import Takes

COMMON = ("LegBegun", "LegSettled", "CallSettled", "CallOver")


def told(script: str, until: str, *, over: bool = True) -> Observed:
    """Follow a conversation to a moment (seconds), at which the capture is over."""
    observed = Observed()
    for message in messages(script):
        observed.message(message)
    observed.advance(nanoseconds(until))
    if over:
        observed.finish()
    return observed


def words(observed: Observed) -> list[str]:
    """Name what was told, but for what every call has."""
    return [name for event in observed.events if (name := type(event).__name__) not in COMMON]


def test_every_kind_of_event_is_listed() -> None:
    """Who takes none of a kind has no place where it would go; a new kind must be in both lists."""
    assert set(typing.get_args(Event)) == set(EVENTS)


class Taker:
    """Takes what it is told to, and notes it."""

    def __init__(self, kinds: list[type], heard: list[tuple[str, object]], name: str) -> None:
        self._kinds, self._heard, self._name = kinds, heard, name

    def takes(self) -> Takes:
        return dict.fromkeys(self._kinds, lambda event: self._heard.append((self._name, event)))


def test_who_takes_an_event_has_it_in_the_order_given_and_nothing_else() -> None:
    heard: list[tuple[str, object]] = []
    takers = takers_of([Taker([CallOver, LegBegun], heard, "one"), Taker([LegBegun], heard, "other")])
    assert set(takers) == set(EVENTS)
    for kind in (LegSettled, LegBegun, CallOver):
        for take in takers[kind]:
            take(kind)
    assert heard == [("one", LegBegun), ("other", LegBegun), ("one", CallOver)]


def test_a_verdict_on_a_call_comes_after_that_on_its_leg_and_before_its_end() -> None:
    observed = told("0 A>P INVITE\n0.1 P>A 100\n1 P>A 486\n1.1 A>P ACK ttag=callee", "100")
    assert [type(event) for event in observed.events] == [LegBegun, LegSettled, CallSettled, CallOver]


def test_each_event_of_a_long_silence_comes_with_things_as_they_stood() -> None:
    """The hop is given up, the call is judged, and is over: all within one step of time, in three events."""
    standing: list[tuple[str, bool]] = []

    class Noting(Observed):
        def takes(self) -> Takes:
            kinds = (LegSettled, CallSettled, CallOver)
            return {**super().takes(), **dict.fromkeys(kinds, self._note)}

        def _note(self, event: LegSettled | CallSettled | CallOver) -> None:
            call = event.leg.call if isinstance(event, LegSettled) else event.call
            standing.append((type(event).__name__, call.over))

    observed = Noting()
    (invite,) = messages("0 A>P INVITE")
    observed.message(invite)
    observed.advance(nanoseconds("3600"))
    assert standing == [("LegSettled", False), ("CallSettled", False), ("CallOver", True)]


def test_an_ordinary_call_begins_once_ends_once_and_is_explained_once() -> None:
    """Also when it is let go, and when the capture ends."""
    script = """
    0   A>P INVITE
    0.1 P>A 100
    1   P>A 180
    4   P>A 200
    4.1 A>P ACK ttag=callee branch=z9hG4bKa
    30  A>P BYE ttag=callee
    30.1 P>A 200 method=BYE ttag=callee
    """
    observed = told(script, "200")
    assert words(observed) == ["CallEnded", "ByeAccepted", "CallConcluded"]
    (accepted,) = [event for event in observed.events if isinstance(event, ByeAccepted)]
    assert accepted.delay == nanoseconds("0.1") - nanoseconds("0")


def test_every_leg_begins_already_in_its_place() -> None:
    """Who takes it may ask at once whether it is nearest the caller."""
    placed: list[bool] = []
    observed = Observed()
    for message in messages("0 A>P INVITE\n0.1 P>B INVITE vias=2\n0.1 P>C INVITE vias=2"):
        observed.message(message)
        (event,) = [event for event in observed.events if isinstance(event, LegBegun)][-1:]
        placed.append(event.leg in event.leg.call.legs)
    assert placed == [True, True, True]


def test_a_condition_is_told_when_it_is_raised_and_when_it_is_resolved() -> None:
    """Each once. Repetitions are counted, and told to nobody."""
    observed = told("0 A>P INVITE\n0.5 A>P INVITE\n6 P>A 180\n7 P>A 486\n7.5 P>A 486", "100")
    assert words(observed) == ["ConditionRaised", "ConditionResolved"]
    (pair,) = observed.tracker.traffic.pairs.values()
    assert pair.repeated == {"INVITE": 2}


def test_a_refused_bye_is_explained_when_nothing_can_change_it() -> None:
    """64*T1 later; the end itself is told at the BYE."""
    script = """
    0    A>P INVITE
    1    P>A 200
    1.1  A>P ACK ttag=callee branch=z9hG4bKa
    30   A>P BYE ttag=callee
    30.1 P>A 500 method=BYE ttag=callee
    """
    assert words(told(script, "62.099999999", over=False)) == ["CallEnded"]
    assert words(told(script, "62.1", over=False)) == ["CallEnded", "CallConcluded"]


def test_a_refer_inside_a_call_is_told() -> None:
    """A transfer begins (RFC 3515)."""
    script = "0 A>P INVITE\n1 P>A 200\n5 A>P REFER ttag=callee cseq=3"
    assert "Referred" in words(told(script, "6"))
