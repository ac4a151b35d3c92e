"""Figures as Prometheus reads them: its text format, and OpenMetrics 1.0 with exemplars.

Must not know: how figures are counted, HTTP. It is byte for byte what prometheus_client writes, at a tenth of the price
(a test holds the one against the other). There are a thousand lines for each ten pairs of peers, and most of each never
changes: what stands before the value is made once and kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.utils import floatToGoString

from sipwatch.export.figures import SECONDS, bounds_of, example_of
from sipwatch.export.series import PREFIX, MetricKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sipwatch.export.figures import Distribution, Figures
    from sipwatch.export.series import Key, Seen, Series

_LINES_AT_ONCE = 1000  # in one piece: a longer one would keep the interpreter from the thread that captures
_PLAIN = 1_000_000  # from here on Go, and so prometheus_client, writes with an exponent


class Exposition:
    """Writes figures, one time after the other; for one thread at a time."""

    def __init__(self) -> None:
        self._heads: dict[str, dict[Key, str]] = {}
        self._buckets: dict[str, dict[Key, list[str]]] = {}

    def write(self, figures: Iterable[Figures], *, openmetrics: bool) -> Iterator[bytes]:
        """Give the text in pieces; the ``# EOF`` of OpenMetrics is left to whoever has more to say."""
        before = None
        for one in figures:
            of = one.of
            lines = [] if of is before else [_heading(of, openmetrics=openmetrics)]
            before = of
            for line in self._lines(one, with_calls=openmetrics):
                lines.append(line)
                if len(lines) >= _LINES_AT_ONCE:
                    yield "".join(lines).encode()
                    lines.clear()
            yield "".join(lines).encode()

    def _lines(self, figures: Figures, *, with_calls: bool) -> Iterator[str]:
        of = figures.of
        heads = self._heads.setdefault(of.name, {})
        latest = figures.latest if with_calls else {}
        for key, value in figures.values.items():
            head = heads.get(key)
            if head is None:
                head = heads[key] = f"{of.exposed}{_labels(of, key)} "
            seen = latest.get(key) if latest else None
            number = f"{value}.0" if value.__class__ is int and value < _PLAIN else floatToGoString(value)
            yield f"{head}{number}\n" if seen is None else f"{head}{number}{_example(seen, figures)}\n"
        for key, distribution in figures.distributions.items():
            yield self._histogram(figures, key, distribution, with_calls=with_calls)

    def _histogram(self, figures: Figures, key: Key, distribution: Distribution, *, with_calls: bool) -> str:
        of = figures.of
        kept = self._buckets.setdefault(of.name, {})
        heads = kept.get(key)
        if heads is None:
            name = of.exposed
            heads = kept[key] = [f"{name}_bucket{_labels(of, key, bound)} " for bound in bounds_of(of)]
            heads += [f"{name}_count{_labels(of, key)} ", f"{name}_sum{_labels(of, key)} "]
        total = 0
        lines = []
        for head, count, seen in zip(heads, distribution.counts, distribution.latest, strict=False):
            total += count
            example = "" if seen is None or not with_calls else _example(seen, figures)
            lines.append(f"{head}{_number(total)}{example}\n")
        lines.append(f"{heads[-2]}{_number(total)}\n{heads[-1]}{floatToGoString(distribution.total * SECONDS)}\n")
        return "".join(lines)


def _number(count: int) -> str:
    return f"{count}.0" if count < _PLAIN else str(floatToGoString(count))


def _heading(of: Series, *, openmetrics: bool) -> str:
    """Write what stands before a family. The text format names a counter as its samples are."""
    name = PREFIX + of.name if openmetrics or of.kind is not MetricKind.COUNTER else of.exposed
    text = of.meaning.replace("\\", r"\\").replace("\n", r"\n")
    if openmetrics:
        text = text.replace('"', r"\"")
    return f"# HELP {name} {text}\n# TYPE {name} {of.kind.value}\n"


def _labels(of: Series, key: Key, bound: str = "") -> str:
    """Write labels in the order of their names, as prometheus_client does."""
    pairs = list(zip(of.labels, key, strict=True))
    if bound:
        pairs.append(("le", bound))
    if not pairs:
        return ""
    return "{" + ",".join([f'{name}="{_escaped(value)}"' for name, value in sorted(pairs)]) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _example(seen: Seen, figures: Figures) -> str:
    call, value, at = example_of(seen, figures.of, figures.ahead)
    return f' # {{call="{call}"}} {floatToGoString(value)} {at}'
