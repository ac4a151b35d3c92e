"""Sentences on registrations: who, since when and why, as far as packets prove it, and no further."""

from __future__ import annotations

import io
from datetime import UTC
from functools import reduce
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sipwatch.classify.outcomes import Category
from sipwatch.report.html.times import ZoneTimes
from sipwatch.report.registrations import (
    print_nobody,
    print_registrations,
    registration_category,
    registration_sentences,
)
from sipwatch.store.registrations import RegistrationRow, registration_record, row_of_attempt
from tests.each import for_each
from tests.export.records import EVIL, at
from tests.store.attempts import attempt

if TYPE_CHECKING:
    from sipwatch.export.registrations import RegistrationRecord


def record(*attempts: tuple[float, str] | tuple[float, str, dict[str, Any]]) -> RegistrationRecord:
    """Return what attempts come to: seconds after nine o'clock, outcome, what else is known."""
    rows = [row_of_attempt(attempt(second, what, **(more[0] if more else {}))) for second, what, *more in attempts]
    return registration_record(reduce(RegistrationRow.joined, rows))


def said(*attempts: Any) -> str:
    return " ".join(registration_sentences(record(*attempts), lambda moment: moment.clock[:8]))


NO_PASSWORD = {"credentials": False}
SAID: list[tuple[list[Any], str]] = [
    (
        [(0, "refused"), (60, "refused"), (120, "refused")],
        ("Refused since 09:00:00: 3 attempts failed in a row, the latest with 403 Forbidden. It was not seen to be"
         " registered on these days."),
    ),
    (
        [(0, "auth_failed")],
        ("Password not accepted at 09:00:00: 1 attempt, challenged again (401 Unauthorized) although credentials were"
         " given. It was not seen to be registered on these days."),
    ),
    (
        [(0, "auth_failed", NO_PASSWORD)],
        ("Challenge not answered at 09:00:00: 1 attempt, challenged with 401 Unauthorized, and nothing that answers it"
         " followed. It was not seen to be registered on these days."),
    ),
    (
        [(0, "registered"), (60, "not_responding"), (120, "not_responding")],
        ("No answer since 09:01:00: 2 attempts failed in a row, the latest without any final response. It was registered"
         " before, at 09:00:00, which was granted until 10:00:00."),
    ),
    (
        [(0, "registered"), (3600, "expired"), (3660, "refused", {"status_code": 699})],
        "Refused at 10:01:00: 1 attempt, with 699. What was granted before ran out at 10:00:00.",
    ),
    ([(0, "removed"), (9, "refused")], "Refused at 09:00:09: 1 attempt, with 403 Forbidden. Before that it signed off at 09:00:00."),
    ([(0, "registered"), (3600, "expired")], "Not registered since 10:00:00: what was granted ran out, and no refresh was seen."),
    ([(0, "registered")], "Registered at 09:00:00, which was granted until 10:00:00."),
    (
        [(0, "refused"), (5, "registered")],
        "Registered at 09:00:05, which was granted until 10:00:05. 1 of 2 attempts failed, the latest at 09:00:00.",
    ),
    ([(0, "registered"), (60, "removed")], "Signed off at 09:01:00."),
    ([(0, "unfinished")], "No attempt was seen to its end."),
]  # fmt: skip


@for_each("attempts, words", SAID)
def test_each_state_is_said_in_a_sentence_or_two(attempts: list[Any], words: str) -> None:
    assert said(*attempts) == words


def test_a_mark_says_what_kind_of_trouble_it_is() -> None:
    found = [
        registration_category(record((0, what))) for what in ("refused", "auth_failed", "not_responding", "registered")
    ]
    assert found == [Category.POLICY, Category.POLICY, Category.TECHNICAL, Category.SUCCESS]


UTC_TIMES = ZoneTimes(UTC, "UTC")
BERLIN_TIMES = ZoneTimes(ZoneInfo("Europe/Berlin"), "Europe/Berlin")


def nobody(asked: tuple[int | None, int | None], span: tuple[int, int] | None) -> str:
    out = io.StringIO()
    print_nobody(out, asked, span, BERLIN_TIMES)
    return " ".join(out.getvalue().split())


def printed(*records: RegistrationRecord, left: int = 0) -> str:
    out = io.StringIO()
    print_registrations(out, records, left, UTC_TIMES)
    return out.getvalue()


def test_the_list_has_who_where_how_often_and_by_what() -> None:
    shown = " ".join(printed(record((0, "refused"), (5, "expired"))).split())
    assert "Fails sip:4711@pbx.example Refused at 2026-01-05 09:00:00: 1 attempt" in shown
    assert "192.0.2.80 (phones) → 198.51.100.5 (pbx); 1 attempt, 1 failed, 1 ran out; Phone/1" in shown


def test_nobody_is_said_with_the_time_asked_for_and_when_any_are_stored() -> None:
    assert nobody((at(60), None), (at(0), at(3600))) == (
        "Nobody like that registered, or tried to, from 2026-01-05 10:01:00. The store has attempts to register from"
        " 2026-01-05 10:00:00 to the hour of 2026-01-05 11:00:00. Times are Europe/Berlin."
    )
    assert nobody((None, at(60)), None).startswith(
        "Nobody like that registered, or tried to, until 2026-01-05 10:01:00. No attempt to register is stored at all:"
    )
    assert nobody((None, None), None).startswith("Nobody like that registered, or tried to, at any time. ")


def test_that_there_are_more_is_said() -> None:
    assert "3 more; --limit shows more" in printed(record((0, "registered")), left=3)


def test_what_strangers_wrote_is_escaped() -> None:
    shown = printed(record((0, "refused", {"aor": EVIL, "user_agent": EVIL})))
    assert "\x1b" not in shown
    assert "\u202e" not in shown
