"""The page of agents: figures counted by hand for the demonstration, by period, group and order."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from sipwatch.classify.roster import Roster, RosterEntry
from sipwatch.web.agents import agent_path
from tests.each import for_each
from tests.export import records
from tests.export.test_agents import DEMO, DEMO_NUMBERS
from tests.web.browsing import get, links, page, site_of, tree, words
from tests.web.test_calls import HOSTILE, KNOWN

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from tests.store.stored import Stored

ROSTER = Roster(
    [
        RosterEntry("15555550100", "Anna", "Sales"),
        RosterEntry("15555550101", "Ben", "Sales"),
        RosterEntry("15555550106", "Gina", "Support"),
    ]
)


def label(cell: Element) -> str:
    """Return what says on a phone what a cell is, "" where nothing has to."""
    found = cell.find("span[@class='when-narrow']")
    return "" if found is None else words(found)


def rows(found: Element) -> dict[str, list[str]]:
    """Return what stands in each row below the names of columns, by who it is of."""
    shown = {}
    for row in found.findall(".//table[@class='people stacked']/tbody/tr"):
        head, *cells = list(row)
        texts = [words(cell).removeprefix(label(cell)).strip() for cell in cells if len(cell)]
        shown[words(head).partition(" ⚠ ")[0]] = texts
    return shown


def test_the_demos_agents_are_shown_as_counted_by_hand(demo: Stored) -> None:
    shown = rows(page(site_of(demo), "/agents"))
    assert len(shown) == 14
    for line in DEMO.strip().splitlines()[1:]:
        phone, *figures = line.split()
        cells = shown[DEMO_NUMBERS[phone]]
        busy = cells[2].partition(" (")[0]
        assert [*cells[:2], busy, *cells[3:8]] == figures[:8], phone
        assert cells[-1] == f"{figures[8]} / {figures[9]}"


def test_the_two_shares_and_the_average_answer_are_shown(demo: Stored) -> None:
    """6 of 20, and of 13 without 3 callers who gave up and 4 calls that others took; 53.94 s for 6 answers."""
    shown = rows(page(site_of(demo), "/agents"))["15555550106"]
    assert shown == ["20", "6", "3 (2)", "0", "3", "1", "3", "4", "30%", "46%", "8.99 s", "2 / 5"]
    assert "53.935652" in DEMO


def test_groups_stand_together_with_their_sums(demo: Stored) -> None:
    found = page(site_of(demo, roster=ROSTER), "/agents")
    assert [words(head) for head in found.findall(".//h2")][:3] == ["Sales", "Support", "Without a group"]
    sums = rows(found.findall(".//div[@class='scroll']")[0])
    assert list(sums) == ["Anna 15555550100", "Ben 15555550101", "Together"]
    assert sums["Together"] == ["44", "24", "2", "0", "2", "1", "3", "12", "55%", "83%", "9.06 s"]


def test_a_group_of_one_has_no_sum(demo: Stored) -> None:
    found = page(site_of(demo, roster=ROSTER), "/agents").findall(".//div[@class='scroll']")[1]
    assert list(rows(found)) == ["Gina 15555550106"]


def test_bars_are_as_long_as_shares(demo: Stored) -> None:
    (row,) = [row for row in page(site_of(demo), "/agents").findall(".//tbody/tr") if "15555550106" in words(row)]
    assert [bar.attrib["width"] for bar in row.findall(".//{*}rect") if bar.attrib["class"] == "ringing"] == [
        "30.0",
        "46.2",
    ]


@for_each(
    "sort, first",
    [("busy", "15555550106"), ("offered", "15555550108"), ("row", "15555550199"), ("agent", "15555550100")],
)
def test_one_sorts_by_a_link(demo: Stored, sort: str, first: str) -> None:
    found = page(site_of(demo), f"/agents?sort={sort}")
    assert next(iter(rows(found))) == first
    (head,) = [head for head in found.iter("th") if "aria-sort" in head.attrib]
    assert head.attrib["aria-sort"] == ("ascending" if sort == "agent" else "descending")
    assert f"./agents?sort={sort}" in links(head)


def test_hours_are_told_apart_by_the_zones_clocks(demo: Stored) -> None:
    found = page(site_of(demo), "/agents?by=hour&zone=Europe/Berlin")
    assert next(words(head) for head in found.findall(".//h2")) == "2026-01-05 10:00 CET"
    assert "Times are by the clocks of Europe/Berlin." in words(found.find(".//footer"))


def test_the_zone_of_the_configuration_is_the_usual_one(demo: Stored) -> None:
    found = page(site_of(demo, zone="Asia/Tokyo"), "/agents?by=hour")
    assert next(words(head) for head in found.findall(".//h2")) == "2026-01-05 18:00 JST"


def test_a_name_leads_to_the_agent_in_the_same_time(demo: Stored) -> None:
    found = page(site_of(demo), "/agents?from=2026-01-05")
    assert "./agents/15555550106?from=2026-01-05" in links(found)


def test_the_figures_can_be_taken_along(demo: Stored) -> None:
    rows_, listed = get(site_of(demo, roster=ROSTER), "/agents.csv?by=day", "/agents.json?by=day")
    assert rows_.headers["content-disposition"] == 'attachment; filename="agents.csv"'
    gina = [row for row in csv.DictReader(io.StringIO(rows_.text)) if row["device"] == "15555550106"]
    assert [(row["name"], row["interval"], row["offered"], row["fair_share"]) for row in gina] == [
        ("Gina", "2026-01-05", "20", "0.461538")
    ]
    assert (gina[0]["addresses"], gina[0]["average_answer_seconds"]) == ("192.0.2.107", "8.989")
    assert (gina[0]["from"][:16], gina[0]["to"][:16], gina[0]["zone"]) == (
        "2026-01-05T00:00",
        "2026-01-06T00:00",
        "UTC",
    )
    (same,) = [one for one in json.loads(listed.text) if one["device"] == "15555550106"]
    assert (same["offered"], same["idle_busy"], same["longest"]) == (20, 2, 5)


def test_a_time_without_offers_says_what_there_is(demo: Stored) -> None:
    shown = words(page(site_of(demo), "/agents?period=yesterday").find(".//main"))
    assert "No call was offered to an agent in this time." in shown
    assert "from 2026-01-05 09:00:01 to 2026-01-05 09:09:59" in shown
    assert "kind =" not in shown


def test_where_no_agent_was_ever_seen_it_is_said_how_one_is_known(store: Stored) -> None:
    store.put(records.answered())
    shown = words(page(site_of(store), "/agents").find(".//main"))
    assert "No call was offered to an agent in this time. No device was offered a call." in shown
    assert 'kind = "devices"' in shown


def test_its_words_are_all_explained(demo: Stored) -> None:
    site = site_of(demo)
    paths = [link for link in links(page(site, "/agents")) if "/explain/" in link]
    assert len(paths) == 12
    for path in paths:
        page(site, path.removeprefix("."))


def test_it_says_how_the_figures_come_by_mail(demo: Stored) -> None:
    for path, options in (("/agents", "--agents -o"), ("/peers", "week -o")):
        found = page(site_of(demo), path)
        assert f"{options} report.html" in words(found)
        assert any(link.endswith("/deploy/README.md#a-report-by-mail") for link in links(found))


def test_a_sign_says_in_words_what_it_is_about(demo: Stored) -> None:
    heads = [words(one) for one in page(site_of(demo), "/agents").findall(".//tbody/tr/th")]
    told = {number: remark for number, _, remark in (head.partition(" ⚠ ") for head in heads)}
    assert told["15555550106"] == "5 not taken in a row, busy while idle"
    assert told["15555550110"] == "3 not taken in a row"
    assert told["15555550100"] == ""


def test_an_empty_store_says_so(store: Stored) -> None:
    assert "No call is stored yet at all." in words(page(site_of(store), "/agents").find(".//main"))


@for_each("query", ["period=x", "by=minute", "sort=x", "zone=x", "from=x", "to=x"])
def test_what_cannot_be_meant_is_told(demo: Stored, query: str) -> None:
    answers = get(site_of(demo), f"/agents?{query}", f"/agents.csv?{query}")
    # The files know no order, so they ask for none.
    assert [answer.status_code for answer in answers] == [400, 200 if query.startswith("sort") else 400]


def test_what_strangers_wrote_is_text(store: Stored) -> None:
    legs = [records.leg(offered="busy", device=text, callee=text) for text in HOSTILE]
    store.put(*[records.call(id=f"{place:012x}", legs=[leg]) for place, leg in enumerate(legs)])
    (answer,) = get(site_of(store), "/agents")
    found = tree(answer.text)
    assert {element.tag for element in found.iter()} <= KNOWN
    assert len(rows(found)) == len(HOSTILE) + 1
    assert not set(answer.text) & set("\0\x1b\u202e\u2066")
    for text in HOSTILE:
        if text != "../../etc/passwd":
            assert get(site_of(store), "/" + agent_path(text[:120]))[0].status_code == 200, text


def test_a_path_has_no_signs_of_its_own() -> None:
    assert agent_path("a/b?c#d") == f"agents/{quote('a/b?c#d', safe='')}" == "agents/a%2Fb%3Fc%23d"
