"""The files that pages load: a stylesheet, a script, an icon. Their names hold what is in them, so none is ever stale.

Must not know: pages.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, NamedTuple

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_NAMES: Final = ("sipwatch.css", "sipwatch.js", "icon.svg")
_FOREVER: Final = "public, max-age=31536000, immutable"  # the same for everybody, and nobody's secret


class StaticFile(NamedTuple):
    """A file as it is served: its name there, its bytes, its type, its ETag."""

    served_as: str
    body: bytes
    media_type: str
    etag: str


@cache
def static_files() -> dict[str, StaticFile]:
    """Return the files by the names that they have here."""
    found = {}
    for name in _NAMES:
        body = (files("sipwatch.web") / "static" / name).read_bytes()
        digest = hashlib.sha256(body).hexdigest()[:16]
        stem, _, kind = name.rpartition(".")
        found[name] = StaticFile(f"{stem}.{digest}.{kind}", body, _TYPES[kind], f'"{digest}"')
    return found


def static_path(name: str) -> str:
    """Return where a file is served, from the root on."""
    return f"static/{static_files()[name].served_as}"


def static_route() -> Route:
    """Return what serves the files."""
    return Route("/static/{name}", _serve, methods=["GET"])


async def _serve(request: Request) -> Response:
    wanted = request.path_params["name"]
    for file in static_files().values():
        if file.served_as == wanted:
            headers = {"ETag": file.etag, "Cache-Control": _FOREVER}
            if file.etag in request.headers.get("if-none-match", ""):
                return Response(status_code=304, headers=headers)
            return Response(file.body, headers={**headers, "Content-Type": file.media_type})
    raise HTTPException(404)
