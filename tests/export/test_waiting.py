"""Who waits at the desk right now, as records; tests/cli/test_callbacks.py reads those of a capture."""

from __future__ import annotations

from sipwatch.classify.peers import Callback, Privacy, Settings
from sipwatch.engine import Engine
from sipwatch.export.privacy import Policy
from sipwatch.export.waiting import DeskRecord, desk_steps
from tests.classify.diagnosing import ACME, SERVER, at, peer
from tests.conversation import messages, nanoseconds
from tests.export.records import at as moment
from tests.export.stepwise import end_of, taken

SITE = [ACME, peer("pbx", SERVER, "P")]
BACK = "0 P>T INVITE uri=sip:15550100@x\n1 T>P 200\n1.1 P>T ACK ttag=callee branch=z9hG4bKa\n"
IN_VAIN = BACK.split("\n", maxsplit=1)[0] + "\n1 T>P 486\n1.1 P>T ACK ttag=callee\n"
MISSED = "0 T>P INVITE\n0.1 P>T 180\n12 T>P CANCEL\n12 P>T 487\n12.1 T>P ACK ttag=callee\n"


def engine(script: str, until: float, settings: Settings) -> Engine:
    made = Engine(None, settings)
    for message in sorted(messages(script), key=lambda message: message.time):
        made.message(message)
    made.advance(nanoseconds(str(until)))
    return made


def desk(script: str, until: float, settings: Settings, privacy: Privacy | None = None) -> DeskRecord:
    return end_of(desk_steps(engine(script, until, settings), Policy(privacy or Privacy())))


def centre(within: int = 1200) -> Settings:
    return Settings(peers=SITE, callback=Callback(within * 10**9))


def test_who_waits_is_told_with_number_time_and_attempts() -> None:
    script = at(0, MISSED, call="a") + at(100, MISSED, call="b") + at(150, IN_VAIN, call="back")
    found = desk(script, 200, centre())
    first, second = found.waiting
    assert (first.number, first.dialled, first.source) == ("15550100", "15550101", "acme")
    assert (first.missed, first.waited_seconds, first.overdue) == (str(moment(12)), 188.0, False)
    assert (first.redials, first.last_redial) == (1, str(moment(112)))
    assert (second.redials, second.last_redial) == (0, None)
    assert {(one.attempts, one.last_attempt) for one in found.waiting} == {(1, str(moment(151)))}
    assert (found.at, found.within_seconds, found.has_trunk) == (moment(200), 1200, True)


def test_a_call_of_his_that_was_turned_away_is_one_of_his_own_tries() -> None:
    """It is no missed call, and waits for nobody; still he has called again."""
    blocked = at(100, "0 T>P INVITE\n0.2 P>T 607\n0.3 T>P ACK ttag=callee\n", call="blocked")
    [one] = desk(at(0, MISSED, call="a") + blocked, 200, centre()).waiting
    assert (one.redials, one.last_redial, one.attempts) == (1, str(moment(100.2)), 0)


def test_who_is_called_back_waits_no_longer() -> None:
    back = at(300, BACK, call="back")
    assert len(desk(at(0, MISSED, call="a"), 400, centre()).waiting) == 1
    assert desk(at(0, MISSED, call="a") + back, 400, centre()).waiting == []


def test_numbers_are_hidden_as_configured() -> None:
    [one] = desk(MISSED, 100, centre(), Privacy(mask=4)).waiting
    assert (one.number, one.dialled) == ("1555****", "1555****")


def test_it_is_told_why_nobody_can_wait() -> None:
    without = desk(MISSED, 100, Settings(peers=SITE))
    assert (without.within_seconds, without.has_trunk, without.waiting) == (None, True, [])
    nowhere = desk(MISSED, 100, Settings(callback=Callback(60 * 10**9)))
    assert (nowhere.within_seconds, nowhere.has_trunk, nowhere.waiting) == (60, False, [])


def test_many_are_told_in_steps() -> None:
    """Of 120 the first hundred are one."""
    made = engine("".join(at(n * 20, MISSED, call=f"c{n}") for n in range(120)), 2500, centre(10_000))
    pauses, found = taken(desk_steps(made, Policy(Privacy())))
    assert (pauses, len(found.waiting)) == (1, 120)


def test_who_is_called_back_between_two_steps_waits_no_longer() -> None:
    made = engine("".join(at(n * 20, MISSED, call=f"c{n}") for n in range(120)), 2500, centre(10_000))
    steps = desk_steps(made, Policy(Privacy()))
    next(steps)
    for message in messages(at(2600, BACK, call="back")):
        made.message(message)
    assert len(end_of(steps).waiting) == 100
