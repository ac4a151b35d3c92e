"""``sipwatch replay`` as users meet it: results, errors in one line, exit statuses, pipes and signals."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from sipwatch.capture.files import Prefilter, open_capture
from tests.capture import builders
from tests.cli.program import (
    BUSY,
    COMMAND,
    DEMO,
    ENVIRONMENT,
    ROOT,
    into_a_closed_pipe,
    on_a_terminal,
    run,
    the_complaint,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_the_default_is_a_table() -> None:
    done = run("replay", BUSY)
    assert "  Busy " in done.stdout
    assert done.stderr == ""
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("form", ["json", "jsonl", "csv"])
def test_every_format_tells_of_the_same_calls(form: str) -> None:
    text = run("replay", BUSY, "--format", form).stdout
    if form == "json":
        calls = json.loads(text)["calls"]
    elif form == "jsonl":
        calls = [json.loads(line) for line in text.splitlines()]
    else:
        calls = list(csv.DictReader(io.StringIO(text)))
    assert sorted(call["call_id"] for call in calls) == ["busy-here", "cause-17", "everywhere"]


def test_the_json_has_the_shape_of_the_contract() -> None:
    report = json.loads(run("replay", DEMO, "--format", "json", "--config", "pcaps/demo.toml").stdout)
    assert set(report["capture"]) >= {
        "files",
        "first",
        "last",
        "packets",
        "messages",
        "requests",
        "responses",
        "duplicates",
        "discards",
    }
    assert set(report["summary"]) == {
        *("calls", "outcomes", "endings", "inferred", "conditions", "ser", "seer", "isa", "scr", "asr", "ner"),
        *("tags", "linked_pairs", "findings", "devices"),
    }
    assert report["summary"]["calls"] == len(report["calls"]) == sum(report["summary"]["outcomes"].values())
    assert sum(report["summary"]["endings"].values()) == report["summary"]["outcomes"]["answered"]
    started = [call["started"] for call in report["calls"]]
    assert started == sorted(started)


def test_output_goes_to_a_file(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert run("replay", BUSY, "--format", "json", "-o", out).stdout == ""
    assert json.loads(out.read_text())["summary"]["calls"] == 3
    run("replay", BUSY, "-o", out)
    assert "  Busy " in out.read_text()


def test_the_report_says_how_many_of_all_calls_a_filter_kept() -> None:
    some = run("replay", BUSY, "--filter", "status_code == 600").stdout
    assert " of 3 calls" in some
    none = run("replay", BUSY, "--filter", "status_code == 200").stdout
    assert "None of the 3 calls matches --filter." in none
    assert "No call was attempted" not in none
    assert " of 3 calls" not in run("replay", BUSY).stdout


def test_the_devices_are_those_of_the_calls_that_a_filter_kept() -> None:
    def devices(*arguments: str) -> list[dict[str, object]]:
        done = run("replay", DEMO, "--format", "json", "--config", "pcaps/demo.toml", *arguments)
        found: list[dict[str, object]] = json.loads(done.stdout)["summary"]["devices"]
        in_a_row = ("streak", "longest")  # a record does not say exactly when the verdict on a hop fell
        return [{key: told for key, told in device.items() if key not in in_a_row} for device in found]

    every = devices()
    assert every
    assert devices("--filter", "retransmissions >= 0") == every
    busy = devices("--filter", 'outcome == "busy"')
    assert busy != every
    assert all(device["answered"] == 0 for device in busy)
    assert devices("--filter", 'outcome == "answered"') == []


def test_a_filter_keeps_some_calls() -> None:
    done = run("replay", BUSY, "--format", "jsonl", "--filter", "status_code == 600")
    assert [json.loads(line)["call_id"] for line in done.stdout.splitlines()] == ["everywhere"]


def test_messages_are_included_when_asked_for() -> None:
    line = run("replay", BUSY, "--format", "jsonl", "--messages", "--filter", "status_code == 600").stdout
    messages = json.loads(line)["messages"]
    assert [m["first_line"].split()[0] for m in messages] == ["INVITE", "SIP/2.0", "SIP/2.0", "ACK"]
    assert messages[0]["raw"].startswith("INVITE sip:")


LINKED = BUSY.parents[1] / "situations" / "linked.pcap"


def test_the_ladder_of_a_call_has_those_that_are_linked_with_it_each_with_its_letter() -> None:
    config = ("--config", LINKED.with_suffix(".toml"))
    drawn = run("replay", LINKED, "--ladder", "named-out", *config).stdout.splitlines()
    ids = {
        call["call_id"]: call["id"] for call in json.loads(run("replay", LINKED, "--format", "json").stdout)["calls"]
    }
    why = "by a header that the configuration names, nearer the caller; counted as two calls"
    assert f"A Linked with {ids['named-out']} {why}" in drawn
    invites = [line for line in drawn if "INVITE" in line]
    assert [line[22] for line in invites] == ["A", "B"]
    assert [line.split()[0] for line in drawn if "Answered - 200 OK" in line] == ["A", "B"]
    both = run("replay", LINKED, "--ladder", "connected", *config).stdout
    assert "Call-ID consult@example.com" in both
    assert "Call-ID talk" in both


def test_without_a_link_a_ladder_is_of_one_call_and_a_filter_for_wireshark_has_all_that_are_linked() -> None:
    assert "Call-ID named-in" not in run("replay", LINKED, "--ladder", "named-out").stdout
    shown = run("replay", LINKED, "--ladder", "session-in", "--ladder-form", "wireshark").stdout
    assert shown == 'sip.Call-ID == "session-in" or sip.Call-ID == "session-out"\n'


def test_a_ladder_by_id_its_beginning_or_call_id() -> None:
    (first, *_) = [json.loads(line) for line in run("replay", BUSY, "--format", "jsonl").stdout.splitlines()]
    by_id, by_beginning, by_call_id = (
        run("replay", BUSY, "--ladder", wanted).stdout for wanted in (first["id"], first["id"][:8], first["call_id"])
    )
    assert "INVITE" in by_id
    assert by_id == by_beginning == by_call_id
    assert "no call 'zzz'" in the_complaint(run("replay", BUSY, "--ladder", "zzz", status=1))


def test_several_files_are_merged() -> None:
    both = run("replay", BUSY, ROOT / "pcaps" / "outcomes" / "declined.pcap", "--format", "jsonl")
    assert len(both.stdout.splitlines()) == 4


def test_standard_input() -> None:
    with BUSY.open("rb") as file:
        done = run("replay", "-", "--format", "jsonl", stdin=file)
    assert len(done.stdout.splitlines()) == 3


def test_a_live_pipe_is_answered_call_by_call() -> None:
    """Each call is written as soon as it is over, while the pipe is still open."""
    process = subprocess.Popen(
        [*COMMAND, "replay", "-", "--format", "jsonl"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(BUSY.read_bytes())
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["call_id"] == "busy-here"  # the next call, 60 s later, tells the time
    process.stdin.close()
    assert len(process.stdout.readlines()) == 2
    assert process.wait(60) == 0
    process.stdout.close()


def bad_files(folder: Path) -> dict[str, tuple[Path, str]]:
    """Make files that are no captures."""
    good = BUSY.read_bytes()
    contents: dict[str, tuple[bytes, str]] = {
        "empty": (b"", "empty"),
        "text": (b"hello, this is not a capture\n" * 10, "not a capture"),
        "magic": (b"\x00\x01\x02\x03" * 20, "not a capture"),
        "header-only": (good[:11], "header"),
        "gzip": (gzip.compress(good)[:10] + b"\xff" * 50, "gzip"),
    }
    made = {}
    for name, (content, words) in contents.items():
        (folder / name).write_bytes(content)
        made[name] = (folder / name, words)
    return {**made, "missing": (folder / "missing", "no such file"), "directory": (folder, "is a directory")}


@pytest.mark.parametrize("name", ["empty", "text", "magic", "header-only", "gzip", "missing", "directory"])
def test_what_is_no_capture_is_said_in_one_line(name: str, tmp_path: Path) -> None:
    path, words = bad_files(tmp_path)[name]
    complaint = the_complaint(run("replay", path, status=1))
    assert words in complaint.lower()
    assert str(path) in complaint


def test_one_bad_file_among_several_is_said_before_anything_is_read(tmp_path: Path) -> None:
    done = run("replay", BUSY, tmp_path / "missing", status=1)
    assert done.stdout == ""


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_file_cut_in_the_middle_is_reported_up_to_the_cut(packed: bool, tmp_path: Path) -> None:
    """With a warning, and status 0."""
    content = BUSY.read_bytes()
    content = gzip.compress(content)[:-300] if packed else content[:-300]
    (tmp_path / "cut").write_bytes(content)
    done = run("replay", tmp_path / "cut", "--format", "jsonl")
    assert "warning" in the_complaint(done)
    assert done.stdout


def test_an_absurd_record_length_is_damage(tmp_path: Path) -> None:
    content = bytearray(BUSY.read_bytes())
    size = int.from_bytes(content[32:36], "little")
    at = 24 + 16 + size + 8
    content[at : at + 4] = b"\xff\xff\xff\x7f"
    (tmp_path / "absurd").write_bytes(bytes(content))
    done = run("replay", tmp_path / "absurd", "--format", "json")
    assert "absurd" in the_complaint(done)
    assert json.loads(done.stdout)["capture"]["packets"] == 1


def test_an_unknown_link_type_is_a_discard_and_said(tmp_path: Path) -> None:
    (tmp_path / "wifi").write_bytes(builders.pcap([(10**18, 105, b"x" * 50)]))
    done = run("replay", tmp_path / "wifi")
    assert "a link type that is not decoded" in done.stdout


def test_time_going_backwards_is_counted(tmp_path: Path) -> None:
    with open_capture([str(BUSY)], prefilter=Prefilter.OFF) as source:
        frames = list(source)
    frames[1], frames[2] = frames[2], frames[1]
    (tmp_path / "back").write_bytes(builders.pcap(frames))
    report = json.loads(run("replay", tmp_path / "back", "--format", "json").stdout)
    assert report["capture"]["notices"]["time_stepped_back"] == 1
    assert report["summary"]["calls"] == 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(BUSY.read_bytes())
    (tmp_path / "secret").chmod(0)
    assert "permission denied" in the_complaint(run("replay", tmp_path / "secret", status=1))


@pytest.mark.parametrize(("form", "capture"), [("table", BUSY), ("json", BUSY), ("jsonl", DEMO), ("csv", BUSY)])
def test_a_full_disk_is_one_line(form: str, capture: Path) -> None:
    """Noticed at the end, or with more to write."""
    complaint = the_complaint(run("replay", capture, "--format", form, "-o", "/dev/full", status=1))
    assert "No space left" in complaint


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv"])
def test_a_reader_that_has_seen_enough_is_no_error(form: str) -> None:
    """``| head``."""
    done = into_a_closed_pipe("replay", BUSY, "--format", form)
    assert (done.returncode, done.stderr) == (0, "")


def test_nor_is_it_for_a_process_that_has_more_to_write() -> None:
    process = subprocess.Popen(
        [*COMMAND, "replay", str(DEMO), "--format", "jsonl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=ENVIRONMENT,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 0


def test_ctrl_c_ends_with_what_there_is() -> None:
    process = subprocess.Popen(
        [*COMMAND, "replay", "-", "--format", "json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdin.write(DEMO.read_bytes()[:1_000_000])  # more than a pipe holds: when it is through, most was read
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    out = process.stdout.read()
    assert b"interrupted" in process.stderr.read()
    assert json.loads(out)["summary"]["calls"] > 10
    assert process.wait(60) == 0
    for pipe in (process.stdin, process.stdout, process.stderr):
        pipe.close()


WRONG = [
    (["replay"], "Missing argument"),
    (["replay", BUSY, "--format", "xml"], "xml"),
    (["replay", BUSY, "--nonsense"], "--nonsense"),
    (["replay", BUSY, "--filter", "outcom == 1"], "did you mean outcome"),
    (["replay", BUSY, "--keylog", "x"], "only with --deep"),
    (["replay", BUSY, "--ladder", "x", "--format", "json"], "cannot be combined"),
    (["replay", BUSY, "--ladder-form", "svg"], "only with --ladder"),
    (["replay", BUSY, "--ladder", "x", "--ladder-form", "png"], "is not one of text, svg, mermaid"),
    (["nonsense"], "nonsense"),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG, ids=[w[1] for w in WRONG])
def test_wrong_usage_is_status_2(arguments: list[object], words: str) -> None:
    assert words in run(*arguments, status=2).stderr


def test_a_wrong_configuration_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("[timers]\nno_answer = 3\n")
    assert "line 2: unknown key 'no_answer'" in the_complaint(
        run("replay", BUSY, "--config", tmp_path / "c.toml", status=1)
    )
    assert "cannot be read" in the_complaint(run("replay", BUSY, "--config", tmp_path / "none.toml", status=1))


def test_hostile_sip_text_never_reaches_the_output_raw(tmp_path: Path) -> None:
    content = BUSY.read_bytes().replace(b'"15550100"', b'"\x1b]0;x\x07"').replace(b"sip:15550100@", b"sip:=cm\x1b100@")
    (tmp_path / "evil").write_bytes(content)
    for form in ("table", "json", "jsonl", "csv"):
        out = run("replay", tmp_path / "evil", "--format", form, "--messages").stdout
        assert "\x1b" not in out
        assert "\x07" not in out
    assert "\x1b" not in run("replay", tmp_path / "evil", "--ladder", "busy-here").stdout


def test_one_line_of_configuration_hides_numbers_and_one_hides_names(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("[privacy]\nmask = 4\nnames = true\n")
    hide = ("--config", tmp_path / "c.toml")
    for form in ("table", "json", "jsonl", "csv"):
        plain = run("replay", BUSY, "--format", form, "--messages").stdout
        hidden = run("replay", BUSY, "--format", form, "--messages", *hide).stdout
        assert "15550100" in plain
        assert "1555****" in hidden
        assert "5550100" not in hidden
    assert "1555**** → 1555****" in run("replay", BUSY, "--ladder", "busy-here", *hide).stdout


def test_a_filter_sees_what_the_report_hides(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text('[privacy]\nmask = "all"\n')
    arguments = ("replay", BUSY, "--format", "jsonl", "--config", tmp_path / "c.toml", "--filter")
    assert len(run(*arguments, 'caller == "15550100"').stdout.splitlines()) == 3
    assert run(*arguments, 'caller == "********"').stdout == ""


def test_digest_responses_are_never_written() -> None:
    """``auth.pcap`` was recorded with a real server and has real ones."""
    capture = ROOT / "pcaps" / "recorded" / "auth.pcap"
    responses = re.findall(rb'response="([0-9a-f]{32})"', capture.read_bytes())
    assert responses
    for form in ("json", "jsonl", "csv"):
        out = run("replay", capture, "--format", form, "--messages").stdout
        assert "Authorization: Digest username=" in out
        assert not any(response.decode() in out for response in responses)


def test_a_terminal_gets_colours_and_a_bar_that_goes_away() -> None:
    assert b"\x1b[36m" in on_a_terminal("replay", BUSY, TERM="xterm-256color")
