"""Peers, [[peer]]: who is where, by address and by name; no address and no name stands for two.

A network within another is fine, the longest prefix wins; so is a name below another's ``*.``.
"""

from __future__ import annotations

import math
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Any

from sipwatch.classify.peers import MAX_HOST_LENGTH, OTHER, Peer, PeerKind
from sipwatch.config.checks import Checks, ConfigError
from sipwatch.config.rules import read_rules
from sipwatch.packet import SECOND
from sipwatch.track.timers import Timers
from sipwatch.wire.message import is_address

if TYPE_CHECKING:
    from sipwatch.config.lines import Where

TIMER_KEYS = {
    "no_response_after": (5, "nothing at all came back"),
    "slow_progress_after": (3, "100 came, nothing else yet: worth counting"),
    "no_progress_after": (10, "100 came, nothing else yet: wrong"),
    "no_answer_after": (30, "it rings and nobody answers"),
    "brief_before": (5, "a caller who gives up before this was brief"),
    "dialog_timeout": (14400, "an answered call nobody ends (a smaller Session-Expires goes before it)"),
    "hunt_within": (2, "a failed try is taken for the last one; the next target tried sooner is the same call"),
}
PEER_KEYS = ("name", "kind", "addresses", "hosts", "sessions_limit", "objective", "rule", *TIMER_KEYS)
MAX_SESSIONS = 1_000_000
MIN_OBJECTIVE = 0.5
_MAX_TIMER = 10 * 365 * 86_400  # seconds
_MAX_HUNT = 32  # seconds; every failing verdict waits for so long, and Timer B has run out by then
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*")
_MAPPED = 96  # bits in front of an IPv4 address in IPv6


def read_peers(check: Checks, found: object, general: dict[str, int]) -> list[Peer]:
    """Return the peers; ``general`` are the timers, in ns, of those that have none of their own. Raises ConfigError."""
    tables = check.tables(found, "peer", ("peer",))
    made = [_peer(check, table, ("peer", place), general) for place, table in enumerate(tables)]
    _distinct(check, made)
    return made


def read_timers(check: Checks, table: dict[str, Any], where: Where) -> dict[str, int]:
    """Return the timers that a table sets, in ns. Raises ConfigError."""
    found: dict[str, int] = {}
    for key in TIMER_KEYS:
        if key in table:
            most = _MAX_HUNT if key == "hunt_within" else _MAX_TIMER
            found[key] = read_seconds(check, table[key], 0.001, most, (*where, key))
    return found


def read_seconds(check: Checks, value: object, least: float, most: float, where: Where) -> int:
    """Return a number of seconds as ns. Raises ConfigError."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        check.complain(where, value, f"a number of seconds, at least {least:g}")
    if not least <= value <= most:
        check.complain(where, value, f"a number of seconds, at least {least:g} and not more than {most:g}")
    return round(value * SECOND)


def _peer(check: Checks, peer: dict[str, Any], where: Where, general: dict[str, int]) -> Peer:
    check.known(peer, PEER_KEYS, where)
    name = label_of(check, peer, where, "acme", OTHER)
    if "addresses" not in peer and "hosts" not in peer:
        raise ConfigError(f"{check.at(where)}: addresses is missing, or hosts")
    kinds = [kind.value for kind in PeerKind]
    own = read_timers(check, peer, where)
    return Peer(
        name,
        PeerKind(check.one_of(check.required(peer, "kind", where), kinds, (*where, "kind"))),
        _networks(check, peer["addresses"], (*where, "addresses")) if "addresses" in peer else [],
        Timers(**{**general, **own}) if own else None,
        read_rules(check, peer.get("rule", []), where),
        _hosts(check, peer["hosts"], (*where, "hosts")) if "hosts" in peer else [],
        check.number(peer, "sessions_limit", 1, MAX_SESSIONS, where) or 0,
        _objective(check, peer["objective"], (*where, "objective")) if "objective" in peer else 0.0,
    )


def _objective(check: Checks, value: object, where: Where) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not MIN_OBJECTIVE <= value < 1:
        check.complain(where, value, f"a share of calls from {MIN_OBJECTIVE} to below 1, such as 0.98")
    return float(value)


def label_of(check: Checks, table: dict[str, Any], where: Where, example: str, taken: str) -> str:
    """Return the name of a table, which is the value of a label; ``taken`` stands for whoever has none."""
    name = check.required(table, "name", where)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        check.complain((*where, "name"), name, f'a short name of letters, digits and _ . : -, such as "{example}"')
    if name == taken:
        check.complain((*where, "name"), name, f"another name: {taken!r} stands for all that is not configured")
    return name


def _networks(check: Checks, addresses: object, where: Where) -> list[IPv4Network | IPv6Network]:
    found: list[IPv4Network | IPv6Network] = []
    for place, address in enumerate(check.texts(addresses, 'addresses or networks, such as "203.0.113.0/24"', where)):
        try:
            network = ip_network(address)
        except ValueError as error:
            expected = f"an IP address or network such as 203.0.113.0/24 or 2001:db8::/48 ({error})"
            check.complain((*where, place), address, expected)
        found.append(_unmapped(network))
    return found


def _unmapped(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    """Return the IPv4 network that stands behind an IPv4-mapped one (RFC 4291 §2.5.5.2)."""
    if isinstance(network, IPv6Network) and network.prefixlen >= _MAPPED:
        mapped = network.network_address.ipv4_mapped
        return network if mapped is None else IPv4Network((mapped, network.prefixlen - _MAPPED))
    return network


def _hosts(check: Checks, hosts: object, where: Where) -> list[str]:
    found = []
    for place, host in enumerate(check.texts(hosts, 'host names, such as "sip.example.com"', where)):
        name = host.rstrip(".")
        if not _HOST.fullmatch(name) or len(name) > MAX_HOST_LENGTH:
            check.complain((*where, place), host, 'a host name, such as "sip.example.com" or "*.example.com"')
        if is_address(name):
            check.complain((*where, place), host, "a host name; an address belongs under addresses")
        found.append(name.lower())
    return found


def _distinct(check: Checks, found: list[Peer]) -> None:
    """No name, no network and no host name twice."""
    names: dict[str, int] = {}
    networks: dict[object, tuple[str, int]] = {}
    hosts: dict[object, tuple[str, int]] = {}
    for place, peer in enumerate(found):
        where = ("peer", place)
        if peer.name in names:
            check.complain((*where, "name"), peer.name, f"another name, line {names[peer.name]} has it already")
        names[peer.name] = check.line((*where, "name"))
        _once(check, peer, networks, list(peer.networks), (*where, "addresses"), "an address")
        _once(check, peer, hosts, list(peer.hosts), (*where, "hosts"), "a name")


def _once(
    check: Checks, peer: Peer, seen: dict[object, tuple[str, int]], own: list[object], where: Where, what: str
) -> None:
    for place, one in enumerate(own):
        if one in seen:
            name, line = seen[one]
            owner = "this peer" if name == peer.name else f"peer {name!r}"
            check.complain((*where, place), str(one), f"{what} that {owner} does not have already, line {line}")
        seen[one] = (peer.name, check.line((*where, place)))
