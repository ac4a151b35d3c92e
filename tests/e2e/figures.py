"""What the tests ask of the figures: calls and their legs by what became of them, conditions, RFC 6076's ratio.

Must not know: what was placed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.scrape import Samples


def outcomes(samples: Samples) -> dict[tuple[str, ...], float]:
    """Return the calls by source, destination and outcome."""
    return samples.table("sipwatch_calls_total", "source", "destination", "outcome")


def legs(samples: Samples) -> dict[tuple[str, ...], float]:
    """Return the INVITE transactions by source, destination and outcome."""
    return samples.table("sipwatch_invites_total", "source", "destination", "outcome")


def endings(samples: Samples) -> dict[tuple[str, ...], float]:
    """Return the answered calls by source, destination, who ended them, and how they ended."""
    return samples.table("sipwatch_calls_ended_total", "source", "destination", "ended_by", "ending")


def finals(samples: Samples) -> dict[tuple[str, ...], float]:
    """Return the calls by source, destination and final response."""
    return samples.table("sipwatch_call_final_responses_total", "source", "destination", "status_code")


def conditions(samples: Samples) -> dict[tuple[str, ...], float]:
    """Return the conditions that were raised, by source, destination and kind."""
    return samples.table("sipwatch_invite_conditions_total", "source", "destination", "condition")


def resolved(samples: Samples) -> dict[tuple[str, ...], float]:
    """Return the conditions that are over, by source, destination, kind and resolution."""
    return samples.table(
        "sipwatch_invite_conditions_resolved_total", "source", "destination", "condition", "resolution"
    )


def ser(samples: Samples) -> float:
    """Return RFC 6076's Session Establishment Ratio of all calls."""
    calls, redirected = samples.sum("sipwatch_calls_total"), 0.0
    for code, count in samples.by("sipwatch_call_final_responses_total", "status_code").items():
        redirected += count if code.startswith("3") else 0
    return samples.sum("sipwatch_calls_total", outcome="answered") / (calls - redirected)


def assert_all_is_over(samples: Samples) -> None:
    """Check that no call is being set up or up, and no condition lasts."""
    for name in ("calls_pending", "calls_established", "invites_in_condition"):
        assert samples.sum(f"sipwatch_{name}") == 0, name
