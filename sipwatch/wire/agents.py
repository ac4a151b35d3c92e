"""Who reports over HEP: may they, by which name are they counted, and what do their clocks say.

Must not know: sockets, clocks, calls. The time at which a packet arrived is given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.packet import REPORTED, SECOND
from sipwatch.wire import hep
from sipwatch.wire.discards import Discard
from sipwatch.wire.skew import Skew

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sipwatch.wire.limits import Limits

UNNAMED: Final = "other"  # who gets no name of his own
_MAX_NAME_LENGTH: Final = 64  # of the name that a node gives itself, as part of a key
_LASTS: Final = 10 * 60 * SECOND  # a clock that was not heard for so long says nothing of a node that was

Sender = tuple[str, int, bytes, str]  # listener, node's number, the name that it gives itself, address


class Node:
    """A capture node, or several under one name. ``packets`` were taken, ``late`` of them after their time had passed.

    ``last_seen`` is when it last sent anything, in ns by our clock, 0 if never.
    """

    __slots__ = ("last_seen", "late", "packets")

    def __init__(self) -> None:
        self.packets = 0
        self.late = 0
        self.last_seen = 0


class KnownNode:
    """A capture node of the configuration: its label, and its number or the name that it gives itself."""

    __slots__ = ("capture_id", "label", "node")

    def __init__(self, label: str, capture_id: int | None, node: str | None) -> None:
        self.label = label
        self.capture_id = capture_id
        self.node = node


class Agents:
    """Takes what agents send; the decoder counts what they send in vain."""

    def __init__(self, counts: dict[Discard, int], limits: Limits) -> None:
        self.nodes: dict[str, Node] = {}
        self.evicted = 0
        self._counts = counts
        self._limits = limits
        self._secret = b""
        self._by_number: dict[int, str] = {}
        self._by_name: dict[bytes, str] = {}
        self._unnamed: set[str] = set()
        self._clocks: dict[Sender, tuple[str, Skew]] = {}  # with the node's label

    def __len__(self) -> int:
        return len(self._clocks)

    def use(self, known: Iterable[KnownNode], secret: bytes) -> None:
        """Name nodes by these from now on, and demand this key; of nobody, if it is empty."""
        self._secret = secret
        self._by_number.clear()
        self._by_name.clear()
        for node in known:
            self._node(node.label)
            if node.capture_id is not None:
                self._by_number[node.capture_id] = node.label
            if node.node is not None:
                self._by_name[node.node.encode()] = node.label

    def report(
        self, arrival: int, passed: int, listener: str, sender: str, data: bytes
    ) -> tuple[int, int, bytes] | Discard:
        """Take a HEP packet; return it as a frame, or why there is none. Never raises.

        ``arrival`` is our time when it came, ``passed`` what has passed already, both in ns: a message from before that
        is late, and taken at that time, or now if its sender's clock may have been set back. ``listener`` is where it
        came in, ``sender`` the address it came from.
        """
        found = hep.decode(data, self._secret)
        if isinstance(found, Discard):
            return self._discard(found)
        label = self._label(listener, found)
        node = self._node(label)
        node.packets += 1
        node.last_seen = max(node.last_seen, arrival)
        time, doubtful = arrival, False
        if found.time:
            clock = self._clock(label, (listener, found.capture_id, found.node[:_MAX_NAME_LENGTH], sender))
            time, doubtful = max(0, clock.correct(arrival, found.time)), clock.doubtful
        taken = time
        if time < passed:
            node.late += 1
            taken = max(arrival, passed) if doubtful else passed
        return taken, REPORTED, hep.carry(time, found)

    def skews(self) -> dict[str, int]:
        """Return how far each node's clock is ahead of ours, in ns: of several senders', that which is farthest off."""
        found: dict[str, int] = {}
        for label, clock in self._clocks.values():
            stale = clock.heard < self.nodes[label].last_seen - _LASTS
            if not stale and abs(clock.offset) >= abs(found.get(label, 0)):
                found[label] = -clock.offset
        return found

    def _label(self, listener: str, found: hep.Encapsulated) -> str:
        label = self._by_name.get(found.node) if found.node else None
        if label is None:
            label = self._by_number.get(found.capture_id)
        if label is not None:
            return label
        label = f"{listener}/{found.capture_id}"
        if label not in self._unnamed:
            if len(self._unnamed) >= self._limits.nodes:
                return UNNAMED
            self._unnamed.add(label)
        return label

    def _node(self, label: str) -> Node:
        node = self.nodes.get(label)
        if node is None:
            node = self.nodes[label] = Node()
        return node

    def _clock(self, label: str, sender: Sender) -> Skew:
        """Return the sender's clock. Full, the table gives up its oldest entry: it is measured anew."""
        known = self._clocks.get(sender)
        if known is not None and known[0] == label:
            return known[1]
        if known is None and len(self._clocks) >= self._limits.reporters:
            del self._clocks[next(iter(self._clocks))]
            self.evicted += 1
        clock = Skew() if known is None else known[1]
        self._clocks[sender] = (label, clock)
        return clock

    def _discard(self, reason: Discard) -> Discard:
        self._counts[reason] = self._counts.get(reason, 0) + 1
        return reason
