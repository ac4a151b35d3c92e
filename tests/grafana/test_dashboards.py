"""The dashboards as files: made by the scripts, understood by Grafana's SDK, laid out and worded for people."""

from __future__ import annotations

import json
import re
from itertools import combinations
from operator import itemgetter
from typing import TYPE_CHECKING

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.make import __main__ as make
from grafana.make import codes, overview, own, peers, reasons, words
from grafana.make.board import DOCS
from grafana.make.board import PAGES as SIPWATCH
from sipwatch.capture.hep import CLOSED
from sipwatch.classify.causes import BY_CAUSE, BY_STATUS
from sipwatch.classify.endings import Ending
from sipwatch.classify.outcomes import Category, Outcome
from sipwatch.classify.tags import Tag
from sipwatch.export.metrics import METHODS, PHASES
from sipwatch.shell import events
from sipwatch.shell.hep_out import REASONS as UNSENT
from sipwatch.store.intake import DROPS
from sipwatch.track.conditions import Condition, Resolution
from sipwatch.track.dialog import EndedBy
from sipwatch.track.events import Notice, OptionsOutcome, RegistrationOutcome
from sipwatch.track.traffic import OTHER_METHOD
from sipwatch.wire.discards import STAGE, Discard
from sipwatch.wire.heads import FIRST_FRAGMENT_ONLY
from tests.each import for_each
from tests.grafana import made_up
from tests.grafana.pages import ASKED, FOLDER, PAGES, Asked, Document, panels, unfolded

if TYPE_CHECKING:
    from collections.abc import Iterable
    from enum import StrEnum
    from pathlib import Path

WIDTH = 24
EVERY_PANEL = [panel for uid in PAGES for panel in panels(PAGES[uid])]
per_page = pytest.mark.parametrize("uid", PAGES)
per_panel = for_each("panel", EVERY_PANEL, ids=itemgetter("title"))


# Made by the scripts


def test_the_files_are_what_the_scripts_make() -> None:
    """If not: python -m grafana.make."""
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*")}
    made = make.everything()
    assert set(written) == set(made)
    assert [name for name in made if written[name] != made[name]] == []


def test_the_alerts_link_to_where_the_dashboards_do() -> None:
    """If not: python -m grafana.make."""
    found = make.linked()
    assert len(found) > 2
    assert [path.name for path, text in found.items() if path.read_text(encoding="utf-8") != text] == []


def test_there_are_the_three_pages() -> None:
    assert set(PAGES) == {overview.UID, peers.UID, own.UID}


def test_writing_and_checking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(make, "DASHBOARDS", tmp_path / "dashboards")
    monkeypatch.setattr(make, "PROMETHEUS", tmp_path)
    monkeypatch.setattr(make, "PROVISIONING", tmp_path)
    rules = tmp_path / "rules/alerts.yml"
    rules.parent.mkdir()
    rules.write_text(
        "  calls_url: http://old.example.com/x/calls?since=1h\n"
        "  runbook_url: https://old.example.com/docs/runbook.md#sipserlow\n"
    )
    sources = tmp_path / "datasources/sources.yml"
    sources.parent.mkdir()
    sources.write_text("url: http://localhost:9090\n  url: http://old.example.com/x/calls/$${__value.raw}\n")
    assert make.main(["--check"]) == 1
    assert capsys.readouterr().out.count("differs: ") == 5
    assert make.main([]) == 0
    assert capsys.readouterr().out.count("written: ") == 5
    assert rules.read_text() == (
        f"  calls_url: {SIPWATCH}/calls?since=1h\n  runbook_url: {DOCS}/docs/runbook.md#sipserlow\n"
    )
    assert sources.read_text() == f"url: http://localhost:9090\n  url: {SIPWATCH}/calls/$${{__value.raw}}\n"
    assert make.main(["--check"]) == 0
    (tmp_path / "dashboards/old.json").write_text("{}")
    assert make.main(["--check"]) == 1
    assert capsys.readouterr().out == "made by none of the scripts: old.json\n"
    assert make.main(["--cheque"]) == 2


@per_page
def test_the_sdk_reads_them_and_writes_the_same_again(uid: str) -> None:
    register_default_plugins()
    read = Dashboard.from_json(PAGES[uid])
    assert json.loads(json.dumps(read, cls=JSONEncoder)) == PAGES[uid]


# Laid out


def test_no_id_is_used_twice() -> None:
    assert len({page["title"] for page in PAGES.values()}) == len(PAGES)
    for page in PAGES.values():
        ids = [panel["id"] for panel in unfolded(page)]
        assert ids == sorted(set(ids))
        titles = [panel["title"] for panel in unfolded(page)]
        assert len(titles) == len(set(titles))


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return (
        one["x"] < other["x"] + other["w"]
        and other["x"] < one["x"] + one["w"]
        and one["y"] < other["y"] + other["h"]
        and other["y"] < one["y"] + one["h"]
    )


@per_page
def test_panels_cover_the_page_without_overlaps_and_holes(uid: str) -> None:
    folded = [[panel, *panel["panels"]] for panel in PAGES[uid]["panels"] if panel.get("panels")]
    for together in (PAGES[uid]["panels"], *folded):  # a folded row's panels begin where it stands
        places = [panel["gridPos"] for panel in together]
        assert all(place["x"] >= 0 and place["w"] > 0 and place["x"] + place["w"] <= WIDTH for place in places)
        assert not any(overlap(one, other) for one, other in combinations(places, 2))
    for panels_of_row in (PAGES[uid]["panels"], *(row["panels"] for row in PAGES[uid]["panels"] if row.get("panels"))):
        places = [panel["gridPos"] for panel in panels_of_row]
        height = max(place["y"] + place["h"] for place in places) - min(place["y"] for place in places)
        assert sum(place["w"] * place["h"] for place in places) == WIDTH * height


@per_page
def test_panels_stand_in_the_order_in_which_they_are_read(uid: str) -> None:
    for together in (PAGES[uid]["panels"], *(row.get("panels", []) for row in PAGES[uid]["panels"])):
        places = [(panel["gridPos"]["y"], panel["gridPos"]["x"]) for panel in together]
        assert places == sorted(places)
    assert PAGES[uid]["panels"][0]["type"] == "row"


def test_the_first_look_is_at_what_is_wrong_now() -> None:
    first = [panel["title"] for panel in PAGES[overview.UID]["panels"][:5]]
    assert first == [
        "Is anything wrong right now?", "Alerts firing", "Wrong right now, hop by hop", "Calls in progress",
        "Is sipwatch watching?",
    ]  # fmt: skip


# Worded for people


@per_panel
def test_every_panel_says_what_it_is_in_what_unit_and_why_it_is_empty(panel: Document) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    assert panel["title"].strip()
    assert panel["description"].strip().endswith(".")
    assert defaults["unit"].strip()
    assert defaults["noValue"].strip()


@per_panel
def test_titles_are_words_and_no_code(panel: Document) -> None:
    shown = [panel["title"], panel["fieldConfig"]["defaults"]["noValue"]]
    for override in panel["fieldConfig"]["overrides"]:
        shown += [one["value"] for one in override["properties"] if one["id"] == "displayName"]
    assert [text for text in shown if "_" in text] == []


ALL_LOOKS: list[tuple[words.Looks, Iterable[StrEnum | str]]] = [
    (words.CATEGORIES, Category),
    (words.OUTCOMES, Outcome),
    (words.CONDITIONS, Condition),
    (words.RESOLUTIONS, Resolution),
    (words.PHASES, PHASES.values()),
    (words.ENDED_BY, EndedBy),
    (words.ENDINGS, Ending),
    (words.TAGS, Tag),
    (words.TIMERS, made_up.VALUES["timer"]),
    (words.REGISTRATIONS, RegistrationOutcome),
    (words.OPTIONS, OptionsOutcome),
    (words.METHODS_SEEN, (*METHODS, OTHER_METHOD)),
    (words.EVENTS, ("condition_raised", "condition_resolved", events.CALL_FAILED, events.CALL_ENDED_ODDLY)),
    (codes.PROGRESS, made_up.OF_METRIC["progress_delay_seconds", "status_code"]),
    (reasons.DISCARDS, Discard),
    (reasons.NOTICES, [*Notice, FIRST_FRAGMENT_ONLY]),
    (reasons.STAGES, STAGE.values()),
    (reasons.HEP_CLOSED, CLOSED),
    (reasons.HEP_UNSENT, UNSENT),
    (reasons.STORE_DROPS, {why for _, why in DROPS}),
]


@for_each("looks, values", ALL_LOOKS)
def test_every_value_has_a_plain_name_of_its_own(looks: words.Looks, values: Iterable[str]) -> None:
    assert set(looks) == set(values)
    names = [look.name for look in looks.values()]
    assert len(names) == len(set(names))


def test_every_code_that_decides_an_outcome_has_a_name() -> None:
    assert {str(code) for code in BY_STATUS} <= set(codes.STATUS)
    assert {f"Q.850 {cause}" for cause in BY_CAUSE} <= set(codes.CAUSES)
    assert all(look.name.startswith(code) for code, look in codes.STATUS.items() if code not in {"none", "other"})


# Connected


@per_page
def test_links_lead_to_pages_and_variables_that_exist(uid: str) -> None:
    links = re.findall(r"/d/([\w-]+)\?([^\"]*)", json.dumps(PAGES[uid], ensure_ascii=False))
    assert bool(links) == (uid == overview.UID)
    for target, parameters in links:
        known = {variable["name"] for variable in PAGES[target]["templating"]["list"]}
        assert set(re.findall(r"var-(\w+)=", parameters)) <= known
        assert "${__url_time_range}" in parameters
        assert "${datasource:queryparam}" in parameters


@per_page
def test_fields_that_links_name_are_columns_of_their_table(uid: str) -> None:
    for panel in panels(PAGES[uid]):
        named = set(re.findall(r"__data\.fields\.(\w+)", json.dumps(panel)))
        if named:
            (organised,) = (one for one in panel["transformations"] if one["id"] == "organize")
            assert named <= set(organised["options"]["renameByName"].values())


@per_panel
def test_columns_of_tables_have_words_for_names_and_begin_with_what_a_row_is_about(panel: Document) -> None:
    for one in panel.get("transformations", ()):
        if one["id"] == "organize":
            names, places = one["options"]["renameByName"], one["options"]["indexByName"]
            assert sorted(names, key=places.__getitem__) == sorted(
                names, key=lambda name: (name[:5] == "Value", places[name])
            )
            values = {name for name in names if name.startswith("Value #")}
            assert values == {f"Value #{target['refId']}" for target in panel["targets"]}
            assert panel["options"]["sortBy"][0]["displayName"] in names.values()
            assert len(set(names.values())) == len(names)


@per_page
def test_the_other_pages_and_the_runbook_are_one_click_away(uid: str) -> None:
    by_tag, runbook = PAGES[uid]["links"]
    assert all(set(by_tag["tags"]) <= set(page["tags"]) for page in PAGES.values())
    assert (by_tag["includeVars"], by_tag["keepTime"]) == (True, True)
    assert runbook["title"] == "Runbook"


@per_panel
def test_the_data_source_is_chosen_on_the_page(panel: Document) -> None:
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    assert panel["datasource"] == chosen
    assert all(target["datasource"] == chosen for target in panel["targets"])


# Calls behind the points

CALL_BEHIND = re.compile(
    r"_seconds_bucket|sipwatch_(calls|calls_ended|invites|invite_conditions|reason_causes)_total\b"
)


@for_each("asked", ASKED, ids=lambda asked: asked.name)
def test_points_lead_to_calls_where_they_stand_on_a_line(asked: Asked) -> None:
    """Not in ratios, nor a week later: an exemplar's place is that of its call, and no line is there."""
    wanted = (
        not asked.instant
        and bool(CALL_BEHIND.search(asked.expr) or "conditions_resolved_total" in asked.expr)
        and not re.search(r" / | offset |registration_request_delay", asked.expr)
    )
    assert bool(asked.target.get("exemplar")) == wanted


def test_some_points_lead_to_calls_on_both_pages_about_calls() -> None:
    with_calls = [asked.page for asked in ASKED if asked.target.get("exemplar")]
    assert {overview.UID: with_calls.count(overview.UID) >= 4, peers.UID: with_calls.count(peers.UID) >= 10} == {
        overview.UID: True,
        peers.UID: True,
    }
