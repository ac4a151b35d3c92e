"""``sipwatch assets``: write out what belongs beside sipwatch: dashboards, alerts, the unit, an example configuration.

Must not know: what is in the files, or where they are to be had.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sipwatch.cli.options import Pages, switch
from sipwatch.cli.output import opened
from sipwatch.cli.words import fail, why
from sipwatch.export.addresses import PAGES, runbook_address
from sipwatch.export.assetfiles import asset_files


def assets(
    folder: Annotated[
        str, typer.Argument(metavar="DIR", help="The folder to write into; it is made if it is not there.")
    ],
    pages: Pages = PAGES,
    force: Annotated[bool, switch("--force", "Write over files that are there already.")] = False,
) -> None:
    """Write out the Grafana dashboards, Prometheus rules, systemd unit and example configuration."""
    files = asset_files()
    if not files:
        fail("the files are not part of this installation; they are in the source tree, in grafana/ and deploy/")
    target = Path(folder)
    there = [name for name in files if (target / name).exists() or (target / name).is_symlink()]
    if there and not force:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        fail(f"{target / there[0]}{more}: there already, and nothing was written; --force writes over it")
    try:
        for name in files:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail(f"{error.filename or target}: cannot be made: {why(error)}")
    for name, source in files.items():
        with opened(str(target / name), new=True, force=force) as out:
            out.write(_linked(name, source.read_bytes(), pages))
    typer.echo(f"{len(files)} files written below {target}: {', '.join(_folders(files))}")


def _linked(name: str, content: bytes, pages: str) -> bytes:
    """Return a file with its links to the pages, and of alerts to the runbook, beginning there."""
    if not name.startswith("grafana/"):
        return content  # they are in what watches the metrics
    content = content.replace(PAGES.encode(), pages.encode())
    return content.replace(runbook_address("").encode(), runbook_address("", pages).encode())


def _folders(files: dict[str, Path]) -> list[str]:
    return sorted({f"{name.split('/')[0]}/" for name in files})
