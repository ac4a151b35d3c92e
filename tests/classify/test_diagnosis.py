"""From verdict to cause: what one call after another shows, and what a capture cannot show."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from pcaps.make.packets import pcap, udp
from sipwatch.capture.files import Prefilter, open_capture
from sipwatch.classify.diagnosis import Diagnosis
from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.past import MAX_IDS, Table
from sipwatch.classify.peers import Directory, Rule, Settings
from sipwatch.config import parse
from sipwatch.engine import Engine
from sipwatch.wire.message import Path as Ends
from sipwatch.wire.message import Transport
from tests.classify.diagnosing import (
    ACME,
    DEVICES,
    HUNG_UP,
    RANG,
    REPEATS,
    SERVER,
    SITE,
    TAKEN,
    TRIED,
    TRUNK,
    Diagnosed,
    at,
    diagnose,
    ends,
    peer,
    sent,
    settings,
    unreachable,
)
from tests.cli.program import run
from tests.conversation import messages
from tests.export.records import START
from tests.thorough import examples

if TYPE_CHECKING:
    from sipwatch.capture.formats import Frame

PCAPS = Path(__file__).resolve().parents[2] / "pcaps"
SITUATIONS = sorted(path.stem for path in (PCAPS / "situations").glob("*.pcap"))

# Nobody there


def silent(number: int, start: float, hop: str = "A>X", gone: tuple[float, ...] = REPEATS) -> str:
    return at(start, sent(gone, hop, "INVITE"), call=f"s{number}")


def test_one_silent_call_may_be_anything_two_in_a_row_are_a_silent_peer() -> None:
    found = diagnose(silent(1, 0) + silent(2, 60), until="200")
    assert (found.kinds("s1"), found.kinds("s2")) == ([], ["silent_peer"])
    assert found.text("silent_peer", "s2").startswith(
        "Nothing came back from 192.0.2.88:5060 since 2026-01-05 09:00:00 UTC; requests in a row: 2."
    )


@pytest.mark.parametrize("response", ["100", "180", "486"])
def test_any_response_in_between_breaks_the_row(response: str) -> None:
    """Also that to a call which still rings when the next one is given up."""
    between = at(30, f"0 A>X INVITE\n1 X>A {response}\n", call="heard")
    found = diagnose(silent(1, 0) + between + silent(2, 60), until="110")
    assert (found.kinds("s1"), found.kinds("s2")) == ([], [])
    assert diagnose(silent(1, 0) + silent(2, 60) + silent(3, 120), until="200").kinds("s3") == ["silent_peer"]


def test_a_call_that_was_answered_after_a_silent_one_began_clears_it() -> None:
    later = at(20, f"0 A>X INVITE\n1 X>A 100\n{ends(486, 2, 'X>A')}", call="heard")
    found = diagnose(silent(1, 0) + silent(2, 5) + later, until="110")
    assert (found.kinds("s1"), found.kinds("s2")) == ([], [])


def test_another_port_of_the_same_host_is_somebody_else() -> None:
    other = at(30, "0 X>A INVITE sport=5070\n1 A>X 486\n", call="other")
    assert diagnose(silent(1, 0) + other + silent(2, 60), until="200").kinds("s2") == ["silent_peer"]


@pytest.mark.parametrize(("gives_up", "kinds"), [(4.9, []), (5, ["silent_peer"])])
def test_a_caller_who_gives_up_early_has_not_waited_long_enough(gives_up: float, kinds: list[str]) -> None:
    """5 s is no_response_after. Where the capture goes on, silence to the CANCEL is silence all the same."""
    script = sent(REPEATS[:4], "A>X", "INVITE") + f"{gives_up} A>X CANCEL\n"
    both = at(0, script, call="s1") + at(60, script, call="s2")
    assert diagnose(both, until="80").kinds("s2") == kinds
    assert diagnose(both, until="200").kinds("s2") == ["silent_peer"]


def test_a_capture_of_one_direction_makes_nobody_silent() -> None:
    """The sender stops repeating itself: it heard what the capture does not hold. Its ACK says so plainly."""
    once = (0.0, 0.5)
    assert diagnose(silent(1, 0, gone=once) + silent(2, 60, gone=once), until="200").kinds("s2") == []
    acked = "".join(
        at(60 * n, sent(REPEATS, "A>X", "INVITE") + "33 A>X ACK ttag=callee\n", call=f"s{n}") for n in (1, 2)
    )
    early = acked.replace("33", "31.9")
    assert diagnose(early.replace("93.000000 A>X ACK", "91.900000 A>X ACK"), until="300").kinds("s2") == []


def over_tcp(script: str, *, until: str = "300") -> Diagnosed:
    found = Diagnosed()
    for message in messages(script):
        message.path = Ends(message.path.key, Transport.TCP)
        found.take([message])
    return found.until(until).over()


def test_over_tcp_silence_shows_only_where_responses_are_captured_at_all() -> None:
    """Nothing is repeated there, so nothing proves that the sender heard nothing."""
    calls = silent(1, 0, gone=(0,)) + silent(2, 60, gone=(0,))
    assert over_tcp(calls).kinds("s2") == []
    well = at(0, "0 A>Y INVITE\n1 Y>A 180\n" + ends(486, 2, "Y>A"), call="well")
    assert over_tcp(well + at(10, calls)).kinds("s2") == ["silent_peer"]


def test_a_capture_that_begins_in_the_middle_makes_nobody_silent() -> None:
    """The end of one transaction, the late repetitions of another that is then heard."""
    script = "0 X>A 180 call=old\n0.5 X>A 486 call=old\n0.6 A>X ACK call=old ttag=callee\n"
    script += "1 A>X INVITE call=late\n9 A>X INVITE call=late\n17 A>X INVITE call=late\n17.1 X>A 100 call=late\n"
    assert diagnose(script + ends(486, 19, "X>A", "call=late"), until="90").kinds("late") == ["loss"]


def test_a_capture_that_ends_in_the_middle_makes_nobody_silent() -> None:
    cut = silent(1, 0) + silent(2, 60, gone=(0, 0.5, 1.5, 3.5))
    found = diagnose(cut, until="70")
    assert (found.calls["s2"].outcome, found.kinds("s2")) == ("unfinished", [])


def icmp(*errors: object, script: str = "", until: str = "90") -> Diagnosed:
    items: list[Any] = sorted([*messages(script or silent(1, 0)), *errors], key=lambda item: item.time)
    return Diagnosed().take(items).until(until).over()


def test_with_icmp_unreachable_one_call_is_enough() -> None:
    found = icmp(unreachable("0.01", "A", "X"))
    assert found.text("silent_peer", "s1") == (
        "Nothing came back from 192.0.2.88:5060 since 2026-01-05 09:00:00 UTC (requests in a row: 1), and 192.0.2.88 says by "
        "ICMP: port_unreachable. The host, its port or the way to it is down or closed."
    )
    assert [seen.what for seen in found.findings("s1")[0].evidence] == [
        "INVITE sip:15550101@example.com",
        "ICMP port_unreachable",
    ]


def test_a_sender_that_hears_icmp_need_not_repeat_itself() -> None:
    once = silent(1, 0, gone=(0,))
    assert icmp(unreachable("0.01", "A", "X"), script=once).kinds("s1") == ["silent_peer"]
    assert icmp(script=once).kinds("s1") == []


def test_icmp_about_somebody_else_or_about_an_earlier_call_is_no_evidence() -> None:
    later = silent(1, 10)
    assert icmp(unreachable("0.01", "A", "X"), script=later).kinds("s1") == []
    assert icmp(unreachable("10.01", "A", "Y"), script=later).kinds("s1") == []
    assert icmp(unreachable("10.01", "B", "X"), script=later).kinds("s1") == []


def test_icmp_that_comes_after_the_verdict_changes_nothing_however_seldom_time_passes() -> None:
    """Law 2: the verdict falls at 32 s, when nobody knew of an error yet."""
    script = silent(1, 0)
    late = unreachable("32.5", "A", "X")
    with_ticks = Diagnosed().say(script).until("32.2").take([late]).until("90").over()
    assert with_ticks.everything() == icmp(late).everything()
    assert icmp(late).kinds("s1") == []


def test_pings_that_nobody_answers_are_told_beside_the_calls() -> None:
    pings = "".join(at(60 * n, sent(REPEATS, "P>X", "OPTIONS"), call=f"p{n}") for n in range(3))
    (found,) = diagnose(pings, settings(peer("backup", SERVER, "X")), until="300").summarised()
    assert (found.kind, found.subject, found.calls, found.ids) == ("silent_peer", "backup", 0, [])
    assert "requests in a row: 3" in found.text
    assert found.first == START


def test_pings_sent_once_prove_nothing_unless_others_are_answered_in_the_same_capture() -> None:
    """Some only want to keep a NAT's binding open, and of some captures one half is missing."""
    pings = at(0, "0 P>X OPTIONS\n", call="p1") + at(60, "0 P>X OPTIONS\n", call="p2")
    assert diagnose(pings, until="200").summarised() == []
    answered = at(1, "0 P>Y OPTIONS\n0.1 Y>P 200 method=OPTIONS\n", call="well")
    assert [found.kind for found in diagnose(pings + answered, until="200").summarised()] == ["silent_peer"]


def test_registers_that_nobody_answers_count_and_an_answer_clears_them() -> None:
    silence = "".join(
        at(60 * n, sent(REPEATS, "B>P", "REGISTER h=Contact:_<sip:b@192.0.2.66>"), call=f"r{n}") for n in range(2)
    )
    assert [found.kind for found in diagnose(silence, until="200").summarised()] == ["silent_peer"]
    answered = at(40, "0 B>P OPTIONS\n0.1 P>B 404 method=OPTIONS\n", call="well")
    assert diagnose(silence + answered, until="200").summarised() == []


def test_a_phone_behind_a_router_that_no_longer_knows_it_is_told_apart() -> None:
    register = "0 B>P REGISTER h=Contact:_<sip:b@192.168.1.20>\n0.1 P>B 200 method=REGISTER h=Expires:_3600\n"
    found = diagnose(at(0, register, call="r") + silent(1, 60, "P>B"), until="200")
    assert found.kinds("s1") == ["nat_suspect"]
    assert "private Contact 192.168.1.20 from 192.0.2.66 at 2026-01-05 09:00:00 UTC" in found.text("nat_suspect", "s1")
    public = register.replace("192.168.1.20", "192.0.2.66")
    assert diagnose(at(0, public, call="r") + silent(1, 60, "P>B"), until="200").kinds("s1") == []
    well = at(60, "0 P>B INVITE\n1 B>P 180\n" + ends(486, 3, "B>P"), call="c1")
    assert diagnose(at(0, register, call="r") + well, until="200").kinds() == []


# Registrations


def registers(user: str, hop: str = "A>T", expires: int = 60, code: int = 200) -> str:
    back = f"{hop[2]}>{hop[0]} {code}"
    more = f"h=Expires:_{expires} h=To:_<sip:{user}@example.com>"
    head = f"0 {hop} REGISTER h=Contact:_<sip:{user}@192.0.2.65> {more}\n"
    return at(0, head + f"0.1 {back} method=REGISTER {more}\n", call=f"r-{user}-{hop}", branch=f"z9hG4bK{user}{hop}")


def said_by_registering(script: str) -> list[Any]:
    """Read a conversation in which a REGISTER is about its own To, not about everybody's."""
    found = messages(script)
    for message in found:
        if message.cseq_method == "REGISTER":
            message.raw = message.raw.replace(b"To: <sip:15550101@example.com>", b"X-To: none", 1)
    return found


def registering(script: str, where: Settings | None = None) -> Diagnosed:
    return Diagnosed(where).take(said_by_registering(script)).until("300").over()


@pytest.mark.parametrize("code", [403, 404, 480, 503])
@pytest.mark.parametrize(("start", "kinds"), [(60, []), (60.2, ["registration_inactive"])])
def test_a_refusal_after_the_registration_ran_out_is_explained_by_that(
    code: int, start: float, kinds: list[str]
) -> None:
    found = registering(registers("15550100") + at(start, TRIED + ends(code, 1)), settings(ACME))
    assert found.kinds() == kinds
    if kinds:
        assert (
            f"{code} from acme: the registration of 15550100 had run out at 2026-01-05 09:01:00 UTC"
            in found.findings()[0].text
        )


@pytest.mark.parametrize("code", [486, 488, 500, 603])
def test_other_codes_are_not(code: int) -> None:
    assert registering(registers("15550100") + at(100, TRIED + ends(code, 1))).kinds() == []


def test_an_account_with_another_name_counts_if_nobody_else_is_registered_from_there() -> None:
    """Trunks register with an account, and call with a number."""
    found = registering(registers("acct42") + at(100, TRIED + ends(403, 1)))
    assert "the registration of 192.0.2.65 had run out" in found.text("registration_inactive")
    office = registers("acct42") + registers("acct43", expires=3600)
    assert registering(office + at(100, TRIED + ends(403, 1))).kinds() == []


def test_the_callers_own_registration_goes_before_that_of_others_at_his_address() -> None:
    others = registers("bob", code=403) + registers("15550100", expires=3600)
    assert registering(others + at(100, TRIED + ends(403, 1))).kinds() == []
    mine = registers("bob", expires=3600) + registers("15550100", code=403)
    found = registering(mine + at(100, TRIED + ends(403, 1)))
    assert "15550100 is probably not registered there; the last REGISTER was refused with 403" in found.text(
        "registration_inactive"
    )


def test_a_callee_who_is_not_registered_explains_404_and_480() -> None:
    """The caller's registration is looked at first for 403 and 503, the callee's for 404 and 480."""
    both = registers("15550101", "B>P") + registers("15550100", "A>P")
    for code, who in ((480, "15550101"), (404, "15550101"), (403, "15550100"), (503, "15550100")):
        found = registering(both + at(100, f"0 A>P INVITE\n0.1 P>A 100\n{ends(code, 1, 'P>A')}"))
        assert f"the registration of {who} had run out" in found.text("registration_inactive")


def test_somebody_who_signed_off_explains_480_and_says_so() -> None:
    gone = registers("15550101", "B>P", expires=0)
    found = registering(gone + at(100, f"0 A>P INVITE\n0.1 P>A 100\n{ends(480, 1, 'P>A')}"))
    assert "15550101 had signed off there at 2026-01-05 09:00:00 UTC" in found.text("registration_inactive")


def test_a_phone_that_was_reached_was_registered_whatever_the_capture_shows() -> None:
    """Its 480 is its own; only the last hop is asked."""
    script = "0 A>P INVITE\n0.1 P>A 100\n0.2 P>B INVITE vias=2\n0.3 B>P 100 vias=2\n1 B>P 480 vias=2\n1.1 P>B ACK vias=2 ttag=callee\n"
    assert registering(registers("15550101", "B>P") + at(100, script + ends(480, 1.2, "P>A"))).kinds() == []


def test_an_answered_call_needs_no_registration() -> None:
    """A trunk that refuses, and another one that takes the call."""
    script = (
        "0 A>P INVITE\n0.1 P>T INVITE vias=2\n0.2 T>P 403 vias=2\n0.3 P>T ACK vias=2 ttag=callee\n0.4 P>U INVITE vias=2\n"
        "1 U>P 180 vias=2\n1.1 P>A 180\n3 U>P 200 vias=2\n3.1 P>A 200\n3.2 A>P ACK ttag=callee branch=z9hG4bKa\n"
        "3.3 P>U ACK ttag=callee branch=z9hG4bKb vias=2\n"
    )
    assert registering(registers("acct42", "P>T") + at(100, script)).kinds() == []


def test_a_lapsed_registration_explains_a_404_whatever_the_number() -> None:
    """No spelling would have helped, and none is blamed: not at once, and not when another one gets through later."""
    known = at(0, TAKEN + HUNG_UP, call="before", uri="sip:442079460142@x")
    fails = at(100, TRIED + ends(404, 1), uri="sip:02079460142@x")
    later = at(200, TAKEN + HUNG_UP, call="after", uri="sip:+442079460142@x")
    found = registering(registers("15550100") + known + fails + later, settings(ACME, region="GB"))
    assert found.kinds() == ["registration_inactive"]
    assert [finding.kind for finding in found.summarised()] == ["registration_inactive"]


# Numbers

NATIONAL = at(0, TRIED + ends(404, 1), call="national", uri="sip:02079460142@x")
INTERNATIONAL = at(100, TAKEN + HUNG_UP, call="international", uri="sip:442079460142@x")


@pytest.mark.parametrize("region", ["GB", None])
def test_another_spelling_that_is_answered_later_is_told_beside(region: str | None) -> None:
    """With the calls that failed, which are over by then."""
    found = diagnose(NATIONAL + INTERNATIONAL, settings(ACME, region=region), until="200")
    (finding,) = found.summarised()
    assert (finding.kind, finding.subject, finding.calls) == ("number_format", "acme", 1)
    assert finding.ids == [found.calls["national"].id]
    assert "does not know 02079460142, but 442079460142 was answered" in finding.text


@pytest.mark.parametrize(("region", "kinds"), [("DE", []), ("AT", ["number_format"])])
def test_what_a_number_means_depends_on_where_it_is_dialled(region: str, kinds: list[str]) -> None:
    """030 1234567 in Germany is not that of Austria."""
    script = (NATIONAL + INTERNATIONAL).replace("442079460142", "43301234567").replace("02079460142", "0301234567")
    assert [found.kind for found in diagnose(script, settings(ACME, region=region), until="200").summarised()] == kinds


def test_own_servers_and_devices_want_no_spelling() -> None:
    """Extensions and names live there."""
    for kind in (SERVER, DEVICES):
        assert diagnose(NATIONAL + INTERNATIONAL, settings(peer("own", kind, "T")), until="200").summarised() == []


def test_the_number_is_that_which_the_trunk_was_sent() -> None:
    """A server rewrites what people dial."""

    def over_the_server(uri: str, end: str) -> str:
        return f"0 A>P INVITE uri=sip:dialled@x\n0.1 P>A 100\n0.2 P>T INVITE vias=2 uri=sip:{uri}@x\n0.3 T>P 100 vias=2\n{end}"

    refused = "1 T>P 404 vias=2\n1.1 P>T ACK vias=2 ttag=callee\n" + ends(404, 1.2, "P>A")
    answered = "2 T>P 200 vias=2\n2.1 P>A 200\n2.2 A>P ACK ttag=callee branch=z9hG4bKa\n2.3 P>T ACK ttag=callee branch=z9hG4bKb vias=2\n"
    script = at(0, over_the_server("442079460142", answered), call="c0") + at(
        90, over_the_server("02079460142", refused)
    )
    assert diagnose(script, SITE, until="200").text("number_format").startswith("acme does not know 02079460142")


def test_a_server_that_does_not_ask_the_trunk_says_404_itself() -> None:
    """The trunk failed otherwise; whatever number the server dislikes, the trunk did not say so."""
    failing = (
        "0 A>P INVITE uri=sip:02079460142@x\n0.1 P>A 100\n0.2 P>T INVITE vias=2 uri=sip:02079460142@x\n0.3 T>P 503 vias=2\n"
        "0.4 P>T ACK vias=2 ttag=callee\n" + ends(404, 0.5, "P>A")
    )
    assert diagnose(INTERNATIONAL + at(200, failing), SITE, until="300").kinds() == []


# Full trunks

FULL = TRIED + ends(603, 1)


def test_calls_up_are_counted_in_both_directions_and_once_each() -> None:
    """Two out, one in, one that came in and goes out again on the same trunk; one of them is over."""
    out = at(0, TAKEN, call="o1") + at(1, TAKEN, call="o2") + at(2, TAKEN + HUNG_UP, call="o3")
    into = at(3, "0 T>A INVITE\n1 A>T 200\n1.1 T>A ACK ttag=callee branch=z9hG4bKi\n", call="i1")
    again = (
        "0 T>P INVITE\n0.1 P>T INVITE vias=2\n1 T>P 200 vias=2\n1.1 P>T 200\n1.2 T>P ACK ttag=callee branch=z9hG4bKj\n"
        "1.3 P>T ACK ttag=callee branch=z9hG4bKk vias=2\n"
    )
    found = diagnose(out + into + at(4, again, call="h1") + at(40, FULL), settings(ACME))
    assert (
        found.text("trunk_full")
        == "603 from acme: all lines busy. Calls seen up there at that moment: 4; the most ever: 5."
    )


def test_a_trunk_that_says_so_while_nothing_is_up_is_told_otherwise() -> None:
    assert "none of the calls seen here was up at that moment (the most ever was 0)" in diagnose(
        FULL, settings(ACME)
    ).text("trunk_full")


def test_a_person_who_declines_a_call_from_outside_fills_no_trunk() -> None:
    """603 to a trunk is congested by the letter of the rules (OUTCOMES §2.4)."""
    script = (
        "0 T>P INVITE\n0.1 P>T 100\n0.2 P>B INVITE vias=2\n0.3 B>P 180 vias=2\n0.4 P>T 180\n3 B>P 603 vias=2\n"
        "3.1 P>B ACK vias=2 ttag=callee\n3.2 P>T 603\n3.3 T>P ACK ttag=callee\n"
    )
    found = diagnose(script, SITE)
    assert (found.calls["c1"].outcome, found.calls["c1"].legs[1].outcome) == ("congested", "declined")
    assert (found.kinds(), found.calls["c1"].tags) == ([], ["refused"])
    without_phone = "\n".join(line for line in script.splitlines() if "B" not in line.split()[1])
    for where in (SITE, settings(ACME)):
        assert (diagnose(without_phone, where).calls["c1"].outcome, diagnose(without_phone, where).kinds()) == (
            "congested",
            [],
        )


@pytest.mark.parametrize(
    ("where", "more", "kinds"),
    [
        (settings(ACME), "", ["trunk_full"]),
        (settings(), "h=Reason:_Q.850;cause=34", ["trunk_full"]),
        (settings(peer("pbx", SERVER, "T", rules=[Rule(Outcome.CONGESTED, status_code=603)])), "", ["trunk_full"]),
        (settings(peer("phones", DEVICES, "T")), "h=Reason:_Q.850;cause=34", []),
    ],
)
def test_603_means_full_from_a_trunk_with_a_cause_or_by_a_rule(where: Settings, more: str, kinds: list[str]) -> None:
    found = diagnose(TRIED + ends(603, 1, more=more), where)
    assert (found.calls["c1"].outcome, found.kinds()) == ("congested", kinds)


def test_a_trunk_that_a_server_translates_is_full_all_the_same() -> None:
    """The trunk says 603 to the server, the server 480 to the phone."""
    script = (
        "0 A>P INVITE\n0.1 P>A 100\n0.2 P>T INVITE vias=2\n0.3 T>P 603 vias=2\n0.4 P>T ACK vias=2 ttag=callee\n"
        + ends(480, 0.5, "P>A")
    )
    found = diagnose(script, SITE)
    assert (found.calls["c1"].outcome, found.kinds()) == ("unavailable", ["trunk_full"])
    assert [seen.what for seen in found.findings()[0].evidence] == ["603 Decline"]


def test_a_rule_that_calls_an_error_answered_puts_nothing_up() -> None:
    ruled = settings(peer("acme", TRUNK, "T", rules=[Rule(Outcome.ANSWERED, status_code=486)]))
    found = diagnose(at(0, RANG + ends(486, 2), call="c0") + at(60, FULL), ruled)
    assert found.calls["c0"].outcome == "answered"
    assert "the most ever was 0" in found.text("trunk_full")
    assert found.engine.diagnosis is not None
    assert found.engine.diagnosis.trunks.up == {}


def test_after_a_reload_the_calls_that_are_up_count_for_their_trunks_new_name() -> None:
    found = Diagnosed().say(at(0, TAKEN, call="u1") + at(1, TAKEN, call="u2"))
    found.engine.use(settings(ACME))
    found.say(at(10, FULL)).over()
    assert "Calls seen up there at that moment: 2" in found.text("trunk_full")


def test_a_reload_forgets_peers_that_are_gone() -> None:
    found = Diagnosed(settings(ACME)).say(at(0, TAKEN + HUNG_UP, call="u1"))
    diagnosis = found.engine.diagnosis
    assert diagnosis is not None
    assert set(diagnosis.trunks.by_peer) == {"acme"}
    found.engine.use(settings(peer("north", TRUNK, "T")))
    assert set(diagnosis.trunks.by_peer) == set()
    found.say(at(60, FULL)).over()
    assert "603 from north, which stands for all lines busy" in found.text("trunk_full")


def test_configured_trunks_are_never_pushed_out_and_of_others_nothing_untrue_is_said() -> None:
    found = Diagnosed(settings(ACME))
    diagnosis = found.engine.diagnosis
    assert diagnosis is not None
    diagnosis.trunks.others = Table(2)
    found.say(at(0, TAKEN, call="u1") + at(0, TAKEN.replace("T", "U").replace("INVIUE", "INVITE"), call="u2"))
    for place, letter in enumerate("VWXYZ"):
        found.say(at(10 + place, f"0 A>{letter} INVITE\n" + ends(486, 1, f"{letter}>A"), call=f"o{letter}"))
    congested = "0 A>U INVITE\n" + ends(503, 1, "U>A", "h=Reason:_Q.850;cause=34")
    found.say(at(30, FULL) + at(30, congested, call="c2")).over()
    assert "Calls seen up there at that moment: 1" in found.text("trunk_full")
    assert found.kinds("c2") == []  # its trunk was forgotten, and with it the call that is up
    assert found.engine.account.evicted["trunks"] == diagnosis.trunks.others.evicted > 0


# A trunk gone bad


def calls(count: int, script: str, start: float, hop: str = "T") -> str:
    return "".join(
        at(
            start + 40 * n,
            script.replace("T>", f"{hop}>").replace(">T", f">{hop}"),
            call=f"n{start}-{n}",
            uri=f"sip:1555555{n:04d}@x",
        )
        for n in range(count)
    )


@pytest.mark.parametrize("code", [480, 404, 403, 500])
def test_a_trunk_that_refuses_every_number_has_a_fault(code: int) -> None:
    script = calls(20, TAKEN + HUNG_UP, 0) + calls(8, TRIED + ends(code, 1), 1000)
    found = diagnose(script, settings(ACME), until="2000")
    assert [found.kinds(f"n1000-{n}") for n in range(8)] == [[]] * 7 + [["trunk_down"]]
    assert "80 of 100 calls by acme" in found.text("trunk_down", "n1000-7")


def test_a_site_of_phones_is_no_trunk() -> None:
    script = calls(20, TAKEN + HUNG_UP, 0) + calls(8, TRIED + ends(480, 1), 1000)
    found = diagnose(script, settings(peer("phones", DEVICES, "T")), until="2000")
    assert {kind for call in found.calls for kind in found.kinds(call)} <= {"refusal_streak"}


# Devices

OFFERED = "0 P>B INVITE\n0.1 B>P 180\n"


def offers(*codes: int, start: float = 0) -> str:
    """Write offers to the phone at B, one a minute; 200 takes a call, 487 is given up by the caller."""
    script = ""
    for place, code in enumerate(codes):
        end = ends(code, 3, "B>P")
        if code == 200:
            end = "3 B>P 200\n3.1 P>B ACK ttag=callee branch=z9hG4bKa\n20 P>B BYE\n20.1 B>P 200 method=BYE cseq=2\n"
        elif code == 487:
            end = "3 P>B CANCEL\n3.1 B>P 487\n3.2 P>B ACK ttag=callee\n"
        script += at(start + 60 * place, OFFERED + end, call=f"o{int(start / 60) + place}")
    return script


def streaks(found: Diagnosed) -> list[int]:
    """Return for each offer the streak that is told with it, 0 for none."""
    kinds = [found.findings(call) for call in sorted(found.calls, key=lambda call: int(call[1:]))]
    return [int(found[0].text.split(" did not take ")[1].split()[0]) if found else 0 for found in kinds]


def test_a_device_that_refuses_three_in_a_row_is_named() -> None:
    assert streaks(diagnose(offers(486, 603, 486), SITE)) == [0, 0, 3]


def test_a_call_that_it_takes_ends_the_streak() -> None:
    assert streaks(diagnose(offers(486, 486, 200, 486, 486, 486, 200, 486), SITE)) == [0, 0, 0, 0, 0, 3, 0, 0]


def test_what_a_device_cannot_help_neither_counts_nor_ends_it() -> None:
    """Callers who give up, codes that mean the network, numbers that are wrong."""
    assert streaks(diagnose(offers(486, 487, 486, 404, 503, 486), SITE)) == [0, 0, 0, 0, 0, 3]


def test_the_streak_tells_since_when_and_how_mostly() -> None:
    found = diagnose(offers(486, 486, 486, 200, 603, 603, 486), SITE)
    assert found.text("refusal_streak", "o6") == (
        "Device 15550101 at 192.0.2.66 did not take 3 calls in a row since 2026-01-05 09:04:00 UTC, mostly declined."
    )


def test_a_group_that_rings_at_once_refuses_nothing_where_another_takes_the_call() -> None:
    script = ""
    for place in range(4):
        script += at(
            60 * place,
            "0 A>P INVITE\n0.1 P>B INVITE vias=2\n0.1 P>C INVITE vias=2\n1 B>P 180 vias=2\n1 C>P 180 vias=2\n1.1 P>A 180\n"
            "3 C>P 200 vias=2 ttag=c\n3.1 P>A 200 ttag=c\n3.2 A>P ACK ttag=c branch=z9hG4bKa\n3.3 P>C ACK ttag=c branch=z9hG4bKb vias=2\n"
            "3.4 P>B CANCEL vias=2\n3.5 B>P 487 vias=2\n3.6 P>B ACK vias=2 ttag=callee\n20 A>P BYE ttag=c\n20.1 P>A 200 method=BYE cseq=2 ttag=c\n",
            call=f"o{place}",
        )
    found = diagnose(script, SITE)
    assert streaks(found) == [0, 0, 0, 0]
    assert found.engine.account.whole(found.summary).devices == []


def test_without_configuration_a_device_is_who_registers_and_nobody_else() -> None:
    assert streaks(diagnose(offers(486, 486, 486))) == [0, 0, 0]
    register = "0 B>P REGISTER h=Contact:_<sip:b@192.0.2.66>\n0.1 P>B 200 method=REGISTER h=Expires:_3600\n"
    found = Diagnosed().say(at(0, register, call="r")).say(offers(486, 486, 486, start=60)).over()
    assert streaks(found) == [0, 0, 3]


def test_a_server_that_registers_at_its_provider_is_no_device() -> None:
    """Others register with it, or it passes calls on."""
    register = "0 B>P REGISTER h=Contact:_<sip:b@192.0.2.66>\n0.1 P>B 200 method=REGISTER h=Expires:_3600\n"
    with_phones = at(0, register, call="r") + at(1, register.replace("B>P", "C>B").replace("P>B", "B>C"), call="q")
    assert streaks(Diagnosed().say(with_phones).say(offers(486, 486, 486, start=60)).over()) == [0, 0, 0]
    passes_on = "".join(
        at(
            60 * n,
            f"0 P>B INVITE\n0.1 B>C INVITE vias=2\n1 C>B 486 vias=2\n1.1 B>C ACK vias=2 ttag=callee\n{ends(486, 1.2, 'B>P')}",
            call=f"o{n}",
        )
        for n in range(1, 4)
    )
    assert streaks(Diagnosed().say(at(0, register, call="r")).say(passes_on).over()) == [0, 0, 0]


def test_a_streak_goes_on_over_a_reload() -> None:
    found = Diagnosed(SITE).say(offers(486, 486))
    found.engine.use(settings(peer("phones", DEVICES, "B"), ACME))
    assert streaks(found.say(offers(486, start=120)).over()) == [0, 0, 3]


def test_devices_that_refuse_are_listed_the_worst_first() -> None:
    found = diagnose(
        offers(486, 486, 200) + at(300, "0 P>C INVITE\n" + ends(480, 1, "C>P"), call="o9", uri="sip:103@x"), SITE
    )
    devices = found.engine.account.whole(found.summary).devices
    assert [(device.device, device.offered, device.answered, device.longest) for device in devices] == [
        ("15550101", 3, 1, 2), ("103", 1, 0, 1),
    ]  # fmt: skip
    assert [device.device for device in found.engine.account.whole(found.summary).devices[:1]] == ["15550101"]


def test_the_device_that_was_asked_lately_is_kept() -> None:
    found = Diagnosed(SITE)
    diagnosis = found.engine.diagnosis
    assert diagnosis is not None
    diagnosis.devices.table = Table(2)
    found.say(offers(486, 486))
    for place in range(4):
        other = at(200 + place, "0 P>C INVITE\n" + ends(486, 0.5, "C>P"), call=f"x{place}", uri=f"sip:{place}@x")
        found.say(other).say(offers(486, start=60 * (4 + place)))
    assert found.over().kinds("o7") == ["refusal_streak"]
    assert found.engine.account.evicted["devices"] == 3


# The whole


def test_what_stands_with_no_call_is_told_once_for_each_subject_with_the_first_calls() -> None:
    wrong = "".join(at(20 * n, TRIED + ends(404, 1), call=f"w{n}", uri="sip:02079460142@x") for n in range(8))
    found = diagnose(wrong + at(200, INTERNATIONAL), settings(ACME), until="400")
    (finding,) = found.summarised()
    assert (finding.calls, len(finding.ids), finding.ids[0]) == (8, MAX_IDS, found.calls["w0"].id)


def test_a_subject_told_of_again_keeps_its_first_evidence_and_adds_its_calls() -> None:
    second = at(0, NATIONAL, callee="x").replace("02079460142", "02079460143").replace("national", "second")
    later = at(0, INTERNATIONAL).replace("442079460142", "442079460143").replace("international", "later")
    found = diagnose(NATIONAL + at(0, INTERNATIONAL) + at(200, second) + at(200, later), settings(ACME), until="600")
    (finding,) = found.summarised()
    assert (finding.calls, finding.first) == (2, START + 1_000_000_000)
    assert finding.ids == [found.calls["national"].id, found.calls["second"].id]
    assert "02079460143" in finding.text


def test_every_table_has_a_count_and_counts_what_it_gives_up() -> None:
    found = Diagnosed(SITE)
    diagnosis = found.engine.diagnosis
    assert diagnosis is not None
    diagnosis.reach.errors = Table(1)
    found.take([unreachable("1", "A", "X"), unreachable("2", "A", "Y")])
    assert found.engine.account.tracked["icmp_errors"] == 1
    assert found.engine.account.evicted == {"icmp_errors": 1}
    assert set(diagnosis.tables) >= {
        "silent_ends", "trunks", "devices", "numbers", "numbers_not_found", "icmp_errors", "findings", "registered_users",
    }  # fmt: skip


def test_nothing_is_looked_for_where_nobody_asks() -> None:
    engine = Engine(None, diagnose=False)
    for message in messages(silent(1, 0) + silent(2, 60)):
        engine.message(message)
    engine.finish()
    assert engine.diagnosis is None
    assert Diagnosis(Directory(Settings()), engine.tracker).capture_findings() == []


# The laws


def frames_of(path: Path) -> list[Frame]:
    with open_capture([str(path)], prefilter=Prefilter.OFF) as source:
        return list(source)


FRAMES = {name: frames_of(PCAPS / "situations" / f"{name}.pcap") for name in SITUATIONS}


def configured(name: str) -> Settings:
    path = PCAPS / "situations" / f"{name}.toml"
    return parse(path.read_text(), path.name).settings if path.is_file() else Settings()


def everything(name: str, frames: list[Frame], ticks: list[int], cuts: list[int]) -> bytes:
    """Return all that is said, with idle ticks pushed in, fed piece by piece."""
    found = Diagnosed(configured(name))
    engine, pending, start = found.engine, sorted(ticks), 0
    for end in [*sorted(cuts), len(frames)]:
        for frame in frames[start:end]:
            while pending and pending[0] <= frame[0]:
                engine.advance(pending.pop(0))
            engine.run([frame])
        start = max(start, end)
    engine.finish(frames[-1][0])
    return found.everything()


@cache
def undisturbed(name: str) -> bytes:
    """Return all that is said of a situation as it was captured."""
    return everything(name, FRAMES[name], [], [])


@pytest.mark.parametrize("name", SITUATIONS)
@examples(15)
@given(data=st.data())
def test_idle_ticks_anywhere_and_any_cut_of_the_input_change_no_finding(name: str, data: st.DataObject) -> None:
    """Law 1 and 2, for calls, their causes and marks, and for what stands beside them."""
    frames = FRAMES[name]
    first, last = frames[0][0], frames[-1][0]
    ticks = [first + int(place * (last - first)) for place in data.draw(st.lists(st.floats(0, 1), max_size=12))]
    cuts = data.draw(st.lists(st.integers(0, len(frames)), max_size=4))
    assert everything(name, frames, ticks, cuts) == undisturbed(name)


# Hostile input

WORDS = st.one_of(
    st.binary(min_size=1, max_size=30),
    st.sampled_from(
        [
            b"{0.__class__}",
            b"{",
            b"}}{",
            b"%s%n",
            b"\x1b[31m",
            b"\x00",
            b"1" * 60_000,
            b"\xff\xfe",
            b"<script>",
            b"=cmd|'/C calc'!A0",
        ]
    ),
)


def mangled(frame: Frame, old: bytes, new: bytes) -> Frame:
    """Write something else into a UDP packet; its checksums are wrong then, which nobody minds."""
    time, link, data = frame
    payload = data[42:].replace(old, new)
    length = min(len(payload) + 8, 65_000)
    lengths = (length + 20).to_bytes(2, "big"), length.to_bytes(2, "big")
    return time, link, data[:16] + lengths[0] + data[18:38] + lengths[1] + data[40:42] + payload[: length - 8]


@pytest.mark.parametrize("name", SITUATIONS)
@examples(8, suppress_health_check=[HealthCheck.large_base_example])
@given(new=WORDS, seed=st.randoms(use_true_random=False))
def test_nothing_hostile_breaks_it(name: str, new: bytes, seed: Any) -> None:
    """Numbers, names, hosts, codes and SDP replaced by anything at all, and bytes broken anywhere."""
    found = Diagnosed(configured(name))
    old = seed.choice(
        [
            b"15550101",
            b"15550100",
            b"example.com",
            b"PCMA",
            b"RTP/AVP",
            b"192.168.1.20",
            b"Expires",
            b"branch",
            b"tag=",
            b"480",
            b"MD5",
            b"realm",
        ]
    )
    frames = [mangled(frame, old, new) if seed.random() < 0.8 else frame for frame in FRAMES[name]]
    for time, link, data in frames:
        broken = bytearray(data)
        if seed.random() < 0.2:
            broken[seed.randrange(42, len(broken))] = seed.randrange(256)
        found.engine.run([(time, link, bytes(broken))])
    found.engine.finish(FRAMES[name][-1][0])
    said = json.loads(found.everything())
    for finding in [*said[1]["findings"], *(finding for call in said[0] for finding in call["findings"])]:
        assert len(finding["text"]) < 3000
        assert len(finding["evidence"]) <= 12


def test_nothing_hostile_gets_out_unescaped(tmp_path: Path) -> None:
    """A device whose name rings the bell and clears the screen, three times refused."""
    evil = b"\x1b[2J\x07\x9b31m{0.__class__}"
    frames = [
        (time, data)
        for time, _, data in (mangled(frame, b"sip:15550101", b"sip:" + evil) for frame in FRAMES["refusal_streak"])
    ]
    capture = tmp_path / "evil.pcap"
    capture.write_bytes(pcap(frames))
    config = PCAPS / "situations" / "refusal_streak.toml"
    table = run("replay", capture, "--config", config).stdout
    assert "{0.__class__}" in table
    assert "\x1b" not in table
    assert "\x07" not in table
    report = run("replay", capture, "--config", config, "--format", "json").stdout
    assert "\x1b" not in report
    texts = [finding["text"] for finding in json.loads(report)["summary"]["findings"]]
    assert any("{0.__class__}" in text for text in texts)


MARKER = "d1e57d1e57d1e57d"


@examples(200)
@given(
    order=st.permutations(["username", "realm", "nonce", "uri", "response", "algorithm", "cnonce"]),
    quotes=st.lists(
        st.sampled_from(['"{}"', "{}", '"{}', '{}"', "'{}'", '"{}\\"', '"a","{}"']), min_size=7, max_size=7
    ),
    between=st.sampled_from([", ", ",", " ", ";", ", ,", ",\r\n "]),
    scheme=st.sampled_from(["Digest ", "digest  ", "Digest", "Digest\t", "Basic ", ""]),
)
def test_the_digest_response_is_in_no_finding_however_it_is_written(
    order: list[str], quotes: list[str], between: str, scheme: str
) -> None:
    """INVITE and REGISTER, challenged and challenged again; the marker is nowhere in the whole JSON."""
    values = {
        "username": "bob",
        "realm": "r",
        "nonce": "n",
        "uri": "sip:x",
        "response": MARKER,
        "algorithm": "MD5",
        "cnonce": "c",
    }
    credentials = scheme + between.join(
        f"{name}={quote.format(values[name])}" for name, quote in zip(order, quotes, strict=True)
    )
    found = Diagnosed()
    script = (
        '0 A>P {m} h=Contact:_<sip:a@192.0.2.65>\n0.1 P>A 407 method={m} h=Proxy-Authenticate:_Digest_realm="r"\n{ack}'
        "0.3 A>P {m} cseq=2 h=Contact:_<sip:a@192.0.2.65> h=Proxy-Authorization:_CREDENTIALS\n"
        '0.4 P>A 407 method={m} cseq=2 h=Proxy-Authenticate:_Digest_realm="r"\n'
    )
    script = at(0, script.format(m="INVITE", ack="0.2 A>P ACK ttag=callee\n"), call="i") + at(
        1, script.format(m="REGISTER", ack=""), call="r"
    )
    for message in messages(script):
        message.raw = message.raw.replace(b"CREDENTIALS", credentials.encode())
        found.take([message])
    assert MARKER.encode() not in found.until("90").over().everything()


def test_and_the_digest_would_be_found_if_it_were_there() -> None:
    """The same conversation, written well, has findings for both, with the user and the realm in them."""
    script = (
        '0 A>P {m} h=Contact:_<sip:a@192.0.2.65>\n0.1 P>A 407 method={m} h=Proxy-Authenticate:_Digest_realm="r"\n'
        f'0.3 A>P {{m}} cseq=2 h=Contact:_<sip:a@192.0.2.65> h=Proxy-Authorization:_Digest_username="bob",_realm="r",_response="{MARKER}"\n'
        '0.4 P>A 407 method={m} cseq=2 h=Proxy-Authenticate:_Digest_realm="r"\n'
    )
    found = diagnose(
        at(0, script.format(m="INVITE"), call="i") + at(1, script.format(m="REGISTER"), call="r"), until="90"
    )
    assert [finding.text.count("user bob") for finding in found.summarised()] == [1, 1]
    assert {finding.kind for finding in found.summarised()} == {"wrong_credentials"}
    assert MARKER.encode() not in found.everything()


def test_a_datagram_is_built_like_one() -> None:
    """The tests above mangle packets; unchanged, they are what they were."""
    frame = FRAMES["refusal_streak"][0]
    assert mangled(frame, b"nothing", b"else") == frame
    assert udp("192.0.2.1", "192.0.2.2", b"x")[42:] == b"x"
