"""What a call shows of the path, and what it does not show."""

from __future__ import annotations

import re

import pytest

from sipwatch.wire.message import Transport
from tests.classify.diagnosing import (
    ACME,
    HUNG_UP,
    RANG,
    SITE,
    TAKEN,
    TRIED,
    Diagnosed,
    diagnose,
    ends,
    sent,
    settings,
)
from tests.conversation import messages

PRIVATE = "h=Contact:_<sip:bob@192.168.1.20:5060>"
NAMED = "h=Contact:_<sip:bob@192.0.2.84:5060>"
COPIES = (5, 5.5, 6.5, 8.5, 12.5)


# No ACK


def test_the_fourth_2xx_without_ack_is_not_acknowledged() -> None:
    """RFC 3261 §13.3.1.4."""
    assert diagnose(RANG + sent((5, 5.5, 6.5), "T>A", "200"), until="60").kinds() == ["loss"]
    found = diagnose(RANG + sent(COPIES, "T>A", f"200 {NAMED}"), until="60")
    assert found.kinds() == ["ack_lost"]
    assert found.text("ack_lost").startswith(
        "The answer was sent 5 times and no ACK was seen: 192.0.2.84 is not acknowledged"
    )


def answered(*acks: str, answer: str = f"200 {NAMED}") -> str:
    """Write an answer that comes five times, and behind each copy an ACK if there is one."""
    lines = [f"{at} T>A {answer}\n" + "".join(f"{at + 0.1:.1f} {ack}\n" for ack in acks) for at in COPIES]
    return RANG + "".join(lines)


def test_an_answer_that_is_repeated_in_spite_of_its_acks_is_not_accepted_and_nothing_is_lost() -> None:
    found = diagnose(answered("A>T ACK ttag=callee branch=z9hG4bKa uri=sip:bob@192.0.2.84:5060"), until="60")
    assert found.kinds() == ["ack_lost"]
    assert "does not arrive there, or is not accepted" in found.text("ack_lost")


def test_an_ack_that_a_server_swallows_is_told_of_that_server() -> None:
    script = (
        f"0 A>P INVITE\n0.1 P>T INVITE vias=2\n1 T>P 180 vias=2\n1.1 P>A 180\n5 T>P 200 vias=2 {NAMED}\n5.1 P>A 200 {NAMED}\n"
        "5.2 A>P ACK ttag=callee branch=z9hG4bKa\n"
    ) + sent(COPIES[1:], "T>P", f"200 vias=2 {NAMED}")
    found = diagnose(script, SITE, until="60")
    assert found.kinds() == ["ack_lost"]
    assert "its ACK arrived at server, and was not seen on its way on to 192.0.2.84" in found.text("ack_lost")


# An ACK that was sent to the wrong place


@pytest.mark.parametrize(
    ("ack", "words"),
    [
        ("A>X ACK ttag=callee branch=z9hG4bKa", "its ACK goes to 192.0.2.88, while .* ask for 192.0.2.84"),
        ("A>T ACK ttag=early branch=z9hG4bKa", "the ACK carries the To tag early, the answer has callee"),
        (
            "A>T ACK ttag=callee branch=z9hG4bKa uri=sip:else@192.0.2.99",
            "the ACK is for sip:else@192.0.2.99, while the Contact of the answer is sip:bob@192.0.2.84:5060",
        ),
    ],
    ids=["another host", "another dialog", "another URI"],
)
def test_an_ack_that_goes_elsewhere_says_where_it_should_have_gone(ack: str, words: str) -> None:
    found = diagnose(answered(ack), until="60")
    assert found.kinds() == ["ack_misrouted"], "nothing is lost"
    assert re.search(words, found.text("ack_misrouted"))


def test_an_answer_without_contact_leaves_nobody_a_chance() -> None:
    """RFC 3261 §13.3.1.4 demands one."""
    assert "it has no Contact" in diagnose(answered(answer="200"), until="60").text("ack_misrouted")


@pytest.mark.parametrize(
    "script",
    [
        RANG + f"5 T>A 200 {NAMED}\n5.1 A>T ACK ttag=callee branch=z9hG4bKa uri=sip:else@192.0.2.99\n",
        RANG + f"5 T>A 200 {NAMED}\n5.1 A>X ACK ttag=callee branch=z9hG4bKa\n",
        RANG + f"5 T>A 200 {NAMED} h=Record-Route:_<sip:192.0.2.88;lr>\n5.1 A>X ACK ttag=callee branch=z9hG4bKa\n",
        RANG + "5 T>A 200 h=Contact:_<sip:bob@pbx.example.com>\n5.1 A>X ACK ttag=callee branch=z9hG4bKa\n",
    ],
    ids=[
        "it is understood all the same",
        "the answer came but once",
        "it goes along the route",
        "the Contact is a name",
    ],
)
def test_an_ack_is_not_blamed_where(script: str) -> None:
    assert diagnose(script, until="40").kinds() == []


def test_an_ack_that_comes_late_was_lost_for_a_while_only() -> None:
    script = RANG + sent((5, 5.5, 6.5, 8.5), "T>A", "200") + "8.6 A>T ACK ttag=callee branch=z9hG4bKa\n" + HUNG_UP
    assert diagnose(script).kinds() == ["loss"]


# NAT


def test_a_missing_ack_and_a_private_contact_of_the_callee_belong_together() -> None:
    script = RANG + sent((5, 5.5, 6.5, 8.5, 12.5), "T>A", f"200 {PRIVATE}")
    found = diagnose(script, until="60")
    assert found.kinds() == ["nat_suspect"], "the missing ACK is what it looks like"
    assert found.text("nat_suspect").startswith("The callee sits behind a NAT: it gives 192.168.1.20")


def test_a_missing_ack_and_a_private_contact_of_the_caller_do_as_well() -> None:
    script = f"0 A>T INVITE {PRIVATE}\n" + RANG.partition("\n")[2] + sent((5, 5.5, 6.5, 8.5), "T>A", f"200 {NAMED}")
    found = diagnose(script, until="60")
    assert found.kinds() == ["nat_suspect"]
    assert found.text("nat_suspect").startswith("The caller sits behind a NAT: it gives 192.168.1.20")


BYES = (20, 20.5, 21.5, 23.5, 27.5, 31.5)


@pytest.mark.parametrize(
    ("who", "whose", "found"),
    [
        ("callee", "caller", ["nat_suspect"]),
        ("caller", "callee", ["nat_suspect"]),
        ("caller", "caller", []),
        ("callee", "callee", []),
    ],
)
def test_a_bye_that_nobody_answers_blames_the_contact_it_was_sent_to(who: str, whose: str, found: list[str]) -> None:
    """BYE goes to the Contact of the other end (RFC 3261 §12.2.1.1)."""
    script = (
        TAKEN.replace("A>T INVITE", f"A>T INVITE {PRIVATE}")
        if whose == "caller"
        else TAKEN.replace("200", f"200 {PRIVATE}")
    )
    byes = sent(BYES, "T>A", "BYE from=C cseq=7") if who == "callee" else sent(BYES, "A>T", "BYE")
    assert diagnose(script + byes, until="60").kinds() == found


def test_phones_behind_a_nat_that_works_are_left_alone() -> None:
    """rport (RFC 3581) and a server that looks where packets come from: nothing is wrong."""
    script = TAKEN.replace("A>T INVITE", f"A>T INVITE {PRIVATE}").replace("200", f"200 {PRIVATE}") + HUNG_UP
    assert diagnose(script).kinds() == []
    repeated = script.replace("0.1 T>A 100", "0.5 A>T INVITE\n0.6 T>A 100")
    assert diagnose(repeated).kinds() == []


def test_a_proxys_answer_holds_the_contact_of_somebody_behind_it() -> None:
    """It says so by Record-Route: its own address is where the ACK has to go."""
    routed = f"200 {PRIVATE} h=Record-Route:_<sip:192.0.2.84;lr>"
    assert diagnose(RANG + sent((5, 5.5, 6.5, 8.5), "T>A", routed), until="60").kinds() == ["ack_lost"]


def test_a_private_contact_that_packets_really_come_from_is_no_nat() -> None:
    same = "h=Contact:_<sip:bob@192.0.2.84>"
    assert diagnose(RANG + sent((5, 5.5, 6.5, 8.5), "T>A", f"200 {same}"), until="60").kinds() == ["ack_lost"]


def test_a_private_contact_at_which_something_was_answered_is_no_nat() -> None:
    """Whatever happened to the ACK, what is sent there arrives."""
    script = RANG + sent((5, 5.5, 6.5, 8.5), "T>A", f"200 {PRIVATE}")
    bye = "20 A>T BYE uri=sip:bob@192.168.1.20:5060\n"
    assert diagnose(script + bye + "20.1 T>A 200 method=BYE cseq=2\n", until="60").kinds() == ["ack_lost"]
    assert diagnose(script + bye + "20.1 T>A 408 method=BYE cseq=2\n", until="60").kinds() == ["nat_suspect"]
    other = script + "20 A>T BYE uri=sip:bob@192.0.2.84\n20.1 T>A 200 method=BYE cseq=2\n"
    assert diagnose(other, until="60").kinds() == ["nat_suspect"]


# Loss


def test_requests_get_lost_towards_whoever_answers_only_after_two_repetitions() -> None:
    assert diagnose("0 A>T INVITE\n0.5 A>T INVITE\n0.6 T>A 100\n" + ends(486, 3)).kinds() == []
    found = diagnose("0 A>T INVITE\n0.5 A>T INVITE\n1.5 A>T INVITE\n1.6 T>A 100\n" + ends(486, 3), settings(ACME))
    assert found.text("loss").startswith(
        "The INVITE was sent 2 times more before anything came back: acme did not get the first ones, or is very slow"
    )


def test_responses_get_lost_on_the_way_to_whoever_repeats_what_was_answered() -> None:
    assert diagnose(TRIED + "0.5 A>T INVITE\n" + ends(486, 3)).kinds() == []
    found = diagnose(TRIED + sent((0.5, 1.5), "A>T", "INVITE") + ends(486, 3))
    assert found.text("loss") == (
        "The INVITE came 2 times again although a response had passed here: responses do not get back to 192.0.2.65, or are not accepted there."
    )


def test_finals_repeated_before_their_ack_and_after_it_got_lost_on_different_sides() -> None:
    before = RANG + "3 T>A 486\n3.5 T>A 486\n4.5 T>A 486\n4.6 A>T ACK ttag=callee\n"
    assert "192.0.2.65 does not get it, does not acknowledge it" in diagnose(before).text("loss")
    after = RANG + "".join(f"{at} T>A 486\n{at + 0.1} A>T ACK ttag=callee\n" for at in (3, 3.5, 4.5))
    assert "the ACK does not get to 192.0.2.84, or is not accepted there" in diagnose(after).text("loss")
    assert diagnose(RANG + "3 T>A 486\n3.5 T>A 486\n3.6 A>T ACK ttag=callee\n").kinds() == []


def test_a_failing_final_that_nobody_ever_acknowledges_is_loss_too() -> None:
    assert "was sent 3 times more" in diagnose(RANG + sent((3, 3.5, 4.5, 6.5), "T>A", "486"), until="60").text("loss")


THROUGH = "0 A>P INVITE\n0.05 P>T INVITE vias=2\n0.1 T>P 100 vias=2\n1 T>P 180 vias=2\n1.1 P>A 180\n"


def test_what_came_back_over_a_proxy_without_state_got_lost_before_the_first_hop() -> None:
    """It hands every repetition on; the responses were seen on both hops, so they are lost beyond the caller's."""
    again = "".join(f"{at} A>P INVITE\n{at + 0.05} P>T INVITE vias=2\n" for at in (1.5, 3.5))
    end = "9 T>P 486 vias=2\n9.05 P>T ACK vias=2 ttag=callee\n" + ends(486, 9.1, "P>A")
    found = diagnose(THROUGH + again + end, SITE)
    assert found.text("loss").endswith("do not get back to phones, or are not accepted there.")


def test_a_2xx_repeated_end_to_end_got_lost_before_the_first_hop() -> None:
    """Every proxy hands a 2xx on (RFC 3261 §16.7 point 5)."""
    finals = "".join(f"{at} T>P 200 vias=2\n{at + 0.05} P>A 200\n" for at in (5, 5.5, 6.5))
    acked = "6.6 A>P ACK ttag=callee branch=z9hG4bKa\n6.7 P>T ACK ttag=callee branch=z9hG4bKb vias=2\n"
    found = diagnose(THROUGH + finals + acked, SITE)
    assert "phones does not get it, does not acknowledge it" in found.text("loss")


def test_an_invite_repeated_over_a_proxy_without_state_got_lost_behind_the_last_hop() -> None:
    tries = "".join(f"{at} A>P INVITE\n{at + 0.05} P>T INVITE vias=2\n" for at in (0, 0.5, 1.5))
    end = "1.7 T>P 486 vias=2\n1.8 P>T ACK vias=2 ttag=callee\n" + ends(486, 1.9, "P>A")
    assert "acme did not get the first ones" in diagnose(tries + end, SITE).text("loss")


def test_over_tcp_nothing_gets_lost() -> None:
    """Some stacks repeat themselves all the same."""
    found = Diagnosed()
    for message in messages(sent((0, 0.5, 1.5, 3.5), "A>T", "INVITE") + "4 T>A 100\n" + ends(486, 5)):
        message.path = type(message.path)(message.path.key, Transport.TCP)
        found.take([message])
    assert found.over().kinds() == []


# Loops


def rounds(count: int, code: int = 482) -> str:
    hops = [("P>Q", "Q>P")[n % 2] for n in range(count)]
    out = [f"{0.02 * n:.2f} {hop} INVITE vias={n + 1} mf={70 - n} branch=z9hG4bK{n}" for n, hop in enumerate(hops, 1)]
    back = [
        f"{0.5 - 0.02 * n:.2f} {hop[2]}>{hop[0]} {code} vias={n + 1} branch=z9hG4bK{n}" for n, hop in enumerate(hops, 1)
    ]
    return "\n".join(["0 A>P INVITE mf=70", *out, *back, ""]) + ends(code, 0.6, "P>A")


def test_a_growing_number_of_via_shows_a_loop() -> None:
    found = diagnose(rounds(3))
    assert found.kinds() == ["loop"]
    assert "went in circles; the number of Via grew from 1 to 4" in found.text("loop")
    assert "grew" not in diagnose(rounds(2)).text("loop")


def test_a_long_chain_of_servers_is_no_circle() -> None:
    """Nobody was passed twice; the INVITE may pass only few."""
    hops = ("A>P", "P>Q", "Q>R", "R>S")
    out = [f"{0.02 * n:.2f} {hop} INVITE vias={n + 1} mf={4 - n}" for n, hop in enumerate(hops)]
    back = [f"{0.5 - 0.02 * n:.2f} {hop[2]}>{hop[0]} 483 vias={n + 1}" for n, hop in enumerate(hops)]
    found = diagnose("\n".join(out + back))
    assert (found.calls["c1"].status_code, found.kinds()) == (483, [])


@pytest.mark.parametrize(
    ("code", "forwards", "found"),
    [(482, 70, ["loop"]), (482, 3, ["loop"]), (483, 70, ["loop"]), (483, 10, ["loop"]), (483, 9, [])],
)
def test_without_growth_a_servers_word_is_taken_for_it_if_there_were_hops_enough(
    code: int, forwards: int, found: list[str]
) -> None:
    assert diagnose(f"0 A>P INVITE mf={forwards}\n0.1 P>A 100\n" + ends(code, 1, "P>A")).kinds() == found


def test_a_fork_that_meets_itself_is_no_loop() -> None:
    """482 (RFC 3261 §8.2.2.2) from a phone that was reached in two ways, and took the call in one."""
    script = (
        "0 A>P INVITE\n0.1 P>B INVITE vias=2\n0.1 P>B INVITE vias=2 branch=z9hG4bKsecond\n0.2 B>P 482 vias=2 branch=z9hG4bKsecond\n"
        "0.3 P>B ACK vias=2 ttag=callee branch=z9hG4bKsecond\n0.5 B>P 180 vias=2\n0.6 P>A 180\n"
    )
    answered = "3 B>P 200 vias=2\n3.1 P>A 200\n3.2 A>P ACK ttag=callee branch=z9hG4bKa\n3.3 P>B ACK ttag=callee branch=z9hG4bKb vias=2\n"
    assert diagnose(script + answered).kinds() == []
    assert diagnose(script + "3 B>P 486 vias=2\n3.1 P>B ACK vias=2 ttag=callee\n" + ends(486, 3.2, "P>A")).kinds() == []


def test_a_second_copy_by_another_way_is_merged_and_no_loop() -> None:
    """RFC 3261 §8.2.2.2."""
    script = (
        "0 P>B INVITE\n0.05 Q>B INVITE vias=2 branch=z9hG4bKsecond\n0.1 B>P 180\n0.1 B>Q 482 vias=2 branch=z9hG4bKsecond\n"
        "0.2 Q>B ACK vias=2 ttag=callee branch=z9hG4bKsecond\n3 B>P 486\n3.1 P>B ACK ttag=callee\n"
    )
    assert diagnose(script).kinds() == []
