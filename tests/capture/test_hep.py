"""Agents that send HEP, over real sockets: what comes in, who is hung up on, and why. No figure depends on speed."""

from __future__ import annotations

import socket
import ssl
import subprocess
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import pytest

from sipwatch.capture import hep, hep_connection
from sipwatch.capture.bpf import WantedPackets, program
from sipwatch.capture.errors import CaptureError
from sipwatch.capture.hep import HepListeners
from sipwatch.capture.live import TICK, InterfaceSource
from tests.capture.watched import PATIENT, Watched, descriptors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sipwatch.capture.tally import Frame

HERE = "127.0.0.1"


def packet(number: int, size: int = 0) -> bytes:
    body = b"%d " % number + b"x" * size
    return b"HEP3" + (6 + len(body)).to_bytes(2, "big") + body


class Listening:
    """Listeners, what they took, and what they told."""

    def __init__(self, *endpoints: tuple[str, str, int], context: ssl.SSLContext | None = None) -> None:
        self.hep = HepListeners(endpoints, context)
        self.hep.take = self._take
        self.hep.tell = lambda event, reason, _: self.told.append((event, reason))
        self.taken: list[tuple[str, str, bytes]] = []
        self.told: list[tuple[str, str]] = []

    def _take(self, arrival: int, passed: int, listener: str, sender: str, data: bytes) -> Frame | str:
        assert passed <= arrival <= time.time_ns()
        if b"refuse" in data:
            return "refused"
        self.taken.append((listener, sender, data))
        return arrival, -1, data

    def until(self, enough: Callable[[], object]) -> None:
        """Read until it is enough."""
        deadline = time.monotonic() + PATIENT
        while not enough():
            assert time.monotonic() < deadline, (len(self.taken), self.hep.closed, self.told[:5])
            self.hep.read(0)
            time.sleep(0.001)

    def closed(self, reason: str, count: int = 1) -> None:
        self.until(lambda: self.hep.closed[reason] >= count)
        assert {why: n for why, n in self.hep.closed.items() if n} == {reason: count}

    def numbers(self) -> list[int]:
        return [int(data[6:].split()[0]) for _, _, data in self.taken]

    def connect(self, place: int = 0) -> socket.socket:
        return socket.create_connection((HERE, self.hep.listeners[place].port), PATIENT)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


@pytest.fixture
def udp(stack: ExitStack) -> Listening:
    made = Listening(("udp", HERE, 0))
    stack.enter_context(made.hep)
    return made


@pytest.fixture
def tcp(stack: ExitStack) -> Listening:
    made = Listening(("tcp", HERE, 0))
    stack.enter_context(made.hep)
    return made


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=hep.example.com"
    words += f" -addext subjectAltName=IP:{HERE} -keyout {folder}/key.pem -out {folder}/cert.pem"
    subprocess.run(["openssl", *words.split()], check=True, capture_output=True)
    return folder


@pytest.fixture
def tls(stack: ExitStack, certificate: Path) -> Listening:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    made = Listening(("tls", HERE, 0), context=context)
    stack.enter_context(made.hep)
    return made


def over_tls(listening: Listening, certificate: Path) -> ssl.SSLSocket:
    """Connect, in a thread's time of our own: the handshake needs the listener to be read meanwhile."""
    context = ssl.create_default_context(cafile=certificate / "cert.pem")
    plain = listening.connect()
    plain.setblocking(False)
    made = context.wrap_socket(plain, server_hostname=HERE, do_handshake_on_connect=False)
    deadline = time.monotonic() + PATIENT
    while True:
        assert time.monotonic() < deadline
        try:
            made.do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            listening.hep.read(0)
        else:
            made.settimeout(PATIENT)
            return made


# What comes in


def test_datagrams_come_with_their_listener_and_their_senders_address(udp: Listening) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
        for number in range(200):
            agent.sendto(packet(number), (HERE, udp.hep.listeners[0].port))
    udp.until(lambda: len(udp.taken) >= 200)
    assert udp.numbers() == list(range(200))
    assert {(listener, sender) for listener, sender, _ in udp.taken} == {
        (f"udp:{HERE}:{udp.hep.listeners[0].port}", HERE)
    }


def test_packets_come_over_tcp_however_they_are_cut(tcp: Listening) -> None:
    data = b"".join(packet(number, number * 60) for number in range(100))
    with tcp.connect() as agent:
        agent.setblocking(False)
        sent = 0

        def send_some() -> bool:
            nonlocal sent
            if sent < len(data):
                with suppress(BlockingIOError):
                    sent += agent.send(data[sent : sent + 977])
            return len(tcp.taken) >= 100

        tcp.until(send_some)
    tcp.closed("ended")
    assert tcp.numbers() == list(range(100))
    assert tcp.told == [], "an agent that goes is no event"


def test_packets_come_over_tls(tls: Listening, certificate: Path) -> None:
    with over_tls(tls, certificate) as agent:
        for number in range(100):
            agent.sendall(packet(number, 1000))
        tls.until(lambda: len(tls.taken) >= 100)
    tls.closed("ended")
    assert tls.numbers() == list(range(100))


def test_over_ipv6_beside_ipv4_at_the_same_port(stack: ExitStack) -> None:
    if not socket.has_ipv6:
        pytest.skip("needs IPv6")
    four = Listening(("udp", HERE, 0))
    stack.enter_context(four.hep)
    try:
        six = Listening(("udp", "::1", four.hep.listeners[0].port))
    except CaptureError as error:
        pytest.skip(f"needs ::1: {error}")
    stack.enter_context(six.hep)
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as agent:
        agent.sendto(packet(1), ("::1", six.hep.listeners[0].port))
    six.until(lambda: six.taken)
    assert six.taken[0][:2] == (f"udp:[::1]:{six.hep.listeners[0].port}", "::1")


def test_what_is_refused_is_told_and_no_frame(udp: Listening) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
        for data in (b"refuse", packet(1), b"refuse"):
            agent.sendto(data, (HERE, udp.hep.listeners[0].port))
    udp.until(lambda: udp.hep.listeners[0].packets == 3)
    assert len(udp.taken) == 1
    assert udp.told == [("hep_discarded", "refused")] * 2


def test_what_the_kernel_has_no_room_for_is_counted(udp: Listening) -> None:
    listener = udp.hep.listeners[0]
    listener.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
        for number in range(500):
            agent.sendto(packet(number, 500), (HERE, listener.port))
    udp.hep.follow()
    assert listener.dropped > 0
    udp.until(lambda: len(udp.taken) + listener.dropped >= 500)
    assert len(udp.taken) + listener.dropped == 500


# Who is hung up on


def test_who_speaks_something_else_is_hung_up_on(tcp: Listening) -> None:
    with tcp.connect() as agent:
        agent.sendall(packet(1) + b"GET / HTTP/1.1\r\n\r\n")
        tcp.closed("malformed")
        assert agent.recv(10) == b""
    assert tcp.numbers() == [1], "what came before is taken"
    assert tcp.told == [("hep_connection_closed", "malformed")]


def test_half_a_packet_at_the_end_is_cut_short(tcp: Listening) -> None:
    with tcp.connect() as agent:
        agent.sendall(packet(1) + packet(2)[:-1])
        tcp.until(lambda: tcp.taken)
    tcp.closed("cut_short")
    assert tcp.numbers() == [1]


def test_who_does_not_finish_a_packet_is_hung_up_on_in_time(tcp: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    with tcp.connect() as slow, tcp.connect() as idle:
        slow.sendall(packet(1)[:-1])
        idle.sendall(packet(2))
        tcp.until(lambda: tcp.taken and any(tcp.hep.connections.values()))
        tcp.hep.follow()
        assert len(tcp.hep.connections) == 2, "it has its time"
        monkeypatch.setattr(hep, "PATIENCE", 0)
        tcp.hep.follow()
        tcp.closed("too_slow")
        assert len(tcp.hep.connections) == 1, "who only says nothing may stay"


def test_a_handshake_has_its_time_too(tls: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    with tls.connect():
        tls.until(lambda: tls.hep.connections)
        monkeypatch.setattr(hep, "PATIENCE", 0)
        tls.hep.follow()
        tls.closed("too_slow")


def test_plain_text_at_a_tls_port_fails(tls: Listening) -> None:
    with tls.connect() as agent:
        agent.sendall(packet(1))
        tls.closed("tls_failed")
    assert tls.taken == []


def test_500_idle_connections_keep_nobody_out(tcp: Listening, stack: ExitStack) -> None:
    for _ in range(500):
        stack.enter_context(tcp.connect())
        tcp.hep.read(0)
        tcp.hep.follow()
    with tcp.connect() as agent:
        for number in range(50):
            agent.sendall(packet(number))
        tcp.until(lambda: len(tcp.taken) >= 50)
    assert tcp.hep.connected() == {tcp.hep.listeners[0].name: 500} or tcp.hep.closed["ended"] == 0
    tcp.closed("ended")


def test_a_full_house_gives_up_who_never_said_anything(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hep, "_connections", lambda: 3)
    tcp = Listening(("tcp", HERE, 0))
    stack.enter_context(tcp.hep)
    agents = [stack.enter_context(tcp.connect()) for _ in range(3)]
    tcp.until(lambda: len(tcp.hep.connections) == 3)
    agents[0].sendall(packet(0))
    tcp.until(lambda: tcp.taken)
    stack.enter_context(tcp.connect()).sendall(packet(3))
    tcp.until(lambda: len(tcp.taken) == 2)
    assert tcp.hep.closed["too_many"] == 1
    agents[0].sendall(packet(4))
    tcp.until(lambda: len(tcp.taken) == 3)
    assert tcp.numbers() == [0, 3, 4]


def test_where_all_have_spoken_the_newcomer_is_refused(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hep, "_connections", lambda: 2)
    tcp = Listening(("tcp", HERE, 0))
    stack.enter_context(tcp.hep)
    for number in range(2):
        stack.enter_context(tcp.connect()).sendall(packet(number))
    tcp.until(lambda: len(tcp.taken) == 2)
    with tcp.connect() as late:
        tcp.closed("too_many")
        assert late.recv(10) == b""
    assert len(tcp.hep.connections) == 2


def test_unfinished_packets_are_bounded_in_all_connections_together(
    tcp: Listening, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hep, "MAX_BUFFERED", 100_000)
    for number in range(4):
        stack.enter_context(tcp.connect()).sendall(packet(number, 40_000)[:-1])
    tcp.until(lambda: tcp.hep.closed["too_much"] >= 2)
    assert sum(map(len, tcp.hep.connections.values())) <= 100_000
    assert tcp.hep.closed["too_much"] == 2


def test_no_more_handshakes_are_begun_between_two_looks_than_capturing_can_bear(
    tls: Listening, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(hep._ACCEPTED, "tls", 3)
    for _ in range(5):
        stack.enter_context(tls.connect())
    tls.until(lambda: len(tls.hep.connections) == 3)
    for _ in range(10):
        tls.hep.read(0)
    assert len(tls.hep.connections) == 3
    tls.hep.follow()
    tls.until(lambda: len(tls.hep.connections) == 5)


def test_more_than_is_read_at_once_is_told_and_read_the_next_time(
    tcp: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hep_connection, "_READ_AT_ONCE", 100)
    monkeypatch.setattr(hep_connection, "_READS", 1)
    with tcp.connect() as agent:
        agent.sendall(packet(1, 500))
        tcp.until(lambda: tcp.hep.connections)
        complete: list[bool] = []
        deadline = time.monotonic() + PATIENT
        while not tcp.taken and time.monotonic() < deadline:
            complete.append(tcp.hep.read(0)[1])
            assert tcp.hep.unread is not complete[-1]
        assert tcp.numbers() == [1]
        assert complete.count(False) >= 5


# The listeners themselves


def test_a_port_that_is_taken_is_said_in_a_line(udp: Listening) -> None:
    before = descriptors()
    with pytest.raises(CaptureError, match=rf"--hep udp:{HERE}:\d+: Address already in use"):
        HepListeners([("tcp", HERE, 0), ("udp", HERE, udp.hep.listeners[0].port)])
    assert descriptors() == before


def test_a_host_that_nobody_knows_is_said_in_a_line() -> None:
    with pytest.raises(CaptureError, match=r"--hep udp:nobody\.invalid:9060: "):
        HepListeners([("udp", "nobody.invalid", 9060)])


@pytest.mark.parametrize(("limit", "expected"), [(1024, 462), (20_000, 1000), (64, 10)])
def test_connections_leave_descriptors_to_others(limit: int, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (limit, limit))
    assert hep._connections() == expected


def test_nothing_stays_open(certificate: Path) -> None:
    before = descriptors()
    made = Listening(("tcp", HERE, 0), ("udp", HERE, 0))
    with made.hep, made.connect() as agent:
        agent.sendall(packet(1))
        made.until(lambda: made.taken)
    assert descriptors() == before


def test_it_is_a_source_beside_others_and_merged_by_time(udp: Listening) -> None:
    with InterfaceSource([], program(WantedPackets()), 0, udp.hep) as source:
        base = time.time_ns()
        order = [3, 1, 2, 0]
        udp.hep.take = lambda _, passed, __, ___, data: (max(passed, base + int(data[6:])), -1, data)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
            for number in order:
                agent.sendto(packet(number), (HERE, udp.hep.listeners[0].port))
        watched = Watched(source, lambda watched: len(watched.frames) >= 4)
        assert [int(data[6:]) for _, _, data in watched.frames] == [0, 1, 2, 3]
        assert source.hep is udp.hep


def test_with_nobody_sending_time_passes(udp: Listening) -> None:
    with InterfaceSource([], program(WantedPackets()), 0, udp.hep) as source:
        before = time.time_ns()
        watched = Watched(source, lambda watched: len(watched.horizons) >= 3)
        assert before - hep.WINDOW < watched.horizons[0] <= watched.horizons[-1] <= time.time_ns() - hep.WINDOW
        assert watched.horizons[-1] - watched.horizons[0] >= TICK * 1_000_000
