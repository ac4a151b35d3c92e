"""The JSON Schemas in docs/schema/ hold for what is really written, and for every configuration that is shown."""

from __future__ import annotations

import json
import tomllib
from functools import cache
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from sipwatch.config import TABLES, ConfigError, parse
from tests.cli.program import DEMO, ROOT, run
from tests.each import for_each

if TYPE_CHECKING:
    from pathlib import Path

CONFIGURATIONS = [
    ROOT / "deploy/sipwatch.toml",
    ROOT / "pcaps/demo.toml",
    *sorted(ROOT.glob("pcaps/situations/*.toml")),
]


@cache
def schema(name: str) -> dict[str, Any]:
    """Return a schema that is one."""
    found: dict[str, Any] = json.loads((ROOT / "docs" / "schema" / name).read_text())
    jsonschema.Draft202012Validator.check_schema(found)
    return found


def mistakes(name: str, value: object) -> list[str]:
    """Return what a schema has against a value."""
    checker = jsonschema.Draft202012Validator(schema(name), format_checker=jsonschema.FormatChecker())
    return [f"{error.json_path}: {error.message}" for error in checker.iter_errors(value)]


@cache
def report() -> dict[str, Any]:
    """Return what a replay of the demo writes as JSON, with everything that can be asked for."""
    config = ROOT / "pcaps/demo.toml"
    found: dict[str, Any] = json.loads(run("replay", DEMO, "--config", config, "--format", "json", "--messages").stdout)
    return found


# What is written


def test_the_report_of_the_demo_is_valid() -> None:
    assert mistakes("report.schema.json", report()) == []


def test_each_line_of_jsonl_is_a_valid_call() -> None:
    lines = run("replay", DEMO, "--format", "jsonl").stdout.splitlines()
    assert len(lines) == 318
    assert [found for line in lines for found in mistakes("call.schema.json", json.loads(line))] == []


def test_no_key_is_written_that_the_schema_does_not_name() -> None:
    parts = schema("report.schema.json")["$defs"]
    for record, value in (
        ("CaptureRecord", report()["capture"]),
        ("SummaryRecord", report()["summary"]),
        *(("CallRecord", call) for call in report()["calls"]),
        *(("LegRecord", leg) for call in report()["calls"] for leg in call["legs"]),
        *(("MessageRecord", message) for call in report()["calls"] for message in call["messages"]),
        *(("FindingRecord", finding) for call in report()["calls"] for finding in call["findings"]),
    ):
        assert value.keys() <= parts[record]["properties"].keys(), record


@pytest.mark.parametrize(
    ("key", "wrong"), [("outcome", "bsy"), ("started", 1_767_600_000), ("talk_seconds", "12 s"), ("legs", None)]
)
def test_the_schema_would_see_a_mistake(key: str, wrong: object) -> None:
    call = report()["calls"][0]
    (found,) = mistakes("call.schema.json", {**call, key: wrong})
    assert found.startswith(f"$.{key}: ")
    assert mistakes("call.schema.json", {name: value for name, value in call.items() if name != key}) != []


# What is read


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda path: path.name)
def test_every_configuration_that_is_shown_is_valid(path: Path) -> None:
    assert mistakes("sipwatch.toml.schema.json", tomllib.loads(path.read_text())) == []


def test_the_schema_has_every_table_there_is() -> None:
    assert set(schema("sipwatch.toml.schema.json")["properties"]) == set(TABLES)


PEER = '[[peer]]\nname = "acme"\nkind = "trunk"\naddresses = ["203.0.113.10"]\n'
RULE = f'{PEER}[[peer.rule]]\noutcome = "congested"\n'


@for_each(
    "text",
    [
        "[timer]\n",
        "[timers]\nno_answer = 3\n",
        "[timers]\nno_answer_after = 0\n",
        "[capture]\ntcp_ports = [0]\n",
        '[capture]\ntunnels = ["vlan"]\n',
        "[capture]\nring = 16\n",
        PEER.replace("trunk", "trunks"),
        PEER.replace("acme", "a c m e"),
        PEER.replace("addresses", "address"),
        RULE,
        f"{RULE}status_code = 100\n",
        f"{RULE}status_code = 503\ncause_protocol = 'SIP'\n",
        f"{RULE}status_code = 503\nvalue = 'x'\n",
        f"{RULE}heard = 'everything'\n",
        '[[hours]]\nopen = ["Mon-Fri 09:00-18:00"]\n',
        "[callback]\nwithin = 0\n",
        '[callback]\nregion = "de"\n',
        "[privacy]\nmask = 33\n",
        '[privacy]\nnames = "yes"\n',
    ],
)
def test_what_the_schema_refuses_is_refused_here_too(text: str) -> None:
    assert mistakes("sipwatch.toml.schema.json", tomllib.loads(text)) != []
    with pytest.raises(ConfigError):
        parse(text, "sipwatch.toml")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[timers]\nhunt_within = 0.5\n",
        '[privacy]\nmask = "all"\n',
        f"{RULE}cause = 34\ncause_protocol = 'Q.850'\nheard = 'nothing'\n",
        f"{RULE}header = 'X-Error'\nvalue = '^1'\n",
        '[[hours]]\nzone = "Europe/Berlin"\nopen = ["Mon-Fri 09:00-18:00"]\nholidays = ["12-25", "2026-04-03"]\n',
    ],
)
def test_what_is_right_is_right_to_both(text: str) -> None:
    parse(text, "sipwatch.toml")
    assert mistakes("sipwatch.toml.schema.json", tomllib.loads(text)) == []
