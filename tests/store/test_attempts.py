"""Attempts as they wait: what strangers wrote is bounded, and each is told from all others."""

from __future__ import annotations

from sipwatch.store.attempts import MARK_BITS, HandedAttempt, RegisterAttempt, kept_attempt
from sipwatch.track.events import Unbound
from tests.conversation import nanoseconds
from tests.track.registering import CHALLENGE, CREDENTIALS, Registered, watch

ENDS = ("phones", "pbx")
OK = "0 A>P REGISTER\n0.02 P>A 200 h=Expires:_60\n"
FOREVER = "90000"  # s, longer than anything is granted for


def kept(seen: Registered, ahead: int = 0) -> list[RegisterAttempt]:
    return [kept_attempt(HandedAttempt(result, ENDS, ahead)) for result in seen.results]


def one(script: str, ahead: int = 0) -> RegisterAttempt:
    [found] = kept(watch(script, until=FOREVER), ahead)
    return found


def test_an_attempt_has_who_where_what_and_until_when() -> None:
    found = one(OK)._replace(mark=0)
    assert found == RegisterAttempt(
        0, nanoseconds("0"), "sip:alice@example.com", "192.0.2.65", "192.0.2.80", *ENDS, "udp", "", "registered", 200,
        credentials=False, delay=20_000_000, expires=60, until=nanoseconds("60.02"),
    )  # fmt: skip


def test_the_clock_on_the_wall_moves_all_its_moments_and_no_span() -> None:
    found, moved = one(OK), one(OK, 1000)
    assert (moved.at, moved.until, moved.delay) == (found.at + 1000, found.until + 1000, found.delay)


def test_credentials_that_were_given_and_refused_are_told_from_none_and_from_stale_ones() -> None:
    """A wrong password is proved only by a second challenge, and not by one that asks for a fresh nonce."""
    asked = f"0 A>P REGISTER\n0.1 P>A 401 {CHALLENGE}\n"
    again = f"0.2 A>P REGISTER cseq=2 {CREDENTIALS}\n0.3 P>A 401 cseq=2 {CHALLENGE}"
    assert [
        (one(script).outcome, one(script).credentials)
        for script in (asked, asked + again, f"{asked}{again},stale=true")
    ] == [
        ("auth_failed", False),
        ("auth_failed", True),
        ("auth_failed", False),
    ]


def test_the_same_packets_are_the_same_attempt_and_others_are_not() -> None:
    """However often a file is read; also where a phone always begins anew with the same Call-ID and CSeq."""
    later = "0.5 A>P REGISTER branch=z9hG4bKb\n0.52 P>A 200 branch=z9hG4bKb h=Expires:_60\n"
    marks = [found.mark for script in (OK, OK, OK.replace("A>P", "B>P").replace("P>A", "P>B"), later) for found in
             kept(watch(script))]  # fmt: skip
    assert marks[0] == marks[1]
    assert len(set(marks)) == 3
    assert max(marks).bit_length() <= MARK_BITS


def test_what_runs_out_is_of_whom_it_was_granted_to() -> None:
    ends: list[Unbound] = []
    seen = Registered()
    seen._takers = {**seen._takers, Unbound: ends.append}
    seen.say(OK).until("100")
    [expired] = ends
    found = kept_attempt(HandedAttempt(expired, ENDS, 0))
    [attempt] = kept(seen)
    assert (found.aor, found.device, found.registrar) == (attempt.aor, attempt.device, attempt.registrar)
    assert (found.outcome, found.at) == ("expired", attempt.until)


def test_what_strangers_write_is_bounded() -> None:
    """A long address of record is told by a digest, the same for its attempts and its end."""
    ends: list[Unbound] = []
    seen = Registered()
    seen._takers = {**seen._takers, Unbound: ends.append}
    long = OK.replace("REGISTER", f"REGISTER aor={'x' * 5000} h=User-Agent:_{'y' * 5000}").replace(
        "200", f"200 aor={'x' * 5000}"
    )
    seen.say(long).until("100")
    [found] = kept(seen)
    assert found.aor.startswith("longer than 128 bytes, ")
    assert len(found.aor) < 80
    assert len(found.user_agent) == 129
    assert kept_attempt(HandedAttempt(ends[0], ENDS, 0)).aor == found.aor


def test_a_password_in_an_address_of_record_is_hidden_always() -> None:
    assert one(OK.replace("REGISTER", "REGISTER aor=alice:secret")).aor == "sip:alice:******@example.com"
