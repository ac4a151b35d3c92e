"""``sipwatch report``: stored calls of a period as one file; the same page that a replay writes of captures."""

from __future__ import annotations

import csv
import json
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from sipwatch.classify.outcomes import FAILURES
from sipwatch.cli.report import LastSpan, last_span
from sipwatch.config import load
from sipwatch.export.moments import Moment
from tests.cli.program import BUSY, DEMO, run, the_complaint
from tests.each import for_each
from tests.export import records
from tests.report.html.reading import ReportReader
from tests.store.stored import EVERYTHING, Stored

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = Path(DEMO).parent / "demo.toml"
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The store of the demonstration, with every message."""
    store = Stored(tmp_path_factory.mktemp("report") / "store")
    store.capture(Path(DEMO), load(str(CONFIG)).settings)
    yield store.folder
    store.close()


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of the demonstration, from its capture."""
    path = tmp_path_factory.mktemp("replayed") / "report.html"
    run("replay", DEMO, "--config", CONFIG, "--format", "html", "-o", path)
    return path.read_text()


@pytest.fixture(scope="module")
def known() -> dict[str, object]:
    """The demonstration as JSON."""
    found: dict[str, object] = json.loads(run("replay", DEMO, "--config", CONFIG, "--format", "json").stdout)
    return found


def of_store(store: Path, *more: object) -> ReportReader:
    return ReportReader(run("report", "--store", store, *more).stdout)


def test_the_figures_are_those_of_the_summary(replayed: str, known: dict[str, object]) -> None:
    read, summary = ReportReader(replayed), known["summary"]
    assert isinstance(summary, dict)
    counts = sorted((int(row[0]) for row in read.table("outcomes")[1:]), reverse=True)
    assert counts == sorted(summary["outcomes"].values(), reverse=True)
    failed = sum(count for outcome, count in summary["outcomes"].items() if outcome in FAILURES)
    assert len([row for row in read.table("failed") if row[0] != "Began"]) == failed == 138
    assert sum(int(row[1]) for row in read.table("time")[1:]) == summary["calls"] == 318
    ratios = {row[0]: row[1] for row in read.table("delays")}
    assert ratios["ASR"] == f"{summary['asr']:.1%}".replace("%", " %")
    assert dict(read.table("head"))["Calls"] == "318"


def test_agents_are_as_the_command_agents_has_them(replayed: str) -> None:
    records_ = json.loads(run("agents", DEMO, "--config", CONFIG, "--format", "json").stdout)
    rows = ReportReader(replayed).table("agents")[1:]
    assert [(row[0].partition(" ⚠")[0], int(row[2]), int(row[3])) for row in rows] == [
        (one["device"], one["offered"], one["taken"]) for one in records_
    ]


def test_the_worst_of_a_capture_are_drawn_and_it_stays_small(replayed: str) -> None:
    assert replayed.count('class="ladder"') == 10
    assert replayed.index("<strong>Device not responding: ") < replayed.index("<strong>Server failure: ")
    assert len(replayed) < 400_000


def test_a_store_gives_the_same_page_as_its_capture(demo: Path, replayed: str) -> None:
    """But for where it is from, and what is known of a whole capture alone."""
    of_capture, stored = ReportReader(replayed), of_store(demo, "--config", CONFIG)
    for part in ("outcomes", "time", "responses", "failed", "odd", "agents", "refused", "callbacks", "peers", "delays"):
        assert stored.table(part) == of_capture.table(part), part
    assert stored.text.count("Ladder of the call") == of_capture.text.count("Ladder of the call")
    assert dict(stored.table("head"))["From"] == f"the store {demo}"


def test_a_filter_counts_what_it_leaves_out() -> None:
    read = ReportReader(run("replay", BUSY, "--format", "html", "--filter", 'outcome == "answered"').stdout)
    facts = dict(read.table("head"))
    assert (facts["Calls"], facts["Only calls with"]) == ("0 of 3", 'outcome == "answered"')
    assert "None of the 3 calls is as was asked for." in read.words


def test_a_period_is_from_the_one_moment_and_before_the_other(demo: Path, tmp_path: Path) -> None:
    """In the zone's time; the rows behind it stand in the CSV beside."""
    rows = tmp_path / "rows.csv"
    asked = ("--from", "2026-01-05T10:02:00", "--to", "2026-01-05T10:03:00", "--zone", "Europe/Berlin", "--csv", rows)
    read = of_store(demo, *asked)
    began = [row["started"] for row in csv.DictReader(rows.read_text().splitlines())]
    assert len(began) == int(dict(read.table("head"))["Calls"]) == 32
    assert all(one.startswith("2026-01-05T09:02") for one in began)
    assert began == sorted(began)
    assert dict(read.table("head"))["Period"] == "2026-01-05 10:02:00 to 2026-01-05 10:03:00 (Europe/Berlin)"


def test_what_the_store_does_not_hold_of_the_period_is_said(demo: Path) -> None:
    assert "The store has no calls before 2026-01-05 09:00:0" in of_store(demo, "--from", "2026-01-04T00:00:00").words
    assert "has no calls before" not in of_store(demo).words


def test_a_supervisor_gets_agents_first_and_nothing_technical(demo: Path) -> None:
    parts = [given["id"] for name, given in of_store(demo, "--agents").elements if name == "section"]
    assert parts == ["agents", "refused", "callbacks", "outcomes", "time", "causes", "knowledge"]


def test_a_supplier_gets_his_own_calls_with_their_call_ids(demo: Path, known: dict[str, object]) -> None:
    read = of_store(demo, "--peer", "north")
    calls = known["calls"]
    assert isinstance(calls, list)
    his = [one for one in calls if "north" in (one["source"], one["destination"])]
    assert dict(read.table("head"))["Calls"] == str(len(his))
    ids = {one["call_id"] for one in his if one["outcome"] in FAILURES}
    rows = [row for row in read.table("failed") if row[0] != "Began"]
    assert {row[-1][:-12] for row in rows} == ids
    assert "agents" not in {given["id"] for name, given in read.elements if name == "section"}


def test_a_supplier_is_told_nothing_of_ours(demo: Path, tmp_path: Path) -> None:
    """Not where it is stored, who should staff what, which device takes no calls, who waits; in the rows neither."""
    rows = tmp_path / "rows.csv"
    text = run("report", "--store", demo, "--peer", "north", "--csv", rows).stdout
    assert str(demo) not in text
    for ours in (
        "A device that takes no calls",
        "calls in a row",
        "waits to be called back",
        "staffing",
        "To who runs",
        "Agent busy",
    ):
        assert ours not in text, ours
    assert "staffing" in run("report", "--store", demo).stdout
    for row in csv.DictReader(rows.read_text().splitlines()):
        assert row["tags"] == ""
        assert "refusal_streak" not in row["findings"]


def test_a_supplier_sees_calls_to_it_apart_from_those_from_it(demo: Path, known: dict[str, object]) -> None:
    calls = known["calls"]
    assert isinstance(calls, list)
    read = of_store(demo, "--peer", "acme")
    totals: dict[str, int] = {"to acme": 0, "from acme": 0}
    for row in read.table("outcomes"):
        if row[0] != "Calls":
            totals["sum"] = totals.get("sum", 0) + int(row[0])
    to, by = (sum(one[end] == "acme" for one in calls) for end in ("destination", "source"))
    assert to
    assert by
    assert totals["sum"] == to + by
    assert read.words.index("Calls to acme") < read.words.index("Calls from acme")
    assert {"to acme", "from acme"} <= {word for row in read.table("failed") for word in (row[1][-9:], row[1][-7:])}


def test_a_peer_that_the_store_does_not_know_is_told_with_those_it_does(demo: Path) -> None:
    told = the_complaint(run("report", "--store", demo, "--peer", "nrth", status=1))
    assert told.endswith("is from or to a peer 'nrth'; did you mean north?")


def test_what_the_configuration_hides_is_hidden_on_the_page_and_in_the_rows(demo: Path, tmp_path: Path) -> None:
    config, rows = tmp_path / "private.toml", tmp_path / "rows.csv"
    config.write_text("[privacy]\nmask = 4\n")
    text = run("report", "--store", demo, "--config", config, "--csv", rows).stdout
    assert "1555555****" in text
    assert "15555550" not in text
    assert "15555550" not in rows.read_text()


def test_a_replay_hides_what_is_to_be_hidden(tmp_path: Path) -> None:
    config = tmp_path / "private.toml"
    config.write_text("[privacy]\nmask = 4\n")
    text = run("replay", BUSY, "--config", config, "--format", "html").stdout
    assert "1555****" in text
    assert "1555010" not in text
    assert "Hidden besides: " in text


def test_the_last_day_is_yesterdays_calls(tmp_path: Path) -> None:
    """By the clocks of the zone, whatever the time is now."""
    store = Stored(tmp_path / "store", EVERYTHING)
    begin, end = last_span(LastSpan.DAY, BERLIN, time.time_ns())
    moments = {"before": begin - 1, "first": begin, "last": end - 1, "today": end}
    for name, moment in moments.items():
        store.put(records.call(id=f"{name:0>12}", started=Moment(moment), callee=name))
    rows = of_store(store.folder, "--last", "day", "--zone", "Europe/Berlin").table("failed")[1:]
    store.close()
    assert [row[1] for row in rows] == ["15550100 → last", "15550100 → first"]


@for_each(
    "last, begin, end",
    [
        (LastSpan.DAY, "2026-03-31T00:00+02:00", "2026-04-01T00:00+02:00"),
        (LastSpan.WEEK, "2026-03-23T00:00+01:00", "2026-03-30T00:00+02:00"),
        (LastSpan.MONTH, "2026-03-01T00:00+01:00", "2026-04-01T00:00+02:00"),
    ],
)
def test_spans_are_those_of_the_calendar_there(last: LastSpan, begin: str, end: str) -> None:
    """On a Wednesday, three days after the clocks were put forward: a week and a month that lack an hour."""
    now = int(datetime.fromisoformat("2026-04-01T00:30+02:00").timestamp()) * 10**9
    expected = tuple(int(datetime.fromisoformat(one).timestamp()) * 10**9 for one in (begin, end))
    assert last_span(last, BERLIN, now) == expected


@for_each(
    "more, words",
    [
        (("--agents", "--peer", "acme"), "cannot be combined with --agents"),
        (("--last", "day", "--from", "1h"), "cannot be combined with --from or --to"),
        (("--last", "year"), "is not one of day, week, month"),
        (("--from", "soon"), "is no moment"),
        (("--from", "2199-01-01"), "2199-01-01 is in the future"),
        (("--from", "1h", "--to", "2h"), "is not later than --from 1h"),
        (("--zone", "Nowhere"), "Nowhere"),
        (("--peer", 'a" or true'), "there is no peer 'a\" or true'"),
        (("--filter", "outcome ="), "--filter"),
    ],
)
def test_wrong_usage_is_told_in_one_line_and_writes_nothing(more: tuple[str, ...], words: str, tmp_path: Path) -> None:
    done = run("report", "--store", tmp_path, "-o", tmp_path / "report.html", *more, status=2)
    assert words in " ".join(done.stderr.split())
    assert not (tmp_path / "report.html").exists()


def test_a_folder_without_a_store_is_told(tmp_path: Path) -> None:
    told = the_complaint(run("report", "--store", tmp_path, "-o", tmp_path / "report.html", status=1))
    assert "no calls are stored there" in told
    assert not (tmp_path / "report.html").exists()
