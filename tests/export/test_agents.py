"""The figures of agents, each counted by hand."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sipwatch.classify.roster import Roster, RosterEntry
from sipwatch.export import agents as module
from sipwatch.export.agents import AgentFigures, AgentRecord, together
from sipwatch.export.intervals import By
from sipwatch.export.offers import MAX_ADDRESSES
from tests.classify.diagnosing import SITE, at, diagnose, ends
from tests.export.records import START, call, leg
from tests.export.records import at as moment_at
from tests.replay import replay

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sipwatch.export.record import CallRecord

PCAPS = Path(__file__).resolve().parents[2] / "pcaps"
COUNTS = (
    "offered", "taken", "busy", "declined", "rang_out", "not_alerted", "gave_up", "elsewhere",
)  # fmt: skip


def agents(calls: Iterable[CallRecord], *given: Any, **more: Any) -> list[AgentRecord]:
    found = AgentFigures(*given, **more)
    for one in calls:
        found.add(one)
    return found.records()


def counts(record: AgentRecord) -> dict[str, int]:
    """Return what is not 0."""
    names = (*COUNTS, "idle_busy", "other")
    return {name: getattr(record, name) for name in names if getattr(record, name)}


# The demo, counted by hand

# Counted in the packets, phone by phone: INVITEs without To tag from 198.51.100.10 to it, by Call-ID (offered); what it
# sent for them: 200 (taken), 486 (busy), 603 (declined), 480 after 180 (rang out), 480 without 180, or nothing at all
# (not alerted); and CANCEL to it: with Reason SIP;cause=200 (elsewhere), less than 30 s after its 180 (gave up), later
# (rang out). Then how many in a row it did not take, at the end and at most, and the seconds from 180 to 200 together.
DEMO = """
phone         offered taken busy declined rang_out not_alerted gave_up elsewhere  streak longest  seconds
192.0.2.101   25      14    2    0        1        1           1       6          1      1        120.356462
192.0.2.102   19      10    0    0        1        0           2       6          0      1        97.131365
192.0.2.103   13      6     3    1        1        0           1       1          0      3        48.238950
192.0.2.104   26      14    1    1        2        0           2       6          1      1        76.450894
192.0.2.105   20      8     3    1        0        1           0       7          1      2        77.024271
192.0.2.106   18      11    0    1        1        0           1       4          0      1        101.845905
192.0.2.107   20      6     3    0        3        1           3       4          2      5        53.935652
192.0.2.108   24      11    2    1        0        1           1       8          0      2        104.230560
192.0.2.109   31      14    1    1        4        1           0       10         0      2        97.123343
192.0.2.110   18      8     1    1        1        1           0       6          0      2        71.045281
192.0.2.111   21      6     1    1        1        0           4       8          3      3        68.882924
192.0.2.112   8       0     1    1        0        0           0       6          2      2        0
192.0.2.150   6       0     0    0        0        6           0       0          6      6        0
"""
DEMO_NUMBERS = {f"192.0.2.{101 + place}": f"15555550{100 + place}" for place in range(12)}
DEMO_NUMBERS["192.0.2.150"] = "15555550199"


def demo() -> list[CallRecord]:
    return replay(PCAPS / "demo.pcap", config=(PCAPS / "demo.toml").read_text()).calls


def test_the_demos_agents_are_as_counted_by_hand() -> None:
    records = agents(demo())
    found = {record.addresses[0]: record for record in records}
    assert len(records) == len(found) == 13
    for row in DEMO.strip().splitlines()[1:]:
        phone, *figures = row.split()
        record = found[phone]
        assert (record.device, record.addresses) == (DEMO_NUMBERS[phone], [phone])
        assert [getattr(record, name) for name in COUNTS] == [int(figure) for figure in figures[:8]], phone
        assert (record.streak, record.longest) == (int(figures[8]), int(figures[9])), phone
        assert record.answer_seconds.seconds == pytest.approx(float(figures[10])), phone
        assert (record.answers, record.other) == (record.taken, 0)


def test_the_two_shares_leave_out_what_nobody_can_help_in_one_of_them() -> None:
    """Of 20: 6 taken, 3 callers gave up, 4 taken elsewhere: 6 of 20, and 6 of 13."""
    (busiest,) = [record for record in agents(demo()) if record.device == "15555550106"]
    assert (busiest.share, busiest.fair_share) == (0.3, round(6 / 13, 6))


def test_whatever_the_interval_the_demos_sums_are_the_same() -> None:
    whole = agents(demo())
    for by in (By.HOUR, By.DAY):
        parts = agents(demo(), by)
        for name in COUNTS:
            assert sum(getattr(part, name) for part in parts) == sum(getattr(one, name) for one in whole)
        assert {part.interval for part in parts} == {"2026-01-05 09:00 UTC" if by is By.HOUR else "2026-01-05"}


# Situations

RANG = "0 P>B INVITE callee=101\n0.1 B>P 180\n"
TAKEN = RANG + "3.1 B>P 200\n3.2 P>B ACK ttag=callee branch=z9hG4bKa\n10 P>B BYE\n10.1 B>P 200 method=BYE cseq=2\n"
REFUSED = "0 P>B INVITE callee=101\n" + ends(486, 0.1, "B>P")
GIVEN_UP = RANG + "12 P>B CANCEL\n12.1 B>P 487\n12.2 P>B ACK ttag=callee\n"


def told(script: str, **more: Any) -> dict[str, AgentRecord]:
    """Return the figures of a conversation by device."""
    calls = diagnose(script, SITE, until="2000").calls.values()
    return {record.device: record for record in agents(calls, **more)}


def test_an_offer_that_the_caller_cancelled_appears_and_is_nobodys_fault() -> None:
    found = told(at(0, TAKEN, call="a") + at(20, GIVEN_UP, call="b") + at(60, GIVEN_UP, call="c"))["101"]
    assert counts(found) == {"offered": 3, "taken": 1, "gave_up": 2}
    assert (found.share, found.fair_share) == (round(1 / 3, 6), 1.0)
    assert (found.streak, found.longest) == (0, 0)


def test_one_whose_callers_all_gave_up_has_no_fair_share_at_all() -> None:
    found = told(GIVEN_UP)["101"]
    assert (found.share, found.fair_share) == (0.0, None)


def test_three_486_from_an_idle_device_are_busy_while_idle() -> None:
    script = at(0, TAKEN, call="a") + "".join(at(60 * place, REFUSED, call=f"b{place}") for place in (1, 2, 3))
    found = told(script)["101"]
    assert counts(found) == {"offered": 4, "taken": 1, "busy": 3, "idle_busy": 3}
    assert (found.streak, found.longest) == (3, 3)


def test_a_486_during_a_call_is_busy_and_not_while_idle() -> None:
    up = TAKEN.replace("10 P>B BYE", "100 P>B BYE").replace("10.1 B>P", "100.1 B>P")
    assert counts(told(at(0, up, call="a") + at(30, REFUSED, call="b"))["101"]) == {"offered": 2, "taken": 1, "busy": 1}


def test_of_a_group_that_rings_together_one_takes_it_and_nobody_else_refused() -> None:
    """Three phones ring; B takes it after 3 s, and the server cancels the other two."""
    script = RANG
    for phone, number in (("C", 102), ("D", 103)):
        script += (
            f"0.05 P>{phone} INVITE callee={number}\n0.2 {phone}>P 180 ttag={phone}\n3.2 P>{phone} CANCEL callee={number}\n"
            f"3.3 {phone}>P 487 ttag={phone}\n3.4 P>{phone} ACK ttag={phone} callee={number}\n"
        )
    script += "3.1 B>P 200\n3.15 P>B ACK ttag=callee branch=z9hG4bKa\n"
    found = told(script)
    assert counts(found["101"]) == {"offered": 1, "taken": 1}
    assert counts(found["102"]) == counts(found["103"]) == {"offered": 1, "elsewhere": 1}
    assert (found["102"].share, found["102"].fair_share) == (0.0, None)


def test_a_call_that_is_asked_for_again_with_credentials_is_offered_once() -> None:
    script = (
        "0 P>B INVITE callee=101\n0.1 B>P 401 h=WWW-Authenticate:_Digest_realm=x,nonce=y\n0.15 P>B ACK ttag=callee\n"
        "0.2 P>B INVITE callee=101 cseq=2 h=Authorization:_Digest_realm=x\n0.3 B>P 180 cseq=2\n2.3 B>P 200 cseq=2\n"
    )
    found = told(script)["101"]
    assert counts(found) == {"offered": 1, "taken": 1}
    assert (found.answers, found.answer_seconds.seconds) == (1, 2.0)


def test_hunting_asks_each_in_turn_and_the_same_again_without_counting_twice() -> None:
    """B is busy, C rings for 12 s, B is asked again and declines, D takes it."""
    script = (
        "0 P>B INVITE callee=101 branch=z9hG4bK1\n0.1 B>P 486 branch=z9hG4bK1\n0.15 P>B ACK branch=z9hG4bK1 ttag=callee\n"
        "0.2 P>C INVITE callee=102\n0.3 C>P 180 ttag=c\n12.3 P>C CANCEL callee=102\n12.4 C>P 487 ttag=c\n12.5 P>C ACK ttag=c callee=102\n"
        "12.6 P>B INVITE callee=101 branch=z9hG4bK2\n12.7 B>P 603 branch=z9hG4bK2 ttag=b2\n12.75 P>B ACK branch=z9hG4bK2 ttag=b2\n"
        "12.8 P>D INVITE callee=103\n12.9 D>P 180 ttag=d\n14.9 D>P 200 ttag=d\n15 P>D ACK ttag=d branch=z9hG4bKa\n"
    )
    found = told(script)
    assert counts(found["101"]) == {"offered": 1, "declined": 1}
    assert counts(found["102"]) == {"offered": 1, "rang_out": 1}
    assert counts(found["103"]) == {"offered": 1, "taken": 1}


def test_a_phone_passed_over_at_once_for_the_next_refused_nothing() -> None:
    script = RANG + (
        "4 P>B CANCEL callee=101\n4.1 B>P 487\n4.2 P>B ACK ttag=callee\n"
        "4.3 P>C INVITE callee=102\n4.4 C>P 180 ttag=c\n6.4 C>P 200 ttag=c\n"
    )
    assert counts(told(script)["101"]) == {"offered": 1, "elsewhere": 1}


def test_two_devices_of_one_agent_are_offered_a_call_together_once() -> None:
    """The softphone is off, the desk phone is answered: that the other was silent is no refusal."""
    script = RANG + "0 P>C INVITE callee=101\n3.1 B>P 200\n3.2 P>B ACK ttag=callee branch=z9hG4bKa\n"
    found = told(script, roster=Roster([RosterEntry("101", "Anna", "Sales")]))
    assert counts(found["101"]) == {"offered": 1, "taken": 1}
    assert (found["101"].name, found["101"].group) == ("Anna", "Sales")
    assert sorted(found["101"].addresses) == ["192.0.2.66", "192.0.2.67"]


def test_a_number_that_rings_at_several_addresses_is_a_groups_and_the_addresses_are_the_devices() -> None:
    script = (
        "0 P>B INVITE callee=500\n0 P>C INVITE callee=500\n0.1 B>P 180\n0.2 C>P 180 ttag=c\n3.1 B>P 200\n"
        "3.2 P>B ACK ttag=callee branch=z9hG4bKa\n3.3 P>C CANCEL callee=500\n3.4 C>P 487 ttag=c\n"
    )
    found = told(script)
    assert counts(found["192.0.2.66"]) == {"offered": 1, "taken": 1}
    assert counts(found["192.0.2.67"]) == {"offered": 1, "elsewhere": 1}


def test_a_group_of_registered_phones_is_those_of_their_users() -> None:
    group = [
        leg(offered=how, callee="500", device=user, destination_address=f"192.0.2.{place}:5060")
        for place, user, how in ((66, "101", "taken"), (67, "102", "elsewhere"))
    ]
    assert [(one.device, counts(one)) for one in agents([call(legs=group)])] == [
        ("101", {"offered": 1, "taken": 1}),
        ("102", {"offered": 1, "elsewhere": 1}),
    ]


def test_figures_are_added_up_and_shares_made_of_the_sums() -> None:
    """2 taken of 5 offers: 40 %, of 3 without who gave up and what another took: 67 %. Whose they are is in no sum."""
    words = ("taken", "taken", "gave_up", "elsewhere", "idle_busy")
    hops = [
        leg(offered=how, device=f"20{n % 2}", started=moment_at(n), alerted=moment_at(n + 1), settled=moment_at(n + 3))
        for n, how in enumerate(words)
    ]
    found = agents([call(legs=[one]) for one in hops])
    whole = together(found)
    assert [one.device for one in found] == ["200", "201"]
    assert (whole.offered, counts(whole)) == (
        5,
        {"offered": 5, "taken": 2, "busy": 1, "idle_busy": 1, "gave_up": 1, "elsewhere": 1},
    )
    assert (whole.share, whole.fair_share) == (0.4, 0.666667)
    assert (whole.answers, whole.answer_seconds, whole.median_answer_seconds) == (2, 4 * 10**9, None)
    assert (whole.first, whole.last, whole.device, whole.addresses) == (moment_at(0), moment_at(4), "", [])


def test_the_sum_of_one_is_what_it_has_and_that_of_nothing_has_no_shares() -> None:
    (one,) = agents(
        [call(legs=[leg(offered="busy", device="201")]), call(legs=[leg(offered="idle_busy", device="201")])]
    )
    assert counts(together([one])) == counts(one) == {"offered": 2, "busy": 2, "idle_busy": 1}
    assert (together([]).offered, together([]).share, together([]).fair_share) == (0, None, None)


def test_who_stands_at_an_address_has_what_was_counted_before_that_was_known() -> None:
    group = [
        leg(offered=how, callee="500", destination_address=f"192.0.2.{place}:5060")
        for place, how in ((66, "taken"), (67, "elsewhere"))
    ]
    own = leg(offered="busy", callee="101", destination_address="192.0.2.66:5060", started=moment_at(60))
    (b,) = [one for one in agents([call(legs=group), call(legs=[own])]) if one.device == "101"]
    assert counts(b) == {"offered": 2, "taken": 1, "busy": 1}
    other = leg(offered="busy", callee="102", destination_address="192.0.2.66:5060")
    several = agents([call(legs=group), call(legs=[own]), call(legs=[other])])
    assert sorted(one.device for one in several) == ["101", "102", "192.0.2.66", "192.0.2.67"]


# One call, many words


@pytest.mark.parametrize(
    ("words", "counted"),
    [
        (("rang_out", "taken"), "taken"),
        (("taken", "not_alerted"), "taken"),
        (("busy", "declined"), "declined"),
        (("declined", "gave_up"), "gave_up"),
        (("gave_up", "not_alerted"), "gave_up"),
        (("elsewhere", "other"), "elsewhere"),
        (("other", "not_alerted"), "not_alerted"),
    ],
)
def test_of_several_hops_to_one_agent_the_last_that_says_much_counts(words: tuple[str, str], counted: str) -> None:
    hops = [leg(offered=how, callee="101", settled=moment_at(place)) for place, how in enumerate(words)]
    for legs in (hops, hops[::-1]):
        (one,) = agents([call(legs=legs)])
        assert counts(one) == {"offered": 1, counted: 1}


def test_a_call_is_in_the_interval_in_which_it_was_offered_first() -> None:
    late = [leg(offered="rang_out", started=moment_at(3590)), leg(offered="taken", started=moment_at(3610))]
    for legs in (late, late[::-1]):
        (one,) = agents([call(legs=legs)], By.HOUR)
        assert (one.interval, one.begins) == ("2026-01-05 09:00 UTC", START)


# Order and bounds


def test_agents_stand_by_group_and_name_and_those_without_a_name_come_last() -> None:
    roster = Roster(
        [RosterEntry("103", "Ben", "Sales"), RosterEntry("102", "Anna", "Sales"), RosterEntry("104", "Zoe", "Billing")]
    )
    calls = [call(legs=[leg(offered="taken", callee=number)]) for number in ("101", "102", "103", "104")]
    assert [one.name or one.device for one in agents(calls, roster=roster)] == ["Zoe", "Anna", "Ben", "101"]


def test_one_agent_in_two_notations_is_one() -> None:
    roster = Roster([RosterEntry("+49 30 1234567", "Anna")], "DE")
    calls = [call(legs=[leg(offered="busy", callee=number)]) for number in ("0301234567", "+49301234567")]
    (one,) = agents(calls, roster=roster)
    assert (one.device, one.offered) == ("+49 30 1234567", 2)


def test_what_finds_no_room_is_counted_and_what_is_shown_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ROWS", 2)
    found = AgentFigures(By.ALL, UTC)
    for number in ("101", "102", "103", "101", "104"):
        found.add(call(legs=[leg(offered="taken", callee=number)]))
    assert [(one.device, one.offered) for one in found.records()] == [("101", 2), ("102", 1)]
    assert found.left_out == 2


def test_names_as_long_as_a_message_and_addresses_without_end_are_cut() -> None:
    long = [
        call(legs=[leg(offered="taken", callee="1" * 60_000, destination_address=f"192.0.2.{place}:5060")])
        for place in range(2 * MAX_ADDRESSES)
    ]
    (one,) = agents(long)
    assert (len(one.device), len(one.addresses)) == (120, MAX_ADDRESSES)


def test_calls_that_no_device_was_offered_make_no_agent() -> None:
    assert agents([call(), call("answered")]) == []
