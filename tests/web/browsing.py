"""A site over a store inside a test, and a client that asks it; pages as a tree, and whether they are HTML.

Must not know: what is asked for, or what the answer should be.
"""

from __future__ import annotations

import asyncio
import warnings
from typing import TYPE_CHECKING, Any

import html5lib
import httpx

from sipwatch.store.wanted import Wanted
from sipwatch.web.current import Current
from sipwatch.web.pages import Guard, Pages, Sources
from sipwatch.web.site import Website
from sipwatch.web.users import Users
from tests.export.records import at
from tests.web.serving import Told, figures, well

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path
    from xml.etree.ElementTree import Element

    from sipwatch.export.record import CallRecord
    from tests.store.stored import Stored

LONG = at(7200)  # by when every call of a test is over
NOW = int(at(3600))  # 10:00 on the day of the tests' calls


def site_of(store: Stored, **more: Any) -> Website:
    """Return the pages of a store, an hour after its first call."""
    return Website(store.read, now=lambda: NOW, **more)


def watched(store: Stored, script: str) -> CallRecord:
    """Let a conversation be watched and stored, and return its call as the store has it, with its messages."""
    store.watch(script, until=int(LONG))
    reader = store.read()
    (stored,) = reader.calls(Wanted())
    return reader.with_messages(stored.record)


def visit(
    site: Website | None, scenario: Callable[[httpx.AsyncClient], Awaitable[None]], config: Path | None = None
) -> Told:
    """Run a scenario with a client of the application; return the log."""
    log = Told()

    async def run() -> None:
        current = Current(None if config is None else str(config), log)
        app = Guard(Pages(Sources(figures, well, well), site).app, current, Users(log))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://sipwatch") as client:
            await scenario(client)

    asyncio.run(run())
    return log


def get(site: Website | None, *paths: str, method: str = "GET", **more: Any) -> list[httpx.Response]:
    """Ask for some paths, one after the other."""
    answers: list[httpx.Response] = []

    async def scenario(client: httpx.AsyncClient) -> None:
        answers.extend([await client.request(method, path, **more) for path in paths])

    visit(site, scenario)
    return answers


def page(site: Website | None, path: str, status: int = 200) -> Element:
    """Return a page as a tree without namespaces; it has to be HTML without a mistake."""
    (answer,) = get(site, path, headers={"Accept": "text/html"})
    found = tree(answer.text)
    assert answer.status_code == status, [words(told) for told in found.iter("p") if told.attrib.get("role") == "alert"]
    return found


def tree(text: str) -> Element:
    """Return HTML as a tree without namespaces. Raises html5lib's ParseError where it is not well formed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names of elements that XML would not take, which are none of ours
        parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
        found: Element = parser.parse(text)
    return found


def words(element: Element | None) -> str:
    """Return the text of an element and all within it, blanks as single ones."""
    assert element is not None
    return " ".join("".join(element.itertext()).split())


def links(element: Element) -> list[str]:
    """Return where all links in an element lead."""
    return [found.attrib["href"] for found in element.iter("a")]
