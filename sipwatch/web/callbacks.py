"""``/callbacks``: who called in vain from outside and still waits to be called back, the oldest first.

Must not know: how it is found out who waits, how calls are read, how a template is filled in.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlencode

from starlette.responses import Response

from sipwatch.classify.tags import Tag
from sipwatch.export.choices import marked
from sipwatch.export.waiting import WaitingRecord, waiting_records
from sipwatch.export.writers import write_rows
from sipwatch.packet import HOUR, MILLISECOND, SECOND
from sipwatch.report.plain import duration, several
from sipwatch.report.waiting import tried_since
from sipwatch.store.wanted import HIDDEN, Wanted
from sipwatch.web.asked import asked_for, compiled
from sipwatch.web.attempts import called_back
from sipwatch.web.frame import PRIVATE, Chapter
from sipwatch.web.shown import reached_by, running_clock
from sipwatch.web.stored import listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.routing import Route

    from sipwatch.export.moments import Moment
    from sipwatch.export.record import CallRecord
    from sipwatch.export.waiting import DeskRecord
    from sipwatch.store.reader import StoreReader
    from sipwatch.web.attempts import CallBack
    from sipwatch.web.shown import Reached
    from sipwatch.web.site import Website

SECTION: Final = Chapter("Call backs", "callbacks", "Who called in vain and has not been reached since.")
EVERY: Final = 5  # seconds between two looks
MAX_SHOWN: Final = 500  # callers
MAX_ROWS: Final = 10_000  # missed calls that are looked at
_LOOKED_BACK: Final = 24 * HOUR  # for those who were given up
REACHED: Final = 20  # that were called back last


class GivenUp(NamedTuple):
    """Missed calls whose callers were not reached in time: how many there were, and where they are listed."""

    calls: int
    has_more: bool
    path: str


class Waits(NamedTuple):
    """Who waits ``at`` a moment (ns), the oldest first; who was reached last, who was given up; why nobody waits."""

    at: int
    within: float
    waiting: Sequence[WaitingRecord]
    reached: Sequence[tuple[CallRecord, CallBack | None]]
    given_up: GivenUp
    why_none: str


class _Stored(NamedTuple):
    waiting: list[CallRecord]
    reached: list[tuple[CallRecord, CallBack | None]]
    given_up: list[CallRecord]


class Caller(NamedTuple):
    """Somebody who waits, however often he called; since when as text and as a clock (ms)."""

    number: str
    missed: str
    missed_at: str
    waits: str
    waits_ms: int
    dialled: str
    over: str
    tries: list[str]
    is_overdue: bool
    id: str


def routes(site: Website) -> list[Route]:
    """Return the routes of the page and of its file."""

    async def page(request: Request) -> Response:
        found = await _waits(site, dict(request.query_params))
        callers = _callers(found)
        return site.frame.page(
            request,
            "callbacks.html",
            "Call backs",
            every=EVERY,
            is_live=site.watching is not None,
            since=request.query_params.get("since", ""),
            callers=callers[:MAX_SHOWN],
            more=max(0, len(callers) - MAX_SHOWN),
            calls=several(len(found.waiting), "missed call"),
            reached=[_ticked(*one) for one in found.reached],
            within=duration(found.within),
            given_up=found.given_up,
            why_none=found.why_none,
        )

    async def csv(request: Request) -> Response:
        out = io.BytesIO()
        write_rows(out, WaitingRecord, (await _waits(site, dict(request.query_params))).waiting)
        headers = {**PRIVATE, "Content-Disposition": 'attachment; filename="callbacks.csv"'}
        return Response(out.getvalue(), headers=headers, media_type="text/csv; charset=utf-8; header=present")

    return [site.route("/callbacks", page, ("since",)), site.route("/callbacks.csv", csv, ("since",))]


async def _waits(site: Website, given: Mapping[str, str]) -> Waits:
    """Ask the daemon's desk, if it has one, else the store. Raises what site.ask and asked_for raise."""
    desk = None if site.watching is None else await site.watching.waiting()
    at = site.now() if desk is None else int(desk.at)
    since = asked_for({"since": given.get("since", "")}, at, zone=site.zone).wanted.since
    since = at - site.within if since is None else since

    def question(reader: StoreReader) -> _Stored:
        ticked = _tagged(reader, Tag.CALLED_BACK, REACHED, since)
        return _Stored(
            [] if desk is not None else _tagged(reader, Tag.WAITING_CALLBACK, MAX_ROWS, since),
            [(call, called_back(reader, call, site.region)) for call in ticked],
            _tagged(reader, Tag.WAITING_CALLBACK, MAX_ROWS, since - _LOOKED_BACK, since),
        )

    stored = await site.ask_or(question, _Stored([], [], []))
    if desk is not None:
        within = site.within / SECOND if desk.within_seconds is None else desk.within_seconds
        given_up = _given_up(stored, since, desk.waiting)
        return Waits(at, within, desk.waiting, stored.reached, given_up, _why_none(desk))
    records = waiting_records(stored.waiting, at, site.within)
    return Waits(at, (at - since) / SECOND, records, stored.reached, _given_up(stored, since), "")


def _ticked(call: CallRecord, by: CallBack | None) -> tuple[str, str, Moment, str, Reached | None]:
    return call.caller or "?", call.callee or "?", call.started, call.id, None if by is None else reached_by(by)


def _given_up(stored: _Stored, until: int, waiting: Sequence[WaitingRecord] = ()) -> GivenUp:
    """Count who was given up before; a call that rang for long may have begun then and wait still."""
    still = {one.id for one in waiting}
    span = {"since": (until - _LOOKED_BACK) // MILLISECOND, "until": until // MILLISECOND}
    return GivenUp(
        sum(call.id not in still for call in stored.given_up),
        len(stored.given_up) == MAX_ROWS,
        "calls?" + urlencode({"filter": marked(Tag.WAITING_CALLBACK), **span}),
    )


def _tagged(reader: StoreReader, tag: Tag, most: int, since: int, until: int | None = None) -> list[CallRecord]:
    wanted = Wanted(since=since, until=until, keep=compiled(marked(tag)))
    return [one.record for one in listed(reader, wanted, most).calls]


def _why_none(desk: DeskRecord) -> str:
    if desk.within_seconds is None:
        return (
            "Nobody is looked for: the configuration has no [callback]. Put “[callback]” into it, with “within”, the"
            " time in seconds in which a missed caller should be called back, and reload the daemon."
        )
    if not desk.has_trunk:
        return (
            "No call is known to come from outside: no peer of the configuration is a trunk. Name one, for instance by"
            " what “sipwatch peers FILE” proposes."
        )
    return ""


def _callers(found: Waits) -> list[Caller]:
    """Return each caller once, by the first call that was missed."""
    seen: set[str] = set()
    callers = []
    for one in found.waiting:
        if HIDDEN in one.number or one.number not in seen:
            seen.add(one.number)
            callers.append(_caller(one))
    return callers


def _caller(one: WaitingRecord) -> Caller:
    waited = int(one.waited_seconds * SECOND)
    return Caller(
        one.number or "?",
        one.missed[:19].replace("T", " "),
        one.missed,
        running_clock(waited),
        waited // MILLISECOND,
        one.dialled or "?",
        one.source,
        tried_since(one),
        one.overdue,
        one.id,
    )
