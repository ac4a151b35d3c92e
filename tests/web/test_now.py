"""The page of what is going on: pending by phase, stuck with a clock, the last hour beside the one before, losses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.export.present import MAX_STUCK, BetweenRecord, LossRecord
from tests.each import for_each
from tests.export import records
from tests.export.records import at
from tests.web.browsing import get, links, page, site_of, words
from tests.web.test_calls import HOSTILE
from tests.web.watched import Told, present_of, stuck

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from sipwatch.export.present import PresentRecord
    from tests.store.stored import Stored


def section(found: Element, name: str) -> Element:
    """Return a part of the page by its heading's id."""
    part = found.find(f".//section[@aria-labelledby='{name}']")
    assert part is not None
    return part


def rows(part: Element) -> list[str]:
    """Return the rows of its tables as texts."""
    return [words(row) for row in part.findall(".//tbody/tr")]


def shown(store: Stored, present: PresentRecord, part: str) -> Element:
    return section(page(site_of(store, daemon=Told(present)), "/now"), part)


def test_calls_are_shown_by_pair_and_phase(store: Stored) -> None:
    one, other = BetweenRecord("acme", "pbx", 1, 2, 3, 4, 5), BetweenRecord("phones", "pbx", 0, 0, 0, 0, 1)
    found = shown(store, present_of(between=[one, other], total=BetweenRecord("", "", 1, 2, 3, 4, 6)), "going-on")
    assert rows(found) == ["acme → pbx12345", "phones → pbx00001"]
    assert words(found.find(".//tfoot")) == "All12346"


def test_what_is_stuck_is_shown_with_a_clock_that_a_script_can_run(store: Stored) -> None:
    found = shown(store, present_of(stuck=[stuck()], conditions={"no_progress": 1}), "stuck")
    assert rows(found) == [
        "1:05100, then silence: stuck201 → +4930555777phones → 198.51.100.10:5060stuck@desk",
    ]
    [clock] = [one for one in found.iter("span") if "data-lasts" in one.attrib]
    assert (clock.attrib["data-lasts"], clock.text) == ("65000", "1:05")
    assert "1 hop: 100, then silence: stuck" in words(found)
    assert "../explain/no_progress" not in links(found)
    assert "./explain/no_progress" in links(found)


def test_that_there_is_more_than_is_listed_can_be_seen(store: Stored) -> None:
    many = [stuck(call_id=f"c{n}") for n in range(MAX_STUCK)]
    found = shown(store, present_of(stuck=many, conditions={"no_progress": 250}), "stuck")
    assert f"the first {MAX_STUCK}" in words(found.find(".//caption"))
    assert "250 hops: 100, then silence: stuck" in words(found)


def test_the_last_hour_stands_beside_the_hour_before(store: Stored) -> None:
    """At 10:00: three busy from 9:00 on, one before; whoever is still up has been answered, and is in no store yet."""
    store.put(*[records.call(id=f"{n:012x}", started=at(n)) for n in range(3)])
    store.put(records.call(id="f" * 12, started=at(-1)), records.call("declined", id="e" * 12, started=at(-2)))
    store.put(records.call(id="d" * 12, started=at(-3601)))
    found = shown(store, present_of(up_last_hour=2, up_hour_before=1), "hour")
    assert rows(found) == [
        "○ Busy3 callsbefore: 12 more, 3.0 times as many",
        "✓ Answered2 callsbefore: 11 more, 2.0 times as many",
        "○ Call declined0 callsbefore: 1none any more",
    ]
    assert "still up count as answered" in words(found)
    assert "./calls?outcome=busy&since=1767603600000&until=1767607200000" in links(found)


def test_of_the_calls_that_failed_last_it_is_said_whether_an_agent_was_busy(store: Stored) -> None:
    store.put(records.call(id="a" * 12, started=at(2), legs=[records.leg(offered="busy")]))
    store.put(records.call(id="b" * 12, started=at(1)))
    assert ["Agent busy" in row for row in rows(shown(store, present_of(), "failed"))] == [True, False]


def test_the_last_calls_that_failed_lead_to_their_pages(store: Stored) -> None:
    store.put(*[records.call("server_error", id=f"{n:012x}", started=at(n)) for n in range(12)])
    store.put(records.answered(id="f" * 12, started=at(100)))
    found = section(page(site_of(store, daemon=Told()), "/now"), "failed")
    assert [link for link in links(found) if link.startswith("./calls/")] == [
        f"./calls/{n:012x}" for n in reversed(range(2, 12))
    ]


@for_each(
    "loss, said",
    [
        (LossRecord("packets", "eth0", 1), "eth0: 1 packet not captured: the kernel had no room for them"),
        (LossRecord("call", "store", 7), "store: 7 calls not stored"),
        (LossRecord("evicted", "calls", 2), "calls: 2 entries given up, since there was no room for more"),
        (LossRecord("stalls", "capture", 1), "capture: 1 time in which the program stood still and packets were lost"),
    ],
)
def test_what_was_lost_is_said(store: Stored, loss: LossRecord, said: str) -> None:
    assert said in words(shown(store, present_of(lost=[loss]), "lost"))


def test_where_nothing_happens_it_is_said(store: Stored) -> None:
    found = words(page(site_of(store, daemon=Told()), "/now"))
    for said in (
        "No call is being set up, and none is up.",
        "Nothing is stuck",
        "No call began from 2026-01-05 09:00:00 to 2026-01-05 10:00:00 UTC",
        "No call that failed is stored.",
        "Nothing since it was started",
    ):
        assert said in found


def test_over_a_store_alone_it_is_said_that_nobody_watches_and_the_hour_is_shown(store: Stored) -> None:
    store.put(records.call())
    found = page(site_of(store), "/now")
    assert "Nobody is watching here." in words(found)
    assert rows(section(found, "hour")) == ["○ Busy1 callsbefore: 0none before"]
    assert "still up when the store was last written are not among them" in words(found)
    assert found.find(".//section[@aria-labelledby='stuck']") is None


def test_it_comes_first_where_a_daemon_watches(store: Stored) -> None:
    (live,) = get(site_of(store, daemon=Told()), "/")
    assert (live.status_code, live.headers["location"]) == (303, "./now")
    (alone,) = get(site_of(store), "/")
    assert alone.status_code == 200


def test_a_loop_that_does_not_answer_is_told(store: Stored) -> None:
    site = site_of(store, daemon=Told(TimeoutError()))
    for path in ("/now", "/api/v1/now"):
        (answer,) = get(site, path)
        assert answer.status_code == 503
        assert "no answer in time" in answer.text


@for_each("text", HOSTILE)
def test_what_strangers_wrote_is_text(store: Stored, text: str) -> None:
    """The page is HTML without a mistake, and has no element that ours do not have."""
    present = present_of(
        stuck=[stuck(caller=text, callee=text, call_id=text, source=text)], conditions={"no_progress": 1}
    )
    found = page(site_of(store, daemon=Told(present)), "/now")
    assert {one.tag for one in section(found, "stuck").iter()} <= {
        "section", "h2", "ul", "li", "a", "table", "caption", "thead", "tbody", "tr", "th", "td", "span", "code", "p"
    }  # fmt: skip


def test_machines_get_the_same_as_json(store: Stored) -> None:
    store.put(records.call())
    present = present_of(stuck=[stuck()], conditions={"no_progress": 1}, up_last_hour=1)
    (answer,) = get(site_of(store, daemon=Told(present)), "/api/v1/now")
    found = answer.json()
    assert found["present"]["stuck"][0]["since"] == "2026-01-05T09:58:55.000000Z"
    assert found["since"] == "2026-01-05T09:00:00.000000Z"
    assert [(one["outcome"], one["calls"], one["before"]) for one in found["outcomes"]] == [
        ("answered", 1, 0),
        ("busy", 1, 0),
    ]
    assert [one["id"] for one in found["failed"]] == [records.call().id]
    (alone, wrong) = get(site_of(store), "/api/v1/now", "/api/v1/now?since=1h")
    assert alone.json()["present"] is None
    assert wrong.status_code == 400
