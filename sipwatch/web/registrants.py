"""Devices that registered or tried to, as the page shows them; whoever tries many names is one row.

Must not know: HTTP, the store, templates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlencode

from sipwatch.classify.outcomes import Outcome
from sipwatch.evidence.period import there
from sipwatch.export.registrations import RegistrationState
from sipwatch.packet import DAY, SECOND
from sipwatch.report.listed import end_name
from sipwatch.report.plain import several
from sipwatch.report.registrations import STATE_NAMES, code_words, registration_category, registration_sentences
from sipwatch.store.registrations import registration_record, user_part
from sipwatch.store.rows import digits_turned
from sipwatch.web.explained import explain_path
from sipwatch.web.shown import MARKS, Badge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sipwatch.export.registrations import RegistrationRecord
    from sipwatch.store.registrations import RegistrationRow
    from sipwatch.web.period import Period

MIN_GUESSES: Final = 10  # names that one address tries, none of them with success, are shown together
_EXPIRY: Final = "sipwatch_registrations_expired_total"


class RegistrationCells(NamedTuple):
    """A device as it is shown; ``explained`` and ``leads`` are words and a path, None without."""

    aor: str
    badge: Badge
    sentences: list[str]
    explained: tuple[str, str] | None
    attempts: str
    failures: str
    expired: str
    seen: str
    device: str
    registrar: str
    software: str
    leads: tuple[str, str] | None


def guesses_apart(rows: Sequence[RegistrationRow]) -> tuple[list[RegistrationRow], list[list[RegistrationRow]]]:
    """Return rows without those of addresses that tried many names and registered none, and these by address."""
    tried: dict[tuple[str, str], list[RegistrationRow]] = {}
    for row in rows:
        tried.setdefault((row.device, row.registrar), []).append(row)
    guessed = {
        ends: some
        for ends, some in tried.items()
        if len(some) >= MIN_GUESSES and not any(row.proved or row.succeeded for row in some)
    }
    return [row for row in rows if (row.device, row.registrar) not in guessed], list(guessed.values())


def registration_cells(record: RegistrationRecord, period: Period) -> RegistrationCells:
    """Return a device's row."""
    category, at = registration_category(record), _clock_of(period)
    number = user_part(record.aor)
    seen = max(record.last or 0, record.ran_out or 0)
    return RegistrationCells(
        record.aor,
        Badge(record.state.value, STATE_NAMES[record.state], category.value, MARKS[category]),
        registration_sentences(record, at),
        _explained(record),
        f"{record.attempts:,}",
        f"{record.failures:,}",
        f"{record.expired:,}",
        at(seen),
        _end(record.source, record.device),
        _end(record.destination, record.registrar),
        record.user_agent or "",
        ("Calls", "calls?" + urlencode({"number": number, **period.calls})) if digits_turned(number) else None,
    )


def guess_cells(rows: Sequence[RegistrationRow], period: Period) -> RegistrationCells:
    """Return the row of an address that tried many names; ``leads`` shows each of them."""
    latest = registration_record(max(rows, key=_seen))
    of_latest = registration_cells(latest, period)
    first = _clock_of(period)(min(row.begins for row in rows))
    attempts = sum(row.tried for row in rows)
    told = (
        f"Many names were tried from one address, and none was registered: {several(attempts, 'attempt')}"
        f" from {first} to {of_latest.seen}."
    )
    return of_latest._replace(
        aor=several(len(rows), "name"),
        sentences=[told],
        attempts=f"{attempts:,}",
        failures=f"{sum(row.failures for row in rows):,}",
        leads=("Look at each", f"registrations{period.query(number=latest.device)}"),
    )


def _seen(row: RegistrationRow) -> int:
    return row.seen


def _explained(record: RegistrationRecord) -> tuple[str, str] | None:
    """Return what explains how a device stands: its code, that nobody answered, that what was granted ran out."""
    if record.state is RegistrationState.RAN_OUT:
        return "What running out means", explain_path(_EXPIRY)
    if record.state is not RegistrationState.FAILING:
        return None
    if record.status_code is None:
        return "What no answer means", explain_path(Outcome.NOT_RESPONDING)
    return f"What {code_words(record.status_code)} means", explain_path(f"status {record.status_code}")


def _end(peer: str, address: str) -> str:
    name = end_name(peer, address)
    return address if name == address else f"{name} ({address})"


def _clock_of(period: Period) -> Callable[[int], str]:
    """Return what writes moments by the period's clocks, without the day where the period is that day."""
    day = f"{there(period.since, period.zone):%Y-%m-%d}" if period.until - period.since <= DAY + 3600 * SECOND else ""

    def at(moment: int) -> str:
        local = there(moment, period.zone)
        written = f"{local:%Y-%m-%d}"
        return f"{local:%H:%M:%S}" if written == day else f"{written} {local:%H:%M:%S}"

    return at
