"""``/calls``: what became of each call, the newest first, by filter, time, number, outcome and peer.

Must not know: how calls are read, how a template is filled in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sipwatch.evidence.period import there
from sipwatch.export.choices import NoSuchPeerError
from sipwatch.export.moments import Moment
from sipwatch.store.endings import ending_hint
from sipwatch.store.peers import need_peers
from sipwatch.store.selected import MAX_CALLS
from sipwatch.web.asked import PLACES, SELECTION, UTC, AskedError, AskedFor, as_sentence, place_text
from sipwatch.web.downloads import MAX_ROWS
from sipwatch.web.frame import Chapter
from sipwatch.web.period import PERIOD_NAMES, NamedPeriod, period_of
from sipwatch.web.shown import CATEGORY_NAMES, MARKS, outcome_choices, row
from sipwatch.web.stored import Listed, listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from sipwatch.store.endings import EndingHint
    from sipwatch.store.reader import StoreReader
    from sipwatch.store.wanted import Wanted
    from sipwatch.web.site import Website

SECTION: Final = Chapter(
    "Calls", "calls", "Each call with its outcome, by time, number, peer or filter; with its packets."
)
PAGE: Final = 50  # calls
_QUICK: Final = (NamedPeriod.TODAY, NamedPeriod.YESTERDAY, NamedPeriod.WEEK)
EXAMPLES: Final = (
    'outcome == "busy" and setup_seconds > 3',
    "status_code == 503",
    '"no_progress" in conditions',
    'ending == "session_expired"',
)


class _Found(NamedTuple):
    """What the store said: a page, the names of peers, when its first and last call began, what would find more."""

    page: Listed
    peers: list[str]
    span: tuple[Moment, Moment] | None
    hint: EndingHint | None = None


def routes(site: Website) -> list[Route]:
    """Return the page's route."""

    async def calls(request: Request) -> Response:
        given = dict(request.query_params)
        try:
            asked = site.asked_for(given)
        except AskedError as error:
            return _wrong(site, request, given, error)
        try:
            return await _right(site, request, asked)
        except NoSuchPeerError as error:
            peers = await site.ask(site.store.peers)
            return _wrong(site, request, {**given, "peer": ""}, AskedError("peer", as_sentence(str(error))), peers)

    return [site.route("/calls", calls, (*SELECTION, *PLACES))]


async def _right(site: Website, request: Request, asked: AskedFor) -> Response:
    def question(reader: StoreReader) -> _Found:
        if asked.given.get("peer"):
            need_peers(reader, [asked.given["peer"]], site.objectives)
        page = listed(reader, asked.wanted, PAGE, behind=asked.behind, before=asked.before)
        is_empty = not page.calls and asked.behind is None and asked.before is None and page.cut_at is None
        hint = ending_hint(reader, asked.wanted) if is_empty else None
        return _Found(page, site.store.peers(reader), reader.span(), hint)

    found = await site.ask_or(question, _Found(Listed([], None, None), [], None))
    page = found.page
    return site.frame.page(
        request,
        "calls.html",
        "Calls",
        **_form(site, asked.given, found.peers, _quick(asked, site)),
        wrong=None,
        rows=[row(one.record, one.kept) for one in page.calls],
        older=None if page.older is None else "calls" + asked.query(behind=place_text(page.older)),
        newer=None if page.newer is None else "calls" + asked.query(before=place_text(page.newer)),
        newest="calls" + asked.query(),
        is_newest=page.newer is None,
        cut_at=None if page.cut_at is None else _moment(page.cut_at.started),
        selection=asked.query(),
        narrows=asked.narrows,
        looked_at=_looked_at(asked.wanted, found.span),
        span=found.span,
        hint=found.hint,
        by_ending="" if found.hint is None else "calls" + asked.query(number=found.hint.ending),
    )


def _wrong(
    site: Website, request: Request, given: dict[str, str], error: AskedError, peers: Sequence[str] = ()
) -> Response:
    form = _form(site, given, [*peers], [])
    return site.frame.page(request, "calls.html", "Calls", status=400, **form, wrong=error, narrows=True)


def _form(
    site: Website, given: Mapping[str, str], peers: list[str], quick: list[tuple[str, bool, str]]
) -> dict[str, Any]:
    """Return what the form shows: as it was given, and what there is to choose from."""
    shown = {key: given.get(key, "") for key in SELECTION}
    if shown["peer"] and shown["peer"] not in peers:
        peers = [*peers, shown["peer"]]
    legend = [(MARKS[category], name, category.value) for category, name in CATEGORY_NAMES.items()]
    return {
        "form": shown,
        "quick": quick,
        "zone": site.zone,
        "outcomes": outcome_choices(),
        "peers": peers,
        "examples": EXAMPLES,
        "legend": legend,
        "most": {"rows": MAX_ROWS, "pcap": MAX_CALLS},
    }


def _quick(asked: AskedFor, site: Website) -> list[tuple[str, bool, str]]:
    """Return the times that are chosen with a click: name, whether it is shown, path. A link that is sent stays so."""
    found = []
    for span in _QUICK:
        period = period_of({"period": span.value}, site.now(), site.zone)
        since, until = (f"{there(at, UTC):%Y-%m-%dT%H:%M}" for at in (period.since, period.until))
        is_it = (asked.wanted.since, asked.wanted.until) == (period.since, period.until)
        found.append((PERIOD_NAMES[span], is_it, "calls" + asked.query(since=since, until=until)))
    return found


def _moment(started: int) -> Moment:
    return Moment(started)


def _looked_at(wanted: Wanted, span: tuple[Moment, Moment] | None) -> str:
    """Say in which calls was looked."""
    if span is None:
        return ""
    since = span[0] if wanted.since is None else max(span[0], _moment(wanted.since))
    until = span[1] if wanted.until is None else min(span[1], _moment(wanted.until))
    if since > until:
        return "in no call: none began in that time"
    return f"in all calls that began from {since.day} {since.clock} to {until.day} {until.clock}"
