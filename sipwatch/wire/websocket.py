"""SIP over WebSocket (RFC 7118): the handshake and the frames of RFC 6455, one direction at a time.

Must not know: TCP, SIP headers, packets.
"""

from typing import Final

from sipwatch.wire.sip import header, header_values, looks_like_sip, split_values

_CONTINUATION, _TEXT, _BINARY = 0, 1, 2
_FIRST_CONTROL: Final = 8
FIRST_BYTES: Final = b"\x81\x82\x01\x02"  # text or binary, whole or to be continued
_LOOKED_AT: Final = 2048 + 14  # bytes; enough of any start line
_MAX_LOOKED_AT: Final = 8  # frames that a message's beginning may be cut into
# Whoever speaks SIP sends a message in a frame, or blanks in one to hold a connection open: no more tiny frames at once
# than this, and one more for so many bytes.
_MAX_TINY: Final = 16
_BYTES_PER_FRAME: Final = 32


def is_handshake(head: bytes) -> bool:
    """Tell whether an HTTP header section upgrades to a WebSocket that carries SIP, or may do so."""
    if header(head, b"upgrade").lower() != b"websocket":
        return False
    offered = header_values(head, b"sec-websocket-protocol")
    # RFC 7118 §3 wants it named; a server that leaves it out is tried all the same.
    return not offered or any(name.lower() == b"sip" for value in offered for name in split_values(value))


def begins_frame(data: bytes) -> bool:
    """Tell whether bytes met in mid-stream are a plausible first frame that holds SIP."""
    if len(data) < 8 or data[0] not in FIRST_BYTES:
        return False
    reader = Frames(_LOOKED_AT)
    reader.take(data[:_LOOKED_AT], _MAX_LOOKED_AT)
    return looks_like_sip(reader.messages[0] if reader.messages else reader.unfinished())


class Frames:
    """Takes the bytes of one direction; whole messages gather in ``messages``.

    ``broken`` says that the stream is not WebSocket, or holds a message beyond the limit.
    """

    __slots__ = ("_buffer", "_largest", "_message", "broken", "messages")

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._buffer = bytearray()
        self._message = bytearray()
        self.messages: list[bytes] = []
        self.broken = False

    def __len__(self) -> int:
        return len(self._buffer) + len(self._message)

    def take(self, data: bytes, most: int = 0) -> None:
        """Add bytes and unpack the frames that are whole; with ``most`` not more than so many, up to a message."""
        self._buffer += data
        left = most or _MAX_TINY + len(data) // _BYTES_PER_FRAME
        while not self.broken and self._one():
            left -= 1
            if left <= 0 or (most and self.messages):
                self.broken = not most
                return

    def unfinished(self) -> bytes:
        """Return what is there of a message that is not whole, unmasked."""
        opening = self._header()
        if opening is None:
            return bytes(self._message)
        start, length, mask = opening
        if self._buffer[0] & 0x0F >= _FIRST_CONTROL:
            return bytes(self._message)
        return bytes(self._message) + _unmask(bytes(self._buffer[start : start + length]), mask)

    def _header(self) -> tuple[int, int, bytes] | None:
        """Return (start of payload, its length, mask) of the frame at the buffer's beginning."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        length, start = buffer[1] & 0x7F, 2
        if length >= 126:
            width = 2 if length == 126 else 8
            if len(buffer) < start + width:
                return None
            length = int.from_bytes(buffer[start : start + width], "big")
            start += width
        mask = b""
        if buffer[1] & 0x80:
            if len(buffer) < start + 4:
                return None
            mask = bytes(buffer[start : start + 4])
            start += 4
        return start, length, mask

    def _one(self) -> bool:
        opening = self._header()
        if opening is None:
            return False
        start, length, mask = opening
        opcode = self._buffer[0] & 0x0F
        if length > self._largest or self._buffer[0] & 0x70 or opcode not in (0, 1, 2, 8, 9, 10):
            self.broken = True
            return False
        if len(self._buffer) < start + length:
            return False
        payload = bytes(self._buffer[start : start + length])
        final = self._buffer[0] & 0x80
        del self._buffer[: start + length]
        if opcode < _FIRST_CONTROL:
            self._data(opcode, _unmask(payload, mask), bool(final))
        return True

    def _data(self, opcode: int, payload: bytes, final: bool) -> None:
        if opcode in (_TEXT, _BINARY):
            self._message.clear()
        self._message += payload
        if len(self._message) > self._largest:
            self.broken = True
        elif final:
            self.messages.append(bytes(self._message))
            self._message.clear()


def _unmask(payload: bytes, mask: bytes) -> bytes:
    """RFC 6455 §5.3, as one big number: quicker than byte by byte."""
    if not mask or not payload:
        return payload
    key = (mask * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(len(payload), "big")
