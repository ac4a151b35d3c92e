"""The runbook's section about an alert: what to do, as paragraphs, points and commands.

Must not know: how it is shown. It is written in a small part of Markdown: lines of a paragraph, "-" before a point,
fences around what is typed in, marks of emphasis, code and links within a line; all marks are taken off here.
"""

from __future__ import annotations

import functools
import re
from enum import StrEnum
from typing import Final, NamedTuple

from sipwatch.export.addresses import RUNBOOK
from sipwatch.export.assetfiles import asset_files

_SECTION: Final = re.compile(r"^## (\w+)$", re.MULTILINE)
_LEAD: Final = re.compile(r"\*{1,2}([^*]+[:.])\*{1,2} ")
_LINK: Final = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_MARKS: Final = re.compile(r"\*{1,2}([^*]+)\*{1,2}|`([^`]+)`")
_FENCE: Final = "```"
_POINT: Final = "- "


class BlockKind(StrEnum):
    """What a part of a section is."""

    WORDS = "words"
    POINT = "point"
    CODE = "code"


class RunbookBlock(NamedTuple):
    """A part of a section; ``lead`` is what stands out at its beginning, ``text`` the rest, of code with its lines."""

    kind: BlockKind
    lead: str
    text: str


def runbook_of(alert: str) -> list[RunbookBlock]:
    """Return what the runbook says of an alert; nothing where it says nothing, or is not installed."""
    return _sections().get(alert, [])


@functools.cache
def _sections() -> dict[str, list[RunbookBlock]]:
    path = asset_files().get(RUNBOOK)
    if path is None:
        return {}
    _, *found = _SECTION.split(path.read_text("utf-8"))
    return {name: blocks_of(text) for name, text in zip(found[::2], found[1::2], strict=True)}


def blocks_of(markdown: str) -> list[RunbookBlock]:
    """Return the parts of a section, in their order."""
    blocks = []
    for place, part in enumerate(re.split(rf"^{_FENCE}\w*$", markdown, flags=re.MULTILINE)):
        if place % 2:
            blocks.append(RunbookBlock(BlockKind.CODE, "", part.strip("\n")))
        else:
            blocks += [_block(lines) for lines in re.split(rf"\n\n+|\n(?={_POINT})", part) if lines.strip()]
    return blocks


def _block(lines: str) -> RunbookBlock:
    words = " ".join(lines.split())
    kind = BlockKind.POINT if words.startswith(_POINT) else BlockKind.WORDS
    words = words.removeprefix(_POINT)
    lead = _LEAD.match(words)
    return RunbookBlock(kind, "" if lead is None else lead[1], _plain(words if lead is None else words[lead.end() :]))


def _plain(words: str) -> str:
    return _MARKS.sub(lambda mark: mark[1] or mark[2], _LINK.sub(r"\1", words))
