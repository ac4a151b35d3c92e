"""What a refused or abandoned setup shows by itself, and what it does not show."""

from __future__ import annotations

import pytest

from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.peers import Rule, Settings
from sipwatch.track.timers import Timers
from tests.classify.diagnosing import (
    ACME,
    HUNG_UP,
    RANG,
    SECOND,
    SITE,
    TRIED,
    TRUNK,
    diagnose,
    ends,
    no_answer_after,
    peer,
    sent,
    settings,
)

CHALLENGE = 'h=Proxy-Authenticate:_Digest_realm="{realm}",_nonce="n{n}"'
CREDENTIALS = (
    'h=Proxy-Authorization:_Digest_username="bob",_realm="{realm}",_nonce="n{n}",_response="d1e5",_algorithm=SHA-256'
)


# 480 that probably rang


@pytest.mark.parametrize(("final", "found"), [(7.999, []), (8, ["late_480"])])
def test_480_without_alert_is_late_from_8_seconds(final: float, found: list[str]) -> None:
    assert diagnose(TRIED + ends(480, final)).kinds() == found


def test_480_after_an_alert_is_told_by_the_outcome_alone() -> None:
    assert diagnose(TRIED + "1 T>A 183\n" + ends(480, 30)).kinds() == []


@pytest.mark.parametrize("said", [181, 182, 199])
def test_480_from_whoever_says_what_happens_meanwhile_is_no_silence(said: int) -> None:
    """A queue that parks a call with 182 and gives it up with 480 has no phone that rang."""
    assert diagnose(TRIED + f"0.5 T>A {said}\n" + ends(480, 30)).kinds() == []


def test_a_480_that_is_late_because_the_invite_was_lost_did_not_ring_all_the_while() -> None:
    """Counted from the 100 when the INVITE had to be sent again; without one, nothing is known."""
    lost = sent((0, 0.5, 1.5, 3.5, 7.5), "A>T", "INVITE")
    assert diagnose(lost + "7.6 T>A 100\n" + ends(480, 8.5)).kinds() == ["loss"]
    assert diagnose(lost + "7.6 T>A 100\n" + ends(480, 15.6)).kinds() == ["late_480", "loss"]
    assert diagnose(lost + ends(480, 15.6)).kinds() == ["loss"]


def test_the_caller_giving_up_is_no_late_480() -> None:
    assert diagnose(TRIED + "9 A>T CANCEL\n" + ends(480, 9.1)).kinds() == []


def test_a_late_480_is_asked_of_the_last_hop_that_was_captured() -> None:
    """The server tried one phone after another; none of them rang, and its own 480 is no riddle."""
    hunt = (
        "0 A>P INVITE\n0.1 P>A 100\n0.2 P>B INVITE vias=2\n0.3 B>P 480 vias=2\n0.4 P>B ACK vias=2 ttag=callee\n"
        "0.5 P>C INVITE vias=2\n0.6 C>P 100 vias=2\n9.9 C>P 503 vias=2\n10 P>C ACK vias=2 ttag=callee\n"
    )
    assert diagnose(hunt + ends(480, 10.1, "P>A")).kinds() == []
    assert diagnose("0 A>P INVITE\n0.1 P>A 100\n" + ends(480, 10.1, "P>A")).kinds() == ["late_480"]


def test_a_late_480_names_the_peer_that_keeps_silent() -> None:
    over_a_server = (
        "0 A>P INVITE\n0.1 P>A 100\n0.2 P>T INVITE vias=2\n0.3 T>P 100 vias=2\n17.2 T>P 480 vias=2\n"
        "17.3 P>T ACK vias=2 ttag=callee\n" + ends(480, 17.4, "P>A")
    )
    (finding,) = diagnose(over_a_server, SITE).findings()
    assert (finding.kind, finding.subject) == ("late_480", "acme")
    assert finding.text.startswith("480 came after 17 s without any 180 or 183")
    assert [seen.what for seen in finding.evidence] == [
        "INVITE sip:15550101@example.com",
        "480 Temporarily Unavailable",
    ]


# Busy after ringing out


@pytest.mark.parametrize("code", [486, 600])
@pytest.mark.parametrize(("final", "found"), [(30.999, []), (31, ["late_busy"])])
def test_busy_after_the_ring_timeout_was_nobody_busy(code: int, final: float, found: list[str]) -> None:
    """It rings from the 180, at 1 s, for 30 s."""
    assert diagnose(RANG + ends(code, final)).kinds() == found


@pytest.mark.parametrize(("final", "found"), [(36.999, []), (37, ["late_busy"])])
def test_the_ring_timeout_is_the_peers_own(final: float, found: list[str]) -> None:
    slow = settings(peer("mobile", TRUNK, "T", no_answer_after(36)))
    assert diagnose(RANG + ends(486, final), slow).kinds() == found
    general = Settings(timers=Timers(no_answer_after=36 * SECOND))
    assert diagnose(RANG + ends(486, final), general).kinds() == found


def test_busy_behind_an_announcement_is_busy() -> None:
    """183 without 180: the carrier plays that the line is busy. And what rings late has rung for less."""
    assert diagnose(TRIED + "1 T>A 183\n" + ends(486, 40)).kinds() == []
    assert diagnose(TRIED + "1 T>A 183\n13 T>A 180\n" + ends(486, 40)).kinds() == ["early_ringing"]
    assert diagnose(TRIED + "1 T>A 183\n13 T>A 180\n" + ends(486, 43)).kinds() == ["late_busy", "early_ringing"]


def test_two_phones_one_after_the_other_did_not_ring_as_long_as_their_caller_waited() -> None:
    """B rings 16 s and C rings 16 s, then C is busy: nobody's own timeout."""
    hunt = (
        "0 A>P INVITE\n0.1 P>A 100\n0.2 P>B INVITE vias=2\n1 B>P 180 vias=2\n1.1 P>A 180\n17 P>B CANCEL vias=2\n"
        "17.1 B>P 487 vias=2\n17.2 P>B ACK vias=2 ttag=callee\n18 P>C INVITE vias=2\n19 C>P 180 vias=2\n"
        "35 C>P 486 vias=2\n35.1 P>C ACK vias=2 ttag=callee\n"
    )
    assert diagnose(hunt + ends(486, 35.2, "P>A")).kinds() == []


# Rung too short

GROUP = "0 A>P INVITE\n0.1 P>A 100\n0.2 P>B INVITE vias=2\n1 B>P 180 vias=2\n1.1 P>A 180\n"


def taken_away(after: float) -> str:
    return f"{after} P>B CANCEL vias=2\n{after + 0.1} B>P 487 vias=2\n{after + 0.2} P>B ACK vias=2 ttag=callee\n"


@pytest.mark.parametrize(("after", "found"), [(20.999, ["short_ring"]), (21, [])])
def test_a_server_that_takes_a_call_away_before_20_seconds_rings_too_short(after: float, found: list[str]) -> None:
    found_here = diagnose(GROUP + taken_away(after) + ends(480, after + 1, "P>A"), SITE)
    assert found_here.calls["c1"].outcome == "no_answer"
    assert found_here.kinds() == found


@pytest.mark.parametrize(("after", "found"), [(20.999, ["short_ring"]), (21, [])])
def test_so_does_a_far_end_that_gives_up_by_itself(after: float, found: list[str]) -> None:
    assert diagnose(RANG + ends(480, after)).kinds() == found


def test_who_took_the_call_away_and_whose_phone_it_was_are_named() -> None:
    (finding,) = diagnose(GROUP + taken_away(6) + ends(480, 7, "P>A"), SITE).findings()
    assert finding.subject == "phones"
    assert finding.text.startswith("It rang for 5 s, then server took the call away.")
    assert [seen.what for seen in finding.evidence] == ["180 Ringing", "CANCEL sip:15550101@example.com"]


def test_the_longest_ringing_counts_however_often_it_was_tried() -> None:
    """Two phones for 10 s each are two short offers; if one of them rang for 25 s, there was a chance."""
    second = "12 P>C INVITE vias=2\n13 C>P 180 vias=2\n{end} P>C CANCEL vias=2\n{after} C>P 487 vias=2\n"
    short = GROUP + taken_away(11) + second.format(end=23, after=23.1) + ends(480, 24, "P>A")
    assert "It rang for 10 s" in diagnose(short).text("short_ring")
    fair = GROUP + taken_away(11) + second.format(end=38, after=38.1) + ends(480, 39, "P>A")
    assert diagnose(fair).kinds() == []


def test_callers_who_give_up_ring_as_short_as_they_like() -> None:
    """Also where the peer calls that no answer, and where only the 487 was captured."""
    gives_up = "12 A>T CANCEL\n12.1 T>A 487\n12.2 A>T ACK ttag=callee\n"
    impatient = settings(peer("acme", TRUNK, "T", no_answer_after(10)))
    found = diagnose(RANG + gives_up, impatient)
    assert (found.calls["c1"].outcome, found.kinds()) == ("no_answer", [])
    without_cancel = diagnose(RANG + gives_up.partition("\n")[2], impatient)
    assert (without_cancel.calls["c1"].outcome, without_cancel.kinds()) == ("no_answer", [])


def test_behind_183_a_far_end_may_end_what_never_rang() -> None:
    """A carrier that looks for a phone, and plays that it is off. A server that takes it away is another matter."""
    assert diagnose(TRIED + "1 T>A 183\n" + ends(480, 12)).kinds() == []
    by_server = GROUP.replace("180", "183") + taken_away(6) + ends(480, 7, "P>A")
    assert diagnose(by_server).kinds() == ["short_ring"]


def test_a_rule_that_says_no_answer_without_any_ringing_makes_none_too_short() -> None:
    ruled = settings(peer("acme", TRUNK, "T", rules=[Rule(Outcome.NO_ANSWER, status_code=480)]))
    found = diagnose(TRIED + ends(480, 3), ruled)
    assert (found.calls["c1"].outcome, found.kinds()) == ("no_answer", [])


def test_another_phone_of_a_group_taking_the_call_is_no_short_ringing() -> None:
    answered = "5 C>P 200 vias=2 ttag=c\n5.1 P>A 200 ttag=c\n5.2 A>P ACK ttag=c branch=z9hG4bKa\n5.3 P>C ACK ttag=c branch=z9hG4bKb vias=2\n"
    group = GROUP + "1.2 P>C INVITE vias=2\n2 C>P 180 vias=2\n" + answered + taken_away(5.4)
    assert diagnose(group, SITE, until="60").kinds() == []


# 183 long before 180


@pytest.mark.parametrize(("rings", "found"), [(5.999, []), (6, ["early_ringing"])])
def test_183_is_early_from_5_seconds_before_180(rings: float, found: list[str]) -> None:
    script = TRIED + f"1 T>A 183\n{rings} T>A 180\n15 T>A 200\n15.1 A>T ACK ttag=callee branch=z9hG4bKa\n" + HUNG_UP
    assert diagnose(script, settings(ACME)).kinds() == found
    assert diagnose(script).kinds() == found


def test_own_servers_may_play_what_they_like_before_it_rings() -> None:
    """A queue's music is early media, and real."""
    script = "0 T>P INVITE\n0.1 P>T 100\n1 P>T 183\n21 P>T 180\n25 P>T 200\n25.1 T>P ACK ttag=callee branch=z9hG4bKa\n"
    assert diagnose(script, SITE).kinds() == []


def test_181_or_180_first_is_not_early() -> None:
    assert diagnose(TRIED + "1 T>A 180\n2 T>A 183\n9 T>A 180\n" + ends(486, 12)).kinds() == []


# Wrong credentials


def challenged(second: str = "", *, realm: str = "example.com") -> str:
    return (
        f"0 A>P INVITE\n0.1 P>A 407 {CHALLENGE.format(realm='example.com', n=1)}\n0.2 A>P ACK ttag=callee\n"
        f"0.3 A>P INVITE cseq=2 {CREDENTIALS.format(realm='example.com', n=1)}\n"
        f"0.4 P>A 407 cseq=2 {CHALLENGE.format(realm=realm, n=2)}{second}\n0.5 A>P ACK cseq=2 ttag=callee\n"
    )


def test_a_second_challenge_means_wrong_credentials() -> None:
    (finding,) = diagnose(challenged(), until="60").findings()
    assert finding.kind == "wrong_credentials"
    assert "user bob had answered for realm example.com (SHA-256)" in finding.text
    assert "d1e5" not in finding.text


def test_a_stale_nonce_or_another_realm_means_nothing() -> None:
    """RFC 7616 §3.3."""
    assert diagnose(challenged(",_stale=true"), until="60").kinds() == []
    assert diagnose(challenged(realm="other.example.com"), until="60").kinds() == []


def test_an_unanswered_first_challenge_is_no_wrong_password() -> None:
    first = "\n".join(challenged().splitlines()[:3])
    found = diagnose(first, until="60")
    assert (found.calls["c1"].outcome, found.kinds()) == ("auth_failed", [])


def test_a_nonce_that_was_only_too_old_is_forgiven_when_the_next_try_gets_through() -> None:
    """Not every server says stale: the call was answered, so the password is right."""
    again = (
        f"0.6 A>P INVITE cseq=3 {CREDENTIALS.format(realm='example.com', n=2)}\n1 P>A 200 cseq=3\n"
        "1.1 A>P ACK cseq=3 ttag=callee branch=z9hG4bKa\n"
    )
    assert diagnose(challenged() + again).kinds() == []
    assert diagnose(challenged() + again.replace("200", "486")).kinds() == []


@pytest.mark.parametrize(
    "line",
    [
        'username="bob, realm="x", response="d1e5"',  # a quote is missing: the digest stands in the name
        'username="bob, response="d1e5", realm="example.com"',
        'username=bob response=d1e5, realm="example.com"',
        'username="bob\\", response=\\"d1e5", realm="example.com"',
        'realm="example.com", username="bob", algorithm=MD5 ReSpOnSe=d1e5',
        'realm="example.com, response=d1e5',
        "response=d1e5",
        "",
    ],
)
def test_the_digest_is_never_told_however_credentials_are_written(line: str) -> None:
    header = "h=Proxy-Authorization:_Digest_" + line.replace(" ", "_")
    script = challenged().replace(CREDENTIALS.format(realm="example.com", n=1), header)
    assert "d1e5" in script or not line
    for realm in ("example.com", "x", ""):
        again = script.replace('realm="example.com",_nonce="n2"', f'realm="{realm}",_nonce="n2"')
        assert b"d1e5" not in diagnose(again, until="60").everything()


# Nonces that are always too old


def stale(times: int, *, last: str = "stale=true") -> str:
    """Write an INVITE whose credentials are too old so many times."""
    lines = [f"0 A>P INVITE\n0.01 P>A 407 {CHALLENGE.format(realm='example.com', n=0)}\n0.02 A>P ACK ttag=callee"]
    for n in range(1, times + 1):
        sign = last if n == times else "stale=TRUE"
        lines.append(
            f"{n} A>P INVITE cseq={n + 1} {CREDENTIALS.format(realm='example.com', n=n - 1)}\n"
            f"{n}.1 P>A 407 cseq={n + 1} {CHALLENGE.format(realm='example.com', n=n)},_{sign}\n"
            f"{n}.2 A>P ACK cseq={n + 1} ttag=callee"
        )
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(("times", "kinds"), [(1, []), (2, []), (3, ["stale_loop"]), (4, ["stale_loop"])])
def test_nonces_that_are_too_old_three_times_are_a_loop_and_never_a_wrong_password(
    times: int, kinds: list[str]
) -> None:
    """RFC 7616 §3.3."""
    found = diagnose(stale(times), until="90")
    assert (found.calls["c1"].outcome, found.kinds()) == ("auth_failed", kinds)


def test_a_loop_that_ends_with_a_wrong_password_is_told_as_the_loop() -> None:
    found = diagnose(stale(4, last="stale=false"), until="90")
    assert found.kinds() == ["stale_loop"]
    assert "challenged 3 INVITEs with credentials" in found.text("stale_loop")


def test_a_loop_that_comes_to_an_end_is_none() -> None:
    taken = f"5 A>P INVITE cseq=6 {CREDENTIALS.format(realm='example.com', n=4)}\n6 P>A 200 cseq=6\n"
    assert diagnose(stale(4) + taken + "6.1 A>P ACK cseq=6 ttag=callee branch=z9hG4bKa\n", until="90").kinds() == []


# Ringing that nobody heard

INVENTED = "0 A>P INVITE\n0.02 P>A 100\n0.05 P>A 180\n"
NEVER_RANG = "32.2 P>A 480\n32.3 A>P ACK ttag=callee\n"
TWO = "0.1 P>B INVITE vias=2\n0.1 P>C INVITE vias=2\n0.2 B>P 100 vias=2\n0.2 C>P 100 vias=2\n"


@pytest.mark.parametrize(
    ("behind", "told"),
    [
        (sent((0.1, 0.6, 1.6, 3.6, 7.6), "P>B", "INVITE vias=2"), True),
        ("0.1 P>B INVITE vias=2\n0.2 B>P 100 vias=2\n", True),
        ("0.1 P>B INVITE vias=2\n0.2 B>P 100 vias=2\n25 P>B CANCEL vias=2\n25.1 B>P 487 vias=2\n", True),
        ("0.1 P>B INVITE vias=2\n", False),
        ("0.1 P>B INVITE vias=2\n0.2 B>P 100 vias=2\n3 B>P 180 vias=2\n", False),
        ("0.1 P>B INVITE vias=2\n0.2 B>P 100 vias=2\n3 B>P 181 vias=2\n", False),
        ("0.1 P>B INVITE vias=2\n0.2 B>P 486 vias=2\n0.3 P>B ACK ttag=callee vias=2\n", False),
        (TWO + "3 C>P 180 vias=2\n", False),
        ("", False),
    ],
    ids=[
        "nothing came back",
        "no more than 100 came back",
        "no more than 100 came back before the server gave up",
        "a single INVITE shows nothing: the capture may hold one direction",
        "it rang later",
        "the call was forwarded",
        "the phone said that it was busy",
        "one of two rang",
        "the hop behind was not captured",
    ],
)
def test_ringing_is_invented_where_everything_behind_the_server_is_silent(behind: str, told: bool) -> None:
    found = diagnose(INVENTED + behind + NEVER_RANG, until="90")
    assert ("invented_ringing" in found.kinds()) is told


def test_a_server_that_does_not_say_180_invents_nothing() -> None:
    silent = sent((0.1, 0.6, 1.6, 3.6, 7.6), "P>B", "INVITE vias=2")
    assert diagnose(INVENTED.replace("180", "183") + silent + NEVER_RANG, until="90").kinds() == []


# Cancelled too late

ACK = "8.1 A>T ACK ttag=callee branch=z9hG4bKa\n"
CROSSED = RANG + "8 A>T CANCEL\n8.01 T>A 200\n8.05 T>A 481 method=CANCEL\n"


@pytest.mark.parametrize(
    ("followed", "words"),
    [
        (ACK + "8.2 A>T BYE\n8.3 T>A 200 method=BYE cseq=2\n", "hung up on at once"),
        ("8.2 A>T BYE\n8.3 T>A 200 method=BYE cseq=2\n", "hung up on at once"),
        (ACK + HUNG_UP, "acknowledged, and the call went on"),
        (ACK, "acknowledged, and the call went on"),
        (sent((8.51, 9.51, 11.51), "T>A", "200"), "a ghost call, in which 192.0.2.84 waits alone"),
    ],
    ids=["ACK and BYE", "BYE alone", "ACK, and BYE later", "ACK alone", "neither"],
)
def test_an_answer_that_crossed_the_cancel_says_what_followed(followed: str, words: str) -> None:
    found = diagnose(CROSSED + followed, until="60")
    assert found.kinds() == ["cancel_race"], "repetitions and the missing ACK follow from it"
    assert words in found.text("cancel_race")


def test_an_answer_behind_the_failing_final_comes_too_late() -> None:
    """RFC 3261 §17.1.1.2: the caller's transaction is over."""
    script = RANG + "8 A>T CANCEL\n8.02 T>A 487\n8.05 A>T ACK ttag=callee\n8.1 T>A 200 ttag=late\n"
    found = diagnose(script + sent((8.6, 9.6, 11.6), "T>A", "200 ttag=late"), until="60")
    assert found.kinds() == ["cancel_race"]
    assert "a ghost call" in found.text("cancel_race")


@pytest.mark.parametrize(
    "script",
    [
        RANG + "8 A>T CANCEL\n8.02 T>A 200 method=CANCEL\n8.03 T>A 487\n8.05 A>T ACK ttag=callee\n",
        RANG + "8 A>T CANCEL\n8.02 T>A 481 method=CANCEL\n" + ends(486, 8.1),
        RANG + "8 A>T CANCEL\n8.02 T>A 200 method=CANCEL\n8.03 T>A 486\n8.05 A>T ACK ttag=callee\n",
    ],
    ids=["it was in time", "it crossed a refusal", "a refusal crossed it"],
)
def test_a_cancel_without_any_answer_is_no_race(script: str) -> None:
    assert diagnose(script, until="60").kinds() == []


GROUP_TAKEN = (
    "0 A>P INVITE\n0.1 P>B INVITE vias=2\n0.1 P>C INVITE vias=2\n1 B>P 180 vias=2\n1 C>P 180 vias=2\n1.1 P>A 180\n"
    "6 B>P 200 vias=2 ttag=b\n6.01 P>A 200 ttag=b\n6.02 P>C CANCEL vias=2\n6.03 C>P 200 vias=2 ttag=c\n"
    "6.05 C>P 481 method=CANCEL vias=2\n6.1 A>P ACK ttag=b branch=z9hG4bKa\n"
    "6.12 P>B ACK ttag=b branch=z9hG4bKb vias=2\n"
)


def test_two_phones_that_answer_at_once_are_no_race_if_one_of_them_is_hung_up_on() -> None:
    """Nobody had given up: the server's CANCEL to the slower phone is how a group works."""
    let_go = (
        "6.2 P>C ACK ttag=c branch=z9hG4bKc vias=2\n6.3 P>C BYE ttag=c vias=2\n6.4 C>P 200 method=BYE ttag=c vias=2\n"
    )
    assert diagnose(GROUP_TAKEN + let_go, until="60").kinds() == []


def test_but_a_phone_that_is_forgotten_is_a_ghost() -> None:
    found = diagnose(GROUP_TAKEN + sent((6.53, 7.53, 9.53), "C>P", "200 vias=2 ttag=c"), until="60")
    assert found.kinds() == ["cancel_race"]
    assert "in which 192.0.2.67 waits alone" in found.text("cancel_race")
