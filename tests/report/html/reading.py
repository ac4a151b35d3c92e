"""A report as a browser would take it apart: its elements, its text, its tables by section."""

from __future__ import annotations

from html.parser import HTMLParser

_VOID = {"meta", "br", "link", "img", "input"}


class ReportReader(HTMLParser):
    """Reads a page: ``elements`` with their attributes, ``text``, and for each section its rows of cells."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.style = ""
        self.rows: dict[str, list[list[str]]] = {}
        self._section = "head"
        self._cell: list[str] | None = None
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.elements.append((tag, given))
        if tag not in _VOID:
            self.open.append(tag)
        if tag == "section":
            self._section = given["id"] or ""
        if tag == "tr":
            self.rows.setdefault(self._section, []).append([])
        if tag in ("td", "th"):
            self._cell = []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"
        if tag in ("td", "th") and self._cell is not None:
            self.rows[self._section][-1].append(" ".join("".join(self._cell).split()))
            self._cell = None

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["style"]:
            self.style += data
            return
        self.text += data
        if self._cell is not None:
            self._cell.append(data)

    def table(self, section: str) -> list[list[str]]:
        """Return the rows of a section."""
        return self.rows.get(section, [])

    @property
    def words(self) -> str:
        """Return the text with single blanks."""
        return " ".join(self.text.split())
