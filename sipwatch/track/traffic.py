"""Plain counts of messages between peers, and when which end was last heard: pulled by whoever asks, told to nobody.

Must not know: metrics, what a peer is, transactions. Peers are opaque names that the caller gives for a path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.budget import DEFAULT_BUDGET
from sipwatch.wire.message import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable

from sipwatch.wire.message import Path

WAY: Final = 350  # bytes that one path takes, its entries in the tables included
MAX_METHODS: Final = 64  # of one pair: a stranger may invent methods without end
OTHER_METHOD: Final = "other"


class Pair:
    """Messages from one peer to another. Moments are packet time in ns, 0 before any.

    ``requests`` are by method, ``responses`` by the method of their CSeq and then by status code, ``repeated`` are
    retransmissions of either by method.
    """

    __slots__ = ("destination", "last_request", "last_response", "repeated", "requests", "responses", "source")

    def __init__(self, source: str, destination: str) -> None:
        self.source = source
        self.destination = destination
        self.requests: dict[str, int] = {}
        self.responses: dict[str, dict[int, int]] = {}
        self.repeated: dict[str, int] = {}
        self.last_request = self.last_response = 0


class LastResponse:
    """When a response last came from an end (ns)."""

    __slots__ = ("at",)

    def __init__(self) -> None:
        self.at = -1


class Way:
    """One path: whose messages go along it, and when a response last did (ns, -1 before any)."""

    __slots__ = ("at", "end", "pair", "path")

    def __init__(self, path: Path, pair: Pair) -> None:
        self.path = path
        self.pair = pair
        self.end: LastResponse | None = None
        self.at = -1


class Traffic:
    """Counts every message, at the price of one look-up. ``ends_of`` names the peers at the two ends of a path.

    ``forgotten`` counts how often all paths were given up, ``most`` paths being known: who was heard before is not
    known any more, while counts go on.
    """

    __slots__ = ("_ends", "_ends_of", "_told", "_ways", "forgotten", "most", "pairs")

    def __init__(self, ends_of: Callable[[Path], tuple[str, str]], room: int = DEFAULT_BUDGET.paths // 2) -> None:
        self.most = room // WAY
        self.pairs: dict[tuple[str, str], Pair] = {}
        self.forgotten = 0
        self._ends_of = ends_of
        self._ways: dict[bytes, Way] = {}
        self._ends: dict[str, LastResponse] = {}
        self._told: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._ways)

    def request(self, request: Request) -> None:
        """Count a request."""
        way = self._ways.get(request.path.key) or self._meet(request.path)
        pair = way.pair
        method = request.method
        before = pair.requests.get(method)
        if before is None:
            method, before = self._new_method(pair.requests, method)
        pair.requests[method] = before + 1
        pair.last_request = request.time

    def response(self, response: Response) -> None:
        """Count a response."""
        way = self._ways.get(response.path.key) or self._meet(response.path)
        pair = way.pair
        codes = pair.responses.get(response.cseq_method) or self._new_codes(pair, response.cseq_method)
        code = response.status_code
        codes[code] = codes.get(code, 0) + 1
        end = way.end or self._first_response(way)
        pair.last_response = way.at = end.at = response.time

    def repeated(self, message: Request | Response) -> None:
        """Count a retransmission, which was counted as a message before or will be."""
        way = self._ways.get(message.path.key) or self._meet(message.path)
        method = message.method if message.__class__ is Request else message.cseq_method
        before = way.pair.repeated.get(method)
        if before is None:
            method, before = self._new_method(way.pair.repeated, method)
        way.pair.repeated[method] = before + 1

    def use(self, ends_of: Callable[[Path], tuple[str, str]]) -> None:
        """Name peers anew from now on. What was counted stays where it is."""
        self._ends_of = ends_of
        for way in self._ways.values():
            way.pair = self._pair(way.path)

    # Who was heard

    def heard_from(self, end: str) -> int:
        """Return when a response last came from an end (``ip:port``), in ns, -1 if none did."""
        known = self._ends.get(end)
        return -1 if known is None else known.at

    def heard_along(self, key: bytes) -> int:
        """Return when a response last came along a path, by its key (ns), -1 if none did."""
        known = self._ways.get(key)
        return -1 if known is None else known.at

    def was_told(self, address: bytes) -> bool:
        """Tell whether responses to an address were seen: else the capture may hold one direction only."""
        return address in self._told

    # What is new

    def _meet(self, path: Path) -> Way:
        if len(self._ways) >= self.most:
            self.forgotten += 1
            self._ways.clear()
            self._ends.clear()
            self._told.clear()
        way = self._ways[path.key] = Way(path, self._pair(path))
        return way

    def _pair(self, path: Path) -> Pair:
        ends = self._ends_of(path)
        pair = self.pairs.get(ends)
        if pair is None:
            pair = self.pairs[ends] = Pair(*ends)
        return pair

    def _first_response(self, way: Way) -> LastResponse:
        end = self._ends.get(way.path.source)
        if end is None:
            end = self._ends[way.path.source] = LastResponse()
        way.end = end
        self._told.add(way.path.destination_address)
        return end

    def _new_method(self, counts: dict[str, int], method: str) -> tuple[str, int]:
        if len(counts) >= MAX_METHODS:
            method = OTHER_METHOD
        return method, counts.get(method, 0)

    def _new_codes(self, pair: Pair, method: str) -> dict[int, int]:
        if len(pair.responses) >= MAX_METHODS:
            method = OTHER_METHOD
        return pair.responses.setdefault(method, {})
