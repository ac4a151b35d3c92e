"""What became of each peer's calls, from the sums of a store, and what differs from the time before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.classify.outcomes import Category
from sipwatch.export.ratios import Ratios
from sipwatch.store.wanted import Wanted
from sipwatch.web.moves import ShareMove
from sipwatch.web.peerfigures import MAX_INTERVALS, PeerCounts, one_peer, peer_shares, peers_in
from sipwatch.web.period import period_of
from tests.export import records
from tests.export.records import at
from tests.web.browsing import NOW

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord
    from sipwatch.web.peerfigures import PeerFigures
    from tests.store.stored import Stored

TODAY = period_of({}, NOW)
DAY = 86_400


def put(store: Stored, **counts: int) -> None:
    """Store calls from acme to the phones: so many ``answered`` today, or ``answered_before``, a day earlier."""
    made: list[CallRecord] = []
    for name, count in counts.items():
        outcome, _, before = name.partition("_before")
        for _ in range(count):
            moment = at(len(made) * 0.1 - (DAY if name != outcome or before else 0))
            make = records.answered if outcome == "answered" else records.call
            given = {} if outcome == "answered" else {"outcome": outcome}
            more = {"id": f"{len(made):012x}", "started": moment, "source": "acme", "destination": "phones"}
            made.append(make(**given, **more))  # type: ignore[arg-type]
    store.put(*made)


def of(found: list[PeerFigures], peer: str, end: str) -> PeerFigures:
    (one,) = [one for one in found if (one.peer, one.end) == (peer, end)]
    return one


def test_a_call_counts_at_both_ends(store: Stored) -> None:
    put(store, answered=2, busy=1, server_error=1)
    found = peers_in(store.read(), TODAY)
    assert [(one.peer, one.end, one.now.calls) for one in found] == [
        ("phones", "destination", 4),
        ("acme", "source", 4),
    ]


def test_shares_are_of_calls_with_an_outcome(store: Stored) -> None:
    """Of 5 judged 2 were answered and 2 were up to a person: ASR 40 %, NER 80 %. The wait is 2 s, of answered ones 5."""
    put(store, answered=2, busy=2, server_error=1, unfinished=5)
    record = peer_shares(peers_in(store.read(), TODAY)[0])
    assert (record.calls, record.judged, record.answered, record.asr, record.ner) == (10, 5, 2, 0.4, 0.8)
    assert record.failed == {"user": 2, "policy": 0, "routing": 0, "technical": 1, "capacity": 0}
    assert record.wait_seconds == (2 * 5 + 8 * 2) / 10


def test_nothing_judged_has_no_shares(store: Stored) -> None:
    put(store, unfinished=1)
    record = peer_shares(peers_in(store.read(), TODAY)[0])
    assert (record.asr, record.ner) == (None, None)


def test_asr_and_ner_are_those_of_the_calls_one_by_one(demo: Stored) -> None:
    reader = demo.read()
    ratios: dict[str, Ratios] = {}
    for one in reader.calls(Wanted()):
        ratios.setdefault(one.record.source, Ratios()).add(one.record, one.completed)
    found = [peer_shares(one) for one in peers_in(reader, TODAY) if one.end == "source"]
    assert {one.peer: (one.asr, one.ner) for one in found} == {
        peer: (ratio.share("asr"), ratio.share("ner")) for peer, ratio in ratios.items()
    }
    assert len(found) == 3


def test_what_moved_is_told_with_both_populations(store: Stored) -> None:
    put(store, answered_before=30, busy_before=10, answered=10, busy=30)
    moved = of(peers_in(store.read(), TODAY), "acme", "source").moved
    assert moved == [ShareMove("answered", 10, 40, 30, 40), ShareMove("user", 30, 40, 10, 40)]


def test_what_chance_may_bring_about_is_no_difference(store: Stored) -> None:
    put(store, answered_before=30, busy_before=10, answered=28, busy=12)
    assert of(peers_in(store.read(), TODAY), "acme", "source").moved == []


def test_too_few_calls_are_not_compared(store: Stored) -> None:
    put(store, answered_before=19, answered=10, busy=30)
    assert of(peers_in(store.read(), TODAY), "acme", "source").moved is None


def test_one_peer_has_its_intervals_without_gaps(store: Stored) -> None:
    for place, hour in enumerate((0, 0, 3)):
        store.put(records.call(id=f"{place:012x}", started=at(3600 * hour), source="acme"))
    store.put(records.call(id="f" * 12, source="north", started=at(7200)))
    found = one_peer(store.read(), TODAY, "acme", NOW, None)
    assert found is not None
    assert [(begins, counts.calls) for begins, counts in found.intervals] == [
        ("2026-01-05 09:00 UTC", 2),
        ("2026-01-05 10:00 UTC", 0),
        ("2026-01-05 11:00 UTC", 0),
        ("2026-01-05 12:00 UTC", 1),
    ]
    assert (found.whole.calls, found.budget) == (3, None)
    assert one_peer(store.read(), TODAY, "south", NOW, None) is None


def test_longer_times_are_told_apart_by_days_and_not_more_than_fit(store: Stored) -> None:
    for place, days in enumerate((0, 1, 500)):
        store.put(records.call(id=f"{place:012x}", started=at(DAY * days)))
    ever = period_of({"from": "2026-01-01", "to": "2030-01-01", "zone": "Europe/Berlin"}, NOW)
    found = one_peer(store.read(), ever, "other", NOW, None)
    assert found is not None
    assert len(found.intervals) == MAX_INTERVALS
    assert found.intervals[-1][0] == "2027-05-20"
    assert (found.intervals[-1][1].calls, found.whole.calls) == (1, 3)


def test_a_call_between_two_of_the_same_peer_is_one(store: Stored) -> None:
    store.put(records.call(source="phones", destination="phones"))
    found = one_peer(store.read(), TODAY, "phones", NOW, None)
    assert found is not None
    assert (found.whole.calls, [one.now.calls for one in found.ends]) == (1, [1, 1])


def test_the_budget_is_of_the_calls_to_a_peer_within_30_days(store: Stored) -> None:
    """99 % of 100 judged calls: one may fail by a fault, 2 did; busy is none, and calls from it do not count."""
    put(store, answered=95, busy=3, server_error=1, congested=1, unfinished=4)
    store.put(records.call("server_error", id="e" * 12, started=at(-31 * DAY), destination="phones"))
    reader = store.read()
    found = one_peer(reader, TODAY, "phones", NOW, 0.99)
    assert found is not None
    assert found.budget is not None
    assert (found.budget.calls, found.budget.faults, found.budget.allowed) == (100, 2, 1.0)
    assert round(found.budget.left, 9) == -1
    only_from = one_peer(reader, TODAY, "acme", NOW, 0.99)
    assert only_from is not None
    assert only_from.budget is None


def test_faults_are_of_machines_and_lines() -> None:
    counts = PeerCounts()
    counts.by_category = {category.value: 10**place for place, category in enumerate(Category)}
    assert counts.faults == counts.count("technical") + counts.count("capacity")
