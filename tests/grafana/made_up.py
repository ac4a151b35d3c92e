"""A made-up history in which every series of sipwatch, and what stands beside them in Prometheus, has values.

Everything grows or stands at every step, now and at the same time a week before: what a query does not find here it
finds nowhere.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from sipwatch.capture.hep import CLOSED
from sipwatch.classify.endings import ENDINGS_BY, Ending
from sipwatch.classify.outcomes import CATEGORY_OF, Outcome
from sipwatch.classify.tags import Tag
from sipwatch.export import series
from sipwatch.export.metrics import METHODS, PHASES, RESOLUTIONS
from sipwatch.export.series import MetricKind, Series
from sipwatch.shell.hep_out import REASONS as UNSENT
from sipwatch.store.intake import DROPS
from sipwatch.track.conditions import Condition
from sipwatch.track.dialog import EndedBy
from sipwatch.track.events import Notice, OptionsOutcome, RegistrationOutcome
from sipwatch.wire.discards import STAGE
from sipwatch.wire.heads import FIRST_FRAGMENT_ONLY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

END = 1_772_445_000  # 2026-03-02T09:50:00Z
LENGTH = 720
STEP = 15
WEEK = 604_800
TARGET = {"job": "sipwatch", "instance": "192.0.2.1:10060"}

ALERTS = {
    "SipTrunkBusy": {"source": "phones", "destination": "acme"},
    "SipPeerVanished": {"peer": "acme"},
    "SipCaptureDropping": {"capture": "eth0"},
}

Labels = dict[str, str]
Line = tuple[str, Labels, float, float]  # name, labels, value at the beginning, growth each step

# Every value that a label can have, or, where the wire decides, some.
VALUES: dict[str, tuple[str, ...]] = {
    "source": ("phones", "acme"),
    "destination": ("acme", "phones"),
    "peer": ("acme", "phones"),
    "outcome": tuple(Outcome),
    "status_code": ("200", "302", "404", "408", "486", "503", "603", "none"),
    "timer": ("B", "C", "cancel"),
    "software": ("yealink", "other"),
    "side": ("caller", "callee"),
    "phase": tuple(PHASES.values()),
    "ended_by": tuple(EndedBy),
    "ending": tuple(Ending),
    "result": ("success", "failure"),
    "condition": tuple(Condition),
    "protocol": ("Q.850",),
    "cause": ("17", "34"),
    "method": METHODS,
    "tag": tuple(Tag),
    "capture": ("eth0", "eth1"),
    "target": ("tcp:192.0.2.10:9060", "udp:192.0.2.11:9060"),
    "table": ("calls", "streams"),
    "event": ("call_ended_oddly", "call_failed", "condition_raised"),
    "version": ("0.1.0",),
    "implementation": ("compiled",),
}
# What a gauge stands at; the others at 1.
GAUGES = {"objective_ratio": 0.75}
# ... where that depends on the metric.
OF_METRIC: dict[tuple[str, str], tuple[str, ...]] = {
    ("progress_delay_seconds", "status_code"): ("180", "181", "182", "183", "199", "final"),
    ("software_calls", "result"): ("success", "failure", "neither"),
    ("registrations", "outcome"): tuple(RegistrationOutcome),
    ("registrations", "status_code"): ("200", "401", "403", "none"),
    ("options", "outcome"): tuple(OptionsOutcome),
    ("notices", "reason"): (*Notice, FIRST_FRAGMENT_ONLY),
    ("hep_connections_closed", "reason"): CLOSED,
    ("hep_unsent", "reason"): UNSENT,
    ("store_dropped", "reason"): tuple(dict.fromkeys(why for _, why in DROPS)),
    ("store_dropped", "what"): tuple(dict.fromkeys(what for what, _ in DROPS)),
    ("discards", "reason"): tuple(STAGE),
    ("discards", "stage"): tuple(dict.fromkeys(STAGE.values())),
}


def values(of: Series, label: str) -> tuple[str, ...]:
    """Return the values a label of a metric can have."""
    if label == "category":
        return tuple(dict.fromkeys(CATEGORY_OF.values()))
    if label == "resolution":
        return tuple(dict.fromkeys(how.value for hows in RESOLUTIONS.values() for how in hows))
    return OF_METRIC.get((of.name, label)) or VALUES[label]


def combinations(of: Series) -> Iterator[Labels]:
    """Return the labels of every series of a metric, without those that cannot be."""
    for found in product(*(values(of, label) for label in of.labels)):
        labels = dict(zip(of.labels, found, strict=True))
        if {"category", "outcome"} <= labels.keys() and CATEGORY_OF[labels["outcome"]] != labels["category"]:
            continue
        if "ending" in labels and labels["ending"] not in ENDINGS_BY[EndedBy(labels["ended_by"])]:
            continue
        if "resolution" in labels and labels["resolution"] not in RESOLUTIONS[Condition(labels["condition"])]:
            continue
        if of.name == "store_dropped" and (labels["what"], labels["reason"]) not in DROPS:
            continue
        if "stage" in labels and labels["stage"] not in {STAGE[key] for key in STAGE if key == labels["reason"]}:
            continue
        yield labels


def of_sipwatch() -> Iterator[Line]:
    """Return a line for every series that sipwatch exports."""
    for of in series.ALL:
        for labels in combinations(of):
            if of.kind is MetricKind.HISTOGRAM:
                for place, bound in enumerate([*map(str, map(float, of.buckets)), "+Inf"]):
                    yield f"{of.exposed}_bucket", {**labels, "le": bound}, 0, place
                yield f"{of.exposed}_count", labels, 0, len(of.buckets)
                yield f"{of.exposed}_sum", labels, 0, len(of.buckets) * of.buckets[0]
            else:
                yield of.exposed, labels, *((0, 1) if of.kind is MetricKind.COUNTER else (GAUGES.get(of.name, 1), 0))


def from_elsewhere() -> Iterator[Line]:
    """Return what Prometheus itself and its library for Python add."""
    for name in ("up", "scrape_duration_seconds", "scrape_samples_scraped", "process_resident_memory_bytes"):
        yield name, {}, 1, 0
    yield "process_start_time_seconds", {}, END - 86_400, 0
    yield "process_open_fds", {}, 20, 0
    yield "process_max_fds", {}, 1024, 0
    yield "process_cpu_seconds_total", {}, 0, 0.5
    for name, labels in ALERTS.items():
        alert = {"alertname": name, "severity": "warning", **labels}
        yield "ALERTS", {**alert, "alertstate": "firing"}, 1, 0
        yield "ALERTS_FOR_STATE", alert, END - 600, 0


def beside() -> dict[str, set[str]]:
    """Return the labels of what is not sipwatch's, by name."""
    found: dict[str, set[str]] = {}
    for name, labels, _, _ in from_elsewhere():
        found.setdefault(name, set()).update(labels)
    return found


def openmetrics(end: int) -> str:
    """Return the history that ends then, as ``promtool tsdb create-blocks-from openmetrics`` takes it."""
    lines: list[str] = []
    for name, labels, value, growth in [*of_sipwatch(), *from_elsewhere()]:
        head = name + _braces({**labels, **TARGET})
        times: Iterable[int] = range(end - LENGTH, end + 1, STEP)
        lines += [f"{head} {value + growth * step} {time}" for step, time in enumerate(times)]
    return "\n".join([*lines, "# EOF", ""])


def _braces(labels: Labels) -> str:
    return "{" + ",".join(f'{label}="{value}"' for label, value in labels.items()) + "}"
