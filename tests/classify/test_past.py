"""What a diagnosis remembers of earlier calls, and what it forgets."""

from __future__ import annotations

import pytest

from sipwatch.classify.findings import MOST_EVIDENCE, Evidence
from sipwatch.classify.past import (
    MOST_DEVICES,
    MOST_HEARD,
    MOST_IDS,
    PAST_CALLS,
    RECENT_CALLS,
    Device,
    Jump,
    Numbers,
    Silences,
    Table,
    Trunk,
    counts,
)
from sipwatch.wire.message import Path, Response, Transport
from tests.conversation import messages, path

SECOND = 1_000_000_000


def evidence(time: int) -> Evidence:
    return Evidence(time, time, "INVITE x")


# Tables


def test_a_full_table_forgets_what_was_touched_longest_ago_and_counts_it() -> None:
    table: Table[str] = Table(2)
    table.put("a", "1")
    table.put("b", "2")
    assert table.get("a") == "1"  # looking is no touching
    assert table.touch("a") == "1"
    table.put("c", "3")
    assert (table.get("a"), table.get("b"), table.get("c")) == ("1", None, "3")
    assert (len(table), table.evicted) == (2, 1)
    assert list(table.values()) == ["1", "3"]


def test_setting_an_entry_again_evicts_nobody() -> None:
    table: Table[str] = Table(2)
    for value in "xyz":
        table.put("a", value)
        table.put("b", value)
    assert (len(table), table.evicted, table.get("a")) == (2, 0, "z")
    table.drop("a")
    table.drop("a")
    assert (len(table), table.touch("a")) == (1, None)
    table.clear()
    assert (len(table), table.evicted) == (0, 1)


def test_only_tables_that_gave_up_something_are_counted_as_such() -> None:
    full: Table[int] = Table(1)
    full.put(1, 1)
    full.put(2, 2)
    assert counts({"full": full, "empty": Table(1)}) == ({"full": 1, "empty": 0}, {"full": 1})


# Silent ends

X = "192.0.2.88:5060"


def test_requests_without_a_response_add_up_in_a_row() -> None:
    silences = Silences()
    first = silences.silent(X, 5, evidence(5))
    assert first is not None
    assert (first.requests, first.since) == (1, 5)
    second = silences.silent(X, 9, evidence(9))
    assert second is not None
    assert (second.requests, second.since, [seen.time for seen in second.evidence]) == (2, 5, [5, 9])


def test_a_response_in_between_breaks_the_row_and_a_later_one_ends_it() -> None:
    silences = Silences()
    silences.silent(X, 5, evidence(5))
    silences.heard(path("X", "A"), 7)
    again = silences.silent(X, 9, evidence(9))
    assert again is not None
    assert (again.requests, again.since) == (1, 9)
    silences.heard(path("X", "A"), 12)
    assert silences.silent(X, 11, evidence(11)) is None
    assert len(silences.table) == 0


def test_another_port_and_another_address_are_other_ends() -> None:
    silences = Silences()
    silences.silent(X, 5, evidence(5))
    silences.heard(path("X", "A", sport=5070), 7)
    silences.heard(path("Y", "A"), 7)
    again = silences.silent(X, 9, evidence(9))
    assert again is not None
    assert again.requests == 2


def test_an_end_that_was_answered_for_is_not_silent() -> None:
    """From another address of its own, say; the tracker knows."""
    silences = Silences()
    silences.silent(X, 5, evidence(5))
    silences.answered(X)
    again = silences.silent(X, 9, evidence(9))
    assert again is not None
    assert again.requests == 1


def test_whether_responses_to_somebody_are_captured_at_all_is_known() -> None:
    silences = Silences()
    assert not silences.captured(path("A", "X").source_address)
    silences.heard(path("Y", "A"), 7)
    assert silences.captured(path("A", "X").source_address)
    assert not silences.captured(path("B", "X").source_address)


def test_of_many_requests_the_first_and_the_latest_are_shown() -> None:
    silences = Silences()
    for time in range(100):
        silence = silences.silent(X, time, evidence(time))
    assert silence is not None
    assert (silence.requests, len(silence.evidence)) == (100, MOST_EVIDENCE)
    assert [seen.time for seen in silence.evidence] == [0, *range(100 - MOST_EVIDENCE + 1, 100)]


def test_who_was_heard_is_bounded_and_forgetting_it_calls_nobody_silent() -> None:
    silences = Silences()
    silences.silent(X, 5, evidence(5))
    for number in range(MOST_HEARD + 1):
        silences.heard(Path(number.to_bytes(4, "big") + bytes(8), Transport.UDP), 7)
    assert len(silences._heard) == 1
    again = silences.silent(X, 9, evidence(9))
    assert again is not None
    assert again.requests == 1  # the row began anew
    assert silences.table.evicted == 1


# Trunks


def response(code: int = 480, time: int = 0) -> Response:
    (message,) = messages(f"{time} T>A {code}\n")
    assert isinstance(message, Response)
    return message


def run(trunk: Trunk, outcome: str, count: int, start: int = 0) -> list[Jump | None]:
    """Let so many calls to different numbers end alike, a second apart."""
    return [trunk.verdict(outcome, b"1555%07d" % (start + n), response(time=start + n)) for n in range(count)]


def healthy(count: int = 20) -> Trunk:
    trunk = Trunk()
    assert run(trunk, "answered", count) == [None] * count
    return trunk


def test_a_failure_of_8_in_10_against_a_healthy_past_is_a_jump() -> None:
    found = run(healthy(), "unavailable", 9, 100)
    assert found[:7] == [None] * 7
    eighth, ninth = found[7], found[8]
    assert eighth is not None
    assert (eighth.share, eighth.before, eighth.calls) == (0.8, 0.0, 8)
    assert eighth.since == response(time=100).time
    assert [seen.what for seen in eighth.evidence] == ["480 Temporarily Unavailable"] * 8
    assert ninth is not None
    assert (ninth.share, ninth.calls, ninth.since) == (0.9, 9, eighth.since)


def test_7_in_10_are_none() -> None:
    trunk = healthy()
    for start in range(0, 60, 10):
        assert run(trunk, "unavailable", 7, 100 + start) == [None] * 7
        assert run(trunk, "answered", 3, 107 + start) == [None] * 3


@pytest.mark.parametrize(("before", "jumps"), [(PAST_CALLS - 1, False), (PAST_CALLS, True)])
def test_a_trunk_without_a_past_has_not_changed(before: int, jumps: bool) -> None:
    """Of the ten latest eight fail; what was before them has to be ten calls at least."""
    trunk = healthy(before + 2)
    assert any(run(trunk, "unavailable", 8, 100)) is jumps


@pytest.mark.parametrize(("failed", "jumps"), [(2, True), (3, False)])
def test_a_trunk_that_always_failed_so_often_has_not_changed_either(failed: int, jumps: bool) -> None:
    """A fifth of the past at the most."""
    trunk = Trunk()
    run(trunk, "unavailable", failed)
    run(trunk, "answered", PAST_CALLS - failed + 2, 50)
    assert any(run(trunk, "unavailable", 8, 100)) is jumps


def test_one_dead_number_dialled_all_day_says_nothing_of_the_trunk() -> None:
    trunk = healthy()
    assert not any(trunk.verdict("unavailable", b"1555%07d" % (n % 4), response(time=n)) for n in range(20))
    trunk = healthy()
    assert any(trunk.verdict("unavailable", b"1555%07d" % (n % 5), response(time=n)) for n in range(20))


@pytest.mark.parametrize("outcome", ["busy", "no_answer", "declined", "abandoned", "blocked", "congested", "answered"])
def test_what_people_do_is_no_fault_of_a_trunk(outcome: str) -> None:
    """And for full lines there is a finding of its own."""
    assert not any(run(healthy(), outcome, 20, 100))


@pytest.mark.parametrize("outcome", ["redirected", "answered_elsewhere", "unfinished"])
def test_what_says_nothing_is_not_counted(outcome: str) -> None:
    trunk = healthy()
    run(trunk, outcome, 50, 100)
    assert any(run(trunk, "forbidden", 8, 200))


def test_a_run_is_no_past_of_itself_and_ends_when_calls_get_through_again() -> None:
    trunk = healthy()
    long = run(trunk, "server_error", 100, 100)
    assert all(jump is not None and jump.before == 0 for jump in long[7:])
    assert run(trunk, "answered", 3, 200) == [None] * 3
    assert run(trunk, "server_error", 1, 210) == [None]


def test_an_old_past_fades_so_that_a_trunk_is_held_against_its_lately() -> None:
    """2,000 bad calls last year, 1,000 good ones since: it has changed if it is bad again."""
    trunk = Trunk()
    run(trunk, "not_responding", 2000)
    run(trunk, "answered", 3000, 3000)
    assert any(run(trunk, "not_responding", 8, 7000))
    assert trunk._calls < 1100


def test_calls_that_are_up_are_counted_and_their_most_remembered() -> None:
    trunk = Trunk()
    for _ in range(3):
        trunk.answered()
    trunk.ended()
    assert (trunk.up, trunk.most_up) == (2, 3)
    for _ in range(5):
        trunk.ended()
    assert trunk.up == 0


def test_what_183_is_ahead_typically_is_the_median_of_the_latest() -> None:
    trunk = Trunk()
    assert trunk.typical_early() == 0
    trunk.early.extend([9 * SECOND, 9 * SECOND, 12 * SECOND])
    assert trunk.typical_early() == 9 * SECOND
    trunk.early.extend([2 * SECOND] * 60)
    assert (trunk.typical_early(), len(trunk.early)) == (2 * SECOND, 50)


# Numbers

ID = (b"c1", b"tag", 7)


def numbers() -> tuple[Numbers, Trunk]:
    return Numbers("GB"), Trunk()


def test_a_number_that_failed_is_cured_by_another_spelling_that_is_answered() -> None:
    known, trunk = numbers()
    assert known.fails(trunk, b"02079460142", response(404, 1), ID) is None
    (cure,) = known.answers(trunk, b"442079460142", response(200, 2))
    assert (cure.failed, cure.worked, cure.difference) == (b"02079460142", b"442079460142", "0->44")
    assert [seen.what for seen in cure.evidence] == ["404 Not Found", "200 OK"]
    assert (cure.calls, cure.ids) == (1, [ID])
    assert known.answers(trunk, b"442079460142", response(200, 3)) == []  # told once


def test_or_by_one_that_was_answered_before() -> None:
    known, trunk = numbers()
    assert known.answers(trunk, b"442079460142", response(200, 1)) == []
    cure = known.fails(trunk, b"02079460142", response(404, 2), ID)
    assert cure is not None
    assert (cure.failed, cure.worked, cure.calls) == (b"02079460142", b"442079460142", 1)


def test_every_call_that_failed_counts_and_the_first_are_named() -> None:
    known, trunk = numbers()
    for call in range(9):
        known.fails(trunk, b"02079460142", response(404, call), (b"%d" % call, b"", call))
    (cure,) = known.answers(trunk, b"442079460142", response(200, 20))
    assert (cure.calls, len(cure.ids), cure.ids[0]) == (9, MOST_IDS, (b"0", b"", 0))


def test_two_wrong_spellings_are_two_findings() -> None:
    known, trunk = numbers()
    known.fails(trunk, b"02079460142", response(404, 1), ID)
    known.fails(trunk, b"0044 2079460142", response(404, 1), ID)
    assert {cure.failed for cure in known.answers(trunk, b"442079460142", response(200, 2))} == {
        b"02079460142", b"0044 2079460142",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("failed", "worked"),
    [
        (b"02079460142", b"02079460142"),  # the same
        (b"02079460142", b"442079460143"),  # another
        (b"02079460142", b"492079460142"),  # another country's
        (b"100", b"0100"),  # extensions are their owner's business
        (b"alice", b"Alice"),
        (b"", b""),
        (b"0" * 60_000, b"44" * 30_000),
        (b"+44\xff2079460142", b"442079460142"),
    ],
)
def test_other_numbers_cure_nothing(failed: bytes, worked: bytes) -> None:
    known, trunk = numbers()
    known.fails(trunk, failed, response(404, 1), ID)
    assert known.answers(trunk, worked, response(200, 2)) == []
    assert known.fails(trunk, failed, response(404, 1), ID) is None


def test_what_is_answered_on_another_trunk_cures_nothing() -> None:
    known, trunk = numbers()
    known.fails(trunk, b"02079460142", response(404, 1), ID)
    assert known.answers(Trunk(), b"442079460142", response(200, 2)) == []


def test_a_spelling_that_was_answered_itself_is_not_wrong() -> None:
    """Whatever made it fail this time."""
    known, trunk = numbers()
    known.answers(trunk, b"02079460142", response(200, 1))
    known.answers(trunk, b"442079460142", response(200, 2))
    assert known.fails(trunk, b"02079460142", response(404, 3), ID) is None
    fresh, trunk = numbers()
    fresh.fails(trunk, b"02079460142", response(404, 1), ID)
    fresh.answers(trunk, b"02079460142", response(200, 2))
    assert fresh.answers(trunk, b"442079460142", response(200, 3)) == []


def test_spellings_and_numbers_are_bounded() -> None:
    known, trunk = numbers()
    for prefix in range(30):
        known.answers(trunk, b"%d2079460142" % prefix, response(200, prefix))
        known.fails(trunk, b"+%d2079460142" % (100 + prefix), response(404, prefix), ID)
    assert (len(known.answered), len(known.not_found)) == (1, 1)
    assert max(map(len, known.answered.values())) == max(map(len, known.not_found.values())) == 4
    known.answered = Table(10)
    for number in range(30):
        known.answers(trunk, b"442079%06d" % number, response(200, number))
    assert (len(known.answered), known.answered.evicted) == (10, 20)


def test_a_response_of_60_kilobytes_is_not_kept() -> None:
    known, trunk = numbers()
    answer = response(404, 1)
    answer.reason_phrase = b"x" * 60_000
    known.fails(trunk, b"02079460142", answer, ID)
    (failed,) = known.not_found.values()
    assert len(failed[b"02079460142"].final[3]) <= 256


# Devices


def test_a_device_is_known_by_what_it_took_and_how_it_refused() -> None:
    device = Device("101", "192.0.2.12")
    device.took()
    for time, outcome in enumerate(("busy", "no_answer", "no_answer")):
        device.refuses(outcome, time, evidence(time))
    assert (device.offered, device.answered, device.streak, device.longest) == (4, 1, 3, 3)
    assert (device.since, device.mostly, device.refused) == (0, "no_answer", {"busy": 1, "no_answer": 2})
    device.took()
    assert (device.streak, device.longest, device.mostly, device.evidence) == (0, 3, "", [])


def test_mostly_is_about_the_present_streak_and_not_about_all_time() -> None:
    device = Device("101", "192.0.2.12")
    for time in range(10):
        device.refuses("busy", time, evidence(time))
    device.took()
    device.refuses("not_responding", 20, evidence(20))
    assert (device.mostly, device.since, device.streak, device.longest) == ("not_responding", 20, 1, 10)


def test_the_worst_have_the_longest_streak_then_the_largest_share() -> None:
    streak, share, none = Device("a", ""), Device("b", ""), Device("c", "")
    for _ in range(3):
        streak.refuses("busy", 0, evidence(0))
    streak.took()
    for device in (share, none):
        device.took()
    share.refuses("busy", 0, evidence(0))
    assert sorted([none, share, streak], key=lambda device: device.worst, reverse=True) == [streak, share, none]
    assert Device("d", "").worst == (0, 0.0, 0)


def test_limits_are_such_that_all_of_it_fits_into_memory() -> None:
    """Ten calls of a trunk, some bytes each; a device takes a kilobyte."""
    assert RECENT_CALLS <= 10
    assert MOST_DEVICES <= 10_000
