"""What a diagnosis remembers of earlier calls: silent ends, trunks, numbers, devices.

Must not know: clocks, words. Every table is bounded: the entry that was touched longest ago goes, and is counted.
All of it follows the order of verdicts, which follows packets alone (Law 2).
"""

from __future__ import annotations

from collections import deque
from statistics import median
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from sipwatch.classify.findings import MOST_EVIDENCE, Evidence, said, seen
from sipwatch.classify.numbers import LONGEST, SHORTEST, index_key, other_spelling
from sipwatch.classify.outcomes import CATEGORY_OF, Category, Outcome

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from sipwatch.wire.message import Message, Path, Response

V = TypeVar("V")

MOST_ADDRESSES = 4096
MOST_HEARD = 65_536
MOST_NUMBERS = 20_000
MOST_DEVICES = 10_000
MOST_TRUNKS = 1024
MOST_IDS = 5  # calls named for one finding of the whole

RECENT_CALLS = 10  # of a trunk, looked at for a jump
RUN_FROM = 8  # so many of them
RUN_SHARE = 0.8  # ... end in the same failure
PAST_CALLS = 10  # and before them there were so many calls at least
PAST_SHARE = 0.2  # ... of which no more did
RUN_NUMBERS = 5  # different numbers: one dead number dialled again and again says nothing of the trunk
_MOST_PAST = 1000  # calls; then what is older counts half, so that a trunk's past is not its whole life
_DELAYS = 50
_SPELLINGS = 4  # of one number on one trunk

# What a device does with a call that it was offered; anything else says nothing of it.
REFUSED = frozenset(
    {Outcome.BUSY, Outcome.DECLINED, Outcome.NO_ANSWER, Outcome.NOT_RESPONDING, Outcome.UNAVAILABLE}
)  # fmt: skip
# What callers do, or single numbers bring about, is no fault of a trunk; that it is full has a finding of its own.
_NOT_THE_TRUNKS = frozenset(
    {Outcome.ANSWERED.value, Outcome.BUSY.value, Outcome.NO_ANSWER.value, Outcome.DECLINED.value,
     Outcome.ABANDONED.value, Outcome.ABANDONED_BRIEF.value, Outcome.BLOCKED.value, Outcome.CONGESTED.value}
)  # fmt: skip
_SAY_NOTHING = frozenset(
    outcome for outcome, category in CATEGORY_OF.items() if category in (Category.NORMAL.value, Category.UNKNOWN.value)
)

CallId = tuple[bytes, bytes, int]
# A final response, to be told of perhaps: time, packet number, status code, reason phrase. Not the message: of those
# that are remembered most are never told of, and strangers make messages as large as they like.
Glimpse = tuple[int, int, int, bytes]
_LONGEST_PHRASE = 256


class Bounded(Protocol):
    """A table as its counts show it."""

    evicted: int

    def __len__(self) -> int:
        """Return how many entries there are."""


class Table(Generic[V]):
    """A dictionary that forgets what was touched longest ago when it is full. ``evicted`` counts.

    ``entries`` are for whoever only looks. As long as it is not half full nobody will have to go soon, and touching
    moves nothing: that is most of what it costs.
    """

    def __init__(self, limit: int) -> None:
        self.evicted = 0
        self._limit = limit
        self._half = limit // 2
        self.entries: dict[Hashable, V] = {}

    def __len__(self) -> int:
        return len(self.entries)

    def get(self, key: Hashable) -> V | None:
        """Return an entry, None where there is none. Looking is no touching."""
        return self.entries.get(key)

    def touch(self, key: Hashable) -> V | None:
        """Return an entry, the latest touched from now on; None where there is none."""
        entries = self.entries
        entry = entries.get(key)
        if entry is not None and len(entries) > self._half:
            del entries[key]
            entries[key] = entry
        return entry

    def put(self, key: Hashable, entry: V) -> None:
        """Set an entry, the latest touched from now on."""
        entries = self.entries
        entries.pop(key, None)
        if len(entries) >= self._limit:
            del entries[next(iter(entries))]
            self.evicted += 1
        entries[key] = entry

    def drop(self, key: Hashable) -> None:
        """Forget an entry, if there is one."""
        self.entries.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self.evicted += len(self.entries)
        self.entries.clear()

    def values(self) -> Iterator[V]:
        """Give every entry."""
        yield from self.entries.values()


class Heard:
    """When an end was heard last (ns)."""

    __slots__ = ("at",)

    def __init__(self, at: int) -> None:
        self.at = at


class Silence:
    """Requests to one end in a row to which nothing came back. ``since`` is when the first was sent (ns)."""

    __slots__ = ("evidence", "requests", "since")

    def __init__(self, since: int) -> None:
        self.since = since
        self.requests = 0
        self.evidence: list[Evidence] = []

    def add(self, evidence: Evidence) -> None:
        """Count one more; of the evidence the first and the latest stay."""
        self.requests += 1
        if len(self.evidence) >= MOST_EVIDENCE:
            del self.evidence[1]
        self.evidence.append(evidence)


class Silences:
    """Who does not answer, by end (``ip:port``); and, so that nobody is called silent who is not, who answered when."""

    def __init__(self) -> None:
        self.table: Table[Silence] = Table(MOST_ADDRESSES)
        self._heard: dict[Path, Heard] = {}
        self._by_end: dict[str, Heard] = {}
        self._told: set[bytes] = set()

    def heard(self, path: Path, at: int) -> None:
        """Take a response. Every one comes by here: so one look-up, whatever is remembered."""
        known = self._heard.get(path)
        if known is None:
            known = self._remember(path, at)
        known.at = at

    def _remember(self, path: Path, at: int) -> Heard:
        if len(self._heard) >= MOST_HEARD:
            self._heard.clear()
            self._by_end.clear()
            self._told.clear()
            self.table.clear()  # who answered meanwhile is forgotten: who is really silent will be so twice again
        known = self._by_end.get(path.source)
        if known is None:
            known = self._by_end[path.source] = Heard(at)
        self._heard[path] = known
        self._told.add(path.destination_address)
        return known

    def answered(self, end: str) -> None:
        """Take an end that was answered for, perhaps from another of its addresses."""
        self.table.drop(end)

    def captured(self, address: bytes) -> bool:
        """Tell whether responses to an address were seen: else the capture may hold one direction only."""
        return address in self._told

    def silent(self, end: str, sent: int, evidence: Evidence) -> Silence | None:
        """Take a request that nothing came back for; None if the end has answered a later one."""
        heard = self._by_end.get(end)
        if heard is not None and heard.at > sent:
            self.table.drop(end)
            return None
        silence = self.table.touch(end)
        if silence is None or (heard is not None and heard.at > silence.since):
            silence = Silence(sent)
            self.table.put(end, silence)
        silence.add(evidence)
        return silence


class Jump(NamedTuple):
    """A failure that has taken over a trunk: shares (0 to 1) now and before, since when (ns), how many calls."""

    share: float
    before: float
    since: int
    calls: int
    evidence: list[Evidence]


class Failure(NamedTuple):
    """A call that failed by the trunk's fault: which of the trunk's calls it was, counted from 1, and how it ended."""

    place: int
    outcome: str
    number: bytes
    evidence: Evidence


class Trunk:
    """What is known of the calls with one peer, or one address that belongs to none.

    Calls that did not fail by its fault are only counted, as they end: what that makes of the failures before them,
    which of those are recent and which are past, is seen when the next one comes.
    """

    __slots__ = (
        "_calls", "_known", "_past", "_recent", "_run", "_run_before", "_run_since", "early", "ended_calls",
        "most_up", "up",
    )  # fmt: skip

    def __init__(self) -> None:
        self.up = self.most_up = 0
        self.early: deque[int] = deque(maxlen=_DELAYS)
        self.ended_calls = 0  # those that say anything
        self._recent: deque[Failure] = deque()  # of the latest RECENT_CALLS
        self._past: dict[str, int] = {}  # failures before those
        self._calls = 0  # calls before those, failed or not, but for a run that goes on
        self._known = 0  # of ended_calls, those that _calls takes account of
        self._run = ""
        self._run_since = 0
        self._run_before = 0.0

    def answered(self) -> None:
        """Count a call that is up."""
        up = self.up + 1
        self.up = up
        if up > self.most_up:  # noqa: PLR1730 - quicker than max()
            self.most_up = up

    def ended(self) -> None:
        """Count a call that is over."""
        if self.up:
            self.up -= 1

    def typical_early(self) -> int:
        """Return by how much 183 comes before 180 here, typically (ns)."""
        return round(median(self.early)) if self.early else 0

    def verdict(self, outcome: str, number: bytes, message: Message) -> Jump | None:
        """Take the outcome of a call, and what it ended with; tell whether it belongs to a failure that has jumped."""
        if outcome in _SAY_NOTHING:
            return None
        self.ended_calls += 1
        if outcome in _NOT_THE_TRUNKS:
            return None
        self._pass(self.ended_calls - 1)
        self._recent.append(Failure(self.ended_calls, outcome, number[:LONGEST], seen(message)))
        self._pass(self.ended_calls)
        return self._jump(outcome)

    def _pass(self, place: int) -> None:
        """Make past of what is no longer recent after so many calls; a run that goes on is no past of itself."""
        recent = self._recent
        gone = max(0, place - RECENT_CALLS)
        self._add_past(gone - self._known)
        self._known = gone
        while recent and recent[0].place <= gone:
            old = recent.popleft().outcome
            if old == self._run:
                self._calls -= 1
                self._end_run(RECENT_CALLS)
            else:
                self._past[old] = self._past.get(old, 0) + 1
        self._end_run(min(place, RECENT_CALLS))

    def _add_past(self, calls: int) -> None:
        """Count past calls; what is older than ``_MOST_PAST`` of them counts half, again and again."""
        while calls:
            step = min(calls, _MOST_PAST - self._calls)
            self._calls += step
            calls -= step
            if self._calls < _MOST_PAST:
                return
            self._past = {outcome: count // 2 for outcome, count in self._past.items() if count > 1}
            self._calls //= 2
            if not self._past:
                calls %= _MOST_PAST - self._calls  # the rest would only go round

    def _end_run(self, calls: int) -> None:
        if self._run and self._count(self._run) < RUN_SHARE * calls:
            self._run = ""

    def _count(self, outcome: str) -> int:
        return sum([failure.outcome == outcome for failure in self._recent])

    def _jump(self, outcome: str) -> Jump | None:
        calls = min(self.ended_calls, RECENT_CALLS)
        run = [failure for failure in self._recent if failure.outcome == outcome]
        if len(run) < RUN_FROM or len(run) < RUN_SHARE * calls:
            return None
        if len({failure.number for failure in run}) < RUN_NUMBERS:
            return None
        if self._run != outcome:
            if self._calls < PAST_CALLS:
                return None
            before = self._past.get(outcome, 0) / self._calls
            if before > PAST_SHARE:
                return None
            self._run, self._run_since, self._run_before = outcome, run[0].evidence.time, before
        evidence = [failure.evidence for failure in run[-MOST_EVIDENCE:]]
        return Jump(len(run) / calls, self._run_before, self._run_since, len(run), evidence)


class NotFound:
    """A number that was not found, as dialled: the final response that said so last, and the calls (the first ones)."""

    __slots__ = ("calls", "final", "ids")

    def __init__(self) -> None:
        self.calls = 0
        self.ids: list[CallId] = []
        self.final: Glimpse = (0, 0, 0, b"")

    def add(self, call: CallId, final: Glimpse) -> None:
        """Count one more call."""
        self.calls += 1
        self.final = final
        if len(self.ids) < MOST_IDS:
            self.ids.append(call)


class Cure(NamedTuple):
    """Two spellings of a number on a trunk: one that failed, one that was answered; and a word for the difference."""

    failed: bytes
    worked: bytes
    difference: str
    evidence: list[Evidence]
    calls: int
    ids: list[CallId]


class Numbers:
    """Numbers that were answered, and numbers that were not found, by trunk; dialled as in ``region``.

    Remembered by what all spellings of one number on one trunk share. A spelling that was answered there itself is
    not cured by another one: something else was wrong with it.
    """

    def __init__(self, region: str | None) -> None:
        self.region = region
        self.answered: Table[dict[bytes, Glimpse]] = Table(MOST_NUMBERS)
        self.not_found: Table[dict[bytes, NotFound]] = Table(MOST_NUMBERS)

    def answers(self, trunk: Trunk, number: bytes, final: Response) -> list[Cure]:
        """Take a number that was answered; return what that says of its other spellings, which failed before."""
        digits = number[-SHORTEST:] if number.isdigit() and SHORTEST <= len(number) <= LONGEST else _shared(number)
        if not digits:
            return []
        key = (trunk, digits)
        spellings = self.answered.touch(key)
        if spellings is None:
            spellings = {}
            self.answered.put(key, spellings)
        elif number not in spellings and len(spellings) >= _SPELLINGS:
            del spellings[next(iter(spellings))]
        spellings[number] = glimpse(final)
        failed = self.not_found.get(key) if self.not_found.entries else None
        if failed is None:
            return []
        failed.pop(number, None)
        cures = [cure for cure in [self._cure(was, failed[was], number, spellings) for was in failed] if cure]
        for cure in cures:
            del failed[cure.failed]
        return cures

    def fails(self, trunk: Trunk, number: bytes, final: Response, call: CallId) -> Cure | None:
        """Take a number that was not found; return the other spelling that was answered before, if there is one."""
        digits = _shared(number)
        spellings = self.answered.get((trunk, digits)) if digits else None
        if not digits or (spellings is not None and number in spellings):
            return None
        this = NotFound()
        this.add(call, glimpse(final))
        for worked in reversed(spellings or {}):
            cure = self._cure(number, this, worked, spellings or {})
            if cure is not None:
                return cure
        failed = self.not_found.touch((trunk, digits))
        if failed is None:
            failed = {}
            self.not_found.put((trunk, digits), failed)
        elif number not in failed and len(failed) >= _SPELLINGS:
            del failed[next(iter(failed))]
        failed.setdefault(number, NotFound()).add(call, this.final)
        return None

    def _cure(self, was: bytes, failed: NotFound, worked: bytes, spellings: dict[bytes, Glimpse]) -> Cure | None:
        if was in spellings:
            return None
        difference = other_spelling(said(was), said(worked), self.region)
        if difference is None:
            return None
        evidence = sorted([recalled(failed.final), recalled(spellings[worked])])
        return Cure(was, worked, difference, evidence, failed.calls, failed.ids)


def _shared(number: bytes) -> bytes:
    """Return what all spellings of a number share, "" for what has no other: extensions, names, what is too long."""
    if not SHORTEST <= len(number) <= LONGEST:
        return b""
    key = index_key(said(number))
    return key.encode() if key.isdigit() else b""


def glimpse(final: Response) -> Glimpse:
    """Return what is remembered of a final response."""
    return final.time, final.number, final.status_code, final.reason_phrase[:_LONGEST_PHRASE]


def recalled(final: Glimpse) -> Evidence:
    """Return a final response that was remembered as evidence."""
    time, number, status_code, phrase = final
    return Evidence(time, number, f"{status_code} {said(phrase)}".rstrip())


class Device:
    """How one device took the calls that it was offered; ``mostly`` and ``since`` are of its present streak."""

    __slots__ = (
        "_streak_of", "address", "answered", "evidence", "longest", "name", "offered", "refused", "since", "streak",
    )  # fmt: skip

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.address = address
        self.offered = self.answered = 0
        self.refused: dict[str, int] = {}
        self.streak = self.longest = 0
        self.since = 0
        self.evidence: list[Evidence] = []
        self._streak_of: dict[str, int] = {}

    def took(self) -> None:
        """Count a call that was answered."""
        self.offered += 1
        self.answered += 1
        self.streak = 0
        self.evidence.clear()
        self._streak_of.clear()

    def refuses(self, outcome: str, started: int, evidence: Evidence) -> None:
        """Count a call that was not."""
        self.offered += 1
        self.refused[outcome] = self.refused.get(outcome, 0) + 1
        self._streak_of[outcome] = self._streak_of.get(outcome, 0) + 1
        if not self.streak:
            self.since = started
        self.streak += 1
        self.longest = max(self.longest, self.streak)
        if len(self.evidence) >= MOST_EVIDENCE:
            del self.evidence[1]
        self.evidence.append(evidence)

    @property
    def mostly(self) -> str:
        """Return how it refused most of the calls of its present streak, the first one if several equal each other."""
        return max(self._streak_of, key=lambda how: self._streak_of[how], default="")

    @property
    def worst(self) -> tuple[int, float, int]:
        """Return what devices are compared by: the longest streak, the share refused, how many calls that is."""
        refused = self.offered - self.answered
        return self.longest, refused / self.offered if self.offered else 0.0, refused


def counts(tables: dict[str, Bounded]) -> tuple[dict[str, int], dict[str, int]]:
    """Return how many entries each table has, and how many each has given up."""
    return (
        {name: len(table) for name, table in tables.items()},
        {name: table.evicted for name, table in tables.items() if table.evicted},
    )
