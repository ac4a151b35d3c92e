"""``sipwatch expect``: a capture as a test.

Must not know: how an expectation is read or judged.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from sipwatch.budget import shared_out
from sipwatch.cli.feed import captures, feed, warn
from sipwatch.cli.options import Files, Force, Format, Output, format_option, value
from sipwatch.cli.output import opened, write_whole
from sipwatch.cli.words import complain, configuration

if TYPE_CHECKING:
    from typing import IO

    from sipwatch.config import Config
    from sipwatch.expectations.judge import ResultRecord
    from sipwatch.expectations.rules import Expectation
    from sipwatch.export.record import CaptureRecord

_WRONG_RULES = 2  # exit status, as for any wrong usage


def expect(
    rules: Annotated[str, typer.Argument(metavar="RULES", help="What is expected: [[expect]] tables (TOML).")],
    files: Files,
    config: Annotated[
        str | None, value("FILE", "Configuration: timers, and the peers that expectations are about (sipwatch.toml).")
    ] = None,
    junit: Annotated[
        str | None, value("OUT", "Write the results to this file as well, as JUnit XML for Jenkins, GitLab and others.")
    ] = None,
    form: Annotated[Format, format_option(Format.TABLE, Format.JSON)] = Format.TABLE,
    output: Output = None,
    force: Force = False,
) -> None:
    """Say whether captures are as expected. Exit status: 0 all met, 1 some not or could not be done, 2 wrong rules."""
    read = configuration(config)
    expected = _expectations(rules, read)
    if junit is not None and output is not None and os.path.realpath(junit) == os.path.realpath(output):
        raise typer.BadParameter("the results and the XML need a file each", param_hint="--junit")
    reading = [rules, *files, config]
    with opened(output, reading, force=force) as out:
        # Closed before the results are written: who reads them and goes away takes nothing from it.
        with contextlib.nullcontext() if junit is None else opened(junit, reading, force=force) as xml:
            head, results = _judged(expected, read, files)
            if xml is not None:
                from sipwatch.expectations.junit import junit_xml

                xml.write(junit_xml(os.path.basename(rules), head.files, results))
        _write(out, form, head, results)
    if not all(one.met for one in results):
        sys.exit(1)


def _write(out: IO[bytes], form: Format, head: CaptureRecord, results: list[ResultRecord]) -> None:
    from sipwatch.expectations.shown import print_results

    met = sum(one.met for one in results)
    capture = {"files": head.files, "first": head.first, "last": head.last}
    report = {"capture": capture, "met": met, "of": len(results), "expectations": results}
    write_whole(out, form, report, lambda text: print_results(text, results))


def _expectations(rules: str, read: Config) -> list[Expectation]:
    from sipwatch.config import ConfigError
    from sipwatch.config.reading import text_in
    from sipwatch.expectations.rules import parse

    try:
        return parse(text_in(rules, "the file of rules"), rules, [peer.name for peer in read.settings.peers])
    except ConfigError as error:
        complain(str(error))
        sys.exit(_WRONG_RULES)


def _judged(expected: list[Expectation], read: Config, files: list[str]) -> tuple[CaptureRecord, list[ResultRecord]]:
    """Judge captures to their end: what was read so far could meet what the whole does not."""
    from sipwatch.engine import Engine
    from sipwatch.expectations.judge import Judge

    judge = Judge(expected)
    engine = Engine(judge.add, read.settings, budget=shared_out(read.memory))
    with captures(files) as source:
        feed(engine, source, partial=False, across_nat=read.hep.across_nat)
        head = engine.account.capture(source)
        warn(source)
    return head, judge.results()
