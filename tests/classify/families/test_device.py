"""What a device does with its calls, and whether it was busy when it said so."""

from __future__ import annotations

from sipwatch.classify.families.device import MAX_DEVICES, Device
from sipwatch.classify.findings import Evidence


def evidence(time: int) -> Evidence:
    return Evidence(time, time, "INVITE x")


def test_a_device_is_known_by_what_it_took_and_how_it_refused() -> None:
    device = Device("101", "192.0.2.12")
    device.took()
    for time, outcome in enumerate(("busy", "no_answer", "no_answer")):
        device.refuses(outcome, time, evidence(time), time)
    assert (device.offered, device.answered, device.streak, device.longest) == (4, 1, 3, 3)
    assert (device.since, device.mostly, device.refused) == (0, "no_answer", {"busy": 1, "no_answer": 2})
    device.took()
    assert (device.streak, device.longest, device.mostly, device.evidence) == (0, 3, "", [])


def test_mostly_is_about_the_present_streak_and_not_about_all_time() -> None:
    device = Device("101", "192.0.2.12")
    for time in range(10):
        device.refuses("busy", time, evidence(time), time)
    device.took()
    device.refuses("not_responding", 20, evidence(20), 20)
    assert (device.mostly, device.since, device.streak, device.longest) == ("not_responding", 20, 1, 10)


def test_the_worst_have_the_longest_streak_then_the_largest_share() -> None:
    streak, share, none = Device("a", ""), Device("b", ""), Device("c", "")
    for call in range(3):
        streak.refuses("busy", 0, evidence(0), call)
    streak.took()
    for device in (share, none):
        device.took()
    share.refuses("busy", 0, evidence(0), 0)
    assert sorted([none, share, streak], key=lambda device: device.worst, reverse=True) == [streak, share, none]
    assert Device("d", "").worst == (0, 0.0, 0)


def test_devices_fit_into_memory() -> None:
    """A device takes a kilobyte."""
    assert MAX_DEVICES <= 10_000
