"""One policy at every exit: what is to be hidden cannot be put together again from anything that is shown."""

from __future__ import annotations

import json
import re
import string
from ipaddress import ip_network
from typing import Any, NamedTuple, cast

import pytest
from hypothesis import Phase, assume, given
from hypothesis import strategies as st

from sipwatch.classify.findings import VARIANTS, Fact, Finding, Kind, Sort, Term
from sipwatch.classify.peers import EVERYTHING, Peer, PeerKind, Privacy, Settings
from sipwatch.classify.roster import Roster, RosterEntry
from sipwatch.config import parse as read_config
from sipwatch.export.agents import AgentFigures
from sipwatch.export.calls import short_id
from sipwatch.export.filters import compile_filter
from sipwatch.export.findings import sentence
from sipwatch.export.privacy import Policy, policy_of
from sipwatch.export.record import (
    CaptureFindingRecord,
    DeviceRecord,
    EvidenceRecord,
    FindingRecord,
    MessageRecord,
    Words,
)
from sipwatch.wire.message import Request, Response
from sipwatch.wire.sip import parse
from tests.conversation import EPOCH, messages, path
from tests.each import for_each
from tests.export import planted
from tests.export.exits import Exits
from tests.export.records import START, call, capture, leg, words
from tests.thorough import examples

FOUR = Policy(Privacy(4, names=True))
ALL = Policy(Privacy(EVERYTHING, names=True))
NUMBERS = Policy(Privacy(4, names=False))
NAMES = Policy(Privacy(None, names=True))


SORTS = {"device": Sort.PERSON, "who": Sort.PERSON, "number": Sort.PERSON, "user": Sort.PERSON, "address": Sort.ADDRESS}


def evidence(what: str) -> EvidenceRecord:
    return EvidenceRecord(START, 1, 0, Words.of(Term(Sort.LINE, what)))


def finding(kind: Kind, variant: str, subject: str, *what: str, **facts: str | int) -> FindingRecord:
    """Return a finding told with these facts; those not given are 7."""
    given: dict[str, Fact] = {name: term(name, facts.get(name, 7)) for name in VARIANTS[kind][variant]}
    about = Term(Sort.PERSON if kind is Kind.REFUSAL_STREAK else Sort.OWN, subject)
    found = sentence(Finding(kind, variant, about, given, []))
    return FindingRecord(kind.value, Words.of(about), found, [evidence(one) for one in what])


def term(name: str, fact: str | int) -> Fact:
    return Term(SORTS.get(name, Sort.QUOTED), fact) if isinstance(fact, str) else fact


def shown(policy: Policy, found: FindingRecord) -> tuple[str, str, list[str]]:
    """Return subject, words and evidence as a policy lets them be seen."""
    (hidden,) = policy.call(call(findings=[found])).findings
    return str(hidden.subject), str(hidden.text), [str(seen.what) for seen in hidden.evidence]


# What is asked for


def test_nothing_is_hidden_unless_the_configuration_asks_for_it() -> None:
    assert policy_of(read_config("", "test").privacy) is None
    assert policy_of(read_config("[privacy]\nmask = 0\nnames = false\n", "test").privacy) is None


@pytest.mark.parametrize(
    ("line", "caller"), [("mask = 4", "1555****"), ('mask = "all"', "********"), ("names = true", "15550100")]
)
def test_one_line_of_the_configuration_is_enough(line: str, caller: str) -> None:
    policy = policy_of(read_config(f"[privacy]\n{line}\n", "test").privacy)
    assert policy is not None
    assert policy.call(call(caller="15550100")).caller == caller


# Calls


def test_a_call_with_a_number_everywhere() -> None:
    hidden = FOUR.call(
        call(
            caller="15550100",
            callee="+15550101",
            caller_uri="sip:15550100@192.0.2.65:50600;x=15550100",
            callee_uri="tel:+1-555-0101",
            user_agent="Phone 1.0 15550100",
            server="Proxy 16.0.40 (15550101)",
            reason_phrase="1 555 0101 is busy",
            cause_text="call sip:15550100@h",
            to_tag="15550101",
            legs=[leg(branch="z9hG4bK15550100"), leg(branch="z9hG4bK1")],
        )
    )
    assert (hidden.caller, hidden.callee) == ("1555****", "+1555****")
    assert hidden.caller_uri == "sip:1555****@192.0.2.65:50600;x=1555****"
    assert hidden.callee_uri == "tel:+1-555-****"
    assert (hidden.user_agent, hidden.server) == ("Phone 1.0 1555****", "Proxy 16.0.40 (1555****)")
    assert (hidden.reason_phrase, hidden.cause_text) == ("1 555 **** is busy", "call sip:1555****@h")
    assert (hidden.to_tag, [one.branch for one in hidden.legs]) == ("********", ["***************", "z9hG4bK1"])
    assert hidden.source_address == "192.0.2.65:5060"


def test_what_is_absent_stays_absent() -> None:
    record = call(
        caller=None,
        callee=None,
        caller_uri=None,
        callee_uri=None,
        from_tag=None,
        to_tag=None,
        reason_phrase=None,
        legs=[leg(callee=None)],
    )
    hidden = FOUR.call(record)
    assert hidden == record
    assert hidden is not record


def test_the_record_itself_is_left_as_it_was_for_filters_and_counts() -> None:
    record = call(caller="15550100", findings=[finding(Kind.LATE_480, "plain", "acme", "INVITE sip:15550101@h")])
    before = json.dumps(record.caller) + repr(record)
    FOUR.call(record)
    assert json.dumps(record.caller) + repr(record) == before
    assert compile_filter('caller == "15550100"')(record)


def test_names_alone_leave_numbers_and_numbers_alone_leave_names() -> None:
    raw = 'BYE sip:15550101@h SIP/2.0\r\nFrom: "Alice" <sip:15550100@h>\r\nCall-ID: alice-1\r\n\r\n'
    record = call(
        call_id="alice-1", messages=[MessageRecord(START, "a", "b", "BYE sip:15550101@h SIP/2.0", False, True, raw)]
    )
    names, numbers = NAMES.call(record), NUMBERS.call(record)
    assert (names.caller, numbers.caller) == ("15550100", "1555****")
    assert names.messages is not None
    assert names.messages[0].raw == raw.replace("Alice", "*****").replace("alice-1", "*******")
    assert numbers.messages is not None
    assert '"Alice" <sip:1555****@h>' in numbers.messages[0].raw


def test_what_the_bye_said_is_hidden_like_what_the_final_response_said() -> None:
    """The number in it is the caller's, or anybody's."""
    record = call(end_cause=16, end_cause_protocol="Q.850", end_cause_text="15550100 hung up on sip:alice@h")
    hidden = FOUR.call(record)
    assert hidden.end_cause_text is not None
    assert "5010" not in hidden.end_cause_text
    assert "alice" not in hidden.end_cause_text
    assert hidden.end_cause_protocol == "Q.850"


def test_the_call_id_stays_as_it_is_what_two_sides_find_a_call_by() -> None:
    assert FOUR.call(call(call_id="1768473638-77@h", from_tag="1768473638")).call_id == "1768473638-77@h"


@pytest.mark.parametrize(
    ("call_id", "from_tag"), [("15550100-77@h", "a1b2"), ("a1b2@h", "t-15550100"), ("a1b2@h", "5550100")]
)
def test_a_call_id_or_tag_that_holds_a_number_is_hidden_whole_and_the_other_with_it(
    call_id: str, from_tag: str
) -> None:
    """Or the last digits could be tried out until the ``id`` fits."""
    record = call(call_id=call_id, from_tag=from_tag, id=short_id(call_id.encode(), from_tag.encode(), 1))
    hidden = FOUR.call(record)
    assert hidden.id == record.id
    assert set(hidden.call_id) == set(str(hidden.from_tag)) == {"*"}
    assert set(FOUR.call_id(call_id, from_tag, "15550100")) == {"*"}
    assert FOUR.call_id("a1b2@h", "c3", "15550100") == "a1b2@h"
    raw = f"BYE sip:x SIP/2.0\r\nCall-ID: {call_id}\r\nFrom: <sip:x>;tag={from_tag}\r\nRefer-To: <sip:y?Replaces={call_id}>\r\n\r\n"
    shown = FOUR.call(
        call(call_id=call_id, from_tag=from_tag, messages=[MessageRecord(START, "a", "b", "BYE", False, True, raw)])
    )
    assert call_id not in repr(shown)
    assert f"tag={from_tag}" not in repr(shown)


# Findings


@pytest.mark.parametrize(
    ("found", "subject", "said"),
    [
        (
            finding(Kind.REFUSAL_STREAK, "plain", "alice", "INVITE sip:alice@h", device="alice", address="192.0.2.5"),
            "a****",
            "Device a**** at 192.0.2.5 did",
        ),
        (
            finding(Kind.REFUSAL_STREAK, "plain", "192.0.2.5", device="", address="192.0.2.5"),
            "192.0.2.5",
            "Device  at 192.0.2.5 did",
        ),
        (
            finding(Kind.WRONG_CREDENTIALS, "plain", "acme", user="alice", realm="15550123.h", algorithm="MD5"),
            "acme",
            "after user a**** had answered for realm 1555****.h (MD5)",
        ),
        (
            finding(Kind.WRONG_CREDENTIALS, "register", "192.0.2.5", user="alice had answered for realm x", realm="h"),
            "192.0.2.5",
            "192.0.2.5 cannot register: user a**** *** ******** *** ***** * was",
        ),
        (
            finding(
                Kind.NUMBER_FORMAT, "plain", "acme", number="030 1234567", other="+49301234567", difference="0->+49"
            ),
            "acme",
            "acme does not know 030 123****, but +4930123**** was",
        ),
        (
            finding(
                Kind.REGISTRATION_INACTIVE,
                "expired",
                "acme",
                who="alice",
                status_code=403,
                result_at="2026-01-05 09:00:00",
            ),
            "acme",
            "registration of a**** had run out at 2026-01-05 09:00:00 UTC",
        ),
        (
            finding(Kind.REGISTRATION_INACTIVE, "removed", "acme", who="192.0.2.123", status_code=403),
            "acme",
            "192.0.2.123 had signed off",
        ),
        (
            finding(Kind.LOOP, "growing", "acme", user="sip:alice@h", status_code=482),
            "acme",
            "the call to sip:a****@h went in circles",
        ),
        (
            finding(
                Kind.MEDIA_MISMATCH,
                "warned",
                "acme",
                warning='399 h "no codec for 15550123"',
                codecs="PCMA",
                status_code=488,
            ),
            "acme",
            'It says: 399 h "no codec for 1555****"',
        ),
    ],
)
def test_a_finding_names_nobody(found: FindingRecord, subject: str, said: str) -> None:
    about, text, _ = shown(FOUR, found)
    assert about == subject
    assert said in text


@for_each("variant", [(kind, variant) for kind in Kind for variant in VARIANTS[kind]])
def test_every_sentence_hides_its_people_and_nothing_else(variant: tuple[Kind, str]) -> None:
    found = finding(*variant, "acme", user="alice", who="alice", device="alice", number="15550123")
    _, text, _ = shown(FOUR, found)
    assert text == str(found.text).replace("alice", "a****").replace("15550123", "1555****")


def test_a_text_of_which_nobody_says_what_it_is_is_hidden_whole() -> None:
    """What is not known is hidden; so is what a later sort of fact brings before the policy knows it."""
    unheard: Any = ("Alice", Term(cast("Sort", "a new sort"), "Alice"))
    for fact in unheard:
        found = FindingRecord("made_up", words("acme"), Words({"x": fact}), [])
        assert shown(NUMBERS, found)[1] == "*****"


def test_findings_of_the_whole_capture_and_devices() -> None:
    alice = Words.of(Term(Sort.PERSON, "alice"))
    whole = CaptureFindingRecord("refusal_streak", alice, 2, ["x"], START, alice, [evidence("INVITE sip:alice@h")])
    hidden = FOUR.whole(whole)
    assert (str(hidden.subject), str(hidden.evidence[0].what)) == ("a****", "INVITE sip:a****@h")
    assert hidden.ids == ["x"]
    device = DeviceRecord("15550123", "192.0.2.123", 3, 0, {"busy": 3}, 3, 3)
    assert (FOUR.device(device).device, FOUR.device(device).address) == ("1555****", "192.0.2.123")


@for_each("key", ["callee", "device"])
def test_whom_a_hop_asked_for_and_whose_device_it_met_is_hidden_there_and_wherever_else_he_stands(key: str) -> None:
    shown = FOUR.call(call(call_id="a-15550177-b", legs=[leg(**{key: "15550177"}), leg(**{key: None})]))
    assert [getattr(hop, key) for hop in shown.legs] == ["1555****", None]
    assert "0177" not in shown.call_id


def test_an_agent_is_named_by_nothing_but_the_group() -> None:
    figures = AgentFigures(roster=Roster([RosterEntry("15550177", "Anna Berg", "Sales")]))
    for number, end in (("15550177", "192.0.2.123:5060"), (None, "192.0.2.80:5060")):
        figures.add(call(legs=[leg(offered="taken", callee=number, destination_address=end)]))
    anna, nameless = figures.records()
    hidden = FOUR.agent(anna)
    assert (hidden.device, hidden.name, hidden.group) == ("1555****", "**** ****", "Sales")
    assert (FOUR.agent(nameless).device, FOUR.agent(nameless).name) == ("192.0.2.80", None)
    assert Policy(Privacy(4)).agent(anna).name == "Anna Berg"
    key = Policy(Privacy(key=b"a key of thirty-two bytes or more", addresses=True)).agent(anna)
    assert key.device != "15550177"
    assert "Anna" not in str(key.name)
    assert key.addresses != anna.addresses


def test_the_head_of_a_report_shows_no_number_either() -> None:
    requests = {"INVITE": 2, "15550123": 1, "15550199": 3}
    assert FOUR.capture(capture(requests=requests)).requests == {"INVITE": 2, "1555****": 4}


def test_single_texts() -> None:
    assert FOUR.number("15550123") == "1555****"
    assert FOUR.name("Alice Smith") == "***** *****"
    assert FOUR.uri("sip:alice:hunter2@h") == "sip:a****:*******@h"
    assert FOUR.text("15550123 at 192.0.2.123") == "1555**** at 192.0.2.123"
    assert FOUR.software("snom 10.1.46.16/15550123") == "snom 10.1.46.16/1555****"
    assert FOUR.registered("sip:4711@h", "Phone of 4711, 1.2") == ("sip:****@h", "Phone of ****, 1.2")
    assert FOUR.scrub("Authorization: Basic abc") == "Authorization: Basic ***"
    assert (
        FOUR.message("BYE sip:15550123@h SIP/2.0\r\nk: 5550123\r\n\r\n")
        == "BYE sip:1555****@h SIP/2.0\r\nk: 555****\r\n\r\n"
    )
    assert (
        FOUR.payload(b"BYE sip:15550123@h SIP/2.0\r\nX: \xff\r\n\r\n")
        == b"BYE sip:1555****@h SIP/2.0\r\nX: \xff\r\n\r\n"
    )


# Whatever stands in a message, at every exit


class Plant(NamedTuple):
    """What must not get out: three numbers, a display name, a user name, a secret."""

    caller: str
    callee: str
    third: str
    name: str
    user: str
    secret: str


def spelt(number: str) -> str:
    """Write a number as people do."""
    return f"+{number[:2]} ({number[2:5]}) {number[5:7]}-{number[7:]}"


def headers(plant: Plant, scene: int) -> list[str]:
    """Return header lines that hold everything, everywhere."""
    caller, callee, third, name, user, secret = plant
    return [
        f'P-Asserted-Identity: "{name}" <sip:+{caller}@example.com>, <tel:+{caller}>',
        f"P-Preferred-Identity: {name} <sip:{caller}@example.com>",
        f'Remote-Party-ID: "{name}" <sip:{caller}@example.com;x={third}>;party=calling',
        f'Diversion: "{name}" <sip:{third}@example.com>;reason=no-answer;x={caller}',
        f"History-Info: <sip:{third}@example.com?Reason=SIP%3Btext%3D%22{caller}%22>;index=1",
        f'Referred-By: "{name}" <sip:{user}@example.com>;cid=1',
        f'Contact: <sip:{user}@192.0.2.65:50600;x={caller}>;expires=600;+sip.instance="<urn:x:{third}>"',
        f"X-Billing: {third} {caller} for {user}@example.com",
        f"X-Spelt: {spelt(caller)}, {spelt(third)}",
        f"X-Together: {caller}20260105{callee}",
        f"X-Known: {name}; {user}; ({caller})",
        f"X-{caller}: 1",
        f"Subject: {name} about {third}",
        f"Organization: {name}",
        f"Alert-Info: <http://example.com/{caller}.wav>",
        f'Reason: Q.850;cause=16;text="{name} {caller} {spelt(callee)}"',
        f'Warning: 399 example.com "{caller} and {callee} {user}"',
        f"User-Agent: Phone {caller} of {user}",
        f"Server: Proxy {callee} of {user}",
        f"Replaces: {caller}-{scene}@example.com;to-tag={callee};from-tag={caller}",
        f"Session-ID: {caller}",
        f"Record-Route: <sip:{caller}@192.0.2.1:50600;lr>",
        f'Authorization: Digest username="{user}", realm="{caller}", nonce="n", uri="sip:{callee}@h", response="{secret}", cnonce="{secret}"',
        f'Proxy-Authorization: Digest username="{caller}@h",\r\n realm="r", nonce="n", response={secret}',
        f"X-Auth: {secret}",
        f"Identity: {secret};info=<https://example.com/c>",
    ]


def body(plant: Plant) -> str:
    return "\r\n".join(
        [
            "v=0",
            f"o={plant.user} {plant.caller} 1 IN IP4 192.0.2.65",
            f"s={plant.name}",
            f"i={plant.third} {plant.name}",
            f"p={spelt(plant.caller)}",
            "c=IN IP4 192.0.2.65",
            "t=0 0",
            "m=audio 10000 RTP/SAVP 8 101",
            f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{plant.secret}|2^20|1:4",
            f"a=key-mgmt:mikey {plant.secret}",
            f"a=ice-pwd:{plant.secret}",
            f"k=base64:{plant.secret}",
            f"a=x-caller:{plant.caller} {plant.name}",
            "",
        ]
    )


def said(
    plant: Plant, scene: int, seconds: float, what: str, *, cseq: int = 1, tag: bool = True, more: str = ""
) -> Request | Response:
    """Return a message of a call from A to P: a method, or a response's code and phrase."""
    response = what[:1].isdigit()
    start = (
        f"SIP/2.0 {what}"
        if response
        else f"{what} sip:{plant.callee}:{plant.secret}@example.com;x={plant.caller} SIP/2.0"
    )
    text = body(plant)
    lines = [
        start,
        f"Via: SIP/2.0/UDP {plant.user}.example.com:50600;branch=z9hG4bK{plant.caller}{scene}{cseq};rport=50600",
        f'From: "{plant.name}" <sip:{plant.caller}:{plant.secret}@example.com>;tag={plant.caller}{scene}',
        f"To: {plant.name} <sip:{plant.callee}@example.com>" + (f";tag=t{plant.callee}" if response and tag else ""),
        f"Call-ID: {plant.caller}-{scene}@example.com",
        f"CSeq: {cseq} {'INVITE' if response else what}",
        "Max-Forwards: 70",
        *headers(plant, scene),
        *([more] if more else []),
        "Content-Type: application/sdp",
        f"Content-Length: {len(text)}",
        "",
        text,
    ]
    ends = path("P", "A") if response else path("A", "P")
    message = parse(EPOCH + int(seconds * 1_000_000_000), ends, "\r\n".join(lines).encode(), False)
    assert isinstance(message, (Request, Response))
    return message


def capture_of(plant: Plant) -> list[Request | Response]:
    """Return calls that fail in ways about which there is much to say."""
    found = []
    for scene, phrase in enumerate(
        ["404 No {0}", "488 {0} {1}", "482 {1}", "486 {0}", "486 {0}", "603 {1} {0}", "480 {0}"]
    ):
        at = scene * 100.0
        words = phrase.format(f"{plant.callee} {plant.user}", spelt(plant.caller))
        found += [said(plant, scene, at, "INVITE"), said(plant, scene, at + 0.1, "100 Trying", tag=False)]
        found.append(said(plant, scene, at + 14, words))
        found.append(said(plant, scene, at + 14.1, "ACK"))
    challenge = 'Proxy-Authenticate: Digest realm="r", nonce="n", qop="auth"'
    for cseq in (1, 2):
        at = 900.0 + cseq
        found += [
            said(plant, 9, at, "INVITE", cseq=cseq),
            said(plant, 9, at + 0.1, "407 Auth", cseq=cseq, more=challenge),
        ]
        found.append(said(plant, 9, at + 0.2, "ACK", cseq=cseq))
    return found


# Each example goes through every exit: few are enough, and a smaller one says no more.
FEW = examples(8, phases=[Phase.explicit, Phase.reuse, Phase.generate])
DEVICES = Settings(peers=[Peer("phones", PeerKind.DEVICES, networks=[])])
# No digit twice in ten: such a number stands nowhere by chance.
DIGITS = st.tuples(st.sampled_from(["", "1", "49", "001"]), st.permutations(string.digits)).map(
    lambda parts: parts[0] + "".join(parts[1])
)
WORDS = st.text(string.ascii_lowercase, min_size=4, max_size=9).map(lambda word: f"Zq{word}")
PLANTS = st.builds(
    Plant,
    DIGITS,
    DIGITS,
    DIGITS,
    st.tuples(WORDS, WORDS).map(" ".join),
    WORDS.map(lambda word: f"vk{word[2:]}"),
    st.text("abcdef" + string.digits, min_size=24, max_size=32).filter(lambda secret: len(set(secret[:12])) > 5),
)


def plain(text: str) -> str:
    """Undo spelling and escaping, as somebody would who wants to know."""
    return re.sub(r"%([0-9A-Fa-f]{2})", lambda m: chr(int(m[1], 16)), re.sub(r"[ ().\-/\\]", "", text))


def assert_hidden(exits: Exits, plant: Plant, mask: int | None, *, names: bool) -> None:
    for name, text in exits.texts.items():
        assert plant.secret not in text, name
        assert plant.secret[:12] not in text, name
        for number in plant[:3] if mask is not None else ():
            # Those last digits that are hidden do not stand beside those that are not.
            end = number[-max(6, min(mask or 0, len(number) - 3) + 3) :]
            assert end not in text, (name, number)
            assert end not in plain(text), (name, number, "spelt")
        if mask is not None and name != "peers":  # a host may be called as somebody is
            assert plant.user not in text.lower(), name
        if names:
            for word in (plant.name, *plant.name.split()):
                assert word.lower() not in text.lower(), (name, word)


@pytest.mark.parametrize("mask", [4, pytest.param(6, marks=pytest.mark.slow), EVERYTHING])
@FEW
@given(plant=PLANTS)
def test_no_exit_shows_what_is_to_be_hidden(mask: int, plant: Plant) -> None:
    assume(len({plant.caller[-6:], plant.callee[-6:], plant.third[-6:]}) == 3)
    exits = Exits(capture_of(plant), Privacy(mask, names=True), DEVICES)
    assert {call.outcome for call in exits.calls} >= {"not_found", "rejected", "busy"}
    assert sum(len(call.findings) for call in exits.calls) >= 2
    assert exits.texts.keys() == {
        "log, text",
        "log, json",
        "metrics",
        "json",
        "jsonl",
        "csv",
        "table",
        "ladder",
        "pictures",
        "peers",
    }
    assert (
        exits.texts["log, text"].count("call_failed")
        == exits.texts["log, json"].count("call_failed")
        == len(exits.calls)
    )
    assert_hidden(exits, plant, mask, names=True)


def test_a_number_that_only_the_trunk_asserts_is_hidden_as_well() -> None:
    """It is the record's caller where From is anonymous (RFC 3325), and stands in the INVITE."""
    script = "0 T>P INVITE h=P-Asserted-Identity:_<sip:+15555550142@x>\n1 P>T 404 reason=Not_+15555550142\n1.1 T>P ACK"
    anonymous = messages(script)
    for message in anonymous:
        message.raw = message.raw.replace(b"sip:15550100@example.com", b"sip:anonymous@anonymous.invalid")
    trunk = Settings(peers=[Peer("acme", PeerKind.TRUNK, [ip_network("192.0.2.84/32")])])
    exits = Exits(anonymous, Privacy(4), trunk)
    assert [call.caller for call in exits.calls] == ["+15555550142"]
    assert '"caller":"+1555555****"' in exits.texts["json"]
    for text in exits.texts.values():
        assert "50142" not in plain(text)


@FEW
@given(plant=PLANTS)
def test_names_are_hidden_where_numbers_are_not(plant: Plant) -> None:
    exits = Exits(capture_of(plant), Privacy(None, names=True), DEVICES)
    for name in ("json", "jsonl", "csv", "table", "ladder"):
        assert plant.caller in exits.texts[name]
    assert_hidden(exits, plant, None, names=True)


@FEW
@given(plant=PLANTS)
def test_secrets_are_hidden_though_nothing_is_asked_for_and_metrics_name_nobody(plant: Plant) -> None:
    exits = Exits(capture_of(plant), Privacy(), DEVICES)
    assert [name for name, text in exits.texts.items() if plant.callee not in text] == ["metrics"]
    assert plant.name in exits.texts["json"]
    assert_hidden(exits, plant, None, names=False)
    for hidden in (plant.caller, plant.callee, plant.third, plant.user, plant.name):
        assert hidden not in exits.texts["metrics"]


# Closed


@pytest.mark.parametrize("privacy", planted.CLOSED.values(), ids=list(planted.CLOSED))
def test_what_nobody_knows_leaves_by_no_exit(privacy: Privacy) -> None:
    """Hiding whole numbers is closed: not what is known is hidden, but what is not."""
    exits = Exits(planted.calls(), privacy, DEVICES)
    assert sum(len(call.findings) for call in exits.calls) >= 3
    assert sum("Vqzz" in call.call_id for call in exits.calls) == 0
    for name, text in exits.texts.items():
        assert planted.WORD.lower() not in text.lower(), name
        if privacy.addresses:
            assert "192.0.2." not in text, name
            assert "example.com" not in text, name


def test_with_one_key_one_person_is_the_same_in_every_report() -> None:
    """And another one with another key."""
    privacy = planted.CLOSED["pseudonyms"]
    reports = [Policy(privacy).call(call(caller=number)).caller for number in ("15550123", "+15550123", "15550124")]
    assert len(set(reports)) == 3
    assert str(reports[1]) == f"+{reports[0]}"
    assert Policy(privacy._replace(key=b"another key of many bytes")).call(call(caller="15550123")).caller != reports[0]
