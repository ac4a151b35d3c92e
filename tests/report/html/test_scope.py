"""For whom a report is, and what is in it for them."""

from __future__ import annotations

from datetime import UTC

from sipwatch.classify.findings import Kind
from sipwatch.report.html.page import TITLES
from sipwatch.report.html.scope import OF_AGENTS, SECTIONS, Scope, View
from sipwatch.report.html.times import ZoneTimes


def test_every_view_has_its_parts_and_the_whole_has_all() -> None:
    assert set(SECTIONS) == set(View)
    assert set(SECTIONS[View.WHOLE]) == set(TITLES)
    assert all(set(parts) <= set(TITLES) for parts in SECTIONS.values())


def test_a_supervisor_sees_agents_first_and_nothing_technical() -> None:
    assert SECTIONS[View.AGENTS][0] == "agents"
    assert not {"responses", "failed", "odd", "peers", "delays", "ladders"} & set(SECTIONS[View.AGENTS])
    assert set(OF_AGENTS) <= {kind.value for kind in Kind}


def test_a_supplier_sees_nothing_of_agents_and_who_waits() -> None:
    assert not {"agents", "refused", "callbacks", "peers"} & set(SECTIONS[View.PEER])


def test_it_is_called_by_what_it_is_of() -> None:
    times = ZoneTimes(UTC, "UTC")
    titles = [Scope(["x"], "m", times, view, "acme").title for view in View]
    assert titles == ["Report on calls", "How agents took their calls", "Calls from and to acme"]
