"""Who reports over HEP: names that strangers cannot invent without end, keys, times, and what comes too late."""

from __future__ import annotations

import pytest

from sipwatch.packet import MILLISECOND, REPORTED, SECOND
from sipwatch.wire import hep
from sipwatch.wire.agents import Agents, KnownNode
from sipwatch.wire.discards import Discard
from sipwatch.wire.limits import Limits
from sipwatch.wire.message import Transport
from tests.wire import frames as f

NOW = 1_767_603_600 * SECOND
WHERE, WHO = "udp:127.0.0.1:9060", "192.0.2.7"
NAME, KEY = 19, 14  # chunks


class Reporting:
    """Agents that report to us, at a clock that the test turns."""

    def __init__(self, limits: Limits = Limits()) -> None:  # noqa: B008 - a constant
        self.counts: dict[Discard, int] = {}
        self.agents = Agents(self.counts, limits)

    def take(self, data: bytes, at: int = 0, *, passed: int = 0, sender: str = WHO) -> tuple[int, int, bytes] | Discard:
        return self.agents.report(NOW + at, passed, WHERE, sender, data)

    def packets(self) -> dict[str, int]:
        return {label: node.packets for label, node in self.agents.nodes.items()}


def report(capture_id: int = 0, at: int = 0, **chunks: bytes) -> bytes:
    """Return a report of a message sent at a time; ``name`` and ``key`` are chunks of their own."""
    packet = f.hep3(b"text", f.A4, f.B4, time=NOW + at, capture_id=capture_id)
    more = b"".join(
        b"\0\0" + kind.to_bytes(2, "big") + (6 + len(chunks[word])).to_bytes(2, "big") + chunks[word]
        for word, kind in (("name", NAME), ("key", KEY))
        if word in chunks
    )
    return b"HEP3" + (len(packet) + len(more)).to_bytes(2, "big") + packet[6:] + more


def test_what_is_taken_is_a_frame_with_the_senders_time() -> None:
    reporting = Reporting()
    found = reporting.take(report(7), 3 * MILLISECOND)
    assert isinstance(found, tuple)
    assert found[:2] == (NOW, REPORTED)
    assert hep.carried(found[2]) == hep.Encapsulated(NOW, Transport.UDP, f.A4 + f.B4 + f.ports(5060, 5060), b"text", 0)


def test_without_a_time_of_its_own_a_message_has_that_of_arrival() -> None:
    for packet in (f.hep3(b"text", f.A4, f.B4), b"\x01\x10" + f.hep2(b"", f.A4, f.B4)[2:16] + b"text"):
        found = Reporting().take(packet, SECOND)
        assert isinstance(found, tuple)
        assert found[0] == NOW + SECOND


def test_what_comes_after_its_time_has_passed_is_late_and_taken_now() -> None:
    reporting = Reporting()
    reporting.take(report(7))
    found = reporting.take(report(7, at=-SECOND), passed=NOW - 200 * MILLISECOND)
    assert isinstance(found, tuple)
    carried = hep.carried(found[2])
    assert (found[0], carried and carried.time) == (NOW - 200 * MILLISECOND, NOW - SECOND)
    assert [node.late for node in reporting.agents.nodes.values()] == [1]


def test_a_node_of_the_configuration_has_its_name_by_its_own_name_or_by_its_number() -> None:
    reporting = Reporting()
    reporting.agents.use([KnownNode("edge", 7, None), KnownNode("core", None, "sbc-core")], b"")
    assert reporting.packets() == {"edge": 0, "core": 0}, "known before it is heard"
    reporting.take(report(7))
    reporting.take(report(7, name=b"sbc-core"))
    reporting.take(report(8))
    assert reporting.packets() == {"edge": 1, "core": 1, f"{WHERE}/8": 1}


def test_strangers_get_so_many_names_and_no_more() -> None:
    reporting = Reporting(Limits(nodes=3))
    for number in range(10):
        reporting.take(report(number, name=b"x" * number))
    assert reporting.packets() == {f"{WHERE}/{number}": 1 for number in range(3)} | {"other": 7}


@pytest.mark.parametrize("key", [None, b"", b"wrong", b"secret "], ids=["none", "empty", "wrong", "longer"])
def test_where_a_key_is_demanded_nobody_gets_in_with_another(key: bytes | None) -> None:
    reporting = Reporting()
    reporting.agents.use([], b"secret")
    packet = report(7) if key is None else report(7, key=key)
    assert reporting.take(packet) is Discard.HEP_UNAUTHORIZED
    assert reporting.take(f.hep2(b"text", f.A4, f.B4)) is Discard.HEP_UNAUTHORIZED, "version 2 has none"
    assert isinstance(reporting.take(report(7, key=b"secret")), tuple)
    assert reporting.counts == {Discard.HEP_UNAUTHORIZED: 2}
    assert reporting.packets() == {f"{WHERE}/7": 1}


def test_what_is_no_hep_is_discarded_by_name_and_makes_no_node() -> None:
    reporting = Reporting()
    for junk in (b"", b"HEP3", b"HEP3\0\x20", b"GET / HTTP/1.1", b"\x02\x10\x02"):
        assert reporting.take(junk) is Discard.HEP_MALFORMED
    assert reporting.take(f.hep3(b"{}", f.A4, f.B4, kind=5)) is Discard.NOT_SIP
    assert reporting.counts == {Discard.HEP_MALFORMED: 5, Discard.NOT_SIP: 1}
    assert reporting.packets() == {}


def test_two_machines_of_one_number_have_clocks_of_their_own() -> None:
    reporting = Reporting()
    times = [
        reporting.take(report(7, at=second * SECOND + ahead), second * SECOND, sender=sender)
        for second in range(3)
        for sender, ahead in (("192.0.2.7", 3600 * SECOND), ("192.0.2.8", -60 * SECOND))
    ]
    assert [time[0] - NOW for time in times if isinstance(time, tuple)] == [
        0,
        0,
        SECOND,
        SECOND,
        2 * SECOND,
        2 * SECOND,
    ]
    assert reporting.agents.skews() == {f"{WHERE}/7": 3600 * SECOND}, "that which is farthest off"


def test_a_clock_not_heard_of_any_more_is_not_told() -> None:
    reporting = Reporting()
    reporting.take(report(7, at=3600 * SECOND), sender="192.0.2.7")
    reporting.take(report(7, at=3600 * SECOND), 3600 * SECOND, sender="192.0.2.8")
    assert reporting.agents.skews() == {f"{WHERE}/7": 0}


def test_senders_are_bounded_and_the_oldest_is_given_up() -> None:
    reporting = Reporting(Limits(reporters=4))
    for number in range(10):
        reporting.take(report(7), sender=f"192.0.2.{number}")
    assert (len(reporting.agents), reporting.agents.evicted) == (4, 6)


def test_when_a_node_was_heard_last_is_told_by_our_clock() -> None:
    reporting = Reporting()
    reporting.take(report(7, at=-3600 * SECOND), 5 * SECOND)
    assert reporting.agents.nodes[f"{WHERE}/7"].last_seen == NOW + 5 * SECOND
