"""What may be said of a call, worked out from the messages that an observer saw: by the words of the contract.

An outcome that cannot be known is ``unfinished``; one that fails needs its cause in sight. The moments at which
verdicts fall are estimated early here, so that what is demanded of an answer seen in time is demanded justly.
Must not know: how sipwatch tracks or judges, nor what was said out of sight.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.view_calls import Said

SECOND = 1_000_000_000
TIMER_B = TIMER_F = 32 * SECOND  # 64·T1
TIMER_C = 180 * SECOND
HUNT_WITHIN = 2 * SECOND
BRIEF, NO_RESPONSE, NO_PROGRESS, NO_ANSWER = 5 * SECOND, 5 * SECOND, 10 * SECOND, 30 * SECOND
SWAPPED_WITHIN = SECOND // 1000
SINCE = {"no_response": NO_RESPONSE, "slow_progress": 3 * SECOND, "no_progress": NO_PROGRESS, "no_answer": NO_ANSWER}
NEVER = 1 << 62
ALERTS = (180, 183)
ACK_MISSING_AT = 4
BY_CODE = {
    302: "redirected", 401: "auth_failed", 407: "auth_failed", 403: "forbidden", 404: "not_found", 410: "not_found",
    486: "busy", 600: "busy", 500: "server_error", 503: "server_error", 504: "gateway_timeout", 603: "declined",
    488: "rejected",
}  # fmt: skip


class Leg(NamedTuple):
    """An INVITE that was seen on a hop, and what was seen with its branch there."""

    first: Said
    responses: list[Said]
    acks: list[Said]  # on the INVITE's own branch: a failing final came
    cancels: list[Said]
    agreed: list[Said]  # ACKs with a branch of their own, for this CSeq number

    @property
    def started(self) -> int:
        return self.first.time

    @property
    def final(self) -> Said | None:
        return next((said for said in self.responses if said.code >= 200), None)

    @property
    def provisionals(self) -> list[Said]:
        return [said for said in self.responses if said.code < 200]

    @property
    def alert(self) -> Said | None:
        return next((said for said in self.responses if said.code in ALERTS), None)


class Answer(NamedTuple):
    """A sign that the call was answered; ``thin`` says that the INVITE it belongs to was not seen."""

    time: int
    what: str
    thin: bool = False


class Sight:
    """The messages of one call that were seen, in the order they were captured."""

    def __init__(self, seen: Sequence[Said]) -> None:
        self.seen = seen
        self.legs = self._legs()
        near = [leg for leg in self.legs if leg.first.source == "A"] or self.legs
        self.near = near
        self._near_hops = {leg.first.hop for leg in near}

    def _legs(self) -> list[Leg]:
        legs: dict[tuple[str, str], Leg] = {}
        for said in self.seen:
            if said.what == "INVITE" and not said.to_tag:
                legs.setdefault((said.branch, said.hop), Leg(said, [], [], [], []))
        for said in self.seen:
            leg = legs.get((said.branch, said.hop))
            if said.what == "ACK" and leg is None:
                for other in legs.values():
                    if (
                        other.first.hop == said.hop
                        and other.first.cseq == said.cseq
                        and other.first.source == said.source
                    ):
                        other.agreed.append(said)
            elif leg is not None and said.code and said.method == "INVITE":
                leg.responses.append(said)
            elif leg is not None and said.what in ("ACK", "CANCEL"):
                (leg.acks if said.what == "ACK" else leg.cancels).append(said)
        return sorted(legs.values(), key=lambda leg: leg.started)

    # Answered?

    def answers(self) -> list[Answer]:
        """Return every sign of an answer on the hops nearest the caller, and on those behind them."""
        found: list[Answer] = []
        crossed = any(leg.cancels for leg in self.near)
        for hop in {said.hop for said in self.seen}:
            signs = self._answers_on(hop)
            equal = hop in self._near_hops or ("A" in hop) == ("A" in self.near[0].first.hop)
            if equal:
                found += [sign for sign in signs if not (crossed and sign.what == "BYE")]
            elif not crossed and any(leg.first.hop == hop for leg in self.legs) and "A" not in hop:
                found += [sign._replace(what=f"{sign.what} behind") for sign in signs if not sign.thin]
        return sorted(found)

    def _answers_on(self, hop: str) -> list[Answer]:
        legs = [leg for leg in self.legs if leg.first.hop == hop]
        # Where each INVITE seen on the hop was refused, the one that was answered was not seen.
        lost = all(leg.final is not None and leg.final.code >= 300 for leg in legs)
        found = []
        for said in self.seen:
            if said.hop != hop or said.method not in ("INVITE", "ACK", "BYE"):
                continue
            own = any(leg.first.cseq == said.cseq and leg.first.destination == said.source for leg in legs)
            inside = any(said.source != leg.first.source or said.cseq > leg.first.cseq for leg in legs)
            if said.method == "INVITE" and 200 <= said.code < 300:
                found.append(Answer(said.time, "2xx", not own))  # of a lost INVITE, or of one inside the dialog
            elif said.what == "ACK" and any(said in leg.agreed for leg in legs):
                found.append(Answer(said.time, "ACK"))
            elif said.what == "INVITE" and said.to_tag and inside:
                found.append(Answer(said.time, "re-INVITE", lost))
            elif (
                said.method == "BYE"
                and 200 <= said.code < 300
                and legs
                and self._asked(said)
                and not self._refused_after(hop, said)
            ):
                found.append(Answer(said.time, "BYE", lost))
        return found

    def _asked(self, response: Said) -> bool:
        return any(
            said.what == "BYE" and said.branch == response.branch and said.hop == response.hop for said in self.seen
        )

    def _refused_after(self, hop: str, bye: Said) -> bool:
        """Tell whether a failing final of the INVITE follows, or its ACK, which says that one came."""
        own = {leg.first.branch for leg in self.legs}
        later = [said for said in self.seen[self.seen.index(bye) :] if said.hop == hop]
        return any(
            (said.method == "INVITE" and said.code >= 300) or (said.what == "ACK" and said.branch in own)
            for said in later
        )

    # When verdicts fall

    def _ends(self, leg: Leg, after: Leg | None) -> int:
        """Return when a leg may have ended at the earliest."""
        final = leg.final
        if self._unheard(leg):
            return leg.started + TIMER_B
        if final is not None:
            asks = final.code in (401, 407)
            return NEVER if final.code < 300 else final.time + (TIMER_B if asks else 0)
        if leg.cancels:
            return leg.cancels[0].time
        if leg.acks:
            return leg.acks[0].time + TIMER_B
        if leg.provisionals:
            return leg.provisionals[-1].time + TIMER_C
        return min(leg.started + TIMER_B, after.started if after else NEVER)

    def _unheard(self, leg: Leg) -> bool:
        """Tell whether Timer B ran out before anything was heard: what came later was too late (rule 6)."""
        heard = [said.time for said in (*leg.responses[:1], *leg.acks[:1], *leg.agreed[:1])]
        return bool(heard) and min(heard) >= leg.started + TIMER_B

    def attempts(self) -> tuple[int, int]:
        """Return how many attempts there may be at the most, and when the first one's verdict may fall."""
        count, doom, ends = 1, NEVER, -1
        for leg, after in zip(self.near, [*self.near[1:], None], strict=True):
            if ends >= 0 and leg.started > ends + HUNT_WITHIN:
                count, doom, ends = count + 1, min(doom, ends), -1
            ends = max(ends, self._ends(leg, after))
        return count, min(doom, ends)

    def answered(self) -> Answer | None:
        """Return the sign that settles it, if one came before any failing verdict could fall."""
        doom = self.attempts()[1]
        signs = [sign for sign in self.answers() if sign.time < doom]
        return min(signs, key=lambda sign: (sign.thin, sign.time), default=None)

    # Failed, and how

    def supported(self) -> set[str]:
        """Return the failing outcomes that have a cause in sight on one of the hops nearest the caller."""
        alerted = any(leg.alert for leg in self.near)
        begun = self.near[0].started
        return {outcome for leg in self.near for outcome in self._causes(leg, begun, alerted=alerted)}

    def _causes(self, leg: Leg, begun: int, *, alerted: bool) -> Iterable[str]:
        final = leg.final
        if self._unheard(leg):
            late = final is not None and final.code >= 300 and final.code != 487 and self._behind(leg, NEVER)
            return ["not_responding", *(self._by_code(leg, final, alerted=alerted) if late and final else ())]
        if final is not None and final.code < 300:
            return ()
        if final is not None and final.code != 487 and not leg.cancels:
            return self._by_code(leg, final, alerted=alerted)
        if leg.cancels or final is not None:
            return self._cancelled(leg, begun, alerted=alerted)
        if leg.provisionals or self._behind(leg, NEVER):
            return () if leg.acks else ["no_answer" if alerted else "no_progress"]
        return () if leg.acks else ["not_responding"]

    def _by_code(self, leg: Leg, final: Said, *, alerted: bool) -> Iterable[str]:
        if final.code in (408, 480):
            unheard = "not_responding" if final.code == 408 else "unavailable"
            return ["no_answer"] if leg.alert else ["no_answer", unheard] if alerted else [unheard]
        if final.code in (401, 407):
            tried = any(b"Authorization:" in other.first.data for other in self.near if other.started >= leg.started)
            return [] if tried else ["auth_failed"]
        return [BY_CODE[final.code]]

    def _cancelled(self, leg: Leg, begun: int, *, alerted: bool) -> Iterable[str]:
        final = leg.final
        at = leg.cancels[0].time if leg.cancels else final.time if final else 0
        found = {"abandoned_brief" if at - begun < BRIEF else "abandoned"}
        # A group is timed from the first INVITE of any, a server that gives up one hop from that hop's own.
        found.add("abandoned_brief" if at - leg.started < BRIEF else "abandoned")
        if any(b"cause=200" in cancel.data for cancel in leg.cancels):
            found.add("answered_elsewhere")
        if alerted:
            found.add("no_answer")
        elif leg.provisionals or self._behind(leg, at):
            found.add("no_progress")
        else:
            found.add("not_responding")
        return found

    def _behind(self, leg: Leg, before: int) -> bool:
        """Tell whether a hop behind this one was alerted, or answered, before then (§2.2)."""
        return leg.first.source == "A" and any(
            said.method == "INVITE"
            and said.destination == leg.first.destination
            and (said.code in ALERTS or 200 <= said.code < 300)
            and said.time < before
            for said in self.seen
        )

    def certain(self) -> str | None:
        """Return the failing outcome that everything seen agrees upon, where nothing could change it."""
        outcomes = set()
        if self._shows_another_leg():
            return None
        for leg in self.near:
            final = leg.final
            if final is None or final.code not in BY_CODE or final.code in (401, 407) or leg.cancels:
                return None
            outcomes.add(BY_CODE[final.code])
        return outcomes.pop() if len(outcomes) == 1 else None

    def _shows_another_leg(self) -> bool:
        """Tell whether the nearest sender got a response to an INVITE that was not seen."""
        known = {leg.first.branch for leg in self.legs}
        sender = self.near[0].first.source
        return any(
            said.method == "INVITE" and said.code and said.destination == sender and said.branch not in known
            for said in self.seen
        )

    def pending(self, last: int) -> bool:
        """Tell whether the capture ended while a leg that had been heard of was still open."""
        return any(
            leg.provisionals
            and not (leg.final or leg.acks or leg.cancels or leg.agreed)
            and leg.provisionals[-1].time + TIMER_C > last
            for leg in self.near
        )

    # Conditions

    def due(self) -> set[tuple[str, str]]:
        """Return the conditions that must have been raised, with their branch: where one leg alone is nearest."""
        if len(self.near) != 1 or not self.near[0].first.branch:
            return set()
        leg = self.near[0]
        begins = {"no_response": leg.first, "no_answer": leg.alert, "no_progress": _first(leg, 100, 101)}
        ends = {"no_response": _first(leg, 100, 700), "no_answer": leg.final, "no_progress": _first(leg, 101, 700)}
        return {
            (kind, leg.first.branch)
            for kind, begin in begins.items()
            if begin is not None
            and begin.time + SINCE[kind]
            < min(
                (said.time for said in (ends[kind], *leg.cancels[:1], *leg.acks[:1], *leg.agreed[:1]) if said),
                default=NEVER,
            )
        }

    def causeless(self, kind: str, raised: int, source: str, destination: str, branch: str) -> str | None:
        """Say why a condition should not have been raised, None if it has its cause."""
        if kind == "bye_unanswered":
            return self._bye_cause(raised)
        leg = next(
            (
                leg
                for leg in self.legs
                if leg.first.branch == branch and leg.first.source == source and leg.first.destination == destination
            ),
            None,
        )
        if leg is None:
            return self._unseen_cause(kind, raised, source, destination, branch)
        if kind == "ack_missing":
            return self._ack_cause(leg, raised)
        return self._silence_cause(leg, kind, raised)

    def _unseen_cause(self, kind: str, raised: int, source: str, destination: str, branch: str) -> str | None:
        """Look at the responses to an INVITE that was not seen: they show the leg, and begin its times."""
        begins = {"no_answer": (180, 183), "slow_progress": (100,), "no_progress": (100,)}.get(kind, ())
        if kind == "ack_missing":
            copies = [
                said
                for said in self.seen
                if (said.branch, said.source, said.code) == (branch, destination, 200) and said.time <= raised
            ]
            return None if len(copies) >= ACK_MISSING_AT else f"after {len(copies)} copies"
        for said in self.seen:
            if (said.branch, said.source, said.destination) == (branch, destination, source) and said.code in begins:
                late = raised - said.time - SINCE[kind]  # it may have waited for any INVITE of its call, for T1 at most
                return None if 0 <= late <= SECOND // 2 else "raised at another time than its response says"
        return "no such leg was seen"

    def _silence_cause(self, leg: Leg, kind: str, raised: int) -> str | None:
        begins = {"no_response": leg.first, "no_answer": leg.alert}.get(kind, _first(leg, 100, 101))
        if begins is None:
            return "what begins its time was not seen"
        waited = raised - begins.time
        if abs(waited - SINCE[kind]) > SWAPPED_WITHIN:  # captured before its INVITE it may be taken with it
            return f"raised {waited / SECOND:.6f} s after what begins its time"
        ends = [said for said in (*leg.acks, *leg.agreed) if said.time < raised]
        ends += [
            said
            for said in leg.responses
            if said.time < raised and said.code >= {"no_response": 100, "no_answer": 200}.get(kind, 101)
        ]
        ends += [
            said
            for said in self.seen
            if said.hop == leg.first.hop and said.what == "INVITE" and said.to_tag and said.time < raised
        ]
        if ends:
            return f"{ends[0].source}>{ends[0].destination} {ends[0].what} was seen before"
        if kind == "no_response" and self._behind(leg, raised):
            return "the hop behind was ringing"
        return None

    def _ack_cause(self, leg: Leg, raised: int) -> str | None:
        by_tag: dict[str, list[Said]] = defaultdict(list)
        for said in leg.responses:
            if 200 <= said.code < 300:
                by_tag[said.to_tag].append(said)
        for tag, copies in by_tag.items():
            if len(copies) < ACK_MISSING_AT or copies[ACK_MISSING_AT - 1].time != raised:
                continue
            early = self.seen[: self.seen.index(copies[ACK_MISSING_AT - 1])]
            return "an ACK was seen before" if any(ack in early and ack.to_tag == tag for ack in leg.agreed) else None
        return "no 2xx was seen for the fourth time then"

    def _bye_cause(self, raised: int) -> str | None:
        for bye in self.seen:
            if bye.what == "BYE" and bye.time + TIMER_F == raised:
                finals = [
                    said
                    for said in self.seen
                    if said.method == "BYE" and said.branch == bye.branch and said.code >= 200 and said.hop == bye.hop
                ]
                return "its final response was seen" if any(said.time < raised for said in finals) else None
        return "no BYE was seen then"


def _first(leg: Leg, least: int, below: int) -> Said | None:
    return next((said for said in leg.responses if least <= said.code < below), None)
