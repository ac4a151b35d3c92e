"""SIP over WebSocket as it stands in a stream: frames around messages, the opening handshake.

Must not know: TCP, SIP headers, which messages are wanted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sipwatch.packet import BLANKS
from sipwatch.wire.websocket import is_handshake

if TYPE_CHECKING:
    from sipwatch.evidence.dissect import Segment

_WHOLE_FRAMES = re.compile(b"[\x81\x82]")  # text or binary, final (RFC 6455 §5.2)
_MAX_OPENING_LENGTH = 16_384  # bytes
_BEGINS = (b"GET ", b"HTTP/1.1 101")
# What a reader needs to tell that this becomes a WebSocket.
_NEEDED = re.compile(rb"(?i)^(?:upgrade|connection|sec-websocket-[a-z]+)\s*:")

Place = tuple[int, int, int, bytes]  # start of the frame, of the message in it, end, masking key


def unmasked(data: bytes, key: bytes) -> bytes:
    """Mask or unmask (RFC 6455 §5.3); without a key nothing is changed."""
    return bytes([byte ^ key[place & 3] for place, byte in enumerate(data)]) if key else data


def frame_with(run: bytes, raw: bytes) -> Place | None:
    """Find the first whole frame that holds just this message, blanks around its beginning left out."""
    for found in _WHOLE_FRAMES.finditer(run):
        place = _frame(run, found.start(), raw)
        if place is not None:
            return place
    return None


def _frame(run: bytes, start: int, raw: bytes) -> Place | None:
    if start + 2 > len(run):
        return None
    length, body = run[start + 1] & 0x7F, start + 2
    if length >= 126:
        width = 2 if length == 126 else 8
        length = int.from_bytes(run[body : body + width], "big")
        body += width
    key = b""
    if run[start + 1] & 0x80:
        key = run[body : body + 4]
        body += 4
    end = body + length
    if not len(raw) <= length <= len(raw) + 64 or end > len(run):
        return None
    payload = unmasked(run[body:end], key)
    blanks = len(payload) - len(payload.lstrip(BLANKS))
    if payload[blanks:] != raw:
        return None
    turned = key[blanks & 3 :] + key[: blanks & 3]
    return start, body + blanks, end, turned


class Opening:
    """The beginning of a stream, as far as it is an opening handshake (RFC 6455 §4)."""

    __slots__ = ("_data", "is_open", "segments")

    def __init__(self) -> None:
        self._data = b""
        self.is_open = True
        self.segments: list[Segment] = []

    @property
    def is_whole(self) -> bool:
        """Tell whether it is all there, and was one."""
        return not self.is_open and bool(self.segments)

    def take(self, segment: Segment) -> None:
        """Take the stream's next segment, while there is something to be added."""
        if not self.is_open:
            return
        self._data += segment.carried.view.read()
        self.segments.append(segment)
        end = self._data.find(b"\r\n\r\n") + 4
        begins = self._data.startswith(_BEGINS) or any(start.startswith(self._data) for start in _BEGINS)
        if end > 3:
            self._data = self._data[:end]
            self.is_open = False
        if not begins or len(self._data) > _MAX_OPENING_LENGTH or (end > 3 and not is_handshake(self._data)):
            self.segments.clear()
            self._data = b""
            self.is_open = False

    def covered(self) -> bytes:
        """Return its bytes with everything overwritten that a reader does not need: targets, cookies, tokens."""
        first, *lines = self._data.split(b"\r\n")
        method, _, rest = first.partition(b" ")
        target, blank, version = rest.rpartition(b" ")
        if method == b"GET":
            first = b"GET /" + b"x" * (len(target) - 1) + blank + version
        return b"\r\n".join([first, *(line if _NEEDED.match(line) else _value_hidden(line) for line in lines)])


def _value_hidden(line: bytes) -> bytes:
    name, colon, value = line.partition(b":")
    blank = value[: len(value) - len(value.lstrip())]
    return name + colon + blank + b"x" * (len(value) - len(blank)) if colon else line
