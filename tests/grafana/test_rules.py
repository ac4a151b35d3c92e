"""What Prometheus and Alertmanager do with the metrics: rules, their tests, the runbook and the examples."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from grafana.make.board import DOCS
from sipwatch.classify.endings import UNREMARKABLE, Ending
from sipwatch.classify.outcomes import Category, Outcome
from sipwatch.export.filters import compile_filter
from tests.each import for_each
from tests.grafana import goals
from tests.grafana.links import anchors

ROOT = Path(__file__).resolve().parent.parent.parent
PROMETHEUS = ROOT / "grafana/prometheus"
ALERTMANAGER = ROOT / "grafana/alertmanager/alertmanager.yml"
RULES = sorted((PROMETHEUS / "rules").glob("*.yml"))
TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
# Evaluated minute by minute: weeks of it, or many stories of hours, each of which takes promtool many seconds.
LONG = {
    *("alerts-now-quiet", "alerts-past", "alerts-registrations", "alerts-silence", "recording-past"),
    *("alerts-outcomes", "alerts-peers", "alerts-ratios"),
}
RUNBOOK = ROOT / "docs/runbook.md"
RUNBOOK_URL = f"{DOCS}/docs/runbook.md"

# What sipwatch exports, by the labels that are its own.
ENDS = {"source", "destination"}
METRICS: dict[str, set[str]] = {
    "sipwatch_calls_started_total": {"source"},
    "sipwatch_calls_total": {*ENDS, "outcome", "category"},
    "sipwatch_call_final_responses_total": {*ENDS, "status_code"},
    "sipwatch_calls_timed_out_total": {*ENDS, "timer"},
    "sipwatch_calls_pending": {"source", "phase"},
    "sipwatch_calls_established": ENDS,
    "sipwatch_peer_sessions": {"peer"},
    "sipwatch_peer_sessions_limit": {"peer"},
    "sipwatch_objective_ratio": {"destination"},
    "sipwatch_software_calls_total": {"peer", "software", "side", "result"},
    "sipwatch_calls_ended_total": {*ENDS, "ended_by", "ending"},
    "sipwatch_session_request_delay_seconds": {*ENDS, "result"},
    "sipwatch_ring_duration_seconds": {*ENDS, "category"},
    "sipwatch_answer_delay_seconds": ENDS,
    "sipwatch_session_duration_seconds": ENDS,
    "sipwatch_session_disconnect_delay_seconds": ENDS,
    "sipwatch_invites_total": {*ENDS, "outcome"},
    "sipwatch_invite_final_responses_total": {*ENDS, "status_code"},
    "sipwatch_invite_conditions_total": {*ENDS, "condition"},
    "sipwatch_invite_conditions_resolved_total": {*ENDS, "condition", "resolution"},
    "sipwatch_invites_in_condition": {*ENDS, "condition"},
    "sipwatch_reason_causes_total": {*ENDS, "protocol", "cause"},
    "sipwatch_retransmissions_total": {*ENDS, "method"},
    "sipwatch_trying_delay_seconds": ENDS,
    "sipwatch_progress_delay_seconds": {*ENDS, "status_code"},
    "sipwatch_early_progress_seconds": ENDS,
    "sipwatch_requests_total": {*ENDS, "method"},
    "sipwatch_responses_total": {*ENDS, "method", "status_code"},
    "sipwatch_registrations_total": {*ENDS, "outcome", "status_code"},
    "sipwatch_registrations_active": ENDS,
    "sipwatch_registrations_expired_total": ENDS,
    "sipwatch_registration_request_delay_seconds": ENDS,
    "sipwatch_options_total": {*ENDS, "outcome"},
    "sipwatch_options_response_delay_seconds": ENDS,
    "sipwatch_peer_last_seen_timestamp_seconds": {"peer"},
    "sipwatch_peer_last_response_timestamp_seconds": {"peer"},
    "sipwatch_capture_packets_total": {"capture"},
    "sipwatch_capture_dropped_total": {"capture"},
    "sipwatch_capture_up": {"capture"},
    "sipwatch_late_messages_total": {"capture"},
    "sipwatch_hep_messages_total": {"capture"},
    "sipwatch_hep_node_last_seen_timestamp_seconds": {"capture"},
    "sipwatch_hep_clock_skew_seconds": {"capture"},
    "sipwatch_hep_connections": {"capture"},
    "sipwatch_hep_connections_closed_total": {"reason"},
    "sipwatch_hep_sent_total": {"target"},
    "sipwatch_hep_unsent_total": {"target", "reason"},
    "sipwatch_hep_target_up": {"target"},
    "sipwatch_capture_duplicates_total": set(),
    "sipwatch_discards_total": {"stage", "reason"},
    "sipwatch_notices_total": {"reason"},
    "sipwatch_tracked": {"table"},
    "sipwatch_evicted_total": {"table"},
    "sipwatch_series_folded_total": set(),
    "sipwatch_capture_clock_steps_total": set(),
    "sipwatch_clock_lag_seconds": set(),
    "sipwatch_store_dropped_total": {"what", "reason"},
    "sipwatch_store_calls_total": set(),
    "sipwatch_store_calls_waiting": set(),
    "sipwatch_store_size_bytes": set(),
    "sipwatch_log_suppressed_total": {"event"},
    "sipwatch_log_failed_total": set(),
    "sipwatch_build_info": {"version", "implementation"},
    "sipwatch_config_last_reload_successful": set(),
    "sipwatch_config_last_reload_success_timestamp_seconds": set(),
}
# What is there without sipwatch's doing: Prometheus' own, prometheus_client's.
FROM_ELSEWHERE = {"up", "process_start_time_seconds", "process_cpu_seconds_total"}
TARGET = {"job", "instance", "le"}
SEVERITIES = {"critical", "warning", "info"}

Document = dict[str, Any]


LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C where there is one: the other takes a second for some


@cache
def load(path: Path) -> Document:
    document = yaml.load(path.read_text(), LOADER)  # noqa: S506, safe either way
    assert isinstance(document, dict)
    return document


def rules() -> list[Document]:
    """Return every rule: of the files, and those that ``sipwatch rules`` makes of a sample."""
    groups = [group for path in RULES for group in load(path)["groups"]] + goals.GROUPS
    return [rule for group in groups for rule in group["rules"]]


ALERTS: dict[str, Document] = {rule["alert"]: rule for rule in rules() if "alert" in rule}
RECORDED = [rule["record"] for rule in rules() if "record" in rule]
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", RUNBOOK.read_text(), re.MULTILINE | re.DOTALL))


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", RUNBOOK.read_text(), re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    """Return the runbook's calls of sipwatch, as the shell would split them."""
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [shlex.split(line) for line in lines if line.startswith("sipwatch ")]


def run(program: str, *arguments: object) -> None:
    """Run a checker; what it says is the failure."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# Prometheus' and Alertmanager's own opinion.


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_promtool_accepts_the_rules(path: Path) -> None:
    run("promtool", "check", "rules", "--lint=all", "--lint-fatal", path)


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=pytest.mark.slow if path.stem in LONG else ()) for path in TESTS],
    ids=[path.stem for path in TESTS],
)
def test_the_rules_do_what_their_tests_say(path: Path, tmp_path: Path) -> None:
    run("promtool", "test", "rules", with_what_it_asks_for(path, tmp_path))


def with_what_it_asks_for(path: Path, folder: Path) -> Path:
    """Write a test and its rules without the alerts that it asks nothing of: looking at them takes most of the time."""
    document = load(path)
    asked = {one["alertname"] for test in document["tests"] for one in test.get("alert_rule_test", ())}
    for name in ("rules", "tests"):
        (folder / name).mkdir()
    for file in document["rule_files"]:
        groups = [
            {**group, "rules": [rule for rule in group["rules"] if "record" in rule or rule["alert"] in asked]}
            for group in load(path.parent / file)["groups"]
        ]
        (folder / "tests" / file).write_text(json.dumps({"groups": groups}))  # which is YAML as well
    return Path(shutil.copy(path, folder / "tests"))


def test_promtool_accepts_the_configuration_with_the_rules_it_will_find(tmp_path: Path) -> None:
    text = (PROMETHEUS / "prometheus.yml").read_text()
    assert "/etc/prometheus/rules/*.yml" in text
    (tmp_path / "prometheus.yml").write_text(text.replace("/etc/prometheus/rules/", f"{PROMETHEUS / 'rules'}/"))
    run("promtool", "check", "config", tmp_path / "prometheus.yml")


def test_amtool_accepts_the_configuration() -> None:
    run("amtool", "check-config", ALERTMANAGER)


def test_promtool_parses_every_query_of_the_runbook(tmp_path: Path) -> None:
    queries = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(blocks("promql"))]
    assert len(queries) >= len(ALERTS)
    (tmp_path / "queries.yml").write_text(yaml.safe_dump({"groups": [{"name": "runbook", "rules": queries}]}))
    run("promtool", "check", "rules", tmp_path / "queries.yml")


# Alerts.


# About calls, and not about what becomes of them: there is no incident of these.
NO_SHARES = {
    "SipOptionsUnanswered",
    "SipRegistrationsFailing",
    "SipRegistrationsDropped",
    "SipSessionsHigh",
    "SipSessionsNearLimit",
}


@for_each("name", ALERTS)
def test_every_alert_says_what_people_need_at_night(name: str) -> None:
    """How bad, for how long, who is meant, what it is, what to do, and where there is more."""
    alert = ALERTS[name]
    assert alert["labels"]["severity"] in SEVERITIES
    assert alert["labels"]["area"] in {"traffic", "capture", "sipwatch"}
    assert re.fullmatch(r"\d+[smh]", alert["for"])
    annotations = alert["annotations"]
    about_calls = {"calls_url"} if alert["labels"]["area"] == "traffic" else set()
    about_shares = about_calls and {"incidents_url"} - ({"incidents_url"} if name in NO_SHARES else set())
    about_devices = {"registrations_url"} if name.startswith("SipRegistrations") else set()
    assert set(annotations) == {"summary", "description", "runbook_url", *about_calls, *about_shares, *about_devices}
    assert all("\n" not in text for text in annotations.values())
    assert "$labels." in annotations["summary"]
    assert annotations["runbook_url"] == f"{RUNBOOK_URL}#{name.lower()}"
    assert name.lower() in anchors(RUNBOOK)


def test_the_runbook_has_a_section_for_each_alert_and_no_other() -> None:
    assert set(SECTIONS) == set(ALERTS)
    assert RUNBOOK.read_text().count("\n## ") == len(ALERTS)


@for_each("name", ALERTS)
def test_every_section_says_who_acts_and_what_to_look_at(name: str) -> None:
    section = SECTIONS[name]
    assert f"*{ALERTS[name]['labels']['severity'].capitalize()}.*" in section
    for part in ("- **Who acts:**", "- **First:**", "- **Usually:**", "- **Harmless when:**", "```promql", "```sh"):
        assert part in section, part


def test_every_command_of_the_runbook_can_be_given() -> None:
    """Its filters are compiled by the program itself."""
    given = commands()
    assert len(given) >= len(ALERTS)
    filters = [command[command.index("--filter") + 1] for command in given if "--filter" in command]
    assert filters
    for expression in filters:
        compile_filter(expression)
    outcomes = {word for expression in filters for word in re.findall(r'outcome [!=]= "(\w+)"', expression)}
    assert outcomes <= set(Outcome)
    endings = {word for expression in filters for word in re.findall(r'ending [!=]= "(\w+)"', expression)}
    assert endings <= set(Ending)
    assert {word for expression in filters for word in re.findall(r'category == "(\w+)"', expression)} <= set(Category)


# The rules' own tests.


def cases(kind: str, name: str) -> list[Document]:
    groups = [group for path in (*TESTS, *goals.TESTS) for group in load(path)["tests"]]
    return [case for group in groups for case in group.get(kind, ()) if case.get("alertname", name) == name]


@for_each("name", ALERTS)
def test_every_alert_is_seen_firing_and_seen_silent(name: str) -> None:
    found = cases("alert_rule_test", name)
    assert any(case["exp_alerts"] for case in found)
    assert any(not case["exp_alerts"] for case in found)


@for_each("name", RECORDED)
def test_every_recording_rule_is_calculated_by_hand(name: str) -> None:
    """With a value: that a series is absent says little."""
    asked = [case["expr"] for case in cases("promql_expr_test", "") if case["exp_samples"]]
    assert any(re.search(rf"(?<![\w:]){name}(?![\w:])", query) for query in asked)


def test_the_tests_know_every_group_of_rules() -> None:
    """promtool evaluates groups in any order but that given; alerts read what is recorded before."""
    for path in TESTS:
        test = load(path)
        files = [path.parent / rule_file for rule_file in test["rule_files"]]
        groups = [group["name"] for rule_file in files for group in load(rule_file)["groups"]]
        assert test["group_eval_order"] == groups, path.name


# Names.


def identifiers(query: str) -> set[str]:
    """Return the names of the series in a query: what has sipwatch in it, and what stands before a brace or bracket."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', query)
    return set(re.findall(r"[\w:]*sipwatch_[\w:]+|[a-zA-Z_][\w:]*(?=\s*[{\[])", bare)) - {"by", "on"}


def family(name: str) -> str:
    return re.sub(r"_(bucket|count|sum)$", "", name)


def known(name: str) -> bool:
    return name in RECORDED or name in METRICS or name in FROM_ELSEWHERE or family(name) in METRICS


def matchers(query: str) -> list[tuple[str, set[str]]]:
    """Return the selectors of metrics with the labels that they ask for."""
    found = re.findall(r"\b(sipwatch_\w+)\{((?:[^}\"]|\"(?:[^\"\\]|\\.)*\")*)\}", query)
    return [(name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", inside))) for name, inside in found]


QUERIES = {
    **{rule["expr"]: rule.get("record") or rule["alert"] for rule in rules()},
    **{query: f"runbook {number}" for number, query in enumerate(blocks("promql"))},
}


@for_each("query", QUERIES, ids=QUERIES.get)
def test_every_series_named_is_exported_or_recorded(query: str) -> None:
    names = identifiers(query)
    assert names or query.startswith("vector(")  # a goal
    assert {name for name in names if not known(name)} == set()


@for_each("query", QUERIES, ids=QUERIES.get)
def test_every_label_asked_for_belongs_to_its_metric(query: str) -> None:
    for name, labels in matchers(query):
        assert labels <= METRICS.get(name, METRICS.get(family(name), set())) | TARGET, name


@for_each("query", QUERIES, ids=QUERIES.get)
def test_every_outcome_asked_for_exists(query: str) -> None:
    words = re.findall(r'sipwatch_calls_total\{[^}]*?outcome(?:=~|!~|!=|=)"([\w|]+)"', query)
    assert {outcome for word in words for outcome in word.split("|")} <= set(Outcome)


@for_each("query", QUERIES, ids=QUERIES.get)
def test_every_ending_asked_for_exists(query: str) -> None:
    words = re.findall(r'sipwatch_calls_ended_total\{[^}]*?ending(?:=~|!~|!=|=)"([\w|]+)"', query)
    assert {ending for word in words for ending in word.split("|")} <= set(Ending)


def test_the_rules_leave_out_the_endings_that_say_nothing_against_anybody() -> None:
    odd = [rule["expr"] for rule in rules() if "calls_ended_oddly" in rule.get("record", "")]
    left_out = {word for query in odd for word in re.findall(r'_ended_total\{ending!~"([\w|]+)"', query)}
    assert "|".join(sorted(UNREMARKABLE)) in left_out
    assert all(set(word.split("|")) <= UNREMARKABLE for word in left_out)


def test_the_series_that_the_tests_make_up_could_come_from_sipwatch() -> None:
    made_up = [series["series"] for path in TESTS for test in load(path)["tests"] for series in test["input_series"]]
    assert made_up
    for series in made_up:
        name, labels = series.partition("{")[0], set(re.findall(r"(\w+)=", series))
        assert name in METRICS or name in FROM_ELSEWHERE or family(name) in METRICS, name
        assert labels <= METRICS.get(name, METRICS.get(family(name), set())) | TARGET, series


# Alertmanager.


def test_every_severity_has_a_route() -> None:
    routed = " ".join(matcher for route in load(ALERTMANAGER)["route"]["routes"] for matcher in route["matchers"])
    assert all(f'severity="{severity}"' in routed for severity in SEVERITIES)
    assert load(ALERTMANAGER)["route"]["group_by"] == ["alertname", "destination"]


@pytest.mark.parametrize(("severity", "receiver"), [("critical", "on-call"), ("warning", "mail"), ("info", "mail")])
def test_who_is_told(severity: str, receiver: str) -> None:
    labels = [f"severity={severity}", "alertname=SipSerLow", "destination=acme"]
    run(
        "amtool", "config", "routes", "test", f"--config.file={ALERTMANAGER}", f"--verify.receivers={receiver}", *labels
    )


def test_what_is_inhibited_exists() -> None:
    inhibitions = load(ALERTMANAGER)["inhibit_rules"]
    given = " ".join(matcher for rule in inhibitions for matcher in rule["source_matchers"] + rule["target_matchers"])
    assert set(re.findall(r"\bSip\w+", given)) <= set(ALERTS)


def test_who_is_blind_says_nothing_about_calls() -> None:
    """Alerts about sipwatch itself still come."""
    blind = load(ALERTMANAGER)["inhibit_rules"][0]
    assert blind["source_matchers"] == ['alertname=~"SipwatchDown|SipCaptureBlind"']
    assert blind["target_matchers"] == ['area="traffic"']
    areas = {name: alert["labels"]["area"] for name, alert in ALERTS.items()}
    assert areas["SipwatchDown"] == "sipwatch"
    assert areas["SipCaptureBlind"] == "capture"
    about_calls = {name for name, area in areas.items() if area == "traffic"}
    assert about_calls == {name for name in ALERTS if not name.startswith(("Sipwatch", "SipCapture"))}
