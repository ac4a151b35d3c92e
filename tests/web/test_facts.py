"""What is known of a call beside its verdict."""

from __future__ import annotations

from sipwatch.web.facts import facts_of, hop
from tests.export import records
from tests.export.records import leg


def test_facts_are_named_and_what_is_not_known_is_left_out() -> None:
    facts = dict(facts_of(records.answered(source="acme", end_cause=16, end_cause_protocol="Q.850", retransmissions=2)))
    assert facts["Between"] == "acme (192.0.2.65:5060) → 192.0.2.80:5060"
    assert facts["Began"] == "2026-01-05 09:00:00.000 UTC"
    assert facts["Answered"] == "09:00:05.000, after 5.00 s"
    assert facts["Ended"] == "09:01:05.000, after 1:05 by the caller"
    assert facts["The BYE said"] == "Q.850 cause 16"
    assert facts["Sent again"] == "2 messages"
    assert "Cause" not in facts


def test_a_hop_is_between_peers_or_addresses() -> None:
    assert hop(leg(destination="acme")) == "192.0.2.65:5060 → acme (192.0.2.80:5060)"
