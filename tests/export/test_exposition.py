"""Figures as text: byte for byte what prometheus_client writes."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import Metric, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector as Registered

from sipwatch.classify.outcomes import OF_CALLS
from sipwatch.export import series
from sipwatch.export.exposition import Exposition
from sipwatch.export.families import families
from sipwatch.export.figures import Distribution, Figures
from sipwatch.export.series import MetricKind, Seen
from sipwatch.packet import SECOND
from sipwatch.track.room import SERIES
from tests.conversation import Counted, count
from tests.export.test_metrics import BYE, CHALLENGED, PEERS, PROXIED
from tests.thorough import examples

if TYPE_CHECKING:
    from collections.abc import Sequence

EOF = b"# EOF\n"
both = pytest.mark.parametrize("openmetrics", [False, True])


class Fixed(Registered):
    """What prometheus_client takes for a registry."""

    def __init__(self, families: list[Metric]) -> None:
        self.families = families

    def collect(self) -> list[Metric]:
        return self.families


def theirs(figures: Sequence[Figures], *, openmetrics: bool) -> bytes:
    registry = Fixed(list(families(figures)))
    return generate_openmetrics(registry) if openmetrics else generate_latest(registry)


def ours(figures: Sequence[Figures], *, openmetrics: bool, exposition: Exposition | None = None) -> bytes:
    text = b"".join((exposition or Exposition()).write(figures, openmetrics=openmetrics))
    return text + EOF if openmetrics else text


@both
def test_what_an_engine_counts_is_written_as_prometheus_client_does(openmetrics: bool) -> None:
    """Also the second time, and in the other format, when what does not change of each line is at hand."""
    exposition = Exposition()
    for script in (PROXIED + BYE, CHALLENGED, PROXIED + BYE):
        figures = count(script, PEERS, until="100").collector.figures()
        for form in (openmetrics, not openmetrics):
            written = ours(figures, openmetrics=form, exposition=exposition)
            assert written == theirs(figures, openmetrics=form)
    assert b'# {call="' in ours(figures, openmetrics=True)


TEXTS = st.text(st.sampled_from('ab"\\\n {}=,é\u2028'), max_size=6)
NUMBERS = st.one_of(
    st.integers(-5, 3), st.sampled_from([999_999, 1_000_000, 123_456_789, 10**15, 2**63]), st.floats(-1e9, 1e9)
)
SEEN = st.one_of(st.none(), st.builds(Seen, st.tuples(st.binary(max_size=4), st.binary(max_size=4), st.integers(0, 9)), st.integers(0, 99 * SECOND), st.integers(0, 2 * 10**18)))  # fmt: skip


@examples(100)
@given(st.data())
def test_whatever_the_labels_and_figures_are(data: st.DataObject) -> None:
    drawn = []
    for of in data.draw(st.lists(st.sampled_from(series.ALL), max_size=4, unique_by=lambda of: of.name)):
        keys = data.draw(st.lists(st.tuples(*(TEXTS for _ in of.labels)), max_size=3, unique=True))
        buckets = len(of.buckets) + 1
        if of.kind is MetricKind.HISTOGRAM:
            counts, latest = (
                st.lists(st.integers(0, 700_000), min_size=buckets, max_size=buckets),
                st.lists(SEEN, min_size=buckets, max_size=buckets),
            )
            made = {
                key: Distribution(data.draw(counts), data.draw(st.integers(0, 10**18)), data.draw(latest))
                for key in keys
            }
            drawn.append(Figures(of, {}, {}, made))
        else:
            calls = {key: data.draw(SEEN) for key in keys if of.kind is MetricKind.COUNTER}
            drawn.append(
                Figures(
                    of, {key: data.draw(NUMBERS) for key in keys}, {key: seen for key, seen in calls.items() if seen}
                )
            )
    for form in (False, True):
        assert ours(drawn, openmetrics=form) == theirs(drawn, openmetrics=form)


def test_pieces_are_small_so_that_nobody_is_kept_waiting_for_one() -> None:
    """The interpreter changes threads between two steps of Python, and joining lines is one step."""
    many = Figures(series.REQUESTS, {(str(number), "b", "INVITE"): number for number in range(20_000)})
    pieces = list(Exposition().write([many], openmetrics=True))
    assert b"".join(pieces).count(b"\n") == 20_002
    assert max(piece.count(b"\n") for piece in pieces) <= 1001


def test_a_series_takes_no_more_memory_than_is_reckoned_for_it() -> None:
    """Counted, with its latest call, and with what is kept of its lines."""
    counted, exposition = Counted(series=100_000), Exposition()
    counts = counted.counts
    tracemalloc.start()
    try:
        for number in range(100):
            ends = (f"a trunk with a name {number}", "server")
            counts._begin_leg(ends)
            counts._begin_call(ends)
            counts._begin_answered(ends)
            for outcome in OF_CALLS:
                call = (b"%040d@192.0.2.1" % number, b"%010d" % number, number)
                counts._calls.add_call((*ends, outcome.value, outcome.category.value), call, number)
                counts._ring_duration.at((*ends, outcome.category.value)).observe(number, call, number)
        for _ in exposition.write(counted.collector.figures(), openmetrics=True):
            pass
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert SERIES / 3 < taken / counts.room.taken < SERIES
