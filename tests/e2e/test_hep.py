"""Real senders of HEP: what Kamailio reports gives the figures that a capture of the same calls gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e import scenarios as s
from tests.e2e import sip
from tests.e2e.figures import conditions, endings, finals, legs, outcomes
from tests.e2e.net import INTERFACE
from tests.e2e.servers import Sipwatch
from tests.e2e.site import ACME, ACME_BEHIND_KAMAILIO, KAMAILIO, PEERS, PHONE, PHONE_2, QUICK, SERVER, TOO_LONG, Site

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.process import Running
    from tests.e2e.scrape import Samples

pytestmark = pytest.mark.slow  # real programs, in real time

HERE = "127.0.0.1"
NODE = '[[hep.node]]\nname = "proxy"\nid = 2001\n'
SIPTRACE = """
listen=tcp:127.0.0.1:5060  # or there is nothing to send from over TCP
loadmodule "siptrace.so"
modparam("siptrace", "trace_on", 1)
modparam("siptrace", "trace_mode", 1)
modparam("siptrace", "trace_to_database", 0)
modparam("siptrace", "hep_mode_on", 1)
modparam("siptrace", "hep_version", VERSION)
modparam("siptrace", "hep_capture_id", 2001)
modparam("siptrace", "duplicate_uri", "sip:127.0.0.1:9060WAY")
modparam("siptrace", "auth_key", "hep-secret")
"""


def traced(site: Site, version: int, transport: str) -> Running:
    """Start Kamailio with the lines of docs/hep.md."""
    lines = SIPTRACE.replace("VERSION", str(version)).replace(
        "WAY", f";transport={transport}" if transport == "tcp" else ""
    )
    text = sip.ONE_TRUNK.read_text()
    first = text.index("request_route")
    config: Path = site.at / "kamailio-traced.cfg"
    config.write_text(text[:first] + lines + text[first:])
    return site.kamailio(config)


def place_calls(site: Site) -> None:
    """Place calls that go well, are refused, and get stuck, through Kamailio."""
    acme = site.answers("acme", s.ANSWERS, ACME_BEHIND_KAMAILIO)
    assert site.calls("phones", s.TALKS, PHONE, KAMAILIO, 20, port=5070, rate=20).done() == 20
    acme.end()
    full = site.answers("full", s.refuses(603), ACME_BEHIND_KAMAILIO)
    assert site.calls("refused", s.is_refused(603), PHONE_2, KAMAILIO, 8, port=5070).done() == 8
    full.end()
    site.answers("stuck", s.SAYS_TRYING, ACME_BEHIND_KAMAILIO)
    waits = site.calls("waits", s.gives_up(s.AT_TRYING), PHONE, KAMAILIO, 3, port=5071, pause=TOO_LONG)
    assert waits.done() == 3


def figures(samples: Samples) -> dict[str, dict[tuple[str, ...], float]]:
    """Return all that counts calls and messages.

    Responses without their ends: Kamailio notes the time of what it sends once it is sent, so that the answer may have
    an earlier one; and of a pair that has said nothing else yet, an answer to nothing is counted as another's.
    """
    ends = ("source", "destination")
    return {
        "calls": outcomes(samples),
        "finals": finals(samples),
        "legs": legs(samples),
        "endings": endings(samples),
        "conditions": conditions(samples),
        "requests": samples.table("sipwatch_requests_total", *ends, "method"),
        "responses": samples.table("sipwatch_responses_total", "method", "status_code"),
        "retransmissions": samples.table("sipwatch_retransmissions_total", *ends, "method"),
    }


def differences(one: Samples, other: Samples) -> dict[tuple[str, ...], tuple[float, float]]:
    """Return the figures that differ; what is not there is 0."""
    ours, theirs = (
        {(name, *key): value for name, table in figures(samples).items() for key, value in table.items()}
        for samples in (one, other)
    )
    both = {key: (ours.get(key, 0), theirs.get(key, 0)) for key in ours | theirs}
    return {key: pair for key, pair in both.items() if pair[0] != pair[1]}


@pytest.mark.usefixtures("with_kamailio", "with_tcpdump")
@pytest.mark.parametrize(
    ("version", "transport"), [(3, "udp"), (3, "tcp"), (2, "udp")], ids=["3-udp", "3-tcp", "2-udp"]
)
def test_what_kamailio_reports_is_what_a_capture_shows(version: int, transport: str, site: Site) -> None:
    site.record()
    (site.at / "key").write_text("hep-secret\n")
    demanded = ("--hep-key-file", str(site.at / "key")) if version == 3 else ()
    what = ("--hep", f"{transport}:{HERE}:9060", *demanded)
    sipwatch = site.watch(QUICK + PEERS + NODE, what=what)
    traced(site, version, transport)
    place_calls(site)
    samples = sipwatch.until("calls_total", 31)
    samples = sipwatch.until("calls_ended_total", 20)
    assert samples.by("sipwatch_capture_up", "capture") == {f"{transport}:{HERE}:9060": 1}
    assert set(samples.by("sipwatch_hep_messages_total", "capture")) == {"proxy"}
    assert abs(samples.sum("sipwatch_hep_clock_skew_seconds")) < 1
    for name in ("late_messages", "capture_dropped"):
        assert samples.sum(f"sipwatch_{name}_total") == 0, name
    sipwatch.stop()
    assert differences(samples, site.replayed()) == {}


@pytest.mark.usefixtures("with_kamailio")
def test_what_an_interface_shows_and_an_agent_reports_is_counted_once(site: Site) -> None:
    sipwatch = site.watch(QUICK + PEERS + NODE, what=("-i", INTERFACE, "--hep", f"udp:{HERE}:9060"))
    traced(site, 3, "udp")
    site.answers("acme", s.ANSWERS, ACME_BEHIND_KAMAILIO)
    assert site.calls("phones", s.TALKS, PHONE, KAMAILIO, 20, port=5070, rate=20).done() == 20
    samples = sipwatch.until("calls_ended_total", 20)
    assert samples.by("sipwatch_calls_total", "outcome") == {"answered": 20}
    # Each message once on the wire and once reported; the cable shows both sides of the proxy.
    messages = samples.sum("sipwatch_requests_total") + samples.sum("sipwatch_responses_total")
    assert samples.sum("sipwatch_capture_duplicates_total") == samples.sum("sipwatch_hep_messages_total") == messages
    sipwatch.stop()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_what_is_sent_on_gives_another_sipwatch_the_same_figures(transport: str, site: Site) -> None:
    """The other one listens at the far end of the cable: what is sent passes the interface that is watched."""
    (site.at / "sipwatch.toml").write_text(QUICK + PEERS)
    config = ("--config", str(site.at / "sipwatch.toml"))
    endpoint = f"{transport}:{ACME}:9060"
    other = site.running(Sipwatch(site.cable.far, site.at, *config, what=("--hep", endpoint)))
    sipwatch = site.watch(QUICK + PEERS, "--hep-to", endpoint)
    site.answers("acme", s.ANSWERS, ACME)
    site.answers("phones", s.refuses(486), PHONE)
    assert site.calls("well", s.TALKS, SERVER, ACME, 30, port=5070, rate=30).done() == 30
    assert site.calls("wave", s.is_refused(486), SERVER, PHONE, 100, port=5071, rate=100).done() == 100
    here = site.settled(sipwatch, 130)
    here = sipwatch.until("calls_ended_total", 30)
    other.until("calls_total", 130)
    there = other.until("calls_ended_total", 30)
    assert differences(there, here) == {}
    assert here.table("sipwatch_hep_sent_total", "target") == {
        (endpoint,): here.sum("sipwatch_requests_total") + here.sum("sipwatch_responses_total")
    }
    assert here.sum("sipwatch_hep_unsent_total") == 0
    sipwatch.stop()
    other.stop()
