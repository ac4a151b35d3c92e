"""What is kept of an answered call that lasts: of its messages, what its end may still be told and explained by.

Must not know: findings, records, who reads what. ``tests/track/test_lasting.py`` holds every capture against it: with
and without, the same records come out.

Most calls are up for minutes, having been set up within seconds, and of some 2.5 kB of text in four messages little is
looked at again. So half a minute after the answer, when every verdict has fallen, the text is cut down; a call that is
over by then, as in a busy minute of short calls, costs nothing. Texts that are to be shown as they were are kept whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.track.timers import HORIZON
from sipwatch.wire.limits import MAX_TEXT
from sipwatch.wire.message import Request, Response

if TYPE_CHECKING:
    from sipwatch.track.call import Call
    from sipwatch.track.leg import Leg
    from sipwatch.wire.message import Message

LASTS: Final = HORIZON  # after the answer (ns)
MAX_FIELD: Final = 4096  # bytes of one line of a header: the longest tokens (RFC 8224, RFC 8760) have some 2,000

# Header fields that are read when a message comes in, if at all, and stand in its attributes; names in lower case, long
# and compact. Via is among them where there is one value: ``branch`` says all of it that a response is matched by.
_SPENT: Final = frozenset({
    b"to", b"t", b"call-id", b"i", b"cseq", b"max-forwards", b"content-length", b"l", b"allow", b"supported", b"k",
    b"allow-events", b"u", b"accept", b"accept-encoding", b"accept-language", b"date", b"expires", b"min-se",
    b"content-type", b"c", b"content-disposition", b"content-encoding", b"e", b"content-language", b"mime-version",
})  # fmt: skip
_SPENT_BEHIND: Final = _SPENT | {b"from", b"f"}  # who calls is read of the INVITE
_VIA: Final = frozenset({b"via", b"v"})
_PHRASES: Final = {phrase: phrase for phrase in (b"OK", b"Ok", b"Ringing", b"Session Progress")}


def lighten(call: Call) -> None:
    """Cut down what an answered call holds of its answered legs; of a hop that failed, the text may say why."""
    taken = all(answer.count <= 1 for leg in call.legs for answer in leg.answers or ())
    for leg in call.legs:
        if leg.answers is None or not leg.settled:
            continue
        _let_go(leg, taken=taken, compared=len(call.legs) > 1 and leg in call.front)
        for message in _messages(leg):
            _share(message, call, leg)
            spent = _SPENT if message is leg.invite else _SPENT_BEHIND
            whole = len(message.raw)
            message.raw = essence(message.raw, spent if message.via_count != 1 else spent | _VIA)
            message.cut += whole - len(message.raw)


def _let_go(leg: Leg, *, taken: bool, compared: bool) -> None:
    """Let go of messages that were as they should be: that one came, and when, stands in the leg and its answers.

    ``taken`` says that no answer of the call was sent again, ``compared`` that what this hop was told may yet be
    compared with what the hops behind it say.
    """
    # A 180 with which it began to ring. Of a 183 before it, or of one that requires something, more may be said.
    if (
        leg.progress is leg.ringing
        and leg.progress is not None
        and not compared
        and b"require" not in leg.progress.names
    ):
        leg.progress = leg.ringing = None
    # The ACK, where no 2xx was repeated: by now it would have been (64*T1, §13.3.1.4).
    for answer in leg.answers or ():
        if taken and answer.misrouted is None:
            answer.ack = None


def _messages(leg: Leg) -> list[Message]:
    held: list[Message | None] = [leg.invite, leg.progress, leg.ringing, leg.session_progress, leg.final]
    for answer in leg.answers or ():
        held += (answer.response, answer.ack)
    return [message for message in held if message is not None]


def _share(message: Message, call: Call, leg: Leg) -> None:
    """Let equal texts be one object: each message was cut out of a packet of its own."""
    if message.call_id == call.call_id:
        message.call_id = call.call_id
    if message.from_tag == call.from_tag:
        message.from_tag = call.from_tag
    if isinstance(message, Response):
        message.reason_phrase = _PHRASES.get(message.reason_phrase, message.reason_phrase)
    if message.branch == leg.branch:
        message.branch = leg.branch
    if isinstance(message, Request) and message.request_uri == leg.invite.request_uri:
        message.request_uri = leg.invite.request_uri
    for answer in leg.answers or ():
        if message.to_tag == answer.tag:
            message.to_tag = answer.tag


def cut_short(message: Message) -> None:
    """Cut a text that is longer than anybody's needs to be down to ``MAX_TEXT``, header by header, then the body.

    Of a line longer than ``MAX_FIELD`` the beginning stays: nothing that is read is as long.
    """
    if len(message.raw) <= MAX_TEXT:
        return
    head, blank, body = message.raw.partition(b"\r\n\r\n")
    if not blank:
        head, blank, body = message.raw.partition(b"\n\n")
    room = MAX_TEXT
    kept: list[bytes] = []
    for line in head.split(b"\n"):
        line = line[:MAX_FIELD]  # noqa: PLW2901 - no more of it is looked at
        if len(line) < room:
            kept.append(line)
            room -= len(line) + 1
    text = b"\n".join(kept) + blank + body[: max(0, room - len(blank))]
    message.cut += len(message.raw) - len(text)
    message.raw = text
    present = {line.partition(b":")[0].strip().lower() for line in kept[1:]}
    message.names = frozenset(message.names & present)
    if isinstance(message, Request):
        message.request_uri = message.request_uri[:MAX_FIELD]
    elif isinstance(message, Response):
        message.reason_phrase = message.reason_phrase[:MAX_FIELD]


def essence(raw: bytes, spent: frozenset[bytes]) -> bytes:
    """Return a message's text without what is not looked at again: ``spent`` header fields, and a body of SDP.

    What is not plainly written (line feeds alone, several parts) stays whole.
    """
    head, blank, _ = raw.partition(b"\r\n\r\n")
    if not blank or b"multipart/" in head:
        return raw
    kept: list[bytes] = []
    keeping = True
    for line in head.split(b"\r\n"):
        if line[:1] not in (b" ", b"\t"):  # else it continues the line before (§7.3.1)
            name = line.partition(b":")[0].strip().lower()
            keeping = name not in spent
        if keeping:
            kept.append(line)
    return b"\r\n".join([*kept, b"", b""])
