"""A copy of every figure of an engine, taken when somebody asks: for scrapes, history, tests.

Must not know: clocks, sockets, web servers, formats. Copying is cut into steps, so that whoever captures can go on
between two of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sipwatch.export import series
from sipwatch.export.families import family
from sipwatch.export.figures import SECONDS, Distribution, Figures
from sipwatch.export.metrics import CODES, PHASES, phase_of
from sipwatch.export.series import MetricKind
from sipwatch.track.room import OTHER
from sipwatch.wire.discards import STAGE, Discard

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from prometheus_client import Metric

    from sipwatch.export.account import Account
    from sipwatch.export.metrics import Counter, Durations, Metrics
    from sipwatch.export.series import Key, Series
    from sipwatch.track.call import Call
    from sipwatch.track.tracker import Tracker
    from sipwatch.track.traffic import Pair, Traffic
    from sipwatch.wire.decoder import Decoder

_AT_ONCE = 500  # calls, pairs or histograms that are looked at in one step: well below a millisecond


class Counted(Protocol):
    """What is collected from: an engine."""

    metrics: Metrics | None
    decoder: Decoder
    tracker: Tracker
    account: Account


class Collector:
    """Copies an engine's figures."""

    def __init__(self, engine: Counted) -> None:
        if engine.metrics is None:
            raise ValueError("an engine that counts nothing has nothing to collect")
        self._engine = engine
        self._metrics: Metrics = engine.metrics

    def collect(self) -> Iterator[Metric]:
        """Give every family, in the order of ``series.ALL``; those about the daemon itself are the daemon's."""
        return map(family, self.figures())

    def figures(self) -> list[Figures]:
        """Copy all figures at once."""
        found: list[Figures] = []
        for _ in self.steps(found):
            pass
        return found

    def steps(self, found: list[Figures]) -> Iterator[None]:
        """Copy all figures into a list, in small steps; the engine may go on after each."""
        metrics = self._metrics
        special: dict[str, Mapping[Key, float]] = {}
        yield from self._of_calls(special)
        yield from self._of_messages(special)
        self._about_itself(special)
        yield
        for of in series.ALL:
            if of.name in special:
                found.append(Figures(of, special[of.name]))
            elif of.name in metrics.counters:
                found.append(_copied(metrics.counters[of.name]))
                yield
            elif of.name in metrics.durations:
                yield from _distributions(metrics.durations[of.name], found)

    def _of_calls(self, special: dict[str, Mapping[Key, float]]) -> Iterator[None]:
        """Count the calls being set up right now, by source and phase: nobody does that by the packet."""
        sources = [key[0] for key in self._metrics.counters[series.CALLS_STARTED.name].values]
        found: dict[Key, float] = {(source, phase): 0 for source in sources for phase in PHASES.values()}
        left = _AT_ONCE
        for first in self._engine.tracker.by_call_id():
            call: Call | None = first
            while call is not None:
                if not call.settled:
                    _add(found, phase_of(call, self._metrics))
                call = call.sibling
            left -= 1
            if not left:
                left = _AT_ONCE
                yield
        special[series.CALLS_PENDING.name] = found

    def _of_messages(self, special: dict[str, Mapping[Key, float]]) -> Iterator[None]:
        traffic = self._engine.tracker.traffic
        requests: dict[Key, float] = dict.fromkeys(self._metrics.may_come, 0)
        repeated: dict[Key, float] = dict.fromkeys(self._metrics.may_repeat, 0)
        responses: dict[Key, float] = {}
        pairs = traffic.all_pairs()
        yield
        for start in range(0, len(pairs), _AT_ONCE // 10):
            for pair in pairs[start : start + _AT_ONCE // 10]:
                ends = (pair.source, pair.destination)
                for method, count in pair.requests.items():
                    _add(requests, (*ends, method), count)
                for method, count in pair.repeated.items():
                    _add(repeated, (*ends, method), count)
                for method, codes in pair.responses.items():
                    for code, count in codes.items():
                        _add(responses, (*ends, method, CODES.get(code, OTHER)), count)
            yield
        special[series.REQUESTS.name], special[series.RESPONSES.name] = requests, responses
        special[series.RETRANSMISSIONS.name] = repeated
        special[series.LAST_SEEN.name] = _last(traffic, pairs, responses_only=False)
        special[series.LAST_RESPONSE.name] = _last(traffic, pairs, responses_only=True)

    def _about_itself(self, special: dict[str, Mapping[Key, float]]) -> None:
        account = self._engine.account
        tracked, evicted = account.tracked, account.evicted
        discards = dict(self._engine.decoder.discards)
        made: list[tuple[Series, Mapping[Key, float]]] = [
            (series.DUPLICATES, {(): discards.pop(Discard.DUPLICATE, 0)}),
            (series.DISCARDS, {(STAGE[reason], reason.value): count for reason, count in discards.items()}),
            (series.NOTICES, {(notice,): count for notice, count in account.notices.items()}),
            (series.TRACKED, {(table,): count for table, count in tracked.items()}),
            (series.TRACKED_BYTES, {(table,): taken for table, taken in account.taken.items()}),
            (series.EVICTED, {(table,): evicted.get(table, 0) for table in {**tracked, **evicted}}),
            (series.FOLDED, {(): self._metrics.room.folded}),
        ]
        special.update({of.name: values for of, values in made})


def about_capture(captures: Iterable[tuple[str, int, int]], implementation: tuple[str, str]) -> Iterator[Figures]:
    """Give what only the shell knows: name, packets and drops of each source; version and form of the program."""
    captures = list(captures)
    yield Figures(series.CAPTURE_PACKETS, {(name,): packets for name, packets, _ in captures})
    yield Figures(series.CAPTURE_DROPPED, {(name,): dropped for name, _, dropped in captures})
    yield Figures(series.BUILD_INFO, {implementation: 1})


def _copied(counter: Counter) -> Figures:
    of = counter.series
    return Figures(of, counter.values.copy(), counter.latest.copy() if of.kind is MetricKind.COUNTER else {})


def _distributions(durations: Durations, found: list[Figures]) -> Iterator[None]:
    copied: dict[Key, Distribution] = {}
    histograms = list(durations.values.items())
    for start in range(0, len(histograms), _AT_ONCE):
        for key, histogram in histograms[start : start + _AT_ONCE]:
            copied[key] = Distribution(histogram.counts.copy(), histogram.total, histogram.latest.copy())
        yield
    found.append(Figures(durations.series, {}, {}, copied))


def _add(counts: dict[Key, float], key: Key | None, number: int = 1) -> None:
    if key is not None:
        counts[key] = counts.get(key, 0) + number


def _last(traffic: Traffic, pairs: Iterable[Pair], *, responses_only: bool) -> dict[Key, float]:
    """Return when each peer was last heard of, in seconds since 1970."""
    found: dict[str, int] = {}
    for pair in pairs:
        at = pair.last_response if responses_only else max(pair.last_request, pair.last_response)
        if at and pair is not traffic.strays:
            found[pair.source] = max(found.get(pair.source, 0), at)
    for stray in (traffic.answered,) if responses_only else (traffic.heard, traffic.answered):
        for name, at in stray.items():
            found[name] = max(found.get(name, 0), at)
    return {(name,): at * SECONDS for name, at in found.items() if at}
