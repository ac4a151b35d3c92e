"""Pages in HTML, from the templates of the package.

What is filled in is escaped, and what could hide or turn a part of it is made visible; what is missing is an error.

Must not know: what the pages say.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from sipwatch.export.escape import terminal

if TYPE_CHECKING:
    import jinja2


def fill_in(template: str, **values: object) -> str:
    """Fill in a template of ``sipwatch/templates``. Raises jinja2.UndefinedError."""
    return _environment().get_template(template).render(values)


def load_all() -> None:
    """Read every template now: who gives rights away may be unable to read them later."""
    environment = _environment()
    for name in environment.list_templates():
        environment.get_template(name)


@cache
def stylesheet(name: str) -> str:
    """Return a stylesheet among the templates, for a page that is one file; it begins with the colours of all pages."""
    return palette() + "\n" + (files("sipwatch") / "templates" / name).read_text(encoding="utf-8")


@cache
def palette() -> str:
    """Return the colours of the pages, light and dark, as their stylesheet sets them."""
    sheet = (files("sipwatch") / "web" / "static" / "sipwatch.css").read_text(encoding="utf-8")
    return sheet.partition("\n* {")[0]


@cache
def _environment() -> jinja2.Environment:
    import jinja2  # noqa: PLC0415 - takes longer to load than most commands, which write no page, may take

    return jinja2.Environment(
        loader=jinja2.PackageLoader("sipwatch"),
        autoescape=True,
        finalize=_visible,
        undefined=jinja2.StrictUndefined,
        auto_reload=False,  # what was read stays, also where it cannot be read again
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _visible(value: object) -> object:
    """Make a text harmless, save what is HTML already: what macros of a template give."""
    return terminal(value) if isinstance(value, str) and not hasattr(value, "__html__") else value
