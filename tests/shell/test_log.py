"""Lines that nobody can forge, as many as there is room for, on outputs that may fail."""

from __future__ import annotations

import errno
import io
import json
import os
import re
from typing import TYPE_CHECKING, Any, TextIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.shell.log import MAX_VALUE_LENGTH, Log, whole_lines
from tests.export.records import EVIL

if TYPE_CHECKING:
    from pathlib import Path

    from sipwatch.shell.log import Form, Value

NOW = 1_767_603_610.1  # 2026-01-05 09:00:10.1 UTC
STAMP = "2026-01-05T09:00:10.100000Z"
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


class Clock:
    """Goes when it is told to."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Told(Log):
    """A log in memory."""

    def __init__(self, form: Form = "text", most_per_minute: int = 60) -> None:
        self.out = io.StringIO()
        self.clock = Clock()
        super().__init__(self.out, form, self.clock, most_per_minute)

    @property
    def lines(self) -> list[str]:
        text = self.out.getvalue()
        assert text.endswith("\n") or not text
        return text.split("\n")[:-1]  # not splitlines(): that would split where only a reader in Python does


def parsed(line: str) -> dict[str, str]:
    """Read the fields of a line as a logfmt reader does: by its quotes, and nothing else."""
    _, _, _, *rest = line.split(" ", 3)
    fields: dict[str, str] = {}
    text = rest[0] if rest else ""
    while text:
        found = re.match(r'([a-z_]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s"=\\]+))(?: |$)', text)
        assert found, f"not a field: {text!r}"
        assert found[1] not in fields
        fields[found[1]] = found[2] if found[3] is None else found[3]
        text = text[found.end() :]
    return fields


# The two forms


def test_a_line_is_time_level_event_and_fields() -> None:
    log = Told()
    log.event("warning", "condition_raised", condition="no_progress", source="phones", after_seconds=10.1, legs=2)
    assert log.lines == [
        f"{STAMP} WARNING condition_raised condition=no_progress source=phones after_seconds=10.1 legs=2"
    ]


def test_the_same_as_json() -> None:
    log = Told("json")
    log.event("warning", "condition_raised", condition="no_progress", after_seconds=10.1, legs=2, late=True)
    assert log.lines == [
        f'{{"time":"{STAMP}","level":"WARNING","event":"condition_raised","condition":"no_progress","after_seconds":10.1,"legs":2,"late":true}}'
    ]


def test_an_event_of_the_packets_has_the_packets_time() -> None:
    log = Told()
    log.event("info", "x", at="2020-02-02T02:02:02.000000Z")
    assert log.lines == ["2020-02-02T02:02:02.000000Z INFO x"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_is_not_known_is_left_out(form: Form) -> None:
    log = Told(form)
    log.event("info", "x", caller=None, callee="")
    assert "caller" not in log.lines[0]
    assert "callee" in log.lines[0]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("sip:100@example.com;user=phone", '"sip:100@example.com;user=phone"'),
        ("sip:100@example.com", "sip:100@example.com"),
        ("two words", '"two words"'),
        ("", '""'),
        ('say "hi"', '"say \\"hi\\""'),
        ("C:\\n", '"C:\\\\n"'),
        ("line\nbreak", '"line\\nbreak"'),
        ("Zoë", '"Zoë"'),
        (b"caf\xc3\xa9 \xff", '"café \\\\xff"'),
        (True, "true"),
        (0.25, "0.25"),
        (-1, "-1"),
    ],
    ids=repr,
)
def test_values_in_logfmt(value: Value, written: str) -> None:
    log = Told()
    log.event("info", "x", value=value)
    assert log.lines == [f"{STAMP} INFO x value={written}"]


# Strangers


@pytest.mark.parametrize(
    "value",
    [
        "x\n2026-01-05T09:00:10.100000Z ERROR forged a=b",
        "x outcome=answered",
        'x" outcome="answered',
        'x\\" outcome="answered',
        "x\\",
        "x\r\x1b[1A\x1b[2K",
        "x\u202eYLNO",
        "x\u2028y",
        "\ud800",
        EVIL,
        '{"event":"forged"}',
    ],
    ids=ascii,
)
def test_a_strangers_text_stays_within_its_field(value: str) -> None:
    log = Told()
    log.event("info", "x", first="1", value=value, last="2")
    (line,) = log.lines
    fields = parsed(line)
    assert list(fields) == ["first", "value", "last"]
    assert (fields["first"], fields["last"]) == ("1", "2")
    assert not UNSAFE.search(line)


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from('\\"= \n\r\t\x1b\x9b\u202e\ud800'))))
def test_no_text_whatever_forges_a_line_or_a_field(value: str) -> None:
    log, as_json = Told(), Told("json")
    for each in (log, as_json):
        each.event("info", "x", value=value, last="2")
    assert list(parsed(log.lines[0])) == ["value", "last"]
    assert len(log.lines) == len(as_json.lines) == 1
    assert list(json.loads(as_json.lines[0])) == ["time", "level", "event", "value", "last"]
    assert not UNSAFE.search(log.lines[0] + as_json.lines[0])


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=MAX_VALUE_LENGTH))
def test_json_means_what_was_given(value: str) -> None:
    log = Told("json")
    log.event("info", "x", value=value)
    assert json.loads(log.lines[0])["value"] == value


@given(st.binary())
def test_no_bytes_whatever_raise(value: bytes) -> None:
    log, as_json = Told(), Told("json")
    for each in (log, as_json):
        each.event("info", "x", value=value)
        assert (len(each.lines), each.failed) == (1, 0)


@pytest.mark.parametrize("value", ["x" * 10_000, b"x" * 10_000], ids=["text", "bytes"])
def test_long_values_are_cut_and_it_shows(value: str | bytes) -> None:
    log = Told("json")
    log.event("info", "x", value=value)
    assert json.loads(log.lines[0])["value"] == "x" * (MAX_VALUE_LENGTH - 1) + "…"


# How much


def test_what_there_is_no_room_for_is_counted_and_said_with_the_next_line() -> None:
    log = Told(most_per_minute=3)
    for number in range(20):
        log.event("info", "x", number=number)
    assert [parsed(line)["number"] for line in log.lines] == ["0", "1", "2"]
    assert log.suppressed == {"x": 17}
    log.clock.now += 20
    log.event("info", "x", number=20)
    log.event("info", "x", number=21)
    assert log.lines[3:] == ["2026-01-05T09:00:30.100000Z INFO x number=20 left_out=17"]
    assert log.suppressed == {"x": 18}


def test_what_was_left_out_is_said_once() -> None:
    log = Told(most_per_minute=1)
    for _ in range(3):
        log.event("info", "x")
    for _ in range(2):
        log.clock.now += 60
        log.event("info", "x")
    assert [parsed(line).get("left_out") for line in log.lines] == [None, "2", None]


def test_whoever_has_to_work_for_a_line_asks_first() -> None:
    log = Told(most_per_minute=1)
    assert log.has_room("x")
    assert log.has_room("x"), "asking takes nothing"
    log.event("info", "x")
    assert not log.has_room("x")
    assert log.suppressed == {"x": 1}
    log.clock.now += 60
    assert log.has_room("x")
    log.event("info", "x")
    assert log.lines[1].endswith("INFO x left_out=1")


def test_each_event_has_its_own_room() -> None:
    log = Told(most_per_minute=1)
    for event in ("x", "x", "y", "y"):
        log.event("info", event)
    assert [line.split(" ")[2] for line in log.lines] == ["x", "y"]
    assert log.suppressed == {"x": 1, "y": 1}


def test_what_was_left_out_is_said_even_if_nothing_of_the_kind_comes_again() -> None:
    log = Told(most_per_minute=1)
    for _ in range(5):
        log.event("info", "x")
    log.catch_up()
    assert len(log.lines) == 1
    log.clock.now += 60
    log.catch_up()
    log.catch_up()
    assert log.lines[1:] == ["2026-01-05T09:01:10.100000Z WARNING log_left_out of=x left_out=4"]
    assert log.suppressed == {"x": 4}


def test_a_clock_that_steps_back_neither_silences_nor_floods() -> None:
    log = Told(most_per_minute=60)
    log.event("info", "x")
    log.clock.now -= 86_400
    for _ in range(100):
        log.event("info", "x")
    assert len(log.lines) == 60
    log.clock.now += 1
    log.event("info", "x")
    assert len(log.lines) == 61


# Outputs that fail


def turned_to_nothing(out: TextIO) -> None:
    """Let what still stands in the buffers go somewhere: closing the file would fail otherwise."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, out.fileno())
    os.close(nothing)


class Full(io.StringIO):
    """A disk that is full until somebody makes room."""

    full = True

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)


def test_a_full_disk_loses_lines_and_nothing_else() -> None:
    out = Full()
    log = Log(out, "text", Clock())
    for _ in range(3):
        log.event("info", "x")
    assert (log.failed, log.suppressed) == (3, {})
    out.full = False
    log.event("info", "x")
    assert (log.failed, out.getvalue()) == (3, f"{STAMP} INFO x\n")


def test_what_was_left_out_is_not_forgotten_while_the_disk_is_full() -> None:
    out, clock = Full(), Clock()
    log = Log(out, "text", clock, most_per_minute=1)
    for _ in range(5):
        log.event("info", "x")
    clock.now += 60
    log.event("info", "x")
    out.full = False
    clock.now += 60
    log.event("info", "x")
    assert out.getvalue().endswith("INFO x left_out=4\n")


class Disk(io.RawIOBase):
    """A disk with room for so many bytes."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        taken = bytes(data)[: self.room]
        if not taken:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.data += taken
        self.room -= len(taken)
        return len(taken)


def test_a_line_that_found_half_a_place_is_completed_and_those_behind_it_are_not_kept() -> None:
    """As standard error is made: what the disk did not take stands in a buffer of 8 KiB."""
    disk = Disk(room=50)
    out = io.TextIOWrapper(io.BufferedWriter(disk), line_buffering=True)
    log = Log(out, "text", Clock())
    for number in range(10):
        log.event("info", "x", number=number)
    assert log.failed == 9
    disk.room = 1000
    log.event("info", "x", number=10)
    assert disk.data.decode().splitlines() == [f"{STAMP} INFO x number={number}" for number in (0, 1, 10)]
    assert log.failed == 9


def test_an_output_without_a_buffer_gets_one(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb", buffering=0) as raw, io.TextIOWrapper(raw, write_through=True) as out:
        buffered = whole_lines(out)
        assert isinstance(buffered.buffer, io.BufferedWriter)
        Log(buffered, "text", Clock()).event("info", "x")
        assert (tmp_path / "log").read_text() == f"{STAMP} INFO x\n"
        assert whole_lines(buffered) is buffered
    memory = io.StringIO()
    assert whole_lines(memory) is memory


def test_a_full_device_is_survived() -> None:
    with os.fdopen(os.open("/dev/full", os.O_WRONLY), "w", encoding="utf-8") as out:
        log = Log(out, "text", Clock())
        log.event("info", "x")
        assert log.failed == 1
        turned_to_nothing(out)


def test_a_reader_who_went_away_is_survived() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as out:
        log = Log(out, "text", Clock())
        log.event("info", "x")
        log.event("info", "x")
        assert log.failed == 2
        turned_to_nothing(out)


def test_a_reader_who_reads_no_more_is_not_waited_for() -> None:
    """The pipe fills up; this test ends nevertheless, and what was written before is whole."""
    reader, writer = os.pipe()
    with os.fdopen(reader, encoding="utf-8") as lines, os.fdopen(writer, "w", encoding="utf-8") as out:
        log = Log(out, "text", Clock(), most_per_minute=100_000)
        for number in range(2_000):
            log.event("info", "x", number=number, padding=MAX_VALUE_LENGTH * "p")
        assert log.failed > 0
        out.close()
        read = lines.read().splitlines()
    assert [parsed(line)["number"] for line in read] == [str(number) for number in range(2_000 - log.failed)]


def test_a_closed_file_is_survived(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w", encoding="utf-8") as out:
        log = Log(out, "text", Clock())
    log.event("info", "x")
    assert log.failed == 1


def test_an_output_that_knows_only_ascii_gets_ascii(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w", encoding="ascii") as out:
        Log(out, "text", Clock()).event("info", "x", caller="Zoë")
    assert (tmp_path / "log").read_text(encoding="ascii") == f'{STAMP} INFO x caller="Zo\\xeb"\n'


def test_a_line_is_out_at_once(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w", encoding="utf-8") as out:
        Log(out, "text", Clock()).event("info", "x")
        assert (tmp_path / "log").read_text() == f"{STAMP} INFO x\n"
