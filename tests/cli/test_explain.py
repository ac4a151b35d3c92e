"""``sipwatch explain`` as users meet it: pages, the list, JSON, near misses, terminals of all kinds."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from sipwatch.export.explaining import everything
from sipwatch.knowledge import Entry, Topic, load
from tests.cli import program
from tests.cli.program import ROOT, into_a_closed_pipe, on_a_terminal
from tests.each import for_each

if TYPE_CHECKING:
    from subprocess import CompletedProcess

ENGLISH = load()
ENTRIES = ENGLISH.all()
HEADINGS = ("What it means", "For agents", "For administrators", "Situations", "Misuse", "Reference")


def run(*arguments: str, status: int = 0, columns: int | str = 100, encoding: str = "utf-8") -> CompletedProcess[str]:
    """Run the command in this process."""
    environment = {"COLUMNS": str(columns)}
    return program.run("explain", *arguments, status=status, environment=environment, encoding=encoding)


def text(*arguments: str, columns: int | str = 100) -> str:
    done = run(*arguments, columns=columns)
    assert done.stderr == ""
    return done.stdout


def found(*arguments: str) -> list[dict[str, Any]]:
    """Return the entries of the JSON object."""
    answer = json.loads(text(*arguments, "--format", "json"))
    assert set(answer) == {"query", "peer_kind", "entries"}
    entries: list[dict[str, Any]] = answer["entries"]
    return entries


def words(shown: str) -> str:
    return " ".join(shown.split())


def question(entry: Entry) -> str:
    return f"{entry.kind.value} {entry.key}"


@for_each("entry", ENTRIES, ids=lambda entry: f"{entry.kind.value}-{entry.key}")
def test_every_entry_is_a_page(entry: Entry) -> None:
    shown = text(question(entry))
    assert shown.startswith(entry.key)
    assert max(map(len, shown.splitlines())) <= 100
    assert all(line == line.rstrip() for line in shown.splitlines())
    assert [line for line in shown.splitlines() if line in HEADINGS] == list(HEADINGS)
    said = words(shown)
    for paragraph in (entry.plain, entry.meaning, entry.agent, entry.admin, entry.misuse, entry.reference):
        assert words(paragraph) in said
    for situation in entry.situations:
        assert f"- {situation}" in said


@for_each("entry", ENTRIES, ids=lambda entry: f"{entry.kind.value}-{entry.key}")
def test_every_entry_is_an_object(entry: Entry) -> None:
    (record,) = found(question(entry))
    assert (record["kind"], record["key"], record["meaning"]) == (entry.kind.value, entry.key, entry.meaning)
    assert record["situations"] == list(entry.situations)


def test_a_code_tells_its_outcome() -> None:
    shown = text("486")
    assert shown.splitlines()[:2] == ["486 Busy Here: Busy", "SIP status code"]
    assert "Outcome\n  - busy (Agent busy, user)\n  A rule of the peer" in shown


def test_603_from_a_trunk_means_that_all_lines_are_busy() -> None:
    line = "SIP/2.0 603 Decline"
    assert "congested (All lines busy, capacity), to or from a peer of kind trunk" in words(text(line))
    assert "- congested (All lines busy, capacity)\n" in text(line, "--kind", "trunk")
    assert "declined (" not in text(line, "--kind", "trunk")
    assert "congested (" not in text(line, "--kind", "devices")
    assert [lead["outcome"] for lead in found(line, "--kind", "trunk")[0]["leads_to"]] == ["congested", "blocked"]
    assert "blocked (Rejection list, policy), if it says 'Network Blocked'" in words(text(line))


def test_480_depends_on_whether_it_rang() -> None:
    shown = words(text("480"))
    assert "unavailable (Unavailable, user), without ringing" in shown
    assert "no_answer (No answer, user), after it rang (180 or 183)" in shown


def test_a_cause_that_decides_nothing_says_so() -> None:
    assert "none: this cause decides nothing" in text("Q.850;cause=16")
    assert "Q.850 cause, normal event" in text("Q.850;cause=16")


def test_a_provisional_response_says_as_what_it_counts() -> None:
    assert "the callee's side counts as 'alerted'" in words(text("183"))


def test_an_outcome_tells_which_codes_lead_to_it() -> None:
    assert "SIP 486, 600; Q.850 17" in text("busy")
    assert "SIP 603 to or from a peer of kind trunk" in words(text("congested"))
    assert "SIP 603; Q.850 34, 42, 44, 47" in text("congested", "--kind", "trunk")


def test_a_word_with_two_meanings_has_two_pages() -> None:
    shown = text("no_answer")
    assert "no_answer: No answer\noutcome, category user\n" in shown
    assert "\nno_answer: Rings for a long time\ncondition\n" in shown
    assert [record["kind"] for record in found("no_answer")] == ["outcome", "condition"]


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        (["Agent", "busy"], "busy"),
        (["cause", "19"], "19"),
        (["Q.850;cause=19"], "19"),
        (["q.850;CAUSE=19;text=x"], "19"),
        (["Reason: Q.850;cause=34"], "34"),
        (["SIP;cause=200"], "answered_elsewhere"),
        (["STUCK IN TRYING"], "no_progress"),
        (["4xx"], "4xx"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_it_is_asked_in_many_ways(arguments: list[str], key: str) -> None:
    assert [record["key"] for record in found(*arguments)] == [key]


def test_an_unregistered_code_is_treated_as_its_class_says() -> None:
    shown = words(text("499"))
    assert "499 (not registered)" in shown
    assert (
        "499 is not registered. A device that does not know it treats it as 400 Bad Request (RFC 3261 §8.1.3.2)."
        in shown
    )
    assert "rejected (Not acceptable, technical)" in shown
    assert found("499")[0]["registered"] is False
    assert found("486")[0]["registered"] is True


# The list


def test_without_an_argument_there_is_a_list_of_everything() -> None:
    lines = text().splitlines()
    for entry in ENTRIES:
        assert any(line.startswith(entry.key) for line in lines), entry.key
    for title in ("Outcomes: ", "Conditions: ", "Findings: ", "SIP status codes", "Q.850 causes"):
        assert any(line.startswith(title) for line in lines), title


def test_of_an_alert_it_is_said_what_to_do_and_commands_can_be_copied() -> None:
    lines = text("SipTrunkBusy", columns=60).splitlines()
    assert "  - Who acts: the administrator now (slow the dialler," in lines
    assert "    sum by (source, destination) (sipwatch_calls_established)" in lines
    assert "    sipwatch check sipwatch.toml --against trouble.pcap" in lines
    assert any(line.endswith("""destination == "acme"'""") and len(line) > 100 for line in lines)


def test_the_list_as_json_is_a_list_in_the_same_order() -> None:
    records = json.loads(text("--format", "json"))
    assert [(one["kind"], one["key"]) for one in records] == [(one.kind, one.key) for one in everything(ENGLISH)]
    assert len({tuple(record) for record in records}) == 1


def test_the_list_depends_on_the_peers_kind() -> None:
    def of_603(*arguments: str) -> str:
        (line,) = [line for line in text(*arguments).splitlines() if line.startswith("603 ")]
        return words(line)

    assert of_603() == "603 Decline Declined declined, congested, blocked"
    assert of_603("--kind", "trunk") == "603 Decline Declined congested, blocked"


@pytest.mark.parametrize("columns", [20, 40, 75, 300])
@pytest.mark.parametrize("arguments", [[], ["no_answer"], ["487"], ["not_found"]], ids=lambda a: " ".join(a) or "list")
def test_it_fits_the_terminal(arguments: list[str], columns: int) -> None:
    lines = text(*arguments, columns=columns).splitlines()
    assert max(map(len, lines)) <= min(columns, 100)
    assert "…" not in "".join(lines)
    if not arguments and columns >= 40:  # keys are what one types next: none is cut
        assert {entry.key for entry in ENTRIES} <= {line.partition(" ")[0] for line in lines}


@pytest.mark.parametrize("columns", ["0", "-5", "1", "wide", "9" * 5000, "²"])
def test_any_width_is_survived(columns: str) -> None:
    assert "Busy Here" in words(text("486", columns=columns))


# What goes wrong


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        ("busi", "did you mean busy?"),
        ("agent bussy", "did you mean Agent busy or late_busy?"),
        ("ring", "did you mean Trying, Ringing or Rings for a long time?"),
        ("700", "status codes are 100 to 699, Q.850 causes 1 to 127"),
        ("X.int;cause=3", "of Reason headers Q.850;cause=1 to 127 is read, and SIP;cause= with a status code"),
        ("qqqqqqqq", "sipwatch explain, without more, lists everything"),
    ],
)
def test_what_is_not_known_is_one_line_that_helps(wanted: str, hint: str) -> None:
    done = run(wanted, status=1)
    assert done.stdout == ""
    assert done.stderr == f"sipwatch: nothing is known about '{wanted}'; {hint}\n"


def test_the_users_words_do_nothing_to_the_terminal() -> None:
    for wanted in ("\x1b[2J", "a\nb\rc", "\u202eabc", "x" * 5000, "\x00", "\x7f"):
        (line,) = run(wanted, status=1).stderr.splitlines()
        assert line.startswith("sipwatch: nothing is known about '")
        assert line.isprintable()
        assert len(line) < 250


def test_words_that_are_no_text_are_survived() -> None:
    """Arguments are bytes; what is not UTF-8 arrives as surrogates."""
    done = run("bus\udcff", status=1)
    assert done.stderr.count("\n") == 1


def test_json_repeats_the_question_harmlessly() -> None:
    answer = json.loads(text("603 De\x1b[2Jcline", "--format", "json"))
    assert answer["query"] == "603 De\\x1b[2Jcline"
    assert [record["key"] for record in answer["entries"]] == ["603"]


@pytest.mark.parametrize("wrong", [["--kind", "phone", "486"], ["--format", "csv"], [""], ["  "], ["--no"]], ids=str)
def test_wrong_usage_is_2(wrong: list[str]) -> None:
    assert run(*wrong, status=2).stdout == ""


@pytest.mark.parametrize("wanted", ["ack_missing", "late_480", "4xx"])
def test_a_kind_that_makes_no_difference_is_wrong_usage(wanted: str) -> None:
    assert "--kind" in run(wanted, "--kind", "trunk", status=2).stderr


# Terminals and pipes


def test_a_reader_that_has_seen_enough_is_no_failure() -> None:
    done = into_a_closed_pipe("explain")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("encoding", "sign"), [("latin-1", "§"), ("ascii", "?"), ("utf-8", "§")])
def test_any_encoding_is_written(encoding: str, sign: str) -> None:
    assert f"RFC 3261 {sign}21.4.24" in run("486", encoding=encoding).stdout
    assert run(encoding=encoding).stderr == ""


def test_colours_are_for_terminals_that_want_them() -> None:
    assert b"\x1b[" in on_a_terminal("explain", "487", TERM="xterm")
    assert b"\x1b[" not in on_a_terminal("explain", "loop", TERM="dumb")
    assert b"\x1b[3" not in on_a_terminal("explain", "loop", TERM="xterm", NO_COLOR="1")
    assert "\x1b" not in program.run("explain", "loop", environment={"TERM": "xterm"}).stdout


def test_help_does_not_read_what_is_known() -> None:
    """``sipwatch --help`` imports every command; what is known is read when somebody asks."""
    script = "import sys, sipwatch.cli.explain; print(sorted(m for m in sys.modules if m.startswith('sipwatch.')))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=60, check=True
    )
    assert "sipwatch.cli.explain" in done.stdout
    for late in ("knowledge", "classify", "wire", "report"):
        assert f"'sipwatch.{late}" not in done.stdout


def test_every_kind_of_entry_is_in_the_list() -> None:
    assert {entry.kind for entry in ENTRIES} == set(Topic)
