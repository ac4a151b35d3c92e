"""The clock on the wall beside packet time."""

from __future__ import annotations

from sipwatch.classify.hours import Hours, Span
from sipwatch.classify.peers import Settings
from sipwatch.classify.wall import Wall
from tests.classify.diagnosing import ACME, SECOND, at
from tests.conversation import EPOCH, Counted, messages

CALL = "0 A>P INVITE\n0.1 P>A 200\n0.2 A>P ACK\n9 A>P BYE\n9.1 P>A 200 method=BYE cseq=2\n"


def test_what_it_shows_is_packet_time_until_somebody_sets_it() -> None:
    wall = Wall()
    assert wall.time(EPOCH) == EPOCH
    wall.stepped(5)
    wall.stepped(-7)
    assert wall.ahead == -2
    assert wall.time(EPOCH) == EPOCH - 2


def test_working_hours_are_by_the_clock_on_the_wall() -> None:
    """Begun at 10:15 by a clock that is set forward by half an hour: it was 10:45, and nobody works after 10:30."""
    hours = Hours(frozenset(), frozenset(), "Europe/Berlin", [Span(0, 540, 630)], frozenset())
    found = {}
    for by in (0, 1800):
        counted = Counted(Settings(peers=[ACME], hours=[hours]))
        first, *rest = messages(at(900, CALL))
        counted.engine.message(first)
        counted.engine.wall.stepped(by * SECOND)
        for message in rest:
            counted.engine.message(message)
        counted.engine.finish()
        found[by] = sum(n for key, n in counted.values("tagged_calls_total").items() if "outside_hours" in key)
    assert found == {0: 0, 1800: 1}
