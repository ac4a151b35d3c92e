"""The ratios of calls by RFC 6076, with ASR and NER: each a part and the whole that it is of.

Must not know: how calls are judged, or how a share is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.classify.causes import EFFECTIVE_CODES, INEFFECTIVE_CODES

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord

RATIOS: Final = ("ser", "seer", "isa", "scr", "asr", "ner")


class Ratios:
    """Counts what the ratios need; ``unfinished`` calls are in none of them (DESIGN §6)."""

    __slots__ = ("_answered", "_by_user", "_completed", "_effective", "_ineffective", "_judged", "_redirected")

    def __init__(self) -> None:
        self._judged = self._answered = self._redirected = 0
        self._effective = self._ineffective = self._completed = self._by_user = 0

    def add(self, call: CallRecord, completed: bool) -> None:
        """Count a call; ``completed`` says that it was answered and ended by a BYE with a 2xx."""
        if call.outcome == "unfinished":
            return
        code = call.status_code
        self._judged += 1
        self._by_user += call.category == "user"
        if call.ending is not None:
            self._answered += 1
            self._effective += 1
            self._completed += completed
        elif code is None:
            unheard = call.trying is None and call.progressed is None
            self._ineffective += unheard and call.ended_by == "timeout"
        else:
            self._redirected += 300 <= code < 400
            self._effective += code in EFFECTIVE_CODES
            self._ineffective += code in INEFFECTIVE_CODES

    def of(self, name: str) -> tuple[int, int]:
        """Return the calls that are a ratio's part, and those that it is of. Raises KeyError."""
        asked = self._judged - self._redirected
        return {
            "ser": (self._answered, asked),
            "seer": (self._effective, asked),
            "isa": (self._ineffective, self._judged),
            "scr": (self._completed, self._judged),
            "asr": (self._answered, self._judged),
            "ner": (self._answered + self._by_user, self._judged),
        }[name]

    def share(self, name: str) -> float | None:
        """Return a ratio to six digits, None where there is nothing that it could be of. Raises KeyError."""
        part, whole = self.of(name)
        return round(part / whole, 6) if whole else None
