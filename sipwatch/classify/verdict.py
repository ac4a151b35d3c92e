"""How a leg's and a call's outcome is decided: OUTCOMES §2, rule by rule; the first that applies wins.

Must not know: how verdicts are counted, written or shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.classify.causes import status_outcome
from sipwatch.classify.endings import ending_of
from sipwatch.classify.giving_up import answered_beside, by_the_server, given_up, of_front, of_leg
from sipwatch.classify.outcomes import OUTCOME_OF, Outcome
from sipwatch.classify.peers import NOBODY, Directory, Peer, PeerKind
from sipwatch.classify.ruling import rule_applies
from sipwatch.classify.told import by_reason
from sipwatch.classify.wall import Wall
from sipwatch.track.dialog import answer_of
from sipwatch.track.events import CallConcluded, CallSettled, LegSettled
from sipwatch.track.front import was_cancelled
from sipwatch.track.table import CHALLENGES, Heard
from sipwatch.track.transactions import credentials_refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from sipwatch.classify.peers import Rule
    from sipwatch.track.call import Call
    from sipwatch.track.events import Takes
    from sipwatch.track.leg import Leg
    from sipwatch.track.timers import Timers

_O = Outcome
_RETRIED: Final = Outcome.RETRIED.value


class Verdicts:
    """Decides legs and calls between configured peers; ``applied``, if any, hears of each peer's rule that decided.

    ``wall`` is for those who write verdicts down.
    """

    __slots__ = ("applied", "directory", "wall")

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.wall = Wall()
        self.applied: Callable[[Leg, Rule], None] | None = None

    def takes(self) -> Takes:
        """Say which events want a word, before anybody else takes them."""
        return {LegSettled: self.leg_settled, CallSettled: self.call_settled, CallConcluded: self.call_concluded}

    def leg_settled(self, event: LegSettled) -> None:
        """Say what became of a leg."""
        event.leg.outcome = self.leg(event.leg)._value_

    def call_settled(self, event: CallSettled) -> None:
        """Say what became of a call."""
        event.call.outcome = self.call(event.call)._value_

    def call_concluded(self, event: CallConcluded) -> None:
        """Say how an answered call ended."""
        event.call.ending = ending_of(event.call)._value_

    def leg(self, leg: Leg) -> Outcome:
        """Return a leg's outcome; for the upstream leg this is the call's."""
        if leg.followed:
            return _O.AUTH_FAILED if refused_credentials(leg) else _O.RETRIED
        if leg.status_code == 0 and not leg.given_up and leg.cancelled_at < 0 and leg.answered_at < 0:
            return _O.UNFINISHED  # it goes on, or all that is known is that it failed
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
        reasoned = by_reason(leg, trunk=_with_trunk(peers))
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
        leg = call.upstream or call.front[-1]
        if leg.outcome == _RETRIED:
            return _O.UNFINISHED
        if leg.answered_at < 0 and was_cancelled(leg) and not leg.hunted_on and not _is_alone(leg):
            return self._given_up_together(call, leg)
        return OUTCOME_OF[leg.outcome]

    def _given_up_together(self, call: Call, leg: Leg) -> Outcome:
        """Time the caller's giving up by all legs equally near, unless a rule or a Reason says more (OUTCOMES §2.1)."""
        peers = self._peers(leg) if self.directory.settings.peers else []
        if _rule_of(leg, peers) is not None or by_reason(leg, trunk=_with_trunk(peers)) is not None:
            return OUTCOME_OF[leg.outcome]
        return given_up(of_front(call, leg), self._timers(leg))

    def source(self, call: Call) -> Peer:
        """Return the peer that sent the first INVITE."""
        return self.directory.peer(call.front[0].path.source_address)

    def destination(self, call: Call) -> Peer:
        """Return the peer that was reached."""
        return self.directory.peer(reached(call).path.destination_address)

    def _peers(self, leg: Leg) -> list[Peer]:
        """Return the peers concerned, the one to ask first in front.

        The upstream leg often ends at the operator's own server. Its verdict is the call's, so it
        is judged by whom the call reached as well: what a trunk behind the server means by 603 is
        what the call met.
        """
        peers = [self.directory.peer(leg.path.destination_address)]
        if _is_alone(leg):
            peers.append(self.destination(leg.call))
        peers.append(self.directory.peer(leg.path.source_address))
        return [peer for peer in peers if peer is not NOBODY]

    def _by_rule(self, leg: Leg, peers: list[Peer]) -> Rule | None:
        """Rule 1. A leg cut off by the end of the capture has nothing a rule could be about."""
        rule = _rule_of(leg, peers)
        if rule is not None and self.applied is not None:
            self.applied(leg, rule)
        return rule

    def _by_status(self, leg: Leg, peers: list[Peer]) -> Outcome:
        """Rule 4."""
        code = leg.status_code
        if leg.cut_off and code in CHALLENGES and not refused_credentials(leg):
            return _O.UNFINISHED  # the retry may have come after the end of the capture
        return status_outcome(code, leg.heard is Heard.ALERTED, _with_trunk(peers))

    def _cancelled(self, leg: Leg) -> Outcome:
        """Rule 5."""
        if answered_beside(leg):
            return _O.ANSWERED_ELSEWHERE
        return by_the_server(leg) or given_up(of_leg(leg), self._timers(leg))

    def _timers(self, leg: Leg) -> Timers:
        if _is_alone(leg):
            return self.destination(leg.call).timers or leg.timers
        return leg.timers


def _rule_of(leg: Leg, peers: list[Peer]) -> Rule | None:
    for peer in peers:
        for rule in peer.rules:
            if rule_applies(rule, leg):
                return rule
    return None


def _is_alone(leg: Leg) -> bool:
    """Tell whether a leg is the one nearest the caller, and no other stands beside it."""
    front = leg.call.front
    if len(front) == 1:
        return leg is front[0]
    return leg in front and sum([not one.followed for one in front]) == 1 and not leg.followed


def reached(call: Call) -> Leg:
    """Return the leg whose far end was reached: the answered one farthest from the caller, else the farthest.

    Of several answers the one that was kept counts; its hops are those that carry its To tag.
    """
    legs = call.legs
    if len(legs) == 1:
        return legs[0]
    present = [leg for leg in legs if not leg.followed] or legs
    candidates = [leg for leg in present if leg.answered_at >= 0] or present
    kept = call.kept_leg()
    if kept is not None and kept in candidates:
        candidates = [leg for leg in candidates if leg is kept or _carries(call, leg)]
    front = call.front
    return max(candidates, key=lambda leg: (leg not in front, leg.via_count, -leg.max_forwards, leg.serial))


def _carries(call: Call, leg: Leg) -> bool:
    """Tell whether a hop behind carries the dialog that was kept; who hides the topology has tags of his own."""
    if leg in call.front:
        return False
    known = [answer_of(one, call.to_tag) for one in call.legs if one not in call.front]
    return answer_of(leg, call.to_tag) is not None or not any(known)


def refused_credentials(leg: Leg) -> bool:
    """Tell whether a challenge answers credentials that were given for its realm, and not as stale."""
    return leg.final is not None and credentials_refused(leg.invite, leg.final)


def _with_trunk(peers: list[Peer]) -> bool:
    return any(peer.kind is PeerKind.TRUNK for peer in peers)
