"""What a call shows of the path: what was sent again, what went in circles, what could not arrive.

Must not know: other calls, words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.classify.causes import LOOP_CODES
from sipwatch.classify.findings import (
    MAX_EVIDENCE,
    PLAIN,
    Evidence,
    Fact,
    Finding,
    Kind,
    Sort,
    identifier,
    is_link_local,
    own,
    seen,
    uri,
    where,
)
from sipwatch.classify.hops import deepest_first, far_end, first_of, is_continued, lasting, private_host, subject
from sipwatch.classify.peers import host_of
from sipwatch.track.conditions import Condition, Raised
from sipwatch.track.dialog import EndedBy
from sipwatch.track.match import MAX_ROUTES, host_address, targets
from sipwatch.track.table import ACK_MISSING_AT, Heard
from sipwatch.wire.message import Response, Transport
from sipwatch.wire.sip import header, header_values, split_values, uri_of, user_of

if TYPE_CHECKING:
    from sipwatch.classify.findings import Look
    from sipwatch.classify.peers import Directory
    from sipwatch.track.answers import Answer
    from sipwatch.track.call import Call
    from sipwatch.track.leg import Leg
    from sipwatch.wire.message import Message, Request

REPEATS_ARE_LOSS: Final = 2  # one may just have crossed the answer
# So often a sender repeats its INVITE within 1.5 s. One repetition proves nothing where a capture holds one
# direction only: the response that stopped it may have come a little late, and unseen.
REPEATS_ARE_SILENCE: Final = 2
LOOP_GROWS_BY: Final = 3  # Via values more than the first hop had
HOPS_ENOUGH: Final = 10  # a call that may not pass so many servers ends with 483 without having gone in circles


def ack_lost(call: Call, directory: Directory) -> Finding | None:
    """The 2xx again and again: its sender never gets, or never takes, the ACK.

    One that came late was only missing for a while. ``stopped``: it was seen on the hop before, and not on this one.
    ``ignored``: it passed here, and nothing is proven but that it was of no use.
    """
    return first_of(deepest_first(call), _unacknowledged, directory)


def _unacknowledged(leg: Leg, directory: Directory) -> Finding | None:
    if leg.final is None:
        return None
    times = max([answer.count for answer in leg.answers or ()], default=0)
    facts: dict[str, Fact] = {"times": times, "address": where(leg.path.destination_address)}
    raised = lasting(leg, Condition.ACK_MISSING)
    if raised is None:
        if not is_ignored(leg):
            return None
        evidence = [seen(leg.final), *(seen(answer.ack) for answer in leg.answers or () if answer.ack)][:MAX_EVIDENCE]
        return Finding(Kind.ACK_LOST, "ignored", far_end(leg, directory), facts, evidence)
    evidence = [seen(leg.final), Evidence(raised.raised, 0, Condition.ACK_MISSING.value, Sort.OWN)]
    passed = _passed_before(leg)
    if passed is not None:
        evidence.insert(1, seen(passed))
        facts["by"] = subject(directory, leg.path.source_address)
    return Finding(Kind.ACK_LOST, "stopped" if passed else PLAIN, far_end(leg, directory), facts, evidence)


def is_ignored(leg: Leg) -> bool:
    """Tell whether a 2xx was repeated over and over although its ACK had passed."""
    return leg.answers is not None and leg.repeats_acked >= ACK_MISSING_AT - 1


def _passed_before(leg: Leg) -> Request | None:
    """Return the ACK of a hop's answer as it was seen on the hop before it."""
    tags = {answer.tag for answer in leg.answers or () if answer.acked_at < 0}
    for before in leg.call.legs:
        if before.path.destination_address == leg.path.source_address:
            for answer in before.answers or ():
                if answer.ack is not None and answer.tag in tags:
                    return answer.ack
    return None


def ack_misrouted(call: Call, directory: Directory) -> Finding | None:
    """The 2xx was sent again, since its ACK went to somebody else, or was written for another dialog or address.

    The ACK goes to the first Record-Route, or to the Contact, with the Contact as its Request-URI and the To tag of
    the 2xx (RFC 3261 §12.1.2, §13.2.2.4). Many get the Request-URI wrong and are understood all the same: that counts
    only where the 2xx was repeated on and on. Without a Contact, which §13.3.1.4 demands, nobody can do it right.
    """
    for leg in deepest_first(call):
        for answer in leg.answers or ():
            if answer.response is not None and answer.count > 1:
                found = _misrouted(leg, answer, answer.response)
                if found is not None:
                    variant, facts, evidence = found
                    facts["times"] = answer.count
                    return Finding(Kind.ACK_MISROUTED, variant, far_end(leg, directory), facts, evidence)
    return None


def _misrouted(leg: Leg, answer: Answer, response: Response) -> tuple[str, dict[str, Fact], list[Evidence]] | None:
    contact = header(response.raw, b"contact", b"m")
    ignored, unseen = is_ignored(leg), lasting(leg, Condition.ACK_MISSING) is not None
    if not contact and (ignored or unseen):
        return "contact", {"address": where(leg.path.destination_address)}, [seen(response)]
    ack = answer.misrouted
    if ack is not None and answer.acked_at < 0:
        evidence = [seen(response), seen(ack)]
        if ack.to_tag != answer.tag:
            return "tag", {"went": identifier(ack.to_tag or b"-"), "should": identifier(answer.tag)}, evidence
        addresses = [address for address in targets(response) if address is not None]
        if not addresses:
            return None
        went = where(ack.path.destination_address)
        return "address", {"went": went, "should": where(addresses[0])}, evidence
    if answer.ack is not None and ignored and not _is_for(answer.ack.request_uri, response):
        facts: dict[str, Fact] = {
            "went": uri(answer.ack.request_uri),
            "should": uri(uri_of(split_values(contact)[0])),
        }
        return "uri", facts, [seen(response), seen(answer.ack)]
    return None


def _is_for(named: bytes, response: Response) -> bool:
    """Tell whether a Request-URI is a 2xx's Contact or, before a strict router, its route (RFC 3261 §12.2.1.1)."""
    lines = header_values(response.raw, b"contact") + header_values(response.raw, b"m")
    lines += header_values(response.raw, b"record-route")
    for value in [value for line in lines for value in split_values(line)][:MAX_ROUTES]:
        claimed = uri_of(value)
        if user_of(claimed) == user_of(named) and host_of(claimed) == host_of(named):
            return True
    return False


def loss(call: Call, directory: Directory) -> Finding | None:
    """Messages sent again although the other side was there: something does not arrive, here is on which side of us.

    Whether it was lost, or came and was not accepted, one point of view cannot tell; on a stream nothing gets lost.
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
    """Return how often a final came again behind its ACK; where that was all in vain, ``ack_lost`` tells of a 2xx."""
    return 0 if is_ignored(leg) else leg.repeats_acked


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
    refused = next((leg for leg in deepest_first(call) if leg.status_code in LOOP_CODES and not _is_merged(leg)), None)
    if refused is None or refused.final is None:
        return None
    last = call.upstream or call.front[-1]
    if _is_merged(last):
        return None
    vias = [leg.via_count for leg in call.legs]
    facts: dict[str, Fact] = {"status_code": refused.status_code, "user": uri(refused.invite.request_uri)}
    passed = {leg.path.destination_address for leg in call.legs if not leg.followed}
    if max(vias) - min(vias) >= LOOP_GROWS_BY and len(passed) < len(call.legs):
        facts |= {"hops": max(vias), "first": min(vias)}
        by_vias = sorted(call.legs, key=lambda leg: leg.via_count)
        step = -(-len(by_vias) // (MAX_EVIDENCE - 1))
        evidence = [*(seen(leg.invite) for leg in by_vias[::step]), seen(refused.final)]
        return Finding(Kind.LOOP, "growing", far_end(refused, directory), facts, evidence)
    if last.status_code not in LOOP_CODES or (last.status_code == 483 and last.max_forwards < HOPS_ENOUGH):
        return None
    return Finding(Kind.LOOP, PLAIN, far_end(refused, directory), facts, [seen(last.invite), seen(refused.final)])


def _is_merged(leg: Leg) -> bool:
    """Tell whether a hop was refused because the same request had come by another way (RFC 3261 §8.2.2.2)."""
    if leg.status_code != 482:
        return False
    for other in leg.call.legs:
        if (
            other is not leg
            and other.path.destination_address == leg.path.destination_address
            and other.cseq_number == leg.cseq_number
            and other.started <= leg.final_at
            and other.status_code != 482
            and abs(other.via_count - leg.via_count) < LOOP_GROWS_BY
        ):
            return True
    return False


def nat_suspect(call: Call, directory: Directory) -> Finding | None:
    """One end is to be reached at an address that only its own network knows, and something did not arrive.

    The ACK of a 2xx and the caller's BYE go to the callee's Contact, the callee's BYE to the caller's. The caller's
    is told of a missing ACK as well, if the callee's gives no reason: such a caller sits behind a NAT in any case.
    """
    first = call.upstream or call.front[-1]
    for leg in deepest_first(call):
        unacked, unanswered = lasting(leg, Condition.ACK_MISSING), lasting(leg, Condition.BYE_UNANSWERED)
        found = None
        if leg.final is not None and not is_continued(leg):
            raised = unacked or (unanswered if call.ended_by is EndedBy.CALLER else None)
            found = _behind_nat(call, leg.final, leg.path.destination_address, raised, directory)
        if found is None and leg is first:
            raised = unacked or (unanswered if call.ended_by is EndedBy.CALLEE else None)
            found = _behind_nat(call, leg.invite, leg.path.source_address, raised, directory)
        if found is not None:
            return found
    return None


def _behind_nat(
    call: Call, message: Message, address: bytes, raised: Raised | None, directory: Directory
) -> Finding | None:
    """Compare what an end claims with where its message came from; a proxy's messages hold others' Contacts.

    Nobody is behind a NAT where something that was sent to the claimed address was answered, nor on a link-local net.
    """
    if raised is None or is_link_local(address):
        return None
    claimed = private_host(uri_of(header(message.raw, b"contact", b"m")))
    routes = split_values(header(message.raw, b"record-route")) if b"record-route" in message.names else []
    if claimed is None or claimed == address or address in [host_address(uri_of(route)) for route in routes]:
        return None
    of_callee = isinstance(message, Response)
    if _is_reached(call, claimed, of_callee):
        return None
    facts: dict[str, Fact] = {
        "contact": where(claimed), "address": where(address), "condition": own(raised.kind.value),
    }  # fmt: skip
    evidence = [seen(message), Evidence(raised.raised, 0, raised.kind.value, Sort.OWN)]
    variant = "callee" if of_callee else "caller"
    return Finding(Kind.NAT_SUSPECT, variant, subject(directory, address), facts, evidence)


def _is_reached(call: Call, claimed: bytes, of_callee: bool) -> bool:
    """Tell whether anything that was sent to a Contact inside the call came back answered."""
    for exchange in () if call.dialogs is None else call.dialogs.exchanges:
        if (
            exchange.responded
            and exchange.from_caller is of_callee
            and exchange.status_code != 408
            and host_address(exchange.request.request_uri) == claimed
        ):
            return True
    return False


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


# What is looked for in every call that shows its signs (``findings.TABLE``).
LOOKS: Final[dict[Kind, Look]] = {
    Kind.LOOP: loop,
    Kind.ACK_MISROUTED: ack_misrouted,
    Kind.NAT_SUSPECT: nat_suspect,
    Kind.ACK_LOST: ack_lost,
    Kind.LOSS: loss,
}
