"""Capture files as one source of frames in packet-time order.

Must not know: link layers, SIP, or what becomes of the frames.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from enum import StrEnum
from heapq import heapify, heappop, heappush, heapreplace
from typing import TYPE_CHECKING, Self

from sipwatch.capture import prefilter
from sipwatch.capture.errors import CaptureError, Damage
from sipwatch.capture.formats import Frame, Tally, frames
from sipwatch.capture.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STDIN = "-"


class Prefilter(StrEnum):
    """Whether media is kept away natively, before Python sees it. It never changes a verdict."""

    AUTO = "auto"  # on large files that are mostly media
    ON = "on"  # wherever libpcap can
    OFF = "off"


class _File:
    """One capture file: its descriptor while it is open, what it has given, and its warning if it broke off."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.name = "standard input" if path == STDIN else path
        self.tally = Tally()
        self.media = 0
        self.warning = ""
        self.size: int | None = None
        self._fd = -1
        self._reader: Reader | None = None

    @property
    def consumed(self) -> int:
        return self._reader.consumed if self._reader is not None else 0

    def check(self) -> None:
        """Raise CaptureError when the file cannot be read, before anything else is."""
        self._open()
        if self.path != STDIN:
            self.close()

    def frames(self, mode: Prefilter) -> Iterator[Frame]:
        """Yield the file's frames; damage ends them with a warning."""
        self._open()
        try:
            native = self._native(mode)
            if native is not None:
                yield from native.frames(self.tally)
                self.media = native.media
                return
            self._reader = Reader(self._fd)
            yield from frames(self._reader, self.name, self.tally)
        except Damage as damage:
            self._damaged(damage)
        except OSError as error:
            if not self.tally.packets:
                raise CaptureError(f"{self.name}: cannot be read: {error.strerror}") from None
            self.warning = f"{self.name}: reading failed after packet {self.tally.packets}: {error.strerror}"
        finally:
            self.close()

    def close(self) -> None:
        if self._fd >= 0 and self.path != STDIN:
            os.close(self._fd)
        self._fd = -1

    def _native(self, mode: Prefilter) -> prefilter.Native | None:
        if mode is Prefilter.OFF or self.size is None:
            return None
        return prefilter.native(self.path, self.size, force=mode is Prefilter.ON)

    def _damaged(self, damage: Damage) -> None:
        if not self.tally.packets:
            raise CaptureError(f"{self.name}: {damage}, before the first packet; nothing can be read from it") from None
        self.warning = f"{self.name}: {damage} after packet {self.tally.packets}; reported up to there"

    def _open(self) -> None:
        if self._fd >= 0:
            return
        if self.path == STDIN:
            self._fd = sys.stdin.fileno()
            if os.isatty(self._fd):
                raise CaptureError(
                    "standard input is a terminal; pipe a capture in, such as: tcpdump -U -w - | sipwatch replay -"
                )
            return
        try:
            self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            status = os.fstat(self._fd)
        except OSError as error:
            raise CaptureError(f"{self.path}: {_why(error)}") from None
        if stat.S_ISDIR(status.st_mode):
            self.close()
            raise CaptureError(
                f"{self.path}: is a directory; name the capture files in it, such as {self.path.rstrip('/')}/*.pcap"
            )
        self.size = status.st_size if stat.S_ISREG(status.st_mode) else None


def _why(error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return "no such file; check the name"
    if error.errno == errno.EACCES:
        return "permission denied; is the file yours to read?"
    return f"cannot be opened: {error.strerror}"


class CaptureSource:
    """Frames of one or several capture files, merged in packet-time order; iterable once.

    ``packets`` counts all packets, also those that the native filter kept away (``media``);
    ``first`` and ``last`` are their times in ns, None without any. ``warnings`` has a line for each
    file that broke off.
    """

    def __init__(self, paths: Sequence[str], mode: Prefilter) -> None:
        self._files = [_File(path) for path in paths]
        self._mode = mode
        for file in self._files:
            file.check()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what is open."""
        for file in self._files:
            file.close()

    @property
    def files(self) -> list[str]:
        """Name the files, in the order given."""
        return [file.path for file in self._files]

    @property
    def packets(self) -> int:
        """Count the packets so far."""
        return sum(file.tally.packets for file in self._files)

    @property
    def media(self) -> int:
        """Count the packets that the native filter kept away."""
        return sum(file.media for file in self._files)

    @property
    def first(self) -> int | None:
        """Return the time of the earliest file's first packet."""
        return min((file.tally.first for file in self._files if file.tally.first is not None), default=None)

    @property
    def last(self) -> int | None:
        """Return the time of the latest file's last packet."""
        return max((file.tally.last for file in self._files if file.tally.last is not None), default=None)

    @property
    def warnings(self) -> list[str]:
        """Say which files broke off, and where."""
        return [file.warning for file in self._files if file.warning]

    @property
    def bytes_read(self) -> int:
        """Count the bytes read so far, as they stand in the files."""
        return sum(file.consumed for file in self._files)

    @property
    def total_bytes(self) -> int | None:
        """Return the size of all files, None when one is a stream."""
        sizes = [file.size for file in self._files]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    def __iter__(self) -> Iterator[Frame]:
        if len(self._files) == 1:
            return self._files[0].frames(self._mode)
        return self._merged()

    def _merged(self) -> Iterator[Frame]:
        """Merge by time, stable in the order of the files. A file is opened when its time has come.

        Within a file the order is the file's own, also where its time steps back.
        """
        waiting = sorted((_first_time(file), place) for place, file in enumerate(self._files))
        waiting.reverse()
        active: list[tuple[int, int, Frame, Iterator[Frame]]] = []
        heapify(active)
        while active or waiting:
            while waiting and (not active or waiting[-1][:2] <= active[0][:2]):
                _, place = waiting.pop()
                _push(active, place, self._files[place].frames(self._mode))
            if not active:
                continue
            _, place, frame, rest = active[0]
            yield frame
            following = next(rest, None)
            if following is None:
                heappop(active)
            else:
                heapreplace(active, (following[0], place, following, rest))


def _push(active: list[tuple[int, int, Frame, Iterator[Frame]]], place: int, rest: Iterator[Frame]) -> None:
    first = next(rest, None)
    if first is not None:
        heappush(active, (first[0], place, first, rest))


def _first_time(file: _File) -> int:
    """Look at a file's first packet; a stream cannot be looked at twice, and comes first."""
    if file.size is None:
        return -1
    probe = _File(file.path)
    try:
        frame = next(probe.frames(Prefilter.OFF), None)
    except CaptureError:
        return -1  # said when it is opened
    return -1 if frame is None else frame[0]


def open_capture(paths: Sequence[str], *, prefilter: Prefilter = Prefilter.AUTO) -> CaptureSource:
    """Open capture files (``-`` is standard input). Raises CaptureError when one cannot be read."""
    return CaptureSource(paths, prefilter)
