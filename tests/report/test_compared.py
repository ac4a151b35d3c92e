"""Before and after, at a terminal: each share beside its population, and plain words where nothing can be said."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from sipwatch.classify.endings import Ending
from sipwatch.classify.findings import Kind
from sipwatch.classify.outcomes import OF_CALLS
from sipwatch.classify.tags import Tag
from sipwatch.export.compare import (
    OF,
    Comparison,
    ComparisonRecord,
    DelayRecord,
    MoveRecord,
    ShareRecord,
    Side,
    SideRecord,
    TooFewRecord,
)
from sipwatch.export.delays import DELAYS
from sipwatch.export.ratios import RATIOS
from sipwatch.report.compared import MAX_MOVED, print_comparison
from sipwatch.track.conditions import Condition
from sipwatch.track.events import RegistrationOutcome
from tests.each import for_each
from tests.export.records import EVIL, START, at

if TYPE_CHECKING:
    import pytest

A = SideRecord(["before.pcap"], START, at(600), 240, 0)
B = SideRecord(["after.pcap"], START, at(600), 251, 7)
BUSY = MoveRecord("all", None, "outcome", "busy", ShareRecord(12, 240, 0.05), ShareRecord(40, 251, 0.159363), 8.26e-5)
SLOWER = MoveRecord(
    "destination", "acme", "delay", "progress", DelayRecord(100, 1.0, 2.0), DelayRecord(90, 1.5, 8.0), 1e-12
)


def shown(*moved: MoveRecord, compared: int = 50, few: tuple[TooFewRecord, ...] = (), a: SideRecord = A) -> str:
    out = io.StringIO()
    print_comparison(out, ComparisonRecord(a, B, compared, list(moved), list(few)))
    return out.getvalue()


def test_a_share_is_told_with_both_populations_and_how_likely_it_is_by_chance() -> None:
    line = next(line for line in shown(BUSY).splitlines() if "Busy" in line)
    assert re.split(r"  +", line) == [
        "Busy", "all", "12 of 240 (5.0%)", "40 of 251 (15.9%)", "+10.9 points", "1 in 12,107",
    ]  # fmt: skip


def test_a_delay_is_told_by_its_median_and_its_slow_end() -> None:
    text = shown(SLOWER)
    for words in ("Post-dial delay", "to acme", "1.00 s, 95 % 2.00 s (100)", "1.50 s, 95 % 8.00 s (90)"):
        assert words in text
    assert "x1.50, 95 % x4.00" in text
    assert "under 1 in 1,000,000" in text


def test_both_sides_are_named_with_their_times_and_calls() -> None:
    head = shown().splitlines()[:2]
    assert head[0] == "A  before.pcap, 2026-01-05 09:00:00 UTC, 10:00 long, 240 calls"
    assert head[1].endswith("251 calls (7 others left out)")


def test_that_nothing_moved_is_said() -> None:
    assert "No difference: 50 shares and delays compared" in shown()


def test_what_is_too_little_is_said_with_its_numbers() -> None:
    text = shown(
        compared=0, few=(TooFewRecord("source", "phones", "ended", 3, 400), TooFewRecord("all", None, "calls", 5, 400))
    )
    lines = text.splitlines()
    assert "Too few to say anything, for 20 are needed on each side" in lines
    assert lines[-2:] == ["  all: calls, A 5, B 400", "  from phones: answered calls whose end was seen, A 3, B 400"]
    assert "No difference" not in text


def test_a_long_list_is_cut_and_says_so() -> None:
    text = shown(*[BUSY] * (MAX_MOVED + 3))
    assert text.count("Busy") == MAX_MOVED
    assert f"the first {MAX_MOVED} of {MAX_MOVED + 3}" in text


def test_no_cause_is_claimed() -> None:
    assert "What made a difference is not in the figures." in shown(BUSY)


def test_a_narrow_page_has_a_paragraph_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    text = shown(BUSY, SLOWER)
    assert "Busy, all" in text
    assert all(len(line) <= 60 for line in text.splitlines())


def test_names_of_files_move_no_cursor() -> None:
    text = shown(a=SideRecord([EVIL], None, None, 0, 0))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800]", text)


WORDS = {
    "outcome": list(OF_CALLS), "status_code": ["486", "none"], "ending": list(Ending), "condition": list(Condition),
    "finding": list(Kind), "tag": list(Tag), "registration": list(RegistrationOutcome), "delay": list(DELAYS), "ratio": list(RATIOS),
}  # fmt: skip


@for_each("what, words", list(WORDS.items()))
def test_every_word_can_be_told(what: str, words: list[str]) -> None:
    before, after = (DelayRecord(30, 1.0, 1.0),) * 2 if what == "delay" else (ShareRecord(1, 20, 0.05),) * 2
    for word in words:
        assert shown(MoveRecord("all", None, what, str(word), before, after, 0.001)).count("1 in 1,000") == 1
        assert what in OF or what in ("delay", "ratio")


def test_every_population_can_be_told() -> None:
    whole = Comparison(Side(), Side())
    assert whole.record(A, B).too_few == []
    for name in ("calls", *set(OF.values()), *DELAYS, *RATIOS):
        assert "A 1, B 2" in shown(few=(TooFewRecord("all", None, name, 1, 2),))
