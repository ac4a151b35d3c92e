"""``sipwatch calls``: what a daemon stored of calls, while it goes on storing.

Must not know: how calls are stored, found or written.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

from sipwatch.cli.one_call import LADDER_ONLY, NO_LADDER, LadderForm, LadderFormed
from sipwatch.cli.options import (
    DialledIn,
    Filter,
    Force,
    Format,
    Output,
    PrintedZone,
    Store,
    choices_of,
    filter_of,
    format_option,
    number,
    refuse_first,
    switch,
    value,
)
from sipwatch.cli.output import opened, text_of
from sipwatch.cli.scoped import dialled_in
from sipwatch.cli.when import read_option, time_between, times_in
from sipwatch.cli.words import FailOn, complain, configuration, fail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sipwatch.config import Config
    from sipwatch.export.parquet import ParquetWriter
    from sipwatch.export.writers import CsvWriter, JsonLinesWriter, JsonWriter
    from sipwatch.report.html.times import ZoneTimes
    from sipwatch.store.reader import Stored, StoreReader
    from sipwatch.store.wanted import Wanted

    CallWriter = CsvWriter | JsonLinesWriter | JsonWriter | ParquetWriter

MAX_LISTED = 50
_WHEN = "Only calls that began at this time or later: 2026-01-05T09:00:00+01:00, 14:30 (today), yesterday, 1h (ago)."
_NUMBER = "Only calls from or to this number, in any notation: +49 30 1234567, 030 1234567, 201; *4567 for its end."
_OUTCOME = "Only calls with this outcome, such as busy or no_progress; failed is all that failed."
_LIMIT = f"Only the newest N calls. Default: {MAX_LISTED} in a table, else all."
_FORMS = (Format.TABLE, Format.JSON, Format.JSONL, Format.CSV, Format.PARQUET, Format.PCAP)
_FORM_WORDS = "How to write the result; pcap: the packets that are kept of the newest 500 of the calls."


def calls(
    store: Store,
    since: Annotated[str | None, value("WHEN", _WHEN)] = None,
    until: Annotated[str | None, value("WHEN", "Only calls that began before this time, written the same way.")] = None,
    expression: Filter = None,
    phone: Annotated[str | None, value("NUMBER", _NUMBER, "--number")] = None,
    outcome: Annotated[str, value("WORD", _OUTCOME, "--outcome")] = "",
    peer: Annotated[str, value("NAME", "Only calls from or to this peer.", "--peer")] = "",
    limit: Annotated[int | None, number("N", 1, words=_LIMIT)] = None,
    form: Annotated[Format, format_option(*_FORMS, words=_FORM_WORDS)] = Format.TABLE,
    messages: Annotated[bool, switch("--messages", "Include the messages that are kept (not in a table).")] = False,
    ladder: Annotated[
        str | None,
        value("CALL", "Draw this call as a sequence diagram; CALL is an id, 6 digits of it or more, or a Call-ID."),
    ] = None,
    ladder_form: LadderFormed = None,
    output: Output = None,
    force: Force = False,
    config: DialledIn = None,
    zone: PrintedZone = "UTC",
) -> None:
    """Say what became of the calls that a daemon stored."""
    from sipwatch.export.choices import NoSuchPeerError
    from sipwatch.store.days import StoreError
    from sipwatch.store.peers import need_peers
    from sipwatch.store.reader import StoreReader

    refuse_first(
        (ladder is not None and form is not Format.TABLE, "--ladder", LADDER_ONLY),
        (ladder_form is not None and ladder is None, "--ladder-form", NO_LADDER),
        (form is Format.PCAP and output is None, "--output", "packets are no reading for a terminal; name a file"),
    )
    wanted = _wanted(since, until, expression, phone, configuration(config), zone)._replace(
        also=choices_of(outcome, peer)
    )
    with opened(output, [config], force=force) as out, FailOn(StoreError, NoSuchPeerError):
        reader = StoreReader(Path(store))
        need_peers(reader, filter(None, [peer]))
        if ladder is not None:
            _draw(out, reader, ladder, ladder_form or LadderForm.TEXT, store)
        elif form is Format.PCAP:
            _write_packets(out, reader, wanted, limit)
        elif form is Format.TABLE:
            _list(out, reader, wanted, limit or MAX_LISTED, times_in(zone), store)
        else:
            _write(out, _writer(form, out, messages=messages), reader, wanted, limit, messages=messages)


def _wanted(
    since: str | None, until: str | None, expression: str | None, phone: str | None, config: Config, zone: str
) -> Wanted:
    from sipwatch.store.wanted import Number, Wanted

    begin, end = time_between(since, until, zone)
    sought = None if phone is None else read_option("--number", Number, phone, dialled_in(config))
    return Wanted(begin, end, filter_of(expression), sought)


# What is shown


def _draw(out: IO[bytes], reader: StoreReader, wanted: str, form: LadderForm, store: str) -> None:
    from sipwatch.cli.one_call import write_calls
    from sipwatch.report.ladder import print_verdict
    from sipwatch.store.ids import UnclearIdError
    from sipwatch.store.linked import drawable, linked_calls
    from sipwatch.store.missing import why_no_messages

    with FailOn(UnclearIdError):
        found = reader.call(wanted)
    if found is None:
        fail(f"no call {wanted!r} in {store}; sipwatch calls --store {store} lists the ids")
    call, links = reader.with_messages(found.record), linked_calls(reader, found.record)
    linked = drawable(reader, links)
    if form is LadderForm.WIRESHARK:  # which names calls, and needs no messages
        linked = [one.call.record for one in links if one.call is not None]
    elif not call.messages and form is not LadderForm.TEXT:
        fail(f"call {call.id}: {why_no_messages(found)}")
    with text_of(out) as text:
        if call.messages or form is LadderForm.WIRESHARK:
            write_calls(text, [call], lambda _: linked, None, form)
        else:
            print_verdict(text, call, why_no_messages(found))


def _write_packets(out: IO[bytes], reader: StoreReader, wanted: Wanted, limit: int | None) -> None:
    from sipwatch.capture.write import capture_file
    from sipwatch.store.packets import packets_of
    from sipwatch.store.selected import selected_messages

    found = selected_messages(reader, wanted, limit)
    if not found.messages:
        fail(found.why_none)
    out.write(capture_file(packets_of(found.messages).saved))
    if found.without or found.cut:
        complain(found.what_is_missing)


def _list(out: IO[bytes], reader: StoreReader, wanted: Wanted, limit: int, times: ZoneTimes, store: str) -> None:
    from sipwatch.report.stored import nothing_found, print_calls
    from sipwatch.store.endings import ending_hint

    found = [one.record for one in _newest(reader, wanted, limit + 1)]
    with text_of(out) as text:
        if found:
            print_calls(text, found[:limit][::-1], times, more=len(found) > limit)
        else:
            span = reader.span()
            began = "no call" if span is None else f"calls from {times.full(span[0])} to {times.full(span[1])}"
            hint = ending_hint(reader, wanted)
            words = "" if hint is None else f"{hint.words}: --number '{hint.ending}'"
            nothing_found(text, f"{store}, which has {began} ({times.name})", words)


def _newest(reader: StoreReader, wanted: Wanted, limit: int) -> Iterator[Stored]:
    for place, one in enumerate(reader.calls(wanted)):
        if place >= limit:
            return
        yield one


def _write(
    out: IO[bytes],
    writer: CallWriter,
    reader: StoreReader,
    wanted: Wanted,
    limit: int | None,
    *,
    messages: bool,
) -> None:
    """Write calls, the oldest first, and with what they have in common at the end."""
    from sipwatch.export.summary import Summary

    summary = Summary()
    found: Iterator[Stored]
    found = reader.calls(wanted, oldest_first=True) if limit is None else reversed([*_newest(reader, wanted, limit)])
    for one in found:
        summary.add(one.record, one.completed)
        writer.call(reader.with_messages(one.record) if messages else one.record)
    writer.finish(None, summary.to_record())
    out.flush()


def _writer(form: Format, out: IO[bytes], *, messages: bool) -> CallWriter:
    if form is Format.PARQUET:
        from sipwatch.export.parquet import NoParquetError, ParquetWriter

        with FailOn(NoParquetError):
            return ParquetWriter(out, messages=messages)
    from sipwatch.export.writers import CsvWriter, JsonLinesWriter, JsonWriter

    if form is Format.JSON:
        return JsonWriter(out)
    return JsonLinesWriter(out, at_once=False) if form is Format.JSONL else CsvWriter(out, messages=messages)
