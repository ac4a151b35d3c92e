"""TCP as a bystander sees it: both directions' segments put in order, with what is missing skipped.

Must not know: SIP headers, what a message means.

A receiver may wait for a missing segment, since it will be sent again (RFC 9293 §3.8.1). A bystander may not: a segment
that the capture lost was received, and never comes. So reassembly here differs from a receiver's in four ways.

* It begins anywhere. libnids follows only connections whose handshake it saw; SIP connections live for days (RFC 5626),
  and captures begin in the middle of them. ``stream.Framer`` finds the first start line.
* It gives up waiting: when the other end acknowledges what is missing (Wireshark's "ACKed unseen segment"), or when too
  much waits or for too long. Wireshark goes on at once, unless it is told to reassemble segments out of order, and
  then does not find the messages of a segment that merely came late.
* Of bytes that came twice the first stand, as they do for Wireshark and for Linux once they are in order. Stacks differ
  there (Ptacek and Newsham, 1998), and intrusion detection imitates each of them; who wants to hide a call from us by
  that can also just encrypt it.
* There is no window. Whether a segment is acceptable (§3.10.7.4) a receiver tells by RCV.NXT and its own window, of
  which the scale factor is told in a handshake that we may not have seen. What is too far off is another connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.packet import ACK, FIN, RST, SEQUENCE_MASK, SYN
from sipwatch.wire.discards import Discard
from sipwatch.wire.stream import Framer, Mode

if TYPE_CHECKING:
    from sipwatch.wire.limits import Limits
    from sipwatch.wire.message import Path

UNORDERED: Final = (Mode.FOREIGN, Mode.TLS)
# Farther behind is no late copy but another connection between the same ends, whose SYN was not captured: nothing that
# signals has so much under way.
_FARTHEST_BACK: Final = 1 << 20
_HALF: Final = 1 << 31  # of all sequence numbers

Found = tuple["Path", bytes, bool, bool]  # path, message, over WebSocket, cut short


def distance(to: int, since: int) -> int:
    """Return how far one sequence number is ahead of another, negative when behind (RFC 9293 §3.4).

    Sequence numbers are a circle of 2**32: which of two is ahead is a matter of the shorter way round.
    """
    gone = (to - since) & SEQUENCE_MASK
    return gone - 0x1_0000_0000 if gone & 0x8000_0000 else gone


class _Beginning:
    """The first segment of a stream whose SYN was not captured: the one before it may still come."""

    __slots__ = ("found", "payload", "sequence")

    def __init__(self, sequence: int, payload: bytes) -> None:
        self.sequence = sequence
        self.payload = payload
        self.found: list[bytes] | None = None  # the messages in it, once it was read


class Stream:
    """One direction. ``held`` is what it has in the total of buffered bytes."""

    __slots__ = ("beginning", "expected", "framer", "held", "path", "seen", "synchronised", "waiting", "waiting_since")

    def __init__(self, path: Path, expected: int, limits: Limits, *, synchronised: bool) -> None:
        self.path = path
        self.expected = expected
        self.framer = Framer(Mode.OPEN, limits)
        self.synchronised = synchronised
        self.beginning: _Beginning | None = None
        self.waiting: dict[int, bytes] = {}
        self.waiting_since = 0
        self.seen = 0
        self.held = 0

    def next_waiting(self) -> int:
        """Return the sequence number of the first segment behind the gap."""
        # The least ``distance``, in a loop without calls: many may wait, and this is asked with every segment.
        base = self.expected - _HALF
        return (min([(at - base) & SEQUENCE_MASK for at in self.waiting]) + base) & SEQUENCE_MASK


class Streams:
    """All TCP directions, least recently used first.

    Time is only looked at when a stream's own segment comes, so nothing depends on who else is there.
    """

    __slots__ = ("_closed", "_count", "_limits", "_streams", "bytes", "evicted", "forgotten")

    def __init__(self, count: dict[Discard, int], limits: Limits) -> None:
        self._streams: dict[bytes, Stream] = {}
        self._closed: dict[bytes, tuple[int, int]] = {}  # what would have come next; until when that holds
        self._count = count
        self._limits = limits
        self.bytes = 0
        self.evicted = 0
        self.forgotten = 0

    def __len__(self) -> int:
        return len(self._streams)

    @property
    def closed(self) -> int:
        """Count the closed streams that are still remembered."""
        return len(self._closed)

    def segment(
        self, time: int, path: Path, sequence: int, acknowledged: int, flags: int, payload: bytes, missing: int
    ) -> tuple[list[Found], Discard | None]:
        """Take a segment, ``missing`` bytes of whose payload were cut off by the snap length.

        Return the messages that became whole, and the reason for other bytes.
        """
        found: list[Found] = []
        if flags & ACK:
            # Before the segment's own bytes: an answer must not be given out before the request that it acknowledges.
            self._acknowledge(time, path.reverse_key, acknowledged, found)
        key = path.key
        stream = self._streams.pop(key, None)
        if stream is not None:
            self.bytes -= stream.held
            if time - stream.seen > self._limits.stream_lifetime:
                self._abandon(stream, found)
                stream = None
        if flags & SYN:
            # The SYN itself has a number (§3.4); data behind it is legal (RFC 7413).
            sequence = (sequence + 1) & SEQUENCE_MASK
            stream = self._synchronise(stream, path, sequence, found)
        elif stream is None:
            if not payload:
                return found, Discard.TCP_CONTROL
            if self._is_late(time, key, sequence + len(payload) + missing):
                return found, Discard.TCP_RETRANSMITTED
            stream = self._begin(path, sequence, synchronised=False)
            stream.beginning = _Beginning(sequence, payload)
        stream.seen = time
        reason: Discard | None = Discard.TCP_CONTROL
        if payload or missing:
            reason = self._take(stream, time, sequence, payload, missing, found)
        # A FIN ends a direction when all before it has come (§3.6); one that overtook a segment waits like any other.
        # A reset ends both (§3.5.3), but whoever sent it may have said something last: the other direction is left to
        # time. That a reset may be forged (RFC 5961) does not matter: whatever comes nevertheless begins a new stream.
        end = (sequence + len(payload) + missing) & SEQUENCE_MASK
        if flags & RST or (flags & FIN and not stream.waiting and distance(end, stream.expected) <= 0):
            self._close(time, key, stream, found)
        else:
            self._keep(key, stream, found)
        return found, reason

    def finish(self) -> list[Found]:
        """Take what still waited behind gaps, and what there is of unfinished messages: the capture is over."""
        found: list[Found] = []
        for stream in self._streams.values():
            self._abandon(stream, found)
        self._streams.clear()
        self._closed.clear()
        self.bytes = 0
        return found

    # A stream's life

    def _begin(self, path: Path, expected: int, *, synchronised: bool) -> Stream:
        return Stream(path, expected, self._limits, synchronised=synchronised)

    def _synchronise(self, stream: Stream | None, path: Path, expected: int, found: list[Found]) -> Stream:
        """Begin a stream with its SYN, unless its first segments were captured before it.

        A receiver never meets that: it has no connection before the SYN. Captures of several interfaces or queues do,
        because packets of different queues are out of order by some microseconds. A SYN whose number fits right before
        what we have belongs to it; any other is a new connection between the same ends. A receiver would challenge the
        latter (RFC 5961 §4), but it knows whether its old connection is alive.
        """
        if stream is not None:
            if not stream.synchronised and 0 <= distance(stream.expected, expected) <= self._limits.stream_bytes:
                stream.synchronised = True
                return stream
            self._abandon(stream, found)
        self._closed.pop(path.key, None)
        return self._begin(path, expected, synchronised=True)

    def _keep(self, key: bytes, stream: Stream, found: list[Found]) -> None:
        held = len(stream.framer)
        if stream.waiting:
            held += sum(map(len, stream.waiting.values()))
        if stream.beginning is not None and len(stream.beginning.payload) != held:  # else they are the same bytes
            held += len(stream.beginning.payload)
        stream.held = held
        self._streams[key] = stream
        self.bytes += held
        while len(self._streams) > self._limits.streams or self.bytes > self._limits.streams_bytes:
            oldest = self._streams.pop(next(iter(self._streams)))
            self.bytes -= oldest.held
            self.evicted += 1
            self._lose(Discard.TCP_EVICTED)
            self._abandon(oldest, found)

    def _close(self, time: int, key: bytes, stream: Stream, found: list[Found]) -> None:
        self._abandon(stream, found)
        closed = self._closed
        closed.pop(key, None)
        while closed:
            first = next(iter(closed))
            if closed[first][1] > time and len(closed) < self._limits.closed_streams:
                break
            self.forgotten += closed.pop(first)[1] > time
        closed[key] = stream.expected, time + self._limits.closed_lasts

    def ended(self, time: int, key: bytes) -> bool:
        """Tell whether a direction was closed in good order, or reset, and not long ago."""
        closed = self._closed.get(key)
        return closed is not None and time < closed[1]

    def _is_late(self, time: int, key: bytes, end: int) -> bool:
        """Tell whether a segment is a copy of what a stream had before it was closed.

        This is what TIME-WAIT is for (§3.3.2): a late copy would otherwise begin a stream, and its message be counted
        again. Ports may be used again within that time when the new number is ahead (RFC 1122 §4.2.2.13).
        """
        closed = self._closed.get(key)
        if closed is None or time >= closed[1]:
            return False
        return -_FARTHEST_BACK <= distance(end & SEQUENCE_MASK, closed[0]) <= 0

    def _abandon(self, stream: Stream, found: list[Found]) -> None:
        """Take out what there is: no more will come."""
        while stream.waiting:
            self._skip(stream, found)
        self._interrupt(stream, found)

    # Order

    def _take(
        self, stream: Stream, time: int, sequence: int, payload: bytes, missing: int, found: list[Found]
    ) -> Discard | None:
        """Take a segment's bytes; note what was in a stream's first, before which the second may go."""
        beginning = stream.beginning
        if beginning is None:
            return self._place(stream, time, sequence, payload, missing, found)
        if (
            beginning.found is not None
            and not missing
            and self._put_before(stream, beginning, sequence, payload, found)
        ):
            stream.beginning = None
            return None
        reason = self._place(stream, time, sequence, payload, missing, found)
        if beginning.found is None and not missing:
            beginning.found = [message for path, message, _, _ in found if path is stream.path]
        elif sequence != beginning.sequence or missing:
            stream.beginning = None  # another segment came, or the first was cut
        return reason

    def _place(
        self, stream: Stream, time: int, sequence: int, payload: bytes, missing: int, found: list[Found]
    ) -> Discard | None:
        ahead = distance(sequence, stream.expected)
        if ahead < -_FARTHEST_BACK:
            # A receiver drops it as outside of its window; for us it is the only sign of a connection that is new.
            self._abandon(stream, found)
            self._gap(stream)
            stream.expected = sequence
            ahead = 0
        elif ahead < 0:
            if -ahead >= len(payload) + missing:
                return Discard.TCP_RETRANSMITTED
            # Sent again with more behind it, as senders may cut their bytes anew: only what is new counts.
            missing = min(missing, len(payload) + missing + ahead)
            payload = payload[-ahead:]
            ahead = 0
        elif ahead and stream.framer.mode in UNORDERED:
            stream.expected = sequence  # a bulk transfer is not worth waiting for
            ahead = 0
        if ahead == 0:
            reason = self._feed(stream, payload, found) if payload else None
            if missing:
                # Cut by the snap length. That will not be sent again: there is nothing to wait for.
                self._interrupt(stream, found)
                stream.expected = (stream.expected + missing) & SEQUENCE_MASK
            if stream.waiting:
                self._catch_up(stream, found)
            return reason
        self._wait(stream, time, sequence, payload, found)
        return None

    def _put_before(
        self, stream: Stream, beginning: _Beginning, sequence: int, payload: bytes, found: list[Found]
    ) -> bool:
        """Put right a stream whose first two segments were captured in reverse order, its SYN not at all.

        The first was read as if nothing went before it. Read both anew; what the first held for itself was given.
        A single byte is no segment that was overtaken but a probe whether the other end is alive (RFC 9293 §3.8.4).
        """
        if len(payload) < 2 or sequence + len(payload) & SEQUENCE_MASK != beginning.sequence or stream.waiting:
            return False
        framer = stream.framer.anew()
        messages, _ = framer.take(payload)
        more, _ = framer.take(beginning.payload)
        given = beginning.found or []
        first = len(more) - len(given)
        if first < 0 or more[first:] != given:
            return False
        websocket = framer.mode is Mode.WEBSOCKET
        messages += more[:first]
        found += [(stream.path, message, websocket, False) for message in messages]
        stream.framer = framer
        return True

    def _wait(self, stream: Stream, time: int, sequence: int, payload: bytes, found: list[Found]) -> None:
        """Keep a segment that is ahead of its turn; give gaps up that are too old or hold up too much.

        How long: a fast retransmit takes a round trip, a retransmission by time at least 200 ms on Linux, one second by
        RFC 6298, twice that when the first one is lost, too. Longer, and a lost packet of the capture would hold up
        calls that have long been answered. Bounds on bytes and segments hold against whoever sends only what is ahead.
        """
        limits = self._limits
        waiting = stream.waiting
        if not waiting:
            stream.waiting_since = time
        if len(payload) > len(waiting.get(sequence, b"")):
            waiting[sequence] = payload
        while waiting and (
            len(waiting) > limits.waiting
            or time - stream.waiting_since > limits.gap_lasts
            or sum(map(len, waiting.values())) > limits.stream_bytes
        ):
            self._skip(stream, found)
            stream.waiting_since = time

    def _feed(self, stream: Stream, payload: bytes, found: list[Found]) -> Discard | None:
        stream.expected = (stream.expected + len(payload)) & SEQUENCE_MASK
        messages, reason = stream.framer.take(payload)
        if not messages:
            return reason
        websocket = stream.framer.mode is Mode.WEBSOCKET
        path = stream.path
        found += [(path, message, websocket, False) for message in messages]
        return None

    def _catch_up(self, stream: Stream, found: list[Found]) -> None:
        """Feed the segments that waited and are next now."""
        while stream.waiting:
            first = stream.next_waiting()
            ahead = distance(first, stream.expected)
            if ahead > 0:
                return
            payload = stream.waiting.pop(first)[-ahead if ahead else 0 :]
            if payload:
                self._feed(stream, payload, found)

    def _skip(self, stream: Stream, found: list[Found]) -> None:
        """Give up the bytes before the first waiting segment."""
        self._interrupt(stream, found)
        self._gap(stream)
        stream.expected = stream.next_waiting()
        self._catch_up(stream, found)

    def _interrupt(self, stream: Stream, found: list[Found]) -> None:
        """Take out an unfinished message: its headers may be whole."""
        websocket = stream.framer.mode is Mode.WEBSOCKET
        rest = stream.framer.lose_place()
        if rest:
            found.append((stream.path, rest, websocket, True))

    def _acknowledge(self, time: int, key: bytes, acknowledged: int, found: list[Found]) -> None:
        """The receiver has the bytes that we wait for: they were lost to us only, and will not come.

        Acknowledgements are cumulative (§3.4), so one number is the receiver's word for everything before it. Selective
        ones (RFC 2018) say that something beyond the gap arrived: of the gap itself they say the opposite.
        """
        stream = self._streams.get(key)
        if stream is None or not stream.waiting:
            return
        while stream.waiting and distance(acknowledged, stream.next_waiting()) > 0:
            self._skip(stream, found)
            stream.waiting_since = time
        held = len(stream.framer) + sum(map(len, stream.waiting.values()))
        self.bytes += held - stream.held
        stream.held = held

    # Counting

    def _gap(self, stream: Stream) -> None:
        if stream.framer.mode not in UNORDERED:
            self._lose(Discard.TCP_GAP)

    def _lose(self, reason: Discard) -> None:
        self._count[reason] = self._count.get(reason, 0) + 1
