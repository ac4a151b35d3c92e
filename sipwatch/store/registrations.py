"""How registering went, added up: of one address of record, from one device, at one registrar; days become one.

Must not know: files, SQL, attempts one by one once they are added.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.export.moments import Moment
from sipwatch.export.registrations import (
    EXPIRED,
    FAILED_TO_REGISTER,
    SUCCEEDED_TO_REGISTER,
    RegistrationRecord,
    RegistrationState,
)
from sipwatch.store.rows import digits_turned
from sipwatch.track.events import RegistrationOutcome

if TYPE_CHECKING:
    from sipwatch.store.attempts import RegisterAttempt

_UNDECIDED: Final = ("", RegistrationOutcome.UNFINISHED.value)
_COUNTED: Final = (*RegistrationOutcome, EXPIRED)


class RegistrationRow(NamedTuple):
    """How registering went; of the latest attempt that was seen to its end: where, over what, by what, the outcome.

    The first three are its key. ``credentials`` says that the latest had given some, and they were refused. Moments
    are ns, 0 where there is none; ``outcome`` is "" where nothing but an end was seen. ``streak`` attempts failed since
    the last that succeeded, the first of them at ``failing_since``.
    """

    aor: str
    device: str
    registrar: str
    source: str
    destination: str
    transport: str
    user_agent: str
    outcome: str
    status_code: int
    credentials: int
    registered: int
    removed: int
    auth_failed: int
    refused: int
    not_responding: int
    unfinished: int
    expired: int
    first: int
    last: int
    succeeded: int
    failed: int
    expires: int
    until: int
    ran_out: int
    streak: int
    failing_since: int

    @property
    def key(self) -> tuple[str, str, str]:
        """Return what tells it from others."""
        return self[:3]

    @property
    def proved(self) -> bool:
        """Tell whether a registrar ever took it: nobody who guesses names comes that far."""
        return self.registered + self.expired > 0

    @property
    def tried(self) -> int:
        """Say how many attempts there were."""
        return sum([getattr(self, name) for name in RegistrationOutcome])

    @property
    def failures(self) -> int:
        """Say how many attempts failed."""
        return sum([getattr(self, name) for name in FAILED_TO_REGISTER])

    @property
    def begins(self) -> int:
        """Return when it was first seen (ns): an attempt, or an end."""
        return self.first or self.ran_out

    @property
    def seen(self) -> int:
        """Return when it was last seen (ns)."""
        return max(self.last, self.ran_out)

    @property
    def number(self) -> str:
        """Return the user part of the address of record, which may be a number."""
        return user_part(self.aor)

    def joined(self, other: RegistrationRow) -> RegistrationRow:
        """Return what it and another of the same key make together, in whatever order both were."""
        late = max(self, other, key=_decided)
        held = max(self, other, key=_until)
        since = max(self.succeeded, other.succeeded)
        streak, failing_since = _streak(self, other, since)
        return late._replace(
            **{name: getattr(self, name) + getattr(other, name) for name in _COUNTED},
            first=min(self.first, other.first) if self.first and other.first else self.first or other.first,
            succeeded=since,
            failed=max(self.failed, other.failed),
            expires=held.expires,
            until=held.until,
            ran_out=max(self.ran_out, other.ran_out),
            streak=streak,
            failing_since=failing_since,
        )


def user_part(aor: str) -> str:
    """Return the user part of an address of record, the number of a tel URI."""
    scheme, _, rest = aor.partition(":")
    return rest if scheme == "tel" else rest.rpartition("@")[0]


def digits_of(aor: str) -> str | None:
    """Return the digits of an address of record's number from the last to the first, None where it is no number."""
    return digits_turned(user_part(aor))


def row_of_attempt(attempt: RegisterAttempt) -> RegistrationRow:
    """Return what one attempt comes to."""
    at, outcome = attempt.at, attempt.outcome
    is_end = outcome == EXPIRED
    succeeded = at if outcome in SUCCEEDED_TO_REGISTER else 0
    failed = at if outcome in FAILED_TO_REGISTER else 0
    counts = [int(outcome == name) for name in _COUNTED]
    latest = (*attempt[2:9], "" if is_end else outcome, attempt.status_code, int(attempt.credentials))
    when = (0 if is_end else at, at, succeeded, failed, attempt.expires, attempt.until, at if is_end else 0)
    return RegistrationRow._make((*latest, *counts, *when, int(failed > 0), failed))


def state_of(row: RegistrationRow) -> RegistrationState:
    """Say how a device stands by the last that was seen."""
    if row.streak:
        return RegistrationState.FAILING
    if row.ran_out > row.succeeded and row.ran_out >= row.until:
        return RegistrationState.RAN_OUT
    if row.outcome == RegistrationOutcome.REMOVED:
        return RegistrationState.REMOVED
    return RegistrationState.REGISTERED if row.succeeded else RegistrationState.UNKNOWN


def registration_record(row: RegistrationRow) -> RegistrationRecord:
    """Return a row as others read it."""
    attempts = row.tried
    return RegistrationRecord(
        *row[:6],
        user_agent=row.user_agent or None,
        state=state_of(row),
        attempts=attempts,
        **{name: getattr(row, name) for name in _COUNTED},
        first=_moment(row.first),
        last=_moment(row.last) if attempts else None,
        outcome=row.outcome or None,
        status_code=row.status_code or None,
        credentials_refused=bool(row.credentials),
        succeeded=_moment(row.succeeded),
        failed=_moment(row.failed),
        expires=row.expires or None,
        until=_moment(row.until),
        ran_out=_moment(row.ran_out),
        streak=row.streak,
        failing_since=_moment(row.failing_since),
    )


def _moment(at: int) -> Moment | None:
    return Moment(at) if at else None


def _decided(row: RegistrationRow) -> tuple[bool, bool, int]:
    """Order rows by how much they say of the latest: what was seen to its end, what was seen, when."""
    return row.outcome not in _UNDECIDED, row.outcome != "", row.last


def _until(row: RegistrationRow) -> int:
    return row.succeeded


def _streak(one: RegistrationRow, other: RegistrationRow, since: int) -> tuple[int, int]:
    """Return how many failed since a moment, and the first of them; of what was added up before, what is sure."""
    found = [
        (row.streak, row.failing_since) if row.failing_since > since else (1, row.failed)
        for row in (one, other)
        if row.streak and row.failed > since
    ]
    return sum(streak for streak, _ in found), min((first for _, first in found), default=0)
