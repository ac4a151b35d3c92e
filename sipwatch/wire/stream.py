"""A stream of bytes to SIP messages: framing by Content-Length (RFC 3261 §18.3), WebSocket, finding the place.

Must not know: sequence numbers, packets, time.
"""

from __future__ import annotations

from enum import IntEnum

from sipwatch.wire import websocket
from sipwatch.wire.discards import Discard
from sipwatch.wire.sip import header, looks_like_sip

LARGEST_MESSAGE = 262_144  # bytes; bodies of 64 kB exist
LONGEST_LINE = 8_192  # a start line not ended by then is none
_TLS_HANDSHAKE = b"\x16\x03"
_HTTP = (b"GET ", b"HTTP/1.")


class Mode(IntEnum):
    """What a stream is taken for."""

    OPEN = 0  # at the beginning, or at a message boundary
    LOST = 1  # somewhere inside: look for the next start line
    FOREIGN = 2  # not SIP: only a segment that begins like SIP is looked at
    TLS = 3
    WEBSOCKET = 4


class Framer:
    """Takes one direction's bytes in order, gives whole messages and reasons."""

    __slots__ = ("_frames", "_http", "buffer", "mode")

    def __init__(self, mode: Mode) -> None:
        self.buffer = bytearray()
        self.mode = mode
        self._http = False
        self._frames: websocket.Frames | None = None

    def __len__(self) -> int:
        return len(self.buffer) + (len(self._frames) if self._frames is not None else 0)

    def lose_place(self) -> None:
        """Take note that bytes are missing: what is buffered can no longer be completed."""
        self.buffer.clear()
        self._frames = None
        if self.mode is not Mode.TLS:
            self.mode = Mode.LOST

    def take(self, data: bytes) -> tuple[list[bytes], Discard | None]:
        """Add bytes; return the messages that became whole, and why other bytes were given up."""
        if self.mode is Mode.TLS:
            return [], Discard.TLS
        if self.mode is Mode.FOREIGN:
            if not looks_like_sip(data) and not websocket.begins_frame(data):
                return [], Discard.TCP_NOT_SIP
            self.mode = Mode.OPEN
        if self.mode is Mode.WEBSOCKET:
            return self._websocket(data)
        self.buffer += data
        messages: list[bytes] = []
        reason: Discard | None = None
        while self.buffer:
            if self.mode is Mode.LOST and not self._find_place():
                reason = Discard.TCP_NOT_SIP
                break
            found = self._next()
            if found is None:
                break
            if isinstance(found, Discard):
                reason = found
                if self.mode in (Mode.TLS, Mode.FOREIGN):
                    break
            elif found:
                messages.append(found)
            elif self._upgraded():
                rest = bytes(self.buffer)
                self.buffer.clear()
                more, reason = self._websocket(rest)
                return messages + more, reason or Discard.KEEPALIVE
        if reason is None and not messages and not self.buffer:
            reason = Discard.KEEPALIVE
        return messages, reason

    def _upgraded(self) -> bool:
        return self.mode is Mode.WEBSOCKET

    def _next(self) -> bytes | Discard | None:
        """Take one message off; ``b""`` when the stream turned out to be something else, None to wait."""
        buffer = self.buffer
        blank = len(buffer) - len(buffer.lstrip(b"\r\n\0 "))
        del buffer[:blank]  # keep-alives (RFC 5626 §4.4.1)
        if not buffer:
            return None
        start = bytes(buffer[:LONGEST_LINE])
        if start[:2] == _TLS_HANDSHAKE:
            return self._give_up(Mode.TLS, Discard.TLS)
        if not self._begins_sip(start):
            if b"\n" not in start and len(start) < LONGEST_LINE and _may_become_text(start):
                return None
            return self._other(start)
        end = buffer.find(b"\r\n\r\n")
        size = 4
        if end < 0:
            end, size = buffer.find(b"\n\n"), 2
        if end < 0:
            return self._too_long() if len(buffer) > LARGEST_MESSAGE else None
        return self._message(end + size)

    @staticmethod
    def _begins_sip(start: bytes) -> bool:
        return (start[:8] == b"SIP/2.0 " or b"\n" in start) and looks_like_sip(start)

    def _message(self, head: int) -> bytes | Discard | None:
        length = header(bytes(self.buffer[:head]), b"content-length", b"l")
        if length and not length.isdigit():
            # The body's end is unknown: take the message, and look for the next start line.
            message = bytes(self.buffer[:head])
            del self.buffer[:head]
            self.mode = Mode.LOST
            return message
        size = head + (int(length) if length and len(length) < 10 else 0)
        if size > LARGEST_MESSAGE or len(length) >= 10:
            return self._too_long()
        if len(self.buffer) < size:
            return None
        message = bytes(self.buffer[:size])
        del self.buffer[:size]
        return message

    def _too_long(self) -> Discard:
        self.buffer.clear()
        self.mode = Mode.LOST
        return Discard.SIP_TOO_LONG

    def _other(self, start: bytes) -> bytes | Discard | None:
        """Handle a beginning that is not SIP: an HTTP upgrade, WebSocket in mid-stream, or something foreign."""
        if start.startswith(_HTTP):
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return None if len(self.buffer) < LONGEST_LINE else self._give_up(Mode.FOREIGN, Discard.TCP_NOT_SIP)
            if websocket.is_handshake(bytes(self.buffer[:end])):
                del self.buffer[: end + 4]
                self.mode = Mode.WEBSOCKET
                return b""
        elif websocket.begins_frame(start):
            self.mode = Mode.WEBSOCKET
            return b""
        if self._find_place():
            return Discard.TCP_NOT_SIP
        return self._give_up(Mode.FOREIGN, Discard.TCP_NOT_SIP)

    def _give_up(self, mode: Mode, reason: Discard) -> Discard:
        self.buffer.clear()
        self.mode = mode
        return reason

    def _find_place(self) -> bool:
        """Drop what comes before the next start line; False, and all dropped, when there is none yet."""
        data = bytes(self.buffer)
        at = 0
        while at >= 0:
            if looks_like_sip(data[at : at + LONGEST_LINE]) and b"\n" in data[at : at + LONGEST_LINE]:
                del self.buffer[:at]
                self.mode = Mode.OPEN
                return True
            at = data.find(b"\n", at) + 1 or -1
        self.buffer.clear()
        return False

    def _websocket(self, data: bytes) -> tuple[list[bytes], Discard | None]:
        if self._frames is None:
            self._frames = websocket.Frames()
        frames = self._frames
        frames.take(data)
        messages, frames.messages = frames.messages, []
        if frames.broken:
            self._frames = None
            self.mode = Mode.FOREIGN
            return messages, Discard.WEBSOCKET_MALFORMED
        reason = None if messages or len(frames) else Discard.KEEPALIVE
        return messages, reason


def _may_become_text(start: bytes) -> bool:
    """Tell whether a line not yet ended may still become a start line."""
    return start[:16].isascii() and start[:1].isalnum()
