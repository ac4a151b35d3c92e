"""Requests too large for a datagram: unanswered where smaller ones are answered, and where nothing of that is said."""

from __future__ import annotations

import pytest

from tests.classify.diagnosing import HUNG_UP, REPEATS, TAKEN, Diagnosed, at, diagnose, ends, sent
from tests.conversation import messages

PAD = f"h=Subject:_{'x' * 1300}"
LARGE = sent(REPEATS, "A>T", f"INVITE {PAD}")
PING = "0 A>T OPTIONS\n0.1 T>A 200 method=OPTIONS\n"


def test_a_large_request_that_nobody_answers_while_pings_are_answered() -> None:
    found = diagnose(LARGE + at(10, PING, call="p"), until="90")
    assert found.kinds() == ["oversize_udp"]
    assert "was sent 7 times and nothing came back, while 192.0.2.84 answers smaller requests" in found.text(
        "oversize_udp"
    )


def test_a_smaller_request_of_the_same_call_just_before_is_enough() -> None:
    challenged = '0 A>T INVITE\n0.1 T>A 407 h=Proxy-Authenticate:_Digest_realm="r"\n0.2 A>T ACK ttag=callee\n'
    large = sent([0.3 + gone for gone in REPEATS], "A>T", f"INVITE cseq=2 h=Proxy-Authorization:_Digest_realm=r {PAD}")
    assert diagnose(challenged + large, until="90").kinds() == ["oversize_udp"]


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (LARGE, "nothing else was answered"),
        (at(10, LARGE, call="c1") + at(0, PING, call="p"), "what was answered before may have died since"),
        (LARGE.replace(PAD, "") + at(10, PING, call="p"), "it was small"),
        (
            at(100, LARGE, call="c1") + at(110, PING, call="p")
            + at(0, TAKEN.replace("INVITE", f"INVITE {PAD}") + HUNG_UP, call="before"),
            "another large one was answered",
        ),
        (sent((0, 0.5), "A>T", f"INVITE {PAD}") + at(10, PING, call="p"), "its sender stopped, so it heard something"),
    ],
    ids=lambda value: value if " " in value and "\n" not in value else "",
)  # fmt: skip
def test_nothing_is_said_where(script: str, why: str) -> None:
    assert "oversize_udp" not in diagnose(script, until="300").kinds(), why


def test_a_request_in_fragments_is_large_whatever_its_size() -> None:
    found = Diagnosed()
    for message in messages(
        sent(REPEATS, "A>T", "INVITE") + "10 A>T OPTIONS call=p\n10.1 T>A 200 method=OPTIONS call=p\n"
    ):
        message.fragmented = message.cseq_method == "INVITE"
        found.take([message])
    assert found.until("90").over().kinds() == ["oversize_udp"]


def test_513_needs_no_other_proof() -> None:
    assert diagnose(f"0 A>T INVITE {PAD}\n" + ends(513, 0.1)).kinds() == ["oversize_udp"]
