"""Who asked to be left alone for a while, and was not.

Must not know: clocks, words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.classify.findings import Evidence, Fact, Finding, Kind, seconds, seen
from sipwatch.classify.past import Table
from sipwatch.classify.remembered import PAIR_KEY, SLOT, of_evidence
from sipwatch.packet import SECOND
from sipwatch.wire.sip import header

if TYPE_CHECKING:
    from sipwatch.classify.noted import Noted
    from sipwatch.track.leg import Leg
    from sipwatch.wire.message import Response

MAX_ASKERS: Final = 4096
_MAX_DIGITS: Final = 10  # digits of a number of seconds: more than any life
_EACH: Final = SLOT + PAIR_KEY + 250


class Pause:
    """What one element asked of another: when first, for how many s, until when, and the calls sent all the same."""

    __slots__ = ("asked_at", "evidence", "sent", "until", "wanted")

    def __init__(self, asked_at: int, wanted: int, evidence: Evidence) -> None:
        self.asked_at = asked_at
        self.wanted = wanted
        self.until = asked_at + wanted * SECOND
        self.evidence = evidence
        self.sent = 0


class Overloads:
    """Remembers every 503 with Retry-After until its time is over (RFC 3261 §21.5.4), or a call gets through."""

    def __init__(self, noted: Noted) -> None:
        self.pauses: Table[Pause] = Table(MAX_ASKERS, noted.memory, _EACH)  # by who was asked, and who asks
        self._noted = noted

    def refused(self, leg: Leg) -> None:
        """Take a hop that ended with 503."""
        final = leg.final
        if final is None:
            return
        key = (leg.path.source_address, leg.path.destination_address)
        pause = self.pauses.get(key)
        if pause is not None and leg.started >= pause.until:
            self.pauses.drop(key)
            pause = None
        wanted = retry_after(final)
        if pause is not None and leg.started > pause.asked_at:
            pause.sent += 1
            self._note(leg, final, "nevertheless", pause)
        elif pause is None and wanted:
            pause = Pause(final.time, wanted, seen(final))
            self.pauses.put(key, pause, of_evidence(pause.evidence))
            self._note(leg, final, "asked", pause)
        if pause is not None and wanted:
            pause.until = max(pause.until, final.time + wanted * SECOND)

    def taken(self, leg: Leg) -> None:
        """Take a hop on which a call was taken, or refused for another reason: it is through with it."""
        self.pauses.drop((leg.path.source_address, leg.path.destination_address))

    def _note(self, leg: Leg, final: Response, variant: str, pause: Pause) -> None:
        facts: dict[str, Fact] = {
            "pause_seconds": pause.wanted, "asked_at": pause.asked_at, "sent": pause.sent,
            "until_at": pause.until, "after_seconds": seconds(leg.started - pause.asked_at),
        }  # fmt: skip
        evidence = [seen(final)] if variant == "asked" else [pause.evidence, seen(leg.invite), seen(final)]
        about = self._noted.subject(leg.path.destination_address)
        self._noted.of_call(leg.call, Finding(Kind.OVERLOAD, variant, about, facts, evidence))


def retry_after(response: Response) -> int:
    """Return for how many seconds a response asks for peace (RFC 3261 §20.33), 0 where it does not."""
    if b"retry-after" not in response.names:
        return 0
    value = header(response.raw, b"retry-after").split(b";", 1)[0].split(b"(", 1)[0].strip()
    return int(value) if value.isdigit() and len(value) <= _MAX_DIGITS else 0
