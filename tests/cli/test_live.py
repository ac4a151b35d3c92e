"""``sipwatch live`` as an operator meets it: what it says when something is wrong, who may read, what it logs.

Real interfaces are in tests/e2e; here a pipe will do, which needs no root.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import bcrypt
import pytest

from tests.cli.program import BUSY, COMMAND, DEMO, ENVIRONMENT, ROOT, process, the_complaint

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow  # a process for each test

PATIENT = 30  # seconds that a busy machine may take
LOG_LINE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z (INFO|WARNING|ERROR) [a-z_]+( [a-z_]+=(\"([^\"\\]|\\.)*\"|[^ \"]+))*"
)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
not_as_root = pytest.mark.skipif(os.geteuid() == 0, reason="needs another user than root")


class Live:
    """``sipwatch live`` at the end of a pipe that this test holds, serving at a port of its own choice."""

    def __init__(self, folder: Path, *arguments: object) -> None:
        self._log = folder / "live.log"
        words = [*COMMAND, "live", "-r", "-", "--listen", "127.0.0.1:0", *map(str, arguments)]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=ROOT, env=ENVIRONMENT
            )
        self.address = ""

    def __enter__(self) -> Self:
        try:
            self.address = self.wait_for(r"\blisten\w*\b.*?((?:127\.0\.0\.1|0\.0\.0\.0):\d+)")[1]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait until something is in the log."""
        deadline = time.monotonic() + PATIENT
        while time.monotonic() < deadline:
            found = re.search(pattern, self.said())
            if found:
                return found
            assert self.process.poll() is None, self.said()
            time.sleep(0.02)
        raise AssertionError(self.said())

    def said(self) -> str:
        return self._log.read_text()

    def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def hang_up(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def ended(self, number: int | None = None) -> list[str]:
        """Send a signal, wait for the end, return the log's lines."""
        if number is not None:
            self.process.send_signal(number)
        assert self.process.wait(PATIENT) == 0, self.said()
        assert "Traceback" not in self.said()
        return self.said().splitlines()

    def get(self, path: str, user: str = "") -> tuple[int, str]:
        request = urllib.request.Request(f"http://{self.address}{path}")
        if user:
            request.add_header("Authorization", "Basic " + b64encode(user.encode()).decode())
        try:
            with urllib.request.urlopen(request, timeout=PATIENT) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


def refused(*arguments: object, status: int = 1, **more: Any) -> str:
    """Start it on an empty pipe; return the one line that it ends with."""
    return the_complaint(process("live", *arguments, status=status, **{"stdin": subprocess.DEVNULL, **more}))


# What to watch


@pytest.mark.parametrize("arguments", [[], ["-i", "lo", "-r", "-"]], ids=["neither", "both"])
def test_interfaces_or_a_pipe_must_be_named(arguments: list[str]) -> None:
    done = process("live", *arguments, status=2)
    assert "name interfaces to watch (-i eth0), a pipe (-r -), or --hep" in done.stderr


def test_an_unknown_interface_is_named_with_those_that_there_are() -> None:
    there = ", ".join(sorted(name for _, name in socket.if_nameindex()))
    assert refused("-i", "nosuch0") == f"sipwatch: nosuch0: no such interface; there are any, {there}"


def test_an_interfaces_name_acts_on_no_terminal() -> None:
    assert refused("-i", "\x1b[2Jeth0").startswith("sipwatch: \\x1b[2Jeth0: no such interface; ")


@not_as_root
def test_without_permission_it_says_which_capability_and_two_ways_to_grant_it() -> None:
    line = refused("-i", "lo")
    for word in ("CAP_NET_RAW", "systemd", "setcap cap_net_raw+ep", "root"):
        assert word in line


@as_root
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv (Debian and Ubuntu: apt install util-linux)")
def test_a_root_without_the_capability_is_told_how_a_container_gets_it() -> None:
    words = ["setpriv", "--bounding-set=-net_raw", *COMMAND, "live", "-i", "lo"]
    done = subprocess.run(words, check=False, capture_output=True, text=True, cwd=ROOT, env=ENVIRONMENT, timeout=60)
    assert done.returncode == 1
    line = the_complaint(done)
    assert "lo: the kernel refuses a packet socket without the capability CAP_NET_RAW" in line
    assert "docker run --cap-add NET_RAW" in line


@pytest.mark.parametrize(
    ("pipe", "words"),
    [("no/such/pipe", "no/such/pipe: no such file"), (".", ".: is a directory")],
    ids=["missing", "directory"],
)
def test_a_pipe_that_cannot_be_opened_is_one_line(pipe: str, words: str) -> None:
    assert words in refused("-r", pipe)


def test_standard_input_that_is_closed_is_one_line() -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *COMMAND, "live", "-r", "-"],
        check=False, capture_output=True, text=True, cwd=ROOT, env=ENVIRONMENT, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "standard input is closed" in the_complaint(done)


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"", "the file is empty"), (b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n", "not a capture file but text")],
    ids=["empty", "text"],
)
def test_a_pipe_without_a_capture_ends_it_with_one_line(data: bytes, words: str, tmp_path: Path) -> None:
    with Live(tmp_path) as live:
        live.write(data)
        live.hang_up()
        assert live.process.wait(PATIENT) == 1
        *log, line = live.said().splitlines()
    assert line.startswith("sipwatch: standard input: ")
    assert words in line
    assert all(LOG_LINE.fullmatch(other) for other in log)


def test_a_capture_that_breaks_off_is_counted_up_to_there(tmp_path: Path) -> None:
    with Live(tmp_path) as live:
        live.write(BUSY.read_bytes()[:-7])
        live.hang_up()
        lines = live.ended()
    assert "ended packets=17" in lines[-1]


# Configurations


def test_a_wrong_configuration_is_one_line_with_line_and_value(tmp_path: Path) -> None:
    config = tmp_path / "sipwatch.toml"
    config.write_text("[timers]\nno_answer_after = 3\nno_progress_after = 'soon'\n")
    assert refused("-r", "-", "--config", config) == (
        f"sipwatch: {config}, line 3: no_progress_after = 'soon': expected a number of seconds, at least 0.001"
    )
    config.write_text("[capture]\ntunnels = ['gro']\n")
    assert "line 2: tunnels = 'gro': expected one of gre" in refused("-r", "-", "--config", config)
    assert "no/such.toml: the configuration cannot be read" in refused("-r", "-", "--config", "no/such.toml")


WRONG_WEB = [
    ("basic_auth_user: {}", "basic_auth_user"),
    ("basic_auth_users: {op: secret}", "op"),
    ("tls_server_config: {cert_file: no.pem, key_file: no.key}", "no.pem"),
    ("tls_server_config: [", "not valid YAML"),
]


@pytest.mark.parametrize(("text", "word"), WRONG_WEB, ids=["key", "password", "no certificate", "no YAML"])
def test_a_wrong_web_configuration_is_one_line(text: str, word: str, tmp_path: Path) -> None:
    config = tmp_path / "web.yml"
    config.write_text(text)
    line = refused("-r", "-", "--web-config", config)
    assert str(config) in line
    assert word in line
    assert "secret" not in line


@pytest.mark.parametrize(
    "pem",
    ["nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
    ids=["no PEM", "no certificate"],
)
def test_a_wrong_certificate_is_one_line(pem: str, tmp_path: Path) -> None:
    (tmp_path / "server.pem").write_text(pem)
    (tmp_path / "server.key").write_text(pem.replace("CERTIFICATE", "PRIVATE KEY"))
    config = tmp_path / "web.yml"
    config.write_text("tls_server_config: {cert_file: server.pem, key_file: server.key}\n")
    assert "server.pem" in refused("-r", "-", "--web-config", config)


# Where to listen, and as whom


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        line = refused("-r", "-", "--listen", address)
    assert line.startswith(f"sipwatch: cannot listen at {address}: another program listens there")


@pytest.mark.parametrize("listen", ["nonsense", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:99999", "::1:80", ""])
def test_an_address_that_is_none_is_one_line_with_an_example(listen: str) -> None:
    line = refused("-r", "-", "--listen", listen)
    assert repr(listen) in line
    assert "expected HOST:PORT, [IPV6]:PORT or :PORT, such as 127.0.0.1:10060" in line


def test_an_address_of_another_machine_is_one_line() -> None:
    assert "no interface of this machine has that address" in refused("-r", "-", "--listen", "192.0.2.77:10060")


@as_root
def test_a_user_who_is_not_there_or_is_root_is_one_line() -> None:
    listen = ("--listen", "127.0.0.1:0")
    assert refused("-r", "-", *listen, "--user", "nosuch") == "sipwatch: --user nosuch: there is no such user"
    assert "is root" in refused("-r", "-", *listen, "--user", "root")


@not_as_root
def test_only_root_can_become_another_user() -> None:
    line = refused("-r", "-", "--listen", "127.0.0.1:0", "--user", "nobody")
    assert "only root can become another user; leave --user out" in line


def test_a_log_format_that_is_none_is_wrong_usage() -> None:
    assert "yaml" in process("live", "-r", "-", "--log-format", "yaml", status=2).stderr


# Who may read


@contextlib.contextmanager
def guarded(folder: Path) -> Iterator[Live]:
    """Start it with one user, op, whose password is open-sesame."""
    config = folder / "web.yml"
    config.write_text(f"basic_auth_users: {{op: '{bcrypt.hashpw(b'open-sesame', bcrypt.gensalt(4)).decode()}'}}\n")
    folder.chmod(0o755)  # it is read again when it changes
    with Live(folder, "--web-config", config) as live:
        yield live


def test_wrong_credentials_get_401_and_a_log_line_without_the_password(tmp_path: Path) -> None:
    with guarded(tmp_path) as live:
        for user in ("op:open-barley", "mallory:open-sesame", "op:\x1b[2J\nINFO all_is_well"):
            status, text = live.get("/metrics", user)
            assert status == 401
            assert "sipwatch_" not in text
        assert live.get("/metrics")[0] == 401
        live.wait_for(r"mallory")
        status, text = live.get("/metrics", "op:open-sesame")
        assert status == 200
        assert "sipwatch_build_info{" in text
        lines = live.ended(signal.SIGTERM)
    assert all(LOG_LINE.fullmatch(line) for line in lines), lines
    told = [line for line in lines if " WARNING " in line]
    assert told
    for secret in ("barley", "sesame", "all_is_well"):
        assert not any(secret in line for line in lines), lines


def test_with_a_certificate_it_speaks_tls(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl (Debian and Ubuntu: apt install openssl)")
    tmp_path.chmod(0o755)
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "server.key", "-out", "server.pem"],
        check=True, capture_output=True, cwd=tmp_path,
    )  # fmt: skip
    config = tmp_path / "web.yml"
    config.write_text("tls_server_config: {cert_file: server.pem, key_file: server.key}\n")
    with Live(tmp_path, "--web-config", config) as live:
        trusting = ssl.create_default_context(cafile=str(tmp_path / "server.pem"))
        with urllib.request.urlopen(f"https://{live.address}/-/healthy", timeout=PATIENT, context=trusting) as answer:
            assert answer.status == 200
        lines = live.ended(signal.SIGTERM)
    assert all(LOG_LINE.fullmatch(line) for line in lines), lines


# While it runs


def test_it_serves_what_the_pipe_has_brought(tmp_path: Path) -> None:
    with Live(tmp_path) as live:
        live.wait_for(r" INFO capturing interfaces=- ")
        assert live.get("/-/healthy")[0] == live.get("/-/ready")[0] == 200
        live.write(DEMO.read_bytes())
        deadline = time.monotonic() + PATIENT
        while (
            started := re.search(
                r"^sipwatch_calls_started_total\{.*\} (\d+)\.0$", live.get("/metrics")[1], re.MULTILINE
            )
        ) is None or started[1] != "318":
            assert time.monotonic() < deadline
        assert live.get("/nowhere")[0] == 404
        live.hang_up()
        lines = live.ended()
    assert lines[-1].endswith(" INFO ended packets=4936")


def test_every_line_of_the_log_is_one_event_that_can_be_read_back(tmp_path: Path) -> None:
    with Live(tmp_path) as live:
        live.write(BUSY.read_bytes())
        live.hang_up()
        lines = live.ended()
    assert all(LOG_LINE.fullmatch(line) for line in lines), lines
    failed = [line for line in lines if " call_failed " in line]
    assert len(failed) == 3
    assert all(" outcome=busy " in line and " plain_name=Busy " in line for line in failed)


def test_as_json_every_line_is_an_object_with_the_same_fields(tmp_path: Path) -> None:
    with Live(tmp_path, "--log-format", "json") as live:
        live.write(BUSY.read_bytes())
        live.hang_up()
        lines = [json.loads(line) for line in live.ended()]
    for line in lines:
        assert list(line)[:3] == ["time", "level", "event"]
        assert line["level"] in {"INFO", "WARNING", "ERROR"}
        assert dt.datetime.fromisoformat(line["time"]).tzinfo is not None
    events = [line["event"] for line in lines]
    assert events[-1] == "ended"
    assert {"listening", "capturing", "call_failed"} <= set(events)
    failed = [line for line in lines if line["event"] == "call_failed"]
    assert [(line["outcome"], line["status_code"]) for line in failed] == [("busy", 486), ("busy", 600), ("busy", 500)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_ends_it_cleanly(number: int, tmp_path: Path) -> None:
    with Live(tmp_path) as live:
        live.write(DEMO.read_bytes()[:100_000])
        live.wait_for(r" INFO capturing ")
        lines = live.ended(number)
    assert re.search(r" INFO ended packets=\d+$", lines[-1])


def test_who_sends_a_hangup_without_a_configuration_is_told_that_there_is_none(tmp_path: Path) -> None:
    with Live(tmp_path) as live:
        live.wait_for(r" INFO capturing ")
        live.process.send_signal(signal.SIGHUP)
        live.wait_for(r" INFO configuration_kept reason=\"there is no --config to read again\"")
        live.ended(signal.SIGTERM)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that whoever root becomes can reach, too."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_with_a_store_the_calls_are_pages_beside_the_figures(place: Path) -> None:
    with Live(place, "--store", place / "store") as live:
        live.write(BUSY.read_bytes())
        live.hang_up()
        live.ended()  # then all is in the store; the pages go with the process
    with Live(place, "--store", place / "store") as live:
        status, page = live.get("/calls")
        assert (status, "Busy" in page) == (200, True)
        assert live.get("/metrics")[0] == 200
        live.ended(signal.SIGTERM)


def test_to_the_network_it_shows_figures_alone_unless_there_are_users_or_somebody_wants_it_so(place: Path) -> None:
    arguments = ["--store", place / "store", "--listen", "0.0.0.0:0"]
    for more, status in (([], 403), (["--without-users"], 200)):
        with Live(place, *arguments, *more) as live:
            live.address = "127.0.0.1:" + live.wait_for(r"INFO listening address=0.0.0.0:(\d+)")[1]
            assert (live.get("/metrics")[0], live.get("/explain/486")[0]) == (200, status)
            live.wait_for(r" INFO capturing ")
            assert (" WARNING pages_hidden reason=" in live.said()) == (status == 403)
            live.ended(signal.SIGTERM)


def libraries(live: Live) -> set[str]:
    """Return the shared libraries that it has loaded."""
    return {
        line.split()[-1] for line in Path(f"/proc/{live.process.pid}/maps").read_text().splitlines() if ".so" in line
    }


@as_root
def test_everything_is_loaded_before_rights_are_given_away(tmp_path: Path) -> None:
    """Who has become nobody may not be able to read Python's libraries any more."""
    with guarded(tmp_path) as live:
        live.wait_for(r" INFO capturing ")
        before = libraries(live)
        live.write(DEMO.read_bytes())
        assert live.get("/metrics", "op:open-sesame")[0] == 200
        assert live.get("/metrics", "op:wrong")[0] == 401
        live.process.send_signal(signal.SIGHUP)
        live.wait_for("configuration_kept")
        assert libraries(live) == before != set()
        live.ended(signal.SIGTERM)
