"""What a call shows of its provisional responses: reliable ones that nobody confirms, preconditions that nobody meets.

Must not know: other calls, words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.classify.families.dialog import exchanges
from sipwatch.classify.findings import MAX_EVIDENCE, PLAIN, Fact, Finding, Kind, quoted, seen
from sipwatch.classify.hops import deepest_first, far_end
from sipwatch.wire.sip import header, header_values

if TYPE_CHECKING:
    from sipwatch.classify.findings import Look
    from sipwatch.classify.peers import Directory
    from sipwatch.track.answers import Reliable
    from sipwatch.track.call import Call
    from sipwatch.track.dialog import Exchange
    from sipwatch.track.leg import Leg
    from sipwatch.wire.message import Response

MANY_COPIES: Final = 3  # of a reliable response: its PRACK may cross the second
_PRECONDITION_FAILURE: Final = 580


def prack_missing(call: Call, directory: Directory) -> Finding | None:
    """A reliable provisional response was sent again and again, and no PRACK names it (RFC 3262 §3, §4)."""
    for leg in deepest_first(call):
        for reliable in leg.reliables or ():
            if reliable.count < MANY_COPIES or _pracks(call, leg, reliable):
                continue
            others = [exchange for exchange in exchanges(call) if exchange.method == "PRACK"]
            facts = _facts(reliable)
            evidence = [seen(reliable.response)]
            if others:
                facts["rack"] = quoted(header(others[0].request.raw, b"rack"))
                evidence.append(seen(others[0].request))
            return Finding(Kind.PRACK_MISSING, "other" if others else PLAIN, far_end(leg, directory), facts, evidence)
    return None


def prack_ignored(call: Call, directory: Directory) -> Finding | None:
    """A reliable provisional response is repeated in spite of a PRACK that names it, and that was answered."""
    for leg in deepest_first(call):
        for reliable in leg.reliables or ():
            if reliable.count < MANY_COPIES:
                continue
            answered = [prack for prack in _pracks(call, leg, reliable) if prack.final is not None]
            if not answered or reliable.last_at <= min(prack.final_at for prack in answered):
                continue
            facts = _facts(reliable)
            facts["pracks"] = len(answered)
            evidence = [seen(reliable.response), *(seen(prack.request) for prack in answered[: MAX_EVIDENCE - 1])]
            return Finding(Kind.PRACK_IGNORED, PLAIN, far_end(leg, directory), facts, evidence)
    return None


def _facts(reliable: Reliable) -> dict[str, Fact]:
    return {"status_code": reliable.response.status_code, "times": reliable.count, "rseq": quoted(reliable.rseq)}


def _pracks(call: Call, leg: Leg, reliable: Reliable) -> list[Exchange]:
    """Return the PRACKs whose RAck names the RSeq and the CSeq of a response (RFC 3262 §7.2)."""
    named = [reliable.rseq, b"%d" % leg.cseq_number, b"INVITE"]
    return [
        exchange
        for exchange in exchanges(call)
        if exchange.method == "PRACK" and header(exchange.request.raw, b"rack").split() == named
    ]


def precondition(call: Call, directory: Directory) -> Finding | None:
    """The preconditions of the session were not met: 580; or asked for, and nobody said by UPDATE that they are.

    RFC 3312 §5, §8.
    """
    for leg in deepest_first(call):
        asked = _asks(leg)
        if leg.status_code == _PRECONDITION_FAILURE and leg.final is not None:
            evidence = [*([seen(asked)] if asked else []), seen(leg.final)]
            facts: dict[str, Fact] = {"status_code": leg.status_code}
            return Finding(Kind.PRECONDITION, "refused", far_end(leg, directory), facts, evidence)
        if asked is not None and not any(exchange.method == "UPDATE" for exchange in exchanges(call)):
            facts = {"status_code": asked.status_code}
            evidence = [seen(leg.invite), seen(asked)]
            return Finding(Kind.PRECONDITION, "no_update", far_end(leg, directory), facts, evidence)
    return None


def _asks(leg: Leg) -> Response | None:
    """Return the provisional response of a hop that requires preconditions, None without one."""
    for response in (leg.session_progress, leg.progress):
        if response is not None and b"require" in response.names:
            tags = b",".join(header_values(response.raw, b"require")).lower().split(b",")
            if b"precondition" in [tag.strip() for tag in tags]:
                return response
    return None


# What is looked for in every call that shows its signs (``findings.TABLE``).
LOOKS: Final[dict[Kind, Look]] = {
    Kind.PRACK_MISSING: prack_missing,
    Kind.PRACK_IGNORED: prack_ignored,
    Kind.PRECONDITION: precondition,
}
