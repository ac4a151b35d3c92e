"""The one-letter forms of header names (RFC 3261 §7.3.3, and those that other RFCs have registered since).

Must not know: messages, or what a header is for.
"""

from typing import Final

COMPACT: Final = {
    b"accept-contact": b"a",  # RFC 3841
    b"allow-events": b"u",  # RFC 6665
    b"call-id": b"i",
    b"contact": b"m",
    b"content-encoding": b"e",
    b"content-length": b"l",
    b"content-type": b"c",
    b"event": b"o",  # RFC 6665
    b"from": b"f",
    b"identity": b"y",  # RFC 8224
    b"refer-to": b"r",  # RFC 3515
    b"referred-by": b"b",  # RFC 3892
    b"reject-contact": b"j",  # RFC 3841
    b"request-disposition": b"d",  # RFC 3841
    b"session-expires": b"x",  # RFC 4028
    b"subject": b"s",
    b"supported": b"k",
    b"to": b"t",
    b"via": b"v",
}
_LONG: Final = {short: long for long, short in COMPACT.items()}


def both_forms(name: bytes) -> tuple[bytes, bytes]:
    """Return the long and the compact form of a header name in lower case, whichever is given; ``b""`` without one."""
    name = name.lower()
    long = _LONG.get(name, name)
    return long, COMPACT.get(long, b"")
