"""Draw the README's pictures of the pages again: ``python -m docs.pictures``; needs chromium and playwright.

A contact centre is watched for two hours (``tests/browser/site.py``), and a browser shows what it looks like.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.site import Site, place

PICTURES = Path(__file__).parent / "pictures"
WIDTH, HEIGHT = 1200, 760  # px


def main() -> None:
    """Write the pictures of the list of calls and of one call."""
    program = shutil.which("chromium")
    assert program is not None, "chromium is not installed"
    with place() as folder, Site(Path(folder)) as site, sync_playwright() as started:
        site.filled()
        stuck = site.calls('outcome == "no_progress"')[0]["id"]
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(base_url=site.url, reduced_motion="reduce")
        for name, path, height in (("calls", "/calls", HEIGHT), ("call", f"/calls/{stuck}", 2 * HEIGHT)):
            page.set_viewport_size({"width": WIDTH, "height": height})
            page.goto(path)
            page.screenshot(path=PICTURES / f"{name}.png")
            print(f"written: docs/pictures/{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
