"""What became of a call or of a hop, by the name that people use: "Agent busy" is said of agents, "Busy" of others.

Must not know: what is a device (the record says so of each hop), whose it is, terminals, pages.

Who is an agent as far as is known stands behind a device: a peer's of kind ``devices``, or one that registered. Of
calls that are only counted by outcome nobody knows who they went to: they are ``Busy``, which is true of all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.classify.offers import Offered
from sipwatch.classify.outcomes import Outcome, distinct_name

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord, LegRecord

BUSY_NAME: Final = "Busy"  # of people who are no agents; of agents it is the outcome's own name
_BUSY: Final = Outcome.BUSY.value
_AGENTS: Final = frozenset({Offered.BUSY.value, Offered.IDLE_BUSY.value})
_NAMES: Final[dict[str, str]] = {outcome.value: distinct_name(outcome) for outcome in Outcome}


def plain_name(outcome: str) -> str:
    """Return the name of an outcome that a contact centre uses; of busy, that of agents."""
    return _NAMES[outcome]


def name_of_any(outcome: str) -> str:
    """Return the name of an outcome of agents and others together."""
    return BUSY_NAME if outcome == _BUSY else _NAMES[outcome]


def name_of_call(call: CallRecord) -> str:
    """Return the name of what became of a call."""
    return BUSY_NAME if is_others_busy(call) else _NAMES[call.outcome]


def name_of_leg(leg: LegRecord) -> str:
    """Return the name of what became of a hop."""
    return BUSY_NAME if leg.outcome == _BUSY and leg.offered not in _AGENTS else _NAMES[leg.outcome]


def is_others_busy(call: CallRecord) -> bool:
    """Tell whether a call ended as busy, and it was no agent, as far as is known, who said so."""
    return call.outcome == _BUSY and not any([leg.offered in _AGENTS for leg in call.legs])  # noqa: C419 - quicker
