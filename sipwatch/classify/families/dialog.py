"""What an answered call shows of its end and of what was asked inside it: refused, unanswered, out of order.

Must not know: other calls, words; which ending a call has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.classify.endings import Ending, is_refusal_of_bye, is_refused
from sipwatch.classify.findings import PLAIN, Fact, Finding, Kind, quoted, seconds, seen
from sipwatch.classify.hops import subject
from sipwatch.classify.media import offered
from sipwatch.track.dialog import REFRESHES, answer_of, is_same_request
from sipwatch.track.table import RETRY_WINDOW

if TYPE_CHECKING:
    from sipwatch.classify.findings import Evidence, Look
    from sipwatch.classify.peers import Directory
    from sipwatch.track.call import Call
    from sipwatch.track.dialog import Dialog, Exchange
    from sipwatch.track.match import Sent

_NOT_HELD_AGAINST: Final = frozenset({481, 487})  # the call ended meanwhile, or the requester gave up
_HOLDS: Final = (b"a=sendonly", b"a=inactive")  # RFC 3264 §8.4
_BYE_VARIANTS: Final = {401: "challenged", 407: "challenged", 481: "unknown"}


def exchanges(call: Call) -> list[Exchange]:
    """Return the transactions inside a call, in the order they began."""
    return [] if call.dialogs is None else call.dialogs.exchanges


def bye_refused(call: Call, directory: Directory) -> Finding | None:
    """The BYE was refused, and none that came later was accepted: half a call may be up."""
    if call.ending != Ending.BYE_REFUSED or call.dialogs is None:
        return None
    byes = call.dialogs.byes()
    crossed = len({bye.from_caller for bye in byes}) > 1
    for bye in reversed(byes):  # the last to be sent is the one farthest from the side that hung up
        if bye.final is None or not is_refusal_of_bye(bye, crossed=crossed):
            continue
        by = subject(directory, bye.path.destination_address)
        facts: dict[str, Fact] = {"status_code": bye.status_code, "by": by, "cseq": bye.cseq_number}
        return Finding(Kind.BYE_REFUSED, _why_refused(call, bye), by, facts, [seen(bye.request), seen(bye.final)])
    return None


def _why_refused(call: Call, bye: Exchange) -> str:
    """Say what a refused BYE itself shows to be wrong with it."""
    if bye.status_code == 500 and bye.cseq_number <= _highest_before(call, bye):
        return "cseq"
    if bye.status_code == 483 and bye.request.max_forwards <= 0:
        return "forwards"
    return _BYE_VARIANTS.get(bye.status_code, PLAIN)


def _highest_before(call: Call, exchange: Exchange) -> int:
    """Return the highest CSeq number that the sender had used in this dialog, -1 if none was seen."""
    used = [
        other.cseq_number
        for other in exchanges(call)
        if other.from_caller is exchange.from_caller
        and other.tag == exchange.tag
        and other.started <= exchange.started
        and other is not exchange
        and not is_same_request(other, exchange)
    ]
    if exchange.from_caller:
        used += [leg.cseq_number for leg in call.legs]
    return max(used, default=-1)


def session_timer(call: Call, directory: Directory) -> Finding | None:
    """The session interval ran out, or somebody hung up because it was about to (RFC 4028 §10)."""
    dialogs = call.dialogs
    if call.ending != Ending.SESSION_EXPIRED or dialogs is None or dialogs.kept is None:
        return None
    kept = dialogs.kept
    ends = kept.leg.path
    caller, callee = (subject(directory, end) for end in (ends.source_address, ends.destination_address))
    refresher = caller if kept.refresher_is_caller else callee
    facts: dict[str, Fact] = {"refresher": refresher, "interval_seconds": seconds(kept.interval)}
    answer = answer_of(kept.leg, kept.tag)
    evidence = [seen(kept.leg.invite if answer is None or answer.response is None else answer.response)]
    variant = _instead(call, kept, facts, evidence, directory)
    return Finding(Kind.SESSION_TIMER, variant, refresher, facts, evidence)


def _instead(call: Call, kept: Dialog, facts: dict[str, Fact], evidence: list[Evidence], directory: Directory) -> str:
    """Say what came instead of the refresh: one that did not succeed, a BYE, or nothing."""
    for exchange in reversed(exchanges(call)):
        if exchange.method in REFRESHES and exchange.tag == kept.tag and exchange.started > kept.refreshed_at:
            refused = is_refused(exchange)
            if not refused and not exchange.expired:
                continue
            facts["by"] = subject(directory, exchange.path.destination_address)
            facts["method"] = quoted(exchange.method.encode())
            facts["status_code"] = exchange.status_code
            evidence += [seen(exchange.request), *([seen(exchange.final)] if exchange.final else [])]
            return "refused" if refused else "unanswered"
    byes = [] if call.dialogs is None else call.dialogs.byes()
    if kept.refresher_is_caller is None:
        evidence += [seen(bye.request) for bye in byes[:1]]
        return "unnamed"
    if not byes:
        return "ran_out"
    facts["by"] = subject(directory, byes[0].path.source_address)
    evidence.append(seen(byes[0].request))
    return "hung_up"


def midcall_refused(call: Call, directory: Directory) -> Finding | None:
    """A change of the session was refused for good: nothing like it was accepted soon after."""
    for exchange in reversed(exchanges(call)):
        if exchange.method in REFRESHES and _is_refused_for_good(call, exchange):
            by = subject(directory, exchange.path.destination_address)
            codecs = ", ".join(offered(exchange.request))
            facts: dict[str, Fact] = {
                "method": quoted(exchange.method.encode()), "status_code": exchange.status_code, "by": by,
                "codecs": quoted(codecs.encode()),
            }  # fmt: skip
            held = any(word in exchange.request.raw for word in _HOLDS)
            variant = "hold" if held else "offer" if codecs else PLAIN
            evidence = [seen(exchange.request), *([seen(exchange.final)] if exchange.final else [])]
            return Finding(Kind.MIDCALL_REFUSED, variant, by, facts, evidence)
    return None


def _is_refused_for_good(call: Call, refused: Exchange) -> bool:
    """Tell whether a refusal stands: not for glare, not a challenge or other terms that the next try fulfilled.

    A BYE that was under way says that there was nothing left to change; 491 and 500 with Retry-After only ask to wait.
    """
    if not is_refused(refused) or refused.status_code == 408 or not 0 <= call.answered_at <= refused.started:
        return False
    for other in exchanges(call):
        if other.tag != refused.tag:
            continue
        if other.method == "BYE" and other.started <= refused.final_at and refused.status_code in _NOT_HELD_AGAINST:
            return False
        if (
            other.method in REFRESHES
            and other.from_caller is refused.from_caller
            and 0 <= other.started - refused.started <= RETRY_WINDOW
            and other is not refused
            and 200 <= other.status_code < 300
        ):
            return False
    return refused.status_code != 487


def cseq_mismatch(call: Call, directory: Directory) -> Finding | None:
    """A CSeq number that is not the request's, or that its sender had used before (RFC 3261 §8.2.6.2, §12.2.1.1).

    A number used twice is only told where a request inside the call did not succeed: many get it wrong unpunished.
    """
    if call.strays:
        stray = call.strays[0]
        everything: list[Sent] = [*call.legs, *exchanges(call)]
        for sent in everything:
            if sent.branch == stray.branch:
                facts: dict[str, Fact] = {
                    "times": len(call.strays), "cseq": stray.cseq_number, "expected": sent.cseq_number,
                }  # fmt: skip
                about = subject(directory, sent.path.destination_address)
                return Finding(Kind.CSEQ_MISMATCH, "response", about, facts, [seen(sent.request), seen(stray)])
    return _used_again(call, directory)


def _used_again(call: Call, directory: Directory) -> Finding | None:
    first: dict[tuple[bool, bytes, int, bytes], Exchange] = {}
    for exchange in exchanges(call):
        key = exchange.from_caller, exchange.tag, exchange.cseq_number, exchange.path.key
        before = first.setdefault(key, exchange)
        if before is exchange or not (exchange.expired or exchange.status_code >= 300):
            continue
        about = subject(directory, exchange.path.source_address)
        facts: dict[str, Fact] = {
            "method": quoted(exchange.method.encode()), "cseq": exchange.cseq_number,
            "before": quoted(before.method.encode()),
        }  # fmt: skip
        evidence = [seen(before.request), seen(exchange.request), *([seen(exchange.final)] if exchange.final else [])]
        return Finding(Kind.CSEQ_MISMATCH, "request", about, facts, evidence)
    return None


# What is looked for in every call that shows its signs (``findings.TABLE``).
LOOKS: Final[dict[Kind, Look]] = {
    Kind.CSEQ_MISMATCH: cseq_mismatch,
    Kind.SESSION_TIMER: session_timer,
    Kind.MIDCALL_REFUSED: midcall_refused,
    Kind.BYE_REFUSED: bye_refused,
}
