"""The report as one file: what it says, that it is one file, and that nothing in it runs."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from datetime import UTC
from typing import TYPE_CHECKING, Any

import html5lib
import pytest

from sipwatch.classify.findings import Sort, Term
from sipwatch.classify.peers import Privacy
from sipwatch.classify.roster import Roster, RosterEntry
from sipwatch.export.privacy import Policy
from sipwatch.export.record import CaptureFindingRecord, FindingRecord, Words
from sipwatch.export.summary import Summary
from sipwatch.knowledge import load
from sipwatch.report.html import page as module
from sipwatch.report.html.page import PageWriter
from sipwatch.report.html.rows import OPEN_ROWS
from sipwatch.report.html.scope import Scope, View
from sipwatch.report.html.times import ZoneTimes
from tests.export.records import EVIL, START, answered, at, call, capture, leg, message, words
from tests.report.html.reading import ReportReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from sipwatch.export.record import CallRecord

SCOPE = Scope(["x.pcap"], "sipwatch 1.0", ZoneTimes(UTC, "UTC"))
BUSY = leg(offered="busy", device="201", callee="201")


def written(
    *calls: CallRecord,
    policy: Policy | None = None,
    findings: list[CaptureFindingRecord] | None = None,
    head: dict[str, Any] | None = None,
    messages_of: Callable[[CallRecord], CallRecord] | None = None,
    **scope: Any,
) -> str:
    out, summary = io.BytesIO(), Summary()
    writer = PageWriter(out, summary, SCOPE._replace(**scope), policy, messages_of)
    for one in calls:
        summary.add(one, False)
        writer.call(one)
    writer.finish(capture(**(head or {})), summary.to_record(findings or []))
    return out.getvalue().decode()


def page(*calls: CallRecord, **more: Any) -> ReportReader:
    return ReportReader(written(*calls, **more))


def talk(*lines: str) -> list[Any]:
    return [message(n, "192.0.2.65:5060", "192.0.2.80:5060", line) for n, line in enumerate(lines)]


# What it says


def test_outcomes_are_counted_with_names_shares_and_who_should_look() -> None:
    read = page(answered(), answered(), call(legs=[BUSY]), call("no_progress", status_code=None))
    who = load().outcome("busy").who
    assert read.table("outcomes")[1:] == [
        ["2", "✓ Answered", "50.0 %", ""],
        ["1", f"○ Agent busy {who}", "25.0 %", ""],
        ["1", f"! Stuck in Trying {load().outcome('no_progress').who}", "25.0 %", ""],
    ]


def test_agent_busy_is_said_of_agents_alone() -> None:
    read = page(call(legs=[BUSY]), call(callee="15550199"))
    assert [row[1].split(load().outcome("busy").who)[0].strip() for row in read.table("outcomes")[1:]] == [
        "○ Agent busy",
        "○ Busy",
    ]
    failed = {row[1]: row[2] for row in read.table("failed")[1:]}
    assert failed["15550100 → 15550199"].startswith("○ Busy")
    assert failed["15550100 → 15550101"].startswith("○ Agent busy")


def test_the_head_says_what_was_read_and_what_it_lacks() -> None:
    read = page(call(), head={"gaps": ["packets were lost"], "discards": {"tls": 7}}, gaps=("no calls before noon",))
    facts = dict(read.table("head"))
    assert facts == {
        "Period": "2026-01-05 09:00:00 to 2026-01-05 09:01:00 (UTC), 1:00 long",
        "From": "x.pcap",
        "Read": "10 packets, 8 SIP messages",
        "Calls": "1",
    }
    for gap in ("packets were lost", "no calls before noon", "7 encrypted (TLS)"):
        assert gap in read.words


def test_a_failed_call_stands_with_response_hop_and_who_should_act() -> None:
    (row,) = page(call("congested", status_code=503, reason_phrase="Full")).table("failed")[1:]
    assert row == [
        "2026-01-05 09:00:00.000",
        "15550100 → 15550101",
        "# All lines busy" + load().outcome("congested").who,
        "503 Full192.0.2.65:5060 → 192.0.2.80:5060",
        "2.00 s",
        "0123456789ab",
    ]


def test_the_newest_failed_calls_are_seen_and_the_others_unfold() -> None:
    text = written(*[call(callee=f"n{n}", started=at(n)) for n in range(OPEN_ROWS + 3)])
    seen, _, folded = text[text.index('<section id="failed">') :].partition("<details>")
    assert f"n{OPEN_ROWS + 2}<" in seen
    assert ">15550100 → n0<" not in seen
    assert ">15550100 → n0<" in folded
    assert "3 more failed calls, older" in folded


def test_answered_calls_that_ended_oddly_are_listed_with_what_the_bye_said() -> None:
    read = page(
        answered(ending="error_reason", end_cause=38, end_cause_protocol="Q.850", ended_by="callee"), answered()
    )
    (row,) = read.table("odd")[1:]
    assert row[2:6] == ["Dropped with an error", "the called side", "Q.850 cause 38", "1:00"]


def test_agents_are_told_with_what_they_cannot_help_beside() -> None:
    roster = Roster([RosterEntry("201", "Anna", "Sales")])
    offers = ["taken", "busy", "idle_busy", "gave_up", "elsewhere", "not_alerted"]
    read = page(
        *[
            call(legs=[leg(offered=how, device="201", started=at(n), settled=at(n + 2))])
            for n, how in enumerate(offers)
        ],
        roster=roster,
    )
    (row,) = read.table("agents")[1:]
    assert row == [
        "Anna 201 ⚠ 3 not taken in a row, busy while idle",
        "Sales",
        "6",
        "1",
        "2 (1)",
        "0",
        "0",
        "1",
        "1",
        "1",
        "17%",
        "25%",
        "2.00 s",
        "3, still",
    ]


def test_a_call_that_no_device_took_names_the_agent() -> None:
    read = page(call(legs=[BUSY]), roster=Roster([RosterEntry("201", "Anna", None)]), view=View.AGENTS)
    assert read.table("refused")[-1][1:5] == ["Anna 201", "15550100", "Agent busy", "486"]
    assert [name for name, given in read.elements if name == "section"] == ["section"] * 7


def test_who_waits_to_be_called_back_is_listed() -> None:
    read = page(call("abandoned", tags=["waiting_callback"], source="trunk", status_code=487))
    assert read.table("callbacks")[1] == [
        "15550100", "15550101", "trunk", "1", "2026-01-05 09:00:00", "2026-01-05 09:00:00", "0123456789ab",
    ]  # fmt: skip
    assert "peers of kind trunk" in page(call()).words


def test_the_worst_calls_are_drawn_from_their_messages() -> None:
    lines = ("INVITE sip:x SIP/2.0", "SIP/2.0 503 Full")
    text = written(
        call("server_error", status_code=503, messages=talk(*lines)), call(messages=talk("INVITE a SIP/2.0"))
    )
    assert text.count('class="ladder"') == 2
    assert text.index(">503 Full<") > text.index(">INVITE<")
    assert "Server failure: 15550100 → 15550101" in text


def test_a_store_is_asked_for_the_messages_of_the_worst_alone() -> None:
    asked = []

    def messages_of(record: CallRecord) -> CallRecord:
        asked.append(record.id)
        return call(id=record.id, messages=talk("INVITE a SIP/2.0") if record.id == "kept" else [])

    text = written(
        *[call(id=f"{n}", started=at(n)) for n in range(5)],
        call("server_error", id="kept", status_code=500),
        messages_of=messages_of,
    )
    assert asked == ["kept", "4"]
    assert "Its messages were not kept." in text


def test_peers_stand_with_their_share_and_what_the_others_came_to() -> None:
    read = page(answered(source="acme"), call(source="acme"), call("congested", source="acme", destination="pbx"))
    assert read.table("peers")[1] == ["acme", "3", "33.3 %", "", "Busy 1, All lines busy 1"]
    assert "No peer is configured" in page(call()).words


def test_causes_stand_with_what_to_do() -> None:
    found = CaptureFindingRecord("trunk_full", words("acme"), 2, ["a", "b"], START, words("all lines"), [])
    text = page(call(), findings=[found]).words
    assert "Trunk full: acme 2 calls: a, b all lines What to do: " + load().finding("trunk_full").admin in text


def test_the_knowledge_speaks_to_whoever_reads() -> None:
    known = load().outcome("busy")
    whole, agents, peer = (page(call(source="acme"), view=view, peer="acme").words for view in View)
    assert (known.agent in whole, known.admin in whole) == (True, True)
    assert (known.agent in agents, known.admin in agents) == (True, False)
    assert (known.agent in peer, known.admin in peer, known.who in peer) == (False, False, False)
    assert known.meaning in peer
    assert load().outcome("congested").who in page(call("congested", source="acme"), view=View.PEER, peer="acme").words


def test_a_supplier_finds_his_calls_by_call_id() -> None:
    assert page(call(call_id="abc@host"), view=View.PEER, peer="acme").table("failed")[1][-1] == "abc@host0123456789ab"
    assert "abc@host" not in str(page(call(call_id="abc@host")).table("failed"))


def test_without_calls_it_says_what_was_looked_at() -> None:
    assert "No call was attempted in this capture." in page().words
    nothing = page(head={"packets": 0, "first": None, "last": None}, period=(START, at(3600)))
    assert "No call is stored of this time." in nothing.words
    assert dict(nothing.table("head"))["Period"] == "2026-01-05 09:00:00 to 2026-01-05 10:00:00 (UTC)"
    assert [given["id"] for name, given in nothing.elements if name == "section"] == ["causes", "knowledge"]


def test_where_no_time_was_asked_for_it_says_when_the_first_call_began_and_the_last() -> None:
    read = page(call(started=at(60)), answered(), head={"first": None, "last": None})
    assert dict(read.table("head"))["Calls began"] == "2026-01-05 09:00:00 to 2026-01-05 09:01:00 (UTC)"


# What is hidden


def test_what_is_to_be_hidden_is_hidden_in_all_parts_and_still_compared() -> None:
    """The agent is found by the number as it was on the wire, the caller's call back as well."""
    hidden = Policy(Privacy(mask=4, names=True))
    hop = leg(offered="busy", device="15550101")
    text = written(
        call(legs=[hop], tags=["waiting_callback"], messages=talk("INVITE sip:15550101@x SIP/2.0")),
        call(legs=[hop], tags=["waiting_callback"], caller="15550777"),
        answered(caller="201", callee="15550777", answered=at(100)),
        policy=hidden,
        roster=Roster([RosterEntry("15550101", "Anna Example", "Sales")]),
        hidden="the last 4 characters of numbers",
    )
    assert not re.search("1555010[01]|0777|Anna", text)
    assert "1555****" in text
    assert "Hidden besides: the last 4 characters of numbers." in text
    assert len(ReportReader(text).table("callbacks")) == 2
    assert ReportReader(text).table("agents")[1][1] == "Sales"


# That it is one file, and harmless


def hostile(evil: str, view: View = View.WHOLE) -> str:
    ours = evil[:200]  # what the configuration and the command line hold, and facts of findings, are short
    hop = leg(offered="busy", device=evil, callee=evil, destination_address=evil, source_address=evil)
    given: dict[str, Any] = {
        "caller": evil, "callee": evil, "call_id": evil, "reason_phrase": evil, "source": ours, "destination": ours,
        "source_address": evil, "destination_address": evil, "user_agent": evil, "legs": [hop, BUSY],
        "cause": 17, "cause_protocol": evil, "tags": ["waiting_callback"],
    }  # fmt: skip
    odd = answered(**{**given, "caller": "200", "callee": "201"}, ending="error_reason", end_cause_text=evil)
    return written(
        call(**given, messages=talk(f"INVITE {evil} SIP/2.0", f"SIP/2.0 486 {evil}")),
        odd,
        findings=[CaptureFindingRecord("trunk_full", words(ours), 1, [ours], START, words(ours), [])],
        head={"gaps": [ours]},
        view=view,
        source=[ours], selection=ours, peer=ours, roster=Roster([RosterEntry("201", ours, ours)]),
    )  # fmt: skip


EVILS = [
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "</style></svg></title><svg onload=alert(1)>",
    "]]><!--{{ 7*7 }}{% raw %}",
    "javascript:alert(1)",
    "url(//evil.example/x)",
    EVIL,
    "\0\u202e\ufffe" * 3,
    "A" * 60_000,
]


@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("evil", EVILS, ids=range(len(EVILS)))
def test_hostile_text_is_text_everywhere(evil: str, view: View) -> None:
    """No element, no attribute and no depth that a harmless text would not have given."""
    text = hostile(evil, view)
    bad, good = ReportReader(text), ReportReader(hostile("harmless", view))

    def shape(read: ReportReader) -> list[tuple[str, list[str]]]:
        return [
            (name, sorted(given)) for name, given in read.elements if name not in ("tspan", "text", "path", "svg", "g")
        ]

    assert shape(bad) == shape(good)
    assert bad.open == good.open == []
    assert {name for name, _ in bad.elements} == {name for name, _ in good.elements}
    assert not re.search("[\0\x1b\u202e\ufffe]", text)
    assert len(text) < 400_000


@pytest.mark.parametrize("view", View)
def test_it_is_one_file_that_loads_nothing_and_runs_nothing(view: View) -> None:
    text = written(
        call(source="acme", messages=talk("INVITE a SIP/2.0")), answered(ending="no_bye"), view=view, peer="acme"
    )
    read = ReportReader(text)
    names = {name for name, _ in read.elements}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "form", "base", "image", "use"}
    attributes = {name for _, given in read.elements for name in given}
    assert not [
        name for name in attributes if name.startswith("on") or name in ("style", "src", "xlink:href", "action")
    ]
    leads = [given["href"] or "" for _, given in read.elements if "href" in given]
    ids = {given["id"] for _, given in read.elements if given.get("id")}
    assert leads
    assert {lead[1:] for lead in leads} <= ids, "all links stay on the page"
    assert set(re.findall(r"https?:[^\s\"<]*", text)) <= {"http://www.w3.org/2000/svg"}
    fills = {given["fill"] or "" for _, given in read.elements if (given.get("fill") or "").startswith("url")}
    assert {fill[5:-1] for fill in fills} <= ids


def test_the_policy_in_it_allows_its_own_style_and_nothing_else() -> None:
    read = ReportReader(written(call()))
    (policy,) = [given["content"] for _, given in read.elements if given.get("http-equiv") == "Content-Security-Policy"]
    digest = base64.b64encode(hashlib.sha256(read.style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'"


@pytest.mark.parametrize("view", View)
def test_it_is_html_without_a_mistake(view: View) -> None:
    """What a browser would have to guess at is a mistake."""
    text = written(
        call(source="acme", messages=talk("INVITE a SIP/2.0")), answered(ending="no_bye"), view=view, peer="acme"
    )
    html5lib.HTMLParser(strict=True).parse(text)


def test_each_id_stands_once_and_charts_have_words() -> None:
    read = ReportReader(written(call(messages=talk("INVITE a SIP/2.0"))))
    ids = [given["id"] for _, given in read.elements if given.get("id")]
    assert len(ids) == len(set(ids))
    drawn = [given for name, given in read.elements if name == "svg"]
    assert all(given.get("aria-hidden") or given.get("aria-label") for given in drawn)
    assert ["2026-01-05 09:00 UTC", "1", "", "", "1", "", "", "", "", ""] in read.table("time")


# That it is bounded


def test_many_of_everything_are_cut_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAX_CAUSES", "MAX_AGENTS_SHOWN", "MAX_WAITING_SHOWN", "MAX_ENDS_SHOWN"):
        monkeypatch.setattr(module, name, 2)
    calls = [
        call(
            legs=[leg(offered="busy", device=f"20{n}")], tags=["waiting_callback"], caller=f"1555010{n}", source=f"p{n}"
        )
        for n in range(5)
    ]
    found = [CaptureFindingRecord("trunk_full", words(f"t{n}"), 1, [], at(n), words("x"), []) for n in range(5)]
    read = page(*calls, findings=found)
    assert (len(read.table("agents")), len(read.table("callbacks"))) == (3, 3)
    assert "3 more agents found no room" in read.words
    assert "3 more callers found no room" in read.words
    assert "3 more causes with fewer calls" in read.words
    assert sum(row[0].startswith("p") for row in read.table("peers")) == 2


def test_messages_of_calls_that_are_not_drawn_are_let_go_of() -> None:
    writer = PageWriter(io.BytesIO(), Summary(), SCOPE)
    given = call(messages=talk("INVITE a SIP/2.0"))
    writer.call(given)
    writer.call(call(id="newer", started=at(1), messages=talk("INVITE b SIP/2.0")))
    assert [one.call.id for one in writer._worst.worst()] == ["newer"]
    assert given.messages, "the record itself stays as it was"
    assert writer._seen.call_.messages is None, "nor is anything hidden in what is not shown"


def test_a_cause_is_hidden_by_who_had_a_part_in_its_call_though_the_call_is_in_no_list() -> None:
    """A word is somebody's name only for whoever knows the call."""
    found = FindingRecord("loop", words("x"), Words.of(Term(Sort.QUOTED, "it asked for annaexample")), [])
    text = written(answered(callee="annaexample", findings=[found]), policy=Policy(Privacy(mask=4)))
    assert "it asked for a**********" in text
