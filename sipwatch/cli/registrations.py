"""``sipwatch registrations``: who registered, or tried to, as a daemon stored it.

Must not know: how registrations are stored or found.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sipwatch.cli.options import (
    DialledIn,
    Force,
    Format,
    Output,
    PrintedZone,
    Store,
    format_option,
    number,
    value,
)
from sipwatch.cli.output import opened, write_listed
from sipwatch.cli.scoped import dialled_in
from sipwatch.cli.when import time_between, times_in
from sipwatch.cli.words import FailOn, configuration

if TYPE_CHECKING:
    from typing import IO

    from sipwatch.report.html.times import ZoneTimes
    from sipwatch.store.reader import StoreReader
    from sipwatch.store.registered import RegistrationsWanted

MAX_LISTED = 50
_WHEN = "Only who was seen at this time or later: 2026-01-05T09:00:00+01:00, 14:30 (today), yesterday, 1h (ago)."
_WHO = "Only of this number, in any notation (*4567 for its end), else part of an address of record, or IP address."
_LIMIT = f"Only the worst N. Default: {MAX_LISTED} in a table, else all."


def registrations(
    store: Store,
    since: Annotated[str | None, value("WHEN", _WHEN)] = None,
    until: Annotated[str | None, value("WHEN", "Only who was seen before this time, written the same way.")] = None,
    who: Annotated[str | None, value("WHO", _WHO, "--number")] = None,
    peer: Annotated[str, value("NAME", "Only from or to this peer.", "--peer")] = "",
    limit: Annotated[int | None, number("N", 1, words=_LIMIT)] = None,
    form: Annotated[Format, format_option(Format.TABLE, Format.JSON, Format.JSONL, Format.CSV)] = Format.TABLE,
    output: Output = None,
    force: Force = False,
    config: DialledIn = None,
    zone: PrintedZone = "UTC",
) -> None:
    """Say who registered or tried to, since when that fails and how; the worst come first."""
    from sipwatch.export.choices import NoSuchPeerError
    from sipwatch.store.days import StoreError
    from sipwatch.store.peers import need_peers
    from sipwatch.store.reader import StoreReader
    from sipwatch.store.registered import RegistrationsWanted

    if who is not None and not who.strip():
        raise typer.BadParameter(f"{who!r} is no number, address of record or IP address", param_hint="--number")
    wanted = RegistrationsWanted(
        *time_between(since, until, zone), (who or "").strip(), dialled_in(configuration(config)), peer.strip()
    )
    with opened(output, [config], force=force) as out, FailOn(StoreError, NoSuchPeerError):
        reader = StoreReader(Path(store))
        need_peers(reader, filter(None, [wanted.peer]))
        _write(out, form, reader, wanted, limit, times_in(zone))


def _write(
    out: IO[bytes],
    form: Format,
    reader: StoreReader,
    wanted: RegistrationsWanted,
    limit: int | None,
    times: ZoneTimes,
) -> None:
    from sipwatch.export.registrations import RegistrationRecord
    from sipwatch.report.registrations import print_nobody, print_registrations
    from sipwatch.store.registered import registrations_in, registrations_span
    from sipwatch.store.registrations import registration_record

    found = registrations_in(reader, wanted)
    most = limit or (MAX_LISTED if form is Format.TABLE else len(found))
    records = [registration_record(row) for row in found[:most]]

    def show(text: IO[str]) -> None:
        if records:
            print_registrations(text, records, len(found) - len(records), times)
        else:
            print_nobody(text, (wanted.since, wanted.until), registrations_span(reader), times)

    write_listed(out, form, RegistrationRecord, records, show)
