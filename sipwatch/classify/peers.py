"""Peers: named sets of addresses, their timers, and what they mean by their codes (DESIGN §5.2).

Must not know: where the configuration came from, or how calls are tracked.
"""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TYPE_CHECKING

from sipwatch.track.timers import Timers

if TYPE_CHECKING:
    from sipwatch.classify.outcomes import Outcome
    from sipwatch.track.leg import Heard
    from sipwatch.wire.message import Path

OTHER = "other"  # the name of whoever is not configured
_CACHE_SIZE = 65_536


class PeerKind(StrEnum):
    """What stands at a peer's addresses."""

    TRUNK = "trunk"
    DEVICES = "devices"
    SERVER = "server"


class Rule:
    """What a peer means by a final response; what is None matches anything.

    ``cause`` is looked for in every Reason value of ``cause_protocol`` (None: of any).
    """

    __slots__ = ("cause", "cause_protocol", "heard", "note", "outcome", "status_code")

    def __init__(
        self,
        outcome: Outcome,
        *,
        status_code: int | None = None,
        cause: int | None = None,
        cause_protocol: str | None = None,
        heard: Heard | None = None,
        note: str = "",
    ) -> None:
        self.outcome = outcome
        self.status_code = status_code
        self.cause = cause
        self.cause_protocol = cause_protocol
        self.heard = heard
        self.note = note


class Peer:
    """A named set of networks."""

    __slots__ = ("kind", "name", "networks", "rules", "timers")

    def __init__(
        self,
        name: str,
        kind: PeerKind | None = None,
        networks: list[IPv4Network | IPv6Network] | None = None,
        timers: Timers | None = None,
        rules: list[Rule] | None = None,
    ) -> None:
        self.name = name
        self.kind = kind
        self.networks = networks or []
        self.timers = timers  # None: the general ones
        self.rules = rules or []


NOBODY = Peer(OTHER)


class Settings:
    """The general timers and the configured peers."""

    __slots__ = ("peers", "timers")

    def __init__(self, timers: Timers | None = None, peers: list[Peer] | None = None) -> None:
        self.timers = timers or Timers()
        self.peers = peers or []


class Directory:
    """Finds the peer of an address: the one with the longest matching prefix. Answers are remembered."""

    __slots__ = ("_cache", "_networks", "settings")

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._cache: dict[bytes, Peer] = {}
        self._networks = sorted(
            ((network, peer) for peer in settings.peers for network in peer.networks),
            key=lambda entry: -entry[0].prefixlen,
        )

    def peer(self, address: bytes) -> Peer:
        """Return the peer at a packed address, ``NOBODY`` when none is configured there."""
        found = self._cache.get(address)
        if found is None:
            found = self._look_up(address)
            if len(self._cache) >= _CACHE_SIZE:
                self._cache.clear()
            self._cache[address] = found
        return found

    def timers_for(self, path: Path) -> Timers:
        """Return the timers between two ends: the destination's own, else the source's, else the general."""
        if not self._networks:
            return self.settings.timers
        return (
            self.peer(path.destination_address).timers or self.peer(path.source_address).timers or self.settings.timers
        )

    def _look_up(self, address: bytes) -> Peer:
        if not self._networks:
            return NOBODY
        ip = ip_address(address)
        mapped = getattr(ip, "ipv4_mapped", None)
        for network, peer in self._networks:
            if ip in network or (mapped is not None and mapped in network):
                return peer
        return NOBODY
