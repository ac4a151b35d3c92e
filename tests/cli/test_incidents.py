"""``sipwatch incidents``: what left its own past, in a terminal and for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.program import run, the_complaint
from tests.store.stored import Stored
from tests.store.troubled import trouble_from_ten_to_eleven

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

THEN = ("--since", "2026-01-11", "--until", "2026-01-12T12:00")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store in which a trunk fails for an hour."""
    store = Stored(tmp_path_factory.mktemp("incidents") / "store")
    trouble_from_ten_to_eleven(store)
    yield store.folder
    store.close()


def test_it_is_told_in_sentences_with_an_example_to_look_into(filled: Path) -> None:
    first, *others, zone = run("incidents", "--store", filled, *THEN).stdout.splitlines()
    assert first == "Calls to south: “Server failure”, from 10:00 until 11:00."
    assert [line.strip() for line in others] == [
        "30 of 45 calls (67%), where hardly any are usual: “Server failure”; pbx → south 30 of 45.",
        "30 calls of 30 callers to 1 number.",
        "Well meanwhile: to north 0 of 15.",
        "Who should look: the server or provider that said so.",
        others[-1].strip(),
    ]
    assert zone == "Times are UTC."
    example = others[-1].split()[2].rstrip(",")
    found = run("calls", "--store", filled, "--filter", f'id == "{example}"', "--format", "jsonl").stdout
    assert json.loads(found)["outcome"] == "server_error"


def test_programs_get_the_record(filled: Path) -> None:
    [line] = run("incidents", "--store", filled, *THEN, "--format", "jsonl").stdout.splitlines()
    told = json.loads(line)
    assert (told["peer"], told["calls"], told["until"]) == ("south", 30, "2026-01-12T11:00:00.000000Z")
    assert json.loads(run("incidents", "--store", filled, *THEN, "--format", "json").stdout) == [told]


def test_a_peer_can_be_asked_for(filled: Path) -> None:
    assert run("incidents", "--store", filled, *THEN, "--peer", "south").stdout.startswith("Calls to south")
    assert run("incidents", "--store", filled, *THEN, "--peer", "north").stdout.endswith("of north or of all calls.\n")
    told = the_complaint(run("incidents", "--store", filled, *THEN, "--peer", "south,nord", status=1))
    assert told.endswith("is from or to a peer 'nord'; did you mean north?")


def test_without_a_past_it_is_said_what_is_missing(filled: Path) -> None:
    told = run("incidents", "--store", filled, "--since", "2026-01-03", "--until", "2026-01-04").stdout
    assert told.startswith("Nothing can be told: from 2025-12-27 00:00 to 2026-01-03 00:00 UTC 0 calls are stored,")


def test_what_cannot_be_meant_is_said(filled: Path, tmp_path: Path) -> None:
    assert "is no moment" in run("incidents", "--store", filled, "--since", "soon", status=2).stderr
    assert "no calls are stored there" in the_complaint(run("incidents", "--store", tmp_path, status=1))
