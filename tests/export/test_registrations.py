"""The record of how registering went: its words are those of the events, and failures are counted once."""

from __future__ import annotations

from typing import Any

from sipwatch.export.registrations import (
    EXPIRED,
    FAILED_TO_REGISTER,
    SUCCEEDED_TO_REGISTER,
    RegistrationRecord,
)
from sipwatch.track.events import RegistrationOutcome


def test_every_outcome_is_a_failure_a_success_or_unknown_and_has_a_count() -> None:
    left = set(RegistrationOutcome) - set(FAILED_TO_REGISTER) - set(SUCCEEDED_TO_REGISTER)
    assert left == {RegistrationOutcome.UNFINISHED}
    assert {*RegistrationOutcome, EXPIRED} < set(RegistrationRecord.__struct_fields__)


def test_failures_are_all_kinds_of_them() -> None:
    given: dict[str, Any] = dict.fromkeys(RegistrationRecord.__struct_fields__, 100)
    record = RegistrationRecord(**{**given, "auth_failed": 1, "refused": 2, "not_responding": 4})
    assert record.failures == 7
