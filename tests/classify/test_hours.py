"""When somebody is there, by the clock on the wall, also in the nights when it is changed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from timeit import repeat
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.classify.hours import Hours, Span, outside_hours
from tests.each import for_each
from tests.thorough import examples

NINE, FIVE = 9 * 60, 17 * 60
OFFICE = [Span(day, NINE, FIVE) for day in range(5)]
ALWAYS = [Span(day, 0, 1440) for day in range(7)]
SUNDAY = 6
NIGHT = [Span(SUNDAY, 2 * 60 + 30, 5 * 60)]  # clocks are changed in the night to Sunday
SECOND = 1_000_000_000
LAST = 253_402_300_799 * SECOND  # in the year 9999


def hours(
    spans: list[Span] = OFFICE,
    zone: str = "Europe/Berlin",
    holidays: frozenset[tuple[int | None, int, int]] = frozenset(),
    *,
    peers: set[str] | None = None,
    numbers: set[str] | None = None,
    region: str | None = None,
) -> Hours:
    return Hours(frozenset(peers or ()), frozenset(numbers or ()), zone, spans, holidays, region)


def utc(text: str) -> int:
    """Return the moment of a date and time of UTC in ns since 1970."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


def at(text: str, zone: str = "Europe/Berlin", fold: int = 0) -> int:
    """Return the moment at which the clocks of a zone show a date and time, the second time if ``fold``."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()) * SECOND


def open_minutes(office: Hours, begin: str, end: str) -> int:
    """Count the minutes between two moments of UTC in which somebody is there."""
    return sum(office.open_at(moment) for moment in range(utc(begin), utc(end), 60 * SECOND))


# Days and minutes


def test_hours_begin_with_their_first_minute_and_end_before_their_last() -> None:
    office = hours()
    monday = "2026-01-05"
    assert not office.open_at(at(f"{monday} 09:00:00") - 1)
    assert office.open_at(at(f"{monday} 09:00:00"))
    assert office.open_at(at(f"{monday} 17:00:00") - 1)
    assert not office.open_at(at(f"{monday} 17:00:00"))


def test_each_weekday_has_its_own_spans() -> None:
    office = hours([Span(0, NINE, 12 * 60), Span(0, 13 * 60, FIVE), Span(5, 10 * 60, 14 * 60)])
    shown = {text: office.open_at(at(text)) for text in ("2026-01-05 11:59", "2026-01-05 12:00", "2026-01-05 13:00")}
    assert list(shown.values()) == [True, False, True]
    assert office.open_at(at("2026-01-10 10:00"))
    assert not office.open_at(at("2026-01-11 10:00"))


def test_a_day_may_end_at_midnight_and_the_next_go_on() -> None:
    office = hours([Span(0, 22 * 60, 1440), Span(1, 0, 6 * 60)])
    assert open_minutes(office, "2026-01-05 00:00", "2026-01-07 00:00") == 8 * 60
    assert office.open_at(at("2026-01-06 00:00") - 1)
    assert office.open_at(at("2026-01-06 00:00"))


def test_spans_that_overlap_are_one() -> None:
    office = hours([Span(0, NINE, 13 * 60), Span(0, 12 * 60, FIVE)])
    assert open_minutes(office, "2026-01-05 00:00", "2026-01-06 00:00") == FIVE - NINE


def test_without_spans_nobody_is_ever_there() -> None:
    assert open_minutes(hours([]), "2026-01-05 00:00", "2026-01-12 00:00") == 0


def test_the_same_moment_is_open_here_and_closed_there() -> None:
    noon = utc("2026-01-05 12:00")
    assert hours(zone="Europe/Berlin").open_at(noon)
    assert not hours(zone="Asia/Vladivostok").open_at(noon)
    assert hours([Span(0, 17 * 60 + 45, 17 * 60 + 46)], "Asia/Kathmandu").open_at(noon)


# Holidays


def test_a_holiday_is_a_date_on_the_wall_from_midnight_to_midnight() -> None:
    office = hours(ALWAYS, "Asia/Tokyo", frozenset({(2026, 5, 5)}))
    begin = utc("2026-05-04 15:00")  # nine hours ahead of UTC
    assert office.open_at(begin - 1)
    assert not office.open_at(begin)
    assert not office.open_at(begin + 86_400 * SECOND - 1)
    assert office.open_at(begin + 86_400 * SECOND)


def test_a_holiday_without_a_year_comes_every_year_and_one_with_a_year_once() -> None:
    office = hours(ALWAYS, "Europe/Berlin", frozenset({(None, 12, 25), (2026, 4, 3), (None, 2, 29)}))
    closed = ["2025-12-25", "2026-12-25", "2026-04-03", "2024-02-29"]
    assert [office.open_at(at(f"{day} 12:00")) for day in closed] == [False] * 4
    assert [office.open_at(at(f"{day} 12:00")) for day in ("2027-04-03", "2026-12-26", "2025-03-01")] == [True] * 3


# The nights in which clocks are changed


def test_office_hours_follow_the_wall_through_the_year() -> None:
    office = hours()
    assert office.open_at(utc("2026-01-05 08:00"))
    assert not office.open_at(utc("2026-01-05 08:00") - 1)
    assert office.open_at(utc("2026-07-06 07:00"))
    assert not office.open_at(utc("2026-07-06 07:00") - 1)


def test_half_past_two_that_does_not_come_is_three() -> None:
    """On 2026-03-29 the clocks of Berlin go from 01:59 to 03:00, at 01:00 UTC."""
    night = hours(NIGHT)
    assert not night.open_at(utc("2026-03-29 01:00") - 1)
    assert night.open_at(utc("2026-03-29 01:00"))
    assert open_minutes(night, "2026-03-28 12:00", "2026-03-29 12:00") == 120


def test_an_hour_that_does_not_come_is_not_worked() -> None:
    skipped = hours([Span(SUNDAY, 120, 180)])
    assert open_minutes(skipped, "2026-03-28 12:00", "2026-03-29 12:00") == 0
    assert open_minutes(skipped, "2026-04-04 12:00", "2026-04-05 12:00") == 60


def test_half_past_two_that_comes_twice_is_worked_twice() -> None:
    """On 2026-10-25 the clocks of Berlin go from 02:59 back to 02:00, at 01:00 UTC."""
    night = hours(NIGHT)
    shown = "2026-10-25 02:30"
    assert at(shown, fold=1) - at(shown) == 3600 * SECOND
    for fold in (0, 1):
        assert not night.open_at(at(shown, fold=fold) - 1)
        assert night.open_at(at(shown, fold=fold))
    assert not night.open_at(utc("2026-10-25 01:00"))  # 02:00 again
    assert open_minutes(night, "2026-10-24 12:00", "2026-10-25 12:00") == 180


def test_clocks_that_are_changed_by_half_an_hour() -> None:
    """Lord Howe, 2026-04-05: from 01:59 back to 01:30, in the middle of an hour of UTC."""
    early = hours([Span(SUNDAY, 90, 120)], "Australia/Lord_Howe")
    assert open_minutes(early, "2026-04-04 12:00", "2026-04-05 12:00") == 60
    assert open_minutes(early, "2026-04-11 12:00", "2026-04-12 12:00") == 30


def test_a_date_that_a_country_left_out() -> None:
    """Samoa went from Thursday, 2011-12-29, to Saturday."""
    friday = hours([Span(4, 0, 1440)], "Pacific/Apia")
    assert open_minutes(friday, "2011-12-28 00:00", "2012-01-03 00:00") == 0
    assert open_minutes(friday, "2012-01-03 00:00", "2012-01-10 00:00") == 1440


def by_the_book(spans: list[Span], zone: str, holidays: frozenset[tuple[int | None, int, int]], moment: int) -> bool:
    there = datetime.fromtimestamp(moment // SECOND, ZoneInfo(zone))
    if holidays & {(None, there.month, there.day), (there.year, there.month, there.day)}:
        return False
    minute = there.hour * 60 + there.minute
    return any(span.weekday == there.weekday() and span.start <= minute < span.end for span in spans)


SPANS = st.builds(
    lambda weekday, ends: Span(weekday, min(ends), max(ends)),
    st.integers(0, 6),
    st.lists(st.integers(0, 1440), min_size=2, max_size=2, unique=True),
)
HOLIDAYS = st.builds(lambda year, day: (year, day.month, day.day), st.sampled_from([None, 2026]), st.dates())


@examples(300)
@given(
    st.lists(SPANS, max_size=20),
    st.sampled_from(sorted(available_timezones())),
    st.frozensets(HOLIDAYS, max_size=50),
    st.lists(st.integers(0, 4_102_444_800 * SECOND), min_size=1, max_size=20),
)
def test_what_is_remembered_changes_no_answer(
    spans: list[Span], zone: str, holidays: frozenset[tuple[int | None, int, int]], moments: list[int]
) -> None:
    office = hours(spans, zone, holidays)
    expected = [by_the_book(spans, zone, holidays, moment) for moment in moments]
    assert [office.open_at(moment) for moment in moments] == expected
    assert [office.open_at(moment) for moment in moments] == expected


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Africa/Monrovia"])
def test_every_quarter_of_an_hour_of_two_years_is_as_in_the_book(zone: str) -> None:
    """1972, with Monrovia's change of 44 minutes and 30 seconds, and 2026."""
    office = hours(NIGHT + OFFICE, zone)
    for year in (1972, 2026):
        begin = utc(f"{year}-01-01 00:00")
        for moment in range(begin, begin + 366 * 86_400 * SECOND, 900 * SECOND):
            assert office.open_at(moment) == by_the_book(NIGHT + OFFICE, zone, frozenset(), moment)


@pytest.mark.parametrize("moment", [-(1 << 70), -1, 0, LAST, 1 << 64, 1 << 90])
@for_each("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "UTC"])
def test_times_that_no_calendar_has_are_no_trouble(moment: int, zone: str) -> None:
    assert hours(ALWAYS, zone).open_at(moment)


def test_an_answer_costs_less_than_a_microsecond_and_little_memory() -> None:
    office = hours()
    begin = utc("2026-01-01 00:00")
    moments = [begin + second * SECOND for second in range(0, 90 * 86_400, 777)]

    def ask() -> None:
        for moment in moments:
            office.open_at(moment)

    best = min(repeat(ask, number=1, repeat=20)) / len(moments)
    assert best < 1e-6 * 5  # of a machine that is busy with other tests; alone it takes a fifth of that
    for year in range(1970, 2100):
        for day in range(1, 366, 2):
            office.open_at(begin + (year * 366 + day) * 86_400 * SECOND)
    assert 0 < len(office._offsets) <= 4096
    assert 0 < len(office._days) <= 4096


# Whose hours


def test_hours_for_nobody_in_particular_concern_every_call() -> None:
    assert hours().concerns("acme", "phones", "100")
    assert hours().concerns("other", "other", "")


def test_hours_of_a_peer_concern_its_calls_in_both_directions() -> None:
    office = hours(peers={"acme"})
    assert office.concerns("acme", "phones", "100")
    assert office.concerns("phones", "acme", "100")
    assert not office.concerns("phones", "other", "100")


@pytest.mark.parametrize(
    "dialled", ["+49301234567", "0049 30 1234567", "030/1234567", "4930 1234567", "tel:+49301234567"]
)
def test_hours_of_a_number_concern_all_its_spellings(dialled: str) -> None:
    assert hours(numbers={"+49 30 1234567", "100"}, region="DE").concerns("acme", "phones", dialled)
    assert hours(numbers={"+49 30 1234567", "100"}).concerns("acme", "phones", dialled)


@pytest.mark.parametrize("dialled", ["+49301234568", "+43301234567", "10", "0100", "", "x" * 60_000])
def test_hours_of_a_number_concern_no_other(dialled: str) -> None:
    assert not hours(numbers={"+49 30 1234567", "100"}, region="DE").concerns("acme", "phones", dialled)


def test_hours_of_a_number_on_a_peer_want_both() -> None:
    office = hours(numbers={"100"}, peers={"acme"})
    assert office.concerns("acme", "phones", "100")
    assert not office.concerns("acme", "phones", "101")
    assert not office.concerns("phones", "other", "100")


def test_a_number_goes_before_a_peer_before_everything_in_whatever_order() -> None:
    noon = at("2026-01-05 12:00")
    everything, peer, number = hours([]), hours(ALWAYS, peers={"acme"}), hours([], numbers={"100"})
    for order in ([everything, peer, number], [number, peer, everything]):
        assert outside_hours(order, "acme", "phones", "100", noon)
        assert not outside_hours(order, "acme", "phones", "101", noon)
        assert outside_hours(order, "phones", "other", "101", noon)
    both = hours(ALWAYS, numbers={"100"}, peers={"acme"})
    assert not outside_hours([everything, peer, number, both], "acme", "phones", "100", noon)


def test_of_equals_the_first_decides() -> None:
    noon = at("2026-01-05 12:00")
    assert outside_hours([hours([]), hours(ALWAYS)], "a", "b", "1", noon)
    assert not outside_hours([hours(ALWAYS), hours([])], "a", "b", "1", noon)


def test_a_call_that_no_hours_concern_is_never_outside() -> None:
    evening = at("2026-01-05 20:00")
    assert not outside_hours([], "acme", "phones", "100", evening)
    assert not outside_hours([hours([], peers={"acme"})], "phones", "other", "100", evening)
    assert outside_hours([hours(peers={"acme"})], "acme", "phones", "100", evening)


# What is refused


@pytest.mark.parametrize(
    "zone", ["", "Mars/Olympus", "Europe", "/etc/passwd", "../../etc/passwd", "a\0b", "x" * 70_000]
)
def test_an_unknown_zone_is_named(zone: str) -> None:
    with pytest.raises(ValueError, match=r"unknown time zone .*Europe/Berlin") as raised:
        hours(zone=zone)
    assert len(str(raised.value)) < 200
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "span", [Span(0, FIVE, NINE), Span(0, 60, 60), Span(7, 0, 60), Span(0, -1, 60), Span(0, 0, 1441)]
)
def test_a_span_that_is_none_is_named(span: Span) -> None:
    with pytest.raises(ValueError, match=f"{span.start} to {span.end} of weekday {span.weekday}"):
        hours([span])


def test_the_book_itself_knows_the_change() -> None:
    """The oracle of these tests is right about what they are about."""
    assert date(2026, 3, 29).weekday() == SUNDAY == date(2026, 10, 25).weekday()
    assert not by_the_book(NIGHT, "Europe/Berlin", frozenset(), utc("2026-03-29 00:59"))
    assert by_the_book(NIGHT, "Europe/Berlin", frozenset(), utc("2026-03-29 01:00"))
