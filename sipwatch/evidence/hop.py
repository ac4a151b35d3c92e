"""What happened between two ends of a call, on the hop where the supplier is: what he can find in his own log.

Must not know: how it is written, what is hidden.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from sipwatch.classify.outcomes import IN_ORDER
from sipwatch.classify.peers import OTHER
from sipwatch.report.plain import duration
from sipwatch.wire.message import decoded
from sipwatch.wire.sip import header, header_values

if TYPE_CHECKING:
    from sipwatch.export.moments import Moment
    from sipwatch.export.record import CallRecord, LegRecord, MessageRecord

_WORTH_SAYING = 2.0  # seconds of silence
_BRANCH = ";branch="


class Step(NamedTuple):
    """Something that happened, so many seconds after the first INVITE on the hop."""

    after: float
    words: str
    decides: bool = False  # a final response, or a CANCEL


class Hop(NamedTuple):
    """Two ends, what passed between them, and how it ended.

    ``place`` is that of the leg in its call, ``began`` when its INVITE came. ``response`` is the final one, ``reason``
    the value of the Reason header in it, or in the CANCEL; both are empty where there was none. ``waited`` and
    ``silence`` are seconds: until somebody decided, and the longest time in between without a word.
    """

    place: int
    leg: LegRecord
    began: Moment
    moments: list[Step]
    response: str
    reason: str
    waited: float | None
    silence: float

    @property
    def ends(self) -> str:
        """Name the ends in the direction of the INVITE."""
        leg = self.leg
        names = ["" if name == OTHER else f"{name} " for name in (leg.source, leg.destination)]
        return f"{names[0]}{leg.source_address} → {names[1]}{leg.destination_address}"

    def passes(self, message: MessageRecord) -> bool:
        """Tell whether a message went between the two ends."""
        return {message.source, message.destination} == {self.leg.source_address, self.leg.destination_address}


def place_of(call: CallRecord, peer: str) -> int:
    """Return the last leg that a peer is at, one that failed before one that did not; any if he is at none."""
    every = range(len(call.legs))
    there = [place for place in every if peer in (call.legs[place].source, call.legs[place].destination)] or every
    failed = [place for place in there if call.legs[place].outcome not in IN_ORDER]
    return (failed or there)[-1]


def hop_of(call: CallRecord, peer: str) -> Hop:
    """Return what happened on the hop to or from a peer; of a call without messages what its record says."""
    place = place_of(call, peer)
    leg = call.legs[place]
    ends = {leg.source_address, leg.destination_address}
    passed = [message for message in call.messages or () if {message.source, message.destination} == ends]
    own = [message for message in passed if _is_telling(message)]
    if not own:
        return _by_record(call, place)
    began = own[0].time
    moments = [_moment(message, began, passed) for message in own]
    final = next((message for message in reversed(own) if _code(message) >= 200), None)
    cancel = next((message for message in own if message.first_line.startswith("CANCEL ")), None)
    return Hop(
        place,
        leg,
        began,
        moments,
        "" if final is None else final.first_line.partition(" ")[2],
        _reason(final) or _reason(cancel),
        _waited(call, began, moments),
        _silence(call, began, moments),
    )


def seen_in_words(hop: Hop) -> str:
    """Tell in a sentence what was seen, and how long was waited."""
    parts: list[str] = []
    before = 0.0
    told = hop.silence < _WORTH_SAYING
    for moment in hop.moments:
        if not told and moment.after - before >= hop.silence:
            parts.append(f"then nothing for {duration(hop.silence)}")
            told = True
        parts.append(moment.words if not moment.after else f"{moment.words} after {duration(moment.after)}")
        before = moment.after
    if not hop.response:
        within = "" if hop.waited is None else f" within {duration(hop.waited)}"
        parts.append(f"no final response{within}")
    return "; ".join(parts) + "."


def _by_record(call: CallRecord, place: int) -> Hop:
    found = [Step(0.0, "INVITE")]
    for stamp, words in ((call.trying, "100"), (call.progressed, "progress (18x)"), (call.ringing, "180")):
        if stamp is not None:
            found.append(Step(stamp.since(call.started), words))
    response = ""
    if call.status_code is not None:
        response = f"{call.status_code} {call.reason_phrase or ''}".rstrip()
        found.append(Step(call.setup_seconds.seconds if call.setup_seconds else 0.0, response, decides=True))
    cause = "" if call.cause is None else f"{call.cause_protocol};cause={call.cause}"
    waited, silence = _waited(call, call.started, found), _silence(call, call.started, found)
    return Hop(place, call.legs[place], call.started, found, response, cause, waited, silence)


def _is_telling(message: MessageRecord) -> bool:
    """Tell whether a message, sent for the first time, moves the INVITE on or takes it back."""
    method = _method(message)
    return not message.retransmission and (method == "INVITE" or (method == "CANCEL" and not _code(message)))


def _moment(message: MessageRecord, began: Moment, passed: list[MessageRecord]) -> Step:
    words = message.first_line.partition(" ")[0 if not _code(message) else 2]
    times = sum(again.first_line == message.first_line and _branch(again) == _branch(message) for again in passed)
    if times > 1:
        words += f" ({times} times)"
    decides = words.startswith("CANCEL") or _code(message) >= 200
    return Step(message.time.since(began), words, decides)


def _waited(call: CallRecord, began: Moment, moments: list[Step]) -> float | None:
    for moment in moments:
        if moment.decides:
            return moment.after
    return None if call.ended is None else max(0.0, call.ended.since(began))


def _silence(call: CallRecord, began: Moment, moments: list[Step]) -> float:
    upto = _waited(call, began, moments) or 0.0
    times = sorted({0.0, upto, *(moment.after for moment in moments if 0 <= moment.after < upto)})
    return max((after - before for before, after in pairwise(times)), default=0.0)


def _reason(message: MessageRecord | None) -> str:
    if message is None:
        return ""
    values = header_values(message.raw.encode("utf-8", "backslashreplace"), b"reason")
    return ", ".join(decoded(value) for value in values)


def _method(message: MessageRecord) -> str:
    """Return the method of the transaction that a message belongs to."""
    cseq = header(message.raw.encode("utf-8", "backslashreplace"), b"cseq")
    return cseq.rpartition(b" ")[2].decode("ascii", "replace")


def _branch(message: MessageRecord) -> str:
    via = header(message.raw.encode("utf-8", "backslashreplace"), b"via", b"v").decode("utf-8", "replace")
    return via.partition(_BRANCH)[2].partition(";")[0].partition(",")[0]


def _code(message: MessageRecord) -> int:
    """Return the status code of a response, 0 for a request."""
    code = message.first_line[8:11] if message.first_line.startswith("SIP/2.0 ") else ""
    return int(code) if code.isdigit() else 0
