"""``sipwatch agents``: how every agent took the calls that were offered.

Must not know: how offers are counted, or what is a device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sipwatch.budget import shared_out
from sipwatch.cli.feed import results_of
from sipwatch.cli.options import Files, Filter, Force, Format, Output, choice, filter_of, format_option, value
from sipwatch.cli.output import write_listed
from sipwatch.cli.scoped import roster_of
from sipwatch.cli.words import complain, configuration
from sipwatch.export.intervals import By

if TYPE_CHECKING:
    from datetime import tzinfo
    from typing import IO

    from sipwatch.config import Config
    from sipwatch.export.agents import AgentFigures, AgentRecord
    from sipwatch.export.record import CallRecord


def agents(
    files: Files,
    config: Annotated[
        str | None,
        value("FILE", "Configuration: where the devices are ([[peer]] with kind devices), whose they are ([[agent]])."),
    ] = None,
    by: Annotated[By, choice(*By, flag="--by", words="How long an interval is. Default: all is one.")] = By.ALL,
    zone: Annotated[
        str, value("ZONE", "The time zone of hours and days by its IANA name, such as Europe/Berlin.")
    ] = "UTC",
    expression: Filter = None,
    form: Annotated[Format, format_option(Format.TABLE, Format.JSON, Format.CSV)] = Format.TABLE,
    output: Output = None,
    force: Force = False,
) -> None:
    """Say how every agent took the calls that were offered: taken, busy, declined, rang out, and nobody's fault."""
    from sipwatch.engine import Engine

    read, keep = configuration(config), filter_of(expression)
    figures = _figures(read, by, _zone(zone))

    def sink(call: CallRecord, completed: bool) -> None:
        del completed
        if keep is None or keep(call):
            figures.add(call)

    engine = Engine(sink, read.settings, budget=shared_out(read.memory))
    with results_of(engine, files, output, config, force=force, across_nat=read.hep.across_nat) as (out, _):
        _write(out, form, _shown(figures, read), zone)
    if figures.left_out:
        complain(f"warning: {figures.left_out:,} calls of agents who found no room are left out")


def _figures(read: Config, by: By, zone: tzinfo) -> AgentFigures:
    from sipwatch.export.agents import AgentFigures

    return AgentFigures(by, zone, roster_of(read))


def _zone(name: str) -> tzinfo:
    from sipwatch.classify.hours import zone_of

    try:
        return zone_of(name)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--zone") from None


def _shown(figures: AgentFigures, read: Config) -> list[AgentRecord]:
    from sipwatch.export.privacy import policy_of

    policy = policy_of(read.privacy)
    return figures.records() if policy is None else [policy.agent(record) for record in figures.records()]


def _write(out: IO[bytes], form: Format, records: list[AgentRecord], zone: str) -> None:
    from sipwatch.export.agents import AgentRecord
    from sipwatch.report.agents import print_agents

    write_listed(out, form, AgentRecord, records, lambda text: print_agents(text, records, zone))
