"""Peers: named sets of addresses, their timers, and what they mean by their codes (DESIGN §5.2).

Must not know: where the configuration came from, or how calls are tracked.
"""

from __future__ import annotations

import re
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.packet import SECOND
from sipwatch.track.timers import Timers
from sipwatch.wire.compact import both_forms
from sipwatch.wire.sip import header, split_values

if TYPE_CHECKING:
    from sipwatch.classify.hours import Hours
    from sipwatch.classify.outcomes import Outcome
    from sipwatch.classify.regex import Pattern
    from sipwatch.track.table import Heard
    from sipwatch.wire.message import Path, Request

OTHER: Final = "other"  # the name of all that is not configured
MAX_LEARNED: Final = 256  # addresses of one peer that are known by its host names
MAX_HOST_LENGTH: Final = 253  # characters (RFC 1035 §2.3.4)
EVERYTHING: Final = 1 << 16  # of Privacy: more digits than any message holds
_CACHE_SIZE: Final = 65_536
_SENT_BY: Final = re.compile(rb"SIP\s*/\s*2\.0\s*/\s*[^\s/]+\s+([^\s;:]+)", re.IGNORECASE)


class PeerKind(StrEnum):
    """What stands at a peer's addresses."""

    TRUNK = "trunk"
    DEVICES = "devices"
    SERVER = "server"


OWN_PEERS: Final = frozenset({PeerKind.DEVICES, PeerKind.SERVER})  # the operator's own; carriers' are trunks


class Rule:
    """What a peer means by a final response; what is None matches anything.

    ``cause`` is looked for in every Reason value of ``cause_protocol`` (None: of any), ``reason_text`` in the
    reason phrase and in the text of every Reason value. ``header`` names a header that the final response has,
    ``value`` what is found in it; ``header_forms`` are its long and compact names in lower case. ``early_media``
    says whether there was a 183 with SDP.
    ``line`` is that of the configuration file, 0 if there is none.
    """

    __slots__ = (
        "cause",
        "cause_protocol",
        "early_media",
        "header",
        "header_forms",
        "heard",
        "line",
        "note",
        "outcome",
        "reason_text",
        "status_code",
        "value",
    )

    def __init__(
        self,
        outcome: Outcome,
        *,
        status_code: int | None = None,
        cause: int | None = None,
        cause_protocol: str | None = None,
        heard: Heard | None = None,
        reason_text: Pattern | None = None,
        header: str | None = None,
        value: Pattern | None = None,
        early_media: bool | None = None,
        note: str = "",
        line: int = 0,
    ) -> None:
        self.outcome = outcome
        self.status_code = status_code
        self.cause = cause
        self.cause_protocol = cause_protocol
        self.heard = heard
        self.reason_text = reason_text
        self.header = header
        self.header_forms = both_forms(header.encode()) if header is not None else (b"", b"")
        self.value = value
        self.early_media = early_media
        self.note = note
        self.line = line


class Peer:
    """A named set of networks and host names; ``hosts`` are in lower case, ``*.`` stands for any labels in front.

    ``sessions_limit`` is how many calls may be with it at a time, ``objective`` the share of the calls to it that shall
    not fail by a fault; 0 where nobody says.
    """

    __slots__ = ("hosts", "kind", "name", "networks", "objective", "rules", "sessions_limit", "timers")

    def __init__(
        self,
        name: str,
        kind: PeerKind | None = None,
        networks: list[IPv4Network | IPv6Network] | None = None,
        timers: Timers | None = None,
        rules: list[Rule] | None = None,
        hosts: list[str] | None = None,
        sessions_limit: int = 0,
        objective: float = 0.0,
    ) -> None:
        self.name = name
        self.objective = objective
        self.sessions_limit = sessions_limit
        self.kind = kind
        self.networks = networks or []
        self.timers = timers  # None: the general ones
        self.rules = rules or []
        self.hosts = hosts or []


NOBODY: Final = Peer(OTHER)


class Callback(NamedTuple):
    """What counts as calling back: an answered call within so many ns; numbers are dialled as in ``region``."""

    within_ns: int
    region: str | None = None


class Software:
    """A family of software, by what is found in its User-Agent or Server."""

    __slots__ = ("name", "pattern")

    def __init__(self, name: str, pattern: Pattern) -> None:
        self.name = name
        self.pattern = pattern


class Privacy(NamedTuple):
    """What is hidden on the way out: the last ``mask`` characters of numbers (None: nothing), display names.

    ``EVERYTHING`` hides whole numbers, and whatever is not known to name nobody. With a ``key`` it hides as much, and
    puts pseudonyms in the place of numbers and names; then ``addresses`` may be hidden as well.
    """

    mask: int | None = None
    names: bool = False
    addresses: bool = False
    key: bytes = b""


class Linking(NamedTuple):
    """By what calls are linked with others of the same conversation (``classify.links``).

    ``headers`` are names of headers whose value the calls share; ``numbers_within`` is how many ns the second call may
    begin after the first where numbers and SDP alone tell.
    """

    headers: tuple[str, ...] = ()
    session_id: bool = True
    transfers: bool = True
    by_numbers: bool = False
    numbers_within: int = 2 * SECOND


class Settings:
    """The general timers, the configured peers, working hours, what counts as calling back (None: not asked).

    ``software`` are the families that calls are counted by, in the order in which they are looked for.
    """

    __slots__ = ("callback", "hours", "linking", "peers", "software", "timers")

    def __init__(
        self,
        timers: Timers | None = None,
        peers: list[Peer] | None = None,
        hours: list[Hours] | None = None,
        callback: Callback | None = None,
        software: list[Software] | None = None,
        linking: Linking | None = None,
    ) -> None:
        self.timers = timers or Timers()
        self.software = software or []
        self.peers = peers or []
        self.hours = hours or []
        self.callback = callback
        self.linking = linking or Linking()


class Directory:
    """Finds the peer of an address: the one with the longest matching prefix. Answers are remembered.

    Addresses in no configured network may be known by their host names, once ``learn`` has met one there.
    ``hosts`` maps the configured names, and is empty when there are none: then nothing can be learned.
    ``before`` is the directory that this one replaces; what that one learned is kept as far as names allow.
    """

    __slots__ = ("_cache", "_counts", "_learned", "_networks", "_refused", "hosts", "settings")

    def __init__(self, settings: Settings, before: Directory | None = None) -> None:
        self.settings = settings
        self.hosts = {host.encode(): peer for peer in settings.peers for host in peer.hosts}
        self._cache: dict[bytes, Peer] = {}
        self._networks = sorted(
            ((network, peer) for peer in settings.peers for network in peer.networks),
            key=lambda entry: -entry[0].prefixlen,
        )
        self._learned: dict[bytes, tuple[Peer, bytes]] = {}
        self._counts: dict[str, int] = {}
        self._refused = 0
        if before is not None:
            self._refused = before._refused  # noqa: SLF001 - another of its own kind
            for address, (_, host) in before._learned.items():  # noqa: SLF001
                if self._look_up(address) is NOBODY:
                    self._learn(address, host)

    def peer(self, address: bytes) -> Peer:
        """Return the peer at a packed address, ``NOBODY`` when none is configured there."""
        found = self._cache.get(address)
        if found is None:
            found = self._look_up(address)
            if len(self._cache) >= _CACHE_SIZE:
                self._cache.clear()
            self._cache[address] = found
        return found

    def ends(self, path: Path) -> tuple[str, str]:
        """Return the names of the peers at the two ends of a path."""
        return self.peer(path.source_address).name, self.peer(path.destination_address).name

    def is_known(self, address: bytes) -> bool:
        """Tell whether a packed address is a configured peer's."""
        return self.peer(address) is not NOBODY

    def timers_for(self, path: Path) -> Timers:
        """Return the timers between two ends: the destination's own, else the source's, else the general."""
        if not self._networks and not self.hosts:
            return self.settings.timers
        return (
            self.peer(path.destination_address).timers or self.peer(path.source_address).timers or self.settings.timers
        )

    def _look_up(self, address: bytes) -> Peer:
        learned = self._learned.get(address)
        if learned is not None:
            return learned[0]
        if not self._networks:
            return NOBODY
        ip = ip_address(address)
        mapped = getattr(ip, "ipv4_mapped", None)
        for network, peer in self._networks:
            if ip in network or (mapped is not None and mapped in network):
                return peer
        return NOBODY

    # Host names

    def learn(self, request: Request) -> bool:
        """Remember who stands at the two ends of a request, by the names in it; tell whether that was news.

        The Request-URI names the destination, unless a Route says that the request goes elsewhere first
        (RFC 3261 §8.1.2); the topmost Via names the source (§18.1.1). Both are claims of the sender. So
        they never move an address that is configured or was learned before, and with ``MAX_LEARNED`` of
        one peer its list is closed; what comes later is counted. Nobody is asked: no DNS.
        """
        path = request.path
        news = False
        if self.peer(path.destination_address) is NOBODY and b"route" not in request.names:
            news = self._learn(path.destination_address, host_of(request.request_uri))
        if self.peer(path.source_address) is NOBODY:
            news = self._learn(path.source_address, sent_by(request)) or news
        return news

    def _learn(self, address: bytes, host: bytes) -> bool:
        peer = self._named(host)
        if peer is None:
            return False
        known = self._counts.get(peer.name, 0)
        if known >= MAX_LEARNED:
            self._refused += 1
            return False
        self._counts[peer.name] = known + 1
        self._learned[address] = (peer, host)
        self._cache[address] = peer
        return True

    def _named(self, host: bytes) -> Peer | None:
        """Return the peer with a host name: the name itself goes before the longest ``*.`` that covers it."""
        if not host or len(host) > MAX_HOST_LENGTH:
            return None
        found = self.hosts.get(host)
        dot = host.find(b".")
        while found is None and dot >= 0:
            found = self.hosts.get(b"*" + host[dot:])
            dot = host.find(b".", dot + 1)
        return found

    @property
    def tracked(self) -> dict[str, int]:
        """Count the addresses known by name, if there are names."""
        return {"hosts": len(self._learned)} if self.hosts else {}

    @property
    def evicted(self) -> dict[str, int]:
        """Count the claims that found their peer's list closed, if there were any."""
        return {"hosts": self._refused} if self._refused else {}


def host_of(uri: bytes) -> bytes:
    """Return the host of a SIP URI in lower case, ``b""`` without one; IPv6 references stay in brackets."""
    scheme, colon, rest = uri.partition(b":")
    if not colon or scheme.lower() not in (b"sip", b"sips"):
        return b""
    # A user part may hold ; and ? (RFC 3261 §25.1), a host cannot.
    host = rest.rpartition(b"@")[2].partition(b";")[0].partition(b"?")[0]
    if host[:1] == b"[":
        return host.partition(b"]")[0].lower() + b"]"
    return host.partition(b":")[0].strip().rstrip(b".").lower()


def sent_by(request: Request) -> bytes:
    """Return the host that the topmost Via names as the sender, in lower case; ``b""`` without a name."""
    found = _SENT_BY.match(split_values(header(request.raw, b"via", b"v"))[0])
    return found[1].rstrip(b".").lower() if found is not None else b""
