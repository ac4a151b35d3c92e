"""Only the trunks' or the phones' side of a proxy is watched: several INVITEs, none upstream of the rest, are one call.

The callers stand on the proxy's own machine and reach it over the loopback, which nobody watches (OUTCOMES §2.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.e2e import scenarios as s
from tests.e2e.figures import assert_all_is_over, conditions, endings, finals, legs, outcomes
from tests.e2e.sip import FORKS
from tests.e2e.site import (
    ACME_BEHIND_KAMAILIO,
    BRIEFLY,
    DESK,
    FOR_A_WHILE,
    GLOBEX,
    HANDSET,
    KAMAILIO,
    PEERS,
    PHONE,
    QUICK,
    RING_GROUP,
    SERVER,
    SOFTPHONE,
    TOO_LONG,
    Site,
)

if TYPE_CHECKING:
    from tests.e2e.scrape import Samples

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("with_kamailio", "with_tcpdump")]  # real programs, in real time

TRUNKS, PHONES = (ACME_BEHIND_KAMAILIO, GLOBEX), (DESK, SOFTPHONE, HANDSET)
COUNTED = [
    "calls_started_total",
    "calls_total",
    "calls_ended_total",
    "call_final_responses_total",
    "calls_timed_out_total",
    "invites_total",
    "invite_final_responses_total",
    "invite_conditions_total",
    "invite_conditions_resolved_total",
    "session_duration_seconds_count",
    "retransmissions_total",
]
RINGS_THEN_ANSWERS = s.ANSWERS_AFTER_RINGING


class Wave(NamedTuple):
    """Some calls at once: who answers how, in the order of ``TRUNKS`` or ``PHONES``, and what the caller makes of it."""

    name: str
    many: int
    answering: tuple[str, ...]
    calling: str
    pause: float = 0.3


# What each means: the legs to acme and globex, and the call.
FAIL_OVER = [
    Wave("refused", 5, (s.refuses(503), s.ANSWERS), s.TALKS),
    Wave("rings", 4, (s.RINGS, RINGS_THEN_ANSWERS), s.TALKS),
    Wave("stuck", 3, (s.SAYS_TRYING, RINGS_THEN_ANSWERS), s.TALKS),
    Wave("first-answers", 2, (s.ANSWERS, s.ANSWERS), s.TALKS),
    Wave("both-refuse", 3, (s.refuses(503), s.refuses(503)), s.is_refused(500)),  # Kamailio makes 500 of 503
    Wave("busy", 2, (s.refuses(503), s.refuses(486, ringing=True)), s.is_refused(486)),
]
RING_ALL = [
    Wave("answers", 5, (s.RINGS, RINGS_THEN_ANSWERS, s.RINGS), s.TALKS),
    Wave("nobody", 4, (s.RINGS, s.RINGS, s.RINGS), s.gives_up(s.AT_RINGING), FOR_A_WHILE),
    Wave("nobody-for-long", 3, (s.RINGS, s.RINGS, s.RINGS), s.gives_up(s.AT_RINGING), TOO_LONG),
    Wave("nobody-at-once", 2, (s.RINGS, s.RINGS, s.RINGS), s.gives_up(s.AT_RINGING), BRIEFLY),
    Wave("declines", 3, (s.RINGS, s.RINGS, s.refuses(603, ringing=True)), s.is_refused(603)),
    Wave("busy", 2, (s.refuses(486), s.refuses(486), s.refuses(486)), s.is_refused(486)),
    Wave("one-busy", 3, (s.refuses(486), s.RINGS, RINGS_THEN_ANSWERS), s.TALKS),
]
SILENT = [
    Wave("next-answers", 4, (s.IS_SILENT, s.ANSWERS), s.TALKS),
    Wave("both-silent", 3, (s.IS_SILENT, s.IS_SILENT), s.is_refused(408)),
    Wave("refused-then-silent", 2, (s.refuses(503), s.IS_SILENT), s.is_refused(408)),
]
ONE_IS_OFF = [Wave("one-is-off", 5, (s.RINGS, RINGS_THEN_ANSWERS, s.IS_SILENT), s.TALKS)]


def play(site: Site, who: tuple[str, ...], waves: list[Wave], first_port: int = 5061) -> int:
    """Let all of this happen at the same time, through Kamailio; return how many calls were placed."""
    user = "hunt" if who is TRUNKS else "group"
    placed = []
    for port, wave in enumerate(waves, first_port):
        for number, (address, answering) in enumerate(zip(who, wave.answering, strict=True), 1):
            site.answers(f"{wave.name}-{number}", answering, address, port=port, pause=FOR_A_WHILE)
        more: dict[str, Any] = {"pause": wave.pause, "user": f"{user}.{port}", "rate": 20}
        placed.append(site.calls(wave.name, wave.calling, SERVER, KAMAILIO, wave.many, port=port, **more))
    return sum(sipp.done() for sipp in placed)


def watched(site: Site) -> None:
    """Watch the cable, and start what calls pass."""
    site.record()
    site.watch(QUICK + PEERS + RING_GROUP)
    site.kamailio(FORKS)


def settled(site: Site, calls: int, invites: int) -> Samples:
    """Return the figures when all is over. Nothing is counted twice, nor differently in a replay."""
    site.sipwatch.until("invites_total", invites, seconds=50)
    # The file is over with its last packet: one more says what time it is.
    site.answers("last-callee", s.IS_PINGED, SERVER)
    site.calls("last", s.PINGS, PHONE, SERVER, 1).done()
    samples = site.settled(site.sipwatch, calls)
    again = site.replayed()
    for name in COUNTED:
        assert of(samples, name) == of(again, name), name
    assert_all_is_over(samples)
    return samples


def of(samples: Samples, name: str) -> dict[frozenset[tuple[str, str]], float]:
    """Return all that is not 0 of a metric."""
    return {labels: value for (has, labels), value in samples.items() if has == f"sipwatch_{name}" and value}


def at(peer: str, **counts: int) -> dict[tuple[str, ...], float]:
    """Return a table's entries for what the server sent to a peer."""
    return {("server", peer, key): count for key, count in counts.items()}


def codes(peer: str, counts: dict[str, int]) -> dict[tuple[str, ...], float]:
    return {("server", peer, code): count for code, count in counts.items()}


def test_a_trunk_that_fails_and_the_next_that_is_tried_are_one_call(site: Site) -> None:
    watched(site)
    assert play(site, TRUNKS, FAIL_OVER) == 19
    samples = settled(site, 19, 5 + 5 + 4 + 4 + 3 + 3 + 2 + 3 + 3 + 2 + 2)
    # The destination is the trunk that answered, else the one that was tried last.
    assert outcomes(samples) == {
        **at("globex", answered=5 + 4 + 3, server_error=3, busy=2),
        **at("acme", answered=2),
    }
    assert finals(samples) == {
        **codes("globex", {"200": 5 + 4 + 3, "503": 3, "486": 2}),
        **codes("acme", {"200": 2}),
    }
    assert legs(samples) == {
        **at("acme", server_error=5 + 3 + 2, no_answer=4, no_progress=3, answered=2),
        **at("globex", answered=5 + 4 + 3, server_error=3, busy=2),
    }
    assert endings(samples) == {
        ("server", "globex", "caller", "normal"): 5 + 4 + 3,
        ("server", "acme", "caller", "normal"): 2,
    }
    assert conditions(samples) == at("acme", slow_progress=3)
    # A hop taken for a retransmission would be one for each call; a busy machine may cause one or two real ones.
    assert samples.sum("sipwatch_retransmissions_total") < 5


def test_phones_that_ring_at_once_are_one_call(site: Site) -> None:
    watched(site)
    assert play(site, PHONES, RING_ALL) == 22
    samples = settled(site, 22, 22 * 3)
    assert samples.by("sipwatch_calls_total", "outcome") == {
        "answered": 5 + 3, "abandoned": 4, "no_answer": 3, "abandoned_brief": 2, "declined": 3, "busy": 2,
    }  # fmt: skip
    # The destination is the phone that answered, or declined for all.
    known = {key: count for key, count in outcomes(samples).items() if key[2] in {"answered", "declined"}}
    assert known == {**at("softphone", answered=5), **at("handset", answered=3, declined=3)}
    assert samples.by("sipwatch_call_final_responses_total", "status_code") == {
        "200": 5 + 3, "487": 4 + 3 + 2, "603": 3, "486": 2,
    }  # fmt: skip
    unanswered = {"abandoned": 4, "no_answer": 3, "abandoned_brief": 2, "declined": 3}
    assert legs(samples) == {
        **at("desk", answered_elsewhere=5, busy=2 + 3, **unanswered),
        **at("softphone", answered=5, busy=2, answered_elsewhere=3, **unanswered),
        **at("handset", answered_elsewhere=5, busy=2, answered=3, **unanswered),
    }
    assert endings(samples) == {
        ("server", "softphone", "caller", "normal"): 5,
        ("server", "handset", "caller", "normal"): 3,
    }
    assert conditions(samples) == {
        **at("desk", no_answer=3),
        **at("softphone", no_answer=3),
        **at("handset", no_answer=3),
    }
    # A hop taken for a retransmission would be one for each call; a busy machine may cause one or two real ones.
    assert samples.sum("sipwatch_retransmissions_total") < 5


def test_who_says_nothing_at_all_costs_the_call_nothing_if_somebody_else_does(site: Site) -> None:
    """What is certain only after 64*T1, at the same time: silent trunks, and a phone that is off."""
    watched(site)
    assert play(site, TRUNKS, SILENT) + play(site, PHONES, ONE_IS_OFF, 5071) == 14
    samples = settled(site, 14, 4 + 4 + 3 + 3 + 2 + 2 + 5 * 3)
    assert outcomes(samples) == {
        **at("globex", answered=4, not_responding=3, server_error=2),
        **at("softphone", answered=5),
    }
    assert finals(samples) == {
        **codes("globex", {"200": 4, "none": 3, "503": 2}),
        **codes("softphone", {"200": 5}),
    }
    assert legs(samples) == {
        **at("acme", not_responding=4 + 3, server_error=2),
        **at("globex", answered=4, not_responding=3 + 2),
        **at("desk", answered_elsewhere=5),
        **at("softphone", answered=5),
        **at("handset", not_responding=5),
    }
    assert endings(samples) == {
        ("server", "globex", "caller", "normal"): 4,
        ("server", "softphone", "caller", "normal"): 5,
    }
    assert conditions(samples) == {
        **at("acme", no_response=4 + 3),
        **at("globex", no_response=3 + 2),
        **at("handset", no_response=5),
    }
