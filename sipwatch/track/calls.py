"""The table of calls: which call a message belongs to, what all of them take, and which goes when it is too much.

Must not know: methods, transactions, what becomes of a call.

Beside a public port most of what comes is not a call: scanners, floods. So what goes first is what looks most like
that: a call that nobody has answered anything to, of a stranger, from the source that holds most. Calls that are up go
last. But neither kind crowds the other out: calls that are not up keep a quarter of the room, as else a few false
answers would shut out every new call.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final

from sipwatch.budget import DEFAULT_BUDGET
from sipwatch.track.attempts import attempt_of
from sipwatch.track.events import MessageTaken
from sipwatch.track.lasting import cut_short
from sipwatch.track.table import Heard
from sipwatch.track.weight import ANSWER, CALL, LEG, MESSAGE, NUMBER, WEIGHED_FROM, Holder, weight_of
from sipwatch.wire.limits import MAX_TEXT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sipwatch.track.call import Call
    from sipwatch.track.events import Event
    from sipwatch.wire.message import Message

LOOKED_AT: Final = 8  # of the oldest calls of a kind, for the one whose source holds most
GREEDY: Final = 32  # a source that holds more than this part of the room gives way before all others


class TableLimits:
    """How much is remembered at the most; what is given up is counted by table."""

    __slots__ = ("calls", "calls_bytes", "early", "early_bytes", "legs", "siblings")

    def __init__(
        self,
        *,
        calls_bytes: int = DEFAULT_BUDGET.calls,
        calls: int = 1 << 30,
        legs: int = 256,
        early: int = 1024,
        siblings: int = 32,
    ) -> None:
        self.calls_bytes = calls_bytes
        self.calls = calls  # for tests; in life it is the bytes that count
        self.legs = legs  # of one call: the largest ring-all groups have some 100 members
        self.siblings = siblings  # calls with one Call-ID and different From tags
        self.early = early  # responses that wait for their request
        self.early_bytes = calls_bytes // 32


class Rank(IntEnum):
    """What goes before what; of each the strangers' first."""

    UNHEARD = 0  # nothing has come back
    PENDING = 2
    UP = 4


class Line:
    """Calls of one rank, chained by themselves: the oldest first, but for those that were passed over.

    A call begins in the lowest, and is put among those that are up with its answer. That anything else came back is
    only looked for when somebody has to go.
    """

    __slots__ = ("_count", "_first", "_last")

    def __init__(self) -> None:
        self._count = 0
        self._first: Call | None = None
        self._last: Call | None = None

    def __len__(self) -> int:
        return self._count

    def append(self, call: Call) -> None:
        """Put a call at the end."""
        self._count += 1
        call.before, call.behind = self._last, None
        if self._last is None:
            self._first = call
        else:
            self._last.behind = call
        self._last = call

    def remove(self, call: Call) -> None:
        """Take a call out, wherever it stands."""
        self._count -= 1
        if call.before is None:
            self._first = call.behind
        else:
            call.before.behind = call.behind
        if call.behind is None:
            self._last = call.before
        else:
            call.behind.before = call.before
        call.before = call.behind = None

    def first(self) -> list[Call]:
        """Return the first few calls."""
        found: list[Call] = []
        call = self._first
        while call is not None and len(found) < LOOKED_AT:
            found.append(call)
            call = call.behind
        return found

    def pass_over(self, until: Call) -> None:
        """Put those that stand before a call at the end: they were looked at, and their sources hold little."""
        while self._first is not None and self._first is not until:
            call = self._first
            self.remove(call)
            self.append(call)


class Numbering:
    """Numbering the messages that calls take in, and tells of each, for whoever keeps them elsewhere."""

    __slots__ = ("_events", "_last")

    def __init__(self, events: list[Event]) -> None:
        self._events = events
        self._last = 0

    def give(self, call: Call, message: Message, repeated: bool, placed: bool) -> bool:
        """Number a message of a call; tell whether there was room for it."""
        if not call.keep_number(self._last + 1, repeated, placed):
            return False
        self._last += 1
        self._events.append(MessageTaken(self._last, message))
        return True


class Calls:
    """Every call that is tracked. ``bytes`` is what they take.

    Calls with one Call-ID, of forks that met or of a Call-ID used again, are chained by ``sibling``, the latest first.
    ``is_known`` tells whether a packed address is a configured peer's.
    """

    __slots__ = ("_by_id", "_count", "_holders", "_keeps", "_limits", "_lines", "_numbers", "bytes", "is_known")

    def __init__(
        self,
        limits: TableLimits,
        is_known: Callable[[bytes], bool],
        *,
        keep_messages: bool = False,
        numbers: Numbering | None = None,
    ) -> None:
        self._keeps = keep_messages
        self._numbers = numbers
        self.bytes = 0
        self.is_known = is_known
        self._limits = limits
        self._by_id: dict[bytes, Call] = {}
        self._holders: dict[bytes, Holder] = {}
        self._count = 0
        self._lines = [Line() for _ in range(Rank.UP + 2)]  # by rank

    def __len__(self) -> int:
        return self._count

    def by_id(self) -> list[Call]:
        """Return the first call of each Call-ID; the others are its siblings."""
        return list(self._by_id.values())

    def __iter__(self) -> Iterator[Call]:
        for first in self._by_id.values():
            call: Call | None = first
            while call is not None:
                yield call
                call = call.sibling

    # Which message is whose

    def find(self, message: Message) -> Call | None:
        """Return the call whose caller's tag stands at either end of the message.

        Where one Call-ID and From tag were used for several attempts, a message inside a dialog belongs to the attempt
        that brought the dialog about.
        """
        call = self._by_id.get(message.call_id)
        if call is None:
            return None
        if call.sibling is None:
            tag = call.from_tag
            return call if tag == message.from_tag or tag == message.to_tag else None  # noqa: PLR1714 - quicker
        one: Call | None = call
        while one is not None:
            if one.from_tag in (message.from_tag, message.to_tag):
                return attempt_of(one, message)
            one = one.sibling
        return None

    def latest(self, call_id: bytes) -> Call | None:
        """Return the latest call with a Call-ID, whatever its tags."""
        return self._by_id.get(call_id)

    # What they take

    def add(self, call: Call, source: bytes) -> None:
        """Take a new call from a packed address."""
        holder = self._holders.get(source)
        if holder is None:
            holder = self._holders[source] = Holder(source)
        holder.calls += 1
        call.holder = holder
        call.rank = Rank.UNHEARD + self.is_known(source)
        self._lines[call.rank].append(call)
        self._count += 1
        call.sibling = self._by_id.get(call.call_id)
        self._by_id[call.call_id] = call
        self._grow(call, CALL)

    def took(self, call: Call, message: Message, repeated: bool, placed: bool = True) -> None:
        """Take note of what a call has taken in: ``repeated`` on the hop, ``placed`` where its transaction is known."""
        if self._keeps:
            call.keep(message, repeated, placed)
        if self._numbers is not None and self._numbers.give(call, message, repeated, placed):
            call.weight += NUMBER
            self.bytes += NUMBER
        if repeated:
            return
        size = len(message.raw)
        if size > MAX_TEXT and not self._keeps:
            cut_short(message)
            size = len(message.raw)
        # Too much at times, as not every message is held: what seems to be large is weighed.
        size += MESSAGE
        self.bytes += size
        call.weight = weight = call.weight + size
        if weight > call.weigh_at:
            self.weigh(call)

    def begun(self, call: Call) -> None:
        """Take note of a new leg; most are answered in the end."""
        self._grow(call, LEG + ANSWER)

    def weigh(self, call: Call) -> None:
        """Count anew what a call holds, unless it is over."""
        if call.over:
            return
        self._grow(call, weight_of(call) - call.weight)
        call.weigh_at = max(2 * call.weight, WEIGHED_FROM)

    def remove(self, call: Call) -> None:
        """Let go of a call that is over."""
        self._unchain(call)
        self._lines[call.rank].remove(call)
        self._count -= 1
        self.bytes -= call.weight
        call.weight = 0
        holder = call.holder
        holder.calls -= 1
        if not holder.calls:
            del self._holders[holder.address]

    # What goes

    def to_give_up(self, call_id: bytes) -> Call | None:
        """Return the call that must go before another with this Call-ID may come, None while there is room."""
        if self.bytes >= self._limits.calls_bytes or self._count >= self._limits.calls:
            return self.least()
        latest = self._by_id.get(call_id)
        return latest if latest is not None and _length(latest) >= self._limits.siblings else None

    def least(self) -> Call | None:
        """Return the call that is missed least, None if there is none."""
        room = self._limits.calls_bytes
        low, high = ((Rank.UNHEARD, Rank.PENDING), (Rank.UP,))
        waiting = self._count - sum([len(line) for line in self._lines[Rank.UP :]])
        crowded_out = self.bytes >= room and waiting < self._count // 4
        for ranks in (high, low) if crowded_out else (low, high):
            for known in (0, 1):
                found = self._least_of([self._lines[rank + known] for rank in ranks])
                if found is not None:
                    return found
        return None

    def _least_of(self, lines: list[Line]) -> Call | None:
        """Return a call of a source that holds a good part of the room; else the oldest of the longest line.

        The longest is where the attack is. Calls that nothing has come back to are that in a plain flood; beside one
        whose calls are all answered by 100 they are the honest ones, in their first moments.
        """
        looked_at = [self._first_of(line) for line in lines]
        greediest = max([call for first in looked_at for call in first], key=_held, default=None)
        if greediest is None:
            return None
        if _held(greediest) > self._limits.calls_bytes // GREEDY:
            for line, first in zip(lines, looked_at, strict=True):
                if greediest in first:
                    line.pass_over(greediest)
            return greediest
        longest = max(range(len(lines)), key=[len(line) for line in lines].__getitem__)
        return looked_at[longest][0]

    def _first_of(self, line: Line) -> list[Call]:
        """Return the first few calls of a line that belong there; what has come further is put where it belongs."""
        while True:
            first = line.first()
            moved = [call for call in first if call.rank != _rank_of(call) + call.rank % 2]
            if not moved:
                return first
            for call in moved:
                self.place(call)

    def place(self, call: Call) -> None:
        """Put a call where it belongs: at the end of the line of its rank."""
        self._lines[call.rank].remove(call)
        call.rank = _rank_of(call) + call.rank % 2
        self._lines[call.rank].append(call)

    def _grow(self, call: Call, size: int) -> None:
        call.weight += size
        self.bytes += size

    def _unchain(self, call: Call) -> None:
        first = self._by_id.get(call.call_id)
        if first is call:
            if call.sibling is None:
                del self._by_id[call.call_id]
            else:
                self._by_id[call.call_id] = call.sibling
            return
        while first is not None:
            if first.sibling is call:
                first.sibling = call.sibling
                return
            first = first.sibling


def _rank_of(call: Call) -> int:
    if call.answered_at >= 0:
        return Rank.UP
    for leg in call.legs:
        if leg.heard is not Heard.NOTHING or leg.final is not None:
            return Rank.PENDING
    return Rank.UNHEARD


def _held(call: Call) -> int:
    """Return what a call's source holds, as if its calls were all like this one."""
    return call.holder.calls * call.weight


def _length(call: Call) -> int:
    """Count a call and those behind it in the chain of its Call-ID."""
    count = 1
    behind = call.sibling
    while behind is not None:
        count += 1
        behind = behind.sibling
    return count
