"""Who calls: the number that From gives or, where it hides it, the one that a trusted peer asserts (RFC 3325).

Must not know: outcomes, records, how numbers are compared.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sipwatch.classify.callbacks import ANONYMOUS
from sipwatch.classify.peers import PeerKind, host_of
from sipwatch.wire.sip import header, header_values, split_values, uri_of, user_of

if TYPE_CHECKING:
    from sipwatch.classify.peers import Directory
    from sipwatch.track.call import Call
    from sipwatch.wire.message import Request

# §5 of RFC 3325: a network asserts identities inside its trust domain. An operator's own servers and the carriers
# that he has configured are in it; a phone, or a stranger, may write there what he likes.
_TRUSTED: Final = frozenset({PeerKind.TRUNK, PeerKind.SERVER})
_ANONYMOUS_HOST: Final = b"anonymous.invalid"  # RFC 3323 §4.1
ANONYMOUS_USERS: Final = frozenset({word.encode() for word in ANONYMOUS})
_NUMBER: Final = re.compile(rb"\+?[0-9][0-9().\-]*")  # as a SIP user part or a tel URI (RFC 3966 §3) spells it
MAX_ASSERTED: Final = 8  # values looked at; RFC 3325 §9.1 knows two, a SIP URI and a tel URI


def caller_number(call: Call, directory: Directory) -> bytes:
    """Return the caller's number or name as written, ``b""`` without one.

    P-Preferred-Identity is only what a caller would like to be called (RFC 3325 §9.2), and is never taken.
    """
    uri = uri_of(header(call.front[0].invite.raw, b"from", b"f"))
    return caller_by(uri, call, directory)


def caller_by(uri: bytes, call: Call, directory: Directory) -> bytes:
    """Return the same where the URI of From has been read already."""
    first = call.front[0]
    user = user_of(uri)
    if b"p-asserted-identity" not in first.invite.names or not _is_anonymous(uri, user):
        return user
    if directory.peer(first.path.source_address).kind not in _TRUSTED:
        return user
    return _asserted(first.invite) or user


def _is_anonymous(uri: bytes, user: bytes) -> bool:
    return user.strip().lower() in ANONYMOUS_USERS or host_of(uri) == _ANONYMOUS_HOST


def _asserted(invite: Request) -> bytes:
    """Return the user that the network asserts, a number before a name; ``b""`` if it names nobody."""
    users: list[bytes] = []
    for line in header_values(invite.raw, b"p-asserted-identity")[:MAX_ASSERTED]:
        for value in split_values(line)[:MAX_ASSERTED]:
            uri = uri_of(value)
            user = user_of(uri)
            if _NUMBER.fullmatch(user) is not None:
                return user
            if not _is_anonymous(uri, user):
                users.append(user)
    return users[0] if users else b""
