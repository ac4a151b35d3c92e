"""Counts what happens, while it happens: plain integers in dictionaries, by labels.

Must not know: Prometheus' libraries, clocks, or who reads the figures (``collector`` does).
Everything here follows packet time and packets alone: live and replayed traffic count the same (Law 2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.classify.causes import PROGRESS_CODES, Q850_CAUSES
from sipwatch.classify.endings import ENDINGS_BY
from sipwatch.classify.outcomes import CATEGORY_OF, FAILED, OF_CALLS, Category, Outcome
from sipwatch.classify.reason import Q850, SIP
from sipwatch.classify.software import Families
from sipwatch.classify.tags import Tag
from sipwatch.classify.told import deciding_reason
from sipwatch.classify.verdict import reached
from sipwatch.export import series
from sipwatch.export.counting import NOBODYS, Counter, Durations
from sipwatch.track.conditions import Condition, Resolution
from sipwatch.track.dialog import EndedBy, answer_of
from sipwatch.track.events import (
    Asked,
    Bound,
    ByeAccepted,
    CallConcluded,
    CallEnded,
    CallSettled,
    ConditionRaised,
    ConditionResolved,
    LegBegun,
    LegSettled,
    Options,
    OptionsOutcome,
    Registration,
    RegistrationOutcome,
    Unbound,
)
from sipwatch.track.front import was_cancelled
from sipwatch.track.room import OTHER, SeriesRoom
from sipwatch.track.table import CHALLENGES, RESOLVED_BY, Heard, State
from sipwatch.wire.registered import REGISTERED_CODES
from sipwatch.wire.sip import METHODS as KNOWN_METHODS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sipwatch.classify.peers import Directory
    from sipwatch.export.series import CallKey, Key, Series
    from sipwatch.track.call import Call
    from sipwatch.track.events import Takes
    from sipwatch.track.leg import Leg
    from sipwatch.wire.message import Path

METHODS: Final = tuple(KNOWN_METHODS.values())
PHASES: Final = {
    Heard.NOTHING: "calling",
    Heard.TRYING: "trying",
    Heard.PROGRESSED: "progressing",
    Heard.ALERTED: "ringing",
}
CODES: Final = {code: str(code) for code in REGISTERED_CODES}
_FINALS: Final = {0: "none", **CODES}  # of a transaction that may have got none
_CAUSES: Final = {Q850: frozenset(Q850_CAUSES), SIP: REGISTERED_CODES}
_TIMED_OUT: Final = ("B", "C", "cancel")
_NO_DELAY: Final = frozenset({402, *CHALLENGES})  # RFC 6076 §4.3.2
_RETRANSMITTED: Final = ("INVITE", "CANCEL", "BYE")
_EVERY_CALLS: Final = ("INVITE", "ACK", "CANCEL", "BYE")  # requests that any call may have
# Series by code appear with their first event; these are there from the first REGISTER on.
_USUAL_REGISTRATIONS: Final = (
    (RegistrationOutcome.REGISTERED, "200"),
    (RegistrationOutcome.REMOVED, "200"),
    (RegistrationOutcome.AUTH_FAILED, "401"),
    (RegistrationOutcome.AUTH_FAILED, "407"),
    (RegistrationOutcome.REFUSED, "403"),
    (RegistrationOutcome.REFUSED, "404"),
    (RegistrationOutcome.REFUSED, "503"),
    (RegistrationOutcome.NOT_RESPONDING, "none"),
    (RegistrationOutcome.UNFINISHED, "none"),
)
# Every way a condition can end: by the table, or (a BYE's) by its own rules in track.call.
RESOLUTIONS: dict[Condition, tuple[Resolution, ...]] = {
    Condition.BYE_UNANSWERED: (Resolution.RESPONDED, Resolution.EXPIRED, Resolution.CAPTURE_END),
    **{
        kind: tuple(sorted(set(by_input.values())))
        for kind, by_input in RESOLVED_BY.items()
        if kind is not Condition.BYE_UNANSWERED
    },
}


_BEGUN_BY_LEG: Final = (
    len(Outcome)
    + 2 * len(Condition)
    + sum(len(ways) for ways in RESOLUTIONS.values())
    + 2 * len(_RETRANSMITTED)
    + 2 * len(_EVERY_CALLS)
)
_BEGUN_BY_CALL: Final = len(OF_CALLS) + len(_TIMED_OUT) + 1 + len(Tag)
_BEGUN_BY_ANSWER: Final = sum(len(ways) for ways in ENDINGS_BY.values())
_BEGUN_BY_REGISTER: Final = len(_USUAL_REGISTRATIONS) + 2 + 2
_BEGUN_BY_OPTIONS: Final = len(OptionsOutcome) + 2


_RESULTS: Final = ("success", "failure", "neither")
# What a call was, by the category of its outcome.
RESULTS: Final = {
    category.value: "failure" if category in FAILED else "success" if category is Category.SUCCESS else "neither"
    for category in Category
}


class Metrics:
    """The counts of what becomes of legs, calls and registrations; messages are counted by ``track.traffic``.

    ``room`` is for all series together, those of messages included.
    """

    def __init__(self, directory: Directory, room: SeriesRoom | None = None) -> None:
        self.directory = directory
        self.room = room or SeriesRoom()
        self.counters: dict[str, Counter] = {}
        self.durations: dict[str, Durations] = {}
        self._calls_started = self._counter(series.CALLS_STARTED)
        self._calls = self._counter(series.CALLS)
        self._call_finals = self._counter(series.CALL_FINALS)
        self._timed_out = self._counter(series.CALLS_TIMED_OUT)
        self._established = self._counter(series.CALLS_ESTABLISHED)
        self._ended = self._counter(series.CALLS_ENDED)
        self._request_delay = self._histogram(series.REQUEST_DELAY)
        self._ring_duration = self._histogram(series.RING_DURATION)
        self._answer_delay = self._histogram(series.ANSWER_DELAY)
        self._session_duration = self._histogram(series.SESSION_DURATION)
        self._disconnect_delay = self._histogram(series.DISCONNECT_DELAY)
        self._invites = self._counter(series.INVITES)
        self._invite_finals = self._counter(series.INVITE_FINALS)
        self._conditions = self._counter(series.CONDITIONS)
        self._resolved = self._counter(series.RESOLVED)
        self._in_condition = self._counter(series.IN_CONDITION)
        self._causes = self._counter(series.CAUSES)
        self._leg_ends: set[tuple[str, str]] = set()  # pairs whose series of legs, and of calls, have begun
        self._call_ends: set[tuple[str, str]] = set()
        self._answered_ends: set[tuple[str, str]] = set()  # ... and of how answered calls end
        self.may_come: dict[tuple[str, str], dict[str, int]] = {}  # by pair: methods of requests, each with 0
        self.may_repeat: dict[tuple[str, str], dict[str, int]] = {}  # ... and of retransmissions
        self._trying_delay = self._histogram(series.TRYING_DELAY)
        self._progress_delay = self._histogram(series.PROGRESS_DELAY)
        self._early_progress = self._histogram(series.EARLY_PROGRESS)
        self._registrations = self._counter(series.REGISTRATIONS)
        self._registered = self._counter(series.REGISTRATIONS_ACTIVE)
        self._expired = self._counter(series.REGISTRATIONS_EXPIRED)
        self._register_delay = self._histogram(series.REGISTER_DELAY)
        self._options = self._counter(series.OPTIONS)
        self._options_delay = self._histogram(series.OPTIONS_DELAY)
        self._tagged = self._counter(series.TAGGED_CALLS)
        self._software = self._counter(series.SOFTWARE_CALLS)
        self._families = Families(directory.settings.software)

    def _counter(self, of: Series) -> Counter:
        made = self.counters[of.name] = Counter(of, self.room)
        return made

    def _histogram(self, of: Series) -> Durations:
        made = self.durations[of.name] = Durations(of, self.room)
        return made

    def takes(self) -> Takes:
        """Say which events are counted."""
        return {
            LegBegun: self.leg_begun,
            LegSettled: self.leg_settled,
            ConditionRaised: self.condition_raised,
            ConditionResolved: self.condition_resolved,
            CallSettled: self.call_settled,
            CallEnded: self.call_ended,
            CallConcluded: self.call_concluded,
            ByeAccepted: self.bye_accepted,
            Asked: self.asked,
            Registration: self.registration,
            Options: self.options,
            Bound: self.bound,
            Unbound: self.unbound,
        }

    def use(self, directory: Directory, calls: Iterable[Call], bindings: Iterable[Path]) -> None:
        """Name peers by a new configuration: what was counted stays, what is there right now gets its new name."""
        self.directory = directory
        self._families = Families(directory.settings.software)
        for gauge in (self._in_condition, self._registered):
            gauge.values = dict.fromkeys(gauge.values, 0)
        for call in calls:
            for leg in call.legs:
                for raised in leg.conditions or ():
                    if raised.resolution is None:
                        self._in_condition.add((*self.ends(leg.path), raised.kind.value))
        for path in bindings:
            self._registered.add(self.ends(path))

    def ends(self, path: Path) -> tuple[str, str]:
        """Return the peers' names at the two ends of a path."""
        return self.directory.ends(path)

    # Legs

    def leg_begun(self, event: LegBegun) -> None:
        """Take a new leg, and with the first one a new call."""
        leg = event.leg
        source, destination = ends = self.ends(leg.path)
        if ends not in self._leg_ends:
            self._begin_leg(ends)
        call = leg.call
        if len(call.legs) == 1:
            self._calls_started.add((source,))
        else:
            source = self.directory.peer(call.front[0].path.source_address).name
        if (source, destination) not in self._call_ends:
            self._begin_call((source, destination))

    def _begin_leg(self, ends: tuple[str, str]) -> None:
        if not self.room.take(_BEGUN_BY_LEG):
            if NOBODYS in self._leg_ends:
                return
            ends = NOBODYS
        self._leg_ends.add(ends)
        self._invites.begin((*ends, outcome.value) for outcome in Outcome)
        for condition in Condition:
            self._conditions.begin([(*ends, condition.value)])
            self._in_condition.begin([(*ends, condition.value)])
            self._resolved.begin((*ends, condition.value, how.value) for how in RESOLUTIONS[condition])
        for way in (ends, ends[::-1]):  # either end hangs up; final responses are sent again, too
            self.may_come.setdefault(way, {}).update(dict.fromkeys(_EVERY_CALLS, 0))
            self.may_repeat.setdefault(way, {}).update(dict.fromkeys(_RETRANSMITTED, 0))

    def _begin_call(self, ends: tuple[str, str]) -> None:
        if not self.room.take(_BEGUN_BY_CALL):
            if NOBODYS in self._call_ends:
                return
            ends = NOBODYS
        self._call_ends.add(ends)
        self._calls.begin((*ends, outcome.value, outcome.category.value) for outcome in OF_CALLS)
        self._timed_out.begin((*ends, timer) for timer in _TIMED_OUT)
        self._established.begin([ends])
        self._tagged.begin((*ends, tag.value) for tag in Tag)

    def _begin_answered(self, ends: tuple[str, str]) -> None:
        if not self.room.take(_BEGUN_BY_ANSWER):
            ends = NOBODYS
        self._answered_ends.add(ends)
        self._ended.begin((*ends, by.value, ending.value) for by in EndedBy for ending in ENDINGS_BY[by])

    def leg_settled(self, event: LegSettled) -> None:
        """Count a leg whose verdict has fallen."""
        leg = event.leg
        ends = self.ends(leg.path)
        call = call_key(leg.call)
        self._invites.add_call((*ends, leg.outcome), call, leg.over_at)
        self._invite_finals.add((*ends, _FINALS.get(leg.status_code, OTHER)))
        self._leg_delays(leg, ends, call)
        if leg.final is not None or leg.cancel is not None:
            reason = deciding_reason(leg)
            if reason.cause is not None and reason.protocol is not None:
                self._causes.add_call((*ends, *cause_labels(reason.protocol, reason.cause)), call, leg.over_at)

    def _leg_delays(self, leg: Leg, ends: tuple[str, str], call: CallKey) -> None:
        first = leg.final_at
        if leg.progressed_at >= 0 and (first < 0 or leg.progressed_at < first):
            first = leg.progressed_at
        if leg.trying_at >= 0 and (first < 0 or leg.trying_at < first):
            first = leg.trying_at
        if first >= 0 and leg.invite_seen:
            self._trying_delay.at(ends).observe(first - leg.started, call, first)
        if leg.followed or leg.trying_at < 0:
            return  # a challenge says nothing of how long the callee's side takes
        if leg.progress is not None:
            code = leg.progress.status_code
            if code in PROGRESS_CODES:
                delay = leg.progressed_at - leg.trying_at
                self._progress_delay.at((*ends, str(code))).observe(delay, call, leg.progressed_at)
                if code == 183 and leg.ringing_at >= 0:
                    self._early_progress.at(ends).observe(leg.ringing_at - leg.progressed_at, call, leg.ringing_at)
        elif leg.final_at >= 0:
            self._progress_delay.at((*ends, "final")).observe(leg.final_at - leg.trying_at, call, leg.final_at)

    def condition_raised(self, event: ConditionRaised) -> None:
        """Count a condition that is raised."""
        leg, raised = event.leg, event.raised
        key = (*self.ends(leg.path), raised.kind.value)
        self._conditions.add_call(key, call_key(leg.call), raised.raised)
        self._in_condition.add(key)

    def condition_resolved(self, event: ConditionResolved) -> None:
        """Count a condition that is over."""
        leg, raised = event.leg, event.raised
        key = (*self.ends(leg.path), raised.kind.value)
        if raised.resolution is not None:
            self._resolved.add_call((*key, raised.resolution.value), call_key(leg.call), raised.resolved)
        self._in_condition.add(key, -1)

    # Calls

    def call_settled(self, event: CallSettled) -> None:
        """Count a call whose verdict has fallen."""
        call = event.call
        outcome = call.outcome
        last = call.upstream or call.front[-1]
        directory = self.directory
        ends = (
            directory.peer(call.front[0].path.source_address).name,
            directory.peer(reached(call).path.destination_address).name,
        )
        key = call_key(call)
        if ends not in self._call_ends:
            self._begin_call(ends)
        self._calls.add_call((*ends, outcome, CATEGORY_OF[outcome]), key, last.over_at)
        self._call_finals.add((*ends, _FINALS.get(last.status_code, OTHER)))
        if last.answered_at >= 0:
            call.ends = ends
            if ends not in self._answered_ends:
                self._begin_answered(ends)
            self._established.add(ends)
            if last.moment_known:
                self._answer_delay.at(ends).observe(last.answered_at - call.started, key, last.answered_at)
        elif not last.status_code and last.given_up:
            self._timed_out.add((*ends, _timer(last)))
        self._call_delays(last, ends, outcome, key)
        if directory.settings.software:
            self._count_software(call, ends, RESULTS[CATEGORY_OF[outcome]])

    def _count_software(self, call: Call, ends: tuple[str, str], result: str) -> None:
        """Count a call by the software at its ends."""
        far = reached(call)
        asked, answered = call.front[0].invite, far.final or far.progress
        for side, peer, message in (("caller", ends[0], asked), ("callee", ends[1], answered)):
            key = (peer, self._families.of_message(message), side)
            if (*key, result) not in self._software.values and self.room.take(len(_RESULTS)):
                self._software.begin((*key, one) for one in _RESULTS)
            self._software.add((*key, result))

    def _call_delays(self, last: Leg, ends: tuple[str, str], outcome: str, key: CallKey) -> None:
        tries = [leg for leg in last.call.front if not leg.followed] or [last]
        started = min([leg.started for leg in tries])
        told = [at for leg in tries for at in (leg.progressed_at, leg.answered_at) if at >= 0 and leg.moment_known]
        known = all([leg.invite_seen for leg in tries])  # noqa: C419 - a list is quicker; else nobody knows since when
        if known and told:
            self._request_delay.at((*ends, "success")).observe(min(told) - started, key, min(told))
        elif known and last.status_code >= 400 and last.status_code not in _NO_DELAY:
            self._request_delay.at((*ends, "failure")).observe(last.final_at - started, key, last.final_at)
        alerted = [leg.alerted_at for leg in tries if leg.alerted_at >= 0]
        until = last.cancelled_at if was_cancelled(last) and last.cancelled_at >= 0 else last.final_at
        if alerted and until >= 0 and last.moment_known:
            self._ring_duration.at((*ends, CATEGORY_OF[outcome])).observe(until - min(alerted), key, until)

    def tagged(self, ends: tuple[str, str], tags: Iterable[Tag]) -> None:
        """Count a call's tags, once all of them are known."""
        for tag in tags:
            self._tagged.add((*ends, tag.value))

    def call_ended(self, event: CallEnded) -> None:
        """Count the end of an answered call."""
        call = event.call
        if call.ends is not None:
            self._established.add(call.ends, -1)

    def call_concluded(self, event: CallConcluded) -> None:
        """Count how an answered call ended; of one with several answers, with the far end of the one that was kept."""
        call = event.call
        if call.ends is None or call.ended_by is None:
            return
        ends = call.ends
        if len([leg for leg in call.front if leg.answered_at >= 0]) > 1:
            ends = (ends[0], self.directory.peer(reached(call).path.destination_address).name)
        if ends not in self._answered_ends:
            self._begin_answered(ends)
        self._ended.add_call((*ends, call.ended_by.value, call.ending), call_key(call), call.ended_at)
        kept = call.kept_leg()
        if call.ended_by in (EndedBy.CALLER, EndedBy.CALLEE) and kept is not None and kept.moment_known:
            answer = answer_of(kept, call.to_tag)
            duration = call.ended_at - (kept.answered_at if answer is None else answer.at)
            self._session_duration.at(ends).observe(duration, call_key(call), call.ended_at)

    def bye_accepted(self, event: ByeAccepted) -> None:
        """Count an answered call whose BYE was accepted."""
        call, delay = event.call, event.delay
        if call.ends is not None:
            self._disconnect_delay.at(call.ends).observe(delay, call_key(call), call.active_at)

    # Registrations

    def asked(self, event: Asked) -> None:
        """Take a REGISTER or OPTIONS: let the series that concern its ends begin."""
        if event.again:
            return
        request = event.request
        ends = self.ends(request.path)
        if request.method == "OPTIONS":
            if (*ends, OptionsOutcome.ANSWERED.value) not in self._options.values and self.room.take(_BEGUN_BY_OPTIONS):
                self._options.begin((*ends, outcome.value) for outcome in OptionsOutcome)
                self._may_come(ends, "OPTIONS")
        elif ends not in self._registered.values and self.room.take(_BEGUN_BY_REGISTER):
            self._registrations.begin((*ends, outcome, code) for outcome, code in _USUAL_REGISTRATIONS)
            self._registered.begin([ends])
            self._expired.begin([ends])
            self._may_come(ends, "REGISTER")

    def _may_come(self, ends: tuple[str, str], method: str) -> None:
        for way in (ends, ends[::-1]):
            self.may_repeat.setdefault(way, {})[method] = 0

    def registration(self, event: Registration) -> None:
        """Count an attempt to register."""
        ends = self.ends(event.path)
        self._registrations.add((*ends, event.outcome.value, _FINALS.get(event.status_code, OTHER)))
        if event.delay >= 0:
            self._register_delay.at(ends).observe(event.delay, None, 0)

    def options(self, event: Options) -> None:
        """Count an OPTIONS."""
        ends = self.ends(event.path)
        self._options.add((*ends, event.outcome.value))
        if event.delay >= 0:
            self._options_delay.at(ends).observe(event.delay, None, 0)

    def bound(self, event: Bound) -> None:
        """Count a contact that is registered now."""
        self._registered.add(self.ends(event.path))

    def unbound(self, event: Unbound) -> None:
        """Count a contact that is not registered any more."""
        ends = self.ends(event.path)
        self._registered.add(ends, -1)
        if event.expired:
            self._expired.add(ends)


def phase(call: Call) -> str:
    """Return how far a call is that is being set up, an empty text of one that is not."""
    heard = [leg.heard for leg in call.front if leg.state <= State.CANCELLING]
    return PHASES[max(heard)] if heard else ""


def phase_of(call: Call, metrics: Metrics) -> Key | None:
    """Return source and phase of a call that is being set up, None of one that is not."""
    reached = phase(call)
    return (metrics.directory.peer(call.front[0].path.source_address).name, reached) if reached else None


def ends_of_session(call: Call, directory: Directory) -> tuple[str, ...]:
    """Return the peers at both ends of a call that is up or being set up, nothing of any other."""
    if call.answered_at >= 0:
        going_on = call.ended_by is None
    else:
        going_on = not call.settled and any([leg.state <= State.CANCELLING for leg in call.legs])  # noqa: C419 - quicker
    if not going_on:
        return ()
    source, destination = call.front[0].path.source_address, reached(call).path.destination_address
    return directory.peer(source).name, directory.peer(destination).name


def call_key(call: Call) -> CallKey:
    """Return what a call's short id is made of; the id itself is made only when somebody reads it."""
    return call.call_id, call.from_tag, call.started


def cause_labels(protocol: str, cause: int) -> tuple[str, str]:
    """Return protocol and cause as label values; strangers write headers: what is in no list is ``other``."""
    listed = _CAUSES.get(protocol)
    if listed is None:
        return OTHER, OTHER
    return protocol, str(cause) if cause in listed else OTHER


def _timer(leg: Leg) -> str:
    if leg.cancelled_at >= 0:
        return "cancel"
    return "B" if leg.heard is Heard.NOTHING else "C"
