"""What Prometheus shows, explained: metrics from where they are declared, alerts from the rule files.

Must not know: how anything is counted, or how an explanation is written.
"""

from __future__ import annotations

import difflib
import functools
import re
from typing import TYPE_CHECKING, Any

from sipwatch.export.addresses import RUNBOOK
from sipwatch.export.assetfiles import asset_files
from sipwatch.export.objectives import alert_rules
from sipwatch.export.series import ALL
from sipwatch.knowledge.record import ExplanationRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sipwatch.export.series import Series

_RULES = "grafana/prometheus/rules/"
# What Prometheus adds to the name of a family.
_SUFFIX = re.compile(r"_(total|bucket|count|sum|created)$")
# In an alert's text (a Go template), where a label's value will stand, and where a number; the first that fits.
_PLACES = (
    (re.compile(r"{{ *with \$labels\.\w+ *}}.*?{{ *end *}}"), ""),
    (re.compile(r"{{ *\$labels\.(\w+)[^}]*}}"), r"<\1>"),
    (re.compile(r"{{ *with (?:(?!{{ *end).)*\| *label \"(\w+)\" *}}.*?{{ *end *}}"), r"<\1>"),
    (re.compile(r"{{ *with .*?{{ *end *}}"), "N"),
    (re.compile(r"{{[^}]*}}"), "N"),
)
_MAX_SUGGESTIONS = 3
METRIC, ALERT = "metric", "alert"


def find(wanted: str) -> list[ExplanationRecord]:
    """Return what is known of a metric, by its name in queries or in the list, or of an alert."""
    name = wanted.strip().casefold()
    family = _family(name)
    found = [record for record in metrics() if _family(record.key) == family]
    return found or [record for record in alerts() if record.key.casefold() == name]


def suggest(wanted: str) -> list[str]:
    """Return the names that are nearest to a text, nearest first."""
    names = {record.key.casefold(): record.key for record in (*metrics(), *alerts())}
    near = difflib.get_close_matches(wanted.strip().casefold(), names, n=_MAX_SUGGESTIONS, cutoff=0.7)
    return [names[name] for name in near]


@functools.cache
def metrics() -> tuple[ExplanationRecord, ...]:
    """Return every metric."""
    return tuple(_metric(series) for series in ALL)


@functools.cache
def alerts() -> tuple[ExplanationRecord, ...]:
    """Return every alert: of the rule files, where they are installed, and those that ``sipwatch rules`` makes."""
    import yaml  # noqa: PLC0415 - only who asks for an alert needs it

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where there is one
    records = []
    for name, path in asset_files().items():
        if name.startswith(_RULES):
            document = yaml.load(path.read_text("utf-8"), loader)  # noqa: S506 - both are safe
            records += [_alert(rule) for rule in _alerts(document)]
    return (*records, *map(_alert, alert_rules()))


def _family(name: str) -> str:
    return _SUFFIX.sub("", name.removeprefix("sipwatch_"))


def _metric(series: Series) -> ExplanationRecord:
    labels = f", by {', '.join(series.labels)}" if series.labels else ""
    bounds = f" Its buckets end at {', '.join(f'{bound:g}' for bound in series.buckets)} s." if series.buckets else ""
    return ExplanationRecord(
        kind=METRIC,
        key=series.exposed,
        name=series.exposed,
        plain_name=f"{series.kind}{labels}",
        meaning=series.meaning + bounds,
        admin="",
        reference="docs/metrics.md",
    )


def _alerts(document: Any) -> Iterator[dict[str, Any]]:
    for group in document["groups"]:
        for rule in group["rules"]:
            if "alert" in rule:
                yield rule


def _alert(rule: dict[str, Any]) -> ExplanationRecord:
    name, texts = rule["alert"], rule["annotations"]
    return ExplanationRecord(
        kind=ALERT,
        key=name,
        name=name,
        plain_name=f"{rule['labels']['severity']} alert",
        meaning=_with_places(texts["summary"]),
        admin=_with_places(texts["description"]),
        reference=f"{RUNBOOK}#{name.lower()}",
    )


def _with_places(text: str) -> str:
    text = " ".join(text.split())
    for place, words in _PLACES:
        text = place.sub(words, text)
    return text
