"""Every page in a real browser: both themes, desk and phone, without scripts; axe has nothing serious to say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.browser.visitor import DESK, PHONE, Theme
from tests.each import for_each

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.site import Site
    from tests.browser.visitor import Visitor

pytestmark = pytest.mark.slow  # a browser

PAGES = {
    "now": "/now",
    "incidents-none": "/incidents",
    "calls": "/calls",
    "calls-none": "/calls?number=%2B4999999999",
    "calls-wrong": "/calls?filter=outcome",
    "call": "/calls/{failed}",
    "call-missed": "/calls/{missed}",
    "callbacks": "/callbacks",
    "agents": "/agents",
    "agent": "/agents/15555550106",
    "peers": "/peers",
    "peer": "/peers/acme",
    "registrations": "/registrations",
    "registrations-none": "/registrations?number=9999",
    "explain": "/explain",
    "explained": "/explain/486",
    "alert": "/explain/SipTrunkBusy",
    "not-found": "/nowhere",
}
REFUSED = {"not-found": "404", "calls-wrong": "400"}  # a browser tells of those in its console


def path(site: Site, name: str) -> str:
    """Return where a page is."""
    found = PAGES[name]
    if "{failed}" in found:
        return found.format(failed=site.calls('outcome == "no_progress"')[0]["id"])
    return found.format(missed=site.calls('call_id == "missed@acme"')[0]["id"]) if "{missed}" in found else found


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [DESK, PHONE])
@for_each("name", list(PAGES))
def test_a_page_fits_its_window_and_axe_finds_nothing_serious(
    site: Site, visit: Callable[..., Visitor], name: str, width: int, theme: Theme
) -> None:
    visitor = visit(theme=theme, width=width)
    visitor.go(path(site, name))
    visitor.picture(f"{name}-{theme}-{width}")
    assert not visitor.is_wider_than_the_window()
    if width == DESK:  # a phone gets the same document
        assert visitor.found_by_axe() == []
    visitor.forgive(REFUSED.get(name, "-"))


@for_each("name", ["agents", "agent", "peers", "peer", "calls", "callbacks", "registrations"])
def test_on_paper_no_column_is_cut_off(site: Site, visit: Callable[..., Visitor], name: str) -> None:
    """Nobody can scroll there: what a box would cut off has to be within the page."""
    visitor = visit()
    visitor.on_paper()
    page = visitor.go(path(site, name))
    visitor.picture(f"{name}-paper")
    assert not visitor.is_wider_than_the_window()
    assert (
        page.eval_on_selector_all(".scroll", "all => all.filter(one => one.scrollWidth > one.clientWidth).length") == 0
    )
    assert page.locator("header nav").is_hidden()


@for_each("name", ["agents", "agent", "peers", "peer", "registrations"])
def test_on_paper_the_time_is_named_of_which_it_tells(site: Site, visit: Callable[..., Visitor], name: str) -> None:
    visitor = visit()
    visitor.on_paper()
    page = visitor.go(path(site, name))
    assert re.search(r"to [0-9-]{10} [0-9:]{5} \(UTC\)", page.locator(".status.period").inner_text())
    assert page.locator(".status.period").is_visible()


@for_each("name", list(PAGES))
def test_a_page_has_one_heading_landmarks_and_a_way_past_the_navigation(
    site: Site, visit: Callable[..., Visitor], name: str
) -> None:
    visitor = visit(script=False)
    page = visitor.go(path(site, name))
    visitor.forgive(REFUSED.get(name, "-"))
    assert page.locator("h1").count() == 1
    assert page.locator("main").count() == 1
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the content"
    page.keyboard.press("Enter")
    page.wait_for_url("**#main")


def test_both_themes_are_what_they_say(visit: Callable[..., Visitor]) -> None:
    """Dark letters on light ground, and the other way round."""
    grounds = {}
    for theme in ("light", "dark"):
        page = visit(theme=theme).go("/calls")
        grounds[theme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert grounds == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 24, 28)"}
