"""The whole history of the counts, with packet-time stamps, as OpenMetrics text for Prometheus' backfilling.

Must not know: files, clocks, or how anything is counted. Samples are taken at whole steps of packet time;
they are kept until the end, because OpenMetrics wants each family in one piece. Each sample is a line of about
110 bytes, so that a series takes 80 kB at most where the step is chosen here: it begins at 15 seconds and doubles
whenever there are more samples than that.
"""

from __future__ import annotations

from array import array
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from sipwatch.packet import MILLISECOND, SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from prometheus_client import Metric

    Families = Callable[[], Iterable[Metric]]

_GROWS = frozenset({"counter", "histogram"})
FIRST_STEP = 15  # seconds
MAX_SAMPLES = 730  # of a series, unless somebody chose the step: three hours at 15 s, a day at two minutes
_LONG_SILENCE = 240  # steps without a packet after which silence need not be written down, if nothing is open


class Samples:
    """One series: its name and labels as text, its values, and at which sample each was taken."""

    __slots__ = ("head", "places", "values")

    def __init__(self, head: str) -> None:
        self.head = head
        self.places = array("I")
        self.values = array("d")

    def add(self, place: int, value: float, *, grows: bool) -> None:
        """Add a value; what grows was 0 before it was first seen, or ``increase()`` would miss its first event."""
        if grows and place and not self.places:
            self.places.append(place - 1)
            self.values.append(0.0)
        self.places.append(place)
        self.values.append(value)

    def thin(self, new: dict[int, int], *, grows: bool) -> None:
        """Keep the samples at these places, by their ``new`` ones."""
        kept = [(new[place], value) for place, value in zip(self.places, self.values, strict=True) if place in new]
        if grows and kept and kept[0][0] and self.places[0] not in new:
            kept.insert(0, (kept[0][0] - 1, 0.0))  # the 0 from before it was first seen is among those that go
        self.places = array("I", [place for place, _ in kept])
        self.values = array("d", [value for _, value in kept])


class Size(NamedTuple):
    """How large a history has become: ``step`` in seconds, ``size`` in characters of text."""

    series: int
    step: int
    size: int


class Family:
    """One metric family; the lines of one histogram stay together."""

    __slots__ = ("groups", "help", "kind", "name")

    def __init__(self, metric: Metric) -> None:
        self.name = metric.name
        self.kind = metric.type
        self.help = metric.documentation
        self.groups: dict[str, dict[str, Samples]] = {}

    def add(self, place: int, metric: Metric) -> None:
        """Add one sample of every series."""
        grows = self.kind in _GROWS
        for sample in metric.samples:
            labels = sample.labels
            group = _labels({name: value for name, value in labels.items() if name != "le"})
            head = sample.name + (_labels(labels) if "le" in labels else group)
            lines = self.groups.get(group)
            if lines is None:
                lines = self.groups[group] = {}
            line = lines.get(head)
            if line is None:
                line = lines[head] = Samples(head)
            line.add(place, sample.value, grows=grows)

    def thin(self, new: dict[int, int]) -> None:
        """Keep the samples at these places, by their ``new`` ones; a series that has none left is gone."""
        for group, lines in list(self.groups.items()):
            for line in lines.values():
                line.thin(new, grows=self.kind in _GROWS)
            if not any(line.places for line in lines.values()):
                del self.groups[group]

    def write(self, out: IO[str], times: list[int]) -> int:
        """Write the family, of each group in the order of time; return how many characters that were."""
        size = out.write(f"# HELP {self.name} {_escape(self.help)}\n# TYPE {self.name} {self.kind}\n")
        for lines in self.groups.values():
            together = list(lines.values())
            for at, place in enumerate(together[0].places):
                time = _seconds(times[place])
                size += out.write("".join([f"{line.head} {_number(line.values[at])} {time}\n" for line in together]))
        return size


class History:
    """Takes samples of ``families`` as packet time goes by.

    ``advance`` lets the engine's time pass, ``idle`` tells whether nothing is open.
    """

    def __init__(
        self, families: Families, advance: Callable[[int], None], idle: Callable[[], bool], step: int | None
    ) -> None:
        """Take a sample every ``step`` seconds; without it, as often as MAX_SAMPLES allow."""
        self._families = families
        self._advance = advance
        self._idle = idle
        self._chosen = step is not None
        self._step = (step or FIRST_STEP) * SECOND
        self._times: list[int] = []
        self._found: dict[str, Family] = {}

    def watch(self, items: Iterable[Any]) -> Iterator[Any]:
        """Hand frames or datagrams on, whose first element is their time in ns, and sample between them."""
        due = 0
        for item in items:
            time: int = item[0]
            if time >= due:
                due = self._catch_up(due, time)
            yield item

    def _catch_up(self, due: int, time: int) -> int:
        """Take every sample that is due before ``time``; return when the next one is."""
        if not due:
            due = time - time % self._step
        while due <= time:
            self._sample(due)
            if time - due > _LONG_SILENCE * self._step and self._idle():
                due = time - time % self._step  # nothing happened, and nothing can
            else:
                due += self._step - due % self._step  # the step may just have grown
        return due

    def finish(self) -> None:
        """Take the last sample: everything is over."""
        if self._times:
            self._sample(self._times[-1] + self._step)

    def _sample(self, time: int) -> None:
        self._advance(time)
        place = len(self._times)
        self._times.append(time)
        for metric in self._families():
            family = self._found.get(metric.name)
            if family is None:
                family = self._found[metric.name] = Family(metric)
            family.add(place, metric)
        if not self._chosen and len(self._times) > MAX_SAMPLES:
            self._thin()

    def _thin(self) -> None:
        """Double the step. The first sample stays: with it, what grew before the second is not lost."""
        self._step *= 2
        kept = [place for place, time in enumerate(self._times) if not place or time % self._step == 0]
        new = {place: order for order, place in enumerate(kept)}
        self._times = [self._times[place] for place in kept]
        for family in self._found.values():
            family.thin(new)

    def write(self, out: IO[str]) -> Size:
        """Write everything, family by family; return how much it is."""
        size = sum([family.write(out, self._times) for family in self._found.values() if family.groups])
        size += out.write("# EOF\n")
        series = sum([len(lines) for family in self._found.values() for lines in family.groups.values()])
        return Size(series, self._step // SECOND, size)


def _labels(labels: dict[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escape(value)}"' for name, value in labels.items()) + "}"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


def _seconds(time: int) -> str:
    seconds, rest = divmod(time, SECOND)
    return f"{seconds}.{rest // MILLISECOND:03d}" if rest else str(seconds)
