"""One call's secrets, numbers and names hidden in its messages, without changing their length.

Must not know: packets, formats. What is hidden, and how, is decided by ``export.scrub`` and ``export.privacy``. Here
all messages of the call are looked at together, so that whoever is named in one of them is hidden in each.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sipwatch.export import rawmask, scrub
from sipwatch.export.masking import NO_ONE, Known, Masking

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sipwatch.classify.peers import Privacy
    from sipwatch.export.record import CallRecord

_MAX_CHANCE_LENGTH = 5  # digits: so few may stand anywhere
_WORD = re.compile(rb"[\w+/=]{8,}")  # of a secret: long enough to stand nowhere by chance
_LONGER = "a message could not be covered in its own length"


class Unsafe(Exception):  # noqa: N818 - not a mistake: a reason
    """Bytes that cannot be covered for certain; the text says why, in words that finish "because ..."."""


class Cover:
    """Covers the messages of one call, given as they were captured."""

    def __init__(self, privacy: Privacy, call: CallRecord, raws: Sequence[bytes]) -> None:
        self._masking = Masking(privacy.mask, names=privacy.names)
        self._hides = privacy.mask is not None or privacy.names
        self._known = NO_ONE
        self._secrets = {secret for raw in raws for secret in _changed(raw, scrub.payload(raw))}
        self._numbers: re.Pattern[bytes] | None = None
        if self._hides:
            self._learn(call, raws)

    def _learn(self, call: CallRecord, raws: Sequence[bytes]) -> None:
        """Note who has a part in the call, by its record and by every message, as the policy does for records."""
        users, names = rawmask.named(raw.decode("latin-1") for raw in raws)
        parties = [call.caller or "", call.callee or "", *sorted(users)]
        masking = self._masking
        known = Known(parties if masking.mask is not None else (), sorted(names) if masking.names else ())
        made_of = (call.call_id, call.from_tag or "")
        self._known = known.hiding(made_of) if any(known.found_in(one) for one in made_of) else known
        runs = {digits for party in parties for digits in re.findall(r"[0-9]+", party)}
        hidden = sorted(run for run in runs if len(run) > _MAX_CHANCE_LENGTH and masking.number(run) != run)
        if hidden:
            # As a number of its own: it may be the beginning of another one, which was cut down to it.
            self._numbers = re.compile(rb"(?<!\d)(?:%b)(?![\d*])" % "|".join(hidden).encode())

    def message(self, raw: bytes) -> bytes:
        """Return a message with everything covered, as long as before. Raises Unsafe."""
        if self._hides:
            new = rawmask.message(self._masking, raw.decode("latin-1"), self._known).encode("latin-1")
        else:
            new = scrub.payload(raw)
        if len(new) != len(raw):
            raise Unsafe(_LONGER)
        return new

    def leaks(self, data: bytes) -> bool:
        """Tell whether anything stands in bytes that must not."""
        if self._numbers is not None and self._numbers.search(data) is not None:
            return True
        return any(secret in data for secret in self._secrets)


def _changed(before: bytes, after: bytes) -> Iterator[bytes]:
    """Yield the words in what was overwritten that are long enough to be looked for."""
    start = -1
    for place, (old, new) in enumerate(zip(before + b"\0", after + b"\0", strict=False)):
        if old != new and start < 0:
            start = place
        elif old == new and start >= 0:
            yield from _WORD.findall(before, start, place)
            start = -1
