"""What is asked for, read from words; and what there is instead, if that is nothing.

Must not know: the command line, files. What cannot be meant raises ValueError, with a line that says what could.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from sipwatch.classify.outcomes import FAILURES, OF_CALLS
from sipwatch.classify.peers import EVERYTHING, OTHER
from sipwatch.evidence.period import local
from sipwatch.export.summary import by_frequency

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from sipwatch.classify.peers import Privacy
    from sipwatch.evidence.choose import Selection

OUTCOMES = tuple(outcome.value for outcome in OF_CALLS)


def outcomes(given: Sequence[str]) -> frozenset[str]:
    """Read outcomes, several to a word or one; every failure when none is given. Raises ValueError."""
    names = [name.strip() for word in given for name in word.split(",")]
    for name in names:
        if name not in OUTCOMES:
            raise ValueError(f"{name[:40]!r} is no outcome of a call; {_hint(name, OUTCOMES, 'the outcomes are')}")
    return frozenset(names) or FAILURES


def check_peer(name: str, known: Sequence[str], config: str | None) -> None:
    """See that somebody has this name in the configuration (its file's name). Raises ValueError."""
    if name == OTHER or name in known:
        return
    if not known:
        whose = "without --config nobody has a name" if config is None else f"{config} names nobody"
        raise ValueError(f"no peer is called {name[:40]!r}: {whose}; 'sipwatch peers FILE' proposes a configuration")
    raise ValueError(f"no peer is called {name[:40]!r} in {config}; {_hint(name, sorted(known), 'there are')}")


def masked(text: str, configured: Privacy, most: int) -> Privacy:
    """Read how many digits are hidden, ``all`` or up to ``most``; the rest is as configured. Raises ValueError."""
    if text == "all":
        return configured._replace(mask=EVERYTHING)
    if text.isascii() and text.isdigit() and len(text) <= len(str(most)) and int(text) <= most:
        return configured._replace(mask=int(text) or None)
    raise ValueError(f"{text[:40]!r} is no number of digits; write 0 to {most}, or all")


def hidden_in_words(privacy: Privacy) -> str:
    """Say in words what is hidden besides secrets; nothing for nothing."""
    parts = []
    if privacy.key:
        replaced = "numbers, names, addresses and hosts" if privacy.addresses else "numbers and names"
        return f"{replaced} are replaced by pseudonyms, and whatever else may name somebody"
    if privacy.mask is not None:
        parts.append("whole numbers" if privacy.mask >= EVERYTHING else f"the last {privacy.mask} digits of numbers")
    if privacy.names:
        parts.append("display names")
    return " and ".join(parts)


def nothing(selection: Selection, zone: ZoneInfo) -> str:
    """Say that no call is as asked for, and which calls there are instead."""
    wanted = selection.wanted
    since = "" if wanted.since is None else f" since {local(wanted.since, zone)}"
    until = "" if wanted.until is None else f" before {local(wanted.until, zone)}"
    if not selection.calls:
        return "no call was attempted in this capture; 'sipwatch replay' says what is in it"
    if not selection.others:
        return f"no call began{since}{until}; there are {selection.calls:,} at other times"
    if not selection.counts:
        return f"no call from or to {wanted.peer} began{since}{until}; there are calls of {_ranked(selection.others)}"
    there = _ranked({kind: count.calls for kind, count in selection.counts.items()})
    kinds = "any failure" if wanted.outcomes == FAILURES else ", ".join(sorted(wanted.outcomes))
    filtered = " for which the filter holds" if selection.asked else ""
    return f"no call from or to {wanted.peer} ended with {kinds}{filtered}{since}{until}; its calls: {there}"


def _ranked(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in by_frequency(counts).items())


def _hint(name: str, known: Sequence[str], otherwise: str) -> str:
    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else f"{otherwise} {', '.join(known)}"
