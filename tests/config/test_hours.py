"""[[hours]]: when somebody is there, for whom, and how hours that contradict each other are named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.classify.hours import DAYS, Hours, Span
from sipwatch.config import Config, ConfigError, parse
from tests.config.mistakes import complaint
from tests.each import for_each

PEERS = (
    '[[peer]]\nname = "acme"\nkind = "trunk"\naddresses = ["192.0.2.1"]\n'
    '[[peer]]\nname = "north"\nkind = "trunk"\naddresses = ["192.0.2.2"]\n'
)
FULL = """\
[[hours]]
peers = ["acme"]
numbers = ["15550100", "+4930123456"]
zone = "Europe/Berlin"
open = ["Mon-Fri 09:00-18:00", "Sat 10:00-14:00"]
holidays = ["2026-04-03", "12-25", 2026-01-01, "02-29"]
"""


def configured(*keys: str) -> Config:
    return parse(PEERS + hours(*keys), "x")


def hours(*keys: str, zone: str = "Europe/Berlin") -> str:
    """Write one table of hours: its head, its zone, its other keys."""
    return "[[hours]]\n" + f'zone = "{zone}"\n' + "".join(f"{key}\n" for key in keys)


def test_everything_that_hours_can_say() -> None:
    config = parse(PEERS + FULL, "x")
    (written,) = config.hours
    assert (written.peers, written.numbers, written.zone, written.line) == (
        ["acme"],
        ["15550100", "+4930123456"],
        "Europe/Berlin",
        9,
    )
    assert written.spans == [*(Span(day, 540, 1080) for day in range(5)), Span(5, 600, 840)]
    assert written.holidays == [(None, 2, 29), (None, 12, 25), (2026, 1, 1), (2026, 4, 3)]
    (working,) = config.settings.hours
    assert isinstance(working, Hours)
    assert working.peers == {"acme"}
    assert working.concerns("acme", "other", "+4930123456")
    assert not working.concerns("north", "other", "15550100")
    assert working.open_at(1_767_603_600_000_000_000)  # Monday 2026-01-05, 10:00 in Berlin
    assert not working.open_at(1_767_258_000_000_000_000)  # Thursday 2026-01-01, 10:00: a holiday


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("Fri 22:00-06:00", [(4, 1320, 1440), (5, 0, 360)]),
        ("Sun 20:00 - 24:00", [(6, 1200, 1440)]),
        ("sun 23:00-00:00", [(6, 1380, 1440)]),
        ("Sun 22:00-1:00", [(0, 0, 60), (6, 1320, 1440)]),
        ("Fri-Mon 00:00-24:00", [(day, 0, 1440) for day in (0, 4, 5, 6)]),
        ("Mon, wed,FRI 9:00-12:30", [(day, 540, 750) for day in (0, 2, 4)]),
        ("Mon-Sun 22:00-06:00", [span for day in range(7) for span in ((day, 0, 360), (day, 1320, 1440))]),
    ],
)
def test_days_and_times_as_people_write_them(text: str, spans: list[tuple[int, int, int]]) -> None:
    assert configured(f'open = ["{text}"]').hours[0].spans == [Span(*span) for span in spans]


def test_hours_that_touch_do_not_overlap() -> None:
    assert len(configured('open = ["Mon 09:00-12:00", "Mon 12:00-18:00"]').hours[0].spans) == 2


def test_more_specific_hours_may_stand_beside_others() -> None:
    text = PEERS + "".join(
        hours('open = ["Mon 09:00-18:00"]', key)
        for key in ("", 'peers = ["acme"]', 'peers = ["north"]', 'numbers = ["1555"]', 'peers = ["acme"]\nnumbers = ["1555"]',
                    'peers = ["north"]\nnumbers = ["1555"]', 'peers = ["acme"]\nnumbers = ["1556"]')
    )  # fmt: skip
    assert len(parse(text, "x").settings.hours) == 7


OPEN = 'open = ["Mon 09:00-18:00"]'
# PEERS has 8 lines: the first table of hours begins on line 9, its zone is line 10.
MISTAKES = [
    ("a-misspelt-key", hours(OPEN, "holiday = []"), "line 12: unknown key 'holiday'; did you mean holidays?"),
    ("hours-as-a-table", "[hours]\nopen = 1\n", "expected tables, each headed [[hours]]"),
    ("no-zone", f"[[hours]]\n{OPEN}\n", "line 9: zone is missing"),
    ("no-hours", hours(), "line 9: open is missing"),
    ("an-unknown-zone", hours(OPEN, zone="Europe/Berln"), "line 10: zone = 'Europe/Berln': expected a time zone by its name in the IANA data base, such as \"Europe/Berlin\" (did you mean 'Europe/Berlin'?)"),
    ("a-zone-that-is-a-file", hours(OPEN, zone="../../etc/passwd"), "zone = '../../etc/passwd': expected a time zone"),
    ("the-machines-own-zone", hours(OPEN, zone="localtime"), "zone = 'localtime': expected a time zone"),
    ("a-zone-that-counts-leap-seconds", hours(OPEN, zone="right/Europe/Berlin"), "zone = 'right/Europe/Berlin': expected a time zone"),
    ("a-folder-of-zones", hours(OPEN, zone="America"), "zone = 'America': expected a time zone"),
    ("a-zone-that-is-an-offset", "[[hours]]\nzone = 1\n" + OPEN, "zone = 1: expected a time zone"),
    ("an-unknown-peer", hours(OPEN, 'peers = ["acne"]'), "line 12: peers = 'acne': expected the name of a peer: acme, north (did you mean 'acme'?)"),
    ("no-peers", hours(OPEN, "peers = []"), "line 12: peers = []: expected a list of peers' names"),
    ("a-number-without-quotes", hours(OPEN, "numbers = [15550100]"), 'line 12: numbers = 15550100: expected a text, dialled numbers, such as "15550100"'),
    ("a-number-that-is-a-uri", hours(OPEN, 'numbers = ["sip:1@example.com"]'), "numbers = 'sip:1@example.com': expected a dialled number of up to 32 characters"),
    ("an-endless-number", hours(OPEN, f'numbers = ["{"1" * 33}"]'), "expected a dialled number of up to 32"),
    ("never-open", hours("open = []"), "line 11: open = []: expected a list of hours, such as"),
    ("hours-without-days", hours('open = ["09:00-18:00"]'), "line 11: open = '09:00-18:00': expected days and times, such as"),
    ("an-unknown-day", hours('open = ["Mon-Fry 09:00-18:00"]'), "line 11: open = 'Mon-Fry 09:00-18:00': expected days and times"),
    ("three-days-in-a-row", hours('open = ["Mon-Tue-Wed 09:00-18:00"]'), "expected days and times"),
    ("an-impossible-time", hours('open = ["Mon 09:00-25:00"]'), "open = 'Mon 09:00-25:00': expected times from 00:00 to 24:00, and 25:00 is none"),
    ("an-impossible-minute", hours('open = ["Mon 09:60-18:00"]'), "and 09:60 is none"),
    ("hours-of-no-length", hours('open = ["Mon 09:00-09:00"]'), "expected an end that is not the beginning; the whole day is 00:00-24:00"),
    ("an-end-before-the-beginning", hours('open = ["Mon 10:00-09:00"]'), "line 11: open = 'Mon 10:00-09:00': expected an end after the beginning; hours over midnight begin at noon or later, and end by noon"),
    ("an-evening-before-an-evening", hours('open = ["Mon 18:00-17:00"]'), "expected an end after the beginning"),
    ("hours-twice", hours('open = [\n"Mon-Fri 09:00-18:00",\n"Fri 17:00-20:00"]'), "line 13: open = 'Fri 17:00-20:00': expected hours that are not in 'Mon-Fri 09:00-18:00' as well, as those of Fri are"),
    ("a-night-into-a-morning", hours('open = ["Mon 22:00-06:00", "Tue 05:00-12:00"]'), "expected hours that are not in 'Mon 22:00-06:00' as well, as those of Tue are"),
    ("a-day-twice", hours('open = ["Mon,Mon 09:00-18:00"]'), "expected each day once"),
    ("holidays-as-a-text", hours(OPEN, 'holidays = "12-25"'), "line 12: holidays = '12-25': expected a list of dates"),
    ("an-impossible-date", hours(OPEN, 'holidays = ["2026-02-29"]'), "line 12: holidays = '2026-02-29': expected a date that exists"),
    ("an-impossible-month", hours(OPEN, 'holidays = ["13-01"]'), "holidays = '13-01': expected a date that exists"),
    ("the-year-nought", hours(OPEN, 'holidays = ["0000-01-01"]'), "holidays = '0000-01-01': expected a date that exists"),
    ("no-date-at-all", hours(OPEN, 'holidays = ["Christmas"]'), "holidays = 'Christmas': expected a date, such as"),
    ("a-time-as-a-date", hours(OPEN, "holidays = [2026-01-01T00:00:00]"), "expected a date, such as"),
    ("two-hours-for-one-peer", hours(OPEN, 'peers = ["acme", "north"]') + hours(OPEN, 'peers = ["north"]'), "line 16: peers = 'north': expected one set of hours for each, line 9 has some already"),
    ("two-hours-for-one-number", hours(OPEN, 'numbers = ["+4930123456"]') + hours(OPEN, 'numbers = ["0049 30 123456"]'.replace(" 30 ", "30")), "line 16: numbers = '004930123456': expected one set of hours for each, line 9 has some already"),
    ("two-hours-for-one-number-and-peer", hours(OPEN, 'numbers = ["1555"]', 'peers = ["acme"]') + hours(OPEN, 'peers = ["acme"]', 'numbers = ["1555"]'), "line 18: numbers = '1555': expected one set of hours"),
    ("two-hours-for-everybody", hours(OPEN) + hours(OPEN), "line 12: hours = 'everybody': expected peers or numbers that these are for: line 9 has hours for everybody already"),
]  # fmt: skip


@for_each("text, words", [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES])
def test_a_mistake_is_named_with_line_value_and_what_was_expected(text: str, words: str) -> None:
    assert words in complaint(PEERS + text)


def test_a_peer_is_missed_where_there_is_none() -> None:
    with pytest.raises(ConfigError, match="expected the name of a peer, and there is none"):
        parse(hours(OPEN, 'peers = ["acme"]'), "x")


def test_a_machine_without_time_zones_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sipwatch.config.hours.available_timezones", set)
    with pytest.raises(ConfigError, match="install the system's tzdata"):
        parse(hours(OPEN, zone="Nowhere/Land"), "x")


@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 95), st.integers(0, 96)), min_size=1, max_size=4
    )
)
def test_what_is_accepted_is_open_in_exactly_the_minutes_that_are_written(
    spans: list[tuple[int, int, int, int]],
) -> None:
    """Against brute force over every quarter of an hour of the week."""
    texts: list[str] = []
    minutes: set[int] = set()
    doubtful = False
    for first, last, start, end in spans:
        texts.append(
            f"{DAYS[first]}-{DAYS[last]} {start // 4:02d}:{start % 4 * 15:02d}-{end // 4:02d}:{end % 4 * 15:02d}"
        )
        days = [(first + i) % 7 for i in range((last - first) % 7 + 1)]
        length = (end - start) if end > start else end - start + 96
        doubtful |= start == end or (end < start and (start < 48 or end > 48))
        for day in days:
            quarters = {(day * 96 + start + i) % 672 for i in range(length)}
            doubtful |= bool(quarters & minutes)
            minutes |= quarters
    try:
        found = configured(f"open = {texts}").hours[0].spans
    except ConfigError:
        assert doubtful
        return
    assert not doubtful
    assert {
        (span.weekday * 96 + quarter) for span in found for quarter in range(span.start // 15, span.end // 15)
    } == minutes
