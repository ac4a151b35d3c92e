"""``/explain``: what a code, word, metric or alert means, and who should do what; all pages link to it.

Must not know: calls, the store.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

from starlette.responses import RedirectResponse

from sipwatch.classify.outcomes import Outcome
from sipwatch.export.addresses import DOCS, EXPLAIN
from sipwatch.export.explaining import everything, explained, lists, near
from sipwatch.export.naming import plain_name
from sipwatch.export.runbook import runbook_of
from sipwatch.export.watched import ALERT, METRIC
from sipwatch.knowledge import Topic, load
from sipwatch.knowledge.leads import When
from sipwatch.web.frame import Chapter, root_of
from sipwatch.web.shown import badge

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from sipwatch.export.runbook import RunbookBlock
    from sipwatch.knowledge import Knowledge
    from sipwatch.knowledge.record import ExplanationRecord
    from sipwatch.web.site import Website

SECTION: Final = Chapter(
    "Explain", EXPLAIN, "What a code, outcome, finding, metric or alert means, and who should act."
)
_MAX_SHOWN: Final = 60


# The filter that finds the calls which an entry is about; a ratio, a class of codes and what is counted are about none.
_FILTERS: Final[dict[str, str]] = {
    Topic.OUTCOME: 'outcome == "{}"',
    Topic.CONDITION: '"{}" in conditions',
    Topic.ENDING: 'ending == "{}"',
    Topic.FINDING: '"{}" in findings',
    Topic.TAG: '"{}" in tags',
    Topic.LINK: '"{}" in linked',
    Topic.STATUS: "status_code == {}",
    Topic.CAUSE: "cause == {}",
}


def calls_path(entry: ExplanationRecord) -> str | None:
    """Return where the calls are that an entry is about, from the root on; None where no call can be meant."""
    expression = _FILTERS.get(entry.kind)
    provisional = entry.kind == Topic.STATUS and int(entry.key) < 200
    if expression is None or provisional or entry.key == Outcome.RETRIED:
        return None
    return "calls?" + urlencode({"filter": expression.format(entry.key)})


def explain_path(what: str) -> str:
    """Return where a code or word is explained, from the root on."""
    return f"{EXPLAIN}/{quote(what, safe='')}"


def routes(site: Website) -> list[Route]:
    """Return the routes of the list of everything, and of one word."""

    async def whole(request: Request) -> Response:
        what = request.query_params.get("what", "").strip()
        if what:
            return RedirectResponse(root_of(request) + explain_path(what[:200]), 303)
        knowledge = load()
        parts = lists(knowledge, everything(knowledge))
        return site.frame.page(request, "explain.html", "Explain", parts=parts, what="", path=explain_path)

    async def one(request: Request) -> Response:
        what = str(request.path_params["what"])
        knowledge = load()
        found = explained(knowledge, what)
        shown = what if len(what) <= _MAX_SHOWN else what[: _MAX_SHOWN - 1] + "…"
        return site.frame.page(
            request,
            "explained.html",
            _heading(found[0]) if found else f"Nothing is known about “{shown}”",
            status=200 if found else 404,
            entries=[(entry, badge(entry.key, plain_name(entry.key)) if entry.category else None) for entry in found],
            near=[] if found else near(knowledge, what),
            what=shown,
            labels=knowledge.labels,
            leads=lambda entry: _leads(knowledge, entry),
            reached=lambda entry: _reached(knowledge, entry),
            path=explain_path,
            calls=calls_path,
            reference=_reference,
            runbook=_runbook,
        )

    return [site.route("/explain", whole, ("what",)), site.route("/explain/{what:path}", one)]


def _heading(entry: ExplanationRecord) -> str:
    if entry.kind in (METRIC, ALERT):
        return entry.key
    return f"{entry.key} {entry.name}" if entry.kind in (Topic.STATUS, Topic.CAUSE) else entry.plain_name


def _reference(entry: ExplanationRecord) -> str | None:
    """Return where the documentation is that says more about an entry, None where other papers do."""
    is_ours = entry.kind in (METRIC, ALERT) or entry.reference.startswith("docs/")
    return f"{DOCS}/{entry.reference}" if is_ours else None


def _runbook(entry: ExplanationRecord) -> list[tuple[str, list[RunbookBlock]]]:
    """Return what to do about an alert: parts of one kind that follow each other together."""
    blocks = runbook_of(entry.key) if entry.kind == ALERT else []
    return [(kind.value, list(some)) for kind, some in groupby(blocks, lambda block: block.kind)]


def _leads(knowledge: Knowledge, entry: ExplanationRecord) -> list[tuple[str, str, str]]:
    """Return what a code leads to: the word, its name, and when."""
    return [(lead.outcome, lead.plain_name, knowledge.when(When(lead.when))) for lead in entry.leads_to]


def _reached(knowledge: Knowledge, entry: ExplanationRecord) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return which codes lead to an outcome, by when: how each is written, and what asks for it."""
    found: dict[str, list[tuple[str, str]]] = {}
    for source in entry.reached_by:
        is_status = source.kind == Topic.STATUS
        shown = f"SIP {source.key}" if is_status else f"Q.850 cause {source.key}"
        asks = f"status {source.key}" if is_status else f"cause {source.key}"
        found.setdefault(knowledge.when(When(source.when)), []).append((shown, asks))
    return list(found.items())
