"""A copy of every figure of an engine, taken when somebody asks: for scrapes, history, tests.

Must not know: clocks, sockets, web servers, formats. Copying is cut into steps, so that whoever captures can go on
between two of them.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Protocol

from sipwatch.export import series
from sipwatch.export.counting import NOBODYS
from sipwatch.export.families import families
from sipwatch.export.figures import SECONDS, Distribution, Figures, Nested, Stretch
from sipwatch.export.metrics import CODES, PHASES, ends_of_session, phase_of
from sipwatch.export.series import MetricKind
from sipwatch.track.traffic import Pair
from sipwatch.wire.discards import STAGE, Discard

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from prometheus_client import Metric

    from sipwatch.classify.wall import Wall
    from sipwatch.export.account import Account
    from sipwatch.export.counting import Counter, Durations
    from sipwatch.export.metrics import Metrics
    from sipwatch.export.series import Key, Series
    from sipwatch.track.call import Call
    from sipwatch.track.tracker import Tracker
    from sipwatch.wire.decoder import Decoder

# What is looked at in one step, each time for less than a millisecond.
_CALLS_AT_ONCE = 500
_PAIRS_AT_ONCE = 20
_SERIES_AT_ONCE = 1000
_HISTOGRAMS_AT_ONCE = 200


class Counted(Protocol):
    """What is collected from: an engine."""

    metrics: Metrics | None
    decoder: Decoder
    tracker: Tracker
    account: Account
    wall: Wall


class Collector:
    """Copies an engine's figures."""

    def __init__(self, engine: Counted) -> None:
        if engine.metrics is None:
            raise ValueError("an engine that counts nothing has nothing to collect")
        self._engine = engine
        self._metrics: Metrics = engine.metrics

    def collect(self) -> Iterator[Metric]:
        """Give every family, in the order of ``series.ALL``; those about the daemon itself are the daemon's."""
        return families(self.figures())

    def figures(self) -> list[Figures]:
        """Copy all figures at once."""
        found: list[Figures] = []
        for _ in self.steps(found):
            pass
        return found

    def steps(self, found: list[Figures]) -> Iterator[None]:
        """Copy all figures into a list, in small steps; the engine may go on after each."""
        metrics = self._metrics
        special: dict[str, list[Figures]] = {}
        yield from self._of_calls(special)
        yield from self._of_messages(special)
        self._about_itself(special)
        yield
        for of in series.ALL:
            if of.name in special:
                found += special[of.name]
            elif of.name in metrics.counters:
                yield from _counted(metrics.counters[of.name], found, self._engine.wall)
            elif of.name in metrics.durations:
                yield from _distributions(metrics.durations[of.name], found, self._engine.wall)

    def _of_calls(self, special: dict[str, list[Figures]]) -> Iterator[None]:
        """Count the calls being set up right now, by source and phase, and those with peers that have a limit.

        Nobody does that by the packet.
        """
        limits = {
            peer.name: peer.sessions_limit for peer in self._metrics.directory.settings.peers if peer.sessions_limit
        }
        sessions: dict[Key, float] = {(name,): 0 for name in limits}
        sources = [key[0] for key in self._metrics.counters[series.CALLS_STARTED.name].values]
        found: dict[Key, float] = {(source, phase): 0 for source in sources for phase in PHASES.values()}
        left = _CALLS_AT_ONCE
        for first in self._engine.tracker.by_call_id():
            call: Call | None = first
            while call is not None:
                if not call.settled:
                    _add(found, phase_of(call, self._metrics))
                if limits:
                    for name in ends_of_session(call, self._metrics.directory):
                        if name in limits:
                            sessions[name,] += 1
                call = call.sibling
            left -= 1
            if not left:
                left = _CALLS_AT_ONCE
                yield
        special[series.CALLS_PENDING.name] = [Figures(series.CALLS_PENDING, found)]
        special[series.PEER_SESSIONS.name] = [Figures(series.PEER_SESSIONS, sessions)]
        of = series.PEER_SESSIONS_LIMIT
        special[of.name] = [Figures(of, {(name,): limit for name, limit in limits.items()})]
        peers = self._metrics.directory.settings.peers
        goals: dict[Key, float] = {(peer.name,): peer.objective for peer in peers if peer.objective}
        special[series.OBJECTIVE_RATIO.name] = [Figures(series.OBJECTIVE_RATIO, goals)]

    def _of_messages(self, special: dict[str, list[Figures]]) -> Iterator[None]:
        traffic = self._engine.tracker.traffic
        parts = (series.REQUESTS, series.RESPONSES, series.RETRANSMISSIONS)
        for of in parts:
            special[of.name] = [Figures(of, {})]
        heard, answered = dict(traffic.heard), dict(traffic.answered)
        pairs = traffic.all_pairs()
        others = [pair for pair in pairs if (pair.source, pair.destination) == NOBODYS]
        yield
        for start in range(0, len(pairs), _PAIRS_AT_ONCE):
            some = [pair for pair in pairs[start : start + _PAIRS_AT_ONCE] if pair not in others]
            for of, nested in zip(parts, self._nested(some), strict=True):
                special[of.name].append(Figures(of, nested))
            for pair in some:
                _later(heard, pair.source, pair.last_request)
                _later(answered, pair.source, pair.last_response)
            yield
        # What is counted between nobody in particular: together, for no series may be there twice.
        for of, values in zip(parts, self._together(others), strict=True):
            special[of.name].append(Figures(of, values))
        for pair in others:
            if pair is not traffic.strays:
                _later(heard, pair.source, pair.last_request)
                _later(answered, pair.source, pair.last_response)
        special[series.LAST_RESPONSE.name] = [Figures(series.LAST_RESPONSE, self._moments(answered))]
        for name, at in answered.items():
            _later(heard, name, at)
        special[series.LAST_SEEN.name] = [Figures(series.LAST_SEEN, self._moments(heard))]

    def _moments(self, by_peer: dict[str, int]) -> dict[Key, float]:
        """Return moments in seconds since 1970, by the clock on the wall."""
        time = self._engine.wall.time
        return {(name,): time(at) * SECONDS for name, at in by_peer.items() if at}

    def _nested(self, pairs: list[Pair]) -> tuple[Nested, Nested, Nested]:
        """Return requests, responses and retransmissions of pairs; those that may yet come are 0."""
        requests, responses, repeated = Nested(), Nested(CODES), Nested()
        may_come, may_repeat = self._metrics.may_come, self._metrics.may_repeat
        for pair in pairs:
            ends = (pair.source, pair.destination)
            requests.add(ends, {**may_come.get(ends, {}), **pair.requests})
            repeated.add(ends, {**may_repeat.get(ends, {}), **pair.repeated})
            for method, codes in pair.responses.items():
                responses.add((*ends, method), codes.copy())
        return requests, responses, repeated

    def _together(self, pairs: list[Pair]) -> list[dict[Key, float]]:
        """Return the same of pairs that have the same ends."""
        found: list[dict[Key, float]] = []
        for nested in self._nested([Pair(*NOBODYS), *pairs]):
            values: dict[Key, float] = {}
            for key, count in nested.items():
                values[key] = values.get(key, 0) + count
            found.append(values)
        return found

    def _about_itself(self, special: dict[str, list[Figures]]) -> None:
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
        special.update({of.name: [Figures(of, values)] for of, values in made})


def about_capture(captures: Iterable[tuple[str, int, int]], implementation: tuple[str, str]) -> Iterator[Figures]:
    """Give what only the shell knows: name, packets and drops of each source; version and form of the program."""
    captures = list(captures)
    yield Figures(series.CAPTURE_PACKETS, {(name,): packets for name, packets, _ in captures})
    yield Figures(series.CAPTURE_DROPPED, {(name,): dropped for name, _, dropped in captures})
    yield Figures(series.BUILD_INFO, {implementation: 1})


def _counted(counter: Counter, found: list[Figures], wall: Wall) -> Iterator[None]:
    of, keys, values = counter.series, counter.keys, counter.values
    latest = counter.latest if of.kind is MetricKind.COUNTER else {}
    found.append(Figures(of, {}))
    for start in range(0, len(keys), _SERIES_AT_ONCE):
        copied = array("q", [values[key] for key in keys[start : start + _SERIES_AT_ONCE]])
        found.append(Figures(of, Stretch(keys, start, copied), latest, ahead=wall.ahead))
        yield


def _distributions(durations: Durations, found: list[Figures], wall: Wall) -> Iterator[None]:
    of = durations.series
    found.append(Figures(of, {}))
    histograms = list(durations.values.items())
    for start in range(0, len(histograms), _HISTOGRAMS_AT_ONCE):
        some = histograms[start : start + _HISTOGRAMS_AT_ONCE]
        copied = {key: Distribution(one.counts[:], one.total, one.latest) for key, one in some}
        found.append(Figures(of, {}, {}, copied, wall.ahead))
        yield


def _add(counts: dict[Key, float], key: Key | None, number: int = 1) -> None:
    if key is not None:
        counts[key] = counts.get(key, 0) + number


def _later(moments: dict[str, int], name: str, at: int) -> None:
    if at > moments.get(name, 0):
        moments[name] = at
