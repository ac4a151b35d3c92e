"""HEP, [hep] and [[hep.node]]: who may report, under which names, and what we say of ourselves when we report.

Must not know: sockets, TLS beyond the names of files.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sipwatch.config.checks import Checks, ConfigError
from sipwatch.config.peers import label_of
from sipwatch.wire.agents import UNNAMED, KnownNode

if TYPE_CHECKING:
    from sipwatch.config.lines import Where

HEP_KEYS = (
    "key_file",
    "certificate",
    "certificate_key",
    "across_nat",
    "node",
    "send_id",
    "send_key_file",
    "send_ca_file",
)
NODE_KEYS = ("name", "id", "node")
MAX_ID = 0xFFFF_FFFF
_MAX_SECRET_SIZE = 1024  # bytes


class HepSettings(NamedTuple):
    """What a configuration says of HEP. Keys are what agents prove themselves with; paths are those of PEM files.

    ``send_id`` and ``send_key`` are what we say when we report to others, ``send_ca`` who vouches for them.
    """

    key: bytes = b""
    certificate: str | None = None
    certificate_key: str | None = None
    across_nat: bool = False
    nodes: tuple[KnownNode, ...] = ()
    send_id: int = 0
    send_key: bytes = b""
    send_ca: str | None = None


def read_hep(check: Checks, found: object) -> HepSettings:
    """Return what [hep] says. Raises ConfigError."""
    table = check.table(found, ("hep",))
    check.known(table, HEP_KEYS, ("hep",))
    certificate, key = read_path(check, table, "certificate", "hep"), read_path(check, table, "certificate_key", "hep")
    if (certificate is None) != (key is None):
        missing = "certificate" if certificate is None else "certificate_key"
        raise ConfigError(f"{check.at(('hep',))}: {missing} is missing: a certificate and its key belong together")
    return HepSettings(
        read_secret(check, table, "key_file", "hep"),
        certificate,
        key,
        check.flag(table, "across_nat", ("hep",)) or False,
        _nodes(check, table.get("node", [])),
        check.number(table, "send_id", 0, MAX_ID, ("hep",)) or 0,
        read_secret(check, table, "send_key_file", "hep"),
        read_path(check, table, "send_ca_file", "hep"),
    )


def read_path(check: Checks, table: dict[str, Any], key: str, name: str) -> str | None:
    """Return the path of a file that a table names, relative to the configuration; None if there is none."""
    if key not in table:
        return None
    return str(Path(check.path).parent / check.text(table[key], "the path of a file", (name, key)))


def read_secret(check: Checks, table: dict[str, Any], key: str, name: str) -> bytes:
    """Return what a file that a table names holds; nothing if there is none. Raises ConfigError."""
    path = read_path(check, table, key, name)
    try:
        return b"" if path is None else secret_of(path)
    except ValueError as error:
        raise ConfigError(f"{check.at((name, key))}: {key} = {table[key]!r}: {error}") from None


def secret_of(path: str) -> bytes:
    """Read what agents prove themselves with: all of a file, line ends behind it left out. Raises ValueError."""
    try:
        with Path(path).open("rb") as file:
            secret = file.read(_MAX_SECRET_SIZE + 1).rstrip(b"\r\n")
    except OSError as error:
        raise ValueError(f"the key cannot be read: {error.strerror}") from None
    if not 0 < len(secret) <= _MAX_SECRET_SIZE:
        raise ValueError(f"the key has {len(secret)} bytes; expected 1 to {_MAX_SECRET_SIZE}")
    return secret


def _nodes(check: Checks, found: object) -> tuple[KnownNode, ...]:
    tables = check.tables(found, "hep.node", ("hep", "node"))
    nodes = tuple(_node(check, table, ("hep", "node", place)) for place, table in enumerate(tables))
    for key in ("capture_id", "node"):
        taken: dict[object, str] = {}
        for place, node in enumerate(nodes):
            value = getattr(node, key)
            if value is not None and value in taken:
                where = ("hep", "node", place, "id" if key == "capture_id" else key)
                check.complain(where, value, f"one that {taken[value]} has not")
            taken[value] = node.label
    return nodes


def _node(check: Checks, table: dict[str, Any], where: Where) -> KnownNode:
    check.known(table, NODE_KEYS, where)
    label = label_of(check, table, where, "edge", UNNAMED)
    number, node = check.number(table, "id", 0, MAX_ID, where), table.get("node")
    if node is not None:
        check.text(node, "the name that the agent gives itself", (*where, "node"))
    if number is None and node is None:
        raise ConfigError(f"{check.at(where)}: id is missing, or node")
    return KnownNode(label, number, node)
