"""How registering went for one address of record from one device: the record, and how the device stands.

Must not know: files, terminals, any clock, how attempts are added up.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from sipwatch.export.moments import Moment  # noqa: TC001 - msgspec reads it
from sipwatch.track.events import RegistrationOutcome

EXPIRED: Final = "expired"  # stands beside the outcomes of attempts: what was registered ran out
FAILED_TO_REGISTER: Final = (
    RegistrationOutcome.AUTH_FAILED,
    RegistrationOutcome.REFUSED,
    RegistrationOutcome.NOT_RESPONDING,
)
SUCCEEDED_TO_REGISTER: Final = (RegistrationOutcome.REGISTERED, RegistrationOutcome.REMOVED)


class RegistrationState(StrEnum):
    """How a device stands with a registrar, by the last that was seen; the worst first."""

    FAILING = "failing"  # the latest attempt failed
    RAN_OUT = "ran_out"  # what was granted ran out, and no refresh was seen
    REGISTERED = "registered"
    REMOVED = "removed"  # it signed off
    UNKNOWN = "unknown"  # no attempt was seen to its end


class RegistrationRecord(msgspec.Struct, frozen=True, gc=False):
    """How registering went for one address of record, from one device, at one registrar, by days (UTC).

    ``state`` is how that stands by the last that was seen. ``source`` and ``destination`` are the peers of ``device``
    and ``registrar``, which are IP addresses. ``first`` and ``last`` are the first and the latest attempt; ``outcome``
    and ``status_code`` are those of the latest, null where none was seen to its end; ``credentials_refused`` says that
    it was challenged again although it had given a password. Attempts are counted by what became of them, ``expired``
    counts what ran out without a refresh, for the last time at ``ran_out``. ``succeeded`` and ``failed`` are the latest
    attempts that did. ``until`` is when what was granted last (``expires`` seconds) ends. ``streak`` attempts in a row
    have failed since ``failing_since``, 0 if the latest did not.
    """

    aor: str
    device: str
    registrar: str
    source: str
    destination: str
    transport: str
    user_agent: str | None
    state: RegistrationState
    attempts: int
    registered: int
    removed: int
    auth_failed: int
    refused: int
    not_responding: int
    unfinished: int
    expired: int
    first: Moment | None
    last: Moment | None
    outcome: str | None
    status_code: int | None
    credentials_refused: bool
    succeeded: Moment | None
    failed: Moment | None
    expires: int | None
    until: Moment | None
    ran_out: Moment | None
    streak: int
    failing_since: Moment | None

    @property
    def failures(self) -> int:
        """Say how many attempts failed."""
        return self.auth_failed + self.refused + self.not_responding
