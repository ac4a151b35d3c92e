"""What helps say: what is typed, in our own words, whatever the library's version."""

from __future__ import annotations

import re

import pytest

from tests.cli.program import run

COMMANDS = ("replay", "live", "calls", "explain", "peers", "check", "callbacks", "evidence", "assets")


@pytest.mark.parametrize("command", COMMANDS)
def test_no_help_names_a_type_of_python(command: str) -> None:
    said = run(command, "--help").stdout
    assert re.match(rf"Usage: .*sipwatch {command} \[OPTIONS\]", said)
    assert not re.search(r"list\[str\]|<str>|<int>|\{FILE|x>=|x<=", said)
    assert max(map(len, said.splitlines())) <= 80


def test_usage_names_arguments_as_they_are_typed() -> None:
    assert run("replay", "--help").stdout.splitlines()[0].endswith("sipwatch replay [OPTIONS] FILE...")
    assert run("check", "--help").stdout.splitlines()[0].endswith("sipwatch check [OPTIONS] CONFIG [FILE...]")
    assert "Arguments:\n  FILE...  Capture files" in run("replay", "--help").stdout


def test_the_list_of_commands_is_not_cut_off() -> None:
    said = run("--help").stdout
    for command in COMMANDS:
        (line,) = re.findall(rf"^  {command} +(.*)$", said, re.MULTILINE)
        assert line.endswith(".")
        assert not line.endswith("...")


@pytest.mark.parametrize(
    "arguments",
    [["--format", "xml"], ["--step", "x"], ["--prefilter", "maybe"], ["--step", "0"]],
    ids=" ".join,
)
def test_no_complaint_speaks_the_librarys_language(arguments: list[str]) -> None:
    said = run("replay", "x.pcap", *arguments, status=2).stderr
    assert not re.search("Value error|Input should|valid integer", said)
    assert f"Invalid value for '{arguments[0]}': '{arguments[1]}' is not " in said
