"""How agents took their calls, added up: figures of two times that follow each other become those of both.

Must not know: calls one by one, files, whose a number is.

A sum forgets when each call was. Refusals in a row are known all the same: how many there are at its beginning, at its
end, and at most; where two sums meet, the end of the one and the beginning of the other are one streak.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.classify.offers import REFUSED, Offered

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sipwatch.export.offers import Offer

MAX_ADDRESSES: Final = 8  # of one agent that are remembered
_TAKEN: Final = Offered.TAKEN.value


class Rolled(NamedTuple):
    """How one agent took calls of some time. ``counts`` is by word of ``Offered``, in its order; times are in ns.

    ``opening`` is how many were refused in a row at the beginning, ``streak`` at the end, ``longest`` at most.
    """

    counts: tuple[int, ...]
    answers: int
    answer_ns: int
    first: int
    last: int
    opening: int
    streak: int
    longest: int
    addresses: tuple[str, ...]

    def then(self, after: Rolled) -> Rolled:
        """Return the figures of this time and of one that follows it."""
        return Rolled(
            tuple([mine + other for mine, other in zip(self.counts, after.counts, strict=True)]),
            self.answers + after.answers,
            self.answer_ns + after.answer_ns,
            min(self.first, after.first),
            max(self.last, after.last),
            self.opening if self.taken else self.opening + after.opening,
            after.streak if after.taken else self.streak + after.streak,
            max(self.longest, after.longest, self.streak + after.opening),
            tuple(dict.fromkeys((*self.addresses, *after.addresses)))[:MAX_ADDRESSES],
        )

    @property
    def taken(self) -> int:
        """Say how many were taken."""
        return self.counts[_PLACE_OF[_TAKEN]]

    def count(self, how: Offered) -> int:
        """Say how many calls were taken so."""
        return self.counts[_PLACE_OF[how.value]]


def all_together(parts: Sequence[Rolled]) -> Rolled:
    """Return the figures of times that follow each other, as ``then`` puts them together; there has to be one."""
    if len(parts) == 1:
        return parts[0]
    counts, answers, answer_ns, first, last, openings, streaks, longests, addresses = zip(*parts, strict=True)
    opening = streak = longest = 0
    is_opening = True
    for part, begun, ended, most in zip(parts, openings, streaks, longests, strict=True):
        taken = part.taken > 0
        opening += begun if is_opening else 0
        longest = max(longest, most, streak + begun)
        streak = ended if taken else streak + ended
        is_opening = is_opening and not taken
    return Rolled(
        tuple(map(sum, zip(*counts, strict=True))), sum(answers), sum(answer_ns), min(first), max(last), opening,
        streak, longest, tuple(dict.fromkeys(chain.from_iterable(addresses)))[:MAX_ADDRESSES],
    )  # fmt: skip


WORDS: Final = tuple(how.value for how in Offered)
_PLACE_OF: Final = {word: place for place, word in enumerate(WORDS)}


def rolled(offers: Iterable[Offer]) -> Rolled:
    """Add up the calls that one agent was offered; there has to be one at least."""
    ordered = sorted(offers, key=lambda offer: offer.at)
    counts = [0] * len(WORDS)
    answers = answer_ns = streak = longest = opening = 0
    addresses: dict[str, None] = {}
    for offer in ordered:
        counts[_PLACE_OF[offer.how]] += 1
        addresses.update(dict.fromkeys(offer.addresses))
        if offer.how == _TAKEN:
            streak = 0
            if offer.answer >= 0:
                answers += 1
                answer_ns += offer.answer
        elif offer.how in REFUSED:
            streak += 1
            longest = max(longest, streak)
            opening += not counts[_PLACE_OF[_TAKEN]]
    started = [offer.started for offer in ordered]
    return Rolled(
        tuple(counts), answers, answer_ns, min(started), max(started), opening, streak, longest,
        tuple(addresses)[:MAX_ADDRESSES],
    )  # fmt: skip
