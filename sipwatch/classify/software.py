"""Families of software: which of the configured ones a User-Agent or Server names, by their patterns.

Must not know: calls, peers, where the patterns come from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.classify.peers import OTHER
from sipwatch.wire.message import decoded
from sipwatch.wire.sip import header

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sipwatch.classify.peers import Software
    from sipwatch.wire.message import Message

MAX_READ: Final = 200  # characters of what somebody calls his software
_MAX_KNOWN: Final = 1024  # texts whose family is remembered: they are few, and strangers' are forgotten all at once


class Families:
    """Names the family of a text: the first whose pattern is found in it, ``other`` if none is, or there is no text."""

    __slots__ = ("_families", "_known", "names")

    def __init__(self, families: Sequence[Software]) -> None:
        self._families = families
        self._known: dict[bytes, str] = {}
        self.names = [*[family.name for family in families], OTHER]

    def of(self, text: bytes) -> str:
        """Return the family of what a header says."""
        text = text[: 4 * MAX_READ]
        name = self._known.get(text)
        if name is None:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            name = self._known[text] = self._look_up(decoded(text)[:MAX_READ])
        return name

    def of_message(self, message: Message | None) -> str:
        """Return the family of the sender of a message: by its User-Agent, or by its Server."""
        if message is not None:
            for name in (b"user-agent", b"server"):
                if name in message.names:
                    return self.of(header(message.raw, name))
        return OTHER

    def _look_up(self, text: str) -> str:
        for family in self._families:
            if family.pattern.found_in(text):
                return family.name
        return OTHER
