"""503 with Retry-After, and who minds it."""

from __future__ import annotations

import pytest

from sipwatch.classify.families.overload import retry_after
from sipwatch.wire.message import Response
from tests.classify.diagnosing import HUNG_UP, TAKEN, at, diagnose, ends
from tests.conversation import messages

PEACE = "h=Retry-After:_60"


def refused(call: str, start: float, *, more: str = PEACE, hop: str = "A>T", code: int = 503) -> str:
    back = f"{hop[2]}>{hop[0]}"
    return at(start, f"0 {hop} INVITE\n" + ends(code, 0.5, back, more), call=call)


def test_each_call_sent_nevertheless_is_counted_with_its_own_time() -> None:
    found = diagnose(refused("c1", 0) + refused("c2", 10) + refused("c3", 20), until="100")
    assert "wants no more calls for 60 s, until 2026-01-05 09:01:00 UTC" in found.text("overload", "c1")
    assert "sent 9.5 s later, before 2026-01-05 09:01:00 UTC, and refused again" in found.text("overload", "c2")
    assert found.text("overload", "c2").endswith("such calls: 1.")
    assert "sent 19.5 s later, before 2026-01-05 09:01:10 UTC" in found.text("overload", "c3")
    assert found.text("overload", "c3").endswith("such calls: 2.")


@pytest.mark.parametrize(
    "second",
    [
        refused("c2", 70, more=""),
        refused("c2", 10, more="", hop="A>U"),
        refused("c2", 10, more="", hop="B>T"),
        at(5, TAKEN + HUNG_UP, call="well") + refused("c2", 40, more=""),
        refused("c2", 10, more="", code=500),
    ],
    ids=["after its time", "to somebody else", "by somebody else", "after it took a call", "with another code"],
)
def test_nothing_is_said_of_a_call(second: str) -> None:
    assert diagnose(refused("c1", 0) + second, until="200").kinds("c2") == []


def test_503_alone_asks_for_nothing() -> None:
    assert diagnose(refused("c1", 0, more="") + refused("c2", 1, more=""), until="90").kinds("c2") == []


def test_a_call_that_another_one_takes_is_no_matter() -> None:
    first = (
        f"0 A>T INVITE branch=z9hG4bK1\n0.1 T>A 503 branch=z9hG4bK1 {PEACE}\n0.2 A>T ACK ttag=callee branch=z9hG4bK1\n"
    )
    assert (
        diagnose(first + at(1, TAKEN.replace("T>", "U>").replace(">T", ">U").replace("INVIUE", "INVITE"))).kinds() == []
    )


def test_in_a_dialog_it_is_about_the_request() -> None:
    update = f"10 A>T UPDATE ttag=callee cseq=2\n10.1 T>A 503 method=UPDATE cseq=2 {PEACE}\n"
    assert "overload" not in diagnose(TAKEN + update + HUNG_UP.replace("cseq=2", "cseq=3")).kinds()


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("120", 120),
        ("_18000;duration=3600", 18000),
        ("5_(in_a_meeting)", 5),
        ("soon", 0),
        ("-5", 0),
        ("9" * 4000, 0),
        ("", 0),
    ],
)
def test_how_long_is_read_as_the_rfc_writes_it(written: str, wanted: int) -> None:
    (response,) = messages(f"0 T>A 503 h=Retry-After:{written}\n")
    assert isinstance(response, Response)
    assert retry_after(response) == wanted
