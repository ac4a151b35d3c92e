"""Rule 5 of OUTCOMES §2: who gave a call up, and after how long."""

from __future__ import annotations

import pytest

from sipwatch.classify.giving_up import Waited, given_up
from sipwatch.packet import SECOND
from sipwatch.track.table import Heard
from sipwatch.track.timers import Timers
from tests.conversation import the_call
from tests.export.records import span

MS = SECOND // 1000


def waited(heard: Heard, seconds: float, *, trying: float = -1, alerted: float = -1) -> Waited:
    """Say how far it had come; moments in seconds after the INVITE."""
    start = 1000 * SECOND
    moment = [start + int(at * 1000) * MS if at >= 0 else -1 for at in (trying, alerted)]
    return Waited(start, moment[0], moment[1], heard, start + int(seconds * 1000) * MS)


GIVEN_UP = {
    "nothing heard, just before no_response_after": (waited(Heard.NOTHING, 4.999), "abandoned_brief"),
    "nothing heard, at no_response_after": (waited(Heard.NOTHING, 5), "not_responding"),
    "only trying, just before no_progress_after": (waited(Heard.TRYING, 10.099, trying=0.1), "abandoned"),
    "only trying, at no_progress_after": (waited(Heard.TRYING, 10.1, trying=0.1), "no_progress"),
    "trying that only the next hop shows": (waited(Heard.TRYING, 60), "abandoned"),
    "progressed, however long": (waited(Heard.PROGRESSED, 120, trying=0.1), "abandoned"),
    "alerted, just before no_answer_after": (waited(Heard.ALERTED, 30.999, trying=0.1, alerted=1), "abandoned"),
    "alerted, at no_answer_after": (waited(Heard.ALERTED, 31, trying=0.1, alerted=1), "no_answer"),
    "alerted, within brief_before": (waited(Heard.ALERTED, 4.999, alerted=1), "abandoned_brief"),
    "alerted, at brief_before": (waited(Heard.ALERTED, 5, alerted=1), "abandoned"),
}


@pytest.mark.parametrize(("came", "outcome"), GIVEN_UP.values(), ids=GIVEN_UP.keys())
def test_what_the_callers_giving_up_means(came: Waited, outcome: str) -> None:
    """By how far it had come, and how long he waited for more."""
    assert given_up(came, Timers()).value == outcome


def test_a_peers_timers_count() -> None:
    """Mobile carriers search long."""
    came = waited(Heard.ALERTED, 35, alerted=1)
    assert given_up(came, Timers(no_answer_after=36 * SECOND)).value == "abandoned"
    assert given_up(came, Timers(no_answer_after=34 * SECOND)).value == "no_answer"


FORK = """
0    A>P INVITE
0.1  P>A 100
0.2  P>B INVITE vias=2
0.2  P>C INVITE vias=2
1    B>P 180 vias=2 ttag=b
1    C>P 180 vias=2 ttag=c
1.1  P>A 180
8    P>C CANCEL vias=2
{answer} B>P 200 vias=2 ttag=b
{answer} P>A 200
9.5  C>P 487 vias=2 ttag=c
"""


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [("7.9", "answered_elsewhere"), ("9", "answered_elsewhere"), ("9.000000001", "no_answer")],
    ids=["before the CANCEL", "1 s after it", "later: the server gave it up by itself"],
)
def test_a_sibling_answered_no_later_than_1_s_after_the_cancel(answer: str, outcome: str) -> None:
    """Captures swap neighbours, and servers cancel first."""
    call = the_call(FORK.format(answer=answer), until="20")
    assert [leg.outcome for leg in call.legs] == ["answered", "answered", outcome]


BEHIND = """
0    A>P INVITE
0.05 P>A 100
0.1  P>B INVITE vias=2
{heard}
{upstream}
9    P>B CANCEL vias=2
9.1  B>P 487 vias=2
20   P>A 486
"""


@pytest.mark.parametrize(
    ("heard", "outcome"),
    [("", "not_responding"), ("0.2 B>P 100 vias=2", "no_progress"), ("0.2 B>P 181 vias=2", "no_progress"),
     ("1 B>P 180 vias=2", "no_answer"), ("1 B>P 183 vias=2", "no_answer")],
    ids=["nothing", "trying", "progressed", "alerted by 180", "alerted by 183"],
)  # fmt: skip
def test_the_server_gave_a_hop_up_by_itself(heard: str, outcome: str) -> None:
    """While the upstream leg was still open and not cancelled; whatever the time."""
    call = the_call(BEHIND.format(heard=heard, upstream=""), until="60")
    assert [leg.outcome for leg in call.legs] == ["busy", outcome]


@pytest.mark.parametrize(
    ("at", "outcome"),
    [("8.9", "abandoned"), ("9", "abandoned"), ("9.5", "abandoned"), ("9.500000001", "no_answer")],
    ids=[
        "the caller cancelled before",
        "at the same moment",
        "within T1 after: captures swap neighbours",
        "only later",
    ],
)
def test_unless_the_caller_had_given_up(at: str, outcome: str) -> None:
    """Then the server only hands his CANCEL on."""
    lines = BEHIND.format(heard="1 B>P 180 vias=2", upstream=f"{at} A>P CANCEL").strip().splitlines()[:-1]
    script = "\n".join(sorted([*lines, "10 P>A 487"], key=lambda line: float(line.split()[0] or 0)))
    call = the_call(script, until="60")
    assert [leg.outcome for leg in call.legs] == ["abandoned", outcome]


@pytest.mark.parametrize(
    ("code", "heard", "outcome"),
    [("487", "1 P>A 180", "abandoned"), ("486", "1 P>A 180", "busy"), ("200", "1 P>A 180", "answered")],
    ids=["487 ends it", "a final of its own that crossed the CANCEL", "a 2xx that crossed the CANCEL"],
)
def test_what_comes_behind_a_cancel_decides(code: str, heard: str, outcome: str) -> None:
    """A CANCEL ends nothing (RFC 3261 §9.1)."""
    assert the_call(f"0 A>P INVITE\n{heard}\n8 A>P CANCEL\n8.1 P>A {code}", until="60").outcome == outcome


@pytest.mark.parametrize(
    ("cancelled", "expected"), [("200", "abandoned"), ("481", "no_answer")], ids=["accepted", "refused: 481"]
)
def test_a_cancel_that_was_refused_cancelled_nothing(cancelled: str, expected: str) -> None:
    """The call rings on, until Timer C."""
    call = the_call(f"0 A>P INVITE\n1 P>A 180\n8 A>P CANCEL\n8.1 P>A {cancelled} method=CANCEL", until="300")
    assert call.outcome == expected
    assert [condition.kind for condition in call.conditions] == (["no_answer"] if cancelled == "481" else [])


def test_a_2xx_behind_the_callers_failing_final_brings_nobody_back() -> None:
    """RFC 3261 §17.1.1.2: the first final stands, acknowledged or not."""
    call = the_call(
        "0 A>P INVITE\n1 P>A 180\n8 A>P CANCEL\n8.1 P>A 487\n8.2 P>A 200\n8.3 A>P ACK ttag=callee", until="60"
    )
    assert (call.outcome, call.status_code, call.answered, call.ending) == ("abandoned", 487, None, None)


def test_the_times_of_a_call_given_up_end_at_the_cancel() -> None:
    """Not at the end of the wait for its 487."""
    call = the_call("0 A>P INVITE\n1 P>A 180\n8 A>P CANCEL\n20 P>A 487", until="60")
    assert (call.setup_seconds, call.ring_seconds) == (span(8.0), span(7.0))
