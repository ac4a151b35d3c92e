"""Hostile text made harmless for where it goes.

Must not know: where the text came from. Whatever stood on the wire passes through here on its way to
a terminal or a spreadsheet.
"""

import re

# C0 and C1 controls, DEL; zero-width and direction-changing characters, which let one text look
# like another; line and paragraph separators; the byte order mark; lone surrogates, and the two that are no characters:
# with the controls, all that XML 1.0 does not take.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)
_NO_CHARACTERS = re.compile("[\ufffe\uffff]")  # XML 1.0 §2.2: beside what is unsafe above
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def terminal(text: str) -> str:
    r"""Return text that moves no cursor, changes no colour and hides nothing: controls become ``\\xNN``."""
    return text if text.isascii() and text.isprintable() else _UNSAFE.sub(_visible, text)


def xml_characters(text: str) -> str:
    """Return text in which XML has a meaning for every character, and none hides or turns another.

    Whatever writes the XML still has to escape its markup (``&``, ``<``, quotation marks).
    """
    return _NO_CHARACTERS.sub(_visible, terminal(text))


def csv_cell(text: str) -> str:
    """Return text that no spreadsheet takes for a formula, on one line.

    A leading ``=``, ``+``, ``-`` or ``@`` gets an apostrophe before it, as OWASP advises; so does a
    number in international form, ``+1555...``, which would otherwise turn into a formula as well.
    """
    safe = terminal(text)
    return "'" + safe if safe.startswith(_FORMULA) else safe


def json_text(encoded: bytes) -> bytes:
    r"""Return JSON in which what could act on a terminal stands as ``\\uNNNN``; its meaning is the same.

    C0 controls are escaped by JSON itself. Most output is plain ASCII, which one look tells.
    """
    if encoded.isascii():
        return encoded.replace(b"\x7f", b"\\u007f") if 0x7F in encoded else encoded
    return _UNSAFE_IN_JSON.sub(lambda m: f"\\u{ord(m[0]):04x}", encoded.decode()).encode()


_UNSAFE_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]")


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    short = {0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t"}.get(code)
    return short or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
