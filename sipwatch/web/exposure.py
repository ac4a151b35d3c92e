"""Whether pages may be shown where somebody wants them: to others than this machine only with users, or knowingly.

Must not know: sockets, HTTP, what the pages say.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from sipwatch.export.escape import terminal
from sipwatch.web.tls import DEMANDED
from sipwatch.web.webconfig import WebError

if TYPE_CHECKING:
    from sipwatch.web.webconfig import WebConfig

OPEN_TO_ALL: Final = "--without-users"  # the option that says so


def check_exposure(host: str, config: WebConfig, *, open_to_all: bool) -> None:
    """Refuse to show who called whom to the network unless asked to. ``host`` is a bound address. Raises WebError."""
    why = why_hidden(host, config, open_to_all=open_to_all)
    if why is not None:
        raise WebError(why)


def why_hidden(host: str, config: WebConfig, *, open_to_all: bool) -> str | None:
    """Say why pages with calls are not for the network, and what to do; None if they may be shown."""
    if open_to_all or is_protected(config) or is_loopback(host):
        return None
    return (
        f"others than this machine can reach {terminal(host)}, and no users are configured: who called whom would be"
        f" shown to everybody; give --web-config with basic_auth_users, listen at 127.0.0.1, or say {OPEN_TO_ALL}"
    )


def is_protected(config: WebConfig) -> bool:
    """Tell whether a password, or a certificate of the client, is asked for."""
    return bool(config.users) or (config.tls is not None and config.tls.client_auth_type == DEMANDED)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    address = ip_address(host.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
