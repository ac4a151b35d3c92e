"""Which calls are drawn: one for each kind of trouble, the newest, faults first; bounded whoever attacks."""

from __future__ import annotations

from sipwatch.report.html.worst import MAX_DRAWN, MAX_KINDS, MAX_MESSAGES, WorstCalls
from tests.export.records import answered, at, call, message


def worst(*calls: object) -> list[tuple[str, str, int]]:
    kept = WorstCalls()
    for one in calls:
        kept.take(one)  # type: ignore[arg-type]
    return [(one.call.id, one.call.ending or one.call.outcome, one.calls) for one in kept.worst()]


def test_faults_go_before_odd_ends_these_before_routing_and_that_before_people() -> None:
    found = worst(
        *[call("busy", id=f"b{n}") for n in range(5)],
        *[call("not_found", id=f"n{n}", status_code=404) for n in range(4)],
        answered(id="odd", ending="ack_timeout"),
        call("no_progress", id="fault", status_code=None),
        call("congested", id="full", status_code=503),
        answered(id="fine"),
    )
    assert [one[0] for one in found] == ["fault", "full", "odd", "n3", "b4"]
    assert found[-1] == ("b4", "busy", 5)


def test_of_equal_ones_the_more_frequent_goes_first() -> None:
    few = call("server_error", id="few", status_code=500)
    many = [call("server_error", id=f"many{n}", status_code=502) for n in range(2)]
    assert [one[0] for one in worst(few, *many)] == ["many1", "few"]


def test_a_kind_is_told_by_response_cause_and_where_it_went() -> None:
    found = worst(
        call(id="a"),
        call(id="b", cause=17),
        call(id="c", status_code=600),
        call(id="d", destination_address="192.0.2.99:5060"),
        call(id="e", caller="somebody else", reason_phrase="Other words"),
    )
    assert sorted(one[2] for one in found) == [1, 1, 1, 2]


def test_the_newest_stands_for_its_kind_in_whatever_order_calls_come() -> None:
    assert worst(call(id="new", started=at(9)), call(id="old", started=at(1))) == [("new", "busy", 2)]


def test_not_more_than_a_few_are_drawn_and_kept() -> None:
    kept = WorstCalls()
    for number in range(2):
        kept.take(call("server_error", id=f"fault{number}", status_code=500))
    for number in range(500):
        kept.take(call(id=f"{number}", destination_address=f"host{number}"))
    kept.take(call("no_progress", id="late", status_code=None))
    assert len(kept._kinds) == MAX_KINDS
    assert len(kept.worst()) == MAX_DRAWN
    first = [one.call.id for one in kept.worst()][:2]
    assert first == ["fault1", "late"], "faults stay, and find room, among whatever is made up"


def test_of_a_very_long_call_the_beginning_and_the_end_stay() -> None:
    messages = [message(n, "a", "b", f"OPTIONS {n}") for n in range(MAX_MESSAGES + 5)]
    kept = WorstCalls()
    kept.take(call(messages=messages))
    (example,) = kept.worst()
    lines = [one.first_line for one in example.call.messages or []]
    assert (len(lines), lines[0], lines[-1]) == (MAX_MESSAGES, "OPTIONS 0", f"OPTIONS {MAX_MESSAGES + 4}")
    assert lines[299:301] == ["OPTIONS 299", "OPTIONS 305"]
