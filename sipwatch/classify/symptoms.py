"""Findings that one call shows by itself, whatever was before it.

Must not know: other calls, words. Each function looks at one cause and returns a finding or None; it looks at the
hop nearest the callee first, where the cause is.
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
from sipwatch.classify.peers import NOBODY
from sipwatch.classify.verdict import refused_credentials
from sipwatch.track.conditions import Condition
from sipwatch.track.leg import Heard
from sipwatch.track.table import SECOND
from sipwatch.wire.message import Transport
from sipwatch.wire.sip import header, parameters, split_values, uri_of

if TYPE_CHECKING:
    from sipwatch.classify.peers import Directory
    from sipwatch.track.call import Call
    from sipwatch.track.leg import Leg
    from sipwatch.wire.message import Request

LATE_480_AFTER = 8 * SECOND
EARLY_RINGING_FROM = 5 * SECOND  # "long before": a phone rings within a second or two of 183
SHORT_RING_BELOW = 20 * SECOND  # four rings
REPEATS_ARE_LOSS = 2  # one may just have crossed the answer
LOOP_GROWS_BY = 3  # Via values more than the first hop had

_MEDIA_CODES = frozenset({415, 488, 606})
_LOOP_CODES = frozenset({482, 483})
_CREDENTIALS = {401: b"authorization", 407: b"proxy-authorization"}


def subject(directory: Directory, address: bytes) -> str:
    """Return whom an address belongs to: the peer's name, or the address itself where none is configured."""
    peer = directory.peer(address)
    return where(address) if peer is NOBODY else peer.name


def deepest_first(call: Call) -> list[Leg]:
    """Return the legs, those nearest the callee first."""
    if len(call.legs) == 1:
        return call.legs
    return sorted(call.legs, key=lambda leg: (-leg.via_count, leg.max_forwards, -leg.serial))


def late_480(leg: Leg, directory: Directory) -> Finding | None:
    """480 without alert after a long silence: it probably rang."""
    if leg.status_code != 480 or leg.alerted_at >= 0 or leg.cancelled_at >= 0 or leg.final is None:
        return None
    waited = leg.final_at - leg.started
    if waited < LATE_480_AFTER:
        return None
    facts: dict[str, Fact] = {"waited_seconds": seconds(waited)}
    return Finding(Kind.LATE_480, PLAIN, _far(leg, directory), facts, [seen(leg.invite), seen(leg.final)])


def late_busy(leg: Leg, directory: Directory) -> Finding | None:
    """Busy after it had rung as long as phones let it ring: nobody was busy."""
    if leg.status_code not in (486, 600) or leg.alerted_at < 0 or leg.final is None:
        return None
    timers = directory.peer(leg.path.destination_address).timers or leg.timers
    rang = leg.final_at - leg.alerted_at
    if rang < timers.no_answer_after:
        return None
    facts: dict[str, Fact] = {"rang_seconds": seconds(rang), "status_code": leg.status_code}
    return Finding(Kind.LATE_BUSY, PLAIN, _far(leg, directory), facts, [*_alert(leg), seen(leg.final)])


def short_ring(call: Call, outcome: str, directory: Directory) -> Finding | None:
    """No answer, and nobody gave anybody the time to answer."""
    last = call.chain[-1]
    if outcome != Outcome.NO_ANSWER or last.cancelled_at >= 0:
        return None
    rang = [leg for leg in deepest_first(call) if leg.alerted_at >= 0 and leg.over_at >= 0]
    if not rang:
        return None
    longest = max(leg.over_at - leg.alerted_at for leg in rang)
    if longest >= SHORT_RING_BELOW:
        return None
    leg = rang[0]
    by_server = leg.cancelled_at >= 0
    gave_up = leg.path.source_address if by_server else leg.path.destination_address
    facts: dict[str, Fact] = {"rang_seconds": seconds(longest), "by": subject(directory, gave_up)}
    end = leg.cancel or leg.final
    evidence = [*_alert(leg), *([] if end is None else [seen(end)])]
    return Finding(Kind.SHORT_RING, "cancelled" if by_server else "refused", _far(leg, directory), facts, evidence)


def early_by(leg: Leg) -> int:
    """Return for how many ns a 183 came before the first 180, -1 where it did not."""
    if leg.progress is None or leg.progress.status_code != 183 or leg.ringing_at < 0:
        return -1
    return leg.ringing_at - leg.progressed_at


def wrong_credentials(leg: Leg, directory: Directory) -> Finding | None:
    """Challenged again after answering: user, realm or password do not fit."""
    if leg.status_code not in _CREDENTIALS or leg.final is None or not refused_credentials(leg):
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
        "user": said(given.get(b"username", b"")) or "?",
        "realm": said(given.get(b"realm", b"")) or "?",
        "algorithm": said(given.get(b"algorithm", b"MD5")),
    }


def media_mismatch(leg: Leg, directory: Directory) -> Finding | None:
    """The callee's side takes none of what was offered."""
    if leg.status_code not in _MEDIA_CODES or leg.final is None:
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
    """The 2xx again and again: its sender never gets the ACK."""
    raised = next((r for r in leg.conditions or () if r.kind is Condition.ACK_MISSING), None)
    if raised is None or leg.final is None:
        return None
    facts: dict[str, Fact] = {"times": leg.successes, "address": where(leg.path.destination_address)}
    evidence = [seen(leg.final), Evidence(raised.raised, 0, Condition.ACK_MISSING.value)]
    return Finding(Kind.ACK_LOST, PLAIN, _far(leg, directory), facts, evidence)


def loss(leg: Leg, directory: Directory) -> Finding | None:
    """Messages sent again although the other side was there: some get lost, and here is on which side of us."""
    if leg.retransmissions < REPEATS_ARE_LOSS or leg.path.transport is not Transport.UDP or leg.final is None:
        return None
    finals = leg.retransmissions - leg.repeats_unheard - leg.repeats_heard - leg.repeats_acked
    variant, times, toward = "", 0, leg.path.destination_address
    if leg.repeats_heard >= REPEATS_ARE_LOSS:
        variant, times, toward = "responses", leg.repeats_heard, leg.path.source_address
    elif leg.repeats_acked >= REPEATS_ARE_LOSS:
        variant, times = "acks", leg.repeats_acked
    elif finals >= REPEATS_ARE_LOSS and leg.acked:
        variant, times, toward = "finals", finals, leg.path.source_address
    elif leg.repeats_unheard >= REPEATS_ARE_LOSS:
        variant, times = "requests", leg.repeats_unheard
    if not variant:
        return None
    facts: dict[str, Fact] = {"times": times, "toward": subject(directory, toward)}
    return Finding(Kind.LOSS, variant, subject(directory, toward), facts, [seen(leg.invite), seen(leg.final)])


def loop(call: Call, directory: Directory) -> Finding | None:
    """Sent round in circles until somebody counted the hops."""
    refused = next((leg for leg in deepest_first(call) if leg.status_code in _LOOP_CODES), None)
    if refused is None or refused.final is None:
        return None
    vias = [leg.via_count for leg in call.legs]
    grown = max(vias) - min(vias)
    facts: dict[str, Fact] = {
        "status_code": refused.status_code, "hops": max(vias), "first": min(vias),
        "user": said(refused.invite.request_uri),
    }  # fmt: skip
    by_vias = sorted(call.legs, key=lambda leg: leg.via_count)
    step = max(1, len(by_vias) // (MOST_EVIDENCE - 1))
    evidence = [seen(leg.invite) for leg in by_vias[::step]][: MOST_EVIDENCE - 1]
    variant = "growing" if grown >= LOOP_GROWS_BY else PLAIN
    return Finding(Kind.LOOP, variant, _far(refused, directory), facts, [*evidence, seen(refused.final)])


def contact_behind_nat(leg: Leg) -> str | None:
    """Return the private address that a caller gives as his own although he sends from another one."""
    claimed = private_host(uri_of(header(leg.invite.raw, b"contact", b"m")))
    if claimed is None or claimed == leg.path.source_address:
        return None
    return where(claimed)


def private_host(uri: bytes) -> bytes | None:
    """Return the packed address that a URI names as its host, None unless it is a private one."""
    _, _, rest = uri.partition(b":")
    host = rest.rpartition(b"@")[2].partition(b";")[0].partition(b"?")[0]
    if host.startswith(b"["):
        host = host[1:].partition(b"]")[0]
    elif host.count(b":") == 1:
        host = host.partition(b":")[0]
    if not host or len(host) > 45 or host[:1] not in b"0123456789abcdefABCDEF":
        return None
    try:
        packed = ip_address(host.decode("ascii", "replace")).packed
    except ValueError:
        return None
    return packed if is_private(packed) else None


def nat_suspect(call: Call, outcome: str, directory: Directory) -> Finding | None:
    """The caller is to be reached at an address that only his own network knows, and something did not reach him."""
    first = call.chain[-1]
    kinds = {r.kind for leg in call.legs for r in leg.conditions or ()}
    lost = kinds & {Condition.ACK_MISSING, Condition.BYE_UNANSWERED}
    if not lost:
        return None
    contact = contact_behind_nat(first)
    if contact is None:
        return None
    facts: dict[str, Fact] = {
        "contact": contact, "address": where(first.path.source_address), "outcome": outcome,
        "condition": min(lost).value,
    }  # fmt: skip
    about = subject(directory, first.path.source_address)
    return Finding(Kind.NAT_SUSPECT, "caller", about, facts, [seen(first.invite)])


def is_silent(leg: Leg) -> bool:
    """Tell whether an INVITE got nothing back, as far as a capture can show it.

    That it was sent again proves that its sender heard nothing, too: in a capture of one direction only, nothing is.
    """
    return (
        leg.heard is Heard.NOTHING
        and leg.final is None
        and leg.over_at >= 0
        and (leg.repeats_unheard > 0 or leg.path.transport is not Transport.UDP)
        and (leg.given_up or leg.cancelled_at - leg.started >= leg.timers.no_response_after)
    )


def _alert(leg: Leg) -> list[Evidence]:
    """Return the response that alerted first, as far as it was kept."""
    if leg.progress is not None and leg.progress.status_code in (180, 183):
        return [seen(leg.progress)]
    return [] if leg.ringing is None else [seen(leg.ringing)]


def _far(leg: Leg, directory: Directory) -> str:
    return subject(directory, leg.path.destination_address)
