"""The history of the counts: every step, packet-time stamps, and nothing that Prometheus would misread."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from prometheus_client import Metric

from sipwatch.export.history import MAX_SAMPLES, History
from tests.conversation import EPOCH, Counted, messages

if TYPE_CHECKING:
    from pathlib import Path

SECOND = 1_000_000_000
BUSY = "7 A>P INVITE\n7.1 P>A 100\n9 P>A 486\n9.1 A>P ACK ttag=callee"


def written(script: str, step: int = 5) -> str:
    engine = Counted()
    history = History(engine.collector.collect, engine.advance, lambda: not engine.tracker.tracked["calls"], step)
    for _, message in history.watch((message.time, message) for message in messages(script)):
        engine.message(message)
    engine.finish()
    history.finish()
    out = io.StringIO()
    history.write(out)
    return out.getvalue()


def samples(text: str, start: str) -> list[tuple[int, float]]:
    """Return (seconds since the beginning, value) of the series that begins so."""
    found = [line.rsplit(" ", 2) for line in text.splitlines() if line.startswith(start)]
    assert len({head for head, _, _ in found}) <= 1
    return [(int(time) - EPOCH // SECOND, float(value)) for _, value, time in found]


def test_there_is_a_sample_at_each_step_of_packet_time() -> None:
    text = written(BUSY + "\n22 A>P OPTIONS call=c9")
    assert samples(text, 'sipwatch_requests_total{source="other",destination="other",method="INVITE"}') == [
        (5, 0), (10, 1), (15, 1), (20, 1), (25, 1),
    ]  # fmt: skip


def test_what_grows_was_0_one_step_before_it_was_first_seen() -> None:
    """Otherwise increase() would not see the first event."""
    text = written(BUSY + "\n22 A>P OPTIONS call=c9")  # the verdict falls at 11
    assert samples(text, "sipwatch_call_final_responses_total{") == [(10, 0), (15, 1), (20, 1), (25, 1)]


def test_timers_fire_between_the_packets_and_gauges_fall_again() -> None:
    text = written("1 A>P INVITE\n1 P>A 100\n24 P>A 486", step=5)
    key = 'sipwatch_invites_in_condition{source="other",destination="other",condition="no_progress"}'
    assert samples(text, key) == [(5, 0), (10, 0), (15, 1), (20, 1), (25, 0)]


def test_a_long_silence_with_nothing_open_is_not_written_down() -> None:
    text = written(BUSY + "\n100000 A>P OPTIONS call=c9")
    times = [
        at for at, _ in samples(text, 'sipwatch_requests_total{source="other",destination="other",method="INVITE"}')
    ]
    assert times[:3] == [5, 10, 15]
    assert times[-2:] == [100000, 100005]
    assert len(times) < 20


def test_a_call_that_is_up_keeps_the_history_going() -> None:
    text = written("1 A>P INVITE\n2 P>A 200\n2.1 A>P ACK ttag=callee branch=z9hG4bKx\n600 A>P BYE")
    assert len(samples(text, "sipwatch_calls_established{")) == 600 // 5 + 1


def ticking(seconds: int, step: int | None, first_seen: int = 0) -> list[tuple[int, int]]:
    """Return (time, value) of a counter that is seen from a second on, and of which something is always open."""
    clock = [0]

    def families() -> list[Metric]:
        metric = Metric("ticks", "Ticks.", "counter")
        if clock[0] >= first_seen * SECOND:
            metric.add_sample("ticks_total", {}, clock[0] // SECOND)
        return [metric]

    def advance(time: int) -> None:
        clock[0] = time

    history = History(families, advance, lambda: False, step)
    list(history.watch([(second * SECOND,) for second in range(5, seconds + 1, 5)]))
    out = io.StringIO()
    history.write(out)
    found = [line.split() for line in out.getvalue().splitlines() if not line.startswith("#")]
    return [(int(time), int(value)) for _, value, time in found]


def steps(found: list[tuple[int, int]]) -> set[int]:
    return {later - earlier for (earlier, _), (later, _) in pairwise(found)}


@pytest.mark.parametrize(("hours", "step"), [(1, 15), (2.9, 15), (4, 30), (24, 120)])
def test_where_nobody_chose_the_step_it_grows_with_the_capture(hours: float, step: int) -> None:
    """So the size of a series stays within bounds; every sample is still what was counted at its time."""
    found = ticking(int(hours * 3600), None)
    assert MAX_SAMPLES / 4 < len(found) <= MAX_SAMPLES
    assert steps(found[1:]) == {step}
    assert found[0][0] == 0
    assert all(value == time for time, value in found)


def test_a_chosen_step_is_kept_however_long_it_takes() -> None:
    assert steps(ticking(86_400, 60)) == {60}


@pytest.mark.parametrize("first_seen", [16, 50_000])
def test_what_grows_was_0_before_it_was_first_seen_even_where_samples_were_left_out(first_seen: int) -> None:
    found = ticking(86_400, None, first_seen)
    assert found[0][1] == 0
    assert 0 < found[1][0] - first_seen <= 120
    assert steps(found) == {120}


def test_it_is_said_how_large_it_is() -> None:
    metric = Metric("m", "about m", "gauge")
    metric.add_sample("m", {"a": "1"}, 1)
    metric.add_sample("m", {"a": "2"}, 1)
    history = History(lambda: [metric], lambda _: None, lambda: True, 7)
    list(history.watch([(5 * SECOND,), (40 * SECOND,)]))
    out = io.StringIO()
    assert history.write(out) == (2, 7, len(out.getvalue()))


def test_an_empty_capture_has_an_empty_history() -> None:
    assert written("") == "# EOF\n"


def test_families_stand_together_and_each_series_in_the_order_of_time() -> None:
    text = written(BUSY + "\n22 A>P OPTIONS call=c9")
    families = re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)
    assert len(families) == len(set(families))
    owner: list[str] = []
    for line in text.splitlines():
        if line.startswith("# TYPE"):
            owner.append(line.split()[2])
        elif not line.startswith("#"):
            assert line.startswith(owner[-1])
    times: dict[str, list[int]] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            head, _, time = line.rsplit(" ", 2)
            times.setdefault(head, []).append(int(time))
    assert all(found == sorted(set(found)) for found in times.values())


def test_label_values_are_escaped() -> None:
    metric = Metric("m", 'help with \\ and\nline "x"', "gauge")
    metric.add_sample("m", {"capture": 'a"b\\c\nd.pcap'}, 1.5)
    history = History(lambda: [metric], lambda _: None, lambda: True, 1)
    list(history.watch([(5 * SECOND,)]))
    out = io.StringIO()
    history.write(out)
    assert 'm{capture="a\\"b\\\\c\\nd.pcap"} 1.5 5\n' in out.getvalue()
    assert out.getvalue().count("\n") == 4


def test_promtool_makes_blocks_of_it(tmp_path: Path) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    (tmp_path / "history.om").write_text(written(BUSY + "\n22 A>P OPTIONS call=c9"))
    command = [
        "promtool",
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        str(tmp_path / "history.om"),
        str(tmp_path / "data"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "data").glob("*/meta.json"))
