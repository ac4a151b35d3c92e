"""The command line's frame: its commands, and the last net under them.

Results go to standard output, everything else to standard error. Exit status: 0 done (also when a file
broke off, or after Ctrl-C, with what there is), 1 could not be done, 2 wrong usage. Libraries that take
long to load are imported where they are needed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
from typing import Annotated, NoReturn

import typer

from sipwatch import installed_version, is_compiled
from sipwatch.cli.agents import agents
from sipwatch.cli.assets import assets
from sipwatch.cli.callbacks import callbacks
from sipwatch.cli.calls import calls
from sipwatch.cli.check import check
from sipwatch.cli.command import Command
from sipwatch.cli.compare import compare
from sipwatch.cli.evidence import evidence
from sipwatch.cli.expect import expect
from sipwatch.cli.explain import explain
from sipwatch.cli.incidents import incidents
from sipwatch.cli.live import live
from sipwatch.cli.peers import peers
from sipwatch.cli.registrations import registrations
from sipwatch.cli.replay import replay
from sipwatch.cli.report import report
from sipwatch.cli.rules import rules
from sipwatch.cli.serve import serve
from sipwatch.cli.words import INTERRUPTED, abandon_output, complain, fail, quiet_exit, why

# Errors of the world around us, not of ours: of the whole program, and of what help and version are written to.
_OF_ALL = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
_OF_OUTPUT = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EBADF, errno.EIO})

app = typer.Typer(
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _command, _words in (
    (replay, "What became of every call in capture files."),
    (live, "Watch SIP on interfaces; metrics for Prometheus."),
    (calls, "What became of the calls that a daemon stored."),
    (incidents, "What left its own past, as a daemon stored it."),
    (registrations, "Who registered, or tried to, as a daemon stored it."),
    (report, "Stored calls as one HTML file, to print and to mail."),
    (serve, "Pages over stored calls, for a browser."),
    (explain, "What a code, word, metric or alert means."),
    (peers, "Who is in a capture; a configuration to start from."),
    (check, "Whether a configuration is correct, and what it does."),
    (agents, "How each agent took the calls offered."),
    (callbacks, "Missed callers who have not been reached since."),
    (evidence, "A zip for a supplier: examples with their packets."),
    (compare, "What moved between two captures."),
    (expect, "Whether a capture is as expected: a test."),
    (rules, "Prometheus alerts on the objectives of peers."),
    (assets, "Write out dashboards, alerts, the systemd unit and more."),
):
    app.command(cls=Command, short_help=_words)(_command)


def main() -> None:
    """Run the command line; no user ever sees a traceback."""
    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # what ``timeout`` sends ends it as Ctrl-C does
    _have_standard_streams()
    try:
        app()
    except BrokenPipeError:
        quiet_exit()
    except OSError as error:
        if error.errno not in _OF_ALL | _OF_OUTPUT:
            _mistake(error)
        abandon_output()
        whose = "cannot go on" if error.errno in _OF_ALL else "standard output cannot be written"
        fail(f"{whose}: {why(error)}")
    except KeyboardInterrupt:
        complain("interrupted")
        sys.exit(INTERRUPTED)
    except Exception as error:
        _mistake(error)


def _mistake(error: Exception) -> NoReturn:
    """Say what went wrong, under the last net: what gets here is a mistake of ours."""
    if os.environ.get("SIPWATCH_DEBUG"):
        raise error
    fail(f"internal error, please report it: {type(error).__name__}: {error} (SIPWATCH_DEBUG=1 shows where)")


def _have_standard_streams() -> None:
    """Let no file that is opened take the number of a standard stream that was closed (``>&-``).

    What is written to a closed standard output fails; what is said on a closed standard error is lost.
    """
    for number, way in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, way)  # gets the lowest free number, which is this one
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - for as long as the program runs
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - for as long as the program runs


@app.callback(invoke_without_command=True)
def _common(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Sipwatch says what became of every call: answered, busy, stuck in 100 Trying, nobody there, ..."""
    if version:
        form = "compiled" if is_compiled() else "interpreted"
        typer.echo(f"sipwatch {installed_version()} ({form})")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit
