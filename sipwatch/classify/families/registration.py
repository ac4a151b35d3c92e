"""Calls that were refused because somebody was not registered.

Must not know: clocks, words, how registrations are remembered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.classify.families.setup import credentials
from sipwatch.classify.findings import Fact, Finding, Kind, person, seen, where
from sipwatch.classify.hops import last_hops
from sipwatch.track.table import CHALLENGES
from sipwatch.track.transactions import credentials_refused
from sipwatch.wire.sip import header, uri_of, user_of

if TYPE_CHECKING:
    from sipwatch.classify.families.trunk import Trunks
    from sipwatch.classify.findings import Term
    from sipwatch.classify.noted import Noted
    from sipwatch.classify.registered import Registered, Registrations
    from sipwatch.track.call import Call
    from sipwatch.track.events import Registration
    from sipwatch.track.leg import Leg

_NEED_REGISTRATION: Final = frozenset({403, 404, 480, 503})
_ABOUT_THE_CALLEE: Final = frozenset({404, 480})  # codes by which a registrar rather means the callee


class Refusals:
    """Looks for the registration that is missing behind a refusal."""

    def __init__(self, noted: Noted, registrations: Registrations, trunks: Trunks) -> None:
        self._noted = noted
        self._registrations = registrations
        self._trunks = trunks

    def explains(self, call: Call) -> bool:
        """Look for a registration that explains why a call was refused; tell whether there is one."""
        if not len(self._registrations.users):
            return False
        for leg in last_hops(call):
            if leg.status_code not in _NEED_REGISTRATION or leg.final is None or leg.ringing_at >= 0:
                continue  # what rang was registered, and the server that let it ring had let the call in
            callee = user_of(leg.invite.request_uri)
            looks = [
                (person(callee), self._registrations.inactive_user(leg.path.destination_address, callee, leg.started))
            ]
            looks.insert(leg.status_code in _ABOUT_THE_CALLEE, self._callers(leg))
            for who, entry in looks:
                if entry is not None:
                    self._noted.of_call(call, self._inactive(leg, who, entry))
                    return True
        return False

    def _callers(self, leg: Leg) -> tuple[Term, Registered | None]:
        """Return how the caller's registration fared: his own, or that of everybody at his address.

        What took a call from there since the registration had ended does not ask for one.
        """
        source, destination = leg.path.source_address, leg.path.destination_address
        caller = user_of(uri_of(header(leg.invite.raw, b"from", b"f")))
        if self._registrations.knows_user(destination, caller):
            return person(caller), self._registrations.inactive_user(destination, caller, leg.started)
        entry = self._registrations.inactive_source(source, destination, leg.started)
        if entry is not None and self._trunks.at(destination).answered_at > (entry.until or entry.at):
            entry = None
        return where(source), entry

    def _inactive(self, leg: Leg, who: Term, entry: Registered) -> Finding:
        variant = entry.outcome if not entry.until else "expired"
        facts: dict[str, Fact] = {
            "who": who, "status_code": leg.status_code, "register_code": entry.status_code,
            "result_at": entry.until or entry.at,
        }  # fmt: skip
        about = self._noted.subject(leg.path.destination_address)
        evidence = [entry.evidence, seen(leg.invite), *([seen(leg.final)] if leg.final else [])]
        return Finding(Kind.REGISTRATION_INACTIVE, variant, about, facts, evidence)

    def registered(self, result: Registration) -> None:
        """Take the result of an attempt to register: a second challenge says that the password does not fit."""
        request, response = result.request, result.response
        if response is None or result.status_code not in CHALLENGES or not credentials_refused(request, response):
            return
        facts = credentials(request, result.status_code)
        about = self._noted.subject(result.path.source_address)
        evidence = [seen(request), seen(response)]
        self._noted.of_none(Finding(Kind.WRONG_CREDENTIALS, "register", about, facts, evidence))
