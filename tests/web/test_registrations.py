"""The page of registrations: the worst first, found by number or peer, and what was looked at where there is nothing."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

from sipwatch.web import registrations
from tests.export import records
from tests.export.records import EVIL
from tests.store.attempts import attempt
from tests.store.test_registered import put
from tests.web.browsing import get, links, page, site_of, words
from tests.web.test_agents import rows

if TYPE_CHECKING:
    import pytest

    from tests.store.stored import Stored

DAY = 86_400


def filled(store: Stored) -> Stored:
    put(
        store,
        *[attempt(60 * n, "refused") for n in range(3)],
        attempt(0, aor="sip:+49301234567@x", device="192.0.2.81", source="branch"),
        attempt(0, aor="sip:gone@x", until=0), attempt(900, "expired", aor="sip:gone@x"),
    )  # fmt: skip
    return store


def test_the_worst_comes_first_with_why_and_since_when(store: Stored) -> None:
    shown = rows(page(site_of(filled(store)), "/registrations"))
    [first, *rest] = [name for name in shown if "→" not in name]
    assert first == "sip:4711@pbx.example Calls of sip:4711@pbx.example"
    assert [name.partition(" ")[0] for name in rest] == ["sip:gone@x", "sip:+49301234567@x"]
    assert shown[first] == [
        (
            "⊘ Fails Refused since 09:00:00: 3 attempts failed in a row, the latest with 403 Forbidden. It was not seen"
            " to be registered on these days. What 403 Forbidden means"
        ),
        "3", "3", "0", "phones (192.0.2.80) → pbx (198.51.100.5) Phone/1", "09:02:00",
    ]  # fmt: skip


def test_it_is_said_how_many_fail_and_where_what_they_met_is_explained(store: Stored) -> None:
    found = page(site_of(filled(store)), "/registrations")
    assert "3 devices: 1 fails, 1 ran out without a refresh." in words(found)
    assert "./explain/status%20403" in links(found)
    assert get(site_of(store), "/explain/status%20403")[0].status_code == 200
    put(store, attempt(1000), attempt(1000, aor="sip:gone@x"))
    assert "3 devices, none of which fails or ran out." in words(page(site_of(store), "/registrations"))


def test_somebody_is_found_by_number_and_peer_and_the_period_stays(store: Stored) -> None:
    site = site_of(filled(store), region="DE")
    one = page(site, "/registrations?number=030+1234567&period=week")
    assert [name.partition(" ")[0] for name in rows(one) if "sip:" in name] == ["sip:+49301234567@x"]
    assert "./registrations?period=today&number=030+1234567" in links(one)
    [form] = [form for form in one.iter("form") if form.attrib["aria-label"] == "Registrations"]
    assert {field.attrib["name"]: field.attrib["value"] for field in form.iter("input")} == {
        "number": "030 1234567",
        "period": "week",
    }
    assert len([name for name in rows(page(site, "/registrations?peer=branch")) if "sip:" in name]) == 1


def test_peers_have_their_shares_beside_the_time_before(store: Stored) -> None:
    put(store, *[attempt(n - DAY) for n in range(40)], *[attempt(n, "refused") for n in range(40)])
    shown = rows(page(site_of(store), "/registrations"))
    assert shown["phones → pbx"] == [
        "40", "0%", "0", "40", "0", "0", "-",
        "fewer accepted: 0.0% (0 of 40), 100.0% before (40 of 40); more refused: 100.0% (40 of 40), 0.0% before (0 of 40)",
    ]  # fmt: skip


def test_whoever_guesses_names_is_one_row_behind_those_that_fail_and_each_when_looked_for(store: Stored) -> None:
    scan = [attempt(n, "auth_failed", aor=f"sip:{100 + n}@x", device="203.0.113.9") for n in range(40)]
    put(filled(store), *scan)
    site = site_of(store)
    names = [name.partition(" ")[0] for name in rows(page(site, "/registrations"))]
    assert names[:4] == ["sip:4711@pbx.example", "40", "sip:gone@x", "sip:+49301234567@x"]
    each = rows(page(site, "/registrations?number=203.0.113.9"))
    assert len([name for name in each if name.startswith("sip:")]) == 40


def test_of_many_only_the_worst_are_shown_and_the_files_have_all(
    store: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registrations, "MAX_SHOWN", 2)
    site = site_of(filled(store))
    assert "1 more devices are not shown here" in words(page(site, "/registrations"))
    table, whole = get(site, "/registrations.csv?number=", "/registrations.json")
    assert table.headers["content-disposition"] == 'attachment; filename="registrations.csv"'
    found = list(csv.DictReader(io.StringIO(table.text)))
    assert [row["aor"] for row in found] == [row["aor"] for row in json.loads(whole.text)]
    assert len(found) == 3


def test_nobody_is_found_and_it_is_said_what_was_looked_at(store: Stored) -> None:
    """Who cannot be reached, and never registered here, is a finding as well."""
    found = page(site_of(filled(store)), "/registrations?number=9999")
    shown = words(found.find(".//main"))
    assert "Nobody like that registered, or tried to, in this time. Looked for: “9999”, in 2026-01-05 00:00" in shown
    assert {"./registrations", "./registrations?period=week&number=9999"} <= set(links(found))


def test_a_time_without_any_says_what_there_is(store: Stored) -> None:
    found = page(site_of(filled(store)), "/registrations?from=2020-01-01&to=2020-01-02")
    shown = words(found.find(".//main"))
    assert "No REGISTER was seen in this time. Looked at: all that is stored from 2020-01-01 00:00" in shown
    assert "./registrations?from=2026-01-05&to=2026-01-05&zone=UTC" in links(found)


def test_a_store_without_any_says_so(store: Stored) -> None:
    store.put(records.call())
    assert "No attempt to register is stored yet at all" in words(page(site_of(store), "/registrations"))


def test_what_strangers_wrote_is_text(store: Stored) -> None:
    """Names, software, and what somebody looks for; long ones are cut."""
    put(store, attempt(0, "refused", aor=f"sip:<script>{EVIL}@x".replace("\ud800", ""), user_agent="<b>" + EVIL[:9]))
    site = site_of(store)
    (answer,) = get(site, "/registrations")
    assert "<script>" not in answer.text.replace("<script src=", "")
    assert "<b>" not in answer.text
    assert "\u202e" not in answer.text
    shown = words(page(site, "/registrations?number=" + "%3Cscript%3E" * 40).find(".//main"))
    assert "<script>" * 40 not in shown


def test_what_cannot_be_meant_is_said(store: Stored) -> None:
    assert "There is no period" in words(page(site_of(filled(store)), "/registrations?period=never", 400))


# For machines


def test_the_interface_has_the_same_as_json(store: Stored) -> None:
    (answer,) = get(site_of(filled(store)), "/api/v1/registrations?limit=2")
    found = answer.json()
    assert [one["aor"] for one in found["registrations"]] == ["sip:4711@pbx.example", "sip:gone@x"]
    assert (found["more"], found["zone"]) == (1, "UTC")
    assert [(one["source"], one["attempts"]) for one in found["peers"]] == [("phones", 4), ("branch", 1)]
    assert found["registrations"][0]["failing_since"] == "2026-01-05T09:00:00.000000Z"


def test_the_interface_says_what_is_wrong(store: Stored) -> None:
    few, what = get(site_of(filled(store)), "/api/v1/registrations?limit=0", "/api/v1/registrations?who=x")
    assert (few.status_code, few.json()["parameter"]) == (400, "limit")
    assert (what.status_code, what.json()["parameter"]) == (400, "who")


def test_an_empty_store_has_none(store: Stored) -> None:
    (answer,) = get(site_of(store), "/api/v1/registrations")
    assert (answer.status_code, answer.json()["registrations"]) == (200, [])
