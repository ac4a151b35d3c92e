"""[[peer]]: who is where, and how every mistake is named."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.classify.peers import NOBODY, Directory, PeerKind
from sipwatch.config import ConfigError, parse
from sipwatch.packet import SECOND
from tests.config.mistakes import complaint
from tests.each import for_each

PEER = '[[peer]]\nname = "acme"\nkind = "trunk"\naddresses = ["192.0.2.1"]\n'
HOSTS = '[[peer]]\nname = "acme"\nkind = "trunk"\nhosts = ["sip.acme.example"]\n'
FULL = """
[timers]
no_answer_after    = 25

[[peer]]
name = "acme"
kind = "trunk"
addresses = ["203.0.113.0/24", "2001:db8:5::/48"]
hosts = ["SIP.Acme.example.", "*.acme.example"]
no_progress_after = 8

[[peer]]
name = "phones"
kind = "devices"
addresses = ["203.0.113.7"]
"""


def test_peers_have_addresses_names_and_timers() -> None:
    acme, phones = parse(FULL, "x").settings.peers
    assert (acme.name, acme.kind) == ("acme", PeerKind.TRUNK)
    assert acme.networks == [ip_network("203.0.113.0/24"), ip_network("2001:db8:5::/48")]
    assert acme.hosts == ["sip.acme.example", "*.acme.example"]
    assert acme.timers is not None
    assert (acme.timers.no_progress_after, acme.timers.no_answer_after) == (8 * SECOND, 25 * SECOND)
    assert (phones.timers, phones.hosts) == (None, [])


def test_host_names_are_enough() -> None:
    (peer,) = parse(HOSTS, "x").settings.peers
    assert (peer.networks, peer.hosts) == ([], ["sip.acme.example"])


def test_a_peer_may_have_a_limit_of_sessions() -> None:
    (limited,) = parse(PEER + "sessions_limit = 100\n", "x").settings.peers
    (unlimited,) = parse(PEER, "x").settings.peers
    assert (limited.sessions_limit, unlimited.sessions_limit) == (100, 0)


def test_a_peer_may_have_an_objective() -> None:
    found = parse(
        f"{PEER}objective = 0.98\n{PEER.replace('acme', 'b').replace('2.1', '2.2')}objective = 0.5\n{HOSTS.replace('acme', 'c')}",
        "x",
    )
    assert [peer.objective for peer in found.settings.peers] == [0.98, 0.5, 0.0]


def test_an_ipv4_address_written_as_ipv6_is_that_ipv4_address() -> None:
    (peer,) = parse(PEER.replace("192.0.2.1", "::ffff:192.0.2.0/120"), "x").settings.peers
    assert peer.networks == [ip_network("192.0.2.0/24")]


MISTAKES = [
    ("no-sessions", PEER + "sessions_limit = 0\n", "line 5: sessions_limit = 0: expected a whole number from 1 to 1000000"),
    ("half-a-session", PEER + "sessions_limit = 1.5\n", "line 5: sessions_limit = 1.5: expected a whole number from 1"),
    ("a-true-limit", PEER + "sessions_limit = true\n", "line 5: sessions_limit = True: expected a whole number from 1"),
    ("percent", PEER + "objective = 98\n", "line 5: objective = 98: expected a share of calls from 0.5 to below 1, such as 0.98"),
    ("perfect", PEER + "objective = 1.0\n", "line 5: objective = 1.0: expected a share of calls from 0.5 to below 1"),
    ("hopeless", PEER + "objective = 0.49\n", "line 5: objective = 0.49: expected a share of calls from 0.5"),
    ("no-goal", PEER + "objective = nan\n", "line 5: objective = nan: expected a share of calls"),
    ("a-true-goal", PEER + "objective = true\n", "line 5: objective = True: expected a share of calls"),
    ("a-misspelt-key", PEER + "adresses = []\n", "line 5: unknown key 'adresses'; did you mean addresses?"),
    ("no-name", '[[peer]]\nkind = "trunk"\naddresses = ["192.0.2.1"]\n', "line 1: name is missing"),
    ("no-kind", '[[peer]]\nname = "acme"\naddresses = ["192.0.2.1"]\n', "line 1: kind is missing"),
    ("an-empty-name", PEER.replace("acme", ""), "line 2: name = '': expected a short name"),
    ("the-reserved-name", PEER.replace("acme", "other"), "line 2: name = 'other': expected another name"),
    ("an-unknown-kind", PEER.replace("trunk", "trnk"), "line 3: kind = 'trnk': expected one of trunk, devices, server (did you mean 'trunk'?)"),
    ("neither-address-nor-host", '[[peer]]\nname = "acme"\nkind = "trunk"\n', "line 1: addresses is missing, or hosts"),
    ("no-addresses", PEER.replace('["192.0.2.1"]', "[]"), "line 4: addresses = []: expected a list of addresses or networks"),
    ("an-address-that-is-no-text", PEER.replace('"192.0.2.1"', "1"), "line 4: addresses = 1: expected a text"),
    ("a-bad-address", PEER.replace("192.0.2.1", "192.0.2.300"), "line 4: addresses = '192.0.2.300': expected an IP address or network"),
    ("a-bad-address-in-a-long-list", PEER.replace('["192.0.2.1"]', '[\n "192.0.2.1",\n "192.0.2.x",\n]'), "line 6: addresses = '192.0.2.x'"),
    ("host-bits-set", PEER.replace("192.0.2.1", "192.0.2.1/24"), "has host bits set"),
    ("no-hosts", HOSTS.replace('"sip.acme.example"', ""), "line 4: hosts = []: expected a list of host names"),
    ("a-host-with-a-port", HOSTS.replace("example", "example:5060"), "line 4: hosts = 'sip.acme.example:5060': expected a host name"),
    ("a-star-in-the-middle", HOSTS.replace("sip.", "sip.*."), "line 4: hosts = 'sip.*.acme.example': expected a host name, such as"),
    ("an-endless-host", HOSTS.replace("sip", "a." * 125 + "sip"), "expected a host name"),
    ("an-address-as-a-host", HOSTS.replace("sip.acme.example", "192.0.2.1"), "hosts = '192.0.2.1': expected a host name; an address belongs under addresses"),
    ("the-same-name-twice", PEER + PEER.replace("192.0.2.1", "192.0.2.2"), "line 6: name = 'acme': expected another name, line 2 has it already"),
    ("the-same-address-twice", PEER + PEER.replace("acme", "b"), "line 8: addresses = '192.0.2.1/32': expected an address that peer 'acme' does not have already, line 4"),
    ("the-same-address-in-ipv6", PEER + PEER.replace("acme", "b").replace("192.0.2.1", "::ffff:192.0.2.1"), "line 8: addresses = '192.0.2.1/32': expected an address that peer 'acme'"),
    ("the-same-network-twice-in-one-peer", PEER.replace('.1"', '.0/24",\n"192.0.2.0/24"'), "line 5: addresses = '192.0.2.0/24': expected an address that this peer does not have already, line 4"),
    ("the-same-host-twice", HOSTS + HOSTS.replace("acme", "b", 1).replace("sip", "SIP"), "line 8: hosts = 'sip.acme.example': expected a name that peer 'acme' does not have already, line 4"),
    ("a-timer-that-is-text", PEER + 'no_answer_after = "30"\n', "x, line 5: no_answer_after = '30': expected a number of seconds"),
    ("a-negative-timer", PEER + "no_answer_after = -1\n", "x, line 5: no_answer_after = -1: expected a number of seconds, at least 0.001"),
    ("a-timer-of-centuries", PEER + "no_answer_after = 1e10\n", "not more than"),
    ("an-infinite-timer", PEER + "no_answer_after = inf\n", "expected a number of seconds"),
    ("a-timer-that-is-true", PEER + "no_answer_after = true\n", "expected a number of seconds"),
    ("peer-as-a-table", "[peer]\nname = 1\n", "expected tables, each headed [[peer]]"),
]  # fmt: skip


@for_each("text, words", [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES])
def test_a_mistake_is_named_with_line_value_and_what_was_expected(text: str, words: str) -> None:
    assert words in complaint(text)


def test_a_network_within_another_peers_is_fine() -> None:
    text = PEER.replace("192.0.2.1", "192.0.2.0/24") + PEER.replace("acme", "b")
    assert len(parse(text, "x").settings.peers) == 2


NETWORKS = st.tuples(st.integers(0, 255), st.sampled_from([24, 28, 30, 31, 32])).map(
    lambda made: str(ip_network(f"192.0.2.{made[0]}/{made[1]}", strict=False))
)


@given(st.lists(st.lists(NETWORKS, min_size=1, max_size=3), min_size=1, max_size=4), st.integers(0, 255))
def test_addresses_are_whose_brute_force_says_they_are(peers: list[list[str]], last: int) -> None:
    """A network that two have is refused; all else is found by its longest prefix, in whatever order it is written."""
    text = "".join(f'[[peer]]\nname = "p{i}"\nkind = "trunk"\naddresses = {nets}\n' for i, nets in enumerate(peers))
    every = [network for networks in peers for network in networks]
    if len(set(every)) < len(every):
        with pytest.raises(ConfigError, match="does not have already"):
            parse(text, "x")
        return
    address = ip_network(f"192.0.2.{last}/32")
    holding = [
        (ip_network(network).prefixlen, f"p{i}")
        for i, networks in enumerate(peers)
        for network in networks
        if address.subnet_of(ip_network(network))  # type: ignore[arg-type]
    ]
    found = Directory(parse(text, "x").settings).peer(address.network_address.packed)
    assert found.name == (max(holding)[1] if holding else NOBODY.name)
