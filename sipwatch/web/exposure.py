"""Whether pages may be shown where somebody wants them: to others than this machine only with users, or knowingly.

Must not know: sockets, HTTP, what the pages say.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

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


def why_hidden(host: str, config: WebConfig, *, open_to_all: bool, asked_as: str = "") -> str | None:
    """Say why pages with calls are not for who asks, and what to do; None if they may be shown.

    ``asked_as`` is the Host header of a request: a page of strangers can let a browser on this machine ask us under a
    name of theirs, which they have pointed at it (DNS rebinding), and read the answer.
    """
    if open_to_all or is_protected(config):
        return None
    if is_loopback(host):
        if not asked_as or is_name_of_this_machine(asked_as):
            return None
        return (
            f"they were asked for as {terminal(asked_as)}, which may be a name that strangers have given to this"
            f" machine; ask for them at 127.0.0.1 or localhost, configure users, or say {OPEN_TO_ALL}"
        )
    return (
        f"others than this machine can reach {terminal(host)}, and no users are configured: who called whom would be"
        f" shown to everybody; give --web-config with basic_auth_users, listen at 127.0.0.1, or say {OPEN_TO_ALL}"
    )


def is_name_of_this_machine(asked_as: str) -> bool:
    """Tell whether a Host header names this machine in a way that no server of names can change."""
    if "/" in asked_as or "@" in asked_as:
        return False
    try:
        name = urlsplit(f"//{asked_as}").hostname or ""
        return name == "localhost" or name.endswith(".localhost") or is_loopback(name)
    except ValueError:  # a name
        return False


def is_protected(config: WebConfig) -> bool:
    """Tell whether a password, or a certificate of the client, is asked for."""
    return bool(config.users) or (config.tls is not None and config.tls.client_auth_type == DEMANDED)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    address = ip_address(host.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
