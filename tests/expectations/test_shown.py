"""Results at a terminal: each with its figure, those not met with calls to look at, and how many are met."""

from __future__ import annotations

import io
import re

from sipwatch.expectations.judge import ResultRecord
from sipwatch.expectations.shown import print_results
from tests.export.records import EVIL

MET = ResultRecord("answered", True, 0.95, 19, 20, "19 of 20 calls (95.00%), at least 90% expected", [])
NOT_MET = ResultRecord("quick", False, 9.0, 20, 20, "95% of 20 calls within 9.00 s, at most 2 s expected", ["c1", "c2"])


def shown(*results: ResultRecord) -> str:
    out = io.StringIO()
    print_results(out, results)
    return out.getvalue()


def test_each_is_told_with_its_figure_and_calls() -> None:
    assert shown(MET, NOT_MET).splitlines() == [
        "met      answered",
        "         19 of 20 calls (95.00%), at least 90% expected",
        "not met  quick",
        "         95% of 20 calls within 9.00 s, at most 2 s expected",
        "         for example c1, c2",
        "",
        "1 of 2 expectations met.",
        "sipwatch replay FILE --ladder ID draws a call.",
    ]


def test_where_all_is_met_there_is_nothing_to_draw() -> None:
    assert shown(MET).endswith("\n1 of 1 expectation met.\n")


def test_names_move_no_cursor() -> None:
    assert not re.search(
        "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800]", shown(ResultRecord(EVIL, False, None, 0, 0, EVIL, []))
    )
