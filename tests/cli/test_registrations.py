"""``sipwatch registrations``: who registered or tried to, by time and name, in every format."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sipwatch.classify.peers import Privacy
from tests.cli.program import DEMO, run, the_complaint
from tests.store.stored import Stored
from tests.test_daemon import PCAPS

if TYPE_CHECKING:
    from collections.abc import Iterator

WRONG = PCAPS / "situations" / "wrong_credentials.pcap"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The store of the demonstration, and of somebody with a wrong password."""
    store = Stored(tmp_path_factory.mktemp("registrations") / "store")
    for path in (Path(DEMO), WRONG):
        store.capture(path)
    yield store.folder
    store.close()


def asked(store: Path, *more: object) -> list[dict[str, object]]:
    lines = run("registrations", "--store", store, "--format", "jsonl", *more).stdout.splitlines()
    return [json.loads(line) for line in lines]


def test_whoever_fails_comes_first_and_why_is_said(filled: Path) -> None:
    shown = run("registrations", "--store", filled, "--limit", "1").stdout
    assert shown.startswith("⊘ Fails")
    assert "Password not accepted at 2026-01-05" in " ".join(shown.split())
    assert "more; --limit shows more, --format csv all." in shown


def test_every_format_has_the_same_records(filled: Path) -> None:
    lines = asked(filled)
    assert len(lines) > 10
    assert json.loads(run("registrations", "--store", filled, "--format", "json").stdout) == lines
    rows = list(csv.DictReader(io.StringIO(run("registrations", "--store", filled, "--format", "csv").stdout)))
    assert [row["aor"] for row in rows] == [line["aor"] for line in lines]
    assert list(rows[0]) == list(lines[0])


def test_somebody_is_asked_for_by_number_address_and_time(filled: Path) -> None:
    [one] = asked(filled, "--number", "+1 555 555 0105")
    assert (one["aor"], one["state"]) == ("sip:15555550105@example.com", "registered")
    assert asked(filled, "--number", str(one["device"])) == [one]
    assert asked(filled, "--number", "*0105", "--since", "2026-01-05T09:00Z") == [one]
    assert asked(filled, "--number", "*0105", "--since", "2026-01-06") == []
    unknown = the_complaint(run("registrations", "--store", filled, "--peer", "nobody", status=1))
    assert "is from or to a peer 'nobody'; no peer is known" in unknown
    assert asked(filled, "--number", "0105") == [one]  # a part of the address of record
    nobody = " ".join(
        run("registrations", "--store", filled, "--number", "4711", "--since", "2026-01-05").stdout.split()
    )
    assert nobody.startswith(
        "Nobody like that registered, or tried to, from 2026-01-05 00:00:00. The store has attempts"
    )
    unnamed = run("registrations", "--store", filled, "--number", " ", status=2).stderr
    assert "is no number, address of record or IP" in " ".join(unnamed.split())


def test_times_are_by_the_clocks_of_the_zone(filled: Path) -> None:
    shown = run("registrations", "--store", filled, "--limit", "1", "--zone", "Europe/Berlin").stdout
    assert "at 2026-01-05 10:" in " ".join(shown.split())
    assert shown.endswith("Times are Europe/Berlin; counts are of whole days (UTC).\n")


def test_a_replay_counts_a_file_that_it_reads_again_once(filled: Path, tmp_path: Path) -> None:
    for _ in range(2):
        run("replay", WRONG, "--store", tmp_path / "store")
    once = asked(tmp_path / "store")
    assert once == [line for line in asked(filled) if line["state"] == "failing"]


def test_names_that_are_hidden_are_hidden_in_the_store(tmp_path: Path) -> None:
    store = Stored(tmp_path / "store", privacy=Privacy(mask=4))
    store.capture(WRONG)
    store.close()
    assert {line["aor"] for line in asked(store.folder, "--limit", "3")} == {"sip:1555****@example.com"}


def test_devices_that_find_no_room_do_not_make_a_replay_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sipwatch.store.registering.MAX_ROWS_A_DAY", 3)
    run("replay", DEMO, "--store", tmp_path / "store")
    assert len(asked(tmp_path / "store")) == 3


def test_what_cannot_be_meant_is_said(tmp_path: Path, filled: Path) -> None:
    assert "is no moment" in run("registrations", "--store", filled, "--since", "soon", status=2).stderr
    assert "no calls are stored there" in the_complaint(run("registrations", "--store", tmp_path, status=1))
