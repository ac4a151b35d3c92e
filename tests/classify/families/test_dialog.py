"""What an answered call shows of its end and of what was asked inside it, and what it does not show."""

from __future__ import annotations

import pytest

from tests.classify.diagnosing import ACME, RANG, TAKEN, diagnose, diagnose_in_full, peer, sent, settings

TRUNK = settings(ACME)
CREDENTIALS = 'h=Authorization:_Digest_username="a",_realm="r",_nonce="n",_response="x"'


def inside(at: float, method: str, final: int, cseq: int, more: str = "", headers: str = "") -> str:
    """Write a request of the caller inside the call, and its final response."""
    acks = "" if final >= 300 else f"branch=z9hG4bKreack{cseq}"
    ack = f"{at + 0.1:.2f} A>T ACK cseq={cseq} ttag=callee {acks}\n" if method == "INVITE" else ""
    return (
        f"{at} A>T {method} cseq={cseq} ttag=callee {more}\n"
        f"{at + 0.05:.2f} T>A {final} method={method} cseq={cseq} sdp=none {headers}\n{ack}"
    )


# A BYE that was refused


@pytest.mark.parametrize(
    ("bye", "final", "words"),
    [
        ("BYE", 403, "acme refused the BYE with 403, and no later one was accepted"),
        ("BYE cseq=1", 500, "its CSeq number 1 is not higher than one that the same side had used before"),
        ("BYE", 500, "acme refused the BYE with 500, and no later one"),
        ("BYE mf=0", 483, "it has no Max-Forwards left"),
        ("BYE", 483, "acme refused the BYE with 483, and no later one"),
        ("BYE", 401, "acme asked for credentials with 401"),
        ("BYE", 481, "it knows no such call"),
    ],
    ids=[
        "for a reason of its own",
        "for a CSeq number that was used",
        "with 500 for something else",
        "for want of hops",
        "with 483 for something else",
        "for want of credentials",
        "because nobody knows the call",
    ],
)
def test_a_refused_bye_says_what_is_seen_to_be_wrong_with_it(bye: str, final: int, words: str) -> None:
    cseq = "1" if "cseq=1" in bye else "2"
    found = diagnose(TAKEN + f"20 A>T {bye}\n20.1 T>A {final} method=BYE cseq={cseq}\n", TRUNK, until="90")
    assert (found.kinds(), found.calls["c1"].ending) == (["bye_refused"], "bye_refused")
    assert words in found.text("bye_refused")


def test_a_bye_that_was_repeated_with_credentials_is_not_refused() -> None:
    again = f"20.2 A>T BYE cseq=3 {CREDENTIALS}\n20.3 T>A 200 method=BYE cseq=3\n"
    assert diagnose(TAKEN + "20 A>T BYE\n20.1 T>A 401 method=BYE cseq=2\n" + again, until="90").kinds() == []


def test_whoever_hangs_up_at_the_same_time_may_say_481() -> None:
    both = (
        "20 A>T BYE\n20 T>A BYE from=C cseq=7\n20.1 T>A 481 method=BYE cseq=2\n20.1 A>T 481 method=BYE from=C cseq=7\n"
    )
    assert diagnose(TAKEN + both, until="90").kinds() == []


def test_over_a_server_the_one_that_refuses_the_bye_is_named() -> None:
    script = (
        "0 A>P INVITE\n0.05 P>T INVITE vias=2\n1 T>P 200 vias=2\n1.1 P>A 200\n1.2 A>P ACK ttag=callee branch=z9hG4bKa\n"
        "1.3 P>T ACK ttag=callee branch=z9hG4bKb vias=2\n20 A>P BYE\n20.1 P>T BYE vias=2\n20.2 T>P 403 method=BYE vias=2 cseq=2\n"
        "20.3 P>A 403 method=BYE cseq=2\n"
    )
    (finding,) = diagnose(script, TRUNK, until="90").findings()
    assert (finding.kind, finding.subject) == ("bye_refused", "acme")


# Session timers (RFC 4028)


def timed(refresher: str = ";refresher=uac") -> str:
    return RANG + f"5 T>A 200 h=Session-Expires:_120{refresher}\n5.1 A>T ACK ttag=callee branch=z9hG4bKa\n"


HANGS_UP = "115 T>A BYE from=C cseq=7 h=Reason:_SIP;cause=408\n115.1 A>T 200 method=BYE from=C cseq=7\n"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (timed() + HANGS_UP, "192.0.2.65 was to refresh the session every 120 s, and did not: acme hung up"),
        (timed() + inside(65, "UPDATE", 500, 2) + HANGS_UP, "acme refused the UPDATE with 500"),
        (timed() + sent((65, 65.5), "A>T", "UPDATE cseq=2 ttag=callee") + HANGS_UP, "the UPDATE to acme got no answer"),
        (timed(";refresher=uas"), "acme was to refresh the session every 120 s, and did not: nothing more came"),
        (timed("") + HANGS_UP, "by whom was not said, and nobody did"),
    ],
    ids=[
        "a BYE",
        "a refresh that was refused",
        "a refresh that nobody heard",
        "nothing",
        "a BYE, and nobody was named",
    ],
)
def test_instead_of_a_refresh_came(script: str, words: str) -> None:
    found = diagnose(script, TRUNK, until="300")
    assert found.calls["c1"].ending == "session_expired"
    assert found.kinds()[0] == "session_timer"
    assert words in found.text("session_timer")


def test_a_session_that_was_refreshed_has_nothing_to_tell() -> None:
    script = timed() + inside(65, "UPDATE", 200, 2, headers="h=Session-Expires:_120;refresher=uac")
    assert diagnose(script + "150 A>T BYE cseq=3\n150.1 T>A 200 method=BYE cseq=3\n", until="300").kinds() == []


# A change that was refused


@pytest.mark.parametrize(
    ("method", "more", "final", "words"),
    [
        ("INVITE", "sdp=sendonly", 403, "acme refused to be put on hold: 403 for the INVITE"),
        ("INVITE", "sdp=inactive", 488, "acme refused to be put on hold: 488"),
        ("INVITE", "", 488, "the INVITE inside the call with 488. Offered were: PCMA, PCMU"),
        ("UPDATE", "", 405, "acme refused the UPDATE inside the call with 405."),
        ("INVITE", "", 481, "the INVITE inside the call with 481"),
    ],
    ids=[
        "hold",
        "hold the other way",
        "an offer",
        "an UPDATE without one",
        "in a call that the other side has forgotten",
    ],
)
def test_who_refused_what_is_told(method: str, more: str, final: int, words: str) -> None:
    found = diagnose_in_full(
        TAKEN + inside(15, method, final, 2, more) + "30 A>T BYE cseq=3\n30.1 T>A 200 method=BYE cseq=3\n", TRUNK
    )
    assert found.kinds() == ["midcall_refused"]
    assert words in found.text("midcall_refused")


@pytest.mark.parametrize(
    "change",
    [
        inside(15, "INVITE", 491, 2),
        inside(15, "UPDATE", 500, 2, headers="h=Retry-After:_3"),
        inside(15, "INVITE", 401, 2) + inside(15.3, "INVITE", 200, 3, CREDENTIALS),
        inside(15, "UPDATE", 405, 2) + inside(15.3, "INVITE", 200, 3),
        inside(15, "INVITE", 422, 2) + inside(15.3, "INVITE", 200, 3),
        "15 A>T INVITE cseq=2 ttag=callee\n15.01 T>A BYE from=C cseq=7\n15.05 T>A 481 cseq=2\n15.06 A>T 200 method=BYE from=C cseq=7\n",
        "15 A>T INVITE cseq=2 ttag=callee\n18 A>T CANCEL cseq=2\n18.05 T>A 487 cseq=2\n",
    ],
    ids=[
        "glare",
        "wait a moment",
        "a challenge that was answered",
        "another method that was taken",
        "other terms that were taken",
        "a BYE had crossed it",
        "whoever asked gave up",
    ],
)
def test_what_is_only_put_off_is_not_refused(change: str) -> None:
    found = diagnose(TAKEN + change + "30 A>T BYE cseq=5\n30.1 T>A 200 method=BYE cseq=5\n", until="90")
    assert "midcall_refused" not in found.kinds()


def test_a_change_that_is_accepted_much_later_was_refused_all_the_same() -> None:
    script = TAKEN + inside(15, "INVITE", 403, 2) + inside(55, "INVITE", 200, 3)
    assert diagnose(script + "60 A>T BYE cseq=4\n60.1 T>A 200 method=BYE cseq=4\n").kinds() == ["midcall_refused"]


# CSeq numbers


def test_responses_with_the_cseq_of_no_request_are_told_and_what_follows_from_them_is_not() -> None:
    wrong = sent((5, 5.5, 6.5, 8.5), "T>A", "200 cseq=6 branch=z9hG4bKATINVITE7")
    script = (
        "0 A>T INVITE cseq=7\n0.1 T>A 100 cseq=7\n"
        + wrong
        + "20 A>T CANCEL cseq=7\n20.1 T>A 481 method=CANCEL cseq=7\n"
    )
    found = diagnose(script, until="90")
    assert found.kinds() == ["cseq_mismatch"]
    assert found.text("cseq_mismatch").startswith(
        "Responses came with the CSeq number 6, while the request has 7 (seen: 4)"
    )


def test_a_number_that_is_used_twice_is_told_where_it_did_harm() -> None:
    first = inside(15, "INVITE", 200, 2)
    harmed = diagnose(TAKEN + first + "30 A>T BYE\n60 T>A 408 method=BYE cseq=2\n", until="120")
    assert harmed.text("cseq_mismatch").startswith("192.0.2.65 sent the BYE with the CSeq number 2")
    unharmed = diagnose(TAKEN + first + "30 A>T BYE\n30.1 T>A 200 method=BYE cseq=2\n", until="120")
    assert unharmed.kinds() == []


def test_two_phones_that_are_hung_up_on_with_one_number_have_a_dialog_each() -> None:
    """RFC 3261 §13.2.2.4: each of several answers begins a dialog, and each dialog counts for itself."""
    both = (
        RANG + "5 T>A 200 ttag=one\n5 T>A 200 ttag=two\n5.1 A>T ACK ttag=one branch=z9hG4bKa\n"
        "5.1 A>T ACK ttag=two branch=z9hG4bKb\n5.2 A>T BYE ttag=two\n5.3 T>A 481 method=BYE ttag=two cseq=2\n"
        "20 A>T BYE ttag=one branch=z9hG4bKc\n20.1 T>A 200 method=BYE ttag=one branch=z9hG4bKc cseq=2\n"
    )
    assert diagnose(both, until="90").kinds() == []


def test_peers_have_their_names() -> None:
    phones = settings(peer("desks", None, "A"), ACME)
    script = TAKEN + inside(15, "INVITE", 200, 2) + "30 A>T BYE\n60 T>A 408 method=BYE cseq=2\n"
    assert [finding.subject for finding in diagnose(script, phones, until="120").findings()] == ["desks"]
