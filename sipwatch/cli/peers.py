"""``sipwatch peers``: who is in a capture, and a configuration to start from.

Must not know: how addresses are watched, or how their roles are guessed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from sipwatch.cli.output import opened, text_of
from sipwatch.cli.words import configuration

if TYPE_CHECKING:
    from typing import IO

    from sipwatch.capture.files import CaptureSource
    from sipwatch.engine import Engine
    from sipwatch.export.privacy import Policy
    from sipwatch.report.ends import EndRecord


class Format(StrEnum):
    """How the result is written."""

    TABLE = "table"
    JSON = "json"
    TOML = "toml"


def peers(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Capture files: pcap, pcapng, gzip of either; - is standard input. Several are merged in time order.",
        ),
    ],
    config: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Configuration: whoever it names keeps that name, and is not proposed again."
        ),
    ] = None,
    form: Annotated[
        Format, typer.Option("--format", help="How to write the result; toml is the configuration alone.")
    ] = Format.TABLE,
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="OUT", help="Write to this file, not to standard output.")
    ] = None,
) -> None:
    """Say who is in capture files, what they seem to be, and write a configuration to start from."""
    from sipwatch.classify.survey import Survey, nowhere
    from sipwatch.cli.feed import captures, feed
    from sipwatch.engine import Engine
    from sipwatch.export.privacy import policy_of
    from sipwatch.report.ends import end_records

    read = configuration(config)
    settings, policy = read.settings, policy_of(read.privacy)
    survey = Survey()
    engine = Engine(nowhere, settings, watcher=survey, diagnose=False)
    with captures(files) as source, opened(output) as out:
        feed(engine, source, survey.message)
        survey.finish()
        records = end_records(survey.ends(), engine.directory, policy)
        _write(out, form, records, survey.left_out, engine, source, policy)
        out.flush()


def _write(
    out: IO[bytes],
    form: Format,
    records: list[EndRecord],
    left_out: int,
    engine: Engine,
    source: CaptureSource,
    policy: Policy | None,
) -> None:
    from sipwatch.report.starter import starter

    files = list(source.files)
    if form is Format.JSON:
        import msgspec

        from sipwatch.export.escape import json_text

        head = engine.capture(source)
        report = {
            "capture": policy.capture(head) if policy is not None else head,
            "peers": records,
            "left_out": left_out,
            "configuration": starter(records, files),
        }
        out.write(json_text(msgspec.json.encode(report)) + b"\n")
        return
    with text_of(out) as text:
        if form is Format.TABLE:
            from sipwatch.report.peers import print_peers

            print_peers(text, records, left_out)
            if records:
                text.write("\nA configuration to start from (--format toml -o sipwatch.toml writes it to a file):\n\n")
        if form is Format.TOML or records:
            text.write(starter(records, files))
