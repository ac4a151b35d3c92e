"""SIP over WebSocket (RFC 7118): the handshake and the frames of RFC 6455, one direction at a time.

Must not know: TCP, SIP headers, packets.
"""

from sipwatch.wire.sip import looks_like_sip

LARGEST_MESSAGE = 262_144
_CONTINUATION, _TEXT, _BINARY = 0, 1, 2
_FIRST_CONTROL = 8


def is_handshake(head: bytes) -> bool:
    """Tell whether an HTTP header section upgrades to a WebSocket that carries SIP, or may do so."""
    lowered = head.lower()
    return b"upgrade: websocket" in lowered and (
        b"sec-websocket-protocol: sip" in lowered or b"sec-websocket-protocol" not in lowered
    )


def begins_frame(data: bytes) -> bool:
    """Tell whether bytes met in mid-stream are a plausible first frame that holds SIP."""
    if len(data) < 8 or data[0] not in (0x81, 0x82):
        return False
    reader = Frames()
    reader.take(data[: 14 + 2048])
    text = reader.messages[0] if reader.messages else reader.beginning()
    return looks_like_sip(text)


class Frames:
    """Takes the bytes of one direction; whole messages gather in ``messages``.

    ``broken`` says that the stream is not WebSocket, or holds a message beyond the limit.
    """

    __slots__ = ("_buffer", "_message", "broken", "messages")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._message = bytearray()
        self.messages: list[bytes] = []
        self.broken = False

    def __len__(self) -> int:
        return len(self._buffer) + len(self._message)

    def take(self, data: bytes) -> None:
        """Add bytes and unpack the frames that are whole."""
        self._buffer += data
        while not self.broken and self._one():
            pass

    def beginning(self) -> bytes:
        """Return what is there of an unfinished first frame, unmasked."""
        header = self._header()
        if header is None:
            return b""
        start, length, mask = header
        return _unmask(bytes(self._buffer[start : start + length]), mask)

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
        header = self._header()
        if header is None:
            return False
        start, length, mask = header
        opcode = self._buffer[0] & 0x0F
        if length > LARGEST_MESSAGE or self._buffer[0] & 0x70 or opcode not in (0, 1, 2, 8, 9, 10):
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
        if len(self._message) > LARGEST_MESSAGE:
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
