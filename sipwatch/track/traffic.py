"""Plain counts of messages between peers, and when which end was last heard: pulled by whoever asks, told to nobody.

Must not know: metrics, what a peer is, transactions. Peers are opaque names that the caller gives for a path.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from sipwatch.budget import DEFAULT_BUDGET
from sipwatch.packet import SECOND
from sipwatch.track.room import OTHER, SeriesRoom
from sipwatch.wire.message import Request, Response
from sipwatch.wire.registered import REGISTERED_CODES
from sipwatch.wire.sip import METHODS

if TYPE_CHECKING:
    from collections.abc import Callable

    from sipwatch.wire.message import Path

WAY: Final = 350  # bytes that one path takes, its entries in the tables included
# A server stamps what it sends late (Kamailio), and captures that are merged have clocks of their own: the request that
# makes two peers a pair may come behind its responses. So long these wait to be counted, and so many of them.
EARLY_BY: Final = 2 * SECOND
MAX_EARLY: Final = 1024
MAX_METHODS: Final = 64  # that are kept as they were written: a stranger may invent methods without end
OTHER_METHOD: Final = OTHER
OTHER_CODE: Final = 0  # of a response whose status code nobody has registered
_KNOWN: Final = frozenset(METHODS.values())


class Pair:
    """Messages from one peer to another. Moments are packet time in ns, 0 before any.

    ``requests`` are by method, ``responses`` by the method of their CSeq and then by status code, ``repeated`` are
    retransmissions of either by method. Methods and codes that are in no list are ``OTHER_METHOD``, ``OTHER_CODE``.
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

    Two peers make a pair each way with the first request between them; what else comes from one to another is
    ``strays``: responses that no request came for within ``EARLY_BY``, and what ``room`` has no series for;
    ``heard`` and ``answered`` say when who sent such requests and responses (ns).
    ``invented`` and ``unregistered`` are, over all pairs, the requests whose method and the responses whose code is
    in no list, as it was written.
    ``forgotten`` counts how often all paths were given up, ``most`` paths being known: who was heard before is not
    known any more, while counts go on.
    """

    __slots__ = (
        *("_early", "_ends", "_ends_of", "_told", "_ways", "answered", "forgotten", "heard", "invented", "most"),
        *("pairs", "room", "strays", "unregistered"),
    )

    def __init__(
        self,
        ends_of: Callable[[Path], tuple[str, str]],
        room: int = DEFAULT_BUDGET.paths // 2,
        series: SeriesRoom | None = None,
    ) -> None:
        self.most = room // WAY
        self.room = series or SeriesRoom()
        self.pairs: dict[tuple[str, str], Pair] = {}
        self.strays = Pair(OTHER, OTHER)
        self.heard: dict[str, int] = {}
        self.answered: dict[str, int] = {}
        self.invented: dict[str, int] = {}
        self.unregistered: dict[int, int] = {}
        self.forgotten = 0
        self._ends_of = ends_of
        self._ways: dict[bytes, Way] = {}
        self._ends: dict[str, LastResponse] = {}
        self._told: set[bytes] = set()
        self._early: deque[tuple[int, tuple[str, str], str, int]] = deque()  # when, between whom, method, code

    def __len__(self) -> int:
        return len(self._ways)

    def request(self, request: Request) -> None:
        """Count a request."""
        way = self._ways.get(request.path.key) or self._meet(request.path)
        pair = way.pair
        if pair is self.strays:
            pair = way.pair = self._asking(way.path, request.time)
        method = request.method
        before = pair.requests.get(method)
        if before is None:
            if method not in _KNOWN:
                method = self._invent(method)
            pair, before = self._begin(pair, method)
        pair.requests[method] = before + 1
        pair.last_request = request.time

    def response(self, response: Response) -> None:
        """Count a response."""
        way = self._ways.get(response.path.key) or self._meet(response.path)
        pair = way.pair
        if pair is self.strays:
            pair = way.pair = self._known(way.path, response.time)
        codes = pair.responses.get(response.cseq_method)
        code = response.status_code
        if pair is self.strays and not self.room.full:
            self._hold(response)
        elif codes is not None and code in codes:
            codes[code] += 1
        else:
            self._new_code(pair, response.cseq_method, code)
        end = way.end or self._first_response(way)
        pair.last_response = way.at = end.at = response.time

    def repeated(self, message: Request | Response) -> None:
        """Count a retransmission, which was counted as a message before or will be."""
        way = self._ways.get(message.path.key) or self._meet(message.path)
        method = message.method if message.__class__ is Request else message.cseq_method
        if method not in _KNOWN:
            method = OTHER_METHOD
        pair = way.pair
        if method not in pair.repeated and pair is not self.strays and not self.room.take():
            pair = self.strays
        pair.repeated[method] = pair.repeated.get(method, 0) + 1

    def settle(self, now: int) -> None:
        """Let time pass: responses that no request came for in time are counted with the strays."""
        early = self._early
        while early and now - early[0][0] > EARLY_BY:
            _, _, method, code = early.popleft()
            self._new_code(self.strays, method, code)

    @property
    def early(self) -> list[int]:
        """Return the codes of the responses that wait to be counted."""
        return [code for _, _, _, code in self._early]

    def use(self, ends_of: Callable[[Path], tuple[str, str]]) -> None:
        """Name peers anew from now on. What was counted stays where it is."""
        self._ends_of = ends_of
        for way in self._ways.values():
            if way.pair is not self.strays:
                way.pair = self._asking(way.path, 0)

    def all_pairs(self) -> list[Pair]:
        """Return every pair that anything was counted for."""
        strays = self.strays
        any_stray = strays.requests or strays.responses or strays.repeated
        return [*self.pairs.values(), strays] if any_stray else list(self.pairs.values())

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
        way = self._ways[path.key] = Way(path, self.strays)
        return way

    def _asking(self, path: Path, now: int) -> Pair:
        """Return the pair at the ends of a request; the other way the peers are a pair from now on as well."""
        ends = self._ends_of(path)
        pair = self.pairs.get(ends)
        if pair is not None:
            return pair
        if self.room.full:
            self.room.take()
            self.heard[ends[0]] = now
            return self.strays
        pair = self.pairs[ends] = Pair(*ends)
        back = ends[::-1]
        if back not in self.pairs:
            self.pairs[back] = Pair(*back)
        if self._early:
            self._credit(now)
        return pair

    def _known(self, path: Path, now: int) -> Pair:
        """Return the pair at the ends of a response, the strays' as long as no request has passed between these two."""
        ends = self._ends_of(path)
        pair = self.pairs.get(ends)
        if pair is None:
            self.answered[ends[0]] = now
            pair = self.strays
        return pair

    def _hold(self, response: Response) -> None:
        """Let a response wait for the request that makes its two ends a pair."""
        early = self._early
        self.settle(response.time)
        if len(early) >= MAX_EARLY:
            _, _, method, code = early.popleft()
            self._new_code(self.strays, method, code)
        early.append((response.time, self._ends_of(response.path), response.cseq_method, response.status_code))

    def _credit(self, now: int) -> None:
        """Count the responses that waited for the pair that has just been made."""
        self.settle(now)
        waiting, self._early = self._early, deque()
        for one in waiting:
            pair = self.pairs.get(one[1])
            if pair is None:
                self._early.append(one)
            else:
                self._new_code(pair, one[2], one[3])
                pair.last_response = max(pair.last_response, one[0])

    def _first_response(self, way: Way) -> LastResponse:
        end = self._ends.get(way.path.source)
        if end is None:
            end = self._ends[way.path.source] = LastResponse()
        way.end = end
        self._told.add(way.path.destination_address)
        return end

    def _begin(self, pair: Pair, method: str) -> tuple[Pair, int]:
        """Return where requests of a method are counted, and how many there are."""
        before = pair.requests.get(method)
        if before is None and pair is not self.strays and not self.room.take():
            pair = self.strays
            before = pair.requests.get(method)
        return pair, before or 0

    def _invent(self, method: str) -> str:
        """Note a request whose method is in no list; return what it is counted as."""
        invented = self.invented
        written = method if method in invented or len(invented) < MAX_METHODS else OTHER_METHOD
        invented[written] = invented.get(written, 0) + 1
        return OTHER_METHOD

    def _new_code(self, pair: Pair, method: str, code: int) -> None:
        """Count a response whose method or code is new to the pair, or in no list."""
        if method not in _KNOWN:
            method = OTHER_METHOD
        if code not in REGISTERED_CODES:
            self.unregistered[code] = self.unregistered.get(code, 0) + 1
            code = OTHER_CODE
        codes = pair.responses.get(method)
        strays = self.strays
        if (codes is None or code not in codes) and pair is not strays and not self.room.take():
            pair = strays
            codes = pair.responses.get(method)
        if codes is None:
            codes = pair.responses[method] = {}
        codes[code] = codes.get(code, 0) + 1
