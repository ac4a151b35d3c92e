"""One call's messages as they may be shown, in the room that they had.

Must not know: packets, formats, what is hidden and how (``export.rawmask``).
"""

from __future__ import annotations

from sipwatch.export.rawmask import Disguise

_LONGER = "a message could not be covered in its own length"


class Unsafe(Exception):  # noqa: N818 - not a mistake: a reason
    """Bytes that cannot be covered for certain; the text says why, in words that finish "because ..."."""


class Cover(Disguise):
    """Covers the messages of one call without changing their length."""

    def message(self, raw: bytes) -> bytes:
        """Return a message with everything covered, as long as before. Raises Unsafe."""
        new = super().message(raw)
        if len(new) != len(raw):
            raise Unsafe(_LONGER)
        return new
