"""``/incidents``: what left its own past, where, since when, who was touched, what is still well, the best examples.

Must not know: how incidents are found, how a template is filled in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlencode

from sipwatch.export.incidents import OUTCOME, is_of_peers, peers_in_list
from sipwatch.packet import MILLISECOND
from sipwatch.report.incidents import (
    example_words,
    incident_name,
    none_words,
    owner_words,
    rise_name,
    rise_words,
    touched_words,
    well_words,
    when_words,
)
from sipwatch.store.troubles import filter_of_rise, nothing_looked_at, wanted_of, yesterday_and_today
from sipwatch.web.agents import period_form
from sipwatch.web.frame import Chapter
from sipwatch.web.peers import peer_path
from sipwatch.web.period import KEYS, period_of
from sipwatch.web.shown import running_clock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from sipwatch.export.incidents import IncidentRecord, Looked, RiseRecord
    from sipwatch.store.reader import StoreReader
    from sipwatch.web.period import Period
    from sipwatch.web.site import Website

SECTION: Final = Chapter("Incidents", "incidents", "What left its own past: since when, where, whom it touches.")
EVERY: Final = 60  # seconds between two looks


class RiseRow(NamedTuple):
    """A share that rose, as it is shown; ``explains`` leads to the knowledge of it."""

    name: str
    explains: str
    words: str
    calls_path: str
    share: float
    usual: float


class IncidentCard(NamedTuple):
    """An incident as it is shown; paths lead on from the root."""

    id: str
    incident_name: str
    when: str
    lasts: str
    lasts_ms: int
    goes_on: bool
    rises: list[RiseRow]
    touched: str
    peer_path: str
    well: str
    examples: list[tuple[str, str]]
    owner: str


class IncidentsShown(NamedTuple):
    """What was looked at, and the time that the page is of: None where it is the usual one."""

    looked: Looked
    period: Period | None


def routes(site: Website) -> list[Route]:
    """Return the page's route."""

    async def incidents(request: Request) -> Response:
        given = request.query_params
        shown = await incidents_in(site, given)
        cards = [
            _card(one, shown.looked.until) for one in shown.looked.incidents if is_of_peers(one, peers_asked_for(given))
        ]
        return site.frame.page(request, "incidents.html", "Incidents", **_on_page(site, shown, cards, given))

    return [site.route("/incidents", incidents, (*KEYS, "peer"))]


async def incidents_in(site: Website, given: Mapping[str, str]) -> IncidentsShown:
    """Return the incidents of the time that an address asks for. Raises AskedError, Busy, StoreError."""
    now = site.now()
    period = period_of(given, now, site.zone) if any(given.get(key, "").strip() for key in KEYS) else None
    usual = yesterday_and_today(now)
    since, until = usual if period is None else (period.since, min(period.until, usual[1]))

    def question(reader: StoreReader) -> Looked:
        return site.troubles.look(reader, since, max(since, until))

    return IncidentsShown(await site.ask_or(question, nothing_looked_at(since, until)), period)


def incident_records(looked: Looked, given: Mapping[str, str]) -> list[IncidentRecord]:
    """Return those of a peer, if an address asks for one."""
    return [one for one in looked.incidents if is_of_peers(one, peers_asked_for(given))]


def lines_of_now(looked: Looked) -> list[tuple[str, str, str]]:
    """Return the incidents that go on: where each is shown from the root on, what it is, since when."""
    return [
        (f"incidents#{one.id}", incident_name(one), when_words(one, looked.until))
        for one in looked.incidents
        if one.until is None
    ]


def peers_asked_for(given: Mapping[str, str]) -> list[str]:
    """Return the peers that an address asks for."""
    return peers_in_list(given.get("peer", ""))


def _card(one: IncidentRecord, until: int) -> IncidentCard:
    lasts = max(0, (one.until or until) - one.since)
    return IncidentCard(
        one.id,
        incident_name(one),
        when_words(one, until),
        running_clock(lasts),
        lasts // MILLISECOND,
        one.until is None,
        [_row(rise, one, until) for rise in one.rises],
        touched_words(one),
        "" if one.peer is None else peer_path(one.peer),
        well_words(one),
        [(example.id, example_words(example)) for example in one.examples],
        owner_words(one),
    )


def _row(rise: RiseRecord, one: IncidentRecord, until: int) -> RiseRow:
    explains = rise.word if rise.what == OUTCOME else f"ending {rise.word}"
    said = rise_words(rise, one, until)
    return RiseRow(rise_name(rise), explains, said, _calls_path(one, rise, until), rise.share, rise.usual)


def _calls_path(one: IncidentRecord, rise: RiseRecord, until: int) -> str:
    """Return where the calls behind what rose are listed."""
    wanted = wanted_of(one, rise, until)
    span = {"since": (wanted.since or 0) // MILLISECOND, "until": -(-(wanted.until or until) // MILLISECOND)}
    return "calls?" + urlencode({**span, "filter": filter_of_rise(one, rise)})


def _on_page(
    site: Website, shown: IncidentsShown, cards: Sequence[IncidentCard], given: Mapping[str, str]
) -> dict[str, Any]:
    looked, period = shown
    peers = peers_asked_for(given)
    peer = given.get("peer", "").strip()
    form = period_form(period or period_of({}, site.now(), site.zone), "incidents", {"peer": peer})
    if period is None:
        form["quick"] = [(name, False, query) for name, _, query in form["quick"]]
        form["words"] = "Yesterday and today until a minute ago"
    return {
        "form": form,
        "every": EVERY,
        "is_live": period is None,
        "peer": peer,
        "peers": peers,
        "going_on": [one for one in cards if one.goes_on],
        "over": [one for one in cards if not one.goes_on],
        "calls": looked.calls,
        "why_none": none_words(looked, peers),
    }
