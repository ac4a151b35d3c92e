"""Prometheus, Alertmanager, what Alertmanager calls, tcpdump, and sipwatch itself, inside a namespace.

Must not know: what traffic there is. Every namespace has a loopback of its own, so that ports are no concern.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import yaml

from tests.e2e import net
from tests.e2e.process import Running, until
from tests.e2e.scrape import Samples, fetch, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.e2e.net import Space

ROOT = Path(__file__).resolve().parent.parent.parent
RULES = ROOT / "grafana" / "prometheus" / "rules"
ALERTMANAGER_EXAMPLE = ROOT / "grafana" / "alertmanager" / "alertmanager.yml"
SIPWATCH = [sys.executable, "-m", "sipwatch"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", "COLUMNS": "100"}
PORT, PROMETHEUS, ALERTMANAGER, WEBHOOK = 10060, 9090, 9093, 9999


@contextmanager
def folder() -> Iterator[Path]:
    """Give a folder that everybody may read: sipwatch becomes somebody else, and reads its configuration again."""
    path = Path(tempfile.mkdtemp(prefix="sipwatch-e2e-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


class Sipwatch(Running):
    """``sipwatch live``, on the cable if nothing else is said."""

    def __init__(
        self,
        space: Space,
        at: Path,
        *words: str,
        what: tuple[str, ...] = ("-i", net.INTERFACE),
        program: Sequence[str] = SIPWATCH,
        environment: Mapping[str, str] = ENVIRONMENT,
        **more: Any,
    ) -> None:
        """``what`` is watched by ``program``; ``more`` is for Popen."""
        self._space = space
        log = at / f"sipwatch-{time.monotonic_ns()}.log"
        super().__init__(space.command(*program, "live", *what, *words), log, cwd=at, env=environment, **more)
        self.ready(self.is_ready, 30, "sipwatch to be ready")

    def is_ready(self) -> bool:
        """Tell whether it says that it is."""
        try:
            return fetch(self._space, PORT, "/-/ready").status == 200
        except OSError:
            return False

    def scrape(self) -> Samples:
        """Return its figures."""
        answer = fetch(self._space, PORT, "/metrics")
        assert answer.status == 200, answer
        return parse(answer.text)

    def until(self, name: str, least: float, *, seconds: float = 20, **labels: str) -> Samples:
        """Scrape until the sum of a metric's samples with these labels is ``least`` or more."""

        def enough() -> Samples | None:
            samples = self.scrape()
            return samples if samples.sum(f"sipwatch_{name}", **labels) >= least else None

        return until(enough, seconds, f"{name} to be {least}", self.said)

    def event(self, name: str, *fields: str, seconds: float = 20) -> str:
        """Wait for a line of its log about an event, with these fields in it; return the line."""

        def there() -> str:
            lines = events(self.said(), name)
            return next((line for line in lines if all(field in line for field in fields)), "")

        return until(there, seconds, f"{name} {fields}", self.said)

    def forgotten(self, seconds: float) -> None:
        """Wait until nothing is followed any more: the last timer of the last call has run out."""
        tables = ("calls", "transactions")

        def nothing() -> bool:
            samples = self.scrape()
            return not any(samples.sum("sipwatch_tracked", table=table) for table in tables)

        until(nothing, seconds, "everything to be over", self.said)

    def stop(self, number: int = signal.SIGTERM, seconds: float = 15) -> str:
        """Ask it to end; return what it wrote in all its life. There is never a traceback."""
        self.signal(number)
        status = self.wait(seconds)
        said = self.said()
        assert status == 0, said
        assert "Traceback" not in said
        return said


class Tcpdump(Running):
    """Records what passes the cable into ``file``, or hands it on."""

    def __init__(self, space: Space, at: Path, *, handed_on: bool = False) -> None:
        self.file = at / "alongside.pcap"
        words = [
            "-i",
            net.INTERFACE,
            "-U",
            "-B",
            "65536",
            "--immediate-mode",
            "--time-stamp-precision=nano",
            "-Z",
            "root",
        ]
        more = {"stdout": subprocess.PIPE} if handed_on else {}
        command = space.command("tcpdump", *words, "-w", "-" if handed_on else str(self.file))
        super().__init__(command, at / "tcpdump.log", **more)
        self.ready(lambda: "listening on" in self.said(), 20, "tcpdump to listen")

    def stop(self) -> Path:
        """End the recording, which must be whole; return its file."""
        self.signal(signal.SIGINT)
        assert self.wait(20) == 0
        assert "\n0 packets dropped by kernel" in self.said(), self.said()
        return self.file


class Alert(NamedTuple):
    """What Alertmanager told a receiver of one alert, and when."""

    receiver: str
    name: str
    status: str
    labels: dict[str, str]
    annotations: dict[str, str]
    at: float


class Webhook:
    """The receiver at the end of the chain: what calls somebody at night, in real life."""

    def __init__(self, space: Space) -> None:
        self.alerts: list[Alert] = []
        with space.inside():
            self._server = ThreadingHTTPServer(("127.0.0.1", WEBHOOK), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        alerts = self.alerts

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                now = time.time()
                alerts.extend(
                    Alert(content["receiver"], alert["labels"]["alertname"], alert["status"], alert["labels"],
                          alert["annotations"], now)
                    for alert in content["alerts"]
                )  # fmt: skip
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def told(self, name: str, status: str, seconds: float) -> Alert:
        """Wait until somebody is told that an alert is ``firing`` or ``resolved``."""

        def there() -> Alert | None:
            return next((alert for alert in list(self.alerts) if (alert.name, alert.status) == (name, status)), None)

        return until(there, seconds, f"{name} to be {status}", lambda: self.alerts)


def prometheus(space: Space, at: Path) -> Running:
    """Start Prometheus: it scrapes sipwatch every second and evaluates the rules as they are delivered."""
    config = at / "prometheus.yml"
    config.write_text(f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: ["{RULES}/*.yml"]
alerting:
  alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:{ALERTMANAGER}"]}}]}}]
scrape_configs:
  - job_name: sipwatch
    static_configs: [{{targets: ["127.0.0.1:{PORT}"]}}]
""")
    words = [
        f"--config.file={config}",
        f"--storage.tsdb.path={at}/tsdb",
        f"--web.listen-address=127.0.0.1:{PROMETHEUS}",
    ]
    return _server(space, at, "prometheus", words, PROMETHEUS)


def alertmanager(space: Space, at: Path) -> Running:
    """Start Alertmanager as in the example, but at once, and with the webhook for every receiver."""
    example = yaml.safe_load(ALERTMANAGER_EXAMPLE.read_text())
    for route in (example["route"], *example["route"]["routes"]):
        route |= {"group_wait": "0s", "group_interval": "1s"}
    webhook = [{"url": f"http://127.0.0.1:{WEBHOOK}/", "send_resolved": True}]
    example["receivers"] = [{"name": name["name"], "webhook_configs": webhook} for name in example["receivers"]]
    config = at / "alertmanager.yml"
    config.write_text(yaml.safe_dump(example))
    words = [f"--config.file={config}", f"--storage.path={at}/alerts", f"--web.listen-address=127.0.0.1:{ALERTMANAGER}",
             "--cluster.listen-address="]  # fmt: skip
    return _server(space, at, "prometheus-alertmanager", words, ALERTMANAGER)


def _server(space: Space, at: Path, program: str, words: list[str], port: int) -> Running:
    server = Running(space.command(program, *words), at / f"{program}.log", cwd=at)

    def is_ready() -> bool:
        try:
            return fetch(space, port, "/-/ready").status == 200
        except OSError:
            return False

    server.ready(is_ready, 30, f"{program} to be ready")
    return server


def events(said: str, name: str) -> list[str]:
    """Return sipwatch's log lines about one kind of event."""
    return [line for line in said.splitlines() if re.match(rf"\S+ [A-Z]+ {name}\b", line)]
