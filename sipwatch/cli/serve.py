"""``sipwatch serve``: pages over a store, whether somebody writes it or not.

Must not know: how the store is read, or what the pages say.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sipwatch.cli.options import WithoutUsers, value
from sipwatch.cli.serving import serve_until_ended
from sipwatch.cli.showing import site_over
from sipwatch.cli.words import DEFAULT_LISTEN, FailOn, complain, configuration

if TYPE_CHECKING:
    from sipwatch.web.server import Server
    from sipwatch.web.site import Website


def serve(
    store: Annotated[
        str, typer.Argument(metavar="DIR", help="The folder of a store, as sipwatch live --store DIR writes it.")
    ],
    listen: Annotated[str, value("HOST:PORT", "Show the pages here.")] = DEFAULT_LISTEN,
    web_config: Annotated[
        str | None, value("FILE", "TLS and basic authentication, in the format of Prometheus' exporters.")
    ] = None,
    config: Annotated[
        str | None,
        value(
            "FILE",
            "Configuration: whose numbers are whose ([[agent]]), the time zone ([[hours]]), objectives of peers, the "
            "region in which numbers are dialled.",
        ),
    ] = None,
    without_users: WithoutUsers = False,
) -> None:
    """Show the calls of a store as pages: outcomes, ladders, messages, explanations; and as JSON."""
    from sipwatch.store.days import EmptyStoreError, StoreError
    from sipwatch.store.reader import StoreReader

    with FailOn(StoreError):
        try:
            StoreReader(Path(store)).close()
        except EmptyStoreError as error:
            complain(f"{error}; pages say so until then")
    site = site_over(store, configuration(config))
    server = _server(site, listen, web_config, open_to_all=without_users)
    serve_until_ended(server, f"pages at {server.url}")


def _server(site: Website, listen: str, web_config: str | None, *, open_to_all: bool) -> Server:
    from sipwatch.shell.log import Log, whole_lines
    from sipwatch.web.server import Server, WebError

    log = Log(whole_lines(sys.stderr), "text", time.time)
    with FailOn(WebError):
        return Server(
            lambda: (), lambda: None, lambda: None, listen, web_config, log, site=site, open_to_all=open_to_all
        )
