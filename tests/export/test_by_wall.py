"""Every moment that leaves is by the clock on the wall: of records, log lines, figures and their exemplars."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

import msgspec
import pytest

from sipwatch.capture.files import open_capture
from sipwatch.classify.peers import Directory, Settings
from sipwatch.classify.wall import Wall
from sipwatch.config import load
from sipwatch.engine import Engine
from sipwatch.export.by_wall import by_wall
from sipwatch.export.collector import Collector
from sipwatch.export.exposition import Exposition
from sipwatch.export.families import families
from sipwatch.export.metrics import Metrics
from sipwatch.export.moments import Duration, Moment
from sipwatch.export.summary import Summary
from sipwatch.packet import SECOND
from tests.export.test_collector import PCAPS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sipwatch.export.record import CallRecord, CaptureFindingRecord

HOUR = 3600 * SECOND
MOMENT = r"2026-..-.. ..:..:.."


def an_hour_later(found: re.Match[str]) -> str:
    return str(dt.datetime.fromisoformat(found[0]) + dt.timedelta(hours=1))


class Seen:
    """What engines make of the demonstration and of each situation, with a clock on the wall that was set by so much."""

    def __init__(self, by: int) -> None:
        self.calls: list[CallRecord] = []
        self.found: list[CaptureFindingRecord] = []
        for capture in (PCAPS / "demo.pcap", *sorted((PCAPS / "situations").glob("*.pcap"))):
            config = capture.with_suffix(".toml")
            settings = load(str(config)).settings if config.exists() else Settings()
            self.engine = Engine(self._take, metrics=Metrics(Directory(settings)), keep_messages=True)
            self.engine.wall.stepped(by)
            with open_capture([str(capture)]) as source:
                self.engine.run(source)
                self.engine.finish(source.last)
            if capture.stem == "demo":
                self.figures = Collector(self.engine).figures()
            self.found += self.engine.account.whole(Summary()).findings

    def _take(self, record: CallRecord, _: bool) -> None:
        self.calls.append(record)


def moments(value: object, where: str = "") -> Iterator[tuple[str, int]]:
    """Find every moment in a record, and everything that is called one."""
    if isinstance(value, (Moment, Duration)):
        yield f"{where} {type(value).__name__}", value
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from moments(each, f"{where}[{place}]")
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from moments(getattr(value, name), f"{where}.{name}")


@pytest.fixture(scope="module")
def plain() -> Seen:
    return Seen(0)


@pytest.fixture(scope="module")
def ahead() -> Seen:
    return Seen(HOUR)


def test_all_moments_are_moved_and_nothing_else(plain: Seen, ahead: Seen) -> None:
    back = Wall()
    back.stepped(-HOUR)
    assert sum(bool(call.findings) for call in plain.calls) > 20
    for call, moved in zip(plain.calls, ahead.calls, strict=True):
        before, after = dict(moments(call)), dict(moments(moved))
        assert after == {where: at + HOUR * where.endswith("Moment") for where, at in before.items()}
        assert by_wall(moved, back) == call


def test_a_clock_that_nobody_has_set_costs_nothing(plain: Seen) -> None:
    assert by_wall(plain.calls[0], Wall()) is plain.calls[0]


def test_moments_in_sentences_are_moved(plain: Seen, ahead: Seen) -> None:
    said = [
        (str(found.text), str(moved.text))
        for call, other in zip(plain.calls, ahead.calls, strict=True)
        for found, moved in zip(call.findings, other.findings, strict=True)
    ]
    with_moments = [(one, other) for one, other in said if re.search(MOMENT, one)]
    assert len(with_moments) > 3
    for one, other in with_moments:
        assert re.sub(MOMENT, an_hour_later, one) == other
    assert all(one == other for one, other in said if (one, other) not in with_moments)


def test_what_is_found_in_a_whole_capture_is_moved_as_well(plain: Seen, ahead: Seen) -> None:
    assert plain.found
    for one, other in zip(plain.found, ahead.found, strict=True):
        assert other.first == one.first + HOUR
        assert [seen.time for seen in other.evidence] == [seen.time + HOUR for seen in one.evidence]


def test_figures_that_are_moments_and_exemplars_are_moved(plain: Seen, ahead: Seen) -> None:
    exemplars = 0
    for one, other in zip(families(plain.figures), families(ahead.figures), strict=True):
        for sample, moved in zip(one.samples, other.samples, strict=True):
            assert moved.value == sample.value + 3600 * ("timestamp" in sample.name), sample
            one_example, other_example = sample.exemplar, moved.exemplar
            assert (one_example is None) == (other_example is None)
            if one_example is not None and other_example is not None:
                exemplars += 1
                assert other_example.labels == one_example.labels
                assert other_example.value == one_example.value
                assert float(other_example.timestamp or 0) == pytest.approx(float(one_example.timestamp or 0) + 3600)
    assert exemplars > 10


def test_what_is_served_says_the_same(ahead: Seen) -> None:
    text = b"".join(Exposition().write(ahead.figures, openmetrics=True)).decode()
    at = [float(line.rpartition(" ")[2]) for line in text.splitlines() if " # {" in line]
    assert min(at) >= 1_767_603_600 + 3600
