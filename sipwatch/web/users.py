"""Basic authentication (RFC 7617) against bcrypt hashes, at a bounded cost.

Must not know: HTTP beyond the header's value, connections, files. A password is in no log and in no table.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import os
from collections import Counter
from enum import Enum
from typing import TYPE_CHECKING

import bcrypt

from sipwatch.web.workers import Busy, Workers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sipwatch.shell.log import Log

MAX_WAITING = 8  # passwords that wait to be looked at
MAX_WAITING_EACH = 2  # of them from one address
MAX_KNOWN = 100  # pairs of user and password that were found right
MAX_PASSWORD_LENGTH = 72  # bytes: bcrypt looks no further


class AuthResult(Enum):
    """What becomes of a request."""

    WELCOME = "welcome"
    UNAUTHORIZED = "unauthorized"
    BUSY = "busy"


class Users:
    """Checks credentials: one password at a time, for hashing it takes a processor a tenth of a second.

    What was found right is remembered, as a keyed digest, so that a scrape does not cost that each time.
    An unknown user takes as long as a known one. Who tries many passwords at once gets no more than
    ``MAX_WAITING_EACH`` places in the queue.
    """

    def __init__(self, log: Log) -> None:
        self.workers = Workers("sipwatch-password", 1)
        self._log = log
        self._turn = asyncio.Lock()
        self._waiting: Counter[str] = Counter()
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
        """Wait for a turn, and compare. Raises Busy when too many wait already."""
        if self._waiting.total() >= MAX_WAITING or self._waiting[client] >= MAX_WAITING_EACH:
            raise Busy
        self._waiting[client] += 1
        try:
            async with self._turn:
                if digest in self._known:  # found right while this one waited
                    return True
                right = await self.workers.run(lambda: _matches(password, hashed))
        finally:
            self._waiting[client] -= 1
            self._waiting += Counter()  # forget whom nothing waits for
        if right:
            self._known[digest] = None
            if len(self._known) > MAX_KNOWN:
                del self._known[next(iter(self._known))]
        return right

    def _digest(self, user: str, hashed: bytes, password: bytes) -> bytes:
        """Return what a pair is remembered as; with another hash in the file it is another pair."""
        name = user.encode("utf-8", "surrogateescape")
        return hmac.digest(self._secret, b"\0".join([name.hex().encode(), hashed, password]), "sha256")


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
