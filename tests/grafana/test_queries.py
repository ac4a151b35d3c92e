"""The queries of the dashboards: they name what sipwatch exports, use it as what it is, and give something."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from grafana.make import overview, own, peers, reasons
from grafana.make.queries import RANGE, call_ratios
from sipwatch.export import series
from sipwatch.export.series import MetricKind
from tests.each import for_each
from tests.grafana import made_up
from tests.grafana.pages import ASKED, PAGES, Asked, Document
from tests.grafana.promql import Selector, selectors

if TYPE_CHECKING:
    from pathlib import Path

    from tests.grafana.conftest import Prometheus

CHOSEN = {"source": ".*", "destination": ".*", "instance": ".*"}  # what All stands for
TARGET = {"job", "instance"}
JOINED = {"about"}  # what an alert is about, put together in its query
DEMO_END, DEMO_LENGTH = 1_767_604_260, 660  # 2026-01-05T09:11:00Z

per_query = for_each("asked", ASKED, ids=lambda asked: asked.name)
per_page = pytest.mark.parametrize("uid", PAGES)


# What is exported, as what, with which labels


def exported() -> dict[str, tuple[MetricKind, set[str], series.Series | None]]:
    """Return kind and labels by the names that stand in queries; of a histogram, those of its three parts."""
    found: dict[str, tuple[MetricKind, set[str], series.Series | None]] = {}
    for of in series.ALL:
        labels = set(of.labels)
        if of.kind is MetricKind.HISTOGRAM:
            found[f"{of.exposed}_bucket"] = (MetricKind.HISTOGRAM, labels | {"le"}, of)
            found[f"{of.exposed}_count"] = found[f"{of.exposed}_sum"] = (MetricKind.COUNTER, labels, of)
        else:
            found[of.exposed] = (of.kind, labels, of)
    for name, labels in made_up.beside().items():
        found[name] = (MetricKind.COUNTER if name.endswith("_total") else MetricKind.GAUGE, labels, None)
    return found


EXPORTED = exported()


def named(asked: Asked) -> list[Selector]:
    found = selectors(asked.filled(DEMO_LENGTH, {name: f"${name}" for name in CHOSEN}))
    assert found
    return found


@per_query
def test_every_series_named_is_exported(asked: Asked) -> None:
    assert [one.metric for one in named(asked) if one.metric not in EXPORTED] == []


@per_query
def test_counters_are_counted_gauges_are_read_and_buckets_keep_their_bounds(asked: Asked) -> None:
    for one in named(asked):
        kind = EXPORTED[one.metric][0]
        innermost = one.functions[:1]
        if kind is MetricKind.GAUGE:
            assert innermost != ["rate"], one
            assert innermost != ["increase"], one
            assert one.window is None or innermost[0].endswith("_over_time"), one
        else:
            assert one.window is not None, one
            assert innermost[0] in {"rate", "increase"}, one
        if kind is MetricKind.HISTOGRAM:
            assert "le" in one.around[-2].labels, one
            assert one.functions[2:] == (["histogram_quantile"] if "histogram_quantile" in one.functions else []), one
        else:
            assert "histogram_quantile" not in one.functions, one


@per_query
def test_every_label_belongs_to_its_metric_and_every_value_can_be(asked: Asked) -> None:
    for one in named(asked):
        _, labels, of = EXPORTED[one.metric]
        used = {matcher.label for matcher in one.matchers}
        for around in one.around:
            used |= set(around.labels)
        assert used <= labels | TARGET | JOINED, one
        if of is not None:
            assert [matcher for matcher in one.matchers if not possible(of, *matcher)] == []


def possible(of: series.Series, label: str, _: str, wanted: str) -> bool:
    """Tell whether each alternative is a value of the label. Variables are, and codes on the wire may be any."""
    if wanted == f"${label}" or (label, wanted) == ("peer", "$destination"):
        return True
    if label == "status_code":
        return re.fullmatch(r"[\d.|]+", wanted) is not None
    return label not in TARGET and set(wanted.split("|")) <= set(made_up.values(of, label))


@per_page
def test_the_variables_narrow_every_series_they_can(uid: str) -> None:
    """A figure of all peers on the page of one would be believed."""
    names = [variable["name"] for variable in PAGES[uid]["templating"]["list"] if variable["type"] == "query"]
    for asked in ASKED:
        for one in named(asked) if asked.page == uid else ():
            narrowed = {matcher.label for matcher in one.matchers if matcher.value.startswith("$")}
            own_labels = EXPORTED[one.metric][1] if EXPORTED[one.metric][2] is not None else set()
            can = own_labels | ({"instance"} if own_labels or uid == own.UID else set())
            if uid == own.UID and not one.metric.startswith("sipwatch_"):
                continue  # narrowed by `and on (job, instance)`, below
            assert narrowed >= set(names) & can, f"{asked.name}: {one}"


@per_query
def test_what_every_process_exports_is_narrowed_to_sipwatch(asked: Asked) -> None:
    outside = [one.metric for one in named(asked) if EXPORTED[one.metric][2] is None]
    if not any(re.match(r"process_|scrape_|up$", name) for name in outside):
        return
    assert 'job="sipwatch"' in asked.expr or "and on (job, instance)" in asked.expr


def test_every_metric_is_shown_somewhere() -> None:
    shown = {EXPORTED[one.metric][2] for asked in ASKED for one in named(asked)}
    assert [of.exposed for of in series.ALL if of not in shown] == []


@per_page
def test_variables_are_filled_from_labels_that_exist(uid: str) -> None:
    for variable in PAGES[uid]["templating"]["list"]:
        if variable["type"] == "query":
            metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"]).groups()  # type: ignore[union-attr]
            assert label in EXPORTED[metric][1] | TARGET
            assert (variable["multi"], variable["includeAll"], variable["allValue"]) == (True, True, ".*")


# Really asked

NOT_ALIVE = "a replay is no process, and nobody scrapes it"
NO_RULES = "no rule was evaluated when the packets were captured"
NO_HEP = "nobody sends HEP in the demo"
NO_STORE = "a replay to OpenMetrics keeps no calls"
NO_PAST = "the capture is of one morning: there is no week before"
# What gives nothing for demo.pcap, and why; by panel, and query where only one of them is meant.
EMPTY_IN_DEMO: dict[str, str] = {
    f"{overview.UID} / Alerts firing": NO_RULES,
    f"{overview.UID} / Alerts": NO_RULES,
    f"{overview.UID} / Is sipwatch watching?": NOT_ALIVE,
    f"{peers.UID} / Calls per minute / B": NO_PAST,
    f"{peers.UID} / Answered share (ASR) / B": NO_PAST,
    f"{peers.UID} / Faults per minute / B": NO_PAST,
    f"{peers.UID} / 95 % of callers hear something within / B": NO_PAST,
    f"{peers.UID} / Registered contacts / B": NO_PAST,
    f"{peers.UID} / Share of answered calls that ended oddly / B": NO_PAST,
    f"{peers.UID} / Calls without a final response, per minute": "in the demo every call got one",
    f"{peers.UID} / Channels in use": "no peer of the demo has a sessions_limit",
    f"{peers.UID} / Error budget left": "no peer of the demo has an objective",
    f"{peers.UID} / Faults, times what is allowed": "no peer of the demo has an objective",
    f"{peers.UID} / Failed calls by software": "the demo's configuration names no software",
    f"{peers.UID} / Progress before it rang": "no call of the demo has a 183 and then a 180",
    f"{peers.UID} / Why registrations failed": "in the demo every attempt succeeds",
    f"{peers.UID} / Registrations expired per minute": "the demo is shorter than a registration",
    f"{own.UID} / Does Prometheus reach it?": NOT_ALIVE,
    f"{own.UID} / Is it capturing?": NOT_ALIVE,
    f"{own.UID} / Lag behind the clock": NOT_ALIVE,
    f"{own.UID} / Configuration": NOT_ALIVE,
    f"{own.UID} / Configuration read": NOT_ALIVE,
    f"{own.UID} / Running since": NOT_ALIVE,
    f"{own.UID} / CPUs in use": NOT_ALIVE,
    f"{own.UID} / Memory": NOT_ALIVE,
    f"{own.UID} / Open files, share of the limit": NOT_ALIVE,
    f"{own.UID} / Duration of a scrape": NOT_ALIVE,
    f"{own.UID} / Time series": NOT_ALIVE,
    f"{own.UID} / Silence of each node": NO_HEP,
    f"{own.UID} / Stood still": NOT_ALIVE,
    f"{own.UID} / Clock was set": NOT_ALIVE,
    f"{own.UID} / Clocks of nodes, ahead": NO_HEP,
    f"{own.UID} / Messages per second by node": NO_HEP,
    f"{own.UID} / Late messages per minute by node": NO_HEP,
    f"{own.UID} / Connections": NO_HEP,
    f"{own.UID} / Connections closed per minute": NO_HEP,
    f"{own.UID} / Connected to": NO_HEP,
    f"{own.UID} / Sent on, messages per second": NO_HEP,
    f"{own.UID} / Not sent on, messages per minute": NO_HEP,
    f"{own.UID} / Calls stored per minute": NO_STORE,
    f"{own.UID} / Calls that wait to be stored": NO_STORE,
    f"{own.UID} / Size of the store": NO_STORE,
    f"{own.UID} / Not stored, per minute": NO_STORE,
    f"{own.UID} / News of incidents posted, per minute": NO_STORE,
    f"{overview.UID} / Incidents": NO_STORE,
    f"{own.UID} / Entries evicted per minute": "the demo is smaller than every table",
    f"{own.UID} / Log lines suppressed per minute": NOT_ALIVE,
}


def answer(prometheus: Prometheus, asked: Asked, end: int, shown: int, chosen: dict[str, str]) -> list[Document]:
    query = asked.filled(shown, chosen)
    if asked.instant:
        return list(prometheus.at(query, end))
    return list(prometheus.between(query, end - shown, end, asked.step(shown)))


def numbers(result: list[Document]) -> list[float]:
    return [float(value) for one in result for _, value in one.get("values") or [one["value"]]]


def says_something(asked: Asked, result: list[Document]) -> bool:
    """Tell whether a panel shows anything: heatmaps show no empty cells."""
    found = numbers(result)
    return any(found) if asked.panel["type"] == "heatmap" else bool(found)


def declared(asked: Asked) -> bool:
    return asked.name in EMPTY_IN_DEMO or asked.name.rpartition(" / ")[0] in EMPTY_IN_DEMO


def test_what_is_declared_empty_exists() -> None:
    names = {asked.name for asked in ASKED} | {asked.name.rpartition(" / ")[0] for asked in ASKED}
    assert set(EMPTY_IN_DEMO) <= names


@per_page
def test_on_the_demo_every_query_gives_something_unless_it_is_known_why_not(uid: str, prometheus: Prometheus) -> None:
    asked_here = [asked for asked in ASKED if asked.page == uid]
    results = {asked.name: answer(prometheus, asked, DEMO_END, DEMO_LENGTH, CHOSEN) for asked in asked_here}
    silent = {asked.name for asked in asked_here if not says_something(asked, results[asked.name])}
    assert silent == {asked.name for asked in asked_here if declared(asked)}
    assert len(silent) < len(asked_here)
    assert not any(math.isnan(number) for result in results.values() for number in numbers(result))


@per_page
def test_where_everything_happens_every_query_gives_something(uid: str, prometheus: Prometheus) -> None:
    asked_here = [asked for asked in ASKED if asked.page == uid]
    assert asked_here
    for asked in asked_here:
        result = answer(prometheus, asked, made_up.END, made_up.LENGTH, CHOSEN)
        assert says_something(asked, result), asked.name
        assert all(math.isfinite(number) for number in numbers(result)), asked.name


@per_page
def test_legends_and_columns_have_their_labels(uid: str, prometheus: Prometheus) -> None:
    for asked in ASKED:
        if asked.page == uid:
            result = answer(prometheus, asked, made_up.END, made_up.LENGTH, CHOSEN)
            wanted = set(re.findall(r"\{\{(\w+)\}\}", asked.legend)) | columns(asked.panel)
            assert [one["metric"] for one in result if not wanted <= set(one["metric"])] == [], asked.name
            if asked.panel["type"] != "table":  # which has no legend
                legends = [called(asked.legend, one["metric"]) for one in result]
                assert len(legends) == len(set(legends)), asked.name


def called(legend: str, labels: dict[str, str]) -> str:
    """Return the name of a series, as Grafana makes it of the legend."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: labels[match.group(1)], legend)


def columns(panel: Document) -> set[str]:
    """Return the labels that a table has columns for; alerts have one or another."""
    organised = [one for one in panel.get("transformations", ()) if one["id"] == "organize"]
    names = organised[0]["options"]["renameByName"] if organised and panel["title"] != "Alerts" else {}
    return {name for name in names if not name.startswith("Value #")}


@pytest.mark.parametrize("name", ["ASR", "SER", "SEER", "ISA", "SCR", "NER"])
def test_the_ratios_are_those_of_the_report(name: str, prometheus: Prometheus, report: dict[str, Any]) -> None:
    query = call_ratios(window=RANGE)[name].replace(RANGE, f"{DEMO_LENGTH}s").replace("$instance", ".*")
    (share,) = numbers(prometheus.at(query, DEMO_END))
    assert share == pytest.approx(ratios(report["summary"])[name], abs=0.002)


def ratios(summary: dict[str, Any]) -> dict[str, float]:
    """Return the report's ratios; of ASR and NER, what the outcomes give."""
    by_user = ("busy", "no_answer", "declined", "unavailable", "abandoned_brief", "abandoned")
    outcomes, calls = summary["outcomes"], summary["calls"]
    return {
        "ASR": outcomes["answered"] / calls,
        "NER": sum(outcomes[outcome] for outcome in ("answered", *by_user)) / calls,
        **{name: summary[name.lower()] for name in ("SER", "SEER", "ISA", "SCR")},
    }


ONE_SIDED = {
    'calls_total{outcome="answered",category="success"}': 4,
    'call_final_responses_total{status_code="none"}': 4,
}
MIXED = {
    'calls_total{outcome="answered",category="success"}': 5,
    'calls_total{outcome="busy",category="user"}': 2,
    'calls_total{outcome="redirected",category="normal"}': 2,
    'calls_total{outcome="not_responding",category="technical"}': 1,
    'call_final_responses_total{status_code="200"}': 3,
    'call_final_responses_total{status_code="486"}': 2,
    'call_final_responses_total{status_code="302"}': 2,
    'call_final_responses_total{status_code="none"}': 3,
}
NOT_ANSWERED = {
    'calls_total{outcome="busy",category="user"}': 3,
    'calls_total{outcome="not_responding",category="technical"}': 1,
    'call_final_responses_total{status_code="486"}': 3,
    'call_final_responses_total{status_code="none"}': 1,
}


@pytest.mark.parametrize(
    ("growth", "shares"),
    [
        pytest.param(ONE_SIDED, {"ASR": 1, "SER": 1, "SEER": 1}, id="no answer was captured"),
        pytest.param(MIXED, {"ASR": 0.5, "SER": 5 / 8, "SEER": 7 / 8}, id="two of five answers were not captured"),
        pytest.param(NOT_ANSWERED, {"ASR": 0, "SER": 0, "SEER": 3 / 4}, id="nobody was ever answered"),
    ],
)
def test_an_answer_counts_though_its_2xx_was_not_captured(
    growth: dict[str, int], shares: dict[str, float], tmp_path: Path
) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    calls = {f"sipwatch_{name}": f"0+{calls}x15" for name, calls in growth.items()}
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in calls.items()],
        "promql_expr_test": [
            {
                "expr": f"round({call_ratios(window='10m')[name].replace('$instance', '.*')}, 0.0001)",
                "eval_time": "15m",
                "exp_samples": [{"labels": "{}", "value": share}],
            }
            for name, share in shares.items()
        ],
    }
    (tmp_path / "test.yml").write_text(json.dumps({"tests": [test]}))  # JSON is YAML
    done = subprocess.run(
        ["promtool", "test", "rules", tmp_path / "test.yml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def only(title: str, page: str) -> Asked:
    (found,) = (asked for asked in ASKED if (asked.page, asked.panel["title"]) == (page, title))
    return found


def test_the_bars_are_the_calls_of_the_report(prometheus: Prometheus, report: dict[str, Any]) -> None:
    asked = only("Calls by outcome", peers.UID)
    result = answer(prometheus, asked, DEMO_END, DEMO_LENGTH, CHOSEN)
    counted = {one["metric"]["outcome"]: round(float(one["value"][1])) for one in result}
    assert counted == {outcome: count for outcome, count in report["summary"]["outcomes"].items() if count}


def test_choosing_peers_leaves_their_calls(prometheus: Prometheus, report: dict[str, Any]) -> None:
    asked = only("Calls by outcome", peers.UID)
    reached = Counter(call["destination"] for call in report["calls"])
    assert min(reached["acme"], reached["north"]) > 0
    for chosen, calls in (("acme", reached["acme"]), ("(acme|north)", reached["acme"] + reached["north"])):
        result = answer(prometheus, asked, DEMO_END, DEMO_LENGTH, {**CHOSEN, "destination": chosen})
        assert round(sum(numbers(result))) == calls


def test_an_alert_that_is_over_is_still_told_of(prometheus: Prometheus) -> None:
    (now, since) = (asked for asked in ASKED if asked.panel["title"] == "Alerts")
    later = made_up.END + 400  # Prometheus looks five minutes back
    firing = answer(prometheus, now, made_up.END, made_up.LENGTH, CHOSEN)
    over = answer(prometheus, now, later, made_up.LENGTH, CHOSEN)
    assert {one["metric"]["alertname"] for one in firing} == {one["metric"]["alertname"] for one in over}
    assert (set(numbers(firing)), set(numbers(over))) == ({1.0}, {0.0})
    assert set(numbers(answer(prometheus, since, made_up.END, made_up.LENGTH, CHOSEN))) == {
        1000.0 * (made_up.END - 600)
    }
    assert answer(prometheus, since, later, made_up.LENGTH, CHOSEN) == []


def test_prometheus_can_be_asked_for_the_calls_behind_points(prometheus: Prometheus) -> None:
    """A history has none: the format for it has no place for them. That the question is understood is what counts."""
    with_calls = [asked for asked in ASKED if asked.target.get("exemplar")]
    assert with_calls
    for asked in with_calls:
        query = asked.filled(made_up.LENGTH, CHOSEN)
        assert prometheus.get("query_exemplars", query=query, start=made_up.END - 60, end=made_up.END) == []


def test_every_table_of_sipwatch_has_a_name(prometheus: Prometheus) -> None:
    named = set(reasons.TABLES)
    assert {"calls", "streams"} < set(prometheus.get("label/table/values")) <= named


def test_without_recording_rules_nothing_is_missing(prometheus: Prometheus) -> None:
    """Replayed history has none. Their names have colons."""
    assert not any(":" in one.metric for asked in ASKED for one in named(asked))
    assert not [name for name in prometheus.get("label/__name__/values") if ":" in name]


# The looking into PromQL itself


def test_what_a_query_says_is_understood() -> None:
    query = (
        '60 * sum by (a, b) (rate(x_total{a=~"b}",c!="\\"["}[5m] offset 1w)) > 0 or time() - max(y) and on (a) z[1h]'
    )
    x, y, z = selectors(query)
    assert (x.metric, x.window, x.functions) == ("x_total", "5m", ["rate", "sum"])
    assert [matcher.value for matcher in x.matchers] == ["b}", '\\"[']
    assert x.around[0].labels == ("a", "b")
    assert (y.metric, y.window, y.functions) == ("y", None, ["max"])
    assert (z.metric, z.window, z.around) == ("z", "1h", ())


@pytest.mark.parametrize("query", ["sum(x) by (a)", "rate(x[5m:1m])", '{a="b"}', "sum(x", "x ; y"])
def test_what_is_not_understood_is_no_query(query: str) -> None:
    with pytest.raises(ValueError):
        selectors(query)
