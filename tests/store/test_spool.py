"""Messages of open calls on disk: bounded, and found by number as long as somebody may ask."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sipwatch.store import spool
from sipwatch.store.spool import Kept, Spool, packed, unpacked
from sipwatch.wire.message import Transport
from tests.each import for_each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Fill = Callable[..., Spool]

ENDS = bytes(range(12))


@pytest.fixture(autouse=True)
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of ten messages, so that a test has several."""
    monkeypatch.setattr(spool, "SEGMENT", 10 * len(message(0)))


def message(number: int) -> bytes:
    return packed(Kept(number, Transport.UDP, ENDS, b"%04d" % number * 10))


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Callable[..., Spool]]:
    """Return what makes a spool with messages of some numbers."""
    spools: list[Spool] = []

    def make(numbers: range = range(0), most: int = 1 << 30) -> Spool:
        spools.append(Spool(tmp_path, most))
        for number in numbers:
            spools[-1].add([(number, message(number))])
        return spools[-1]

    yield make
    for made in spools:
        made.close()


def found(of: Spool, *numbers: int) -> list[int]:
    return [kept.time for _, kept in of.read(numbers)]


@for_each(
    "kept",
    [
        Kept(5, Transport.UDP, ENDS, b"INVITE", 1, b"before", b"after"),
        Kept(1 << 60, Transport.WSS, bytes(36), b"x" * 70_000),
        Kept(0, Transport.TLS, ENDS, b"", 0, b"", b""),
    ],
    ids=lambda kept: kept.transport,
)
def test_a_message_is_read_as_it_was_written(kept: Kept) -> None:
    assert unpacked(packed(kept)) == kept


def test_a_packet_with_more_around_than_fits_is_kept_without() -> None:
    assert unpacked(packed(Kept(1, Transport.UDP, ENDS, b"x", 1, b"y" * 70_000, b""))) == Kept(
        1, Transport.UDP, ENDS, b"x"
    )


def test_messages_are_found_by_number_and_gaps_are_none(tmp_path: Path, filled: Fill) -> None:
    """A message that was dropped before has no place, and its neighbours keep theirs."""
    made = filled()
    made.add([(number, message(number)) for number in (1, 2, 5, 6)])
    made.add([(number, message(number)) for number in (9, 12)])
    assert found(made, 2, 5, 9) == [2, 5, 9]
    assert found(made, 0, 3, 4, 7, 10, 13) == []


def test_a_segment_nobody_will_ask_for_is_unlinked_at_once(tmp_path: Path, filled: Fill) -> None:
    """So that the spool is as large as the messages of open calls."""
    made = filled(range(35))
    assert len(list(tmp_path.iterdir())) == 4
    made.forget(range(10, 20))
    assert len(list(tmp_path.iterdir())) == 3
    assert found(made, 9, 10, 19, 20) == [9, 20]
    made.forget(range(35))
    assert made.size < 10 * len(message(0))
    made.add([(35, message(35))])
    assert found(made, 35) == [35]


def test_what_is_left_of_long_calls_is_written_anew_when_the_room_is_full(tmp_path: Path, filled: Fill) -> None:
    """An hour-long call keeps its messages, however many short ones pass beside it."""
    most = 50 * len(message(0))
    made = filled(most=most)
    for number in range(1000):
        made.add([(number, message(number))])
        if number % 10:
            made.forget([number])  # over at once
        assert made.size <= most
    kept = found(made, *range(0, 1000, 10))
    assert kept[-30:] == list(range(700, 1000, 10))
    assert made.given_up == 100 - len(kept)
    assert kept == sorted(kept)


def test_what_has_no_room_is_given_up_and_counted_the_oldest_first(tmp_path: Path, filled: Fill) -> None:
    made = filled(range(100), most=30 * len(message(0)))
    kept = found(made, *range(100))
    assert kept == list(range(100 - len(kept), 100))
    assert made.given_up == 100 - len(kept)
    assert made.size <= 30 * len(message(0))
    made.forget(range(100))
    assert found(made, 99) == []


def test_in_the_end_nothing_is_left(tmp_path: Path, filled: Fill) -> None:
    filled(range(25)).close()
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_leaves_what_was_there(filled: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk: the batch is lost, and half of it is not in the way of the next."""
    made = filled(range(3))

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        with pytest.raises(OSError, match="No space"):
            made.add([(3, message(3))])
    made.add([(4, message(4))])
    assert found(made, 2, 3, 4) == [2, 4]
