"""Calls that go to and fro, and calls that keep coming."""

from __future__ import annotations

import pytest

from tests.classify.diagnosing import TAKEN, Diagnosed, at, diagnose, ends


def rounds(count: int, apart: float = 0.1, *, uri: str = "sip:15550101@x", code: int = 503) -> str:
    """Write a call that P and T send each other under another Call-ID each time; the innermost fails first."""
    script = ""
    for n in range(count):
        hop, back = ("P>T", "T>P") if n % 2 == 0 else ("T>P", "P>T")
        final = count * apart + 1 + (count - n) * 0.01 - n * apart
        script += at(n * apart, f"0 {hop} INVITE\n" + ends(code, final, back), call=f"r{n}", uri=uri)
    return script


def in_order(script: str, until: str = "200") -> Diagnosed:
    return Diagnosed().say(script).until(until).over()


@pytest.mark.parametrize("until", ["2", "200"])
def test_to_and_fro_and_to_again_is_a_circle_and_every_call_of_it_says_so(until: str) -> None:
    """Also where the capture ends in the middle of it."""
    found = in_order(rounds(4), until)
    assert [found.kinds(f"r{n}") for n in range(4)] == [["loop"]] * 4
    assert "15550100 to 15550101 went to and fro between 192.0.2.80 and 192.0.2.84, seen 4 times within 0.3 s" in (
        found.text("loop", "r0")
    )


@pytest.mark.parametrize(
    "script",
    [
        rounds(2),
        rounds(4, apart=2.1),
        "".join(at(0.1 * n, "0 P>T INVITE\n" + ends(503, 0.05), call=f"r{n}") for n in range(4)).replace("T>A", "T>P").replace("A>T", "P>T"),
        rounds(2) + rounds(2, uri="sip:15550102@x").replace("r0", "s0").replace("r1", "s1"),
    ],
    ids=["it comes back once", "each turn takes its time", "all go one way", "the numbers are others"],
)  # fmt: skip
def test_it_is_no_circle_where(script: str) -> None:
    found = in_order(script)
    assert {kind for call in found.calls for kind in found.kinds(call)} <= {"invite_flood"}
    assert not any("loop" in found.kinds(call) for call in found.calls)


def again(
    count: int, apart: float, code: int = 486, *, callee: str = "15550101", hop: str = "A>P", start: float = 0
) -> str:
    back = f"{hop[2]}>{hop[0]}"
    return "".join(
        at(start + apart * n, f"0 {hop} INVITE\n" + ends(code, 0.02, back), call=f"a{start}-{n}", uri=f"sip:{callee.format(n=n)}@x")
        for n in range(count)
    )  # fmt: skip


def floods(script: str) -> int:
    """Return how many calls are told to be part of a flood."""
    found = in_order(script)
    return sum("invite_flood" in found.kinds(call) for call in found.calls)


def test_the_same_call_five_times_a_second_after_each_refusal_is_a_flood() -> None:
    assert floods(again(5, 0.1)) == 5
    found = in_order(again(5, 0.1))
    assert found.text("invite_flood", "a0-0").startswith("192.0.2.65 sent 5 INVITEs to 192.0.2.80 within 0.4 s")


def test_so_is_anything_that_is_kept_out_each_time() -> None:
    assert floods(again(6, 0.1, 403, callee="1555010{n}")) == 6


@pytest.mark.parametrize(
    "script",
    [
        again(4, 0.1),
        again(9, 0.3),
        again(6, 0.1, callee="1555010{n}"),
        again(6, 0.01),
        again(3, 0.1, 403, callee="1555010{n}")
        + at(0.25, "0 A>P INVITE\n0.01 P>A 180\n0.03 P>A 200\n0.04 A>P ACK ttag=callee branch=z9hG4bKw\n", call="well")
        + again(3, 0.1, 403, callee="1555011{n}", start=0.3),
    ],
    ids=["they are few", "there is time between", "a dialler meets busy numbers", "the refusals were not known yet", "a call gets through"],
)  # fmt: skip
def test_it_is_no_flood_where(script: str) -> None:
    assert floods(script) == 0


def test_challenges_that_are_answered_are_no_refusals_however_many() -> None:
    script = ""
    for n in range(8):
        script += at(
            0.05 * n,
            '0 A>P INVITE\n0.01 P>A 407 h=Proxy-Authenticate:_Digest_realm="r"\n0.015 A>P ACK ttag=callee\n'
            "0.02 A>P INVITE cseq=2 h=Proxy-Authorization:_Digest_realm=r\n0.5 P>A 180 cseq=2\n" + "3 P>A 486 cseq=2\n",
            call=f"b{n}",
        )
    assert floods(script) == 0


def test_nothing_is_kept_of_a_call_that_went_well() -> None:
    found = diagnose(TAKEN)
    diagnosis = found.engine.diagnosis
    assert diagnosis is not None
    assert [len(table) for table in (diagnosis.circles.latest, diagnosis.circles.turns, diagnosis.floods.streaks)] == [
        0,
        0,
        0,
    ]
