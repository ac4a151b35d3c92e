"""The two capture file formats, record by record: pcap and pcapng.

Must not know: files, pipes, link layers.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from sipwatch.capture.errors import CaptureError, Damage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sipwatch.capture.reader import Reader

Frame = tuple[int, int, bytes]  # packet time in ns since 1970, LINKTYPE number, captured bytes

SECOND = 1_000_000_000
# No link layer delivers more; libpcap writes at most 256 KiB. A larger length is damage.
LARGEST_RECORD = 1 << 20
LARGEST_BLOCK = 1 << 24  # pcapng's other blocks: decryption secrets, name resolution

_MICRO, _NANO, _MODIFIED = 0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34
_SECTION, _INTERFACE, _PACKET, _SIMPLE, _ENHANCED = 0x0A0D0D0A, 1, 2, 3, 6
_BYTE_ORDER_MAGIC = b"\x1a\x2b\x3c\x4d"
_TSRESOL, _TSOFFSET = 9, 14


class Tally:
    """What a file has given so far: packets, and the times (ns) of the first and the latest."""

    __slots__ = ("first", "last", "packets")

    def __init__(self) -> None:
        self.packets = 0
        self.first: int | None = None
        self.last: int | None = None

    def add(self, packets: int, first: int, last: int) -> None:
        """Add a stretch of packets."""
        if packets:
            self.packets += packets
            self.last = last
            if self.first is None:
                self.first = first


def frames(reader: Reader, name: str, tally: Tally) -> Iterator[Frame]:
    """Yield a file's packets. Raises CaptureError when it is no capture, Damage where it breaks off."""
    magic = reader.peek(4)
    if not magic:
        raise CaptureError(
            f"{name}: the file is empty; a capture has at least a header. Was the capture stopped too early?"
        )
    for order in ("<", ">"):
        number = Struct(order + "I").unpack(magic)[0] if len(magic) == 4 else 0
        if number in (_MICRO, _NANO, _MODIFIED):
            return _pcap(reader, name, order, number, tally)
        if number == _SECTION:
            return _pcapng(reader, name, tally)
    raise CaptureError(f"{name}: {_not_a_capture(reader.peek(512))}")


def _not_a_capture(beginning: bytes) -> str:
    text = beginning[:256]
    if text.isascii() and not any(byte < 9 for byte in text):
        return "this is a text file, not a capture; expected pcap or pcapng, as tcpdump -w and Wireshark write"
    known = {
        b"\x0a\x0d\x0d\x0a": "",
        b"RTSS": "snoop",
        b"snoo": "snoop",
        b"\x54\x52\x53\x4e": "NetXRay",
        b"PK\x03\x04": "a zip archive",
        b"\x28\xb5\x2f\xfd": "zstd",
        b"BZh9": "bzip2",
        b"\xfd7zX": "xz",
        b"\x7fELF": "a program",
    }
    kind = known.get(beginning[:4])
    hint = (
        f"it looks like {kind}; unpack or convert it (editcap writes pcapng)"
        if kind
        else "expected pcap or pcapng, plain or gzip"
    )
    return f"this is not a capture file: {hint}"


def _pcap(reader: Reader, name: str, order: str, magic: int, tally: Tally) -> Iterator[Frame]:
    header = reader.take(24)
    if len(header) < 24:
        raise CaptureError(f"{name}: the file ends inside its own header, no packet was saved")
    major, _, _, _, _, network = Struct(order + "HHiIII").unpack(header[4:])
    if major != 2:
        raise CaptureError(f"{name}: pcap version {major} is unknown; expected version 2")
    unit = 1 if magic == _NANO else 1000
    extra = 8 if magic == _MODIFIED else 0  # Kuznetsov's format: interface, protocol, packet type
    return _pcap_records(reader, Struct(order + "IIII"), unit, extra, network & 0xFFFF, tally)


def _pcap_records(
    reader: Reader, record: Struct, unit: int, extra: int, link_type: int, tally: Tally
) -> Iterator[Frame]:
    """Yield the records of a pcap file; this loop runs for every packet."""
    unpack = record.unpack_from
    skip = 16 + extra
    while True:
        buffer = reader.buffer
        at = reader.at
        last_start = len(buffer) - skip
        size = len(buffer)
        packets = 0
        first = time = 0
        try:
            while at <= last_start:
                seconds, fraction, captured, _ = unpack(buffer, at)
                end = at + skip + captured
                if end > size:
                    if captured > LARGEST_RECORD:
                        raise Damage(f"absurd record length {captured}")
                    break
                time = seconds * SECOND + fraction * unit
                if not packets:
                    first = time
                packets += 1
                data = buffer[at + skip : end]
                at = end
                yield time, link_type, data
        finally:
            reader.at = at
            tally.add(packets, first, time)
        if not reader.more():
            if reader.at < len(reader.buffer):
                raise Damage("cut off in the middle of a record")
            return


class _Interface:
    __slots__ = ("link_type", "offset", "per_second", "snaplen")

    def __init__(self, link_type: int, snaplen: int) -> None:
        self.link_type = link_type
        self.snaplen = snaplen
        self.per_second = 1_000_000
        self.offset = 0

    def time(self, units: int) -> int:
        if self.per_second == 1_000_000:
            return units * 1000 + self.offset
        return units * SECOND // self.per_second + self.offset


def _pcapng(reader: Reader, name: str, tally: Tally) -> Iterator[Frame]:
    order = _byte_order(reader.peek(12))
    if order is None:
        raise CaptureError(f"{name}: the pcapng section header is damaged")
    return _pcapng_blocks(reader, tally)


def _byte_order(block: bytes) -> str | None:
    magic = block[8:12]
    if magic == _BYTE_ORDER_MAGIC:
        return ">"
    return "<" if magic[::-1] == _BYTE_ORDER_MAGIC else None


def _pcapng_blocks(reader: Reader, tally: Tally) -> Iterator[Frame]:
    order = "<"
    interfaces: list[_Interface] = []
    latest = 0
    while True:
        head = reader.peek(12)
        if not head:
            return
        if head[:4] == b"\x0a\x0d\x0d\x0a":
            found = _byte_order(head)
            if found is None:
                raise Damage("damaged section header")
            order, interfaces = found, []
        kind, total = _pair(order, head)
        if len(head) < 12 or total < 12 or total % 4 or total > LARGEST_BLOCK:
            raise Damage("cut off in the middle of a block" if len(head) < 12 else f"absurd block length {total}")
        block = reader.take(total)
        if len(block) < total:
            raise Damage("cut off in the middle of a block")
        if kind == _INTERFACE:
            interfaces.append(_interface(order, block))
        elif kind in (_ENHANCED, _PACKET, _SIMPLE):
            frame = _packet(order, kind, block, interfaces, latest)
            latest = frame[0]
            tally.add(1, latest, latest)
            yield frame


def _pair(order: str, data: bytes) -> tuple[int, int]:
    kind, total = Struct(order + "II").unpack(data[:8].ljust(8, b"\0"))
    return kind, total


def _interface(order: str, block: bytes) -> _Interface:
    if len(block) < 20:
        raise Damage("damaged interface description")
    link_type, _, snaplen = Struct(order + "HHI").unpack(block[8:16])
    interface = _Interface(link_type, snaplen)
    at = 16
    option = Struct(order + "HH")
    while at + 4 <= len(block) - 4:
        code, length = option.unpack(block[at : at + 4])
        value = block[at + 4 : at + 4 + length]
        if code == _TSRESOL and length == 1:
            power = value[0] & 0x7F
            interface.per_second = 2**power if value[0] & 0x80 else 10**power
        elif code == _TSOFFSET and length == 8:
            interface.offset = Struct(order + "q").unpack(value)[0] * SECOND
        elif not code:
            break
        at += 4 + length + -length % 4
    return interface


def _packet(order: str, kind: int, block: bytes, interfaces: list[_Interface], latest: int) -> Frame:
    """Read a packet block; a simple one has no time of its own and takes that of the one before."""
    if kind == _SIMPLE:
        number, start = 0, 12
        original = _pair(order, block[8:16])[0]
        length = min(original, interfaces[0].snaplen or original) if interfaces else original
    else:
        if len(block) < 32:
            raise Damage("damaged packet block")
        number, high, low, length, _ = Struct(order + "IIIII").unpack(block[8:28])
        start = 28
        if kind == _PACKET:  # obsolete: 16 bits of interface number, 16 of drops
            number = Struct(order + "H").unpack(block[8:10])[0]
    if number >= len(interfaces):
        raise Damage(f"packet of interface {number}, which is not described")
    if start + length > len(block) - 4:
        raise Damage(f"absurd record length {length}")
    interface = interfaces[number]
    time = latest if kind == _SIMPLE else interface.time(high << 32 | low)
    return time, interface.link_type, block[start : start + length]
