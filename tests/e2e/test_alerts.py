"""From the wire to whoever is called at night: sipwatch, a real Prometheus with our rules, a real Alertmanager.

All timers are the defaults, all rules as they are delivered.
"""

from __future__ import annotations

import re
import signal
import time
from typing import TYPE_CHECKING

import pytest

from grafana.make.board import DOCS
from tests.e2e import scenarios as s
from tests.e2e.net import INTERFACE
from tests.e2e.process import until
from tests.e2e.scrape import query
from tests.e2e.servers import PROMETHEUS, ROOT, Webhook, alertmanager, prometheus
from tests.e2e.site import ACME, GLOBEX, INITECH, PEERS, PHONE, PHONE_2, SERVER, UMBRELLA, Site

if TYPE_CHECKING:
    from tests.e2e.servers import Alert, Sipwatch

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("with_prometheus")]

RUNBOOK_URL = f"{DOCS}/docs/runbook.md#"
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")


class Watched:
    """sipwatch, Prometheus, Alertmanager and who is called, on the machine of the SIP server."""

    def __init__(self, site: Site) -> None:
        self._near = site.cable.near
        self.sipwatch: Sipwatch = site.watch(PEERS)
        self.webhook = site.running(Webhook(self._near))
        site.running(alertmanager(self._near, site.at))
        site.running(prometheus(self._near, site.at))
        self.until('up{job="sipwatch"} == 1', 30)  # it takes its time to begin

    def query(self, expression: str) -> dict[tuple[str, ...], float]:
        """Ask Prometheus for one value by whatever labels the expression leaves."""
        return {tuple(labels.values()): value for labels, value in query(self._near, PROMETHEUS, expression)}

    def until(self, expression: str, seconds: float) -> float:
        """Wait until an expression, as Prometheus evaluates it, has a value; return it."""
        found = until(lambda: self.query(expression), seconds, expression)
        return next(iter(found.values()))


def leads_to_the_runbook(alert: Alert) -> bool:
    """Tell whether an alert's link has a section to lead to."""
    url = alert.annotations["runbook_url"]
    return url == RUNBOOK_URL + alert.name.lower() and f"\n## {alert.name}\n" in RUNBOOK


def test_somebody_is_called_for_the_right_reason_and_told_when_it_is_over(site: Site) -> None:
    watched = Watched(site)
    sipwatch, webhook = watched.sipwatch, watched.webhook
    with site.cable.far.deaf(GLOBEX, 5060):
        # acme says 100, and then nothing
        acme = site.answers("acme", s.IS_STUCK_UNTIL_TOLD, ACME)
        stuck = site.calls("stuck", s.TALKS, SERVER, ACME, 3, port=5070)
        # globex is gone; Prometheus has to see its calls fail at several moments
        gone = site.calls("gone", s.HEARS_NOTHING, SERVER, GLOBEX, 4, port=5071, rate=0.4)
        # umbrella has no channel free
        site.answers("umbrella", s.refuses(603), UMBRELLA)
        congested = site.calls("congested", s.is_refused(603), SERVER, UMBRELLA, 12, port=5072, rate=4)
        # ACKs do not reach phones
        site.answers("phones", s.ANSWERS, PHONE)
        late = site.calls("late", s.ACKNOWLEDGES_LATE, SERVER, PHONE, 3, port=5073, rate=0.4)
        # initech has to give credentials with each call, and has them; and all is well with other phones
        site.answers("pbx", s.CHALLENGES, SERVER)
        challenged = site.calls("challenged", s.HAS_CREDENTIALS, INITECH, SERVER, 20, port=5074, rate=2)
        site.answers("well-phones", s.ANSWERS, PHONE_2)
        well = site.calls("well", s.TALKS, SERVER, PHONE_2, 40, port=5075, rate=2)

        # Stuck calls: as a figure within 11.5 s of the 100, as an alert soon after that.
        sipwatch.until("invites_in_condition", 3, condition="no_progress", destination="acme", seconds=30)
        seen = time.time()
        hundreds = [message.at for message in acme.messages() if message.status_code == 100]
        assert len(hundreds) == 3
        assert seen - min(hundreds) >= 10
        assert seen - max(hundreds) <= 11.5
        alert = webhook.told("SipCallsStuckAfterTrying", "firing", 45)
        assert alert.receiver == "on-call"
        assert alert.annotations["summary"] == "Calls from server to acme are stuck after 100 Trying: 3 at this moment"
        assert alert.labels["severity"] == "critical"
        assert leads_to_the_runbook(alert)
        for number in (1, 2, 3):
            site.tell(acme, "stuck", number)
        assert stuck.done() == 3
        webhook.told("SipCallsStuckAfterTrying", "resolved", 45)

        # Congested: five minutes must pass before somebody is called, which is the time a wave may take.
        assert (congested.done(), late.done(), challenged.done(), well.done()) == (12, 3, 20, 40)
        watched.until('ALERTS{alertname="SipTrunkBusy",alertstate="pending",destination="umbrella"}', 30)

        # Not responding, for a minute.
        alert = webhook.told("SipPeerNotResponding", "firing", 120)
        assert alert.receiver == "on-call"
        assert (
            alert.annotations["summary"] == "globex does not respond: 4 INVITEs from server without a single response"
        )
        assert leads_to_the_runbook(alert)
        alert = webhook.told("SipAckLost", "firing", 60)
        assert alert.receiver == "mail"
        assert alert.annotations["summary"] == (
            "The ACK gets lost: 3 calls from server to phones in 15 minutes will drop after 32 s"
        )
        assert leads_to_the_runbook(alert)
        assert gone.gave_up() == 4
    # globex is back
    site.answers("globex", s.ANSWERS, GLOBEX)
    assert site.calls("back", s.TALKS, SERVER, GLOBEX, 8, port=5076, rate=4).done() == 8
    webhook.told("SipPeerNotResponding", "resolved", 60)

    # Nobody was called for anything else, and Prometheus has counted what sipp placed.
    assert {alert.name for alert in webhook.alerts} == {
        "SipCallsStuckAfterTrying", "SipPeerNotResponding", "SipAckLost",
    }  # fmt: skip
    site.settled(sipwatch, 3 + 4 + 12 + 3 + 20 + 40 + 8)
    expected = {
        ("acme", "answered"): 3,
        ("globex", "not_responding"): 4,
        ("globex", "answered"): 8,
        ("umbrella", "congested"): 12,
        ("phones", "answered"): 3 + 40,
        ("server", "answered"): 20,
    }
    counts = "sum by (destination, outcome) (sipwatch_calls_total) > 0"
    until(lambda: watched.query(counts) == expected, 10, "Prometheus to have it all", lambda: watched.query(counts))
    # What was challenged counts once: all of it was established, where counting messages says half.
    assert watched.until('source_destination:sipwatch_ser:ratio_rate5m{source="initech"}', 30) == pytest.approx(1)
    by_messages = (
        'increase(sipwatch_responses_total{destination="initech",method="INVITE",status_code="200"}[5m])'
        ' / on() increase(sipwatch_requests_total{source="initech",method="INVITE"}[5m])'
    )
    assert watched.until(by_messages, 30) == pytest.approx(0.5, rel=0.1)


def test_somebody_is_called_when_sipwatch_sees_nothing_or_cannot_be_configured(site: Site) -> None:
    watched = Watched(site)
    sipwatch, webhook = watched.sipwatch, watched.webhook
    config = site.at / "sipwatch.toml"
    config.write_text("[timers]\nno_answer_after = 'soon'\n")
    sipwatch.signal(signal.SIGHUP)
    sipwatch.event("configuration_kept", "line 2")
    site.cable.cut()
    sipwatch.event("interface_down")

    blind = webhook.told("SipCaptureBlind", "firing", 120)
    assert blind.receiver == "on-call"
    assert blind.annotations["summary"] == (f"sipwatch on 127.0.0.1:10060 is blind: nothing comes from {INTERFACE}")
    assert leads_to_the_runbook(blind)
    wrong = webhook.told("SipwatchConfigReloadFailed", "firing", 60)
    assert re.fullmatch(
        r"sipwatch on 127\.0\.0\.1:10060 could not read .* keeps the old one", wrong.annotations["summary"]
    )
    assert leads_to_the_runbook(wrong)

    site.cable.plug()
    config.write_text(PEERS)
    sipwatch.signal(signal.SIGHUP)
    webhook.told("SipCaptureBlind", "resolved", 60)
    webhook.told("SipwatchConfigReloadFailed", "resolved", 60)
    site.answers("acme", s.ANSWERS, ACME)
    assert site.calls("seen-again", s.TALKS, SERVER, ACME, 2, port=5070).done() == 2
    site.settled(sipwatch, 2)
    assert {alert.name for alert in webhook.alerts} == {"SipCaptureBlind", "SipwatchConfigReloadFailed"}
