r"""Regular expressions by RE2, whose work grows with the text and never faster: strangers write the texts.

Patterns are written as for Python's ``re``. What RE2 spells otherwise or takes for something else is rewritten for it:
``\w``, ``\d`` and ``\s`` know every script, ``$`` may stand before a last line feed, ``{,3}`` is a repetition.

Must not know: rules, messages, or where a text comes from.
"""

from __future__ import annotations

import re

import re2

MAX_TEXT_LENGTH = 1000  # characters of what a peer said: RE2 repeats nothing oftener, so no repetition is too long
_WORD = r"\p{L}\p{N}_"
_SPACE = r"\s\x0b\x1c-\x1f\x{85}\p{Z}"
_REWRITTEN = {
    r"\Z": r"\z",
    "$": r"(?:\n?\z)",
    r"\d": r"\p{Nd}",
    r"\D": r"\P{Nd}",
    r"\w": f"[{_WORD}]",
    r"\W": f"[^{_WORD}]",
    r"\s": f"[{_SPACE}]",
    r"\S": f"[^{_SPACE}]",
}
_REWRITTEN_IN_CLASS = {r"\d": r"\p{Nd}", r"\D": r"\P{Nd}", r"\w": _WORD, r"\s": _SPACE}
_ESCAPE = r"\\(?:u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)"
_PIECE = re.compile(rf"{_ESCAPE}|\[\^?\]?(?:\\.|[^\]\\])*\]|\{{,\d*\}}|\$", re.DOTALL)
_PIECE_OF_CLASS = re.compile(_ESCAPE, re.DOTALL)
_FOREIGN_EDGE = re.compile(r"\\[bB][^\x00-\x7f]|[^\x00-\x7f]\\[bB]")
_ALL_SORTS = "".join(map(chr, range(0x250))) + "–—€中文"  # noqa: RUF001 - dashes are what is meant
_ANYTHING = ("", *_ALL_SORTS, _ALL_SORTS * 2)


class PatternError(ValueError):
    """A pattern that cannot be used; the text says why, in a few words."""


class Pattern:
    """A regular expression; with ``any_case`` the case of its letters is of no matter. Raises PatternError."""

    __slots__ = ("_compiled", "source")

    def __init__(self, source: str, *, any_case: bool = True) -> None:
        if _FOREIGN_EDGE.search(source):
            raise PatternError(r"\b knows no letters but A to Z, and stands beside another one")
        options = re2.Options()
        options.case_sensitive = not any_case
        options.log_errors = False
        self.source = source
        try:
            self._compiled = re2.compile(_for_re2(source).encode(), options)
        except UnicodeEncodeError:
            raise PatternError("it is not UTF-8 text") from None
        except re2.error as error:
            said = error.args[0]
            words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
            raise PatternError(f"{words} (as RE2 says, which neither looks around nor back)") from None

    def found_in(self, text: str) -> bool:
        """Tell whether it is found anywhere in a text."""
        return self._compiled.search(_encoded(text)) is not None

    def begins(self, text: str) -> bool:
        """Tell whether a text begins with it."""
        return self._compiled.match(_encoded(text)) is not None

    def is_everywhere(self) -> bool:
        """Tell whether it is found in any text, as far as trying can tell."""
        return all(self.found_in(text) for text in _ANYTHING)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def _for_re2(source: str) -> str:
    return _PIECE.sub(_rewrite, source)


def _rewrite(match: re.Match[str]) -> str:
    piece = match[0]
    if piece[0] == "[":
        return _PIECE_OF_CLASS.sub(_rewrite_in_class, piece)
    if piece[0] == "{":
        return "{0" + piece[1:]
    return _REWRITTEN.get(piece) or _character(piece)


def _rewrite_in_class(match: re.Match[str]) -> str:
    return _REWRITTEN_IN_CLASS.get(match[0]) or _character(match[0])


def _character(escape: str) -> str:
    r"""Write ``\u00e9`` as RE2 does; other escapes are the same there."""
    return rf"\x{{{escape[2:]}}}" if len(escape) > 2 else escape
