"""Other numbers, names and addresses in the place of real ones, always the same under the same key.

Must not know: messages, records, what is hidden, or where a key is kept. Without the key nobody finds the real one
again; with it, nothing can be turned back either, except by trying every number there is.

Numbers keep their shape: as many digits, and two spellings that end alike still end alike, if it is in seven digits
or more. No two numbers get the same pseudonym. Addresses keep their family, and whether they are private:

    15550123              93270461
    alice                 u-k3x9pq2m7a
    Alice Smith           Name-b7twk20qxv
    192.0.2.65            247.18.203.9    of 240.0.0.0/4, which nobody owns (RFC 1112 §4)
    10.1.2.3              10.211.80.14    private (RFC 1918, RFC 6598), so that what follows from it still does
    2001:db8::1           2001:db8:...    of the documentation prefix (RFC 3849)
    fd00::1               fd...           unique local (RFC 4193)
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from ipaddress import IPv4Network, ip_address
from typing import Final
from urllib.parse import unquote

from sipwatch.classify.findings import is_link_local, is_private
from sipwatch.classify.numbers import MIN_NUMBER_LENGTH

_ROUNDS: Final = 8
_LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"  # no two that look alike
_LENGTH: Final = 10  # letters: fifty bits
_REMEMBERED: Final = 65_536
_SHARED: Final = (IPv4Network("0.0.0.0/8"), IPv4Network("127.0.0.0/8"), IPv4Network("224.0.0.0/4"))
_BROADCAST: Final = b"\xff\xff\xff\xff"
_MAPPED: Final = bytes(10) + b"\xff\xff"
_COOKIE: Final = "z9hG4bK"  # RFC 3261 §8.1.1.7: what a branch begins with


class Pseudonyms:
    """Everybody's other name under one key; a key of any length will do, one of 32 random bytes is right."""

    def __init__(self, key: bytes) -> None:
        self._key = blake2b(key, digest_size=32, person=b"sipwatch").digest()
        self.digits = lru_cache(_REMEMBERED)(self._digits)
        self.address = lru_cache(_REMEMBERED)(self._address)

    def number(self, text: str) -> str:
        """Return another number with as many digits, and all else as it is written; escapes are written out."""
        plain = unquote(text) if "%" in text else text
        others = iter(self.digits("".join(one for one in plain if one.isdecimal())))
        return "".join(next(others) if one.isdecimal() else one for one in plain)

    def user(self, text: str) -> str:
        """Return another user part for one that is no number."""
        return f"u-{self._word('user', unquote(text).lower())}"

    def name(self, text: str) -> str:
        """Return another display name."""
        return f"Name-{self._word('name', ' '.join(text.lower().split()))}"

    def token(self, text: str) -> str:
        """Return another identifier; a branch stays one."""
        return f"{_COOKIE if text.startswith(_COOKIE) else ''}{self._word('token', text)}"

    def host(self, text: str) -> str:
        """Return another host name, which leads nowhere (RFC 2606)."""
        return f"h-{self._word('host', text.lower())}.invalid"

    def _word(self, sort: str, text: str) -> str:
        number = self._hash(sort, text.encode("utf-8", "surrogatepass"))
        return "".join(_LETTERS[number >> 5 * place & 31] for place in range(_LENGTH))

    def _hash(self, sort: str, data: bytes) -> int:
        mixed = blake2b(data, digest_size=16, key=self._key, person=sort.encode())
        return int.from_bytes(mixed.digest(), "big")

    # Numbers

    def _digits(self, digits: str) -> str:
        """Return other digits.

        The last seven are turned over as a whole, so that one number whose pseudonym is known says nothing of others.
        What stands before them depends on all that follows: that keeps spellings of one number together.
        """
        head, tail = digits[:-MIN_NUMBER_LENGTH], digits[-MIN_NUMBER_LENGTH:]
        first = len(head) - len(head.lstrip("0"))  # what is dialled before a number (00, 0) stays
        made = self._turned(tail)
        for place in range(len(head) - 1, first - 1, -1):
            shift = self._hash("digit", digits[place + 1 :].encode())
            digit = int(head[place])
            # The first one is no zero, before and after, so that no other number with zeros comes out the same.
            made = f"{(digit - 1 + shift) % 9 + 1 if place == first else (digit + shift) % 10}{made}"
        return head[:first] + made

    def _turned(self, digits: str) -> str:
        """Permute the numbers with so many digits (a Feistel network over decimals)."""
        half = len(digits) // 2
        left, right = int(digits[:half] or 0), int(digits[half:] or 0)
        lefts, rights = 10**half, 10 ** (len(digits) - half)
        for turn in range(_ROUNDS):
            left = (left + self._hash("left", b"%d %d %d" % (len(digits), turn, right))) % lefts
            right = (right + self._hash("right", b"%d %d %d" % (len(digits), turn, left))) % rights
        return f"{left:0{half}d}"[: half or 0] + (f"{right:0{len(digits) - half}d}" if digits else "")

    # Addresses

    def _address(self, packed: bytes) -> bytes:
        """Return another address (packed) of the same family and the same sort.

        Those that name nobody stay: unspecified, loopback, multicast, broadcast.
        """
        if len(packed) == 4:
            return self._ipv4(packed)
        if packed[:12] == _MAPPED:
            return _MAPPED + self._ipv4(packed[12:])
        if packed[:15] == bytes(15) or packed[0] == 0xFF:
            return packed
        other = self._hash("ipv6", packed).to_bytes(16, "big")
        if is_private(packed):
            return b"\xfd" + other[1:]
        return (b"\xfe\x80" + bytes(6) + other[8:]) if is_link_local(packed) else b"\x20\x01\x0d\xb8" + other[4:]

    def _ipv4(self, packed: bytes) -> bytes:
        if packed == _BROADCAST or any(ip_address(packed) in network for network in _SHARED):
            return packed
        other = self._hash("ipv4", packed).to_bytes(16, "big")
        if is_private(packed):
            return b"\x0a" + other[1:4]
        if is_link_local(packed):
            return b"\xa9\xfe" + other[2:4]
        return bytes([0xF0 | other[0] & 0x0F, *other[1:4]]) if other[:4] != _BROADCAST else b"\xf0\0\0\1"
