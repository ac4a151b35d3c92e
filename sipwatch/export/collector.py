"""The counts as Prometheus' metric families, made when somebody asks: scrapes, history, tests.

Must not know: clocks, sockets, web servers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from prometheus_client import Metric
from prometheus_client.samples import Exemplar

from sipwatch.export import series
from sipwatch.export.calls import short_id
from sipwatch.export.metrics import METHODS, PHASES, known, pending
from sipwatch.export.series import PREFIX, MetricKind
from sipwatch.track.traffic import OTHER_METHOD
from sipwatch.wire.discards import STAGE, Discard

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sipwatch.export.account import Account
    from sipwatch.export.metrics import Counter, Durations, Metrics
    from sipwatch.export.series import Histogram, Key, Seen, Series
    from sipwatch.track.tracker import Tracker
    from sipwatch.track.traffic import Pair
    from sipwatch.wire.decoder import Decoder

    Labels = dict[str, str]

SECONDS = 1e-9


class Counted(Protocol):
    """What is collected from: an engine."""

    metrics: Metrics | None
    decoder: Decoder
    tracker: Tracker
    account: Account


class Collector:
    """Makes families of an engine's counts. Label dictionaries are made once for each series and kept."""

    def __init__(self, engine: Counted) -> None:
        if engine.metrics is None:
            raise ValueError("an engine that counts nothing has nothing to collect")
        self._engine = engine
        self._metrics: Metrics = engine.metrics
        self._labels: dict[tuple[str, Key], Labels] = {}
        self._buckets: dict[tuple[str, Key], list[Labels]] = {}

    def collect(self) -> Iterator[Metric]:
        """Give every family, in the order of ``series.ALL``; those about the daemon itself are the daemon's."""
        metrics = self._metrics
        special = self._special()
        for of in series.ALL:
            if of.name in special:
                yield special[of.name]
            elif of.name in metrics.counters:
                yield self._counted(metrics.counters[of.name])
            elif of.name in metrics.durations:
                yield self._histograms(metrics.durations[of.name])

    def _special(self) -> dict[str, Metric]:
        """Make what is not simply a table of ``Metrics``."""
        engine, account = self._engine, self._engine.account
        tracked, evicted = account.tracked, account.evicted
        sources = [key[0] for key in self._metrics.counters[series.CALLS_STARTED.name].values]
        phases: dict[Key, float] = {(source, phase): 0 for source in sources for phase in PHASES.values()}
        phases.update(pending(engine.tracker.calls(), self._metrics.directory))
        discards = dict(engine.decoder.discards)
        duplicates = discards.pop(Discard.DUPLICATE, 0)
        by_stage: dict[Key, float] = {(STAGE[reason], reason.value): count for reason, count in discards.items()}
        traffic = list(engine.tracker.traffic.pairs.values())
        made: list[tuple[Series, Mapping[Key, float]]] = [
            (series.CALLS_PENDING, phases),
            (series.REQUESTS, _requests(traffic)),
            (series.RESPONSES, _responses(traffic)),
            (series.RETRANSMISSIONS, _repeated(self._metrics.may_repeat, traffic)),
            (series.LAST_SEEN, last_seen(traffic, responses_only=False)),
            (series.LAST_RESPONSE, last_seen(traffic, responses_only=True)),
            (series.DUPLICATES, {(): duplicates}),
            (series.DISCARDS, by_stage),
            (series.NOTICES, {(notice,): count for notice, count in account.notices.items()}),
            (series.TRACKED, {(table,): count for table, count in tracked.items()}),
            (series.TRACKED_BYTES, {(table,): taken for table, taken in account.taken.items()}),
            (
                series.EVICTED,
                {(table,): evicted.get(table, 0) for table in {**tracked, **evicted}},
            ),
        ]
        return {of.name: self.family(of, values) for of, values in made}

    def family(self, of: Series, values: Mapping[Key, float], latest: Mapping[Key, Seen] | None = None) -> Metric:
        """Make a family of plain values by their label values."""
        metric = Metric(PREFIX + of.name, of.meaning, of.kind.value)
        name = of.exposed
        for key, value in values.items():
            seen = None if latest is None else latest.get(key)
            labels = self._labels.get((name, key)) or self._new_labels(of, name, key)
            metric.add_sample(name, labels, value, None, None if seen is None else _exemplar(seen, 1.0))
        return metric

    def _new_labels(self, of: Series, name: str, key: Key) -> Labels:
        labels = self._labels[name, key] = dict(zip(of.labels, key, strict=True))
        return labels

    def about_capture(
        self, captures: Iterable[tuple[str, int, int]], implementation: tuple[str, str]
    ) -> Iterator[Metric]:
        """Give what only the shell knows: name, packets and drops of each source; version and form of the program."""
        captures = list(captures)
        yield self.family(series.CAPTURE_PACKETS, {(name,): packets for name, packets, _ in captures})
        yield self.family(series.CAPTURE_DROPPED, {(name,): dropped for name, _, dropped in captures})
        yield self.family(series.BUILD_INFO, {implementation: 1})

    def _counted(self, counter: Counter) -> Metric:
        exemplars = counter.latest if counter.series.kind is MetricKind.COUNTER else None
        return self.family(counter.series, counter.values, exemplars)

    def _histograms(self, durations: Durations) -> Metric:
        of = durations.series
        metric = Metric(PREFIX + of.name, of.meaning, of.kind.value)
        for key, histogram in durations.values.items():
            self._add_histogram(metric, of, key, histogram)
        return metric

    def _add_histogram(self, metric: Metric, of: Series, key: Key, histogram: Histogram) -> None:
        labels = self._buckets.get((of.name, key))
        if labels is None:
            plain = dict(zip(of.labels, key, strict=True))
            bounds = [*(str(float(bound)) for bound in of.buckets), "+Inf"]
            labels = self._buckets[of.name, key] = [*({**plain, "le": bound} for bound in bounds), plain]
        name = metric.name + "_bucket"
        total = 0
        for with_bound, count, seen in zip(labels, histogram.counts, histogram.latest, strict=False):
            total += count
            exemplar = None if seen is None else _exemplar(seen, seen.value * SECONDS)
            metric.add_sample(name, with_bound, total, None, exemplar)
        metric.add_sample(metric.name + "_count", labels[-1], total)
        metric.add_sample(metric.name + "_sum", labels[-1], histogram.total * SECONDS)


def _exemplar(seen: Seen, value: float) -> Exemplar:
    return Exemplar({"call": short_id(*seen.call)}, value, seen.at * SECONDS)


def _requests(traffic: Iterable[Pair]) -> dict[Key, int]:
    found: dict[Key, int] = {}
    for pair in traffic:
        for method in (*METHODS, OTHER_METHOD):
            found[pair.source, pair.destination, method] = 0
        for method, count in pair.requests.items():
            _add(found, (pair.source, pair.destination, known(method)), count)
    return found


def _responses(traffic: Iterable[Pair]) -> dict[Key, int]:
    found: dict[Key, int] = {}
    for pair in traffic:
        for method, codes in pair.responses.items():
            for code, count in codes.items():
                _add(found, (pair.source, pair.destination, known(method), str(code)), count)
    return found


def _repeated(begun: Iterable[Key], traffic: Iterable[Pair]) -> dict[Key, int]:
    """Return retransmissions; those that may yet come begin at 0."""
    found: dict[Key, int] = dict.fromkeys(begun, 0)
    for pair in traffic:
        for method, count in pair.repeated.items():
            _add(found, (pair.source, pair.destination, known(method)), count)
    return found


def _add(counts: dict[Key, int], key: Key, number: int) -> None:
    counts[key] = counts.get(key, 0) + number


def last_seen(traffic: Iterable[Pair], *, responses_only: bool) -> dict[Key, float]:
    """Return when each peer was last heard of, in seconds since 1970."""
    found: dict[Key, float] = {}
    for t in traffic:
        at = t.last_response if responses_only else max(t.last_request, t.last_response)
        if at:
            found[t.source,] = max(found.get((t.source,), 0.0), at * SECONDS)
    return found
