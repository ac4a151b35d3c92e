"""The counts as Prometheus reads them: names, types, exemplars; promtool has nothing to say against them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prometheus_client import Metric, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.registry import Collector as Registered

from sipwatch.capture.files import open_capture
from sipwatch.classify.peers import Directory
from sipwatch.config import load
from sipwatch.engine import Engine
from sipwatch.export import series
from sipwatch.export.collector import Collector
from sipwatch.export.families import families
from sipwatch.export.metrics import Metrics
from sipwatch.export.series import INVITES, MetricKind
from sipwatch.track.traffic import Pair
from tests.conversation import count
from tests.export.test_metrics import BYE, PEERS, PROXIED
from tests.replay import replay

if TYPE_CHECKING:
    from sipwatch.export.figures import Figures

PCAPS = Path(__file__).resolve().parents[2] / "pcaps"
ABOUT_THE_SHELL = {
    "capture_packets", "capture_dropped", "capture_up", "capture_stalls", "capture_clock_steps", "clock_lag_seconds",
    "log_suppressed", "log_failed", "build_info", "store_dropped", "store_calls", "store_calls_waiting", "store_size_bytes",
    "incidents", "webhook_posts",
    "late_messages", "hep_messages", "hep_node_last_seen_timestamp_seconds", "hep_clock_skew_seconds", "hep_connections",
    "hep_connections_closed", "hep_sent", "hep_unsent", "hep_target_up", "config_last_reload_successful", "config_last_reload_success_timestamp_seconds",
}  # fmt: skip


class Fixed(Registered):
    def __init__(self, families: list[Metric]) -> None:
        self.families = families

    def collect(self) -> list[Metric]:
        return self.families


@pytest.fixture(scope="module")
def demo() -> Fixed:
    settings = load(str(PCAPS / "demo.toml")).settings
    engine = Engine(None, metrics=Metrics(Directory(settings)))
    with open_capture([str(PCAPS / "demo.pcap")]) as source:
        engine.run(source)
        engine.finish(source.last)
    return Fixed(list(Collector(engine).collect()))


def test_every_metric_of_the_engine_is_collected_once_with_its_type_and_labels(demo: Fixed) -> None:
    collected = {metric.name: metric for metric in demo.families}
    expected = [of for of in series.ALL if of.name not in ABOUT_THE_SHELL]
    assert [metric.name for metric in demo.families] == [f"sipwatch_{of.name}" for of in expected]
    for of in expected:
        metric = collected[f"sipwatch_{of.name}"]
        assert metric.type == of.kind.value
        labels = {frozenset(sample.labels) - {"le"} for sample in metric.samples}
        assert labels <= {frozenset(of.labels)}


def test_names_follow_the_conventions() -> None:
    for of in series.ALL:
        assert not of.name.endswith("_total"), of.name
        assert of.meaning.endswith("."), of.name
        if of.kind is MetricKind.HISTOGRAM:
            assert of.name.endswith("_seconds"), of.name
            assert list(of.buckets) == sorted(set(of.buckets))
        else:
            assert of.buckets == ()
    assert len({of.name for of in series.ALL}) == len(series.ALL)


def test_promtool_has_nothing_to_say(demo: Fixed) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=generate_latest(demo), capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_openmetrics_can_be_read_back_and_says_the_same(demo: Fixed) -> None:
    text = generate_openmetrics(demo).decode()
    read = {metric.name: metric for metric in text_string_to_metric_families(text)}
    for metric in demo.families:
        before = {(s.name, *sorted(s.labels.items())): s.value for s in metric.samples}
        after = (
            {(s.name, *sorted(s.labels.items())): s.value for s in read[metric.name].samples} if metric.samples else {}
        )
        assert after == before, metric.name


def test_exemplars_name_calls_that_the_report_lists(demo: Fixed) -> None:
    ids = {call.id for call in replay(PCAPS / "demo.pcap", config=(PCAPS / "demo.toml").read_text()).calls}
    found = [s.exemplar for metric in demo.families for s in metric.samples if s.exemplar is not None]
    assert len(found) > 100
    assert {exemplar.labels["call"] for exemplar in found} <= ids
    named = {metric.name for metric in demo.families for s in metric.samples if s.exemplar is not None}
    assert {
        "sipwatch_calls",
        "sipwatch_invites",
        "sipwatch_ring_duration_seconds",
        "sipwatch_invite_conditions",
    } <= named


def test_an_exemplars_value_lies_in_its_bucket(demo: Fixed) -> None:
    for metric in demo.families:
        for sample in metric.samples:
            if sample.exemplar is not None and "le" in sample.labels:
                assert sample.exemplar.value <= float(sample.labels["le"])


def test_buckets_are_cumulative_and_exact_at_their_bounds() -> None:
    """``le`` means at most: a delay of exactly 1 s lies in the bucket of 1 s."""
    engine = count(
        "0 A>P INVITE\n0 P>A 100\n1 P>A 180\n2 P>A 486\n10 A>P INVITE call=c2\n10 P>A 100 call=c2\n11.000001 P>A 180 call=c2"
    )
    metric = next(f for f in engine.collector.collect() if f.name == "sipwatch_progress_delay_seconds")
    values = {s.labels["le"]: s.value for s in metric.samples if s.labels["status_code"] == "180" and "le" in s.labels}
    assert (values["0.5"], values["1.0"], values["2.0"], values["+Inf"]) == (0, 1, 2, 2)


def test_an_engine_that_counts_nothing_cannot_be_collected() -> None:
    with pytest.raises(ValueError, match="counts nothing"):
        Collector(Engine(None))


def test_discards_have_a_stage_and_duplicates_a_metric_of_their_own(demo: Fixed) -> None:
    by_name = {metric.name: metric for metric in demo.families}
    assert by_name["sipwatch_capture_duplicates"].samples[0].value == 40
    stages = {s.labels["stage"] for s in by_name["sipwatch_discards"].samples}
    assert stages <= {"link", "network", "transport", "sip"}
    assert "duplicate" not in {s.labels["reason"] for s in by_name["sipwatch_discards"].samples}


def test_figures_are_copied_in_small_steps_while_counting_goes_on() -> None:
    """What holds up the capture is a step; what is counted between two may be in or not, but is in no series twice."""
    counted = count(PROXIED + BYE, PEERS)
    for number in range(500):
        ends = (f"p{number}", "q")
        counted.counts._begin_leg(ends)
        counted.counts._trying_delay.at(ends).observe(1, None, 0)
        counted.engine.tracker.traffic.pairs[ends] = pair = Pair(*ends)
        pair.requests["INVITE"] = number
    found: list[Figures] = []
    for step, _ in enumerate(counted.collector.steps(found)):
        counted.counts._causes.add(("a", "b", "SIP", str(step)))
    made = [sample for metric in families(found) for sample in metric.samples]
    assert len(made) == len({(sample.name, *sorted(sample.labels.items())) for sample in made}) > 20_000
    assert len([part for part in found if part.of is INVITES]) > 10
    assert max(len(part.values) for part in found) <= 1000
    assert max(len(part.distributions) for part in found) <= 200


def test_others_are_counted_once_also_where_strays_are_among_them() -> None:
    """A response that answers nothing stands beside what passes between two unknown ends."""
    counted = count("0 A>P INVITE\n1 P>A 486\n2 A>P ACK ttag=callee")
    stray = count("0 P>A 486\n1 A>P INVITE\n2 P>A 486\n3 A>P ACK ttag=callee")
    key = ("other", "other", "INVITE", "486")
    assert (counted.values("responses_total")[key], stray.values("responses_total")[key]) == (1, 2)
    for one in (counted, stray):
        made = [sample for metric in one.collector.collect() for sample in metric.samples]
        assert len(made) == len({(sample.name, *sorted(sample.labels.items())) for sample in made})
