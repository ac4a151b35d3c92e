"""Connections refused and reset: evidence, once for each, of those that matter."""

from __future__ import annotations

import pytest

from sipwatch.wire.decoder import Decoder, Item
from sipwatch.wire.limits import Limits
from sipwatch.wire.message import Request, Unreachable
from tests.wire import frames as f
from tests.wire.test_decoder import FAMILIES, calls, options

CLIENT, SERVER = 40_000, 5060


class Talk:
    """A connection between a client and a server, segment by segment, as a capture sees it."""

    def __init__(self, decoder: Decoder | None = None, *, client: int = CLIENT, server: int = SERVER) -> None:
        self.decoder = decoder or Decoder()
        self.items: list[Item] = []
        self.ports = (client, server)
        self.family = "v4"

    def send(self, payload: bytes, sequence: int, flags: int, *, back: bool = False, acknowledged: int = 0) -> None:
        wrap, *ends = FAMILIES[self.family]
        (source, destination), (sport, dport) = ends, self.ports
        if back:
            source, destination, sport, dport = destination, source, dport, sport
        segment = f.tcp(payload, sequence, flags, acknowledged=acknowledged, sport=sport, dport=dport)
        self.items += self.decoder.frame(7, 101, wrap(segment, f.TCP, source, destination))

    def refuse(self, sequence: int = 100) -> None:
        self.send(b"", sequence, f.SYN)
        self.send(b"", 0, f.RST | f.ACK, back=True, acknowledged=sequence + 1)

    def open(self) -> None:
        self.send(b"", 100, f.SYN)
        self.send(b"", 500, f.SYN | f.ACK, back=True, acknowledged=101)

    def told(self) -> list[tuple[str, str, str]]:
        """Return code, sender and receiver of what did not get through."""
        errors = [item for item in self.items if isinstance(item, Unreachable)]
        assert all(error.quoted == b"" and error.time == 7 for error in errors)
        return [(error.code, error.path.source, error.path.destination) for error in errors]


FORTH = ("192.0.2.1:40000", "192.0.2.2:5060")


@pytest.mark.parametrize("port", [5060, 5061])
def test_a_refused_connection_to_a_sip_port_is_told(port: int) -> None:
    """RFC 9293 §3.5.2: a reset that acknowledges the SYN. The way is the SYN's, whoever is there says so."""
    talk = Talk(server=port)
    talk.refuse()
    assert talk.told() == [("connection_refused", "192.0.2.1:40000", f"192.0.2.2:{port}")]
    assert [item.reporter for item in talk.items if isinstance(item, Unreachable)] == [f.B4]


def test_a_refused_connection_in_ipv6_is_told() -> None:
    talk = Talk()
    talk.family = "v6"
    talk.refuse()
    assert talk.told() == [("connection_refused", "[2001:db8::1]:40000", "[2001:db8::2]:5060")]


def test_a_refused_connection_elsewhere_is_told_where_sip_was_spoken_before() -> None:
    talk = Talk(server=5070)
    talk.refuse()
    assert talk.told() == [], "nothing is known of that port"
    talk.open()
    talk.send(options(), 101, f.ACK)
    talk.ports = (40_001, 5070)
    talk.refuse()
    assert talk.told() == [("connection_refused", "192.0.2.1:40001", "192.0.2.2:5070")]


def test_a_refusal_captured_twice_is_told_once() -> None:
    talk = Talk()
    for sequence in (100, 100, 100):
        talk.send(b"", sequence, f.SYN)
        talk.send(b"", 0, f.RST | f.ACK, back=True, acknowledged=sequence + 1)
    assert len(talk.told()) == 1
    talk.refuse(9_000)
    assert len(talk.told()) == 2, "asked anew, refused anew"


@pytest.mark.parametrize("acknowledged", [0, 100, 102])
def test_a_reset_that_acknowledges_something_else_refuses_nothing(acknowledged: int) -> None:
    talk = Talk()
    talk.send(b"", 100, f.SYN)
    talk.send(b"", 0, f.RST | f.ACK, back=True, acknowledged=acknowledged)
    assert talk.told() == []


def test_a_connection_that_was_accepted_is_not_refused_later() -> None:
    talk = Talk()
    talk.open()
    talk.send(b"", 0, f.RST | f.ACK, back=True, acknowledged=101)
    assert talk.told() == []


@pytest.mark.parametrize("answered", [False, True], ids=["request-only", "both-ways"])
def test_a_reset_of_a_connection_that_carried_sip_is_told_once(answered: bool) -> None:
    """The way is that of the data which the reset answers."""
    talk = Talk()
    talk.open()
    talk.send(options(), 101, f.ACK)
    if answered:
        talk.send(options(2), 501, f.ACK, back=True)
    for _ in range(3):
        talk.send(b"", 501, f.RST, back=True)
    assert talk.told() == [("connection_reset", *FORTH)]


def test_a_reset_by_the_client_concerns_what_the_server_sends() -> None:
    talk = Talk()
    talk.open()
    talk.send(options(), 101, f.ACK)
    talk.send(b"", 101 + len(options()), f.RST)
    assert talk.told() == [("connection_reset", FORTH[1], FORTH[0])]


def test_a_reset_on_a_connection_joined_in_the_middle_is_told() -> None:
    """The far end has forgotten the connection; the request on it is what shows that it is one of ours."""
    talk = Talk()
    talk.send(options(), 7_777, f.ACK | f.PUSH, acknowledged=1)
    talk.send(b"", 1, f.RST, back=True)
    assert [type(item) for item in talk.items if isinstance(item, (Request, Unreachable))] == [Request, Unreachable]
    assert talk.told() == [("connection_reset", *FORTH)]


def test_a_message_cut_off_by_a_reset_comes_before_it() -> None:
    talk = Talk()
    talk.open()
    talk.send(options(), 101, f.ACK)
    talk.send(options(2, b"x" * 100)[:-50], 501, f.ACK, back=True)
    talk.send(b"", 501 + len(options(2, b"x" * 100)) - 50, f.RST, back=True)
    kinds = [type(item) for item in talk.items if isinstance(item, (Request, Unreachable))]
    assert kinds == [Request, Request, Unreachable]


def test_a_connection_that_carried_something_else_is_nobodys() -> None:
    talk = Talk()
    talk.open()
    talk.send(b"\x16\x03\x01" + bytes(50), 101, f.ACK)
    talk.send(b"", 501, f.RST, back=True)
    assert talk.told() == []


def test_a_reset_behind_the_end_is_how_some_stacks_close() -> None:
    """Whoever closed has nothing more to send."""
    talk = Talk()
    talk.open()
    talk.send(options(), 101, f.ACK)
    talk.send(b"", 101 + len(options()), f.FIN | f.ACK)
    talk.send(b"", 501, f.RST, back=True)
    assert talk.told() == []


def test_a_reset_of_what_is_sent_to_an_end_that_has_closed_is_told() -> None:
    """The server closed an idle connection; the client did not notice and sent a request (RFC 9293 §3.6.1)."""
    talk = Talk()
    talk.open()
    talk.send(options(), 101, f.ACK)
    talk.send(b"", 501, f.FIN | f.ACK, back=True)
    talk.send(options(2), 101 + len(options()), f.ACK)
    talk.send(b"", 502, f.RST, back=True)
    assert talk.told() == [("connection_reset", *FORTH)]
    assert calls(talk.items) == [b"call1", b"call2"]


def test_a_new_connection_between_the_same_ends_may_be_reset_again() -> None:
    talk = Talk()
    for _ in range(2):
        talk.open()
        talk.send(options(), 101, f.ACK)
        talk.send(b"", 501, f.RST, back=True)
    assert len(talk.told()) == 2


def test_what_is_known_of_connections_stays_bounded() -> None:
    """Law 4, against a scanner."""
    decoder = Decoder(Limits(streams=10))
    for port in range(200):
        Talk(decoder, client=1024 + port).send(b"", 1, f.SYN)
        Talk(decoder, client=9000 + port, server=7000 + port).send(options(port), 1, f.ACK)
    assert decoder.tracked["connections"] <= 30
    assert decoder.evicted["connections"] == 600 - 30


def test_a_closed_connection_is_forgotten() -> None:
    decoder = Decoder()
    talk = Talk(decoder)
    talk.open()
    talk.send(options(), 101, f.ACK)
    before = decoder.tracked["connections"]
    talk.send(b"", 101 + len(options()), f.FIN | f.ACK)
    talk.send(b"", 501, f.FIN | f.ACK, back=True)
    assert before - decoder.tracked["connections"] == 1
