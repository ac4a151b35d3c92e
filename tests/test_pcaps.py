"""The captures of ``pcaps/`` and what must be concluded from each."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pcaps.make.__main__ import everything
from sipwatch.classify.outcomes import Outcome
from tests.replay import replay

PCAPS = Path(__file__).resolve().parent.parent / "pcaps"
# Situations have findings besides, and are held against them in test_situations.py.
SCENES = sorted(
    path.with_name(path.name.replace(".expected.json", ""))
    for folder in ("outcomes", "conditions")
    for path in (PCAPS / folder).glob("*.expected.json")
)
MANIFEST = PCAPS / "recorded" / "manifest.toml"
RECORDED = tomllib.loads(MANIFEST.read_text())["capture"] if MANIFEST.is_file() else []
TRUNK = '[[peer]]\nname = "acme"\nkind = "trunk"\naddresses = ["203.0.113.10"]\n'


def fate(call: Any) -> dict[str, Any]:
    """Return of a record what an expectation states."""
    conditions = [(c.kind, round(c.raised.since(call.started), 6), c.resolution) for c in call.conditions]
    return {
        "outcome": call.outcome,
        "status_code": call.status_code,
        "legs": [leg.outcome for leg in call.legs],
        "conditions": [list(condition) for condition in conditions],
    }


@pytest.mark.parametrize("scene", SCENES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_scenes_calls_end_as_a_person_says(scene: Path) -> None:
    """Outcome, code, legs and conditions with their times, stated by hand."""
    expected = json.loads(scene.with_name(scene.name + ".expected.json").read_text())
    config = TRUNK if expected["trunk"] else None
    found = {call.call_id: fate(call) for call in replay(scene.with_name(scene.name + ".pcap"), config=config).calls}
    assert found == expected["calls"]


def test_every_outcome_has_its_scene() -> None:
    assert {scene.name for scene in SCENES if scene.parent.name == "outcomes"} == set(Outcome)


def test_every_call_of_the_demo_ends_as_it_was_made() -> None:
    """Calls of every fate; those whose end lies beyond the capture are unfinished or still up."""
    expected = json.loads((PCAPS / "demo.expected.json").read_text())
    found = {
        call.call_id: call.outcome
        for call in replay(PCAPS / "demo.pcap", config=(PCAPS / "demo.toml").read_text()).calls
    }
    assert set(found) == set(expected)
    wrong = {
        call: (found[call], expected[call]) for call in expected if found[call] not in (expected[call], "unfinished")
    }
    assert wrong == {}
    assert sum(outcome == "unfinished" for outcome in found.values()) <= 3


@pytest.mark.parametrize("entry", RECORDED, ids=lambda entry: entry["file"])
def test_recorded_calls_end_as_an_analyst_says(entry: dict[str, Any]) -> None:
    """Bytes that real software wrote; the expectation comes from the scenario, not from sipwatch."""
    calls = replay(PCAPS / "recorded" / entry["file"]).calls
    found = [(call.outcome, call.status_code) for call in calls]
    assert found == [(call["outcome"], call.get("status_code")) for call in entry["calls"]]


def test_the_synthetic_captures_are_what_the_scripts_make() -> None:
    """Byte for byte: ``make pcaps`` changes nothing."""
    stale = [name for name, content in everything().items() if (PCAPS / name).read_bytes() != content]
    assert stale == []
