"""Attempts to register as they wait to be stored, with what is not given as an honest phone has it."""

from __future__ import annotations

from itertools import count
from typing import Any

from sipwatch.export.registrations import EXPIRED
from sipwatch.store.attempts import RegisterAttempt
from sipwatch.track.events import RegistrationOutcome
from tests.export.records import at

_marks = count(1)
_CODES = {
    RegistrationOutcome.REGISTERED: 200,
    RegistrationOutcome.REMOVED: 200,
    RegistrationOutcome.AUTH_FAILED: 401,
    RegistrationOutcome.REFUSED: 403,
}


def attempt(
    seconds: float, outcome: str = "registered", aor: str = "sip:4711@pbx.example", **more: Any
) -> RegisterAttempt:
    """Return an attempt so many seconds after the start, no two of which are the same one."""
    is_registered = outcome == RegistrationOutcome.REGISTERED
    given: dict[str, Any] = {
        "mark": next(_marks), "at": at(seconds), "aor": aor, "device": "192.0.2.80", "registrar": "198.51.100.5",
        "source": "phones", "destination": "pbx", "transport": "udp", "user_agent": "Phone/1", "outcome": outcome,
        "status_code": 0 if outcome == EXPIRED else _CODES.get(RegistrationOutcome(outcome), 0), "credentials": True,
        "delay": 20_000_000 if is_registered else -1, "expires": 3600 if is_registered else 0,
        "until": at(seconds + 3600) if is_registered else 0,
    }  # fmt: skip
    return RegisterAttempt(**{**given, **more})
