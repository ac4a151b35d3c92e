"""Transactions other than INVITE's, hop by hop (RFC 3261 §17.1.2), and which request follows up on which.

Must not know: what a request asks for, what its result means, peers, clocks.

A request that follows a final response that invited it (a challenge above all) belongs to the same
attempt. The attempt is concluded once, by its last transaction; those before it end in silence.
"""

from __future__ import annotations

from collections import OrderedDict
from enum import IntEnum
from typing import TYPE_CHECKING, Final, Protocol

from sipwatch.track.lasting import cut_short
from sipwatch.track.table import CHALLENGES, REORDERED_WITHIN, RETRY_WINDOW, T4, TIMER_F, may_be_followed
from sipwatch.track.timers import NEVER, Timed, TimerQueue
from sipwatch.wire.sip import header_values, parameters, split_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from sipwatch.wire.message import Message, Path, Request, Response

# A sender repeats itself at least every T2 = 4 s (§17.1.2.2): after T4 = 5 s of silence nothing more comes.
LINGERS: Final = T4
TRANSACTION: Final = 1000  # bytes that one takes, beside its request's text
MAX_EARLY: Final = 256  # of them
MAX_OF_ONE_CALL_ID: Final = 64  # some pingers use one Call-ID for ever; 32 s of one request a second stay open
MAX_TRIES: Final = 8  # requests in one attempt: who is sent round in circles has his answer

_INTERVAL_TOO_BRIEF: Final = 423  # §10.2.8: again, with a longer interval


class Stage(IntEnum):
    """Where a transaction stands."""

    OPEN = 0  # no final response yet
    SETTLING = 1  # its final response invites another request
    ENDED = 2  # kept a little while, to know retransmissions


class Termination(IntEnum):
    """What ended an attempt."""

    FINAL = 0  # a final response that nothing followed
    TIMED_OUT = 1  # Timer F
    CUT_OFF = 2  # the capture is over, or the transaction was evicted


class Transaction(Timed):
    """One transaction on one hop.

    ``started`` is when its attempt began, ``sent`` when its own request was first seen; both are packet
    time in nanoseconds. ``status_code`` is 0 and ``final_at`` -1 without a final response. ``tries``
    counts the attempt's requests; ``blind`` says that packets were missed meanwhile; ``challenged`` that an earlier
    one of them was challenged.
    """

    __slots__ = (
        "active_at", "blind", "branch", "call_id", "challenged", "cseq_number", "final_at", "forgotten", "method",
        "path", "request", "sent", "stage", "started", "status_code", "table", "tries", "via_count",
    )  # fmt: skip

    def __init__(self, serial: int, table: Transactions, request: Request, now: int) -> None:
        self.serial = serial
        self.queued = NEVER
        self.table = table
        self.request: Request | None = request  # let go with the result
        self.method = request.method
        self.call_id = request.call_id
        self.branch = request.branch
        self.cseq_number = request.cseq_number
        self.via_count = request.via_count
        self.path: Path = request.path
        self.started = self.sent = self.active_at = now
        self.final_at = -1
        self.status_code = 0
        self.tries = 1
        self.challenged = False
        self.stage = Stage.OPEN
        self.forgotten = self.blind = False

    def respond(self, response: Response, now: int) -> bool:
        """Take a response; return whether it repeats the final one."""
        code = response.status_code
        self.active_at = now
        if code < 200:
            return False  # §17.1.2.2: Timer F runs on
        if self.stage is not Stage.OPEN:
            # After Timer F a final response is too late: the sender's transaction is gone.
            return code == self.status_code
        self.status_code = code
        self.final_at = now
        if self._invites_another(response):
            self.stage = Stage.SETTLING  # later due than Timer F was: the queue looks in time
        else:
            self.table.end(self, response, Termination.FINAL, now)
        return False

    def _invites_another(self, response: Response) -> bool:
        """Tell whether the final response leaves the attempt open.

        Credentials are known to be wrong only when they answered a challenge of this very attempt.
        Those sent on the off chance may just be too old, and not every server says ``stale``.
        """
        if self.tries >= MAX_TRIES or self.request is None:
            return False
        if self.status_code in CHALLENGES:
            return not (self.challenged and credentials_refused(self.request, response))
        if self.method != "REGISTER":
            return False
        return may_be_followed(self.status_code) or self.status_code == _INTERVAL_TOO_BRIEF

    def nearness(self, request: Request) -> int:
        """Say how plainly a request follows up on this transaction: 0 not at all, 3 on the very same path."""
        if (
            self.stage is not Stage.SETTLING
            or self.method != request.method
            or self.cseq_number >= request.cseq_number
            or self.via_count != request.via_count
            or self.path.source_address != request.path.source_address
            or not answers(request, self.status_code)
        ):
            return 0
        if self.path.key == request.path.key:
            return 3
        # A redirected request goes elsewhere, a server may have several addresses.
        return 2 if self.path.destination_address == request.path.destination_address else 1

    def follow(self, before: Transaction) -> None:
        """Continue the attempt of an earlier transaction."""
        self.started = before.started
        self.tries = before.tries + 1
        self.challenged = before.challenged or before.status_code in CHALLENGES

    def deadline(self) -> int:
        """Return when Timer F fires, the follow-up is overdue, or the last retransmission may have come."""
        if self.forgotten:
            return NEVER
        if self.stage is Stage.OPEN:
            return self.sent + TIMER_F
        if self.stage is Stage.SETTLING:
            return self.final_at + RETRY_WINDOW
        return self.active_at + LINGERS

    def expire(self, now: int) -> None:
        """End the attempt, or let go of what has ended."""
        if self.stage is Stage.ENDED:
            self.table.forget(self)
        else:
            termination = Termination.FINAL
            if self.stage is Stage.OPEN:
                termination = Termination.CUT_OFF if self.blind else Termination.TIMED_OUT
            self.table.end(self, None, termination, now)


class AttemptOwner(Protocol):
    """Who wants to know what became of an attempt."""

    def concluded(
        self, transaction: Transaction, request: Request, response: Response | None, termination: Termination, now: int
    ) -> None:
        """Take an attempt's last transaction. Told once; ``response`` is the final one if it came just now."""


class Room(Protocol):
    """How many transactions there may be, and how many bytes they may take."""

    transactions: int
    transactions_bytes: int


class Transactions:
    """All transactions of the methods it is fed, found by (Call-ID, branch, CSeq number, both ends)."""

    __slots__ = (
        "_all", "_by_call_id", "_early", "_limits", "_next_serial", "_owner", "bytes", "evicted",
        "queue",
    )  # fmt: skip

    def __init__(self, owner: AttemptOwner, queue: TimerQueue, next_serial: Callable[[], int], limits: Room) -> None:
        self.queue = queue
        self.evicted: dict[str, int] = {}
        self._owner = owner
        self._next_serial = next_serial
        self._limits = limits
        self.bytes = 0
        self._all: OrderedDict[int, Transaction] = OrderedDict()  # by serial: oldest first
        self._by_call_id: dict[bytes, list[Transaction]] = {}
        self._early: dict[tuple[bytes, int, bytes], tuple[int, Response]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def request(self, request: Request, now: int) -> bool:
        """Take a request; return whether it is a retransmission."""
        if not request.call_id or request.cseq_number < 0:
            return False
        alike = self._by_call_id.get(request.call_id)
        before: Transaction | None = None
        if alike is not None:
            known = _same(alike, request, request.method, request.path.key)
            if known is not None:
                known.active_at = now
                return True
            before = _followed(alike, request)
            if len(alike) >= MAX_OF_ONE_CALL_ID:
                self._give_up(next((t for t in alike if t is not before), alike[0]), now)
        while self._is_full():
            self._give_up(next(iter(self._all.values())), now)
        self._add(request, before, now)
        return False

    def _is_full(self) -> bool:
        limits = self._limits
        return bool(self._all) and (self.bytes >= limits.transactions_bytes or len(self) >= limits.transactions)

    def _add(self, request: Request, before: Transaction | None, now: int) -> None:
        cut_short(request)
        transaction = Transaction(self._next_serial(), self, request, now)
        if before is not None and before.stage is Stage.SETTLING:  # and was not evicted just now
            transaction.follow(before)
            self._close(before, now)
        self._all[transaction.serial] = transaction
        self.bytes += TRANSACTION + len(request.raw)
        self._by_call_id.setdefault(request.call_id, []).append(transaction)
        # The first look is early: most have ended by then, and nothing lasting is left in the queue.
        self.queue.watch(transaction, now + LINGERS)
        if self._early:
            self._reunite(transaction, now)

    def response(self, response: Response, now: int) -> bool:
        """Take a response; return whether it repeats an earlier final one."""
        alike = self._by_call_id.get(response.call_id)
        found = None
        if alike is not None:
            found = _same(alike, response, response.cseq_method, response.path.reverse_key)
            found = found or _same_behind_nat(alike, response)
        if found is None:
            self._too_early(response, now)
            return False
        return found.respond(response, now)

    def missed(self) -> None:
        """Take it that packets were missed: the answer to what is open may have been among them."""
        for transaction in self._all.values():
            transaction.blind = True

    def finish(self, now: int) -> None:
        """Cut off what is open: the capture is over."""
        for transaction in list(self._all.values()):
            self.end(transaction, None, Termination.CUT_OFF, now)
            self.forget(transaction)
        self._early.clear()

    def end(self, transaction: Transaction, response: Response | None, termination: Termination, now: int) -> None:
        """Conclude the attempt whose last transaction this is, unless that was done."""
        request = transaction.request
        if transaction.stage is Stage.ENDED or request is None:
            return
        self._close(transaction, now)
        self._owner.concluded(transaction, request, response, termination, now)

    def _close(self, transaction: Transaction, now: int) -> None:
        transaction.stage = Stage.ENDED
        if transaction.request is not None:
            self.bytes -= len(transaction.request.raw)
            transaction.request = None
        transaction.active_at = now
        self.queue.watch(transaction, now + LINGERS)

    def forget(self, transaction: Transaction) -> None:
        """Let go of a transaction that has ended."""
        if transaction.forgotten:
            return
        transaction.forgotten = True
        self.queue.forget(transaction)
        del self._all[transaction.serial]
        self.bytes -= TRANSACTION if transaction.request is None else TRANSACTION + len(transaction.request.raw)
        alike = self._by_call_id[transaction.call_id]
        alike.remove(transaction)
        if not alike:
            del self._by_call_id[transaction.call_id]

    def _give_up(self, transaction: Transaction, now: int) -> None:
        self._evict("transactions")
        self.end(transaction, None, Termination.CUT_OFF, now)
        self.forget(transaction)

    def _evict(self, table: str) -> None:
        self.evicted[table] = self.evicted.get(table, 0) + 1

    # Final responses captured before their request

    def _too_early(self, response: Response, now: int) -> None:
        if response.status_code < 200:
            return
        early = self._early
        while early:
            key = next(iter(early))
            if now - early[key][0] <= REORDERED_WITHIN and len(early) < MAX_EARLY:
                break
            if now - early[key][0] <= REORDERED_WITHIN:
                self._evict("early")
            del early[key]
        cut_short(response)
        early.setdefault((response.call_id, response.cseq_number, response.branch), (now, response))

    def _reunite(self, transaction: Transaction, now: int) -> None:
        waiting = self._early.get((transaction.call_id, transaction.cseq_number, transaction.branch))
        if waiting is None or waiting[1].path.reverse_key != transaction.path.key:
            return
        del self._early[transaction.call_id, transaction.cseq_number, transaction.branch]
        if now - waiting[0] <= REORDERED_WITHIN and waiting[1].cseq_method == transaction.method:
            transaction.respond(waiting[1], now)


def answers(request: Request, status_code: int) -> bool:
    """Tell whether a request may follow such a final response: only credentials answer a challenge."""
    names = CHALLENGES.get(status_code)
    return names is None or names[1] in request.names


def credentials_refused(request: Request, response: Response) -> bool:
    """Tell whether a challenge answers credentials that were given for its realm, and not as stale (RFC 7616 §3.3)."""
    names = CHALLENGES.get(response.status_code)
    if names is None or names[1] not in request.names:
        return False
    given = {_digest(value).get(b"realm") for value in header_values(request.raw, names[1])}
    challenges = [_digest(value) for value in header_values(response.raw, names[0])]
    fresh = [c for c in challenges if c.get(b"stale", b"").lower() != b"true"]
    return not challenges or any(c.get(b"realm") in given for c in fresh)


def _digest(value: bytes) -> dict[bytes, bytes]:
    """Return the parameters of one ``Digest a=b, c=d`` value."""
    _, _, rest = value.partition(b" ")
    return parameters(b";" + b";".join(split_values(rest)))


def _same(alike: list[Transaction], message: Message, method: str, key: bytes) -> Transaction | None:
    """Return the transaction of this message; ``key`` is the request's direction (§17.1.3, §17.2.3)."""
    for transaction in reversed(alike):
        if (
            transaction.cseq_number == message.cseq_number
            and transaction.branch == message.branch
            and transaction.path.key == key
            and transaction.method == method
        ):
            return transaction
    return None


def _same_behind_nat(alike: list[Transaction], response: Response) -> Transaction | None:
    """Return the transaction whose sender a response goes to, though it comes from elsewhere (§18.2.2)."""
    by_address: Transaction | None = None
    path = response.path
    for transaction in reversed(alike):
        if transaction.cseq_number != response.cseq_number or transaction.method != response.cseq_method:
            continue
        if not response.branch and transaction.path.key == path.reverse_key:
            return transaction  # its Via was lost on the way
        if transaction.branch == response.branch:
            if transaction.path.source == path.destination:
                return transaction
            if transaction.path.source_address == path.destination_address:
                by_address = transaction
    return by_address


def _followed(alike: list[Transaction], request: Request) -> Transaction | None:
    """Return the transaction that a new request follows up on: the nearest, of equals the latest."""
    best: Transaction | None = None
    nearest = 0
    for transaction in reversed(alike):
        nearness = transaction.nearness(request)
        if nearness > nearest:
            best, nearest = transaction, nearness
    return best
