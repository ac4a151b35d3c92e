"""``sipwatch rules``: alerts for Prometheus on the objectives of peers.

Must not know: what stands in the rules.
"""

from __future__ import annotations

import os
from typing import Annotated

import typer

from sipwatch.cli.options import Force, Output, Pages  # noqa: TC001 - typer reads them
from sipwatch.cli.output import opened, text_of
from sipwatch.cli.words import configuration, fail
from sipwatch.export.addresses import PAGES


def rules(
    config: Annotated[
        str,
        typer.Argument(metavar="CONFIG", help="The configuration (sipwatch.toml), with an objective of some [[peer]]."),
    ],
    output: Output = None,
    pages: Pages = PAGES,
    force: Force = False,
) -> None:
    """Write Prometheus' rules for the objectives of peers: burn-rate alerts, and the shares that they are made of."""
    from sipwatch.export.escape import terminal
    from sipwatch.export.objectives import Objective, rules_text

    read = configuration(config)
    objectives = [Objective(peer.name, peer.objective) for peer in read.settings.peers if peer.objective]
    if not objectives:
        fail(
            f"{config}: no peer has an objective, so nothing can be alerted on; write objective = 0.98 under a [[peer]]"
        )
    with opened(output, [config], force=force) as out, text_of(out) as text:
        text.write(rules_text(objectives, terminal(os.path.basename(config)), pages))
