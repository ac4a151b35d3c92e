"""Which family of software a text names: closed, bounded, whatever strangers write."""

from __future__ import annotations

import time

from sipwatch.classify.peers import Software
from sipwatch.classify.regex import Pattern
from sipwatch.classify.software import MAX_READ, Families

FAMILIES = Families([Software("t4x", Pattern("^yealink SIP-T4")), Software("yealink", Pattern("yealink"))])


def test_the_first_pattern_that_matches_decides() -> None:
    assert [FAMILIES.of(text) for text in (b"Yealink SIP-T46S", b"Yealink W60B", b"snom", b"", b"\xff\xfe")] == [
        "t4x", "yealink", "other", "other", "other",
    ]  # fmt: skip
    assert FAMILIES.names == ["t4x", "yealink", "other"]


def test_no_more_of_a_text_is_read_than_makes_sense() -> None:
    assert FAMILIES.of(b"x" * (MAX_READ - 7) + b"yealink") == "yealink"
    assert FAMILIES.of(b"x" * (MAX_READ - 6) + b"yealink") == "other"


def test_texts_without_end_take_no_memory_without_end() -> None:
    families = Families([Software("yealink", Pattern("yealink"))])
    for number in range(5000):
        assert families.of(b"Yealink %d %s" % (number, b"x" * 10_000)) == "yealink"
    assert len(families._known) <= 1024
    assert max(map(len, families._known)) <= 4 * MAX_READ


def test_a_pattern_that_would_backtrack_without_end_costs_what_any_other_does() -> None:
    families = Families([Software("evil", Pattern("(x+x+)+y"))])
    begun = time.process_time()
    for number in range(1000):
        assert families.of(b"x" * 190 + b"%d" % number) == "other"
    assert time.process_time() - begun < 1
