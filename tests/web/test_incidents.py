"""The page of incidents: what rose, with what leads on from it, and what it says where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from sipwatch.packet import DAY, MINUTE
from sipwatch.web.answers import IncidentsAnswer
from sipwatch.web.site import Website
from tests.each import for_each
from tests.store.troubled import NOON, TODAY, calls, trouble_from_ten_to_eleven, week
from tests.web.browsing import get, links, page, site_of, words
from tests.web.test_calls import rows_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from tests.store.stored import Stored


def site(store: Stored, now: int = NOON + MINUTE) -> Website:
    return Website(store.read, now=lambda: now)


def cards(found: Element) -> list[Element]:
    return found.findall(".//article")


@pytest.fixture
def troubled(store: Stored) -> Stored:
    trouble_from_ten_to_eleven(store)
    return store


def test_an_incident_is_told_whole(troubled: Stored) -> None:
    [card] = cards(page(site(troubled), "/incidents"))
    told = words(card)
    for part in (
        "Calls to south: “Server failure”",
        "Over, after 1:00:00: from 10:00 until 11:00.",
        "30 of 45 calls (67%), where hardly any are usual: “Server failure”; pbx → south 30 of 45.",
        "30 calls of 30 callers to 1 number",
        "Well meanwhile: to north 0 of 15.",
        "Examples: 503: 30 such.",
        "Who should look: the server or provider that said so.",
    ):
        assert part in told


def test_one_that_goes_on_has_a_clock_and_stands_first(troubled: Stored) -> None:
    found = page(site(troubled, TODAY + 11 * 60 * MINUTE), "/incidents")
    [part] = found.findall(".//section")
    assert words(part.find("h2")) == "Going on"
    [card] = cards(part)
    assert "For 59:00: since 10:00; the last such call began at 10:58." in words(card)
    assert [span.attrib["data-lasts"] for span in card.iter("span") if "data-lasts" in span.attrib] == ["3540000"]


def test_its_links_lead_to_the_calls_behind_it_the_peer_and_an_example(troubled: Stored) -> None:
    there = site(troubled)
    [card] = cards(page(there, "/incidents"))
    leads = links(card)
    [to_calls] = [link for link in leads if "calls?" in link]
    assert parse_qs(urlsplit(to_calls).query)["filter"] == ['destination == "south" and outcome == "server_error"']
    assert len(rows_of(page(there, to_calls.removeprefix(".")))) == 30
    [explains] = [link for link in leads if "explain" in link]
    [to_peer] = [link for link in leads if "peers/" in link]
    [example] = [link for link in leads if "calls/" in link]
    for link in (explains, to_peer, example):
        page(there, link.removeprefix("."))


@for_each(
    "asked, shown",
    [
        ("?peer=south", 1),
        ("?peer=north", 0),
        ("?peer=pbx,south", 1),
        ("?peer=,", 1),
        ("?period=yesterday", 0),
        ("?period=today", 1),
    ],
)
def test_a_peer_or_a_time_can_be_asked_for(troubled: Stored, asked: str, shown: int) -> None:
    assert len(cards(page(site(troubled), f"/incidents{asked}"))) == shown


def test_a_time_that_is_no_time_is_said(troubled: Stored) -> None:
    page(site(troubled), "/incidents?period=soon", 400)


def test_the_page_of_what_goes_on_has_it_as_well(troubled: Stored) -> None:
    found = page(site(troubled, TODAY + 11 * 60 * MINUTE), "/now")
    part = found.find(".//section[@aria-labelledby='incidents']")
    assert part is not None
    assert "Calls to south: “Server failure” since 10:00" in words(part)
    [link] = links(part)
    assert any(card.attrib["id"] in link for card in cards(page(site(troubled), "/incidents")))


def test_without_one_it_is_said_what_was_looked_at(store: Stored) -> None:
    week(store)
    store.put(*calls(TODAY - DAY, NOON))
    assert "No incident: of the calls from 2026-01-11 00:00 to 2026-01-12 12:00 UTC" in words(
        page(site(store), "/incidents").find(".//main")
    )
    assert "None goes on" in words(page(site(store), "/now").find(".//main"))


def test_without_a_past_nothing_can_be_told(store: Stored) -> None:
    for there in (site_of(store), site(store)):
        assert "Nothing can be told:" in words(page(there, "/incidents").find(".//main"))
        assert "None can be told yet" in words(page(there, "/now").find(".//main"))
        store.put(*calls(TODAY - DAY, NOON, outcome="server_error"))


def test_machines_get_the_same(troubled: Stored) -> None:
    [answer] = get(site(troubled), "/api/v1/incidents?peer=south")
    told = msgspec.json.decode(answer.content)
    assert set(told) == set(IncidentsAnswer.__struct_fields__)
    [one] = told["incidents"]
    assert (one["end"], one["peer"], one["since"], one["calls"]) == (
        "destination",
        "south",
        "2026-01-12T10:00:00.000000Z",
        30,
    )
    assert one["rises"][0]["word"] == "server_error"
    [none] = get(site(troubled), "/api/v1/incidents?peer=north")
    assert msgspec.json.decode(none.content)["incidents"] == []
