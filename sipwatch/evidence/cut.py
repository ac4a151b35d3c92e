"""Collects the packets of some calls out of a capture that is read once more.

Must not know: files, how calls are chosen, what is hidden.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.engine import Engine
from sipwatch.evidence.datagrams import Datagram, call_id_of, datagram_of
from sipwatch.evidence.dissect import TUNNEL_PORTS, Dissector
from sipwatch.evidence.packets import Packet
from sipwatch.evidence.streams import InStream, Strands
from sipwatch.export.calls import text
from sipwatch.packet import BLANKS, HEP_3, SECOND, TCP, UDP
from sipwatch.wire.discards import Discard
from sipwatch.wire.sip import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sipwatch.classify.peers import Settings
    from sipwatch.export.record import CallRecord
    from sipwatch.wire.message import Request, Response

Found = Datagram | InStream

MAX_MESSAGES = 2_000  # of one Call-ID
MAX_BYTES = 4 << 20  # of their text
# ns after a call's last message by when every silence has become a verdict; Timer C, 180 s, is the longest.
PATIENCE = 240 * SECOND
_NEVER = 1 << 63


class Pile:
    """Every message with one Call-ID, in the order of the capture. ``left_out`` counts those beyond the bounds.

    ``witness`` is the time (ns) and length of a later packet of anybody's: it shows that the capture went on.
    """

    __slots__ = ("left_out", "messages", "size", "witness")

    def __init__(self) -> None:
        self.messages: list[tuple[int, Found]] = []
        self.size = 0
        self.left_out = 0
        self.witness: tuple[int, int] | None = None

    @property
    def last(self) -> int:
        """Return when the last message was captured, in ns."""
        return self.messages[-1][0] if self.messages else 0

    def add(self, time: int, found: Found) -> None:
        """Take a message that was captured at ``time``."""
        if len(self.messages) >= MAX_MESSAGES or self.size >= MAX_BYTES:
            self.left_out += 1
            return
        self.messages.append((time, found))
        self.size += len(found.raw)


class Cutter:
    """Takes every packet of a capture, in order, and keeps what belongs to the wanted Call-IDs."""

    def __init__(self, wanted: Iterable[CallRecord], settings: Settings) -> None:
        self._piles = {call.call_id: Pile() for call in wanted}
        self._settings = settings
        self._latest = (0, 0)
        self._due = _NEVER
        self._dissector = Dissector()
        self._strands = Strands(self._is_wanted)
        self._place = 0

    def frame(self, time: int, link_type: int, data: bytes) -> None:
        """Take a packet: packet time in ns, LINKTYPE, bytes. Never raises."""
        self._place += 1
        self._latest = (time, len(data))
        if time >= self._due:
            self._look_round()
        if self._is_plain_and_unwanted(link_type, data):
            return
        carried = self._dissector.packet(Packet(self._place, time, link_type, data))
        if carried is None:
            return
        if carried.protocol == TCP:
            for message in self._strands.take(carried):
                self._keep(message.time, message)
            return
        datagram = datagram_of(carried)
        if datagram is not None and self._is_wanted(datagram.raw):
            self._keep(time, datagram)

    def finish(self, last: int) -> None:
        """Take note that the capture is over, as of ``last`` (ns)."""
        for message in self._strands.finish(last):
            self._keep(last, message)
        for pile in self._piles.values():
            if pile.messages and pile.witness is None and self._latest[0] > pile.last:
                pile.witness = self._latest

    def messages(self, call: CallRecord) -> list[Found]:
        """Return the messages of one call, as the engine would tell them from others with the same Call-ID."""
        found = self._piles[call.call_id].messages
        parsed = [(time, one, _parsed(time, one)) for time, one in found]
        attempts = self._attempts([message for _, _, message in parsed if message is not None])
        if len(attempts) < 2 or all(attempt.id != call.id for attempt in attempts):
            return [one for _, one, _ in parsed]
        return [one for time, one, message in parsed if _owner(time, message, attempts).id == call.id]

    def witness(self, call: CallRecord, found: Sequence[Found]) -> tuple[int, int] | None:
        """Return the time (ns) and length of a packet that came when silence had decided about a call.

        None where its messages alone lead to the verdict, where there are too many, or no packet came any more.
        """
        pile = self._piles[call.call_id]
        if pile.witness is None or pile.left_out:
            return None
        times = {id(one): time for time, one in pile.messages}
        parsed = [_parsed(times[id(one)], one) for one in found]
        attempts = self._attempts([message for message in parsed if message is not None])
        return None if [_verdicts(call)] == [_verdicts(attempt) for attempt in attempts] else pile.witness

    def left_out(self, call: CallRecord) -> int:
        """Count the messages with a call's Call-ID that were too many."""
        return self._piles[call.call_id].left_out

    def _keep(self, time: int, found: Found) -> None:
        pile = self._piles[text(call_id_of(found.raw))]
        pile.add(time, found)
        pile.witness = None
        self._due = min(self._due, pile.last + PATIENCE)

    def _look_round(self) -> None:
        """Let the packet at hand be the witness of every call that has been silent for long enough."""
        self._due = _NEVER
        for pile in self._piles.values():
            if not pile.messages or pile.witness is not None:
                continue
            if self._latest[0] >= pile.last + PATIENCE:
                pile.witness = self._latest
            else:
                self._due = min(self._due, pile.last + PATIENCE)

    def _attempts(self, messages: Sequence[Request | Response]) -> list[CallRecord]:
        """Return the calls that messages with one Call-ID make, in the order they started."""
        calls: list[CallRecord] = []
        engine = Engine(lambda call, _: calls.append(call), self._settings, diagnose=False)
        for message in messages:
            engine.message(message)
        engine.finish()
        return sorted(calls, key=lambda call: call.started)

    def _is_wanted(self, raw: bytes) -> bool:
        return text(call_id_of(raw)) in self._piles

    def _is_plain_and_unwanted(self, link_type: int, data: bytes) -> bool:
        """Tell quickly of what nearly every packet is (see ``wire.decoder``) whether it is of no interest."""
        if link_type != 1 or data[12:15] != b"\x08\x00E" or len(data) <= 42 or data[23] != UDP:
            return False
        if data[20] & 0x3F or data[21] or data[36:38] in TUNNEL_PORTS or data[34:36] in TUNNEL_PORTS:
            return False
        payload = data[42:]
        if payload[0] & 0xC0 == 0x80:
            return True
        # What begins neither with a letter nor with blanks before one is left to a closer look.
        return payload.lstrip(BLANKS)[:1].isalpha() and payload[:4] != HEP_3 and not self._is_wanted(payload)


def _parsed(time: int, found: Found) -> Request | Response | None:
    if isinstance(found, Datagram):
        return found.message()
    message = parse(time, found.path, found.raw, found.truncated)
    return None if isinstance(message, Discard) else message


def _verdicts(call: CallRecord) -> tuple[str, list[str]]:
    return call.outcome, [leg.outcome for leg in call.legs]


def _owner(time: int, message: Request | Response | None, attempts: list[CallRecord]) -> CallRecord:
    """Return the call that a message belongs to: by the caller's tag at either end, and then by time."""
    tags = () if message is None else (text(message.from_tag) or None, text(message.to_tag) or None)
    alike = [attempt for attempt in attempts if attempt.from_tag in tags] or attempts
    before = [attempt for attempt in alike if attempt.started <= time]
    return before[-1] if before else alike[0]
