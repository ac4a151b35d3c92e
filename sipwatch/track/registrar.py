"""What became of each attempt to register, who is registered right now, and whether pings are answered.

Must not know: peers, metrics, calls, clocks.

An attempt is what one element does on one hop to get one REGISTER through: a challenge and the
REGISTER with credentials that answers it, a 423 (Interval Too Brief) or a redirect and what follows,
are one attempt with one result. A proxied REGISTER is one attempt per hop, but binds once (``bindings``).

A REGISTER without Contact asks what is bound and registers nobody (RFC 3261 §10.2.3): it is followed,
so that its retransmissions are known, and has no result, whatever is answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.budget import DEFAULT_BUDGET
from sipwatch.track.bindings import (
    BINDING,
    Bindings,
    Contact,
    address_of_record,
    contacts_of,
    granted,
    wants_all_removed,
)
from sipwatch.track.events import Asked, Options, OptionsOutcome, Registration, RegistrationOutcome
from sipwatch.track.table import CHALLENGES
from sipwatch.track.transactions import Termination, Transaction, Transactions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sipwatch.track.events import Event
    from sipwatch.track.timers import TimerQueue
    from sipwatch.wire.message import Path, Request, Response


class RegistrarLimits:
    """How much is remembered at the most."""

    __slots__ = ("bindings", "transactions", "transactions_bytes")

    def __init__(
        self,
        room: int = DEFAULT_BUDGET.registrations,
        *,
        transactions: int = 1 << 30,
        bindings: int | None = None,
    ) -> None:
        self.transactions_bytes = room // 2
        self.transactions = transactions  # for tests; in life it is the bytes that count
        self.bindings = room // 2 // BINDING if bindings is None else bindings


class Registrar:
    """Follow REGISTER and OPTIONS. Feed it messages in packet order, the queue's deadlines fired before each.

    What happens goes to ``events``; a result comes before the changes in bindings that it brings.
    """

    def __init__(
        self,
        events: list[Event],
        queue: TimerQueue,
        next_serial: Callable[[], int],
        limits: RegistrarLimits | None = None,
    ) -> None:
        limits = limits or RegistrarLimits()
        self._events = events
        self._transactions = Transactions(self, queue, next_serial, limits)
        self._bindings = Bindings(events, queue, next_serial, limits.bindings)

    def request(self, request: Request, now: int) -> bool:
        """Take a REGISTER or OPTIONS; return whether it is a retransmission."""
        again = self._transactions.request(request, now)
        self._events.append(Asked(request, again))
        return again

    def response(self, response: Response, now: int) -> bool:
        """Take a response to one; return whether it repeats an earlier final response."""
        return self._transactions.response(response, now)

    def missed(self) -> None:
        """Take it that packets were missed: nothing is concluded from silence."""
        self._transactions.missed()

    def finish(self, now: int) -> None:
        """End what is open as unfinished: the capture is over. Bindings stay: nobody ended them."""
        self._transactions.finish(now)

    def bound(self) -> Iterator[Path]:
        """Give the path of each binding that is active."""
        return self._bindings.paths()

    @property
    def tracked(self) -> dict[str, int]:
        """Count the entries of each table right now."""
        return {"registrations": len(self._bindings), "transactions": len(self._transactions)}

    @property
    def taken(self) -> dict[str, int]:
        """Say how many bytes each table takes right now."""
        return {"registrations": BINDING * len(self._bindings), "transactions": self._transactions.bytes}

    @property
    def evicted(self) -> dict[str, int]:
        """Count what was given up, by table."""
        evicted = dict(self._transactions.evicted)
        if self._bindings.evicted:
            evicted["registrations"] = self._bindings.evicted
        return evicted

    # Results

    def concluded(
        self, transaction: Transaction, request: Request, response: Response | None, termination: Termination, now: int
    ) -> None:
        """Take the last transaction of an attempt (``transactions.AttemptOwner``)."""
        if transaction.method == "OPTIONS":
            self._events.append(_options(transaction, request, termination))
            return
        contacts = contacts_of(request)
        if not contacts:
            return  # a query
        aor = address_of_record(request)
        if response is None or response.status_code >= 300 or termination is not Termination.FINAL:
            self._events.append(_failed(transaction, aor, contacts, termination, request, response))
        else:
            self._accepted(transaction, aor, contacts, request, response, now)

    def _accepted(
        self,
        transaction: Transaction,
        aor: bytes,
        contacts: list[Contact],
        request: Request,
        response: Response,
        now: int,
    ) -> None:
        everything = wants_all_removed(contacts)
        lifetimes = [0] * len(contacts) if everything else granted(contacts, request, response)
        lasting = [lifetime for lifetime in lifetimes if lifetime]
        outcome = RegistrationOutcome.REGISTERED if lasting else RegistrationOutcome.REMOVED
        delay = transaction.final_at - transaction.sent
        self._events.append(
            _registration(transaction, aor, contacts, outcome, delay, min(lasting) if lasting else 0, request, response)
        )
        if everything:
            self._bindings.remove_all(aor)
            return
        for contact, lifetime in zip(contacts, lifetimes, strict=True):
            if lifetime:
                self._bindings.bind(aor, contact, request, lifetime, now)
            else:
                self._bindings.remove(aor, contact)


def _options(transaction: Transaction, request: Request, termination: Termination) -> Options:
    if termination is Termination.CUT_OFF:
        outcome = OptionsOutcome.UNFINISHED
    elif termination is Termination.TIMED_OUT:
        outcome = OptionsOutcome.NOT_RESPONDING
    else:
        outcome = OptionsOutcome.ANSWERED if transaction.status_code < 300 else OptionsOutcome.REFUSED
    delay = transaction.final_at - transaction.sent if transaction.final_at >= 0 else -1
    return Options(
        transaction.path,
        transaction.call_id,
        outcome,
        transaction.status_code,
        delay,
        transaction.started,
        transaction.tries,
        request,
    )


def _failed(
    transaction: Transaction,
    aor: bytes,
    contacts: list[Contact],
    termination: Termination,
    request: Request,
    response: Response | None,
) -> Registration:
    if termination is Termination.CUT_OFF:
        outcome = RegistrationOutcome.UNFINISHED
    elif termination is Termination.TIMED_OUT:
        outcome = RegistrationOutcome.NOT_RESPONDING
    elif transaction.status_code in CHALLENGES:
        outcome = RegistrationOutcome.AUTH_FAILED
    else:
        outcome = RegistrationOutcome.REFUSED
    return _registration(transaction, aor, contacts, outcome, -1, 0, request, response)


def _registration(
    transaction: Transaction,
    aor: bytes,
    contacts: list[Contact],
    outcome: RegistrationOutcome,
    delay: int,
    expires: int,
    request: Request,
    response: Response | None,
) -> Registration:
    return Registration(
        transaction.path,
        transaction.call_id,
        aor,
        outcome,
        transaction.status_code,
        delay,
        expires,
        [contact.uri for contact in contacts],
        transaction.started,
        transaction.tries,
        request,
        response,
    )
