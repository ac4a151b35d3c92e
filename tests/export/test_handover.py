"""How a call that is over leaves: once, explained, and let go of."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from sipwatch.classify.peers import Peer, Settings
from sipwatch.engine import Engine
from sipwatch.track.events import CallOver, Registration, Unbound
from tests.conversation import messages, nanoseconds
from tests.track.registering import said

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord
    from sipwatch.track.call import Call
    from sipwatch.track.events import Takes

SCRIPT = """
0    A>P INVITE
1    P>A 200
1.1  A>P ACK ttag=callee branch=z9hG4bKa
30   A>P BYE ttag=callee
30.1 P>A 200 method=BYE ttag=callee
"""


class Bystander:
    """Takes calls that are over, and looks whether they are whole."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.legs: list[int] = []

    def takes(self) -> Takes:
        return {CallOver: self._over}

    def _over(self, event: CallOver) -> None:
        self.calls.append(event.call)
        self.legs.append(len(event.call.legs))


def replay(engine: Engine) -> Bystander:
    bystander = Bystander()
    engine.add(bystander)
    for message in messages(SCRIPT):
        engine.message(message)
    engine.finish(nanoseconds("100"))
    return bystander


def test_a_call_leaves_once_with_the_word_whether_it_was_completed() -> None:
    """Answered, and ended by a BYE with a 2xx: RFC 6076's SCR asks for it."""
    left: list[tuple[CallRecord, bool]] = []
    replay(Engine(lambda record, completed: left.append((record, completed))))
    assert [(record.outcome, record.ending, completed) for record, completed in left] == [("answered", "normal", True)]


def test_whoever_else_takes_it_has_it_whole_and_afterwards_it_is_let_go_of() -> None:
    """Legs and call hold each other: without that, only the collector of cycles would free them."""
    for sink in (None, lambda record, completed: None):
        bystander = replay(Engine(sink))
        assert bystander.legs == [1]
        assert [call.legs for call in bystander.calls] == [[]]


class Kept:
    """Keeps what became of registrations, with the peers at both ends."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, tuple[str, str], int]] = []

    def call(self, *_: object) -> None: ...

    def answered(self, *_: object) -> None: ...

    def tag(self, *_: object) -> None: ...

    def registration(self, result: Registration, ends: tuple[str, str], ahead: int) -> None:
        self.heard.append((result.outcome, ends, ahead))

    def expired(self, binding: Unbound, ends: tuple[str, str], ahead: int) -> None:
        self.heard.append((f"{binding.aor!r} ran out", ends, ahead))


def test_a_keeper_hears_of_attempts_to_register_and_of_what_ran_out_but_of_no_other_end() -> None:
    """With the names of peers as they are at that moment, and by how much the clock on the wall is ahead."""
    keeper = Kept()
    engine = Engine(None, Settings(peers=[Peer("phones", None, [IPv4Network("192.0.2.65/32")])]), keeper=keeper)
    engine.wall.ahead = 7
    script = (
        "0 A>P REGISTER\n0.1 P>A 200 h=Expires:_60\n100 A>P REGISTER call=r2\n100.1 P>A 200 call=r2 h=Expires:_60\n"
    )
    for message in said(script + "110 A>P REGISTER call=r3 contact=*\n110.1 P>A 200 call=r3"):
        engine.message(message)
    ends = ("phones", "other")
    assert keeper.heard == [
        ("registered", ends, 7),
        ("b'sip:alice@example.com' ran out", ends, 7),
        ("registered", ends, 7),
        ("removed", ends, 7),
    ]
