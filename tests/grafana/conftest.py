"""A real Prometheus with two histories: that of demo.pcap, and one that is made up and has everything."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.process import Running
from tests.grafana import made_up

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent.parent
DEMO = ["pcaps/demo.pcap", "--config", "pcaps/demo.toml"]


class Prometheus:
    """Asks a server over HTTP."""

    def __init__(self, address: str) -> None:
        self._address = address

    def get(self, path: str, **parameters: str | float) -> Any:
        """Return the ``data`` of an answer. What Prometheus says against the question is the failure."""
        url = f"http://{self._address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            pytest.fail(f"{parameters}: {error.read().decode()}")

    def at(self, query: str, time: float) -> Any:
        """Return what a query gives at a moment."""
        return self.get("query", query=query, time=time)["result"]

    def between(self, query: str, start: float, end: float, step: float) -> Any:
        """Return what a query gives over a time."""
        return self.get("query_range", query=query, start=start, end=end, step=step)["result"]


def _run(*command: object, **more: Any) -> str:
    done = subprocess.run([*map(str, command)], cwd=ROOT, capture_output=True, text=True, check=False, **more)
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def _fill(folder: Path, text: str) -> None:
    (folder / "history.om").write_text(text, encoding="utf-8")
    _run("promtool", "tsdb", "create-blocks-from", "openmetrics", folder / "history.om", folder / "data")


@pytest.fixture(scope="session")
def histories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with blocks of both histories (``data``) and the demo's report; made by one worker for all."""
    for program in ("prometheus", "promtool"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "histories"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            replay = (sys.executable, "-m", "sipwatch", "replay", *DEMO, "--format")
            _fill(folder, _run(*replay, "openmetrics", "--step", 15))
            _fill(folder, made_up.openmetrics(made_up.END))
            _fill(folder, made_up.openmetrics(made_up.END - made_up.WEEK))
            (folder / "report.json").write_text(_run(*replay, "json"))
            (folder / "complete").touch()
    return folder


@pytest.fixture(scope="session")
def report(histories: Path) -> dict[str, Any]:
    """Return what sipwatch says of demo.pcap in JSON."""
    found: dict[str, Any] = json.loads((histories / "report.json").read_text())
    return found


@pytest.fixture(scope="session")
def prometheus(histories: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Return a Prometheus of this worker's own with both histories."""
    folder = tmp_path_factory.mktemp("prometheus")
    shutil.copytree(histories / "data", folder / "data")
    (folder / "prometheus.yml").touch()
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=100y",  # else the older history would be thrown away
        "--enable-feature=exemplar-storage",
        f"--web.listen-address={address}",
        "--log.level=warn",
    ]
    with Running(command, folder / "log") as server:
        server.ready(lambda: _ready(address), 30, "being ready")
        yield Prometheus(address)


def _ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}/-/ready", timeout=30):
            return True
    except OSError:  # nobody listens yet, or the answer is that it is not ready
        return False
