"""From verdict to cause: watches the tracker, remembers what was before, and says what probably lies behind a call.

Must not know: clocks, words, who reads it. It follows packets alone, so that live and replayed traffic have the same
findings (Law 2). A finding is made only where the capture shows it; what it cannot show makes none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.classify.families.setup import early_by, early_ringing
from sipwatch.classify.families.table import EARLY, look_for, signs_of, strongest_first
from sipwatch.classify.findings import (
    Finding,
)
from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.past import (
    MOST_ADDRESSES,
    MOST_DEVICES,
    MOST_TRUNKS,
    REFUSED,
    CallId,
    Device,
    Numbers,
    Silences,
    Table,
    Trunk,
)
from sipwatch.classify.peers import Directory, PeerKind
from sipwatch.classify.registered import Registrations
from sipwatch.classify.verdict import reached
from sipwatch.track.leg import Heard

if TYPE_CHECKING:
    from sipwatch.track.call import Call
    from sipwatch.track.leg import Leg
    from sipwatch.wire.message import Unreachable

SEVERAL = 2  # requests in a row without a response; one alone may be anything
STREAK_FROM = 3
MOST_SUBJECTS = 1000
_NEED_REGISTRATION = frozenset({403, 404, 480, 503})
_ABOUT_THE_CALLEE = frozenset({404, 480})  # codes by which a registrar rather means whom it should reach
_NO_TRUNK = frozenset({PeerKind.DEVICES, PeerKind.SERVER})
# Names of the hot path: looked up once, not at every call.
_ANSWERED: Final = Outcome.ANSWERED.value
_CONGESTED: Final = Outcome.CONGESTED.value
_NOT_FOUND: Final = Outcome.NOT_FOUND.value
_NOTHING: Final = Heard.NOTHING
_DEVICES: Final = PeerKind.DEVICES
_TRUNK: Final = PeerKind.TRUNK
_SENT_AGAIN: Final = frozenset({"REGISTER", "OPTIONS"})


# An answered call: the addresses at its two ends, near and far, and the trunks that it occupies there.
Up = tuple[bytes, bytes, Trunk, Trunk]


class Whole(NamedTuple):
    """A finding that came too late for the call it is about, or is about no call: one for each kind and subject.

    ``calls`` counts the calls it is about, ``ids`` are the first of them, ``first`` is the time of its first
    evidence (ns); the finding itself is the latest.
    """

    finding: Finding
    calls: int
    ids: list[CallId]
    first: int


class Diagnosis:
    """Finds probable causes. It is told of everything in the order in which it happens."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.devices: Table[Device] = Table(MOST_DEVICES)
        self.silences = Silences()  # must hear of every response, when everything due before it has been told
        self._silent_ends = self.silences.table.entries  # looked at for every call: most captures have none
        self._registrations = Registrations()
        self._registered = self._registrations.sources.entries  # as above
        self._with_devices = _with_devices(directory)
        self._numbers = Numbers(_region(directory))
        self._trunks: dict[str, Trunk] = {}  # by peer: as many as are configured
        self._others: Table[Trunk] = Table(MOST_TRUNKS)  # by address, of whoever is not
        self._up: dict[int, Up] = {}  # by the serial of an answered call, which the tracker bounds
        self._again: Table[int] = Table(MOST_ADDRESSES)  # when a REGISTER or OPTIONS was sent again, by its path
        self._unreachable: Table[Unreachable] = Table(MOST_ADDRESSES)
        self._whole: Table[Whole] = Table(MOST_SUBJECTS)

    # Verdicts

    def leg(self, leg: Leg, outcome: str) -> None:
        """Take a hop whose verdict has fallen."""
        if leg.heard is _NOTHING and leg.final is None:
            self._silent(leg)
        elif self._silent_ends:
            self.silences.answered(leg.path.destination)
        if (self._with_devices or self._registered) and (outcome == _ANSWERED or outcome in REFUSED):
            self._offered(leg, outcome)

    def call(self, call: Call, outcome: str) -> None:
        """Take a call whose verdict has fallen: what depends on the moment is found now."""
        far = call.legs[0] if len(call.legs) == 1 else reached(call)
        address = far.path.destination_address
        peer = self.directory.peer(address)
        trunk = self._trunk(address, peer)
        number = _number_in(far.invite.request_uri)
        if outcome == _ANSWERED:
            trunk.ended_calls += 1  # as ``verdict`` would
            self._answered(call, trunk, far, peer, number)
        else:
            self._failed(call, trunk, far, peer, number, outcome)
        if far.ringing_at > far.progressed_at:
            early = early_by(far)
            if early >= 0:
                trunk.early.append(early)

    def over(self, call: Call) -> list[Finding]:
        """Return every finding about a call that nothing more will happen to."""
        found: list[Finding] = call.notes or []
        signs = signs_of(call)
        if signs:
            found = [*found, *look_for(call, signs, self.directory)]
        if signs & EARLY:
            far = reached(call)
            address = far.path.destination_address
            trunk = self._trunk(address, self.directory.peer(address))
            finding = early_ringing(far, self.directory, trunk.typical_early(), len(trunk.early))
            if finding is not None:
                found = [*found, finding]
        return strongest_first(found) if len(found) > 1 else found
