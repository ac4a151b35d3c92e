"""Who does not answer: silent ends, dead connections."""

from __future__ import annotations

import pytest

from sipwatch.classify.families.reach import Silences
from sipwatch.classify.findings import MAX_EVIDENCE, Evidence
from sipwatch.track.traffic import Traffic
from sipwatch.wire.message import Path, Response, Transport
from sipwatch.wire.sip import parse
from tests.classify.diagnosing import HUNG_UP, SITE, TAKEN, Diagnosed, at, ends, unreachable
from tests.conversation import messages, path


def evidence(time: int) -> Evidence:
    return Evidence(time, time, "INVITE x")


def heard(silences: Silences, way: Path, at: int) -> None:
    """Let a response come along a path."""
    response = parse(at, way, b"SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n\r\n", False)
    assert isinstance(response, Response)
    silences.traffic.response(response)


X = "192.0.2.88:5060"


def test_requests_without_a_response_add_up_in_a_row() -> None:
    silences = Silences(Traffic(lambda _: ("", "")))
    first = silences.silent(X, 5, evidence(5))
    assert first is not None
    assert (first.requests, first.since) == (1, 5)
    second = silences.silent(X, 9, evidence(9))
    assert second is not None
    assert (second.requests, second.since, [seen.time for seen in second.evidence]) == (2, 5, [5, 9])


def test_a_response_in_between_breaks_the_row_and_a_later_one_ends_it() -> None:
    silences = Silences(Traffic(lambda _: ("", "")))
    silences.silent(X, 5, evidence(5))
    heard(silences, path("X", "A"), 7)
    again = silences.silent(X, 9, evidence(9))
    assert again is not None
    assert (again.requests, again.since) == (1, 9)
    heard(silences, path("X", "A"), 12)
    assert silences.silent(X, 11, evidence(11)) is None
    assert len(silences.table) == 0


def test_another_port_and_another_address_are_other_ends() -> None:
    silences = Silences(Traffic(lambda _: ("", "")))
    silences.silent(X, 5, evidence(5))
    heard(silences, path("X", "A", sport=5070), 7)
    heard(silences, path("Y", "A"), 7)
    again = silences.silent(X, 9, evidence(9))
    assert again is not None
    assert again.requests == 2


def test_an_end_that_was_answered_for_is_not_silent() -> None:
    """From another address of its own, say; the tracker knows."""
    silences = Silences(Traffic(lambda _: ("", "")))
    silences.silent(X, 5, evidence(5))
    silences.answered(X)
    again = silences.silent(X, 9, evidence(9))
    assert again is not None
    assert again.requests == 1


def test_whether_responses_to_somebody_are_captured_at_all_is_known() -> None:
    silences = Silences(Traffic(lambda _: ("", "")))
    assert not silences.traffic.was_told(path("A", "X").source_address)
    heard(silences, path("Y", "A"), 7)
    assert silences.traffic.was_told(path("A", "X").source_address)
    assert not silences.traffic.was_told(path("B", "X").source_address)


def test_of_many_requests_the_first_and_the_latest_are_shown() -> None:
    silences = Silences(Traffic(lambda _: ("", "")))
    for time in range(100):
        silence = silences.silent(X, time, evidence(time))
    assert silence is not None
    assert (silence.requests, len(silence.evidence)) == (100, MAX_EVIDENCE)
    assert [seen.time for seen in silence.evidence] == [0, *range(100 - MAX_EVIDENCE + 1, 100)]


def test_who_was_heard_is_bounded_and_forgetting_it_calls_nobody_silent() -> None:
    silences = Silences(Traffic(lambda _: ("", "")))
    silences.silent(X, 5, evidence(5))
    for number in range(silences.traffic.most + 1):
        heard(silences, Path(number.to_bytes(4, "big") + bytes(8), Transport.UDP), 7)
    assert len(silences.traffic) == 1
    again = silences.silent(X, 9, evidence(9))
    assert again is not None
    assert again.requests == 1  # the row began anew
    assert silences.table.evicted == 1


# Dead connections

WELL = at(0, TAKEN + HUNG_UP, call="well")  # by it, responses to A are captured, and the connection has carried them


def over_tcp(script: str, *errors: tuple[str, str, str, str], until: str = "200") -> Diagnosed:
    found = Diagnosed(SITE)
    items = [*messages(script), *(unreachable(*error) for error in errors)]
    for item in sorted(items, key=lambda item: item.time):
        item.path = Path(item.path.key, Transport.TCP)
        found.take([item])
    return found.until(until).over()


def test_a_connection_that_carried_answers_and_is_silent_now_is_dead() -> None:
    found = over_tcp(WELL + at(60, "0 A>T INVITE\n"))
    assert found.kinds() == ["tcp_dead"]
    assert "that carried answers before (the last at 2026-01-05 09:00:20 UTC)" in found.text("tcp_dead")


def test_a_connection_of_which_nothing_is_known_may_be_anything() -> None:
    assert over_tcp(at(60, "0 A>T INVITE\n")).kinds() == []
    assert over_tcp(WELL + at(60, "0 A>U INVITE\n")).kinds() == []


@pytest.mark.parametrize("error", ["connection_refused", "connection_reset"])
def test_a_connection_that_says_so_itself_is_dead_at_once(error: str) -> None:
    found = over_tcp("0 A>T INVITE\n", ("1", "A", "T", error), until="90")
    assert found.kinds() == ["tcp_dead"]
    assert "at 2026-01-05 09:00:01 UTC" in found.text("tcp_dead")


def test_a_reset_after_the_answer_is_no_matter() -> None:
    assert over_tcp(TAKEN + HUNG_UP, ("21", "A", "T", "connection_reset")).kinds() == []


SERVER_SAYS = "0 A>P INVITE\n0.1 P>A 100\n"


@pytest.mark.parametrize(
    ("code", "at_seconds", "kinds"),
    [(503, "0.5", ["tcp_dead"]), (486, "0.5", []), (503, "-5", []), (503, "2", [])],
    ids=["while it had the call", "it says busy", "before the call", "after the call"],
)
def test_a_connection_refused_to_the_server_is_told_where(code: int, at_seconds: str, kinds: list[str]) -> None:
    found = over_tcp(
        at(10, SERVER_SAYS + ends(code, 1, "P>A")), (str(10 + float(at_seconds)), "P", "T", "connection_refused")
    )
    assert found.kinds() == kinds
