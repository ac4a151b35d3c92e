"""Whether what is expected of calls is so: figures, populations, and calls that speak against it. Memory is bounded.

A population without a call meets nothing: a test of nothing would pass whatever is broken. Only who expects none may
find none.

Must not know: where calls come from, or how a verdict is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from sipwatch.classify.spread import Spread
from sipwatch.export.delays import DELAYS
from sipwatch.export.ratios import Ratios
from sipwatch.packet import SECOND
from sipwatch.report.plain import DELAY_WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sipwatch.expectations.rules import Expectation
    from sipwatch.export.record import CallRecord

MAX_EXAMPLES: Final = 5


class ResultRecord(msgspec.Struct, frozen=True):
    """What became of one expectation.

    ``figure`` is a share, a count or seconds, None where there was nothing to judge; ``count`` of ``of`` calls stand
    behind it. ``text`` says it in words; ``examples`` are the ids of the first calls that speak against it.
    """

    name: str
    met: bool
    figure: float | None
    count: int
    of: int
    text: str
    examples: list[str]


class Judge:
    """Takes calls, and says in the end which expectations they meet."""

    def __init__(self, expectations: Sequence[Expectation]) -> None:
        self._made = [_KINDS[one.kind](one) for one in expectations]

    def add(self, call: CallRecord, completed: bool) -> None:
        """Take a call; ``completed`` says that it was answered and ended by a BYE with a 2xx."""
        for one in self._made:
            if one.wants(call):
                one.population += 1
                one.add(call, completed)

    def results(self) -> list[ResultRecord]:
        """Return what became of each expectation, in their order."""
        return [one.result() for one in self._made]


class _Expected:
    """One expectation, and what came so far. ``too_low`` and ``too_high`` are calls that pull a figure that way."""

    def __init__(self, of: Expectation) -> None:
        self.of = of
        self.population = 0
        self.count = 0
        self.too_low: list[str] = []
        self.too_high: list[str] = []

    def wants(self, call: CallRecord) -> bool:
        """Tell whether a call is one of those that something is expected of."""
        ends = self.of.ends
        there = {"source": (call.source,), "destination": (call.destination,), "peer": (call.source, call.destination)}
        if any(name not in there[end] for end, name in ends.items()):
            return False
        return self.of.keeps is None or self.of.keeps(call)

    def add(self, call: CallRecord, completed: bool) -> None:
        """Take a call that something is expected of."""
        del completed
        holds = self.of.holds is not None and self.of.holds(call)
        self.count += holds
        _remember(self.too_high if holds else self.too_low, call)

    def result(self) -> ResultRecord:
        """Say what became of it."""
        figure, of = self.figure(), self.whole()
        met = figure is not None and self.is_met(figure)
        text = self.nothing() if figure is None else f"{self.words(figure)}, {self.wanted()} expected"
        return ResultRecord(self.of.name, met, figure, self.count, of, text, [] if met else self.examples(figure))

    def figure(self) -> float | None:
        """Return the share."""
        return self.count / self.whole() if self.whole() else None

    def whole(self) -> int:
        """Return how many calls the figure is of."""
        return self.population

    def is_met(self, figure: float) -> bool:
        """Tell whether the figure is right."""
        return self.of.limits.hold(figure)

    def examples(self, figure: float | None) -> list[str]:
        """Return the calls that speak against it."""
        limits = self.of.limits
        if figure is None:
            return []
        return self.too_high if limits.most is not None and figure > limits.most else self.too_low

    def words(self, figure: float) -> str:
        """Put the figure into words."""
        return f"{self.count:,} of {self.whole():,} calls ({figure:.2%})"

    def limit(self, limit: float) -> str:
        """Put a limit into words."""
        return f"{round(100 * limit, 9):g}%"

    def wanted(self) -> str:
        """Say what was expected."""
        least, most = self.of.limits
        if least is not None and least == most:
            return f"exactly {self.limit(least)}"
        parts = [f"at least {self.limit(least)}"] if least is not None else []
        return " and ".join([*parts, *([f"at most {self.limit(most)}"] if most is not None else [])])

    def nothing(self) -> str:
        """Say that there was nothing to judge, and what was looked for."""
        parts = [f"{end} {name}" for end, name in self.of.ends.items()]
        parts += [f"filter {self.of.filter}"] if self.of.filter is not None else []
        return f"no call to judge ({', '.join(parts) or 'there is none at all'})"


class _Share(_Expected):
    """So much of the calls."""


class _Count(_Expected):
    """So many of the calls."""

    def figure(self) -> float | None:
        """Return the count; none of nothing is right for who expects none."""
        return self.count if self.population or self.of.limits.most == 0 else None

    def words(self, figure: float) -> str:
        """Put the figure into words."""
        return f"{figure:,.0f} of {self.population:,} calls"

    def limit(self, limit: float) -> str:
        """Put a limit into words."""
        return f"{limit:,.0f}"


class _Delay(_Expected):
    """So long. Whether it is so is counted and exact; the time that is told is right to within 5 %."""

    def __init__(self, of: Expectation) -> None:
        super().__init__(of)
        self._took = DELAYS[of.of]
        self._spread = Spread()
        self._not_above = self._below = 0  # of the two limits

    def add(self, call: CallRecord, completed: bool) -> None:
        """Take a call that something is expected of."""
        del completed
        took, limits = self._took(call), self.of.limits
        if took is None or took < 0:
            return
        self._spread.add(took)
        self.count += 1
        if limits.most is None or took <= limits.most * SECOND:
            self._not_above += 1
        else:
            _remember(self.too_high, call)
        if limits.least is not None and took < limits.least * SECOND:
            self._below += 1
            _remember(self.too_low, call)

    def figure(self) -> float | None:
        """Return the time within which so many stay: the limit, where the spread's 5 % alone would go beyond it."""
        figure, limits = self._spread.quantile(self.of.percentile / 100), self.of.limits
        if figure is not None and limits.most is not None and self._is_quick_enough():
            return min(figure, limits.most)
        return figure

    def is_met(self, figure: float) -> bool:
        """Tell whether the figure is right."""
        del figure
        return self._is_quick_enough() and not self._is_too_quick()

    def examples(self, figure: float | None) -> list[str]:
        """Return the calls that speak against it."""
        del figure
        return self.too_low if self._is_quick_enough() else self.too_high

    def words(self, figure: float) -> str:
        """Put the figure into words."""
        return f"{DELAY_WORDS[self.of.of]}: {self.of.percentile:g}% of {self.count:,} calls within {figure:.2f} s"

    def limit(self, limit: float) -> str:
        """Put a limit into words."""
        return f"{limit:g} s"

    def nothing(self) -> str:
        """Say that there was nothing to judge."""
        return (
            f"none of {self.population:,} calls has it: {DELAY_WORDS[self.of.of]}"
            if self.population
            else super().nothing()
        )

    def _is_quick_enough(self) -> bool:
        return self._not_above * 100 >= self.of.percentile * self.count

    def _is_too_quick(self) -> bool:
        """Tell whether so many calls took less than the least that the percentile itself did."""
        return self._below * 100 >= self.of.percentile * self.count


class _Ratio(_Expected):
    """So much by RFC 6076, or ASR or NER."""

    def __init__(self, of: Expectation) -> None:
        super().__init__(of)
        self._whole = 0

    def add(self, call: CallRecord, completed: bool) -> None:
        """Take a call that something is expected of."""
        alone = Ratios()
        alone.add(call, completed)
        part, whole = alone.of(self.of.of)
        self.count += part
        self._whole += whole
        if whole:
            _remember(self.too_high if part else self.too_low, call)

    def whole(self) -> int:
        """Return how many calls the figure is of."""
        return self._whole

    def words(self, figure: float) -> str:
        """Put the figure into words."""
        return f"{self.of.of.upper()}: {super().words(figure)}"

    def nothing(self) -> str:
        """Say that there was nothing to judge."""
        if self.population:
            return f"none of {self.population:,} calls is one that {self.of.of.upper()} is of"
        return super().nothing()


_KINDS: Final[dict[str, type[_Expected]]] = {"share_of": _Share, "count_of": _Count, "delay": _Delay, "ratio": _Ratio}


def _remember(examples: list[str], call: CallRecord) -> None:
    if len(examples) < MAX_EXAMPLES:
        examples.append(call.id)
