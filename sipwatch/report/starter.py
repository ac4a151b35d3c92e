"""A configuration to start from, made of who was met in a capture.

It says nothing that was not seen, and is correct as it stands: ``sipwatch check`` accepts it. What strangers
wrote stands in comments only, escaped. Must not know: how addresses are watched.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

from sipwatch.classify.peers import PeerKind
from sipwatch.export.escape import terminal
from sipwatch.export.summary import by_frequency
from sipwatch.report.ends import by_address
from sipwatch.report.plain import duration

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sipwatch.report.ends import CallsRecord, EndRecord

NETWORK_FROM = 3  # devices in one network, from which on the network stands for them
MAX_LISTED = 20  # addresses that are spoken of one by one
_NEIGHBOURS = {4: 24, 6: 64}  # prefix lengths within which two addresses belong together
_FREQUENT = 0.1  # share of a trunk's calls from which on a code is worth a question
_TELLING = {"403", "404", "480", "486", "488", "500", "503", "504", "603"}
_KINDS = (PeerKind.SERVER, PeerKind.TRUNK, PeerKind.DEVICES)
_HEADING = {
    PeerKind.SERVER: "the servers in the middle",
    PeerKind.TRUNK: "the way to the world",
    PeerKind.DEVICES: "phones and the like",
}


def starter(records: Iterable[EndRecord], files: list[str]) -> str:
    """Return the text of a configuration; peers that have a name in the present one are left out."""
    found = by_address(record for record in records if record.name is None)
    lines = [
        f"# Written by sipwatch peers, from {terminal(', '.join(files))}.",
        "# Look it through: roles are guessed.",
    ]
    if not found:
        lines.append("# Nobody was met whom the present configuration does not name.")
    groups = {kind: _groups([record for record in found if record.role == kind.value]) for kind in _KINDS}
    called = [_hosts(group) for own in groups.values() for group in own]
    for kind, own in groups.items():
        for place, group in enumerate(own, 1):
            name = kind.value if len(own) == 1 else f"{kind.value}-{place}"
            hosts = [host for host in _hosts(group) if sum(host in others for others in called) == 1]
            lines += ["", *([f"# {_HEADING[kind]}"] if place == 1 else []), *_peer(kind, name, group, hosts)]
    lines += _strangers([record for record in found if record.role is None])
    return "\n".join([*lines, ""])


def _groups(records: list[EndRecord]) -> list[list[EndRecord]]:
    """Put together who stands in one network and says to be the same; all devices are one group."""
    if records and records[0].role == PeerKind.DEVICES.value:
        return [records]
    groups: dict[tuple[str, str], list[EndRecord]] = {}
    for record in records:
        software = record.software[0] if record.software else ""
        groups.setdefault((str(_neighbourhood(record.address)), software), []).append(record)
    return list(groups.values())


def _hosts(group: list[EndRecord]) -> list[str]:
    return list(dict.fromkeys(host for record in group for host in record.hosts))


def _neighbourhood(address: str) -> IPv4Network | IPv6Network:
    ip = ip_address(address)
    return ip_network((address, _NEIGHBOURS[ip.version]), strict=False)


def _peer(kind: PeerKind, name: str, group: list[EndRecord], hosts: list[str]) -> list[str]:
    """Write a peer; ``hosts`` are the names that only its addresses are called by."""
    remarks = [f"# {_seen(record)}" for record in group[:MAX_LISTED]]
    if len(group) > MAX_LISTED:
        remarks.append(f"# and {len(group) - MAX_LISTED:,} more")
    if kind is not PeerKind.DEVICES and len(group) > 1:
        remarks.append(
            "# Taken for one, since they are neighbours with the same software: divide them if they are not."
        )
    lines = [*remarks, "[[peer]]", f'name = "{name}"', f'kind = "{kind.value}"', *_addresses(kind, group)]
    if hosts and kind is not PeerKind.DEVICES:
        listed = ", ".join(f'"{terminal(host)}"' for host in hosts[:MAX_LISTED])
        lines.append(f"# it is called by these names, which would do as well: hosts = [{listed}]")
    if kind is PeerKind.TRUNK:
        lines += _questions(group)
    return lines


def _addresses(kind: PeerKind, group: list[EndRecord]) -> list[str]:
    addresses = [record.address for record in group]
    if kind is PeerKind.DEVICES:
        networks: dict[str, list[str]] = {}
        for address in addresses:
            networks.setdefault(str(_neighbourhood(address)), []).append(address)
        addresses = [
            one for network, own in networks.items() for one in ([network] if len(own) >= NETWORK_FROM else own)
        ]
    if len(addresses) == 1:
        return [f'addresses = ["{addresses[0]}"]']
    return ["addresses = [", *(f'  "{address}",' for address in addresses), "]"]


def _seen(record: EndRecord) -> str:
    """Say why an address is thought to be what it is."""
    software = f" ({record.software[0]})" if record.software else ""
    sure = f" {record.sure}:" if record.sure else ""
    return terminal(f"{record.address}{software}:{sure} {'; '.join(record.why)}".rstrip(" :"))


def _questions(group: list[EndRecord]) -> list[str]:
    """Ask what a trunk means by the codes that it often sends."""
    calls: list[CallsRecord] = [record.calls_in for record in group]
    total = sum(one.calls for one in calls)
    codes: dict[str, int] = {}
    for one in calls:
        for code, count in one.status_codes.items():
            codes[code] = codes.get(code, 0) + count
    lines = []
    for code, count in by_frequency(codes).items():
        if code in _TELLING and count > 1 and count >= _FREQUENT * total:
            lines += [
                f"# {count:,} of {total:,} calls to it ended with {code}. If it means something of its own by that:",
                "# [[peer.rule]]",
                f"# status_code = {code}",
                '# outcome = "congested"',
            ]
    slow = max((one.first_progress_95_seconds or 0.0 for one in calls), default=0.0)
    if slow > 8:
        lines.append(f"# it takes up to {duration(slow)} until something is heard: no_progress_after = {slow + 2:.0f}")
    return lines


def _strangers(records: list[EndRecord]) -> list[str]:
    if not records:
        return []
    lines = ["", "# Met, too, and not known what for:"]
    lines += [f"# {_seen(record)}" for record in records[:MAX_LISTED]]
    if len(records) > MAX_LISTED:
        lines.append(f"# and {len(records) - MAX_LISTED:,} more")
    return lines
