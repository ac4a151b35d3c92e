"""Whose address it is, and which timers hold between two ends."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from sipwatch.classify.peers import NOBODY, Directory, Peer, PeerKind, Settings
from sipwatch.track.table import SECOND
from sipwatch.track.timers import Timers
from tests.conversation import path

WIDE = Peer("wide", PeerKind.DEVICES, [ip_network("192.0.2.0/24")])
NARROW = Peer("narrow", PeerKind.TRUNK, [ip_network("192.0.2.84/32")], Timers(no_answer_after=36 * SECOND))
SIX = Peer("six", PeerKind.SERVER, [ip_network("2001:db8::/32")])
SETTINGS = Settings(Timers(no_answer_after=20 * SECOND), [WIDE, NARROW, SIX])


def test_the_longest_prefix_wins_in_whatever_order_peers_are_written() -> None:
    for peers in ([WIDE, NARROW], [NARROW, WIDE]):
        directory = Directory(Settings(peers=peers))
        assert directory.peer(ip_address("192.0.2.84").packed) is NARROW
        assert directory.peer(ip_address("192.0.2.85").packed) is WIDE


def test_an_address_nobody_configured_is_other() -> None:
    assert Directory(SETTINGS).peer(ip_address("198.51.100.1").packed) is NOBODY
    assert NOBODY.name == "other"
    assert Directory(Settings()).peer(bytes(4)) is NOBODY


def test_ipv6_and_ipv4_mapped_addresses() -> None:
    directory = Directory(SETTINGS)
    assert directory.peer(ip_address("2001:db8::1").packed) is SIX
    assert directory.peer(ip_address("::ffff:192.0.2.84").packed) is NARROW


def test_the_destinations_timers_go_before_the_sources_before_the_general_ones() -> None:
    directory = Directory(SETTINGS)
    assert directory.timers_for(path("A", "T")).no_answer_after == 36 * SECOND
    assert directory.timers_for(path("T", "A")).no_answer_after == 36 * SECOND
    assert directory.timers_for(path("A", "B")).no_answer_after == 20 * SECOND


def test_the_memory_for_answers_is_bounded() -> None:
    directory = Directory(SETTINGS)
    for number in range(70_000):
        directory.peer(number.to_bytes(4, "big"))
    assert len(directory._cache) <= 65_536
