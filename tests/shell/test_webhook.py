"""The webhook: what is posted arrives, is tried again, is given up and counted; nobody who posts is held up."""

from __future__ import annotations

import io
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from sipwatch.shell import webhook as webhook_module
from sipwatch.shell.log import Log
from sipwatch.shell.webhook import DROPPED, FAILED, SENT, Webhook

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG = 10.0  # seconds, far more than it takes


class Receiver(HTTPServer):
    """Takes what is posted: header and body. ``answers`` are the codes to answer with, then 204."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.taken: list[tuple[str | None, str | None, bytes]] = []
        self.answers: list[int] = []
        self.arrived = threading.Semaphore(0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.headers["Authorization"], self.headers["Content-Type"], body))
        code = self.server.answers.pop(0) if self.server.answers else 204
        self.send_response(code)
        if 300 <= code < 400:
            self.send_header("Location", f"{self.server.url}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.arrived.release()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def log() -> Log:
    return Log(io.StringIO(), "text", lambda: 0.0)


def said(log: Log) -> str:
    assert isinstance(log._out, io.StringIO)
    return log._out.getvalue()


def test_what_is_posted_arrives_with_its_secret(receiver: Receiver, log: Log) -> None:
    webhook = Webhook(receiver.url, b"Bearer 4f1c0e", log)
    webhook.start()
    for body in (b'{"a":1}', b'{"a":2}'):
        webhook.put(body)
        assert receiver.arrived.acquire(timeout=LONG)
    webhook.stop(LONG)
    assert receiver.taken == [("Bearer 4f1c0e", "application/json", body) for body in (b'{"a":1}', b'{"a":2}')]
    assert webhook.results == {SENT: 2, FAILED: 0, DROPPED: 0}


def test_without_a_secret_there_is_no_such_header(receiver: Receiver, log: Log) -> None:
    webhook = Webhook(receiver.url, b"", log)
    webhook.put(b"{}")
    webhook.send_waiting()
    assert receiver.taken == [(None, "application/json", b"{}")]


def test_what_is_refused_is_tried_again(receiver: Receiver, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_module, "PAUSES", (0.0, 0.0, 0.0))
    receiver.answers = [503, 500]
    webhook = Webhook(receiver.url, b"", log)
    webhook.put(b"{}")
    webhook.send_waiting()
    assert len(receiver.taken) == 3
    assert webhook.results == {SENT: 1, FAILED: 0, DROPPED: 0}
    assert said(log) == ""


def test_what_is_never_taken_is_given_up_counted_and_told(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_module, "PAUSES", (0.0, 0.0))
    tries = []

    def refuse(body: bytes) -> None:
        tries.append(body)
        raise ConnectionRefusedError(111, "Connection refused")

    webhook = Webhook("http://192.0.2.1/", b"", log, refuse)
    webhook.put(b"1")
    webhook.put(b"2")
    webhook.send_waiting()
    assert tries == [b"1"] * 3 + [b"2"] * 3
    assert webhook.results == {SENT: 0, FAILED: 2, DROPPED: 0}
    assert 'ERROR webhook_failed reason="ConnectionRefusedError: [Errno 111] Connection refused"' in said(log)


def test_no_redirect_is_followed(receiver: Receiver, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would have our secret."""
    monkeypatch.setattr(webhook_module, "PAUSES", ())
    receiver.answers = [307]
    webhook = Webhook(receiver.url, b"Bearer 4f1c0e", log)
    webhook.put(b"{}")
    webhook.send_waiting()
    assert len(receiver.taken) == 1
    assert webhook.results[FAILED] == 1


def test_when_it_is_to_end_it_waits_for_no_second_try(log: Log) -> None:
    tried = threading.Semaphore(0)

    def refuse(_: bytes) -> None:
        tried.release()
        raise TimeoutError

    webhook = Webhook("http://192.0.2.1/", b"", log, refuse)
    webhook.start()
    webhook.put(b"{}")
    assert tried.acquire(timeout=LONG)
    webhook.stop(LONG)
    assert webhook.results == {SENT: 0, FAILED: 1, DROPPED: 0}


def test_what_has_no_room_goes_the_oldest_first(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_module, "MAX_WAITING", 2)
    sent: list[bytes] = []
    webhook = Webhook("http://192.0.2.1/", b"", log, sent.append)
    for body in (b"1", b"2", b"3"):
        webhook.put(body)
    webhook.send_waiting()
    assert sent == [b"2", b"3"]
    assert webhook.results == {SENT: 2, FAILED: 0, DROPPED: 1}
