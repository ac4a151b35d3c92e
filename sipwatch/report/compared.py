"""Before and after, for people at a terminal: what moved, what was too little to tell, or that nothing did.

Must not know: how a comparison is made. All text from outside is escaped here.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from rich.text import Text

from sipwatch.export.compare import LEAST, DelayRecord, ShareRecord
from sipwatch.export.escape import terminal
from sipwatch.export.naming import name_of_any
from sipwatch.knowledge import load
from sipwatch.report.plain import (
    CONDITION_WORDS,
    DELAY_WORDS,
    RATIO_WORDS,
    TAG_WORDS,
    duration,
    plain_ending,
    several,
)
from sipwatch.report.screen import FAINT, Column, console, figures, indented, print_list

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console, RenderableType

    from sipwatch.export.compare import ComparisonRecord, MoveRecord, SideRecord, TooFewRecord

MAX_MOVED = 40
_MOST_UNLIKELY = 1e-6
_WORDS: dict[str, Callable[[str], str]] = {
    "outcome": name_of_any,
    "status_code": lambda word: "no final response" if word == "none" else f"status code {word}",
    "ending": lambda word: f"ended: {plain_ending(word)}",
    "condition": lambda word: f"{word}: {CONDITION_WORDS[word]}",
    "finding": lambda word: f"cause: {load().finding(word).plain}",
    "tag": lambda word: f"marked {word}: {TAG_WORDS[word]}",
    "registration": lambda word: f"registration {word.replace('_', ' ')}",
    "ratio": lambda word: f"{word.upper()}: {RATIO_WORDS[word]}",
    "delay": DELAY_WORDS.__getitem__,
}
_POPULATIONS = {
    "calls": "calls",
    "judged": "calls with an outcome",
    "ended": "answered calls whose end was seen",
    "registrations": "attempts to register",
    **{name: f"calls that {name.upper()} is of" for name in RATIO_WORDS},
    "progress": "calls with progress",
    "srd": "calls that got somewhere, their INVITE seen",
    "answer": "calls whose answer was seen",
    "setup_seconds": "calls whose final response was seen",
    "ring_seconds": "calls that rang",
    "talk_seconds": "calls that were hung up",
}


def print_comparison(out: IO[str], found: ComparisonRecord) -> None:
    """Print a comparison."""
    target = console(out)
    for name, side in (("A", found.a), ("B", found.b)):
        target.print(_side(name, side))
    target.print()
    if found.moved:
        _moved(target, found)
    elif found.compared:
        target.print(
            Text(
                f"No difference: {several(found.compared, 'share and delay', 'shares and delays')} compared, and none "
                "differs by more than chance may bring about."
            )
        )
    if found.too_few:
        _too_few(target, found)


def _side(name: str, side: SideRecord) -> Text:
    files = ", ".join(terminal(file) for file in side.files)
    span = ""
    if side.first is not None and side.last is not None:
        span = f", {side.first.day} {side.first.clock} UTC, {duration(side.last.since(side.first))} long"
    rest = f" ({side.left_out:,} others left out)" if side.left_out else ""
    return Text.assemble((f"{name}  {files}", "bold"), f"{span}, {several(side.calls, 'call')}{rest}")


def _moved(target: Console, found: ComparisonRecord) -> None:
    shown = found.moved[:MAX_MOVED]
    title = f"What moved, of {found.compared:,} shares and delays compared; the least likely by chance first"
    if len(shown) < len(found.moved):
        title += f" (the first {MAX_MOVED} of {len(found.moved)}; --format json has them all)"
    target.print(Text(title, "bold"))
    columns = ("What", "Where", figures("A"), figures("B"), figures("Difference"), Column("By chance", right=True))
    print_list(target, shown, columns, _cells, _lines)
    target.print(Text("Shares are of the calls that could be so. What made a difference is not in the figures.", FAINT))


def _cells(one: MoveRecord) -> list[str]:
    return [
        _name(one),
        _where(one.place, one.peer),
        _figure(one.a),
        _figure(one.b),
        _difference(one),
        _odds(one.chance),
    ]


def _lines(one: MoveRecord) -> list[RenderableType]:
    what, where, before, after, difference, odds = _cells(one)
    return [
        Text.assemble((what, "bold"), f", {where}"),
        indented(f"{before} -> {after}, {difference}; by chance {odds}", 2),
    ]


def _name(one: MoveRecord) -> str:
    return terminal(_WORDS[one.what](one.word))


def _where(place: str, peer: str | None) -> str:
    if peer is None:
        return "all"
    return f"{'from' if place == 'source' else 'to'} {terminal(peer)}"


def _figure(of: ShareRecord | DelayRecord) -> str:
    if isinstance(of, ShareRecord):
        return f"{of.count:,} of {of.of:,} ({of.share:.1%})"
    return f"{duration(of.median)}, 95 % {duration(of.within_95)} ({of.of:,})"


def _difference(one: MoveRecord) -> str:
    if isinstance(one.a, ShareRecord) and isinstance(one.b, ShareRecord):
        return f"{100 * (one.b.share - one.a.share):+.1f} points"
    assert isinstance(one.a, DelayRecord)  # noqa: S101 - both are shares, or none
    assert isinstance(one.b, DelayRecord)  # noqa: S101
    return f"{_times(one.a.median, one.b.median)}, 95 % {_times(one.a.within_95, one.b.within_95)}"


def _times(before: float | None, after: float | None) -> str:
    return f"x{after / before:.2f}" if before and after is not None else "-"


def _odds(chance: float) -> str:
    return f"under 1 in {1 / _MOST_UNLIKELY:,.0f}" if chance < _MOST_UNLIKELY else f"1 in {1 / chance:,.0f}"


def _too_few(target: Console, found: ComparisonRecord) -> None:
    if found.moved or found.compared:
        target.print()
    whole = [one for one in found.too_few if one.what == "calls"]
    parts = [one for one in found.too_few if one.what != "calls"]
    target.print(Text(f"Too few to say anything, for {LEAST} are needed on each side", "bold"))
    for one in (*whole, *parts):
        target.print(indented(_few(one), 2))


def _few(one: TooFewRecord) -> str:
    return f"{_where(one.place, one.peer)}: {_POPULATIONS[one.what]}, A {one.a:,}, B {one.b:,}"
