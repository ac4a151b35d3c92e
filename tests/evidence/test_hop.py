"""What a supplier can find in his own log: his hop, its times, its response."""

from __future__ import annotations

import pytest

from sipwatch.evidence.hop import hop_of, place_of, seen_in_words
from tests.evidence.told import CALLER, REASON, SERVER, TRUNK, said, stuck
from tests.export.records import answered, at, call, leg


def test_the_hop_is_that_of_the_peer() -> None:
    hop = hop_of(stuck(), "acme")
    assert (hop.place, hop.began) == (1, at(0.5))
    assert hop.ends == f"pbx {SERVER} → acme {TRUNK}"
    assert hop.response == "487 Request Terminated"
    assert hop.reason == REASON
    assert hop.waited == pytest.approx(12.6)
    assert hop.silence == pytest.approx(12.4)


def test_another_peer_of_the_same_call_sees_another_hop() -> None:
    hop = hop_of(stuck(), "phones")
    assert (hop.place, hop.response, hop.reason) == (0, "480 Try later", "")
    assert hop.passes(said(0, SERVER, CALLER, "x"))
    assert not hop.passes(said(0, SERVER, TRUNK, "x"))


def test_what_was_seen_is_a_sentence() -> None:
    assert seen_in_words(hop_of(stuck(), "acme")) == (
        "INVITE; 100 Trying after 0.20 s; then nothing for 12.4 s; CANCEL after 12.6 s;"
        " 487 Request Terminated after 12.8 s."
    )


def test_silence_is_told_as_what_it_is() -> None:
    invite = "INVITE sip:b@example.com SIP/2.0"
    messages = [said(seconds, SERVER, TRUNK, invite, again=seconds > 0) for seconds in (0, 0.5, 1.5)]
    silent = stuck(messages=messages, ended=at(32), status_code=None, reason_phrase=None, setup_seconds=None)
    hop = hop_of(silent, "acme")
    assert seen_in_words(hop) == "INVITE (3 times); no final response within 32.0 s."
    assert (hop.response, hop.reason, hop.waited, hop.silence) == ("", "", 32.0, 32.0)


def test_a_quick_refusal_needs_no_word_about_silence() -> None:
    messages = [said(0, SERVER, TRUNK, "INVITE sip:b SIP/2.0"), said(0.2, TRUNK, SERVER, "SIP/2.0 503 Busy")]
    assert seen_in_words(hop_of(stuck(messages=messages), "acme")) == "INVITE; 503 Busy after 0.20 s."


def test_a_retry_with_credentials_is_told() -> None:
    messages = [
        said(0, SERVER, TRUNK, "INVITE sip:b SIP/2.0"),
        said(0.1, TRUNK, SERVER, "SIP/2.0 407 Who"),
        said(0.2, SERVER, TRUNK, "INVITE sip:b SIP/2.0", "2 INVITE", branch="z9hG4bK2"),
        said(0.3, TRUNK, SERVER, "SIP/2.0 403 No", "2 INVITE", branch="z9hG4bK2", headers={"Reason": "SIP;cause=403"}),
    ]
    hop = hop_of(stuck(messages=messages), "acme")
    assert seen_in_words(hop) == "INVITE; 407 Who after 0.10 s; INVITE after 0.20 s; 403 No after 0.30 s."
    assert (hop.response, hop.reason) == ("403 No", "SIP;cause=403")


def test_a_leg_that_failed_goes_before_one_that_did_not() -> None:
    legs = [leg(outcome=outcome, destination="acme") for outcome in ("congested", "no_progress", "answered")]
    assert place_of(call(legs=legs), "acme") == 1
    assert place_of(call(legs=legs[2:]), "acme") == 0
    assert place_of(call(legs=legs), "nobody") == 1


def test_without_messages_the_record_says_what_it_can() -> None:
    hop = hop_of(stuck(messages=None, cause=19, cause_protocol="Q.850"), "acme")
    assert (hop.began, hop.response, hop.reason) == (at(0), "480 Try later", "Q.850;cause=19")
    assert seen_in_words(hop) == "INVITE; 100 after 0.10 s; then nothing for 13.3 s; 480 Try later after 13.4 s."
    hop = hop_of(answered(), "acme")
    assert seen_in_words(hop).startswith("INVITE; 100 after 0.10 s")


def test_a_call_that_the_capture_ends_with_has_nothing_to_wait_for() -> None:
    only = [said(0, SERVER, TRUNK, "INVITE sip:b SIP/2.0")]
    hop = hop_of(stuck(messages=only, ended=at(0.5), setup_seconds=None, status_code=None), "acme")
    assert (hop.waited, hop.silence) == (0.5, 0.5)
    hop = hop_of(stuck(messages=only, ended=None, setup_seconds=None, status_code=None), "acme")
    assert (hop.waited, seen_in_words(hop)) == (None, "INVITE; no final response.")


def test_time_that_steps_back_makes_no_negative_wait() -> None:
    messages = [said(5, SERVER, TRUNK, "INVITE sip:b SIP/2.0"), said(3, TRUNK, SERVER, "SIP/2.0 100 Trying")]
    hop = hop_of(stuck(messages=messages, ended=at(4), setup_seconds=None), "acme")
    assert (hop.waited, hop.silence) == (0.0, 0.0)
