"""``sipwatch replay`` with metrics: the history for Prometheus' backfilling, and ``--serve`` for a quick look."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections import Counter
from typing import TYPE_CHECKING, Self

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.cli.program import BUSY, COMMAND, DEMO, ENVIRONMENT, ROOT, run, the_complaint

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow  # a process for each test

CONFIG = DEMO.with_suffix(".toml")
PATIENT = 30  # seconds that a busy machine may take
Series = tuple[str, frozenset[tuple[str, str]]]
Stamped = dict[Series, dict[int, float]]  # by milliseconds since 1970

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="needs promtool (Debian and Ubuntu: apt install prometheus)"
)


def parsed(text: str) -> dict[Series, float]:
    """Read the text format, each series once."""
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    found = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
    assert len(found) == len(samples)
    return found


def latest(history: str) -> dict[Series, float]:
    """Return the last value of each series of a history."""
    lines = (line.rsplit(" ", 2) for line in history.splitlines() if not line.startswith("#"))
    return parsed("".join(f"{series} {value}\n" for series, value in {line[0]: line[1] for line in lines}.items()))


def about_calls(samples: dict[Series, float]) -> dict[Series, float]:
    """Leave out what only a server's process has, and the timers that are kept: a history's last step clears some away."""
    timers = ("sipwatch_tracked", frozenset({("table", "timers")}))
    return {key: value for key, value in samples.items() if not key[0].startswith("process_") and key != timers}


# For backfilling


def blocks_of(history: Path, folder: Path) -> Stamped:
    """Make blocks of a history for Prometheus, and ask Prometheus' own tool what is in them."""
    made = subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(history), str(folder)],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    (folder / "wal").mkdir()  # promtool expects one wherever Prometheus has been
    dumped = subprocess.run(["promtool", "tsdb", "dump", str(folder)], check=True, capture_output=True, text=True)
    found: Stamped = {}
    for line in dumped.stdout.splitlines():
        labels, value, at = re.fullmatch(r"\{(.*)\} (\S+) (\d+)", line).groups()  # type: ignore[union-attr]
        pairs = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels))
        found.setdefault((pairs.pop("__name__"), frozenset(pairs.items())), {})[int(at)] = float(value)
    return found


@needs_promtool
def test_promtool_makes_blocks_in_which_every_value_is_right(tmp_path: Path) -> None:
    history = tmp_path / "demo.om"
    run("replay", DEMO, "--config", CONFIG, "--format", "openmetrics", "-o", history)
    stored = blocks_of(history, tmp_path / "data")
    # Each series is there with the value that the history ends with; none other.
    text = history.read_text()
    assert {key: values[max(values)] for key, values in stored.items()} == latest(text)
    assert sum(len(values) for values in stored.values()) == sum(not line.startswith("#") for line in text.splitlines())
    # And that is what the report says of the same capture.
    report = json.loads(run("replay", DEMO, "--config", CONFIG, "--format", "json").stdout)
    calls: Counter[tuple[str, str, str]] = Counter()
    for (name, labels), values in stored.items():
        if name == "sipwatch_calls_total" and values[max(values)]:
            of = dict(labels)
            calls[of["source"], of["destination"], of["outcome"]] += int(values[max(values)])
    assert calls == Counter((call["source"], call["destination"], call["outcome"]) for call in report["calls"])
    assert sum(calls.values()) == report["summary"]["calls"] > 300


@needs_promtool
def test_samples_stand_at_the_time_of_their_packets(tmp_path: Path) -> None:
    history = tmp_path / "busy.om"
    run("replay", BUSY, "--format", "openmetrics", "--step", 10, "-o", history)
    stored = blocks_of(history, tmp_path / "data")
    report = json.loads(run("replay", BUSY, "--format", "json").stdout)
    times = sorted({at for values in stored.values() for at in values})
    first = int(time.mktime(time.strptime("2026-01-05T09:00:00 UTC", "%Y-%m-%dT%H:%M:%S %Z")) - time.timezone) * 1000
    assert report["capture"]["first"].startswith("2026-01-05T09:00:00")
    assert times == list(range(first, max(times) + 1, 10_000))
    busy = {
        at: value
        for (name, labels), values in stored.items()
        for at, value in values.items()
        if name == "sipwatch_calls_total" and ("outcome", "busy") in labels
    }
    # Three calls, a minute apart, refused within four seconds.
    assert [busy[first + at] for at in (0, 10_000, 60_000, 70_000, 120_000, 130_000)] == [0, 1, 1, 2, 2, 3]


def test_a_step_says_how_far_samples_are_apart(tmp_path: Path) -> None:
    counts = []
    for step in (5, 60):
        text = run("replay", BUSY, "--format", "openmetrics", "--step", step).stdout
        assert text.endswith("# EOF\n")
        times = {int(line.rsplit(" ", 1)[1]) for line in text.splitlines() if not line.startswith("#")}
        assert all(at % step == 0 for at in times)
        counts.append(len(times))
        assert latest(text)["sipwatch_calls_started_total", frozenset({("source", "other")})] == 3
    assert counts[0] > 5 * counts[1]


def test_the_step_is_fifteen_seconds_if_nothing_else_is_said() -> None:
    said = run("replay", BUSY, "--format", "openmetrics", "--step", 15).stdout
    assert run("replay", BUSY, "--format", "openmetrics").stdout == said


# For a quick look


class Serving:
    """``sipwatch replay --serve``, and where it serves."""

    def __init__(self, folder: Path, *arguments: object) -> None:
        self._out, self._err = folder / "out", folder / "err"
        words = [*COMMAND, "replay", *map(str, arguments), "--serve", "--listen", "127.0.0.1:0"]
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=ROOT, env=ENVIRONMENT
            )

    def __enter__(self) -> Self:
        deadline = time.monotonic() + PATIENT
        while not (
            found := re.search(
                r"^sipwatch: serving (http://\S+)/metrics until Ctrl-C$", self.complaints(), re.MULTILINE
            )
        ):
            assert self.process.poll() is None, self.complaints()
            assert time.monotonic() < deadline, self.complaints()
            time.sleep(0.02)
        self.url = found[1]
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path, timeout=PATIENT) as answer:
            return str(answer.read().decode())

    def result(self) -> str:
        return self._out.read_text()

    def complaints(self) -> str:
        return self._err.read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_served_are_the_figures_that_the_history_ends_with_until_a_signal(number: int, tmp_path: Path) -> None:
    last = latest(run("replay", DEMO, "--config", CONFIG, "--format", "openmetrics").stdout)
    with Serving(tmp_path, DEMO, "--config", CONFIG) as serving:
        assert "318" in serving.result()  # the report comes first, and is complete
        served = about_calls(parsed(serving.get("/metrics")))
        assert served == about_calls(last)
        assert "ready" in serving.get("/-/ready")
        assert "healthy" in serving.get("/-/healthy")
        serving.process.send_signal(number)
        assert serving.process.wait(PATIENT) == 0
        assert "Traceback" not in serving.complaints()
        assert len(serving.complaints().splitlines()) == 1


def test_a_history_is_written_before_it_is_served(tmp_path: Path) -> None:
    with Serving(tmp_path, BUSY, "--format", "openmetrics") as serving:
        written = serving.result()
        assert written == run("replay", BUSY, "--format", "openmetrics").stdout
        assert about_calls(parsed(serving.get("/metrics"))) == about_calls(latest(written))


@pytest.mark.parametrize("form", ["json", "jsonl", "csv"])
def test_every_report_can_be_served(form: str, tmp_path: Path) -> None:
    with Serving(tmp_path, BUSY, "--format", form) as serving:
        assert serving.result() == run("replay", BUSY, "--format", form).stdout != ""
        assert 'sipwatch_calls_started_total{source="other"} 3.0\n' in serving.get("/metrics")


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        line = the_complaint(run("replay", BUSY, "--serve", "--listen", address, status=1))
    assert line.startswith(f"sipwatch: cannot listen at {address}: another program listens there")


def test_an_address_that_is_none_is_one_line_with_an_example() -> None:
    line = the_complaint(run("replay", BUSY, "--serve", "--listen", "nonsense", status=1))
    assert line.startswith("sipwatch: cannot listen at 'nonsense': expected HOST:PORT")


WRONG: list[tuple[list[object], str]] = [
    (["--step", 5], "is of use only with --format openmetrics"),
    (["--step", 0, "--format", "openmetrics"], "Invalid value for '--step'"),
    (["--step", "x", "--format", "openmetrics"], "Invalid value for '--step'"),
    (["--listen", "127.0.0.1:0"], "is of use only with --serve"),
    (["--serve", "--filter", 'outcome == "busy"'], "metrics count every call; they cannot be filtered"),
    (["--format", "openmetrics", "--filter", 'outcome == "busy"'], "metrics count every call; they cannot be filtered"),
    (["--serve", "--ladder", "x"], "a ladder cannot be combined with --serve"),
    (["--format", "openmetrics", "--ladder", "x"], "cannot be combined with --format"),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG, ids=[" ".join(map(str, w[0])) for w in WRONG])
def test_options_that_do_not_go_together_are_wrong_usage(arguments: list[object], words: str) -> None:
    done = run("replay", BUSY, *arguments, status=2)
    assert words in " ".join(done.stderr.split())
    assert done.stdout == ""
