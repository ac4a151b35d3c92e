"""``/peers``: what became of the calls to and from each peer, held against the time before.

Must not know: how calls are counted, how a template is filled in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, urlencode

from sipwatch.classify.outcomes import FAILED
from sipwatch.export.compare import LEAST
from sipwatch.packet import SECOND
from sipwatch.report.agents import share_words
from sipwatch.report.plain import duration
from sipwatch.web.agents import period_form
from sipwatch.web.frame import Chapter
from sipwatch.web.moves import move_words
from sipwatch.web.peerfigures import ENDS, peers_in
from sipwatch.web.period import KEYS, period_of
from sipwatch.web.shown import CATEGORY_NAMES, MARKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from sipwatch.export.moments import Moment
    from sipwatch.store.reader import StoreReader
    from sipwatch.web.peerfigures import PeerCounts, PeerFigures
    from sipwatch.web.period import Period
    from sipwatch.web.site import Website

SECTION: Final = Chapter(
    "Peers", "peers", "Each trunk, server and group of phones: answered, failed and why, and what differs from before."
)
END_NAMES: Final = {"destination": "Calls to", "source": "Calls from"}
HEADS: Final = [(category.value, MARKS[category], CATEGORY_NAMES[category].capitalize()) for category in FAILED]
_NAMES: Final = {"answered": "answered", **{word: head.lower() for word, _, head in HEADS}}


class PeerRow(NamedTuple):
    """A peer at one end as it is shown; paths lead on from the root, ``failed`` has a count and a path by category."""

    peer: str
    path: str
    calls: str
    calls_path: str
    answered: float | None
    answered_words: str
    ner: str
    failed: list[tuple[str, str]]
    wait: str
    moved: list[str]


class _FoundPeers(NamedTuple):
    peers: list[PeerFigures]
    span: tuple[Moment, Moment] | None


def routes(site: Website) -> list[Route]:
    """Return the page's route."""

    async def peers(request: Request) -> Response:
        period = period_of(request.query_params, site.now(), site.zone)

        def question(reader: StoreReader) -> _FoundPeers:
            return _FoundPeers(peers_in(reader, period), reader.span())

        found = await site.ask_or(question, _FoundPeers([], None))
        return site.frame.page(request, "peers.html", "Peers", **_on_page(found, period))

    return [site.route("/peers", peers, KEYS)]


def peer_path(name: str) -> str:
    """Return where a peer's page is, from the root on."""
    return f"peers/{quote(name, safe='')}"


def calls_with(period: Period, *conditions: str) -> str:
    """Return where the calls of a time are listed for which all conditions hold, from the root on."""
    return "calls?" + urlencode({**period.calls, "filter": " and ".join(conditions)})


def peer_row(one: PeerFigures, period: Period) -> PeerRow:
    """Return a peer's row."""
    counts, here = one.now, f'{one.end} == "{one.peer}"'
    return PeerRow(
        one.peer,
        peer_path(one.peer) + period.query(),
        f"{counts.calls:,}",
        calls_with(period, here),
        counts.share("answered"),
        share_words(counts.share("answered")),
        share_words(counts.ner),
        [
            (f"{counts.count(category.value):,}", calls_with(period, here, f'category == "{category.value}"'))
            for category in FAILED
        ],
        average_wait(counts),
        moved_words(one),
    )


def average_wait(counts: PeerCounts) -> str:
    """Write how long callers waited on average until there was a final response, or they gave up."""
    return duration(counts.setup_ns / counts.setups / SECOND) if counts.setups else "-"


def moved_words(one: PeerFigures) -> list[str]:
    """Say in words what differs from the time before, or why nothing is said."""
    return move_words(one.moved, one.now.judged, one.before.judged, _NAMES)


def _on_page(found: _FoundPeers, period: Period) -> dict[str, Any]:
    parts = [(END_NAMES[end], _rows(found.peers, end, period)) for end in ENDS]
    return {
        "form": period_form(period, "peers"),
        "parts": [(title, rows) for title, rows in parts if rows],
        "heads": HEADS,
        "before": period.before_words,
        "least": LEAST,
        "span": found.span,
    }


def _rows(peers: Sequence[PeerFigures], end: str, period: Period) -> list[PeerRow]:
    return [peer_row(one, period) for one in peers if one.end == end]
