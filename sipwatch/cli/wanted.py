"""The calls that somebody asks for by id or Call-ID, and those that are linked with them.

Must not know: where calls come from, or how they are shown.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord

MAX_KEPT: Final = 500  # linked calls that were over before the one asked for; those of a conversation end together


class FoundCalls:
    """Takes calls as they are over. ``wanted`` is an id, its beginning, or a Call-ID."""

    def __init__(self, wanted: str) -> None:
        self.found: list[CallRecord] = []
        self._wanted = wanted
        self._beginning = wanted.lower()
        self._ids: set[str] = set()
        self._named: set[str] = set()  # by those found
        self._related: dict[str, CallRecord] = {}
        self._before: deque[CallRecord] = deque(maxlen=MAX_KEPT)

    def take(self, call: CallRecord, completed: bool) -> None:
        """Take a call; whether it was completed is all the same."""
        del completed
        if call.id.startswith(self._beginning) or call.call_id == self._wanted:
            self.found.append(call)
            self._ids.add(call.id)
            self._named.update(link.id for link in call.linked)
            earlier = [one for one in self._before if self._belongs(one)]
            self._related.update({one.id: one for one in earlier})
        if self._belongs(call):
            self._related[call.id] = call
        elif call.linked:
            self._before.append(call)

    def _belongs(self, call: CallRecord) -> bool:
        return call.id in self._named or any(link.id in self._ids for link in call.linked)

    def linked_with(self, call: CallRecord) -> list[CallRecord]:
        """Return the calls that are linked with one that was found: it names them, or they name it."""
        named = {link.id for link in call.linked}
        return [
            one for one in self._related.values() if one.id in named or any(link.id == call.id for link in one.linked)
        ]
