"""The command line's frame: its commands, and the last net under them.

Results go to standard output, everything else to standard error. Exit status: 0 done (also when a file
broke off, or after Ctrl-C, with what there is), 1 could not be done, 2 wrong usage. Libraries that take
long to load are imported where they are needed.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from sipwatch import installed_version
from sipwatch.cli.callbacks import callbacks
from sipwatch.cli.check import check
from sipwatch.cli.evidence import evidence
from sipwatch.cli.explain import explain
from sipwatch.cli.live import live
from sipwatch.cli.peers import peers
from sipwatch.cli.replay import replay
from sipwatch.cli.words import complain, fail, quiet_exit

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(replay)
app.command()(live)
app.command()(explain)
app.command()(peers)
app.command()(check)
app.command()(callbacks)
app.command()(evidence)


def main() -> None:
    """Run the command line; no user ever sees a traceback."""
    try:
        app()
    except BrokenPipeError:
        quiet_exit()
    except KeyboardInterrupt:
        complain("interrupted")
        sys.exit(130)
    except Exception as error:  # the last net: what gets here is a mistake of ours
        if os.environ.get("SIPWATCH_DEBUG"):
            raise
        fail(f"internal error, please report it: {type(error).__name__}: {error} (SIPWATCH_DEBUG=1 shows where)")


@app.callback(invoke_without_command=True)
def _common(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Sipwatch says what became of every call: answered, busy, stuck in 100 Trying, nobody there, ..."""
    if version:
        typer.echo(f"sipwatch {installed_version()}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit
