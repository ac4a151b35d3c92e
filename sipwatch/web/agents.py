"""``/agents``: how everybody took the calls that were offered, by period, day or hour; as CSV and JSON as well.

Must not know: how calls are counted, how a template is filled in.
"""

from __future__ import annotations

import io
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, urlencode

from starlette.responses import Response

from sipwatch.classify.offers import Offered
from sipwatch.classify.outcomes import Outcome
from sipwatch.export.agents import AgentRecord, together
from sipwatch.export.intervals import By
from sipwatch.export.moments import timestamp
from sipwatch.export.writers import write_json, write_rows
from sipwatch.knowledge.entries import IN_A_ROW, LEFT_TO_AGENT, OFFERED
from sipwatch.report.agents import (
    AGENTS_LEGEND,
    FAIR_SHARE_HEAD,
    IDLE_LEGEND,
    NO_DEVICES,
    SHARE_HEAD,
    answer_words,
    busy_words,
    remark_words,
    share_words,
)
from sipwatch.web.agentfigures import agents_in
from sipwatch.web.asked import AskedError, as_given
from sipwatch.web.downloads import attached
from sipwatch.web.frame import Chapter
from sipwatch.web.period import KEYS, PERIOD_NAMES, period_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.requests import Request
    from starlette.routing import Route

    from sipwatch.export.moments import Moment
    from sipwatch.store.reader import StoreReader
    from sipwatch.web.period import Period
    from sipwatch.web.site import Website

SECTION: Final = Chapter(
    "Agents",
    "agents",
    "How every agent took the calls that were offered, and of these the ones that were left to the agent.",
)
ROWS_LEGEND: Final = (
    "Rows are added up here as calls end: where calls of one agent overlap, a report, which has them in the order in"
    " which they were refused, may count a call or two more or less."
)
MAX_SHOWN: Final = 1000  # rows of a page; the files have all
BY_NAMES: Final = {By.ALL: "Whole period", By.DAY: "Days", By.HOUR: "Hours"}


# What the page's words are explained by, in the order of its columns.
GLOSSARY: Final = (
    (OFFERED, "offered"),
    (Offered.TAKEN.value, "took"),
    (Outcome.BUSY.value, "busy"),
    (Offered.IDLE_BUSY.value, "busy while idle"),
    (Outcome.DECLINED.value, "declined"),
    (Offered.RANG_OUT.value, "rang out"),
    (Offered.NOT_ALERTED.value, "not alerted"),
    (Offered.GAVE_UP.value, "caller gave up first"),
    (Offered.ELSEWHERE.value, "another took it"),
    (Offered.OTHER.value, "other"),
    (LEFT_TO_AGENT, "left to the agent"),
    (IN_A_ROW, "not taken in a row"),
)


class AgentColumn(NamedTuple):
    """A column: its word in addresses, its head, what it is sorted by, whether large figures come first."""

    word: str
    head: str
    key: Callable[[AgentRecord], Any]
    falling: bool = True


_NAME: Final = AgentColumn("agent", "Agent", lambda one: (one.name is None, one.name or "", one.device), falling=False)
_OTHER: Final = AgentColumn("other", "Other", lambda one: one.other)
_COLUMNS: Final = (
    _NAME,
    AgentColumn("offered", "Offered", lambda one: one.offered),
    AgentColumn("took", "Took", lambda one: one.taken),
    AgentColumn("busy", "Busy", lambda one: (one.busy, one.idle_busy)),
    AgentColumn("declined", "Declined", lambda one: one.declined),
    AgentColumn("rang-out", "Rang out", lambda one: one.rang_out),
    AgentColumn("not-alerted", "Not alerted", lambda one: one.not_alerted),
    AgentColumn("gave-up", "Caller gave up first", lambda one: one.gave_up),
    AgentColumn("elsewhere", "Another took it", lambda one: one.elsewhere),
    _OTHER,
    AgentColumn("share", SHARE_HEAD, lambda one: -1 if one.share is None else one.share),
    AgentColumn("fair-share", FAIR_SHARE_HEAD, lambda one: -1 if one.fair_share is None else one.fair_share),
    AgentColumn("answer", "Answer after", lambda one: one.answer_seconds / one.answers if one.answers else -1),
    AgentColumn("row", "In a row, now / most", lambda one: (one.longest, one.streak)),
)
_BY_WORD: Final = {column.word: column for column in _COLUMNS}


class AgentCells(NamedTuple):
    """A row as it is shown; ``path`` leads to the agent's page, "" where it is a sum."""

    name: str
    number: str
    path: str
    counts: list[str]
    share: float | None
    fair_share: float | None
    shares: tuple[str, str]
    answer: str
    row: str
    remarks: str


class _Part(NamedTuple):
    """The agents of one group in one interval, and their sum."""

    title: str
    rows: list[AgentCells]
    whole: AgentCells | None


class _Found(NamedTuple):
    records: list[AgentRecord]
    left_out: int
    span: tuple[Moment, Moment] | None = None
    is_ever: bool = False  # whether a call was offered to any agent, at whatever time


def routes(site: Website) -> list[Route]:
    """Return the routes of the page and of its files."""

    async def page(request: Request) -> Response:
        period, by = _asked(site, request)
        column = _sorted_by(request.query_params)
        found = await _found(site, period, by)
        return site.frame.page(request, "agents.html", "Agents", **_on_page(found, period, by, column))

    async def csv(request: Request) -> Response:
        period, by = _asked(site, request)
        found = await _found(site, period, by)
        span = {"from": timestamp(period.since), "to": timestamp(period.until), "zone": period.zone.key}
        return file_of(
            "agents.csv", lambda out: write_rows(out, AgentRecord, found.records, span), "text/csv; charset=utf-8"
        )

    async def json(request: Request) -> Response:
        period, by = _asked(site, request)
        found = await _found(site, period, by)
        return file_of("agents.json", lambda out: write_json(out, found.records), "application/json")

    paths = {"/agents": page, "/agents.csv": csv, "/agents.json": json}
    return [site.route(path, answer, (*KEYS, "by", "sort")) for path, answer in paths.items()]


def file_of(name: str, write: Callable[[io.BytesIO], object], media_type: str) -> Response:
    """Return an answer that is a file, as it is written."""
    out = io.BytesIO()
    write(out)
    return Response(out.getvalue(), headers=attached(name), media_type=media_type)


def agent_path(number: str) -> str:
    """Return where an agent's page is, from the root on."""
    return f"agents/{quote(number, safe='')}"


def by_of(given: Mapping[str, str]) -> By:
    """Return by what an address wants figures told apart. Raises AskedError."""
    text = given.get("by", "").strip() or By.ALL.value
    if text not in list(By):
        raise AskedError("by", f"Figures are by {', '.join(By)}, not by {as_given(text)}.")
    return By(text)


def period_form(period: Period, path: str, more: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return what the choice of a time shows; ``path`` is the page's, ``more`` what stays as it is."""
    given = {key: period.given.get(key, "") for key in ("from", "to", "zone")}
    kept = {key: value for key, value in {"zone": given["zone"], **(more or {})}.items() if value}
    quick = [
        (name, span is period.span, "?" + urlencode({"period": span.value, **kept}))
        for span, name in PERIOD_NAMES.items()
    ]
    return {
        "at": path,
        "quick": quick,
        "given": given,
        "is_given": any(given.values()),
        "zone": period.zone.key,
        "words": period.words,
    }


def columns_of(*, besides: bool) -> list[AgentColumn]:
    """Return the columns; ``besides`` says that other things than the usual stand in one as well."""
    return [one for one in _COLUMNS if besides or one is not _OTHER]


def _asked(site: Website, request: Request) -> tuple[Period, By]:
    given = request.query_params
    return period_of(given, site.now(), site.zone), by_of(given)


async def _found(site: Website, period: Period, by: By) -> _Found:
    def question(reader: StoreReader) -> _Found:
        found = _Found(*agents_in(reader, period, by, site.roster))
        if found.records:
            return found
        is_ever = next(reader.agents(by_day=True), None) is not None
        return found._replace(span=reader.span(), is_ever=is_ever)

    return await site.ask_or(question, _Found([], 0))


def _sorted_by(given: Mapping[str, str]) -> AgentColumn | None:
    text = given.get("sort", "").strip()
    if text and text not in _BY_WORD:
        raise AskedError("sort", f"There is no column {as_given(text)}; there are {', '.join(_BY_WORD)}.")
    return _BY_WORD.get(text)


def _on_page(found: _Found, period: Period, by: By, column: AgentColumn | None) -> dict[str, Any]:
    records = found.records
    besides = any(record.other for record in records)
    kept = {"by": "" if by is By.ALL else by.value, "sort": "" if column is None else column.word}
    return {
        "form": period_form(period, "agents", kept),
        "by": [
            (name, one is by, period.query(**{**kept, "by": "" if one is By.ALL else one.value}))
            for one, name in BY_NAMES.items()
        ],
        "hidden": {key: value for key, value in kept.items() if value},
        "sort": kept["sort"],
        "parts": _parts(records[:MAX_SHOWN], period, column, besides=besides),
        "columns": [(one, period.query(**{**kept, "sort": one.word})) for one in columns_of(besides=besides)],
        "legend": [AGENTS_LEGEND, ROWS_LEGEND, *([IDLE_LEGEND] if any(record.idle_busy for record in records) else [])],
        "glossary": GLOSSARY,
        "files": period.query(by=kept["by"]),
        "more_rows": max(0, len(records) - MAX_SHOWN),
        "left_out": found.left_out,
        "agents": len({record.device for record in records}),
        "offers": sum(record.offered for record in records),
        "why_none": "" if found.is_ever else NO_DEVICES,
        "span": found.span,
    }


def _parts(records: Sequence[AgentRecord], period: Period, column: AgentColumn | None, *, besides: bool) -> list[_Part]:
    parts = []
    has_groups = any(record.group for record in records)
    for (interval, group), some in groupby(records, key=lambda record: (record.interval, record.group)):
        rows = list(some)
        if column is not None:
            rows.sort(key=column.key, reverse=column.falling)
        title = ", ".join(part for part in (interval, group or ("Without a group" if has_groups else "")) if part)
        whole = cells(together(rows), besides=besides) if len(rows) > 1 else None
        parts.append(_Part(title, [row_of(one, period, besides=besides) for one in rows], whole))
    return parts


def row_of(record: AgentRecord, period: Period, *, besides: bool) -> AgentCells:
    """Return an agent's row; ``besides`` says that other things than the usual stand in a column as well."""
    return cells(record, besides=besides)._replace(
        name=record.name or "",
        number=record.device,
        path=agent_path(record.device) + period.query(),
        row=f"{record.streak:,} / {record.longest:,}",
        remarks=remark_words(record.longest, record.idle_busy),
    )


def cells(one: AgentRecord, *, besides: bool) -> AgentCells:
    """Return the figures of a row, in the order of the columns."""
    counts = (one.offered, one.taken, one.busy, one.declined, one.rang_out, one.not_alerted, one.gave_up, one.elsewhere)
    written = [f"{count:,}" for count in (*counts, *((one.other,) if besides else ()))]
    written[2] = busy_words(one)
    shares = (share_words(one.share), share_words(one.fair_share))
    answer = answer_words(one)
    return AgentCells("", "", "", written, one.share, one.fair_share, shares, answer, "", "")
