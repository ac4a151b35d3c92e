"""Capture files as one source of frames in packet-time order.

Must not know: link layers, SIP, or what becomes of the frames.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from sipwatch.capture.errors import CaptureError, CaptureLimit
from sipwatch.capture.formats import frames
from sipwatch.capture.prefilter import MediaFilter, Prefilter
from sipwatch.capture.reader import Reader
from sipwatch.capture.tally import LATEST, Frame, Place, Tallied, Tally
from sipwatch.packet import FILE_SHIFT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["STDIN", "CaptureSource", "Frame", "Prefilter", "open_capture"]

STDIN = "-"


_NEVER = LATEST + 1


class _File:
    """One capture file: what it has given, and what is to be said of it if it broke off."""

    def __init__(self, path: str, waiting: Callable[[int], None] | None = None) -> None:
        self.path = path
        self._waiting = waiting
        self.name = "standard input" if path == STDIN else path
        self.tally = Tally()
        self.size: int | None = None  # bytes; None for a pipe and the like
        self._reader: Reader | None = None

    @property
    def consumed(self) -> int:
        return 0 if self._reader is None else self._reader.consumed

    @property
    def warning(self) -> str:
        if not self.tally.damage:
            return ""
        return f"{self.tally.damage} after packet {self.tally.packets}, reported up to there: {self.name}"

    def open(self) -> None:
        """Open the file. Raises CaptureError when that cannot be."""
        try:
            fd = _stdin() if self.path == STDIN else self._opened()
            status = os.fstat(fd)
        except OSError as error:
            kind = CaptureLimit if error.errno in (errno.EMFILE, errno.ENFILE) else CaptureError
            raise kind(f"{self.name}: {_why(error)}") from None
        if stat.S_ISDIR(status.st_mode):
            os.close(fd)
            files = f"{self.path.rstrip('/')}/*.pcap"
            raise CaptureError(f"{self.path}: is a directory; name the files in it, such as {files}")
        self.size = status.st_size if stat.S_ISREG(status.st_mode) else None
        self._reader = Reader(fd, self._waiting)

    def _opened(self) -> int:
        """Open the path. Who has other things to do meanwhile does not wait for a FIFO's writer to come."""
        if self._waiting is None:
            return os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        os.set_blocking(fd, True)
        return fd

    def first_time(self) -> int:
        """Look at the first packet and close again; return its time, -1 if there is none.

        A stream cannot be looked at twice: it stays open. Raises CaptureError when this is no capture.
        """
        self.open()
        if self.size is None:
            return -1
        first = next(self._frames(Prefilter.OFF, Tally()), None)
        self.close()
        return -1 if first is None else first[0]

    def frames(self, mode: Prefilter) -> Iterator[Frame]:
        """Return the file's frames. The tally is up to date whenever more has to be read, and at the end."""
        if self._reader is None:
            self.open()
        return self._frames(mode, self.tally)

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _frames(self, mode: Prefilter, tally: Tally) -> Iterator[Frame]:
        assert self._reader is not None  # noqa: S101 - opened by the callers
        return frames(self._reader, self.name, tally, MediaFilter(mode))


def _stdin() -> int:
    try:
        fd = sys.stdin.fileno()
    except (AttributeError, ValueError):
        raise CaptureError("standard input is closed; pipe a capture in, or name a file") from None
    if os.isatty(fd):
        raise CaptureError(
            "standard input is a terminal; pipe a capture in, such as: tcpdump -U -w - | sipwatch replay -"
        )
    return os.dup(fd)


def _why(error: OSError) -> str:
    reasons = {
        errno.ENOENT: "no such file; check the name",
        errno.EACCES: "permission denied; is the file yours to read?",
        errno.EMFILE: "too many files are open at once; raise the limit (ulimit -n), or merge them with mergecap",
    }
    return reasons.get(error.errno or 0, f"cannot be opened ({error.strerror}); check the name")


_Turn = tuple[int, int, int, Frame, "Iterator[Frame]"]  # time, index of the file, number, frame, what follows


class CaptureSource(Tallied):
    """Frames of one or several capture files, merged in packet-time order; iterable once.

    ``place`` says which packet the frame given last is.

    Use it in a ``with`` statement. Damage in the middle of a file ends that file, with a line in
    ``warnings``; the other files go on. ``waiting`` is called with a file's descriptor before it is read:
    who watches a pipe has other things to do meanwhile.
    """

    def __init__(self, paths: Sequence[str], mode: Prefilter, *, waiting: Callable[[int], None] | None = None) -> None:
        if sum(path == STDIN for path in paths) > 1:
            raise CaptureError("standard input can be read only once; name it once")
        self._files = [_File(path, waiting) for path in paths]
        self._tallies = [file.tally for file in self._files]
        self._mode = mode
        # Of one file it is the file's own; of several, that of whose turn it is.
        self.place: Place = self._files[0].tally if len(self._files) == 1 else Place()
        self._only: Iterator[Frame] | None = None
        self._waiting: list[tuple[int, int]] = []
        try:
            self._look()
        except CaptureError:
            self.close()
            raise

    def _look(self) -> None:
        """Open what there is, so that whatever cannot be read is said before anything is done."""
        if len(self._files) != 1:
            self._waiting = sorted((file.first_time(), place) for place, file in enumerate(self._files))
            return
        file = self._files[0]
        file.open()
        if file.size is not None:  # a stream may keep us waiting for its first byte
            self._only = file.frames(self._mode)

    def close(self) -> None:
        """Close what is open."""
        for file in self._files:
            file.close()

    @property
    def files(self) -> list[str]:
        """Name the files, in the order given."""
        return [file.path for file in self._files]

    @property
    def packets_of(self) -> dict[str, int]:
        """Count the packets so far by file, also those kept away."""
        return {file.path: file.tally.packets for file in self._files}

    @property
    def warnings(self) -> list[str]:
        """Say which files broke off, and where."""
        return [file.warning for file in self._files if file.warning]

    @property
    def bytes_read(self) -> int:
        """Count the bytes read so far, as they stand in the files, compressed or not."""
        return sum(file.consumed for file in self._files)

    @property
    def total_bytes(self) -> int | None:
        """Return the size of all files, None when one is a stream."""
        sizes = [file.size for file in self._files]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    def __iter__(self) -> Iterator[Frame]:
        if len(self._files) == 1:
            return self._only or self._files[0].frames(self._mode)
        return self._merged()

    def _merged(self) -> Iterator[Frame]:
        """Merge by time, stable in the order of the files. A file is opened when its time has come.

        Within a file the order is the file's own, also where its time steps back.
        """
        waiting = self._waiting[::-1]
        active: list[_Turn] = []
        place = self.place
        while active or waiting:
            while waiting and (not active or waiting[-1] <= active[0][:2]):
                self._begin(active, waiting.pop()[1])
            if not active:
                continue
            _, index, number, frame, rest = heappop(active)
            place.number = number
            yield frame
            # As long as no other file is due, this one goes on without the heap.
            due = min(active[0][0] if active else _NEVER, waiting[-1][0] if waiting else _NEVER)
            for frame in rest:
                number = index << FILE_SHIFT | self._files[index].tally.number
                if frame[0] >= due:
                    heappush(active, (frame[0], index, number, frame, rest))
                    break
                place.number = number
                yield frame

    def _begin(self, active: list[_Turn], index: int) -> None:
        file = self._files[index]
        try:
            rest = file.frames(self._mode)
        except CaptureError as error:
            if file.size is None or isinstance(error, CaptureLimit):
                raise
            # It was good when we looked at it: a ring of captures has gone round since.
            file.tally.damage = f"it can no longer be read ({error})"
            return
        first = next(rest, None)
        if first is not None:
            heappush(active, (first[0], index, index << FILE_SHIFT | file.tally.number, first, rest))


def open_capture(paths: Sequence[str], *, prefilter: Prefilter = Prefilter.AUTO) -> CaptureSource:
    """Open capture files (``-`` is standard input). Raises CaptureError when one cannot be read."""
    return CaptureSource(paths, prefilter)
