"""The whole server, over real sockets: addresses, requests, its beginning and its end."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sipwatch.web import server as module
from sipwatch.web.server import Server, WebError
from tests.each import for_each
from tests.web.browsing import site_of
from tests.web.serving import (
    PATIENT,
    Told,
    ask,
    ask_on,
    basic,
    connection,
    dial,
    everything,
    figures,
    hashed,
    serving,
    tls_config,
    trusting,
    until,
    well,
)

if TYPE_CHECKING:
    from sipwatch.export.figures import Figures
    from tests.store.stored import Stored
    from tests.web.certificates import Certificates

ROOT = Path(__file__).resolve().parents[2]


def server_at(listen: str, web_config: str | None = None) -> Server:
    return Server(figures, well, well, listen, web_config, Told())


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("sipwatch-")}


def has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="no IPv6 on this machine")

# Addresses


def test_the_port_is_bound_and_connections_queue_before_anything_runs() -> None:
    before = threading.active_count()
    server = server_at("127.0.0.1:0")
    try:
        assert server.address.startswith("127.0.0.1:")
        assert threading.active_count() == before
        with dial(server.address) as early:
            early.sendall(b"GET /-/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            server.start()
            assert everything(early).endswith(b"sipwatch is ready.\n")
    finally:
        server.stop()


@needs_ipv6
def test_an_ipv6_address_is_written_in_brackets() -> None:
    with serving(listen="[::1]:0") as (server, _):
        assert server.address.startswith("[::1]:")
        assert ask(server.address, "/").status == 200


@needs_ipv6
def test_no_host_is_all_addresses_of_both_kinds() -> None:
    with serving(listen=":0") as (server, _):
        port = server.address.rpartition(":")[2]
        assert server.address == f"[::]:{port}"
        for host in ("127.0.0.1", "[::1]"):
            assert ask(f"{host}:{port}", "/").status == 200


def test_no_host_is_all_ipv4_addresses_where_there_is_no_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_has_ipv6", lambda: False)
    with serving(listen=":0") as (server, _):
        assert server.address.startswith("0.0.0.0:")
        assert ask("127.0.0.1:" + server.address.rpartition(":")[2], "/").status == 200


def test_a_name_is_looked_up() -> None:
    with serving(listen="localhost:0") as (server, _):
        assert ask(server.address, "/").status == 200


@for_each(
    "listen",
    ["", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:-1", "127.0.0.1:65536", "127.0.0.1:٣", "::1:80", "[127.0.0.1]:80",
     "[::1:80", "127.0.0.1:000080", ":80:", "a\nb"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused(listen: str) -> None:
    with pytest.raises(WebError) as caught:
        server_at(listen)
    assert str(caught.value).startswith(f"cannot listen at {listen!r}: expected HOST:PORT")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("listen", "expected"),
    [
        ("host.invalid:0", "there is no address for it"),
        ("a..b:0", "neither a name nor an address"),
        ("a\0b:0", "cannot listen at a\\x00b:0: "),
        ("x" * 100 + ":0", "neither a name nor an address"),
        ("192.0.2.1:0", "no interface of this machine has that address"),
        ("a\nb:0", "cannot listen at a\\nb:0: "),
    ],
)
def test_an_address_that_is_not_here_is_named(listen: str, expected: str) -> None:
    with pytest.raises(WebError) as caught:
        server_at(listen)
    assert expected in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_port_that_is_taken_is_named_and_no_socket_stays_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        before = len(os.listdir("/proc/self/fd"))
        with pytest.raises(WebError, match=f"cannot listen at {address}: another program listens there"):
            server_at(address)
        assert len(os.listdir("/proc/self/fd")) == before


def test_a_wrong_configuration_binds_nothing(tmp_path: Path) -> None:
    (tmp_path / "web.yml").write_text("a: 1\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(WebError, match="line 1: unknown key 'a'"):
        server_at(address, str(tmp_path / "web.yml"))
    server_at(address).stop()


# Beginning and end


def test_after_the_end_the_port_is_free_and_no_thread_is_left() -> None:
    before, descriptors = threads(), len(os.listdir("/proc/self/fd"))
    with serving() as (server, log):
        with contextlib.closing(connection(server.address)) as made:
            assert ask_on(made, "/metrics").status == 200
            began = time.monotonic()
            server.stop()
            assert time.monotonic() - began < PATIENT / 2
        server.stop()
        assert threads() == before
        server_at(server.address).stop()
    assert log.lines == []
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_what_never_started_is_closed_too() -> None:
    server = server_at("127.0.0.1:0")
    server.stop()
    server.stop()
    server_at(server.address).stop()


def test_a_request_under_way_is_answered_before_the_end() -> None:
    began, go = threading.Event(), threading.Event()

    def slow() -> list[Figures]:
        began.set()
        go.wait(PATIENT)
        return figures()

    with serving(slow) as (server, log), dial(server.address) as made:
        made.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert began.wait(PATIENT)
        threading.Timer(0.1, go.set).start()
        server.stop()
        assert everything(made).startswith(b"HTTP/1.1 200 ")
    assert log.lines == []


def test_figures_that_never_come_do_not_keep_the_program_from_ending() -> None:
    began, go = threading.Event(), threading.Event()

    def never() -> list[Figures]:
        began.set()
        go.wait(PATIENT * 2)
        return []

    try:
        with serving(never) as (server, log), dial(server.address) as made:
            made.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            assert began.wait(PATIENT)
            start = time.monotonic()
            server.stop()
            assert time.monotonic() - start < PATIENT
            assert everything(made).startswith(b"HTTP/1.1 500 ")
            server_at(server.address).stop()
        assert log.lines == []
    finally:
        go.set()
    until(lambda: not threads(), "the end of the last scrape")


def test_connections_in_every_state_end_with_the_server(tmp_path: Path, certificates: Certificates) -> None:
    for config in (None, tls_config(tmp_path, certificates)):
        with serving(web_config=config) as (server, log):
            trusted = None if config is None else trusting(certificates.server().cert)
            with contextlib.closing(connection(server.address, trusted)) as idle:
                assert ask_on(idle, "/-/ready").status == 200
                began = time.monotonic()
                server.stop()
                assert time.monotonic() - began < PATIENT / 2
                assert idle.sock is not None
                assert idle.sock.recv(1) == b""
            assert threads() == set()
        assert log.lines == []


def test_a_loop_that_cannot_serve_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    server = server_at("127.0.0.1:0")
    server._socket.close()
    with pytest.raises(WebError, match="cannot serve at "):
        server.start()
    other = server_at("127.0.0.1:0")

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(WebError, match="can't start new thread"):
            other.start()
    server_at(other.address).stop()


# Requests


def test_head_is_get_without_a_body() -> None:
    with serving() as (server, _):
        for path in ("/", "/-/ready", "/nothing"):
            head, get = ask(server.address, path, "HEAD"), ask(server.address, path)
            assert (head.status, head.body) == (get.status, b"")
            assert head.headers["content-length"] == str(len(get.body))
        assert ask(server.address, "/metrics", "HEAD").status == 200


def test_figures_are_read_anew_each_time() -> None:
    made = iter([figures()[:1], figures()])
    with serving(lambda: next(made)) as (server, _):
        counts = [
            len(list(text_string_to_metric_families(ask(server.address, "/metrics").body.decode()))) for _ in "12"
        ]
        assert counts[1] == counts[0] + 1


def test_no_answer_names_what_it_was_made_with() -> None:
    with serving() as (server, _):
        for path in ("/", "/metrics", "/nothing"):
            answer = ask(server.address, path)
            assert "server" not in answer.headers
            assert answer.headers["date"].endswith(" GMT")
            assert b"vicorn" not in answer.body


def test_a_mistake_of_ours_is_a_500_and_one_line() -> None:
    def broken() -> list[Figures]:
        raise KeyError("a\nb")

    with serving(broken) as (server, log):
        assert ask(server.address, "/metrics").status == 500
        assert ask(server.address, "/").status == 200
        [line] = log.lines
        assert line == "ERROR web_trouble reason=\"Exception in ASGI application: KeyError: 'a\\\\nb'\""


def test_a_slow_scrape_keeps_nobody_else_waiting() -> None:
    began, go = threading.Event(), threading.Event()

    def slow() -> list[Figures]:
        began.set()
        go.wait(PATIENT)
        return figures()

    with serving(slow) as (server, _), dial(server.address) as made:
        try:
            made.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            assert began.wait(PATIENT)
            assert ask(server.address, "/-/healthy").status == 200
        finally:
            go.set()
        assert made.recv(12) == b"HTTP/1.1 200"


# Whoever is slow, or many

HEAD = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n"


def test_slow_clients_stop_no_scrape_of_others() -> None:
    """Within uvicorn's bound; whoever may open more than that is kept off by a proxy."""
    with serving() as (server, _), contextlib.ExitStack() as opened:
        for number in range(module.MAX_CONNECTIONS - 2):
            slow = opened.enter_context(dial(server.address))
            slow.sendall(HEAD[: number % len(HEAD)])
        assert ask(server.address, "/metrics").status == 200
        slow.sendall(HEAD[number % len(HEAD) :] + b"\r\n")
        assert slow.recv(12) == b"HTTP/1.1 200"


def test_who_comes_when_there_are_too_many_is_told_so_and_others_are_served_when_they_are_gone() -> None:
    with serving() as (server, log):
        with contextlib.ExitStack() as opened:
            for _ in range(module.MAX_CONNECTIONS + 1):
                opened.enter_context(dial(server.address))
            assert ask(server.address, "/metrics").status == 503
        until(lambda: ask(server.address, "/metrics").status == 200, "room")
        assert set(log.lines) == {'WARNING web_trouble reason="Exceeded concurrency limit."'}


def test_who_is_silent_after_an_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NEXT_REQUEST", 1)
    with serving() as (server, _), dial(server.address) as made:
        made.sendall(HEAD + b"\r\n")
        assert everything(made).startswith(b"HTTP/1.1 200 ")


def test_who_does_not_fetch_answers_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FETCH", 1)
    long = [family for _ in range(4_000) for family in figures()]
    with serving(lambda: long) as (server, _), dial(server.address) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made.sendall((HEAD.replace(b"/-/healthy", b"/metrics") + b"\r\n") * 20)
        until(lambda: server._serving.server_state.connections, "that it is there")
        until(lambda: not server._serving.server_state.connections, "that it is cut off")


def test_a_connection_is_kept_for_the_next_request() -> None:
    with serving() as (server, _), contextlib.closing(connection(server.address)) as made:
        assert ask_on(made, "/-/healthy").status == 200
        used = made.sock
        assert ask_on(made, "/metrics").status == 200
        assert made.sock is used


def test_a_head_that_does_not_end_is_refused_at_its_bound() -> None:
    with serving() as (server, log), dial(server.address) as made:
        made.sendall(HEAD + b"X-More: " + b"x" * module.MAX_HEAD_SIZE)
        assert everything(made).startswith(b"HTTP/1.1 400 ")
        assert log.lines == ['WARNING web_trouble reason="Invalid HTTP request received."']


def test_garbage_is_a_400_and_one_line() -> None:
    with serving() as (server, log), dial(server.address) as made:
        made.sendall(b"\x16\x03\x01 INVITE sip:a@b SIP/2.0\r\n\r\n")
        assert everything(made).startswith(b"HTTP/1.1 400 ")
        assert log.lines == ['WARNING web_trouble reason="Invalid HTTP request received."']


def test_whoever_asks_for_another_protocol_is_answered_in_this_one() -> None:
    with serving() as (server, _):
        for protocol in ("websocket", "h2c"):
            assert ask(server.address, "/", headers={"Connection": "Upgrade", "Upgrade": protocol}).status == 200


def test_pipelined_requests_are_answered_in_their_order() -> None:
    with serving() as (server, _), dial(server.address) as made:
        made.sendall(HEAD + b"\r\n" + HEAD.replace(b"healthy", b"ready") + b"Connection: close\r\n\r\n")
        answers = everything(made)
        assert answers.count(b"HTTP/1.1 200 ") == 2
        assert answers.index(b"sipwatch is healthy.") < answers.index(b"sipwatch is ready.")


def test_wrong_passwords_stop_no_scrape_of_who_is_known(tmp_path: Path) -> None:
    config = tmp_path / "web.yml"
    config.write_text(f"basic_auth_users: {{anna: {hashed('secret')}}}\n")
    with serving(web_config=config) as (server, _), contextlib.ExitStack() as opened:
        assert ask(server.address, "/metrics", headers=basic("anna", "secret")).status == 200
        wrong = "".join(f"{name}: {value}\r\n" for name, value in basic("anna", "wrong").items()).encode()
        for _ in range(20):
            guessing = opened.enter_context(dial(server.address))
            guessing.sendall(HEAD + wrong + b"\r\n")
        assert ask(server.address, "/metrics", headers=basic("anna", "secret")).status == 200


# The process around it

PROGRAM = """
import os, sys, time
from sipwatch.shell.log import Log
from sipwatch.shell.privileges import become
from sipwatch.web.server import Server
server = Server(lambda: [], lambda: None, lambda: None, "127.0.0.1:0", sys.argv[1] or None, Log(sys.stderr, "text", time.time))
if sys.argv[2]:
    become(sys.argv[2])
server.start()
print(server.address, os.getuid(), flush=True)
sys.stdin.read()
server.stop()
"""


def run(config: Path | None, user: str = "") -> subprocess.Popen[str]:
    """Run a server in a process in which every warning is an error."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-X", "dev", "-c", PROGRAM, "" if config is None else str(config), user],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip


# In development mode asyncio remarks on every step that took a tenth of a second, which says how busy the machine is.
# What asyncio says when a step took a tenth of a second; the log cuts what is long.
SLOW = re.compile(r'\S+ WARNING web_trouble reason="Executing <.*(> took \d+\.\d+ seconds|…)"')


def told(said: str) -> list[str]:
    """Return the lines of a process's standard error that no busy machine explains."""
    return [line for line in said.splitlines() if not SLOW.fullmatch(line)]


def test_a_busy_machine_explains_asyncios_remark_and_nothing_else() -> None:
    remark = '2026-01-05T09:00:00.000000Z WARNING web_trouble reason="Executing <Handle x()> took 0.213 seconds"'
    cut = "2026-01-05T09:00:00.000000Z WARNING web_trouble reason=\"Executing <Task pending name='Task-2' coro=…\""
    other = '2026-01-05T09:00:00.000000Z WARNING web_trouble reason="socket.send() raised exception."'
    assert told(f"{remark}\n{cut}\n{other}\nResourceWarning: x\n") == [other, "ResourceWarning: x"]


def test_no_library_warns_of_anything(tmp_path: Path, certificates: Certificates) -> None:
    config = tls_config(tmp_path, certificates, f"basic_auth_users: {{anna: {hashed('secret')}}}\n")
    with run(config) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[0]
        trusted = trusting(certificates.server().cert)
        assert ask(address, "/metrics", headers=basic("anna", "secret"), tls=trusted).status == 200
        assert ask(address, "/nothing", "POST", headers=basic("anna", "secret"), tls=trusted).status == 404
        _, said = process.communicate(timeout=PATIENT)
    assert (process.returncode, told(said)) == (0, [])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give away")
def test_all_is_served_after_roots_rights_are_given_away(tmp_path: Path, certificates: Certificates) -> None:
    pair = certificates.server()
    secret = tmp_path / "secret"
    secret.mkdir(mode=0o700)
    (secret / "key").write_bytes(pair.key.read_bytes())
    config = secret / "web.yml"
    config.write_text(f"tls_server_config:\n  cert_file: {pair.cert}\n  key_file: key\n")
    with run(config, "nobody") as process:
        assert process.stdout is not None
        address, uid = process.stdout.readline().split()
        assert int(uid) != 0
        trusted = trusting(pair.cert)
        until(lambda: ask(address, "/-/ready", tls=trusted).status == 200, "an answer")
        body = ask(address, "/metrics", tls=trusted).body.decode()
        names = {family.name for family in text_string_to_metric_families(body)}
        assert {"process_cpu_seconds", "process_resident_memory_bytes", "process_open_fds"} <= names
        until(lambda: ask(address, "/-/ready", tls=trusted).status == 200, "an answer")
        _, said = process.communicate(timeout=PATIENT)
    assert process.returncode == 0
    assert len(told(said)) <= 1
    assert all(" ERROR web_configuration_kept reason=" in line for line in told(said))


def test_a_site_is_not_shown_to_others_without_users(store: Stored) -> None:
    for given in ({}, {"open_to_all": True}):
        log = Told()
        if given:
            server = Server(figures, well, well, "0.0.0.0:0", None, log, site=site_of(store), open_to_all=True)
            server.stop()
        else:
            with pytest.raises(WebError, match="no users are configured"):
                Server(figures, well, well, "0.0.0.0:0", None, log, site=site_of(store))
    Server(figures, well, well, "0.0.0.0:0", None, Told()).stop()  # figures alone are for all


def test_figures_stay_where_a_site_may_not_be_shown(store: Stored, tmp_path: Path) -> None:
    """Until there are users: then it is shown to those."""
    config = tmp_path / "web.yml"
    config.write_text("")
    server = Server(figures, well, well, "0.0.0.0:0", str(config), Told(), site=site_of(store), or_figures_alone=True)
    address = f"127.0.0.1:{server.address.rpartition(':')[2]}"
    try:
        server.start()
        assert ask(address, "/calls").status == 403
        assert ask(address, "/metrics").status == 200
        config.write_text(f"basic_auth_users:\n  op: {hashed('open-sesame')}\n")
        until(lambda: ask(address, "/calls").status == 401, "a password is asked for")
        assert ask(address, "/calls", headers=basic("op", "open-sesame")).status == 200
    finally:
        server.stop()


def test_a_site_is_served(store: Stored) -> None:
    server = Server(figures, well, well, "127.0.0.1:0", None, Told(), site=site_of(store))
    assert server.url == f"http://{server.address}/"
    try:
        server.start()
        assert ask(server.address, "/calls").status == 200
    finally:
        server.stop()


def test_a_page_is_not_shown_under_a_name_that_strangers_may_have_given_us(store: Stored) -> None:
    server = Server(figures, well, well, "127.0.0.1:0", None, Told(), site=site_of(store))
    try:
        server.start()
        assert ask(server.address, "/calls", headers={"Host": "evil.example"}).status == 403
        assert ask(server.address, "/metrics", headers={"Host": "evil.example"}).status == 200
        assert ask(server.address, "/calls", headers={"Host": "localhost:1"}).status == 200
    finally:
        server.stop()
