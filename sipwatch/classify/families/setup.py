"""What a refused or abandoned setup shows: how long it rang, whether anybody could have answered, credentials.

Must not know: other calls, words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.classify.causes import BUSY_CODES
from sipwatch.classify.findings import MAX_EVIDENCE, PLAIN, Fact, Finding, Kind, Sort, Term, own, said, seconds, seen
from sipwatch.classify.hops import deepest_first, far_end, first_of, is_continued, last_hops, subject
from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.peers import OWN_PEERS
from sipwatch.classify.signs import EARLY_RINGING_FROM
from sipwatch.classify.verdict import refused_credentials
from sipwatch.packet import SECOND
from sipwatch.track.dialog import answer_of
from sipwatch.track.table import CHALLENGES, Heard
from sipwatch.wire.sip import header, parameters, split_values

if TYPE_CHECKING:
    from sipwatch.classify.findings import Look
    from sipwatch.classify.peers import Directory
    from sipwatch.track.call import Call
    from sipwatch.track.leg import Leg
    from sipwatch.wire.message import Request, Response

LATE_480_AFTER: Final = 8 * SECOND
SHORT_RING_BELOW: Final = 20 * SECOND  # four rings
STALE_FROM: Final = 3  # twice may happen to a slow one
REPEATS_ARE_SILENCE: Final = 3  # so often a sender repeats its INVITE within 3.5 s
HUNG_UP_WITHIN: Final = 5 * SECOND  # of the answer: nobody has talked

_NO_ANSWER: Final = Outcome.NO_ANSWER.value


def late_480(call: Call, directory: Directory) -> Finding | None:
    """480 after a long silence: it probably rang.

    A server that says 181 or 182 meanwhile is not silent: such a call was forwarded, or parked in a queue that gave up.
    """
    return first_of(last_hops(call), _late_480, directory)


def _late_480(leg: Leg, directory: Directory) -> Finding | None:
    if leg.status_code != 480 or leg.heard > Heard.TRYING or leg.cancelled_at >= 0 or leg.final is None:
        return None
    since = leg.started
    if leg.repeats_unheard:  # the INVITE may have arrived late
        since = leg.trying_at
    waited = leg.final_at - since
    if since < 0 or waited < LATE_480_AFTER:
        return None
    facts: dict[str, Fact] = {"waited_seconds": seconds(waited)}
    return Finding(Kind.LATE_480, PLAIN, far_end(leg, directory), facts, [seen(leg.invite), seen(leg.final)])


def late_busy(call: Call, directory: Directory) -> Finding | None:
    """Busy after it had rung as long as phones let it ring: nobody was busy.

    Only 180 says that it rings: behind a 183 may be an announcement that the line is busy.
    """
    return first_of(last_hops(call), _late_busy, directory)


def _late_busy(leg: Leg, directory: Directory) -> Finding | None:
    if leg.status_code not in BUSY_CODES or leg.ringing is None or leg.final is None:
        return None
    rang = leg.final_at - leg.ringing_at
    if rang < leg.timers.no_answer_after:
        return None
    facts: dict[str, Fact] = {"rang_seconds": seconds(rang), "status_code": leg.status_code}
    return Finding(Kind.LATE_BUSY, PLAIN, far_end(leg, directory), facts, [seen(leg.ringing), seen(leg.final)])


def short_ring(call: Call, directory: Directory) -> Finding | None:
    """No answer, and nobody gave anybody the time to answer.

    Counted from the 180 where there was one. Without, 183 is enough where a server took the call away: however late
    it rang, it was for less. Where the far end itself gave up, behind 183 may be an announcement, not a phone.
    """
    last = call.upstream or call.front[-1]
    if call.outcome != _NO_ANSWER or last.cancelled_at >= 0 or last.status_code == 487:
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
    return Finding(Kind.SHORT_RING, "cancelled" if by_server else "refused", far_end(leg, directory), facts, evidence)


def early_by(leg: Leg) -> int:
    """Return for how many ns a 183 came before the first 180, -1 where it did not."""
    if leg.progress is None or leg.progress.status_code != 183 or leg.ringing_at < 0:
        return -1
    return leg.ringing_at - leg.progressed_at


def early_ringing(far: Leg, directory: Directory, typical: int, calls: int) -> Finding | None:
    """183 long before 180, on a trunk or towards a peer that is not configured.

    Own servers and devices may play what they like before it rings: a queue's music is no fault. Whether the carrier
    plays something meanwhile (183 with SDP) makes no difference: the phone begins to ring only with the 180.
    """
    early = early_by(far)
    if early < EARLY_RINGING_FROM or far.progress is None or far.ringing is None:
        return None
    if directory.peer(far.path.destination_address).kind in OWN_PEERS:
        return None
    facts: dict[str, Fact] = {
        "early_seconds": seconds(early), "typical_seconds": seconds(typical), "calls": calls,
    }  # fmt: skip
    return Finding(Kind.EARLY_RINGING, PLAIN, far_end(far, directory), facts, [seen(far.progress), seen(far.ringing)])


def wrong_credentials(call: Call, directory: Directory) -> Finding | None:
    """Challenged again after answering, and nothing followed: user, realm or password do not fit.

    Where another INVITE followed, the nonce was only too old: not every server says so.
    """
    return first_of(last_hops(call), _wrong_credentials, directory)


def _wrong_credentials(leg: Leg, directory: Directory) -> Finding | None:
    if leg.status_code not in CHALLENGES or leg.followed or leg.final is None or not refused_credentials(leg):
        return None
    evidence = [seen(leg.invite), seen(leg.final)]
    facts = credentials(leg.invite, leg.status_code)
    return Finding(Kind.WRONG_CREDENTIALS, PLAIN, far_end(leg, directory), facts, evidence)


def credentials(request: Request, status_code: int) -> dict[str, Fact]:
    """Return user, realm and algorithm of the credentials that were refused; never the response digest."""
    line = header(request.raw, CHALLENGES.get(status_code, CHALLENGES[401])[1])
    _, _, rest = line.partition(b" ")
    given = parameters(b";" + b";".join(split_values(rest)))
    return {
        "user": _shown(Sort.PERSON, given.get(b"username", b"")),
        "realm": _shown(Sort.QUOTED, given.get(b"realm", b"")),
        "algorithm": _shown(Sort.QUOTED, given.get(b"algorithm", b"MD5")),
    }


def _shown(sort: Sort, value: bytes) -> Term:
    """Return a parameter as far as it is surely no other's: where a quote is missing, the digest stands in it."""
    if not value or b'"' in value or b"response" in value.lower():
        return own("?")
    return Term(sort, said(value))


def stale_loop(call: Call, directory: Directory) -> Finding | None:
    """Every try with credentials is told that its nonce is too old, with the newest one as well (RFC 7616 §3.3)."""
    stale = [leg for leg in call.legs if leg.status_code in CHALLENGES and _is_stale(leg)]
    last = stale[-1] if len(stale) >= STALE_FROM else None
    if last is None or last.final is None:
        return None
    challenge = header(last.final.raw, CHALLENGES[last.status_code][0])
    realm = parameters(b";" + b";".join(split_values(challenge.partition(b" ")[2]))).get(b"realm", b"")
    facts: dict[str, Fact] = {"times": len(stale), "realm": _shown(Sort.QUOTED, realm)}
    evidence = [seen(leg.final) for leg in (stale[0], last) if leg.final]
    return Finding(Kind.STALE_LOOP, PLAIN, far_end(last, directory), facts, evidence)


def _is_stale(leg: Leg) -> bool:
    if leg.final is None or CHALLENGES[leg.status_code][1] not in leg.invite.names:
        return False
    challenge = header(leg.final.raw, CHALLENGES[leg.status_code][0])
    given = parameters(b";" + b";".join(split_values(challenge.partition(b" ")[2])))
    return given.get(b"stale", b"").lower() == b"true"


def invented_ringing(call: Call, directory: Directory) -> Finding | None:
    """180 to the caller, and nothing behind the server had rung, or was ever heard to.

    Only where every hop behind was captured well enough to tell: it said 100, or its INVITE was sent again in vain.
    """
    front = set(call.front)
    behind = [other for other in call.legs if other not in front and not other.followed]
    if not behind or any([not _is_unalerted(other) for other in behind]):  # noqa: C419 - a list is quicker
        return None
    for leg in call.front:
        if leg.ringing is None or not is_continued(leg):
            continue
        variant = PLAIN if any(other.heard is Heard.TRYING for other in behind) else "silent"
        facts: dict[str, Fact] = {"legs": len(behind)}
        evidence = [seen(leg.ringing), *(seen(other.invite) for other in behind[: MAX_EVIDENCE - 1])]
        return Finding(Kind.INVENTED_RINGING, variant, far_end(leg, directory), facts, evidence)
    return None


def _is_unalerted(leg: Leg) -> bool:
    if leg.heard > Heard.TRYING or leg.answered_at >= 0 or leg.status_code not in (0, 408, 487):
        return False
    if leg.heard is Heard.TRYING:
        return True
    return leg.final is None and not leg.acked and leg.repeats_unheard >= REPEATS_ARE_SILENCE


def cancel_race(call: Call, directory: Directory) -> Finding | None:
    """A CANCEL came too late: the callee answered all the same; or answered when the caller had been told of failure.

    The server's CANCEL to the other phones of a group may cross an answer as well; that is told only if nobody hung
    up on that phone.
    """
    front = set(call.front)
    for leg in [*call.front, *[leg for leg in call.legs if leg not in front]]:
        success = leg.late_success or (leg.final if leg.answered_at >= 0 and leg.cancel is not None else None)
        before = leg.cancel or leg.final
        if success is None or before is None:
            continue
        variant = _what_followed(call, success)
        if variant != "ghost" and _is_answered_beside(leg, success):
            continue
        facts: dict[str, Fact] = {"by": subject(directory, leg.path.source_address)}
        who = next((hop for hop in deepest_first(call) if answer_of(hop, success.to_tag) is not None), leg)
        return Finding(Kind.CANCEL_RACE, variant, far_end(who, directory), facts, [seen(before), seen(success)])
    return None


def _what_followed(call: Call, success: Response) -> str:
    tag = success.to_tag
    answers = [answer for leg in call.legs for answer in leg.answers or () if answer.tag == tag]
    acknowledged = any(answer.acked_at >= 0 for answer in answers)
    for exchange in () if call.dialogs is None else call.dialogs.exchanges:
        if exchange.method == "BYE" and exchange.from_caller and exchange.tag == tag:
            soon = exchange.started - success.time <= HUNG_UP_WITHIN
            return "hung_up" if soon or not acknowledged else "kept"
    return "kept" if acknowledged else "ghost"


def _is_answered_beside(leg: Leg, success: Response) -> bool:
    """Tell whether another phone had taken the call: then its CANCEL was the server's, and no caller gave up."""
    for other in leg.call.legs:
        for answer in other.answers or ():
            if answer.tag != success.to_tag and answer.acked_at >= 0:
                return True
    return False


# What is looked for in every call that shows its signs (``findings.TABLE``).
LOOKS: Final[dict[Kind, Look]] = {
    Kind.STALE_LOOP: stale_loop,
    Kind.WRONG_CREDENTIALS: wrong_credentials,
    Kind.CANCEL_RACE: cancel_race,
    Kind.INVENTED_RINGING: invented_ringing,
    Kind.LATE_480: late_480,
    Kind.LATE_BUSY: late_busy,
    Kind.SHORT_RING: short_ring,
}
