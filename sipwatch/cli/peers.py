"""``sipwatch peers``: who is in a capture, and a configuration to start from.

Must not know: how addresses are watched, or how their roles are guessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from sipwatch.cli.feed import results_of
from sipwatch.cli.options import Files, Force, Format, Output, format_option, value
from sipwatch.cli.output import text_of
from sipwatch.cli.words import configuration

if TYPE_CHECKING:
    from typing import IO

    from sipwatch.capture.files import CaptureSource
    from sipwatch.engine import Engine
    from sipwatch.export.privacy import Policy
    from sipwatch.report.ends import EndRecord


def peers(
    files: Files,
    config: Annotated[
        str | None,
        value("FILE", "Configuration: the peers in it keep their names, and are not proposed again."),
    ] = None,
    form: Annotated[
        Format,
        format_option(
            Format.TABLE, Format.JSON, Format.TOML, words="How to write the result; toml is the configuration alone."
        ),
    ] = Format.TABLE,
    output: Output = None,
    force: Force = False,
) -> None:
    """Say who is in capture files, what they seem to be, and write a configuration to start from."""
    from sipwatch.classify.survey import Survey
    from sipwatch.engine import Engine
    from sipwatch.export.privacy import policy_of
    from sipwatch.report.ends import end_records

    read = configuration(config)
    settings, policy = read.settings, policy_of(read.privacy)
    survey = Survey()
    engine = Engine(None, settings, diagnose=False)
    engine.add(survey)
    with results_of(engine, files, output, config, force=force, hear=survey.message) as (out, source):
        records = end_records(survey.ends(), engine.directory, policy)
        _write(out, form, records, survey.left_out, engine, source, policy)


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
        from sipwatch.export.writers import write_json

        head = engine.account.capture(source)
        report = {
            "capture": policy.capture(head) if policy is not None else head,
            "peers": records,
            "left_out": left_out,
            "configuration": starter(records, files),
        }
        write_json(out, report)
        return
    with text_of(out) as text:
        if form is Format.TABLE:
            from sipwatch.report.peers import print_peers

            print_peers(text, records, left_out)
            if records:
                text.write("\nA configuration to start from (--format toml -o sipwatch.toml writes it to a file):\n\n")
        if form is Format.TOML or records:
            text.write(starter(records, files))
