"""Law 2: what was seen live, and the same packets from a file, give the same figures, sample by sample."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.e2e import scenarios as s
from tests.e2e.sip import TCP
from tests.e2e.site import (
    ACME,
    ACME6,
    FOR_A_WHILE,
    GLOBEX,
    INITECH,
    PEERS,
    PHONE,
    PHONE6,
    PHONE_2,
    QUICK,
    SERVER,
    SERVER6,
    STRANGER,
    TOO_LONG,
    UMBRELLA,
    Site,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.scrape import Key, Samples

pytestmark = pytest.mark.slow  # real programs, in real time

# The few families that concern the capture itself, and why they differ. Everything else has to be the same.
CAPTURE_ITSELF = {
    "sipwatch_capture_packets_total": "a file holds what the kernel's filter keeps from an interface: ARP, say",
    "sipwatch_capture_dropped_total": "its label is the interface's name, or the file's",
    "sipwatch_capture_up": "only an interface is up or down",
    "sipwatch_capture_stalls_total": "only a process that runs beside the traffic can stand still",
    "sipwatch_capture_clock_steps_total": "only the clock of a process that runs can be set",
    "sipwatch_clock_lag_seconds": "a replay lives in no time of its own",
    "sipwatch_log_suppressed_total": "a replay writes no log",
    "sipwatch_log_failed_total": "a replay writes no log",
    "sipwatch_config_last_reload_successful": "a replay reads its configuration once",
    "sipwatch_config_last_reload_success_timestamp_seconds": "a replay reads its configuration once",
    "sipwatch_tracked": "what is kept to understand packets that may still come goes at the end of a file",
    "sipwatch_tracked_bytes": "as with what is tracked",
    "process_virtual_memory_bytes": "about the daemon's process",
    "process_resident_memory_bytes": "about the daemon's process",
    "process_start_time_seconds": "about the daemon's process",
    "process_cpu_seconds_total": "about the daemon's process",
    "process_open_fds": "about the daemon's process",
    "process_max_fds": "about the daemon's process",
}
# discards_total{reason}: what is no SIP by its first bytes, or no IP at all, does not get past the kernel's filter.
KEPT_OUT = {"not_ip", "icmp", "ip_protocol", "esp", "sctp", "not_sip", "keepalive", "media"}
# Of a TCP segment that comes in, each reader takes the time himself, a microsecond later than the one before. So two
# packets may have changed places in time, and durations differ by as much.
A_LOOK_AT_THE_CLOCK = 50e-6
BY_A_LOOK = ("_seconds_sum", "_timestamp_seconds")
IN_TIME = ("sipwatch_notices_total", frozenset({("reason", "time_stepped_back")}))

ALL_TCP_PORTS = """
[capture]
tcp_ports = [5060, 5082, 5083]
"""


class Pair(NamedTuple):
    """Somebody who calls, or does something else, and somebody who answers."""

    name: str
    callee: str
    answering: str
    caller: str
    calling: str
    many: int
    pause: float = 0.3
    transport: str = "u1"
    calls: bool = True  # and does not register, or ping


UDP = [
    Pair("well", ACME, s.ANSWERS, SERVER, s.TALKS, 30),
    Pair("six", ACME6, s.ANSWERS, SERVER6, s.TALKS, 5),
    Pair("long", ACME, s.ANSWERS_AT_LENGTH, SERVER, s.TALKS_AT_LENGTH, 4),
    Pair("long-six", ACME6, s.ANSWERS_AT_LENGTH, SERVER6, s.TALKS_AT_LENGTH, 4),
    Pair("again", PHONE, s.ANSWERS_SLOWLY, SERVER, s.ACKNOWLEDGES_LATE, 3),
    Pair("hung-up-on", PHONE, s.HANGS_UP, SERVER, s.IS_HUNG_UP_ON, 6),
    Pair("busy", PHONE_2, s.refuses(486), SERVER, s.is_refused(486), 20),
    Pair("congested", GLOBEX, s.refuses(603), SERVER, s.is_refused(603), 7),
    Pair("reason", GLOBEX, s.refuses(480, "Reason: Q.850;cause=19"), SERVER, s.is_refused(480), 2),
    Pair("challenged", SERVER, s.CHALLENGES, PHONE, s.HAS_CREDENTIALS, 9),
    Pair("given-up", PHONE, s.RINGS, SERVER, s.gives_up(s.AT_RINGING), 3, FOR_A_WHILE),
    Pair("stuck", INITECH, s.SAYS_TRYING, SERVER, s.gives_up(s.AT_TRYING), 4, TOO_LONG),
]
NO_CALLS = [
    Pair("registers", SERVER, s.registrar(code=401), PHONE, s.registers(code=401), 5, calls=False),
    Pair("pings", SERVER, s.IS_PINGED, PHONE, s.PINGS, 6, calls=False),
]
OVER_TCP = [
    Pair("tcp", ACME, s.ANSWERS, SERVER, s.TALKS, 8, transport=TCP),
    Pair("tcp-six", PHONE6, s.refuses(486, ringing=True), SERVER6, s.is_refused(486), 3, transport=TCP),
]
HALF_A_MINUTE = [
    Pair("no-credentials", SERVER, s.CHALLENGES_ONCE, PHONE, s.HAS_NO_CREDENTIALS, 2),
    Pair("half-open", UMBRELLA, s.DOES_NOT_ANSWER_THE_BYE, SERVER, s.TALKS, 2),
    Pair("strangers", SERVER, s.registrar(code=401, finally_=403), STRANGER, s.registers(code=401, finally_=403), 5,
         calls=False),
]  # fmt: skip


@pytest.fixture
def _one_clock() -> Iterator[None]:
    """Let the kernel look at its clock once for each packet, not once for each reader of it.

    It does as long as anybody wants to know times of packets the old way. Then tcpdump and sipwatch have the same.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as interested:
        interested.setsockopt(socket.SOL_SOCKET, 35, 1)  # SO_TIMESTAMPNS
        yield


def comparable(samples: Samples) -> dict[Key, float]:
    """Leave out what concerns the capture itself."""
    return {
        key: value
        for key, value in samples.items()
        if key[0] not in CAPTURE_ITSELF and dict(key[1]).get("reason") not in KEPT_OUT
    }


def play(site: Site, pairs: list[Pair], first_port: int = 5070) -> int:
    """Let all of this happen at the same time; return how many calls were placed."""
    placed = []
    for port, pair in enumerate(pairs, first_port):
        more = {"pause": pair.pause, "transport": pair.transport}
        site.answers(f"{pair.name}-callee", pair.answering, pair.callee, port=port, **more)
        placed.append(
            site.calls(
                pair.name, pair.calling, pair.caller, pair.callee, pair.many, port=port, target_port=port, **more
            )
        )
    for sipp in placed:
        sipp.gave_up(90) if sipp.name == "half-open" else sipp.done(90)
    return sum(pair.many for pair in pairs if pair.calls)


def both(site: Site, calls: int) -> tuple[dict[Key, float], dict[Key, float]]:
    """Return the figures of the daemon when all is over, and those of a replay."""
    sipwatch = site.sipwatch
    # Live, timers run out by themselves; a file is over with its last packet. So when all of them have run
    # out, one more packet tells the file what time it is.
    sipwatch.forgotten(60)
    site.answers("last-callee", s.IS_PINGED, SERVER)
    site.calls("last", s.PINGS, PHONE, SERVER, 1).done()
    live = site.settled(sipwatch, calls)
    sipwatch.stop()
    found = comparable(live)
    assert sum(value for (name, _), value in found.items() if name == "sipwatch_calls_total") == calls
    assert len(found) > 1000
    return found, comparable(site.replayed())


def agree(live: dict[Key, float], again: dict[Key, float]) -> None:
    """See to it that two sets of figures are the same, times as far as two looks at the clock are.

    The kernel's own look for all begins to hold a moment after it was asked for: a packet may come before.
    """
    assert live.keys() == again.keys()
    for key, value in live.items():
        name, labels = key
        if name.endswith(BY_A_LOOK):
            looks = 2 * live.get((name.replace("_sum", "_count"), labels), 1)
            assert abs(again[key] - value) <= looks * A_LOOK_AT_THE_CLOCK, key
        else:
            assert again[key] == value, key


@pytest.mark.usefixtures("with_tcpdump", "_one_clock")
def test_what_was_seen_live_counts_the_same_when_replayed(site: Site) -> None:
    site.record()
    site.watch()
    agree(*both(site, play(site, UDP + NO_CALLS)))


@pytest.mark.usefixtures("with_tcpdump", "_one_clock")
def test_so_do_tcp_and_what_ends_by_timers(site: Site) -> None:
    site.record()
    site.watch(ALL_TCP_PORTS + QUICK + PEERS)
    with site.cable.far.deaf(GLOBEX, 5060):
        unheard = site.calls("unheard", s.HEARS_NOTHING, SERVER, GLOBEX, 3)
        refuted = site.calls("refuted", s.HEARS_NOTHING, SERVER, INITECH, 2, port=5061)
        calls = play(site, [*UDP, *OVER_TCP, *NO_CALLS, *HALF_A_MINUTE])
        calls += unheard.gave_up(90) + refuted.gave_up(90)
    live, again = both(site, calls)
    assert calls == 97 + 11 + 4 + 5
    for figures in (live, again):
        figures.pop(IN_TIME, None)
    agree(live, again)


@pytest.mark.usefixtures("with_tcpdump", "_one_clock")
def test_calls_that_are_under_way_at_the_end_are_unfinished_and_all_else_is_the_same(site: Site) -> None:
    """Ended by SIGTERM in the middle of calls, or by the end of the file: nobody knows what became of them."""
    site.record()
    sipwatch = site.watch()
    site.answers("acme", s.IS_STUCK_UNTIL_TOLD, ACME)
    site.calls("stuck", s.TALKS, SERVER, ACME, 4)
    site.answers("well-callee", s.ANSWERS, ACME, port=5061)
    site.calls("well", s.TALKS, SERVER, ACME, 5, port=5061, target_port=5061).done()
    live = sipwatch.until("session_disconnect_delay_seconds_count", 5)
    assert live.by("sipwatch_calls_pending", "phase") == {"trying": 4}
    sipwatch.stop()
    again = site.replayed()
    assert again.by("sipwatch_calls_total", "outcome") == {"answered": 5, "unfinished": 4}
    assert again.sum("sipwatch_calls_pending") == 0
    certain = ("calls_started", "requests", "responses", "retransmissions", "calls_ended")
    for name in certain:
        of = {key: value for key, value in live.items() if key[0] == f"sipwatch_{name}_total"}
        assert of == {key: value for key, value in again.items() if key[0] == f"sipwatch_{name}_total"}, name
