"""The messages of calls that are not over yet, on disk: whether they are worth keeping is known with the verdict.

Must not know: calls, tables, threads.

Messages are numbered in the order in which they come. They are written to segments, one file after the other; of each
segment only where its messages are stays in memory, and how many of them somebody may still ask for. A segment of which
nobody will ask is unlinked at once, so that the spool is as large as the messages of open calls; where that is more
than it may be, what is left of the oldest segment is written anew if it is little, and given up if it is much.
"""

from __future__ import annotations

import contextlib
import os
from array import array
from bisect import bisect_left, bisect_right
from struct import Struct
from typing import IO, TYPE_CHECKING, Final, NamedTuple

from sipwatch.wire.message import Transport

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

SEGMENT: Final = 4 << 20  # bytes of a file
DEFAULT_SPOOL: Final = 1 << 30  # bytes
_LITTLE: Final = 2  # what is left of a segment is little if it is less than this part
_HEAD: Final = Struct("<qBBHHIH")  # time, transport, length of ends, link type + 1, of before, raw, after
_TRANSPORTS: Final = tuple(Transport)
_PLACE_OF: Final = {transport: place for place, transport in enumerate(_TRANSPORTS)}
_MAX_AROUND: Final = 0xFFFF


class Kept(NamedTuple):
    """A message as it was captured: packet time (ns), transport, ends (``wire.message.Path.key``), text.

    ``link_type`` is -1, and what stood around the text in its packet empty, where it had no packet of its own.
    """

    time: int
    transport: Transport
    ends: bytes
    raw: bytes
    link_type: int = -1
    before: bytes = b""
    after: bytes = b""


def packed(message: Kept) -> bytes:
    """Return a message as it stands in a segment."""
    time, transport, ends, raw, link_type, before, after = message
    if len(before) > _MAX_AROUND or len(after) > _MAX_AROUND or not 0 <= link_type < _MAX_AROUND:
        link_type, before, after = -1, b"", b""
    head = _HEAD.pack(time, _PLACE_OF[transport], len(ends), link_type + 1, len(before), len(raw), len(after))
    return b"".join((head, ends, before, raw, after))


def unpacked(data: bytes) -> Kept:
    """Return the message that stands at the beginning of bytes from a segment."""
    time, transport, ends, link_type, before, raw, after = _HEAD.unpack_from(data)
    at = _HEAD.size
    parts = []
    for length in (ends, before, raw, after):
        parts.append(data[at : at + length])
        at += length
    return Kept(time, _TRANSPORTS[transport], parts[0], parts[2], link_type - 1, parts[1], parts[3])


class _Segment:
    """A file of messages: their numbers, which only grow, where each ends, and which of them nobody will ask for."""

    __slots__ = ("ends", "file", "gone", "numbers", "path", "wanted")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file: IO[bytes] = path.open("w+b", buffering=0)
        self.numbers = array("Q")
        self.ends = array("L")
        self.gone = bytearray()
        self.wanted = 0

    @property
    def size(self) -> int:
        return self.ends[-1] if self.ends else 0

    def add(self, messages: Sequence[tuple[int, bytes]]) -> None:
        """Write messages, all or none of them. Raises OSError."""
        end = self.size
        try:
            _write_all(self.file.fileno(), b"".join([data for _, data in messages]), end)
        except OSError:
            with contextlib.suppress(OSError):
                self.file.truncate(end)
            raise
        for number, data in messages:
            end += len(data)
            self.numbers.append(number)
            self.ends.append(end)
        self.gone += bytes(len(messages))
        self.wanted += len(messages)

    def find(self, number: int) -> int:
        """Return the place of a message that is still wanted, -1 if it is not here."""
        place = bisect_left(self.numbers, number)
        there = place < len(self.numbers) and self.numbers[place] == number and not self.gone[place]
        return place if there else -1

    def read(self, place: int) -> bytes:
        """Return a message. Raises OSError."""
        start = self.ends[place - 1] if place else 0
        return os.pread(self.file.fileno(), self.ends[place] - start, start)

    def left(self) -> Iterator[tuple[int, bytes]]:
        """Give the messages that are still wanted. Raises OSError."""
        for place, number in enumerate(self.numbers):
            if not self.gone[place]:
                yield number, self.read(place)

    def close(self) -> None:
        """Let go of the file."""
        self.file.close()
        with contextlib.suppress(OSError):
            self.path.unlink()


def _write_all(descriptor: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, at)
        view, at = view[written:], at + written


class Spool:
    """Keeps messages by number in ``folder``, within ``most`` bytes; ``given_up`` counts those that had no room."""

    def __init__(self, folder: Path, most: int = DEFAULT_SPOOL) -> None:
        self.given_up = 0
        self._folder = folder
        self._most = most
        self._young: list[_Segment] = []  # as they came
        self._old: list[_Segment] = []  # what was left of others; all of these numbers are below the young ones'
        self._files = 0

    @property
    def size(self) -> int:
        """Say how much it takes of the disk (bytes)."""
        return sum([segment.size for segment in (*self._old, *self._young)])

    def add(self, messages: Sequence[tuple[int, bytes]]) -> None:
        """Take messages (``packed``), each with its number; numbers only grow. Raises OSError, having taken none."""
        if not messages:
            return
        if not self._young or self._young[-1].size >= SEGMENT:
            self._young.append(self._segment())
        self._young[-1].add(messages)
        while self.size > self._most:
            self._make_room()

    def read(self, numbers: Iterable[int]) -> list[tuple[int, Kept]]:
        """Return the messages of these numbers that are there. Raises OSError."""
        found = []
        for number in numbers:
            segment = self._holder(number)
            place = -1 if segment is None else segment.find(number)
            if segment is not None and place >= 0:
                found.append((number, unpacked(segment.read(place))))
        return found

    def forget(self, numbers: Iterable[int]) -> None:
        """Let go of messages that nobody will ask for any more."""
        for number in numbers:
            segment = self._holder(number)
            place = -1 if segment is None else segment.find(number)
            if segment is None or place < 0:
                continue
            segment.gone[place] = 1
            segment.wanted -= 1
            if not segment.wanted and (segment.size >= SEGMENT or segment is not self._young[-1]):
                self._drop(segment)

    def close(self) -> None:
        """Let go of everything."""
        for segment in (*self._old, *self._young):
            segment.close()
        self._old, self._young = [], []

    def _segment(self) -> _Segment:
        self._files += 1
        return _Segment(self._folder / f"{self._files}.spool")

    def _holder(self, number: int) -> _Segment | None:
        """Return the segment that would have a number."""
        for segments in (self._young, self._old):
            if segments and number >= segments[0].numbers[0]:
                return segments[bisect_right(segments, number, key=_first) - 1]
        return None

    def _drop(self, segment: _Segment) -> None:
        for segments in (self._young, self._old):
            if segment in segments:
                segments.remove(segment)
        segment.close()

    def _make_room(self) -> None:
        """Write what is left of the oldest segment as it came anew, if that is little; else give the oldest up."""
        oldest = self._young[0]
        little = oldest.wanted * _LITTLE < len(oldest.numbers)
        if little and len(self._young) > 1:
            left = list(oldest.left())
            if not self._old or self._old[-1].size >= SEGMENT:
                self._old.append(self._segment())
            self._old[-1].add(left)
            self._drop(oldest)
            return
        given_up = self._old[0] if self._old else oldest
        self.given_up += given_up.wanted
        self._drop(given_up)


def _first(segment: _Segment) -> int:
    return segment.numbers[0]
