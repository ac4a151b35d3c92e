"""How a leg's and a call's outcome is decided: OUTCOMES §2, rule by rule; the first that applies wins.

Must not know: how verdicts are counted, written or shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.pattern import LONGEST_TEXT
from sipwatch.classify.peers import NOBODY, Directory, Peer, PeerKind, Rule
from sipwatch.classify.reason import Q850, SIP, Reason, reasons, telling
from sipwatch.track.leg import FORK_SETTLES, Heard, Leg
from sipwatch.track.transactions import CHALLENGES, credentials_refused
from sipwatch.wire.sip import header

if TYPE_CHECKING:
    from collections.abc import Callable

    from sipwatch.classify.pattern import Pattern
    from sipwatch.track.call import Call
    from sipwatch.track.timers import Timers

_O = Outcome
_RETRIED = Outcome.RETRIED.value


def _each(*groups: tuple[Outcome, tuple[int, ...]]) -> dict[int, Outcome]:
    return {number: outcome for outcome, numbers in groups for number in numbers}


# Rule 3: ITU-T Q.850 cause values. What is not here decides nothing.
BY_CAUSE = _each(
    (_O.BUSY, (17,)),
    (_O.NOT_RESPONDING, (18,)),
    (_O.NO_ANSWER, (19,)),
    (_O.UNAVAILABLE, (20, 27)),
    (_O.DECLINED, (21,)),
    (_O.ANSWERED_ELSEWHERE, (26,)),
    (_O.REDIRECTED, (31,)),
    (_O.NOT_FOUND, (1, 2, 3, 22, 28)),
    (_O.CONGESTED, (34, 42, 44, 47)),
    (_O.SERVER_ERROR, (38, 41)),
    (_O.FORBIDDEN, (50, 55, 57, 87)),
    (_O.REJECTED, (58, 65, 79, 88)),
    (_O.GATEWAY_TIMEOUT, (102,)),
)

# Rule 4: status codes that mean the same wherever they come from.
BY_STATUS = _each(
    (_O.AUTH_FAILED, (401, 407)),
    (_O.FORBIDDEN, (403,)),
    (_O.NOT_FOUND, (404, 410, 484, 485, 604)),
    (_O.BLOCKED, (433, 607, 608)),
    (_O.BUSY, (486, 600)),
    (_O.SERVER_ERROR, (482, 483, 500, 501, 502, 503, 505, 513)),
    (_O.GATEWAY_TIMEOUT, (504,)),
    (_O.REJECTED, (580, 606)),
)
# ... and that mean one thing when the callee was alerted, another when not.
BY_STATUS_AND_ALERT = {
    408: (_O.NO_ANSWER, _O.NOT_RESPONDING),
    480: (_O.NO_ANSWER, _O.UNAVAILABLE),
}
_BY_CLASS = {3: _O.REDIRECTED, 4: _O.REJECTED, 5: _O.SERVER_ERROR, 6: _O.DECLINED}


class Deciding(NamedTuple):
    """The Reason value that decided an outcome, or the best there is to tell of."""

    cause: int | None
    protocol: str | None
    text: str | None


NO_REASON = Deciding(None, None, None)


class Verdicts:
    """Decides legs and calls between configured peers; ``applied``, if any, hears of each peer's rule that decided."""

    __slots__ = ("applied", "directory")

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.applied: Callable[[Leg, Rule], None] | None = None

    def leg(self, leg: Leg) -> Outcome:
        """Return a leg's outcome; for the upstream leg this is the call's."""
        if leg.followed:
            return _O.AUTH_FAILED if refused_credentials(leg) else _O.RETRIED
        if leg.status_code == 0 and not leg.given_up and leg.cancelled_at < 0:
            return _O.UNFINISHED
        peers = self._peers(leg) if self.directory.settings.peers else []
        ruled = self._by_rule(leg, peers) if peers else None
        if ruled is not None:
            return ruled.outcome
        return self._unruled(leg, peers)

    def without_rules(self, leg: Leg) -> Outcome:
        """Return the outcome that a leg would have if no peer had a rule about it."""
        return self._unruled(leg, self._peers(leg))

    def _unruled(self, leg: Leg, peers: list[Peer]) -> Outcome:
        """Rules 2 to 6."""
        if leg.answered_at >= 0:
            return _O.ANSWERED
        reasoned = _by_reason(leg, peers)
        if reasoned is not None:
            return reasoned
        if leg.status_code and leg.status_code != 487:
            return self._by_status(leg, peers)
        if leg.status_code == 487 or leg.cancelled_at >= 0:
            return self._cancelled(leg)
        if leg.heard is Heard.NOTHING:
            return _O.NOT_RESPONDING
        return _O.NO_ANSWER if leg.heard is Heard.ALERTED else _O.NO_PROGRESS

    def call(self, call: Call) -> Outcome:
        """Return a call's outcome: its upstream leg's, whose verdict has fallen."""
        verdict = call.chain[-1].verdict
        return _O.UNFINISHED if verdict == _RETRIED else Outcome(verdict)

    def source(self, call: Call) -> Peer:
        """Return the peer that sent the first INVITE."""
        return self.directory.peer(call.chain[0].path.source_address)

    def destination(self, call: Call) -> Peer:
        """Return the peer that was reached."""
        return self.directory.peer(reached(call).path.destination_address)

    def _peers(self, leg: Leg) -> list[Peer]:
        """Return the peers concerned, the one to ask first in front.

        The upstream leg often ends at the operator's own server. Its verdict is the call's, so it
        is judged by whom the call reached as well: what a trunk behind the server means by 603 is
        what the call met.
        """
        call = leg.call
        peers = [self.directory.peer(leg.path.destination_address)]
        if leg is call.chain[-1]:
            peers.append(self.destination(call))
        peers.append(self.directory.peer(leg.path.source_address))
        return [peer for peer in peers if peer is not NOBODY]

    def _by_rule(self, leg: Leg, peers: list[Peer]) -> Rule | None:
        """Rule 1. A leg cut off by the end of the capture has nothing a rule could be about."""
        for peer in peers:
            for rule in peer.rules:
                if rule_applies(rule, leg):
                    if self.applied is not None:
                        self.applied(leg, rule)
                    return rule
        return None

    def _by_status(self, leg: Leg, peers: list[Peer]) -> Outcome:
        """Rule 4."""
        code = leg.status_code
        if leg.cut_off and code in CHALLENGES and not refused_credentials(leg):
            return _O.UNFINISHED  # the retry may have come after the end of the capture
        return status_outcome(code, leg.heard is Heard.ALERTED, _with_trunk(peers))

    def _cancelled(self, leg: Leg) -> Outcome:
        """Rule 5; all times from the leg's own packets."""
        call = leg.call
        timers = self._timers(leg)
        cancelled = leg.cancelled_at if leg.cancelled_at >= 0 else leg.final_at
        if _answered_beside(leg, cancelled + FORK_SETTLES):
            return _O.ANSWERED_ELSEWHERE
        upstream = call.chain[-1]
        if leg not in call.chain and _given_up_by_the_server(upstream, cancelled):
            return (_O.NOT_RESPONDING, _O.NO_PROGRESS, _O.NO_PROGRESS, _O.NO_ANSWER)[leg.heard]
        waited = cancelled - leg.started
        if leg.heard is Heard.NOTHING and waited >= timers.no_response_after:
            return _O.NOT_RESPONDING
        if leg.heard is Heard.TRYING and cancelled - leg.trying_at >= timers.no_progress_after:
            return _O.NO_PROGRESS
        if leg.heard is Heard.ALERTED and cancelled - leg.alerted_at >= timers.no_answer_after:
            return _O.NO_ANSWER
        return _O.ABANDONED_BRIEF if waited < timers.brief_before else _O.ABANDONED

    def _timers(self, leg: Leg) -> Timers:
        if leg is leg.call.chain[-1]:
            return self.destination(leg.call).timers or leg.timers
        return leg.timers


def status_outcome(code: int, alerted: bool, trunk: bool) -> Outcome:
    """Return what a final response of 300 or more says by itself (rule 4)."""
    if code == 603:
        return _O.CONGESTED if trunk else _O.DECLINED
    by_alert = BY_STATUS_AND_ALERT.get(code)
    if by_alert is not None:
        return by_alert[0] if alerted else by_alert[1]
    return BY_STATUS.get(code) or _BY_CLASS[code // 100]


def rule_applies(rule: Rule, leg: Leg) -> bool:
    """Tell whether a peer's rule is about this leg; an answer only when it names the status code."""
    if rule.status_code is not None and rule.status_code != leg.status_code:
        return False
    if leg.answered_at >= 0 and rule.status_code is None:
        return False
    if rule.heard is not None and rule.heard is not leg.heard:
        return False
    if rule.early_media is not None and rule.early_media is not early_media(leg):
        return False
    if rule.cause is not None and not any(
        r.cause == rule.cause and rule.cause_protocol in (None, r.protocol) for r in _told(leg)
    ):
        return False
    return rule.reason_text is None or _says(leg, rule.reason_text)


def early_media(leg: Leg) -> bool:
    """Tell whether the callee's side offered something to hear before the final response: 183 with SDP."""
    progress = leg.session_progress
    if progress is None:
        return False
    kind = header(progress.raw, b"content-type", b"c").lower()
    return kind.startswith(b"application/sdp") or (
        kind.startswith(b"multipart/") and b"application/sdp" in progress.raw.lower()
    )


def _says(leg: Leg, pattern: Pattern) -> bool:
    """Tell whether a leg's end says something: its reason phrase, or a text of the Reason values that count."""
    if leg.final is not None and pattern.found_in(_words(leg.final.reason_phrase)):
        return True
    return any(r.text is not None and pattern.found_in(r.text) for r in _told(leg))


def _words(phrase: bytes) -> str:
    return phrase[: 4 * LONGEST_TEXT].decode("utf-8", "backslashreplace")


def deciding_reason(leg: Leg) -> Deciding:
    """Return the Reason value that decided, else the first there is; all None without one."""
    if leg.answered_at >= 0 or (leg.final is None and leg.cancel is None):
        return NO_REASON
    found = _told(leg)
    decided = [r for r in found if _reason_outcome(r, alerted=False, trunk=False) is not None]
    for reason in decided or found:
        return Deciding(reason.cause, reason.protocol, reason.text)
    return NO_REASON


def reached(call: Call) -> Leg:
    """Return the leg whose far end was reached: the answered one farthest from the caller, else the farthest."""
    if len(call.legs) == 1:
        return call.legs[0]
    present = [leg for leg in call.legs if not leg.followed] or call.legs
    candidates = [leg for leg in present if leg.answered_at >= 0] or present
    return max(candidates, key=lambda leg: (leg not in call.chain, leg.via_count, -leg.max_forwards, leg.serial))


def refused_credentials(leg: Leg) -> bool:
    """Tell whether a challenge answers credentials that were given for its realm, and not as stale."""
    return leg.final is not None and credentials_refused(leg.invite, leg.final)


def _told(leg: Leg) -> list[Reason]:
    """Return the Reason values that count: the final's, or the CANCEL's where the final says only that."""
    found: list[Reason] = []
    if leg.final is not None:
        found = reasons(leg.final)
    if not found and leg.cancel is not None and leg.status_code in (0, 487):
        found = reasons(leg.cancel)
    return found


def _by_reason(leg: Leg, peers: list[Peer]) -> Outcome | None:
    """Rule 3."""
    alerted = leg.heard is Heard.ALERTED
    for reason in _telling(leg):
        outcome = _reason_outcome(reason, alerted=alerted, trunk=_with_trunk(peers))
        if outcome is not None:
            return outcome
    return None


def _telling(leg: Leg) -> list[Reason]:
    found: list[Reason] = []
    if leg.final is not None:
        found = telling(leg.final)
    if not found and leg.cancel is not None and leg.status_code in (0, 487):
        found = telling(leg.cancel)
    return found


def _reason_outcome(reason: Reason, *, alerted: bool, trunk: bool) -> Outcome | None:
    if reason.cause is None:
        return None
    if reason.protocol == Q850:
        return BY_CAUSE.get(reason.cause)
    if reason.protocol == SIP and 200 <= reason.cause < 300:
        return _O.ANSWERED_ELSEWHERE
    if reason.protocol == SIP and 300 <= reason.cause < 700 and reason.cause != 487:
        return status_outcome(reason.cause, alerted, trunk)
    return None


def _with_trunk(peers: list[Peer]) -> bool:
    return any(peer.kind is PeerKind.TRUNK for peer in peers)


def _answered_beside(leg: Leg, by: int) -> bool:
    """Tell whether another branch of the same fork, or of the call below the caller, was answered in time."""
    call = leg.call
    above = leg not in call.chain
    for other in call.legs:
        if other is leg or not 0 <= other.answered_at <= by:
            continue
        if above or (other not in call.chain and other.via_count == leg.via_count):
            return True
    return False


def _given_up_by_the_server(upstream: Leg, moment: int) -> bool:
    """Tell whether a downstream leg's CANCEL was the server's own decision: the caller had not cancelled.

    OUTCOMES asks for an upstream leg that was still open. Servers that give up (Kamailio's
    fr_inv_timer, for one) send their final response upstream a moment before the CANCEL downstream,
    so a failing final does not speak against it; only a call that was answered does.
    """
    return not 0 <= upstream.cancelled_at <= moment and upstream.answered_at < 0
