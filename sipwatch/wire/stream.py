"""A stream of bytes to SIP messages: framing by Content-Length (RFC 3261 §18.3), WebSocket, HEP, the place.

Must not know: sequence numbers, packets, time.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from sipwatch.packet import BLANKS, HEP_3
from sipwatch.wire import websocket
from sipwatch.wire.discards import Discard
from sipwatch.wire.hep_places import HEAD, begins_packet, half_packet, next_packet, size_at
from sipwatch.wire.sip import header, looks_like_sip

if TYPE_CHECKING:
    from sipwatch.wire.limits import Limits

_LF: Final = 0x0A
_CERTAIN: Final = 2  # packets of HEP in a row: no text has that by chance
_MAX_UNTRUE: Final = 2
_WITHOUT_PACKET: Final = 1 << 17  # bytes; the longest packet of HEP has half of it
_MAX_PIECES: Final = 64  # joined then, lest an object for every byte make memory of it
_BLANKS: Final = re.compile(rb"[%b]*+" % BLANKS).match
_EMPTY_LINE: Final = re.compile(rb"\n\r?\n").search  # of stacks that know no CR as well
_VERSION: Final = b"SIP/2.0"
_TLS_RECORDS: Final = (b"\x14\x03", b"\x15\x03", b"\x16\x03", b"\x17\x03")  # RFC 8446 §5.1
_HTTP: Final = (b"GET ", b"HTTP/1.")


class Mode(IntEnum):
    """What a stream is taken for."""

    OPEN = 0  # at the beginning, or at a message boundary
    LOST = 1  # somewhere inside: look for the next start line
    FOREIGN = 2  # not SIP: only a segment that begins like SIP is looked at
    TLS = 3
    WEBSOCKET = 4


class Framer:
    """Takes one direction's bytes in order, gives whole messages and reasons; packets of HEP as they are."""

    __slots__ = (
        *("_agent", "_at", "_data", "_frames", "_held", "_limits", "_needed", "_pieces", "_plain", "_row", "_tail"),
        *("_untrue", "mode"),
    )

    def __init__(self, mode: Mode, limits: Limits) -> None:
        self.mode = mode
        self._limits = limits
        self._pieces: list[bytes] = []  # of an unfinished message
        self._held = 0  # their bytes
        self._needed = 0  # how many make it whole, when that is known
        self._tail = b""  # the last of them, while no empty line ends the header section
        self._data = b""  # at work, from _at on
        self._at = 0
        self._frames: websocket.Frames | None = None
        # Nobody's text makes SIP of an agent's stream, or HEP of a stream of SIP: what it has carried it goes on with.
        self._plain = False  # it has carried SIP
        self._agent = 0  # of a stream that carries HEP: how many bytes may go by without a packet
        self._row = 0  # packets of HEP one behind the other
        self._untrue = 0  # single ones behind which something else came

    def __len__(self) -> int:
        return self._held + (len(self._frames) if self._frames is not None else 0)

    def anew(self) -> Framer:
        """Return a framer for the same stream that has seen nothing of it."""
        return Framer(Mode.OPEN, self._limits)

    def lose_place(self) -> bytes:
        """Take note that bytes are missing; return what there is of a message that cannot become whole."""
        rest = b"".join(self._pieces)
        self._drop()
        self._row = 0
        if self._frames is not None:
            rest = self._frames.unfinished()
            self._frames = None
        if self.mode is Mode.OPEN:
            self.mode = Mode.LOST
        elif self.mode is Mode.WEBSOCKET:
            self.mode = Mode.FOREIGN  # there a frame at a segment's beginning is found
        return rest.lstrip(BLANKS)

    def take(self, data: bytes) -> tuple[list[bytes], Discard | None]:
        """Add bytes; return the messages that became whole, and why other bytes were given up."""
        messages: list[bytes] = []
        if self.mode is Mode.TLS:
            return messages, Discard.TLS
        if self.mode is Mode.FOREIGN:
            data = _known_again(data)
            if not data:
                return messages, Discard.TCP_NOT_SIP
            self.mode = Mode.OPEN
        if self.mode is Mode.WEBSOCKET:
            return messages, self._websocket(data, messages)
        if self._pieces:
            self._pieces.append(data)
            self._held += len(data)
            if self._held < self._needed or self._has_no_end(data):
                if len(self._pieces) > _MAX_PIECES:
                    self._pieces = [b"".join(self._pieces)]
                return messages, None
            data = b"".join(self._pieces)
            self._drop()
        self._data, self._at = data, 0
        reason = self._cut(messages)
        rest = self._data[self._at :]
        self._data = b""
        if rest:
            self._pieces.append(rest)
            self._held = len(rest)
        elif reason is None and not messages and not len(self):
            reason = Discard.KEEPALIVE
        return messages, reason

    def _drop(self) -> None:
        self._pieces.clear()
        self._held = self._needed = 0
        self._tail = b""

    def _has_no_end(self, data: bytes) -> bool:
        """Tell whether a header section goes on after these bytes: however small they are, each is looked at once."""
        if not self._tail:
            return False
        data = self._tail + data
        self._tail = data[-2:]
        return self._held <= self._limits.header_section and _EMPTY_LINE(data) is None

    def _cut(self, messages: list[bytes]) -> Discard | None:
        """Take off what is whole, one message after the other."""
        reason: Discard | None = None
        while self._at < len(self._data):
            if self.mode is Mode.LOST and not self._find_place():
                return Discard.TCP_NOT_SIP
            step = self._next(messages)
            if step is False:
                break
            if isinstance(step, Discard):
                reason = step
        return reason

    def _next(self, messages: list[bytes]) -> Discard | bool:
        """Take one message off: True to go on, False to wait for more, or why bytes were given up."""
        data, at = self._data, self._at
        if data[at] in BLANKS:  # keep-alives (RFC 5626 §4.4.1)
            found = _BLANKS(data, at)
            self._at = at if found is None else found.end()
            return True
        if not self._plain and begins_packet(data, at):
            return self._packet(messages)
        longest = self._limits.line
        start = data[at : at + longest] if at or len(data) > longest else data
        if _LF not in start:
            if len(start) < longest and _may_become_text(start):
                return False
            return self._other(start, messages)
        plain = not self._agent and looks_like_sip(start)
        return self._text(messages) if plain else self._other(start, messages)

    def _text(self, messages: list[bytes]) -> Discard | bool:
        data, at = self._data, self._at
        body = _head_end(data, at)
        if body < 0:
            self._tail = data[-2:]
            return False if len(data) - at <= self._limits.header_section else self._too_long()
        return self._message(body, messages)

    def _message(self, body: int, messages: list[bytes]) -> Discard | bool:
        at = self._at
        length = header(self._data[at:body], b"content-length", b"l")
        if length and not length.isdigit():
            # The body's end is unknown: take the message, and look for the next start line.
            self.mode = Mode.LOST
            length = b""
        if len(length) >= 10:
            return self._too_long()
        # Without a Content-Length there is no body in a stream (RFC 3261 §18.3, §20.14).
        end = body + (int(length) if length else 0)
        if end - at > self._limits.message:
            return self._too_long()
        if end > len(self._data):
            self._needed = end - at
            return False
        messages.append(self._data[at:end])
        self._at = end
        self._plain = True
        return True

    def _packet(self, messages: list[bytes]) -> bool:
        """Take a packet of HEP off: its length stands at its beginning."""
        data, at = self._data, self._at
        if len(data) - at < HEAD:
            return False
        self._agent = _WITHOUT_PACKET
        end = at + size_at(data, at)
        if end > len(data):
            self._needed = end - at
            return False
        messages.append(data[at:end])
        self._at = end
        self._row += 1
        return True

    def _too_long(self) -> Discard:
        return self._give_up(Mode.LOST, Discard.SIP_TOO_LONG)

    def _other(self, start: bytes, messages: list[bytes]) -> Discard | bool:
        """Handle a beginning that is not SIP: behind a packet of HEP whose length was a lie, or of another protocol."""
        if not self._agent:
            return self._foreign(start, messages)
        self.mode = Mode.LOST
        if self._row < _CERTAIN:  # else an agent's it is
            self._agent = 0
            self._untrue += 1
            self._plain = self._untrue >= _MAX_UNTRUE
        self._row = 0
        return Discard.HEP_MALFORMED

    def _foreign(self, start: bytes, messages: list[bytes]) -> Discard | bool:
        """Handle TLS, an HTTP upgrade, WebSocket in mid-stream, or what nobody here knows."""
        if start[:2] in _TLS_RECORDS:
            return self._give_up(Mode.TLS, Discard.TLS)
        if start.startswith(_HTTP):
            end = _head_end(self._data, self._at)
            if end < 0 and len(start) < self._limits.line:
                return False
            if end >= 0 and websocket.is_handshake(self._data[self._at : end]):
                return self._upgrade(end, messages)
        elif websocket.begins_frame(start):
            return self._upgrade(self._at, messages)
        if self._find_place():
            return Discard.TCP_NOT_SIP
        return self._give_up(Mode.FOREIGN, Discard.TCP_NOT_SIP)

    def _upgrade(self, at: int, messages: list[bytes]) -> Discard | bool:
        frames = self._data[at:]
        self._at = len(self._data)
        self.mode = Mode.WEBSOCKET
        return self._websocket(frames, messages) or True

    def _give_up(self, mode: Mode, reason: Discard) -> Discard:
        self._at = len(self._data)
        self.mode = mode
        return reason

    def _find_place(self) -> bool:
        """Go to the next start line or packet; False, and all but a last half of one dropped, when there is none."""
        data = self._data
        # What an agent's stream has a start line of is the rest of a packet, whose ends are lost.
        line = -1 if self._agent else self._next_line()
        place = -1 if self._plain else next_packet(data, self._at, len(data) if line < 0 else line)
        if place < 0:
            place = half_packet(data, self._at) if self._agent else line
        if place >= 0:
            self._at = place
            self.mode = Mode.OPEN
            return True
        self._agent = max(0, self._agent - len(data) + self._at)
        last = data.rfind(b"\n", self._at) + 1 or self._at
        tail = data[last:]
        self._at = last if tail and len(tail) < self._limits.line and _may_become_text(tail) else len(data)
        return False

    def _next_line(self) -> int:
        """Return where the next start line begins that is whole, -1 if none does."""
        data = self._data
        at = data.find(_VERSION, self._at)
        while at >= 0:
            start = data.rfind(b"\n", self._at, at) + 1 or self._at
            end = data.find(b"\n", at)
            if end < 0:
                break
            if end - start < self._limits.line and looks_like_sip(data[start : end + 1]):
                return start
            at = data.find(_VERSION, end)
        return -1

    def _websocket(self, data: bytes, messages: list[bytes]) -> Discard | None:
        if self._frames is None:
            self._frames = websocket.Frames(self._limits.message)
        frames = self._frames
        frames.take(data)
        found, frames.messages = frames.messages, []
        messages += found
        if frames.broken:
            self._frames = None
            self.mode = Mode.FOREIGN
            return Discard.WEBSOCKET_MALFORMED
        return None if found or len(frames) else Discard.KEEPALIVE


def _known_again(data: bytes) -> bytes:
    """Return a foreign stream's segment from where it begins like something that we know; nothing if it does not."""
    packet = data.find(HEP_3)
    if packet >= 0 and begins_packet(data, packet):
        return data[packet:]
    if _VERSION not in data and data[0] not in websocket.FIRST_BYTES:
        return b""
    data = data.lstrip(BLANKS)
    return data if looks_like_sip(data) or websocket.begins_frame(data) else b""


def _head_end(data: bytes, start: int) -> int:
    """Return where the header section that begins at ``start`` ends, behind its empty line; -1 if not yet."""
    found = _EMPTY_LINE(data, start)
    return -1 if found is None else found.end()


def _may_become_text(start: bytes) -> bool:
    """Tell whether a line not yet ended may still become a start line."""
    return start[:16].isascii() and start[:1].isalnum()
