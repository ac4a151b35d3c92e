"""Reads a language's file and refuses what is incomplete, naming entry and field.

Must not know: who reads the texts.
"""

from __future__ import annotations

import difflib
import functools
import re
import string
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import msgspec
from msgspec import Meta, Struct

from sipwatch.classify.endings import Ending
from sipwatch.classify.findings import VARIANTS, Kind
from sipwatch.classify.outcomes import Outcome
from sipwatch.knowledge.book import Knowledge, Labels
from sipwatch.knowledge.entries import KEYS, CauseClass, Entry, Topic
from sipwatch.knowledge.leads import When

HERE = Path(__file__).parent
_SOMETIMES = {  # fields that not every kind of entry has
    "name": (Topic.STATUS, Topic.CAUSE, Topic.CLASS),  # beside its key
    "who": (Topic.OUTCOME, Topic.ENDING),
}
_NAMED: dict[Topic, type[Outcome | Ending]] = {Topic.OUTCOME: Outcome, Topic.ENDING: Ending}
_PLACES = {  # the names that a label may hold in braces
    "provisional": {"heard"},
    "unregistered": {"code", "general"},
    "undefined": {"code", "class", "general"},
}
_TIMERS = {"no_response_after", "no_progress_after", "no_answer_after", "brief_before"}
_SECTIONS = ("language", "labels", "when", "cause_class", *Topic)

_Enum = TypeVar("_Enum", bound=StrEnum)


class KnowledgeError(Exception):
    """A language that cannot be used; the text is one line."""


class _Texts(Struct, forbid_unknown_fields=True):
    """An entry as it stands in a file."""

    meaning: str
    agent: str
    admin: str
    situations: Annotated[list[str], Meta(min_length=1)]
    misuse: str
    reference: str
    plain: str | None = None
    name: str | None = None
    says: dict[str, str] | None = None
    who: str | None = None


@functools.cache
def load(language: str = "en") -> Knowledge:
    """Read what is known, in a language (``en``). Raises KnowledgeError."""
    path = HERE / f"{language}.toml"
    there = sorted(file.stem for file in HERE.glob("*.toml"))
    if language not in there:
        raise KnowledgeError(f"there are no texts in the language {language!r}; there are: {', '.join(there)}")
    return parse(path.read_text("utf-8"), path.name)


def parse(text: str, origin: str) -> Knowledge:
    """Turn the text of a language's file into what is known. Raises KnowledgeError."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise KnowledgeError(f"{origin}: not valid TOML: {error}") from None
    return _Reader(origin).knowledge(document)


class _Reader:
    """Goes through a document; every complaint names where."""

    def __init__(self, origin: str) -> None:
        self._origin = origin

    def knowledge(self, document: dict[str, Any]) -> Knowledge:
        self._keys(document, _SECTIONS, "")
        entries = [
            self._entry(kind, key, self._table(self._table(document[kind], kind)[key], f"{kind}.{key}"))
            for kind in Topic
            for key in self._expected(document, kind)
        ]
        return Knowledge(
            self._text(document["language"], "language"),
            entries,
            self._labels(self._table(document["labels"], "labels")),
            self._words(document, "when", When, _TIMERS, may_be_empty={When.ALWAYS}),
            self._words(document, "cause_class", CauseClass, set()),
        )

    def _expected(self, document: dict[str, Any], kind: Topic) -> tuple[str, ...]:
        self._keys(self._table(document[kind], kind), KEYS[kind], f"{kind}.")
        return KEYS[kind]

    def _entry(self, kind: Topic, key: str, table: dict[str, Any]) -> Entry:
        where = f"{kind}.{key}"
        for field, kinds in _SOMETIMES.items():
            if (field in table) is not (kind in kinds):
                self._complain(f"{where}: {field}", "is missing" if kind in kinds else "does not belong here")
        texts = self._convert(table, _Texts, where)
        return Entry(
            kind=kind,
            key=key,
            name=key if texts.name is None else self._text(texts.name, f"{where}: name"),
            plain=self._plain(kind, key, texts.plain, where),
            meaning=self._text(texts.meaning, f"{where}: meaning"),
            agent=self._text(texts.agent, f"{where}: agent"),
            admin=self._text(texts.admin, f"{where}: admin"),
            situations=tuple(self._text(text, f"{where}: situations") for text in texts.situations),
            misuse=self._text(texts.misuse, f"{where}: misuse"),
            reference=self._text(texts.reference, f"{where}: reference"),
            says=self._says(kind, key, texts.says, where),
            who="" if texts.who is None else self._text(texts.who, f"{where}: who"),
        )

    def _plain(self, kind: Topic, key: str, given: str | None, where: str) -> str:
        """Return an entry's plain name: what reports call it has its name there, unless this language has another."""
        if given is not None:
            return self._text(given, f"{where}: plain")
        if kind not in _NAMED:
            self._complain(f"{where}: plain", "is missing")
        return _NAMED[kind](key).plain_name

    def _says(self, kind: Topic, key: str, says: dict[str, str] | None, where: str) -> tuple[tuple[str, str], ...]:
        """Read the sentences in which a finding is told, one for each variant; they name the finding's facts."""
        if kind is not Topic.FINDING:
            if says is not None:
                self._complain(f"{where}: says", "does not belong here")
            return ()
        variants = VARIANTS[Kind(key)]
        self._keys(says or {}, tuple(variants), f"{where}: says.")
        found = []
        for variant, facts in variants.items():
            text = self._text((says or {})[variant], f"{where}: says.{variant}")
            self._places(text, {*facts, "subject"}, f"{where}: says.{variant}")
            found.append((variant, text))
        return tuple(found)

    def _labels(self, table: dict[str, Any]) -> Labels:
        labels = self._convert(table, Labels, "labels")
        for name in Labels.__struct_fields__:
            where = f"labels: {name}"
            self._places(self._text(getattr(labels, name), where), _PLACES.get(name, set()), where)
        return labels

    def _words(
        self,
        document: dict[str, Any],
        section: str,
        names: type[_Enum],
        places: set[str],
        may_be_empty: set[_Enum] | frozenset[_Enum] = frozenset(),
    ) -> dict[_Enum, str]:
        table = self._table(document[section], section)
        self._keys(table, tuple(names), f"{section}.")
        found: dict[_Enum, str] = {}
        for name in names:
            where = f"{section}: {name}"
            found[name] = "" if name in may_be_empty and table[name] == "" else self._text(table[name], where)
            self._places(found[name], places, where)
        return found

    # What can be wrong

    def _convert(self, table: dict[str, Any], shape: type[_Shape], where: str) -> _Shape:
        try:
            return msgspec.convert(table, shape)
        except msgspec.ValidationError as error:
            complaint, _, at = str(error).partition(" - at `$")
            field = re.sub(r"\[.*", "", at.strip("`.")) if at else ""
            self._complain(f"{where}: {field}" if field else where, complaint.replace("Object ", "").replace("`", "'"))

    def _keys(self, table: dict[str, Any], expected: tuple[str, ...], prefix: str) -> None:
        for name in expected:
            if name not in table:
                self._complain(f"{prefix}{name}", "is missing")
        for name in table:
            if name not in expected:
                near = difflib.get_close_matches(name, expected, n=1)
                self._complain(f"{prefix}{name}", "is not known" + (f"; did you mean {near[0]}?" if near else ""))

    def _table(self, value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._complain(where, "should be a table")
        return value

    def _text(self, value: Any, where: str) -> str:
        if not isinstance(value, str):
            self._complain(where, "should be text")
        text = " ".join(value.split())
        if not text:
            self._complain(where, "is empty")
        if not text.isprintable():
            self._complain(where, "holds a character that cannot be shown")
        return text

    def _places(self, text: str, allowed: set[str], where: str) -> None:
        try:
            used = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
        except ValueError:
            self._complain(where, "has a brace without its counterpart")
        if not used <= allowed:
            self._complain(where, f"uses {{{min(used - allowed)}}}, which is not there")

    def _complain(self, where: str, what: str) -> NoReturn:
        raise KnowledgeError(f"{self._origin}: {where}: {what}")


_Shape = TypeVar("_Shape", bound=Struct)
