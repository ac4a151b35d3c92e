"""The figures of one metric as they stood at a moment: plain copies, which nobody changes any more.

Must not know: how they are counted, or written down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sipwatch.export.calls import short_id
from sipwatch.packet import SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sipwatch.export.series import Key, Seen, Series

SECONDS = 1 / SECOND


class Distribution(NamedTuple):
    """One histogram: what is in each bucket alone, the sum in ns, and each bucket's latest call."""

    counts: list[int]
    total: int
    latest: list[Seen | None]


class Figures(NamedTuple):
    """A metric with its values by labels; ``latest`` has the calls behind them. A histogram has ``distributions``.

    One that has many is given in several parts, one behind the other.
    """

    of: Series
    values: Mapping[Key, float]
    latest: Mapping[Key, Seen] = {}
    distributions: Mapping[Key, Distribution] = {}


class LatestCall(NamedTuple):
    """An exemplar: the short id of a call, its own value, and when (seconds since 1970)."""

    call: str
    value: float
    at: float


def bounds_of(of: Series) -> list[str]:
    """Return the upper bounds of a histogram's buckets as the label ``le`` has them."""
    return [*(str(float(bound)) for bound in of.buckets), "+Inf"]


def example_of(seen: Seen, of: Series) -> LatestCall:
    """Return the exemplar of a figure; a bucket's is a duration in ns, a counter's counts one."""
    return LatestCall(
        short_id(*seen.call), seen.value * SECONDS if of.buckets else float(seen.value), seen.at * SECONDS
    )
