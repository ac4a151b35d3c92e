"""The quick choices of calls: an outcome, all that failed, a peer."""

from __future__ import annotations

import pytest

from sipwatch.export.choices import ChoiceError, NoSuchPeerError, chosen
from sipwatch.export.filters import compile_filter
from tests.each import for_each
from tests.export import records


def test_an_outcome_and_a_peer_have_to_hold_together() -> None:
    keep = compile_filter(chosen("busy", "acme"))
    assert keep(records.call("busy", source="acme"))
    assert keep(records.call("busy", destination="acme"))
    assert not keep(records.call("busy"))
    assert not keep(records.call("no_answer", source="acme"))


def test_failed_is_all_that_failed() -> None:
    keep = compile_filter(chosen("failed"))
    assert [word for word in ("answered", "busy", "redirected", "congested") if keep(records.call(word))] == [
        "busy",
        "congested",
    ]


def test_no_choice_is_no_filter() -> None:
    assert chosen() == ""


@for_each(
    "outcome, peer, where, why",
    [
        ("bussy", "", "outcome", "there is no outcome 'bussy'; did you mean busy?"),
        ("faild", "", "outcome", "there is no outcome 'faild'; did you mean failed?"),
        ("", 'a" or true', "peer", "there is no peer 'a\" or true'"),
        ("", "x" * 65, "peer", "there is no peer '" + "x" * 39 + "…'"),
    ],
)
def test_what_cannot_be_chosen_is_told(outcome: str, peer: str, where: str, why: str) -> None:
    with pytest.raises(ChoiceError) as raised:
        chosen(outcome, peer)
    assert (raised.value.where, str(raised.value)) == (where, why)


def test_the_nearest_peer_is_named_else_all() -> None:
    """But for what is not configured, which is no name that anybody gave."""
    known = {"north", "acme", "other"}
    assert str(NoSuchPeerError("nord", known)).endswith("is from or to a peer 'nord'; did you mean north?")
    assert str(NoSuchPeerError("zzz", known)).endswith("a peer 'zzz'; known are acme, north")
    assert str(NoSuchPeerError("zzz", ["other"])).endswith("no peer is known")
