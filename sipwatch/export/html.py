"""Pages in HTML, from the templates of the package. What is filled in is escaped; what is missing is an error.

Must not know: what the pages say.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2


def page(template: str, **values: object) -> str:
    """Fill in a template of ``sipwatch/templates``. Raises jinja2.UndefinedError."""
    return _environment().get_template(template).render(values)


@cache
def _environment() -> jinja2.Environment:
    import jinja2  # noqa: PLC0415 - takes longer to load than most commands, which write no page, may take

    return jinja2.Environment(
        loader=jinja2.PackageLoader("sipwatch"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
