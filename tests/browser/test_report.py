"""A report in a real browser, opened from the disk as whoever gets it by mail does: readable, and by itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.site import place
from tests.browser.visitor import DESK, PHONE, Theme, Visitor
from tests.cli.program import DEMO, ROOT, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Response

pytestmark = pytest.mark.slow  # a browser


class Reader(Visitor):
    """Who opens a file: it has no headers, and asks for nothing but itself."""

    def _response(self, response: Response) -> None:
        if not response.url.startswith(self.url):
            self.wrong.append(f"answered: {response.url}")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Return where the report of the demonstration is."""
    with place() as name:
        config = ROOT / "pcaps" / "demo.toml"
        run("replay", DEMO, "--config", config, "--format", "html", "-o", Path(name) / "report.html")
        yield Path(name)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [DESK, PHONE])
def test_a_report_fits_its_window_and_axe_finds_nothing_serious(
    chromium: Browser, folder: Path, width: int, theme: Theme
) -> None:
    reader = Reader(chromium, folder.as_uri(), theme=theme, width=width)
    page = reader.go(f"{folder.as_uri()}/report.html")
    reader.picture(f"report-{theme}-{width}")
    assert "Agent busy" in page.locator("body").inner_text()
    assert not reader.is_wider_than_the_window()
    assert reader.found_by_axe() == []
    reader.close()
    assert reader.wrong == []
    assert reader.asked == [f"{folder.as_uri()}/report.html"]


def test_a_report_is_the_same_without_scripts_and_fits_on_paper(chromium: Browser, folder: Path) -> None:
    texts = set()
    for script in (True, False):
        reader = Reader(chromium, folder.as_uri(), script=script)
        texts.add(reader.go(f"{folder.as_uri()}/report.html").locator("body").inner_text())
        if script:
            reader.on_paper()
            reader.picture("report-paper")
            assert not reader.is_wider_than_the_window()
        reader.close()
        assert reader.wrong == []
    assert len(texts) == 1
