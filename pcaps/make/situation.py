"""The shape of a situation, and the conversations that situations are put together from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# A to D phones, P and Q servers, T a trunk, M a mobile carrier, N a router that phones sit behind, X nobody.
HOSTS = {
    "A": "192.0.2.11",
    "B": "192.0.2.12",
    "C": "192.0.2.13",
    "D": "192.0.2.14",
    "X": "192.0.2.99",
    "P": "198.51.100.10",
    "Q": "198.51.100.20",
    "T": "203.0.113.10",
    "M": "203.0.113.30",
    "N": "203.0.113.77",
}
AT_HOME = "<sip:15550110@192.168.1.20:5060>"  # what a phone behind a router writes into Contact


@dataclass(frozen=True)
class Told:
    """A finding: its kind, whom it is about, a pattern found in its words; for the whole, how many calls."""

    kind: str
    subject: str
    text: str
    calls: int = 1


@dataclass(frozen=True)
class Linked:
    """Another call of the same conversation: its Call-ID, why it is taken for that, and what it is to this one."""

    call: str
    by: str
    role: str | None


@dataclass(frozen=True)
class End:
    """What became of one call, what explains it, its marks, and with which others it is linked."""

    outcome: str
    status_code: int | None
    findings: list[Told] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    linked: list[Linked] = field(default_factory=list)


@dataclass(frozen=True)
class Situation:
    """A conversation of one or several calls (their Call-IDs are the keys of ``calls``).

    ``beside`` are the findings that stand with no call: they came too late for it, or are about a registration.
    ``until`` is when a last packet that is no SIP was captured, seconds after the start. ``errors`` are ICMP port
    unreachable for what A says to B at a time: (time, A, B, seconds until the error). ``resets`` are TCP RST that A
    sends to B on their connection: (time, A, B).

    Lines may have options of their own: ``over=tcp``, ``pad=N`` for so many bytes more than needed, ``sport`` and
    ``dport`` of a datagram, ``swap=OLD~NEW`` for words to write otherwise (``_`` for a blank).
    """

    what: str
    script: str
    calls: dict[str, End]
    config: str = ""
    beside: list[Told] = field(default_factory=list)
    until: float | None = None
    errors: list[tuple[str, str, str, float]] = field(default_factory=list)
    resets: list[tuple[str, str, str]] = field(default_factory=list)


def said(call: str, start: float, script: str, **options: str) -> str:
    """Give a conversation its Call-ID, its beginning in seconds, and options that hold for every line of it."""
    options = {"call": call, **options}
    given = "".join(f" {key}={value}" for key, value in options.items())
    written = []
    for line in script.strip().splitlines():
        time, hop, what, *rest = line.split()
        written.append(f"{start + float(time):.3f} {hop} {what}{given} {' '.join(rest)}")
    return "\n".join(written)


def moved(script: str, **letters: str) -> str:
    """Let a conversation happen between others: each letter of a hop becomes another one."""
    ends = str.maketrans(letters)
    lines = (line.split(" ", 2) for line in script.strip().splitlines())
    return "".join(f"{time} {hop.translate(ends)} {rest}\n" for time, hop, rest in lines)


def several(*scripts: str) -> str:
    """Put conversations together."""
    return "\n".join(scripts)


def peer(name: str, kind: str, addresses: str, more: str = "") -> str:
    """Write a peer of the configuration."""
    return f'[[peer]]\nname = "{name}"\nkind = "{kind}"\naddresses = ["{addresses}"]\n{more}\n'


ACME = peer("acme", "trunk", HOSTS["T"])
PHONES = peer("phones", "devices", "192.0.2.0/24")
SERVER = peer("server", "server", HOSTS["P"])

TRIES = "0 P>T INVITE\n0.1 T>P 100\n"
RINGS = TRIES + "1 T>P 180\n"
ANSWERS = RINGS + "6 T>P 200\n6.1 P>T ACK ttag=callee branch=z9hG4bKack\n"
ENDS = "30 P>T BYE\n30.1 T>P 200 method=BYE cseq=2\n"


def refuses(code: int, at: float, *headers: str) -> str:
    """Write the trunk's final response, and its ACK."""
    extra = "".join(f" h={header}" for header in headers)
    return f"{at} T>P {code}{extra}\n{at + 0.1:.1f} P>T ACK ttag=callee\n"


# From outside over the server to an agent's phone, and from one phone to another.
INBOUND = "0 T>P INVITE\n0.02 P>T 100\n0.05 P>B INVITE vias=2\n0.1 B>P 100 vias=2\n1.2 B>P 180 vias=2\n1.22 P>T 180\n"
TAKEN = (
    "6 B>P 200 vias=2\n6.02 P>T 200\n6.1 T>P ACK ttag=callee branch=z9hG4bKa\n"
    "6.12 P>B ACK ttag=callee branch=z9hG4bKb vias=2\n30 T>P BYE\n30.02 P>B BYE vias=2\n"
    "30.05 B>P 200 method=BYE cseq=2 vias=2\n30.07 P>T 200 method=BYE cseq=2\n"
)
INSIDE = moved(INBOUND, T="A")
INSIDE_TAKEN = moved(INBOUND + TAKEN, T="A")


def gives_up(at: float) -> str:
    """Write how a caller from outside hangs up before anybody answers."""
    return (
        f"{at} T>P CANCEL\n{at + 0.01:.2f} P>T 200 method=CANCEL\n{at + 0.02:.2f} P>B CANCEL vias=2\n"
        f"{at + 0.05:.2f} B>P 200 method=CANCEL vias=2\n{at + 0.06:.2f} B>P 487 vias=2\n"
        f"{at + 0.07:.2f} P>B ACK ttag=callee vias=2\n{at + 0.08:.2f} P>T 487\n{at + 0.1:.2f} T>P ACK ttag=callee\n"
    )


def phone_refuses(code: int, at: float, caller: str = "A") -> str:
    """Write a phone's final response over the server, with the ACKs."""
    return (
        f"{at} B>P {code} vias=2\n{at + 0.01:.2f} P>B ACK ttag=callee vias=2\n{at + 0.02:.2f} P>{caller} {code}\n"
        f"{at + 0.1:.2f} {caller}>P ACK ttag=callee\n"
    )


def sent(times: Iterable[float], hop: str, what: str) -> str:
    """Write the same message several times."""
    return "".join(f"{time} {hop} {what}\n" for time in times)


def silent_phone(phone: str, gone: Iterable[float] = (0, 0.5, 1.5, 3.5, 7.5)) -> str:
    """Write a call to a phone that says nothing; the server gives up after ten seconds."""
    offered = sent([0.05 + time for time in gone], f"P>{phone}", "INVITE vias=2")
    return f"0 A>P INVITE\n0.02 P>A 100\n{offered}10.1 P>A 408\n10.2 A>P ACK ttag=callee\n"


CHALLENGE = 'h=WWW-Authenticate:_Digest_realm="example.com",_nonce="{n}",_algorithm=MD5'
CREDENTIALS = (
    'h=Authorization:_Digest_username="{user}",_realm="example.com",_nonce="{n}",_uri="sip:example.com",'
    '_response="0000000000000000000000000000d1e5",_algorithm=MD5'
)
PROXY_CHALLENGE = CHALLENGE.replace("WWW", "Proxy")
PROXY_CREDENTIALS = CREDENTIALS.replace("Authorization", "Proxy-Authorization")


def registers(hop: str, expires: int = 3600, final: int = 200, user: str = "acct42") -> str:
    """Write a REGISTER, challenged, answered, and what comes of it."""
    back = f"{hop[2]}>{hop[0]}"
    last = f"h=Expires:_{expires}" if final == 200 else CHALLENGE.format(n="n2") if final == 401 else ""
    return (
        f"0 {hop} REGISTER h=Expires:_{expires}\n0.05 {back} 401 method=REGISTER {CHALLENGE.format(n='n1')}\n"
        f"0.1 {hop} REGISTER cseq=2 h=Expires:_{expires} {CREDENTIALS.format(n='n1', user=user)}\n"
        f"0.15 {back} {final} method=REGISTER cseq=2 {last}\n"
    )
