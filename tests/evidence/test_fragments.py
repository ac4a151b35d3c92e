"""Fragments are put together with every copy of them, and never without end."""

from __future__ import annotations

from sipwatch.evidence.fragments import Fragment, Fragments
from sipwatch.evidence.packets import Packet, View
from sipwatch.wire.limits import DEFAULT_LIMITS, Limits

KEY = b"key"


def piece(place: int, offset: int, data: bytes, *, more: bool = True) -> Fragment:
    packet = Packet(place, 0, 1, data)
    return Fragment(offset, more, View.of(packet), [packet], [], [])


def places(found: list[Fragment] | None) -> list[int] | None:
    return None if found is None else [fragment.packets[0].place for fragment in found]


def test_pieces_in_any_order_become_whole_in_their_own() -> None:
    fragments = Fragments()
    assert fragments.add(0, KEY, piece(1, 16, b"c" * 4, more=False)) is None
    assert fragments.add(0, KEY, piece(2, 0, b"a" * 8)) is None
    assert places(fragments.add(0, KEY, piece(3, 8, b"b" * 8))) == [2, 3, 1]
    assert len(fragments) == 0


def test_copies_of_all_pieces_are_the_datagram_again() -> None:
    fragments = Fragments()
    first, last = piece(1, 0, b"a" * 8), piece(2, 8, b"b", more=False)
    assert fragments.add(0, KEY, first) is None
    assert fragments.add(0, KEY, piece(3, 0, b"a" * 8)) is None
    assert places(fragments.add(0, KEY, last)) == [1, 2]
    assert places(fragments.add(0, KEY, piece(4, 8, b"b", more=False))) == [3, 4]
    assert len(fragments) == 0


def test_pieces_of_different_datagrams_are_never_mixed() -> None:
    """An identification is used again soon on a busy trunk."""
    fragments = Fragments()
    fragments.add(0, KEY, piece(1, 0, b"a" * 8))
    assert fragments.add(0, KEY, piece(2, 0, b"x" * 8)) is None
    assert fragments.add(0, KEY, piece(3, 8, b"b", more=False)) is None


def test_overlaps_and_holes_are_never_whole() -> None:
    fragments = Fragments()
    fragments.add(0, KEY, piece(1, 0, b"a" * 16))
    assert fragments.add(0, KEY, piece(2, 8, b"b", more=False)) is None
    fragments = Fragments()
    fragments.add(0, KEY, piece(1, 0, b"a" * 8))
    assert fragments.add(0, KEY, piece(2, 24, b"b", more=False)) is None


def test_an_empty_piece_makes_no_endless_datagram() -> None:
    assert Fragments().add(0, KEY, piece(1, 0, b"")) is None


def test_what_never_becomes_whole_is_given_up_in_time() -> None:
    fragments = Fragments()
    fragments.add(0, KEY, piece(1, 0, b"a" * 8))
    fragments.add(DEFAULT_LIMITS.fragment_lifetime, b"other", piece(2, 0, b"b" * 8))
    assert len(fragments) == 1


def test_the_table_is_bounded_by_datagrams_by_pieces_and_by_bytes() -> None:
    fragments = Fragments(Limits(fragmented=10, fragments=4, fragments_bytes=1000))
    for number in range(100):
        fragments.add(0, b"%d" % number, piece(number, 0, b"a" * 50))
        assert len(fragments) <= 10
    for number in range(100):
        fragments.add(0, b"big%d" % number, piece(number, 0, b"a" * 400))
        assert fragments._bytes <= 1000
    for number in range(100):
        fragments.add(0, b"long", piece(number, 8 * number, b"a" * 8))
    assert sum(len(copies) for partial in fragments._partial.values() for copies in partial.pieces.values()) <= 14
