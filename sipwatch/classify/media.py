"""What an INVITE offers, as far as its SDP says (RFC 4566, RFC 3264): the codecs, by name.

Must not know: calls, outcomes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.wire.sip import header

if TYPE_CHECKING:
    from sipwatch.wire.message import Message

MAX_CODECS: Final = 16
_MAX_LINES: Final = 2048  # of a body; a browser's offer has some 200
_MAX_NAME_LENGTH: Final = 32
# RFC 3551 §6: payload types that need no rtpmap.
_STATIC: Final = {
    b"0": "PCMU", b"3": "GSM", b"4": "G723", b"5": "DVI4", b"7": "LPC", b"8": "PCMA", b"9": "G722",
    b"10": "L16", b"11": "L16", b"12": "QCELP", b"13": "CN", b"15": "G728", b"18": "G729", b"26": "JPEG",
    b"31": "H261", b"32": "MPV", b"33": "MP2T", b"34": "H263",
}  # fmt: skip


def offered(message: Message) -> list[str]:
    """Return the codecs offered, in the order they stand, each once: ``PCMA``, ``video H264``, ``PCMU (SAVP)``.

    What is not audio says so; encrypted media names its profile. Media with port 0 are not offered (RFC 3264
    §5.1), but in a bundle (RFC 8843 §6). There are none without SDP, nor when the capture holds but a part of it.
    """
    return codecs_of(message.raw)


def codecs_of(raw: bytes) -> list[str]:
    """Return what ``offered`` does, of a message's text; an answer has what was agreed on."""
    _, blank, body = raw.partition(b"\r\n\r\n")
    if not blank:
        _, _, body = raw.partition(b"\n\n")
    length = header(raw, b"content-length", b"l")
    if length.isdigit() and int(length[:9]) > len(body):
        return []
    found: dict[str, None] = {}
    for media in _media([line.strip() for line in body.split(b"\n", _MAX_LINES)[:_MAX_LINES]]):
        kind, _, rest = media[0][2:].partition(b" ")
        parts = rest.split()
        if len(parts) < 3 or (parts[0] == b"0" and b"a=bundle-only" not in media):
            continue
        names = _names(media)
        for payload_type in parts[2 : 2 + MAX_CODECS]:
            name = names.get(payload_type) or _STATIC.get(payload_type) or _plain(payload_type)
            found.setdefault(_described(name, kind, parts[1]))
        if len(found) >= MAX_CODECS:
            break
    return list(found)[:MAX_CODECS]


def _media(lines: list[bytes]) -> list[list[bytes]]:
    """Return the lines of each medium, its ``m=`` first: payload types are each medium's own (RFC 4566 §5.14)."""
    found: list[list[bytes]] = []
    for line in lines:
        if line.startswith(b"m=") and len(found) < MAX_CODECS:
            found.append([line])
        elif found:
            found[-1].append(line)
    return found


def _names(lines: list[bytes]) -> dict[bytes, str]:
    """Read ``a=rtpmap:TYPE NAME/RATE``."""
    found: dict[bytes, str] = {}
    for line in lines:
        if line.startswith(b"a=rtpmap:") and len(found) < 128:
            payload_type, _, name = line[9:].partition(b" ")
            found[payload_type] = _plain(name.partition(b"/")[0])
    return found


def _described(name: str, kind: bytes, profile: bytes) -> str:
    words = name if kind == b"audio" else f"{_plain(kind)} {name}"
    return f"{words} (SAVP)" if b"SAVP" in profile else words


def _plain(raw: bytes) -> str:
    """Keep letters, digits and what names of codecs are made of; strangers write SDP."""
    text = raw[:_MAX_NAME_LENGTH].decode("ascii", "replace")
    return "".join(c if c.isalnum() or c in "-_./+" else "?" for c in text)
