"""``/api/v1``: calls and sums as JSON, for machines; described by ``/api/v1/openapi.json``.

Must not know: how calls are read, pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import Response
from starlette.routing import Route

from sipwatch.export.escape import json_text
from sipwatch.export.moments import Moment
from sipwatch.export.writers import encode
from sipwatch.store.days import StoreError, TooManyError
from sipwatch.store.ids import UnclearIdError
from sipwatch.store.registrations import registration_record
from sipwatch.store.schema import SUM_KEYS
from sipwatch.web import now, openapi
from sipwatch.web.agentfigures import agents_in
from sipwatch.web.agents import by_of
from sipwatch.web.answers import (
    MAX_SUMS,
    SPANS,
    AgentsAnswer,
    CallsAnswer,
    ErrorAnswer,
    IncidentsAnswer,
    PeersAnswer,
    RegistrationsAnswer,
    SumsAnswer,
    sum_records,
)
from sipwatch.web.asked import AskedError, parameters_of, place_text, whole_number
from sipwatch.web.frame import PRIVATE
from sipwatch.web.incidents import incident_records, incidents_in
from sipwatch.web.peerfigures import peer_shares, peers_in
from sipwatch.web.period import period_of
from sipwatch.web.registerfigures import NO_REGISTRATIONS, find_registrations, register_shares
from sipwatch.web.registrations import wanted_in
from sipwatch.web.stored import Listed, listed
from sipwatch.web.workers import Busy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from starlette.requests import Request

    from sipwatch.export.agents import AgentRecord
    from sipwatch.export.record import CallRecord
    from sipwatch.store.reader import StoreReader
    from sipwatch.web.openapi import Operation
    from sipwatch.web.peerfigures import PeerFigures
    from sipwatch.web.period import Period
    from sipwatch.web.site import Website

ROOT: Final = "/api/v1"


def routes(site: Website) -> list[Route]:
    """Return the routes of the interface."""

    async def calls(request: Request) -> Response:
        given = _parameters(request, openapi.CALLS)
        asked = site.asked_for(given)
        limit = whole_number(given, "limit", 1, openapi.MAX_LIMIT, openapi.DEFAULT_LIMIT)

        def question(reader: StoreReader) -> bytes:
            return encoded(_page(listed(reader, asked.wanted, limit, behind=asked.behind)))

        return _answer(await site.ask_or(question, encoded(CallsAnswer([], None, None))))

    async def call(request: Request) -> Response:
        wanted = str(request.path_params["id"])
        messages = whole_number(_parameters(request, openapi.CALL), "messages", 0, 1, 0)
        found = await _found(site, wanted, with_messages=bool(messages))
        return refused(404, "there is no such call") if found is None else _answer(found)

    async def sums(request: Request) -> Response:
        given = _parameters(request, openapi.SUMS)
        asked = site.asked_for({key: value for key, value in given.items() if key in ("since", "until")})
        by, span = _by(given), _span(given)

        def question(reader: StoreReader) -> bytes:
            found = reader.totals(asked.wanted.since, asked.wanted.until, by=by, span=span, most=MAX_SUMS)
            return encoded(SumsAnswer(sum_records(found, by, span)))

        try:
            return _answer(await site.ask_or(question, encoded(SumsAnswer([]))))
        except TooManyError as error:
            return refused(400, str(error))

    async def described(_: Request) -> Response:
        return _answer(encoded(openapi.description()))

    return [
        _of_now(site),
        _of_incidents(site),
        *_of_people(site),
        _route("/calls", calls),
        _route("/calls/{id:path}", call),
        _route("/sums", sums),
        _route("/openapi.json", described),
    ]


def _of_now(site: Website) -> Route:
    async def present(request: Request) -> Response:
        _parameters(request, openapi.NOW)
        return _answer(encoded((await now.gather(site)).answer))

    return _route("/now", present)


def _of_incidents(site: Website) -> Route:
    async def incidents(request: Request) -> Response:
        given = _parameters(request, openapi.INCIDENTS)
        looked = (await incidents_in(site, given)).looked
        times = (Moment(max(0, looked.past)), Moment(looked.since), Moment(looked.until))
        return _answer(encoded(IncidentsAnswer(*times, looked.calls, incident_records(looked, given))))

    return _route("/incidents", incidents)


def _of_people(site: Website) -> list[Route]:
    async def agents(request: Request) -> Response:
        given = _parameters(request, openapi.AGENTS)
        period, by = period_of(given, site.now(), site.zone), by_of(given)
        nobody: tuple[list[AgentRecord], int] = [], 0
        found, left_out = await site.ask_or(lambda reader: agents_in(reader, period, by, site.roster), nobody)
        return _answer(encoded(AgentsAnswer(*_ends(period), period.zone.key, left_out, found)))

    async def peers(request: Request) -> Response:
        period = period_of(_parameters(request, openapi.PEERS), site.now(), site.zone)
        nobody: list[PeerFigures] = []
        found = await site.ask_or(lambda reader: peers_in(reader, period), nobody)
        return _answer(encoded(PeersAnswer(*_ends(period), period.zone.key, [peer_shares(one) for one in found])))

    async def registered(request: Request) -> Response:
        given = _parameters(request, openapi.REGISTRATIONS)
        period = period_of(given, site.now(), site.zone)
        limit = whole_number(given, "limit", 1, openapi.MAX_LIMIT, openapi.DEFAULT_LIMIT)
        wanted = wanted_in(given, period, site.region)
        found = await site.ask_or(lambda reader: find_registrations(reader, period, wanted), NO_REGISTRATIONS)
        devices = [registration_record(row) for row in found.devices[:limit]]
        between = [register_shares(one) for one in found.between]
        more = len(found.devices) - len(devices)
        return _answer(encoded(RegistrationsAnswer(*_ends(period), period.zone.key, between, devices, more)))

    return [_route("/agents", agents), _route("/peers", peers), _route("/registrations", registered)]


def _ends(period: Period) -> tuple[Moment, Moment]:
    return Moment(period.since), Moment(period.until)


def refused(
    status: int, words: str, parameter: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Return an answer that says why there is none."""
    return _answer(encoded(ErrorAnswer(words, parameter)), status, headers)


def encoded(value: object) -> bytes:
    """Return a value as JSON that is harmless on a terminal."""
    return json_text(encode(value)) + b"\n"


def _answer(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body, status, {**PRIVATE, **(headers or {})}, "application/json")


def _route(path: str, ask: Callable[[Request], Awaitable[Response]]) -> Route:
    async def answer(request: Request) -> Response:
        try:
            return await ask(request)
        except AskedError as error:
            return refused(400, str(error), error.where)
        except UnclearIdError as error:
            return refused(404, str(error), "id")
        except Busy:
            return refused(503, "too much is asked for at once", headers={"Retry-After": "1"})
        except TimeoutError:
            return refused(503, "the capture loop gave no answer in time", headers={"Retry-After": "1"})
        except StoreError as error:
            return refused(503, str(error), headers={"Retry-After": "1"})

    return Route(ROOT + path, answer, methods=["GET"])


def _parameters(request: Request, operation: Operation) -> dict[str, str]:
    """Return what an address asks for. Raises AskedError for what this path does not know, or is said twice."""
    return parameters_of(request.query_params.multi_items(), operation.parameters)


def _page(page: Listed) -> CallsAnswer:
    return CallsAnswer(
        [one.record for one in page.calls],
        None if page.older is None else place_text(page.older),
        None if page.cut_at is None else Moment(page.cut_at.started),
    )


async def _found(site: Website, wanted: str, *, with_messages: bool) -> bytes | None:
    def question(reader: StoreReader) -> bytes | None:
        stored = reader.call(wanted)
        if stored is None:
            return None
        record: CallRecord = reader.with_messages(stored.record) if with_messages else stored.record
        return encoded(record)

    return await site.ask_or(question, None)


def _by(given: Mapping[str, str]) -> Sequence[str]:
    names = [name for name in given.get("by", "outcome").split(",") if name]
    wrong = [name for name in names if name not in SUM_KEYS]
    if wrong:
        raise AskedError("by", f"by takes {', '.join(SUM_KEYS)}, with commas between")
    return list(dict.fromkeys(names))


def _span(given: Mapping[str, str]) -> int:
    each = given.get("each", "all")
    if each not in SPANS:
        raise AskedError("each", f"each is one of {', '.join(SPANS)}")
    return SPANS[each]
