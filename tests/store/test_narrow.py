"""What a filter lets the database leave out: never a call for which it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.export.filters import FilterError, compile_filter
from sipwatch.export.record import FindingRecord, LinkRecord
from sipwatch.store.narrow import narrowed
from sipwatch.store.sql import ANY, Clause
from sipwatch.store.wanted import Wanted
from tests.each import for_each
from tests.export import records
from tests.export.records import at, span, words
from tests.store.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sipwatch.export.record import CallRecord
    from sipwatch.store.reader import StoreReader


@for_each(
    "expression, condition",
    [
        ('outcome == "busy"', Clause("outcome = ?", ("busy",))),
        ('"busy" == outcome', Clause("outcome = ?", ("busy",))),
        ("status_code >= 400 and status_code < 500", Clause("(status_code >= ? AND status_code < ?)", (400, 500))),
        ("400 <= status_code", Clause("status_code >= ?", (400,))),
        ('outcome in ["busy", "declined"]', Clause("outcome IN (?, ?)", ("busy", "declined"))),
        ('"refused" in tags', Clause("number IN (SELECT call FROM tags WHERE tag = ?)", ("refused",))),
        ('"loss" in findings', Clause("number IN (SELECT call FROM findings WHERE kind = ?)", ("loss",))),
        (
            '"server>acme" in hops',
            Clause(
                "EXISTS (SELECT 1 FROM legs AS hop WHERE hop.call = number AND hop.source = ? AND hop.destination = ?)",
                ("server", "acme"),
            ),
        ),
        ("caller in hops", ANY),
        ('outcome == "busy" and caller =~ "1"', Clause("outcome = ?", ("busy",))),
        ('outcome == "busy" or caller =~ "1"', ANY),
        ('not outcome == "busy"', ANY),
        ('caller == ""', ANY),
        ('caller == "+4930"', Clause("(caller_digits = ? AND caller = ?)", ("0394", "+4930"))),
        ('caller == "alice"', Clause("caller = ?", ("alice",))),
        ("cause == null", ANY),
        ('started > "2026"', ANY),
        ("setup_seconds > 3", Clause("setup_seconds > ?", (2_999_999_000,))),
        ('category == "capacity"', Clause("outcome IN (?)", ("congested",))),
    ],
    ids=lambda row: row[0],
)
def test_an_expression_becomes_a_condition_as_far_as_it_is_sure(expression: str, condition: Clause) -> None:
    assert narrowed(compile_filter(expression).statement) == condition


CALLS = [
    records.call(id="000000000001"),
    records.call(id="000000000002", caller=None, cause=None, setup_seconds=None, status_code=None),
    records.call(
        "declined", id="000000000003", status_code=603, cause=21, setup_seconds=span(3), tags=["refused", "brief"]
    ),
    records.answered(id="000000000004", ring_seconds=span(0.0000005), caller=""),
    records.answered(id="000000000005", findings=[FindingRecord("loss", words("x"), words("y"), [])], source="acme"),
    records.call("no_progress", id="000000000006", conditions=[records.condition()], setup_seconds=span(10)),
    records.call("congested", id="000000000007", linked=[LinkRecord("000000000001", "header", None, at(0))]),
    records.call(
        id="000000000008",
        legs=[
            records.leg(source="phones", destination="server"),
            records.leg(source="server", destination="acme"),
        ],
    ),
    records.call(id="000000000009", legs=[records.leg(source="server", destination="acme")]),
]
TERMS = st.one_of(
    st.builds(
        '{} {} "{}"'.format,
        st.sampled_from(["caller", "callee", "source", "user_agent", "to_tag"]),
        st.sampled_from(["==", "!=", "=~", ">", "<="]),
        st.sampled_from(["", "acme", "other", "15550100", "Phone"]),
    ),
    st.builds(
        "{} {} {}".format,
        st.sampled_from(["status_code", "cause", "setup_seconds", "ring_seconds", "talk_seconds", "retransmissions"]),
        st.sampled_from(["==", "!=", ">", ">=", "<", "<="]),
        st.sampled_from(["0", "3", "10", "21", "486", "0.000001", "60", "null"]),
    ),
    st.sampled_from([
        'outcome == "busy"', '"declined" != outcome', 'outcome in ["busy", "congested"]', 'category == "user"',
        '"refused" in tags', '"loss" in findings', '"no_progress" in conditions', '"header" in linked', 'ending == "normal"',
        '"phones>server" in hops', '"server>acme" in hops', '"phones>acme" in hops', "3 < setup_seconds",
        'caller in ["", "15550100"]', 'started > "2026-01-05"',
    ]),
)  # fmt: skip
EXPRESSIONS = st.recursive(
    TERMS,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("not ({})".format, inner),
    ),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreReader]:
    folder: Path = tmp_path_factory.mktemp("narrow")
    store = Stored(folder)
    store.put(*CALLS)
    yield store.read()
    store.close()


@given(expression=EXPRESSIONS)
def test_a_store_gives_exactly_the_calls_for_which_a_filter_holds(reader: StoreReader, expression: str) -> None:
    """Whatever is compared, with whatever is not there: as if each call had been held against it."""
    try:
        keep = compile_filter(expression)
    except FilterError:
        return
    wanted: list[CallRecord] = [call for call in CALLS if keep(call)]
    found = [one.record.id for one in reader.calls(Wanted(keep=keep), oldest_first=True)]
    assert sorted(found) == sorted(call.id for call in wanted)
