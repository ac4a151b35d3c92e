"""Figures as the metric families of prometheus_client, for whoever reads them sample by sample.

Must not know: how they are counted. What is served is written by ``exposition``, which says the same at a tenth of the
price; its tests hold it against what prometheus_client makes of these.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from prometheus_client import Metric
from prometheus_client.samples import Exemplar

from sipwatch.export.figures import SECONDS, bounds_of, example_of
from sipwatch.export.series import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sipwatch.export.figures import Distribution, Figures
    from sipwatch.export.series import Seen


def families(figures: Iterable[Figures]) -> Iterator[Metric]:
    """Make families; the parts of each stand together."""
    for of, parts in groupby(figures, key=lambda part: part.of):
        metric = Metric(PREFIX + of.name, of.meaning, of.kind.value)
        for part in parts:
            _add(metric, part)
        yield metric


def _add(metric: Metric, figures: Figures) -> None:
    of = figures.of
    for key, value in figures.values.items():
        labels = dict(zip(of.labels, key, strict=True))
        metric.add_sample(of.exposed, labels, value, None, _exemplar(figures.latest.get(key), figures))
    for key, distribution in figures.distributions.items():
        _add_histogram(metric, figures, dict(zip(of.labels, key, strict=True)), distribution)


def _add_histogram(metric: Metric, figures: Figures, labels: dict[str, str], distribution: Distribution) -> None:
    total = 0
    for bound, count, seen in zip(bounds_of(figures.of), distribution.counts, distribution.latest, strict=True):
        total += count
        metric.add_sample(metric.name + "_bucket", {**labels, "le": bound}, total, None, _exemplar(seen, figures))
    metric.add_sample(metric.name + "_count", labels, total)
    metric.add_sample(metric.name + "_sum", labels, distribution.total * SECONDS)


def _exemplar(seen: Seen | None, figures: Figures) -> Exemplar | None:
    if seen is None:
        return None
    example = example_of(seen, figures.of, figures.ahead)
    return Exemplar({"call": example.call}, example.value, example.at)
