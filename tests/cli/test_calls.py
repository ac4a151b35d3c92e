"""``sipwatch calls``: what a daemon stored, by time, filter and number, in every format."""

from __future__ import annotations

import csv
import io
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sipwatch.classify.outcomes import FAILURES
from sipwatch.cli.one_call import LadderForm
from sipwatch.export.moments import Duration, Moment
from tests.cli.program import DEMO, ROOT, run, the_complaint
from tests.export import records
from tests.store.stored import EVERYTHING, Stored

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The store of the demonstration, with every message."""
    store = Stored(tmp_path_factory.mktemp("calls") / "store")
    store.capture(Path(DEMO))
    yield store.folder
    store.close()


def test_every_key_of_every_call_is_what_a_replay_gives(demo: Path) -> None:
    """In JSON lines, in the order in which calls began; JSON has the same summary."""
    stored = [json.loads(line) for line in run("calls", "--store", demo, "--format", "jsonl").stdout.splitlines()]
    replayed = json.loads(run("replay", DEMO, "--format", "json").stdout)
    assert sorted(stored, key=lambda call: call["id"]) == sorted(replayed["calls"], key=lambda call: call["id"])
    assert [call["started"] for call in stored] == sorted(call["started"] for call in stored)
    whole = json.loads(run("calls", "--store", demo, "--format", "json").stdout)
    assert whole["capture"] is None
    for key in ("calls", "outcomes", "endings", "conditions", "ser", "seer", "isa", "scr", "asr", "ner", "tags"):
        assert whole["summary"][key] == replayed["summary"][key], key


def test_csv_has_the_same_rows_and_messages_if_they_are_wanted(demo: Path) -> None:
    done = run("calls", "--store", demo, "--format", "csv", "--messages", "--filter", 'outcome == "no_progress"')
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(rows) == 9
    assert all(json.loads(row["messages"])[0]["first_line"].startswith("INVITE ") for row in rows)


def test_parquet_has_the_same_calls(demo: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    run("calls", "--store", demo, "--format", "parquet", "-o", tmp_path / "calls.parquet")
    lines = run("calls", "--store", demo, "--format", "jsonl").stdout.splitlines()
    assert parquet.read_table(tmp_path / "calls.parquet")["id"].to_pylist() == [
        json.loads(line)["id"] for line in lines
    ]


def test_the_newest_calls_are_listed_the_latest_last(demo: Path) -> None:
    shown = run("calls", "--store", demo, "--limit", "3").stdout.splitlines()
    begun = [line[:19] for line in shown if line.startswith("2026-01-05")]
    assert begun == ["2026-01-05 09:09:56", "2026-01-05 09:09:57", "2026-01-05 09:09:59"]
    assert "No answer" in " ".join(shown)
    assert shown[-1] == "The newest 3 calls; --limit shows more, --format csv all."
    assert "--limit" not in run("calls", "--store", demo, "--filter", 'outcome == "no_progress"').stdout


def test_a_number_is_found_however_it_is_written(demo: Path) -> None:
    """As in the calls, with a plus and blanks, and by its end."""
    found = [
        run("calls", "--store", demo, "--number", number, "--format", "jsonl").stdout
        for number in ("15555550142", "+1 555 555-0142", "*50142")
    ]
    assert found[0] == found[1] == found[2]
    calls = [json.loads(line) for line in found[0].splitlines()]
    assert calls
    assert all("15555550142" in (call["caller"], call["callee"]) for call in calls)


def test_the_choices_are_those_of_pages(demo: Path) -> None:
    """An outcome, all that failed, and a peer, with a filter beside them."""

    def asked(*more: str) -> list[dict[str, object]]:
        lines = run("calls", "--store", demo, "--format", "jsonl", *more).stdout.splitlines()
        return [json.loads(line) for line in lines]

    everything = asked()
    assert asked("--outcome", "busy") == [call for call in everything if call["outcome"] == "busy"]
    failed = [call for call in everything if call["outcome"] in FAILURES]
    assert asked("--outcome", "failed") == failed
    destination = str(failed[0]["destination"])
    assert asked("--outcome", "failed", "--peer", destination, "--filter", "status_code == 486") == [
        call for call in failed if destination in (call["source"], call["destination"]) and call["status_code"] == 486
    ]
    assert asked("--outcome", "failed", "--peer", destination)
    told = the_complaint(run("calls", "--store", demo, "--peer", "nord", status=1))
    assert "is from or to a peer 'nord'; " in told


def test_the_time_may_be_a_moment_or_how_long_ago(tmp_path: Path) -> None:
    """Calls of two hours ago and of a minute ago."""
    store = Stored(tmp_path / "store", EVERYTHING)
    now = time.time_ns()
    for id_, before in (("00000000000a", 7200), ("00000000000b", 60)):
        store.put(records.call(id=id_, started=Moment(now - before * 10**9), setup_seconds=Duration(10**9)))

    def ids(*more: str) -> list[str]:
        done = run("calls", "--store", store.folder, "--format", "jsonl", *more)
        return [json.loads(line)["id"] for line in done.stdout.splitlines()]

    assert ids("--since", "1h") == ["00000000000b"]
    assert ids("--until", "1h") == ["00000000000a"]
    assert ids("--since", "3h", "--until", "1s") == ["00000000000a", "00000000000b"]
    assert ids("--since", str(Moment(now - 60 * 10**9))) == ["00000000000b"]
    assert ids("--limit", "1") == ["00000000000b"]
    store.close()


def test_linked_calls_are_drawn_on_one_ladder(tmp_path: Path) -> None:
    store = Stored(tmp_path / "store")
    linked = ROOT / "pcaps/situations/linked.pcap"
    store.capture(linked)
    store.close()
    drawn = run("calls", "--store", store.folder, "--ladder", "session-out").stdout
    assert drawn == run("replay", linked, "--ladder", "session-out").stdout
    assert "A Linked with 4f72a0b8f13e by Session-ID, nearer the caller" in drawn


def test_a_ladder_is_drawn_of_a_call_whose_messages_are_kept(demo: Path) -> None:
    """The same as of the file."""
    [call] = [
        json.loads(line)
        for line in run("calls", "--store", demo, "--format", "jsonl", "--limit", "1").stdout.splitlines()
    ]
    drawn = run("calls", "--store", demo, "--ladder", call["id"][:10])
    assert drawn.stdout == run("replay", DEMO, "--ladder", call["id"]).stdout
    assert "INVITE" in drawn.stdout


def test_the_verdict_is_shown_of_a_call_without_messages_and_why_it_has_none(tmp_path: Path) -> None:
    store = Stored(tmp_path / "store", EVERYTHING)
    store.put(records.call())
    said = " ".join(run("calls", "--store", store.folder, "--ladder", "0123456789ab").stdout.split())
    assert said.startswith("15550100 → 15550101 2026-01-05 09:00:00.000 UTC 0123456789ab Call-ID c1 ")
    assert "No message of this call was stored, although it failed or had trouble" in said
    assert "Busy - 486 Busy Here, ended by callee" in said
    why = the_complaint(run("calls", "--store", store.folder, "--ladder", "012345", "--ladder-form", "svg", status=1))
    assert why.startswith("sipwatch: call 0123456789ab: No message of this call was stored, although it failed")
    assert "no call 'ffff' in " in the_complaint(run("calls", "--store", store.folder, "--ladder", "ffff", status=1))
    unclear = the_complaint(run("calls", "--store", store.folder, "--ladder", "01", status=1))
    assert unclear == "sipwatch: '01' names no single call: 1 call begins so; give 6 digits of the id or more"
    store.close()


@pytest.mark.parametrize("form", list(LadderForm))
def test_a_stored_call_has_every_form_that_one_of_a_file_has(form: LadderForm, tmp_path: Path) -> None:
    store = Stored(tmp_path / "store")
    linked = ROOT / "pcaps/situations/linked.pcap"
    store.capture(linked)
    store.close()
    asked = ("--ladder", "session-out", "--ladder-form", form.value)
    assert run("calls", "--store", store.folder, *asked).stdout == run("replay", linked, *asked).stdout


def test_the_packets_of_a_selection_are_a_capture(demo: Path, tmp_path: Path) -> None:
    """Of as many calls as are asked for; they are those of the file."""
    file = tmp_path / "busy.pcap"
    run("calls", "--store", demo, "--filter", 'outcome == "busy"', "--limit", "3", "--format", "pcap", "-o", file)
    again = json.loads(run("replay", file, "--format", "json").stdout)
    assert [call["outcome"] for call in again["calls"]] == ["busy"] * 3
    said = run("calls", "--store", demo, "--format", "pcap", "-o", file).stderr
    assert said == "" or "older calls are left out" in said


def test_where_no_packets_are_kept_no_file_is_written(tmp_path: Path) -> None:
    store = Stored(tmp_path / "store", EVERYTHING)
    store.put(records.call())
    done = run("calls", "--store", store.folder, "--format", "pcap", "-o", tmp_path / "none.pcap", status=1)
    assert "No packets are kept of this call" in the_complaint(done)
    assert not (tmp_path / "none.pcap").exists()
    store.close()


def test_where_no_call_matches_it_is_said_what_was_looked_at(demo: Path) -> None:
    said = run("calls", "--store", demo, "--since", "1h").stdout
    assert " ".join(said.split()) == (
        f"No call matches in {demo}, which has calls from 2026-01-05 09:00:01 to 2026-01-05 09:09:59 (UTC)."
    )
    said = run("calls", "--store", demo, "--since", "1h", "--zone", "Europe/Berlin").stdout
    assert "from 2026-01-05 10:00:01 to 2026-01-05 10:09:59 (Europe/Berlin)." in " ".join(said.split())
    said = run("calls", "--store", demo, "--number", "5550142").stdout
    assert " ".join(said.split()).endswith(" calls are from or to a number that ends so: --number '*5550142'")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--since", "tomorrow"], 2, "'tomorrow' is no moment; write a moment such as"),
        (["--since", "1h", "--until", "2h"], 2, "2h is not later than --since 1h"),
        (["--number", "alice"], 2, "'alice' is no number"),
        (["--number", "1" * 500], 2, "…' is too long for a number: it has 500 characters, where 32 are the most"),
        (["--since", "2199-01-01"], 2, "2199-01-01 is in the future: nothing can have begun since"),
        (["--filter", "outcome == 'bussy'"], 2, "did you mean 'busy'?"),
        (["--zone", "Mars/Base"], 2, "Mars/Base"),
        (["--limit", "0"], 2, "not a whole number from 1 on"),
        (["--ladder", "x", "--format", "csv"], 2, "cannot be combined with --format"),
        (["--outcome", "bussy"], 2, "there is no outcome 'bussy'; did you mean busy?"),
        (["--ladder-form", "svg"], 2, "only with --ladder"),
        (["--format", "pcap"], 2, "name a file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_makes_no_sense_is_wrong_usage(demo: Path, arguments: list[str], status: int, words: str) -> None:
    assert words in " ".join(run("calls", "--store", demo, *arguments, status=status).stderr.split())


def test_a_folder_without_calls_is_named(tmp_path: Path) -> None:
    said = the_complaint(run("calls", "--store", tmp_path, status=1))
    assert said == f"sipwatch: {tmp_path}: no calls are stored there; sipwatch live --store {tmp_path} writes some"
