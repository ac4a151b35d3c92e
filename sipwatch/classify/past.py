"""What a diagnosis remembers of earlier calls: silent addresses, registrations, trunks, numbers, devices.

Must not know: clocks, words. Every table is bounded: the entry that was touched longest ago goes, and is counted.
All of it follows the order of verdicts, which follows packets alone (Law 2).
"""

from __future__ import annotations

from collections import deque
from statistics import median
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from sipwatch.classify.findings import MOST_EVIDENCE, Evidence, said, seen
from sipwatch.classify.numbers import other_spelling
from sipwatch.classify.outcomes import CATEGORY_OF, Category, Outcome
from sipwatch.track.registrar import Registration, RegistrationOutcome
from sipwatch.track.table import SECOND

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from sipwatch.wire.message import Message

V = TypeVar("V")

MOST_ADDRESSES = 4096
MOST_HEARD = 65_536
MOST_REGISTRATIONS = 20_000
MOST_NUMBERS = 20_000
MOST_DEVICES = 10_000
MOST_TRUNKS = 1024

RECENT_CALLS = 10  # of a trunk, looked at for a jump
RUN_FROM = 8  # so many of them
RUN_SHARE = 0.8  # ... end in the same failure
PAST_CALLS = 10  # and before them there were so many calls at least
PAST_SHARE = 0.2  # ... of which no more did
RUN_NUMBERS = 5  # different numbers: one dead number dialled again and again says nothing of the trunk
_DELAYS = 50
_LAST_DIGITS = 7  # with which other spellings of a number end, too

# What a device does with a call that it was offered; anything else says nothing of it.
REFUSED = frozenset(
    {Outcome.BUSY, Outcome.DECLINED, Outcome.NO_ANSWER, Outcome.NOT_RESPONDING, Outcome.UNAVAILABLE}
)  # fmt: skip
_FINE = frozenset({Category.SUCCESS.value, Category.NORMAL.value, Category.UNKNOWN.value})
# What callers do, or single numbers bring about, is no fault of a trunk.
_NOT_THE_TRUNKS = frozenset(
    {Outcome.ANSWERED.value, Outcome.BUSY.value, Outcome.NO_ANSWER.value, Outcome.DECLINED.value,
     Outcome.ABANDONED.value, Outcome.ABANDONED_BRIEF.value, Outcome.BLOCKED.value}
)  # fmt: skip
_SAY_NOTHING = frozenset(
    outcome for outcome, category in CATEGORY_OF.items() if category in (Category.NORMAL.value, Category.UNKNOWN.value)
)


class Table(Generic[V]):
    """A dictionary that forgets what was touched longest ago when it is full. ``evicted`` counts."""

    def __init__(self, limit: int) -> None:
        self.evicted = 0
        self._limit = limit
        self._entries: dict[Hashable, V] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Hashable) -> V | None:
        """Return an entry, None where there is none. Looking is no touching."""
        return self._entries.get(key)

    def put(self, key: Hashable, entry: V) -> None:
        """Set an entry, the latest touched from now on."""
        entries = self._entries
        entries.pop(key, None)
        if len(entries) >= self._limit:
            del entries[next(iter(entries))]
            self.evicted += 1
        entries[key] = entry

    def drop(self, key: Hashable) -> None:
        """Forget an entry, if there is one."""
        self._entries.pop(key, None)

    def values(self) -> Iterator[V]:
        """Give every entry."""
        yield from self._entries.values()


class Silence:
    """Requests to one address in a row to which nothing came back. ``since`` is when the first was sent (ns)."""

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
    """By address."""

    def __init__(self) -> None:
        self.table: Table[Silence] = Table(MOST_ADDRESSES)
        self._heard: dict[bytes, int] = {}

    def heard(self, address: bytes, at: int) -> None:
        """Take an address from which something came back."""
        if len(self.table):
            self.table.drop(address)
        if len(self._heard) >= MOST_HEARD:
            self._heard.clear()  # who is really silent will be so twice again
        self._heard[address] = at

    def silent(self, address: bytes, sent: int, evidence: Evidence) -> Silence | None:
        """Take a request that nothing came back for; None if the address has answered a later one."""
        if self._heard.get(address, 0) > sent:
            return None
        silence = self.table.get(address)
        if silence is None:
            silence = Silence(sent)
            self.table.put(address, silence)
        silence.add(evidence)
        return silence


class Registered(NamedTuple):
    """How registering went last: when that was known (ns), and until when it holds (0: it does not)."""

    outcome: str
    status_code: int
    at: int
    until: int
    evidence: Evidence
    private_contact: str  # the address the device gave as its own, where that is a private one; "" else


class Registrations:
    """By the two ends, by address of record at a registrar, and by the device's address."""

    def __init__(self) -> None:
        self._by_ends: Table[Registered] = Table(MOST_REGISTRATIONS)
        self._by_user: Table[Registered] = Table(MOST_REGISTRATIONS)
        self._by_device: Table[Registered] = Table(MOST_REGISTRATIONS)

    @property
    def tables(self) -> list[Table[Registered]]:
        """Return the tables, for their counts."""
        return [self._by_ends, self._by_user, self._by_device]

    def add(self, result: Registration, at: int, evidence: Evidence, private_contact: str) -> None:
        """Take the result of an attempt to register, known at ``at``."""
        if result.outcome is RegistrationOutcome.UNFINISHED:
            return
        until = at + result.expires * SECOND if result.outcome is RegistrationOutcome.REGISTERED else 0
        entry = Registered(result.outcome.value, result.status_code, at, until, evidence, private_contact)
        path = result.path
        _later(self._by_ends, (path.source_address, path.destination_address), entry)
        _later(self._by_user, (path.destination_address, user_part(result.aor)), entry)
        _later(self._by_device, path.source_address, entry)

    def between(self, source: bytes, destination: bytes) -> Registered | None:
        """Return how ``source`` fared last when it registered at ``destination``."""
        return self._by_ends.get((source, destination))

    def of_user(self, registrar: bytes, user: bytes) -> Registered | None:
        """Return how a user fared last when he registered there."""
        return self._by_user.get((registrar, user)) if user else None

    def of_device(self, address: bytes) -> Registered | None:
        """Return how the device at an address fared last."""
        return self._by_device.get(address)


def _later(table: Table[Registered], key: Hashable, entry: Registered) -> None:
    """Put an entry, unless there is a later one: a challenge that nobody answers is concluded only after 32 s."""
    before = table.get(key)
    if before is None or before.at <= entry.at:
        table.put(key, entry)


def user_part(uri: bytes) -> bytes:
    """Return the user part of a URI without its parameters."""
    return uri.partition(b":")[2].rpartition(b"@")[0].partition(b";")[0]


class Jump(NamedTuple):
    """A failure that has taken over a trunk: shares (0 to 1) now and before, since when (ns), how many calls."""

    share: float
    before: float
    since: int
    calls: int
    evidence: list[Evidence]


class Trunk:
    """What is known of the calls with one peer, or one address that belongs to none."""

    __slots__ = ("_calls", "_now", "_past", "_recent", "_run", "_run_before", "_run_since", "early", "most_up", "up")

    def __init__(self) -> None:
        self.up = self.most_up = 0
        self.early: deque[int] = deque(maxlen=_DELAYS)
        self._recent: deque[tuple[str, bytes, Message]] = deque()
        self._past: dict[str, int] = {}
        self._calls = 0  # in _past
        self._now: dict[str, int] = {}
        self._run = ""
        self._run_since = 0
        self._run_before = 0.0

    def answered(self) -> None:
        """Count a call that is up."""
        self.up += 1
        self.most_up = max(self.most_up, self.up)

    def ended(self) -> None:
        """Count a call that is over."""
        self.up = max(0, self.up - 1)

    def typical_early(self) -> int:
        """Return by how much 183 comes before 180 here, typically (ns)."""
        return round(median(self.early)) if self.early else 0

    def verdict(self, outcome: str, number: bytes, message: Message) -> Jump | None:
        """Take the outcome of a call, and what it ended with; tell whether it belongs to a failure that has jumped."""
        if outcome in _SAY_NOTHING:
            return None
        recent = self._recent
        recent.append((outcome, number, message))
        self._now[outcome] = self._now.get(outcome, 0) + 1
        if len(recent) > RECENT_CALLS:
            old = recent.popleft()[0]
            self._now[old] -= 1
            if old != self._run:  # a run that goes on is no past of itself
                self._past[old] = self._past.get(old, 0) + 1
                self._calls += 1
        if self._run and self._now.get(self._run, 0) < RUN_SHARE * len(recent):
            self._run = ""
        if outcome in _NOT_THE_TRUNKS:
            return None
        return self._jump(outcome)

    def _jump(self, outcome: str) -> Jump | None:
        recent = self._recent
        count = self._now[outcome]
        if count < RUN_FROM or count < RUN_SHARE * len(recent):
            return None
        run = [(number, message) for given, number, message in recent if given == outcome]
        if len({number for number, _ in run}) < RUN_NUMBERS:
            return None
        if self._run != outcome:
            if self._calls < PAST_CALLS:
                return None
            before = self._past.get(outcome, 0) / self._calls
            if before > PAST_SHARE:
                return None
            self._run, self._run_since, self._run_before = outcome, run[0][1].time, before
        evidence = [seen(message) for _, message in run[-MOST_EVIDENCE:]]
        return Jump(count / len(recent), self._run_before, self._run_since, count, evidence)


class Dialled(NamedTuple):
    """A number that was dialled, as on the wire, and the final response it got; ``call`` makes the call's id."""

    number: bytes
    call: tuple[bytes, bytes, int]
    final: Message


class Numbers:
    """Numbers that were answered, and numbers that were not found, by trunk; dialled as in ``region``."""

    def __init__(self, region: str | None) -> None:
        self.region = region
        self.answered: Table[Dialled] = Table(MOST_NUMBERS)
        self.not_found: Table[Dialled] = Table(MOST_NUMBERS)

    @staticmethod
    def key(trunk: Hashable, number: bytes) -> tuple[Hashable, bytes]:
        """Return what spellings of one number on one trunk share: their last digits."""
        return trunk, number[-_LAST_DIGITS:]

    def spelt_otherwise(self, table: Table[Dialled], trunk: Hashable, number: bytes) -> tuple[Dialled, str] | None:
        """Return another spelling of this number in a table, and a word for the difference."""
        found = table.get(self.key(trunk, number))
        if found is None or found.number == number:
            return None
        difference = other_spelling(said(number), said(found.number), self.region)
        return None if difference is None else (found, difference)


class Device:
    """How one device took the calls that it was offered."""

    __slots__ = ("address", "answered", "evidence", "longest", "name", "offered", "refused", "since", "streak")

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.address = address
        self.offered = self.answered = 0
        self.refused: dict[str, int] = {}
        self.streak = self.longest = 0
        self.since = 0
        self.evidence: list[Evidence] = []

    def took(self) -> None:
        """Count a call that was answered."""
        self.offered += 1
        self.answered += 1
        self.streak = 0
        self.evidence.clear()

    def refuses(self, outcome: str, started: int, evidence: Evidence) -> None:
        """Count a call that was not."""
        self.offered += 1
        self.refused[outcome] = self.refused.get(outcome, 0) + 1
        if not self.streak:
            self.since = started
        self.streak += 1
        self.longest = max(self.longest, self.streak)
        if len(self.evidence) >= MOST_EVIDENCE:
            del self.evidence[1]
        self.evidence.append(evidence)

    @property
    def worst(self) -> tuple[int, float, int]:
        """Return what devices are compared by: the longest streak, the share refused, how many calls that is."""
        refused = self.offered - self.answered
        return self.longest, refused / self.offered if self.offered else 0.0, refused


def counts_as_failure(outcome: str) -> bool:
    """Tell whether an outcome is neither success nor meant so."""
    return CATEGORY_OF[outcome] not in _FINE


def counts(tables: dict[str, Table[Any]]) -> tuple[dict[str, int], dict[str, int]]:
    """Return how many entries each table has, and how many each has given up."""
    return (
        {name: len(table) for name, table in tables.items()},
        {name: table.evicted for name, table in tables.items() if table.evicted},
    )
