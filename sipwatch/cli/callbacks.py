"""``sipwatch callbacks``: whose calls nobody took, and who has not been called back.

Must not know: how calls are told to be missed, or numbers compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from sipwatch.cli.feed import results_of
from sipwatch.cli.options import Files, Force, Format, Output, format_option, value
from sipwatch.cli.output import write_listed
from sipwatch.cli.words import configuration, fail
from sipwatch.packet import SECOND

if TYPE_CHECKING:
    from typing import IO

    from sipwatch.classify.callbacks import Missed
    from sipwatch.classify.peers import Settings
    from sipwatch.export.waiting import WaitingRecord

_FOR_EVER = 1 << 62  # ns: within a capture everybody goes on waiting until he is served


def callbacks(
    files: Files,
    config: Annotated[
        str,
        value("FILE", "Configuration: which peers are trunks ([[peer]] with kind trunk); [callback]."),
    ],
    form: Annotated[Format, format_option(Format.TABLE, Format.JSON, Format.CSV)] = Format.TABLE,
    output: Output = None,
    force: Force = False,
) -> None:
    """List missed callers from outside who have not been reached since, oldest first."""
    from sipwatch.engine import Engine
    from sipwatch.export.privacy import Policy
    from sipwatch.export.waiting import waiting_record

    read = configuration(config)
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


def _write(out: IO[bytes], form: Format, records: list[WaitingRecord], within: int) -> None:
    from sipwatch.export.waiting import WaitingRecord
    from sipwatch.report.waiting import print_waiting

    write_listed(out, form, WaitingRecord, records, lambda text: print_waiting(text, records, within))
