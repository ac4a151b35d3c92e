"""What is sent on as HEP: complete over a connection that holds, counted where it does not, never waited for."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import ssl
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

import pytest

from sipwatch.packet import SECOND
from sipwatch.shell import hep_out
from sipwatch.shell.hep_out import FULL, LOST, TOO_LARGE, HepOut, HepTarget
from sipwatch.shell.log import Log
from sipwatch.wire import hep
from sipwatch.wire.message import Path, Request, Transport
from sipwatch.wire.sip import parse
from tests.capture.test_hep import certificate  # noqa: F401 - a fixture
from tests.e2e.process import until
from tests.wire import frames as f

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path as File

HERE = "127.0.0.1"
PATIENT = 20  # seconds that a busy machine may take
NOW = 1_767_603_600 * SECOND
AGENT = hep.Agent(2001, b"secret")
PATH = Path(f.A4 + f.B4 + f.ports(5060, 5061), Transport.TCP)


def message(number: int, size: int = 0) -> Request:
    text = (
        f"OPTIONS sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK{number}\r\n"
        f"From: <sip:a@example.com>;tag=t\r\nTo: <sip:b@example.com>\r\nCall-ID: {number}\r\nCSeq: 1 OPTIONS\r\n"
        f"Content-Length: {size}\r\n\r\n{'x' * size}"
    )
    made = parse(NOW + number * SECOND, PATH, text.encode(), truncated=False)
    assert isinstance(made, Request)
    return made


class Sending:
    """A sender, and its log."""

    def __init__(self, *endpoints: tuple[str, str, int], context: ssl.SSLContext | None = None) -> None:
        self._text = io.StringIO()
        self.out = HepOut(endpoints, AGENT, context, Log(self._text, "json", time.time))

    def __enter__(self) -> Self:
        self.out.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.out.stop()

    def send(self, count: int, first: int = 0, size: int = 0) -> None:
        for number in range(first, first + count):
            self.out.hear(message(number, size), b"c%d" % number)

    @property
    def target(self) -> HepTarget:
        return self.out.targets[0]

    def events(self, name: str) -> list[dict[str, str]]:
        lines = [json.loads(line) for line in self._text.getvalue().splitlines()]
        return [line for line in lines if line["event"] == name]


class Collector:
    """Takes connections at a port, one after the other, and what comes over them."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._listener = socket.create_server((HERE, 0))
        self._context = context
        self.port = self._listener.getsockname()[1]
        self.data = b""
        self.connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                made, _ = self._listener.accept()
                if self._context is not None:
                    made = self._context.wrap_socket(made, server_side=True)
                self.connections.append(made)
                while data := made.recv(65_536):
                    self.data += data
            except OSError:
                if self._listener.fileno() < 0:
                    return

    def hang_up(self) -> None:
        for one in self.connections:
            with contextlib.suppress(OSError):  # the other end may have gone
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self.connections.clear()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()

    def reports(self) -> list[hep.Encapsulated]:
        found, at = [], 0
        data = self.data
        while at + 6 <= len(data):
            size = int.from_bytes(data[at + 4 : at + 6], "big")
            if at + size > len(data):
                break
            one = hep.decode(data[at : at + size], b"secret")
            assert isinstance(one, hep.Encapsulated)
            found.append(one)
            at += size
        return found


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


def test_messages_arrive_whole_in_order_with_all_that_is_known_of_them(collector: Collector) -> None:
    with Sending(("tcp", HERE, collector.port)) as sending:
        sending.send(300)
        until(lambda: len(collector.reports()) >= 300, PATIENT, "all of them")
        assert sending.target.up
    for number, one in enumerate(collector.reports()):
        sent = message(number)
        assert one == hep.Encapsulated(sent.time, Transport.TCP, PATH.key, sent.raw, 2001, b"c%d" % number)
    assert (sending.target.sent, set(sending.target.dropped.values())) == (300, {0})


def test_over_udp(request: pytest.FixtureRequest) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there, ExitStack() as stack:
        there.bind((HERE, 0))
        there.settimeout(PATIENT)
        port = there.getsockname()[1]
        sending = stack.enter_context(Sending(("udp", HERE, port)))
        sending.send(50)
        found = [hep.decode(there.recv(65_535)) for _ in range(50)]
        assert [one.payload for one in found if isinstance(one, hep.Encapsulated)] == [
            message(n).raw for n in range(50)
        ]
        assert sending.out.ends == {bytes((127, 0, 0, 1)) + port.to_bytes(2, "big")}


def test_over_tls(request: pytest.FixtureRequest) -> None:
    folder: File = request.getfixturevalue("certificate")
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    collector = Collector(theirs)
    with Sending(
        ("tls", HERE, collector.port), context=ssl.create_default_context(cafile=folder / "cert.pem")
    ) as sending:
        sending.send(100)
        until(lambda: len(collector.reports()) >= 100, PATIENT, "all of them")
    collector.close()


def test_whom_nobody_vouches_for_gets_nothing(request: pytest.FixtureRequest) -> None:
    folder: File = request.getfixturevalue("certificate")
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    collector = Collector(theirs)
    with Sending(("tls", HERE, collector.port), context=ssl.create_default_context()) as sending:
        sending.send(1)
        (event, *_) = until(lambda: sending.events("hep_target_unreachable"), PATIENT, "word of it")
        assert "certificate" in event["reason"]
    assert (collector.data, sending.target.sent, sending.target.dropped[LOST]) == (b"", 0, 1)
    collector.close()


def test_a_collector_that_comes_later_gets_what_was_queued(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hep_out, "_FIRST_PAUSE", 0.05)
    monkeypatch.setattr(hep_out, "_LONGEST_PAUSE", 0.05)
    with socket.socket() as holder:
        holder.bind((HERE, 0))
        port = holder.getsockname()[1]
    with Sending(("tcp", HERE, port)) as sending:
        sending.send(20)
        until(lambda: sending.events("hep_target_unreachable"), PATIENT, "word of it")
        assert not sending.target.up
        with socket.create_server((HERE, port)) as there:
            made, _ = there.accept()
            with made:
                made.settimeout(PATIENT)
                data = b""
                while data.count(b"OPTIONS sip:") < 20:
                    data += made.recv(65_536)
        until(lambda: sending.target.sent == 20, PATIENT, "the count")


def test_a_connection_that_was_closed_is_made_again(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hep_out, "_FIRST_PAUSE", 0.05)
    with Sending(("tcp", HERE, collector.port)) as sending:
        sending.send(10)
        until(lambda: len(collector.reports()) >= 10, PATIENT, "the first ten")
        collector.hang_up()
        until(lambda: sending.events("hep_target_lost"), PATIENT, "word of it")
        sending.send(10, 10)
        until(lambda: len(collector.reports()) >= 20, PATIENT, "all of them")
    assert [one.payload for one in collector.reports()] == [message(number).raw for number in range(20)]


@pytest.mark.parametrize("bound", ["MAX_QUEUED", "MAX_QUEUED_BYTES"])
def test_what_the_queue_cannot_hold_is_dropped_and_counted(bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(message(0).raw)
    monkeypatch.setattr(hep_out, bound, 5 if bound == "MAX_QUEUED" else 5 * size)
    sending = Sending(("tcp", HERE, 9))
    sending.send(9)  # nothing is sent before it is started
    assert sending.target.dropped == {FULL: 4, TOO_LARGE: 0, LOST: 0}
    sending.out.stop()
    assert sending.target.dropped == {FULL: 4, TOO_LARGE: 0, LOST: 5}, "and what is left at the end"


def test_what_is_too_large_for_hep_is_dropped_and_counted(collector: Collector) -> None:
    with Sending(("tcp", HERE, collector.port)) as sending:
        sending.out.hear(message(0, 66_000), b"")
        sending.send(1, 1)
        until(lambda: len(collector.reports()) >= 1, PATIENT, "the other one")
    assert sending.target.dropped == {FULL: 0, TOO_LARGE: 1, LOST: 0}


def test_nobody_at_a_udp_port_stops_nothing() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind((HERE, 0))
        port = holder.getsockname()[1]
    with Sending(("udp", HERE, port)) as sending:
        sending.send(50)
        until(lambda: sending.target.sent + sending.target.dropped[LOST] >= 50, PATIENT, "all of them")


def test_a_collector_that_reads_nothing_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hep_out, "_PATIENCE", 0.2)
    monkeypatch.setattr(hep_out, "MAX_QUEUED", 200)
    with socket.create_server((HERE, 0)) as there, Sending(("tcp", HERE, there.getsockname()[1])) as sending:
        until(lambda: sending.target.up, PATIENT, "the connection")
        started = time.monotonic()
        sending.send(2000, size=20_000)
        assert time.monotonic() - started < PATIENT
        assert sending.target.dropped[FULL] > 0
    target = sending.target
    assert target.sent + sum(target.dropped.values()) == 2000
