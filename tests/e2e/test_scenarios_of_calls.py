"""What sipwatch writes of a call for SIPp, played by SIPp: both sides against each other give the same call again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sipwatch.report.sipp import PlayedSide, sipp_scenario
from tests.e2e.site import PHONE, SERVER, Site
from tests.replay import replay

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("with_tcpdump")]  # real programs, in real time

PCAPS = Path(__file__).resolve().parents[2] / "pcaps"
# Each of one hop, so that its caller and its called side belong together.
CALLS = {
    "answered while its CANCEL was on the way": ("outcomes/answered", 1),
    "hung up in vain": ("situations/bye_refused", 0),
    "busy": ("outcomes/busy", 1),
    "busy by its Reason": ("outcomes/busy", 2),
    "challenged and answered": ("outcomes/retried", 0),
    "redirected": ("outcomes/redirected", 0),
    "stuck and given up": ("outcomes/no_progress", 0),
    "given up on an announcement": ("situations/causes", 2),
    "with PRACK and UPDATE": ("situations/precondition", 0),
    "changed while it was up": ("situations/midcall_refused", 0),
    "transferred in vain": ("situations/transfer_failed", 5),
}


def told(call: CallRecord) -> tuple[object, ...]:
    """Return what is said of a call, and what passed the line, each message once."""
    return (
        *(call.outcome, call.status_code, call.cause, call.cause_protocol, call.ending, call.ended_by),
        [message.first_line.partition(" sip")[0] for message in call.messages or () if not message.retransmission],
    )


@pytest.mark.parametrize("name", CALLS)
def test_the_same_call_again(site: Site, name: str) -> None:
    capture, place = CALLS[name]
    call = replay(PCAPS / f"{capture}.pcap", keep_messages=True).calls[place]
    site.record()
    site.answers("callee", sipp_scenario(call, PlayedSide.CALLEE), SERVER)
    assert site.calls("caller", sipp_scenario(call, PlayedSide.CALLER), PHONE, SERVER, 1).done() == 1
    (again,) = replay(site.tcpdump.stop(), keep_messages=True).calls
    assert told(again) == told(call)
    assert call.setup_seconds is not None
    assert again.setup_seconds is not None
    assert abs(again.setup_seconds.seconds - call.setup_seconds.seconds) < 0.5
