"""Where packets of HEP version 3 begin in a stream of bytes: told by their heads, since a text may hold the magic.

Must not know: streams, what else is in a packet. Versions 1 and 2 say no length: datagrams carry them.
"""

from __future__ import annotations

import re
from typing import Final

from sipwatch.packet import HEP_3

# Magic, length of all, and the head of the first chunk: vendor, which all agents take for 0 there, type, length.
HEAD: Final = 12
_FIRST: Final = HEP_3[0]
_VENDOR: Final = b"\x00\x00"
_MIN_CHUNK: Final = 6
_AT_END: Final = re.compile(rb"H(?:E(?:P(?:3(?:[\x00-\xff](?:[\x00-\xff]\x00?)?)?)?)?)?\Z").search


def begins_packet(data: bytes, at: int) -> bool:
    """Tell whether a packet begins at a place, as far as is known: a request's method may be HEP3 as well."""
    if data[at] != _FIRST or not data.startswith(HEP_3, at):
        return False
    head = data[at : at + HEAD]
    if len(head) < HEAD:
        return _VENDOR.startswith(head[6:8])
    chunk = int.from_bytes(head[10:], "big")
    return head[6:8] == _VENDOR and _MIN_CHUNK <= chunk <= size_at(data, at) - 6


def size_at(data: bytes, at: int) -> int:
    """Return how long a packet says that it is (bytes, its head included)."""
    return int.from_bytes(data[at + 4 : at + 6], "big")


def next_packet(data: bytes, at: int, end: int) -> int:
    """Return where the next packet begins that begins before ``end``, -1 if none does."""
    place = data.find(HEP_3, at, end + 3)
    while place >= 0:
        if begins_packet(data, place):
            return place
        place = data.find(HEP_3, place + 4, end + 3)
    return -1


def half_packet(data: bytes, at: int) -> int:
    """Return from where the last bytes may be the beginning of a packet, -1 if they are not."""
    found = _AT_END(data, max(at, len(data) - 7))
    return -1 if found is None else found.start()
