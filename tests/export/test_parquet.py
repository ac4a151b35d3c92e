"""Calls as Parquet: what pyarrow reads is what was written."""

from __future__ import annotations

import builtins
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from sipwatch.export import parquet as parquet_module
from sipwatch.export.parquet import NoParquetError, ParquetWriter
from sipwatch.export.summary import Summary
from tests.export import records
from tests.export.records import START

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord

pyarrow_parquet = pytest.importorskip("pyarrow.parquet")


def written(*calls: CallRecord, messages: bool = False) -> Any:
    out = io.BytesIO()
    writer = ParquetWriter(out, messages=messages)
    for call in calls:
        writer.call(call)
    writer.finish(None, Summary().to_record())
    return pyarrow_parquet.read_table(io.BytesIO(out.getvalue()))


def test_every_key_is_a_column_of_its_kind() -> None:
    table = written(records.call(tags=["refused", "brief"], conditions=[records.condition()], cause=21))
    [row] = table.to_pylist()
    assert table.column_names == [key for key in records.call().__struct_fields__ if key != "messages"]
    assert str(table.schema.field("started").type) == "timestamp[ns, tz=UTC]"
    assert table["started"].cast("int64").to_pylist() == [START]
    assert (row["setup_seconds"], row["status_code"], row["cause"], row["caller"]) == (2.0, 486, 21, "15550100")
    assert row["tags"] == ["refused", "brief"]
    assert json.loads(row["conditions"])[0]["kind"] == "no_progress"
    assert json.loads(row["legs"])[0]["outcome"] == "busy"
    assert row["answered"] is None


def test_there_may_be_none_and_more_than_one_group_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    assert written().num_rows == 0
    monkeypatch.setattr(parquet_module, "ROWS", 10)
    table = written(*[records.call(id=f"{number:012x}") for number in range(25)])
    assert table["id"].to_pylist() == [f"{number:012x}" for number in range(25)]


def test_a_cause_of_thirty_digits_stops_nobody() -> None:
    assert written(records.call(cause=10**30))["cause"].to_pylist() == [(1 << 63) - 1]


def test_without_the_library_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *more: Any, **named: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *more, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(NoParquetError, match=r"pip install 'sipwatch\[parquet\]'"):
        ParquetWriter(io.BytesIO())
