"""Attempts to register as they wait to be stored: small, their texts bounded, each told from all others.

Must not know: files, tables, threads. All that is in them was written by strangers.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.export import scrub
from sipwatch.export.registrations import EXPIRED
from sipwatch.packet import SECOND
from sipwatch.track.bindings import MAX_NAME_LENGTH, short
from sipwatch.track.events import Registration
from sipwatch.track.transactions import credentials_refused
from sipwatch.wire.message import address_text, decoded
from sipwatch.wire.sip import header

if TYPE_CHECKING:
    from sipwatch.track.events import Unbound
    from sipwatch.wire.message import Path

MARK_BITS: Final = 46  # of what tells an attempt from others that began in the same second
MAX_USER_AGENT: Final = 128  # bytes
_DIGEST: Final = 16  # bytes, of an address of record that is too long


class RegisterAttempt(NamedTuple):
    """An attempt to register, or a binding that ran out (its ``outcome`` is ``EXPIRED``).

    ``at`` is when its last REGISTER was sent, or when it ran out; ``until`` when what was granted ends, 0 without;
    ``delay`` is the time to the 2xx, -1 without (all ns). ``credentials`` says that they were given and refused.
    ``mark`` tells it from others of the same second, and is the same whenever the same packets are read. ``device`` and
    ``registrar`` are IP addresses, ``source`` and ``destination`` their peers.
    """

    mark: int
    at: int
    aor: str
    device: str
    registrar: str
    source: str
    destination: str
    transport: str
    user_agent: str
    outcome: str
    status_code: int
    credentials: bool
    delay: int
    expires: int
    until: int


class HandedAttempt(NamedTuple):
    """What the engine handed in: a result or an end, the peers at both ends, how far the wall's clock is ahead (ns)."""

    event: Registration | Unbound
    ends: tuple[str, str]
    ahead: int


def size_of_attempt(result: Registration) -> int:
    """Return what an attempt that waits takes, its messages above all (bytes)."""
    return len(result.request.raw) + (0 if result.response is None else len(result.response.raw))


def kept_attempt(handed: HandedAttempt) -> RegisterAttempt:
    """Return what was handed in as it is stored."""
    event = handed.event
    if isinstance(event, Registration):
        return _attempt_of(event, handed.ends, handed.ahead)
    return _expiry_of(event, handed.ends, handed.ahead)


def _attempt_of(result: Registration, ends: tuple[str, str], ahead: int) -> RegisterAttempt:
    request, response, path = result.request, result.response, result.path
    granted = result.expires * SECOND if response is not None else 0
    return RegisterAttempt(
        _mark(result.call_id, b"%d %d" % (request.cseq_number, result.started), result.outcome.encode(), path),
        request.time + ahead,
        _aor(short(result.aor)),
        address_text(path.source_address),
        address_text(path.destination_address),
        *ends,
        path.carrier,
        _user_agent(request.raw),
        result.outcome.value,
        result.status_code,
        response is not None and credentials_refused(request, response),
        result.delay,
        result.expires,
        response.time + granted + ahead if response is not None and granted else 0,
    )


def _expiry_of(binding: Unbound, ends: tuple[str, str], ahead: int) -> RegisterAttempt:
    path = binding.path
    return RegisterAttempt(
        _mark(binding.aor, b"%d" % binding.ran_out, EXPIRED.encode(), path),
        binding.ran_out + ahead,
        _aor(binding.aor),
        address_text(path.source_address),
        address_text(path.destination_address),
        *ends,
        path.carrier,
        user_agent="",
        outcome=EXPIRED,
        status_code=0,
        credentials=False,
        delay=-1,
        expires=0,
        until=0,
    )


def _mark(*parts: bytes | Path) -> int:
    digest = blake2b(digest_size=6)
    for part in parts:
        text = part if isinstance(part, bytes) else part.key
        digest.update(b"%d:" % len(text) + text)
    return int.from_bytes(digest.digest(), "big") >> (48 - MARK_BITS)


def _aor(name: bytes) -> str:
    """Write an address of record; of one that is too long there is only a digest, which has no scheme."""
    if len(name) == _DIGEST and b":" not in name:
        return f"longer than {MAX_NAME_LENGTH} bytes, {name.hex()}"
    return scrub.uri(decoded(name))


def _user_agent(raw: bytes) -> str:
    value = header(raw, b"user-agent")
    return decoded(value) if len(value) <= MAX_USER_AGENT else decoded(value[:MAX_USER_AGENT]) + "\u2026"
