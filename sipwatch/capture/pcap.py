"""Classic pcap files, record by record: microseconds and nanoseconds, both byte orders, Kuznetsov's variant.

Must not know: files, pipes, link layers.
"""

from __future__ import annotations

from itertools import chain
from struct import Struct
from typing import TYPE_CHECKING

from sipwatch.capture import patterns
from sipwatch.capture.errors import CaptureError
from sipwatch.packet import SECOND

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    from sipwatch.capture.prefilter import MediaFilter
    from sipwatch.capture.reader import Reader
    from sipwatch.capture.tally import Frame, Tally

# libpcap writes 256 KiB at most, from whatever link we decode. A larger length is damage; the limit must
# not be below the reader's chunk, or it would depend on how the bytes came whether a length is too large.
MAX_RECORD_SIZE = 1 << 20

_FILE_HEADER = 24
_RECORD_HEADER = 16
_MICRO, _NANO, _MODIFIED = 0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34
MAGICS = {
    number.to_bytes(4, "little" if order == "<" else "big"): (order, number)
    for number in (_MICRO, _NANO, _MODIFIED)
    for order in "<>"
}


class FileHeader:
    """What the header of a file says of its records."""

    __slots__ = ("header", "link_type", "order", "skip", "unit")

    def __init__(self, order: str, magic: int, link_type: int) -> None:
        self.order = order
        self.header = Struct(order + "III")  # seconds, fraction, captured length
        self.unit = 1 if magic == _NANO else 1000
        # Kuznetsov's format has interface, protocol and packet type behind the four numbers.
        self.skip = _RECORD_HEADER + (8 if magic == _MODIFIED else 0)
        self.link_type = link_type

    @property
    def key(self) -> tuple[object, ...] | None:
        """Name the pattern; a file has one. None for what the patterns do not know."""
        known = self.skip == _RECORD_HEADER and self.link_type in patterns.LINK_TYPES
        return (self.link_type,) if known else None

    def pattern(self, length: int) -> re.Pattern[bytes]:
        """Compile the pattern for records with a captured length."""
        return patterns.pcap(self.order, self.link_type, length)

    def sample(self, buffer: bytes, at: int) -> Iterator[tuple[int, int, bytes]]:
        """Yield captured length, link type and bytes of the records from an offset on."""
        while at + self.skip <= len(buffer):
            length = self.header.unpack_from(buffer, at)[2]
            at += self.skip + length
            if at > len(buffer):
                return
            yield length, self.link_type, buffer[at - length : at]

    def time(self, buffer: bytes, at: int) -> int:
        """Return the time (ns) of the record at an offset."""
        seconds, fraction, _ = self.header.unpack_from(buffer, at)
        return int(seconds * SECOND + fraction * self.unit)


def frames(reader: Reader, name: str, tally: Tally, media: MediaFilter) -> Iterator[Frame]:
    """Yield a pcap file's packets. Raises CaptureError at once when its header is of no use."""
    header = reader.peek(_FILE_HEADER)
    if len(header) < _FILE_HEADER:
        why = reader.damage or "the file ends inside its own header"
        raise CaptureError(f"{name}: {why}, no packet was saved; capture again")
    order, magic = MAGICS[header[:4]]
    major, minor, _, _, _, network = Struct(order + "HHiIII").unpack(header[4:])
    if major != 2:
        raise CaptureError(f"{name}: pcap version {major}.{minor} is unknown, expected 2.4; convert it with editcap")
    reader.at += _FILE_HEADER
    return chain.from_iterable(_chunks(reader, FileHeader(order, magic, network & 0xFFFF), tally, media))


def _chunks(reader: Reader, layout: FileHeader, tally: Tally, media: MediaFilter) -> Iterator[Iterator[Frame]]:
    """Yield the packets of one buffer after the other. To chain them costs nothing for each, unlike ``yield from``."""
    try:
        while True:
            yield _records(reader, layout, tally, media)
            if tally.damage:
                return
            if not reader.more():
                tally.damage = reader.end("record")
                return
    finally:
        reader.close()


def _records(reader: Reader, layout: FileHeader, tally: Tally, media: MediaFilter) -> Iterator[Frame]:
    """Yield the records that are whole in the buffer. This runs for every packet, which is why it is one long loop."""
    unpack = layout.header.unpack_from
    skip, unit, link_type = layout.skip, layout.unit, layout.link_type
    buffer, at = reader.buffer, reader.at
    size = len(buffer)
    last_start = size - skip
    packets = skipped = 0
    before = tally.packets
    second = unseen = -1  # ``unseen``: where the last record is, if it was skipped
    base = first = time = 0  # ns
    run_of = media.runs(layout, buffer, at).get
    try:
        while at <= last_start:
            seconds, fraction, captured = unpack(buffer, at)
            if seconds != second:
                second = seconds
                base = seconds * SECOND
            if not packets:
                first = base + fraction * unit
            run = run_of(captured)
            if run is not None and (end := run(buffer, at).end()) > at:  # type: ignore[union-attr]
                count = (end - at) // (skip + captured)
                packets += count
                skipped += count
                unseen = end - skip - captured
                at = end
                continue
            end = at + skip + captured
            if end > size:
                if captured > MAX_RECORD_SIZE:
                    tally.damage = f"absurd record length {captured}"
                break
            time = base + fraction * unit
            packets += 1
            data = buffer[at + skip : end]
            at = end
            unseen = -1
            tally.number = before + packets
            yield time, link_type, data
    finally:
        reader.at = at
        tally.media += skipped
        tally.add(packets, first, time if unseen < 0 else layout.time(buffer, unseen))
