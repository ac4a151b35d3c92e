"""From an incident to the packets in a browser, over a store that nobody writes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.site import PATIENT, place
from tests.browser.visitor import DESK, PHONE, Theme, Visitor
from tests.cli.program import COMMAND, ENVIRONMENT, ROOT
from tests.e2e.process import Running, until
from tests.store.stored import Stored
from tests.store.troubled import trouble_from_ten_to_eleven

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow  # a browser

THEN = "/incidents?from=2026-01-11&to=2026-01-12"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Return where the pages are of a store in which a trunk failed for an hour."""
    with place() as folder:
        store = Stored(Path(folder) / "store")
        trouble_from_ten_to_eleven(store)
        store.close()
        command = [*COMMAND, "serve", str(store.folder), "--listen", "127.0.0.1:0"]
        running = Running(command, Path(folder) / "log", env=ENVIRONMENT, cwd=ROOT)
        found = until(lambda: re.search(r"pages at (\S+)/ until", running.said()), PATIENT, "it to listen")
        yield found[1]
        running.end()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [DESK, PHONE])
def test_incidents_fit_their_window_and_axe_finds_nothing_serious(
    chromium: Browser, url: str, width: int, theme: Theme
) -> None:
    visitor = Visitor(chromium, url, theme=theme, width=width)
    visitor.go(THEN)
    visitor.picture(f"incidents-{theme}-{width}")
    assert visitor.page.locator("article").count() == 1
    assert not visitor.is_wider_than_the_window()
    assert visitor.found_by_axe() == []
    visitor.close()
    assert visitor.wrong == []


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"])
def test_from_an_incident_to_a_call_in_two_clicks(chromium: Browser, url: str, script: bool) -> None:
    visitor = Visitor(chromium, url, script=script)
    page = visitor.go(THEN)
    page.get_by_role("link", name="These calls").click()
    expect(page.locator("table.calls tbody tr")).to_have_count(30)
    page.locator("table.calls tbody tr").first.locator("a").first.click()
    expect(page.locator("main")).to_contain_text("Server failure")
    visitor.close()
    assert visitor.wrong == []
