"""The page of one call: from the verdict to the packets, and nothing that strangers wrote is anything but text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sipwatch.classify.findings import Sort, Term
from sipwatch.export.record import EvidenceRecord, FindingRecord, Words
from sipwatch.store.settings import KeepMessages, StoreSettings
from tests.cli.program import ROOT
from tests.each import for_each
from tests.export import records
from tests.export.records import at, link
from tests.web.browsing import LONG, get, links, page, site_of, tree, watched, words
from tests.web.test_calls import HOSTILE
from tests.web.test_why import PROXIED, WITH_REASON

if TYPE_CHECKING:
    from collections.abc import Callable
    from xml.etree.ElementTree import Element

    from tests.store.stored import Stored

SVG = "{http://www.w3.org/2000/svg}"


def part(found: Element, name: str) -> str:
    """Return the text of a section."""
    return words(found.find(f".//section[@aria-labelledby='{name}']"))


def test_the_page_says_what_became_of_it_why_and_who_should_act(store: Stored) -> None:
    call = watched(store, PROXIED)
    found = page(site_of(store), f"/calls/{call.id}")
    assert words(found.find(".//title")) == "15550100 → 15550101: Busy · sipwatch"
    assert "Busy 486 Busy Here 2026-01-05 09:00:00.000 UTC" in words(found.find(".//main"))
    assert "The first to say 486 was 192.0.2.66:5060" in part(found, "why")
    assert "No technical action." in part(found, "act")
    assert "../explain/busy" in links(found)


def test_agent_busy_is_said_of_the_hop_to_an_agent_and_of_a_call_that_ended_there(store: Stored) -> None:
    """And of each of the other attempts of the two."""
    first, device = records.leg(), records.leg(offered="busy", destination_address="192.0.2.66:5060")
    store.put(
        records.call(id="a" * 12, legs=[first, device]), records.call(id="b" * 12, started=at(1), legs=[first] * 2)
    )
    said = {}
    for one in "ab":
        found = page(site_of(store), f"/calls/{one * 12}")
        hops = [words(row.findall("td")[4]) for row in found.findall(".//table[@class='legs']/tbody/tr")]
        title, verdict = words(found.find(".//title")), words(found.find(".//p[@class='verdict']/a"))
        said[one] = (title.rpartition(": ")[2], verdict, hops, "Agent busy" in part(found, "attempts"))
    assert said == {
        "a": ("Agent busy · sipwatch", "○ Agent busy", ["Busy", "Agent busy"], False),
        "b": ("Busy · sipwatch", "○ Busy", ["Busy", "Busy"], True),
    }


def test_each_arrow_leads_to_its_message(store: Stored) -> None:
    call = watched(store, PROXIED)
    found = page(site_of(store), f"/calls/{call.id}")
    anchors = {element.attrib["id"] for element in found.iter("article")}
    assert anchors == {f"message-{n}" for n in range(7)}
    for picture in found.iter(f"{SVG}svg"):
        arrows = [one.attrib["href"] for one in picture.iter(f"{SVG}a")]
        assert arrows in ([], [f"#message-{n}" for n in range(7)])
    assert (
        sum(len(list(picture.iter(f"{SVG}a"))) for picture in found.iter(f"{SVG}svg")) == 14
    )  # one for wide screens, one for phones


def test_linked_calls_stand_in_one_picture_unless_the_call_is_wanted_alone(store: Stored) -> None:
    store.capture(ROOT / "pcaps/situations/linked.pcap")
    site = site_of(store)
    both, alone = (page(site, f"/calls/684be706107a{query}") for query in ("", "?calls=alone"))
    arrows = [{one.attrib["href"] for one in found.iter(f"{SVG}a")} for found in (both, alone)]
    own = {f"#message-{n}" for n in range(7)}
    assert arrows == [own | {f"4f72a0b8f13e#message-{n}" for n in range(7)}, own]
    assert page(site, "/calls/4f72a0b8f13e").find(".//article[@id='message-6']") is not None
    assert {"?calls=alone#ladder", "?scale=time#ladder"} <= set(links(both))
    assert {"?#ladder", "?scale=time&calls=alone#ladder"} <= set(links(alone))
    assert {"../calls/684be706107a/ladder.svg", "../calls/684be706107a/ladder.mmd"} <= set(links(both))
    assert "../calls/684be706107a/ladder.svg?calls=alone" in links(alone)


def test_of_a_call_that_is_linked_with_none_nothing_is_to_be_chosen_but_the_scale(store: Stored) -> None:
    found = page(site_of(store), f"/calls/{watched(store, PROXIED).id}")
    assert "?calls=alone#ladder" not in links(found)
    assert "This call alone" not in words(found)


def test_the_header_that_decided_is_marked_in_its_message(store: Stored) -> None:
    call = watched(store, WITH_REASON)
    found = page(site_of(store), f"/calls/{call.id}")
    assert [words(mark) for mark in found.iter("mark")] == ["Reason: Q.850;cause=17"]
    raw = found.find(".//article[@id='message-0']/pre")
    assert raw is not None
    assert "".join(raw.itertext()).splitlines() == (call.messages or [])[0].raw.split("\r\n")[:-1]


def test_a_call_can_be_asked_for_by_its_call_id(store: Stored) -> None:
    watched(store, PROXIED)
    assert get(site_of(store), "/calls/c1")[0].status_code == 200


@for_each("wanted", ["f" * 12, "nope", "%00", "..%5c..%5cx", "%F4%8F%BF%BF", "x" * 3000, "' OR ''='"])
def test_a_call_that_is_not_there_is_told(store: Stored, wanted: str) -> None:
    store.put(records.call())
    (answer,) = get(site_of(store), f"/calls/{wanted}")
    assert answer.status_code == 404
    assert words(tree(answer.text).find(".//h1")) == "No such call"


@for_each("path", ["", "/ladder.svg", "/call.pcap"])
def test_a_beginning_of_several_ids_shows_a_list_and_no_call(store: Stored, path: str) -> None:
    store.put(*[records.call(id=f"aaaaaa{n:06x}", started=at(n)) for n in range(2)])
    found = page(site_of(store), f"/calls/aaaaaa{path}", 404)
    assert words(found.find(".//h1")) == "Which call is it?"
    assert "2 calls begin so" in words(found.find(".//p[@role='alert']"))
    root = "../" * (1 + path.count("/"))
    assert [one for one in links(found) if "calls/" in one] == [f"{root}calls/aaaaaa{n:06x}" for n in (1, 0)]


def test_an_empty_store_has_no_call(store: Stored) -> None:
    assert get(site_of(store), "/calls/0123")[0].status_code == 503


def test_why_there_are_no_messages_is_said(stores: Callable[..., Stored]) -> None:
    store = stores(StoreSettings(messages=KeepMessages.NONE))
    call = watched(store, PROXIED)
    found = page(site_of(store), f"/calls/{call.id}")
    assert "No message of this call was stored, although it failed" in part(found, "ladder")
    assert found.find(f".//{SVG}svg[@role]") is None


def test_messages_that_have_gone_are_said_to_have_been_there(store: Stored) -> None:
    call = watched(store, PROXIED)
    for path in store.folder.glob("*.messages.sqlite*"):
        path.unlink()
    found = page(site_of(store), f"/calls/{call.id}")
    assert "Messages of this call were kept (7), and have been let go of since" in part(found, "ladder")


def test_links_and_attempts_lead_to_other_calls(store: Stored) -> None:
    store.put(
        records.call(linked=[link("1" * 12, 5, role="downstream")]),
        records.answered(id="1" * 12, started=at(5), caller="1", callee="2"),
        records.answered(id="2" * 12, started=at(60)),
    )
    found = page(site_of(store), "/calls/0123456789ab")
    assert "15550101 ✓ Answered, downstream: The same Session-ID" in part(found, "linked").replace("1 → 2", "15550101")
    assert "../calls/111111111111" in links(found)
    assert "15550100 → 15550101 ✓ Answered" in part(found, "attempts")
    assert "../calls/222222222222" in links(found)


@pytest.mark.parametrize(
    ("tag", "caller", "after", "said"),
    [
        (
            "called_back",
            "+4930555123",
            "4402",
            "✓ Yes: the caller was called back by 4402 at 2026-01-05 09:01:00, 1:00 later.",
        ),
        ("waiting_callback", "+4930555123", "4402", "✓ Yes: the caller was called back by 4402 at"),
        (
            "called_back",
            "+4930555123",
            None,
            "Yes, says the mark that the daemon gave; the call that reached the caller is not",
        ),
        ("waiting_callback", "+4930555123", None, "Not yet, as far as this store goes: no call from or to this number"),
        ("waiting_callback", "anonymous", "4402", "It cannot be looked for: the caller has no number"),
        ("refused", "+4930555123", "4402", None),
    ],
)
def test_whether_a_missed_caller_was_reached_is_said_with_the_call_that_did(
    store: Stored, tag: str, caller: str, after: str | None, said: str | None
) -> None:
    store.put(records.call("no_answer", caller=caller, callee="4402", tags=[tag]))
    if after is not None:
        store.put(records.answered(id="d" * 12, caller=after, callee=caller, started=at(50), answered=at(60)))
    found = page(site_of(store), "/calls/0123456789ab")
    section = found.find(".//section[@aria-labelledby='reached']")
    assert (section is None) == (said is None)
    if said is not None and section is not None:
        assert words(section).removeprefix("Was the caller reached? ").startswith(said)
        assert ("../calls/dddddddddddd" in links(section)) == said.startswith("✓")


def test_each_number_leads_to_all_its_calls(store: Stored) -> None:
    store.put(records.call(caller="+4930555123", callee="anonymous"), records.call(id="d" * 12, callee="1555****"))
    heading = page(site_of(store), "/calls/0123456789ab").find(".//h1")
    assert heading is not None
    assert links(heading) == ["../calls?number=%2B4930555123"]
    hidden = page(site_of(store), "/calls/dddddddddddd")
    assert [one for one in links(hidden) if one.startswith("../calls?number=1555%2A")] == []
    assert "All calls of 15550100" in part(hidden, "others")


def test_it_is_asked_where_the_two_were_registered_on_that_day(store: Stored) -> None:
    store.put(records.call(caller="4711", callee="+49301234567"))
    found = links(page(site_of(store), "/calls/0123456789ab"))
    for number in ("4711", "%2B49301234567"):
        assert f"../registrations?from=2026-01-05&to=2026-01-05&zone=UTC&number={number}" in found


def test_distances_are_times_where_they_are_asked_to_be(store: Stored) -> None:
    call = watched(store, PROXIED)
    even, scaled = (page(site_of(store), f"/calls/{call.id}{query}") for query in ("", "?scale=time"))
    assert "?scale=time#ladder" in links(even)
    assert "?#ladder" in links(scaled)


def test_a_call_in_which_everything_is_hostile_is_text(store: Stored) -> None:
    for number, text in enumerate(HOSTILE):
        said = Words.of(Term(Sort.QUOTED, text))
        finding = FindingRecord("loss", said, said, [EvidenceRecord(at(0), 1, 0, said)])
        more = {
            "call_id": text,
            "caller_uri": text,
            "callee_uri": text,
            "user_agent": text,
            "server": text,
            "cause_text": text,
        }
        ended = {
            "ending": "error_reason",
            "end_cause": 1,
            "end_cause_protocol": text,
            "end_cause_text": text,
            "from_tag": text,
        }
        legs = [records.leg(callee=text, device=text), records.leg()]
        call = records.answered(
            id=f"{number:012x}", caller=text, callee=text, findings=[finding], legs=legs, **more, **ended
        )
        store.put(call)
    for number in range(len(HOSTILE)):
        (answer,) = get(site_of(store), f"/calls/{number:012x}")
        _is_harmless(answer.text)


def test_messages_in_which_everything_is_hostile_are_text(store: Stored) -> None:
    evil = [text for text in HOSTILE if "\0" not in text and len(text) < 1000]
    asked, refused = [], []
    for number, text in enumerate(evil):
        written = text.replace(" ", "_").replace("#", "")
        asked.append(f"0 A>P INVITE call=c{number} h=Subject:_{written}")
        refused.append(f'1 P>A 486 call=c{number} reason={written} h=Reason:_Q.850;cause=17;text="{written}"')
    store.watch("\n".join([*asked, *refused]), until=int(LONG))
    for answer in get(site_of(store), *[f"/calls/c{number}" for number in range(len(evil))]):
        assert "Subject: " in answer.text
        _is_harmless(answer.text)


def _is_harmless(text: str) -> None:
    found = tree(text)
    tags = {element.tag.removeprefix(SVG) for element in found.iter()}
    assert not tags & {"img", "style", "iframe", "object", "base", "foreignObject", "animate", "set"}
    assert len(list(found.iter("script"))) == 1
    assert not [name for element in found.iter() for name in element.attrib if name.startswith("on") or name == "style"]
    targets = [link.lower() for link in links(found)]
    assert all(target.startswith(("#", "?", "./", "../")) for target in targets)
    assert not set(text) & set("\0\x1b\u202e\u2066")
