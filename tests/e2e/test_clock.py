"""The clock is set under a real process, by libfaketime: never the machine's own."""

from __future__ import annotations

import datetime as dt
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pcaps.make.talk import lines
from sipwatch.wire import hep
from sipwatch.wire.message import Path as Way
from sipwatch.wire.message import Transport
from tests.conversation import address, message_text
from tests.e2e.servers import SIPWATCH, events
from tests.e2e.site import QUICK

if TYPE_CHECKING:
    from tests.e2e.servers import Sipwatch
    from tests.e2e.site import Site

pytestmark = pytest.mark.slow  # real programs, in real time

PLACES = ("/usr/lib/*/faketime", "/usr/lib/faketime", "/usr/lib64/faketime", "/usr/local/lib/faketime")
LATE = 2  # seconds that a condition may come late here; a second, and a busy machine


@pytest.fixture
def library() -> Path:
    """Find libfaketime."""
    found = [file for place in PLACES for file in Path("/").glob(f"{place[1:]}/libfaketime.so.1")]
    if not found:
        pytest.skip("needs libfaketime (Debian and Ubuntu: apt install faketime)")
    return found[0]


class Faked:
    """sipwatch with agents at the server's end, its clock as the test sets it; what agents write is true time."""

    def __init__(self, site: Site, library: Path) -> None:
        self._space = site.cable.near
        self._file = site.at / "clock"
        self.set(0)
        faked = {
            "LD_PRELOAD": library,
            "FAKETIME_TIMESTAMP_FILE": self._file,
            "FAKETIME_NO_CACHE": "1",  # at once
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }
        program = ["env", *(f"{name}={value}" for name, value in faked.items()), *SIPWATCH]
        self.sipwatch: Sipwatch = site.watch(QUICK, what=("--hep", "udp:127.0.0.1:9060"), program=program)

    def set(self, seconds: int) -> float:
        """Set its clock to so much ahead of ours, in one go; return by our own when that was."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+d}s\n")
        new.rename(self._file)
        return time.time()

    def report(self, script: str) -> float:
        """Report messages; return when that was."""
        with self._space.inside():
            agent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        now = time.time()
        with agent:
            for line in lines(script):
                way = Way(address(line.source) + address(line.destination) + bytes.fromhex("13c413c4"), Transport.UDP)
                packet = hep.encode(round(now * 1e9), way, message_text(line), hep.Agent(7))
                agent.sendto(packet, ("127.0.0.1", 9060))
        return now


def written(line: str) -> float:
    return dt.datetime.fromisoformat(line.split(" ", maxsplit=1)[0]).timestamp()


@pytest.mark.parametrize("first", [3600, -3600, 86_400])
def test_time_goes_on_for_calls_when_the_clock_is_set_and_set_back(site: Site, library: Path, first: int) -> None:
    """no_progress comes 3 s after the 100, though the clock is set in between; nothing runs out before its time."""
    faked = Faked(site, library)
    sipwatch = faked.sipwatch
    began = faked.report("0 A>P INVITE call=up\n0 P>A 200 call=up\n0 A>P ACK call=up")
    sipwatch.until("calls_established", 1)
    for step, (ahead, call) in enumerate([(first, "one"), (0, "two")], 1):
        at = faked.report(f"0 B>P INVITE call={call}\n0 P>B 100 call={call}")
        sipwatch.until("requests_total", step + 1, method="INVITE")
        faked.set(ahead)
        told = sipwatch.event("condition_raised", "condition=no_progress", f"call_id={call}")
        assert time.time() - at < 3 + LATE
        assert written(told) == pytest.approx(at + 3 + ahead, abs=1), "by the clock as it is now"
        steps = events(sipwatch.said(), "clock_stepped")
        assert len(steps) == step
        assert f"seconds={first if step == 1 else -first}." in steps[-1]
        samples = sipwatch.scrape()
        assert samples.sum("sipwatch_capture_clock_steps_total") == step
        assert samples.sum("sipwatch_calls_established") == 1
        assert samples.sum("sipwatch_hep_clock_skew_seconds") == pytest.approx(-ahead, abs=1)
        assert abs(samples.sum("sipwatch_clock_lag_seconds")) < LATE
        assert samples.sum("sipwatch_calls_timed_out_total") == 0
    talked = faked.report("0 A>P BYE call=up\n0 P>A 200 call=up method=BYE cseq=2") - began
    samples = sipwatch.until("calls_ended_total", 1)
    lasted = samples.sum("sipwatch_session_duration_seconds_sum")
    assert lasted == pytest.approx(talked, abs=1), "as exact as the first messages are in time"
    assert samples.sum("sipwatch_late_messages_total") == 0
    sipwatch.stop()
