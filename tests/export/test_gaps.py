"""What a capture cannot show, said once."""

from __future__ import annotations

import pytest

from sipwatch.export.gaps import gaps
from sipwatch.track.events import Notice
from sipwatch.wire.discards import Discard
from tests.classify.diagnosing import Diagnosed, at


def test_a_whole_capture_has_none() -> None:
    assert gaps({}, {"INVITE": 100, "ACK": 90}, {100: 100, 200: 90}, 0) == []
    assert gaps({Discard.MEDIA: 5000, Discard.NOT_SIP: 3}, {"INVITE": 1}, {}, 0) == []
    assert gaps({}, {}, {}, 0) == []


def test_packets_that_the_kernel_lost_are_counted() -> None:
    (said,) = gaps({}, {}, {}, 12_345)
    assert said.startswith("12,345 packets were lost while capturing")


def test_messages_cut_by_the_snap_length_say_how_to_capture_again() -> None:
    (said,) = gaps({Discard.SIP_TRUNCATED: 3}, {}, {}, 0)
    assert said == "3 messages were cut off by the snap length; capture again with -s 0"


def test_holes_in_streams_are_counted() -> None:
    (said,) = gaps({Discard.TCP_GAP: 2}, {}, {}, 0)
    assert said.startswith("2 holes in TCP streams")


@pytest.mark.parametrize(("count", "said"), [(7, 0), (8, 1)])
def test_one_direction_alone_is_named_when_it_is_no_accident(count: int, said: int) -> None:
    assert len(gaps({}, {"INVITE": count}, {}, 0)) == said
    assert len(gaps({}, {}, {200: count}, 0)) == said
    assert gaps({}, {"ACK": 500}, {}, 0) == []  # nobody answers an ACK


def test_half_of_every_conversation_is_named_too() -> None:
    """What comes into a server: requests of those who call, responses of those who are called."""
    assert gaps({}, {"INVITE": 50}, {200: 20}, 0, 9) == []
    (said,) = gaps({}, {"INVITE": 50}, {180: 10, 200: 10}, 0, 20)
    assert said.startswith("20 responses are to requests that were not captured")
    assert gaps({}, {"INVITE": 50}, {200: 7}, 0, 7) == []


def test_such_responses_are_noticed() -> None:
    """The one half of ten proxied calls, as at the server's way in."""
    found = Diagnosed()
    for place in range(10):
        found.say(at(60 * place, "0 A>P INVITE\n1 B>P 180 vias=2\n3 B>P 486 vias=2\n", call=f"c{place}"))
    found.over()
    assert found.engine.tracker.notices[Notice.RESPONSE_WITHOUT_REQUEST] == 20
    assert [call.findings for call in found.calls.values()] == [[]] * 10


def test_several_gaps_are_all_named() -> None:
    assert len(gaps({Discard.SIP_TRUNCATED: 1, Discard.TCP_GAP: 1}, {"INVITE": 9}, {}, 1)) == 4
