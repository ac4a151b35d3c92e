"""Numbers that fail in one spelling and are answered in another one."""

from __future__ import annotations

import pytest

from sipwatch.classify.families.spelling import Numbers
from sipwatch.classify.families.trunk import Trunk
from sipwatch.classify.past import MAX_IDS, Table
from tests.classify.diagnosing import response

ID = (b"c1", b"tag", 7)


def numbers() -> tuple[Numbers, Trunk]:
    return Numbers("GB"), Trunk()


def test_a_number_that_failed_is_cured_by_another_spelling_that_is_answered() -> None:
    known, trunk = numbers()
    assert known.fails(trunk, b"02079460142", response(404, 1), ID) is None
    (respelling,) = known.answers(trunk, b"442079460142", response(200, 2))
    assert (respelling.failed, respelling.worked, respelling.difference) == (b"02079460142", b"442079460142", "0->44")
    assert [seen.what for seen in respelling.evidence] == ["404 Not Found", "200 OK"]
    assert (respelling.calls, respelling.ids) == (1, [ID])
    assert known.answers(trunk, b"442079460142", response(200, 3)) == []  # told once


def test_or_by_one_that_was_answered_before() -> None:
    known, trunk = numbers()
    assert known.answers(trunk, b"442079460142", response(200, 1)) == []
    respelling = known.fails(trunk, b"02079460142", response(404, 2), ID)
    assert respelling is not None
    assert (respelling.failed, respelling.worked, respelling.calls) == (b"02079460142", b"442079460142", 1)


def test_every_call_that_failed_counts_and_the_first_are_named() -> None:
    known, trunk = numbers()
    for call in range(9):
        known.fails(trunk, b"02079460142", response(404, call), (b"%d" % call, b"", call))
    (respelling,) = known.answers(trunk, b"442079460142", response(200, 20))
    assert (respelling.calls, len(respelling.ids), respelling.ids[0]) == (9, MAX_IDS, (b"0", b"", 0))


def test_two_wrong_spellings_are_two_findings() -> None:
    known, trunk = numbers()
    known.fails(trunk, b"02079460142", response(404, 1), ID)
    known.fails(trunk, b"0044 2079460142", response(404, 1), ID)
    assert {respelling.failed for respelling in known.answers(trunk, b"442079460142", response(200, 2))} == {
        b"02079460142", b"0044 2079460142",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("failed", "worked"),
    [
        (b"02079460142", b"02079460142"),  # the same
        (b"02079460142", b"442079460143"),  # another
        (b"02079460142", b"492079460142"),  # another country's
        (b"100", b"0100"),  # extensions are their owner's business
        (b"alice", b"Alice"),
        (b"", b""),
        (b"0" * 60_000, b"44" * 30_000),
        (b"+44\xff2079460142", b"442079460142"),
    ],
)
def test_other_numbers_cure_nothing(failed: bytes, worked: bytes) -> None:
    known, trunk = numbers()
    known.fails(trunk, failed, response(404, 1), ID)
    assert known.answers(trunk, worked, response(200, 2)) == []
    assert known.fails(trunk, failed, response(404, 1), ID) is None


def test_what_is_answered_on_another_trunk_cures_nothing() -> None:
    known, trunk = numbers()
    known.fails(trunk, b"02079460142", response(404, 1), ID)
    assert known.answers(Trunk("another"), b"442079460142", response(200, 2)) == []


def test_a_spelling_that_was_answered_itself_is_not_wrong() -> None:
    """Whatever made it fail this time."""
    known, trunk = numbers()
    known.answers(trunk, b"02079460142", response(200, 1))
    known.answers(trunk, b"442079460142", response(200, 2))
    assert known.fails(trunk, b"02079460142", response(404, 3), ID) is None
    fresh, trunk = numbers()
    fresh.fails(trunk, b"02079460142", response(404, 1), ID)
    fresh.answers(trunk, b"02079460142", response(200, 2))
    assert fresh.answers(trunk, b"442079460142", response(200, 3)) == []


def test_spellings_and_numbers_are_bounded() -> None:
    known, trunk = numbers()
    for prefix in range(30):
        known.answers(trunk, b"%d2079460142" % prefix, response(200, prefix))
        known.fails(trunk, b"+%d2079460142" % (100 + prefix), response(404, prefix), ID)
    assert (len(known.answered), len(known.not_found)) == (1, 1)
    assert max(map(len, known.answered.values())) == max(map(len, known.not_found.values())) == 4
    known.answered = Table(10)
    for number in range(30):
        known.answers(trunk, b"442079%06d" % number, response(200, number))
    assert (len(known.answered), known.answered.evicted) == (10, 20)


def test_a_response_of_60_kilobytes_is_not_kept() -> None:
    known, trunk = numbers()
    answer = response(404, 1)
    answer.reason_phrase = b"x" * 60_000
    known.fails(trunk, b"02079460142", answer, ID)
    (failed,) = known.not_found.values()
    assert len(failed[b"02079460142"].final[3]) <= 256
