"""From verdict to cause: takes events, and hands them on to everybody who remembers something.

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
from sipwatch.classify.families.table import look_for, strongest_first
from sipwatch.classify.families.transfer import Transfers
from sipwatch.classify.families.trunk import Trunks
from sipwatch.classify.findings import Finding, Kind
from sipwatch.classify.links import Link, Links
from sipwatch.classify.noted import CaptureFinding, Noted
from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.registered import Registrations
from sipwatch.classify.remembered import Memory
from sipwatch.classify.signs import EARLY, signs_of
from sipwatch.classify.verdict import reached
from sipwatch.track.events import (
    Asked,
    CallEnded,
    CallSettled,
    LegBegun,
    LegSettled,
    Options,
    OptionsOutcome,
    Referred,
    Registration,
    RegistrationOutcome,
)
from sipwatch.track.table import CHALLENGES, Heard
from sipwatch.wire.message import Unreachable

if TYPE_CHECKING:
    from sipwatch.classify.past import Bounded
    from sipwatch.classify.peers import Directory
    from sipwatch.track.call import Call
    from sipwatch.track.events import Takes
    from sipwatch.track.leg import Leg
    from sipwatch.track.tracker import Tracker

# Names of the hot path: looked up once, not at every call.
_ANSWERED: Final = Outcome.ANSWERED.value
_BUSY: Final = Outcome.BUSY.value
_CONGESTED: Final = Outcome.CONGESTED.value
_NOTHING: Final = Heard.NOTHING
_TRYING: Final = Heard.TRYING
# By these a server did not take a call of its own accord: none, a challenge, a CANCEL, its overload.
_OVERLOADED: Final = 503
_NOT_TAKEN: Final = frozenset({0, 487, _OVERLOADED, *CHALLENGES})
# What a single hop may have shown, and what is only told where the call came to nothing, or to that.
_IF_FAILED: Final = frozenset({Kind.TRUNK_FULL, Kind.OVERLOAD, Kind.IDLE_BUSY})


class Diagnosis:
    """Finds probable causes. It takes events in the order in which things happen.

    ``memory`` is what its tables share with others that remember; ``tracker`` is asked what was heard, and for calls.
    """

    def __init__(self, directory: Directory, tracker: Tracker, memory: Memory | None = None) -> None:
        memory = memory or Memory()
        self.noted = Noted(directory, memory)
        self.registrations = Registrations(memory)
        self.trunks = Trunks(self.noted)
        self.reach = Reach(self.noted, self.registrations, tracker.traffic)
        self.silences = self.reach.silences
        self.devices = Devices(self.noted, self.registrations)
        self.refusals = Refusals(self.noted, self.registrations, self.trunks)
        self.oversize = Oversize(self.noted)
        self.overloads = Overloads(self.noted)
        self.circles = Circles(self.noted)
        self.floods = Floods(self.noted)
        self.transfers = Transfers(self.noted)
        self.links = Links(directory.settings, memory, self.transfers, tracker.latest)
        # Looked at for every call: in most captures there is nothing in them.
        self._silent_ends = self.silences.table.entries
        self._registered = self.registrations.sources.entries
        self._pauses = self.overloads.pauses.entries
        self._streaks = self.floods.streaks.entries
        self._large = self.oversize.tried.entries
        self._transfers = self.transfers.table.entries
        self._linked = self.links.by_call.entries

    # Verdicts

    def takes(self) -> Takes:
        """Say which events may show a cause."""
        return {
            LegBegun: self.leg_begun,
            LegSettled: self.leg_settled,
            CallSettled: self.call_settled,
            CallEnded: self.call_ended,
            Referred: self.referred,
            Asked: self.asked,
            Registration: self.registration,
            Options: self.options,
            Unreachable: self.reach.unreachable,
        }

    def leg_settled(self, event: LegSettled) -> None:
        """Take a hop whose verdict has fallen."""
        leg = event.leg
        outcome = leg.outcome
        if leg.heard is _NOTHING and leg.final is None:
            self.oversize.silent(leg)
            self.reach.silent(leg)
        else:
            if self._silent_ends:
                self.silences.answered(leg.path.destination)
            if self._large and leg.invite_seen:
                self.oversize.answered(leg.invite)
        if self.devices.configured or self._registered:
            self.devices.offered(leg, outcome)
        if leg.status_code >= 400:
            self._refused(leg, outcome)
        if self._streaks and (leg.answered_at >= 0 or leg.heard > _TRYING):
            self.floods.passed(leg)
        if self._pauses and leg.status_code not in _NOT_TAKEN:
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

    def call_settled(self, event: CallSettled) -> None:
        """Take a call whose verdict has fallen: what depends on the moment is found now."""
        call = event.call
        self.links.settled(call)
        outcome = call.outcome
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
        if found and call.outcome != _BUSY:
            found = _without_what_is_of_no_matter(call, found)
        signs = signs_of(call)
        if signs:
            found = [*found, *look_for(call, signs, self.noted.directory)]
        if signs & EARLY:
            found = _with(found, self.trunks.early(call))
        if call.transferred:
            found = _with(found, self.transfers.of(call))
        if call.outcome != _ANSWERED:
            found = _with(found, self.circles.of(call))
            found = _with(found, self.floods.of(call))
        return strongest_first(found) if len(found) > 1 else found

    def links_of(self, call: Call) -> list[Link]:
        """Return the links with others of a call that nothing more will happen to."""
        return self.links.of(call) if self._linked else []

    # What is seen besides

    def asked(self, event: Asked) -> None:
        """Take a REGISTER or OPTIONS."""
        if event.again:
            self.reach.sent_again(event.request)

    def leg_begun(self, event: LegBegun) -> None:
        """Take a hop that has just begun."""
        self.devices.added(event.leg)
        self.oversize.added(event.leg)
        self.links.begun(event.leg)

    def call_ended(self, event: CallEnded) -> None:
        """Take an answered call whose last dialog has ended."""
        self.trunks.ended(event.call)
        self.devices.left(event.call)

    def registration(self, event: Registration) -> None:
        """Take the result of an attempt to register."""
        self.registrations.add(event)
        if event.outcome is RegistrationOutcome.NOT_RESPONDING:
            self.reach.unanswered(event.path, event.request)
        elif self._large:
            self.oversize.answered(event.request)
        self.refusals.registered(event)

    def options(self, event: Options) -> None:
        """Take the result of an OPTIONS."""
        if event.outcome is OptionsOutcome.NOT_RESPONDING:
            self.reach.unanswered(event.path, event.request)
        elif self._large and event.outcome is not OptionsOutcome.UNFINISHED:
            self.oversize.answered(event.request)

    def referred(self, event: Referred) -> None:
        """Take a REFER inside a call."""
        self.transfers.referred(event.call, event.refer)

    # The whole

    def use(self, directory: Directory) -> None:
        """Name peers by a new configuration from now on."""
        self.noted.directory = directory
        self.devices.use()
        self.trunks.use(directory)
        self.links.use(directory.settings)

    def capture_findings(self) -> list[CaptureFinding]:
        """Return the findings that stand with no call, in the order of their first evidence."""
        return self.noted.capture_findings()

    def worst_devices(self, most: int) -> list[Device]:
        """Return the devices that refused most in a row, the worst first."""
        return self.devices.worst(most)

    @property
    def tables(self) -> dict[str, Bounded]:
        """Return the tables by name, for their counts."""
        return {
            "silent_ends": self.silences.table,
            "trunks": self.trunks.others,
            "devices": self.devices.table,
            "numbers": self.trunks.numbers.answered,
            "numbers_not_found": self.trunks.numbers.not_found,
            "sent_again": self.reach.again,
            "icmp_errors": self.reach.errors,
            "connections_refused": self.reach.refusals,
            "large_requests": self.oversize.tried,
            "large_answered": self.oversize.large,
            "small_answered": self.oversize.small,
            "pauses": self.overloads.pauses,
            "turns": self.circles.turns,
            "refusal_rows": self.floods.streaks,
            "refused_hops": self.floods.latest,
            "refused_calls": self.floods.of_call,
            "refused_invites": self.circles.latest,
            "transfers": self.transfers.table,
            "transferring_calls": self.transfers.by_call,
            "linked_calls": self.links.by_call,
            "link_identifiers": self.links.keys,
            "link_descriptions": self.links.descriptions.table,
            "findings": self.noted.beside,
            **self.registrations.tables,
        }


def _with(found: list[Finding], finding: Finding | None) -> list[Finding]:
    return found if finding is None else [*found, finding]


def _without_what_is_of_no_matter(call: Call, found: list[Finding]) -> list[Finding]:
    """Leave out what one hop showed and the call did not come to."""
    answered = call.outcome == _ANSWERED
    return [
        finding
        for finding in found
        if not (finding.kind is Kind.IDLE_BUSY or (answered and finding.kind in _IF_FAILED))
    ]
