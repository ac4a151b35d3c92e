"""What all pages have around them: the head, the way to the others, and links that hold wherever the site is.

Must not know: calls, the store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from starlette.responses import HTMLResponse

from sipwatch import installed_version
from sipwatch.export.addresses import DOCS
from sipwatch.export.html import fill_in
from sipwatch.web.statics import static_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

PRIVATE: Final = {"Cache-Control": "no-store"}  # people's numbers stay in no cache


class Chapter(NamedTuple):
    """A part of the site: its name, its path from the root on, and what one finds there."""

    name: str
    path: str
    says: str


class Frame:
    """Fills in templates of ``templates/web``, each of which extends ``layout.html``."""

    def __init__(self, sections: Sequence[Chapter]) -> None:
        self.sections = tuple(sections)

    def page(
        self,
        request: Request,
        template: str,
        title: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **values: object,
    ) -> HTMLResponse:
        """Return a page. In templates ``root`` is the way to the site's root: links hold behind any prefix."""
        root = root_of(request)
        body = fill_in(
            f"web/{template}",
            **values,
            title=title,
            root=root,
            here=request.url.path.lstrip("/").partition("/")[0],
            sections=self.sections,
            stylesheet=root + static_path("sipwatch.css"),
            script=root + static_path("sipwatch.js"),
            icon=root + static_path("icon.svg"),
            version=installed_version(),
            docs=DOCS,
        )
        return HTMLResponse(body, status, {**PRIVATE, **(headers or {})})


def root_of(request: Request) -> str:
    """Return the relative way from a page to the site's root: ``./`` or ``../``, as often as it takes."""
    path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()  # %2F is no step on the way
    return "../" * (path.count(b"/") - 1) or "./"
