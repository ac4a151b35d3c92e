"""What speaks against a registration as the cause of a refusal."""

from __future__ import annotations

from tests.classify.diagnosing import HUNG_UP, TAKEN, TRIED, at, diagnose, ends

LAPSES = (
    "0 A>T REGISTER h=Contact:_<sip:acct42@192.0.2.65> h=Expires:_60 ftag=r\n"
    "0.1 T>A 200 method=REGISTER h=Contact:_<sip:acct42@192.0.2.65> h=Expires:_60 ftag=r\n"
)


def refused(start: float, script: str = TRIED) -> str:
    return at(start, script + ends(403, 3), uri="sip:18765550199@x")


LAPSED = at(0, LAPSES, call="r")  # under another name than that which calls


def test_it_had_run_out_and_no_renewal_was_seen() -> None:
    assert "and no renewal was seen" in diagnose(LAPSED + refused(100), until="200").text("registration_inactive")


def test_a_peer_that_has_taken_a_call_from_there_since_does_not_ask_for_one() -> None:
    assert diagnose(LAPSED + at(70, TAKEN + HUNG_UP, call="well") + refused(100), until="200").kinds() == []
    before = LAPSED + at(20, TAKEN + HUNG_UP, call="well") + refused(100)
    assert diagnose(before, until="200").kinds() == ["registration_inactive"]


def test_what_rang_was_let_in() -> None:
    assert diagnose(LAPSED + refused(100, TRIED + "1 T>A 180\n"), until="200").kinds() == []
