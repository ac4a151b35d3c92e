"""Situations that people reported, made again with the answer that an expert would give: ``EXPECT.json`` beside them.

They are test data only and no part of the project; ``SIPWATCH_CASES`` says where they are. What a case does not state
is left open.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from sipwatch.export.record import as_text
from tests.cli.program import run
from tests.replay import replay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

HERE = Path(__file__).resolve().parent.parent
CASES = Path(os.environ.get("SIPWATCH_CASES", HERE.parent / "shared" / "cases"))
EXPECTED: list[dict[str, Any]] = (
    json.loads((CASES / "EXPECT.json").read_text()) if (CASES / "EXPECT.json").is_file() else []
)
ALL = [pytest.param(case, id=f"{case['kind']}: {case['case']}: {case['situation']}") for case in EXPECTED]
OF_THE_REPORT = [pytest.param(case, id=case["case"]) for case in EXPECTED if case.get("report_must")]


def nothing(why: str) -> list[Any]:
    """Stand for cases that are not there, and skip."""
    return [pytest.param({}, marks=pytest.mark.skip(reason=why), id="none")]


def kinds(items: Iterable[dict[str, Any]]) -> set[str]:
    return {item["kind"] for item in items}


def within(have: float | None, stated: list[float] | float | None) -> bool:
    """Two numbers are a range; one means give or take 0.1."""
    if stated is None or have is None:
        return have is stated
    low, high = stated if isinstance(stated, list) else (stated - 0.1001, stated + 0.1001)
    return low <= have <= high


# What the special keys of a call ask for: how to read the record, and when that is right.
ASKED: dict[str, tuple[Callable[[dict[str, Any]], Any], Callable[[Any, Any], bool]]] = {
    "conditions": (lambda call: kinds(call["conditions"]), lambda have, stated: bool(have == set(stated))),
    "conditions_must": (lambda call: kinds(call["conditions"]), lambda have, stated: set(stated) <= have),
    "conditions_must_not": (lambda call: kinds(call["conditions"]), lambda have, stated: not set(stated) & have),
    "findings_must": (lambda call: kinds(call["findings"]), lambda have, stated: set(stated) <= have),
    "findings_must_not": (lambda call: kinds(call["findings"]), lambda have, stated: not set(stated) & have),
    "findings_any": (lambda call: kinds(call["findings"]), lambda have, stated: bool(set(stated) & have)),
    "legs": (lambda call: len(call["legs"]), lambda have, stated: bool(have == stated)),
    "messages": (lambda call: len(call["messages"]), lambda have, stated: bool(have == stated)),
}


def wrong_in_call(stated: dict[str, Any], call: dict[str, Any]) -> Iterator[str]:
    """Say of each key in which a record differs what it has, and what it should."""
    for key, value in stated.items():
        if key in ASKED:
            read, is_right = ASKED[key]
            have, right = read(call), is_right(read(call), value)
        else:
            have = call[key]
            if key.endswith("_seconds"):
                right = within(have, value)
            elif key in ("outcome", "ending") and isinstance(value, list):
                right = have in value
            else:
                right = have == value
        if not right:
            yield f"{stated['call_id']} {key}: {have}, not {value}"


def wrong_in_calls(stated: list[dict[str, Any]], calls: list[dict[str, Any]]) -> Iterator[str]:
    """Compare call by call; those with one Call-ID are taken in their order."""
    rest = list(calls)
    for wanted in stated:
        call = next((one for one in rest if one["call_id"] == wanted["call_id"]), None)
        if call is None:
            yield f"{wanted['call_id']}: no such call"
            continue
        rest.remove(call)
        yield from wrong_in_call(wanted, call)
    for call in rest:
        yield f"{call['call_id']}: one more call, {call['outcome']}"


@pytest.mark.parametrize("case", ALL or nothing("the reported cases are not beside the project"))
def test_sipwatch_says_what_an_expert_would(case: dict[str, Any]) -> None:
    """Outcome, ending, times, legs, conditions and findings, as far as the case states them; and no further call."""
    config = (CASES / case["config"]).read_text() if case.get("config") else None
    replayed = replay(CASES / case["file"], config=config, keep_messages=True)
    calls = msgspec.to_builtins(replayed.calls, enc_hook=as_text)
    head = msgspec.to_builtins(replayed.capture, enc_hook=as_text)
    everywhere = {kind for call in calls for kind in kinds(call["findings"])}
    assert list(wrong_in_calls(case["calls"], calls)) == []
    stated = case.get("capture", {})
    assert {key: head[key] for key in stated} == stated
    assert set(case.get("findings_somewhere", ())) <= everywhere


@pytest.mark.parametrize("case", OF_THE_REPORT or nothing("no reported case asks for words in the report"))
def test_the_report_for_people_has_the_words(case: dict[str, Any]) -> None:
    """What a case wants a person to read, in whichever letters."""
    config = ["--config", str(CASES / case["config"])] if case.get("config") else []
    done = run("replay", str(CASES / case["file"]), *config)
    text = (done.stdout + done.stderr).lower()
    assert [words for words in case["report_must"] if words.lower() not in text] == []
