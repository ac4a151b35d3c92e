"""What a failed call was told of its cause, and what is made of it."""

from __future__ import annotations

import pytest

from tests.classify.diagnosing import ACME, RANG, TRIED, diagnose, ends, settings


def because(code: int, cause: str, script: str = RANG) -> str:
    return script + ends(code, 9, more=f"h=Reason:_{cause}")


@pytest.mark.parametrize(
    ("code", "cause", "words"),
    [
        (486, 34, "486 means busy, the cause 34 beside it means congested. The verdict: busy."),
        (500, 17, "500 means server_error, the cause 17 beside it means busy. The verdict: busy."),
    ],
)
def test_code_and_cause_that_contradict_each_other_are_told_with_the_one_that_was_believed(
    code: int, cause: int, words: str
) -> None:
    assert diagnose(because(code, f"Q.850;cause={cause}")).text("cause_contradicts") == words


@pytest.mark.parametrize(("code", "cause"), [(486, 17), (404, 1), (503, 41), (486, 16), (603, 21)])
def test_what_gateways_pair_contradicts_nothing(code: int, cause: int) -> None:
    """RFC 3398 §7.2.4.1, §8.2.6.1; and 16 says nothing."""
    assert "cause_contradicts" not in diagnose(because(code, f"Q.850;cause={cause}")).kinds()


def test_an_answer_elsewhere_that_nobody_gave_is_told() -> None:
    script = (
        "0 A>P INVITE\n0.1 P>A 100\n0.2 P>B INVITE vias=2\n1 B>P 180 vias=2\n1.1 P>A 180\n9 A>P CANCEL\n9.1 P>A 200 method=CANCEL\n"
        "9.1 P>A 487\n9.2 A>P ACK ttag=callee\n9.2 P>B CANCEL vias=2 h=Reason:_SIP;cause=200\n9.3 B>P 487 vias=2\n"
    )
    found = diagnose(script, until="60")
    assert found.kinds() == ["cause_contradicts"]
    assert "(SIP 200), while it came to abandoned" in found.text("cause_contradicts")


# Before the end

GIVES_UP = "9 A>T CANCEL\n9.1 T>A 487\n9.2 A>T ACK ttag=callee\n"


def test_the_cause_of_an_announcement_is_told_with_what_it_says() -> None:
    found = diagnose(TRIED + '1 T>A 183 h=Reason:_Q.850;cause=1;text="Not_in_use"\n' + GIVES_UP, until="60")
    assert found.kinds() == ["early_cause"]
    assert found.text("early_cause").endswith("Q.850 1, which means not_found. It says: Not in use")
    assert (
        diagnose(TRIED + "1 T>A 183 h=Reason:_Q.850;cause=1\n" + GIVES_UP, until="60")
        .text("early_cause")
        .endswith("not_found.")
    )


@pytest.mark.parametrize(
    "reason", ["Q.850;cause=16", "Q.850;cause=127", "X.int;cause=1", "Q.850;text=x", "SIP;cause=487"]
)
def test_a_cause_that_says_nothing_explains_no_announcement(reason: str) -> None:
    assert diagnose(TRIED + f"1 T>A 183 h=Reason:_{reason}\n" + GIVES_UP, until="60").kinds() == []


def test_a_call_that_was_answered_after_all_needs_no_explanation() -> None:
    taken = "9 T>A 200\n9.1 A>T ACK ttag=callee branch=z9hG4bKa\n"
    assert diagnose(TRIED + "1 T>A 183 h=Reason:_Q.850;cause=1\n" + taken).kinds() == []


# Blocked by a network


def test_where_to_complain_is_told() -> None:
    """ATIS-1000099: a 603 whose text begins with v=analytics."""
    text = 'SIP;cause=603;text="v=analytics1;url=https://redress.example.com"'
    found = diagnose(because(603, text), settings(ACME))
    assert (found.kinds(), found.calls["c1"].outcome) == (["network_blocked"], "blocked")
    assert found.text("network_blocked").endswith("v=analytics1;url=https://redress.example.com")


def test_call_info_tells_it_as_well() -> None:
    """RFC 8688 §3.1."""
    found = diagnose(RANG + ends(608, 9, more="h=Call-Info:_<https://block.example.net/complain>;purpose=jwscard"))
    assert "complain>;purpose=jwscard" in found.text("network_blocked")


@pytest.mark.parametrize(
    ("code", "kinds"), [(607, ["network_blocked"]), (608, ["network_blocked"]), (603, []), (433, [])]
)
def test_only_what_says_so_is_blocked_by_a_network(code: int, kinds: list[str]) -> None:
    found = diagnose(RANG + ends(code, 9))
    assert found.kinds() == kinds
    assert not kinds or "names no address for complaints" in found.text("network_blocked")


def test_lines_that_a_network_blocks_are_not_full() -> None:
    blocked = diagnose(because(603, 'SIP;cause=603;text="v=analytics1"', TRIED), settings(ACME))
    assert blocked.kinds() == ["network_blocked"]
