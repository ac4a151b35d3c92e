"""Findings that one call shows by itself, whatever was before it.

Must not know: other calls, words. Each function looks at one cause and returns a finding or None; it looks at the
hop nearest the callee first, where the cause is. What a server says on a hop whose continuation was captured it
only hands on: there the next hop is asked.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from sipwatch.classify.findings import (
    MOST_EVIDENCE,
    PLAIN,
    Evidence,
    Fact,
    Finding,
    Kind,
    is_private,
    said,
    seconds,
    seen,
    where,
)
from sipwatch.classify.media import offered
from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.peers import NOBODY, PeerKind, host_of
from sipwatch.classify.verdict import refused_credentials
from sipwatch.track.call import EndedBy
from sipwatch.track.conditions import Condition, Raised, Resolution
from sipwatch.track.leg import Heard
from sipwatch.track.table import SECOND
from sipwatch.wire.message import Transport
from sipwatch.wire.sip import header, parameters, split_values, uri_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sipwatch.classify.peers import Directory
    from sipwatch.track.call import Call
    from sipwatch.track.leg import Leg
    from sipwatch.wire.message import Message, Request

LATE_480_AFTER = 8 * SECOND
EARLY_RINGING_FROM = 5 * SECOND  # "long before": a phone rings within a second or two of 183
SHORT_RING_BELOW = 20 * SECOND  # four rings
REPEATS_ARE_LOSS = 2  # one may just have crossed the answer
# So often a sender repeats its INVITE within 1.5 s. One repetition proves nothing where a capture holds one
# direction only: the response that stopped it may have come a little late, and unseen.
REPEATS_ARE_SILENCE = 2
LOOP_GROWS_BY = 3  # Via values more than the first hop had
HOPS_ENOUGH = 10  # a call that may not pass so many servers ends with 483 without having gone in circles

_MEDIA_CODES = frozenset({415, 488, 606})
_LOOP_CODES = frozenset({482, 483})
_ANSWERED = Outcome.ANSWERED.value
_NO_ANSWER = Outcome.NO_ANSWER.value
_CREDENTIALS = {401: b"authorization", 407: b"proxy-authorization"}
_NO_TRUNK = frozenset({PeerKind.DEVICES, PeerKind.SERVER})


def subject(directory: Directory, address: bytes) -> str:
    """Return whom an address belongs to: the peer's name, or the address itself where none is configured."""
    peer = directory.peer(address)
    return where(address) if peer is NOBODY else peer.name


def deepest_first(call: Call) -> list[Leg]:
    """Return the legs, those nearest the callee first."""
    if len(call.legs) == 1:
        return call.legs
    return sorted(call.legs, key=lambda leg: (-leg.via_count, leg.max_forwards, -leg.serial))


def goes_on(leg: Leg) -> bool:
    """Tell whether another hop of the same call continues where this one ended.

    Behind the caller's own hop every other one does, also where the server sends from another of its addresses.
    """
    reached, legs = leg.path.destination_address, leg.call.legs
    if any([hop.path.source_address == reached and hop is not leg for hop in legs]):  # noqa: C419 - a list is quicker
        return True
    return leg in leg.call.chain and any([hop.via_count > leg.via_count for hop in legs])  # noqa: C419 - as above


def last_hops(call: Call) -> list[Leg]:
    """Return the legs behind which none was captured, those nearest the callee first."""
    return call.legs if len(call.legs) == 1 else [leg for leg in deepest_first(call) if not goes_on(leg)]


def symptoms(call: Call, directory: Directory) -> list[Finding]:
    """Return what a call that is over shows, one finding of a kind; what refused it says nothing of an answered one."""
    found: list[Finding | None] = []
    if call.verdict != _ANSWERED:
        for leg in call.legs if len(call.legs) == 1 else last_hops(call):
            look = _BY_CODE.get(leg.status_code)
            finding = None if look is None else look(leg, directory)
            if finding is not None and all(kept is None or finding.kind is not kept.kind for kept in found):
                found.append(finding)
        if call.verdict == _NO_ANSWER:
            found.append(short_ring(call, call.verdict, directory))
    conditions = repeated = looped = False
    for leg in call.legs:
        conditions = conditions or leg.conditions is not None
        repeated = repeated or leg.retransmissions > 0
        looped = looped or leg.status_code in _LOOP_CODES
    if looped and call.verdict != _ANSWERED:
        found.append(loop(call, directory))
    if conditions:
        lost = next(filter(None, (ack_lost(leg, directory) for leg in deepest_first(call))), None)
        found += [lost, nat_suspect(call, directory)]
    if repeated:
        found.append(loss(call, directory))
    return [finding for finding in found if finding is not None]


def late_480(leg: Leg, directory: Directory) -> Finding | None:
    """480 after a long silence: it probably rang.

    Whoever says 181 or 182 meanwhile is not silent: such a call was forwarded, or parked in a queue that gave up.
    """
    if leg.status_code != 480 or leg.heard > Heard.TRYING or leg.cancelled_at >= 0 or leg.final is None:
        return None
    since = leg.started
    if leg.repeats_unheard:  # the INVITE may have arrived late
        since = leg.trying_at
    waited = leg.final_at - since
    if since < 0 or waited < LATE_480_AFTER:
        return None
    facts: dict[str, Fact] = {"waited_seconds": seconds(waited)}
    return Finding(Kind.LATE_480, PLAIN, _far(leg, directory), facts, [seen(leg.invite), seen(leg.final)])


def late_busy(leg: Leg, directory: Directory) -> Finding | None:
    """Busy after it had rung as long as phones let it ring: nobody was busy.

    Only 180 says that it rings: behind a 183 may be an announcement that the line is busy.
    """
    if leg.status_code not in (486, 600) or leg.ringing is None or leg.final is None:
        return None
    rang = leg.final_at - leg.ringing_at
    if rang < leg.timers.no_answer_after:
        return None
    facts: dict[str, Fact] = {"rang_seconds": seconds(rang), "status_code": leg.status_code}
    return Finding(Kind.LATE_BUSY, PLAIN, _far(leg, directory), facts, [seen(leg.ringing), seen(leg.final)])


def short_ring(call: Call, outcome: str, directory: Directory) -> Finding | None:
    """No answer, and nobody gave anybody the time to answer.

    Counted from the 180 where there was one. Without, 183 is enough where a server took the call away: however late
    it rang, it was for less. Where the far end itself gave up, behind 183 may be an announcement, not a phone.
    """
    last = call.chain[-1]
    if outcome != _NO_ANSWER or last.cancelled_at >= 0 or last.status_code == 487:
        return None
    longest, leg = -1, last
    for hop in last_hops(call):
        since = hop.alerted_at if hop.ringing_at < 0 and hop.cancelled_at >= 0 else hop.ringing_at
        until = hop.cancelled_at if hop.cancelled_at >= 0 else hop.over_at
        if since >= 0 and until - since > longest:
            longest, leg = until - since, hop
    if not 0 <= longest < SHORT_RING_BELOW:
        return None
    by_server = leg.cancelled_at >= 0
    gave_up = leg.path.source_address if by_server else leg.path.destination_address
    facts: dict[str, Fact] = {"rang_seconds": seconds(longest), "by": subject(directory, gave_up)}
    alert = leg.ringing or (leg.progress if leg.progress and leg.progress.status_code == 183 else None)
    evidence = [seen(message) for message in (alert, leg.cancel or leg.final) if message]
    return Finding(Kind.SHORT_RING, "cancelled" if by_server else "refused", _far(leg, directory), facts, evidence)


def early_by(leg: Leg) -> int:
    """Return for how many ns a 183 came before the first 180, -1 where it did not."""
    if leg.progress is None or leg.progress.status_code != 183 or leg.ringing_at < 0:
        return -1
    return leg.ringing_at - leg.progressed_at


def early_ringing(far: Leg, directory: Directory, typical: int, calls: int) -> Finding | None:
    """183 long before 180, on a trunk or towards whoever is not configured.

    Own servers and devices may play what they like before it rings: a queue's music is no fault. Whether the carrier
    plays something meanwhile (183 with SDP) makes no difference: the phone begins to ring only with the 180.
    """
    early = early_by(far)
    if early < EARLY_RINGING_FROM or far.progress is None or far.ringing is None:
        return None
    if directory.peer(far.path.destination_address).kind in _NO_TRUNK:
        return None
    facts: dict[str, Fact] = {
        "early_seconds": seconds(early), "typical_seconds": seconds(typical), "calls": calls,
    }  # fmt: skip
    return Finding(Kind.EARLY_RINGING, PLAIN, _far(far, directory), facts, [seen(far.progress), seen(far.ringing)])


def wrong_credentials(leg: Leg, directory: Directory) -> Finding | None:
    """Challenged again after answering, and nothing followed: user, realm or password do not fit.

    Where another INVITE followed, the nonce was only too old: not every server says so.
    """
    if leg.status_code not in _CREDENTIALS or leg.followed or leg.final is None or not refused_credentials(leg):
        return None
    evidence = [seen(leg.invite), seen(leg.final)]
    facts = credentials(leg.invite, leg.status_code)
    return Finding(Kind.WRONG_CREDENTIALS, PLAIN, _far(leg, directory), facts, evidence)


def credentials(request: Request, status_code: int) -> dict[str, Fact]:
    """Return user, realm and algorithm of the credentials that were refused; never the response digest."""
    line = header(request.raw, _CREDENTIALS.get(status_code, b"authorization"))
    _, _, rest = line.partition(b" ")
    given = parameters(b";" + b";".join(split_values(rest)))
    return {
        "user": _shown(given.get(b"username", b"")),
        "realm": _shown(given.get(b"realm", b"")),
        "algorithm": _shown(given.get(b"algorithm", b"MD5")),
    }


def _shown(value: bytes) -> str:
    """Return a parameter as far as it is surely no other's: where a quote is missing, the digest stands in it."""
    return "?" if not value or b'"' in value or b"response" in value.lower() else said(value)


def media_mismatch(leg: Leg, directory: Directory) -> Finding | None:
    """The callee's side takes none of what was offered."""
    if leg.status_code not in _MEDIA_CODES or leg.followed or leg.final is None:
        return None
    codecs = offered(leg.invite)
    if not codecs:
        return None
    facts: dict[str, Fact] = {"status_code": leg.status_code, "codecs": ", ".join(codecs)}
    warning = header(leg.final.raw, b"warning") if b"warning" in leg.final.names else b""
    facts["warning"] = said(warning)
    evidence = [seen(leg.invite), seen(leg.final)]
    return Finding(Kind.MEDIA_MISMATCH, "warned" if warning else PLAIN, _far(leg, directory), facts, evidence)


def ack_lost(leg: Leg, directory: Directory) -> Finding | None:
    """The 2xx again and again: its sender never gets the ACK. One that comes late was only lost for a while."""
    raised = _lasting(leg, Condition.ACK_MISSING)
    if raised is None or leg.final is None:
        return None
    facts: dict[str, Fact] = {"times": leg.successes, "address": where(leg.path.destination_address)}
    evidence = [seen(leg.final), Evidence(raised.raised, 0, Condition.ACK_MISSING.value)]
    return Finding(Kind.ACK_LOST, PLAIN, _far(leg, directory), facts, evidence)


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
    if _lasting(leg, Condition.ACK_MISSING) is not None:
        return 0
    return leg.retransmissions - leg.repeats_unheard - leg.repeats_heard - leg.repeats_acked


def loop(call: Call, directory: Directory) -> Finding | None:
    """Sent round in circles until somebody counted the hops.

    Growing numbers of Via show it, where somebody was passed twice. Else a server's word is taken for it, when the
    call ended with that: a fork that meets itself is refused with 482 as well (RFC 3261 §8.2.2.2), and one INVITE
    may pass only few servers (483).
    """
    refused = next((leg for leg in deepest_first(call) if leg.status_code in _LOOP_CODES), None)
    if refused is None or refused.final is None:
        return None
    last = call.chain[-1]
    vias = [leg.via_count for leg in call.legs]
    facts: dict[str, Fact] = {"status_code": refused.status_code, "user": said(refused.invite.request_uri)}
    passed = {leg.path.destination_address for leg in call.legs if not leg.followed}
    if max(vias) - min(vias) >= LOOP_GROWS_BY and len(passed) < len(call.legs):
        facts |= {"hops": max(vias), "first": min(vias)}
        by_vias = sorted(call.legs, key=lambda leg: leg.via_count)
        step = -(-len(by_vias) // (MOST_EVIDENCE - 1))
        evidence = [*(seen(leg.invite) for leg in by_vias[::step]), seen(refused.final)]
        return Finding(Kind.LOOP, "growing", _far(refused, directory), facts, evidence)
    if last.status_code not in _LOOP_CODES or (last.status_code == 483 and last.max_forwards < HOPS_ENOUGH):
        return None
    return Finding(Kind.LOOP, PLAIN, _far(refused, directory), facts, [seen(last.invite), seen(refused.final)])


def private_host(uri: bytes) -> bytes | None:
    """Return the packed address that a URI names as its host, None unless it is a private one."""
    packed = _address(uri)
    return packed if packed is not None and is_private(packed) else None


def _address(uri: bytes) -> bytes | None:
    """Return the packed address that a URI names as its host, None when it names none."""
    host = host_of(uri).strip(b"[]")
    if not host or len(host) > 45 or host[:1] not in b"0123456789abcdef:":
        return None
    try:
        return ip_address(host.decode("ascii", "replace")).packed
    except ValueError:
        return None


def nat_suspect(call: Call, directory: Directory) -> Finding | None:
    """One end is to be reached at an address that only its own network knows, and something did not arrive.

    The ACK of a 2xx and the caller's BYE go to the callee's Contact, the callee's BYE to the caller's. The caller's
    is told of a missing ACK as well, if the callee's gives no reason: such a caller sits behind a NAT in any case.
    """
    first = call.chain[-1]
    for leg in deepest_first(call):
        unacked, unanswered = _lasting(leg, Condition.ACK_MISSING), _lasting(leg, Condition.BYE_UNANSWERED)
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
    if claimed is None or claimed == address or address in [_address(uri_of(route)) for route in routes]:
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


def _lasting(leg: Leg, kind: Condition) -> Raised | None:
    """Return a condition of a hop, unless what was missing came after all."""
    for raised in leg.conditions or ():
        if raised.kind is kind and raised.resolution is not Resolution.RESPONDED:
            return raised
    return None


def _far(leg: Leg, directory: Directory) -> str:
    return subject(directory, leg.path.destination_address)


# What to look for where a hop ended with such a code.
_BY_CODE: dict[int, Callable[[Leg, Directory], Finding | None]] = {
    480: late_480,
    **dict.fromkeys((486, 600), late_busy),
    **dict.fromkeys(_CREDENTIALS, wrong_credentials),
    **dict.fromkeys(_MEDIA_CODES, media_mismatch),
}
