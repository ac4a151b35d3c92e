"""What is going on right now: by phase and pair, what is stuck and since when, hidden as configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sipwatch.classify.peers import Privacy, Settings
from sipwatch.engine import Engine
from sipwatch.export.present import MAX_PAIRS, MAX_STUCK, LossRecord, present_steps
from sipwatch.export.privacy import Policy
from sipwatch.packet import HOUR
from tests.classify.diagnosing import ACME, DEVICES, SERVER, at, peer
from tests.conversation import EPOCH, messages, nanoseconds
from tests.export.records import at as moment
from tests.export.stepwise import end_of

if TYPE_CHECKING:
    from sipwatch.export.present import BetweenRecord, PresentRecord

SITE = Settings(peers=[ACME, peer("phones", DEVICES, "AB"), peer("pbx", SERVER, "P")])
STUCK = "0 T>P INVITE\n0.1 P>T 100\n"  # no_progress after 10 s
UP = "0 A>P INVITE\n1 P>A 200\n1.1 A>P ACK ttag=callee branch=z9hG4bKa\n"


def engine(script: str, until: str, settings: Settings = SITE) -> Engine:
    """Return an engine that has seen a conversation, some seconds after its beginning."""
    made = Engine(None, settings)
    for message in sorted(messages(script), key=lambda message: message.time):
        made.message(message)
    made.advance(nanoseconds(until))
    return made


def present(made: Engine, privacy: Privacy | None = None, lost: list[LossRecord] | None = None) -> PresentRecord:
    return end_of(present_steps(made, Policy(privacy or Privacy()), lost or []))


def counts(row: BetweenRecord) -> tuple[object, ...]:
    return row.source, row.destination, row.calling, row.trying, row.progressing, row.ringing, row.up


def test_calls_are_counted_by_pair_and_phase() -> None:
    script = (
        at(0, "0 A>P INVITE\n", call="calling")
        + at(0, "0 A>P INVITE\n0.1 P>A 100\n", call="trying")
        + at(0, "0 A>P INVITE\n0.1 P>A 183\n", call="alerted")
        + at(0, "0 A>P INVITE\n0.1 P>A 181\n", call="progressing")
        + at(0, "0 T>P INVITE\n0.1 P>T 180\n", call="ringing")
        + at(0, UP, call="up")
        + at(0, UP + "2 A>P BYE\n2.1 P>A 200 m=BYE\n", call="ended")
        + at(0, "0 A>P INVITE\n1 P>A 486\n1.1 A>P ACK ttag=callee\n", call="busy")
    )
    found = present(engine(script, "3"))
    assert [counts(row) for row in found.between] == [
        ("phones", "pbx", 1, 1, 1, 1, 1),
        ("acme", "pbx", 0, 0, 0, 1, 0),
    ]
    assert counts(found.total) == ("", "", 1, 1, 1, 2, 1)


def test_what_is_stuck_is_told_with_its_hop_and_since_when() -> None:
    found = present(engine(STUCK, "15"))
    [one] = found.stuck
    assert (one.kind, one.since, one.started) == ("no_progress", moment(10.1), moment(0))
    assert (one.caller, one.callee, one.call_id) == ("15550100", "15550101", "c1")
    assert (one.source, one.destination) == ("acme", "pbx")
    assert (one.source_address, one.destination_address) == ("192.0.2.84:5060", "192.0.2.80:5060")
    assert found.conditions == {"no_progress": 1}
    assert found.at == moment(15)


def test_of_one_hop_the_latest_condition_is_told() -> None:
    """After 3 s it was slow, after 10 s it is stuck: the same hop, once."""
    assert present(engine(STUCK, "5")).conditions == {"slow_progress": 1}
    assert present(engine(STUCK, "15")).conditions == {"no_progress": 1}


def test_what_is_no_longer_stuck_is_not_told() -> None:
    found = present(engine(STUCK + "12 P>T 180\n", "15"))
    assert (found.stuck, found.conditions) == ([], {})


def test_of_many_the_ones_that_are_so_longest_are_listed_and_all_are_counted() -> None:
    script = "".join(at(n / 100, STUCK, call=f"c{n}") for n in reversed(range(MAX_STUCK + 50)))
    found = present(engine(script, "20"))
    assert [one.call_id for one in found.stuck] == [f"c{n}" for n in range(MAX_STUCK)]
    assert found.conditions == {"no_progress": MAX_STUCK + 50}
    assert found.total.trying == MAX_STUCK + 50


def test_no_more_pairs_are_listed_than_one_can_read() -> None:
    settings = Settings(peers=[peer(f"p{n}", None, chr(n)) for n in range(64, 91)])
    letters = [chr(n) for n in range(64, 91)]
    script = "".join(
        f"0 {one}>{other} INVITE call={one}{other}\n" for one in letters for other in letters if one != other
    )
    found = present(engine(script, "1", settings))
    assert len(found.between) == MAX_PAIRS
    assert found.total.calling == len(letters) * (len(letters) - 1)


def test_numbers_are_hidden_as_configured() -> None:
    [one] = present(engine(STUCK, "15"), Privacy(mask=4)).stuck
    assert (one.caller, one.callee) == ("1555****", "1555****")


@pytest.mark.parametrize(("later", "up"), [(1800, (1, 0)), (5400, (0, 1)), (7300, (0, 0))])
def test_calls_that_are_up_are_told_by_the_hour_in_which_they_began(later: int, up: tuple[int, int]) -> None:
    """They are in no sum yet: those are of calls that are over."""
    made = engine(UP, str(later))
    found = present(made)
    assert (found.up_last_hour, found.up_hour_before) == up
    assert (EPOCH % HOUR, made.tracker.now) == (0, EPOCH + later * 10**9)


def test_what_was_lost_is_told_along_with_what_tables_gave_up() -> None:
    lost = [LossRecord("packets", "eth0", 7)]
    made = engine(STUCK, "5")
    assert present(made, lost=lost).lost == lost
    made.tracker.evict("calls")
    assert present(made, lost=lost).lost == [*lost, LossRecord("evicted", "calls", 1)]


def test_times_are_those_of_the_clock_on_the_wall() -> None:
    made = engine(STUCK, "15")
    made.wall.stepped(60 * 10**9)
    found = present(made)
    assert (found.at, found.stuck[0].since) == (moment(75), moment(70.1))


def test_the_engine_may_go_on_between_two_steps() -> None:
    """What is over meanwhile is not told as stuck."""
    made = engine("".join(at(0, STUCK, call=f"c{n}") for n in range(250)), "15")
    steps = present_steps(made, Policy(Privacy()), [])
    next(steps)
    for message in messages(at(16, "0 P>T 486\n", call="c0")):
        made.message(message)
    stuck = [one.call_id for one in end_of(steps).stuck]
    assert ("c0" in stuck, "c1" in stuck) == (False, True)
