"""What a failed call was told of its cause: against its own course, early, or by a network that screens calls.

Must not know: other calls, words; which cause is believed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.classify.causes import reason_outcome
from sipwatch.classify.findings import PLAIN, Fact, Finding, Kind, own, quoted, seen
from sipwatch.classify.hops import deepest_first, far_end, first_of
from sipwatch.classify.reason import reasons
from sipwatch.classify.told import contradiction, is_network_blocked
from sipwatch.track.table import Heard
from sipwatch.wire.sip import header

if TYPE_CHECKING:
    from sipwatch.classify.findings import Look
    from sipwatch.classify.peers import Directory
    from sipwatch.track.call import Call
    from sipwatch.track.leg import Leg


def cause_contradicts(call: Call, directory: Directory) -> Finding | None:
    """Code and cause lead to different outcomes, and no gateway turns the one into the other (RFC 3398)."""
    return first_of(deepest_first(call), _cause_contradicts, directory)


def _cause_contradicts(leg: Leg, directory: Directory) -> Finding | None:
    found = contradiction(leg)
    message = leg.final if leg.status_code not in (0, 487) else leg.cancel or leg.final
    if found is None or message is None:
        return None
    facts: dict[str, Fact] = {
        "status_code": leg.status_code, "cause": found.cause, "protocol": quoted(found.protocol.encode()),
        "by_status": own(found.by_status.value), "by_cause": own(found.by_cause.value),
        "believed": own(found.believed.value),
    }  # fmt: skip
    variant = PLAIN if message is leg.final and leg.status_code != 487 else "elsewhere"
    return Finding(Kind.CAUSE_CONTRADICTS, variant, far_end(leg, directory), facts, [seen(message)])


def early_cause(call: Call, directory: Directory) -> Finding | None:
    """A Reason in a 18x says what the announcement behind it says to the caller (RFC 3326 §2)."""
    return first_of(deepest_first(call), _early_cause, directory)


def _early_cause(leg: Leg, directory: Directory) -> Finding | None:
    early = leg.early_reason
    if early is None:
        return None
    for reason in reasons(early):
        outcome = reason_outcome(reason, alerted=leg.heard is Heard.ALERTED, trunk=False)
        if outcome is None or reason.cause is None or reason.cause < 0:
            continue
        text = quoted((reason.text or "").encode())
        facts: dict[str, Fact] = {
            "status_code": early.status_code, "protocol": quoted(reason.protocol.encode()), "cause": reason.cause,
            "outcome": own(outcome.value), "text": text,
        }  # fmt: skip
        return Finding(Kind.EARLY_CAUSE, "text" if text.text else PLAIN, far_end(leg, directory), facts, [seen(early)])
    return None


def network_blocked(call: Call, directory: Directory) -> Finding | None:
    """A network's analysis refused the call, or the callee had unwanted calls refused (RFC 8197, RFC 8688)."""
    return first_of(deepest_first(call), _network_blocked, directory)


def _network_blocked(leg: Leg, directory: Directory) -> Finding | None:
    final = leg.final
    if final is None or not is_network_blocked(leg):
        return None
    # Where to complain: in the Reason's text (ATIS-1000099), or in Call-Info (RFC 8688 §3.1).
    redress = next((reason.text for reason in reasons(final) if reason.text and "=" in reason.text), "")
    text = quoted(redress.encode() if redress else header(final.raw, b"call-info"))
    facts: dict[str, Fact] = {"status_code": leg.status_code, "text": text}
    return Finding(
        Kind.NETWORK_BLOCKED, "redress" if text.text else PLAIN, far_end(leg, directory), facts, [seen(final)]
    )


# What is looked for in every call that shows its signs (``findings.TABLE``).
LOOKS: Final[dict[Kind, Look]] = {
    Kind.NETWORK_BLOCKED: network_blocked,
    Kind.EARLY_CAUSE: early_cause,
    Kind.CAUSE_CONTRADICTS: cause_contradicts,
}
