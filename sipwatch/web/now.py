"""``/now``: what is going on right now, what is stuck and since when, and what the last hour brought.

Must not know: how a daemon looks, how calls are read, how a template is filled in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.export.choices import FAILED_ONES
from sipwatch.export.moments import Moment
from sipwatch.export.naming import name_of_any
from sipwatch.export.present import MAX_PAIRS, MAX_STUCK
from sipwatch.packet import HOUR, MILLISECOND, MINUTE
from sipwatch.report.listed import end_name
from sipwatch.report.plain import CONDITION_WORDS, several
from sipwatch.store.troubles import nothing_looked_at, yesterday_and_today
from sipwatch.store.wanted import Wanted
from sipwatch.web.answers import NowAnswer
from sipwatch.web.asked import asked_for
from sipwatch.web.frame import Chapter
from sipwatch.web.incidents import lines_of_now
from sipwatch.web.lately import by_outcome, lately
from sipwatch.web.shown import badge, row, running_clock
from sipwatch.web.stored import listed

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from sipwatch.export.incidents import Looked
    from sipwatch.export.present import LossRecord, PresentRecord, StuckRecord
    from sipwatch.store.reader import Stored, StoreReader
    from sipwatch.web.site import Website

SECTION: Final = Chapter("Now", "now", "Calls being set up and up, what is stuck, and how the last hour went.")
FAILED: Final = 10  # calls that failed last
EVERY: Final = 5  # seconds between two looks
_ANSWERED: Final = "answered"
_LOST: Final = {
    "packets": ("packet", "not captured: the kernel had no room for them"),
    "evicted": ("entry", "given up, since there was no room for more"),
    "stalls": ("time", "in which the program stood still and packets were lost"),
    "call": ("call", "not stored"),
    "message": ("message", "not stored"),
    "tag": ("tag", "not stored"),
    "answer": ("answer", "not stored"),
    "attempt": ("attempt", "to register not stored"),
    "registration": ("device", "that registered or tried to gave way to others: there is room for so many a day"),
}


class Gathered(NamedTuple):
    """What is shown; ``since`` is when the last whole hour began (ns), ``present`` None where nobody watches."""

    present: PresentRecord | None
    since: int
    answer: NowAnswer
    failed: list[Stored]
    incidents: Looked


class StuckRow(NamedTuple):
    """A hop with which something is wrong, as it stands in the list; spans in ms."""

    what: str
    kind: str
    lasts: str
    lasts_ms: int
    since: Moment
    caller: str
    callee: str
    hop: str
    call_id: str
    id: str


def routes(site: Website) -> list[Route]:
    """Return the page's route."""

    async def now(request: Request) -> Response:
        return _page(site, request, await gather(site))

    return [site.route("/now", now)]


async def gather(site: Website) -> Gathered:
    """Ask the daemon, if there is one, and the store. Raises TimeoutError, Busy, StoreError."""
    present = None if site.watching is None else await site.watching.now()
    at = site.now() if present is None else int(present.at)
    edge = at // MINUTE * MINUTE
    failing = Wanted(keep=asked_for({"outcome": FAILED_ONES}, at).wanted.also)

    def question(reader: StoreReader) -> tuple[dict[str, int], dict[str, int], list[Stored], Looked]:
        last, before = (by_outcome(reader.sums(since, since + HOUR)) for since in (edge - HOUR, edge - 2 * HOUR))
        looked = site.troubles.look(reader, *yesterday_and_today(at))
        return last, before, listed(reader, failing, FAILED).calls, looked

    nothing: tuple[dict[str, int], dict[str, int], list[Stored], Looked] = (
        {},
        {},
        [],
        nothing_looked_at(*yesterday_and_today(at)),
    )
    last, before, failed, looked = await site.ask_or(question, nothing)
    if present is not None:  # an answered call is stored when it has ended
        for counts, up in ((last, present.up_last_hour), (before, present.up_hour_before)):
            if up:
                counts[_ANSWERED] = counts.get(_ANSWERED, 0) + up
    going_on = [one for one in looked.incidents if one.until is None]
    answer = NowAnswer(present, Moment(edge - HOUR), lately(last, before), going_on, [one.record for one in failed])
    return Gathered(present, edge - HOUR, answer, failed, looked)


def _page(site: Website, request: Request, found: Gathered) -> Response:
    present = found.present
    return site.frame.page(
        request,
        "now.html",
        "Now",
        every=EVERY,
        present=present,
        stuck=[] if present is None else [_stuck(one, present.at) for one in present.stuck],
        kinds=[] if present is None else _kinds(present.conditions),
        most={"stuck": MAX_STUCK, "pairs": MAX_PAIRS},
        since=Moment(found.since),
        until=Moment(found.since + HOUR),
        outcomes=[(badge(one.outcome, name_of_any(one.outcome)), one) for one in found.answer.outcomes],
        span=f"since={found.since // MILLISECOND}&until={(found.since + HOUR) // MILLISECOND}",
        failed=[row(one.record, one.kept) for one in found.failed],
        incidents=lines_of_now(found.incidents),
        has_past=found.incidents.has_past,
        lost=[] if present is None else [_lost(one) for one in present.lost],
    )


def _stuck(one: StuckRecord, at: Moment) -> StuckRow:
    lasts = max(0, at - one.since)
    source, destination = end_name(one.source, one.source_address), end_name(one.destination, one.destination_address)
    return StuckRow(
        CONDITION_WORDS[one.kind],
        one.kind,
        running_clock(lasts),
        lasts // MILLISECOND,
        one.since,
        one.caller or "?",
        one.callee or "?",
        f"{source} → {destination}",
        one.call_id,
        one.id,
    )


def _kinds(conditions: dict[str, int]) -> list[tuple[str, str, str]]:
    return [(several(number, "hop"), CONDITION_WORDS[kind], kind) for kind, number in conditions.items()]


def _lost(one: LossRecord) -> str:
    word, how = _LOST[one.what]
    plural = "entries" if word == "entry" else None
    return f"{one.where}: {several(one.number, word, plural)} {how}"
