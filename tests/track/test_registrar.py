"""What became of attempts to register and of pings, said as conversations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.track.events import Unbound
from sipwatch.track.registrar import RegistrarLimits
from sipwatch.wire.message import Path, Request, Response
from sipwatch.wire.sip import parse
from tests.conversation import nanoseconds, path
from tests.each import for_each
from tests.thorough import examples
from tests.track.registering import CHALLENGE, CREDENTIALS, Registered, said, watch

if TYPE_CHECKING:
    from sipwatch.track.events import Options, Registration

STALE = CHALLENGE + ",stale=true"
CHALLENGED = f"0 A>P REGISTER\n0.1 P>A 401 {CHALLENGE}\n"
ANSWERED = CHALLENGED + f"0.2 A>P REGISTER cseq=2 {CREDENTIALS}\n"


def test_a_2xx_registers() -> None:
    """One result, one binding."""
    seen = watch("0 A>P REGISTER h=Expires:_60\n0.25 P>A 200 contact=<sip:alice@192.0.2.65:5060>;expires=50")
    assert seen.log == ["A>P registered 200", "A>P bound"]
    (result,) = seen.results
    assert (result.aor, result.contacts) == (b"sip:alice@example.com", [b"sip:alice@192.0.2.65:5060"])
    assert (result.delay, result.expires, result.call_id) == (250_000_000, 50, b"c1")


def test_a_challenge_and_its_answer_are_one_attempt() -> None:
    """RRD runs from the REGISTER that was accepted; the attempt began with the challenged one."""
    seen = watch(ANSWERED + "0.5 P>A 200 cseq=2")
    assert seen.log == ["A>P registered 200", "A>P bound"]
    assert (seen.results[0].delay, seen.results[0].started) == (300_000_000, nanoseconds("0"))
    assert seen.until("70").over().log == ["A>P registered 200", "A>P bound"]


def test_a_proxy_may_challenge_before_the_registrar_does() -> None:
    """407, then 401: each is answered for the first time."""
    script = f"""
    0   A>P REGISTER
    0.1 P>A 407 h=Proxy-Authenticate:_Digest_realm="outer"
    0.2 A>P REGISTER cseq=2 h=Proxy-Authorization:_Digest_realm="outer"
    0.3 P>A 401 cseq=2 {CHALLENGE}
    0.4 A>P REGISTER cseq=3 h=Proxy-Authorization:_Digest_realm="outer" {CREDENTIALS}
    0.5 P>A 200 cseq=3
    """
    assert watch(script, until="70").log == ["A>P registered 200", "A>P bound"]


def test_wrong_credentials_are_known_at_once() -> None:
    """Challenged again for the realm that credentials were given for."""
    seen = watch(ANSWERED + f"0.3 P>A 401 cseq=2 {CHALLENGE}")
    assert seen.log == ["A>P auth_failed 401"]
    assert seen.results[0].delay == -1
    assert seen.until("70").over().log == ["A>P auth_failed 401"]


@pytest.mark.parametrize("again", [STALE, CHALLENGE.replace("example.com", "other.example.com")])
def test_a_stale_nonce_or_another_realm_says_nothing_against_credentials(again: str) -> None:
    """RFC 7616 §3.3: only the nonce is too old; other realms have other passwords."""
    answer = CREDENTIALS.replace("example.com", "other.example.com") + " " + CREDENTIALS
    script = ANSWERED + f"0.3 P>A 401 cseq=2 {again}\n0.4 A>P REGISTER cseq=3 {answer}\n0.5 P>A 200 cseq=3"
    assert watch(script, until="70").log == ["A>P registered 200", "A>P bound"]


def test_credentials_sent_on_the_off_chance_may_be_too_old() -> None:
    """A refresh with the nonce of an hour ago is challenged anew, often without a word of stale."""
    script = f"""
    0   A>P REGISTER cseq=7 {CREDENTIALS}
    0.1 P>A 401 cseq=7 {CHALLENGE}
    0.2 A>P REGISTER cseq=8 {CREDENTIALS}
    """
    assert watch(script + "0.3 P>A 200 cseq=8", until="70").log == ["A>P registered 200", "A>P bound"]
    assert watch(script + f"0.3 P>A 401 cseq=8 {CHALLENGE}").log == ["A>P auth_failed 401"]


def test_a_challenge_waits_32_seconds_for_credentials() -> None:
    """Just under, and at."""
    seen = watch(CHALLENGED, until="32.099999999")
    assert seen.log == []
    assert seen.until("32.1").log == ["A>P auth_failed 401"]
    late = f"32.1 A>P REGISTER cseq=2 {CREDENTIALS}\n32.2 P>A 200 cseq=2"
    assert watch(CHALLENGED + late).log == ["A>P auth_failed 401", "A>P registered 200", "A>P bound"]
    in_time = f"32.099999999 A>P REGISTER cseq=2 {CREDENTIALS}\n32.2 P>A 200 cseq=2"
    assert watch(CHALLENGED + in_time).log == ["A>P registered 200", "A>P bound"]


@pytest.mark.parametrize(
    "other",
    [
        "0.2 A>P REGISTER cseq=2",  # no credentials
        f"0.2 A>P REGISTER cseq=2 call=c2 {CREDENTIALS}",
        f"0.2 B>P REGISTER cseq=2 {CREDENTIALS}",
        f"0.2 A>P REGISTER cseq=2 vias=2 {CREDENTIALS}",
        f"0.2 A>P REGISTER cseq=1 branch=z9hG4bKother {CREDENTIALS}",
        f"0.2 A>P OPTIONS cseq=2 {CREDENTIALS}",
    ],
)
def test_only_the_same_element_answers_a_challenge(other: str) -> None:
    """With credentials, the same Call-ID, and a higher CSeq number."""
    assert watch(f"{CHALLENGED}{other}", until="32.1").log[0] == "A>P auth_failed 401"


def test_the_very_same_path_goes_before_the_same_address() -> None:
    """Several elements of one machine, told apart by their ports alone: both were challenged, the first one answers."""
    seen = Registered()
    for request in said("0 A>P REGISTER sport=6000\n0.1 A>P REGISTER sport=6001"):
        (challenge,) = said(f"0.2 P>A 401 {CHALLENGE}")
        challenge.path = Path(request.path.reverse_key, request.path.transport)
        seen.take(request)
        seen.take(challenge)
    seen.say(f"0.3 A>P REGISTER cseq=2 sport=6000 {CREDENTIALS}\n0.4 P>A 200 cseq=2")
    seen.until("33").over()
    assert [(r.outcome, r.path.source, r.tries) for r in seen.results] == [
        ("registered", "192.0.2.65:6000", 2),
        ("auth_failed", "192.0.2.65:6001", 1),
    ]


def test_who_is_sent_round_in_circles_has_his_answer() -> None:
    """Nobody stays undecided by being told for ever that his nonce is stale."""
    script = "".join(f"{n} A>P REGISTER cseq={n} {CREDENTIALS}\n{n}.5 P>A 401 cseq={n} {STALE}\n" for n in range(1, 17))
    assert watch(script).log == ["A>P auth_failed 401"] * 2


def test_too_brief_an_interval_is_not_a_result() -> None:
    """RFC 3261 §10.2.8: the client tries again with Min-Expires."""
    asked = "0 A>P REGISTER h=Expires:_30\n0.1 P>A 423 h=Min-Expires:_60\n"
    again = "0.2 A>P REGISTER cseq=2 h=Expires:_60\n0.3 P>A 200 cseq=2"
    assert watch(asked + again, until="50").log == ["A>P registered 200", "A>P bound"]
    assert watch(asked, until="32.099999999").log == []
    assert watch(asked, until="32.1").log == ["A>P refused 423"]


def test_a_redirect_is_followed_elsewhere() -> None:
    """Same client, same Call-ID, another server."""
    asked = "0 A>P REGISTER\n0.1 P>A 302 h=Contact:_<sip:192.0.2.82>\n"
    assert watch(asked + "0.2 A>R REGISTER cseq=2\n0.3 R>A 200 cseq=2", until="50").log == [
        "A>R registered 200",
        "A>R bound",
    ]
    assert watch(asked, until="32.1").log == ["A>P refused 302"]


@pytest.mark.parametrize("port", ["5060", "6060"])
def test_two_challenged_forks_are_each_continued_on_their_own_hop(port: str) -> None:
    """A proxy that registers its client with two registrars, perhaps over new connections."""
    script = f"""
    0   P>R REGISTER vias=2
    0   P>S REGISTER vias=2
    0.1 R>P 401 {CHALLENGE}
    0.1 S>P 401 {CHALLENGE}
    0.2 P>R REGISTER cseq=2 vias=2 sport={port} {CREDENTIALS}
    0.3 R>P 200 cseq=2
    """
    seen = watch(script, until="32.1")
    assert seen.log == ["P>R registered 200", "P>R bound", "P>S auth_failed 401"]


@pytest.mark.parametrize("code", [403, 404, 480, 500, 503, 603])
def test_other_failures_are_refusals(code: int) -> None:
    """At once."""
    seen = watch(f"0 A>P REGISTER\n0.1 P>A {code}")
    assert seen.log == [f"A>P refused {code}"]
    assert (seen.results[0].delay, seen.results[0].expires) == (-1, 0)


@pytest.mark.parametrize("heard", ["", "1 P>A 100\n"])
def test_silence_until_timer_f(heard: str) -> None:
    """32 s after the first request; a provisional response does not prolong it."""
    asked = f"0 A>P REGISTER\n0.5 A>P REGISTER\n{heard}"
    assert watch(asked, until="31.999999999").log == []
    seen = watch(asked, until="32")
    assert seen.log == ["A>P not_responding 0"]
    assert seen.say("32.5 P>A 200").over().log == ["A>P not_responding 0"]


def test_retransmissions_are_no_second_transaction() -> None:
    """Neither before nor after the final response, which is repeated as well."""
    seen = watch("0 A>P REGISTER\n0.5 A>P REGISTER\n0.6 P>A 200\n1.5 A>P REGISTER\n1.6 P>A 200\n5.5 A>P REGISTER")
    assert seen.repeated == ["REGISTER", "REGISTER", "200", "REGISTER"]
    assert seen.log == ["A>P registered 200", "A>P bound"]
    challenged = watch(ANSWERED + f"0.3 A>P REGISTER\n0.4 P>A 401 {CHALLENGE}\n0.5 P>A 200 cseq=2")
    assert challenged.repeated == ["REGISTER", "401"]
    assert challenged.log == ["A>P registered 200", "A>P bound"]


def test_the_end_of_the_capture_leaves_attempts_unfinished() -> None:
    """Open, or challenged with the answer still possible; what is registered stays so."""
    script = (
        f"0 A>P REGISTER\n0.1 P>A 200\n1 B>P REGISTER call=c2\n2 C>P REGISTER call=c3\n2.1 P>C 401 call=c3 {CHALLENGE}"
    )
    seen = watch(script).over()
    assert seen.log == ["A>P registered 200", "A>P bound", "B>P unfinished 0", "C>P unfinished 401"]
    assert seen.registrar.tracked == {"registrations": 1, "transactions": 0}


@pytest.mark.parametrize(
    "how", ["contact=<sip:alice@192.0.2.65:5060>;expires=0", "h=Expires:_0", "contact=* h=Expires:_0"]
)
def test_a_removal_is_no_registration(how: str) -> None:
    """§10.2.2: the contact's own expires, the header, or the star."""
    seen = watch(f"0 A>P REGISTER\n0.1 P>A 200\n9 A>P REGISTER cseq=2 {how}\n9.1 P>A 200 cseq=2")
    assert seen.log == ["A>P registered 200", "A>P bound", "A>P removed 200", "A>P unbound"]
    assert (seen.results[1].expires, seen.results[1].delay) == (0, 100_000_000)


def test_the_contact_that_runs_out_first_says_for_how_long() -> None:
    """By then the client has to come again."""
    seen = watch("0 A>P REGISTER contact=<sip:a@x>;expires=90,_<sip:b@x>;expires=60,_<sip:c@x>;expires=0\n1 P>A 200")
    assert seen.results[0].expires == 60


def test_a_removal_that_failed_removes_nothing() -> None:
    """Only a 2xx does."""
    seen = watch("0 A>P REGISTER\n0.1 P>A 200\n9 A>P REGISTER cseq=2 h=Expires:_0\n9.1 P>A 500 cseq=2")
    assert seen.log == ["A>P registered 200", "A>P bound", "A>P refused 500"]


def test_to_replace_a_contact_is_to_register() -> None:
    """One contact goes, another comes, in one REGISTER."""
    old, new = "<sip:alice@192.0.2.65:5060>", "<sip:alice@192.0.2.65:6060>"
    script = f"0 A>P REGISTER\n0.1 P>A 200\n9 A>P REGISTER cseq=2 contact={old};expires=0,_{new};expires=90\n9.1 P>A 200 cseq=2 contact={new};expires=80"
    seen = watch(script)
    assert seen.log[2:] == ["A>P registered 200", "A>P unbound", "A>P bound"]
    assert (seen.results[1].expires, len(seen.results[1].contacts)) == (80, 2)


@pytest.mark.parametrize("answer", ["0.1 P>A 200 contact=<sip:bob@192.0.2.66>;expires=60", "0.1 P>A 403", ""])
def test_a_query_registers_nobody_and_has_no_result(answer: str) -> None:
    """§10.2.3: no Contact; its retransmissions are known all the same."""
    seen = watch(f"0 A>P REGISTER contact=-\n0.05 A>P REGISTER contact=-\n{answer}", until="70").over()
    assert (seen.log, seen.repeated) == ([], ["REGISTER"])


def test_each_hop_has_its_result_and_binds_once() -> None:
    """The hop where it is seen to be accepted first holds the binding: the one nearest the registrar."""
    script = """
    0    A>P REGISTER
    0.01 P>R REGISTER vias=2
    0.02 R>P 200 vias=2
    0.03 P>A 200
    """
    seen = watch(script)
    assert seen.log == ["P>R registered 200", "P>R bound", "A>P registered 200"]
    assert [result.delay for result in seen.results] == [10_000_000, 30_000_000]


def test_a_ping_is_answered_or_refused_or_neither() -> None:
    """Any final response says that somebody is there."""
    script = """
    0   A>P OPTIONS call=o1
    0.1 P>A 200 call=o1 method=OPTIONS
    1   A>P OPTIONS call=o2
    1.1 P>A 404 call=o2 method=OPTIONS
    2   A>P OPTIONS call=o3
    2.1 P>A 100 call=o3 method=OPTIONS
    9   A>P OPTIONS call=o4
    """
    seen = watch(script, until="33.999999999")
    assert seen.log == ["A>P answered 200", "A>P refused 404"]
    assert [ping.delay for ping in seen.pings] == [100_000_000, 100_000_000]
    assert seen.until("34").over().log[2:] == ["A>P not_responding 0", "A>P unfinished 0"]
    assert [ping.delay for ping in seen.pings[2:]] == [-1, -1]


def test_a_challenged_ping_is_refused_unless_it_is_answered() -> None:
    """A redirected one is not followed: somebody was there."""
    challenged = f"0 A>P OPTIONS\n0.1 P>A 401 method=OPTIONS {CHALLENGE}\n"
    assert watch(challenged, until="32.1").log == ["A>P refused 401"]
    again = f"0.2 A>P OPTIONS cseq=2 {CREDENTIALS}\n0.3 P>A 200 cseq=2 method=OPTIONS"
    assert watch(challenged + again, until="70").log == ["A>P answered 200"]
    assert watch("0 A>P OPTIONS\n0.1 P>A 302 method=OPTIONS").log == ["A>P refused 302"]


def test_a_ping_and_a_register_do_not_answer_for_each_other() -> None:
    """Same Call-ID, CSeq number, branch and ends: the method tells them apart."""
    seen = watch(
        "0 A>P REGISTER branch=z9hG4bKx\n0 A>P OPTIONS branch=z9hG4bKx\n0.1 P>A 200 branch=z9hG4bKx method=OPTIONS"
    )
    assert seen.log == ["A>P answered 200"]
    assert seen.repeated == []


def test_evictions_are_counted_and_end_what_they_evict() -> None:
    """Transactions end as unfinished, bindings are unbound."""
    limits = RegistrarLimits(transactions=2, bindings=1)
    seen = watch("0 A>P REGISTER call=1\n1 B>P REGISTER call=2\n2 C>P REGISTER call=3", limits=limits)
    assert seen.log == ["A>P unfinished 0"]
    seen.say("3 P>B 200 call=2\n4 D>P REGISTER call=4 aor=bob contact=<sip:bob@192.0.2.68>\n5 P>D 200 call=4")
    assert seen.log[1:] == ["B>P registered 200", "B>P bound", "D>P registered 200", "B>P unbound", "D>P bound"]
    assert seen.registrar.evicted == {"transactions": 2, "registrations": 1}
    assert seen.registrar.tracked == {"transactions": 2, "registrations": 1}
    assert Registered().registrar.evicted == {}


def raw(first: bytes, headers: bytes) -> Request | Response:
    """Make a message of nothing but what is given."""
    response = first.startswith(b"SIP/2.0")
    ends = path("P", "A") if response else path("A", "P")
    message = parse(nanoseconds("0"), ends, first + b"\r\n" + headers + b"\r\n\r\n", False)
    assert isinstance(message, (Request, Response))
    return message


@for_each(
    "headers, expected",
    [
        (b"", []),  # no Call-ID, no CSeq
        (b"Call-ID: x\r\nCSeq: 99999999999 REGISTER", []),
        (b"Call-ID: x\r\nCSeq: 1 REGISTER", []),  # no Contact, no To: a query
        (b"Call-ID: x\r\nCSeq: 1 REGISTER\r\nContact:", []),
        (b"Call-ID: x\r\nCSeq: 1 REGISTER\r\nm: <", [3600]),
        (b"Call-ID: x\r\nCSeq: 1 REGISTER\r\nm: <sip:a@b>;expires=-1\r\nExpires: -5", [3600]),
        (b"Call-ID: x\r\nCSeq: 1 REGISTER\r\nm: <sip:a@b>;expires=" + b"9" * 5000, [1 << 31]),
        (b"Call-ID: x\r\nCSeq: 1 REGISTER\r\nTo: \x00\xff\r\nContact: " + b"<sip:a@b>," * 5000, [3600]),
        (
            b"Call-ID: x\r\nCSeq: 1 REGISTER\r\nContact: <sip:" + b"a" * 60000 + b"@b>;expires=7",
            [7],
        ),  # which the answer grants
        (b'Call-ID: x\r\nCSeq: 1 REGISTER\r\nContact: "\\', [3600]),
    ],
)
def test_nothing_written_breaks_it(headers: bytes, expected: list[int]) -> None:
    """Missing, empty, huge, negative, unclosed."""
    seen = Registered()
    seen.take(raw(b"REGISTER sip:example.com SIP/2.0", headers))
    seen.take(raw(b"SIP/2.0 200 OK", headers))
    assert [result.expires for result in seen.over().results] == expected
    assert len(seen.results) == len(expected)


CODES = ["100", "200", "302", "401", "403", "423", "500"]


@st.composite
def conversations(draw: st.DrawFn) -> list[str]:
    """Write lines of a few clients on few Call-IDs, in any order and with anything missing."""
    written = []
    time = 0
    for _ in range(draw(st.integers(1, 25))):
        time += draw(st.sampled_from([0, 1, 300, 5000, 31_000, 32_000, 61_000]))
        method = draw(st.sampled_from(["REGISTER", "REGISTER", "REGISTER", "OPTIONS"]))
        what = draw(st.sampled_from([method, method, *CODES]))
        client, server = draw(st.sampled_from([("A", "P"), ("A", "P"), ("B", "P"), ("P", "R")]))
        ends = f"{server}>{client}" if what.isdigit() else f"{client}>{server}"
        line = f"{time / 1000:.3f} {ends} {what} method={method} cseq={draw(st.integers(1, 3))} call=c{draw(st.integers(1, 2))}"
        if what == "401":
            line += f" {CHALLENGE}"
        elif not what.isdigit():
            line += draw(st.sampled_from(["", "", f" {CREDENTIALS}", " contact=*_h=Expires:_0"]))
            line += draw(st.sampled_from([" h=Expires:_60", " h=Expires:_0", ""]))
        written.append(line)
    return written


def events(written: list[str], ticks: list[int]) -> Registered:
    """Run lines with looks at the queue in between, at the given milliseconds."""
    seen = Registered(RegistrarLimits(transactions=4, bindings=2))
    due = sorted(nanoseconds("0") + tick * 1_000_000 for tick in ticks)
    for message in said("\n".join(written)):
        while due and due[0] <= message.time:
            seen.idle(due.pop(0))
        seen.take(message)
    return seen.over()


SAID = ("aor", "call_id", "contacts", "delay", "expires", "outcome", "started", "status_code", "tries")


def facts(result: Registration | Options) -> list[object]:
    """Return what a result says. Paths are in the log; the messages are each run's own."""
    return [getattr(result, name, None) for name in SAID]


@examples(300)
@given(conversations(), st.lists(st.integers(0, 200_000), max_size=30))
def test_idle_ticks_change_nothing(written: list[str], ticks: list[int]) -> None:
    """Law 1: whoever looks, and however often."""
    quiet, busy = events(written, []), events(written, ticks)
    assert busy.log == quiet.log
    assert [facts(result) for result in busy.results] == [facts(result) for result in quiet.results]
    assert busy.repeated == quiet.repeated


def test_what_ran_out_says_of_whom_and_when_and_what_was_taken_away_that_it_did_not() -> None:
    """Also where it is noticed later: nothing came in the meantime."""
    ends: list[Unbound] = []
    seen = Registered()
    seen._takers = {**seen._takers, Unbound: ends.append}
    seen.say("0 A>P REGISTER\n0.5 P>A 200 h=Expires:_60").until("100")
    seen.say(
        "200 A>P REGISTER call=c2\n200.1 P>A 200 call=c2\n201 A>P REGISTER call=c3 contact=*\n201.1 P>A 200 call=c3"
    )
    assert [(end.aor, end.ran_out) for end in ends] == [
        (b"sip:alice@example.com", nanoseconds("60.5")),
        (b"sip:alice@example.com", -1),
    ]


@examples(300)
@given(conversations())
def test_every_attempt_ends_exactly_once_and_bindings_add_up(written: list[str]) -> None:
    """Each first request is concluded, or followed by another one that is; what is bound is unbound or still there."""
    seen = Registered()
    firsts = 0
    for message in said("\n".join(written)):
        before = len(seen.repeated)
        seen.take(message)
        if isinstance(message, Request) and len(seen.repeated) == before:
            firsts += 1
    seen.over()
    assert sum(result.tries for result in seen.results) + sum(ping.tries for ping in seen.pings) == firsts
    assert sum(seen.active.values()) == seen.registrar.tracked["registrations"]
    assert all(number >= 0 for number in seen.active.values())
    assert seen.registrar.tracked["transactions"] == 0
    assert seen.log.count("A>P bound") - seen.log.count("A>P unbound") - seen.log.count(
        "A>P expired"
    ) == seen.active.get("A>P", 0)
