"""Whom incidents are told, [incidents]: a webhook, and where people find the pages.

Must not know: HTTP, how incidents are found.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sipwatch.config.hep import read_path, read_secret

if TYPE_CHECKING:
    from sipwatch.config.checks import Checks

INCIDENTS_KEYS: Final = ("webhook", "authorization_file", "pages")
_ADDRESS: Final = re.compile(r"https?://(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?(?:/[!-~]*)?", re.ASCII)
_MAX_LENGTH: Final = 2000
_EXPECTED: Final = "an address that begins with http:// or https://, such as https://hooks.example.com/sipwatch"
_HEADER_VALUE: Final = re.compile(rb"[!-~](?:[\t -~]*[!-~])?")


class IncidentSettings(NamedTuple):
    """Where incidents are sent to as JSON, with which Authorization header, and how the address of the pages begins."""

    webhook: str | None = None
    authorization: bytes = b""
    pages: str | None = None


def read_incidents(check: Checks, found: object) -> IncidentSettings:
    """Return what [incidents] says. Raises ConfigError."""
    table = check.table(found, ("incidents",))
    check.known(table, INCIDENTS_KEYS, ("incidents",))
    pages = _address(check, table, "pages")
    return IncidentSettings(
        _address(check, table, "webhook"), _authorization(check, table), None if pages is None else pages.rstrip("/")
    )


def _address(check: Checks, table: dict[str, Any], key: str) -> str | None:
    if key not in table:
        return None
    text = check.text(table[key], _EXPECTED, ("incidents", key))
    if len(text) > _MAX_LENGTH or not _ADDRESS.fullmatch(text):
        check.complain(("incidents", key), text, _EXPECTED)
    return text


def _authorization(check: Checks, table: dict[str, Any]) -> bytes:
    """Return the value of a header that a file has, in one line: two would be two headers."""
    key = "authorization_file"
    value = read_secret(check, table, key, "incidents")
    if value and not _HEADER_VALUE.fullmatch(value):
        path = read_path(check, table, key, "incidents")
        check.complain(("incidents", key), path, "a file with one line of ASCII, such as: Bearer 4f1c0e")
    return value
