"""From the graph and the alert to the calls: every link is one that the pages read, and shows the calls that are meant."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import pytest

from grafana.make import peers, words
from grafana.make.board import PAGES as BASE
from sipwatch.classify.endings import UNREMARKABLE
from sipwatch.classify.outcomes import FAILED, FAULTS, OF_CALLS, Category
from sipwatch.config import load
from sipwatch.export.record import CallRecord
from sipwatch.packet import SECOND
from sipwatch.store.wanted import Wanted
from sipwatch.web.asked import asked_for
from sipwatch.web.incidents import peers_asked_for
from sipwatch.web.period import period_of
from sipwatch.web.registrations import wanted_in
from tests.each import for_each
from tests.export.records import START
from tests.grafana.links import ROOT
from tests.grafana.pages import PAGES, Document, panels
from tests.grafana.test_rules import ALERTMANAGER, ALERTS, NO_SHARES
from tests.store.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sipwatch.store.reader import StoreReader

Test = Callable[[CallRecord], bool]

NOW = int(START) + 7200 * SECOND
ABOUT_TRAFFIC = [name for name, alert in ALERTS.items() if alert["labels"]["area"] == "traffic"]
CAPTURES = ("demo", "outcomes/*", "conditions/*")
ENDS = ("phones", "server", "acme", "north", "other")
PAIRS = (("phones", "acme"), ("acme", "phones"), ("phones", "server"))


class Calls(NamedTuple):
    """A store that is full of calls of every kind, and all of them."""

    reader: StoreReader
    all: list[CallRecord]

    def found(self, address: str) -> set[str]:
        """Return the ids of the calls that the page shows at an address."""
        parts = urlsplit(address)
        assert parts.path == "/calls"
        given = dict(parse_qsl(parts.query, strict_parsing=True, keep_blank_values=True))
        asked = asked_for(given, NOW)
        assert set(given) == set(asked.given)  # none that the page would not look at
        return {one.record.id for one in self.reader.calls(asked.wanted)}

    def where(self, holds: Test) -> set[str]:
        """Return the ids of those for which it holds."""
        return {call.id for call in self.all if holds(call)}


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calls]:
    """Return a store with the demo, and a capture of each outcome and condition."""
    store = Stored(tmp_path_factory.mktemp("leads"))
    settings = load(str(ROOT / "pcaps/demo.toml")).settings
    for pattern in CAPTURES:
        for path in sorted((ROOT / "pcaps").glob(f"{pattern}.pcap")):
            store.capture(path, settings)
    reader = store.read()
    yield Calls(reader, [one.record for one in reader.calls(Wanted())])
    store.close()


# Alerts


def over(source: str, destination: str) -> Test:
    return lambda call: any((leg.source, leg.destination) == (source, destination) for leg in call.legs)


def between(source: str, destination: str) -> Test:
    return lambda call: (call.source, call.destination) == (source, destination)


def of_either(source: str, _: str) -> Test:
    return lambda call: source in (call.source, call.destination)


def reaching(_: str, destination: str) -> Test:
    return lambda call: call.destination == destination


def outcome(*wanted: str) -> Test:
    return lambda call: call.outcome in wanted


def condition(*wanted: str) -> Test:
    return lambda call: any(one.kind in wanted for one in call.conditions)


def any_call(_: CallRecord) -> bool:
    return True


def not_answered(call: CallRecord) -> bool:
    return call.outcome != "answered"


def ended_oddly(call: CallRecord) -> bool:
    return call.ending is not None and call.ending not in UNREMARKABLE


def in_the_network(call: CallRecord) -> bool:
    return call.category not in (Category.SUCCESS, Category.USER, Category.UNKNOWN)


def faulty(call: CallRecord) -> bool:
    return call.category in FAULTS


HOUR = 3600
# What the link of each alert has to show: between which ends, of what kind, and since when.
MEANT: dict[str, tuple[Callable[[str, str], Test], Test, int]] = {
    "SipCallsStuckAfterTrying": (over, condition("no_progress"), HOUR),
    "SipPeerNotResponding": (over, condition("no_response"), HOUR),
    "SipPeerPartlyNotResponding": (over, condition("no_response"), HOUR),
    "SipOptionsUnanswered": (over, any_call, HOUR),
    "SipPeerVanished": (of_either, any_call, HOUR),
    "SipTrunkWentQuiet": (over, any_call, 2 * HOUR),
    "SipAckLost": (over, condition("ack_missing"), HOUR),
    "SipByeUnanswered": (over, condition("bye_unanswered"), HOUR),
    "SipNoAnswerWave": (between, outcome("no_answer"), HOUR),
    "SipTrunkBusy": (between, outcome("congested"), HOUR),
    "SipSessionsHigh": (of_either, any_call, HOUR),
    "SipSessionsNearLimit": (of_either, any_call, HOUR),
    "SipManyBusy": (between, outcome("busy"), HOUR),
    "SipForbiddenWave": (between, outcome("forbidden"), HOUR),
    "SipAuthenticationFailing": (between, outcome("auth_failed"), HOUR),
    "SipUnavailableJumped": (between, outcome("unavailable"), HOUR),
    "SipCallsEndingOddly": (between, ended_oddly, HOUR),
    "SipSerLow": (between, not_answered, HOUR),
    "SipNerLow": (between, in_the_network, HOUR),
    "SipAnsweredShareDropped": (between, not_answered, HOUR),
    "SipPostDialDelaySlow": (between, condition("slow_progress", "no_response"), HOUR),
    "SipRegistrationsFailing": (of_either, any_call, HOUR),
    "SipRegistrationsDropped": (of_either, any_call, HOUR),
    "SipPeerBudgetBurningFast": (reaching, faulty, HOUR),
    "SipPeerBudgetBurning": (reaching, faulty, 6 * HOUR),
    "SipPeerBudgetBurningSlowly": (reaching, faulty, 72 * HOUR),
}
SINCE = re.compile(
    r'\{\{ with query "time\(\) - (\d+)" \}\}\{\{ \. \| first \| value \| printf "%\.0f" \}\}\{\{ end \}\}'
)


def link_of(alert: str) -> str:
    return str(ALERTS[alert]["annotations"]["calls_url"])


def rendered(alert: str, source: str, destination: str) -> str:
    """Return an alert's link as Prometheus makes it, an hour after the captures began."""
    link = SINCE.sub(str(int(START) // SECOND), link_of(alert))
    for label, value in (("source", source), ("destination", destination), ("peer", source)):
        link = link.replace(f"{{{{ $labels.{label} }}}}", value)
    return link


def test_every_alert_about_traffic_leads_to_calls_and_no_other_does() -> None:
    with_link = {name for name, alert in ALERTS.items() if "calls_url" in alert["annotations"]}
    assert with_link == set(ABOUT_TRAFFIC) == set(MEANT)


@for_each("alert", ABOUT_TRAFFIC)
def test_the_link_of_an_alert_begins_where_the_pages_are_and_is_an_address_as_it_stands(alert: str) -> None:
    link = rendered(alert, "sip.north", "a_b:c-d")
    assert link.startswith(f"{BASE}/calls?since=")
    assert re.fullmatch(r"[A-Za-z0-9.:/?=&%+_~-]+", link)


@for_each("alert", ABOUT_TRAFFIC)
def test_the_link_of_an_alert_goes_back_as_far_as_the_alert_looks(alert: str) -> None:
    """From when the alert was last looked at, not from when somebody reads of it."""
    assert [int(seconds) for seconds in SINCE.findall(link_of(alert))] == [MEANT[alert][2]]


@for_each("alert", ABOUT_TRAFFIC)
def test_the_link_of_an_alert_shows_the_calls_that_are_meant_and_no_others(alert: str, calls: Calls) -> None:
    ends, kind, _ = MEANT[alert]
    shown = 0
    for source, destination in PAIRS:
        here = ends(source, destination)
        wanted = calls.where(lambda call, here=here: here(call) and kind(call))  # type: ignore[misc]
        assert calls.found(rendered(alert, source, destination)) == wanted, (source, destination)
        shown += len(wanted)
    assert shown


@for_each("alert", [name for name in ABOUT_TRAFFIC if name not in NO_SHARES])
def test_an_alert_leads_to_the_incidents_of_its_peers(alert: str) -> None:
    """Where the rise is told, at one of the two ends, nobody knows beforehand: the page is asked for both."""
    link = str(ALERTS[alert]["annotations"]["incidents_url"])
    for label in ("source", "destination", "peer"):
        link = link.replace(f"{{{{ $labels.{label} }}}}", label)
    parts = urlsplit(link)
    assert link.startswith(f"{BASE}/incidents?")
    asked = peers_asked_for(dict(parse_qsl(parts.query, strict_parsing=True)))
    assert asked == list(dict.fromkeys(re.findall(r"\$labels\.(\w+)", link_of(alert))))


@for_each("alert", [name for name in ABOUT_TRAFFIC if name.startswith("SipRegistrations")])
def test_an_alert_about_registrations_leads_to_the_devices_of_its_peer(alert: str) -> None:
    link = str(ALERTS[alert]["annotations"]["registrations_url"]).replace("{{ $labels.source }}", "phones")
    assert link == f"{BASE}/registrations?peer=phones"
    period = period_of({}, START)
    assert wanted_in(dict(parse_qsl(urlsplit(link).query)), period, None).peer == "phones"


@pytest.mark.skipif(shutil.which("amtool") is None, reason="amtool is not installed")
@pytest.mark.parametrize("kind", ["text", "html"])
def test_the_mail_about_an_alert_has_its_links(kind: str, tmp_path: Path) -> None:
    link = rendered("SipAckLost", "server", "acme")
    alert = {
        "summary": "The ACK gets lost",
        "description": "Nobody hears it.",
        "calls_url": link,
        "incidents_url": f"{BASE}/incidents?peer=server,acme",
        "registrations_url": f"{BASE}/registrations?peer=server",
        "runbook_url": "https://r/#x",
    }
    own = {"summary": "It lags", "description": "Slow.", "runbook_url": "https://r/#y"}
    begun = "2026-01-05T09:00:00Z"
    data = {
        "alerts": [
            {"status": "firing", "annotations": alert, "startsAt": begun},
            {"status": "resolved", "annotations": own, "startsAt": begun},
        ]
    }
    (tmp_path / "data.json").write_text(json.dumps(data))
    done = subprocess.run(
        [
            *("amtool", "template", "render", f"--template.glob={ALERTMANAGER.parent}/*.tmpl"),
            *(f'--template.text={{{{ template "sipwatch.{kind}" . }}}}', f"--template.data={tmp_path / 'data.json'}"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.count(link) == 1
    assert "The ACK gets lost" in done.stdout
    assert "Over: It lags" in done.stdout
    assert "Since 2026-01-05 09:00:00 UTC." in done.stdout
    assert [word for word in ("https://r/#x", "https://r/#y") if word not in done.stdout] == []


# Panels


class Lead(NamedTuple):
    """A link of a panel to calls: where it stands, its address, and the values that the label in it can have."""

    panel: str
    where: str
    address: str
    values: tuple[str, ...]


def leads() -> Iterator[Lead]:
    """Give every link to calls: those of panels, and those that some series or columns have instead."""
    for uid, page in PAGES.items():
        for panel in panels(page):
            own, values = of_fields(panel)
            name = f"{uid} / {panel['title']}"
            for link in panel["fieldConfig"]["defaults"].get("links", ()):
                yield Lead(name, "", link["url"], tuple(value for value in values if value not in own))
            for field, links in own.items():
                for link in links:
                    yield Lead(name, field, link["url"], (field,))


def of_fields(panel: Document) -> tuple[dict[str, list[Document]], list[str]]:
    """Return the links that fields have of their own, and the names of all fields that something is set for."""
    own: dict[str, list[Document]] = {}
    names = []
    for override in panel["fieldConfig"]["overrides"]:
        name = override["matcher"]["options"]
        names += [name] if override["matcher"]["id"] == "byName" and name not in names else []
        for one in override["properties"]:
            if one["id"] == "links":
                own[name] = [link for link in one["value"] if "${pages:raw}" in link["url"]]
    return own, names


LEADS = list(leads())
# As Grafana writes one, several, and All; and one whose name is the beginning of others'.
CHOSEN: dict[str, set[str]] = {"phones": {"phones"}, "acme|north": {"acme", "north"}, ".*": set(ENDS), "pho": set()}
CHOICES = ((".*", ".*"), ("phones", "acme|north"), (".*", "pho"), ("pho", ".*"))


def filled(address: str, value: str, source: str, destination: str, cells: dict[str, str] | None = None) -> str:
    """Return an address as Grafana makes it."""
    known = {"pages:raw": BASE, "source:pipe": source, "destination:pipe": destination}
    known["__from"], known["__to"] = str(int(START) // 1_000_000 - 1), str(int(START) // 1_000_000 + HOUR * 1000)

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        if name.startswith("__field.labels."):
            return value
        return (cells or {})[name.removeprefix("__data.fields.")] if name.startswith("__data.") else known[name]

    return re.sub(r"\$\{([^}]+)\}", fill, address)


def labels_in(address: str) -> set[str]:
    return set(re.findall(r"\$\{__field\.labels\.(\w+)\}", address))


BY_LABEL: dict[str, Callable[[str], Test]] = {
    "outcome": outcome,
    "category": lambda value: lambda call: call.category == value,
    "condition": condition,
    "ending": lambda value: lambda call: call.ending == value,
    "ended_by": lambda value: lambda call: call.ended_by == value,
    "tag": lambda value: lambda call: value in call.tags,
    "status_code": lambda value: lambda call: str(call.status_code) == value,
    "source": lambda value: lambda call: call.source == value,
}


def test_panels_by_what_calls_are_told_apart_by_lead_to_calls() -> None:
    """By outcome, kind, condition, ending, code and peer, on both pages about calls."""
    found = {label for lead in LEADS for label in labels_in(lead.address)}
    assert found == set(BY_LABEL)
    assert len({lead.panel for lead in LEADS}) >= 19


@for_each("lead", LEADS, ids=lambda lead: f"{lead.panel} / {lead.where}")
def test_a_panel_leads_to_calls_of_the_time_shown_and_opens_them_beside(lead: Lead) -> None:
    address = lead.address
    assert address.startswith("${pages:raw}/calls?since=${__from}&until=${__to}")
    assert re.fullmatch(r"[A-Za-z0-9.:/?=&%+_~-]+", re.sub(r"\$\{[\w.:]+\}", "", address))


@for_each("lead", [lead for lead in LEADS if labels_in(lead.address)], ids=lambda lead: lead.panel)
def test_what_a_series_leads_to_are_the_calls_that_it_counts(lead: Lead, calls: Calls) -> None:
    """For every name a series can have, and every choice of peers."""
    (label,) = labels_in(lead.address)
    narrowed = lead.panel.startswith(peers.UID)  # whose peers are chosen
    values = [value for value in lead.values or ENDS if label != "outcome" or value in OF_CALLS]
    total = 0
    for value in values:
        kind = BY_LABEL[label](value)
        for source, destination in CHOICES if narrowed else CHOICES[:1]:
            found = calls.found(filled(lead.address, value, source, destination))

            def meant(call: CallRecord, kind: Test = kind, ends: tuple[str, str] = (source, destination)) -> bool:
                chosen = CHOSEN[ends[0]], CHOSEN[ends[1]]
                hops = [(leg.source, leg.destination) for leg in call.legs]
                pairs = hops if "in+hops" in lead.address else [(call.source, call.destination)]
                return kind(call) and any(one in chosen[0] and other in chosen[1] for one, other in pairs)

            assert found == calls.where(meant), (value, source, destination)
            total += len(found)
    assert total


def test_a_code_that_no_call_has_leads_to_calls_without_one_or_nowhere(calls: Calls) -> None:
    (panel,) = (
        one for one in panels(PAGES["sipwatch-peers"]) if one["title"] == "Final responses to calls, per minute"
    )
    own, _ = of_fields(panel)
    assert own["other"] == []
    (link,) = own["none"]
    found = calls.found(filled(link["url"], "none", ".*", ".*"))
    assert found == calls.where(lambda call: call.status_code is None) != set()


COLUMNS: dict[str, Test] = {
    "Calls": lambda call: call.outcome != "unfinished",
    "Faults": faulty,
    "Stuck or silent": outcome("no_progress", "not_responding"),
    "Ended oddly": ended_oddly,
    "INVITEs": any_call,
    **{look.name: condition(kind) for kind, look in words.CONDITIONS.items()},
}
OF_ROW: dict[str, Callable[[dict[str, str]], Test]] = {
    "Peers: calls to them": lambda row: lambda call: call.destination == row["To"],
    "Peers: calls from them": lambda row: lambda call: call.source == row["From"],
    "Error budget left": lambda row: lambda call: call.destination == row["Peer"],
    "Hops": lambda row: over(row["From"], row["To"]),
}
IN_TABLES = [lead for lead in LEADS if "__data.fields" in lead.address]


def test_every_table_of_peers_leads_to_calls() -> None:
    assert {lead.panel.rpartition(" / ")[2] for lead in IN_TABLES} == set(OF_ROW)
    assert len(IN_TABLES) == 4 + 4 + 1 + 5


@for_each("lead", IN_TABLES, ids=lambda lead: f"{lead.panel} / {lead.where}")
def test_what_a_figure_of_a_table_leads_to_are_the_calls_of_its_row(lead: Lead, calls: Calls) -> None:
    kind, of_row = COLUMNS[lead.where], OF_ROW[lead.panel.rpartition(" / ")[2]]
    total = 0
    for source, destination in PAIRS:
        row = {"From": source, "To": destination, "Peer": destination}
        here = of_row(row)
        wanted = calls.where(lambda call, here=here: here(call) and kind(call))  # type: ignore[misc]
        assert calls.found(filled(lead.address, "", ".*", ".*", row)) == wanted, row
        total += len(wanted)
    assert total


def test_failures_are_the_same_on_graphs_and_pages(calls: Calls) -> None:
    """What the dashboards name as failed is what the page means by it."""
    failed = calls.found(f"{BASE}/calls?outcome=failed")
    assert failed == calls.where(lambda call: call.category in FAILED)
    assert failed == calls.where(outcome(*words.FAILURES))
