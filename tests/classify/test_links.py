"""Which calls belong to one conversation: by what they are linked, what the other is to each, and what links nothing."""

from __future__ import annotations

import csv
import io
import json
from time import process_time
from typing import TYPE_CHECKING

import pytest

from sipwatch.budget import MIN_MEMORY, shared_out
from sipwatch.classify.links import MAX_LINKS, identifiers
from sipwatch.classify.peers import EVERYTHING, Linking, Privacy, Settings
from sipwatch.classify.remembered import LIST, SLOT, TEXTS
from sipwatch.engine import Engine
from sipwatch.export.calls import short_id
from sipwatch.export.privacy import Policy
from sipwatch.export.writers import CsvWriter
from sipwatch.packet import SECOND
from sipwatch.wire.message import Request
from sipwatch.wire.sip import parse
from tests.classify.diagnosing import Diagnosed, at, diagnose
from tests.conversation import messages, nanoseconds
from tests.each import for_each

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord

ONE, TWO = "a" * 32, "0123456789abcdef" * 2
NULL = "0" * 32
FIRST = f"h=Session-ID:_{ONE};remote={NULL}"

Names = list[tuple[str, str, str | None]]


def pair(caller: str = "", callee: str = "", answer: str = "", answered: str = "") -> str:
    """Write a call from A to the B2BUA P and the one that P makes of it to B, each with a header of its INVITE."""
    return f"""
        0 A>P INVITE call=up ftag=a {caller}
        0.1 P>A 100 call=up ftag=a
        0.2 P>B INVITE call=down ftag=p {callee}
        1 B>P 180 call=down ftag=p
        1.1 P>A 180 call=up ftag=a
        5 B>P 200 call=down ftag=p {answered}
        5.1 P>A 200 call=up ftag=a {answer}
        5.2 A>P ACK call=up ftag=a ttag=callee branch=z9hG4bKa
        5.3 P>B ACK call=down ftag=p ttag=callee branch=z9hG4bKp
        20 A>P BYE call=up ftag=a
        20.1 P>B BYE call=down ftag=p
        20.2 B>P 200 call=down ftag=p method=BYE cseq=2
        20.3 P>A 200 call=up ftag=a method=BYE cseq=2
    """


def linking(**given: object) -> Settings:
    return Settings(linking=Linking(**given))  # type: ignore[arg-type] # as they are named


def links(found: Diagnosed) -> dict[str, Names]:
    """Return by Call-ID the Call-IDs of the others, why, and what they are."""
    ids = {call.id: call.call_id for call in found.calls.values()}
    return {
        name: [(ids[link.id], link.by, link.role) for link in call.linked]
        for name, call in found.calls.items()
        if call.linked
    }


def both_ways(by: str) -> dict[str, Names]:
    return {"up": [("down", by, "downstream")], "down": [("up", by, "upstream")]}


# By Session-ID (RFC 7989)


def test_the_two_calls_that_a_b2bua_makes_with_one_session_id_name_each_other() -> None:
    found = diagnose(pair(FIRST, FIRST))
    assert links(found) == both_ways("session_id")
    (link,) = found.calls["down"].linked
    assert link.id == found.calls["up"].id == short_id(b"up", b"a", nanoseconds("0"))
    assert link.started == found.calls["up"].started


def test_linked_calls_are_counted_as_two() -> None:
    found = diagnose(pair(FIRST, FIRST))
    assert (found.summary.calls, found.summary.outcomes) == (2, {"answered": 2})


@for_each(
    "second, linked",
    [
        (f"{ONE.upper()};remote={NULL}", True),
        (f"{ONE} ; remote = {NULL} ; logme", True),
        (f"{TWO};remote={ONE}", True),
        (ONE, True),
        (f"{TWO};remote={NULL}", False),
        (f"{NULL};remote={NULL}", False),
        (f"{ONE[:-1]};remote={NULL}", False),
        (f"{ONE}a;remote={NULL}", False),
        (f"{ONE[:-1]}g;remote={NULL}", False),
        ("", False),
    ],
    ids=[
        "in capitals", "with blanks and other parameters", "seen from the other side", "the older form (RFC 7329)",
        "another session", "nobody's", "too short", "too long", "no hexadecimal number", "empty",
    ],
)  # fmt: skip
def test_a_session_id_links_if_one_of_its_uuids_is_the_same(second: str, linked: bool) -> None:
    found = diagnose(pair(FIRST, f"h=Session-ID:_{second.replace(' ', '_')}"))
    assert links(found) == (both_ways("session_id") if linked else {})


def test_two_calls_of_nobody_yet_are_not_linked() -> None:
    nobody = f"h=Session-ID:_{NULL};remote={NULL}"
    assert links(diagnose(pair(nobody, nobody))) == {}


def test_a_caller_without_session_id_is_linked_by_what_he_is_answered_with() -> None:
    answer = f"h=Session-ID:_{TWO};remote={ONE}"
    assert links(diagnose(pair("", FIRST, answer, answer))) == both_ways("session_id")


def test_what_a_caller_with_a_session_id_is_answered_with_is_not_looked_at() -> None:
    second = f"h=Session-ID:_{TWO};remote={NULL}"
    assert links(diagnose(pair(FIRST, second, f"h=Session-ID:_{TWO};remote={ONE}"))) == {}


def test_the_identifiers_of_both_sides_are_read_in_any_order() -> None:
    assert identifiers(f"{ONE};remote={TWO}".encode()) == [ONE.encode(), TWO.encode()]
    assert identifiers(f"{TWO};x;remote={NULL};remote={ONE}".encode()) == [TWO.encode()]


def test_who_asks_for_no_session_id_gets_no_links_by_it() -> None:
    assert links(diagnose(pair(FIRST, FIRST), linking(session_id=False))) == {}


def test_the_hops_and_retries_of_one_call_are_no_others() -> None:
    found = diagnose(f"""
        0 A>P INVITE {FIRST}
        0.1 P>B INVITE vias=2 {FIRST}
        0.2 B>P 401 vias=2
        0.3 P>A 401
        0.4 A>P INVITE cseq=2 {FIRST}
        0.5 P>A 486 cseq=2
    """)
    assert (len(found.calls), links(found)) == (1, {})


def test_a_call_id_used_again_is_a_later_try_and_no_other_call() -> None:
    found = Diagnosed().say(f"0 A>P INVITE {FIRST}\n1 P>A 486\n1.1 A>P ACK ttag=callee\n")
    found.say(f"60 A>P INVITE cseq=9 {FIRST}\n61 P>A 486 cseq=9\n").over()
    assert (found.summary.calls, links(found)) == (2, {})


def test_a_call_that_comes_after_the_other_is_over_names_it_all_the_same() -> None:
    found = Diagnosed().say(pair(FIRST).replace("P>B", "P>C")).until("100")
    assert "up" in found.calls
    found.say(f"110 P>D INVITE call=late ftag=l {FIRST}\n111 D>P 486 call=late ftag=l\n").over()
    assert links(found)["late"][0] == ("up", "session_id", None)
    assert "up" not in links(found)


def test_an_identifier_is_forgotten_after_hours() -> None:
    first = "0 A>P INVITE call=one\n0.1 P>A 486 call=one\n".replace("call=one", f"call=one {FIRST}", 1)
    for hours, linked in ((3.9, True), (4.1, False)):
        later = f"{hours * 3600} P>B INVITE call=two {FIRST}\n{hours * 3600 + 1} B>P 486 call=two\n"
        assert bool(links(diagnose(first + later))) is linked


def test_of_calls_that_only_a_third_one_links_nothing_is_said_who_is_behind_whom() -> None:
    hunted = "".join(
        at(n, f"0 P>{phone} INVITE call={phone} ftag={phone} {FIRST}\n0.5 {phone}>P 486 call={phone} ftag={phone}\n")
        for n, phone in ((1, "B"), (2, "C"))
    )
    found = diagnose(f"0 A>P INVITE call=up ftag=a {FIRST}\n" + hunted + "3 P>A 486 call=up ftag=a\n")
    assert links(found) == {
        "up": [("B", "session_id", "downstream"), ("C", "session_id", "downstream")],
        "B": [("up", "session_id", "upstream"), ("C", "session_id", None)],
        "C": [("up", "session_id", "upstream"), ("B", "session_id", None)],
    }


def test_what_is_not_asked_for_links_nothing_where_something_else_is_looked_for() -> None:
    off = linking(headers=("X-CID",), session_id=False, transfers=False)
    replaces = new(f"{REPLACES} {FIRST} h=X-CID:_1")
    assert links(diagnose(CONSULT.replace("INVITE", f"INVITE {FIRST} h=X-CID:_2") + replaces, off)) == {}


# By a header that the configuration names


def test_calls_with_the_same_value_in_a_configured_header_are_linked() -> None:
    own = "h=X-Correlation-ID:_77-a"
    assert links(diagnose(pair(own, own), linking(headers=("x-correlation-id",)))) == both_ways("header")
    assert links(diagnose(pair(own, own))) == {}
    other = "h=X-Correlation-ID:_77-A"
    assert links(diagnose(pair(own, other), linking(headers=("X-Correlation-ID",)))) == {}


def test_a_header_that_holds_the_call_id_of_the_other_call_links_as_well() -> None:
    assert links(diagnose(pair("", "h=X-CID:_up"), linking(headers=("X-CID",)))) == both_ways("header")
    assert links(diagnose(pair("h=X-CID:_up", "h=X-CID:_down"), linking(headers=("X-CID",)))) == {}


def test_the_same_value_in_two_headers_is_no_link() -> None:
    two = linking(headers=("X-One", "X-Two"))
    assert links(diagnose(pair("h=X-One:_5", "h=X-Two:_5"), two)) == {}
    assert links(diagnose(pair("h=X-One:_5", "h=X-Two:_6 h=X-One:_5"), two)) == both_ways("header")


@pytest.mark.parametrize("value", ["", "_"])
def test_an_empty_header_links_nothing(value: str) -> None:
    own = f"h=X-Correlation-ID:{value}"
    assert links(diagnose(pair(own, own), linking(headers=("X-Correlation-ID",)))) == {}


def test_a_header_that_a_proxy_puts_in_counts_on_its_hop() -> None:
    found = diagnose(
        """
        0 A>P INVITE call=up
        0.1 P>Q INVITE call=up vias=2 h=X-Correlation-ID:_9
        0.2 Q>B INVITE call=down ftag=q h=X-Correlation-ID:_9
        1 B>Q 486 call=down ftag=q
        """,
        linking(headers=("X-Correlation-ID",)),
    )
    assert links(found) == both_ways("header")


# By a transfer


TALK = """
    0 A>B INVITE call=talk ftag=a
    1 B>A 200 call=talk ftag=a ttag=b
    1.1 A>B ACK call=talk ftag=a ttag=b branch=z9hG4bKa
"""
CONSULT = at(
    10, TALK.replace("A>B", "A>C").replace("B>A", "C>A").replace("talk", "consult").replace("ttag=b", "ttag=c")
)
BYE = """
    60 A>B BYE call=talk ftag=a ttag=b cseq=9
    60.1 B>A 200 call=talk ftag=a ttag=b method=BYE cseq=9
"""


def refer(answer: int, to: str = "sip:15550188@example.com") -> str:
    return (
        f"20 A>B REFER call=talk ftag=a ttag=b cseq=2 h=Refer-To:_<{to}>\n"
        f"20.1 B>A {answer} call=talk ftag=a ttag=b method=REFER cseq=2\n"
    )


def new(more: str = "h=Referred-By:_<sip:15550100@example.com>", time: float = 20.2, callee: str = "15550188") -> str:
    return (
        f"{time} B>C INVITE call=new ftag=n callee={callee} {more}\n"
        f"{time + 1} C>B 200 call=new ftag=n ttag=c\n{time + 1.1} B>C ACK call=new ftag=n ttag=c branch=z9hG4bKn\n"
    )


def test_the_call_that_a_transfer_set_up_and_the_call_with_the_refer_name_each_other() -> None:
    assert links(diagnose(TALK + refer(202) + new() + BYE)) == {
        "talk": [("new", "referred", "transferred")],
        "new": [("talk", "referred", "transferring")],
    }


def test_it_does_so_when_the_call_with_the_refer_is_over_already() -> None:
    early = BYE.replace("60", "21")
    found = Diagnosed().say(TALK + refer(202) + early).until("100").say(new(time=110)).over()
    assert links(found) == {"new": [("talk", "referred", "transferring")]}


@for_each(
    "script",
    [
        TALK + refer(603) + new(),
        TALK + refer(202) + new(""),
        TALK + refer(202) + new(callee="15550199"),
        TALK + refer(202) + new(time=201),
        TALK + new(),
    ],
    ids=["the REFER was refused", "it does not say so", "it goes elsewhere", "it is too late", "there was no REFER"],
)
def test_a_call_was_not_set_up_by_a_transfer_if(script: str) -> None:
    assert links(diagnose(script + BYE.replace("60", "300"))) == {}


def test_a_refer_refused_in_a_call_that_is_over_links_nothing() -> None:
    found = Diagnosed().say(TALK + refer(603) + BYE.replace("60", "21")).until("100").say(new(time=110)).over()
    assert links(found) == {}


REPLACES = "h=Replaces:_consult;to-tag=c;from-tag=a"


@for_each(
    "replaces, linked",
    [
        (REPLACES, True),
        (REPLACES.replace("to-tag=c;from-tag=a", "from-tag=c;to-tag=a"), True),
        (REPLACES.replace(";", "_;_").replace("to-tag", "To-Tag"), True),
        (REPLACES.replace("to-tag=c", "to-tag=x"), False),
        (REPLACES.replace("from-tag=a", "from-tag=x"), False),
        (REPLACES.replace("consult", "nothing"), False),
        (REPLACES.partition(";")[0], False),
        ("h=Replaces:_", False),
    ],
    ids=[
        "its dialog", "seen from the other side", "spelt otherwise", "another To tag", "another From tag",
        "another call", "no tags", "nothing",
    ],
)  # fmt: skip
def test_a_call_is_linked_with_the_one_whose_dialog_it_replaces(replaces: str, linked: bool) -> None:
    found = links(diagnose(CONSULT + new(replaces)))
    expected = {"consult": [("new", "replaces", "replacing")], "new": [("consult", "replaces", "replaced")]}
    assert found == (expected if linked else {})


def test_a_call_that_still_rings_is_replaced_by_its_from_tag() -> None:
    ringing = "0 A>P INVITE call=consult ftag=a\n1 P>A 180 call=consult ftag=a ttag=e\n"
    replaces = new("h=Replaces:_consult;to-tag=e;from-tag=a")
    assert links(diagnose(ringing + replaces))["new"] == [("consult", "replaces", "replaced")]


def test_of_several_calls_with_one_call_id_the_one_with_the_tags_is_replaced() -> None:
    forked = CONSULT + CONSULT.replace("ftag=a", "ftag=z").replace("z9hG4bKa", "z9hG4bKz")
    found = diagnose(forked + new(REPLACES.replace("from-tag=a", "from-tag=z")))
    (link,) = found.calls["new"].linked
    assert link.id == short_id(b"consult", b"z", nanoseconds("10"))


def test_an_attended_transfer_links_the_new_call_with_both_old_ones() -> None:
    to = "sip:15550188@example.com?Replaces=consult%3Bto-tag%3Dc%3Bfrom-tag%3Da"
    found = links(diagnose(TALK + CONSULT + refer(202, to) + new(REPLACES) + BYE))
    assert found["new"] == [("talk", "referred", "transferring"), ("consult", "replaces", "replaced")]


def test_the_first_reason_stands_and_a_transfer_says_more_than_a_session_id() -> None:
    found = diagnose(
        TALK.replace("ftag=a", f"ftag=a {FIRST}", 1)
        + refer(202)
        + new().replace("callee=", f"{FIRST} callee=", 1)
        + BYE
    )
    assert links(found)["new"] == [("talk", "referred", "transferring")]


def test_who_asks_for_no_transfers_gets_no_links_by_them() -> None:
    off = linking(transfers=False)
    assert links(diagnose(TALK + CONSULT + refer(202) + new(REPLACES) + BYE, off)) == {}


# Bounds


def crowd(calls: int) -> Diagnosed:
    """Let calls come a second apart, all with one Session-ID, and be refused after so many seconds."""
    script = "".join(f"{n} A>P INVITE call=c{n} ftag=f{n} {FIRST}\n" for n in range(calls))
    return diagnose(script + "".join(f"{calls}.{n:03} P>A 486 call=c{n} ftag=f{n}\n" for n in range(calls)))


def test_of_many_calls_with_one_identifier_each_names_the_first_and_the_latest() -> None:
    found = crowd(20)
    named = {name: [int(other[1:]) for other, _, _ in links(found)[name]] for name in ("c0", "c8", "c19")}
    assert named["c0"] == [1, 13, 14, 15, 16, 17, 18, 19]
    assert named["c19"] == [0, 12, 13, 14, 15, 16, 17, 18]
    assert named["c8"] == [0, 9, 10, 11, 12, 13, 14, 15]
    assert all(len(call.linked) <= MAX_LINKS for call in found.calls.values())


def test_what_links_take_is_counted_as_long_as_their_calls_are_open() -> None:
    found = Diagnosed().say("".join(f"{n} A>P INVITE call=c{n} ftag=f{n} {FIRST}\n" for n in range(3)))
    assert found.engine.diagnosis is not None
    table = found.engine.diagnosis.links.by_call
    assert [len(links) for links in table.values()] == [2, 2, 2]
    assert table.bytes == sum(SLOT + LIST + TEXTS + sum(link.size for link in links) for links in table.values())


def test_what_finds_no_room_is_counted() -> None:
    evicted = crowd(20).engine.account.evicted
    assert evicted["link_identifiers"] == 12
    assert evicted["linked_calls"] > 0
    assert "linked_calls" not in crowd(8).engine.account.evicted


@pytest.mark.slow
def test_a_hundred_thousand_calls_with_one_session_id_and_one_description_cost_no_more_each() -> None:
    """A broken phone, or an attack; calls come a millisecond apart, and are let go of when there are too many."""
    everything = linking(headers=("X-CID",), by_numbers=True, numbers_within=32 * SECOND)
    each = [least_of(everything, number) / number for number in (20_000, 100_000)]
    assert each[1] < 2 * each[0]


def least_of(settings: Settings, calls: int) -> float:
    """Return the processor time (s) that so many calls take, all alike."""
    more = (
        f"Session-ID: {ONE};remote={NULL}\r\nX-CID: x\r\nReferred-By: <sip:x>\r\nReplaces: n0;to-tag=x;from-tag=f0\r\n\r\n"
        "v=0\r\no=x\r\nc=IN IP4 10.0.0.1\r\nm=audio 4000 RTP/AVP 0\r\n"
    )
    (first,) = messages("0 A>A INVITE call=n0 ftag=f0")
    text = first.raw.replace(b"Content-Length: 0\r\n\r\n", more.encode())
    longest = 0

    def sink(record: CallRecord, completed: bool) -> None:
        nonlocal longest
        del completed
        longest = max(longest, len(record.linked))

    engine = Engine(sink, settings, budget=shared_out(MIN_MEMORY))
    began = process_time()
    for n in range(calls):
        raw = text.replace(b"f0", b"f%d" % n).replace(b"n0", b"n%d" % n)
        invite = parse(first.time + n * 1_000_000, first.path, raw, False)
        assert isinstance(invite, Request)
        engine.message(invite)
    took = process_time() - began
    engine.finish()
    assert longest == MAX_LINKS
    assert engine.memory.bytes <= engine.memory.room
    assert engine.account.evicted["link_identifiers"] > calls
    assert engine.account.evicted["link_descriptions"] >= calls
    return took


def test_links_are_forgotten_with_their_calls() -> None:
    found = diagnose(pair(FIRST, FIRST))
    assert found.engine.account.tracked["linked_calls"] == 0
    assert found.engine.account.tracked["link_identifiers"] == 1


# Settings


def test_other_settings_hold_from_then_on() -> None:
    own = "h=X-Correlation-ID:_7"
    found = Diagnosed().say(f"0 A>P INVITE call=up ftag=a {own}\n1 P>B INVITE call=one ftag=1 {own}\n")
    found.engine.use(linking(headers=("X-Correlation-ID",)))
    found.say(f"2 P>C INVITE call=two ftag=2 {own}\n3 P>D INVITE call=three ftag=3 {own}\n")
    found.engine.use(linking())
    found.say(f"4 P>E INVITE call=four ftag=4 {own}\n").over()
    assert links(found) == {"two": [("three", "header", None)], "three": [("two", "header", None)]}


def test_live_is_replay_with_idle_ticks() -> None:
    script = messages(pair(FIRST, FIRST) + at(40, TALK + refer(202) + new() + BYE))
    plain = Diagnosed().take(sorted(script, key=lambda message: message.time)).over()
    live = Diagnosed()
    for message in sorted(script, key=lambda message: message.time):
        for tick in (3, 2, 1):
            live.engine.advance(message.time - tick * 30_000_000)
        live.take([message])
    assert live.over().everything() == plain.everything()
    assert len(links(plain)) == 4


def test_what_is_hidden_leaves_links_as_they_are() -> None:
    found = diagnose(pair(FIRST, FIRST))
    policy = Policy(Privacy(EVERYTHING, names=True, addresses=True, key=b"k" * 16))
    hidden = [policy.call(call) for call in found.calls.values()]
    assert [call.linked for call in hidden] == [call.linked for call in found.calls.values()]
    assert {link.id for call in hidden for link in call.linked} == {call.id for call in hidden}


def test_in_csv_they_stand_in_their_cell() -> None:
    out = io.BytesIO()
    writer = CsvWriter(out)
    found = diagnose(pair(FIRST, FIRST))
    for call in found.calls.values():
        writer.call(call)
    rows = list(csv.DictReader(out.getvalue().decode().splitlines()))
    assert [json.loads(row["linked"])[0]["role"] for row in rows] == ["downstream", "upstream"]
    assert json.loads(rows[0]["linked"])[0]["id"] == rows[1]["id"]
