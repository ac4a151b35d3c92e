"""Writes capture files: classic pcap with nanoseconds, pcapng where one pcap cannot hold the packets.

Must not know: files, link layers, where packets come from. The same packets give the same bytes.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from sipwatch.capture.patterns import ENHANCED, INTERFACE, SECTION
from sipwatch.packet import SECOND

if TYPE_CHECKING:
    from collections.abc import Sequence

_NANO = 0xA1B23C4D
_SNAP_LENGTH = 262_144  # bytes; what tcpdump says when it cuts nothing
_LAST_SECOND = 0xFFFF_FFFF  # of pcap, in the year 2106
_FILE_HEADER = Struct("<IHHiIII").pack
_RECORD = Struct("<IIII").pack
_BLOCK = Struct("<II").pack
_TOTAL = Struct("<I").pack
_SECTION = Struct("<IHHq").pack
_INTERFACE = Struct("<HHI").pack
_OPTION = Struct("<HH").pack
_ENHANCED = Struct("<IIIII").pack
_BYTE_ORDER = 0x1A2B3C4D
_IF_TSRESOL = 9
_NANOSECONDS = b"\x09\0\0\0"  # ten to the minus nine, padded


class Saved(NamedTuple):
    """A packet to be written: packet time in ns since 1970, LINKTYPE, captured bytes, its length on the wire."""

    time: int
    link_type: int
    data: bytes
    length: int


def extension(packets: Sequence[Saved]) -> str:
    """Return what a file of these packets is called: ``pcap`` with one link type, else ``pcapng``."""
    plain = len({packet.link_type for packet in packets}) <= 1
    return "pcap" if plain and all(packet.time // SECOND <= _LAST_SECOND for packet in packets) else "pcapng"


def capture_file(packets: Sequence[Saved]) -> bytes:
    """Return a capture file of the packets, in the format that ``extension`` names."""
    return _pcap(packets) if extension(packets) == "pcap" else _pcapng(packets)


def _snap_length(packets: Sequence[Saved]) -> int:
    return max([_SNAP_LENGTH, *(len(packet.data) for packet in packets)])


def _pcap(packets: Sequence[Saved]) -> bytes:
    link_type = packets[0].link_type if packets else 1
    parts = [_FILE_HEADER(_NANO, 2, 4, 0, 0, _snap_length(packets), link_type)]
    for time, _, data, length in packets:
        seconds, rest = divmod(time, SECOND)
        parts.append(_RECORD(seconds, rest, len(data), max(length, len(data))) + data)
    return b"".join(parts)


def _pcapng(packets: Sequence[Saved]) -> bytes:
    """Write one section with an interface for each link type (IETF draft-ietf-opsawg-pcapng)."""
    kinds = list(dict.fromkeys(packet.link_type for packet in packets))
    snap_length = _snap_length(packets)
    options = _OPTION(_IF_TSRESOL, 1) + _NANOSECONDS + _OPTION(0, 0)
    parts = [_block(SECTION, _SECTION(_BYTE_ORDER, 1, 0, -1))]
    parts += [_block(INTERFACE, _INTERFACE(kind, 0, snap_length) + options) for kind in kinds]
    for time, kind, data, length in packets:
        head = _ENHANCED(kinds.index(kind), time >> 32, time & 0xFFFF_FFFF, len(data), max(length, len(data)))
        parts.append(_block(ENHANCED, head + data))
    return b"".join(parts)


def _block(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    total = 12 + len(body)
    return _BLOCK(kind, total) + body + _TOTAL(total)
