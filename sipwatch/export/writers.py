"""Records to bytes: JSON, JSON lines, CSV. Memory does not grow with the number of calls.

Must not know: terminals, how records come about.
"""

from __future__ import annotations

import csv
import io
import os
import tempfile
from array import array
from typing import IO, TYPE_CHECKING, Protocol

import msgspec

from sipwatch.classify.past import MAX_IDS
from sipwatch.export.escape import csv_cell, json_text
from sipwatch.export.record import CallRecord, CaptureRecord, SummaryRecord, as_text
from sipwatch.export.summary import MAX_FINDINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sipwatch.export.masking import Known
    from sipwatch.export.privacy import Policy

encode = msgspec.json.Encoder(enc_hook=as_text).encode


def write_json(out: IO[bytes], value: object, *, indent: bool = False) -> None:
    """Write one value as JSON and end the line; with ``indent`` over many lines, for reading."""
    encoded = encode(value)
    out.write(json_text(msgspec.json.format(encoded) if indent else encoded) + b"\n")


def write_lines(out: IO[bytes], records: Iterable[msgspec.Struct]) -> None:
    """Write a line of JSON for each record."""
    for record in records:
        out.write(json_text(encode(record)) + b"\n")


def write_rows(
    out: IO[bytes],
    shape: type[msgspec.Struct],
    records: Iterable[msgspec.Struct],
    ahead: Mapping[str, str] | None = None,
) -> None:
    """Write a row of CSV for each record of one shape, whose fields are the columns; lists have blanks between.

    ``ahead`` has columns that come first, and are the same in each row.
    """
    names = shape.__struct_fields__
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    rows = csv.writer(text)
    same = [csv_cell(value) for value in (ahead or {}).values()]
    rows.writerow([*(ahead or {}), *names])
    for record in records:
        rows.writerow([*same, *[_listed_cell(getattr(record, name)) for name in names]])
    text.flush()
    text.detach()


_IN_MEMORY = 4 << 20  # bytes of encoded calls before the first go to a temporary file
_AT_A_TIME = 1 << 20  # and the others
_CALLS_AT_A_TIME = 512
_COLUMNS = tuple(field for field in CallRecord.__struct_fields__ if field != "messages")


class Writer(Protocol):
    """Takes calls as they are over, and is told once what the whole was."""

    def call(self, record: CallRecord) -> None:
        """Take one call."""

    def finish(self, capture: CaptureRecord, summary: SummaryRecord) -> None:
        """Write what comes last."""


class PrivateWriter:
    """Hands everything on to a writer as a policy lets it be seen. Whatever filters and counts comes before."""

    def __init__(self, writer: Writer, policy: Policy) -> None:
        self._writer = writer
        self._policy = policy
        # Of the latest call with a finding, and of the first ones: the summary's words are theirs.
        self._parties: dict[tuple[str, str], list[Known]] = {}

    def call(self, record: CallRecord) -> None:
        """Hand on a call."""
        for found in record.findings:
            key = (found.kind, str(found.subject))
            if key in self._parties or len(self._parties) < MAX_FINDINGS:
                known = self._policy.parties(record)
                first = self._parties.get(key, [known])[1:]
                self._parties[key] = [known, *first, *([known] if len(first) < MAX_IDS else [])]
        self._writer.call(self._policy.call(record))

    def finish(self, capture: CaptureRecord, summary: SummaryRecord) -> None:
        """Hand on what comes last."""
        self._writer.finish(self._policy.capture(capture), self._policy.summary(summary, self._parties))


class JsonWriter:
    """One object: capture, summary, calls in the order they started.

    What comes first is known last, so the encoded calls wait: a bounded part in memory, the rest in a
    temporary file, of which their starts and places stay in memory.
    """

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._spool: IO[bytes] | None = None
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._most_waiting = _IN_MEMORY
        self._starts = array("q")
        self._places = array("q", [0])

    def call(self, record: CallRecord) -> None:
        """Keep a call until its turn."""
        encoded = json_text(encode(record))
        self._waiting.append(encoded)
        self._waiting_bytes += len(encoded)
        self._starts.append(record.started)
        if self._waiting_bytes >= self._most_waiting:
            self._spill()

    def finish(self, capture: CaptureRecord | None, summary: SummaryRecord) -> None:
        """Write the object; calls of a store are of no ``capture``."""
        write = self._out.write
        write(b'{"capture":' + json_text(encode(capture)))
        write(b',"summary":' + json_text(encode(summary)) + b',"calls":[\n')
        if self._spool is None:
            self._write_calls(self._waiting.__getitem__)
        else:
            self._spill()
            places, spool = self._places, self._spool.fileno()
            # Not mapped: the pages would count as memory of ours.
            self._write_calls(lambda place: os.pread(spool, places[place + 1] - places[place], places[place]))
            self._spool.close()
        write(b"\n]}\n")

    def _write_calls(self, encoded: Callable[[int], bytes]) -> None:
        order = sorted(range(len(self._starts)), key=self._starts.__getitem__)
        for first in range(0, len(order), _CALLS_AT_A_TIME):
            part = order[first : first + _CALLS_AT_A_TIME]
            self._out.write((b",\n" if first else b"") + b",\n".join([encoded(place) for place in part]))

    def _spill(self) -> None:
        """Move what waits to the temporary file; from the first time on, soon again."""
        if self._spool is None:
            self._spool = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed in finish
            self._most_waiting = _AT_A_TIME
        for encoded in self._waiting:
            self._places.append(self._places[-1] + len(encoded))
        self._spool.write(b"".join(self._waiting))
        self._waiting.clear()
        self._waiting_bytes = 0


class JsonLinesWriter:
    """A line for each call, as soon as it is over."""

    def __init__(self, out: IO[bytes], *, at_once: bool = True) -> None:
        self._out = out
        self._at_once = at_once  # a pipe's reader waits for it, a file's does not

    def call(self, record: CallRecord) -> None:
        """Write a call."""
        write_lines(self._out, (record,))
        if self._at_once:
            self._out.flush()

    def finish(self, capture: CaptureRecord | None, summary: SummaryRecord) -> None:
        """Have nothing more to write: lines are calls only."""
        del capture, summary


class CsvWriter:
    """A row for each call, RFC 4180; the keys of a CALL are the columns.

    Lists (conditions, findings, legs, messages) stand as JSON in their cell. Control characters are
    made visible, and no cell begins like a formula.
    """

    def __init__(self, out: IO[bytes], *, messages: bool = False) -> None:
        self._columns: Sequence[str] = (*_COLUMNS, "messages") if messages else _COLUMNS
        self._text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
        self._rows = csv.writer(self._text)
        self._rows.writerow(self._columns)

    def call(self, record: CallRecord) -> None:
        """Write a call."""
        self._rows.writerow([_cell(getattr(record, column)) for column in self._columns])

    def finish(self, capture: CaptureRecord | None, summary: SummaryRecord) -> None:
        """Let go of the output without closing it."""
        del capture, summary
        self._text.flush()
        self._text.detach()


def _listed_cell(value: object) -> str:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return csv_cell(" ".join(value))
    return _cell(value)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return csv_cell(value)
    if isinstance(value, list):
        return json_text(encode(value)).decode() if value else ""
    return str(value)
