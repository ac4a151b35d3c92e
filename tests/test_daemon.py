"""The daemon's loop on a pipe: figures while it runs, time on a silent line, reloads, the end."""

from __future__ import annotations

import gc
import io
import json
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sipwatch import daemon as daemon_module
from sipwatch.capture.errors import CaptureError
from sipwatch.capture.live import PipeSource, Waker
from sipwatch.classify.peers import Settings
from sipwatch.config import Config, load
from sipwatch.daemon import Daemon
from sipwatch.export.families import families as of_figures
from sipwatch.export.series import ALL
from sipwatch.shell.log import Log
from sipwatch.shell.notify import Notifier
from tests.e2e.process import until
from tests.replay import replay

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import Metric

    from sipwatch.store.intake import Intake

PCAPS = Path(__file__).resolve().parent.parent / "pcaps"
STUCK = PCAPS / "conditions" / "no_progress.pcap"
PATIENT = 20  # seconds that a busy machine may take
EVERY_FAMILY = {  # of a daemon without a store
    f"sipwatch_{of.name}" for of in ALL if not of.name.startswith(("store_", "incidents", "webhook_"))
}


class Piped:
    """A daemon in a thread, at the end of a FIFO."""

    def __init__(self, folder: Path, config: str | None = None, intake: Intake | None = None) -> None:
        self.fifo = str(folder / "fifo")
        os.mkfifo(self.fifo)
        self.config = folder / "sipwatch.toml"
        self.out = io.StringIO()
        read = Config(Settings())
        if config is not None:
            self.config.write_text(config)
            read = load(str(self.config))
        self.error: BaseException | None = None
        # Somebody has to hold both ends before either can be opened.
        self.ends = threading.Thread(target=self._open_to_write, daemon=True)
        self.ends.start()
        self.source = PipeSource(self.fifo)
        path = None if config is None else str(self.config)
        log = Log(self.out, "json", time.time)
        self.daemon = Daemon(self.source, read, path, log, Notifier({}), intake=intake)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        self.ends.join(PATIENT)

    def _open_to_write(self) -> None:
        self.pipe: io.BufferedWriter | None = open(self.fifo, "wb")  # noqa: PTH123, SIM115 - closed by a test's end

    def _run(self) -> None:
        try:
            with self.source:
                self.daemon.run()
        except BaseException as error:  # noqa: BLE001 - handed to the test
            self.error = error

    def write(self, data: bytes) -> None:
        assert self.pipe is not None
        self.pipe.write(data)
        self.pipe.flush()

    def hang_up(self) -> None:
        if self.pipe is not None:
            self.pipe.close()
            self.pipe = None

    def over(self) -> None:
        """Wait for the end of the loop; whatever it raised is the test's failure."""
        self.thread.join(PATIENT)
        assert not self.thread.is_alive()
        if self.error is not None:
            raise self.error

    def value(self, name: str, **labels: str) -> float:
        """Ask for figures; return the sum of a sample's values that have these labels."""
        return sample(families(self.daemon), name, **labels)

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.out.getvalue().splitlines()]
        return [line for line in lines if line["event"] == name]


def families(daemon: Daemon) -> list[Metric]:
    """Ask for figures as any other thread does."""
    return list(of_figures(daemon.collect()))


def sample(found_in: list[Metric], name: str, **labels: str) -> float:
    """Sum the samples of a name that have these labels."""
    found = [s for metric in found_in for s in metric.samples if s.name == f"sipwatch_{name}"]
    return sum(s.value for s in found if labels.items() <= s.labels.items())


@pytest.fixture
def piped(tmp_path: Path) -> Iterator[Piped]:
    daemon = Piped(tmp_path)
    yield daemon
    daemon.daemon.stop()
    daemon.hang_up()
    daemon.thread.join(PATIENT)


def test_figures_are_whole_however_many_turns_of_the_loop_it_takes_to_copy_them(
    piped: Piped, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two batches there is time for a step or two; whoever asks in the middle gets the same."""
    monkeypatch.setattr(daemon_module, "_AT_ONCE", 0.0)
    woken: list[Waker] = []
    wake = Waker.wake

    def counted(waker: Waker) -> None:
        woken.append(waker)
        wake(waker)

    monkeypatch.setattr(Waker, "wake", counted)
    piped.write((PCAPS / "demo.pcap").read_bytes())
    until(lambda: piped.value("calls_started_total") == 318, PATIENT, "every call to begin")
    before = len(woken)
    found = families(piped.daemon)
    assert len(woken) - before > 10
    assert {one.name for one in found} == EVERY_FAMILY
    assert sample(found, "calls_started_total") == 318


def test_figures_are_there_while_it_runs_and_complete_when_the_pipe_ends(piped: Piped) -> None:
    piped.write((PCAPS / "demo.pcap").read_bytes())
    until(lambda: piped.value("calls_started_total") == 318, PATIENT, "every call to begin")
    found = families(piped.daemon)
    assert [one.name for one in found if one.samples and not one.name.startswith("sipwatch_")] == []
    assert {one.name for one in found} == EVERY_FAMILY
    assert sample(found, "capture_packets_total") == 4936
    piped.hang_up()
    piped.over()
    assert piped.events("ended")[0]["packets"] == 4936
    assert sum(piped.daemon.engine.metrics.counters["calls"].values.values()) == 318  # type: ignore[union-attr]


def test_no_collection_of_what_is_new_keeps_the_loop_for_long(piped: Piped) -> None:
    """Whichever thread makes objects, the interpreter is its own meanwhile: a microsecond for each that is looked at."""
    until(lambda: piped.daemon.ready() is None, PATIENT, "the loop to turn")
    young, old, _ = gc.get_threshold()
    assert young <= 1000
    assert young * old <= 3000


STUCK_SOON = "[timers]\nslow_progress_after = 0.1\nno_progress_after = 0.3\n"


def up_to_trying() -> bytes:
    """Return a capture with an INVITE and its 100, and then nothing."""
    stuck = STUCK.read_bytes()
    end = 24 + 16 + int.from_bytes(stuck[32:36], "little")
    end += 16 + int.from_bytes(stuck[end + 8 : end + 12], "little")
    return stuck[:end]


def test_on_a_silent_line_a_timer_still_fires(tmp_path: Path) -> None:
    piped = Piped(tmp_path, STUCK_SOON)
    piped.write(up_to_trying())
    until(lambda: piped.value("invites_in_condition", condition="no_progress"), PATIENT, "the condition")
    (raised,) = [line for line in piped.events("condition_raised") if line["condition"] == "no_progress"]
    assert raised["time"].startswith("2026-01-05T09:00:00.4")  # 0.3 s after the 100, however late we looked
    piped.hang_up()
    piped.over()


def test_conditions_are_told_in_the_log_as_they_come_and_go(piped: Piped) -> None:
    piped.write(STUCK.read_bytes())
    piped.hang_up()
    piped.over()
    raised, resolved = piped.events("condition_raised"), piped.events("condition_resolved")
    assert [line["condition"] for line in raised] == ["slow_progress", "no_progress"]
    assert [line["condition"] for line in resolved] == ["slow_progress", "no_progress"]
    assert {line["id"] for line in raised} == {line["id"] for line in resolved}


def test_every_failed_call_is_told_in_the_log_and_no_other(piped: Piped) -> None:
    piped.write((PCAPS / "outcomes" / "busy.pcap").read_bytes())
    piped.hang_up()
    piped.over()
    expected = [call for call in replay(PCAPS / "outcomes" / "busy.pcap").calls if call.category != "success"]
    told = [(line["id"], line["outcome"], line["status_code"]) for line in piped.events("call_failed")]
    assert told == [(call.id, call.outcome, call.status_code) for call in expected]
    assert told


def test_every_call_that_ended_oddly_is_told_in_the_log_and_no_other(piped: Piped) -> None:
    piped.write((PCAPS / "demo.pcap").read_bytes())
    piped.hang_up()
    piped.over()
    odd = [call for call in replay(PCAPS / "demo.pcap").calls if call.ending not in (None, "normal", "capture_end")]
    told = [(line["id"], line["ending"], line["ended_by"]) for line in piped.events("call_ended_oddly")]
    assert sorted(told) == sorted((call.id, call.ending, call.ended_by) for call in odd)
    assert told


def test_a_reload_takes_new_peers_and_keeps_every_call(tmp_path: Path) -> None:
    piped = Piped(tmp_path, "")
    demo = (PCAPS / "demo.pcap").read_bytes()
    half = len(demo) // 2
    piped.write(demo[:half])
    until(lambda: piped.value("calls_total"), PATIENT, "calls")
    piped.config.write_text((PCAPS / "demo.toml").read_text())
    piped.daemon.reload()
    until(lambda: piped.events("configuration_read"), PATIENT, "the new configuration")
    piped.write(demo[half:])
    until(lambda: piped.value("calls_started_total") == 318, PATIENT, "every call to begin")
    found = families(piped.daemon)
    assert sample(found, "calls_started_total", source="other") > 0
    assert sample(found, "calls_started_total", source="acme") > 0
    assert sample(found, "config_last_reload_successful") == 1
    piped.hang_up()
    piped.over()


def test_what_the_log_hides_is_a_matter_of_the_configuration_and_of_the_next(tmp_path: Path) -> None:
    piped = Piped(tmp_path, "[privacy]\nmask = 4\n")
    busy = (PCAPS / "outcomes" / "busy.pcap").read_bytes()
    piped.write(busy)
    until(lambda: len(piped.events("call_failed")) == 3, PATIENT, "every call to fail")
    assert {line["caller"] for line in piped.events("call_failed")} == {"1555****"}
    assert "15550" not in piped.out.getvalue()
    piped.config.write_text("")
    piped.daemon.reload()
    until(lambda: piped.events("configuration_read"), PATIENT, "the new configuration")
    declined = (PCAPS / "outcomes" / "declined.pcap").read_bytes()
    piped.write(declined[24:])
    piped.hang_up()
    piped.over()
    assert {line["caller"] for line in piped.events("call_failed")[3:]} == {"15550100"}


def test_a_reload_that_fails_keeps_the_old_configuration_and_says_why(tmp_path: Path) -> None:
    piped = Piped(tmp_path, "")
    piped.write((PCAPS / "demo.pcap").read_bytes()[:24])
    piped.config.write_text("[timers]\nno_answer_after = 'soon'\n")
    piped.daemon.reload()
    (kept,) = until(lambda: piped.events("configuration_kept"), PATIENT, "word of the failure")
    assert "line 2" in kept["reason"]
    assert "soon" in kept["reason"]
    assert piped.value("config_last_reload_successful") == 0
    piped.config.write_text("")
    piped.daemon.reload()
    until(lambda: piped.value("config_last_reload_successful"), PATIENT, "the configuration put right")
    piped.hang_up()
    piped.over()


def test_it_stops_when_told_to_also_on_a_silent_line(piped: Piped) -> None:
    piped.write((PCAPS / "demo.pcap").read_bytes())
    until(lambda: piped.value("calls_started_total") == 318, PATIENT, "every call to begin")
    piped.daemon.stop()
    piped.over()
    assert piped.events("ended")


def test_who_asks_when_nobody_answers_any_more_is_told_so(piped: Piped, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sipwatch.daemon.PATIENCE", 0.01)
    piped.daemon.stop()
    piped.over()
    with pytest.raises(TimeoutError):
        piped.daemon.collect()


def test_it_is_ready_while_it_captures_and_healthy_while_its_loop_turns(piped: Piped) -> None:
    until(lambda: piped.daemon.ready() is None, PATIENT, "it to be ready")
    assert piped.daemon.healthy() is None
    piped.daemon.stop()
    piped.over()
    assert piped.daemon.ready() == "not capturing"
    piped.daemon._turned_at -= 60
    assert "has not turned for 6" in str(piped.daemon.healthy())


def test_what_is_no_capture_ends_it_with_a_word(piped: Piped) -> None:
    piped.write(b"GET / HTTP/1.1\r\n" * 10)
    piped.hang_up()
    with pytest.raises(CaptureError, match="capture"):
        piped.over()


# What pages ask


def test_what_is_going_on_is_told_while_it_runs(tmp_path: Path) -> None:
    piped = Piped(tmp_path, STUCK_SOON)
    piped.write(up_to_trying())
    until(lambda: piped.value("invites_in_condition", condition="no_progress"), PATIENT, "the condition")
    found = piped.daemon.now()
    assert [one.kind for one in found.stuck] == ["no_progress"]
    assert str(found.stuck[0].since).startswith("2026-01-05T09:00:00.4")
    assert (found.total.trying, found.lost) == (1, [])
    piped.hang_up()
    piped.over()


def test_who_waits_to_be_called_back_is_told_while_it_runs(tmp_path: Path) -> None:
    piped = Piped(tmp_path, (PCAPS / "demo.toml").read_text() + "[callback]\nwithin = 86400\n")
    piped.write((PCAPS / "demo.pcap").read_bytes())
    until(lambda: piped.value("calls_started_total") == 318, PATIENT, "every call to begin")
    found = piped.daemon.waiting()
    assert (found.has_trunk, found.within_seconds) == (True, 86_400)
    assert len(found.waiting) > 1
    assert [one.missed for one in found.waiting] == sorted(one.missed for one in found.waiting)
    piped.hang_up()
    piped.over()
