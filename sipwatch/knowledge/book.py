"""All that is known in one language, and how to find it.

Must not know: files, terminals.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from sipwatch.knowledge.entries import (
    MAX_CAUSE,
    MAX_CODE,
    MIN_CODE,
    CauseClass,
    Entry,
    Topic,
    cause_class,
    general_cause,
    general_code,
)
from sipwatch.knowledge.lookup import normal, read
from sipwatch.packet import SECOND
from sipwatch.track.timers import Timers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sipwatch.knowledge.leads import When

MAX_SUGGESTIONS = 3


class Labels(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The words between the entries' own."""

    outcome: str
    condition: str
    ending: str
    finding: str
    tag: str
    link: str
    offer: str
    ratio: str
    metric: str
    alert: str
    status: str
    cause: str
    class_: str = field(name="class")
    outcomes: str
    conditions: str
    endings: str
    findings: str
    tags: str
    links: str
    offers: str
    ratios: str
    metrics: str
    alerts: str
    classes: str
    statuses: str
    causes: str
    leads_to: str
    reached_by: str
    meaning: str
    agent: str
    admin: str
    situations: str
    misuse: str
    runbook: str
    reference: str
    category: str
    provisional: str
    silent: str
    by_rule: str
    unregistered: str
    unregistered_name: str
    undefined: str
    undefined_name: str
    more: str

    def of(self, kind: str) -> str:
        """Return what an entry of a kind is called. Raises AttributeError."""
        return str(getattr(self, "class_" if kind == Topic.CLASS else kind))

    def list_of(self, kind: str) -> str:
        """Return what a list of all entries of a kind is called. Raises AttributeError."""
        return str(getattr(self, f"{kind}{'es' if kind.endswith('s') else 's'}"))


class Knowledge:
    """What is known, by kind and key."""

    __slots__ = ("_by_name", "_cause_class", "_entries", "_when", "labels", "language")

    def __init__(
        self,
        language: str,
        entries: Iterable[Entry],
        labels: Labels,
        when: dict[When, str],
        classes: dict[CauseClass, str],
    ) -> None:
        self.language = language
        self.labels = labels
        self._when = when
        self._cause_class = classes
        self._entries = {(entry.kind, entry.key): entry for entry in entries}
        self._by_name: dict[str, list[Entry]] = {}
        for entry in self._entries.values():
            for name in dict.fromkeys(normal(text) for text in (entry.key, entry.name, entry.plain)):
                self._by_name.setdefault(name, []).append(entry)

    def all(self, kind: Topic | None = None) -> list[Entry]:
        """Return every entry, or those of a kind, in the order of the lists."""
        return [entry for entry in self._entries.values() if kind is None or entry.kind is kind]

    def outcome(self, key: str) -> Entry:
        """Return what is known about an outcome. Raises KeyError."""
        return self._entries[Topic.OUTCOME, key]

    def condition(self, key: str) -> Entry:
        """Return what is known about a condition. Raises KeyError."""
        return self._entries[Topic.CONDITION, key]

    def ending(self, key: str) -> Entry:
        """Return what is known about a way in which answered calls end. Raises KeyError."""
        return self._entries[Topic.ENDING, key]

    def finding(self, key: str) -> Entry:
        """Return what is known about a kind of finding. Raises KeyError."""
        return self._entries[Topic.FINDING, key]

    def offer(self, key: str) -> Entry:
        """Return what is known about how a device took a call. Raises KeyError."""
        return self._entries[Topic.OFFER, key]

    def says(self, key: str, variant: str) -> str:
        """Return the sentence in which a finding is told. Raises KeyError."""
        return dict(self.finding(key).says)[variant]

    def status(self, code: int) -> Entry:
        """Return what is known about a status code, 100 to 699, registered or not. Raises KeyError."""
        known = self._entries.get((Topic.STATUS, str(code)))
        return known or self._unregistered(code)

    def cause(self, number: int) -> Entry:
        """Return what is known about a Q.850 cause, 1 to 127, defined or not. Raises KeyError."""
        known = self._entries.get((Topic.CAUSE, str(number)))
        return known or self._undefined(number)

    def when(self, when: When) -> str:
        """Say when a code leads to an outcome; empty for always."""
        timers = Timers()
        names = ("no_response_after", "no_progress_after", "no_answer_after", "brief_before")
        return self._when[when].format(**{name: f"{getattr(timers, name) / SECOND:g}" for name in names})

    def class_of_cause(self, number: int) -> str:
        """Name the class of a cause."""
        return self._cause_class[cause_class(number)]

    def find(self, text: str) -> list[Entry]:
        """Return what a text asks for (see ``lookup``), best first; empty when nothing is known by that name."""
        named = self._by_name.get(normal(text))
        if named:
            return list(named)
        found = [entry for kind, key in read(text) for entry in self._asked(kind, key)]
        return list({(entry.kind, entry.key): entry for entry in found}.values())

    def suggest(self, text: str) -> list[str]:
        """Return the names that are nearest to a text, nearest first; none when nothing is near."""
        wanted = normal(text)
        if wanted.isdecimal():
            return []  # another number is no better spelling of this one
        near = difflib.get_close_matches(wanted, self._by_name, n=MAX_SUGGESTIONS, cutoff=0.7)
        if len(wanted) > 2:
            near += [name for name in self._by_name if wanted in name]
        return [self._written(name) for name in dict.fromkeys(near)][:MAX_SUGGESTIONS]

    def _asked(self, kind: Topic | None, key: str) -> list[Entry]:
        if kind is Topic.STATUS:
            return [self.status(int(key))]
        if kind is Topic.CAUSE and key.isdecimal():
            return [self.cause(int(key))]
        return [entry for entry in self._by_name.get(normal(key), ()) if kind is None or entry.kind is kind]

    def _written(self, name: str) -> str:
        """Return a name as it is written: the key where it is one."""
        entries = self._by_name[name]
        names = [entry.key for entry in entries] + [n for entry in entries for n in (entry.name, entry.plain)]
        return next(written for written in names if normal(written) == name)

    def _unregistered(self, code: int) -> Entry:
        if not MIN_CODE <= code <= MAX_CODE:
            raise KeyError(code)
        general = self._entries[Topic.STATUS, str(general_code(code))]
        note = self.labels.unregistered.format(code=code, general=f"{general.key} {general.name}")
        whole = self._entries[Topic.CLASS, f"{code // 100}xx"]
        return _stand_in(whole, Topic.STATUS, code, self.labels.unregistered_name, note)

    def _undefined(self, number: int) -> Entry:
        if not 1 <= number <= MAX_CAUSE:
            raise KeyError(number)
        general = self._entries[Topic.CAUSE, str(general_cause(number))]
        note = self.labels.undefined.format(
            code=number, **{"class": self.class_of_cause(number)}, general=f"{general.key} {general.name}"
        )
        return _stand_in(general, Topic.CAUSE, number, self.labels.undefined_name, note)


def _stand_in(entry: Entry, kind: Topic, number: int, name: str, note: str) -> Entry:
    meaning = f"{note} {entry.meaning}"
    return replace(entry, kind=kind, key=str(number), name=name, meaning=meaning, registered=False)
