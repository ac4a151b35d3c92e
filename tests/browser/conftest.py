"""A browser and a site for all tests here; where either is missing they are skipped, and say so."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.site import Site, place
from tests.browser.visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser


# Not for the whole session: the loop of Playwright would get the signals of other tests' processes, and stand in the way
# of whoever runs one.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("chromium is not installed")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    # As root Chromium runs without its sandbox only; what it sees here is ours.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with place() as folder, Site(Path(folder)) as made:
        made.filled()
        yield made


@pytest.fixture
def visit(chromium: Browser, site: Site) -> Iterator[Callable[..., Visitor]]:
    """Somebody who looks at the site; afterwards nothing may have gone wrong in his browser."""
    visitors: list[Visitor] = []

    def begin(**how: Any) -> Visitor:
        visitors.append(Visitor(chromium, site.url, **how))
        return visitors[-1]

    yield begin
    for visitor in visitors:
        visitor.close()
    assert [wrong for visitor in visitors for wrong in visitor.wrong] == []
