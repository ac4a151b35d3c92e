"""What people see of the dashboards: colours that mean something, text that fits, and no more of it than is of use."""

from __future__ import annotations

import json
import re
from operator import itemgetter
from typing import Any

import pytest

from grafana.make import codes, colours, own, peers, reasons, words
from grafana.make.board import DOCS, OPEN_ROWS
from grafana.make.board import PAGES as SIPWATCH
from grafana.make.words import Look, Looks
from sipwatch.classify.endings import UNREMARKABLE
from tests.each import for_each
from tests.grafana.links import ROOT, anchors
from tests.grafana.pages import ASKED, PAGES, Document, panels, unfolded

EVERY_PANEL = [panel for uid in PAGES for panel in panels(PAGES[uid])]
per_page = pytest.mark.parametrize("uid", PAGES)
per_panel = for_each("panel", EVERY_PANEL, ids=itemgetter("title"))
NARROW = 1280  # pixels of a laptop's screen
ALL_LOOKS: dict[str, Looks] = {
    f"{module.__name__}.{name}": found
    for module in (words, codes, reasons)
    for name, found in vars(module).items()
    if name.isupper() and isinstance(found, dict) and all(isinstance(look, Look) for look in found.values())
}


def of_type(kind: str) -> list[Any]:
    return [one for one in EVERY_PANEL if one["type"] == kind]


def overrides(panel: Document) -> dict[str, Document]:
    """Return what is set for some fields, by their name."""
    found: dict[str, Document] = {}
    for override in panel["fieldConfig"]["overrides"]:
        settings = {one["id"]: one["value"] for one in override["properties"]}
        found.setdefault(override["matcher"]["options"], {}).update(settings)
    return found


# Colours


NOW = {  # what these say is of this moment, and wrong
    "Alerts firing", "Alerts", "Wrong right now, hop by hop", "Wrong right now", "Is sipwatch watching?",
    "Does Prometheus reach it?", "Is it capturing?", "Lag behind the clock", "Configuration", "Connected to",
}  # fmt: skip


@per_panel
def test_red_is_only_for_what_is_wrong_now(panel: Document) -> None:
    """A graph shows the past as well, a count all of the time shown: both may be over."""
    shown = json.dumps(panel["fieldConfig"])
    assert ("red" in re.findall(r'"([\w-]*red)"', shown)) == (panel["title"] in NOW)
    assert not re.search(r'"(?:light|dark|semi-dark|super-light)-red"', shown)


@per_panel
def test_nothing_known_is_neither_good_nor_bad(panel: Document) -> None:
    """A replayed history has no process, no interfaces and no alerts: that is no outage."""
    if panel["type"] == "stat":
        first = panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]
        assert (first["value"], first["color"]) == (None, colours.NO_DATA)


@for_each("name", ALL_LOOKS)
def test_nothing_shares_its_colour_within_a_graph_and_none_is_red(name: str) -> None:
    found = [look.colour for look in ALL_LOOKS[name].values()]
    assert len(found) == len(set(found)) or name.endswith(".CAUSES")  # two languages, of which each has its own
    assert not any("red" in colour for colour in found) or name.endswith((".WATCHING", ".READ_WELL", ".STILL"))


@pytest.mark.parametrize(
    ("looks", "label", "metrics"),
    [
        (codes.STATUS, "status_code", r"_final_responses_total|sipwatch_(responses|registrations)_total"),
        (words.OUTCOMES, "outcome", r"sipwatch_(calls|invites)_total"),
        (words.CATEGORIES, "category", r"sipwatch_calls_total"),
        (words.CONDITIONS, "condition", r"sipwatch_invite"),
        (words.ENDINGS, "ending", r"sipwatch_calls_ended_total"),
        (words.METHODS_SEEN, "method", r"sipwatch_(requests|retransmissions)_total"),
    ],
)
def test_a_code_or_outcome_has_one_colour_and_name_on_all_pages(looks: Looks, label: str, metrics: str) -> None:
    asked_of_it = [asked for asked in ASKED if asked.legend == f"{{{{{label}}}}}" and re.search(metrics, asked.expr)]
    assert len(asked_of_it) > 1
    for asked in asked_of_it:
        shown = {
            value: (settings["displayName"], settings["color"]["fixedColor"])
            for value, settings in overrides(asked.panel).items()
        }
        assert shown, asked.name
        assert {value: looks[value] for value in shown} == shown, asked.name


def test_a_condition_has_the_colour_of_what_it_leads_to() -> None:
    assert words.CONDITIONS["no_progress"].colour == words.OUTCOMES["no_progress"].colour
    assert words.CONDITIONS["bye_unanswered"].colour == words.ENDINGS["bye_unanswered"].colour


def test_no_ending_that_is_right_looks_like_a_fault() -> None:
    faults = set(colours.shades(colours.ROSES, 2) + colours.shades(colours.ORANGES, 2))
    assert not faults & {words.ENDINGS[ending].colour for ending in UNREMARKABLE}


@pytest.mark.parametrize("hue", [value for value in vars(colours).values() if isinstance(value, colours.Hue)])
@for_each("number", [1, 2, 40])
def test_shades_differ_and_keep_away_from_red(hue: colours.Hue, number: int) -> None:
    found = colours.shades(hue, number)
    assert len(set(found)) == number
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in found)
    assert hue.strength < 0.1 or (hue.start >= 20 and hue.end <= 340)


# Text that fits


@for_each("panel", of_type("bargauge"), ids=itemgetter("title"))
def test_bars_have_text_of_one_size_and_whole_names(panel: Document) -> None:
    """Grafana lets text grow with the bar, and cuts names off at two fifths of the width where they stand beside it."""
    options = panel["options"]
    assert options["text"]["titleSize"] == options["text"]["valueSize"] == 12
    assert (options["namePlacement"], options["sizing"]) == ("top", "manual")
    assert options["minVizHeight"] >= options["text"]["titleSize"] * 1.5 + 6


@for_each("panel", of_type("stat"), ids=itemgetter("title"))
def test_figures_have_a_size_at_which_the_words_for_none_fit(panel: Document) -> None:
    size = panel["options"]["text"]["valueSize"]
    width = panel["gridPos"]["w"] / 24 * NARROW - 32
    assert len(panel["fieldConfig"]["defaults"]["noValue"]) * size * 0.5 <= width


@for_each("panel", of_type("table"), ids=itemgetter("title"))
def test_the_columns_of_tables_fit(panel: Document) -> None:
    """Those of figures are as wide as their headings; what is left has room for the names of peers."""
    (organised,) = (one for one in panel["transformations"] if one["id"] == "organize")
    widths = {
        name: overrides(panel).get(name, {}).get("custom.width")
        for name in organised["options"]["renameByName"].values()
    }
    figures = {heading: width for heading, width in widths.items() if width is not None}
    assert all(width >= 7 * len(heading) + 20 for heading, width in figures.items())
    names = len(widths) - len(figures)
    assert names >= 1
    assert (panel["gridPos"]["w"] / 24 * NARROW - 32 - sum(figures.values())) / names >= 180


@for_each("panel", of_type("table"), ids=itemgetter("title"))
def test_empty_cells_are_empty(panel: Document) -> None:
    """The text for a table without rows is not said again in each of its cells."""
    assert panel["fieldConfig"]["defaults"]["noValue"]
    assert overrides(panel)["/.*/"]["noValue"] == ""


def test_every_series_with_a_name_of_its_own_is_one_of_few() -> None:
    """Forty peers in one graph cannot be told apart."""
    for asked in ASKED:
        if re.search(r"\{\{(source|destination|table)\}\}", asked.legend):
            assert "topk(10, " in asked.expr, asked.name


# Ratios


@per_panel
def test_what_is_a_share_ends_at_the_whole(panel: Document) -> None:
    settings = [panel["fieldConfig"]["defaults"], *overrides(panel).values()]
    for one in settings:
        if one.get("unit") == "percentunit":
            assert (one["min"], one["max"]) == (0, 1)


def test_there_are_shares_on_every_page() -> None:
    assert all('"percentunit"' in json.dumps(page) for page in PAGES.values())


# No more than is of use


@per_page
def test_all_rows_but_the_first_two_are_folded(uid: str) -> None:
    rows = [panel for panel in PAGES[uid]["panels"] if panel["type"] == "row"]
    assert len(rows) > OPEN_ROWS == 2
    assert [row["collapsed"] for row in rows] == [False] * OPEN_ROWS + [True] * (len(rows) - OPEN_ROWS)
    assert [bool(row["panels"]) for row in rows] == [row["collapsed"] for row in rows]
    assert PAGES[uid]["panels"][-1]["type"] == "row"


# Variables and links


@per_page
def test_every_page_can_be_narrowed_to_one_instance(uid: str) -> None:
    variables = [variable["name"] for variable in PAGES[uid]["templating"]["list"]]
    assert variables == [
        "datasource",
        *(["source", "destination"] if uid == peers.UID else []),
        "instance",
        "docs",
        "pages",
    ]
    for asked in ASKED:
        if asked.page == uid:
            assert 'instance=~"$instance' in asked.expr, asked.name


@per_page
def test_the_base_of_all_links_to_documentation_is_one_variable(uid: str) -> None:
    (docs,) = (variable for variable in PAGES[uid]["templating"]["list"] if variable["name"] == "docs")
    assert (docs["type"], docs["query"]) == ("constant", DOCS)
    text = json.dumps({**PAGES[uid], "templating": {}})
    assert "http" not in text
    links = re.findall(r"\$\{docs\}/([^\"\s)#]+)(?:#([\w-]+))?", text)
    assert links
    for path, anchor in links:
        assert (ROOT / path).is_file()
        assert not anchor or anchor in anchors(ROOT / path)


@per_page
def test_the_base_of_all_links_to_calls_is_one_variable(uid: str) -> None:
    (base,) = (variable for variable in PAGES[uid]["templating"]["list"] if variable["name"] == "pages")
    assert (base["type"], base["query"]) == ("constant", SIPWATCH)
    assert json.dumps(PAGES[uid]).count(SIPWATCH) == json.dumps(base).count(SIPWATCH)


def test_only_the_page_about_sipwatch_asks_for_the_process() -> None:
    assert {asked.page for asked in ASKED if "process_" in asked.expr} == {own.UID}


@per_page
def test_titles_are_few_words(uid: str) -> None:
    assert [one["title"] for one in unfolded(PAGES[uid]) if len(one["title"]) > 60] == []


def test_the_pictures_in_the_readme_are_there_and_small() -> None:
    shown = re.findall(r"!\[[^\]]+\]\((docs/pictures/[\w.]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(shown) >= 2
    for name in shown:
        assert (ROOT / name).read_bytes().startswith(b"\x89PNG")
        assert (ROOT / name).stat().st_size < 300_000
