"""The daemon with agents: what it takes, whom it refuses, what it says of them, what a reload changes, what it sends on."""

from __future__ import annotations

import io
import json
import socket
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

import pytest

from sipwatch.capture.bpf import WantedPackets, program
from sipwatch.capture.hep import HepListeners
from sipwatch.capture.live import InterfaceSource
from sipwatch.config import load
from sipwatch.daemon import Daemon
from sipwatch.shell.hep_out import HepOut
from sipwatch.shell.log import Log
from sipwatch.shell.notify import Notifier
from sipwatch.wire import hep
from sipwatch.wire.message import Path, Transport
from tests.e2e.process import until
from tests.test_daemon import families, sample
from tests.wire import frames as f

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path as File

HERE = "127.0.0.1"
PATIENT = 20  # seconds that a busy machine may take
WAY = Path(f.A4 + f.B4 + f.ports(5060, 5060), Transport.TLS)
NODE = '[[hep.node]]\nname = "edge"\nid = 7\n'


class Reported:
    """A daemon in a thread with a listener for datagrams and one for connections; ``agent`` is number 7."""

    def __init__(
        self, folder: File, config: str = "", key: bytes = b"", target: tuple[str, str, int] | None = None
    ) -> None:
        self.config = folder / "sipwatch.toml"
        self.config.write_text(config)
        self.out = io.StringIO()
        log = Log(self.out, "json", time.time)
        listeners = HepListeners([("udp", HERE, 0), ("tcp", HERE, 0)])
        self.source = InterfaceSource([], program(WantedPackets()), 0, listeners)
        self.sender = None if target is None else HepOut([target], hep.Agent(9), None, log)
        path = str(self.config)
        self.daemon = Daemon(self.source, load(path), path, log, Notifier({}), self.sender, key)
        self.names = [listener.name for listener in listeners.listeners]
        self.port = listeners.listeners[0].port
        self.tcp_port = listeners.listeners[1].port
        self.agent = hep.Agent(7)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        if self.sender is not None:
            self.sender.start()
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.daemon.stop()
        self.thread.join(PATIENT)
        assert not self.thread.is_alive()
        if self.sender is not None:
            self.sender.stop()
        self.socket.close()

    def _run(self) -> None:
        with self.source:
            self.daemon.run()

    def report(self, number: int, agent: hep.Agent | None = None) -> None:
        """Report an OPTIONS request."""
        text = (
            f"OPTIONS sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK{number}\r\n"
            f"From: <sip:a@example.com>;tag=t\r\nTo: <sip:b@example.com>\r\nCall-ID: {number}\r\nCSeq: 1 OPTIONS\r\n\r\n"
        )
        packet = hep.encode(time.time_ns(), WAY, text.encode(), agent or self.agent, b"c%d" % number)
        self.socket.sendto(packet, (HERE, self.port))

    def value(self, name: str, **labels: str) -> float:
        return sample(families(self.daemon), name, **labels)

    def until(self, name: str, least: float, **labels: str) -> None:
        until(lambda: self.value(name, **labels) >= least, PATIENT, f"{name} {labels}", self.out.getvalue)

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.out.getvalue().splitlines()]
        return [line for line in lines if line["event"] == name]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def test_what_agents_report_is_counted_and_they_are_shown(tmp_path: File, stack: ExitStack) -> None:
    reported = stack.enter_context(Reported(tmp_path, NODE))
    assert reported.value("hep_node_last_seen_timestamp_seconds", capture="edge") == 0
    assert reported.value("capture_up") == 2
    assert reported.daemon.ready() is None
    before = time.time()
    for number in range(20):
        reported.report(number)
    reported.until("requests_total", 20, method="OPTIONS")
    assert reported.value("capture_packets_total", capture=reported.names[0]) == 20
    assert reported.value("hep_messages_total", capture="edge") == 20
    assert before <= reported.value("hep_node_last_seen_timestamp_seconds", capture="edge") <= time.time()
    assert -PATIENT < reported.value("hep_clock_skew_seconds", capture="edge") <= 0
    assert reported.value("late_messages_total") == 0


def test_whom_it_hangs_up_on_is_counted_and_logged(tmp_path: File, stack: ExitStack) -> None:
    reported = stack.enter_context(Reported(tmp_path))
    with socket.create_connection((HERE, reported.tcp_port), PATIENT) as stranger:
        reported.until("hep_connections", 1, capture=reported.names[1])
        stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
        reported.until("hep_connections_closed_total", 1, reason="malformed")
    (event,) = reported.events("hep_connection_closed")
    assert (event["reason"], event["peer"].rpartition(":")[0]) == ("malformed", HERE)


def test_a_key_is_demanded_and_another_after_a_reload(tmp_path: File, stack: ExitStack) -> None:
    (tmp_path / "one").write_text("first\n")
    (tmp_path / "two").write_text("second\n")
    reported = stack.enter_context(Reported(tmp_path, '[hep]\nkey_file = "one"\n'))
    reported.report(1, hep.Agent(7, b"first"))
    reported.report(2, hep.Agent(7, b"second"))
    reported.until("discards_total", 1, reason="hep_unauthorized")
    reported.until("requests_total", 1)
    (event,) = reported.events("hep_discarded")
    assert (event["reason"], event["peer"]) == ("hep_unauthorized", HERE)
    reported.config.write_text('[hep]\nkey_file = "two"\n' + NODE)
    reported.daemon.reload()
    until(lambda: reported.events("configuration_read"), PATIENT, "the new configuration")
    reported.report(3, hep.Agent(7, b"second"))
    reported.until("hep_messages_total", 1, capture="edge")
    reported.until("requests_total", 2)


def test_a_key_of_the_command_line_stays(tmp_path: File, stack: ExitStack) -> None:
    reported = stack.enter_context(Reported(tmp_path, key=b"mine"))
    reported.daemon.reload()
    until(lambda: reported.events("configuration_read"), PATIENT, "the new configuration")
    reported.report(1)
    reported.until("discards_total", 1, reason="hep_unauthorized")
    reported.report(2, hep.Agent(7, b"mine"))
    reported.until("requests_total", 1)


def test_what_a_reload_cannot_change_is_said(tmp_path: File, stack: ExitStack) -> None:
    reported = stack.enter_context(Reported(tmp_path))
    reported.config.write_text("[hep]\nsend_id = 5\n")
    reported.daemon.reload()
    until(lambda: reported.events("configuration_read"), PATIENT, "the new configuration")
    assert len(reported.events("restart_needed")) == 1


def test_what_is_no_sip_is_counted_and_not_worth_a_line(tmp_path: File, stack: ExitStack) -> None:
    reported = stack.enter_context(Reported(tmp_path))
    reported.socket.sendto(f.hep3(b"{}", f.A4, f.B4, kind=5), (HERE, reported.port))
    reported.until("discards_total", 1, reason="not_sip")
    assert reported.events("hep_discarded") == []


def test_what_comes_in_goes_out_with_its_ends_and_correlation_id(tmp_path: File, stack: ExitStack) -> None:
    there = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    there.bind((HERE, 0))
    there.settimeout(PATIENT)
    reported = stack.enter_context(Reported(tmp_path, target=("udp", *there.getsockname())))
    for number in range(5):
        reported.report(number)
    for number in range(5):
        found = hep.decode(there.recv(65_535))
        assert isinstance(found, hep.Encapsulated)
        assert (found.capture_id, found.correlation, found.key) == (9, b"c%d" % number, WAY.key)
        assert found.transport is Transport.TLS
    reported.until("hep_sent_total", 5)
    assert reported.value("hep_unsent_total") == 0
    ours = {bytes((127, 0, 0, 1)) + there.getsockname()[1].to_bytes(2, "big"), reported.port.to_bytes(2, "big")}
    until(lambda: ours <= reported.daemon.engine.decoder.own, PATIENT, "what is ours to be known")
