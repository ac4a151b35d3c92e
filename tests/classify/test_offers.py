"""How a device took a call that it was offered, in one word for each hop."""

from __future__ import annotations

import pytest

from sipwatch.classify.offers import FAIR_RING
from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.peers import Rule
from sipwatch.packet import SECOND
from tests.classify.diagnosing import DEVICES, SERVER, SITE, at, diagnose, ends, peer, settings

ASKED = "0 P>B INVITE\n"
RANG = ASKED + "0.1 B>P 180\n"
GIVEN_UP = "{0} P>B CANCEL\n{0}.1 B>P 487\n{0}.2 P>B ACK ttag=callee\n"
TAKEN = RANG + "3 B>P 200\n3.1 P>B ACK ttag=callee branch=z9hG4bKa\n10 P>B BYE\n10.1 B>P 200 method=BYE cseq=2\n"


def offered(script: str, until: str = "400") -> list[str | None]:
    """Return how each hop of the one call was taken."""
    (call,) = diagnose(script, SITE, until=until).calls.values()
    return [leg.offered for leg in call.legs]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (TAKEN, "taken"),
        (ASKED + ends(486, 0.1, "B>P"), "busy"),
        (ASKED + ends(603, 0.1, "B>P"), "declined"),
        (RANG + ends(603, 4, "B>P"), "declined"),
        (RANG + ends(480, 30, "B>P"), "rang_out"),
        (RANG + GIVEN_UP.format(31), "rang_out"),
        (RANG + ends(500, 4, "B>P", "h=Reason:_Q.850;cause=20"), "rang_out"),
        (ASKED + ends(480, 0.1, "B>P"), "not_alerted"),
        (ASKED, "not_alerted"),
        (ASKED + "0.1 B>P 100\n", "not_alerted"),
        (RANG + GIVEN_UP.format(2), "gave_up"),
        (RANG + GIVEN_UP.format(12), "gave_up"),
        (RANG + GIVEN_UP.format(2).replace("CANCEL", "CANCEL h=Reason:_SIP;cause=200"), "elsewhere"),
        (ASKED + ends(404, 0.1, "B>P"), "other"),
        (ASKED + ends(500, 0.1, "B>P"), "other"),
        (ASKED + ends(302, 0.1, "B>P"), "other"),
    ],
)
def test_a_hop_to_a_device_says_how_it_was_taken(script: str, expected: str) -> None:
    assert offered(script) == [expected]


def test_nothing_is_said_before_a_verdict_has_fallen() -> None:
    assert offered(RANG, until="5") == [None]


def test_nothing_is_said_of_what_is_no_device() -> None:
    through = "0 A>P INVITE\n0.1 P>T INVITE vias=2\n0.2 T>P 486 vias=2\n0.3 P>A 486\n0.4 A>P ACK ttag=callee\n"
    assert offered(through) == [None, None]


def test_a_phone_passed_over_for_the_next_before_it_rang_for_long_missed_nothing() -> None:
    def in_turn(seconds: int) -> list[str | None]:
        on = seconds + 0.5
        return offered(
            RANG + GIVEN_UP.format(seconds) + f"{on} P>C INVITE\n{on + 0.1} C>P 180 ttag=c\n{on + 1} C>P 200 ttag=c\n"
        )

    assert FAIR_RING == 10 * SECOND
    assert in_turn(5) == ["elsewhere", "taken"]
    assert in_turn(15) == ["rang_out", "taken"]


def test_how_long_it_rang_counts_and_not_how_long_it_was_tried() -> None:
    """Offered at 0, it rings from 4 to 12 s: the phone was off for a while."""
    late = ASKED + "4 B>P 180\n" + GIVEN_UP.format(12)
    assert offered(late + "12.5 P>C INVITE\n12.6 C>P 180 ttag=c\n14 C>P 200 ttag=c\n") == ["elsewhere", "taken"]


def test_what_a_phone_said_itself_stands_though_the_server_had_gone_on() -> None:
    crossed = RANG + "5 P>B CANCEL\n5.1 B>P 404\n5.2 P>B ACK ttag=callee\n"
    assert offered(crossed + "5.5 P>C INVITE\n5.6 C>P 180 ttag=c\n7 C>P 200 ttag=c\n") == ["other", "taken"]


def test_a_challenge_is_one_word_and_what_followed_another() -> None:
    script = (
        ASKED + "0.1 B>P 401 h=WWW-Authenticate:_Digest_realm=x,nonce=y\n0.15 P>B ACK ttag=callee\n"
        "0.2 P>B INVITE cseq=2 h=Authorization:_Digest_realm=x\n0.3 B>P 180 cseq=2\n2 B>P 200 cseq=2\n"
    )
    assert offered(script) == ["other", "taken"]


def test_a_phone_that_is_known_to_be_free_is_busy_while_idle_whoever_takes_the_call_instead() -> None:
    """What the call comes to makes no difference to the phone."""
    busy = "0 P>B INVITE\n" + ends(486, 0.1, "B>P")
    then = "0.3 P>C INVITE\n0.4 C>P 180 ttag=c\n3 C>P 200 ttag=c\n"
    found = diagnose(at(0, TAKEN, call="took") + at(30, busy + then, call="busy"), SITE, until="200")
    assert [leg.offered for leg in found.calls["busy"].legs] == ["idle_busy", "taken"]


def test_what_the_configuration_says_of_its_code_goes_before_busy_while_idle() -> None:
    rule = Rule(Outcome.DECLINED, status_code=486)
    site = settings(peer("phones", DEVICES, "B", rules=[rule]), peer("server", SERVER, "P"))
    found = diagnose(at(0, TAKEN, call="a") + at(30, ASKED + ends(486, 0.1, "B>P"), call="b"), site, until="99")
    assert [leg.offered for leg in found.calls["b"].legs] == ["declined"]


def test_a_phone_on_a_call_is_busy_and_so_is_one_that_nobody_has_seen_on_a_call() -> None:
    busy = at(30, "0 P>B INVITE\n" + ends(486, 0.1, "B>P"), call="busy")
    up = at(0, TAKEN.split("10 P>B", maxsplit=1)[0], call="took")
    for before in ("", up):
        found = diagnose(before + busy, SITE, until="200")
        assert [leg.offered for leg in found.calls["busy"].legs] == ["busy"]


def test_without_devices_in_the_configuration_those_that_register_are_the_devices() -> None:
    script = (
        "0 B>P REGISTER call=r h=Contact:_<sip:101@192.0.2.66> h=Expires:_600\n"
        "0.1 P>B 200 method=REGISTER call=r h=Contact:_<sip:101@192.0.2.66> h=Expires:_600\n"
        + at(5, "0 P>B INVITE\n" + ends(486, 0.1, "B>P"), call="b")
        + at(6, "0 P>C INVITE\n" + ends(486, 0.1, "C>P"), call="c")
    )
    found = diagnose(script, settings(), until="100")
    assert [found.calls[call].legs[0].offered for call in "bc"] == ["busy", None]


def test_the_same_hop_is_a_devices_only_where_the_configuration_says_so() -> None:
    script = ASKED + ends(486, 0.1, "B>P")
    only_c = settings(peer("phones", DEVICES, "C"))
    assert [call.legs[0].offered for call in diagnose(script, only_c).calls.values()] == [None]
