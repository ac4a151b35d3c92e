"""Missed callers wait for their callback; every call leaves once, with all of its marks."""

from __future__ import annotations

import pytest

from sipwatch.classify.peers import Callback, Settings
from tests.classify.diagnosing import ACME, SECOND, SERVER, TRUNK, Diagnosed, at, ends, peer
from tests.conversation import messages

SITE = [ACME, peer("server", SERVER, "P")]


def centre(within: int = 1200, region: str | None = None) -> Settings:
    return Settings(peers=SITE, callback=Callback(within * SECOND, region))


RANG = "0 T>P INVITE\n0.1 P>T 100\n1 P>T 180\n"


def missed(start: float = 0, caller: str = "15555550142", call: str = "m1", seconds: float = 12) -> str:
    """Write how somebody from outside hangs up; ended 12 s after the start."""
    script = RANG + f"{seconds} T>P CANCEL\n{seconds} P>T 487\n{seconds + 0.1} T>P ACK ttag=callee\n"
    return at(start, script.replace("INVITE", f"INVITE h=From:_<sip:{caller}@x>;tag=caller"), call=call)


def calls_back(start: float, number: str = "15555550142", call: str = "b1", end: str = "200") -> str:
    """Write a call to somebody outside, answered at once or not at all."""
    script = f"0 P>T INVITE uri=sip:{number}@x\n" + (
        "0 T>P 200\n0.1 P>T ACK ttag=callee branch=z9hG4bKa\n" if end == "200" else ends(int(end), 0.0, "T>P")
    )
    return at(start, script, call=call)


OTHERWISE = b"\r\nFrom: <sip:15550100@example.com>;tag=caller"


def feed(found: Diagnosed, script: str) -> Diagnosed:
    """Feed a conversation in which a From of its own counts, not that which all messages have."""
    for message in sorted(messages(script), key=lambda message: message.time):
        if message.raw.count(b"\r\nFrom:") > 1:
            message.raw = message.raw.replace(OTHERWISE, b"", 1)
        found.take([message])
    return found


def run(script: str, settings: Settings | None = None, *, until: float = 9000) -> Diagnosed:
    """Run a conversation."""
    return feed(Diagnosed(settings or centre()), script).until(str(until)).over()


@pytest.mark.parametrize(
    ("back", "tag"), [(1211.9, "called_back"), (1212, "called_back"), (1212.001, "waiting_callback")]
)
def test_a_missed_caller_who_is_reached_in_time_was_called_back(back: float, tag: str) -> None:
    """Within 20 minutes of the end of the call at 12 s."""
    found = run(missed() + calls_back(back))
    assert found.calls["m1"].tags == [tag]
    assert found.calls["b1"].tags == []


def test_a_missed_caller_who_is_not_waits_until_the_capture_is_over() -> None:
    assert run(missed()).calls["m1"].tags == ["waiting_callback"]
    assert run(missed(), until=60).calls["m1"].tags == ["waiting_callback"]


@pytest.mark.parametrize("end", ["480", "486", "404", "603"])
def test_an_attempt_that_nobody_answers_is_no_call_back(end: str) -> None:
    assert run(missed() + calls_back(300, end=end)).calls["m1"].tags == ["waiting_callback"]


def test_the_caller_who_gets_through_himself_is_served() -> None:
    again = at(
        300,
        RANG.replace("INVITE", "INVITE h=From:_<sip:15555550142@x>;tag=caller")
        + "5 P>T 200\n5.1 T>P ACK ttag=callee branch=z9hG4bKa\n",
        call="again",
    )
    assert run(missed() + again).calls["m1"].tags == ["called_back"]


def test_who_is_spoken_to_while_his_call_still_rings_elsewhere_is_served() -> None:
    """On a company's line, or by somebody who calls him meanwhile: he was spoken to after he had called."""
    assert run(missed(seconds=30) + calls_back(10)).calls["m1"].tags == ["called_back"]
    assert run(missed(start=20) + calls_back(10)).calls["m1"].tags == ["waiting_callback"]


def test_numbers_are_compared_however_they_are_written() -> None:
    assert run(missed(caller="+15555550142") + calls_back(300, "0015555550142")).calls["m1"].tags == ["called_back"]
    assert run(missed(caller="02079460142") + calls_back(300, "442079460142"), centre(region="GB")).calls[
        "m1"
    ].tags == ["called_back"]
    assert run(missed() + calls_back(300, "15555550143")).calls["m1"].tags == ["waiting_callback"]


@pytest.mark.parametrize("caller", ["anonymous", "", "Restricted", "1" * 60_000])
def test_who_left_no_number_cannot_be_called_back(caller: str) -> None:
    assert run(missed(caller=caller)).calls["m1"].tags == []


def test_only_calls_from_outside_that_were_missed_wait() -> None:
    """Not calls inside, not calls out, not those that were taken, and nobody where callbacks are not asked for."""
    inside = at(0, RANG.replace("T>P", "A>P").replace("P>T", "P>A") + "12 A>P CANCEL\n12.1 P>A 487\n", call="inside")
    taken = at(0, RANG + "5 P>T 200\n5.1 T>P ACK ttag=callee branch=z9hG4bKa\n", call="taken")
    found = run(inside + taken + calls_back(50, end="480"))
    assert [call.tags for call in found.calls.values()] == [[], [], []]
    assert run(missed(), Settings(peers=SITE)).calls["m1"].tags == []


def test_three_missed_calls_of_one_caller_are_all_called_back_by_one_call() -> None:
    script = "".join(missed(100 * n, call=f"m{n}") for n in range(3))
    found = run(script + calls_back(400))
    assert [found.calls[f"m{n}"].tags for n in range(3)] == [["called_back"]] * 3


def test_a_call_is_held_back_until_its_fate_is_known_and_leaves_once() -> None:
    left: list[str] = []

    def begun() -> Diagnosed:
        found = Diagnosed(centre())
        found.engine._handover._sink = lambda call, _: left.append(call.call_id)
        return feed(found, missed())

    served = begun().until("200")
    assert left == []
    feed(served, calls_back(300))
    assert left == ["m1"]
    served.until("400").over()
    assert sorted(left) == ["b1", "m1"]
    left.clear()
    waits = begun().until("1000")
    assert left == []
    waits.until("1300")
    assert left == ["m1"]
    waits.over()
    assert left == ["m1"]


def test_other_marks_stand_beside_that_of_the_call_back() -> None:
    assert run(missed(seconds=3)).calls["m1"].tags == ["brief", "waiting_callback"]


def test_idle_time_changes_no_mark() -> None:
    """Law 1, at the very end of the time to wait."""
    script = missed() + calls_back(1212)
    for tick in ("13", "600", "1211.999999999", "1212"):
        found = feed(feed(Diagnosed(centre()), missed()).until(tick), calls_back(1212)).until("9000").over()
        assert found.calls["m1"].tags == run(script).calls["m1"].tags == ["called_back"]


# Reloads


def reloaded(before: Settings, after: Settings, first: str, then: str) -> Diagnosed:
    found = feed(Diagnosed(before), first).until("90")
    found.engine.use(after)
    return feed(found, then).until("9000").over()


def test_who_waits_goes_on_waiting_as_he_was_told_and_who_comes_later_by_the_new_word() -> None:
    """From 20 minutes to one: the first caller still has his twenty."""
    found = reloaded(centre(1200), centre(60), missed(), missed(100, call="m2") + calls_back(600))
    assert found.calls["m1"].tags == ["called_back"]
    assert found.calls["m2"].tags == ["waiting_callback"]


def test_where_call_backs_are_no_longer_asked_for_nobody_new_waits() -> None:
    found = reloaded(centre(), Settings(peers=SITE), missed(), missed(100, call="m2") + calls_back(600))
    assert found.calls["m1"].tags == ["called_back"]
    assert found.calls["m2"].tags == []


def test_where_they_are_asked_for_from_now_on_who_came_before_does_not_wait() -> None:
    found = reloaded(Settings(peers=SITE), centre(), missed(), missed(100, call="m2") + calls_back(600))
    assert (found.calls["m1"].tags, found.calls["m2"].tags) == ([], ["called_back"])


def test_the_same_settings_again_change_nothing() -> None:
    found = feed(Diagnosed(centre()), missed()).until("90")
    waiting = found.engine.desk.callbacks
    found.engine.use(centre())
    assert found.engine.desk.callbacks is waiting
    found.engine.use(Settings(peers=[peer("acme", TRUNK, "T")], callback=Callback(60 * SECOND)))
    assert found.engine.desk.callbacks is not waiting
    assert feed(found, calls_back(600)).until("9000").over().calls["m1"].tags == ["called_back"]
