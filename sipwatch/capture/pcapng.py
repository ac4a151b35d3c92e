"""pcapng files, block by block: several sections, interfaces, byte orders and time resolutions.

Must not know: files, pipes, link layers. Format: draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

from itertools import chain
from struct import Struct
from typing import TYPE_CHECKING

from sipwatch.capture import patterns
from sipwatch.capture.errors import CaptureError, Damage
from sipwatch.capture.patterns import ENHANCED, INTERFACE, PACKET, SECTION, SIMPLE, STATISTICS
from sipwatch.capture.pcap import MAX_RECORD_SIZE
from sipwatch.capture.tally import LATEST, Frame, Tally
from sipwatch.packet import SECOND

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    from sipwatch.capture.prefilter import MediaFilter
    from sipwatch.capture.reader import Reader

MAGIC = b"\x0a\x0d\x0d\x0a"
MAX_BLOCK_SIZE = 1 << 24  # name resolution, decryption secrets; a packet block is no larger than its packet
MAX_INTERFACES = 1 << 16  # what the obsolete packet block can number

_BYTE_ORDER_MAGIC = b"\x1a\x2b\x3c\x4d"
_MIN_BLOCK_SIZE = 12
_SECTION_START = 16  # up to the version
_PACKET_HEADER = 24  # up to the captured length
_TIME_RESOLUTION, _TIME_OFFSET = 9, 14  # interface options
_INTERFACE_DROPS, _SYSTEM_DROPS = 5, 7  # options of interface statistics
_FILTERED_INTERFACES = 8  # the first ones; the rest are read plainly


class Interface:
    """What an interface description says of its packets."""

    __slots__ = ("link_type", "offset", "per_second", "plain_below", "scale", "snaplen")

    def __init__(self, link_type: int, snaplen: int, per_second: int = 1_000_000, offset: int = 0) -> None:
        self.link_type = link_type
        self.snaplen = snaplen
        self.per_second = per_second
        self.offset = offset  # ns
        # Where a unit is so many ns and nothing else counts, up to which higher half of a time calendars know it.
        self.scale = 0 if SECOND % per_second or offset else SECOND // per_second
        self.plain_below = (LATEST // self.scale) >> 32 if self.scale else 0

    def time(self, units: int) -> int:
        """Convert a packet's time to ns since 1970, within the years that calendars know."""
        return min(max(units * SECOND // self.per_second + self.offset, 0), LATEST)


class Section:
    """One section of a file: its byte order and the interfaces described so far."""

    __slots__ = ("_drops", "_key", "dropped", "enhanced", "interfaces", "latest", "order", "pair", "word")

    def __init__(self, order: str) -> None:
        self.order = order
        self.interfaces: list[Interface] = []
        self.word = Struct(order + "I")
        self.pair = Struct(order + "II")
        self.enhanced = Struct(order + "IIIIII")  # type, length, interface, time high and low, captured length
        self.dropped = 0  # packets lost while capturing
        self.latest = 0  # ns; of the packet read last, also of a section before
        self._drops: dict[int, int] = {}
        self._key: tuple[object, ...] | None = None

    @property
    def key(self) -> tuple[object, ...] | None:
        """Name the pattern, None where no interface has a link type that the patterns know."""
        return self._key

    def pattern(self, length: int) -> re.Pattern[bytes]:
        """Compile the pattern for blocks of a length."""
        return patterns.pcapng(self.order, self._link_types(), length)

    def sample(self, buffer: bytes, at: int) -> Iterator[tuple[int, int, bytes]]:
        """Yield block length, link type and bytes of the packets from an offset on, up to anything odd."""
        while at + 28 <= len(buffer):
            kind, total, number, _, _, captured = self.enhanced.unpack_from(buffer, at)
            if total < _MIN_BLOCK_SIZE or at + total > len(buffer) or kind == SECTION:
                return
            if kind == ENHANCED and number < len(self.interfaces):
                yield total, self.interfaces[number].link_type, buffer[at + 28 : at + 28 + captured]
            at += total

    def time(self, buffer: bytes, at: int) -> int:
        """Return the time (ns) of the enhanced packet at an offset."""
        _, _, number, high, low, _ = self.enhanced.unpack_from(buffer, at)
        interface: Interface = self.interfaces[number]
        return interface.time(high << 32 | low)

    def block(self, buffer: bytes, at: int, end: int, latest: int) -> Frame | None:
        """Read a block of any kind. A packet is returned; raises Damage for one that makes no sense.

        A simple packet has no time of its own and takes that of the packet before (``latest``).
        """
        if self.word.unpack_from(buffer, end - 4)[0] != end - at:
            raise Damage("a block whose two lengths differ,")
        kind = self.word.unpack_from(buffer, at)[0]
        if kind in (ENHANCED, PACKET):
            return self._packet(buffer, at, end)
        if kind == SIMPLE:
            return self._simple(buffer, at, end, latest)
        if kind == INTERFACE:
            self._describe(buffer[at:end])
        elif kind == STATISTICS:
            self._count_drops(buffer[at:end])
        return None

    def _packet(self, buffer: bytes, at: int, end: int) -> Frame:
        if end - at < 32:
            raise Damage("damaged packet block")
        kind, _, number, high, low, captured = self.enhanced.unpack_from(buffer, at)
        if kind == PACKET:  # obsolete: 16 bits of interface number, 16 of drops
            number = number & 0xFFFF if self.order == "<" else number >> 16
        interface = self._interface(number)
        start = at + 28
        if start + captured > end - 4 or captured > MAX_RECORD_SIZE:
            raise Damage(f"absurd record length {captured}")
        return interface.time(high << 32 | low), interface.link_type, buffer[start : start + captured]

    def _simple(self, buffer: bytes, at: int, end: int, latest: int) -> Frame:
        interface = self._interface(0)
        if end - at < 16:
            raise Damage("damaged packet block")
        original = self.word.unpack_from(buffer, at + 8)[0]
        captured = min(original, interface.snaplen or original)
        start = at + 12
        if start + captured > end - 4 or captured > MAX_RECORD_SIZE:
            raise Damage(f"absurd record length {captured}")
        return latest, interface.link_type, buffer[start : start + captured]

    def _interface(self, number: int) -> Interface:
        if number >= len(self.interfaces):
            raise Damage(f"a packet of interface {number}, which is not described,")
        return self.interfaces[number]

    def _describe(self, block: bytes) -> None:
        if len(block) < 20:
            raise Damage("damaged interface description")
        if len(self.interfaces) >= MAX_INTERFACES:
            raise Damage(f"more than {MAX_INTERFACES} interfaces")
        link_type, _, snaplen = Struct(self.order + "HHI").unpack_from(block, 8)
        per_second, offset = 1_000_000, 0
        for code, value in self._options(block[16:-4]):
            if code == _TIME_RESOLUTION and len(value) == 1:
                power = value[0] & 0x7F
                per_second = 2**power if value[0] & 0x80 else 10**power
            elif code == _TIME_OFFSET and len(value) == 8:
                offset = Struct(self.order + "q").unpack(value)[0] * SECOND
        self.interfaces.append(Interface(link_type, snaplen, per_second, offset))
        link_types = self._link_types()
        self._key = (self.order, *link_types) if patterns.LINK_TYPES & set(link_types) else None

    def _count_drops(self, block: bytes) -> None:
        """Read how many packets an interface lost so far, by its own count and by the operating system's."""
        if len(block) < 24:
            return
        number = self.word.unpack_from(block, 8)[0]
        lost = sum(
            Struct(self.order + "Q").unpack(value)[0]
            for code, value in self._options(block[20:-4])
            if code in (_INTERFACE_DROPS, _SYSTEM_DROPS) and len(value) == 8
        )
        if number < len(self.interfaces):
            self.dropped += lost - self._drops.get(number, 0)  # the latest block of an interface has its total
            self._drops[number] = lost

    def _options(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        unpack = Struct(self.order + "HH").unpack_from
        at = 0
        while at + 4 <= len(data):
            code, length = unpack(data, at)
            if not code:
                return
            yield code, data[at + 4 : at + 4 + length]
            at += 4 + length + -length % 4

    def _link_types(self) -> list[int]:
        return [interface.link_type for interface in self.interfaces[:_FILTERED_INTERFACES]]


def frames(reader: Reader, name: str, tally: Tally, media: MediaFilter) -> Iterator[Frame]:
    """Yield a pcapng file's packets. Raises CaptureError at once when its beginning is of no use."""
    header = reader.peek(_SECTION_START)
    if len(header) < _SECTION_START:
        why = reader.damage or "the file ends inside its own header"
        raise CaptureError(f"{name}: {why}, no packet was saved; capture again")
    try:
        section = _section(header, 0)
    except Damage as damage:
        raise CaptureError(f"{name}: {damage}; convert it with editcap, or capture again") from None
    return chain.from_iterable(_stretches(reader, section, tally, media))


def _section(buffer: bytes, at: int) -> Section:
    """Begin a section; its header must be there up to the version."""
    magic = buffer[at + 8 : at + 12]
    if _BYTE_ORDER_MAGIC not in (magic, magic[::-1]):
        raise Damage("damaged section header")
    section = Section(">" if magic == _BYTE_ORDER_MAGIC else "<")
    major = Struct(section.order + "H").unpack_from(buffer, at + 12)[0]
    if major != 1:
        raise Damage(f"pcapng version {major} is unknown, expected 1")
    return section


def _next_section(reader: Reader) -> Section | None:
    """Pass over a section header; None if something else is next, or not all of it is there. Raises Damage."""
    buffer, at = reader.buffer, reader.at
    if buffer[at : at + 4] != MAGIC or at + _SECTION_START > len(buffer):
        return None
    section = _section(buffer, at)
    total = section.word.unpack_from(buffer, at + 4)[0]
    _check_length(total)
    if at + total > len(buffer):
        return None
    section.block(buffer, at, at + total, 0)
    reader.at = at + total
    return section


def _check_length(total: int) -> None:
    if total < _MIN_BLOCK_SIZE or total & 3 or total > MAX_BLOCK_SIZE:
        raise Damage(f"absurd block length {total}")


def _stretches(reader: Reader, section: Section, tally: Tally, media: MediaFilter) -> Iterator[Iterator[Frame]]:
    """Yield the packets of each section, a buffer at a time. To chain them costs nothing for each (see ``pcap``)."""
    dropped = 0  # in sections that are over
    try:
        while True:
            yield _packets(reader, section, tally, media)
            tally.dropped = dropped + section.dropped
            if tally.damage:
                return
            following = _next_section(reader)
            if following is not None:
                dropped = tally.dropped
                following.latest = section.latest
                section = following
            elif not reader.more():
                tally.damage = reader.end("block")
                return
    except Damage as damage:
        tally.damage = str(damage)
    finally:
        reader.close()


def _packets(  # noqa: C901, PLR0912, PLR0915 - calls would cost more than the work
    reader: Reader, section: Section, tally: Tally, media: MediaFilter
) -> Iterator[Frame]:
    """Yield the packets up to the next section, or to the end of the buffer.

    This runs for every packet, which is why it is one long loop.
    """
    unpack, word, interfaces = section.enhanced.unpack_from, section.word.unpack_from, section.interfaces
    buffer, at = reader.buffer, reader.at
    size = len(buffer)
    last_start = size - _MIN_BLOCK_SIZE
    packets = skipped = first = 0
    time = section.latest  # ns
    before = tally.packets
    unseen = -1  # where the last packet is, if it was skipped
    run_of = media.runs(section, buffer, at).get
    try:
        while at <= last_start:
            if at + _PACKET_HEADER <= size:
                kind, total, number, high, low, captured = unpack(buffer, at)
            else:
                kind, total = section.pair.unpack_from(buffer, at)
                number = high = low = 0
                captured = total  # no packet fits into a block as short as that
            if kind == ENHANCED:
                run = run_of(total)
                if run is not None and (end := run(buffer, at).end()) > at:  # type: ignore[union-attr]
                    if not packets:
                        first = section.time(buffer, at)
                    count = (end - at) // total
                    packets += count
                    skipped += count
                    unseen = end - total
                    at = end
                    continue
            elif kind == SECTION:
                break
            elif unseen >= 0:
                time = section.time(buffer, unseen)
                unseen = -1
            end = at + total
            if total < _MIN_BLOCK_SIZE or total & 3 or total > MAX_BLOCK_SIZE or end > size:
                _check_length(total)
                break
            if (
                kind == ENHANCED
                and captured + 32 <= total
                and captured <= MAX_RECORD_SIZE
                and number < len(interfaces)
                and word(buffer, end - 4)[0] == total
                and high < (interface := interfaces[number]).plain_below
            ):
                time = (high << 32 | low) * interface.scale
                link_type = interface.link_type
                data = buffer[at + 28 : at + 28 + captured]
            else:
                frame = section.block(buffer, at, end, time)
                if frame is None:
                    at = end
                    continue
                time, link_type, data = frame
            if not packets:
                first = time
            packets += 1
            at, unseen = end, -1
            tally.number = before + packets
            yield time, link_type, data
    except Damage as damage:
        tally.damage = str(damage)
    finally:
        reader.at = at
        tally.media += skipped
        section.latest = time if unseen < 0 else section.time(buffer, unseen)
        tally.add(packets, first, section.latest)
