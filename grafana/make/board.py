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
    RowPanel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from sipwatch.export import addresses

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from grafana_foundation_sdk.cog.builder import Builder
    from grafana_foundation_sdk.models.dashboard import Dashboard, Panel, VariableModel

TAG = "sipwatch"
DOCS = addresses.DOCS  # where the tree can be read; the runbook is in its docs/
PAGES = addresses.PAGES  # where sipwatch's own pages are
RUNBOOK = addresses.RUNBOOK
OPEN_ROWS = 2  # so many are unfolded at first; the others' queries wait until somebody asks for them


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


_INSTANCE = Choice("instance", "Instance", "Which sipwatch, where there are several.", "sipwatch_build_info")


def board(uid: str, title: str, about: str, choices: Iterable[Choice], rows: Iterable[Row]) -> Dashboard:
    """Make a dashboard. Panels are numbered in the order in which they stand."""
    made = dashboard.Dashboard(title).uid(uid).description(about).tags([TAG]).timezone("browser").editable()
    made.time("now-1h", "now").refresh("30s").tooltip(DashboardCursorSync.CROSSHAIR)
    made.link(_others()).link(_runbook())
    made.with_variable(_datasource())
    for choice in (*choices, _INSTANCE):
        made.with_variable(_variable(choice))
    made.with_variable(_constant("docs", "Documentation", DOCS))
    made.with_variable(_constant("pages", "Pages of sipwatch", PAGES))
    for row in rows:
        made.with_row(dashboard.Row(row.title))
        for panel in row.panels:
            made.with_panel(panel)
    return _numbered(_folded(made.build()))


def _folded(made: Dashboard) -> Dashboard:
    """Fold all rows but the first: a folded row holds its panels, placed as if it were unfolded."""
    kept: list[Panel | RowPanel] = []
    place = opened = 0
    row: RowPanel | None = None
    for panel in made.panels or []:
        if isinstance(panel, RowPanel):
            opened += 1
            row = panel if opened > OPEN_ROWS else None
            panel.collapsed = row is not None
            if row is not None and panel.grid_pos is not None:
                place = place or panel.grid_pos.y
                panel.grid_pos.y, place = place, place + 1
            kept.append(panel)
        elif row is not None:
            row.panels.append(panel)
        else:
            kept.append(panel)
    made.panels = kept
    return made


def _numbered(made: Dashboard) -> Dashboard:
    number = 0
    for panel in made.panels or []:
        for one in (panel, *(panel.panels if isinstance(panel, RowPanel) else ())):
            number += 1
            one.id_val = number
    return made


def _others() -> dashboard.DashboardLink:
    """Link to whatever has the tag, and take time and variables along."""
    link = dashboard.DashboardLink("sipwatch").type(DashboardLinkType.DASHBOARDS).tags([TAG])
    return link.as_dropdown(False).include_vars(True).keep_time(True).icon("external link")


def _runbook() -> dashboard.DashboardLink:
    link = dashboard.DashboardLink("Runbook").type(DashboardLinkType.LINK).icon("doc")
    return link.url(f"${{docs}}/{RUNBOOK}").tooltip("What to do when an alert fires").target_blank(True)


def _datasource() -> Builder[VariableModel]:
    made = dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus")
    return made.description("The Prometheus that scrapes sipwatch.")


def _constant(name: str, title: str, base: str) -> Builder[VariableModel]:
    """Keep in one place where links lead: a copy of the tree, or pages, elsewhere need no other change."""
    return dashboard.ConstantVariable(name).label(title).value(base)


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
