"""Somebody with a browser, and all that the browser complains of or asks for meanwhile.

Must not know: what is looked at.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

from sipwatch.web.headers import CONTENT_SECURITY_POLICY

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response

ROOT: Final = Path(__file__).resolve().parents[2]
PICTURES: Final = Path(os.environ.get("SIPWATCH_PICTURES", ROOT / "build" / "pages"))
DESK, PHONE = 1280, 360  # px
PAPER: Final = 1032  # px: 273 mm
Theme = Literal["light", "dark"]


class Visitor:
    """A page in a window of its own; ``wrong`` says what a browser ought not to have seen."""

    def __init__(
        self, chromium: Browser, url: str, *, theme: Theme = "light", width: int = DESK, script: bool = True
    ) -> None:
        self.url = url
        self.wrong: list[str] = []
        self.asked: list[str] = []
        self._context = chromium.new_context(
            base_url=url,
            color_scheme=theme,
            viewport={"width": width, "height": 900},
            java_script_enabled=script,
            reduced_motion="reduce",
        )
        self.page: Page = self._context.new_page()
        self.page.set_default_timeout(20_000)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("request", self._request)
        self.page.on("response", self._response)

    def close(self) -> None:
        """Close the window."""
        self._context.close()

    def go(self, path: str) -> Page:
        """Go to a page."""
        self.page.goto(path)
        return self.page

    def forgive(self, status: str) -> None:
        """Forget that the browser told of an answer with this status, which was asked for."""
        self.wrong = [line for line in self.wrong if f"the server responded with a status of {status} " not in line]

    def picture(self, name: str) -> None:
        """Keep a picture of the whole page."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)

    def found_by_axe(self) -> list[str]:
        """Return what axe-core finds in the page that is serious, one line each."""
        from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - may be missing, as a browser may

        rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
        options = {"resultTypes": ["violations"], "runOnly": {"type": "tag", "values": rules}}
        found: list[dict[str, Any]] = Axe().run(self.page, options=options).response["violations"]
        return [
            f"{one['id']} ({one['impact']}): {one['nodes'][0]['html'][:200]} {one['nodes'][0].get('failureSummary', '')}"
            for one in found
            if one["impact"] in ("serious", "critical", "moderate")
        ]

    def is_wider_than_the_window(self) -> bool:
        """Tell whether one would have to scroll sideways."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))

    def on_paper(self) -> None:
        """Show pages as they are printed: on A4, landscape, within margins of 12 mm."""
        self.page.emulate_media(media="print")
        self.page.set_viewport_size({"width": PAPER, "height": 702})

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        self.asked.append(request.url)
        if not request.url.startswith(self.url + "/"):
            self.wrong.append(f"asked somebody else: {request.url}")

    def _response(self, response: Response) -> None:
        path = urlsplit(response.url).path
        policy = response.headers.get("content-security-policy")
        if policy != CONTENT_SECURITY_POLICY or "unsafe" in (policy or ""):
            self.wrong.append(f"{path}: Content-Security-Policy {policy}")
        if response.status >= 500:
            self.wrong.append(f"{path}: {response.status}")
