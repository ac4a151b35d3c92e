"""A message that several report, or that we see as well, is one; two sent, hop by hop, are two.

What a mirror port shows twice is in tests/wire/test_decoder.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sipwatch.packet import ETHERNET, MILLISECOND, REPORTED, SECOND
from sipwatch.wire import hep
from sipwatch.wire.decoder import Decoder
from sipwatch.wire.discards import Discard
from sipwatch.wire.limits import Limits
from sipwatch.wire.message import Request, Transport
from tests.wire import frames as f

if TYPE_CHECKING:
    from sipwatch.wire.decoder import Item

NOW = 1_767_603_600 * SECOND
ENDS = f.A4 + f.B4 + f.ports(5060, 5060)
HOP = f.B4 + f.A4 + f.ports(5060, 5060)
WINDOW = Limits().duplicate_window


def message(branch: str = "z9hG4bK1", vias: int = 1, sdp: bytes = b"") -> bytes:
    """Return an INVITE as a hop sends it."""
    via = "".join(
        f"Via: SIP/2.0/UDP 192.0.2.1;branch={branch if not number else 'below'}\r\n" for number in range(vias)
    )
    head = (
        f"INVITE sip:b@example.com SIP/2.0\r\n{via}From: <sip:a@example.com>;tag=t\r\nTo: <sip:b@example.com>\r\n"
        f"Call-ID: call1\r\nCSeq: 1 INVITE\r\nContent-Length: {len(sdp)}\r\n\r\n"
    )
    return head.encode() + sdp


class Heard:
    """A decoder that hears of messages, and what it said."""

    def __init__(self, limits: Limits = Limits(), *, across_nat: bool = False) -> None:  # noqa: B008 - a constant
        self.decoder = Decoder(limits)
        self.decoder.expect_hep(across_nat=across_nat)
        self.items: list[Item] = []

    def reported(
        self, text: bytes, at: int = 0, *, ends: bytes = ENDS, taken: int = 0, over: Transport = Transport.UDP
    ) -> None:
        """Hear of a message sent at ``at``, from an agent, at ``taken`` if that is later."""
        data = hep.carry(NOW + at, hep.Encapsulated(NOW + at, over, ends, text, 0))
        self.items += self.decoder.frame(NOW + max(at, taken), REPORTED, data)

    def seen(self, text: bytes, at: int = 0, ident: int = 0) -> None:
        """See a message on the wire."""
        self.items += self.decoder.frame(NOW + at, ETHERNET, f.ethernet(f.ipv4(f.udp(text), ident=ident)))

    @property
    def fate(self) -> str:
        """Say what became of each: taken (t), or a copy (c)."""
        return "".join("c" if item is Discard.DUPLICATE else "t" for item in self.items)


@pytest.mark.parametrize(("apart", "fate"), [(0, "tc"), (WINDOW, "tc"), (-WINDOW, "tc"), (WINDOW + 1, "tt")])
def test_what_two_agents_report_within_the_window_is_one(apart: int, fate: str) -> None:
    heard = Heard()
    heard.reported(message())
    heard.reported(message(), apart)
    assert heard.fate == fate
    assert heard.decoder.discards == ({Discard.DUPLICATE: 1} if "c" in fate else {})


def test_a_copy_that_comes_late_is_known_by_its_own_time() -> None:
    heard = Heard()
    heard.reported(message(), 0)
    heard.reported(message(), MILLISECOND, taken=900 * MILLISECOND)
    assert heard.fate == "tc"


def test_what_is_late_has_the_time_at_which_it_was_taken() -> None:
    heard = Heard()
    heard.reported(message(), 0, taken=SECOND)
    (item,) = heard.items
    assert isinstance(item, Request)
    assert item.time == NOW + SECOND


@pytest.mark.parametrize("ident", [0, 4711])
def test_what_the_wire_shows_and_an_agent_reports_is_one_whichever_comes_first(ident: int) -> None:
    heard = Heard()
    heard.seen(message(), 0, ident)
    heard.reported(message(), 5 * MILLISECOND)
    heard.reported(message("z9hG4bK2"), SECOND)
    heard.seen(message("z9hG4bK2"), SECOND + 5 * MILLISECOND, ident)
    assert heard.fate == "tctc"


def test_what_the_wire_shows_twice_counts_twice_as_it_does_without_agents() -> None:
    """Two packets of their own: the identification says so."""
    heard = Heard()
    heard.seen(message(), 0, 1)
    heard.seen(message(), MILLISECOND, 2)
    assert heard.fate == "tt"


def test_a_retransmission_is_no_copy() -> None:
    heard = Heard()
    for at in (0, SECOND // 2, SECOND // 2 + MILLISECOND, 3 * SECOND // 2):
        heard.reported(message(), at)
    assert heard.fate == "ttct"


def test_over_tcp_and_over_tls_as_well() -> None:
    heard = Heard()
    segment = f.ethernet(f.ipv4(f.tcp(message(), 1, sport=5060), 6))
    heard.items += heard.decoder.frame(NOW, ETHERNET, segment)
    heard.reported(message(), over=Transport.TCP)
    heard.reported(message("z9hG4bK2"), over=Transport.TLS)
    heard.reported(message("z9hG4bK2"), over=Transport.TLS)
    assert heard.fate == "tctc"


def test_the_next_hop_is_another_message() -> None:
    heard = Heard()
    heard.reported(message())
    heard.reported(message(), ends=HOP)
    assert heard.fate == "tt"


def test_across_a_nat_ends_and_bytes_may_differ() -> None:
    heard = Heard(across_nat=True)
    heard.reported(message(sdp=b"c=IN IP4 192.0.2.1"))
    heard.reported(message(sdp=b"c=IN IP4 198.51.100.1"), MILLISECOND, ends=HOP)
    heard.reported(message("z9hG4bK2", vias=2), 2 * MILLISECOND)
    heard.reported(message(vias=2), 3 * MILLISECOND)
    assert heard.fate == "tctt", "a proxy adds a Via, a NAT does not"


def test_across_a_nat_two_answers_to_one_request_are_two() -> None:
    heard = Heard(across_nat=True)
    request = message()
    for code in (b"100 Trying", b"180 Ringing", b"180 Ringing"):
        heard.reported(b"SIP/2.0 " + code + request[request.index(b"\r\n") :], ends=HOP)
    assert heard.fate == "ttc"


def test_a_capture_in_which_hep_is_met_compares_from_then_on() -> None:
    decoder = Decoder()
    for text in (message("z9hG4bK0"), f.hep3(message(), f.A4, f.B4), message(), message("z9hG4bK0")):
        items = decoder.frame(NOW, ETHERNET, f.ethernet(f.ipv4(f.udp(text), ident=len(text))))
    assert items == (Discard.DUPLICATE,)
    assert decoder.discards == {Discard.DUPLICATE: 2}


@pytest.mark.parametrize("own", [(9060).to_bytes(2, "big"), f.B4 + (9060).to_bytes(2, "big")], ids=["port", "address"])
def test_hep_that_comes_to_us_or_from_us_anyway_is_not_read_from_the_wire(own: bytes) -> None:
    decoder = Decoder()
    decoder.own = frozenset((own,))
    report = f.hep3(message(), f.A4, f.B4)
    to_us, elsewhere = (f.ethernet(f.ipv4(f.udp(report, dport=port))) for port in (9060, 9061))
    assert decoder.frame(NOW, ETHERNET, to_us) == (Discard.HEP_OWN,)
    assert isinstance(decoder.frame(NOW, ETHERNET, elsewhere)[0], Request)


def test_an_agents_correlation_id_goes_with_its_message() -> None:
    heard = Heard()
    data = hep.carry(NOW, hep.Encapsulated(NOW, Transport.UDP, ENDS, message(), 0, b"c1"))
    (item,) = heard.decoder.frame(NOW, REPORTED, data)
    assert heard.decoder.correlated == (item, b"c1")


@pytest.mark.parametrize("data", [b"", b"x" * 12, hep.carry(NOW, hep.Encapsulated(NOW, Transport.UDP, b"", b"x", 0))])
def test_a_frame_that_no_listener_wrote_is_discarded(data: bytes) -> None:
    assert Decoder().frame(NOW, REPORTED, data) == (Discard.HEP_MALFORMED,)


def test_the_table_is_bounded() -> None:
    heard = Heard(Limits(copies=10))
    for number in range(100):
        heard.reported(message(f"z9hG4bK{number}"))
    assert heard.decoder.tracked["copies"] <= 20
    assert heard.decoder.evicted["copies"] >= 70
