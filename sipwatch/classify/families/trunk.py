"""What the calls of one trunk, one after another, say of it: how full it is, and whether it has gone bad.

Must not know: clocks, words. Every table is bounded; all of it follows the order of verdicts.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.classify.causes import BY_CAUSE
from sipwatch.classify.families.setup import early_by, early_ringing
from sipwatch.classify.families.spelling import Numbers, number_format
from sipwatch.classify.findings import MAX_EVIDENCE, PLAIN, Evidence, Fact, Finding, Kind, Term, own, seen
from sipwatch.classify.hops import is_continued
from sipwatch.classify.numbers import MAX_NUMBER_LENGTH
from sipwatch.classify.outcomes import CATEGORY_OF, TRUNKS_FAULT, Category, Outcome
from sipwatch.classify.past import Table, call_id
from sipwatch.classify.peers import NOBODY, OWN_PEERS, Directory, Peer, PeerKind
from sipwatch.classify.remembered import DICT, SLOT, of_evidence
from sipwatch.classify.told import deciding_reason
from sipwatch.classify.verdict import reached
from sipwatch.track.dialog import EndedBy
from sipwatch.wire.sip import user_of

if TYPE_CHECKING:
    from sipwatch.classify.noted import Noted
    from sipwatch.track.call import Call
    from sipwatch.track.leg import Leg
    from sipwatch.wire.message import Message

MAX_TRUNKS: Final = 1024
RECENT_CALLS: Final = 10  # of a trunk, looked at for a jump
RUN_FROM: Final = 8  # so many of them
RUN_SHARE: Final = 0.8  # ... end in the same failure
PAST_CALLS: Final = 10  # and before them there were so many calls at least
PAST_SHARE: Final = 0.2  # ... of which no more did
RUN_NUMBERS: Final = 5  # different numbers: one dead number dialled again and again says nothing of the trunk
_MAX_PAST: Final = 1000  # calls; then what is older counts half, so that a trunk's past is not its whole life
_DELAYS: Final = 50
_EACH: Final = SLOT + DICT + 500
_FAILURE: Final = 170
_DELAY: Final = 48

_SAY_NOTHING: Final = frozenset(
    outcome for outcome, category in CATEGORY_OF.items() if category in (Category.NORMAL.value, Category.UNKNOWN.value)
)
_ANSWERED: Final = Outcome.ANSWERED.value
_CONGESTED: Final = Outcome.CONGESTED.value
_NOT_FOUND: Final = Outcome.NOT_FOUND.value
_DEVICES: Final = PeerKind.DEVICES
_TRUNK: Final = PeerKind.TRUNK
_UNSET: Final = -1


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
        "_calls", "_known", "_past", "_recent", "_run", "_run_before", "_run_since", "answered_at", "early",
        "ended_calls", "most_up", "name", "up",
    )  # fmt: skip

    def __init__(self, name: str | bytes = "") -> None:
        self.name = name  # of the peer, or the packed address where none is configured
        self.up = self.most_up = 0
        self.answered_at = _UNSET  # when it took a call last
        self.early: list[int] = []  # by how much 183 came before 180, the latest (ns)
        self.ended_calls = 0  # those that say anything
        self._recent: list[Failure] = []  # of the latest RECENT_CALLS
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

    @property
    def texts(self) -> int:
        """Return what its recent failures and delays take (bytes)."""
        failures = sum([_FAILURE + len(failure.number) + of_evidence(failure.evidence) for failure in self._recent])
        return failures + _DELAY * len(self.early)

    def rang_after(self, early: int) -> None:
        """Take by how much 183 came before 180 (ns)."""
        if len(self.early) >= _DELAYS:
            del self.early[0]
        self.early.append(early)

    def typical_early(self) -> int:
        """Return by how much 183 comes before 180 here, typically (ns)."""
        return round(median(self.early)) if self.early else 0

    def verdict(self, outcome: str, number: bytes, message: Message) -> Jump | None:
        """Take the outcome of a call, and what it ended with; tell whether it belongs to a failure that has jumped."""
        if outcome in _SAY_NOTHING:
            return None
        self.ended_calls += 1
        if outcome not in TRUNKS_FAULT:
            return None
        self._pass(self.ended_calls - 1)
        self._recent.append(Failure(self.ended_calls, outcome, number[:MAX_NUMBER_LENGTH], seen(message)))
        self._pass(self.ended_calls)
        return self._jump(outcome)

    def _pass(self, place: int) -> None:
        """Make past of what is no longer recent after so many calls; a run that goes on is no past of itself."""
        recent = self._recent
        gone = max(0, place - RECENT_CALLS)
        self._add_past(gone - self._known)
        self._known = gone
        while recent and recent[0].place <= gone:
            old = recent.pop(0).outcome
            if old == self._run:
                self._calls -= 1
                self._end_run(RECENT_CALLS)
            else:
                self._past[old] = self._past.get(old, 0) + 1
        self._end_run(min(place, RECENT_CALLS))

    def _add_past(self, calls: int) -> None:
        """Count past calls; what is older than ``_MAX_PAST`` of them counts half, again and again."""
        while calls:
            step = min(calls, _MAX_PAST - self._calls)
            self._calls += step
            calls -= step
            if self._calls < _MAX_PAST:
                return
            self._past = {outcome: count // 2 for outcome, count in self._past.items() if count > 1}
            self._calls //= 2
            if not self._past:
                calls %= _MAX_PAST - self._calls  # the rest would only go round

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
        evidence = [failure.evidence for failure in run[-MAX_EVIDENCE:]]
        return Jump(len(run) / calls, self._run_before, self._run_since, len(run), evidence)


# An answered call: the addresses at its two ends, near and far, and the trunks that it occupies there.
Up = tuple[bytes, bytes, Trunk, Trunk]


class Trunks:
    """The trunks there are, and the calls that are up on them."""

    def __init__(self, noted: Noted) -> None:
        self.others: Table[Trunk] = Table(
            MAX_TRUNKS, noted.memory, _EACH
        )  # by address, of those that are not configured
        self.numbers = Numbers(region_of(noted.directory), noted.memory)
        self.by_peer: dict[str, Trunk] = {}  # as many as are configured
        self.up: dict[int, Up] = {}  # by the serial of an answered call, which the tracker bounds
        self._noted = noted

    def at(self, address: bytes) -> Trunk:
        """Return what is known of the peer at a packed address."""
        return self.of(address, self._noted.directory.peer(address))

    def of(self, address: bytes, peer: Peer) -> Trunk:
        """Return what is known of a peer, or of the address where none is configured."""
        trunk = self.others.touch(address) if peer is NOBODY else self.by_peer.get(peer.name)
        if trunk is None:
            trunk = Trunk(address if peer is NOBODY else peer.name)
            if peer is NOBODY:
                self.others.put(address, trunk)
            else:
                self.by_peer[peer.name] = trunk
        return trunk

    # Verdicts

    def answered(self, call: Call, far: Leg) -> None:
        """Take an answered call, and the hop on which it reached somebody."""
        address = far.path.destination_address
        peer = self._noted.directory.peer(address)
        trunk = self.of(address, peer)
        trunk.ended_calls += 1  # as ``verdict`` would
        if call.answered_at >= 0:  # else a rule says so, and nothing is up
            source = call.front[0].path.source_address
            near = self.at(source)
            trunk.answered()
            trunk.answered_at = call.answered_at
            if near is not trunk:
                near.answered()
            self.up[call.serial] = (source, address, near, trunk)
        number = number_in(far.invite.request_uri)
        if number and far.final is not None and peer.kind not in OWN_PEERS:
            for respelling in self.numbers.answers(trunk, number, far.final):
                self._noted.of_none(
                    number_format(self._noted.subject(address), respelling), respelling.calls, respelling.ids
                )
        self._note_early(trunk, far)

    def failed(self, call: Call, far: Leg, outcome: str, *, unregistered: bool) -> None:
        """Take a call that failed; a lapsed registration explains a 404 by itself, whatever the number."""
        address = far.path.destination_address
        peer = self._noted.directory.peer(address)
        trunk = self.of(address, peer)
        number = number_in(far.invite.request_uri)
        if outcome == _NOT_FOUND and not unregistered and peer.kind not in OWN_PEERS:
            self._not_found(call, trunk, far, number)
        last = call.upstream or call.front[-1]
        jump = trunk.verdict(outcome, number, last.final or last.invite)
        if jump is not None and peer.kind is not _DEVICES:
            self._noted.of_call(call, _trunk_down(self._noted.subject(address), outcome, jump))
        self._note_early(trunk, far)
        if peer is NOBODY:
            self.others.weigh(address, trunk.texts)

    def _note_early(self, trunk: Trunk, far: Leg) -> None:
        if far.ringing_at > far.progressed_at:
            early = early_by(far)
            if early >= 0:
                trunk.rang_after(early)
                if self.others.get(trunk.name) is trunk:
                    self.others.weigh(trunk.name, trunk.texts)

    def ended(self, call: Call) -> None:
        """Take the end of an answered call. What the end of the capture cuts off was up when all else was decided."""
        if call.ended_by is EndedBy.CAPTURE_END:
            return
        up = self.up.pop(call.serial, None)
        if up is not None:
            _, _, near, far = up
            near.ended()
            if far is not near:
                far.ended()

    def _not_found(self, call: Call, trunk: Trunk, far: Leg, number: bytes) -> None:
        if not number or far.final is None or far.outcome not in ("", _NOT_FOUND):
            return
        respelling = self.numbers.fails(trunk, number, far.final, call_id(call))
        if respelling is not None:
            self._noted.of_call(call, number_format(self._noted.subject(far.path.destination_address), respelling))

    def full(self, leg: Leg) -> None:
        """Say how full it was, where a far end says that it is full, at the moment it says so.

        603 says so only from a trunk, or with a Reason or a rule: a call from outside that a person declines is
        congested by the letter of the rules, and nothing is full. A table that has forgotten trunks cannot say that
        none of its calls was up.
        """
        address = leg.path.destination_address
        peer = self._noted.directory.peer(address)
        if peer.kind is _DEVICES or leg.final is None or is_continued(leg):
            return
        if leg.status_code == 603 and peer.kind is not _TRUNK and not peer.rules:
            cause = deciding_reason(leg).cause
            if cause is None or BY_CAUSE.get(cause) is not Outcome.CONGESTED:
                return
        trunk = self.of(address, peer)
        if not trunk.up and peer is NOBODY and self.others.evicted:
            return
        facts: dict[str, Fact] = {"up": trunk.up, "most": trunk.most_up, "status_code": leg.status_code}
        variant = "up" if trunk.up else "empty"
        finding = Finding(Kind.TRUNK_FULL, variant, self._noted.subject(address), facts, [seen(leg.final)])
        self._noted.of_call(leg.call, finding)

    def early(self, call: Call) -> Finding | None:
        """Look for 183 long before 180."""
        far = reached(call)
        trunk = self.at(far.path.destination_address)
        return early_ringing(far, self._noted.directory, trunk.typical_early(), len(trunk.early))

    def use(self, directory: Directory) -> None:
        """Take a new configuration. The calls that are up count for the trunks of that one."""
        self.numbers.region = region_of(directory)
        names = {peer.name for peer in directory.settings.peers}
        self.by_peer = {name: trunk for name, trunk in self.by_peer.items() if name in names}
        for trunk in (*self.by_peer.values(), *self.others.values()):
            trunk.up = 0
        for serial, (source, destination, _, _) in list(self.up.items()):
            near, far = self.at(source), self.at(destination)
            near.answered()
            if far is not near:
                far.answered()
            self.up[serial] = (source, destination, near, far)


def region_of(directory: Directory) -> str | None:
    """Return where numbers are dialled, as far as it is known."""
    callback = directory.settings.callback
    return None if callback is None else callback.region


def number_in(uri: bytes) -> bytes:
    """Return the user part of a URI; most are plain numbers, for which this is the quick way."""
    at = uri.rfind(b"@")
    if at > 4 and uri[:4] == b"sip:" and uri[4:at].isdigit():
        return uri[4:at]
    return user_of(uri)


def _trunk_down(trunk: Term, outcome: str, jump: Jump) -> Finding:
    facts: dict[str, Fact] = {
        "outcome": own(outcome), "share": round(100 * jump.share), "before": round(100 * jump.before),
        "since_at": jump.since, "calls": jump.calls,
    }  # fmt: skip
    return Finding(Kind.TRUNK_DOWN, PLAIN, trunk, facts, jump.evidence)
