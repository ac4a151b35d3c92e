"""A place to test at: a SIP server's machine that is watched, phones and trunks at the other end of a cable.

Must not know: what is tested. Everybody's addresses are here, and the configuration that gives them names.
"""

from __future__ import annotations

import json
import socket
import subprocess
from collections import Counter
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Any

from tests.e2e import sip
from tests.e2e.net import Cable, Space
from tests.e2e.process import until
from tests.e2e.scrape import parse_history
from tests.e2e.servers import ENVIRONMENT, SIPWATCH, Sipwatch, Tcpdump
from tests.e2e.sip import Sipp

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self, TypeVar

    from tests.e2e.process import Running
    from tests.e2e.scrape import Samples

    R = TypeVar("R", bound=AbstractContextManager[object])

# The machine with the SIP server; what does not run as Kamailio runs as sipp on another of its addresses.
SERVER, KAMAILIO, SERVER6 = "198.51.100.10", sip.KAMAILIO, "2001:db8:51::10"
# Everybody else. acme's second address is the one Kamailio sends to.
PHONE, PHONE_2, PHONE6 = "192.0.2.11", "192.0.2.12", "2001:db8:2::11"
DESK, SOFTPHONE, HANDSET = "192.0.2.21", "192.0.2.22", "192.0.2.23"  # who Kamailio rings at once
ACME, ACME_BEHIND_KAMAILIO, ACME6 = "203.0.113.10", "203.0.113.20", "2001:db8:5::10"
GLOBEX, INITECH, UMBRELLA = "203.0.113.70", "203.0.113.130", "203.0.113.200"
STRANGER = "192.88.99.7"
NEAR = [SERVER, KAMAILIO, SERVER6]
_ADDRESSES = {
    "server": NEAR, "phones": [PHONE, PHONE_2, PHONE6], "acme": [ACME, ACME_BEHIND_KAMAILIO, ACME6],
    "globex": [GLOBEX], "initech": [INITECH], "umbrella": [UMBRELLA], "other": [STRANGER],
    "desk": [DESK], "softphone": [SOFTPHONE], "handset": [HANDSET],
}  # fmt: skip
FAR = [address for peer, addresses in _ADDRESSES.items() if peer != "server" for address in addresses]


def _peer(name: str, kind: str, *networks: str) -> str:
    return f'[[peer]]\nname = "{name}"\nkind = "{kind}"\naddresses = {json.dumps(networks)}\n'


PEERS = (
    _peer("phones", "devices", "192.0.2.0/24", "2001:db8:2::/48")
    + _peer("server", "server", "198.51.100.0/24", "2001:db8:51::/48")
    + _peer("acme", "trunk", "203.0.113.0/26", "2001:db8:5::/48")
    + _peer("globex", "trunk", "203.0.113.64/26")
    + _peer("initech", "trunk", "203.0.113.128/26")
    + _peer("umbrella", "trunk", "203.0.113.192/26")
)
# Each phone that Kamailio rings at once is a peer of its own.
RING_GROUP = (
    _peer("desk", "devices", DESK) + _peer("softphone", "devices", SOFTPHONE) + _peer("handset", "devices", HANDSET)
)
# So short that nobody has to wait, so far apart that a busy machine does not take one for the other.
QUICK = """
[timers]
no_response_after = 3
slow_progress_after = 1
no_progress_after = 3
no_answer_after = 3
brief_before = 1
"""
BRIEFLY, FOR_A_WHILE, TOO_LONG = 0.2, 1.6, 3.3  # seconds that a caller waits, as QUICK sees it


class Site:
    """The cable and all that runs at its ends. Leaving the ``with`` statement ends everything, latest first."""

    def __init__(self, at: Path) -> None:
        self.at = at
        self.cable = Cable([f"{address}/{128 if ':' in address else 32}" for address in NEAR],
                           [f"{address}/{128 if ':' in address else 32}" for address in FAR])  # fmt: skip
        self.sipps: list[Sipp] = []
        self.sipwatch: Sipwatch  # what was started last
        self.tcpdump: Tcpdump
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self.cable)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def running(self, program: R) -> R:
        """See to it that a program ends with this site."""
        self._stack.enter_context(program)
        return program

    def where(self, address: str) -> Space:
        """Return the namespace that has an address."""
        return self.cable.near if address in NEAR else self.cable.far

    def watch(self, config: str = QUICK + PEERS, *words: str, **more: Any) -> Sipwatch:
        """Start ``sipwatch live`` on the server's end of the cable."""
        (self.at / "sipwatch.toml").write_text(config)
        words = ("--config", str(self.at / "sipwatch.toml"), *words)
        self.sipwatch = self.running(Sipwatch(self.cable.near, self.at, *words, **more))
        return self.sipwatch

    def record(self) -> Tcpdump:
        """Start tcpdump beside it."""
        self.tcpdump = self.running(Tcpdump(self.cable.near, self.at))
        return self.tcpdump

    def replayed(self) -> Samples:
        """End the recording; return the last figures of a replay of it with the same configuration."""
        words = ["replay", str(self.tcpdump.stop()), "--config", str(self.at / "sipwatch.toml")]
        command = [*SIPWATCH, *words, "--format", "openmetrics"]
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=ENVIRONMENT, timeout=60)
        (size,) = done.stderr.splitlines()  # and nothing else
        assert done.returncode == 0, done.stderr
        assert " series, a sample every " in size
        return parse_history(done.stdout)

    def answers(self, name: str, scenario: str, address: str, *, port: int = 5060, **more: Any) -> Sipp:
        """Let somebody wait for calls at an address."""
        return self._sipp(Sipp(self.where(address), self.at, name, scenario, (address, port), **more))

    def calls(
        self, name: str, scenario: str, source: str, target: str, calls: int, *, port: int = 5060,
        target_port: int = 5060, **more: Any,
    ) -> Sipp:  # fmt: skip
        """Let somebody place calls from one address to another."""
        local, remote = (source, port), (target, target_port)
        return self._sipp(Sipp(self.where(source), self.at, name, scenario, local, remote, calls=calls, **more))

    def _sipp(self, made: Sipp) -> Sipp:
        self.sipps.append(self.running(made))
        return made

    def kamailio(self, config: Path = sip.ONE_TRUNK) -> Running:
        """Put Kamailio on the server's machine. Who calls it from there is not seen on the cable."""
        return self.running(sip.kamailio(self.cable.near, self.at, config))

    def tell(self, whom: Sipp, caller: str, number: int) -> None:
        """Let a sipp that waits for a word go on with call NUMBER of a caller. The word does not pass the cable."""
        text = (
            "INFO sip:go@on SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK-go\r\nFrom: <sip:go@on>;tag=go\r\n"
            f"To: <sip:go@on>\r\nCall-ID: {caller}-{number}\r\nCSeq: 7 INFO\r\nContent-Length: 0\r\n\r\n"
        )
        with self.where(whom.address).inside():
            messenger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with messenger:
            messenger.sendto(text.encode(), (whom.address, whom.port))

    def messages(self) -> dict[tuple[str, ...], float]:
        """Count what crossed the cable by source, destination, method and status code ("" of requests).

        Every sipp wrote down what it has sent; what Kamailio has sent, those did who received it.
        """
        found: Counter[tuple[str, ...]] = Counter()
        for sipp in self.sipps:
            opposite = self._opposite(sipp)
            if self.where(opposite) is self.where(sipp.address):
                continue
            here, there = peer_of(sipp.address), peer_of(opposite)
            for message in sipp.messages():
                ends = (here, there) if message.sent else (there, here)
                if message.sent or (opposite == KAMAILIO and message.method != "INFO"):
                    found[*ends, message.method, str(message.status_code or "")] += 1
        return dict(found)

    def _opposite(self, sipp: Sipp) -> str:
        """Return whom a sipp talks to. Who answers has one caller; who has none is called by Kamailio."""
        if sipp.target is not None:
            return sipp.target[0]
        callers = {other.address for other in self.sipps if other.target == (sipp.address, sipp.port)}
        (caller,) = callers or {KAMAILIO}
        return caller

    def settled(self, sipwatch: Sipwatch, calls: int, seconds: float = 20) -> Samples:
        """Return the figures once there is a verdict on each call, and each message has been seen.

        What holds in every test is checked: each message was seen once, and none got lost.
        """
        expected = self.messages()
        found = sipwatch.scrape()

        def enough() -> bool:
            nonlocal found
            found = sipwatch.scrape()
            messages = sum(_messages(found).values())
            return found.sum("sipwatch_calls_total") >= calls and messages >= sum(expected.values())

        def lacking() -> str:
            verdicts, seen = found.table("sipwatch_calls_total", "destination", "outcome"), _messages(found)
            wrong = {key: (seen.get(key, 0), count) for key, count in expected.items() if seen.get(key, 0) != count}
            return f"{verdicts}; seen and sent: {wrong}"

        until(enough, seconds, f"{calls} verdicts, {sum(expected.values())} messages", lacking)
        assert _messages(found) == expected, lacking()
        assert found.sum("sipwatch_calls_started_total") == found.sum("sipwatch_calls_total") == calls
        for name in ("capture_dropped", "capture_duplicates", "evicted"):
            assert found.sum(f"sipwatch_{name}_total") == 0, name
        return found


def peer_of(address: str) -> str:
    """Return the peer's name that ``PEERS`` gives to an address."""
    return next(name for name, addresses in _ADDRESSES.items() if address in addresses)


def _messages(samples: Samples) -> dict[tuple[str, ...], float]:
    requests = samples.table("sipwatch_requests_total", "source", "destination", "method")
    responses = samples.table("sipwatch_responses_total", "source", "destination", "method", "status_code")
    return {**{(*key, ""): count for key, count in requests.items()}, **responses}
