"""What tracking tells the layers above: everything once, to everybody, in the order it happens."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from sipwatch.track.registrar import Observer
from sipwatch.track.tracker import Tracker
from sipwatch.track.watch import Watcher, Watchers
from tests.conversation import Observed, messages, nanoseconds

TOLD = sorted(
    name
    for protocol in (Watcher, Observer)
    for name, _ in inspect.getmembers(protocol, inspect.isfunction)
    if not name.startswith("_")
)


class Diary:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *told, **more: self.heard.append((name, (*told, *more.values())))

    @property
    def words(self) -> list[str]:
        return [name for name, _ in self.heard]


@pytest.mark.parametrize("name", sorted(set(TOLD)))
def test_several_watchers_all_hear_the_same(name: str) -> None:
    """Each of them, with the same arguments, in the order given."""
    one, other = Diary(), Diary()
    told = getattr(Watchers(one, other), name)
    given = [object() for _ in inspect.signature(told).parameters]
    told(*given)
    assert one.heard == other.heard == [(name, tuple(given))]


def followed(script: str, until: str, *, over: bool = True) -> Diary:
    """Follow a conversation to a moment (seconds), at which the capture is over."""
    diary, judge = Diary(), Observed()
    tracker = Tracker(judge, judge.tracker.timers_for, watcher=diary)
    for message in messages(script):
        tracker.message(message)
    tracker.advance(nanoseconds(until))
    if over:
        tracker.finish()
    return diary


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
    diary = followed(script, "200")
    assert diary.words == ["added", "ended", "disconnected", "concluded"]
    assert diary.heard[2][1][1] == nanoseconds("0.1") - nanoseconds("0")


def test_every_leg_is_added_already_in_its_place() -> None:
    """The watcher may ask at once whether it is nearest the caller."""
    diary = Diary()
    placed: list[bool] = []
    diary.added = lambda leg: placed.append(leg in leg.call.legs)  # type: ignore[attr-defined]
    judge = Observed()
    tracker = Tracker(judge, judge.tracker.timers_for, watcher=diary)
    for message in messages("0 A>P INVITE\n0.1 P>B INVITE vias=2\n0.1 P>C INVITE vias=2"):
        tracker.message(message)
    assert placed == [True, True, True]


def test_a_condition_is_told_when_it_is_raised_and_when_it_is_resolved() -> None:
    """Each once; a repetition as well."""
    diary = followed("0 A>P INVITE\n0.5 A>P INVITE\n6 P>A 180\n7 P>A 486\n7.5 P>A 486", "100")
    assert diary.words == ["added", "repeated", "raised", "resolved", "repeated"]


def test_a_refused_bye_is_explained_when_nothing_can_change_it() -> None:
    """64*T1 later; the end itself is told at the BYE."""
    script = """
    0    A>P INVITE
    1    P>A 200
    1.1  A>P ACK ttag=callee branch=z9hG4bKa
    30   A>P BYE ttag=callee
    30.1 P>A 500 method=BYE ttag=callee
    """
    assert followed(script, "62.099999999", over=False).words == ["added", "ended"]
    assert followed(script, "62.1", over=False).words == ["added", "ended", "concluded"]


def test_a_refer_inside_a_call_is_told() -> None:
    """A transfer begins (RFC 3515)."""
    script = "0 A>P INVITE\n1 P>A 200\n5 A>P REFER ttag=callee cseq=3"
    assert "referred" in followed(script, "6").words
