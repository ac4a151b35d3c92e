"""Which call a message belongs to, and which call goes when the table is full."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.classify.peers import Settings
from sipwatch.track.calls import TableLimits
from tests.classify.diagnosing import TRUNK, peer
from tests.conversation import Observed, messages

if TYPE_CHECKING:
    from sipwatch.track.call import Call
    from sipwatch.track.calls import Calls


def table(script: str, limits: TableLimits | None = None) -> Calls:
    """Let calls begin, and return the table that holds them."""
    observed = Observed(limits=limits)
    for message in messages(script):
        observed.message(message)
    return observed.tracker._calls


def found(calls: Calls, line: str) -> Call | None:
    return calls.find(messages(line)[0])


def test_a_call_is_found_by_its_call_id_and_the_callers_tag_at_either_end() -> None:
    calls = table("0 A>P INVITE")
    (call,) = calls
    assert found(calls, "1 P>A 180") is call
    assert found(calls, "1 P>A BYE ftag=callee ttag=caller") is call
    assert found(calls, "1 A>P BYE ftag=somebody ttag=else") is None
    assert found(calls, "1 P>A 180 call=other") is None


def test_one_call_id_may_hold_calls_of_several_callers() -> None:
    calls = table("0 A>P INVITE\n1 B>P INVITE ftag=second branch=z9hG4bK2")
    latest, first = calls
    assert len(calls) == 2
    assert (first.from_tag, latest.from_tag) == (b"caller", b"second")
    assert found(calls, "2 P>A 180") is first
    assert found(calls, "2 P>B 180 ftag=second branch=z9hG4bK2") is latest
    assert calls.latest(first.call_id) is latest


def test_the_oldest_goes_when_the_table_is_full() -> None:
    calls = table("0 A>P INVITE\n1 A>P INVITE call=c2\n2 A>P INVITE call=c3", TableLimits(calls=2))
    assert [call.call_id for call in calls] == [b"c2", b"c3"]


def test_a_call_that_nothing_came_back_to_goes_before_one_that_was_answered_anything() -> None:
    script = "0 A>P INVITE\n1 P>A 100\n2 B>P INVITE call=c2\n5 C>P INVITE call=c3"
    assert [call.call_id for call in table(script, TableLimits(calls=2))] == [b"c1", b"c3"]


def test_a_call_that_is_up_goes_last() -> None:
    script = "0 A>P INVITE\n1 P>A 200\n2 B>P INVITE call=c2\n3 P>B 180 call=c2\n4 C>P INVITE call=c3"
    assert [call.call_id for call in table(script, TableLimits(calls=2))] == [b"c1", b"c3"]


def test_the_source_that_holds_most_gives_way_though_others_came_before() -> None:
    script = "0 A>P INVITE\n" + "\n".join(f"{n} B>P INVITE call=b{n}" for n in range(1, 6))
    calls = table(script, TableLimits(calls_bytes=7_000))
    kept = [call.call_id for call in calls]
    assert (kept[0], kept[-1]) == (b"c1", b"b5")
    assert len(kept) < 5


def test_a_call_that_just_began_does_not_go_for_what_was_answered_by_a_100() -> None:
    """An attack whose calls are all tried would else drive out the honest ones, each in its first moments."""
    attack = "".join(f"{n} B>P INVITE call=b{n}\n{n}.1 P>B 100 call=b{n}\n" for n in range(4))
    calls = table(attack + "4 A>P INVITE\n4.1 B>P INVITE call=b9", TableLimits(calls=4))
    assert [call.call_id for call in calls] == [b"b2", b"b3", b"c1", b"b9"]


def test_a_configured_peers_call_outlasts_strangers() -> None:
    limits = TableLimits(calls=2)
    observed = Observed(Settings(peers=[peer("acme", TRUNK, "A")]), limits=limits)
    for message in messages("0 A>P INVITE\n1 B>P INVITE call=c2\n2 C>P INVITE call=c3"):
        observed.message(message)
    assert [call.call_id for call in observed.tracker.calls()] == [b"c1", b"c3"]


def test_calls_that_are_up_do_not_crowd_out_new_ones() -> None:
    """False answers would else shut out every call that is still to be answered."""
    up = "".join(f"{n} A>P INVITE call=u{n}\n{n}.1 P>A 200 call=u{n}\n" for n in range(20))
    limits = TableLimits(calls_bytes=30_000)
    calls = table(up + "30 B>P INVITE call=new1\n31 C>P INVITE call=new2", limits)
    kept = [call.call_id for call in calls]
    assert kept[-2:] == [b"new1", b"new2"]
    assert len(kept) > 4


def test_what_there_is_gives_way_to_what_grows() -> None:
    """No new call is needed: responses alone can fill the table."""
    limits = TableLimits(calls_bytes=12_000)
    script = "0 A>P INVITE\n1 B>P INVITE call=c2\n" + "\n".join(
        f"{n + 2} P>B 18{n % 3} call=c2 ttag=t{n} branch=z9hG4bKx{n}" for n in range(60)
    )
    calls = table(script, limits)
    assert calls.bytes <= limits.calls_bytes + 2_000
    assert len(calls) < 2


def test_one_call_id_cannot_take_the_whole_table() -> None:
    script = "\n".join(f"{n} A>P INVITE ftag=t{n} branch=z9hG4bK{n}" for n in range(5))
    calls = table(script, TableLimits(siblings=3))
    assert len(calls) == 3
    assert calls.to_give_up(b"c1") is not None
    assert calls.to_give_up(b"c2") is None


def test_a_call_in_the_middle_of_its_call_id_can_go() -> None:
    calls = table("\n".join(f"{n} A>P INVITE ftag=t{n} branch=z9hG4bK{n}" for n in range(3)))
    middle = list(calls)[1]
    calls.remove(middle)
    assert [call.from_tag for call in calls] == [b"t2", b"t0"]
    assert len(calls) == 2
