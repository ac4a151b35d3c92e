"""``/peers/{name}``: one peer's outcomes by hour or day, codes, last failures, and what is left of its objective.

Must not know: how calls are counted, how a template is filled in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sipwatch.classify.outcomes import FAULTS, Category
from sipwatch.export.choices import FAILED_ONES
from sipwatch.export.objectives import PERIOD_DAYS
from sipwatch.knowledge import load
from sipwatch.report.agents import share_words
from sipwatch.report.bars import BarCounts, chart
from sipwatch.store.peers import need_peers
from sipwatch.web.agents import period_form
from sipwatch.web.asked import asked_for
from sipwatch.web.explained import explain_path
from sipwatch.web.peerfigures import one_peer
from sipwatch.web.peers import END_NAMES, HEADS, calls_with, peer_path, peer_row
from sipwatch.web.period import KEYS, period_of
from sipwatch.web.shown import row
from sipwatch.web.stored import listed

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from sipwatch.report.bars import Chart
    from sipwatch.store.reader import Stored, StoreReader
    from sipwatch.web.peerfigures import OnePeer, PeerCounts
    from sipwatch.web.period import Period
    from sipwatch.web.site import Website

LAST_FAILURES: Final = 10
MAX_CODES: Final = 15
_BARRED: Final = (Category.POLICY, Category.ROUTING)
OUTCOME_KINDS: Final = (
    ("took", "answered"),
    ("beside", "up to a person, as planned, not known"),
    ("refused", "not allowed, number or way not found"),
    ("fault", "faults: technical, no capacity"),
)


class CodeRow(NamedTuple):
    """A final response: its code ("" where none came) and name, how many calls had it, where they are listed."""

    code: str
    name: str
    calls: str
    share: str
    explained: str
    path: str


class _FoundPeer(NamedTuple):
    peer: OnePeer
    failures: list[Stored]


def routes(site: Website) -> list[Route]:
    """Return the page's route."""

    async def peer(request: Request) -> Response:
        name = str(request.path_params["name"])
        period = period_of(request.query_params, site.now(), site.zone)
        failed = asked_for({"peer": name, "outcome": FAILED_ONES, **period.calls}, site.now()).wanted

        def question(reader: StoreReader) -> _FoundPeer | None:
            found = one_peer(reader, period, name, site.now(), site.objectives.get(name))
            if found is None:
                need_peers(reader, [name], site.objectives)
                return None
            return _FoundPeer(found, listed(reader, failed, LAST_FAILURES).calls)

        found = await site.ask_or(question, None)
        values: dict[str, Any] = {"peer": None} if found is None else _on_page(found, name, period)
        form = period_form(period, peer_path(name))
        return site.frame.page(
            request,
            "peer.html",
            name,
            form=form,
            period=period.query(),
            objective=site.objectives.get(name),
            days=PERIOD_DAYS,
            **values,
        )

    return [site.route("/peers/{name:path}", peer, KEYS)]


def outcomes_chart(intervals: list[tuple[str, PeerCounts]]) -> Chart:
    """Return what became of calls by interval."""
    return chart([_bar(begins, counts) for begins, counts in intervals])


def code_rows(counts: PeerCounts, name: str, period: Period) -> list[CodeRow]:
    """Return the most frequent final responses."""
    knowledge = load()
    most = sorted(counts.by_code.items(), key=lambda one: (-one[1], one[0]))[:MAX_CODES]
    here = f'(source == "{name}" or destination == "{name}")'
    return [
        CodeRow(
            str(code or ""),
            knowledge.status(code).name if code else "no final response",
            f"{calls:,}",
            share_words(calls / counts.judged),
            explain_path(f"status {code}") if code else "",
            calls_with(period, here, f"status_code == {code}" if code else "status_code == null"),
        )
        for code, calls in most
    ]


def _bar(begins: str, counts: PeerCounts) -> BarCounts:
    barred = sum(counts.count(category.value) for category in _BARRED)
    beside = counts.calls - counts.answered - barred - counts.faults
    title = (
        f"{begins}: {counts.calls:,} calls, answered {counts.answered:,}, up to people and other {beside:,}, "
        f"not allowed or not found {barred:,}, faults {counts.faults:,}"
    )
    day, _, clock = begins.partition(" ")
    pieces = (("took", counts.answered), ("beside", beside), ("refused", barred), ("fault", counts.faults))
    return BarCounts(clock[:5] or day[5:], title, pieces)


def _on_page(found: _FoundPeer, name: str, period: Period) -> dict[str, Any]:
    peer = found.peer
    return {
        "peer": name,
        "rows": [(END_NAMES[one.end], peer_row(one, period)) for one in peer.ends],
        "heads": HEADS,
        "before": period.before_words,
        "budget": peer.budget,
        "faults": [category.value for category in FAULTS],
        "picture": outcomes_chart(peer.intervals),
        "intervals": [(begins, counts) for begins, counts in peer.intervals],
        "kinds": OUTCOME_KINDS,
        "codes": code_rows(peer.whole, name, period),
        "failures": [row(one.record, one.kept) for one in found.failures],
        "all_failures": calls_with(
            period, f'(source == "{name}" or destination == "{name}")', f"category in [{_quoted()}]"
        ),
    }


def _quoted() -> str:
    return ", ".join(f'"{word}"' for word, _, _ in HEADS)
