"""How many series there may be."""

from __future__ import annotations

from sipwatch.track.room import SeriesRoom


def test_room_is_given_while_there_is_any_and_once_full_it_stays_so() -> None:
    """Else a figure might be counted with others' now and for itself later, and neither could be read."""
    room = SeriesRoom(10)
    assert room.take(8)
    assert not room.take(3)
    assert not room.take()
    assert (room.taken, room.folded, room.full) == (8, 2, True)
