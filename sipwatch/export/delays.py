"""How long the parts of a call took, by the names under which they are asked for.

Must not know: how durations are put together, or shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.track.table import CHALLENGES

if TYPE_CHECKING:
    from collections.abc import Callable

    from sipwatch.export.record import CallRecord, LegRecord


def stands_for_the_call(call: CallRecord) -> list[LegRecord]:
    """Return the legs nearest the caller: those that come from where the call came from."""
    host = call.source_address.rpartition(":")[0]
    return [leg for leg in call.legs if leg.source_address.rpartition(":")[0] == host]


def post_dial(call: CallRecord) -> int | None:
    """Return how long it took from the INVITE to the first 18x (ns): the post-dial delay."""
    return None if call.progressed is None else call.progressed - call.started


def until_answer(call: CallRecord) -> int | None:
    """Return how long it took from the INVITE to the answer (ns)."""
    return None if call.answered is None else call.answered - call.started


def session_request(call: CallRecord) -> int | None:
    """Return RFC 6076's SRD of a call that got somewhere (ns): challenges left out, to the first response above 100."""
    told = [moment for moment in (call.progressed, call.answered) if moment is not None]
    legs = stands_for_the_call(call)
    tries = [leg for leg in legs if leg.outcome != "retried" and leg.status_code not in CHALLENGES]
    if not told or not tries or any(["invite" in leg.inferred for leg in tries]):  # noqa: C419 - as elsewhere
        return None
    return min(told) - min([leg.started for leg in tries])


def _setup(call: CallRecord) -> int | None:
    return call.setup_seconds


def _ring(call: CallRecord) -> int | None:
    return call.ring_seconds


def _talk(call: CallRecord) -> int | None:
    return call.talk_seconds


DELAYS: Final[dict[str, Callable[[CallRecord], int | None]]] = {
    "progress": post_dial,
    "srd": session_request,
    "answer": until_answer,
    "setup_seconds": _setup,
    "ring_seconds": _ring,
    "talk_seconds": _talk,
}
