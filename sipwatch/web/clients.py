"""Whom a connection comes from, as text.

Must not know: connections.
"""

from __future__ import annotations

import contextlib
from ipaddress import IPv6Address, ip_address, ip_network


def plain(host: str) -> str:
    """Return an address as text, IPv4 ones that came to a socket for both as such."""
    with contextlib.suppress(ValueError):
        address = ip_address(host)
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
    return host


def origin(host: str) -> str:
    """Return what counts as one stranger: an IPv4 address, or the /64 of an IPv6 one, for a host has all of it."""
    with contextlib.suppress(ValueError):
        if isinstance(ip_address(host), IPv6Address):
            return str(ip_network((host.partition("%")[0], 64), strict=False))
    return host
