"""Who is behind a number: the agents of a contact centre, as the configuration names them.

Must not know: where the names came from, or what is counted of anybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sipwatch.classify.numbers import index_key, same_number

if TYPE_CHECKING:
    from collections.abc import Iterable


class RosterEntry(NamedTuple):
    """One number of an agent: an extension, a user name or a full number; ``group`` is None where nobody says."""

    number: str
    name: str
    group: str | None = None


class Roster:
    """Agents by their numbers, in whatever notation. ``region`` is that of ``numbers.same_number``."""

    __slots__ = ("_by_key", "_region")

    def __init__(self, agents: Iterable[RosterEntry] = (), region: str | None = None) -> None:
        self._region = region
        self._by_key: dict[str, list[RosterEntry]] = {}
        for agent in agents:
            self._by_key.setdefault(index_key(agent.number), []).append(agent)

    def find(self, number: str) -> RosterEntry | None:
        """Return whose number it is, None if nobody's; the spelling that is written goes before another."""
        alike = self._by_key.get(index_key(number), ())
        for agent in alike:
            if agent.number == number:
                return agent
        for agent in alike:
            if same_number(agent.number, number, self._region):
                return agent
        return None
