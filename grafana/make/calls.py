"""Where a click leads: to sipwatch's page of the calls behind what a panel shows, in the time that is shown.

Must not know: panels. An address has the page's own filter (``sipwatch calls --filter``) with Grafana's variables in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.classify.endings import UNREMARKABLE
from sipwatch.classify.outcomes import FAULTS, Outcome
from sipwatch.export.addresses import calls_address

if TYPE_CHECKING:
    from collections.abc import Iterable

UNHEARD = (Outcome.NO_PROGRESS, Outcome.NOT_RESPONDING)
TITLE = "These calls, with their packets"

# Of the peers that are chosen on a page: several, or all, which stand for any.
BETWEEN = 'source =~ "(?:${source:pipe})$" and destination =~ "(?:${destination:pipe})$"'
OVER = '[hop for hop in hops if hop =~ "(?:${source:pipe})>(?:${destination:pipe})$"]'


def calls_where(*conditions: str, outcome: str = "") -> str:
    """Return the address of the calls for which all of this holds."""
    selection = {"outcome": outcome, "filter": " and ".join(filter(None, conditions))}
    chosen = {key: text for key, text in selection.items() if text}
    return calls_address("${pages:raw}", since="${__from}", until="${__to}", **chosen)


def of_label(label: str) -> str:
    """Return what Grafana fills in: the value of a series' label."""
    return f"${{__field.labels.{label}}}"


def of_column(heading: str) -> str:
    """Return what Grafana fills in: what a table's row has under a heading."""
    return f"${{__data.fields.{heading}}}"


def is_one(key: str, value: str) -> str:
    """Return the condition that a call's key has this value."""
    return f'{key} == "{value}"'


def has_one(what: str, key: str) -> str:
    """Return the condition that a call's list has this."""
    return f'"{what}" in {key}'


def _one_of(key: str, words: Iterable[str]) -> str:
    quoted = '", "'.join(words)
    return f'{key} in ["{quoted}"]'


IS_FINISHED = f'outcome != "{Outcome.UNFINISHED}"'
IS_FAULTY = _one_of("category", FAULTS)
IS_UNHEARD = _one_of("outcome", UNHEARD)
IS_ODD = f"ending != null and not ({_one_of('ending', sorted(UNREMARKABLE))})"

# By the label by which a panel tells its series apart: of all peers, and of those that are chosen on the page.
BY_CATEGORY = calls_where(is_one("category", of_label("category")))
BY_CONDITION = calls_where(has_one(of_label("condition"), "conditions"))
BY_ENDING = calls_where(is_one("ending", of_label("ending")))
BY_OUTCOME = calls_where(outcome=of_label("outcome"))
BY_SOURCE = calls_where(is_one("source", of_label("source")))
BY_TAG = calls_where(has_one(of_label("tag"), "tags"))

CONDITION_OVER = calls_where(has_one(of_label("condition"), "conditions"), OVER)
ENDED_BY_BETWEEN = calls_where(is_one("ended_by", of_label("ended_by")), BETWEEN)
ENDING_BETWEEN = calls_where(is_one("ending", of_label("ending")), BETWEEN)
OUTCOME_BETWEEN = calls_where(BETWEEN, outcome=of_label("outcome"))
STATUS_BETWEEN = calls_where(f"status_code == {of_label('status_code')}", BETWEEN)
SILENT_BETWEEN = calls_where("status_code == null", BETWEEN)
