"""An explanation for other programs: every key is always there."""

from __future__ import annotations

import msgspec

from sipwatch.classify.outcomes import CATEGORY_OF
from sipwatch.classify.peers import PeerKind
from sipwatch.knowledge import Entry, load
from sipwatch.knowledge.record import ExplanationRecord, explanation_record
from tests.each import for_each

ENGLISH = load()
KEYS = [
    *("kind", "key", "name", "plain_name", "category", "registered"),
    *("meaning", "agent", "admin", "situations", "misuse", "reference"),
    *("leads_to", "reached_by", "heard"),
]


@for_each("entry", ENGLISH.all(), ids=lambda entry: f"{entry.kind.value}-{entry.key}")
def test_every_entry_has_the_same_keys(entry: Entry) -> None:
    record = explanation_record(entry)
    encoded = msgspec.json.encode(record)
    assert list(msgspec.json.decode(encoded)) == KEYS
    assert msgspec.json.decode(encoded, type=ExplanationRecord) == record
    assert (record.kind, record.key, record.plain_name) == (entry.kind, entry.key, entry.plain)


def test_only_outcomes_have_a_category() -> None:
    categories = {
        entry.key: explanation_record(entry).category for entry in ENGLISH.all() if explanation_record(entry).category
    }
    assert categories == CATEGORY_OF


def test_a_code_tells_what_it_leads_to() -> None:
    (lead,) = explanation_record(ENGLISH.status(486)).leads_to
    assert (lead.outcome, lead.plain_name, lead.category, lead.when) == ("busy", "Agent busy", "user", "always")
    assert explanation_record(ENGLISH.cause(16)).leads_to == ()
    assert explanation_record(ENGLISH.outcome("busy")).leads_to == ()
    assert [lead.outcome for lead in explanation_record(ENGLISH.status(699)).leads_to] == ["declined"]


def test_a_peers_kind_makes_a_difference() -> None:
    declined = ENGLISH.status(603)
    assert [lead.outcome for lead in explanation_record(declined).leads_to] == ["declined", "congested", "blocked"]
    assert [lead.outcome for lead in explanation_record(declined, PeerKind.TRUNK).leads_to] == ["congested", "blocked"]
    assert [lead.outcome for lead in explanation_record(declined, PeerKind.SERVER).leads_to] == ["declined", "blocked"]


def test_an_outcome_tells_what_leads_to_it() -> None:
    reached = explanation_record(ENGLISH.outcome("busy")).reached_by
    assert [(source.kind, source.key, source.when) for source in reached] == [
        ("status", "486", "always"),
        ("status", "600", "always"),
        ("cause", "17", "always"),
    ]
    challenges = explanation_record(ENGLISH.outcome("auth_failed")).reached_by
    assert [(source.key, source.when) for source in challenges] == [("401", "always"), ("407", "always")]
    assert explanation_record(ENGLISH.status(486)).reached_by == ()


def test_a_provisional_response_tells_as_what_it_is_heard() -> None:
    assert explanation_record(ENGLISH.status(183)).heard == "alerted"
    assert explanation_record(ENGLISH.status(486)).heard is None
    assert explanation_record(ENGLISH.cause(100)).heard is None
