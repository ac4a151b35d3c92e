"""What several commands ask for in the same words: what is wrong with a value is said in ours, not in a library's."""

from __future__ import annotations

from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from sipwatch.cli.options import Format, format_option, number

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def _command(
    form: Annotated[Format, format_option(Format.TABLE, Format.CSV)] = Format.TABLE,
    step: Annotated[int, number("SECONDS", 1, 200, words="Seconds.")] = 15,
) -> None:
    print(form.value, step)  # noqa: T201 - what the command was given


@pytest.mark.parametrize(
    ("arguments", "got"),
    [
        ([], "table 15"),
        (["--format", "csv"], "csv 15"),
        (["--format", "CSV"], "csv 15"),
        (["--step", "200"], "table 200"),
    ],
)
def test_a_value_that_is_meant_is_understood(arguments: list[str], got: str) -> None:
    done = CliRunner().invoke(app, arguments)
    assert (done.exit_code, done.stdout.strip()) == (0, got)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--format", "json"], "Error: Invalid value for '--format': 'json' is not one of table, csv"),
        (["--step", "0"], "Error: Invalid value for '--step': '0' is not a whole number from 1 to 200"),
        (["--step", "201"], "Error: Invalid value for '--step': '201' is not a whole number from 1 to 200"),
        (["--step", "-1"], "Error: Invalid value for '--step': '-1' is not a whole number from 1 to 200"),
        (["--step", "1.5"], "Error: Invalid value for '--step': '1.5' is not a whole number from 1 to 200"),
        (
            ["--step", "9" * 5000],
            f"Error: Invalid value for '--step': '{'9' * 40}' is not a whole number from 1 to 200",
        ),
    ],
    ids=["another-command's", "too-small", "too-large", "negative", "fraction", "endless"],
)
def test_what_is_wrong_with_a_value_is_said_in_our_words(arguments: list[str], words: str) -> None:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == words


def test_the_help_names_what_can_be_given() -> None:
    said = CliRunner().invoke(app, ["--help"]).stdout
    assert "--format table|csv" in said
    assert "--step SECONDS" in said
