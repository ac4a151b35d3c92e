"""What a device does with its calls, and whether it was busy when it said so."""

from __future__ import annotations

import pytest

from sipwatch.classify.families.device import MAX_DEVICES, Device
from sipwatch.classify.findings import Evidence
from tests.classify.diagnosing import SITE, Diagnosed, at, diagnose, ends, in_full


def evidence(time: int) -> Evidence:
    return Evidence(time, time, "INVITE x")


def test_a_device_is_known_by_what_it_took_and_how_it_refused() -> None:
    device = Device("101", "192.0.2.12")
    device.took(100)
    for time, outcome in enumerate(("busy", "no_answer", "no_answer")):
        device.refuses(outcome, time, evidence(time), time)
    assert (device.offered, device.answered, device.streak, device.longest) == (4, 1, 3, 3)
    assert (device.since, device.mostly, device.refused) == (0, "no_answer", {"busy": 1, "no_answer": 2})
    device.took(101)
    assert (device.streak, device.longest, device.mostly, device.evidence) == (0, 3, "", [])


def test_mostly_is_about_the_present_streak_and_not_about_all_time() -> None:
    device = Device("101", "192.0.2.12")
    for time in range(10):
        device.refuses("busy", time, evidence(time), time)
    device.took(102)
    device.refuses("not_responding", 20, evidence(20), 20)
    assert (device.mostly, device.since, device.streak, device.longest) == ("not_responding", 20, 1, 10)


def test_the_worst_have_the_longest_streak_then_the_largest_share() -> None:
    streak, share, none = Device("a", ""), Device("b", ""), Device("c", "")
    for call in range(3):
        streak.refuses("busy", 0, evidence(0), call)
    streak.took(103)
    for device in (share, none):
        device.took(104)
    share.refuses("busy", 0, evidence(0), 0)
    assert sorted([none, share, streak], key=lambda device: device.worst, reverse=True) == [streak, share, none]
    assert Device("d", "").worst == (0, 0.0, 0)


def test_devices_fit_into_memory() -> None:
    """A device takes a kilobyte."""
    assert MAX_DEVICES <= 10_000


def test_one_call_that_is_offered_twice_is_one_call_and_the_last_word_counts() -> None:
    device = Device("101", "192.0.2.12")
    device.refuses("no_answer", 1, evidence(1), 7)
    device.refuses("busy", 2, evidence(2), 7)
    assert (device.offered, device.streak, device.refused, device.mostly) == (1, 1, {"busy": 1}, "busy")
    device.refuses("busy", 3, evidence(3), 8)
    assert (device.offered, device.streak, [seen.time for seen in device.evidence]) == (2, 2, [2, 3])


def test_a_call_that_is_refused_and_then_taken_when_it_is_offered_again_was_taken() -> None:
    device = Device("101", "192.0.2.12")
    device.refuses("busy", 1, evidence(1), 6)
    device.refuses("busy", 2, evidence(2), 7)
    device.took(7)
    assert (device.offered, device.answered, device.refused) == (2, 1, {"busy": 1})
    assert (device.streak, device.longest) == (0, 1)


def test_a_call_that_was_taken_is_not_refused_by_another_hop_of_it() -> None:
    device = Device("101", "192.0.2.12")
    device.took(7)
    device.refuses("busy", 2, evidence(2), 7)
    device.took(7)
    assert (device.offered, device.answered, device.refused, device.streak) == (1, 1, {}, 0)


def test_a_phone_of_a_registered_user_is_one_device_whatever_number_rings_there() -> None:
    script = (
        "0 B>P REGISTER call=r callee=101 caller=101 h=Contact:_<sip:101@192.0.2.66> h=Expires:_600\n"
        "0.1 P>B 200 method=REGISTER call=r caller=101 h=Contact:_<sip:101@192.0.2.66> h=Expires:_600\n"
    )
    for place, number in enumerate(("101", "500", "x8d2kf")):
        script += at(5 + place, "0 P>B INVITE\n" + ends(486, 0.1, "B>P"), call=f"o{place}", callee=number)
    found = Diagnosed(SITE).take(in_full(script)).over()
    assert [leg.device for call in found.calls.values() for leg in call.legs] == ["101"] * 3
    assert "Device 101 at" in found.text("refusal_streak", "o2")


# Equal legs: only the phones' side was captured


def rung_in_turn(seconds: float) -> str:
    """Write three calls that a server offers to B, gives up, and gives to C."""
    script = ""
    for place in range(3):
        on = seconds + 0.5
        script += at(
            100 * place,
            f"0 P>B INVITE branch=z9hG4bKb{place}\n0.1 B>P 180 branch=z9hG4bKb{place}\n{seconds} P>B CANCEL branch=z9hG4bKb{place}\n"
            f"{seconds + 0.1} B>P 487 branch=z9hG4bKb{place}\n{seconds + 0.2} P>B ACK ttag=callee branch=z9hG4bKb{place}\n"
            f"{on} P>C INVITE\n{on + 0.1} C>P 180 ttag=c\n{on + 2} C>P 200 ttag=c\n{on + 2.1} P>C ACK ttag=c branch=z9hG4bKc\n"
            f"{on + 20} P>C BYE ttag=c cseq=2\n{on + 20.1} C>P 200 method=BYE cseq=2 ttag=c\n",
            call=f"o{place}",
        )
    return script


@pytest.mark.parametrize(("seconds", "kinds"), [(5, []), (15, ["refusal_streak"])])
def test_a_phone_that_was_given_up_for_the_next_has_missed_a_call_only_if_it_rang_long_enough(
    seconds: float, kinds: list[str]
) -> None:
    found = diagnose(rung_in_turn(seconds), SITE, until="400")
    assert [kind for kind in found.kinds("o2") if kind == "refusal_streak"] == kinds


# Busy

TOOK = (
    "0 P>B INVITE\n0.1 B>P 180\n3 B>P 200\n3.1 P>B ACK ttag=callee branch=z9hG4bKa\n"
    "10 P>B BYE\n10.1 B>P 200 method=BYE cseq=2\n"
)
BUSY = "0 P>B INVITE\n" + ends(486, 0.1, "B>P")
INSIDE = (
    "0 C>P INVITE\n0.1 P>B INVITE vias=2\n0.2 B>P 180 vias=2\n0.3 P>C 180\n3 B>P 200 vias=2\n3.1 P>C 200\n"
    "3.2 C>P ACK ttag=callee branch=z9hG4bKa\n3.3 P>B ACK ttag=callee branch=z9hG4bKb vias=2\n"
)


def busy(script: str) -> list[str]:
    """Return what is said of a call at 30 s to which B answers busy, by the first words that tell it."""
    found = diagnose(script + at(30, BUSY, call="busy"), SITE, until="200")
    texts = [finding.text for finding in found.findings("busy") if finding.kind == "idle_busy"]
    return ["no call" if "no call that was seen" in text else "internal" for text in texts]


def test_a_phone_whose_calls_are_seen_says_busy_without_one() -> None:
    assert busy(at(0, TOOK, call="took")) == ["no call"]


def test_a_phone_on_an_internal_call_is_told_apart() -> None:
    assert busy(at(0, TOOK, call="took") + at(15, INSIDE, call="inside")) == ["internal"]


@pytest.mark.parametrize(
    "before",
    [
        "",
        at(0, TOOK.split("10 P>B", maxsplit=1)[0], call="took"),
        at(0, TOOK, call="took") + at(20, "0 P>B INVITE\n0.1 B>P 180\n", call="rings"),
        at(0, TOOK, call="took") + at(20, "0 B>P INVITE\n0.1 P>B 100\n", call="dials"),
    ],
    ids=["no call of it was seen", "it is on a call from outside", "it rings", "it dials"],
)
def test_nothing_is_said_of_a_busy_phone_where(before: str) -> None:
    assert busy(before) == []


def test_who_has_left_a_ring_group_is_in_no_call_of_it() -> None:
    """C has taken it; B is free, and neither with A nor busy because of that."""
    group = (
        "0 A>P INVITE\n0.1 P>B INVITE vias=2\n0.1 P>C INVITE vias=2\n1 B>P 180 vias=2\n1 C>P 180 vias=2 ttag=c\n1.1 P>A 180\n"
        "3 C>P 200 vias=2 ttag=c\n3.1 P>A 200 ttag=c\n3.2 A>P ACK ttag=c branch=z9hG4bKa\n3.3 P>C ACK ttag=c branch=z9hG4bKb vias=2\n"
        "3.4 P>B CANCEL vias=2\n3.5 B>P 487 vias=2\n3.6 P>B ACK vias=2 ttag=callee\n"
    )
    assert busy(at(0, TOOK, call="took") + at(15, group, call="group")) == ["no call"]


def test_a_phone_that_rang_before_it_said_busy_was_told_to() -> None:
    script = at(0, TOOK, call="took") + at(30, "0 P>B INVITE\n1 B>P 180\n" + ends(486, 4, "B>P"), call="busy")
    assert "idle_busy" not in diagnose(script, SITE, until="200").kinds("busy")


def test_no_call_is_remembered_once_it_is_over() -> None:
    found = diagnose(at(0, TOOK, call="took") + at(20, INSIDE, call="inside") + at(30, BUSY, call="busy"), SITE)
    assert found.engine.diagnosis is not None
    assert found.engine.diagnosis.devices._calls == {}
