"""Ten minutes of a small contact centre: two trunks, a server, twelve phones, some 300 calls of every fate.

Deterministic. What became of each call is written down as the calls are made, not found out later.
"""

from __future__ import annotations

import json
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from pcaps.make import packets, talk

if TYPE_CHECKING:
    from collections.abc import Callable

TIMES = 3  # how often the list of fates is gone through
LENGTH = 600.0  # seconds in which calls begin
END = 660.0
START = 1_767_603_600_000_000_000  # 2026-01-05T09:00:00Z
SERVER, ACME, NORTH = "198.51.100.10", "203.0.113.10", "203.0.113.20"
PHONES = [f"192.0.2.{place}" for place in range(101, 113)]
DEAD_PHONE = "192.0.2.150"
AGENTS = {"P": "Example Proxy 5.6", "T": "Example Gateway 3.0"}
CHALLENGE = 'h=Proxy-Authenticate:_Digest_realm="example.com",_nonce="{n}",_algorithm=MD5'
CREDENTIALS = (
    'h=Proxy-Authorization:_Digest_username="{u}",_realm="example.com",_nonce="{n}",_uri="sip:example.com",'
    '_response="00000000000000000000000000000000"'
)

CONFIGURATION = """\
# The contact centre of demo.pcap: who is who.

[[peer]]
name = "acme"
kind = "trunk"
addresses = ["203.0.113.10"]

[[peer]]
name = "north"
kind = "trunk"
addresses = ["203.0.113.20"]

[[peer.rule]]
status_code = 500
outcome = "congested"
note = "this provider says 500 when its lines are taken"

[[peer]]
name = "phones"
kind = "devices"
addresses = ["192.0.2.0/24"]

[[peer]]
name = "server"
kind = "server"
addresses = ["198.51.100.10"]
"""


class Centre:
    """Collects the packets of all calls and their fates."""

    def __init__(self) -> None:
        self.random = Random(20260105)  # deterministic on purpose
        self.frames: list[tuple[int, int, bytes]] = []
        self.fates: dict[str, str] = {}
        self._made = 0

    def say(self, start: float, script: str, hosts: dict[str, str], call: str, numbers: tuple[str, str]) -> None:
        """Put a conversation on the wire, with a little jitter that keeps its order."""
        last = Decimal(0)
        for line in talk.lines(script):
            line.options.setdefault("call", call)
            line.options.setdefault("ftag", f"f{call}")
            line.options.setdefault("caller", numbers[0])
            line.options.setdefault("callee", numbers[1])
            moment = max(
                last, Decimal(str(start)) + Decimal(line.time) + Decimal(self.random.randrange(4000)) / 1_000_000
            )
            last = moment
            payload = talk.message(line, {**hosts, "A": hosts["A"]}, AGENTS)
            self.put(moment, packets.udp(hosts[line.source], hosts[line.destination], payload))

    def put(self, moment: Decimal | float, frame: bytes) -> None:
        """Add a frame, unless the capture was over."""
        if moment <= END:
            self.frames.append((START + int(Decimal(str(moment)) * 1_000_000_000), len(self.frames), frame))

    def name(self) -> str:
        """Return a new Call-ID."""
        self._made += 1
        return f"{self._made:04d}-{self.random.getrandbits(32):08x}"


def inbound(centre: Centre, trunk: str, phone: str) -> tuple[dict[str, str], tuple[str, str]]:
    """Return ends and numbers of a call from outside to an agent."""
    outside = f"1555555{centre.random.randrange(100, 200):04d}"
    return {"A": trunk, "P": SERVER, "B": phone}, (
        outside,
        f"15555550{PHONES.index(phone) + 100:03d}" if phone in PHONES else "15555550199",
    )


def outbound(centre: Centre, trunk: str, phone: str) -> tuple[dict[str, str], tuple[str, str]]:
    """Return ends and numbers of a call from an agent to outside."""
    outside = f"1555555{centre.random.randrange(100, 200):04d}"
    return {"A": phone, "P": SERVER, "B": trunk}, (f"15555550{PHONES.index(phone) + 100:03d}", outside)


def _begin(heard: str = "ring", at: float = 0.0) -> str:
    script = f"{at} A>P INVITE\n{at + 0.01:.3f} P>A 100\n{at + 0.03:.3f} P>B INVITE vias=2\n"
    if heard in ("try", "ring"):
        script += f"{at + 0.08:.3f} B>P 100 vias=2\n"
    if heard == "ring":
        script += f"{at + 1.2:.3f} B>P 180 vias=2\n{at + 1.21:.3f} P>A 180\n"
    return script


def _answer(at: float) -> str:
    return (
        f"{at:.3f} B>P 200 vias=2\n{at + 0.02:.3f} P>A 200\n{at + 0.06:.3f} A>P ACK ttag=callee branch=z9hG4bKack1\n"
        f"{at + 0.08:.3f} P>B ACK ttag=callee branch=z9hG4bKack2 vias=2\n"
    )


def _bye(at: float, by_callee: bool = False) -> str:
    a, b, tail = ("B", "A", " from=C cseq=7") if by_callee else ("A", "B", "")
    reply = tail or " cseq=2"
    return (
        f"{at:.3f} {a}>P BYE{tail}\n{at + 0.01:.3f} P>{b} BYE vias=2{tail}\n"
        f"{at + 0.05:.3f} {b}>P 200 method=BYE vias=2{reply}\n{at + 0.06:.3f} P>{a} 200 method=BYE{reply}\n"
    )


def _fail(code: int, at: float, header: str = "") -> str:
    extra = f" h={header}" if header else ""
    return (
        f"{at:.3f} B>P {code} vias=2{extra}\n{at + 0.01:.3f} P>B ACK vias=2 ttag=callee\n"
        f"{at + 0.02:.3f} P>A {code}{extra}\n{at + 0.05:.3f} A>P ACK ttag=callee\n"
    )


def _cancel(at: float, reason: str = "") -> str:
    extra = f" h=Reason:_{reason}" if reason else ""
    return (
        f"{at:.3f} A>P CANCEL{extra}\n{at + 0.01:.3f} P>A 200 method=CANCEL\n{at + 0.02:.3f} P>B CANCEL vias=2{extra}\n"
        f"{at + 0.05:.3f} B>P 200 method=CANCEL vias=2\n{at + 0.06:.3f} B>P 487 vias=2\n"
        f"{at + 0.07:.3f} P>B ACK vias=2 ttag=callee\n{at + 0.08:.3f} P>A 487\n{at + 0.12:.3f} A>P ACK ttag=callee\n"
    )


def _answered(centre: Centre) -> tuple[str, str]:
    rings = centre.random.uniform(2, 18)
    talks = 8 + centre.random.expovariate(1 / 60)
    extra = ""
    if centre.random.random() < 0.1:  # put on hold and taken back
        hold = rings + talks * 0.4
        for step, number in ((0.0, 2), (min(3.0, talks * 0.2), 3)):
            at = hold + step
            extra += (
                f"{at:.3f} A>P INVITE cseq={number}0 ttag=callee branch=z9hG4bKh{number}\n"
                f"{at + 0.05:.3f} P>A 200 cseq={number}0 branch=z9hG4bKh{number}\n"
                f"{at + 0.1:.3f} A>P ACK cseq={number}0 ttag=callee branch=z9hG4bKi{number}\n"
            )
    script = _begin() + _answer(rings) + extra + _bye(rings + talks, centre.random.random() < 0.45)
    return script, "answered"


def _late_answer(centre: Centre) -> tuple[str, str]:
    stuck = centre.random.uniform(10.5, 14)
    script = (
        _begin("try")
        + f"{stuck:.3f} B>P 183 vias=2\n{stuck + 0.01:.3f} P>A 183\n"
        + _answer(stuck + 4)
        + _bye(stuck + 30)
    )
    return script, "answered"


def _no_ack(centre: Centre) -> tuple[str, str]:
    at = centre.random.uniform(3, 8)
    repeats = "".join(f"{at + gone:.3f} B>P 200 vias=2\n" for gone in (0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5))
    return _begin() + repeats + f"{at + 0.02:.3f} P>A 200\n" + _bye(at + 32, by_callee=True), "answered"


def _no_bye_response(centre: Centre) -> tuple[str, str]:
    at = centre.random.uniform(3, 8)
    byes = "".join(
        f"{at + 20 + gone:.3f} A>P BYE\n" for gone in (0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5)
    )
    return _begin() + _answer(at) + byes, "answered"


def _code(outcome: str, code: int, heard: str = "try", after: tuple[float, float] = (0.3, 2.0), header: str = "") -> Callable[[Centre], tuple[str, str]]:  # fmt: skip
    def scene(centre: Centre) -> tuple[str, str]:
        at = centre.random.uniform(*after) + (1.3 if heard == "ring" else 0.1)
        return _begin(heard) + _fail(code, at, header), outcome

    return scene


def _gives_up(outcome: str, after: tuple[float, float], heard: str = "ring") -> Callable[[Centre], tuple[str, str]]:
    def scene(centre: Centre) -> tuple[str, str]:
        return _begin(heard) + _cancel(centre.random.uniform(*after)), outcome

    return scene


def _challenged(centre: Centre) -> tuple[str, str]:
    nonce = centre.random.getrandbits(32)
    credentials = CREDENTIALS.format(u="agent", n=nonce)
    head = f"0 A>P INVITE\n0.02 P>A 407 {CHALLENGE.format(n=nonce)}\n0.05 A>P ACK ttag=callee\n"
    rest = _begin(at=0.1) + _answer(6) + _bye(6 + centre.random.uniform(10, 70))
    again = "".join(
        line + (" cseq=3\n" if " BYE" in line or "method=BYE" in line else " cseq=2\n")
        for line in rest.replace(" cseq=2", "").replace(" cseq=7", "").splitlines()
    )
    return head + again.replace("A>P INVITE cseq=2", f"A>P INVITE cseq=2 {credentials}"), "answered"


def _refused(centre: Centre) -> tuple[str, str]:
    challenges = [centre.random.getrandbits(32) for _ in range(2)]
    return (
        f"0 A>P INVITE\n0.02 P>A 407 {CHALLENGE.format(n=challenges[0])}\n0.05 A>P ACK ttag=callee\n"
        f"0.1 A>P INVITE cseq=2 {CREDENTIALS.format(u='agent', n=challenges[0])}\n"
        f"0.15 P>A 407 cseq=2 {CHALLENGE.format(n=challenges[1])}\n0.2 A>P ACK cseq=2 ttag=callee\n"
    ), "auth_failed"


def _nobody(centre: Centre) -> tuple[str, str]:
    del centre
    sent = "".join(f"{0.03 + gone:.3f} P>B INVITE vias=2\n" for gone in (0, 0.5, 1.5, 3.5, 7.5))
    return "0 A>P INVITE\n0.01 P>A 100\n" + sent + "10.05 P>A 408\n10.1 A>P ACK ttag=callee\n", "not_responding"


def _ring_all(centre: Centre) -> tuple[str, str]:
    """Ring four phones at once; the second answers."""
    at = centre.random.uniform(3, 9)
    script = "0 A>P INVITE\n0.01 P>A 100\n"
    script += "".join(f"0.03 P>{phone} INVITE vias=2\n" for phone in "BCDE")
    script += "".join(
        f"{0.3 + place / 10:.3f} {phone}>P 180 vias=2 ttag={phone}\n" for place, phone in enumerate("BCDE")
    )
    script += "0.31 P>A 180 ttag=C\n"
    script += f"{at:.3f} C>P 200 vias=2 ttag=C\n{at + 0.01:.3f} P>A 200 ttag=C\n"
    for phone in "BDE":
        script += (
            f'{at + 0.02:.3f} P>{phone} CANCEL vias=2 h=Reason:_SIP;cause=200;text="Call_completed_elsewhere"\n'
            f"{at + 0.05:.3f} {phone}>P 200 method=CANCEL vias=2 ttag={phone}\n"
            f"{at + 0.06:.3f} {phone}>P 487 vias=2 ttag={phone}\n{at + 0.07:.3f} P>{phone} ACK vias=2 ttag={phone}\n"
        )
    end = at + centre.random.uniform(15, 80)
    script += (
        f"{at + 0.1:.3f} A>P ACK ttag=C branch=z9hG4bKa1\n{at + 0.11:.3f} P>C ACK vias=2 ttag=C branch=z9hG4bKa2\n"
        f"{end:.3f} A>P BYE ttag=C\n{end + 0.01:.3f} P>C BYE vias=2 ttag=C\n"
        f"{end + 0.05:.3f} C>P 200 method=BYE cseq=2 vias=2 ttag=C\n{end + 0.06:.3f} P>A 200 method=BYE cseq=2 ttag=C\n"
    )
    return script, "answered"


# (how many in a hundred, which way, fate)
IN, OUT = "in", "out"
FATES: list[tuple[int, str, Callable[[Centre], tuple[str, str]]]] = [
    (26, IN, _answered),
    (14, OUT, _answered),
    (8, IN, _ring_all),
    (9, OUT, _challenged),
    (6, IN, _code("busy", 486)),
    (5, IN, _code("no_answer", 480, "ring", (20, 32))),
    (3, OUT, _gives_up("no_answer", (31.5, 40))),
    (5, IN, _gives_up("abandoned", (7, 25))),
    (4, OUT, _gives_up("abandoned_brief", (2, 4.5))),
    (3, IN, _code("declined", 603, "ring", (2, 6), "Reason:_Q.850;cause=21")),
    (2, IN, _code("unavailable", 480)),
    (3, OUT, _gives_up("no_progress", (10.5, 14), "try")),
    (3, OUT, _code("congested", 603)),
    (2, OUT, _code("congested", 503, header='Reason:_Q.850;cause=34;text="No_circuit"')),
    (2, OUT, _code("not_found", 404)),
    (1, OUT, _code("forbidden", 403)),
    (1, OUT, _code("server_error", 502)),
    (1, OUT, _code("gateway_timeout", 504, after=(5, 9))),
    (1, OUT, _code("rejected", 488)),
    (1, OUT, _code("blocked", 608)),
    (1, OUT, _refused),
    (1, OUT, _late_answer),
    (1, IN, _no_ack),
    (1, IN, _no_bye_response),
    (2, IN, _nobody),
]


def _one(centre: Centre, start: float, way: str, scene: Callable[[Centre], tuple[str, str]]) -> None:
    trunk = ACME if centre.random.random() < 0.7 else NORTH
    phone = DEAD_PHONE if scene is _nobody else centre.random.choice(PHONES)
    hosts, numbers = (inbound if way == IN else outbound)(centre, trunk, phone)
    others = centre.random.sample([p for p in PHONES if p != phone], 3)
    hosts |= dict(zip("CDE", others, strict=True))
    script, outcome = scene(centre)
    call = centre.name()
    first = script.partition("\n")[0].split()[0]
    if centre.random.random() < 0.04 and scene is not _nobody:  # the first copy got lost
        script = f"{first} A>P INVITE\n" + "\n".join(_later(line, 0.5) for line in script.strip().splitlines())
    if start < END:
        centre.fates[call] = outcome
    centre.say(start, script, hosts, call, numbers)


def _later(line: str, seconds: float) -> str:
    time, _, rest = line.partition(" ")
    return f"{float(time) + seconds:.3f} {rest}"


_CREDENTIALS = (
    'h=Authorization:_Digest_username="{number}",realm="example.com",nonce="n1",uri="sip:example.com",'
    'response="00000000000000000000000000000000",algorithm=MD5'
)
_REGISTER = (
    '0 A>P REGISTER\n0.02 P>A 401 method=REGISTER h=WWW-Authenticate:_Digest_realm="example.com",nonce="n1"\n'
    f"0.05 A>P REGISTER cseq=2 {_CREDENTIALS}\n0.08 P>A 200 method=REGISTER cseq=2 h=Expires:_300"
)


def _around(centre: Centre) -> None:
    """Add what is no call: registrations, OPTIONS, RTP, and the end of calls up before the capture began."""
    for place, phone in enumerate(PHONES):
        for start in range(5 + 7 * place, int(END), 240):
            number = f"15555550{100 + place}"
            ends = {"A": phone, "P": SERVER}
            centre.say(start, _REGISTER.format(number=number), ends, f"reg{place}-{start}", (number, number))
    for start in range(3, int(END), 30):
        centre.say(
            start,
            "0 P>A OPTIONS\n0.03 A>P 200 method=OPTIONS",
            {"A": ACME, "P": SERVER},
            f"ping{start}",
            ("ping", "ping"),
        )
    for place in range(4):
        centre.say(
            4 + 9 * place,
            _bye(0),
            {"A": PHONES[place], "P": SERVER, "B": ACME},
            f"before{place}",
            ("15555550100", "15555550101"),
        )
    for place in range(200):
        rtp = b"\x80\x08" + place.to_bytes(2, "big") + bytes(8) + bytes(160)
        centre.put(100 + place / 50, packets.udp(PHONES[0], SERVER, rtp, 10_000, 20_000))


def _mirrored(frames: list[tuple[int, int, bytes]], random: Random) -> list[tuple[int, bytes]]:
    """Order the frames, and see some twice, as a mirror port does."""
    ordered = [(time, frame) for time, _, frame in sorted(frames)]
    copies = [(time + 200_000, frame) for time, frame in ordered if random.random() < 0.01]
    return sorted(ordered + copies, key=lambda entry: entry[0])


def files() -> dict[str, bytes]:
    """Return the demo's files by name."""
    centre = Centre()
    plan = [entry for entry in FATES for _ in range(entry[0] * TIMES)]
    centre.random.shuffle(plan)
    for place, (_, way, scene) in enumerate(plan):
        _one(centre, 1 + place * LENGTH / len(plan) + centre.random.random(), way, scene)
    _around(centre)
    # A call that begins so near the end that its fate is not seen is unfinished.
    return {
        "demo.pcap": packets.pcap(_mirrored(centre.frames, centre.random)),
        "demo.toml": CONFIGURATION.encode(),
        "demo.expected.json": (json.dumps(centre.fates, indent=0, sort_keys=True) + "\n").encode(),
    }
