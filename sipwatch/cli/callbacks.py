"""``sipwatch callbacks``: whose calls nobody took, and who has not been called back.

Must not know: how calls are told to be missed, or numbers compared.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sipwatch.cli.feed import results_of
from sipwatch.cli.options import FILE_WORDS, Force, Format, Output, filter_of, format_option, refuse_first, value
from sipwatch.cli.output import opened, write_listed
from sipwatch.cli.when import time_between
from sipwatch.cli.words import FailOn, configuration, fail
from sipwatch.packet import SECOND

if TYPE_CHECKING:
    from typing import IO

    from sipwatch.classify.callbacks import Missed
    from sipwatch.classify.peers import Settings
    from sipwatch.config import Config
    from sipwatch.export.moments import Moment
    from sipwatch.export.waiting import WaitingRecord

_SINCE = (
    "With --store: who called at this time or later: today, 09:00, 2h (ago). Default: so long ago as [callback] says."
)
_Files = Annotated[list[str] | None, typer.Argument(metavar="[FILE...]", help=FILE_WORDS, show_default=False)]
_FOR_EVER = 1 << 62  # ns: within a capture everybody goes on waiting until he is served


def callbacks(
    files: _Files = None,
    config: Annotated[
        str | None,
        value("FILE", "Configuration: which peers are trunks ([[peer]] with kind trunk); [callback]. Files need it."),
    ] = None,
    store: Annotated[
        str | None, value("DIR", "Instead of files: who waits by the store that sipwatch live --store DIR writes.")
    ] = None,
    since: Annotated[str | None, value("WHEN", _SINCE)] = None,
    form: Annotated[Format, format_option(Format.TABLE, Format.JSON, Format.CSV)] = Format.TABLE,
    output: Output = None,
    force: Force = False,
) -> None:
    """List missed callers from outside who have not been reached since, oldest first."""
    refuse_first(
        (store is None and not files, "FILE...", "nothing is to be read; name capture files, or a store (--store)"),
        (store is not None and bool(files), "--store", "is read instead of files; name one or the other"),
        (store is None and since is not None, "--since", "is of use only with --store"),
        (store is None and config is None, "--config", "is needed for files: it says which peers are trunks"),
    )
    read = configuration(config)
    if store is not None:
        _of_store(store, read, since, form, output, config, force=force)
    elif config is not None:
        _of_files(files or [], read, form, output, config, force=force)


def _of_store(
    store: str, read: Config, since: str | None, form: Format, output: str | None, config: str | None, *, force: bool
) -> None:
    """List who waits as pages over a store do, which know nothing of what was tried to reach him."""
    from msgspec.structs import replace

    from sipwatch.classify.tags import Tag
    from sipwatch.export.choices import marked
    from sipwatch.export.moments import Moment
    from sipwatch.export.privacy import Policy
    from sipwatch.export.waiting import waiting_records
    from sipwatch.store.days import StoreError
    from sipwatch.store.reader import StoreReader
    from sipwatch.store.wanted import Wanted

    at, within, policy = time.time_ns(), _within(read.settings), Policy(read.privacy)
    asked, _ = time_between(since, None, "UTC")
    begin = max(0, at - within) if asked is None else asked
    wanted = Wanted(begin, keep=filter_of(marked(Tag.WAITING_CALLBACK)))
    with opened(output, [config], force=force) as out, FailOn(StoreError):
        calls = [one.record for one in StoreReader(Path(store)).calls(wanted)]
        records = [
            replace(one, number=policy.number(one.number), dialled=policy.number(one.dialled))
            for one in waiting_records(calls, at, within)
        ]
        _write(out, form, records, within, Moment(begin))


def _of_files(files: list[str], read: Config, form: Format, output: str | None, config: str, *, force: bool) -> None:
    from sipwatch.engine import Engine
    from sipwatch.export.privacy import Policy
    from sipwatch.export.waiting import waiting_record

    settings, within = read.settings, _within(read.settings)
    _need_trunks(settings, config)
    engine = Engine(None, _patient(settings), diagnose=False)
    missed: list[Missed] = []
    engine.desk.unserved = missed
    with results_of(engine, files, output, config, force=force) as (out, source):
        end, policy = source.last or 0, Policy(read.privacy)
        records = [
            waiting_record(one, end, within, policy) for one in sorted(missed, key=lambda one: (one.at, one.serial))
        ]
        _write(out, form, records, within)


def _within(settings: Settings) -> int:
    from sipwatch.config import DEFAULT_WITHIN

    return DEFAULT_WITHIN * SECOND if settings.callback is None else settings.callback.within_ns


def _need_trunks(settings: Settings, config: str) -> None:
    from sipwatch.classify.peers import PeerKind

    if not any(peer.kind is PeerKind.TRUNK for peer in settings.peers):
        fail(
            f"{config}: no peer is a trunk, so no call is known to come from outside; name one, for instance by what"
            " 'sipwatch peers FILE' proposes"
        )


def _patient(settings: Settings) -> Settings:
    """Return the same settings, under which nobody is given up before the capture ends."""
    from sipwatch.classify.peers import Callback
    from sipwatch.classify.peers import Settings as Judged

    region = None if settings.callback is None else settings.callback.region
    return Judged(settings.timers, settings.peers, settings.hours, Callback(_FOR_EVER, region))


def _write(
    out: IO[bytes], form: Format, records: list[WaitingRecord], within: int, since: Moment | None = None
) -> None:
    from sipwatch.export.waiting import WaitingRecord
    from sipwatch.report.waiting import print_waiting

    write_listed(out, form, WaitingRecord, records, lambda text: print_waiting(text, records, within, since))
