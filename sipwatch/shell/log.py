r"""One line for each thing that happens, as logfmt or as JSON, within bounds.

Must not know: what the events are about. Values may be what a stranger wrote into a SIP message: none
can end its line, begin another field, or act on a terminal.

    2026-01-05T09:00:10.100000Z WARNING condition_raised condition=no_progress source=phones call_id="a \"b\""
    {"time":"2026-01-05T09:00:10.100000Z","level":"WARNING","event":"condition_raised","condition":"no_progress"}

In logfmt a value stands bare when it is plain ASCII without blanks, ``=``, ``"`` and ``\``; otherwise between
quotes, with ``\`` before ``"`` and ``\``, and with ``\n``, ``\xNN`` or ``\uNNNN`` for what could do harm.
"""

from __future__ import annotations

import contextlib
import io
import re
import select
from threading import Lock
from typing import TYPE_CHECKING, Literal, TextIO

import msgspec

from sipwatch.export.escape import json_text, terminal
from sipwatch.export.moments import timestamp
from sipwatch.packet import MICROSECOND
from sipwatch.wire.message import decoded

if TYPE_CHECKING:
    from collections.abc import Callable

Level = Literal["info", "warning", "error"]  # written in capitals
Form = Literal["text", "json"]
Value = str | bytes | int | float | None

MAX_VALUE_LENGTH = 200  # characters
_BARE = re.compile(r"[!#-<>-\[\]-~]+")  # printable ASCII without blank, " = \


class Log:
    """Writes lines to ``out``; ``clock`` is the wall clock in seconds since 1970, such as ``time.time``.

    Each event name may be written ``most_per_minute`` times at once, and as often each minute. What is
    beyond that is counted in ``suppressed``, and said in a field ``left_out`` of the event's next line.
    ``failed`` counts lines that the output did not take: the log never raises, and does not wait for a
    reader that reads no more. What it took a part of is completed first when it takes something again.
    """

    def __init__(self, out: TextIO, form: Form, clock: Callable[[], float], most_per_minute: int = 60) -> None:
        self.suppressed: dict[str, int] = {}
        self.failed = 0
        self._out = out
        self._line = _json if form == "json" else _text
        self._clock = clock
        self._most = most_per_minute
        self._buckets: dict[str, _Bucket] = {}
        self._lock = Lock()  # the capture and the web server have a thread each
        self._room = _room_of(out)
        self._torn = False  # a part of a line may be out, and the rest of it in the output's buffer

    def event(self, level: Level, event: str, /, *, at: str | None = None, **fields: Value) -> None:
        """Write one event. ``at`` is its time as RFC 3339, now without it; fields that are None are left out."""
        with self._lock:
            now = self._clock()
            bucket = self._bucket(event, now)
            if not bucket.take(now):
                self._leave_out(event, bucket)
            elif self._write(level, event, at or _stamp(now), {**fields, "left_out": bucket.left_out or None}):
                bucket.left_out = 0

    def has_room(self, event: str) -> bool:
        """Tell whether an event would be written now; if not, count it as left out.

        For callers that have to work to find out what to write.
        """
        with self._lock:
            now = self._clock()
            bucket = self._bucket(event, now)
            if bucket.room(now):
                return True
            self._leave_out(event, bucket)
            return False

    def catch_up(self) -> None:
        """Say what was left out of events that have become rare: call it now and then. It costs nothing otherwise."""
        with self._lock:
            now = self._clock()
            for event, bucket in self._buckets.items():
                if not bucket.left_out or not bucket.take(now):
                    continue
                if self._write("warning", "log_left_out", _stamp(now), {"of": event, "left_out": bucket.left_out}):
                    bucket.left_out = 0

    def _bucket(self, event: str, now: float) -> _Bucket:
        bucket = self._buckets.get(event)
        if bucket is None:
            bucket = self._buckets[event] = _Bucket(self._most, now)
        return bucket

    def _leave_out(self, event: str, bucket: _Bucket) -> None:
        bucket.left_out += 1
        self.suppressed[event] = self.suppressed.get(event, 0) + 1

    def _write(self, level: Level, event: str, time: str, fields: dict[str, Value]) -> bool:
        """Write a line; return whether the output took it."""
        line = self._line(time, level.upper(), event, {name: _cut(v) for name, v in fields.items() if v is not None})
        try:
            if self._room():
                if self._torn:
                    self._out.flush()  # or every line would go into the buffer until that is full as well
                    self._torn = False
                self._put(line + "\n")
                return True
        except (OSError, ValueError):  # the disk is full, the reader is gone, the file is closed
            self._torn = True
        self.failed += 1
        return False

    def _put(self, line: str) -> None:
        try:
            self._out.write(line)
        except UnicodeEncodeError:
            self._out.write(line.encode("ascii", "backslashreplace").decode())
        self._out.flush()


def whole_lines(out: TextIO) -> TextIO:
    """Return an output to the same file that completes later what it could write a part of.

    Standard error without a buffer (PYTHONUNBUFFERED) does not: the next line would be glued to the part.
    """
    if not isinstance(getattr(out, "buffer", None), io.RawIOBase):
        return out
    return open(out.fileno(), "w", encoding=out.encoding, errors=out.errors, closefd=False)


class _Bucket:
    """Tokens of one event; ``left_out`` counts since the last line. A clock that steps back takes none away."""

    __slots__ = ("_most", "_tokens", "_updated", "left_out")

    def __init__(self, most: int, now: float) -> None:
        self._most = most
        self._tokens = float(most)
        self._updated = now
        self.left_out = 0

    def room(self, now: float) -> bool:
        """Tell whether there is a token."""
        self._tokens = min(self._most, self._tokens + max(0.0, now - self._updated) * self._most / 60)
        self._updated = now
        return self._tokens >= 1

    def take(self, now: float) -> bool:
        """Take a token; tell whether there was one."""
        if not self.room(now):
            return False
        self._tokens -= 1
        return True


def _text(time: str, level: str, event: str, fields: dict[str, str | int | float]) -> str:
    return " ".join([time, level, event, *(f"{name}={_logfmt(value)}" for name, value in fields.items())])


def _logfmt(value: str | float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    plain = value if isinstance(value, str) else str(value)
    if _BARE.fullmatch(plain):
        return plain
    return '"' + terminal(plain.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def _json(time: str, level: str, event: str, fields: dict[str, str | int | float]) -> str:
    return json_text(msgspec.json.encode({"time": time, "level": level, "event": event} | fields)).decode()


def _cut(value: str | bytes | float | None) -> str | int | float:
    """Return a value of bounded length that can be encoded: lone surrogates, as bad as any bytes, are spelt out."""
    if isinstance(value, bytes):
        value = decoded(value[: 4 * MAX_VALUE_LENGTH + 4])
    if not isinstance(value, str):
        return value if value is not None else ""
    if len(value) > MAX_VALUE_LENGTH:
        value = value[: MAX_VALUE_LENGTH - 1] + "…"
    return value.encode("utf-8", "backslashreplace").decode()


def _stamp(now: float) -> str:
    return timestamp(round(now * 1e6) * MICROSECOND)


def _room_of(out: TextIO) -> Callable[[], bool]:
    """Return how to ask whether the output takes a line without waiting: a pipe whose reader stands still does not."""
    with contextlib.suppress(OSError, ValueError):
        poll = select.poll()
        poll.register(out.fileno(), select.POLLOUT)
        return lambda: bool(poll.poll(0))
    return lambda: True
