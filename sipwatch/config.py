"""The configuration file, sipwatch.toml: read, checked, and turned into settings (DESIGN §5.2).

Every mistake is named with its file, its line, the value, and what was expected instead.
"""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from sipwatch.capture.bpf import DEFAULT_TCP_PORTS, MOST_TCP_PORTS, TUNNELS, Wanted
from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.peers import OTHER, Peer, PeerKind, Rule, Settings
from sipwatch.track.leg import Heard
from sipwatch.track.table import SECOND
from sipwatch.track.timers import Timers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TIMER_KEYS = {
    "no_response_after": (5, "nothing at all came back"),
    "slow_progress_after": (3, "100 came, nothing else yet: worth counting"),
    "no_progress_after": (10, "100 came, nothing else yet: wrong"),
    "no_answer_after": (30, "it rings and nobody answers"),
    "brief_before": (5, "a caller who gives up before this was brief"),
    "dialog_timeout": (14400, "an answered call nobody ends (a smaller Session-Expires goes before it)"),
}
CAPTURE_KEYS = ("tcp_ports", "tunnels", "buffer_megabytes")
PEER_KEYS = ("name", "kind", "addresses", "rule", *TIMER_KEYS)
RULE_KEYS = ("status_code", "cause", "cause_protocol", "heard", "outcome", "note")
CAUSE_PROTOCOLS = ("Q.850", "SIP")
DEFAULT_BUFFER = 16  # megabytes: some four seconds of 7,000 messages a second
_LARGEST_BUFFER = 1024
_NO_VERDICT = (Outcome.RETRIED, Outcome.UNFINISHED)
_LONGEST_TIMER = 10 * 365 * 86_400  # seconds
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")

Where = tuple[str | int, ...]


class ConfigError(Exception):
    """A configuration that cannot be used; the text is one line."""


class Config(NamedTuple):
    """What a configuration says: how calls are judged, and what a live interface lets through.

    ``buffer`` is the size of each interface's ring in bytes.
    """

    settings: Settings
    wanted: Wanted = Wanted()
    buffer: int = DEFAULT_BUFFER << 20


def load(path: str) -> Config:
    """Read a configuration file. Raises ConfigError."""
    try:
        with open(path, "rb") as file:
            text = file.read().decode()
    except OSError as error:
        raise ConfigError(f"{path}: the configuration cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: the configuration is not UTF-8 text") from None
    return parse(text, path)


def parse(text: str, path: str) -> Config:
    """Turn the text of a configuration into what it says. Raises ConfigError."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    return _Checker(path, lines_of(text)).config(document)


class _Checker:
    """Goes through a document; every complaint knows its line."""

    def __init__(self, path: str, lines: Mapping[Where, int]) -> None:
        self._path = path
        self._lines = lines

    def config(self, document: dict[str, Any]) -> Config:
        self._known(document, ("timers", "capture", "peer"), ())
        capture = self._table(document.get("capture", {}), ("capture",))
        self._known(capture, CAPTURE_KEYS, ("capture",))
        megabytes = self._number(capture, "buffer_megabytes", 1, _LARGEST_BUFFER, ("capture",))
        return Config(
            self._settings(document),
            Wanted(self._ports(capture, ("capture", "tcp_ports")), self._tunnels(capture, ("capture", "tunnels"))),
            (DEFAULT_BUFFER if megabytes is None else megabytes) << 20,
        )

    def _ports(self, capture: dict[str, Any], where: Where) -> tuple[int, ...]:
        ports = capture.get("tcp_ports", list(DEFAULT_TCP_PORTS))
        good = isinstance(ports, list) and all(type(port) is int and 0 < port < 65_536 for port in ports)
        if not good or len(ports) > MOST_TCP_PORTS:
            self._complain(where, ports, f"a list of up to {MOST_TCP_PORTS} port numbers, such as [5060, 5066]")
        return tuple(dict.fromkeys(ports))

    def _tunnels(self, capture: dict[str, Any], where: Where) -> tuple[str, ...]:
        tunnels = capture.get("tunnels", [])
        if not isinstance(tunnels, list):
            self._complain(where, tunnels, f"a list of tunnels: {', '.join(TUNNELS)}")
        return tuple(dict.fromkeys(self._one_of(tunnel, TUNNELS, where) for tunnel in tunnels))

    def _settings(self, document: dict[str, Any]) -> Settings:
        timers = self._table(document.get("timers", {}), ("timers",))
        self._known(timers, TIMER_KEYS, ("timers",))
        given = self._timers(timers, ("timers",))
        general = Timers(**given)
        peers = document.get("peer", [])
        if not isinstance(peers, list):
            self._complain(("peer",), "peer", "tables, each headed [[peer]]")
        found = [self._peer(self._table(peer, ("peer", i)), i, given) for i, peer in enumerate(peers)]
        self._distinct(found)
        return Settings(general, found)

    def _peer(self, peer: dict[str, Any], place: int, general: dict[str, int]) -> Peer:
        where: Where = ("peer", place)
        self._known(peer, PEER_KEYS, where)
        name = self._required(peer, "name", where)
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            self._complain((*where, "name"), name, 'a short name of letters, digits and _ . : -, such as "acme"')
        if name == OTHER:
            self._complain((*where, "name"), name, f"another name: {OTHER!r} stands for whoever is not configured")
        own = self._timers(peer, where)
        return Peer(
            name,
            PeerKind(self._one_of(self._required(peer, "kind", where), [k.value for k in PeerKind], (*where, "kind"))),
            self._networks(self._required(peer, "addresses", where), (*where, "addresses")),
            Timers(**{**general, **own}) if own else None,
            self._rules(peer.get("rule", []), where),
        )

    def _rules(self, rules: object, where: Where) -> list[Rule]:
        if not isinstance(rules, list):
            self._complain((*where, "rule"), rules, "tables, each headed [[peer.rule]]")
        found: list[Rule] = []
        for place, table in enumerate(rules):
            at = (*where, "rule", place)
            rule = self._rule(self._table(table, at), at)
            for earlier, other in enumerate(found):
                if overlapping(other, rule):
                    line = self._line((*where, "rule", earlier))
                    self._complain(
                        at,
                        _words(rule),
                        f"a rule that cannot match the same call as that of line {line} ({_words(other)})",
                    )
            found.append(rule)
        return found

    def _rule(self, rule: dict[str, Any], where: Where) -> Rule:
        self._known(rule, RULE_KEYS, where)
        outcomes = [outcome.value for outcome in Outcome if outcome not in _NO_VERDICT]
        outcome = Outcome(self._one_of(self._required(rule, "outcome", where), outcomes, (*where, "outcome")))
        if not {"status_code", "cause", "heard"} & set(rule):
            self._complain(where, outcome.value, "at least one of status_code, cause, heard to match on")
        heard = rule.get("heard")
        protocol = rule.get("cause_protocol")
        if protocol is not None and "cause" not in rule:
            self._complain((*where, "cause_protocol"), protocol, "a cause beside it")
        note = rule.get("note", "")
        if not isinstance(note, str):
            self._complain((*where, "note"), note, "a text")
        return Rule(
            outcome,
            status_code=self._number(rule, "status_code", 200, 699, where),
            cause=self._number(rule, "cause", 1, 699, where),
            cause_protocol=None
            if protocol is None
            else self._one_of(protocol, CAUSE_PROTOCOLS, (*where, "cause_protocol")),
            heard=None
            if heard is None
            else Heard[self._one_of(heard, [h.name.lower() for h in Heard], (*where, "heard")).upper()],
            note=note,
        )

    def _timers(self, table: dict[str, Any], where: Where) -> dict[str, int]:
        found: dict[str, int] = {}
        for key in TIMER_KEYS:
            if key not in table:
                continue
            value = table[key]
            good = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
            if not good or not 0.001 <= value <= _LONGEST_TIMER:
                self._complain((*where, key), value, "a number of seconds, at least 0.001")
            found[key] = round(value * SECOND)
        return found

    def _networks(self, addresses: object, where: Where) -> list[IPv4Network | IPv6Network]:
        if not isinstance(addresses, list) or not addresses:
            self._complain(where, addresses, 'a list of addresses or networks, such as ["203.0.113.0/24"]')
        found = []
        for address in addresses:
            try:
                found.append(
                    ip_network(address) if isinstance(address, str) else self._complain(where, address, "a text")
                )
            except ValueError as error:
                self._complain(
                    where, address, f"an IP address or network such as 203.0.113.0/24 or 2001:db8::/48 ({error})"
                )
        return found

    def _distinct(self, peers: list[Peer]) -> None:
        """No name twice, no network twice. A network within another is fine: the longest prefix wins."""
        names: dict[str, int] = {}
        networks: dict[object, str] = {}
        for place, peer in enumerate(peers):
            if peer.name in names:
                self._complain(
                    ("peer", place, "name"), peer.name, f"another name, line {names[peer.name]} has it already"
                )
            names[peer.name] = self._line(("peer", place, "name"))
            for network in peer.networks:
                if network in networks:
                    self._complain(
                        ("peer", place, "addresses"),
                        str(network),
                        f"an address that peer {networks[network]!r} does not have already",
                    )
                networks[network] = peer.name

    # Small checks

    def _required(self, table: dict[str, Any], key: str, where: Where) -> Any:
        if key not in table:
            raise ConfigError(f"{self._at(where)}: {key} is missing")
        return table[key]

    def _table(self, value: object, where: Where) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._complain(where, value, "a table")
        return value

    def _known(self, table: Mapping[str, object], keys: Iterable[str], where: Where) -> None:
        for key in table:
            if key not in keys:
                near = difflib.get_close_matches(key, list(keys), n=1)
                hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(keys)}"
                raise ConfigError(f"{self._at((*where, key))}: unknown key {key!r}; {hint}")

    def _one_of(self, value: object, words: Iterable[str], where: Where) -> str:
        words = list(words)
        if value not in words:
            near = difflib.get_close_matches(str(value), words, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            self._complain(where, value, f"one of {', '.join(words)}{hint}")
        return str(value)

    def _number(self, table: dict[str, Any], key: str, least: int, most: int, where: Where) -> int | None:
        value = table.get(key)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self._complain((*where, key), value, f"a whole number from {least} to {most}")
        return int(value)

    def _complain(self, where: Where, value: object, expected: str) -> NoReturn:
        key = next((str(part) for part in reversed(where) if isinstance(part, str)), "")
        raise ConfigError(f"{self._at(where)}: {key} = {value!r}: expected {expected}")

    def _at(self, where: Where) -> str:
        line = self._line(where)
        return f"{self._path}, line {line}" if line else self._path

    def _line(self, where: Where) -> int:
        while where and where not in self._lines:
            where = where[:-1]
        return self._lines.get(where, 0)


def overlapping(first: Rule, second: Rule) -> bool:
    """Tell whether two rules may be about the same leg, and it is not simply the narrower one that comes first."""
    pairs = [
        (first.status_code, second.status_code),
        (first.cause, second.cause),
        (first.cause_protocol, second.cause_protocol),
        (first.heard, second.heard),
    ]
    if any(a is not None and b is not None and a != b for a, b in pairs):
        return False
    narrower = all(a is not None or b is None for a, b in pairs) and any(b is None and a is not None for a, b in pairs)
    return not narrower


def _words(rule: Rule) -> str:
    given = {
        "status_code": rule.status_code,
        "cause": rule.cause,
        "heard": rule.heard.name.lower() if rule.heard is not None else None,
    }
    return ", ".join(f"{key} {value}" for key, value in given.items() if value is not None)


def lines_of(text: str) -> dict[Where, int]:
    """Map tables and keys of a TOML text to their lines; good enough for the shapes a configuration has.

    tomllib does not tell lines. Headers and ``key = value`` at the beginning of a line are found;
    what stands inside a multi-line string or array is passed over.
    """
    found: dict[Where, int] = {}
    table: Where = ()
    counts: dict[Where, int] = {}
    inside = ""
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if inside:
            inside = _still_inside(stripped, inside)
            continue
        header = re.match(r"(\[\[?)\s*([A-Za-z0-9_.\- ]+?)\s*\]\]?", stripped)
        if header:
            table = _header(header[2].replace(" ", "").split("."), header[1] == "[[", counts)
            found.setdefault(table, number)
            continue
        key = re.match(r'"?([A-Za-z0-9_\-]+)"?\s*=\s*(.*)', stripped)
        if key:
            found.setdefault((*table, key[1]), number)
            inside = _opens(key[2])
    return found


def _header(parts: list[str], array: bool, counts: dict[Where, int]) -> Where:
    """Return a table's path with the places of the arrays of tables it lies in."""
    where: Where = ()
    for part in parts[:-1]:
        where = (*where, part)
        if where in counts:
            where = (*where, counts[where])
    where = (*where, parts[-1])
    if not array:
        return where
    counts[where] = counts.get(where, -1) + 1
    return (*where, counts[where])


def _opens(value: str) -> str:
    """Return what a value leaves open at the end of its line: a triple quote, a bracket, or nothing."""
    for quote in ('"""', "'''"):
        if value.startswith(quote) and quote not in value[3:]:
            return quote
    bare = re.sub(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|#.*', "", value)
    return "]" * max(0, bare.count("[") - bare.count("]"))


def _still_inside(line: str, inside: str) -> str:
    if inside[0] in "\"'":
        return "" if inside in line else inside
    bare = re.sub(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|#.*', "", line)
    return "]" * max(0, len(inside) + bare.count("[") - bare.count("]"))
