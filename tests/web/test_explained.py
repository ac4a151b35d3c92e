"""What a code or a word means: the knowledge as pages."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote

from sipwatch.export.addresses import DOCS
from sipwatch.export.explaining import everything, explained
from sipwatch.export.filters import compile_filter
from sipwatch.knowledge import load
from sipwatch.web.explained import calls_path, explain_path
from tests.each import for_each
from tests.web.browsing import get, links, page, site_of, words
from tests.web.test_calls import HOSTILE

if TYPE_CHECKING:
    from tests.store.stored import Stored


def test_the_list_leads_to_every_entry(store: Stored) -> None:
    site = site_of(store)
    main = page(site, "/explain").find(".//main")
    assert main is not None
    paths = [link.removeprefix("./explain/") for link in links(main)]
    wanted = everything(load())
    assert len(paths) == len(wanted)
    for path, record in zip(paths, wanted, strict=True):
        assert record in explained(load(), unquote(path)), path


@for_each(
    "what, shown",
    [
        ("486", "The called phone or line is in a call"),
        ("Q.850;cause=19", "Q.850 cause 19"),
        ("Agent busy", "Such calls"),
        ("no_progress", "Stuck in Trying"),
        ("trunk_full", "Trunk full"),
        ("SER", "Session Establishment Ratio"),
        ("SIP/2.0 503 Service Unavailable", "503"),
    ],
)
def test_a_code_or_word_is_explained(store: Stored, what: str, shown: str) -> None:
    text = words(page(site_of(store), f"/{explain_path(what)}").find(".//main"))
    entry = load().find(what)[0]
    assert entry.meaning in text
    assert " ".join(entry.admin.split()) in text
    assert shown in text or entry.plain in text


def test_an_outcome_leads_to_its_codes_and_to_its_calls(store: Stored) -> None:
    main = page(site_of(store), "/explain/busy").find(".//main")
    assert main is not None
    assert {"../calls?filter=outcome+%3D%3D+%22busy%22", "../explain/status%20486", "../explain/cause%2017"} <= set(
        links(main)
    )


@for_each(
    "what, heading, section",
    [
        ("SipTrunkBusy", "SipTrunkBusy: warning alert", "runbook.md#siptrunkbusy"),
        ("siptrunkbusy", "SipTrunkBusy: warning alert", "runbook.md#siptrunkbusy"),
        ("sippeerbudgetburningfast", "SipPeerBudgetBurningFast: critical alert", "runbook.md#sippeerbudgetburningfast"),
        ("sipwatch_ring_duration_seconds_bucket", "sipwatch_ring_duration_seconds: histogram, by", "metrics.md"),
    ],
)
def test_a_metric_and_an_alert_are_explained_and_lead_to_where_more_is_said(
    store: Stored, what: str, heading: str, section: str
) -> None:
    found = page(site_of(store), f"/{explain_path(what)}")
    main = found.find(".//main")
    assert main is not None
    assert heading in words(main)
    assert words(found.find(".//h1")) == heading.partition(":")[0]
    (record,) = explained(load(), what)
    assert record.meaning in words(main)
    assert f"{DOCS}/docs/{section}" in links(main)
    assert "Such calls" not in words(main)


def test_what_to_do_about_an_alert_stands_on_its_page_and_about_nothing_else(store: Stored) -> None:
    main = page(site_of(store), "/explain/siptrunkbusy").find(".//main")
    assert main is not None
    assert "Who acts: the administrator now (slow the dialler" in words(main)
    assert next(words(one) for one in main.iter("pre")) == "sum by (source, destination) (sipwatch_calls_established)"
    commands = [one.text or "" for one in main.iter("pre")][-1].splitlines()
    assert [line.split()[1] for line in commands] == ["replay", "check"]
    assert [words(one) for one in main.iter("li")][1].startswith("First: compare the calls that are up")
    for other in ("busy", "sipwatch_calls_total"):
        assert page(site_of(store), f"/explain/{other}").find(".//main//pre") is None


def test_what_is_typed_leads_to_its_page(store: Stored) -> None:
    (answer,) = get(site_of(store), "/explain?what=SIP/2.0%20486%20Busy")
    assert (answer.status_code, answer.headers["location"]) == (303, "./explain/SIP%2F2.0%20486%20Busy")


def test_what_is_not_known_is_said_with_what_is_near(store: Stored) -> None:
    main = page(site_of(store), "/explain/no_anser", status=404).find(".//main")
    assert "Did you mean no_answer" in words(main)


@for_each("text", HOSTILE, ids=[str(n) for n in range(len(HOSTILE))])
def test_whatever_is_asked_is_text(store: Stored, text: str) -> None:
    (answer,) = get(site_of(store), "/explain/" + explain_path(text[:3000]).removeprefix("explain/"))
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text
    assert "<img" not in answer.text


def test_every_filter_that_leads_to_calls_is_one() -> None:
    paths = [path for path in map(calls_path, everything(load())) if path is not None]
    assert len(paths) > 150
    for path in paths:
        (expression,) = parse_qs(path.partition("?")[2])["filter"]
        compile_filter(expression)


@for_each("what", ["retried", "180", "4xx", "SER", "sipwatch_calls_total", "SipSerLow"])
def test_what_no_call_can_be_leads_to_none(what: str) -> None:
    assert [calls_path(entry) for entry in explained(load(), what)] == [None]
