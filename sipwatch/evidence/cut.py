"""Collects the packets of some calls out of a capture that is read once more.

Must not know: files, how calls are chosen, what is hidden.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sipwatch.capture.write import Saved
from sipwatch.engine import Engine
from sipwatch.evidence.render import NumberedPacket
from sipwatch.packet import SECOND
from sipwatch.wire.limits import DEFAULT_LIMITS
from sipwatch.wire.message import Request, Response, Unreachable, decoded
from sipwatch.wire.sip import bounded_identifier, header
from sipwatch.wire.trace import TracingDecoder

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sipwatch.classify.peers import Settings
    from sipwatch.export.record import CallRecord
    from sipwatch.wire.trace import Told, Trace


class Found(NamedTuple):
    """A message, or an error about one, with the number of the packet that made it whole.

    ``raw`` is its text, or what the error quotes. ``frames`` are its own packets as they were captured, none where not
    all of them are there, or something else may be in them.
    """

    item: Told
    number: int
    trace: Trace
    raw: bytes
    frames: tuple[NumberedPacket, ...]


MAX_MESSAGES = 2_000  # of one Call-ID
MAX_BYTES = 4 << 20  # of their text
MAX_ERRORS = 20  # about what others sent the same way
MAX_PARTS = 32 << 20  # bytes of packets of which something may come
_PARTS_LAST = DEFAULT_LIMITS.fragment_lifetime
# ns after a call's last message by when every silence has become a verdict; Timer C, 180 s, is the longest.
PATIENCE = 240 * SECOND
_NEVER = 1 << 63


class Messages:
    """Every message with one Call-ID, in the order of the capture. ``left_out`` counts those beyond the bounds.

    ``witness`` is the time (ns) and length of a later packet of anybody's: it shows that the capture went on.
    """

    __slots__ = ("errors", "left_out", "messages", "size", "witness")

    def __init__(self) -> None:
        self.messages: list[Found] = []
        self.size = 0
        self.errors = 0  # about other calls' messages
        self.left_out = 0
        self.witness: tuple[int, int] | None = None

    @property
    def last(self) -> int:
        """Return when the last message was captured, in ns."""
        return self.messages[-1].item.time if self.messages else 0

    def add(self, found: Found) -> bool:
        """Take a message; tell whether there was room for it."""
        if len(self.messages) >= MAX_MESSAGES or self.size >= MAX_BYTES:
            self.left_out += 1
            return False
        self.messages.append(found)
        self.size += len(found.raw)
        return True


class Cutter:
    """Takes every packet of a capture, in order, and keeps what belongs to the wanted Call-IDs."""

    def __init__(self, wanted: Iterable[CallRecord], settings: Settings) -> None:
        self._wanted = {call.call_id: Messages() for call in wanted}
        self._settings = settings
        self._latest = (0, 0)
        self._due = _NEVER
        self._decoder = TracingDecoder()
        self._paths: dict[bytes, set[str]] = {}  # the Call-IDs of what went there
        self._parts: dict[int, NumberedPacket] = {}  # packets that belong to something that is not whole yet
        self._part_bytes = 0
        self._number = 0
        self._here: NumberedPacket | None = None

    def frame(self, time: int, link_type: int, data: bytes) -> None:
        """Take a packet: packet time in ns, LINKTYPE, bytes. Never raises."""
        self._number += 1
        self._latest = (time, len(data))
        if time >= self._due:
            self._look_round()
        found = self._decoder.trace(self._number, time, link_type, data)
        if not found and not self._decoder.pending:
            return
        self._here = NumberedPacket(self._number, Saved(time, link_type, data, len(data)))
        if self._decoder.pending:
            self._remember(self._here)
        for item, trace in found:
            self._take(item, trace)

    def finish(self, last: int) -> None:
        """Take note that the capture is over, as of ``last`` (ns)."""
        self._number += 1
        for item, trace in self._decoder.trace_end(last):
            self._take(item, trace)
        for of_call in self._wanted.values():
            if of_call.messages and of_call.witness is None and self._latest[0] > of_call.last:
                of_call.witness = self._latest

    def messages(self, call: CallRecord) -> list[Found]:
        """Return the messages of one call, as the engine would tell them from others with the same Call-ID."""
        found = self._wanted[call.call_id].messages
        attempts = self._attempts(found)
        if len(attempts) < 2 or all(attempt.id != call.id for attempt in attempts):
            return found
        return [one for one in found if _owner(one, attempts).id == call.id]

    def witness(self, call: CallRecord, found: Sequence[Found]) -> tuple[int, int] | None:
        """Return the time (ns) and length of a packet that came when silence had decided about a call.

        None where its messages alone lead to the verdict, where there are too many, or no packet came any more.
        """
        of_call = self._wanted[call.call_id]
        if of_call.witness is None or of_call.left_out:
            return None
        attempts = self._attempts(found)
        return None if [_verdicts(call)] == [_verdicts(attempt) for attempt in attempts] else of_call.witness

    def left_out(self, call: CallRecord) -> int:
        """Count the messages with a call's Call-ID that were too many."""
        return self._wanted[call.call_id].left_out

    def _remember(self, packet: NumberedPacket) -> None:
        """Keep a packet for as long as a message may come of it."""
        parts = self._parts
        parts[packet.number] = packet
        self._part_bytes += len(packet.packet.data)
        while self._part_bytes > MAX_PARTS or next(iter(parts.values())).packet.time < packet.packet.time - _PARTS_LAST:
            self._part_bytes -= len(parts.pop(next(iter(parts))).packet.data)

    def _take(self, item: Told, trace: Trace) -> None:
        raw = item.quoted if isinstance(item, Unreachable) else item.raw
        number = item.number or self._number
        if isinstance(item, Unreachable):
            self._take_error(Found(item, number, trace, raw, self._frames(trace)))
            return
        call_id = decoded(item.call_id)
        if call_id in self._wanted:
            found = Found(item, number, trace, raw, self._frames(trace))
            if self._keep(call_id, found):
                self._paths.setdefault(item.path.key, set()).add(call_id)

    def _take_error(self, found: Found) -> None:
        """Keep an error for every call with messages on that way: nothing gets through there, for no call."""
        about = decoded(bounded_identifier(header(found.raw, b"call-id", b"i")))
        for call_id in self._paths.get(found.item.path.key, set()) | ({about} & self._wanted.keys()):
            of_call = self._wanted[call_id]
            if not about or about == call_id:
                self._keep(call_id, found)
            elif found.item.time - of_call.last < PATIENCE and of_call.errors < MAX_ERRORS:
                of_call.errors += 1
                self._keep(call_id, found._replace(raw=_beginning(found.raw), frames=()))

    def _frames(self, trace: Trace) -> tuple[NumberedPacket, ...]:
        """Return the packets of a datagram, if they are all there and hold nothing but the message."""
        found = [packet for piece in trace.pieces if (packet := self._packet(piece.number)) is not None]
        if trace.wrapped or len(found) < len(trace.pieces):
            return ()
        if len(found) == 1 and trace.missing:
            number, captured = found[0]
            return (NumberedPacket(number, captured._replace(length=len(captured.data) + trace.missing)),)
        return tuple(found)

    def _packet(self, number: int) -> NumberedPacket | None:
        here = self._here
        return here if here is not None and here.number == number else self._parts.get(number)

    def _keep(self, call_id: str, found: Found) -> bool:
        of_call = self._wanted[call_id]
        kept = of_call.add(found)
        of_call.witness = None
        self._due = min(self._due, of_call.last + PATIENCE)
        return kept

    def _look_round(self) -> None:
        """Let the packet at hand be the witness of every call that has been silent for long enough."""
        self._due = _NEVER
        for of_call in self._wanted.values():
            if not of_call.messages or of_call.witness is not None:
                continue
            if self._latest[0] >= of_call.last + PATIENCE:
                of_call.witness = self._latest
            else:
                self._due = min(self._due, of_call.last + PATIENCE)

    def _attempts(self, found: Sequence[Found]) -> list[CallRecord]:
        """Return the calls that messages with one Call-ID make, in the order they started."""
        calls: list[CallRecord] = []
        engine = Engine(lambda call, _: calls.append(call), self._settings, diagnose=False)
        for one in found:
            if isinstance(one.item, (Request, Response)) and not one.trace.copy:
                engine.message(one.item)
        engine.finish()
        return sorted(calls, key=lambda call: call.started)


def _beginning(quoted: bytes) -> bytes:
    """Return of another call's message what shows that it is SIP."""
    word, blank, rest = quoted.partition(b" ")
    return word + blank + (b"" if word == b"SIP/2.0" else rest[: rest.find(b":") + 1])


def _verdicts(call: CallRecord) -> tuple[str, list[str]]:
    return call.outcome, [leg.outcome for leg in call.legs]


def _owner(found: Found, attempts: list[CallRecord]) -> CallRecord:
    """Return the call that a message belongs to: by the caller's tag at either end, and then by time."""
    item = found.item
    tags = () if isinstance(item, Unreachable) else (decoded(item.from_tag) or None, decoded(item.to_tag) or None)
    alike = [attempt for attempt in attempts if attempt.from_tag in tags] or attempts
    before = [attempt for attempt in alike if attempt.started <= item.time]
    return before[-1] if before else alike[0]
