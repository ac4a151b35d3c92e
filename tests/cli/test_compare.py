"""``sipwatch compare``: two captures beside each other, by the same configuration and filter."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from pcaps.make import packets, talk
from pcaps.make.__main__ import nanoseconds
from tests.cli.program import BUSY, DEMO, ROOT, run, the_complaint
from tests.each import for_each
from tests.export import records
from tests.store.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOSTS = {"A": "192.0.2.11", "P": "198.51.100.10", "T": "203.0.113.10"}
CONFIG = """
[[peer]]
name = "acme"
kind = "trunk"
addresses = ["203.0.113.0/24"]
"""


def capture(path: Path, *, busy: int, gone: int, refused: int) -> Path:
    """Write a capture of calls to a trunk, and of REGISTERs that are refused beside others that are not."""
    script = ""
    for number in range(busy + gone):
        code = 486 if number < busy else 480
        script += f"{number} P>T INVITE call=c{number}\n{number + 1} T>P {code} call=c{number}\n"
    agents: dict[str, str] = {}
    frames = [
        (
            nanoseconds(line.time),
            packets.udp(HOSTS[line.source], HOSTS[line.destination], talk.message(line, HOSTS, agents)),
        )
        for line in talk.lines(script)
    ]
    for number in range(40):
        start = nanoseconds(float(number) + 0.3)
        frames += [(start, packets.udp(HOSTS["A"], HOSTS["P"], register(number)))]
        answer = "403 Forbidden" if number < refused else "200 OK"
        frames += [(start + 10_000_000, packets.udp(HOSTS["P"], HOSTS["A"], register(number, f"SIP/2.0 {answer}")))]
    path.write_bytes(packets.pcap(sorted(frames)))
    return path


def register(number: int, first: str = "REGISTER sip:example.com SIP/2.0") -> bytes:
    return (
        f"{first}\r\nVia: SIP/2.0/UDP {HOSTS['A']}:5060;branch=z9hG4bKr{number}\r\nFrom: <sip:u{number}@example.com>;tag=f\r\n"
        f"To: <sip:u{number}@example.com>{'' if 'REGISTER' in first else ';tag=t'}\r\nCall-ID: r{number}\r\n"
        f"CSeq: 1 REGISTER\r\nContact: <sip:u{number}@{HOSTS['A']}>;expires=600\r\nContent-Length: 0\r\n\r\n"
    ).encode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("compare")
    capture(made / "before.pcap", busy=10, gone=90, refused=0)
    capture(made / "after.pcap", busy=50, gone=50, refused=20)
    (made / "sipwatch.toml").write_text(CONFIG)
    return made


def compared(folder: Path, *more: object) -> dict[str, Any]:
    words = ("compare", folder / "before.pcap", folder / "after.pcap", "--config", folder / "sipwatch.toml", *more)
    found: dict[str, Any] = json.loads(run(*words, "--format", "json").stdout)
    return found


def test_what_moved_is_found_with_its_populations(folder: Path) -> None:
    found = compared(folder)
    assert (found["a"]["calls"], found["b"]["calls"]) == (100, 100)
    moved = {(one["place"], one["what"], one["word"]): (one["a"], one["b"]) for one in found["moved"]}
    assert moved["all", "outcome", "busy"] == (
        {"count": 10, "of": 100, "share": 0.1},
        {"count": 50, "of": 100, "share": 0.5},
    )
    assert moved["all", "status_code", "480"][1]["count"] == 50
    assert moved["all", "registration", "refused"] == (
        {"count": 0, "of": 40, "share": 0.0},
        {"count": 20, "of": 40, "share": 0.5},
    )
    assert not any(one["what"] == "delay" for one in found["moved"])


def test_a_filter_narrows_both_sides(folder: Path) -> None:
    found = compared(folder, "--filter", "status_code == 486")
    assert [(found[side]["calls"], found[side]["left_out"]) for side in "ab"] == [(10, 90), (50, 50)]
    assert [(one["what"], one["a"], one["b"]) for one in found["too_few"]] == [("calls", 10, 50)]
    assert found["moved"] == []


def test_the_table_is_for_people(folder: Path) -> None:
    text = run("compare", folder / "before.pcap", folder / "after.pcap", environment={"COLUMNS": "140"}).stdout
    assert text.startswith(f"A  {folder / 'before.pcap'}, ")
    assert "10 of 100 (10.0%)" in text
    assert "+40.0 points" in text


def test_a_capture_is_like_itself() -> None:
    words = ("compare", DEMO, DEMO, "--config", ROOT / "pcaps/demo.toml")
    assert "No difference" in run(*words).stdout


def test_standard_input_can_be_one_side_and_not_both(folder: Path) -> None:
    with (folder / "before.pcap").open("rb") as before:
        found = json.loads(run("compare", folder / "before.pcap", "-", "--format", "json", stdin=before).stdout)
    assert (found["b"]["calls"], found["moved"]) == (100, [])
    assert "only one of the two" in run("compare", "-", "-", status=2).stderr


def test_what_cannot_be_read_or_is_written_over_is_named(folder: Path, tmp_path: Path) -> None:
    assert "missing.pcap" in the_complaint(run("compare", BUSY, tmp_path / "missing.pcap", status=1))
    own = shutil.copy(BUSY, tmp_path / "own.pcap")
    assert "is a file that is being read" in the_complaint(run("compare", BUSY, own, "-o", own, status=1))


# Two periods of a store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """40 calls in each of three hours: 10 busy and 30 answered, then 30 busy, then nothing but answered ones."""
    made = Stored(tmp_path_factory.mktemp("stored") / "store")
    for hour, busy in enumerate((10, 30, 0)):
        for number in range(40):
            begun = records.at(3600 * hour + number)
            make = records.call if number < busy else records.answered
            made.put(make(id=f"{hour}{number:011x}", started=begun), completed=number >= busy)
    yield made.folder
    made.close()


HOURS = ("2026-01-05T09:00..2026-01-05T10:00", "2026-01-05T10:00..2026-01-05T11:00")


def periods(store: Path, before: str = HOURS[0], after: str = HOURS[1], *more: object) -> dict[str, Any]:
    words = ("compare", "--store", store, "--before", before, "--after", after, *more, "--format", "json")
    found: dict[str, Any] = json.loads(run(*words).stdout)
    return found


def test_two_periods_of_a_store_are_compared_as_two_captures_are(store: Path) -> None:
    found = periods(store)
    assert found["a"] == {
        "files": [str(store)],
        "first": "2026-01-05T09:00:00.000000Z",
        "last": "2026-01-05T10:00:00.000000Z",
        "calls": 40,
        "left_out": 0,
    }
    (busy,) = [one for one in found["moved"] if (one["what"], one["word"]) == ("outcome", "busy")]
    assert (busy["a"], busy["b"]) == (
        {"count": 10, "of": 40, "share": 0.25},
        {"count": 30, "of": 40, "share": 0.75},
    )
    (scr,) = [one for one in found["moved"] if one["word"] == "scr"]
    assert (scr["a"]["count"], scr["b"]["count"]) == (30, 10)


def test_moments_are_of_the_zone_that_is_said(store: Path) -> None:
    berlin = ("2026-01-05T10:00..2026-01-05T11:00", "2026-01-05T11:00..2026-01-05T12:00")
    assert periods(store, *berlin, "--zone", "Europe/Berlin") == periods(store)


def test_a_period_without_an_end_goes_on_until_now(store: Path) -> None:
    for end in ("", "now"):
        assert periods(store, after=f"2026-01-05T10:00..{end}")["b"]["calls"] == 80


def test_a_filter_narrows_both_periods(store: Path) -> None:
    found = periods(store, *HOURS, "--filter", 'outcome == "busy"')
    assert [(found[side]["calls"], found[side]["left_out"]) for side in ("a", "b")] == [(10, 30), (30, 10)]


def test_what_moved_is_shown_with_the_periods(store: Path) -> None:
    shown = run("compare", "--store", store, "--before", HOURS[0], "--after", HOURS[1]).stdout
    assert f"A  {store}, 2026-01-05 09:00:00 UTC, 1:00:00 long, 40 calls" in " ".join(shown.split("\n"))
    assert "+50.0 points" in shown


@for_each(
    "words, complaint",
    [
        (("--store", "{store}", "--before", HOURS[0]), "with --store it says which calls"),
        (
            ("--store", "{store}", "--before", HOURS[0], "--after", "2026-01-05T09:30..2026-01-05T12:00"),
            "part of --before",
        ),
        (("--store", "{store}", "--before", "yesterday", "--after", HOURS[1]), "is no period"),
        (("--store", "{store}", "--before", "x..y", "--after", HOURS[1]), "is no moment"),
        (("--store", "{store}", "--before", "1h..2h", "--after", HOURS[1]), "ends before it begins"),
        (("--store", "{store}", "--before", HOURS[0], "--after", HOURS[1], "--config", "x"), "are judged already"),
        (("--store", "{store}", "a.pcap", "--before", HOURS[0], "--after", HOURS[1]), "and no files"),
        (("a.pcap", "b.pcap", "--before", HOURS[0]), "say which with --store"),
        (("a.pcap",), "two capture files are compared"),
        ((), "two capture files are compared"),
    ],
)
def test_what_cannot_be_compared_is_told(store: Path, words: tuple[str, ...], complaint: str) -> None:
    done = run("compare", *(word.format(store=store) for word in words), status=2)
    assert complaint in " ".join(done.stderr.replace("│", " ").split())


def test_a_folder_without_a_store_is_told(tmp_path: Path) -> None:
    done = run("compare", "--store", tmp_path / "x", "--before", HOURS[0], "--after", HOURS[1], status=1)
    assert "the store cannot be read" in the_complaint(done)
