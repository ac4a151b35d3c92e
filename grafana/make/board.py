"""A dashboard: its head, its variables, the links between the three, and its panels in rows.

Must not know: what any panel is about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from grafana_foundation_sdk.cog.builder import Builder
    from grafana_foundation_sdk.models.dashboard import Dashboard, Panel, VariableModel

TAG = "sipwatch"
RUNBOOK = "https://github.com/sipwatch/sipwatch/blob/main/docs/runbook.md"


class Row(NamedTuple):
    """Panels under a heading."""

    title: str
    panels: Sequence[Builder[Panel]]


class Choice(NamedTuple):
    """A variable that narrows the page to some values of a label; all of them at first."""

    name: str
    title: str
    about: str
    metric: str


def board(uid: str, title: str, about: str, choices: Iterable[Choice], rows: Iterable[Row]) -> Dashboard:
    """Make a dashboard. Panels are numbered in the order in which they stand."""
    made = dashboard.Dashboard(title).uid(uid).description(about).tags([TAG]).timezone("browser").editable()
    made.time("now-1h", "now").refresh("30s").tooltip(DashboardCursorSync.CROSSHAIR)
    made.link(_others()).link(_runbook())
    made.with_variable(_datasource())
    for choice in choices:
        made.with_variable(_variable(choice))
    for row in rows:
        made.with_row(dashboard.Row(row.title))
        for panel in row.panels:
            made.with_panel(panel)
    return _numbered(made.build())


def _numbered(made: Dashboard) -> Dashboard:
    for number, panel in enumerate(made.panels or [], 1):
        panel.id_val = number
    return made


def _others() -> dashboard.DashboardLink:
    """Link to whatever has the tag, and take time and variables along."""
    link = dashboard.DashboardLink("sipwatch").type(DashboardLinkType.DASHBOARDS).tags([TAG])
    return link.as_dropdown(False).include_vars(True).keep_time(True).icon("external link")


def _runbook() -> dashboard.DashboardLink:
    link = dashboard.DashboardLink("Runbook").type(DashboardLinkType.LINK).url(RUNBOOK).icon("doc")
    return link.tooltip("What to do when an alert fires").target_blank(True)


def _datasource() -> Builder[VariableModel]:
    made = dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus")
    return made.description("The Prometheus that scrapes sipwatch.")


def _variable(choice: Choice) -> Builder[VariableModel]:
    query: dict[str, object] = {
        "query": f"label_values({choice.metric}, {choice.name})",
        "refId": f"Variable-{choice.name}",
    }
    made = dashboard.QueryVariable(choice.name).label(choice.title).description(choice.about).query(query)
    made.datasource(DataSourceRef(type_val="prometheus", uid="${datasource}"))
    made.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).sort(VariableSort.ALPHABETICAL_ASC).multi(True)
    # All is any value, also none: what is not labelled so, such as a replayed history, is not left out.
    made.include_all(True).all_value(".*")
    return made.current(VariableOption(selected=True, text="All", value="$__all"))
