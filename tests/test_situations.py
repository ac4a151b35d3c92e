"""The situations of ``pcaps/situations/``: what a person concludes from each capture is what sipwatch says, and no more.

And the other way round: a call of which nothing is wrong is never explained, in any capture there is.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sipwatch.capture.files import Prefilter, open_capture
from sipwatch.classify.findings import VARIANTS, Kind
from sipwatch.classify.peers import Settings
from sipwatch.classify.tags import Tag
from sipwatch.config import parse
from sipwatch.engine import Engine
from sipwatch.export.summary import Summary
from sipwatch.export.writers import encode
from tests.cli.program import run
from tests.each import for_each

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord

PCAPS = Path(__file__).resolve().parent.parent / "pcaps"
FOLDER = PCAPS / "situations"
NAMES = sorted(path.name.removesuffix(".expected.json") for path in FOLDER.glob("*.expected.json"))
CAPTURES = Path(os.environ.get("SIPWATCH_CAPTURES", PCAPS.parent.parent / "shared" / "captures"))
OURS = sorted(path for path in PCAPS.rglob("*.pcap*") if path.suffix in (".pcap", ".pcapng"))
THEIRS = sorted(path for path in CAPTURES.rglob("*.pcap*") if path.suffix in (".pcap", ".pcapng"))


def report(path: Path) -> dict[str, Any]:
    """Return what JSON would hold: the calls in the order they started, the summary, and the head."""
    settings = path.with_suffix(".toml")
    summary, calls = Summary(), []

    def sink(call: CallRecord, completed: bool) -> None:
        summary.add(call, completed)
        calls.append(call)

    engine = Engine(sink, parse(settings.read_text(), settings.name).settings if settings.is_file() else Settings())
    with open_capture([str(path)], prefilter=Prefilter.OFF) as source:
        engine.run(source, source.place)
        engine.finish(source.last)
        head = engine.account.capture(source)
    calls.sort(key=lambda call: call.started)
    written = encode({"capture": head, "summary": engine.account.whole(summary), "calls": calls})
    found: dict[str, Any] = json.loads(written)
    return found


@cache
def cached(path: Path) -> dict[str, Any]:
    return report(path)


def expected_of(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.expected.json").read_text())
    return found


def about(finding: dict[str, Any]) -> tuple[str, str]:
    return finding["kind"], finding["subject"]


def ends(call: dict[str, Any]) -> dict[str, Any]:
    """Return of a call what an expectation states, but for the words."""
    return {
        "outcome": call["outcome"],
        "status_code": call["status_code"],
        "findings": [about(finding) for finding in call["findings"]],
        "tags": call["tags"],
    }


@pytest.mark.parametrize("name", NAMES)
def test_each_call_has_the_outcome_the_causes_and_the_marks_that_a_person_sees(name: str) -> None:
    """Neither more findings nor fewer."""
    found = {call["call_id"]: ends(call) for call in cached(FOLDER / f"{name}.pcap")["calls"]}
    assert found == {call: ends(end) for call, end in expected_of(name)["calls"].items()}


@pytest.mark.parametrize("name", ["linked", "transfer_failed"])
def test_each_call_names_those_that_it_is_linked_with_and_what_they_are_to_it(name: str) -> None:
    found = cached(FOLDER / f"{name}.pcap")["calls"]
    ids = {call["id"]: call["call_id"] for call in found}
    named = {
        call["call_id"]: [{"call": ids[link["id"]], "by": link["by"], "role": link["role"]} for link in call["linked"]]
        for call in found
    }
    assert named == {call: end.get("linked", []) for call, end in expected_of(name)["calls"].items()}


@pytest.mark.parametrize("name", NAMES)
def test_the_words_name_what_was_seen(name: str) -> None:
    """Numbers, times, codes and names, as the conversation has them."""
    found = {call["call_id"]: call["findings"] for call in cached(FOLDER / f"{name}.pcap")["calls"]}
    for call, end in expected_of(name)["calls"].items():
        for finding, told in zip(found[call], end["findings"], strict=True):
            assert re.search(told["text"], finding["text"]), (call, told["text"], finding["text"])


@pytest.mark.parametrize("name", NAMES)
def test_the_summary_holds_every_cause_and_those_that_stand_with_no_call(name: str) -> None:
    """Each kind and subject once for the calls, and what came too late for them beside."""
    expected = expected_of(name)
    by_calls = Counter(about(told) for end in expected["calls"].values() for told in end["findings"])
    wanted = [(*key, calls) for key, calls in by_calls.items()]
    wanted += [(*about(told), told["calls"]) for told in expected["beside"]]
    found = cached(FOLDER / f"{name}.pcap")["summary"]["findings"]
    assert sorted((*about(finding), finding["calls"]) for finding in found) == sorted(wanted)
    for told in expected["beside"]:
        words = [
            finding["text"] for finding in found if (*about(finding), finding["calls"]) == (*about(told), told["calls"])
        ]
        assert any(re.search(told["text"], text) for text in words), (told["text"], words)


@pytest.mark.parametrize("name", NAMES)
def test_every_packet_that_is_named_as_evidence_is_there_and_at_that_time(name: str) -> None:
    """A condition is no packet: it alone has no number."""
    path = FOLDER / f"{name}.pcap"
    found = cached(path)
    with open_capture([str(path)], prefilter=Prefilter.OFF) as source:
        times = {number: time for number, (time, _, _) in enumerate(source, 1)}
    findings = [finding for call in found["calls"] for finding in call["findings"]] + found["summary"]["findings"]
    for finding in findings:
        assert finding["evidence"], finding
        for seen in finding["evidence"]:
            if seen["packet"] is None:
                assert seen["what"] in ("ack_missing", "bye_unanswered")
            else:
                second, rest = divmod(times[seen["packet"]], 1_000_000_000)
                assert seen["time"].endswith(f"{second % 60:02d}.{rest // 1000:06d}Z"), (finding["kind"], seen)


def test_the_situations_show_every_kind_of_finding_and_every_mark() -> None:
    """Nothing that is looked for is without a capture of it."""
    expected = [expected_of(name) for name in NAMES]
    told = [told for each in expected for told in each["beside"]]
    told += [told for each in expected for end in each["calls"].values() for told in end["findings"]]
    assert {finding["kind"] for finding in told} == {kind.value for kind in Kind} == {kind.value for kind in VARIANTS}
    tags = {tag for each in expected for end in each["calls"].values() for tag in end["tags"]}
    assert {tag.value for tag in Tag} - tags == {"brief"}  # outcomes/abandoned_brief


@pytest.mark.parametrize("name", ["number_format_learned", "refusal_streak"])
def test_the_command_says_the_same(name: str) -> None:
    """``sipwatch replay --format json``, a process of its own."""
    path = FOLDER / f"{name}.pcap"
    done = run("replay", path, "--config", path.with_suffix(".toml"), "--format", "json")
    found, known = json.loads(done.stdout), cached(path)
    assert found["calls"] == known["calls"]
    assert found["summary"]["findings"] == known["summary"]["findings"]


def test_the_report_names_a_dead_peer_also_where_no_call_was_attempted() -> None:
    path = FOLDER / "pings_only.pcap"
    report = run("replay", path, "--config", path.with_suffix(".toml")).stdout
    assert "No call was attempted" in report
    assert "A peer that says nothing: backup" in report


# Nothing wrong, nothing explained


def is_undisturbed(call: dict[str, Any]) -> bool:
    """Tell by the record alone whether a call went as it should: answered, nothing sent again, nothing raised.

    Who took part without taking it was rung beside somebody who did, or asked for credentials first.
    """
    return (
        call["outcome"] == "answered"
        and not call["retransmissions"]
        and not call["conditions"]
        and call["ending"] in ("normal", "capture_end")
        and all(leg["outcome"] in ("answered", "answered_elsewhere", "retried") for leg in call["legs"])
    )


# Calls that went well but for what their capture was made to show: a carrier's early 183, a CANCEL that came too late.
AMISS = {*(f"mobile-{number}" for number in range(3)), "crossed"}


def is_stated(path: Path, call: dict[str, Any]) -> bool:
    """Tell whether a situation states a finding about a call: then it was made for that, and did not go well."""
    if path.parent != FOLDER:
        return False
    return bool(expected_of(path.stem)["calls"][call["call_id"]]["findings"])


@for_each("path", OURS + THEIRS)
def test_a_call_that_went_well_has_no_finding(path: Path) -> None:
    """Zero false positives, in the demo, the recordings, the situations, and captures of others."""
    calls = cached(path)["calls"]
    well = [call for call in calls if is_undisturbed(call) and call["call_id"] not in AMISS]
    assert [call for call in well if call["findings"] and not is_stated(path, call)] == []


def test_there_are_enough_calls_that_went_well() -> None:
    """So that the above is no test of nothing."""
    well = [call for path in OURS for call in cached(path)["calls"] if is_undisturbed(call)]
    assert len(well) > 150
    recorded = [call for path in OURS if path.parent.name == "recorded" for call in cached(path)["calls"]]
    assert sum(is_undisturbed(call) for call in recorded) >= 4


@pytest.mark.skipif(THEIRS != [], reason="they are there")
def test_captures_of_others_are_missing() -> None:
    """Say so, visibly, rather than pass in silence."""
    pytest.skip(f"the third-party captures are not at {CAPTURES}")


# Each sick recording, and what is wrong with it; the others have nothing to explain.
SICK = {
    "auth.pcap": [[], ["wrong_credentials"]],
    "nobody_there.pcap": [[], ["silent_peer"], ["silent_peer"]],
}
MANIFEST = PCAPS / "recorded" / "manifest.toml"
RECORDED = [entry["file"] for entry in tomllib.loads(MANIFEST.read_text())["capture"]] if MANIFEST.is_file() else []


@pytest.mark.parametrize("file", RECORDED)
def test_a_recording_has_the_findings_that_its_scenario_calls_for(file: str) -> None:
    """Bytes that real software wrote; what is expected follows from the scenario, not from sipwatch."""
    calls = cached(PCAPS / "recorded" / file)["calls"]
    assert [[finding["kind"] for finding in call["findings"]] for call in calls] == SICK.get(file, [[] for _ in calls])


# What a call of the demo can be explained by, as it was made; a device's streak may come to any that it refused.
OF_THE_DEMO = {
    "auth_failed": {"wrong_credentials"},
    "busy": {"idle_busy"},
    "congested": {"trunk_full"},
    "rejected": {"media_mismatch"},
    "blocked": {"network_blocked"},
    "not_responding": {"silent_peer"},
    "answered": {"ack_lost", "early_ringing"},
}
MAY_BE_A_STREAK = {"busy", "no_answer", "declined", "unavailable", "not_responding"}
ALWAYS = ("auth_failed", "congested", "rejected")


def test_the_demos_calls_are_explained_by_what_they_were_made_of() -> None:
    """Every call with wrong credentials, full lines or unwanted codecs says so; nothing says anything else."""
    expected = json.loads((PCAPS / "demo.expected.json").read_text())
    for call in cached(PCAPS / "demo.pcap")["calls"]:
        kinds = {finding["kind"] for finding in call["findings"]}
        made = expected[call["call_id"]]
        allowed = OF_THE_DEMO.get(made, set()) | ({"refusal_streak"} if made in MAY_BE_A_STREAK else set())
        assert kinds <= allowed, (call["call_id"], made, kinds)
        if made in ALWAYS and call["outcome"] == made:
            assert kinds >= OF_THE_DEMO[made]
