"""What differs from the time before, told only where chance would hardly bring it about, and in words.

Must not know: what is counted, HTTP, pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from sipwatch.export.chance import least_unlikely, of_shares
from sipwatch.export.compare import LEAST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

K = TypeVar("K")


class Shares(Protocol):
    """What has shares: ``judged`` is what they are of."""

    judged: int

    def count(self, what: str) -> int:
        """Return how many are of a kind."""


class ShareMove(NamedTuple):
    """A share that is another than before, by more than chance would bring about: ``what`` of so many, each time."""

    what: str
    part: int
    of: int
    before: int
    of_before: int


def moves_between(
    now: Mapping[K, Shares], before: Mapping[K, Shares], whats: Sequence[str]
) -> dict[K, list[ShareMove]]:
    """Return by key which shares are other ones than before; a key is left out that has too few to compare.

    The more are looked at, the less likely by chance one has to be.
    """
    looked_at = {
        key: [_chance(what, shares, before[key]) for what in whats]
        for key, shares in now.items()
        if key in before and min(shares.judged, before[key].judged) >= LEAST
    }
    limit = least_unlikely([chance for some in looked_at.values() for chance, _ in some])
    return {key: [move for chance, move in some if chance <= limit] for key, some in looked_at.items()}


def move_words(moved: Sequence[ShareMove] | None, judged: int, before: int, names: Mapping[str, str]) -> list[str]:
    """Say in words what differs, or why nothing is said: ``moved`` is None where there are too few."""
    if moved is None:
        return [f"too few to compare: {judged:,}, {before:,} before"]
    return [_in_words(move, names) for move in moved] or ["no difference beyond chance"]


def _in_words(move: ShareMove, names: Mapping[str, str]) -> str:
    now, before = move.part / move.of, move.before / move.of_before
    return (
        f"{'more' if now > before else 'fewer'} {names[move.what]}: {now:.1%} ({move.part:,} of {move.of:,}), "
        f"{before:.1%} before ({move.before:,} of {move.of_before:,})"
    )


def _chance(what: str, now: Shares, before: Shares) -> tuple[float, ShareMove]:
    move = ShareMove(str(what), now.count(what), now.judged, before.count(what), before.judged)
    return of_shares(move.before, move.of_before, move.part, move.of), move
