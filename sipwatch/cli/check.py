"""``sipwatch check``: whether a configuration is right, what it does, and what it would have made of captures.

Must not know: how a configuration is read, or how calls are judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sipwatch.cli.feed import captures, feed, warn
from sipwatch.cli.options import Force, Format, Output, format_option, value
from sipwatch.cli.output import opened, write_whole
from sipwatch.cli.words import configuration

if TYPE_CHECKING:
    from sipwatch.classify.peers import Callback, Linking, Privacy, Settings
    from sipwatch.config import Config
    from sipwatch.config.hours import Written
    from sipwatch.export.record import CallRecord
    from sipwatch.report.checked import CallbackRecord, CheckRecord, HoursRecord, LinksRecord, PrivacyRecord


def check(
    config: Annotated[str, typer.Argument(metavar="CONFIG", help="The configuration (sipwatch.toml).")],
    more: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE...]", help="More capture files, after --against FILE.")
    ] = None,
    against: Annotated[
        list[str] | None,
        value("FILE", "Apply it to capture files, and say how many calls each peer had and each rule decided."),
    ] = None,
    form: Annotated[Format, format_option(Format.TABLE, Format.JSON)] = Format.TABLE,
    output: Output = None,
    force: Force = False,
) -> None:
    """Say whether a configuration is correct, and what each part of it does."""
    from sipwatch.config import TIMER_KEYS
    from sipwatch.report.check import print_check

    if more and not against:
        raise typer.BadParameter("capture files are tried with --against FILE...", param_hint="FILE")
    read = configuration(config)
    record = _record(config, read)
    files = [*(against or ()), *(more or ())]
    with opened(output, [*files, config], force=force) as out:
        if files:
            record = _try(record, read.settings, files, output)
        meanings = {key: meaning for key, (_, meaning) in TIMER_KEYS.items()}
        write_whole(out, form, record, lambda text: print_check(text, record, meanings))


def _record(path: str, config: Config) -> CheckRecord:
    from sipwatch.config import TIMER_KEYS
    from sipwatch.report.checked import CheckRecord, InterfaceRecord, peer_record, timers_of
    from sipwatch.report.rules import remarks

    settings = config.settings
    keys = list(TIMER_KEYS)
    return CheckRecord(
        file=path,
        timers=timers_of(settings.timers, keys),
        peers=[peer_record(peer, settings, keys) for peer in settings.peers],
        hours=[_hours(written) for written in config.hours],
        callback=None if settings.callback is None else _callback(settings.callback),
        links=_links(config.settings.linking),
        privacy=_privacy(config.privacy),
        capture=InterfaceRecord(list(config.wanted.tcp_ports), list(config.wanted.tunnels), config.ring),
        remarks=remarks(settings),
        agents=len(config.agents),
    )


def _hours(written: Written) -> HoursRecord:
    from sipwatch.report.checked import HoursRecord, days_and_times

    return HoursRecord(
        written.line,
        written.peers,
        written.numbers,
        written.zone,
        days_and_times(written.spans),
        [f"{'' if year is None else f'{year:04d}-'}{month:02d}-{day:02d}" for year, month, day in written.holidays],
    )


def _callback(callback: Callback) -> CallbackRecord:
    from sipwatch.packet import SECOND
    from sipwatch.report.checked import CallbackRecord

    return CallbackRecord(callback.within_ns / SECOND, callback.region)


def _links(linking: Linking) -> LinksRecord:
    """Make the record of what links calls."""
    from sipwatch.packet import SECOND
    from sipwatch.report.checked import LinksRecord

    within = linking.numbers_within / SECOND if linking.by_numbers else None
    return LinksRecord(list(linking.headers), linking.session_id, linking.transfers, within)


def _privacy(privacy: Privacy) -> PrivacyRecord:
    from sipwatch.classify.peers import EVERYTHING
    from sipwatch.report.checked import PrivacyRecord

    return PrivacyRecord(
        "all" if privacy.mask == EVERYTHING else privacy.mask, privacy.names, bool(privacy.key), privacy.addresses
    )


def _try(record: CheckRecord, settings: Settings, files: list[str], output: str | None) -> CheckRecord:
    """Judge the calls of captures by the configuration, and count what it was used for."""
    from sipwatch.classify.trial import Trial
    from sipwatch.engine import Engine
    from sipwatch.export.summary import Summary
    from sipwatch.report.checked import tried

    summary = Summary()

    def sink(call: CallRecord, completed: bool) -> None:
        summary.add(call, completed)

    engine = Engine(sink, settings, diagnose=False)
    trial = Trial(engine.verdicts)
    with captures(files) as source:
        feed(engine, source, output)
        warn(source)
    return tried(record, list(source.files), summary, trial.uses)
