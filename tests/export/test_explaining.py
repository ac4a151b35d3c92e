"""All that can be explained, in one list, and found by one question."""

from __future__ import annotations

from sipwatch.classify.peers import PeerKind
from sipwatch.export.explaining import KINDS, everything, explained, lists, near
from sipwatch.export.watched import alerts, metrics
from sipwatch.knowledge import Topic, load
from tests.each import for_each

KNOWN = load()


def test_everything_is_the_knowledge_the_metrics_and_the_alerts_kind_by_kind() -> None:
    found = everything(KNOWN)
    assert {record.kind for record in found} == set(KINDS) == {*Topic, "metric", "alert"}
    assert [KINDS.index(record.kind) for record in found] == sorted(KINDS.index(record.kind) for record in found)
    assert len(found) == len(KNOWN.all()) + len(metrics()) + len(alerts())


def test_a_list_has_a_title_for_each_kind_and_all_of_that_kind() -> None:
    found = everything(KNOWN)
    shown = lists(KNOWN, found)
    assert [kind for kind, _, _ in shown] == list(KINDS)
    assert [record for _, _, some in shown for record in some] == found
    assert {(kind, title) for kind, title, _ in shown} >= {
        ("class", "Classes of SIP status codes"),
        ("metric", "Metrics, for Prometheus"),
    }


@for_each("record", everything(KNOWN), ids=lambda record: f"{record.kind} {record.key}")
def test_whatever_is_in_the_list_is_found_by_its_name(record: object) -> None:
    assert record in explained(KNOWN, f"{record.kind} {record.key}") or record in explained(KNOWN, record.key)  # type: ignore[attr-defined]


def test_what_a_code_leads_to_may_depend_on_the_kind_of_peer() -> None:
    (trunk,), (devices,) = (explained(KNOWN, "603 Decline", kind) for kind in (PeerKind.TRUNK, PeerKind.DEVICES))
    assert [[lead.outcome for lead in one.leads_to] for one in (trunk, devices)] == [
        ["congested", "blocked"],
        ["declined", "blocked"],
    ]


@for_each(
    "text, names",
    [("no_anser", "no_answer"), ("siptrunkbussy", "SipTrunkBusy"), ("sipwatch_cals_total", "sipwatch_calls_total")],
)
def test_what_is_nearly_right_is_named(text: str, names: str) -> None:
    assert explained(KNOWN, text) == []
    assert near(KNOWN, text)[0] == names
