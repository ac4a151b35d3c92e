"""What became of attempts to register between peers, from a store's sums, and what differs from the time before.

Must not know: HTTP, pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from sipwatch.export.registrations import EXPIRED, FAILED_TO_REGISTER, SUCCEEDED_TO_REGISTER
from sipwatch.packet import SECOND
from sipwatch.store.registered import RegistrationsWanted, register_sums, registrations_in, registrations_span
from sipwatch.web.moves import moves_between

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sipwatch.store.reader import StoreReader
    from sipwatch.store.registered import RegisterSum
    from sipwatch.store.registrations import RegistrationRow
    from sipwatch.web.moves import ShareMove
    from sipwatch.web.period import Period

ACCEPTED: Final = "accepted"
SHARES: Final = (ACCEPTED, *(outcome.value for outcome in FAILED_TO_REGISTER))


class RegisterCounts:
    """Attempts to register between two peers."""

    __slots__ = ("accepted", "attempts", "by_outcome", "delay_ns", "delays", "judged")

    def __init__(self) -> None:
        self.attempts = self.judged = self.accepted = self.delays = self.delay_ns = 0
        self.by_outcome: dict[str, int] = {}

    def add(self, one: RegisterSum) -> None:
        """Take a sum of attempts. Those without an end are in no share, and what ran out is no attempt."""
        self.by_outcome[one.outcome] = self.by_outcome.get(one.outcome, 0) + one.attempts
        if one.outcome == EXPIRED:
            return
        self.attempts += one.attempts
        self.delays += one.delays
        self.delay_ns += one.delay_ns
        if one.outcome in SUCCEEDED_TO_REGISTER:
            self.accepted += one.attempts
        if one.outcome in SUCCEEDED_TO_REGISTER or one.outcome in FAILED_TO_REGISTER:
            self.judged += one.attempts

    def count(self, what: str) -> int:
        """Return how many were accepted, or had an outcome; or how often something ran out."""
        return self.accepted if what == ACCEPTED else self.by_outcome.get(what, 0)

    @property
    def share(self) -> float | None:
        """Return the share that was accepted, None where no attempt was seen to its end."""
        return self.accepted / self.judged if self.judged else None

    @property
    def delay_seconds(self) -> float | None:
        """Return how long a 2xx took on average (RRD, RFC 6076), None without any."""
        return self.delay_ns / self.delays / SECOND if self.delays else None


class RegisterFigures(NamedTuple):
    """Attempts from one peer to another; ``moved`` is None where there are too few to compare, now or before."""

    source: str
    destination: str
    now: RegisterCounts
    before: RegisterCounts
    moved: list[ShareMove] | None


class RegisterSharesRecord(msgspec.Struct, frozen=True):
    """What became of the attempts to register from ``source`` at ``destination``.

    ``judged`` are those that were seen to their end; ``share`` of them was accepted, null where there are none.
    ``expired`` is how often something ran out without a refresh. ``delay_seconds`` is the average time to a 2xx
    (RRD, RFC 6076).
    """

    source: str
    destination: str
    attempts: int
    judged: int
    accepted: int
    share: float | None
    auth_failed: int
    refused: int
    not_responding: int
    expired: int
    delay_seconds: float | None


class FoundRegistrations(NamedTuple):
    """What a time has: attempts between peers, devices with the worst first, all peers; days that have any at all."""

    between: list[RegisterFigures]
    devices: list[RegistrationRow]
    peers: list[str]
    span: tuple[int, int] | None


NO_REGISTRATIONS: Final = FoundRegistrations([], [], [], None)


def find_registrations(reader: StoreReader, period: Period, wanted: RegistrationsWanted) -> FoundRegistrations:
    """Return how registering went in a time; ``wanted`` says for whom. Raises StoreError."""
    between = registered_between(reader, period)
    peers = sorted({name for one in between for name in (one.source, one.destination)})
    if wanted.peer:
        between = [one for one in between if wanted.peer in (one.source, one.destination)]
    return FoundRegistrations(between, registrations_in(reader, wanted), peers, registrations_span(reader))


def registered_between(reader: StoreReader, period: Period) -> list[RegisterFigures]:
    """Return what became of attempts by the peers at both ends, the most first. Raises StoreError."""
    now, before = (_by_ends(register_sums(reader, *span)) for span in ((period.since, period.until), period.before))
    moved = moves_between(now, before, SHARES)
    found = [
        RegisterFigures(*ends, counts, before.get(ends) or RegisterCounts(), moved.get(ends))
        for ends, counts in now.items()
    ]
    return sorted(found, key=lambda one: (-one.now.attempts, one.source, one.destination))


def register_shares(one: RegisterFigures) -> RegisterSharesRecord:
    """Return the figures of two peers as others read them."""
    counts = one.now
    return RegisterSharesRecord(
        source=one.source,
        destination=one.destination,
        attempts=counts.attempts,
        judged=counts.judged,
        accepted=counts.accepted,
        share=_rounded(counts.share),
        **{outcome.value: counts.count(outcome) for outcome in FAILED_TO_REGISTER},
        expired=counts.count(EXPIRED),
        delay_seconds=_rounded(counts.delay_seconds),
    )


def _by_ends(sums: Iterable[RegisterSum]) -> dict[tuple[str, str], RegisterCounts]:
    found: dict[tuple[str, str], RegisterCounts] = {}
    for one in sums:
        found.setdefault((one.source, one.destination), RegisterCounts()).add(one)
    return found


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
