"""Tells what format a file has, by its first bytes and never by its name.

Must not know: files, pipes, link layers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.capture import pcap, pcapng
from sipwatch.capture.errors import CaptureError
from sipwatch.capture.tally import Frame, Tally

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sipwatch.capture.prefilter import MediaFilter
    from sipwatch.capture.reader import Reader

__all__ = ["Frame", "Tally", "frames"]

_EDITCAP = "convert it with editcap, which comes with Wireshark"
_UNPACK = "unpack it first"
_OTHERS = (
    (b"snoop\0\0\0", "a snoop file", _EDITCAP),
    (b"TRSNIFF data", "a Sniffer file", _EDITCAP),
    (b"TRACE NA0", "a Sniffer file", _EDITCAP),
    (b"RTSS", "a Network Monitor file", _EDITCAP),
    (b"GMBU", "a Network Monitor file", _EDITCAP),
    (b"XCP\0", "a NetXRay file", _EDITCAP),
    (b"PK\x03\x04", "a zip archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed", _UNPACK),
    (b"BZh", "bzip2-compressed", _UNPACK),
    (b"\xfd7zXZ", "xz-compressed", _UNPACK),
    (b"\x04\x22\x4d\x18", "lz4-compressed", _UNPACK),
)
_EXPECTED = "expected pcap or pcapng, plain or gzip, as tcpdump -w and Wireshark write"
_LOOKED_AT = 264  # bytes; where the mark of a tar archive ends


def frames(reader: Reader, name: str, tally: Tally, media: MediaFilter) -> Iterator[Frame]:
    """Yield a file's packets; how it ended is in the tally. Raises CaptureError at once when it is no capture."""
    reader.begin()
    magic = reader.peek(4)
    if magic in pcap.MAGICS:
        return pcap.frames(reader, name, tally, media)
    if magic == pcapng.MAGIC:
        return pcapng.frames(reader, name, tally, media)
    beginning = reader.peek(_LOOKED_AT)
    if reader.damage:
        raise CaptureError(f"{name}: {reader.damage} before the first packet; copy it again from where it comes")
    raise CaptureError(f"{name}: {_not_a_capture(beginning)}")


def _not_a_capture(beginning: bytes) -> str:
    if not beginning:
        return "the file is empty, not even a header was written; was the capture stopped too early?"
    for mark, what, remedy in _OTHERS:
        if beginning.startswith(mark):
            return f"this is not a capture file, it looks like {what}; {remedy}"
    if beginning[257:262] == b"ustar":
        return f"this is not a capture file, it looks like a tar archive; {_UNPACK}"
    if beginning.isascii() and min(beginning) > 8:
        return f"this is not a capture file but text; {_EXPECTED}"
    return f"this is not a capture file (it begins with {beginning[:4].hex(' ')}); {_EXPECTED}"
