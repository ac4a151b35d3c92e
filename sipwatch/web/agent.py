"""``/agents/{number}``: one agent's days, hours of the day, last calls, and why calls were not taken and what to do.

Must not know: how calls are counted, how a template is filled in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlencode

from sipwatch.classify.families.device import STREAK_FROM
from sipwatch.classify.findings import Kind
from sipwatch.classify.offers import Offered
from sipwatch.export.intervals import By
from sipwatch.knowledge import load
from sipwatch.report.agents import share_words
from sipwatch.report.bars import BarCounts, Chart, chart
from sipwatch.report.plain import OFFERED_WORDS
from sipwatch.store.wanted import Wanted
from sipwatch.web.agentfigures import NOBODYS, REFUSED, how_taken, one_agent
from sipwatch.web.agents import BY_NAMES, AgentCells, agent_path, cells, columns_of, period_form
from sipwatch.web.explained import explain_path
from sipwatch.web.period import KEYS, period_of
from sipwatch.web.shown import row
from sipwatch.web.stored import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from sipwatch.export.agents import AgentRecord
    from sipwatch.export.record import CallRecord
    from sipwatch.store.reader import Stored, StoreReader
    from sipwatch.web.agentfigures import OneAgent
    from sipwatch.web.period import Period
    from sipwatch.web.site import Website

LAST_CALLS: Final = 10
_MAX_SHOWN: Final = 60
# Ways of not taking a call, in the order in which equal ones are told.
_WAYS: Final = (
    *(Offered.IDLE_BUSY, Offered.BUSY, Offered.DECLINED, Offered.RANG_OUT, Offered.NOT_ALERTED),
    *(Offered.GAVE_UP, Offered.ELSEWHERE, Offered.OTHER),
)
_AS_OUTCOMES: Final = frozenset({Offered.BUSY, Offered.DECLINED})  # by whose names they are known
KINDS: Final = (
    ("took", "took"),
    ("refused", "not taken: busy, declined, rang out, not alerted"),
    ("beside", "held against nobody: the caller gave up first, another took it, other"),
)


class NotTaken(NamedTuple):
    """One way of not taking calls: how often, of how many offers, what it means, what the agent and who else can do."""

    name: str
    is_nobodys: bool
    times: int
    share: str
    path: str
    meaning: str
    agent: str
    admin: str


class _Found(NamedTuple):
    agent: OneAgent
    calls: list[Stored]


def routes(site: Website) -> list[Route]:
    """Return the page's route."""

    async def agent(request: Request) -> Response:
        number = str(request.path_params["number"])
        period = period_of(request.query_params, site.now(), site.zone)

        def question(reader: StoreReader) -> _Found | None:
            found = one_agent(reader, period, number, site.roster, LAST_CALLS)
            return None if found is None else _Found(found, _last_calls(reader, found))

        found = await site.ask_or(question, None)
        entry = site.roster.find(number)
        name = (
            (number if len(number) <= _MAX_SHOWN else number[: _MAX_SHOWN - 1] + "…") if entry is None else entry.name
        )
        values = _nothing() if found is None else _shown(found, period)
        return site.frame.page(
            request,
            "agent.html",
            name,
            form=period_form(period, agent_path(number)),
            period=period.query(),
            **values,
        )

    return [site.route("/agents/{number:path}", agent, KEYS)]


def why_not_taken(record: AgentRecord) -> list[NotTaken]:
    """Return why calls were not taken, the most frequent first, then what is held against nobody.

    Busy while idle stands for itself, and is not counted among the busy once more.
    """
    knowledge = load()
    found = []
    for how in _WAYS:
        count = getattr(record, how) - (record.idle_busy if how is Offered.BUSY else 0)
        if count:
            entry = knowledge.outcome(how) if how in _AS_OUTCOMES else knowledge.offer(how)
            share = share_words(count / record.offered)
            found.append(
                NotTaken(
                    OFFERED_WORDS[how],
                    how in NOBODYS,
                    count,
                    share,
                    explain_path(how),
                    entry.meaning,
                    entry.agent or "",
                    entry.admin,
                )
            )
    return sorted(found, key=lambda one: (one.is_nobodys, -one.times))


def hours_chart(hours: Sequence[AgentRecord | None]) -> Chart:
    """Return how calls were taken by the hour of the day."""
    return chart([_bar(hour, one) for hour, one in enumerate(hours)])


def _bar(hour: int, one: AgentRecord | None) -> BarCounts:
    begin = f"{hour:02d}:00"
    if one is None:
        return BarCounts(f"{hour:02d}", f"{begin}: nothing was offered", ())
    refused = sum(getattr(one, field) for field in REFUSED)
    beside = one.offered - one.taken - refused
    title = (
        f"{begin}: offered {one.offered:,}, took {one.taken:,}, not taken {refused:,}, held against nobody {beside:,}"
    )
    return BarCounts(f"{hour:02d}", title, (("took", one.taken), ("refused", refused), ("beside", beside)))


def _last_calls(reader: StoreReader, found: OneAgent) -> list[Stored]:
    since, until = found.last
    return listed(reader, Wanted(since, until, agent=found.numbers), LAST_CALLS).calls


def _nothing() -> dict[str, Any]:
    return {"agent": None}


def _shown(found: _Found, period: Period) -> dict[str, Any]:
    agent = found.agent
    besides = agent.whole.other > 0
    hours = [(f"{hour:02d}:00", cells(one, besides=besides)) for hour, one in enumerate(agent.hours) if one is not None]
    return {
        "agent": agent.whole,
        "columns": [(column, "") for column in columns_of(besides=besides)],
        "whole": _row(agent.whole, besides=besides),
        "days": [(one.interval, _row(one, besides=besides)) for one in reversed(agent.days)],
        "hours": hours,
        "by_name": BY_NAMES[By.HOUR],
        "picture": hours_chart(agent.hours),
        "kinds": KINDS,
        "reasons": why_not_taken(agent.whole),
        "is_streak": agent.whole.longest >= STREAK_FROM,
        "streak": load().finding(Kind.REFUSAL_STREAK),
        "path": explain_path,
        "calls": [row(one.record, one.kept) for one in found.calls],
        "taken": [_taken_words(one.record, agent.numbers) for one in found.calls],
        "all_calls": [(number, "?" + urlencode({"agent": number, **period.calls})) for number in agent.numbers],
    }


def _taken_words(call: CallRecord, numbers: Sequence[str]) -> str:
    how = how_taken(call, numbers)
    return "" if how is None else OFFERED_WORDS[how]


def _row(record: AgentRecord, *, besides: bool) -> AgentCells:
    return cells(record, besides=besides)._replace(row=f"{record.streak:,} / {record.longest:,}")
