"""The page of calls: what is asked for is shown, page by page, and what strangers wrote is text."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from sipwatch.web.calls import PAGE
from tests.each import for_each
from tests.export import records
from tests.export.records import at
from tests.web.browsing import LONG, get, links, page, site_of, tree, words

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from tests.store.stored import Stored

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; DROP TABLE calls; --",
    "</table></title><svg onload=alert(1)>",
    "}</style><style>*{display:none}",
    "\u202egpj.exe\u2066",
    "a\0b\x1b[31m",
    "../../etc/passwd",
    "{{ 7*7 }}{% raw %}",
    "%s%n%00",
    "x" * 60_000,
)


def rows_of(found: Element) -> list[str]:
    """Return the rows of the list of calls as texts."""
    return [words(row) for row in found.findall(".//table/tbody/tr")]


def test_a_call_is_shown_with_all_that_one_looks_for(store: Stored) -> None:
    store.put(records.answered(source="acme", ending="session_expired"))
    (row,) = rows_of(page(site_of(store), "/calls"))
    assert row == (
        "2026-01-05 09:00:00 15550100 → 15550101 ✓ Answered 200 OK ⚠ Dropped: session timer ran out"
        " 5.00 s, 4.00 s of it ringing talked 1:00 acme → 192.0.2.80:5060"
    )


def test_times_are_machines_too(store: Stored) -> None:
    store.put(records.call())
    assert [time.attrib["datetime"] for time in page(site_of(store), "/calls").iter("time")] == [
        "2026-01-05T09:00:00.000000Z"
    ]


def test_one_goes_to_older_calls_and_back_with_the_same_selection(store: Stored) -> None:
    calls = 2 * PAGE + 1
    store.put(*[records.call(id=f"{n:012x}", started=at(n), caller=f"1555{n:04}") for n in range(calls)])
    store.put(records.answered(id="f" * 12))
    site = site_of(store)
    seen: list[str] = []
    path = "/calls?filter=" + quote('outcome == "busy"')
    while True:
        found = page(site, path)
        seen += [row.split()[2] for row in rows_of(found)]
        onward = found.find(".//a[@rel='next']")
        if onward is None:
            break
        assert "filter=" in onward.attrib["href"]
        path = onward.attrib["href"].removeprefix(".")
    assert seen == [f"1555{n:04}" for n in reversed(range(calls))]
    back = found.find(".//a[@rel='prev']")
    assert back is not None
    assert len(rows_of(page(site, back.attrib["href"].removeprefix(".")))) == PAGE


@for_each(
    "query, ids",
    [
        ("", ["2", "1", "0"]),
        ("?outcome=busy", ["0"]),
        ("?outcome=failed", ["2", "0"]),
        ("?number=%2B1%20555%20555%200199", ["1"]),
        ("?number=*0199", ["1"]),
        ("?since=2026-01-05T09:00:05", ["2", "1"]),
        ("?until=2026-01-05T09:00:05", ["0"]),
        ("?since=59m55s&until=now", ["2", "1"]),
        ("?peer=acme", ["1"]),
        ("?filter=status_code%20%3D%3D%20503", ["2"]),
    ],
)
def test_what_is_asked_for_is_shown(store: Stored, query: str, ids: list[str]) -> None:
    store.put(
        records.call(id="0" * 12),
        records.answered(id="1" * 12, started=at(5), caller="15555550199", destination="acme"),
        records.call("server_error", id="2" * 12, started=at(9), status_code=503),
    )
    found = page(site_of(store), "/calls" + query)
    assert [link.removeprefix("./calls/")[0] for link in links(found) if link.startswith("./calls/")] == ids


def test_what_was_asked_for_stands_in_the_form_again(store: Stored) -> None:
    store.put(records.call())
    found = page(site_of(store), "/calls?number=201&outcome=busy&filter=status_code+%3E+1&since=1h")
    values = {field.attrib["name"]: field.attrib["value"] for field in found.iter("input")}
    assert values == {"number": "201", "filter": "status_code > 1", "since": "1h", "until": ""}
    assert [option.attrib["value"] for option in found.iter("option") if "selected" in option.attrib] == ["busy"]


def test_a_peer_that_is_nowhere_is_told_and_is_not_in_the_menu(store: Stored) -> None:
    store.put(records.call(source="phones", destination="north"))
    (answer,) = get(site_of(store), "/calls?peer=nord")
    assert answer.status_code == 400
    found = tree(answer.text)
    assert "a peer 'nord'; did you mean north?" in words(found.find(".//*[@role='alert']"))
    [menu] = [field for field in found.iter("select") if field.attrib["name"] == "peer"]
    assert [words(option) for option in menu] == ["Any", "north", "phones"]


def test_a_wrong_filter_is_told_in_words_where_it_stands(store: Stored) -> None:
    store.put(records.call())
    found = page(site_of(store), "/calls?filter=outcom+%3D%3D+1", status=400)
    assert (
        words(found.find(".//p[@id='wrong']"))
        == "The filter cannot be used: a call has no key 'outcom'; did you mean outcome?"
    )
    (field,) = [field for field in found.iter("input") if "aria-invalid" in field.attrib]
    assert (field.attrib["name"], field.attrib["value"], field.attrib["aria-describedby"]) == (
        "filter",
        "outcom == 1",
        "wrong",
    )


def test_an_empty_store_says_so(store: Stored) -> None:
    assert "No call is stored yet." in words(page(site_of(store), "/calls").find(".//main"))


def test_a_list_without_calls_says_what_was_looked_at_and_what_there_is(store: Stored) -> None:
    store.put(records.call(), records.call(id="1" * 12, started=at(60)))
    site = site_of(store)
    shown = words(page(site, "/calls?outcome=answered").find(".//main"))
    assert (
        "No call matches. It was looked in all calls that began from 2026-01-05 09:00:00 to 2026-01-05 09:01:00."
        in shown
    )
    shown = words(page(site, "/calls?since=2026-02-01").find(".//main"))
    assert "in no call: none began in that time" in shown
    assert "The store has calls that began from 2026-01-05 09:00:00 to 2026-01-05 09:01:00." in shown


def test_what_strangers_wrote_is_text(store: Stored) -> None:
    for number, text in enumerate(HOSTILE):
        more = {"call_id": text, "caller_uri": text, "user_agent": text}
        store.put(records.call(id=f"{number:012x}", caller=text, callee=text, reason_phrase=text, **more))
    (answer,) = get(site_of(store), "/calls")
    found = tree(answer.text)
    assert {element.tag for element in found.iter()} <= KNOWN
    assert not [name for element in found.iter() for name in element.attrib if name.startswith("on")]
    assert len(rows_of(found)) == len(HOSTILE)
    assert not set(answer.text) & set("\0\x1b\u202e\u2066")
    shown = words(found.find(".//table"))
    assert all(text in shown for text in HOSTILE if text.isascii() and text.isprintable())


KNOWN = frozenset(
    [
        "html",
        "head",
        "meta",
        "title",
        "link",
        "script",
        "body",
        "a",
        "header",
        "nav",
        "ul",
        "li",
        "main",
        "h1",
        "h2",
        "form",
        "div",
        "label",
        "input",
        "select",
        "option",
        "p",
        "button",
        "details",
        "summary",
        "code",
        "span",
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "time",
        "svg",
        "rect",
        "section",
        "footer",
        "strong",
        "{http://www.w3.org/2000/svg}svg",
        "{http://www.w3.org/2000/svg}rect",
    ]
)


@for_each("key", ["filter", "since", "until", "number", "outcome", "peer", "behind", "before", "limit"])
def test_whatever_stands_in_an_address_is_a_mistake_or_nothing(store: Stored, key: str) -> None:
    store.put(records.call())
    site = site_of(store)
    answers = get(site, *[f"/calls?{key}={quote(text[:3000])}" for text in HOSTILE])
    for answer in answers:
        assert answer.status_code in {200, 400}
        assert {element.tag for element in tree(answer.text).iter()} <= KNOWN
    assert len(rows_of(page(site, "/calls"))) == 1  # it is all still there


def test_a_number_without_a_hit_is_proposed_by_its_end(store: Stored) -> None:
    store.put(records.call(caller="+49309305386", started=at(60)))
    found = page(site_of(store), "/calls?number=5386&outcome=busy&since=2026-01-05")
    assert "1 call is from or to a number that ends so: *5386" in words(found)
    assert "./calls?since=2026-01-05&number=%2A5386&outcome=busy" in links(found)
    assert "ends so" not in words(page(site_of(store), "/calls?number=5387").find(".//div[@class='empty']"))


def test_a_day_is_chosen_with_a_click_and_a_link_that_is_sent_shows_the_same_tomorrow(store: Stored) -> None:
    """By the clocks of the site's zone; what else is asked for stays."""
    store.put(records.call(started=at(0)), records.call(id="a" * 12, started=at(-11 * 3600)))
    site = site_of(store, zone="Europe/Berlin")
    quick = page(site, "/calls?outcome=busy").find(".//ul[@class='quick']")
    assert quick is not None
    assert [words(one) for one in quick.iter("a")] == ["Today", "Yesterday", "Last 7 days"]
    days = (("2026-01-04", "2026-01-05"), ("2026-01-03", "2026-01-04"), ("2025-12-29", "2026-01-05"))
    at_midnight = [f"since={since}T23%3A00&until={until}T23%3A00" for since, until in days]
    assert links(quick) == [f"./calls?outcome=busy&{times}" for times in at_midnight]
    chosen = page(site, links(quick)[1][1:])
    assert [words(one) for one in chosen.findall(".//ul[@class='quick']//a[@aria-current]")] == ["Yesterday"]
    assert ids_of(chosen) == ["a" * 12]


@for_each(
    "since, found",
    [
        ("today", 1),
        ("yesterday", 2),
        ("1w", 2),
        ("2026-01-05T10:00%2B01:00", 1),
        ("2026-01-05T10:00+01:00", 1),
        ("2026-01-05T10:00:01+01:00", 0),
    ],
)
def test_days_have_names_and_a_plus_that_became_a_blank_is_one(store: Stored, since: str, found: int) -> None:
    if not any(store.folder.glob("*.calls.sqlite")):  # of the first row
        store.put(records.call(started=at(0)), records.call(id="a" * 12, started=at(-11 * 3600)))
    assert len(ids_of(page(site_of(store, zone="Europe/Berlin"), f"/calls?since={since}"))) == found


def ids_of(found: Element) -> list[str]:
    return [one.rpartition("/")[2] for one in links(found) if one.startswith("./calls/")]


def test_a_call_says_its_marks_and_whether_its_messages_were_kept(store: Stored) -> None:
    store.put(records.call(started=at(5), tags=["waiting_callback"]))
    store.watch("0 A>P INVITE\n0.1 P>A 486\n0.2 A>P ACK ttag=callee\n", until=int(LONG))
    kept, marked = (words(one) for one in page(site_of(store), "/calls").findall(".//td[@class='what']")[::-1])
    assert "486 Busy Here · Still waiting to be called back" in marked
    assert "messages were kept" not in marked
    assert kept.endswith("✉ messages were kept")
