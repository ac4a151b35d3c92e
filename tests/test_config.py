"""sipwatch.toml as a whole: what it can say, and how every mistake is named with its line."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest

from sipwatch.capture.bpf import DEFAULT_TCP_PORTS, WantedPackets
from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.peers import EVERYTHING, Callback, PeerKind, Privacy
from sipwatch.config import (
    AGENT_KEYS,
    CALLBACK_KEYS,
    CAPTURE_KEYS,
    HEP_KEYS,
    HOURS_KEYS,
    LIMITS_KEYS,
    LINKS_KEYS,
    NODE_KEYS,
    PEER_KEYS,
    PRIVACY_KEYS,
    RULE_KEYS,
    SOFTWARE_KEYS,
    STORE_KEYS,
    TABLES,
    TIMER_KEYS,
    Config,
    ConfigError,
    load,
    parse,
)
from sipwatch.config.incidents import INCIDENTS_KEYS
from sipwatch.packet import SECOND
from sipwatch.track.table import Heard
from tests.config.mistakes import complaint
from tests.each import for_each

if TYPE_CHECKING:
    from pathlib import Path

FULL = """
[timers]                     # seconds
no_response_after  = 4
slow_progress_after = 2.5
no_answer_after    = 25
hunt_within        = 1.5

[capture]
tcp_ports = [5060, 5066, 5060]
tunnels = ["gre"]
ring = "4 MiB"

[callback]
within = 7200
region = "DE"

[privacy]
mask = 4
names = true

[[peer]]
name = "acme"
kind = "trunk"
addresses = ["203.0.113.0/24", "2001:db8:5::/48"]
no_progress_after = 8
hunt_within = 4

[[peer.rule]]
status_code = 603
outcome = "congested"
note = "603 when every channel is taken"

[[peer.rule]]
cause = 21
cause_protocol = "Q.850"
heard = "alerted"
status_code = 480
outcome = "declined"

[[peer]]
name = "phones"
kind = "devices"
addresses = ["203.0.113.7"]

[[hours]]
zone = "Europe/Berlin"
open = ["Mon-Fri 09:00-18:00"]
"""


def test_everything_that_a_configuration_can_say() -> None:
    config = parse(FULL, "x")
    settings = config.settings
    assert (settings.timers.no_response_after, settings.timers.slow_progress_after) == (4 * SECOND, 5 * SECOND // 2)
    assert (settings.timers.no_progress_after, settings.timers.hunt_within) == (10 * SECOND, 3 * SECOND // 2)
    acme, phones = settings.peers
    assert (acme.name, acme.kind, acme.networks[1]) == ("acme", PeerKind.TRUNK, ip_network("2001:db8:5::/48"))
    assert acme.timers is not None
    assert (acme.timers.no_progress_after, acme.timers.no_answer_after) == (8 * SECOND, 25 * SECOND)
    assert acme.timers.hunt_within == 4 * SECOND
    assert phones.timers is None
    first, second = acme.rules
    assert (first.status_code, first.outcome, first.note) == (603, Outcome.CONGESTED, "603 when every channel is taken")
    assert (second.cause, second.cause_protocol, second.heard) == (21, "Q.850", Heard.ALERTED)
    assert config.wanted == WantedPackets((5060, 5066), ("gre",))
    assert config.ring == 4 << 20
    assert settings.callback == Callback(7200 * SECOND, "DE")
    assert config.privacy == Privacy(4, names=True)
    assert (len(settings.hours), settings.hours[0].region, config.hours[0].zone) == (1, "DE", "Europe/Berlin")


def test_an_empty_configuration_means_the_defaults() -> None:
    config = parse("", "x")
    assert config[1:] == Config(config.settings)[1:]
    settings = config.settings
    assert (settings.timers.no_answer_after, settings.peers, settings.hours, settings.callback) == (
        30 * SECOND,
        [],
        [],
        None,
    )
    assert config.privacy == Privacy(None, names=False)
    assert config.wanted == WantedPackets(DEFAULT_TCP_PORTS, ())


def test_a_call_back_counts_within_an_hour_if_nothing_else_is_said() -> None:
    assert parse("[callback]\n", "x").settings.callback == Callback(3600 * SECOND, None)


@pytest.mark.parametrize(("written", "hidden"), [("0", None), ("4", 4), ("32", 32), ('"all"', EVERYTHING)])
def test_how_much_of_a_number_is_hidden(written: str, hidden: int | None) -> None:
    assert parse(f"[privacy]\nmask = {written}\n", "x").privacy == Privacy(hidden, names=False)


def test_pseudonyms_come_from_a_key_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "package.key").write_bytes(b"0123456789abcdef\n")
    file = tmp_path / "sipwatch.toml"
    file.write_text('[privacy]\npseudonyms = "package.key"\naddresses = true\n')
    assert load(str(file)).privacy == Privacy(addresses=True, key=b"0123456789abcdef")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "line 2: pseudonyms = 'package.key': the key cannot be read: No such file or directory; make one by:"),
        (b"too short", "line 2: pseudonyms = 'package.key': the key has 9 bytes; expected 16 or more, at random"),
    ],
)
def test_a_key_that_is_none_is_refused(tmp_path: Path, content: bytes | None, complaint: str) -> None:
    if content is not None:
        (tmp_path / "package.key").write_bytes(content)
    file = tmp_path / "sipwatch.toml"
    file.write_text('[privacy]\npseudonyms = "package.key"\n')
    with pytest.raises(ConfigError) as mistake:
        load(str(file))
    assert complaint in str(mistake.value)


MISTAKES = [
    ("addresses-without-a-key", "[privacy]\naddresses = true\n", "line 2: addresses = True: expected pseudonyms beside it, with the file of a key"),
    ("unknown-table", "[timer]\n", "x, line 1: unknown key 'timer'; did you mean timers?"),
    ("misspelt-timer", "[timers]\nno_progres_after = 3\n", "x, line 2: unknown key 'no_progres_after'; did you mean no_progress_after?"),
    ("a-timer-that-is-text", '[timers]\nno_answer_after = "30"\n', "x, line 2: no_answer_after = '30': expected a number of seconds"),
    ("a-hunt-that-never-ends", "[timers]\nhunt_within = 60\n", "line 2: hunt_within = 60: expected a number of seconds, at least 0.001 and not more than 32"),
    ("a-hunt-of-no-time", "[timers]\nhunt_within = 0\n", "line 2: hunt_within = 0: expected a number of seconds, at least 0.001"),
    ("timers-as-a-number", "timers = 3\n", "line 1: timers = 3: expected a table"),
    ("no-toml-at-all", "this is = not\n= toml", "x: not valid TOML"),
    ("nested-too-deeply", "a = " + "[" * 4000, "x: not valid TOML: nested too deeply"),
    ("a-number-beyond-all-bounds", "a = " + "9" * 5000, "x: not valid TOML: "),
    ("a-misspelt-capture-key", "[capture]\nports = []\n", "line 2: unknown key 'ports'"),
    ("a-port-out-of-range", "[capture]\ntcp_ports = [0]\n", "line 2: tcp_ports = [0]: expected a list of up to 32 port numbers"),
    ("an-unknown-tunnel", '[capture]\ntunnels = ["gre",\n"ipipp"]\n', "line 3: tunnels = 'ipipp': expected one of"),
    ("tunnels-as-a-text", '[capture]\ntunnels = "gre"\n', "line 2: tunnels = 'gre': expected a list of tunnels"),
    ("a-ring-without-end", '[capture]\nring = "4 GiB"\n', "line 2: ring = '4 GiB': expected a size from 1 MiB to 1 GiB"),
    ("a-ring-of-no-unit", "[capture]\nring = 16\n", 'line 2: ring = 16: expected a size from 1 MiB to 1 GiB, such as "32 MiB"'),
    ("more-series-than-memory", '[limits]\nmemory = "32 MiB"\nseries = 6000\n', "line 3: series = 6000: expected a whole number from 1000 to 5592"),
    ("too-little-memory", '[limits]\nmemory = "1 MiB"\n', "line 2: memory = '1 MiB': expected a size from 32 MiB to 1024 GiB"),
    ("a-call-back-at-once", "[callback]\nwithin = 0\n", "line 2: within = 0: expected a number of seconds, at least 1"),
    ("a-call-back-next-year", "[callback]\nwithin = 31536000\n", "not more than 2.592e+06"),
    ("a-call-back-by-text", '[callback]\nwithin = "1h"\n', "line 2: within = '1h': expected a number of seconds"),
    ("an-unknown-region", '[callback]\nregion = "DX"\n', "line 2: region = 'DX': expected a country by its two letters (ISO 3166), such as \"DE\""),
    ("a-region-in-small-letters", '[callback]\nregion = "de"\n', "(did you mean 'DE'?)"),
    ("a-region-that-is-a-number", "[callback]\nregion = 49\n", "region = 49: expected a country"),
    ("a-region-that-is-a-list", '[callback]\nregion = ["DE"]\n', "region = ['DE']: expected a country"),
    ("a-misspelt-callback-key", "[callback]\nafter = 1\n", "line 2: unknown key 'after'"),
    ("callback-as-a-number", "callback = 3600\n", "line 1: callback = 3600: expected a table"),
    ("half-a-mask", "[privacy]\nmask = 2.5\n", 'line 2: mask = 2.5: expected how many digits at the end of a number are hidden, 0 to 32, or "all"'),
    ("a-mask-by-another-name", '[privacy]\nmask = "half"\n', "mask = 'half': expected how many digits"),
    ("a-mask-that-is-true", "[privacy]\nmask = true\n", "mask = True: expected how many digits"),
    ("names-as-a-text", '[privacy]\nnames = "yes"\n', "line 2: names = 'yes': expected true or false"),
    ("a-misspelt-privacy-key", "[privacy]\nname = true\n", "line 2: unknown key 'name'; did you mean names?"),
]  # fmt: skip


@for_each("text, words", [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES])
def test_a_mistake_is_named_with_line_value_and_what_was_expected(text: str, words: str) -> None:
    assert words in complaint(text)


COMPLETE = {
    "software": 'name = "yealink"\npattern = "^Yealink"\n',
    "peer": 'name = "acme"\nkind = "trunk"\naddresses = ["192.0.2.1"]\n',
    "rule": "status_code = 603\noutcome = 'congested'\n",
    "node": "name = 'edge'\nid = 2001\n",
    "agent": "number = '201'\nname = 'Anna'\n",
    "hours": "peers = ['acme']\nzone = 'UTC'\nopen = ['Mon 09:00-18:00']\n",
}
KEYS_OF = {
    "[timers]": TIMER_KEYS,
    "[capture]": CAPTURE_KEYS,
    "[limits]": LIMITS_KEYS,
    "[hep]": HEP_KEYS,
    "[[hep.node]]": NODE_KEYS,
    "[callback]": CALLBACK_KEYS,
    "[links]": LINKS_KEYS,
    "[privacy]": PRIVACY_KEYS,
    "[incidents]": INCIDENTS_KEYS,
    "[store]": STORE_KEYS,
    "[[peer]]": PEER_KEYS,
    "[[peer.rule]]": RULE_KEYS,
    "[[software]]": SOFTWARE_KEYS,
    "[[hours]]": HOURS_KEYS,
    "[[agent]]": AGENT_KEYS,
}
KEYS = [(head, key) for head, keys in KEYS_OF.items() for key in keys]


def test_no_table_is_left_out_below() -> None:
    assert {head.strip("[]") for head in KEYS_OF} - {"peer.rule", "hep.node"} == set(TABLES)


@for_each("head, key", KEYS)
def test_every_key_is_read(head: str, key: str) -> None:
    """One that is known and not looked at would take this, which is a value of none."""
    lines = [line for line in COMPLETE.get(head.strip("[]").split(".")[-1], "").splitlines() if line.split()[0] != key]
    before = "" if head in ("[timers]", "[[peer]]") else f"[[peer]]\n{COMPLETE['peer']}"
    with pytest.raises(ConfigError) as refused:
        parse("\n".join([before + head, *lines, f"{key} = {{ x = 1979-05-27 }}"]), "x.toml")
    assert f"{key} = {{'x': " in str(refused.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load(str(tmp_path / "nothing.toml"))
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(str(tmp_path / "bytes.toml"))
    (tmp_path / "good.toml").write_text(FULL)
    assert len(load(str(tmp_path / "good.toml")).settings.peers) == 2


def test_how_many_series_there_may_be_follows_from_the_memory_or_is_said() -> None:
    """A tenth of the memory is theirs."""
    assert parse('[limits]\nmemory = "600 MB"\n', "c.toml").most_series == 100_000
    assert parse('[limits]\nmemory = "600 MB"\nseries = 2000\n', "c.toml").most_series == 2000
