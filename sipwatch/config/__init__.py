"""The configuration file, sipwatch.toml: read, checked, and turned into settings (DESIGN §5.2).

Every mistake is named with its file, its line, the value, and what was expected instead.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sipwatch.budget import DEFAULT_MEMORY, MAX_MEMORY, MEBIBYTE, MIN_MEMORY, shared_out
from sipwatch.capture.bpf import DEFAULT_TCP_PORTS, MAX_TCP_PORTS, TUNNELS, WantedPackets
from sipwatch.classify.peers import EVERYTHING, Callback, Privacy, Settings
from sipwatch.config.agents import AGENT_KEYS, read_agents
from sipwatch.config.checks import Checks, ConfigError, nearest
from sipwatch.config.hep import HEP_KEYS, MAX_ID, NODE_KEYS, HepSettings, read_hep
from sipwatch.config.hours import HOURS_KEYS, Written, read_hours, working
from sipwatch.config.incidents import IncidentSettings, read_incidents
from sipwatch.config.lines import lines_of
from sipwatch.config.links import LINKS_KEYS, read_links
from sipwatch.config.peers import PEER_KEYS, TIMER_KEYS, read_peers, read_seconds, read_timers
from sipwatch.config.reading import document_in, text_in
from sipwatch.config.rules import CAUSE_PROTOCOLS, RULE_KEYS
from sipwatch.config.software import SOFTWARE_KEYS, read_software
from sipwatch.config.store import STORE_KEYS, read_store
from sipwatch.store.settings import StoreSettings
from sipwatch.track.room import SERIES
from sipwatch.track.timers import Timers

if TYPE_CHECKING:
    from sipwatch.classify.roster import RosterEntry
    from sipwatch.config.lines import Where

__all__ = [
    "AGENT_KEYS",
    "CALLBACK_KEYS",
    "CAPTURE_KEYS",
    "CAUSE_PROTOCOLS",
    "DEFAULT_RING",
    "DEFAULT_WITHIN",
    "HEP_KEYS",
    "HOURS_KEYS",
    "LIMITS_KEYS",
    "LINKS_KEYS",
    "MAX_ID",
    "MAX_MASKED",
    "MIN_KEY_SIZE",
    "MIN_SERIES",
    "NODE_KEYS",
    "PEER_KEYS",
    "PRIVACY_KEYS",
    "RULE_KEYS",
    "SOFTWARE_KEYS",
    "STORE_KEYS",
    "TIMER_KEYS",
    "Config",
    "ConfigError",
    "key_of",
    "lines_of",
    "load",
    "parse",
    "room_for",
]

TABLES = (
    "timers",
    "capture",
    "limits",
    "hep",
    "peer",
    "software",
    "hours",
    "agent",
    "callback",
    "links",
    "privacy",
    "store",
    "incidents",
)
CAPTURE_KEYS = ("tcp_ports", "tunnels", "ring")
LIMITS_KEYS = ("memory", "series")
MIN_SERIES = 1000
CALLBACK_KEYS = ("within", "region")
PRIVACY_KEYS = ("mask", "names", "pseudonyms", "addresses")
DEFAULT_RING = 16 * MEBIBYTE  # ten seconds of an ordinary line, three of 7,000 messages a second
DEFAULT_WITHIN = 3600  # seconds
MAX_MASKED = 32  # characters of a number; more is "all"
MIN_KEY_SIZE = 16  # bytes: shorter ones could be tried out
_MAX_KEY_SIZE = 4096
_MIN_RING, _MAX_RING = MEBIBYTE, 1024 * MEBIBYTE
_MAX_WITHIN = 30 * 86_400  # seconds


class Config(NamedTuple):
    """What a configuration says: how calls are judged, what is hidden, and what a live interface lets through.

    ``ring`` is the size of each interface's ring in bytes. ``hours`` are the settings' as they were written.
    ``memory`` is what the engine's tables may take, in bytes; ``series`` how many series its figures may be, if that
    was said. ``agents`` say whose a number is.
    """

    settings: Settings
    wanted: WantedPackets = WantedPackets()
    ring: int = DEFAULT_RING
    privacy: Privacy = Privacy()
    hours: tuple[Written, ...] = ()
    memory: int = DEFAULT_MEMORY
    hep: HepSettings = HepSettings()
    series: int | None = None
    agents: tuple[RosterEntry, ...] = ()
    store: StoreSettings = StoreSettings()
    incidents: IncidentSettings = IncidentSettings()

    @property
    def most_series(self) -> int:
        """How many series there may be: as many as was said, else as find room in their share of the memory."""
        return self.series or room_for(self.memory)


def load(path: str) -> Config:
    """Read a configuration file. Raises ConfigError."""
    return parse(text_in(path, "the configuration"), path)


def parse(text: str, path: str) -> Config:
    """Turn the text of a configuration into what it says. Raises ConfigError."""
    document = document_in(text, path)
    check = Checks(path, text)
    check.known(document, TABLES, ())
    return _config(check, document)


def _config(check: Checks, document: dict[str, Any]) -> Config:
    own = _table(check, document, "timers", tuple(TIMER_KEYS))
    general = read_timers(check, own, ("timers",))
    found = read_peers(check, document.get("peer", []), general)
    callback = _callback(check, document)
    region = None if callback is None else callback.region
    written = read_hours(check, document.get("hours", []), [peer.name for peer in found], region)
    software = read_software(check, document.get("software", []))
    linking = read_links(check, document.get("links", {}))
    settings = Settings(Timers(**general), found, working(written, region), callback, software, linking)
    capture = _table(check, document, "capture", CAPTURE_KEYS)
    limits = _table(check, document, "limits", LIMITS_KEYS)
    memory = check.size(limits, ("limits", "memory"), DEFAULT_MEMORY, MIN_MEMORY, MAX_MEMORY)
    return Config(
        settings,
        WantedPackets(
            _ports(check, capture, ("capture", "tcp_ports")), _tunnels(check, capture, ("capture", "tunnels"))
        ),
        check.size(capture, ("capture", "ring"), DEFAULT_RING, _MIN_RING, _MAX_RING),
        _privacy(check, document),
        tuple(written),
        memory,
        read_hep(check, document.get("hep", {})),
        check.number(limits, "series", MIN_SERIES, room_for(memory), ("limits",)),
        read_agents(check, document.get("agent", []), region),
        read_store(check, document.get("store", {})),
        read_incidents(check, document.get("incidents", {})),
    )


def _table(check: Checks, document: dict[str, Any], name: str, keys: tuple[str, ...]) -> dict[str, Any]:
    table = check.table(document.get(name, {}), (name,))
    check.known(table, keys, (name,))
    return table


def room_for(memory: int) -> int:
    """Return how many series find room in their share of so many bytes."""
    return shared_out(memory).series // SERIES


def _ports(check: Checks, capture: dict[str, Any], where: Where) -> tuple[int, ...]:
    ports = capture.get("tcp_ports", list(DEFAULT_TCP_PORTS))
    good = isinstance(ports, list) and all(type(port) is int and 0 < port < 65_536 for port in ports)
    if not good or len(ports) > MAX_TCP_PORTS:
        check.complain(where, ports, f"a list of up to {MAX_TCP_PORTS} port numbers, such as [5060, 5066]")
    return tuple(dict.fromkeys(ports))


def _tunnels(check: Checks, capture: dict[str, Any], where: Where) -> tuple[str, ...]:
    tunnels = capture.get("tunnels", [])
    if not isinstance(tunnels, list):
        check.complain(where, tunnels, f"a list of tunnels: {', '.join(TUNNELS)}")
    named = [check.one_of(tunnel, TUNNELS, (*where, place)) for place, tunnel in enumerate(tunnels)]
    return tuple(dict.fromkeys(named))


def _callback(check: Checks, document: dict[str, Any]) -> Callback | None:
    if "callback" not in document:
        return None
    table = _table(check, document, "callback", CALLBACK_KEYS)
    within = read_seconds(check, table.get("within", DEFAULT_WITHIN), 1, _MAX_WITHIN, ("callback", "within"))
    region = table.get("region")
    return Callback(within, None if region is None else _region(check, region, ("callback", "region")))


def _region(check: Checks, value: object, where: Where) -> str:
    from phonenumbers import SUPPORTED_REGIONS  # noqa: PLC0415 - takes its time, and is needed for this key alone

    regions = sorted(SUPPORTED_REGIONS)
    if value not in regions:
        near = f" (did you mean {str(value).upper()!r}?)" if str(value).upper() in regions else nearest(value, regions)
        check.complain(where, value, f'a country by its two letters (ISO 3166), such as "DE"{near}')
    return str(value)


def _privacy(check: Checks, document: dict[str, Any]) -> Privacy:
    table = _table(check, document, "privacy", PRIVACY_KEYS)
    mask = table.get("mask")
    if mask == "all":
        hidden: int | None = EVERYTHING
    elif mask is None or (type(mask) is int and 0 <= mask <= MAX_MASKED):
        hidden = mask or None
    else:
        expected = f'how many digits at the end of a number are hidden, 0 to {MAX_MASKED}, or "all"'
        check.complain(("privacy", "mask"), mask, expected)
    names = check.flag(table, "names", ("privacy",)) or False
    addresses = check.flag(table, "addresses", ("privacy",)) or False
    named = table.get("pseudonyms")
    if named is None:
        if addresses:
            check.complain(("privacy", "addresses"), addresses, "pseudonyms beside it, with the file of a key")
        return Privacy(hidden, names)
    path = check.text(named, "the file of a key", ("privacy", "pseudonyms"))
    try:
        key = key_of(str(Path(check.path).parent / path))
    except ValueError as error:
        raise ConfigError(f"{check.at(('privacy', 'pseudonyms'))}: pseudonyms = {path!r}: {error}") from None
    return Privacy(hidden, names, addresses, key)


def key_of(path: str) -> bytes:
    """Read a key from a file: all of it, line ends behind it left out. Raises ValueError, with what to do."""
    try:
        with open(path, "rb") as file:
            key = file.read(_MAX_KEY_SIZE).rstrip(b"\r\n")
    except OSError as error:
        raise ValueError(
            f"the key cannot be read: {error.strerror}; make one by: head -c 32 /dev/urandom | base64 > {path}"
        ) from None
    if len(key) < MIN_KEY_SIZE:
        raise ValueError(f"the key has {len(key)} bytes; expected {MIN_KEY_SIZE} or more, at random")
    return key
