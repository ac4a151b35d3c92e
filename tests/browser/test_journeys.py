"""What people come for, step by step: from an alert to the packets, a filter, pages, new calls, with a keyboard alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.browser.site import Site
    from tests.browser.visitor import Visitor

pytestmark = pytest.mark.slow  # a browser

ALERT = f"/calls?filter={quote('status_code == 503')}&since=2h"


def rows(page: Page) -> list[str]:
    return page.locator("table.calls tbody tr").all_inner_texts()


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"])
def test_from_an_alert_to_the_raw_message_in_three_clicks(visit: Callable[..., Visitor], script: bool) -> None:
    page = visit(script=script).go(ALERT)
    found = rows(page)
    assert found
    assert all("503" in row for row in found)
    page.locator("table.calls tbody tr").first.locator("a").first.click()
    expect(page.locator("h1")).to_be_visible()
    assert re.search(r"/calls/[0-9a-f]{12}$", page.url)
    assert "503" in page.locator("main").inner_text()
    page.locator(".picture:visible a, svg.ladder:visible a").last.click()
    page.wait_for_url("**#*")
    message = page.locator(":target")
    expect(message).to_be_visible()
    text = message.inner_text()
    assert "SIP/2.0 503" in text or "ACK sip:" in text
    assert "Call-ID:" in text


def test_a_filter_is_written_and_stands_in_the_address(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    page = visitor.go("/calls")
    page.get_by_label("Filter").fill('outcome == "busy"')
    page.get_by_role("button", name="Show").click()
    assert "filter=outcome" in page.url
    assert rows(page)
    assert all("Agent busy" in row or "Busy" in row for row in rows(page))
    page.get_by_label("Filter").fill("outcome ==")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("alert")).to_contain_text("The filter cannot be used")
    expect(page.get_by_label("Filter")).to_have_value("outcome ==")
    visitor.forgive("400")


def test_one_pages_to_the_oldest_call_and_back(visit: Callable[..., Visitor]) -> None:
    page = visit().go("/calls?outcome=failed")
    first, seen = rows(page), 0
    while True:
        seen += len(rows(page))
        older = page.get_by_role("link", name="Older")
        if not older.count():
            break
        older.click()
    assert seen > 2 * len(first)
    while page.get_by_role("link", name="Newer").count():
        page.get_by_role("link", name="Newer").click()
    assert rows(page)[-1] in first


def test_a_call_that_is_over_appears_by_itself(site: Site, visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    page = visitor.go("/calls?number=%2B4930777001")
    expect(page.locator("#live")).to_contain_text("No call matches")
    expect(page.locator("#news")).to_have_text("Live")
    loaded = sum(url.endswith(".css") for url in visitor.asked)
    site.busy("+4930777001", "later@acme")
    expect(page.locator("table.calls tbody tr")).to_have_count(1, timeout=60_000)
    expect(page.locator("table.calls")).to_contain_text("+4930777001")
    assert sum(url.endswith(".css") for url in visitor.asked) == loaded  # the page itself was not loaded again


def test_what_is_stuck_shows_how_long_it_has_been(visit: Callable[..., Visitor]) -> None:
    page = visit().go("/now")
    clock = page.locator("#live tr", has_text="stuck@desk").locator("[data-lasts]")
    before = clock.inner_text()
    assert re.fullmatch(r"\d+ s|\d+:\d\d(:\d\d)?", before)
    expect(clock).not_to_have_text(before)
    still = visit(script=False).go("/now")
    assert still.locator("#live tr", has_text="stuck@desk").locator("[data-lasts]").inner_text()
    still.get_by_role("link", name="Refresh").click()
    expect(still.locator("h1")).to_have_text("Now")


def test_who_waits_goes_from_the_list_by_himself_when_he_is_called_back(
    site: Site, visit: Callable[..., Visitor]
) -> None:
    page = visit().go("/callbacks")
    waiting = page.locator("table.waiting tbody tr", has_text="+4930555999")
    expect(waiting).to_have_count(1)
    site.call_back("+4930555999")
    expect(waiting).to_have_count(0, timeout=60_000)
    expect(page.locator(".ticked")).to_contain_text("+4930555999", timeout=60_000)


def test_a_keyboard_is_enough(visit: Callable[..., Visitor]) -> None:
    """To the form, to a call, to a message and back; what has the focus can be seen."""
    page = visit().go("/calls?outcome=failed")
    tab_to(page, "Number")
    page.keyboard.type("*0142")
    page.keyboard.press("Enter")
    page.wait_for_url("**/calls?*number=*")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('table.calls') !== null"):
            break
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/calls/[0-9a-f]{12}$"))
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('svg') !== null"):
            break
    assert page.evaluate("document.activeElement.closest('svg') !== null")
    page.keyboard.press("Enter")
    page.wait_for_url("**#*")
    expect(page.locator(":target")).to_be_visible()


def tab_to(page: Page, label: str) -> None:
    """Press the tabulator until the field with a label has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.labels?.[0]?.textContent") == label:
            return
    raise AssertionError(f"no way to {label}")
