"""The command line's frame: help, version, usage, and the net under all commands."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys

import pytest

from tests.cli.program import BUSY, COMMAND, DEMO, ENVIRONMENT, ROOT, process, run

frame = importlib.import_module("sipwatch.cli.main")  # the package gives its function this name
CONFIGURED = ROOT / "pcaps" / "demo.toml"


def test_help_and_version() -> None:
    assert "replay" in run("--help").stdout
    assert "--ladder" in run("replay", "--help").stdout
    assert re.fullmatch(r"sipwatch 0\.\S+ \((compiled|interpreted)\)\n", run("--version").stdout)
    assert "metrics" in run("live", "--help").stdout


AS_A_PROCESS: list[list[object]] = [
    ["replay", BUSY, "--format", "json", "--messages"],
    ["peers", BUSY],
    ["check", "pcaps/demo.toml", "--against", BUSY],
    ["callbacks", BUSY, "--config", "pcaps/demo.toml", "--format", "csv"],
    ["explain", "486"],
]


@pytest.mark.parametrize("arguments", AS_A_PROCESS, ids=lambda arguments: arguments[0])
def test_a_process_of_its_own_says_what_is_said_here(arguments: list[object]) -> None:
    """The other tests run commands in this process, where others may have imported what a command forgot to."""
    alone, here = process(*arguments), run(*arguments)
    assert alone.stdout == here.stdout != ""
    assert alone.stderr == here.stderr


def completed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    """Return what bash is told when the last of the words is to be completed."""
    monkeypatch.setenv("_SIPWATCH_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", " ".join(("sipwatch", *words)))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    with pytest.raises(SystemExit) as ended:
        frame.app(prog_name="sipwatch")
    assert ended.value.code == 0
    return capsys.readouterr().out.split()


def test_shells_complete_commands_options_and_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert completed(monkeypatch, capsys, "re") == ["replay", "registrations", "report"]
    assert completed(monkeypatch, capsys, "replay", "--lad") == ["--ladder", "--ladder-form"]
    assert completed(monkeypatch, capsys, "replay", "--format", "js") == ["json", "jsonl"]
    assert completed(monkeypatch, capsys, "explain", "no_pro") == ["no_progress"]
    assert completed(monkeypatch, capsys, "evidence", "--outcome", "aband") == ["abandoned_brief", "abandoned"]
    assert "486" in completed(monkeypatch, capsys, "explain", "48")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(
    shell: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_SIPWATCH_COMPLETE", f"source_{shell}")
    with pytest.raises(SystemExit):
        frame.app(prog_name="sipwatch")
    assert f"complete_{shell}" in capsys.readouterr().out


def test_without_a_command_there_is_help() -> None:
    assert run().stdout == run("--help").stdout


def test_an_unknown_command_is_wrong_usage() -> None:
    done = run("reply", BUSY, status=2)
    assert "No such command" in done.stderr
    assert done.stdout == ""


def test_a_mistake_of_ours_is_one_line_and_says_how_to_see_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("\x1b[2J by zero")

    monkeypatch.setattr(frame, "app", broken)
    with pytest.raises(SystemExit) as ended:
        frame.main()
    assert ended.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("sipwatch: internal error, please report it: ZeroDivisionError: ")
    assert "SIPWATCH_DEBUG=1" in line
    assert "\x1b" not in line
    monkeypatch.setenv("SIPWATCH_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        frame.main()


@pytest.mark.parametrize(("raised", "status"), [(KeyboardInterrupt(), 130), (SystemExit(3), 3)])
def test_other_ends_have_their_own_status(raised: BaseException, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def ending() -> None:
        raise raised

    monkeypatch.setattr(frame, "app", ending)
    with pytest.raises(SystemExit) as ended:
        frame.main()
    assert ended.value.code == status


def shell(script: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell whose ``$@`` is sipwatch."""
    command = ["bash", "-c", script, "bash", *COMMAND]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=ENVIRONMENT, timeout=60, check=False)


CLOSED, FULL = ("&-", "Bad file descriptor"), ("/dev/full", "No space left on device")


@pytest.mark.parametrize(
    ("arguments", "output", "why"),
    [(f"replay {BUSY}", *CLOSED), (f"replay {BUSY} --format csv", *FULL), ("--help", *FULL)],
)
def test_a_standard_output_that_takes_nothing_is_one_line(arguments: str, output: str, why: str) -> None:
    done = shell(f'"$@" {arguments} >{output}')
    assert done.returncode == 1
    assert done.stderr == f"sipwatch: standard output cannot be written: {why}\n"


def test_what_is_said_on_a_closed_standard_error_is_lost_and_goes_nowhere_else() -> None:
    """Neither into the results, nor into the file that would have got its number."""
    assert shell(f'"$@" replay {BUSY} 2>&-').stdout == run("replay", BUSY).stdout
    done = shell('"$@" replay nosuch.pcap 2>&-')
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.parametrize("columns", [60, 110])
@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("explain",),
        ("explain", "486"),
        ("check", CONFIGURED),
        ("check", CONFIGURED, "--against", DEMO),
        ("replay", DEMO, "--config", CONFIGURED),
        ("callbacks", DEMO, "--config", CONFIGURED),
        ("peers", DEMO),
    ],
    ids=lambda arguments: "-".join(map(str, arguments[:1])),
)
def test_no_line_of_what_goes_into_a_pipe_ends_with_blanks(arguments: tuple[object, ...], columns: int) -> None:
    shown = run(*arguments, environment={"COLUMNS": str(columns)}).stdout.splitlines()
    assert len(shown) > 5
    assert [line for line in shown if line != line.rstrip()] == []


def test_few_descriptors_are_one_line() -> None:
    """A merge needs every file at once."""
    done = shell('ulimit -n 16; "$@" replay pcaps/outcomes/*.pcap')
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert "raise the limit (ulimit -n)" in line


def test_to_begin_takes_no_more_than_the_command_line_needs() -> None:
    """What else a command needs it loads itself: each start would pay for it, in memory as well."""
    script = "import sys; sys.argv[1:] = ['--version']; from sipwatch.cli import main\n"
    script += "try: main()\nfinally: print(*sys.modules)"
    began = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=ENVIRONMENT)
    foreign = {name.partition(".")[0] for name in began.stdout.split()[3:]} - set(sys.stdlib_module_names)
    assert {name for name in foreign if name[0] != "_"} <= {
        "sipwatch",
        "typer",
        "annotated_doc",
        "shellingham",
        "click",
    }
