"""Calls that keep coming: to and fro between two servers, or again and again after they were refused.

Must not know: clocks, words. Every table is bounded; only calls that failed are remembered.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.classify.findings import MAX_EVIDENCE, PLAIN, Evidence, Fact, Finding, Kind, person, seen
from sipwatch.classify.identity import ANONYMOUS_USERS
from sipwatch.classify.past import Table
from sipwatch.classify.remembered import LIST, PAIR_KEY, SLOT, of_evidence, of_message
from sipwatch.classify.verdict import refused_credentials
from sipwatch.packet import SECOND
from sipwatch.track.table import CHALLENGES, Heard
from sipwatch.wire.sip import header, uri_of, user_of

if TYPE_CHECKING:
    from sipwatch.classify.noted import Noted
    from sipwatch.track.call import Call
    from sipwatch.track.leg import Leg
    from sipwatch.wire.message import Request

MAX_PAIRS: Final = 4096
TURN_WITHIN: Final = 2 * SECOND
TURNS_FROM: Final = 3  # to, fro, and to again: a call that comes back once may be meant for a number at home
MAX_TURNS: Final = 70  # as many as hops are allowed (RFC 3261 §8.1.1.6)
FLOOD_FROM: Final = 5
FLOOD_WITHIN: Final = SECOND
_MAX_NUMBER_LENGTH: Final = 64
_MAX_KEPT_SIZE: Final = 4096  # bytes of an INVITE that is kept
_MAX_SENT: Final = 10_000  # within a second: of one source more are no more of a flood
_TURNS: Final = SLOT + PAIR_KEY + LIST
_TURN: Final = 180
_LATEST: Final = SLOT + PAIR_KEY + 120
_STREAK: Final = SLOT + 2 * PAIR_KEY + LIST + 1100
_OF_CALL: Final = SLOT + 40 + LIST + 1000
_TIME: Final = 44
_ENTRY: Final = frozenset({403, *CHALLENGES})  # codes that keep somebody out

Numbers = tuple[bytes, bytes]


class Turn:
    """One INVITE of a call that went to and fro."""

    __slots__ = ("call", "evidence", "source", "started")

    def __init__(self, source: bytes, started: int, call: bytes, evidence: Evidence) -> None:
        self.source = source
        self.started = started
        self.call = call
        self.evidence = evidence

    @property
    def size(self) -> int:
        """Return what it takes (bytes)."""
        return _TURN + len(self.call) + of_evidence(self.evidence)


class Latest:
    """The INVITE that was refused last between two hosts; ``remembered`` says that it is among the turns."""

    __slots__ = ("invite", "remembered")

    def __init__(self, invite: Request, remembered: bool) -> None:
        self.invite = invite
        self.remembered = remembered


class Circles:
    """Finds calls that two hosts send each other under a new Call-ID each time, the numbers being the same.

    The innermost fails first. So turns are remembered as they fail, and told of when a call is over, which is later.
    """

    def __init__(self, noted: Noted) -> None:
        self.turns: Table[list[Turn]] = Table(MAX_PAIRS, noted.memory, _TURNS)  # by both hosts and both numbers
        self.latest: Table[Latest] = Table(
            MAX_PAIRS, noted.memory, _LATEST
        )  # the INVITE refused last, by sender and receiver
        self._noted = noted

    def refused(self, leg: Leg) -> None:
        """Take a hop that ended with a final response of 400 or more.

        Numbers are only read where the two hosts refuse each other at the same time: reading them costs most.
        """
        if leg.followed:
            return
        here, there = leg.path.source_address, leg.path.destination_address
        back = self.latest.get((there, here))
        mutual = back is not None and abs(back.invite.time - leg.started) <= TURN_WITHIN
        if back is not None and mutual:
            if not back.remembered:
                back.remembered = True
                self._remember(back.invite)
            self._remember(leg.invite)
        if mutual or leg.invite.size <= _MAX_KEPT_SIZE:
            self.latest.put((here, there), Latest(leg.invite, mutual), of_message(leg.invite))

    def _remember(self, invite: Request) -> None:
        key = _pair(invite)
        turns = self.turns.touch(key)
        if turns is None:
            turns = []
            self.turns.put(key, turns)
        elif len(turns) >= MAX_TURNS:
            del turns[0]
        turns.append(Turn(invite.path.source_address, invite.time, invite.call_id, seen(invite)))
        self.turns.weigh(key, len(key[2]) + len(key[3]) + sum([turn.size for turn in turns]))

    def of(self, call: Call) -> Finding | None:
        """Return what a call that is over and failed was part of."""
        if not self.turns.entries:
            return None
        for leg in call.legs:
            turns = self.turns.get(_pair(leg.invite))
            row = _row(turns, call.call_id) if turns is not None else []
            if len(row) >= TURNS_FROM:
                return self._finding(leg, row)
        return None

    def _finding(self, leg: Leg, row: list[Turn]) -> Finding:
        caller, callee = _numbers(leg.invite)
        ends = sorted([self._noted.subject(leg.path.source_address), self._noted.subject(leg.path.destination_address)])
        facts: dict[str, Fact] = {
            "turns": len(row), "within_seconds": (row[-1].started - row[0].started) / SECOND,
            "caller": person(caller), "callee": person(callee), "here": ends[0], "there": ends[1],
        }  # fmt: skip
        evidence = [turn.evidence for turn in row[: MAX_EVIDENCE - 1]]
        return Finding(Kind.LOOP, "to_and_fro", ends[0], facts, evidence)


def _row(turns: list[Turn], call: bytes) -> list[Turn]:
    """Return the turns that went to and fro without a pause, and that a call is one of."""
    ordered = sorted(turns, key=lambda turn: turn.started)
    row: list[Turn] = []
    for turn in ordered:
        last = row[-1] if row else None
        if last is not None and not (
            turn.source != last.source and turn.call != last.call and turn.started - last.started <= TURN_WITHIN
        ):
            if any(one.call == call for one in row):
                break
            row = []
        row.append(turn)
    return row if any(one.call == call for one in row) else []


class Streak:
    """Refusals of one source, each of an INVITE that was sent after the refusal before; ``most`` within a second.

    ``held_by`` is the serial of its latest call, 0 before any: in the table of calls that one stands for what it takes.
    """

    __slots__ = ("_shown", "evidence", "first", "held_by", "last", "most", "refused_at", "sent", "times")

    def __init__(self, started: int) -> None:
        self.first = self.last = started
        self.refused_at = -1
        self.sent = self.most = self.held_by = 0
        self.times: deque[int] = deque(maxlen=_MAX_SENT)  # when the latest were sent, within a second
        self._shown = 0
        self.evidence: list[Evidence] = []

    def add(self, leg: Refusal) -> None:
        """Count one more."""
        started = leg.started
        self.last = started
        self.refused_at = leg.final_at
        self.sent += 1
        self.most = max(self.most, self._within_a_second(started))
        if len(self.evidence) < MAX_EVIDENCE:
            shown = seen(leg.invite)
            self.evidence.append(shown)
            self._shown += of_evidence(shown)

    def _within_a_second(self, started: int) -> int:
        times = self.times
        times.append(started)
        while started - times[0] >= FLOOD_WITHIN:
            times.popleft()
        return len(times)

    @property
    def texts(self) -> int:
        """Return what it takes besides itself (bytes)."""
        return self._shown + _TIME * len(self.times)

    def goes_on_with(self, leg: Refusal) -> bool:
        """Tell whether an INVITE came right after the last refusal, knowing of it."""
        return self.refused_at <= leg.started < self.refused_at + FLOOD_WITHIN


class Refusal(NamedTuple):
    """An INVITE that was refused: sent and refused when (ns), the serial of its call."""

    invite: Request
    started: int
    final_at: int
    call: int


class Floods:
    """Finds sources that ask again at once, several times a second, whatever they are told.

    Either the same call again and again, or anything, being kept out each time. A challenge that is answered is no
    refusal, and a caller who gets somebody to ring has not been kept out.
    """

    def __init__(self, noted: Noted) -> None:
        memory = noted.memory
        self.streaks: Table[Streak] = Table(MAX_PAIRS, memory, _STREAK)  # by both hosts, and by both numbers as well
        self.latest: Table[Refusal] = Table(MAX_PAIRS, memory, _LATEST)  # the last one, by both hosts
        self.of_call: Table[Streak] = Table(MAX_PAIRS, memory, _OF_CALL)  # by the serial of a call that belongs to one
        self._noted = noted

    def refused(self, leg: Leg) -> None:
        """Take a hop that ended with a final response of 400 or more."""
        if leg.final is None or leg.cancelled_at >= 0 or leg.heard > Heard.TRYING:
            return
        code = leg.status_code
        if code in CHALLENGES and leg.followed and not refused_credentials(leg):
            return
        ends = (leg.path.source_address, leg.path.destination_address)
        refusal = Refusal(leg.invite, leg.started, leg.final_at, leg.call.serial)
        if code in _ENTRY:
            self._add(ends, refusal)
        before = self.latest.get(ends)
        if leg.invite.size <= _MAX_KEPT_SIZE:
            self.latest.put(ends, refusal, of_message(leg.invite))
        if before is None or not before.final_at <= leg.started < before.final_at + FLOOD_WITHIN:
            return
        numbers = _numbers(leg.invite)
        if numbers[0].lower() in ANONYMOUS_USERS:
            return
        key = (*ends, *numbers)
        if self.streaks.get(key) is None and _numbers(before.invite) == numbers:
            self._add(key, before)
        self._add(key, refusal)

    def _add(self, key: tuple[bytes, ...], leg: Refusal) -> None:
        streak = self.streaks.touch(key)
        if streak is None or not streak.goes_on_with(leg):
            streak = Streak(leg.started)
            self.streaks.put(key, streak)
        streak.add(leg)
        self.streaks.weigh(key, streak.texts)
        before = self.of_call.get(leg.call)
        if before is None or before.sent <= streak.sent:
            self.of_call.put(leg.call, streak, streak.texts)
            if streak.held_by != leg.call:
                self.of_call.weigh(streak.held_by, 0)
                streak.held_by = leg.call

    def passed(self, leg: Leg) -> None:
        """Take a hop on which somebody was reached."""
        self.streaks.drop((leg.path.source_address, leg.path.destination_address))

    def of(self, call: Call) -> Finding | None:
        """Return what a call that is over was part of."""
        streak = self.of_call.get(call.serial)
        if streak is None:
            return None
        self.of_call.drop(call.serial)
        if streak.most < FLOOD_FROM:
            return None
        leg = call.front[0]
        facts: dict[str, Fact] = {
            "sent": streak.sent, "most": streak.most, "within_seconds": (streak.last - streak.first) / SECOND,
            "to": self._noted.subject(leg.path.destination_address), "since_at": streak.first,
        }  # fmt: skip
        about = self._noted.subject(leg.path.source_address)
        return Finding(Kind.INVITE_FLOOD, PLAIN, about, facts, list(streak.evidence))


def _numbers(invite: Request) -> Numbers:
    """Return the numbers of both parties as an INVITE has them."""
    caller = user_of(uri_of(header(invite.raw, b"from", b"f")))
    return caller[:_MAX_NUMBER_LENGTH], user_of(invite.request_uri)[:_MAX_NUMBER_LENGTH]


def _pair(invite: Request) -> tuple[bytes, bytes, bytes, bytes]:
    here, there = invite.path.source_address, invite.path.destination_address
    return (*((here, there) if here < there else (there, here)), *_numbers(invite))
