"""How far below each other rows stand."""

from __future__ import annotations

from itertools import pairwise

from sipwatch.report.diagram import diagram_of
from sipwatch.report.spacing import TALLEST, Spacing, spaced
from tests.export.records import call, described, leg, message

A, P = "192.0.2.65:5060", "192.0.2.80:5060"
SDP = "v=0\r\nc=IN IP4 192.0.2.65\r\nm=audio 6000 RTP/AVP 8\r\n"


def spacing(*seconds: float, to_scale: bool, narrow: bool = False) -> Spacing:
    messages = [message(second, A, P, "INFO sip:x SIP/2.0") for second in seconds]
    return spaced(diagram_of(call(legs=[leg()], messages=messages)).rows, to_scale=to_scale, narrow=narrow)


def steps(found: Spacing) -> list[float]:
    return [round(b - a, 6) for a, b in pairwise([-6.0, *found.places])]


def test_evenly_every_row_has_the_same_room() -> None:
    assert steps(spacing(0, 0.001, 5, 14, to_scale=False)) == [30, 30, 30, 30]
    assert steps(spacing(0, 1, to_scale=False, narrow=True)) == [34, 34]


def test_a_long_silence_is_marked_and_takes_a_little_more() -> None:
    found = spacing(0, 11, to_scale=False)
    assert steps(found) == [30, 48]
    assert found.breaks == [(48.0, 11_000_000_000)]  # halfway between the rows at 24 and 72
    assert found.words == "// stands for more than 10 s of silence"


def test_to_scale_distances_are_times_as_far_as_rows_have_room() -> None:
    """60 px are a second; 0.1 s would be 6 px, and rows would meet."""
    assert steps(spacing(0, 0.1, 1.1, 3.1, to_scale=True)) == [30, 30, 60, 120]


def test_to_scale_what_is_silent_for_longer_than_three_seconds_is_cut() -> None:
    found = spacing(0, 3, 3600, to_scale=True)
    assert steps(found) == [30, 180, 180]
    assert [silence for _, silence in found.breaks] == [3_597_000_000_000]
    assert found.words.endswith("60 px are 1 s; // cuts a longer silence")


def test_the_whole_stays_in_bounds_and_then_a_second_is_less() -> None:
    """300 times 3 s would be 54,000 px."""
    found = spacing(*range(0, 903, 3), to_scale=True)
    assert found.places[-1] < TALLEST + 301 * 30
    assert "2.67 px are 1 s" not in spacing(0, 3, to_scale=True).words
    assert "2.67 px are 1 s" in found.words


def test_a_clock_that_went_back_takes_a_row_like_any_other() -> None:
    assert steps(spacing(-5, to_scale=True)) == [30]


def test_what_is_remarked_below_an_arrow_has_room() -> None:
    messages = [described(0, A, P, "INVITE sip:x SIP/2.0", SDP), message(0.1, P, A, "SIP/2.0 100 Trying")]
    assert steps(spaced(diagram_of(call(messages=messages)).rows, to_scale=False)) == [30, 38]


def test_without_rows_there_is_still_some_height() -> None:
    assert spaced([], to_scale=True).height > 0
