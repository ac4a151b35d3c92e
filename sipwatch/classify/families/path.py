"""What a call shows of the path: what was sent again, what went in circles, what could not arrive.

Must not know: other calls, words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.classify.findings import MOST_EVIDENCE, PLAIN, Evidence, Fact, Finding, Kind, said, seen, where
from sipwatch.classify.hops import deepest_first, far_end, first_of, goes_on, lasting, private_host, subject
from sipwatch.track.conditions import Condition, Raised
from sipwatch.track.dialog import EndedBy
from sipwatch.track.leg import Heard
from sipwatch.track.match import host_address
from sipwatch.wire.message import Transport
from sipwatch.wire.sip import header, split_values, uri_of

if TYPE_CHECKING:
    from sipwatch.classify.peers import Directory
    from sipwatch.track.call import Call
    from sipwatch.track.leg import Leg
    from sipwatch.wire.message import Message

REPEATS_ARE_LOSS = 2  # one may just have crossed the answer
# So often a sender repeats its INVITE within 1.5 s. One repetition proves nothing where a capture holds one
# direction only: the response that stopped it may have come a little late, and unseen.
REPEATS_ARE_SILENCE = 2
LOOP_GROWS_BY = 3  # Via values more than the first hop had
HOPS_ENOUGH = 10  # a call that may not pass so many servers ends with 483 without having gone in circles
LOOP_CODES = frozenset({482, 483})


def ack_lost(call: Call, directory: Directory) -> Finding | None:
    """The 2xx again and again: its sender never gets the ACK. One that comes late was only lost for a while."""
    return first_of(deepest_first(call), _ack_lost, directory)


def _ack_lost(leg: Leg, directory: Directory) -> Finding | None:
    raised = lasting(leg, Condition.ACK_MISSING)
    if raised is None or leg.final is None:
        return None
    facts: dict[str, Fact] = {
        "times": max([answer.count for answer in leg.answers or ()], default=0),
        "address": where(leg.path.destination_address),
    }
    evidence = [seen(leg.final), Evidence(raised.raised, 0, Condition.ACK_MISSING.value)]
    return Finding(Kind.ACK_LOST, PLAIN, far_end(leg, directory), facts, evidence)


def loss(call: Call, directory: Directory) -> Finding | None:
    """Messages sent again although the other side was there: some get lost, and here is on which side of us.

    Proxies that keep no state, and all of them for a 2xx, hand repetitions on: they are then seen on every hop. What
    went towards the callee got lost behind the last hop on which it was seen, what came back before the first.
    """
    inward = deepest_first(call)
    outward = inward[::-1]
    for legs, count, variant in (
        (outward, _repeats_heard, "responses"),
        (inward, _repeats_acked, "acks"),
        (outward, _repeated_finals, "finals"),
        (inward, _repeats_unheard, "requests"),
    ):
        for leg in legs:
            times = count(leg)
            if times < REPEATS_ARE_LOSS or leg.path.transport is not Transport.UDP or leg.final is None:
                continue
            back = legs is outward
            toward = subject(directory, leg.path.source_address if back else leg.path.destination_address)
            facts: dict[str, Fact] = {"times": times, "toward": toward}
            return Finding(Kind.LOSS, variant, toward, facts, [seen(leg.invite), seen(leg.final)])
    return None


def _repeats_heard(leg: Leg) -> int:
    return leg.repeats_heard


def _repeats_acked(leg: Leg) -> int:
    return leg.repeats_acked


def _repeats_unheard(leg: Leg) -> int:
    return leg.repeats_unheard


def _repeated_finals(leg: Leg) -> int:
    """Return how often the final came again before its ACK; where that never came, ``ack_lost`` tells of a 2xx."""
    if lasting(leg, Condition.ACK_MISSING) is not None:
        return 0
    return leg.retransmissions - leg.repeats_unheard - leg.repeats_heard - leg.repeats_acked


def loop(call: Call, directory: Directory) -> Finding | None:
    """Sent round in circles until somebody counted the hops.

    Growing numbers of Via show it, where somebody was passed twice. Else a server's word is taken for it, when the
    call ended with that: a fork that meets itself is refused with 482 as well (RFC 3261 §8.2.2.2), and one INVITE
    may pass only few servers (483).
    """
    refused = next((leg for leg in deepest_first(call) if leg.status_code in LOOP_CODES), None)
    if refused is None or refused.final is None:
        return None
    last = call.upstream or call.front[-1]
    vias = [leg.via_count for leg in call.legs]
    facts: dict[str, Fact] = {"status_code": refused.status_code, "user": said(refused.invite.request_uri)}
    passed = {leg.path.destination_address for leg in call.legs if not leg.followed}
    if max(vias) - min(vias) >= LOOP_GROWS_BY and len(passed) < len(call.legs):
        facts |= {"hops": max(vias), "first": min(vias)}
        by_vias = sorted(call.legs, key=lambda leg: leg.via_count)
        step = -(-len(by_vias) // (MOST_EVIDENCE - 1))
        evidence = [*(seen(leg.invite) for leg in by_vias[::step]), seen(refused.final)]
        return Finding(Kind.LOOP, "growing", far_end(refused, directory), facts, evidence)
    if last.status_code not in LOOP_CODES or (last.status_code == 483 and last.max_forwards < HOPS_ENOUGH):
        return None
    return Finding(Kind.LOOP, PLAIN, far_end(refused, directory), facts, [seen(last.invite), seen(refused.final)])


def nat_suspect(call: Call, directory: Directory) -> Finding | None:
    """One end is to be reached at an address that only its own network knows, and something did not arrive.

    The ACK of a 2xx and the caller's BYE go to the callee's Contact, the callee's BYE to the caller's. The caller's
    is told of a missing ACK as well, if the callee's gives no reason: such a caller sits behind a NAT in any case.
    """
    first = call.upstream or call.front[-1]
    for leg in deepest_first(call):
        unacked, unanswered = lasting(leg, Condition.ACK_MISSING), lasting(leg, Condition.BYE_UNANSWERED)
        found = None
        if leg.final is not None and not goes_on(leg):
            raised = unacked or (unanswered if call.ended_by is EndedBy.CALLER else None)
            found = _behind_nat("callee", leg.final, leg.path.destination_address, raised, directory)
        if found is None and leg is first:
            raised = unacked or (unanswered if call.ended_by is EndedBy.CALLEE else None)
            found = _behind_nat("caller", leg.invite, leg.path.source_address, raised, directory)
        if found is not None:
            return found
    return None


def _behind_nat(
    variant: str, message: Message, address: bytes, raised: Raised | None, directory: Directory
) -> Finding | None:
    """Compare what an end claims with where its message came from; a proxy's messages hold others' Contacts."""
    if raised is None:
        return None
    claimed = private_host(uri_of(header(message.raw, b"contact", b"m")))
    routes = split_values(header(message.raw, b"record-route")) if b"record-route" in message.names else []
    if claimed is None or claimed == address or address in [host_address(uri_of(route)) for route in routes]:
        return None
    facts: dict[str, Fact] = {
        "contact": where(claimed), "address": where(address), "condition": raised.kind.value,
    }  # fmt: skip
    evidence = [seen(message), Evidence(raised.raised, 0, raised.kind.value)]
    return Finding(Kind.NAT_SUSPECT, variant, subject(directory, address), facts, evidence)


def is_silent(leg: Leg, captured: bool) -> bool:
    """Tell whether an INVITE got nothing back, as far as a capture can show it.

    Over UDP the sender's repetitions prove that it heard nothing, too; else ``captured`` must say that responses to
    it are in the capture at all. An ACK proves the contrary.
    """
    return (
        leg.heard is Heard.NOTHING
        and leg.final is None
        and not leg.acked
        and (captured if leg.path.transport is not Transport.UDP else leg.repeats_unheard >= REPEATS_ARE_SILENCE)
        and (leg.given_up or leg.cancelled_at - leg.started >= leg.timers.no_response_after)
    )
