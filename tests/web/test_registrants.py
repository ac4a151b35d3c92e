"""Devices as the page shows them, and whoever tries many names as one row."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from sipwatch.store.registrations import RegistrationRow, registration_record, row_of_attempt
from sipwatch.web.period import period_of
from sipwatch.web.registrants import MIN_GUESSES, guess_cells, guesses_apart, registration_cells
from tests.store.attempts import attempt
from tests.web.browsing import NOW

if TYPE_CHECKING:
    from sipwatch.web.registrants import RegistrationCells

TODAY = period_of({}, NOW)
SCANNER = {"device": "203.0.113.9", "source": "other", "credentials": False}


def row(*attempts: tuple[float, str], **more: object) -> RegistrationRow:
    return reduce(RegistrationRow.joined, [row_of_attempt(attempt(*one, **more)) for one in attempts])  # type: ignore[arg-type]


def cells(*attempts: tuple[float, str], query: dict[str, str] | None = None, **more: object) -> RegistrationCells:
    return registration_cells(registration_record(row(*attempts, **more)), period_of(query or {}, NOW))


def test_a_device_has_its_ends_its_figures_and_when_it_was_seen() -> None:
    found = cells((0, "refused"), (9, "expired"))
    assert (found.attempts, found.failures, found.expired, found.seen) == ("1", "1", "1", "09:00:09")
    assert (found.device, found.registrar) == ("phones (192.0.2.80)", "pbx (198.51.100.5)")
    assert cells((0, "refused"), source="other").device == "192.0.2.80"


def test_moments_have_their_day_where_the_period_is_not_that_day() -> None:
    """And are by the clocks that were asked for."""
    assert cells((0, "refused"), query={"period": "week"}).seen == "2026-01-05 09:00:00"
    assert cells((0, "refused"), query={"zone": "Asia/Tokyo"}).seen == "18:00:00"
    assert cells((-86_400, "refused")).seen == "2026-01-04 09:00:00"


def test_what_explains_it_is_the_code_or_that_there_was_none() -> None:
    assert cells((0, "refused")).explained == ("What 403 Forbidden means", "explain/status%20403")
    assert cells((0, "not_responding"), status_code=0).explained == ("What no answer means", "explain/not_responding")
    assert cells((0, "registered"), (3600, "expired")).explained == (
        "What running out means",
        "explain/sipwatch_registrations_expired_total",
    )
    assert cells((0, "registered")).explained is None


def test_a_number_leads_to_its_calls_and_a_name_does_not() -> None:
    leads = cells((0, "refused")).leads
    assert leads is not None
    assert leads[0] == "Calls"
    assert "number=4711" in leads[1]
    assert cells((0, "refused"), aor="sip:alice@x").leads is None


def guesses(number: int, **more: object) -> list[RegistrationRow]:
    return [row((n, "auth_failed"), aor=f"sip:{n}@x", **{**SCANNER, **more}) for n in range(number)]


def test_whoever_tries_many_names_and_registers_none_is_one_row() -> None:
    phone = row((0, "refused"))
    devices, guessed = guesses_apart([phone, *guesses(MIN_GUESSES)])
    assert devices == [phone]
    found = guess_cells(guessed[0], TODAY)
    assert (found.aor, found.attempts, found.failures) == ("10 names", "10", "10")
    assert found.sentences == [
        "Many names were tried from one address, and none was registered: 10 attempts from 09:00:00 to 09:00:09."
    ]
    assert found.leads == ("Look at each", "registrations?number=203.0.113.9")


def test_few_names_or_an_address_behind_which_somebody_is_registered_stay_rows_of_their_own() -> None:
    """An office behind one address has phones that are registered, or were."""
    few = guesses(MIN_GUESSES - 1)
    assert guesses_apart(few) == (few, [])
    office = [*guesses(MIN_GUESSES), row((0, "registered"), **SCANNER)]
    assert guesses_apart(office) == (office, [])
    at_two = [*guesses(6), *guesses(6, registrar="198.51.100.6")]
    assert guesses_apart(at_two) == (at_two, [])
