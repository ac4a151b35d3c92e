"""Calls and sums as JSON: page by page, bounded, and every mistake in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from sipwatch.store.days import StoreError
from sipwatch.web.openapi import CALLS, REGISTRATIONS, SUMS
from sipwatch.web.site import Website
from sipwatch.web.workers import Busy
from tests.each import for_each
from tests.export import records
from tests.export.records import at
from tests.web.browsing import get, site_of, watched
from tests.web.test_calls import HOSTILE
from tests.web.test_why import PROXIED

if TYPE_CHECKING:
    from sipwatch.store.reader import StoreReader
    from tests.store.stored import Stored


def test_calls_come_page_by_page_until_there_is_no_next(store: Stored) -> None:
    ids = [f"{n:012x}" for n in range(7)]
    store.put(*[records.call(id=one, started=at(n)) for n, one in enumerate(ids)])
    site = site_of(store)
    seen, following = [], ""
    for size in (3, 3, 1):
        (answer,) = get(site, f"/api/v1/calls?limit=3{following}")
        found = answer.json()
        assert len(found["calls"]) == size
        assert found["looked_until"] is None
        seen += [call["id"] for call in found["calls"]]
        following = f"&behind={found['next']}"
    assert found["next"] is None
    assert seen == ids[::-1]


def test_a_call_comes_with_its_messages_if_they_are_asked_for(store: Stored) -> None:
    call = watched(store, PROXIED)
    bare, whole = get(site_of(store), f"/api/v1/calls/{call.id}", f"/api/v1/calls/{call.id}?messages=1")
    assert "messages" not in bare.json()
    assert [one["first_line"] for one in whole.json()["messages"]] == [one.first_line for one in call.messages or ()]


def test_an_empty_store_has_neither_calls_nor_sums(store: Stored) -> None:
    calls, sums, one = get(site_of(store), "/api/v1/calls", "/api/v1/sums", "/api/v1/calls/x")
    assert calls.json() == {"calls": [], "next": None, "looked_until": None}
    assert sums.json() == {"sums": []}
    assert one.status_code == 404


@for_each(
    "path, parameter",
    [
        ("calls?limit=0", "limit"),
        ("calls?limit=1001", "limit"),
        ("calls?filter=x", "filter"),
        ("calls?outcome=fine", "outcome"),
        ("calls?since=1h&since=2h", "since"),
        ("calls?before=1-1", "before"),
        ("calls/x?limit=1", "limit"),
        ("agents?since=1h", "since"),
        ("agents?zone=Mars", "zone"),
        ("peers?by=day", "by"),
        ("sums?filter=x", "filter"),
        ("sums?by=id", "by"),
        ("sums?each=year", "each"),
    ],
)
def test_a_mistake_is_one_line_and_names_its_parameter(store: Stored, path: str, parameter: str) -> None:
    store.put(records.call())
    (answer,) = get(site_of(store), f"/api/v1/{path}")
    assert answer.status_code == 400
    assert answer.json()["parameter"] == parameter
    assert "\n" not in answer.json()["error"]


@for_each("error, status", [(Busy(), 503), (StoreError("/x: cannot be read"), 503)])
def test_what_keeps_the_store_from_an_answer_is_told(error: Exception, status: int) -> None:
    def fail() -> StoreReader:
        raise error

    (answer,) = get(Website(fail), "/api/v1/calls")
    assert (answer.status_code, answer.headers["retry-after"]) == (status, "1")
    assert answer.json()["error"]


@for_each("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_everything_is_only_read(store: Stored, method: str) -> None:
    for path in ("calls", "calls/x", "sums", "openapi.json"):
        (answer,) = get(site_of(store), f"/api/v1/{path}", method=method)
        assert answer.status_code == 405
        assert "GET" in answer.headers["allow"]
        assert answer.json() == {"error": "Method Not Allowed", "parameter": None}


@for_each("path", ["", "/", "/nothing", "/calls/"])
def test_what_is_not_there_is_said_as_json(store: Stored, path: str) -> None:
    store.put(records.call())
    (answer,) = get(site_of(store), f"/api/v1{path}", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert answer.json()["error"]


def test_a_beginning_that_names_no_single_call_is_told(store: Stored) -> None:
    store.put(records.call(id="a" * 12))
    (answer,) = get(site_of(store), "/api/v1/calls/aaa")
    assert answer.status_code == 404
    said = "'aaa' names no single call: 1 call begins so; give 6 digits of the id or more"
    assert answer.json() == {"error": said, "parameter": "id"}


def test_whatever_is_asked_no_answer_is_an_error_of_ours(store: Stored) -> None:
    store.put(records.call())
    evil = [quote(text[:3000], safe="") for text in HOSTILE] + ["%ff%fe", "%00", "%2e%2e%2f", "9" * 400, "-1", "NaN"]
    paths = [f"/api/v1/calls?{key}={text}" for key in CALLS.parameters for text in evil]
    paths += [f"/api/v1/sums?{key}={text}" for key in SUMS.parameters for text in evil]
    paths += [f"/api/v1/registrations?{key}={text}" for key in REGISTRATIONS.parameters for text in evil]
    paths += [f"/api/v1/calls/{text}?messages=1" for text in evil]
    answers = get(site_of(store), *paths)
    assert {answer.status_code for answer in answers} <= {200, 400, 404}
    assert all(answer.json() for answer in answers)
    assert len(get(site_of(store), "/api/v1/calls")[0].json()["calls"]) == 1


def test_text_of_strangers_is_harmless_on_a_terminal(store: Stored) -> None:
    store.put(records.call(caller="\u202eabc\x7f\x9b31m"))
    (answer,) = get(site_of(store), "/api/v1/calls")
    assert not set(answer.text) & set("\u202e\x7f\x9b")
    assert answer.json()["calls"][0]["caller"] == "\u202eabc\x7f\x9b31m"


def test_agents_and_peers_are_those_of_their_pages(store: Stored) -> None:
    hop = records.leg(offered="busy", device="201", destination="phones")
    store.put(
        records.call(source="acme", destination="phones", legs=[hop]),
        records.answered(id="1" * 12, source="acme", destination="phones", started=at(1)),
    )
    agents, peers = (answer.json() for answer in get(site_of(store), "/api/v1/agents", "/api/v1/peers"))
    span = {"since": "2026-01-05T00:00:00.000000Z", "until": "2026-01-06T00:00:00.000000Z", "zone": "UTC"}
    assert agents == {**span, "left_out": 0, "agents": agents["agents"]}
    assert [(one["device"], one["offered"], one["busy"]) for one in agents["agents"]] == [("201", 1, 1)]
    assert peers == {**span, "peers": peers["peers"]}
    assert peers["peers"][0] == {
        "peer": "phones",
        "end": "destination",
        "calls": 2,
        "judged": 2,
        "answered": 1,
        "asr": 0.5,
        "ner": 1.0,
        "failed": {"user": 1, "policy": 0, "routing": 0, "technical": 0, "capacity": 0},
        "wait_seconds": 3.5,
    }


def test_an_empty_store_has_neither_agents_nor_peers(store: Stored) -> None:
    agents, peers = get(site_of(store), "/api/v1/agents", "/api/v1/peers")
    assert (agents.json()["agents"], peers.json()["peers"]) == ([], [])
