"""What is remembered of earlier calls takes of memory: estimates in bytes, and the room that all its tables share.

Must not know: what is remembered, or why. The estimates are held against the interpreter's own count by their tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from sipwatch.budget import DEFAULT_BUDGET

if TYPE_CHECKING:
    from sipwatch.classify.findings import Evidence, Finding
    from sipwatch.wire.message import Message

# CPython 3.11 on 64 bits; a compiled object is smaller.
SLOT: Final = 110  # an entry of a dictionary, as it grows
PAIR_KEY: Final = 170  # a tuple of two packed addresses
TEXTS: Final = 140  # that an entry's texts are noted with it
LIST: Final = 120
DICT: Final = 230
_TEXT: Final = 56
_WIDE_TEXT: Final = 80
_EVIDENCE: Final = 160
_FACT: Final = 90
_FINDING: Final = 650
_ID: Final = 190
_MESSAGE: Final = 1100  # with its identifiers and its path, which nobody else may hold any more


def of_text(text: str) -> int:
    """Return what a text takes (bytes): one wide character makes all of them wide."""
    return _TEXT + len(text) if text.isascii() else _WIDE_TEXT + 4 * len(text)


def of_evidence(evidence: Evidence) -> int:
    """Return what a packet shown for a finding takes (bytes)."""
    return _EVIDENCE + of_text(evidence.what)


def of_all(evidence: list[Evidence]) -> int:
    """Return what the packets shown for a finding take (bytes)."""
    return sum([of_evidence(one) for one in evidence])


def of_finding(finding: Finding) -> int:
    """Return what a finding takes (bytes)."""
    texts = [fact.text for fact in finding.facts.values() if not isinstance(fact, (int, float))]
    facts = _FACT * len(finding.facts) + sum([of_text(text) for text in texts])
    return _FINDING + facts + of_text(finding.subject.text) + of_all(finding.evidence)


def of_id(call: tuple[bytes, bytes, int]) -> int:
    """Return what the name of a call takes (bytes)."""
    return _ID + len(call[0]) + len(call[1])


def of_message(message: Message) -> int:
    """Return what a message takes (bytes)."""
    return _MESSAGE + len(message.raw)


class Forgetful(Protocol):
    """A table whose entries can go; ``bytes`` is what it takes."""

    bytes: int

    def forget_oldest(self) -> None:
        """Give up the entry that was touched longest ago, and count it."""


class Memory:
    """Room for so many bytes in all tables together: when they take more, the table that takes most gives up.

    So whoever floods one table pushes out his own. What is given up is counted by the table that does.
    """

    __slots__ = ("_tables", "bytes", "room")

    def __init__(self, room: int = DEFAULT_BUDGET.memories) -> None:
        self.room = room
        self.bytes = 0
        self._tables: list[Forgetful] = []

    def share(self, table: Forgetful) -> None:
        """Let a table take of the room."""
        self._tables.append(table)

    def leave(self, table: Forgetful) -> None:
        """Take back the room of a table that is used no more."""
        self._tables = [one for one in self._tables if one is not table]
        self.bytes -= table.bytes

    def grow(self, table: Forgetful, by: int) -> None:
        """Take note that a table takes so many bytes more, or less; somebody may have to give up an entry."""
        table.bytes += by
        self.bytes += by
        if by > 0 and self.bytes > self.room:
            self._relieve()

    @property
    def crowded(self) -> bool:
        """Tell whether somebody may have to go before long."""
        return 2 * self.bytes > self.room

    def _relieve(self) -> None:
        while self.bytes > self.room:
            largest = max(self._tables, key=_bytes, default=None)
            if largest is None or largest.bytes <= 0:
                return
            largest.forget_oldest()


def _bytes(table: Forgetful) -> int:
    return table.bytes
