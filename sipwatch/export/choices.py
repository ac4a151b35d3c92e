"""The quick choices of calls, as pages and commands offer them: an outcome or all that failed, and a peer.

Must not know: stores, pages, commands.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from sipwatch.classify.outcomes import FAILED, OF_CALLS
from sipwatch.classify.peers import OTHER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sipwatch.classify.tags import Tag

FAILED_ONES: Final = "failed"  # all that failed, beside the outcomes
_PEER: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")  # as the configuration takes them
_MAX_SHOWN: Final = 40  # characters of a word that is repeated


class ChoiceError(Exception):
    """There is no such choice; ``where`` says whether of an ``outcome`` or a ``peer``."""

    def __init__(self, where: str, words: str) -> None:
        super().__init__(words)
        self.where = where


class NoSuchPeerError(ChoiceError):
    """There is no such peer."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        named = sorted({*known} - {OTHER})
        near = get_close_matches(name, named, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(named)}" if named else "no peer is known"
        super().__init__("peer", f"nothing that is stored is from or to a peer {shortened(name)!r}; {hint}")


def chosen(outcome: str = "", peer: str = "") -> str:
    """Return the filter that the choices make together, "" for none. Raises ChoiceError."""
    parts = [_of_outcome(outcome)] if outcome else []
    if peer:
        if not _PEER.fullmatch(peer):
            raise ChoiceError("peer", f"there is no peer {shortened(peer)!r}")
        parts.append(f'(source == "{peer}" or destination == "{peer}")')
    return " and ".join(parts)


def marked(tag: Tag) -> str:
    """Return the filter for the calls that have a tag."""
    return f'"{tag.value}" in tags'


def _of_outcome(outcome: str) -> str:
    if outcome == FAILED_ONES:
        words = ", ".join(f'"{category.value}"' for category in FAILED)
        return f"category in [{words}]"
    if outcome not in list(OF_CALLS):
        near = get_close_matches(outcome, [FAILED_ONES, *OF_CALLS], n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join([FAILED_ONES, *OF_CALLS])}"
        raise ChoiceError("outcome", f"there is no outcome {shortened(outcome)!r}; {hint}")
    return f'outcome == "{outcome}"'


def shortened(text: str) -> str:
    """Cut what was given to a length that can be read."""
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"
