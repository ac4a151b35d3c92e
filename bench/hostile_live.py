"""Attacks and faults that need a real process, on a cable: ``make hostile`` runs them after those on packet time.

Must not know: attacks on packet time. Bounds on time are generous: whoever measures shares the machine with what is
measured. Needs root.
"""

from __future__ import annotations

import base64
import http.client
import signal
import threading
import time
from contextlib import closing
from http import HTTPStatus
from typing import TYPE_CHECKING

import bcrypt

from bench.field import Load, calls, field
from bench.hostile import ATTACKER, VICTIM, invite
from bench.make_captures import udp
from bench.rows import Row, measured
from sipwatch.budget import DEFAULT_MEMORY
from tests.e2e.mirror import ANSWERED
from tests.e2e.process import until
from tests.e2e.servers import PORT, events
from tests.e2e.site import PEERS, PHONE, SERVER
from tests.wire import frames as f

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bench.field import Field
    from tests.e2e.mirror import Timed

HONEST = 40  # calls a second
# They ring and talk for a while: whoever forgets calls forgets some of these.
TALKS = ANSWERED.replace("1.6 A>P", "8.6 A>P").replace("1.62 P>A", "8.62 P>A")
AFTERWARDS = 9.0  # seconds until the last of them has ended
RINGS = "0 A>P INVITE\n0.1 P>A 180"
MEMORY = (
    1.25 * DEFAULT_MEMORY / (1 << 20) + 45
)  # MiB: the budget, its share of Python's, and what there is without calls
CLOSING = 3.0  # seconds
_MARK = 0x7E577E57
_SEGMENT, _SEGMENTS = 1460, 1456  # bytes, and how many of them a second


def _patience(scale: float) -> float:
    """Return how many times as long something may take: short forms run beside other tests."""
    return 1 if scale == 1 else 5


def of_attacker(payload: bytes) -> bytes:
    """Return a datagram of the attacker's."""
    return udp(ATTACKER, VICTIM, (5060, 5060), payload)


def random_invites(rate: int, seconds: float) -> Iterator[Timed]:
    """Give INVITEs with a Call-ID each."""
    form, mark = of_attacker(invite(_MARK)), b"%x" % _MARK
    for number in range(int(rate * seconds)):
        yield number / rate, form.replace(mark, b"%08x" % number)


def stream(data: bytes, seconds: float) -> Iterator[Timed]:
    """Give one TCP connection that repeats something without an end, 17 Mbit/s of it."""
    data *= 1 + 2 * _SEGMENT // len(data)
    period = len(data)
    data += data[:_SEGMENT]
    yield 0.0, _segment(b"", 0, f.SYN)
    for number in range(int(_SEGMENTS * seconds)):
        at = number * _SEGMENT
        yield number / _SEGMENTS, _segment(data[at % period : at % period + _SEGMENT], 1 + at, f.ACK | f.PUSH)


def _segment(payload: bytes, sequence: int, flags: int) -> bytes:
    return f.ethernet(f.ipv4(f.tcp(payload, sequence, flags), f.TCP, ATTACKER, VICTIM))


class _Outcome:
    """Collects what came of an attack, in words."""

    def __init__(self) -> None:
        self.now: list[str] = []
        self.complaints: list[str] = []

    def asked(self, holds: object, complaint: str) -> None:
        """Complain unless something holds."""
        if not holds:
            self.complaints.append(complaint)

    def scrapes(self, place: Field) -> None:
        """Say how scrapes went: each has to be answered."""
        self.now.append(
            f"{len(place.scrapes)} scrapes, half within {place.percentile(50) * 1000:.0f} ms, 99 of 100 within "
            f"{place.percentile(99) * 1000:.0f} ms"
        )
        self.asked(not place.unanswered, f"{place.unanswered} scrapes were not answered")

    def memory(self, place: Field) -> None:
        """Say how much there was at most."""
        most = max(scrape.memory for scrape in place.scrapes)
        self.now.append(f"{most:.0f} MiB of memory")
        self.asked(most <= MEMORY, f"{most:.0f} MiB of memory")

    def honest(self, place: Field, placed: int, sent: int) -> None:
        """Say what became of honest calls; what is missing must have been counted as lost."""
        samples = place.settled(sent)
        right = round(samples.sum("sipwatch_calls_ended_total", source="phones", ending="normal"))
        wrong = round(samples.sum("sipwatch_calls_total", source="phones")) - round(
            samples.sum("sipwatch_calls_total", source="phones", outcome="answered")
        )
        dropped = round(samples.sum("sipwatch_capture_dropped_total"))
        self.now.append(f"{right:,} of {placed:,} honest calls right, {dropped:,} of {sent:,} packets dropped")
        self.asked(place.seen() == sent, f"{sent - place.seen():g} packets are not accounted for")
        self.asked(right == placed or dropped, f"{placed - right} calls are missing, and nothing was dropped")
        self.asked(placed - right <= dropped, f"{placed - right} calls are missing, and {dropped} packets")
        self.asked(wrong <= dropped, f"{wrong} calls are told wrong, and {dropped} packets are missing")

    def row(self, name: str, attack: str, before: str, wanted: str, scale: float) -> Row:
        """Return it all."""
        return Row(name, attack, before, "; ".join(self.now), wanted, self.complaints, scale, measured())


def _beside_honest_calls(attack: Callable[[float], Iterable[Timed]], seconds: float) -> _Outcome:
    """Attack for a while beside honest calls."""
    outcome, placed = _Outcome(), int(HONEST * seconds)
    with field() as place:
        honest = Load(place.cable.far, lambda: calls(TALKS, [(PHONE, SERVER)], HONEST, seconds))
        hostile = Load(place.cable.far, lambda: attack(seconds))
        with honest, hostile:
            place.watch(lambda: not (honest.over and hostile.over))
            outcome.honest(place, placed, honest.sent + hostile.sent)
        outcome.memory(place)
        outcome.scrapes(place)
        evicted = place.samples.by("sipwatch_evicted_total", "table")
        outcome.now.append(
            f"given up {', '.join(f'{count:,.0f} {table}' for table, count in evicted.items()) or 'nothing'}"
        )
    return outcome


def invites(scale: float) -> Row:
    """INVITEs with random Call-IDs."""
    outcome = _beside_honest_calls(lambda seconds: random_invites(5000, seconds), 60 * scale)
    return outcome.row(
        "live-random-invites",
        "live: 5,000 INVITEs a second with random Call-IDs, 60 s, beside 40 honest calls a second",
        "957 of 1,800 honest calls right, 62,000 packets dropped, in 45 s",
        "each honest call right or counted as lost, every packet accounted for, memory within the budget, each scrape "
        "answered",
        scale,
    )


def websockets(scale: float) -> Row:
    """A stream of the smallest WebSocket frames."""
    outcome = _beside_honest_calls(lambda seconds: stream(b"\x81\x00", seconds), 40 * scale)
    return outcome.row(
        "live-tiny-frames",
        "live: a foreign TCP stream of `81 00` pairs, 17 Mbit/s, 40 s, beside 40 honest calls a second",
        "0.93 ms a segment, a quarter of the honest packets dropped",
        "the same",
        scale,
    )


def line_feeds(scale: float) -> Row:
    """A stream of messages whose lines end with bare line feeds."""
    bare = invite(_MARK).replace(b"\r\n", b"\n").replace(b"Content-Length: 0\n", b"")
    outcome = _beside_honest_calls(lambda seconds: stream(bare, seconds), 40 * scale)
    return outcome.row(
        "live-line-feeds",
        "live: the same with messages whose lines end with bare line feeds",
        "190 ms a segment",
        "the same",
        scale,
    )


def _stopped(ring: str, scale: float) -> tuple[_Outcome, float]:
    """Stop the daemon while 91 calls begin in a second; return what became of it, and how many packets were dropped."""
    stop, outcome = 27 * scale, _Outcome()
    seconds = stop + 8
    with field(f'[capture]\nring = "{ring}"\n{PEERS}') as place:
        with Load(place.cable.far, lambda: calls(ANSWERED, [(PHONE, SERVER)], 91, seconds)) as load:
            time.sleep(3)
            place.sipwatch.signal(signal.SIGSTOP)
            time.sleep(stop)
            place.sipwatch.signal(signal.SIGCONT)
            place.watch(lambda: not load.over)
            sent = load.sent
        outcome.honest(place, int(91 * seconds), sent)
        raised = place.samples.sum("sipwatch_invite_conditions_total")
        outcome.now.append(f"{raised:g} false conditions")
        outcome.asked(not raised, f"{raised:g} false conditions")
        return outcome, place.samples.sum("sipwatch_capture_dropped_total")


def stops(scale: float) -> Row:
    """Standing still, with the usual ring and with a larger one."""
    outcome, dropped = _stopped("16 MiB", scale)
    larger, lost = _stopped("64 MiB", scale)
    outcome.now.append(f"with a ring of 64 MiB {lost:g} packets dropped")
    outcome.complaints += larger.complaints
    outcome.asked(not lost, f"{lost:g} packets dropped with a ring of 64 MiB")
    outcome.asked(27 * scale > 10 or not dropped, "the ring did not bridge what it should")
    return outcome.row(
        "live-stop",
        "live: stopped for 27 s at 640 packets a second",
        "17,600 of 28,800 packets lost, 170 false `no_answer`",
        "what is lost is counted, no condition is false; nothing lost with a ring of 64 MiB",
        scale,
    )


def ends(scale: float) -> Row:
    """SIGTERM with many open calls."""
    count, outcome = int(94_000 * scale), _Outcome()
    with field(f'[limits]\nmemory = "1 GiB"\n{PEERS}') as place:
        with Load(place.cable.far, lambda: calls(RINGS, [(PHONE, SERVER)], 2500, count / 2500)) as load:
            place.watch(lambda: not load.over)
            place.settled(load.sent)
        pending = place.samples.sum("sipwatch_calls_pending")
        outcome.asked(pending > 0.9 * count, f"only {pending:g} of {count} calls are open")
        begun = time.monotonic()
        place.sipwatch.signal(signal.SIGTERM)
        status = place.sipwatch.wait(30)
        took = time.monotonic() - begun
        left = events(place.sipwatch.said(), "calls_left")
    outcome.now.append(f"down in {took:.1f} s with {pending:,.0f} open calls{', some left uncounted' if left else ''}")
    outcome.asked(status == 0, f"ended with {status}")
    outcome.asked(took < CLOSING * _patience(scale), f"took {took:.1f} s")
    return outcome.row(
        "live-sigterm", "live: SIGTERM with 94,000 open calls", "10.2 s; the unit kills at 10", "down within 3 s", scale
    )


# Passwords

_STRANGERS = [f"127.0.1.{number}" for number in range(1, 21)]
_WELCOME, _COST = "right", 10


def passwords(scale: float) -> Row:
    """Wrong passwords from many addresses, and somebody new who has the right one."""
    outcome, seconds = _Outcome(), 40 * scale
    over = threading.Event()
    with field(PEERS, "--web-config", "@/web.yml") as place:
        hashed = bcrypt.hashpw(_WELCOME.encode(), bcrypt.gensalt(_COST)).decode()
        (place.at / "web.yml").write_text(f"basic_auth_users: {{prometheus: '{hashed}'}}\n")
        until(lambda: _ask(place, "127.0.0.1", "") == HTTPStatus.UNAUTHORIZED, 10, "a password to be asked for")
        guesses = [threading.Thread(target=_guess, args=(place, address, over), daemon=True) for address in _STRANGERS]
        for guess in guesses:
            guess.start()
        waited = [_let_in(place, f"127.0.2.{number}", seconds) for number in range(1, 4)]
        over.set()
        for guess in guesses:
            guess.join(15)
    let_in = [each for each in waited if each is not None]
    kept_out = len(waited) - len(let_in)
    outcome.now.append(f"let in after {', '.join(f'{each:.1f} s' for each in let_in) or 'no time'}")
    outcome.asked(not kept_out, f"{kept_out} newcomers were kept out for {seconds:.0f} s")
    return outcome.row(
        "live-passwords",
        "live: wrong passwords from 20 addresses without a pause, and three newcomers in turn with the right one",
        "the right one gets 429 until it was let in once",
        "each is let in",
        scale,
    )


def _guess(place: Field, address: str, over: threading.Event) -> None:
    number = 0
    while not over.is_set():
        number += 1
        _ask(place, address, f"wrong-{address}-{number}")


def _let_in(place: Field, address: str, seconds: float) -> float | None:
    """Return how long it takes until the right password is let in from an address, None if it never is."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        if _ask(place, address, _WELCOME) == HTTPStatus.OK:
            return time.monotonic() - begun
        time.sleep(0.2)
    return None


def _ask(place: Field, address: str, password: str) -> int:
    """Ask for the figures from an address; return the status, 0 if there is no answer."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10, source_address=(address, 0))
    word = base64.b64encode(f"prometheus:{password}".encode()).decode()
    with closing(connection):
        try:
            with place.cable.near.inside():
                connection.connect()
            connection.request("GET", "/-/healthy", headers={"Authorization": f"Basic {word}"})
            return connection.getresponse().status
        except OSError:
            return 0


# Scrapes

TRUNKS = [f"203.0.113.{number}" for number in range(1, 11)]
TEN_PEERS = (
    "".join(
        f'[[peer]]\nname = "trunk-{number}"\nkind = "trunk"\naddresses = ["{address}"]\n'
        for number, address in enumerate(TRUNKS, 1)
    )
    + f'[[peer]]\nname = "server"\nkind = "server"\naddresses = ["{SERVER}"]\n'
)
GOALS = {1000: 30, 2000: 100}  # calls a second: ms within which 99 of 100 scrapes are wanted


def scrapes(scale: float) -> Row:
    """Scrapes twice a second beside ordinary calls on ten pairs."""
    outcome, seconds = _Outcome(), 30 * scale
    for rate, goal in GOALS.items():
        with field(TEN_PEERS) as place:
            pairs = [(trunk, SERVER) for trunk in TRUNKS]
            with Load(place.cable.far, lambda: calls(ANSWERED, pairs, rate, seconds)) as load:  # noqa: B023 - used here
                place.watch(lambda: not load.over, every=0.2)
                within = place.percentile(99) * 1000
                outcome.now.append(
                    f"at {rate:,} calls/s half within {place.percentile(50) * 1000:.0f} ms, 99 of 100 within {within:.0f} ms"
                )
                outcome.asked(not place.unanswered, f"{place.unanswered} scrapes were not answered at {rate} calls/s")
                outcome.asked(
                    within < 10 * goal * _patience(scale),
                    f"99 of 100 scrapes took up to {within:.0f} ms at {rate} calls/s",
                )
                samples = place.settled(load.sent)
            ended, dropped = (round(samples.sum(f"sipwatch_{of}_total")) for of in ("calls_ended", "capture_dropped"))
            outcome.now.append(f"{ended:,} of {int(rate * seconds):,} calls, {dropped:,} packets dropped")
            outcome.asked(place.seen() == load.sent, f"{load.sent - place.seen():g} packets are not accounted for")
    return outcome.row(
        "live-scrapes",
        "live: a scrape each 0.2 s beside 1,000 and 2,000 calls a second on ten pairs",
        "median 36 ms, up to 253, at 1,000 calls/s",
        "30 and 100 ms wanted of 99 in 100; ten times that asserted, and each answered",
        scale,
    )


ATTACKS: dict[str, Callable[[float], Row]] = {
    "live-random-invites": invites,
    "live-tiny-frames": websockets,
    "live-line-feeds": line_feeds,
    "live-stop": stops,
    "live-sigterm": ends,
    "live-passwords": passwords,
    "live-scrapes": scrapes,
}
