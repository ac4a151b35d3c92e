"""What a call takes of memory: an estimate in bytes, held against the interpreter's own count by its tests.

Must not know: how much there may be, what goes when it is too much.

While a call is set up each message that it may keep is added (``MESSAGE`` and its text), which is too much where a
message is not kept in the end. So now and then the call is weighed: what it really holds is counted anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sipwatch.track.call import Call
    from sipwatch.track.leg import Leg
    from sipwatch.wire.message import Message

# CPython 3.11 on 64 bits; a compiled object is smaller.
CALL: Final = 850  # the call, its lists, its places in the tables, and what findings note of one that is open
LEG: Final = 700  # the leg, its moments, its entry in the queue of timers
MESSAGE: Final = 400  # the object and its identifiers; the text comes on top
ANSWER: Final = 450  # of a leg, with the dialog
EXCHANGE: Final = 250  # a transaction inside a dialog
NUMBER: Final = 48  # of a message that is kept elsewhere: its place in a list, and an integer
RAISED: Final = 120  # a condition
NOTE: Final = 2000  # what somebody notes of a call: texts cut short, and the packets that show it
WEIGHED_FROM: Final = 32_768  # bytes; a call that seems to hold more is weighed


class Holder:
    """What one source, a packed address, holds of the table."""

    __slots__ = ("address", "calls")

    def __init__(self, address: bytes) -> None:
        self.address = address
        self.calls = 0


NOBODYS: Final = Holder(b"")  # of a call that is in no table yet


def weight_of(call: Call) -> int:
    """Return what a call holds (bytes)."""
    held: dict[int, Message] = {}
    weight = CALL + NOTE * len(call.notes or ()) + NUMBER * len(call.numbers or ())
    for leg in call.legs:
        weight += LEG + ANSWER * len(leg.answers or ()) + RAISED * len(leg.conditions or ())
        for message in _of_leg(leg):
            if message is not None:
                held[id(message)] = message
    for exchange in () if call.dialogs is None else call.dialogs.exchanges:
        weight += EXCHANGE
        held[id(exchange.request)] = exchange.request
        if exchange.final is not None:
            held[id(exchange.final)] = exchange.final
    for stray in call.strays or ():
        held[id(stray)] = stray
    for kept, _, _ in call.messages or ():
        held[id(kept)] = kept
    return weight + sum([MESSAGE + len(message.raw) for message in held.values()])


def _of_leg(leg: Leg) -> list[Message | None]:
    messages: list[Message | None] = [
        leg.invite, leg.progress, leg.ringing, leg.session_progress, leg.early_reason, leg.final, leg.late_success,
        leg.cancel,
    ]  # fmt: skip
    for answer in leg.answers or ():
        messages += (answer.response, answer.ack, answer.misrouted)
    for reliable in leg.reliables or ():
        messages.append(reliable.response)
    return messages
