"""Makes calls of known fate, and wraps them in everything that DESIGN §4 names.

A fate is a conversation (``pcaps/make/talk.py``) and what must be concluded from it. Around it, at
random: header styles, link layers, tunnels, fragments, TCP cuts, WebSocket, HEP, mirror duplicates,
retransmissions, packets slightly out of order, media in between.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from pcaps.make import talk
from tests.wire import frames as f

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

SECOND = 1_000_000_000
START = 1_767_603_600 * SECOND
LETTERS = "APB"


class Fate(NamedTuple):
    """A conversation between A, P and B, and the outcome of the call."""

    outcome: str
    script: str


_HOPS = "0 A>P INVITE\n0.01 P>A 100\n0.03 P>B INVITE vias=2\n0.05 B>P 100 vias=2\n"
_RING = _HOPS + "1 B>P 180 vias=2\n1.02 P>A 180\n"
_UP = (
    _RING + "4 B>P 200 vias=2\n4.02 P>A 200\n4.1 A>P ACK ttag=callee branch=z9hG4bKk1{n}\n"
    "4.12 P>B ACK ttag=callee branch=z9hG4bKk2{n} vias=2\n"
)
_BYE = "9 A>P BYE\n9.01 P>B BYE vias=2\n9.05 B>P 200 method=BYE vias=2 cseq=2\n9.07 P>A 200 method=BYE cseq=2\n"
_CHALLENGE = (
    '0 A>P INVITE\n0.05 P>A 407 h=Proxy-Authenticate:_Digest_realm="r",_nonce="n"\n0.1 A>P ACK ttag=callee\n'
    '0.2 A>P INVITE cseq=2 h=Proxy-Authorization:_Digest_username="u",_realm="r",_nonce="n",_response="x"\n'
)


def _fail(code: int, at: float = 2.0, header: str = "") -> str:
    extra = f" h={header}" if header else ""
    return f"{at} B>P {code} vias=2{extra}\n{at + 0.01} P>B ACK vias=2 ttag=callee\n{at + 0.02} P>A {code}{extra}\n{at + 0.1} A>P ACK ttag=callee\n"


def _cancel(at: float) -> str:
    return (
        f"{at} A>P CANCEL\n{at + 0.01} P>A 200 method=CANCEL\n{at + 0.02} P>B CANCEL vias=2\n{at + 0.05} B>P 200 method=CANCEL vias=2\n"
        f"{at + 0.06} B>P 487 vias=2\n{at + 0.07} P>B ACK vias=2 ttag=callee\n{at + 0.08} P>A 487\n{at + 0.2} A>P ACK ttag=callee\n"
    )


FATES = [
    Fate("answered", _UP + _BYE),
    Fate("answered", _UP + "9 B>P BYE vias=2 from=C cseq=5\n9.01 P>A BYE from=C cseq=5\n9.1 A>P 200 method=BYE from=C cseq=5\n"),
    Fate("answered", _CHALLENGE + "3 P>A 200 cseq=2\n3.1 A>P ACK cseq=2 ttag=callee branch=z9hG4bKk{n}\n9 A>P BYE cseq=3\n9.1 P>A 200 method=BYE cseq=3\n"),
    Fate("busy", _HOPS + _fail(486)),
    Fate("busy", _CHALLENGE + "3 P>A 486 cseq=2\n3.1 A>P ACK cseq=2 ttag=callee\n"),
    Fate("declined", _RING + _fail(603)),
    Fate("no_answer", _RING + _fail(480, 25.0)),
    Fate("no_answer", _RING + _cancel(31.5)),
    Fate("abandoned", _RING + _cancel(12.0)),
    Fate("abandoned_brief", _RING + _cancel(3.0)),
    Fate("no_progress", _HOPS + _cancel(10.5)),
    Fate("unavailable", _HOPS + _fail(480)),
    Fate("not_found", _HOPS + _fail(404)),
    Fate("forbidden", _HOPS + _fail(403)),
    Fate("server_error", _HOPS + _fail(503)),
    Fate("congested", _HOPS + _fail(503, header='Reason:_Q.850;cause=34;text="no,_circuit"')),
    Fate("gateway_timeout", _HOPS + _fail(504, 7.0)),
    Fate("rejected", _HOPS + _fail(488)),
    Fate("blocked", _HOPS + _fail(608)),
    Fate("redirected", _HOPS + _fail(302)),
    Fate("not_responding", "0 A>P INVITE\n0.5 A>P INVITE\n1.5 A>P INVITE\n3.5 A>P INVITE\n7.5 A>P INVITE\n15.5 A>P INVITE\n"),
]  # fmt: skip


# Header styles: message → the same message spelt otherwise


def _compact(data: bytes) -> bytes:
    for name, short in (
        (b"Via", b"v"),
        (b"From", b"f"),
        (b"To", b"t"),
        (b"Call-ID", b"i"),
        (b"Contact", b"m"),
        (b"Content-Length", b"l"),
    ):
        data = data.replace(b"\r\n" + name + b":", b"\r\n" + short + b":")
    return data


def _mixed_case(data: bytes) -> bytes:
    return re.sub(rb"\r\n([A-Za-z-]+):", lambda m: b"\r\n" + bytes(m[1].swapcase()) + b":", data)


def _folded(data: bytes) -> bytes:
    return re.sub(rb"\r\n(From|CSeq|Call-ID|Reason): ", rb"\r\n\1:\r\n\t ", data)


def _blanks(data: bytes) -> bytes:
    return re.sub(rb"\r\n([A-Za-z-]+): ([^\r\n]*)", rb"\r\n\1 :  \2  ", data)


def _comma_vias(data: bytes) -> bytes:
    head, separator, body = data.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    vias = [line[5:] for line in lines if line.startswith(b"Via: ")]
    others = [line for line in lines if not line.startswith(b"Via: ")]
    return b"\r\n".join([others[0], b"Via: " + b", ".join(vias), *others[1:]]) + separator + body


def _quoted_names(data: bytes) -> bytes:
    return re.sub(rb"\r\nFrom: \"[^\"]*\"", rb'\r\nFrom: "O\\"B, <sip:x>;tag=no"', data)


def _line_feeds(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n")


STYLES: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    "compact": _compact,
    "mixed-case": _mixed_case,
    "folded": _folded,
    "blanks": _blanks,
    "comma-vias": _comma_vias,
    "quoted-names": _quoted_names,
}
UDP_ONLY: dict[str, Callable[[bytes], bytes]] = {
    "line-feeds": _line_feeds,
    "no-content-length": lambda data: re.sub(rb"\r\nContent-Length: \d+", b"", data),
    "trailing-junk": lambda data: data + b"\0junk\xff\r\n",
    "leading-blank-lines": lambda data: b"\r\n\r\n" + data,
}
CARRIERS = ("udp", "udp", "udp", "fragments", "tcp", "websocket", "hep")


class World:
    """One capture: the packets of several calls, and the outcome of each by Call-ID."""

    carriers: Sequence[str] = CARRIERS

    def __init__(self, random: Random) -> None:
        self.random = random
        self.packets: list[tuple[int, int, bytes]] = []  # ns, link type, frame
        self.fates: dict[str, str] = {}
        self.story: list[str] = []
        name = random.choice(list(f.LINKS))
        self.link_type, self._enclose = f.LINKS[name]
        self._tunnel = random.choice(list(f.TUNNELS))
        self._v6 = random.random() < 0.4
        self._made = 0
        self.story.append(f"link {name}, tunnel {self._tunnel}, {'IPv6' if self._v6 else 'IPv4'}")
        for _ in range(random.randrange(3, 9)):
            self._call()
        self._media()
        self._swap_neighbours()

    def frames(self) -> list[tuple[int, int, bytes]]:
        """Return the packets in the order they were captured."""
        return self.packets

    # One call

    def _call(self) -> None:
        self._made += 1
        fate = self.random.choice(FATES)
        carrier = self.random.choice(self.carriers)
        styles = STYLES if carrier in ("tcp", "websocket", "fragments") else {**STYLES, **UDP_ONLY}
        style = self.random.choice(list(styles))
        call = f"call{self._made}"
        start = self.random.uniform(0, 40)
        self.fates[call] = fate.outcome
        self.story.append(f"{call}: {fate.outcome} over {carrier}, {style}, at {start:.3f}")
        said = talk.lines(fate.script.replace("{n}", str(self._made)))
        numbers: dict[tuple[str, str], int] = {}
        for line in said:
            line.options.update(call=call, ftag=f"f{self._made}")
            hosts = {letter: f"192.0.2.{place + 1}" for place, letter in enumerate(LETTERS)}
            data = styles[style](talk.message(line, hosts, {}))
            time = START + int((Decimal(line.time) + Decimal(str(round(start, 6)))) * SECOND)
            self._send(time, line, data, carrier, numbers)

    def _send(self, time: int, line: talk.Line, data: bytes, carrier: str, numbers: dict[tuple[str, str], int]) -> None:
        source, destination = self._address(line.source), self._address(line.destination)
        if carrier == "hep":
            packet = f.ipv4(f.udp(f.hep3(data, source, destination), 9000, 9060))
            self._capture(time, [packet])
        elif carrier in ("tcp", "websocket"):
            self._stream(time, line, data, carrier, numbers)
        else:
            packet = f.ip(f.udp(data), f.UDP, source, destination)
            if carrier == "fragments":
                cut = f.fragments_v6 if self._v6 else f.fragments_v4
                pieces = cut(packet, self.random.choice((64, 200, 512, 1400)), self.random.getrandbits(16))
                if self.random.random() < 0.3:
                    self.random.shuffle(pieces)
                self._capture(time, pieces)
            else:
                self._capture(time, [packet])
                if self.random.random() < 0.15:  # a mirror port's copy
                    self._capture(time + self.random.randrange(1, 20_000_000), [packet])

    def _stream(
        self, time: int, line: talk.Line, data: bytes, carrier: str, numbers: dict[tuple[str, str], int]
    ) -> None:
        """Send over a connection of this call's own; segments cut, repeated, and slightly out of order."""
        ends = (line.source, line.destination)
        client = min(ends, key=LETTERS.index) == line.source
        own = 20_000 + self._made % 40_000
        here, there = (own, 5060) if client else (5060, own)
        if carrier == "websocket":
            mask = self.random.randbytes(4) if client else b""
            parts = f.cut(self.random, data, self.random.randrange(3))
            data = b"".join(
                f.websocket_frame(part, 1 if place == 0 else 0, final=place == len(parts) - 1, mask=mask)
                for place, part in enumerate(parts)
            )
            if ends not in numbers:
                data = (f.HANDSHAKE_REQUEST if client else f.HANDSHAKE_RESPONSE) + data
        source, destination = self._address(line.source), self._address(line.destination)
        sequence = numbers.get(ends)
        if sequence is None:
            sequence = self.random.getrandbits(32)
            # A round trip before the first data: no capture shows them the other way round.
            self._capture(
                time - 5_000_000,
                [f.ip(f.tcp(b"", sequence, f.SYN, sport=here, dport=there), f.TCP, source, destination)],
            )
            sequence += 1
        segments = []
        for piece in f.cut(self.random, data, self.random.randrange(4)):
            segments.append(f.ip(f.tcp(piece, sequence, sport=here, dport=there), f.TCP, source, destination))
            sequence += len(piece)
        numbers[ends] = sequence
        if self.random.random() < 0.3:
            segments.append(self.random.choice(segments))
        if self.random.random() < 0.3:
            self.random.shuffle(segments)
        self._capture(time, segments)

    # The world around

    def _address(self, letter: str) -> bytes:
        place = LETTERS.index(letter) + 1
        return f.A6[:15] + bytes((place,)) if self._v6 else bytes((192, 0, 2, place))

    def _capture(self, time: int, packets: list[bytes]) -> None:
        for place, packet in enumerate(packets):
            frame = self._enclose(f.TUNNELS[self._tunnel](packet))
            self.packets.append((time + place * 1000, self.link_type, frame))

    def _media(self) -> None:
        for _ in range(self.random.randrange(200)):
            time = START + self.random.randrange(80 * SECOND)
            rtp = f.ip(
                f.udp(b"\x80\x08" + self.random.randbytes(170), 10_000, 20_000),
                f.UDP,
                self._address("A"),
                self._address("B"),
            )
            self._capture(time, [rtp])
        # The capture goes on until every timer has fired.
        self._capture(START + 300 * SECOND, [f.ip(f.udp(b"\x80"), f.UDP, self._address("A"), self._address("B"))])

    def _swap_neighbours(self) -> None:
        """Put some datagrams behind the one that follows within a millisecond, as mirror ports do."""
        self.packets.sort(key=lambda packet: packet[0])
        for place in range(len(self.packets) - 1):
            near = self.packets[place + 1][0] - self.packets[place][0] < 1_000_000
            if near and self.random.random() < 0.1:
                one, two = self.packets[place], self.packets[place + 1]
                self.packets[place : place + 2] = [(one[0], *two[1:]), (two[0], *one[1:])]
