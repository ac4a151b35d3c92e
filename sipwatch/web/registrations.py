"""``/registrations``: who is registered, who is not, since when and why; the worst first. As CSV and JSON as well.

Must not know: how attempts are counted, how a template is filled in.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlencode

from sipwatch.export.compare import LEAST
from sipwatch.export.moments import Moment
from sipwatch.export.registrations import EXPIRED, FAILED_TO_REGISTER, RegistrationRecord, RegistrationState
from sipwatch.export.writers import write_json, write_rows
from sipwatch.report.agents import share_words
from sipwatch.report.plain import duration
from sipwatch.store.registered import RegistrationsWanted
from sipwatch.store.registrations import registration_record, state_of
from sipwatch.track.events import RegistrationOutcome
from sipwatch.web.agents import file_of, period_form
from sipwatch.web.frame import Chapter
from sipwatch.web.moves import move_words
from sipwatch.web.period import KEYS, NamedPeriod, period_of
from sipwatch.web.registerfigures import ACCEPTED, NO_REGISTRATIONS, find_registrations
from sipwatch.web.registrants import guess_cells, guesses_apart, registration_cells

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from sipwatch.web.period import Period
    from sipwatch.web.registerfigures import FoundRegistrations, RegisterFigures
    from sipwatch.web.site import Website

SECTION: Final = Chapter(
    "Registrations", "registrations", "Who is registered, who is not, since when and why; the worst first."
)
MAX_SHOWN: Final = 300  # devices of a page; the files have all
_MAX_TEXT: Final = 60
FAILURES: Final = {
    RegistrationOutcome.AUTH_FAILED.value: "Challenged in vain",
    RegistrationOutcome.REFUSED.value: "Refused",
    RegistrationOutcome.NOT_RESPONDING.value: "Not answered",
}
_MOVED: Final = {ACCEPTED: ACCEPTED, **{word: name.lower() for word, name in FAILURES.items()}}


class BetweenCells(NamedTuple):
    """Attempts from one peer to another as they are shown."""

    ends: str
    attempts: str
    share: float | None
    share_words: str
    failures: list[str]
    expired: str
    delay: str
    moved: list[str]


def routes(site: Website) -> list[Route]:
    """Return the routes of the page and of its files."""

    async def page(request: Request) -> Response:
        given = request.query_params
        period, wanted = _asked(site, given)
        found = await _found(site, period, wanted)
        return site.frame.page(request, "registrations.html", "Registrations", **_on_page(found, period, wanted))

    async def csv(request: Request) -> Response:
        records = await _records(site, request)
        return file_of(
            "registrations.csv", lambda out: write_rows(out, RegistrationRecord, records), "text/csv; charset=utf-8"
        )

    async def json(request: Request) -> Response:
        records = await _records(site, request)
        return file_of("registrations.json", lambda out: write_json(out, records), "application/json")

    paths = {"/registrations": page, "/registrations.csv": csv, "/registrations.json": json}
    return [site.route(path, answer, (*KEYS, "number", "peer")) for path, answer in paths.items()]


def registrations_path(number: str, day: str) -> str:
    """Return where it stands whether a number was registered on a day, from the root on."""
    return "registrations?" + urlencode({"from": day, "to": day, "zone": "UTC", "number": number})


def wanted_in(given: Mapping[str, str], period: Period, region: str | None) -> RegistrationsWanted:
    """Return which registrations an address asks for."""
    who, peer = (given.get(key, "").strip() for key in ("number", "peer"))
    return RegistrationsWanted(period.since, period.until, who, region, peer)


def between_cells(one: RegisterFigures) -> BetweenCells:
    """Return the row of two peers."""
    counts = one.now
    return BetweenCells(
        f"{one.source} → {one.destination}",
        f"{counts.attempts:,}",
        counts.share,
        share_words(counts.share),
        [f"{counts.count(outcome):,}" for outcome in FAILED_TO_REGISTER],
        f"{counts.count(EXPIRED):,}",
        "-" if counts.delay_seconds is None else duration(counts.delay_seconds),
        move_words(one.moved, counts.judged, one.before.judged, _MOVED),
    )


def _asked(site: Website, given: Mapping[str, str]) -> tuple[Period, RegistrationsWanted]:
    period = period_of(given, site.now(), site.zone)
    return period, wanted_in(given, period, site.region)


def _week(period: Period, kept: Mapping[str, str]) -> str:
    zone = {"zone": period.given["zone"]} if "zone" in period.given else {}
    asked = {"period": NamedPeriod.WEEK.value, **zone, **kept}
    return "?" + urlencode({key: value for key, value in asked.items() if value})


async def _records(site: Website, request: Request) -> list[RegistrationRecord]:
    found = await _found(site, *_asked(site, request.query_params))
    return [registration_record(row) for row in found.devices]


async def _found(site: Website, period: Period, wanted: RegistrationsWanted) -> FoundRegistrations:
    return await site.ask_or(lambda reader: find_registrations(reader, period, wanted), NO_REGISTRATIONS)


def _on_page(found: FoundRegistrations, period: Period, wanted: RegistrationsWanted) -> dict[str, Any]:
    kept = {"number": wanted.who, "peer": wanted.peer}
    states = Counter([state_of(row) for row in found.devices])
    devices, guessed = (found.devices, []) if wanted.who else guesses_apart(found.devices)
    shown = devices[:MAX_SHOWN]
    failing = sum([row.streak > 0 for row in shown])
    rows = [registration_cells(registration_record(row), period) for row in shown]
    rows[failing:failing] = [guess_cells(some, period) for some in guessed[:MAX_SHOWN]]
    return {
        "form": period_form(period, "registrations", kept),
        "kept": {key: value for key, value in kept.items() if value},
        "asked": kept,
        "shown_number": wanted.who if len(wanted.who) <= _MAX_TEXT else wanted.who[: _MAX_TEXT - 1] + "…",
        "given": dict(period.given),
        "peers": found.peers,
        "devices": len(found.devices),
        "failing": states[RegistrationState.FAILING],
        "gone": states[RegistrationState.RAN_OUT],
        "rows": rows,
        "more_rows": len(devices) + len(guessed) - len(rows),
        "between": [between_cells(one) for one in found.between],
        "heads": [FAILURES[outcome] for outcome in FAILED_TO_REGISTER],
        "before": period.before_words,
        "least": LEAST,
        "files": period.query(**kept),
        "everybody": period.query(),
        "week": "" if period.span in (None, NamedPeriod.WEEK, NamedPeriod.MONTH) else _week(period, kept),
        "span": None if found.span is None else tuple(Moment(at) for at in found.span),
    }
