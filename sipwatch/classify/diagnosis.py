"""From verdict to cause: watches the tracker, and tells everybody who remembers something what happens.

Must not know: clocks, words, who reads it, or how any cause is found. It follows packets alone, so that live and
replayed traffic have the same findings (Law 2). A finding is made only where the capture shows it; what it cannot show
makes none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.classify.families.abuse import Circles, Floods
from sipwatch.classify.families.device import Device, Devices
from sipwatch.classify.families.overload import Overloads
from sipwatch.classify.families.oversize import Oversize
from sipwatch.classify.families.reach import Reach
from sipwatch.classify.families.registration import Refusals
from sipwatch.classify.families.table import EARLY, look_for, signs_of, strongest_first
from sipwatch.classify.families.transfer import Transfers
from sipwatch.classify.families.trunk import Trunks
from sipwatch.classify.findings import Finding, Kind
from sipwatch.classify.noted import Noted, Whole
from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.past import REFUSED, Bounded, counts
from sipwatch.classify.registered import Registrations
from sipwatch.classify.verdict import reached
from sipwatch.track.leg import Heard
from sipwatch.track.registrar import OptionsOutcome, RegistrationOutcome

if TYPE_CHECKING:
    from sipwatch.classify.peers import Directory
    from sipwatch.track.call import Call
    from sipwatch.track.conditions import Raised
    from sipwatch.track.leg import Leg
    from sipwatch.track.registrar import Options, Registration
    from sipwatch.wire.message import Path, Request, Response, Unreachable

# Names of the hot path: looked up once, not at every call.
_ANSWERED: Final = Outcome.ANSWERED.value
_BUSY: Final = Outcome.BUSY.value
_CONGESTED: Final = Outcome.CONGESTED.value
_NOTHING: Final = Heard.NOTHING
_TRYING: Final = Heard.TRYING
_OVERLOADED: Final = 503
# What a single hop may have shown, and what is only told where the call came to nothing, or to that.
_IF_FAILED: Final = frozenset({Kind.TRUNK_FULL, Kind.OVERLOAD, Kind.IDLE_BUSY})


class Diagnosis:
    """Finds probable causes. It is told of everything in the order in which it happens."""

    def __init__(self, directory: Directory) -> None:
        self.noted = Noted(directory)
        self.registrations = Registrations()
        self.trunks = Trunks(self.noted)
        self.reach = Reach(self.noted, self.registrations)
        self.silences = self.reach.silences  # must hear of every response, when everything due before has been told
        self.devices = Devices(self.noted, self.registrations)
        self.refusals = Refusals(self.noted, self.registrations, self.trunks)
        self.oversize = Oversize(self.noted)
        self.overloads = Overloads(self.noted)
        self.circles = Circles(self.noted)
        self.floods = Floods(self.noted)
        self.transfers = Transfers(self.noted)
        # Looked at for every call: in most captures there is nothing in them.
        self._silent_ends = self.silences.table.entries
        self._registered = self.registrations.sources.entries
        self._pauses = self.overloads.pauses.entries
        self._streaks = self.floods.streaks.entries
        self._large = self.oversize.tried.entries
        self._transfers = self.transfers.table.entries

    # Verdicts

    def leg(self, leg: Leg, outcome: str) -> None:
        """Take a hop whose verdict has fallen."""
        if leg.heard is _NOTHING and leg.final is None:
            self.oversize.silent(leg)
            self.reach.silent(leg)
        else:
            if self._silent_ends:
                self.silences.answered(leg.path.destination)
            if self._large and leg.invite_seen:
                self.oversize.answered(leg.invite)
        if (self.devices.configured or self._registered) and (outcome == _ANSWERED or outcome in REFUSED):
            self.devices.offered(leg, outcome)
        if leg.status_code >= 400:
            self._refused(leg, outcome)
        if self._streaks and (leg.answered_at >= 0 or leg.heard > _TRYING):
            self.floods.passed(leg)
        if self._pauses and leg.status_code not in (0, 401, 407, 487, _OVERLOADED):
            self.overloads.taken(leg)

    def _refused(self, leg: Leg, outcome: str) -> None:
        if leg.invite_seen:
            self.circles.refused(leg)
            self.floods.refused(leg)
            self.oversize.refused(leg)
            if leg.status_code == _OVERLOADED:
                self.overloads.refused(leg)
        if outcome == _CONGESTED:
            self.trunks.full(leg)

    def call(self, call: Call, outcome: str) -> None:
        """Take a call whose verdict has fallen: what depends on the moment is found now."""
        far = call.legs[0] if len(call.legs) == 1 else reached(call)
        if outcome == _ANSWERED:
            self.trunks.answered(call, far)
            if call.answered_at < 0:
                self.devices.left(call)
            return
        self.devices.left(call)
        if self._transfers:
            self.transfers.failed(call, outcome)
        if self.reach.refusals.entries:
            self.reach.failed(call, far)
        unregistered = self.refusals.explains(call)
        self.trunks.failed(call, far, outcome, unregistered=unregistered)

    def over(self, call: Call) -> list[Finding]:
        """Return every finding about a call that nothing more will happen to."""
        found: list[Finding] = call.notes or []
        if found and call.verdict != _BUSY:
            found = _without_what_is_of_no_matter(call, found)
        signs = signs_of(call)
        if signs:
            found = [*found, *look_for(call, signs, self.noted.directory)]
        if signs & EARLY:
            found = _with(found, self.trunks.early(call))
        if call.transferred:
            found = _with(found, self.transfers.of(call))
        if call.verdict != _ANSWERED:
            found = _with(found, self.circles.of(call))
            found = _with(found, self.floods.of(call))
        return strongest_first(found) if len(found) > 1 else found

    # What a watcher hears besides (track.watch.Watcher)

    def unreachable(self, error: Unreachable) -> None:
        """Take an error that says of a path that nothing gets through there."""
        self.reach.unreachable(error)

    def repeated(self, message: Request | Response) -> None:
        """Take a retransmission."""
        self.reach.repeated(message)

    def added(self, leg: Leg) -> None:
        """Take a hop that has just begun."""
        self.devices.added(leg)
        self.oversize.added(leg)

    def ended(self, call: Call) -> None:
        """Take an answered call whose last dialog has ended."""
        self.trunks.ended(call)
        self.devices.left(call)

    def concluded(self, call: Call) -> None:
        """How it ended is seen when it is over."""

    def registration(self, transaction: Registration) -> None:
        """Take the result of an attempt to register."""
        self.registrations.add(transaction)
        if transaction.outcome is RegistrationOutcome.NOT_RESPONDING:
            self.reach.unanswered(transaction.path, transaction.request)
        elif self._large:
            self.oversize.answered(transaction.request)
        self.refusals.registered(transaction)

    def options(self, transaction: Options) -> None:
        """Take the result of an OPTIONS."""
        if transaction.outcome is OptionsOutcome.NOT_RESPONDING:
            self.reach.unanswered(transaction.path, transaction.request)
        elif self._large and transaction.outcome is not OptionsOutcome.UNFINISHED:
            self.oversize.answered(transaction.request)

    def raised(self, leg: Leg, raised: Raised) -> None:
        """What a condition means is seen at the end."""

    def resolved(self, leg: Leg, raised: Raised) -> None:
        """As above."""

    def referred(self, call: Call, refer: Request) -> None:
        """Take a REFER inside a call."""
        self.transfers.referred(call, refer)

    def disconnected(self, call: Call, delay: int) -> None:
        """The BYE's response shows nothing more."""

    def asked(self, request: Request) -> None:
        """What comes of it is told later."""

    def bound(self, path: Path) -> None:
        """Results are enough."""

    def unbound(self, path: Path, expired: bool) -> None:
        """When a registration runs out follows from its result."""

    # The whole

    def use(self, directory: Directory) -> None:
        """Name peers by a new configuration from now on."""
        self.noted.directory = directory
        self.devices.use()
        self.trunks.use(directory)

    def whole(self) -> list[Whole]:
        """Return the findings that stand with no call, in the order of their first evidence."""
        return self.noted.whole()

    def worst_devices(self, most: int) -> list[Device]:
        """Return the devices that refused most in a row, the worst first."""
        return self.devices.worst(most)

    @property
    def tables(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return how many entries each table has, and how many each has given up."""
        named: dict[str, Bounded] = {
            "silent_ends": self.silences.table,
            "trunks": self.trunks.others,
            "devices": self.devices.table,
            "numbers": self.trunks.numbers.answered,
            "numbers_not_found": self.trunks.numbers.not_found,
            "sent_again": self.reach.again,
            "icmp_errors": self.reach.errors,
            "connections_refused": self.reach.refusals,
            "large_requests": self.oversize.tried,
            "pauses": self.overloads.pauses,
            "turns": self.circles.turns,
            "refusal_rows": self.floods.streaks,
            "refused_hops": self.floods.latest,
            "refused_invites": self.circles.latest,
            "transfers": self.transfers.table,
            "findings": self.noted.beside,
            **self.registrations.tables,
        }
        return counts(named)


def _with(found: list[Finding], finding: Finding | None) -> list[Finding]:
    return found if finding is None else [*found, finding]


def _without_what_is_of_no_matter(call: Call, found: list[Finding]) -> list[Finding]:
    """Leave out what one hop showed and the call did not come to."""
    answered = call.verdict == _ANSWERED
    return [
        finding
        for finding in found
        if not (finding.kind is Kind.IDLE_BUSY or (answered and finding.kind in _IF_FAILED))
    ]
