"""Legs equally near the caller: which of them a server gave up for another one (OUTCOMES §2.1)."""

from __future__ import annotations

import pytest

from tests.conversation import the_call

# Only the far side of P is seen. The next INVITE and the CANCEL have one cause, and come in either order.
GIVEN_UP = """
0     P>B INVITE vias=2
0.1   B>P {heard} vias=2
{one}
{other}
2.02  B>P 487 vias=2
2.03  P>B ACK vias=2
2.1   C>P 180 vias=2 ttag=other
{then}
"""
CANCEL, NEXT = "P>B CANCEL vias=2", "P>C INVITE vias=2"
ANSWERED = "4 C>P 200 vias=2 ttag=other"


@pytest.mark.parametrize(("one", "other"), [(CANCEL, NEXT), (NEXT, CANCEL)], ids=["cancel-first", "next-first"])
@pytest.mark.parametrize(("heard", "outcome"), [("100", "no_progress"), ("180", "no_answer")])
def test_who_is_cancelled_as_the_next_is_tried_was_given_up_by_the_server(
    one: str, other: str, heard: str, outcome: str
) -> None:
    """Kamailio's fr_inv_timer sends the INVITE first."""
    call = the_call(GIVEN_UP.format(heard=heard, one=f"2 {one}", other=f"2.0001 {other}", then=ANSWERED))
    assert [leg.outcome for leg in call.legs] == [outcome, "answered"]
    assert call.destination_address.startswith(call.legs[1].destination_address)


@pytest.mark.parametrize(("begun", "outcome"), [("1.9", "no_answer"), ("1.899999", "abandoned_brief")])
def test_a_phone_that_was_rung_as_well_some_time_before_is_no_reason_to_cancel(begun: str, outcome: str) -> None:
    """The last moment that counts as the same, and the first that does not."""
    call = the_call(GIVEN_UP.format(heard="180", one=f"{begun} {NEXT}", other=f"2 {CANCEL}", then=ANSWERED))
    assert [leg.outcome for leg in call.legs] == [outcome, "answered"]


def test_phones_that_begin_to_ring_together_are_not_given_up_for_each_other() -> None:
    """The caller has changed his mind at once."""
    script = """
    0     P>B INVITE vias=2
    0.001 P>C INVITE vias=2
    0.05  P>B CANCEL vias=2
    0.051 P>C CANCEL vias=2
    0.06  B>P 487 vias=2
    0.061 C>P 487 vias=2 ttag=other
    """
    call = the_call(script, until="10")
    assert [leg.outcome for leg in call.legs] == ["abandoned_brief", "abandoned_brief"]
    assert call.outcome == "abandoned_brief"
