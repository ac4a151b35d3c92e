"""The ratios as part and whole: what stands beside every share. Their values are in test_summary.py."""

from __future__ import annotations

import pytest

from sipwatch.export.ratios import RATIOS, Ratios
from tests.each import for_each
from tests.export.records import answered, call

# Answered and completed, answered, busy, redirected, 503, unfinished.
PARTS = {"ser": (2, 4), "seer": (3, 4), "isa": (1, 5), "scr": (1, 5), "asr": (2, 5), "ner": (3, 5)}


def of_six() -> Ratios:
    counted = Ratios()
    counted.add(answered(), True)
    counted.add(answered(), False)
    for one in (call(), call("redirected", status_code=302), call("server_error", status_code=503), call("unfinished")):
        counted.add(one, False)
    return counted


@for_each("name, parts", list(PARTS.items()))
def test_a_ratio_is_so_many_of_so_many(name: str, parts: tuple[int, int]) -> None:
    assert of_six().of(name) == parts
    assert of_six().share(name) == round(parts[0] / parts[1], 6)


def test_each_has_a_name_and_no_other_is_known() -> None:
    assert tuple(PARTS) == RATIOS
    with pytest.raises(KeyError):
        Ratios().of("asr2")


def test_of_nothing_there_is_no_share() -> None:
    assert [Ratios().share(name) for name in RATIOS] == [None] * len(RATIOS)
