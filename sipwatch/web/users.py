"""Basic authentication (RFC 7617) against bcrypt hashes, at a bounded cost.

Must not know: HTTP beyond the header's value, connections, files. A password is in no log and in no table.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import os
from enum import Enum
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, TypeVar

import bcrypt

from sipwatch.web.workers import Busy, Workers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sipwatch.shell.log import Log

MAX_WAITING = 8  # passwords that wait to be looked at
MAX_WAITING_EACH = 2  # of them from one address
MAX_ADDRESSES = 1000  # that are remembered for passwords that were right, and as many for wrong ones
MAX_KNOWN = 100  # pairs of user and password that were found right
MAX_PASSWORD_LENGTH = 72  # bytes: bcrypt looks no further


T = TypeVar("T")


class AuthResult(Enum):
    """What becomes of a request."""

    WELCOME = "welcome"
    UNAUTHORIZED = "unauthorized"
    BUSY = "busy"


class Waiter:
    """A place in the queue; ``turn`` comes true when it is its turn, or raises Busy when a better one needs it."""

    __slots__ = ("client", "turn")

    def __init__(self, client: str) -> None:
        self.client = client
        self.turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Users:
    """Checks credentials: one password at a time, for hashing it takes a processor a tenth of a second.

    What was found right is remembered, as a keyed digest, so that a scrape does not cost that each time.
    An unknown user takes as long as a known one. Who tries many passwords at once gets no more than
    ``MAX_WAITING_EACH`` places in the queue. First in it are addresses from which a right password came before, then
    those from which the fewest wrong ones came; when it is full, the last of these has to go. So whoever guesses, from
    however many addresses, gets in the way of others no more than once from each.
    """

    def __init__(self, log: Log) -> None:
        self.workers = Workers("sipwatch-password", 1)
        self._log = log
        self._waiting: list[Waiter] = []  # the one whose turn it is among them
        self._turn: Waiter | None = None
        self._let_in: dict[str, None] = {}  # from where a right password came, the latest last
        self._wrong: dict[str, int] = {}  # ... and how many wrong ones, if none was right
        self._secret = os.urandom(32)
        self._known: dict[bytes, None] = {}  # in the order they were found

    async def check(self, users: Mapping[str, bytes], authorization: str | None, client: str) -> AuthResult:
        """Judge an Authorization header, None when there is none.

        ``client`` is whose address it comes from.
        """
        if authorization is None:
            return AuthResult.UNAUTHORIZED  # every browser begins like this
        credentials = _credentials(authorization)
        if credentials is None:
            self._log.event("warning", "unauthorized", client=client, reason="no basic authentication")
            return AuthResult.UNAUTHORIZED
        user, password = credentials
        hashed = users.get(user)
        digest = self._digest(user, hashed or b"", password)
        if hashed is not None and digest in self._known:
            return AuthResult.WELCOME
        try:
            right = await self._compare(password, hashed or _nobodys(users), digest, client)
        except Busy:
            self._log.event("warning", "password_not_checked", client=client, reason="too many at once")
            return AuthResult.BUSY
        if right and hashed is not None:
            return AuthResult.WELCOME
        self._log.event("warning", "unauthorized", user=user, client=client)
        return AuthResult.UNAUTHORIZED

    async def _compare(self, password: bytes, hashed: bytes, digest: bytes, client: str) -> bool:
        """Wait for a turn, and compare. Raises Busy when too many wait that have to come first."""
        place = self._queue(network(client))
        try:
            await place.turn
        except BaseException:  # no turn: sent away, or nobody asks any more
            self._leave(place)
            raise
        if digest in self._known:  # found right while this one waited
            self._leave(place)
            return True
        return await asyncio.shield(asyncio.ensure_future(self._hash(place, password, hashed, digest)))

    async def _hash(self, place: Waiter, password: bytes, hashed: bytes, digest: bytes) -> bool:
        """Compare, and remember what came of it; to its end, also when nobody waits for it any more."""
        try:
            right = await self.workers.run(lambda: _matches(password, hashed))
            self._note(place.client, right=right)
            if right:
                self._known[digest] = None
                if len(self._known) > MAX_KNOWN:
                    del self._known[next(iter(self._known))]
            return right
        finally:
            self._leave(place)

    # The queue

    def _queue(self, client: str) -> Waiter:
        """Take a place, from somebody less welcome if need be. Raises Busy."""
        if len([place for place in self._waiting if place.client == client]) >= MAX_WAITING_EACH:
            raise Busy
        if len(self._waiting) >= MAX_WAITING:
            # The latest of the least welcome. Whose turn it is cannot be sent away: hashing goes on to its end.
            others = reversed([place for place in self._waiting if place is not self._turn])
            last = max(others, key=self._rank, default=None)
            if last is None or self._rank(last) <= self._rank_of(client):
                raise Busy
            self._waiting.remove(last)
            if not last.turn.done():
                last.turn.set_exception(Busy())
        place = Waiter(client)
        self._waiting.append(place)
        self._next()
        return place

    def _leave(self, place: Waiter) -> None:
        if place in self._waiting:
            self._waiting.remove(place)
        if place is self._turn:
            self._turn = None
        self._next()

    def _next(self) -> None:
        """Let the most welcome of those who wait have its turn, if it is nobody's."""
        waiting = [place for place in self._waiting if not place.turn.done()]
        if self._turn is None and waiting:
            self._turn = min(waiting, key=self._rank)
            self._turn.turn.set_result(None)

    def _rank(self, place: Waiter) -> int:
        return self._rank_of(place.client)

    def _rank_of(self, client: str) -> int:
        """Return how unwelcome an address is: by how often it was wrong, and before all others if it was ever right."""
        return -1 if client in self._let_in else self._wrong.get(client, 0)

    def _note(self, client: str, *, right: bool) -> None:
        if right:
            self._wrong.pop(client, None)
            _keep(self._let_in, client, None)
        elif client not in self._let_in:
            _keep(self._wrong, client, self._wrong.get(client, 0) + 1)

    def _digest(self, user: str, hashed: bytes, password: bytes) -> bytes:
        """Return what a pair is remembered as; with another hash in the file it is another pair."""
        name = user.encode("utf-8", "surrogateescape")
        return hmac.digest(self._secret, b"\0".join([name.hex().encode(), hashed, password]), "sha256")


def network(client: str) -> str:
    """Return what stands for whoever is behind an address: of IPv6 the network, in which anybody may have many."""
    try:
        return IPv6Address(client).exploded[:19]  # /64
    except ValueError:
        return client


def _keep(table: dict[str, T], key: str, value: T) -> None:
    """Put an entry last, and let the oldest go when there are too many."""
    table.pop(key, None)
    table[key] = value
    if len(table) > MAX_ADDRESSES:
        del table[next(iter(table))]


def _credentials(authorization: str) -> tuple[str, bytes] | None:
    """Return user and password of a header's value, None when it is not of this scheme or garbled."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(rest.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return (user.decode("utf-8", "surrogateescape"), password) if colon else None


def _nobodys(users: Mapping[str, bytes]) -> bytes:
    """Return a hash that no password has, and that takes as long as the slowest real one."""
    return max((hashed[:7] for hashed in users.values()), key=lambda start: start[4:6]) + b"." * 53


def _matches(password: bytes, hashed: bytes) -> bool:
    try:
        return bcrypt.checkpw(password[:MAX_PASSWORD_LENGTH], hashed)
    except ValueError:  # a NUL, to some versions
        return False
