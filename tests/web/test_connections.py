"""Nobody keeps others out: not by silence, not by slowness, not by numbers."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from sipwatch.web import connections
from tests.web.serving import PATIENT, ask, ask_on, connection, dial, everything, figures, serving, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import Metric

HEAD = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n"


def dial_from(source: str, address: str) -> socket.socket:
    """Connect from another loopback address: another stranger."""
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=PATIENT, source_address=(source, 0))


@contextlib.contextmanager
def closing_all() -> Iterator[list[socket.socket]]:
    """Give a list of sockets that are closed in the end."""
    opened: list[socket.socket] = []
    try:
        yield opened
    finally:
        for one in opened:
            one.close()


def test_who_stalls_in_the_midst_of_a_head_keeps_nobody_waiting() -> None:
    with serving() as (server, _), dial(server.address) as stalled:
        stalled.sendall(HEAD)
        assert ask(server.address, "/metrics").status == 200
        stalled.sendall(b"\r\n")
        assert stalled.recv(65_536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("sent", [b"", HEAD])
def test_who_completes_no_request_is_cut_off(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(connections, "FIRST_REQUEST", 0.3)
    with serving() as (server, log), dial(server.address) as made:
        made.sendall(sent)
        assert everything(made) == b""
        assert log.lines == []


def test_who_sends_a_head_by_drops_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "FIRST_REQUEST", 0.5)
    with serving() as (server, _), dial(server.address) as made:
        began = time.monotonic()
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - began < PATIENT:
                made.sendall(b"G")
                made.settimeout(0.05)
                with contextlib.suppress(TimeoutError):
                    if not made.recv(1):
                        break
        assert time.monotonic() - began < PATIENT


def test_who_is_silent_after_an_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "NEXT_REQUEST", 1)
    with serving() as (server, _), dial(server.address) as made:
        made.sendall(HEAD + b"\r\n")
        assert everything(made).startswith(b"HTTP/1.1 200 ")


def test_a_connection_is_kept_for_the_next_request() -> None:
    with serving() as (server, _), contextlib.closing(connection(server.address)) as made:
        assert ask_on(made, "/-/healthy").status == 200
        used = made.sock
        assert ask_on(made, "/metrics").status == 200
        assert made.sock is used


def test_who_sends_a_body_by_drops_after_the_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as (server, _), dial(server.address) as made:
        # Not before: uvicorn's own time, which each drop begins anew, stays as long as it is.
        monkeypatch.setattr(connections, "NEXT_REQUEST", 0)
        monkeypatch.setattr(connections, "_SPARE", 0.5)
        made.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        assert made.recv(12) == b"HTTP/1.1 405"
        began = time.monotonic()
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - began < PATIENT:
                made.sendall(b"x")
                threading.Event().wait(0.02)
        assert time.monotonic() - began < PATIENT


def test_who_does_not_fetch_answers_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "ANSWER", 0.5)
    long = [family for _ in range(4_000) for family in figures()]
    with serving(lambda: long) as (server, _), dial(server.address) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made.sendall((HEAD.replace(b"/-/healthy", b"/metrics") + b"\r\n") * 20)
        until(lambda: not server._connections.open, "that it is cut off")


def test_a_head_that_does_not_end_is_refused_at_its_bound() -> None:
    with serving() as (server, log), dial(server.address) as made:
        made.sendall(HEAD)
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                made.sendall(b"X-More: " + b"x" * 1000 + b"\r\n")
                threading.Event().wait(0.005)
        until(lambda: not server._connections.open, "that it is closed")
        assert log.lines == ['WARNING web_trouble reason="Invalid HTTP request received."']


def test_garbage_is_a_400_and_one_line() -> None:
    with serving() as (server, log), dial(server.address) as made:
        made.sendall(b"\x16\x03\x01 INVITE sip:a@b SIP/2.0\r\n\r\n")
        assert everything(made).startswith(b"HTTP/1.1 400 ")
        assert log.lines == ['WARNING web_trouble reason="Invalid HTTP request received."']


def test_whoever_asks_for_another_protocol_is_answered_in_this_one() -> None:
    with serving() as (server, log):
        for protocol in ("websocket", "h2c"):
            assert ask(server.address, "/", headers={"Connection": "Upgrade", "Upgrade": protocol}).status == 200
        assert log.lines == []


def test_pipelined_requests_are_answered_in_their_order() -> None:
    with serving() as (server, _), dial(server.address) as made:
        made.sendall(HEAD + b"\r\n" + HEAD.replace(b"healthy", b"ready") + b"Connection: close\r\n\r\n")
        answers = everything(made)
        assert answers.count(b"HTTP/1.1 200 ") == 2
        assert answers.index(b"sipwatch is healthy.") < answers.index(b"sipwatch is ready.")


# Numbers


def test_one_who_opens_many_connections_loses_his_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST", 4)
    with serving() as (server, _), closing_all() as opened:
        opened.append(dial_from("127.0.0.2", server.address))  # somebody else, who was there first
        until(lambda: len(server._connections.open) == 1, "the first")
        for _ in range(8):
            opened.append(dial_from("127.0.0.3", server.address))
            opened[-1].sendall(HEAD)
        assert everything(opened[1]) == b""
        opened[0].sendall(HEAD + b"\r\n")
        assert opened[0].recv(12) == b"HTTP/1.1 200"
        opened[-1].sendall(b"\r\n")
        assert opened[-1].recv(12) == b"HTTP/1.1 200"
        assert len(server._connections.open) <= 4


def test_one_whose_requests_are_all_under_way_gives_way_to_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST", 3)
    go = threading.Event()

    def slow() -> list[Metric]:
        go.wait(PATIENT)
        return figures()

    with serving(slow) as (server, _), closing_all() as opened:
        try:
            for number in range(3):
                opened.append(dial_from("127.0.0.3", server.address))
                opened[-1].sendall(HEAD.replace(b"-/healthy", b"metrics") + b"\r\n")
                until(lambda: sum(not one.idle for one in server._connections.open) == number + 1, "it to begin")  # noqa: B023
            opened.append(dial_from("127.0.0.3", server.address))
            assert everything(opened[3]) == b""  # the same gets no more
            opened.append(dial_from("127.0.0.2", server.address))
            opened[4].sendall(HEAD + b"\r\n")
            assert opened[4].recv(12) == b"HTTP/1.1 200"
            assert everything(opened[0]) == b""
        finally:
            go.set()


def test_many_who_open_one_each_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST", 3)
    with serving() as (server, _), closing_all() as opened:
        for number in range(2, 12):
            opened.append(dial_from(f"127.0.0.{number}", server.address))
        assert everything(opened[0]) == b""
        assert ask(server.address, "/metrics").status == 200
        assert len(server._connections.open) <= 3
