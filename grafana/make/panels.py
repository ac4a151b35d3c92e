"""The kinds of panels the dashboards are made of, each a few lines around the SDK's builder.

Must not know: what any panel is about.
"""

from __future__ import annotations

from string import ascii_uppercase
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from grafana_foundation_sdk.builders import bargauge, common, dashboard, heatmap, prometheus, stat, table, timeseries
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BarGaugeNamePlacement,
    BarGaugeSizing,
    BarGaugeValueMode,
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    ScaleDistribution,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode, HeatmapColorScale
from grafana_foundation_sdk.models.prometheus import PromQueryFormat, QueryEditorMode

from grafana.make import colours
from grafana.make.calls import TITLE
from grafana.make.words import WEEK_AGO

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from grafana_foundation_sdk.cog.builder import Builder
    from grafana_foundation_sdk.cog.variants import Dataquery
    from grafana_foundation_sdk.models.dashboard import ValueMapping

    from grafana.make.words import Looks

DATASOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")

# Counts that remember their latest call: with exemplars, points on a graph lead to calls. Of a ratio, or of a week ago,
# they would stand where no line is.
_WITH_CALLS = (
    "_seconds_bucket",
    "sipwatch_calls_total",
    "sipwatch_calls_ended_total",
    "sipwatch_invites_total",
    "sipwatch_invite_conditions_total",
    "sipwatch_invite_conditions_resolved_total",
    "sipwatch_reason_causes_total",
)
_WITHOUT_CALLS = (" / ", " offset ", "registration_request_delay")

# Of bars: text that does not grow where there are few, names above the bars, where they have the panel's whole width.
_TEXT_SIZE, _LEAST_BAR, _HIGHEST_BAR = 12, 26, 44
_FIGURE_SIZE, _TITLE_SIZE = 32, 14  # of figures, and of the names above them where there are several
_HALF = 12  # of the columns of a page

COUNT = "locale"  # the unit of a figure that is a number of things: whole, with the separators of the reader's language
SHARE = "percentunit"  # the unit of what is part of a whole; no axis of it goes beyond the whole

_PAST = [
    DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [8, 8]}),
    DynamicConfigValue("custom.fillOpacity", 0),
]


class Face(NamedTuple):
    """What every panel has. Width is of 24 columns; ``calls`` is where a click on a value leads."""

    title: str
    about: str
    unit: str
    empty: str
    width: int = 12
    height: int = 8
    calls: str = ""


class Query(NamedTuple):
    """A query, and what its series are called: a text, or a template with label names in double braces."""

    expr: str
    legend: str


class Step(NamedTuple):
    """From which value on a colour holds; None is from the beginning."""

    value: float | None
    colour: str


class Column(NamedTuple):
    """A column of a table: its query, heading, unit, colours; ``values`` are words for values.

    ``width`` is in pixels; 0 is as wide as the heading wants. ``calls`` is where a click on a figure leads.
    """

    expr: str
    heading: str
    unit: str = COUNT
    steps: Sequence[Step] = ()
    decimals: int = 0
    values: Looks | None = None
    width: int = 0
    calls: str = ""


class Key(NamedTuple):
    """A label of which a table has a row for each value; ``link`` is where the value leads.

    Those without a width share what the columns leave.
    """

    label: str
    heading: str
    link: str = ""
    width: int = 0
    about_link: str = "Calls of this peer"


NO_DATA = Step(None, colours.NO_DATA)  # a base colour: what is not known is neither good nor bad
CALM = (NO_DATA, Step(0, colours.CALM))
YES_OR_NO = (NO_DATA, Step(0, colours.RED), Step(1, colours.GOOD))
ANY_IS_WRONG = (NO_DATA, Step(0, colours.GOOD), Step(1, colours.RED))  # of this moment
ANY_IS_WORTH_A_LOOK = (NO_DATA, Step(0, colours.GOOD), Step(1, colours.ORANGE))  # of the time shown
P = TypeVar("P", stat.Panel, timeseries.Panel, heatmap.Panel, bargauge.Panel, table.Panel)
Bounded = TypeVar("Bounded", stat.Panel, timeseries.Panel)


def stats(
    face: Face,
    *queries: Query,
    steps: Sequence[Step] = CALM,
    decimals: int | None = None,
    values: Looks | None = None,
    by_name: bool = False,
    size: int = _FIGURE_SIZE,
) -> stat.Panel:
    """Make a panel of figures, ``size`` pixels large: what grows with its panel, outgrows it as soon as it is text.

    ``values`` shows words for them, ``by_name`` the series' names in their place.
    """
    panel = _faced(stat.Panel(), face).thresholds(_thresholds(steps)).color_scheme(_by_threshold())
    panel.graph_mode(BigValueGraphMode.NONE).color_mode(BigValueColorMode.BACKGROUND)
    panel.text_mode(BigValueTextMode.NAME if by_name else BigValueTextMode.AUTO)
    panel.reduce_options(_latest())
    if decimals is not None:
        panel.decimals(decimals)
    if values:
        panel.mappings(_value_names(values))
    panel.text(common.VizTextDisplayOptions().title_size(_TITLE_SIZE).value_size(size))
    return _bounded(panel, face).targets(_instants(queries))


def lines(
    face: Face,
    *queries: Query,
    looks: Looks | None = None,
    stacked: bool = False,
    steps: Sequence[Step] = (),
    every: str = "1m",
    named: bool = False,
) -> timeseries.Panel:
    """Make a graph. ``steps`` are drawn as lines; what happened a week ago is dashed.

    ``named`` is for series with names of somebody's choice, which may be long: they stand beside the graph where it is wide
    enough, and have Grafana's colours.

    There is a point ``every`` so often, or less often when a long time is shown: rates over less would be noise.
    """
    panel = (
        _bounded(_faced(timeseries.Panel(), face), face)
        .min(0)
        .line_width(1)
        .fill_opacity(60 if stacked else 8)
        .interval(every)
    )
    panel.show_points(VisibilityMode.AUTO).span_nulls(False).color_scheme(_palette() if named else _calm())
    panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL if stacked else StackingMode.NONE))
    beside = named and face.width >= _HALF
    panel.legend(_legend(LegendPlacement.RIGHT if beside else LegendPlacement.BOTTOM)).tooltip(
        common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING)
    )
    if steps:
        panel.thresholds(_thresholds(steps))
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED))
    if any(query.legend.endswith(WEEK_AGO) for query in queries):
        panel.override_by_regexp(f"/{WEEK_AGO}$/", _PAST)
    return _looking(panel, looks).targets(_ranges(queries))


def heat(face: Face, buckets: str) -> heatmap.Panel:
    """Make a heatmap of a histogram's buckets: time to the right, how long it took upwards."""
    panel = _faced(heatmap.Panel(), face).calculate(False).show_value(VisibilityMode.NEVER).cell_gap(1).interval("1m")
    panel.color(_heat_colours()).filter_values(heatmap.FilterValueRange().le(1e-9))
    panel.y_axis(heatmap.YAxisConfig().unit(face.unit))
    panel.scale_distribution(common.ScaleDistributionConfig().type(ScaleDistribution.LINEAR))
    panel.cell_values(heatmap.CellValues().unit("short").decimals(1))
    panel.show_legend().show_y_histogram().mode(TooltipDisplayMode.SINGLE).exemplars_color("rgba(255,0,255,0.7)")
    return panel.targets([_range(Query(buckets, "{{le}}"), "A").format(PromQueryFormat.HEATMAP)])


def bars(face: Face, query: Query, *, looks: Looks | None = None) -> bargauge.Panel:
    """Make horizontal bars, one for each series."""
    panel = _faced(bargauge.Panel(), face).min(0).decimals(0).thresholds(_thresholds(CALM))
    panel.orientation(VizOrientation.HORIZONTAL).display_mode(BarGaugeDisplayMode.BASIC).show_unfilled(True)
    panel.name_placement(BarGaugeNamePlacement.TOP).value_mode(BarGaugeValueMode.TEXT).reduce_options(_latest())
    panel.sizing(BarGaugeSizing.MANUAL).min_viz_height(_LEAST_BAR).max_viz_height(_HIGHEST_BAR)
    panel.text(common.VizTextDisplayOptions().title_size(_TEXT_SIZE).value_size(_TEXT_SIZE))
    return _looking(panel, looks).targets(_instants([query]))


def rows(face: Face, keys: Sequence[Key], columns: Sequence[Column], *, sort: str) -> table.Panel:
    """Make a table with a row for each combination of the keys' values; ``sort`` is the heading that is highest first.

    There must be two columns or more: Grafana tells values apart by their queries only then.
    """
    panel = _faced(table.Panel(), face).filterable(False)
    panel.sort_by([common.TableSortByFieldState().display_name(sort).desc(True)])
    panel.override_by_regexp("/.*/", [DynamicConfigValue("noValue", "")])  # the text is for a table without rows
    for column in columns:
        panel.override_by_name(column.heading, _cells(column))
    for key in keys:
        if key.link or key.width:
            panel.override_by_name(key.heading, _key_cells(key))
    names = {key.label: key.heading for key in keys}
    targets: list[Builder[Dataquery]] = []
    for ref, column in zip(ascii_uppercase, columns, strict=False):
        names[f"Value #{ref}"] = column.heading
        targets.append(_query(Query(column.expr, ""), ref).instant().format(PromQueryFormat.TABLE))
    panel.transformations([DataTransformerConfig("merge", options={}), _organised(names)])
    return panel.targets(targets)


def _value_names(names: Looks) -> list[ValueMapping]:
    """Return a mapping from values to words."""
    return [ValueMap({value: ValueMappingResult(look.name, look.colour) for value, look in names.items()})]


def links_to(address: str) -> DynamicConfigValue:
    """Return the setting of a field with which a click on its values leads there; nowhere, if that is empty."""
    link = {"title": TITLE, "url": address, "targetBlank": True}
    return DynamicConfigValue("links", [link] if address else [])


def _faced(panel: P, face: Face) -> P:
    if face.calls:
        panel.data_links([dashboard.DashboardLink(TITLE).url(face.calls).target_blank(True)])
    panel.title(face.title).description(face.about).unit(face.unit).no_value(face.empty)
    return panel.span(face.width).height(face.height).datasource(DATASOURCE)


def _looking(panel: P, looks: Looks | None) -> P:
    """Show series by plain names, in colours that stay the same from panel to panel."""
    for value, look in (looks or {}).items():
        colour = {"mode": FieldColorModeId.FIXED, "fixedColor": look.colour}
        panel.override_by_name(
            value, [DynamicConfigValue("displayName", look.name), DynamicConfigValue("color", colour)]
        )
    return panel


def _range(query: Query, ref: str) -> prometheus.Dataquery:
    leads_to_calls = any(has in query.expr for has in _WITH_CALLS) and not any(
        has in query.expr for has in _WITHOUT_CALLS
    )
    return _query(query, ref).range().exemplar(leads_to_calls).format(PromQueryFormat.TIME_SERIES)


def _ranges(queries: Iterable[Query]) -> list[Builder[Dataquery]]:
    return [_range(query, ref) for ref, query in zip(ascii_uppercase, queries, strict=False)]


def _instants(queries: Iterable[Query]) -> list[Builder[Dataquery]]:
    return [
        _query(query, ref).instant().format(PromQueryFormat.TIME_SERIES)
        for ref, query in zip(ascii_uppercase, queries, strict=False)
    ]


def _query(query: Query, ref: str) -> prometheus.Dataquery:
    made = prometheus.Dataquery().expr(query.expr).ref_id(ref).datasource(DATASOURCE)
    return made.legend_format(query.legend).editor_mode(QueryEditorMode.CODE)


def _thresholds(steps: Iterable[Step]) -> dashboard.ThresholdsConfig:
    made = [Threshold(value=step.value, color=step.colour) for step in steps]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(made)


def _width_of(heading: str) -> int:
    """Return a column's width in pixels: its heading is read whole, and sorted by a click on it."""
    return max(90, 7 * len(heading) + 30)


def _bounded(panel: Bounded, face: Face) -> Bounded:
    return panel.min(0).max(1) if face.unit == SHARE else panel


def _palette() -> dashboard.FieldColor:
    return dashboard.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC)


def _calm() -> dashboard.FieldColor:
    return dashboard.FieldColor().mode(FieldColorModeId.FIXED).fixed_color(colours.CALM)


def _by_threshold() -> dashboard.FieldColor:
    return dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS)


def _latest() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(False)


def _legend(placement: LegendPlacement) -> common.VizLegendOptions:
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(placement)
    return legend.show_legend(True).calcs([])


def _heat_colours() -> heatmap.HeatmapColorOptions:
    colours = heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Turbo").steps(64)
    return colours.scale(HeatmapColorScale.EXPONENTIAL).exponent(0.5)


def _key_cells(key: Key) -> list[DynamicConfigValue]:
    cells = []
    if key.link:
        cells.append(DynamicConfigValue("links", [{"title": key.about_link, "url": key.link}]))
    if key.width:
        cells.append(DynamicConfigValue("custom.width", key.width))
    return cells


def _cells(column: Column) -> list[DynamicConfigValue]:
    cells = [DynamicConfigValue("unit", column.unit), DynamicConfigValue("decimals", column.decimals)]
    cells.append(DynamicConfigValue("custom.width", column.width or _width_of(column.heading)))
    if column.unit == SHARE:
        cells += [DynamicConfigValue("min", 0), DynamicConfigValue("max", 1)]
    if column.steps:
        steps = [{"value": step.value, "color": step.colour} for step in column.steps]
        cells.append(DynamicConfigValue("thresholds", {"mode": ThresholdsMode.ABSOLUTE, "steps": steps}))
        cells.append(DynamicConfigValue("color", {"mode": FieldColorModeId.THRESHOLDS}))
        cells.append(DynamicConfigValue("custom.cellOptions", {"type": "color-text"}))
    if column.calls:
        cells.append(links_to(column.calls))
    if column.values:
        cells.append(DynamicConfigValue("mappings", _value_names(column.values)))
        cells.append(DynamicConfigValue("custom.cellOptions", {"type": "color-text"}))
    return cells


def _organised(names: dict[str, str]) -> DataTransformerConfig:
    """Rename columns, in this order, and leave the time out: it is the same everywhere."""
    order = {name: place for place, name in enumerate(names)}
    options = {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": names}
    return DataTransformerConfig("organize", options=options)
