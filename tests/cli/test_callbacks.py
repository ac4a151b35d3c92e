"""``sipwatch callbacks``: who still waits, oldest first, with attempts."""

from __future__ import annotations

import csv
import io
import json
import time
from typing import TYPE_CHECKING

import pytest

from pcaps.make import packets, talk
from pcaps.make.__main__ import nanoseconds
from sipwatch.export.moments import Moment
from sipwatch.export.waiting import WaitingRecord
from sipwatch.report.waiting import print_waiting
from tests.cli.program import BUSY, run, the_complaint
from tests.export import records
from tests.store.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sipwatch.export.record import CallRecord

HOSTS = {"A": "192.0.2.11", "P": "198.51.100.10", "T": "203.0.113.10"}
CONFIG = """
[callback]
within = 600
region = "DE"
[[peer]]
name = "acme"
kind = "trunk"
addresses = ["203.0.113.0/24"]
[[peer]]
name = "pbx"
kind = "server"
addresses = ["198.51.100.0/24"]
"""


def missed(at: int, call: str, caller: str, code: int = 480) -> str:
    """Let a call from outside be missed."""
    return (
        f"{at} T>P INVITE call={call} caller={caller} callee=4930555\n{at + 9} P>T {code} call={call} caller={caller}\n"
    )


def outbound(at: int, call: str, callee: str, code: int) -> str:
    """Call somebody outside."""
    return f"{at} P>T INVITE call={call} callee={callee}\n{at + 5} T>P {code} call={call} callee={callee}\n"


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """Three missed calls: one called back after 20 minutes, one tried twice in vain, one left alone."""
    script = (
        missed(0, "a", "+493012345678")
        + missed(30, "b", "+493087654321")
        + missed(60, "c", "+493011112222")
        + outbound(100, "d", "03087654321", 486)
        + outbound(200, "e", "03087654321", 480)
        + outbound(1200, "f", "03012345678", 200)
        + missed(1250, "g", "anonymous")
    )
    agents: dict[str, str] = {}
    frames = [
        (
            nanoseconds(line.time),
            packets.udp(HOSTS[line.source], HOSTS[line.destination], talk.message(line, HOSTS, agents)),
        )
        for line in talk.lines(script)
    ]
    path = tmp_path / "missed.pcap"
    path.write_bytes(packets.pcap(sorted(frames)))
    (tmp_path / "sipwatch.toml").write_text(CONFIG)
    return path


def test_who_was_not_reached_is_listed_oldest_first_with_attempts(capture: Path) -> None:
    done = run("callbacks", capture, "--config", capture.parent / "sipwatch.toml", "--format", "json")
    waiting = json.loads(done.stdout)
    assert [(one["number"], one["attempts"], one["source"]) for one in waiting] == [
        ("+493087654321", 2, "acme"),
        ("+493011112222", 0, "acme"),
    ]
    assert waiting[0]["missed"].startswith("2026-01-05T09:00:39")
    assert waiting[0]["last_attempt"].startswith("2026-01-05T09:03:25")
    assert waiting[0]["overdue"] is True
    assert waiting[0]["waited_seconds"] == pytest.approx(1259 - 39, abs=1)


def test_the_table_and_the_csv_say_the_same(capture: Path) -> None:
    config = capture.parent / "sipwatch.toml"
    table = run("callbacks", capture, "--config", config).stdout
    assert "2 missed calls whose callers were not reached, 2 of them for longer than 10:00" in table
    assert table.index("+493087654321") < table.index("+493011112222")
    rows = list(csv.DictReader(io.StringIO(run("callbacks", capture, "--config", config, "--format", "csv").stdout)))
    assert [row["attempts"] for row in rows] == ["2", "0"]


def test_numbers_are_hidden_where_the_configuration_says_so(capture: Path) -> None:
    config = capture.parent / "masked.toml"
    config.write_text(CONFIG + "[privacy]\nmask = 4\n")
    text = run("callbacks", capture, "--config", config, "--format", "json").stdout
    assert "+49308765" in text
    assert "4321" not in text


def test_nobody_waits_where_nobody_called(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(CONFIG)
    assert "Nobody waits" in run("callbacks", BUSY, "--config", tmp_path / "x.toml").stdout


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Path]:
    """A caller who waits and called again, one who was called back, one who waited yesterday."""
    written, now = Stored(tmp_path / "store"), time.time_ns()

    def missed_before(minutes: int, id_: str, caller: str, tag: str) -> CallRecord:
        began = Moment(now - minutes * 60 * 10**9)
        more = {"id": id_, "caller": caller, "tags": [tag], "source": "acme"}
        return records.call("no_answer", **more, started=began, ended=Moment(began + 10**9))

    written.put(
        missed_before(30 * 60, "0" * 12, "+493000000", "waiting_callback"),
        missed_before(20, "1" * 12, "+493012345678", "waiting_callback"),
        missed_before(10, "2" * 12, "+493012345678", "waiting_callback"),
        missed_before(5, "3" * 12, "+493099999999", "called_back"),
    )
    yield written.folder
    written.close()


def test_a_store_is_asked_as_pages_ask_it(store: Path) -> None:
    """Of the time in which one should be called back, or since when one asks; what was tried is not known."""
    waiting = json.loads(run("callbacks", "--store", store, "--format", "json").stdout)
    assert [(one["id"][0], one["number"], one["redials"]) for one in waiting] == [
        ("1", "+493012345678", 1),
        ("2", "+493012345678", 0),
    ]
    assert {one["attempts"] for one in waiting} == {None}
    since = json.loads(run("callbacks", "--store", store, "--since", "2d", "--format", "json").stdout)
    assert [(one["id"][0], one["overdue"]) for one in since] == [("0", True), ("1", False), ("2", False)]
    assert "2 missed calls whose callers were not reached" in run("callbacks", "--store", store).stdout


def test_of_a_store_what_is_hidden_and_for_how_long_one_waits_is_as_configured(store: Path, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("[callback]\nwithin = 900\n[privacy]\nmask = 4\n")
    waiting = json.loads(run("callbacks", "--store", store, "--config", tmp_path / "x.toml", "--format", "json").stdout)
    assert [(one["id"][0], one["number"]) for one in waiting] == [("2", "+49301234****")]


def test_of_a_store_in_which_nobody_waits_it_is_said_since_when(tmp_path: Path) -> None:
    written = Stored(tmp_path / "store")
    written.put(records.call())
    said = " ".join(run("callbacks", "--store", written.folder, "--since", "2026-01-05").stdout.split())
    assert said.startswith("Nobody waits of those who called since 2026-01-05 00:00:00 UTC, as far as is stored.")
    written.close()


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ([], "name capture files, or a store (--store)"),
        ([BUSY, "--store", "x"], "name one or the other"),
        ([BUSY, "--config", "x", "--since", "1h"], "is of use only with --store"),
        ([BUSY], "is needed for files"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(asked: list[object], why: str) -> None:
    assert why in " ".join(run("callbacks", *asked, status=2).stderr.replace("│", "").split())


def test_without_a_trunk_nothing_comes_from_outside(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("")
    done = run("callbacks", BUSY, "--config", tmp_path / "x.toml", status=1)
    assert "no peer is a trunk" in the_complaint(done)
    assert run("callbacks", BUSY, status=2).stdout == ""


@pytest.mark.parametrize("columns", ["60", "80", "120"])
def test_each_caller_is_a_line_where_it_fits_and_a_paragraph_where_not(
    columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    out = io.StringIO()
    record = WaitingRecord(
        "0123456789ab", "15555550109", "15555550130", "acme", "2026-01-05T09:00:00Z", 600.0, 1,
        "2026-01-05T09:05:00Z", 0, None, overdue=True,
    )  # fmt: skip
    print_waiting(out, [record], 300 * 10**9)
    head, *lines = out.getvalue().splitlines()
    assert max(map(len, (head, *lines))) <= int(columns)
    text = " ".join(out.getvalue().split())
    assert text.count("UTC") == 1
    assert "1 missed call whose caller was not reached, 1 of them for longer than 5:00" in text
    for word in ("15555550109", "15555550130", "acme", "10:00", "09:05:00", "0123456789ab"):
        assert word in text
