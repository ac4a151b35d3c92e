"""One call's picture as SVG, by itself or inside a page: no script, no style, nothing from elsewhere.

Calls that are linked with it may stand in the same picture, each row with the letter of its call.

Colours are the page's, by classes; without any it is drawn in the colour of the text, and reads in black and white:
what was sent again is dashed, and every kind of message has a head of its own.

The classes: of columns, ``end`` with ``name``, ``address``, ``lifeline`` and ``break``; of rows, ``row`` with
``clock``, ``delta`` and ``call``; of messages, ``arrow`` with its kind and ``again``, ``unplaced``, ``media``,
``deciding``, in it ``line``, ``head``, ``label`` and ``remarks``; of conditions, ``mark`` with ``raised`` or
``resolved``, in it ``words``; and ``left-out`` and ``note``.

Must not know: how records come about, which page it stands on. All text is escaped where it is written (``strokes``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote
from xml.etree import ElementTree as ET

from rich.cells import cell_len

from sipwatch.export.naming import name_of_call
from sipwatch.packet import SECOND
from sipwatch.report.deciding import decided_by
from sipwatch.report.diagram import UNPLACED, Arrow, ArrowKind, LeftOut, Mark, bounded, mark_words
from sipwatch.report.linked import drawn_together
from sipwatch.report.plain import duration, several
from sipwatch.report.spacing import Spacing, spaced
from sipwatch.report.strokes import clipped, clipped_inside, lettering, pointed_at, stroke

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sipwatch.export.record import CallRecord
    from sipwatch.report.diagram import Diagram, Row
    from sipwatch.report.linked import Together

MAX_ROWS: Final = 400
MAX_ENDS: Final = 24
WIDTH: Final = 900  # what it takes if there is room; a phone has 360
_NARROW: Final = 520  # below it, times stand on two lines
_NEAREST, _FARTHEST = 112, 260  # between two columns
_HEAD: Final = 50
_LETTER: Final = 16  # the room of a call's letter
_EM: Final = 0.602  # width of a character of a monospaced font by its size
_NAME_SIZE, _LABEL_SIZE, _NOTE_SIZE, _TIME_SIZE = 12, 12, 10, 11
# From the tip back: filled, open, hollow; a failure's is filled and barred.
_HEADS: Final = {
    ArrowKind.REQUEST: ("M0 0l{0}8 -4v8z", "currentColor"),
    ArrowKind.PROVISIONAL: ("M{0}7 -5L0 0L{0}7 5", "none"),
    ArrowKind.SUCCESS: ("M0 0l{0}9 -5v10z", "none"),
    ArrowKind.FAILURE: ("M{0}2 0l{0}8 -4v8zM{0}1 -6v12", "currentColor"),
}


class _Page(NamedTuple):
    """Where things stand, from left to right; at the end of the gutter a letter may stand for a call."""

    gutter: float
    spacing: float
    ends: int
    narrow: bool
    lettered: bool

    @property
    def width(self) -> float:
        return self.gutter + self.spacing * self.ends

    def column(self, place: int) -> float:
        return self.gutter + self.spacing * (place + 0.5)


class _Drawing(NamedTuple):
    """What a picture is drawn with; for each call its letter, where its messages are, and which of them decided."""

    page: _Page
    letters: list[str]
    links: list[str | None]
    decisive: list[int | None]


def ladder_svg(
    call: CallRecord,
    others: Sequence[CallRecord] = (),
    *,
    to_scale: bool = False,
    width: int = WIDTH,
    links: str | None = None,
    most_rows: int = MAX_ROWS,
) -> str:
    """Return the picture of a call whose messages were kept, as an ``<svg>`` element; with ``others`` linked with it.

    ``links`` makes each arrow lead to the message's place on the page: ``links="#message-"`` to ``#message-0`` and so
    on, and to the same place on the page beside it that has another call's id for its name. ``width`` is the room there
    is (px); many columns take more. ``to_scale`` says that distances are times. What is beyond ``most_rows`` is left
    out of the middle.
    """
    picture = drawn_together(call, others)
    diagram = bounded(picture.diagram, most_rows, MAX_ENDS)
    drawing = _drawing(picture, _page(len(diagram.ends), width, lettered=bool(others)), links)
    page = drawing.page
    spacing = spaced(diagram.rows, to_scale=to_scale, narrow=page.narrow)
    notes = _notes(picture, diagram, spacing, page, decided=any(place is not None for place in drawing.decisive))
    bottom = _HEAD + spacing.height
    root = _root(picture, diagram, page.width, bottom + 16 * len(notes) + 8, role="img" if links is None else "group")
    _lifelines(root, diagram, page, bottom, spacing)
    for row, y in zip(diagram.rows, spacing.places, strict=True):
        _row(root, diagram, row, _HEAD + y, drawing)
    for place, line in enumerate(notes):
        lettering(root, 4, bottom + 16 * (place + 1), line, "note", size=_NOTE_SIZE)
    return ET.tostring(root, encoding="unicode")


def _drawing(picture: Together, page: _Page, links: str | None) -> _Drawing:
    decided = [decided_by(call) for call in picture.calls]
    pages = [
        None if links is None else links if call is picture.asked else quote(call.id) + links for call in picture.calls
    ]
    return _Drawing(page, picture.letters, pages, [None if one is None else one.message for one in decided])


def _page(ends: int, width: int, *, lettered: bool) -> _Page:
    narrow = width < _NARROW
    gutter = (90 if narrow else 158) + (_LETTER if lettered else 0)
    spacing = min(_FARTHEST, max(_NEAREST, (width - gutter) // max(1, ends)))
    return _Page(gutter, spacing, max(1, ends), narrow, lettered)


def _root(picture: Together, diagram: Diagram, width: float, height: float, role: str) -> ET.Element:
    call, others = picture.asked, len(picture.calls) - 1
    parties = f"{call.caller or '?'} → {call.callee or '?'}"
    words = f"Ladder of the call {parties}: {name_of_call(call)}"
    words += f", with {several(others, 'call')} linked with it" if others else ""
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "class": "ladder",
            "role": role,
            "aria-label": pointed_at(words),
            "viewBox": f"0 0 {width:g} {height:g}",
            "width": f"{width:g}",
            "height": f"{height:g}",
            "font-family": "monospace",
            "fill": "currentColor",
        },
    )
    ET.SubElement(root, "title").text = pointed_at(words)
    shown = several(len(diagram.arrows), "message")
    since = f"{picture.calls[0].started.day} {picture.calls[0].started.exact_clock} UTC"
    ends = several(len(diagram.ends), "end")
    ET.SubElement(root, "desc").text = f"{shown} between {ends}, from {since} on; below each other in time order"
    return root


def _notes(picture: Together, diagram: Diagram, spacing: Spacing, page: _Page, *, decided: bool) -> list[str]:
    """Explain what was drawn, in lines that fit."""
    arrows = diagram.arrows
    notes = [
        *picture.headings,
        "◆ decided what became of the call" if decided else "",
        "- - was sent again" if any(arrow.again for arrow in arrows) else "",
        *picture.notes,
        spacing.words,
    ]
    most = int((page.width - 8) / (_NOTE_SIZE * _EM))
    return [line for note in notes if note for line in _broken(note, most)]


def _broken(text: str, most: int) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > most:
            lines.append("  " + word)
        else:
            lines[-1] += f" {word}" if lines[-1] else word
    return lines


def _lifelines(root: ET.Element, diagram: Diagram, page: _Page, bottom: float, spacing: Spacing) -> None:
    for place, end in enumerate(diagram.ends):
        x, most = page.column(place), int((page.spacing - 6) / (_TIME_SIZE * _EM))
        group = ET.SubElement(root, "g", {"class": "end"})
        ET.SubElement(group, "title").text = pointed_at(f"{end.name} {end.address}".strip())
        name = clipped(end.name, int((page.spacing - 6) / (_NAME_SIZE * _EM)))
        if name:
            lettering(group, x, 16, name, "name", size=_NAME_SIZE, anchor="middle", weight="bold")
        lettering(group, x, 32, clipped_inside(end.address, most), "address", size=_TIME_SIZE, anchor="middle")
        stroke(group, f"M{x:g} {_HEAD - 10}V{bottom:g}", "lifeline", opacity="0.35")
        for y, silence in spacing.breaks:
            cut = stroke(group, f"M{x - 5:g} {_HEAD + y + 2:g}l10 -5m-10 8l10 -5", "break")
            ET.SubElement(cut, "title").text = f"{duration(silence / SECOND)} of silence"


def _row(root: ET.Element, diagram: Diagram, row: Row, y: float, drawing: _Drawing) -> None:
    group = ET.SubElement(root, "g", {"class": "row"})
    what, page = row.what, drawing.page
    if isinstance(what, LeftOut):
        lettering(group, page.gutter, y + 4, f"… {several(what.rows, 'row')} left out …", "left-out", size=_LABEL_SIZE)
        return
    mark, links = drawing.letters[row.call], drawing.links[row.call]
    _times(group, row, y, page, mark)
    if isinstance(what, Mark):
        _mark(group, what, y, page)
        return
    parent = group if links is None else ET.SubElement(group, "a", {"href": f"{links}{what.message}"})
    decides = what.message == drawing.decisive[row.call]
    drawn = ET.SubElement(parent, "g", {"class": _classes(what, decides=decides)})
    ends = f"{diagram.ends[what.source].address} to {diagram.ends[what.destination].address}"
    told = f"{mark} {row.time.exact_clock} {what.label}, {ends}".lstrip()
    ET.SubElement(drawn, "title").text = pointed_at(told + "".join(f", {note}" for note in _remarks(what)))
    _arrow(drawn, what, y, page, decides=decides)


def _classes(arrow: Arrow, *, decides: bool) -> str:
    flags = {"again": arrow.again, "unplaced": not arrow.placed, "media": bool(arrow.media), "deciding": decides}
    return " ".join(["arrow", arrow.kind, *(name for name, is_set in flags.items() if is_set)])


def _times(group: ET.Element, row: Row, y: float, page: _Page, mark: str) -> None:
    delta = f"+{duration(row.since / SECOND)}" if row.since >= 0 else "clock back"
    below = y + (10 if page.narrow else 4)
    lettering(group, 4, y + (-2 if page.narrow else 4), row.time.exact_clock, "clock", size=_TIME_SIZE)
    right = page.gutter - 6 - (_LETTER if page.lettered else 0)
    lettering(group, right, below, delta, "delta", size=_NOTE_SIZE, anchor="end", opacity="0.75")
    if mark:
        lettering(group, page.gutter - 10, y + 4, mark, "call", size=_LABEL_SIZE, anchor="middle", weight="bold")


def _mark(group: ET.Element, mark: Mark, y: float, page: _Page) -> None:
    """Write a condition into a frame, beside the line of who waits; where there is no room for all, its name."""
    full = mark_words(mark)
    room = int((page.width - page.gutter - 12) / (_TIME_SIZE * _EM))
    words = full if cell_len(full) <= room else full.partition(":")[0]
    length = cell_len(words) * _TIME_SIZE * _EM + 10
    x = max(page.gutter, min(page.column(mark.column) - 8, page.width - length - 2))
    drawn = ET.SubElement(group, "g", {"class": f"mark {'raised' if mark.resolution is None else 'resolved'}"})
    ET.SubElement(drawn, "title").text = pointed_at(full)
    frame = {"x": f"{x:g}", "y": f"{y - 9:g}", "width": f"{length:g}", "height": "18", "rx": "3"}
    dashes = {} if mark.resolution is None else {"stroke-dasharray": "2 2"}
    ET.SubElement(drawn, "rect", {**frame, "fill-opacity": "0.07", "stroke": "currentColor", **dashes})
    lettering(drawn, x + 5, y + 4, words, "words", size=_TIME_SIZE)


def _remarks(arrow: Arrow) -> list[str]:
    """Return what is said of an arrow beside its label, in few words."""
    media = [] if arrow.media is None else ["SDP" + (": " + ", ".join(arrow.media) if arrow.media else "")]
    again = ["again"] if arrow.again else []
    return [*media, *again, *([] if arrow.placed else [UNPLACED])]


def _arrow(group: ET.Element, arrow: Arrow, y: float, page: _Page, *, decides: bool) -> None:
    x, tip = page.column(arrow.source), page.column(arrow.destination)
    back = "-" if tip > x else ""
    left, right = min(x, tip), max(x, tip)
    middle, anchor = (left + right) / 2, "middle"
    course = f"M{x:g} {y:g}H{tip:g}"
    if x == tip:
        course, middle, anchor = f"M{x:g} {y - 5:g}h22v10h-22", x + 28, "start"
        right = min(page.width, x + page.spacing)
    elif arrow.kind is ArrowKind.SUCCESS:
        course = f"M{x:g} {y:g}H{tip + (-9 if tip > x else 9):g}"  # a hollow head shows what is behind it
    reach = {"x": f"{left:g}", "y": f"{y - 17:g}", "width": f"{right - left:g}", "height": "26"}
    ET.SubElement(group, "rect", {**reach, "fill": "none", "pointer-events": "all"})
    stroke(group, course, "line", width="2.5" if decides else "1.3", dashes=_dashes(arrow))
    shape, fill = _HEADS[arrow.kind]
    head = stroke(group, shape.format(back), "head", fill=fill)
    head.set("transform", f"translate({tip:g} {y + (5 if x == tip else 0):g})")
    room = right - left - (34 if x == tip else 12)
    label = clipped(("◆ " if decides else "") + arrow.label, int(room / (_LABEL_SIZE * _EM)))
    lettering(group, middle, y + (0 if x == tip else -6), label, "label", size=_LABEL_SIZE, anchor=anchor)
    remarks = clipped(", ".join(_remarks(arrow)), int(room / (_NOTE_SIZE * _EM)))
    if remarks:
        lettering(group, middle, y + 12, remarks, "remarks", size=_NOTE_SIZE, anchor=anchor)


def _dashes(arrow: Arrow) -> str:
    if arrow.again:
        return "6 4"
    return "" if arrow.placed else "1 3"
