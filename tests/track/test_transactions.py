"""Which message belongs to which transaction, how long one is remembered, and which credentials were refused."""

from __future__ import annotations

import pytest

from sipwatch.track.registrar import RegistrarLimits
from sipwatch.track.transactions import MAX_EARLY, MAX_OF_ONE_CALL_ID, answers, credentials_refused
from sipwatch.wire.message import Request, Response
from tests.conversation import nanoseconds
from tests.each import for_each
from tests.track.registering import CHALLENGE, CREDENTIALS, Registered, said, watch


def test_the_ends_are_part_of_the_key() -> None:
    """Careless proxies forward with the branch unchanged: still two hops, no retransmission."""
    script = """
    0   A>P REGISTER branch=z9hG4bKsame
    0.1 P>R REGISTER branch=z9hG4bKsame vias=2
    0.2 R>P 200 branch=z9hG4bKsame vias=2
    0.3 P>A 403 branch=z9hG4bKsame
    """
    seen = watch(script)
    assert seen.log == ["P>R registered 200", "P>R bound", "A>P refused 403"]
    assert seen.repeated == []


def test_a_branch_used_again_with_the_next_cseq_is_another_transaction() -> None:
    """Also no branch at all (RFC 2543)."""
    for branch in ("branch=z9hG4bKx", "branch="):
        seen = watch(
            f"0 A>P REGISTER {branch}\n0.1 P>A 200 {branch}\n0.2 A>P REGISTER cseq=2 {branch}\n0.3 P>A 403 cseq=2 {branch}"
        )
        assert [result.status_code for result in seen.results] == [200, 403]


@pytest.mark.parametrize(
    "response",
    [
        "0.1 R>A 200 branch=z9hG4bKx",  # the server answers from another address
        "0.1 R>A 200 branch=z9hG4bKx sport=5099",  # and port
        "0.1 P>A 200 branch=",  # its Via was lost
    ],
)
def test_a_response_from_elsewhere_finds_its_request(response: str) -> None:
    """RFC 3261 §18.2.2: what counts is whom it goes to, and the branch."""
    assert watch(f"0 A>P REGISTER branch=z9hG4bKx\n{response}").log[0] == "A>P registered 200"


def test_a_response_goes_back_to_the_address_where_the_port_has_changed() -> None:
    """A new connection or NAT binding."""
    assert (
        watch("0 A>P REGISTER branch=z9hG4bKx sport=6000\n0.1 P>A 200 branch=z9hG4bKx").log[0] == "A>P registered 200"
    )


@pytest.mark.parametrize(
    "response",
    [
        "0.1 P>A 200 branch=z9hG4bKy",
        "0.1 P>A 200 cseq=2 branch=z9hG4bKx",
        "0.1 P>B 200 branch=z9hG4bKx",
        "0.1 P>A 200 call=c2",
    ],
)
def test_a_response_of_another_transaction_decides_nothing(response: str) -> None:
    """Another branch, CSeq number, receiver or Call-ID."""
    seen = watch(f"0 A>P REGISTER branch=z9hG4bKx\n{response}", until="32")
    assert seen.log == ["A>P not_responding 0"]


def test_a_response_of_another_method_is_not_taken_for_one_from_elsewhere() -> None:
    """Same branch and CSeq number, other ends."""
    assert watch("0 A>P REGISTER branch=z9hG4bKx\n0.1 R>A 200 method=OPTIONS branch=z9hG4bKx").log == []


def test_a_final_response_captured_before_its_request_is_put_right() -> None:
    """Within T1; nobody answers half a second before he is asked."""
    assert watch("0 P>A 200\n0.0001 A>P REGISTER").log == ["A>P registered 200", "A>P bound"]
    assert watch("0 P>A 200\n0.5 A>P REGISTER").log == ["A>P registered 200", "A>P bound"]
    assert watch("0 P>A 200\n0.500000001 A>P REGISTER").log == []
    assert watch("0 P>A 100\n0.1 A>P REGISTER").log == []
    assert watch("0 P>A 200 method=OPTIONS branch=z9hG4bKx\n0.1 A>P REGISTER branch=z9hG4bKx").log == []
    assert watch("0 P>B 200 branch=z9hG4bKx\n0.1 A>P REGISTER branch=z9hG4bKx").log == []


def test_stray_responses_do_not_pile_up() -> None:
    """So many at the most, then the oldest goes; what is too old goes by itself, uncounted."""
    seen = Registered()
    for n in range(MAX_EARLY + 3):
        seen.say(f"0.1 P>A 200 call=c{n}")
    assert seen.registrar.evicted == {"early": 3}
    assert len(seen.registrar._transactions._early) == MAX_EARLY
    seen.say("0.2 A>P REGISTER call=c0\n0.2 A>P REGISTER call=c3\n9 P>A 200 call=x")
    assert [result.call_id for result in seen.results] == [b"c3"]
    assert (seen.registrar.evicted, len(seen.registrar._transactions._early)) == ({"early": 3}, 1)


def test_a_transaction_is_remembered_while_it_is_repeated_and_five_seconds_more() -> None:
    """A sender repeats itself every T2 = 4 s at the latest."""
    seen = watch("0 A>P REGISTER\n0.1 P>A 403\n4 A>P REGISTER\n8 A>P REGISTER\n8.1 P>A 403", until="13.099999999")
    assert seen.repeated == ["REGISTER", "REGISTER", "403"]
    assert seen.registrar.tracked["transactions"] == 1
    assert seen.until("13.1").registrar.tracked["transactions"] == 0


def test_a_late_final_response_is_not_remembered_longer_than_an_early_one() -> None:
    """The queue had looked already, and meant to come back at Timer F."""
    seen = watch("0 A>P REGISTER\n10 P>A 403", until="14.999999999")
    assert seen.registrar.tracked["transactions"] == 1
    assert seen.until("15").registrar.tracked["transactions"] == 0


def test_nothing_is_left_of_what_is_over() -> None:
    """Neither in the tables nor, a little later, in the queue."""
    script = f"0 A>P REGISTER\n0.1 P>A 401 {CHALLENGE}\n0.2 A>P REGISTER cseq=2 {CREDENTIALS}\n0.3 P>A 200 cseq=2 h=Expires:_60"
    seen = watch(script, until="60.3")
    assert seen.registrar.tracked == {"registrations": 0, "transactions": 0}
    assert len(seen.queue) == 0


def test_one_call_id_cannot_fill_the_table() -> None:
    """The oldest goes, but not the one that is being followed up."""
    seen = Registered()
    seen.say(f"0 A>P REGISTER\n0.1 P>A 401 {CHALLENGE}")
    for n in range(2, MAX_OF_ONE_CALL_ID + 1):
        seen.say(f"1 B>P OPTIONS cseq={n}")
    assert seen.log == []
    seen.say(f"2 A>P REGISTER cseq=2 {CREDENTIALS}\n2.1 P>A 200 cseq=2")
    assert seen.log == ["B>P unfinished 0", "A>P registered 200", "A>P bound"]
    assert (seen.results[0].tries, seen.registrar.evicted) == (2, {"transactions": 1})


def test_a_full_table_gives_up_the_oldest() -> None:
    """Even the one that is being followed up: its successor then stands alone."""
    seen = watch(f"0 A>P REGISTER\n0.1 P>A 401 {CHALLENGE}", limits=RegistrarLimits(transactions=1))
    seen.say(f"2 A>P REGISTER cseq=2 {CREDENTIALS}\n2.1 P>A 200 cseq=2")
    assert seen.log == ["A>P unfinished 401", "A>P registered 200", "A>P bound"]
    assert seen.results[1].tries == 1


def test_an_attempt_whose_answer_may_have_been_missed_is_unfinished() -> None:
    seen = watch("0 A>P REGISTER")
    seen.registrar.missed()
    seen.idle(nanoseconds("60"))
    assert seen.log == ["A>P unfinished 0"]


def pair(credentials: str, challenge: str) -> tuple[Request, Response]:
    request, response = said(f"0 A>P REGISTER {credentials}\n1 P>A {challenge}")
    assert isinstance(request, Request)
    assert isinstance(response, Response)
    return request, response


@for_each(
    "credentials, challenge, refused",
    [
        ("", f"401 {CHALLENGE}", False),
        (CREDENTIALS, f"401 {CHALLENGE}", True),
        (CREDENTIALS, f"401 {CHALLENGE},stale=TRUE", False),
        (CREDENTIALS, f"401 {CHALLENGE},stale=FALSE", True),
        (CREDENTIALS, '401 h=WWW-Authenticate:_Digest_realm="other"', False),
        (CREDENTIALS, f'401 h=WWW-Authenticate:_Digest_realm="other" {CHALLENGE}', True),
        (CREDENTIALS, "401", True),  # not even a challenge
        (CREDENTIALS, f"407 {CHALLENGE}", False),  # the proxy has been given nothing
        ('h=Proxy-Authorization:_Digest_realm="p"', '407 h=Proxy-Authenticate:_Digest_realm="p"', True),
        (CREDENTIALS, "403", False),
    ],
)
def test_which_credentials_were_refused(credentials: str, challenge: str, *, refused: bool) -> None:
    """Those for this realm, unless only the nonce was too old."""
    assert credentials_refused(*pair(credentials, challenge)) is refused


def test_only_credentials_of_its_kind_answer_a_challenge() -> None:
    """Anything may follow a redirect."""
    request, _ = pair(CREDENTIALS, "200")
    assert [answers(request, code) for code in (401, 407, 302)] == [True, False, True]
