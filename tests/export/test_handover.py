"""How a call that is over leaves: once, explained, and let go of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.engine import Engine
from sipwatch.track.events import CallOver
from tests.conversation import messages, nanoseconds

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
