"""Records of addresses with valid defaults, for tests."""

from __future__ import annotations

from typing import Any

from sipwatch.report.ends import CallsRecord, EndRecord


def calls(count: int = 0, answered: int = 0, **more: Any) -> CallsRecord:
    """Return calls in one direction."""
    given: dict[str, Any] = {
        "calls": count, "answered": answered, "unfinished": 0, "answered_share": answered / count if count else None,
        "status_codes": {}, "first_progress_median_seconds": None, "first_progress_95_seconds": None, "numbers": 1,
    }  # fmt: skip
    return CallsRecord(**{**given, **more})


def end(address: str = "192.0.2.65", role: str | None = "devices", **more: Any) -> EndRecord:
    """Return an address."""
    given: dict[str, Any] = {
        "address": address, "name": None, "role": role, "sure": role and "likely", "why": ["it registers"], "software": ["Phone 1"],
        "hosts": [], "ports": [5060], "transports": ["udp"], "sent": 3, "received": 4, "calls_out": calls(), "calls_in": calls(),
        "registrations_out": {}, "registrations_in": {}, "options_out": {}, "options_in": {},
    }  # fmt: skip
    return EndRecord(**{**given, **more})
