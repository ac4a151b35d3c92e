"""Marks calls for a contact centre, and holds those back whose callers may still be called back.

Must not know: records, metrics, clocks. What it is given for a call it gives back, once, with the call's marks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sipwatch.classify.callbacks import Callbacks, Missed
from sipwatch.classify.findings import said
from sipwatch.classify.identity import caller_number
from sipwatch.classify.outcomes import CATEGORY_OF, Category, Outcome
from sipwatch.classify.remembered import SLOT, Memory, of_id
from sipwatch.classify.tags import Tag, in_order, is_inbound, is_missed, is_outbound, tags_of, was_transferred
from sipwatch.classify.verdict import reached
from sipwatch.classify.wall import Wall
from sipwatch.track.table import FORK_SETTLES, RETRY_WINDOW, TIMER_C
from sipwatch.wire.sip import user_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sipwatch.classify.findings import Finding
    from sipwatch.classify.past import Bounded
    from sipwatch.classify.peers import Callback, Directory, Peer
    from sipwatch.track.call import Call
    from sipwatch.track.events import CallSettled

    Give = Callable[[Any, tuple[str, str], list[Tag]], None]

# A verdict may fall so long after what it is about.
_LATE: Final = RETRY_WINDOW + FORK_SETTLES
_ANSWERED: Final = Outcome.ANSWERED.value
_NOWHERE: Final = ("", "")
_WAITING: Final = SLOT + 250


class Waiting:
    """A missed call between its verdict and the word whether its caller was called back."""

    __slots__ = ("ends", "given", "key", "over", "served", "size", "tags")

    def __init__(self, key: tuple[bytes, bytes, int], ends: tuple[str, str]) -> None:
        self.key = key  # of which the call's id is made
        self.ends = ends
        self.served: bool | None = None
        self.over = False
        self.tags: list[Tag] = []
        self.given: Any = None
        self.size = 0  # bytes of what was given


class Desk:
    """Gives each call that is over to ``give``, with its marks, as soon as all of them are known.

    The ends, peers' names, come along where there are marks; else they are empty. ``unserved``, where somebody
    sets it to a list, collects those whose callers were not called back. ``weigh`` says what is given for a call
    takes, and ``bytes`` what all takes that waits.
    """

    def __init__(
        self,
        directory: Directory,
        give: Give,
        wall: Wall | None = None,
        memory: Memory | None = None,
        weigh: Callable[[Any], int] | None = None,
    ) -> None:
        self.directory = directory
        self.bytes = 0
        self._wall = wall or Wall()
        self._give = give
        self._weigh = weigh
        self._memory = memory or Memory()
        self._memory.share(self)
        self._waiting: dict[int, Waiting] = {}  # by the call's serial, from its verdict until it is over
        self.callbacks: Callbacks | None = None
        self.unserved: list[Missed] | None = None
        self._earlier: list[Callbacks] = []  # of settings that were replaced, while somebody waits by them
        self._asked: Callback | None = None
        self._begin()

    def _begin(self) -> None:
        asked = self._asked = self.directory.settings.callback
        before, self.callbacks = self.callbacks, None
        if asked is not None:
            self.callbacks = Callbacks(
                asked.within_ns, asked.region, self._released, late=_LATE, memory=self._memory, rings=TIMER_C
            )
            if before is not None:  # counts go on
                self.callbacks.evicted = before.evicted
                self.callbacks.answers.evicted = before.answers.evicted

    def use(self, directory: Directory) -> None:
        """Mark by new settings from now on; who waits already goes on waiting as he was told."""
        self.directory = directory
        if directory.settings.callback != self._asked:
            replaced = self._all()
            self._earlier = [one for one in replaced if len(one)]
            for one in replaced:
                if not len(one):
                    one.leave()
            self._begin()

    def _all(self) -> list[Callbacks]:
        return [*self._earlier, self.callbacks] if self.callbacks is not None else self._earlier

    def call_settled(self, event: CallSettled) -> None:
        """Take a call whose verdict has fallen: somebody to call back, or an attempt to do so."""
        if self.callbacks is None and not self._earlier:
            return
        call = event.call
        outcome = call.outcome
        source = self.directory.peer(call.front[0].path.source_address)
        destination = self.directory.peer(reached(call).path.destination_address)
        number = self._number_outside(call, source, destination)
        if number is None:
            return
        last = call.upstream or call.front[-1]
        over_at = _over_at(call)
        if outcome == _ANSWERED:
            for callbacks in self._all():
                callbacks.answered(number, last.answered_at if last.answered_at >= 0 else over_at)
            return
        missed_by = self.callbacks if is_missed(outcome, source, destination) else None
        if CATEGORY_OF[outcome] != Category.UNKNOWN.value:
            others = [one for one in self._all() if one is not missed_by]
            _in_vain(others, number, over_at, is_ours=is_outbound(source, destination))
        if missed_by is not None:
            self._missed(missed_by, call, number, (source.name, destination.name))

    def _number_outside(self, call: Call, source: Peer, destination: Peer) -> str | None:
        """Return the number of the end beyond the trunk, None for a call that has none there."""
        if is_outbound(source, destination):
            return said(user_of(call.front[0].invite.request_uri))
        if is_inbound(source, destination):
            return said(caller_number(call, self.directory))
        return None

    def _missed(self, callbacks: Callbacks, call: Call, number: str, ends: tuple[str, str]) -> None:
        waiting = Waiting((call.call_id, call.from_tag, call.started), ends)
        self._waiting[call.serial] = waiting
        dialled = said(user_of(call.front[0].invite.request_uri))
        size = _WAITING + of_id(waiting.key)
        if not callbacks.missed(number, dialled, _over_at(call), "", waiting, size, call.started):
            del self._waiting[call.serial]

    def over(self, call: Call, findings: list[Finding], given: Any) -> list[Tag] | None:
        """Take a call that nothing more will happen to; return its marks so far where one is still to come."""
        waiting = self._waiting.pop(call.serial, None) if self._waiting else None
        settings = self.directory.settings
        if waiting is None and call.outcome == _ANSWERED and not (findings or settings.hours or was_transferred(call)):
            self._give(given, _NOWHERE, [])
            return None
        source = self.directory.peer(call.front[0].path.source_address)
        destination = self.directory.peer(reached(call).path.destination_address)
        tags = tags_of(call, findings, source, destination, settings, self._wall.time(call.started))
        if waiting is None:
            self._give(given, (source.name, destination.name), tags)
            return None
        waiting.over, waiting.tags, waiting.given = True, tags, given
        if waiting.served is not None:
            self._complete(waiting)
            return None
        if self._weigh is not None:
            waiting.size = self._weigh(given)
            self._memory.grow(self, waiting.size)
        return in_order([*tags, Tag.WAITING_CALLBACK])

    def who_waits(self) -> list[Missed]:
        """Return the missed calls whose callers may still be called back, the oldest first."""
        waiting = [missed for callbacks in self._all() for missed in callbacks.waiting()]
        waiting.sort(key=_missed_at)
        return waiting

    def _released(self, missed: Missed, served: bool) -> None:
        waiting = missed.payload
        assert isinstance(waiting, Waiting)  # noqa: S101 - it was given with it
        waiting.served = served
        if not served and self.unserved is not None:
            self.unserved.append(missed)
        if waiting.over:
            self._complete(waiting)

    def forget_oldest(self) -> None:
        """Give up the call that has waited longest, as not called back."""
        for callbacks in self._all():
            if len(callbacks):
                callbacks.forget_oldest()
                return

    @property
    def tables(self) -> dict[str, Bounded]:
        """Return the tables by name, for their counts, if callers are called back at all."""
        if self.callbacks is None:
            return {}
        return {"callbacks": self.callbacks, "callbacks_answered": self.callbacks.answers}

    def _complete(self, waiting: Waiting) -> None:
        self._memory.grow(self, -waiting.size)
        tag = Tag.CALLED_BACK if waiting.served else Tag.WAITING_CALLBACK
        self._give(waiting.given, waiting.ends, in_order([*waiting.tags, tag]))

    def advance(self, now: int) -> None:
        """Let time pass: who has waited long enough is given up."""
        for callbacks in self._all():
            callbacks.advance(now)

    def finish(self, now: int) -> None:
        """Give up everybody who still waits: the capture is over."""
        for callbacks in self._all():
            callbacks.finish(now)


def _in_vain(desks: list[Callbacks], number: str, at: int, *, is_ours: bool) -> None:
    for callbacks in desks:
        if is_ours:
            callbacks.attempted(number, at)
        else:
            callbacks.redialled(number, at)


def _missed_at(missed: Missed) -> tuple[int, int]:
    return missed.at, missed.serial


def _over_at(call: Call) -> int:
    """Return when the attempt was over (ns): the leg that decides a hunt may have ended long before its last one."""
    return max([leg.over_at for leg in call.front])
