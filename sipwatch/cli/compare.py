"""``sipwatch compare``: before and after, two captures beside each other.

Must not know: how a difference is told from chance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from sipwatch.budget import shared_out
from sipwatch.cli.feed import captures, feed, warn
from sipwatch.cli.options import Filter, Force, Format, Output, filter_of, format_option, value
from sipwatch.cli.output import STDIN, opened, text_of
from sipwatch.cli.words import configuration

if TYPE_CHECKING:
    from collections.abc import Callable

    from sipwatch.config import Config
    from sipwatch.engine import Engine
    from sipwatch.export.compare import Side, SideRecord
    from sipwatch.export.record import CallRecord
    from sipwatch.track.events import Registration, Takes


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="The capture file from before.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The capture file from after; - is standard input.")],
    config: Annotated[
        str | None, value("FILE", "Configuration: both are judged by it, and compared peer by peer (sipwatch.toml).")
    ] = None,
    expression: Filter = None,
    form: Annotated[Format, format_option(Format.TABLE, Format.JSON)] = Format.TABLE,
    output: Output = None,
    force: Force = False,
) -> None:
    """Say what moved between two captures: outcomes, endings, causes, codes and delays, each beside its population."""
    if a == b == STDIN:
        raise typer.BadParameter("standard input can be only one of the two", param_hint="B")
    read, keep = configuration(config), filter_of(expression)
    with opened(output, [a, b, config], force=force) as out:
        before, after = (_of(file, read, keep) for file in (a, b))
        from sipwatch.export.compare import Comparison

        found = Comparison(before.side, after.side).record(before.record, after.record)
        if form is Format.JSON:
            from sipwatch.export.writers import write_json

            write_json(out, found)
        else:
            from sipwatch.report.compared import print_comparison

            with text_of(out) as text:
                print_comparison(text, found)


class _Read(NamedTuple):
    """One side, and what it was."""

    side: Side
    record: SideRecord


class _Registrations:
    """Tells a side what became of attempts to register."""

    def __init__(self, side: Side, engine: Engine) -> None:
        self._side = side
        self._engine = engine

    def takes(self) -> Takes:
        """Say which events are told."""
        from sipwatch.track.events import Registration

        return {Registration: self.registration}

    def registration(self, event: Registration) -> None:
        """Take what became of an attempt to register."""
        self._side.registration(*self._engine.directory.ends(event.path), event.outcome.value)


def _of(file: str, read: Config, keep: Callable[[CallRecord], bool] | None) -> _Read:
    """Read one capture to its end: part of it would differ from the other by what is missing."""
    from sipwatch.engine import Engine
    from sipwatch.export.compare import Side, SideRecord

    side = Side()

    def sink(call: CallRecord, completed: bool) -> None:
        if keep is None or keep(call):
            side.add(call, completed)
        else:
            side.left_out += 1

    engine = Engine(sink, read.settings, budget=shared_out(read.memory))
    if keep is None:  # a filter asks for calls
        engine.add(_Registrations(side, engine))
    with captures([file]) as source:
        feed(engine, source, partial=False, across_nat=read.hep.across_nat)
        head = engine.account.capture(source)
        warn(source)
    return _Read(side, SideRecord(head.files, head.first, head.last, side.calls, side.left_out))
