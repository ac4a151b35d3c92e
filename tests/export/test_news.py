"""What is told of incidents: each beginning once, each end once, whatever name it is found under."""

from __future__ import annotations

from msgspec.structs import replace

from sipwatch.export.news import IncidentNews, IncidentTurn, News
from tests.export.records import at
from tests.report.test_incidents import incident

ONE = incident(id="00000001")
OTHER = incident(id="00000002", peer="north")


def test_what_begins_is_told_once() -> None:
    news = IncidentNews()
    assert news.of([ONE]) == [News(IncidentTurn.BEGAN, ONE)]
    assert news.of([replace(ONE, calls=40)]) == []
    assert news.of([ONE, OTHER]) == [News(IncidentTurn.BEGAN, OTHER)]
    assert news.going_on == [ONE, OTHER]


def test_what_ends_is_told_once_with_how_it_was_in_the_end() -> None:
    news = IncidentNews()
    news.of([ONE])
    over = replace(ONE, until=at(3600), calls=70)
    assert news.of([over]) == [News(IncidentTurn.ENDED, over)]
    assert news.of([over]) == []
    assert news.going_on == []


def test_what_was_over_before_anybody_looked_is_no_news() -> None:
    assert IncidentNews().of([replace(ONE, until=at(60))]) == []


def test_what_is_not_found_any_more_has_ended() -> None:
    news = IncidentNews()
    news.of([ONE])
    assert news.of([]) == [News(IncidentTurn.ENDED, ONE)]


def test_found_under_another_id_at_the_same_place_it_keeps_the_first() -> None:
    """At midnight another week becomes the past, and a beginning may move by some minutes."""
    news = IncidentNews()
    news.of([ONE])
    moved = replace(ONE, id="0000000f", since=at(300))
    assert news.of([moved]) == []
    [told] = news.of([replace(moved, until=at(7200))])
    assert (told.turn, told.incident.id) == (IncidentTurn.ENDED, ONE.id)


def test_one_that_follows_at_the_same_place_is_another() -> None:
    news = IncidentNews()
    news.of([ONE])
    over = replace(ONE, until=at(3600))
    assert [one.turn for one in news.of([over])] == [IncidentTurn.ENDED]
    later = replace(ONE, id="00000009", since=at(9000))
    assert news.of([over, later]) == [News(IncidentTurn.BEGAN, later)]
