"""What the rules of a configuration make of the calls of a capture: which decided, and what would have come out.

Must not know: where the configuration came from, or how this is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sipwatch.classify.peers import Rule
    from sipwatch.classify.verdict import Verdicts
    from sipwatch.track.leg import Leg


class Use:
    """The use that was made of a rule: on hops, and on calls, with the outcome before and after for each call."""

    __slots__ = ("calls", "changes", "hops")

    def __init__(self) -> None:
        self.hops = 0
        self.calls = 0
        self.changes: dict[tuple[str, str], int] = {}


class Trial:
    """Listens while verdicts fall. ``uses`` has each rule of the configured peers, in the order of the file."""

    __slots__ = ("_by_rule", "_verdicts")

    def __init__(self, verdicts: Verdicts) -> None:
        self._verdicts = verdicts
        peers = verdicts.directory.settings.peers
        self._by_rule = {id(rule): (peer.name, rule, Use()) for peer in peers for rule in peer.rules}
        verdicts.applied = self.applied

    def applied(self, leg: Leg, rule: Rule) -> None:
        """Take a rule that decides a leg; for the leg nearest the caller, it decides the call (OUTCOMES §2)."""
        _, _, use = self._by_rule[id(rule)]
        use.hops += 1
        call = leg.call
        if leg is call.upstream and not call.outcome:
            use.calls += 1
            change = self._verdicts.without_rules(leg).value, rule.outcome.value
            use.changes[change] = use.changes.get(change, 0) + 1

    @property
    def uses(self) -> list[tuple[str, Rule, Use]]:
        """Return the peer's name, the rule and its use, for each rule."""
        return list(self._by_rule.values())
