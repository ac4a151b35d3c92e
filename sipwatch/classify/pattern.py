"""Regular expressions whose work grows with the text, never faster: strangers write the texts.

Python's own matcher goes back and tries again, which a text made for it turns into years. Here every way
through a pattern is followed at once (Thompson, 1968), so one look at each character is enough. What
cannot be done that way, back references and looking around, is refused by name. Single characters and
classes are left to ``re``, so that they mean what they mean there; a property test holds the rest to it.

Must not know: rules, messages, or where a text comes from.
"""

from __future__ import annotations

import re
import warnings
from enum import IntEnum
from typing import Final

MAX_TEXT_LENGTH = 200  # characters looked at
MAX_PATTERN_LENGTH = 200  # characters
MAX_STEPS = 500  # of the program: with MAX_TEXT_LENGTH, what one text may cost at the most
_REMEMBERED = 1024  # texts whose answer is kept: carriers say the same few things all day

_ATOM = re.compile(
    r"\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}|\\N\{[^}]*\}|\\0[0-7]{0,2}|\\[0-7]{3}|\\."
    r"|\[\^?\]?(?:\\.|[^\]\\])*\]|.",
    re.DOTALL,
)
_REPEAT = re.compile(r"(?:[*+?]|\{\d*,\d*\}|\{\d+\})")
_AT: Final = {"^": 0, "\\A": 0, "$": 1, "\\Z": 2, "\\b": 3}
_WORD = re.compile(r"\w")
_NO_END = -1


class PatternError(ValueError):
    """A pattern that cannot be used; the text says why, in a few words."""


class _Kind(IntEnum):
    CHARACTER = 0
    AT = 1
    SEQUENCE = 2
    EITHER = 3
    REPEAT = 4


class _Op(IntEnum):
    CHARACTER = 0  # go on if the character is one of these
    AT = 1  # go on if this is the place
    BOTH = 2  # go on here and there
    FOUND = 3


class _Node:
    """A part of a pattern. ``what`` is a character's or place's number; ``most`` is ``_NO_END`` without one."""

    __slots__ = ("kind", "least", "most", "parts", "what")

    def __init__(
        self, kind: _Kind, parts: list[_Node] | None = None, *, what: int = 0, least: int = 1, most: int = 1
    ) -> None:
        self.kind = kind
        self.parts = parts or []
        self.what = what
        self.least = least
        self.most = most


class Pattern:
    """A regular expression, looked for anywhere in a text, whatever the case of its letters.

    ``shortest`` is the length of the shortest text in which it is found; ``always`` says that any text will do.
    Raises PatternError for what is no regular expression, or none that can be looked for in one pass.
    """

    __slots__ = ("_characters", "_known", "_program", "always", "shortest", "source")

    def __init__(self, source: str) -> None:
        _check(source)
        reader = _Reader(source)
        tree = reader.alternatives()
        if _size(tree) > MAX_STEPS:
            raise PatternError("it repeats too much: fewer or smaller repetitions")
        self.source = source
        self.shortest = _shortest(tree)
        self._characters = [_Characters(atom) for atom in reader.atoms]
        self._program: list[tuple[_Op, int, int]] = []
        _write(tree, self._program)
        self._program.append((_Op.FOUND, 0, 0))
        self.always = self.shortest == 0 and not any(op is _Op.AT for op, _, _ in self._program)
        self._known: dict[str, bool] = {}

    def found_in(self, text: str) -> bool:
        """Tell whether it is found in the first ``MAX_TEXT_LENGTH`` characters of a text."""
        text = text[:MAX_TEXT_LENGTH]
        found = self._known.get(text)
        if found is None:
            found = self._search(text)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[text] = found
        return found

    def _search(self, text: str) -> bool:
        waiting: list[int] = []  # steps that want a character, reached with the text so far
        for place in range(len(text) + 1):
            steps = self._reach([*waiting, 0], text, place)
            if steps is None:
                return True
            if place < len(text):
                character = text[place]
                waiting = [step + 1 for step in steps if self._characters[self._program[step][1]].has(character)]
        return False

    def _reach(self, steps: list[int], text: str, place: int) -> list[int] | None:
        """Return the steps that want the next character, None when the pattern is found."""
        seen: set[int] = set()
        wanting: list[int] = []
        while steps:
            step = steps.pop()
            if step in seen:
                continue
            seen.add(step)
            op, first, second = self._program[step]
            if op is _Op.FOUND:
                return None
            if op is _Op.CHARACTER:
                wanting.append(step)
            elif op is _Op.BOTH:
                steps += (first, second)
            elif _is_at(first, text, place):
                steps.append(step + 1)
        return wanting


class _Characters:
    """What one character of a pattern stands for, as ``re`` reads it."""

    __slots__ = ("_known", "_pattern")

    def __init__(self, atom: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            self._pattern = re.compile(atom, re.IGNORECASE)
        self._known: dict[str, bool] = {}

    def has(self, character: str) -> bool:
        """Tell whether a character is one of these."""
        known = self._known.get(character)
        if known is None:
            known = self._pattern.match(character) is not None
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[character] = known
        return known


class _Reader:
    """Reads a pattern that ``re`` has accepted; ``atoms`` collects its characters and classes."""

    def __init__(self, source: str) -> None:
        self.atoms: list[str] = []
        self._source = source
        self._place = 0

    def alternatives(self) -> _Node:
        """Read up to the end of the group, or of everything."""
        found = [self._sequence()]
        while self._take("|"):
            found.append(self._sequence())
        return found[0] if len(found) == 1 else _Node(_Kind.EITHER, found)

    def _sequence(self) -> _Node:
        parts = []
        while self._place < len(self._source) and self._source[self._place] not in "|)":
            parts.append(self._repeated(self._one()))
        return _Node(_Kind.SEQUENCE, parts)

    def _one(self) -> _Node:
        if self._take("("):
            if self._take("?") and not self._take(":"):
                raise PatternError("(?...) cannot be looked for in one pass, only (...) and (?:...)")
            group = self.alternatives()
            self._take(")")
            return group
        match = _ATOM.match(self._source, self._place)
        atom = match[0] if match is not None else ""
        self._place += len(atom)
        if atom in _AT:
            return _Node(_Kind.AT, what=_AT[atom])
        if atom[:1] == "\\" and (atom[1] in "123456789B" and len(atom) == 2):
            raise PatternError(f"{atom} cannot be looked for in one pass")
        if atom not in self.atoms:
            self.atoms.append(atom)
        return _Node(_Kind.CHARACTER, what=self.atoms.index(atom))

    def _repeated(self, node: _Node) -> _Node:
        match = _REPEAT.match(self._source, self._place)
        if match is None:
            return node
        self._place += len(match[0])
        if self._take("+"):
            raise PatternError(f"{match[0]}+ cannot be looked for in one pass")
        self._take("?")  # whether it takes little or much changes nothing about being found
        least, most = _bounds(match[0])
        return _Node(_Kind.REPEAT, [node], least=least, most=most)

    def _take(self, character: str) -> bool:
        if self._source[self._place : self._place + 1] != character:
            return False
        self._place += 1
        return True


def _check(source: str) -> None:
    """Let ``re`` say what is wrong with a pattern, as far as it knows."""
    if len(source) > MAX_PATTERN_LENGTH:
        raise PatternError(f"it is longer than {MAX_PATTERN_LENGTH} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            re.compile(source, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        raise PatternError(str(error).replace("\n", " ")) from None


def _bounds(repeat: str) -> tuple[int, int]:
    fixed = {"*": (0, _NO_END), "+": (1, _NO_END), "?": (0, 1)}.get(repeat)
    if fixed is not None:
        return fixed
    least, comma, most = repeat[1:-1].partition(",")
    if not comma:
        return int(least), int(least)
    return int(least or 0), int(most) if most else _NO_END


def _size(node: _Node) -> int:
    """Return how many steps a part will have."""
    inner = sum(_size(part) for part in node.parts)
    if node.kind is _Kind.SEQUENCE:
        return inner
    if node.kind is _Kind.EITHER:
        return inner + 2 * len(node.parts)
    if node.kind is _Kind.REPEAT:
        optional = 1 if node.most == _NO_END else node.most - node.least
        return node.least * inner + optional * (inner + 2)
    return 1


def _shortest(node: _Node) -> int:
    if node.kind is _Kind.CHARACTER:
        return 1
    lengths = [_shortest(part) for part in node.parts]
    if node.kind is _Kind.EITHER:
        return min(lengths)
    return sum(lengths) * (node.least if node.kind is _Kind.REPEAT else 1)


def _write(node: _Node, program: list[tuple[_Op, int, int]]) -> None:
    """Write the steps of a part, to be gone through from first to last."""
    if node.kind is _Kind.CHARACTER:
        program.append((_Op.CHARACTER, node.what, 0))
    elif node.kind is _Kind.AT:
        program.append((_Op.AT, node.what, 0))
    elif node.kind is _Kind.SEQUENCE:
        for part in node.parts:
            _write(part, program)
    elif node.kind is _Kind.EITHER:
        _write_either(node.parts, program)
    else:
        _write_repeat(node, program)


def _write_either(parts: list[_Node], program: list[tuple[_Op, int, int]]) -> None:
    leaving: list[int] = []
    for part in parts[:-1]:
        fork = len(program)
        program.append((_Op.BOTH, 0, 0))
        _write(part, program)
        leaving.append(len(program))
        program.append((_Op.BOTH, 0, 0))
        program[fork] = (_Op.BOTH, fork + 1, len(program))
    _write(parts[-1], program)
    for step in leaving:
        program[step] = (_Op.BOTH, len(program), len(program))


def _write_repeat(node: _Node, program: list[tuple[_Op, int, int]]) -> None:
    part = node.parts[0]
    for _ in range(node.least):
        _write(part, program)
    if node.most == _NO_END:
        fork = len(program)
        program.append((_Op.BOTH, 0, 0))
        _write(part, program)
        program.append((_Op.BOTH, fork, fork))
        program[fork] = (_Op.BOTH, fork + 1, len(program))
        return
    forks: list[int] = []
    for _ in range(node.most - node.least):
        forks.append(len(program))
        program.append((_Op.BOTH, 0, 0))
        _write(part, program)
    for fork in forks:
        program[fork] = (_Op.BOTH, fork + 1, len(program))


def _is_at(what: int, text: str, place: int) -> bool:
    """Tell whether a place of a text is its beginning, its end, its very end, or the edge of a word."""
    if what == 0:
        return place == 0
    if what == 1:
        return place == len(text) or (place == len(text) - 1 and text[place] == "\n")
    if what == 2:
        return place == len(text)
    return _is_word(text, place - 1) != _is_word(text, place)


def _is_word(text: str, place: int) -> bool:
    return 0 <= place < len(text) and _WORD.match(text[place]) is not None
