"""Capture files for tests, in plain struct code: every format, byte order and time resolution."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from sipwatch.capture.files import Prefilter, open_capture

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Frame = tuple[int, int, bytes]  # packet time in ns, LINKTYPE, bytes

SECOND = 1_000_000_000
START = 1_767_603_600 * SECOND  # 2026-01-05 09:00:00 UTC
ORDERS = {"little-endian": "<", "big-endian": ">"}


def packets(
    count: int, *, start: int = START, step: int = 20_000_000, link_type: int = 1, size: int = 5
) -> list[Frame]:
    """Make frames whose bytes say which they are."""
    return [(start + n * step, link_type, b"%05d" % n + bytes(size - 5)) for n in range(count)]


def pcap(
    frames: Sequence[Frame],
    *,
    order: str = "<",
    nano: bool = False,
    modified: bool = False,
    link_type: int | None = None,
) -> bytes:
    """Return a pcap file; its link type is that of the frames."""
    kind = link_type if link_type is not None else frames[0][1] if frames else 1
    magic = 0xA1B2CD34 if modified else 0xA1B23C4D if nano else 0xA1B2C3D4
    unit = 1 if nano else 1000
    parts = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, kind)]
    for time, _, data in frames:
        seconds, rest = divmod(time, SECOND)
        extra = bytes(8) if modified else b""
        parts.append(struct.pack(order + "IIII", seconds, rest // unit, len(data), len(data)) + extra + data)
    return b"".join(parts)


def pcapng(frames: Sequence[Frame], *, order: str = "<", resolution: int = 6, offset: int = 0) -> bytes:
    """Return a pcapng file of one section with an interface for each link type; ``resolution`` is if_tsresol."""
    kinds = list(dict.fromkeys(kind for _, kind, _ in frames)) or [1]
    parts = [section(order), *(interface(order, kind, resolution=resolution, offset=offset) for kind in kinds)]
    return b"".join(
        parts
        + [enhanced(order, kinds.index(kind), units(time, resolution, offset), data) for time, kind, data in frames]
    )


def units(time: int, resolution: int = 6, offset: int = 0) -> int:
    """Convert ns to a pcapng timestamp; what is not exact is rounded up, so that reading rounds back."""
    per_second: int = 2 ** (resolution & 0x7F) if resolution & 0x80 else 10**resolution
    return -(-(time - offset * SECOND) * per_second // SECOND)


def block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    total = 12 + len(body)
    return struct.pack(order + "II", kind, total) + body + struct.pack(order + "I", total)


def section(order: str = "<", *, version: int = 1) -> bytes:
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, version, 0, -1))


def interface(
    order: str = "<", link_type: int = 1, *, resolution: int | None = None, offset: int = 0, snaplen: int = 0
) -> bytes:
    options = option(order, 2, b"eth0")
    if resolution is not None:
        options += option(order, 9, bytes((resolution,)))
    if offset:
        options += option(order, 14, struct.pack(order + "q", offset))
    return block(order, 1, struct.pack(order + "HHI", link_type, 0, snaplen) + options + option(order, 0, b""))


def option(order: str, code: int, value: bytes) -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def enhanced(order: str, number: int, time: int, data: bytes, options: bytes = b"") -> bytes:
    head = struct.pack(order + "IIIII", number, time >> 32, time & 0xFFFFFFFF, len(data), len(data))
    return block(order, 6, head + data + bytes(-len(data) % 4) + options)


def obsolete(order: str, number: int, time: int, data: bytes) -> bytes:
    head = struct.pack(order + "HHIIII", number, 3, time >> 32, time & 0xFFFFFFFF, len(data), len(data))
    return block(order, 2, head + data)


def simple(order: str, data: bytes, original: int | None = None) -> bytes:
    return block(order, 3, struct.pack(order + "I", len(data) if original is None else original) + data)


class Read:
    """All that a source gave: frames, and what it says of them."""

    def __init__(self, *paths: Path | str, prefilter: Prefilter = Prefilter.OFF) -> None:
        with open_capture([str(path) for path in paths], prefilter=prefilter) as source:
            self.frames = list(source)
            self.packets, self.media = source.packets, source.media
            self.first, self.last = source.first, source.last
            self.warnings = source.warnings
            self.bytes_read, self.total_bytes = source.bytes_read, source.total_bytes

    @property
    def told(self) -> tuple[int, int | None, int | None, list[str]]:
        """What must not depend on the filter."""
        return self.packets, self.first, self.last, self.warnings


def read(path: Path, content: bytes, prefilter: Prefilter = Prefilter.OFF) -> Read:
    """Write a file and read it as a capture."""
    path.write_bytes(content)
    return Read(path, prefilter=prefilter)
