"""Calls as Parquet, for pandas, DuckDB and the like: a column for each key of a CALL, written in groups of rows.

Must not know: files, where calls come from. Needs pyarrow, which few have any use for: the extra ``[parquet]``.

Moments are timestamps in nanoseconds (UTC), spans seconds; tags are lists of text. What a call has several of and is
more than a word (conditions, findings, legs, links, messages) stands as JSON, as in CSV.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, Final

from sipwatch.export.escape import json_text
from sipwatch.export.moments import Duration, Moment
from sipwatch.export.record import CallRecord
from sipwatch.export.writers import encode

if TYPE_CHECKING:
    from sipwatch.export.record import CaptureRecord, SummaryRecord

ROWS: Final = 10_000  # in a group: what is held until it is written, some 40 MB
_TEXTS: Final = "tags"
_MOMENTS: Final = frozenset({"started", "trying", "progressed", "ringing", "answered", "ended"})
_SPANS: Final = frozenset({"setup_seconds", "ring_seconds", "talk_seconds"})
_NUMBERS: Final = frozenset({"status_code", "cause", "end_cause", "retransmissions"})
_MOST: Final = (1 << 63) - 1  # a cause that a stranger writes may be longer


class NoParquetError(Exception):
    """The library that writes Parquet is not installed; the text says what to do."""


class ParquetWriter:
    """Writes a row for each call. Raises NoParquetError."""

    def __init__(self, out: IO[bytes], *, messages: bool = False) -> None:
        try:
            import pyarrow as pa  # noqa: PLC0415 - few have it, and it takes long to load
            from pyarrow import parquet  # noqa: PLC0415
        except ImportError:
            raise NoParquetError("Parquet needs pyarrow: pip install 'sipwatch[parquet]'") from None
        self._arrow = pa
        self._columns = [key for key in CallRecord.__struct_fields__ if messages or key != "messages"]
        self._schema = pa.schema([(key, self._type(key)) for key in self._columns])
        self._writer = parquet.ParquetWriter(out, self._schema, compression="zstd")
        self._rows: list[CallRecord] = []

    def call(self, record: CallRecord) -> None:
        """Take a call."""
        self._rows.append(record)
        if len(self._rows) >= ROWS:
            self._write()

    def finish(self, capture: CaptureRecord | None, summary: SummaryRecord) -> None:
        """Write the rest, and what a reader needs at the end."""
        del capture, summary
        self._write()
        self._writer.close()

    def _write(self) -> None:
        if not self._rows:
            return
        arrays = [
            self._arrow.array(
                [_value(field.name, getattr(record, field.name)) for record in self._rows], type=field.type
            )
            for field in self._schema
        ]
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))
        self._rows.clear()

    def _type(self, key: str) -> Any:
        pa = self._arrow
        if key in _MOMENTS:
            return pa.timestamp("ns", tz="UTC")
        if key in _SPANS:
            return pa.float64()
        if key in _NUMBERS:
            return pa.int64()
        return pa.list_(pa.string()) if key == _TEXTS else pa.string()


def _value(key: str, value: Any) -> Any:
    if isinstance(value, list):
        return value if key == _TEXTS else json_text(encode(value)).decode()
    if isinstance(value, Moment):
        return int(value)
    if isinstance(value, Duration):
        return value.seconds
    if isinstance(value, int):
        return min(value, _MOST)
    return value
