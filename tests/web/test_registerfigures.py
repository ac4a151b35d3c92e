"""What became of attempts to register between peers, from a store's sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sipwatch.store.registered import RegistrationsWanted, registrations_span
from sipwatch.web.period import period_of
from sipwatch.web.registerfigures import find_registrations, register_shares, registered_between
from tests.export.records import at
from tests.store.attempts import attempt
from tests.store.test_registered import put
from tests.web.browsing import NOW

if TYPE_CHECKING:
    from sipwatch.store.attempts import RegisterAttempt
    from tests.store.stored import Stored

TODAY = period_of({}, NOW)
DAY = 86_400


def many(count: int, outcome: str, day: int = 0, **more: Any) -> list[RegisterAttempt]:
    return [attempt(DAY * day + n, outcome, **more) for n in range(count)]


def test_shares_are_of_attempts_that_were_seen_to_their_end(store: Stored) -> None:
    """Six of eight were accepted, signing off included; what ran out is no attempt."""
    put(
        store,
        *many(5, "registered"), *many(1, "removed"), *many(1, "auth_failed"), *many(1, "not_responding"),
        *many(4, "unfinished"), *many(3, "expired"),
    )  # fmt: skip
    [one] = registered_between(store.read(), TODAY)
    record = register_shares(one)
    assert (record.source, record.destination) == ("phones", "pbx")
    assert (record.attempts, record.judged, record.accepted, record.share) == (12, 8, 6, 0.75)
    assert (record.auth_failed, record.refused, record.not_responding, record.expired) == (1, 0, 1, 3)
    assert record.delay_seconds == 0.02


def test_where_none_was_seen_to_its_end_there_is_no_share(store: Stored) -> None:
    put(store, *many(2, "unfinished"))
    [one] = registered_between(store.read(), TODAY)
    assert (one.now.share, one.now.delay_seconds) == (None, None)


def test_what_differs_from_yesterday_is_told(store: Stored) -> None:
    put(
        store,
        *many(40, "registered", -1),
        *many(10, "registered"),
        *many(30, "refused"),
        *many(3, "refused", source="b"),
    )
    whole, few = registered_between(store.read(), TODAY)
    assert [(move.what, move.part, move.before) for move in whole.moved or []] == [
        ("accepted", 10, 40),
        ("refused", 30, 0),
    ]
    assert (few.source, few.moved) == ("b", None)


def test_a_peer_is_asked_for_at_either_end_and_all_are_named(store: Stored) -> None:
    put(store, attempt(0), attempt(1, source="branch", destination="trunk"))
    found = find_registrations(store.read(), TODAY, RegistrationsWanted(TODAY.since, TODAY.until, peer="trunk"))
    assert [one.source for one in found.between] == ["branch"]
    assert found.peers == ["branch", "pbx", "phones", "trunk"]


def test_the_store_knows_since_when_it_has_any(store: Stored) -> None:
    put(store, attempt(0), attempt(DAY * 2 + 5))
    assert registrations_span(store.read()) == (at(0), at(DAY * 2))
