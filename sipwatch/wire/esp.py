"""ESP that encrypts nothing (RFC 2410), recognised by what it carries: IMS protects SIP so (3GPP TS 33.203).

Must not know: SIP beyond its start lines, who negotiated what.

Whether a packet is encrypted, and how long its check value is, the two ends have agreed upon elsewhere. RFC 5879 says
how to tell nevertheless: the padding counts 1, 2, 3 ..., and behind it stands a next header that fits what is in front.
Here the payload has to begin with a SIP start line on top of that; an association known so is believed from then on,
so that the other segments of a TCP stream are read as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.packet import TCP, UDP
from sipwatch.wire.sip import looks_like_sip

if TYPE_CHECKING:
    from sipwatch.wire.limits import Limits

_HEADER: Final = 8  # SPI, sequence number
_LEAST: Final = 20  # a UDP header, a trailer, and some text: less is not looked at
_PADDING: Final = bytes(range(1, 256))
# Bytes of the check value behind the trailer: HMAC-SHA-1-96 and HMAC-MD5-96, HMAC-SHA-256-128, HMAC-SHA-384-192,
# HMAC-SHA-512-256 (RFC 4868), and none at all.
_CHECKS: Final = (12, 16, 24, 32, 0)

Opened = tuple[int, int, int]  # protocol, where it begins, where it ends


class Associations:
    """The security associations known to encrypt nothing; full, the oldest is forgotten, and learned anew."""

    __slots__ = ("_checks", "_most", "evicted")

    def __init__(self, limits: Limits) -> None:
        self._checks: dict[bytes, int] = {}
        self._most = limits.associations
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._checks)

    def open(self, data: bytes, start: int, end: int, ends: bytes) -> Opened | None:
        """Return what an ESP packet from ``start`` to ``end`` carries, None when that cannot be read.

        Of a packet cut by the snap length the trailer is missing, and so nothing is known.
        """
        if end > len(data) or end - start < _HEADER + _LEAST:
            return None
        key = ends + data[start : start + 4]
        check = self._checks.get(key)
        if check is not None:
            return _trailer(data, start, end, check)
        for check in _CHECKS:
            opened = _trailer(data, start, end, check)
            if opened is not None and _begins_sip(data, opened):
                self._learn(key, check)
                return opened
        return None

    def _learn(self, key: bytes, check: int) -> None:
        if len(self._checks) >= self._most:
            del self._checks[next(iter(self._checks))]
            self.evicted += 1
        self._checks[key] = check


def _trailer(data: bytes, start: int, end: int, check: int) -> Opened | None:
    """Read padding, its length and the next header (RFC 4303 §2.4 to 2.6)."""
    at = end - check - 2
    start += _HEADER
    padded = data[at] if at > start else 0
    if at - padded <= start or data[at + 1] not in (TCP, UDP):
        return None
    return (data[at + 1], start, at - padded) if data[at - padded : at] == _PADDING[:padded] else None


def _begins_sip(data: bytes, opened: Opened) -> bool:
    """Tell whether a datagram, or a segment's payload, begins with a start line, and its length is right."""
    protocol, start, end = opened
    if protocol == UDP:
        body = start + 8
        if end < body:
            return False
        return data[start + 4 : start + 6] == (end - start).to_bytes(2, "big") and looks_like_sip(data[body:end])
    if end < start + 20:
        return False
    body = start + (data[start + 12] >> 4) * 4
    return start + 20 <= body <= end and looks_like_sip(data[body:end])
