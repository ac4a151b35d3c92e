"""The description of the interface for machines: it is one, and every answer is as it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import jsonschema

from sipwatch.web.openapi import AGENTS, CALL, CALLS, PEERS, SUMS, description
from tests.each import for_each
from tests.export import records
from tests.export.records import at
from tests.web.browsing import LONG, get, site_of
from tests.web.test_why import PROXIED

if TYPE_CHECKING:
    from tests.store.stored import Stored


def checked(answer: Any, operation: str, status: str) -> None:
    """Hold an answer against what the description says of it."""
    document = description()
    (said,) = [path["get"] for path in document["paths"].values() if path["get"]["operationId"] == operation]
    schema = said["responses"][status]["content"]["application/json"]["schema"]
    jsonschema.validate(answer, {**schema, "components": document["components"]})


@for_each(
    "path, operation, status",
    [
        ("/calls", "calls", 200),
        ("/calls?limit=1&outcome=busy&since=2h", "calls", 200),
        ("/calls?filter=x", "calls", 400),
        ("/calls?nonsense=1", "calls", 400),
        ("/calls/0123456789ab", "call", 200),
        ("/calls/c1?messages=1", "call", 200),
        ("/calls/none", "call", 404),
        ("/calls/c1?messages=2", "call", 400),
        ("/agents", "agents", 200),
        ("/agents?by=hour&period=week&zone=Europe/Berlin", "agents", 200),
        ("/agents?by=minute", "agents", 400),
        ("/peers?from=2026-01-05&to=2026-01-06", "peers", 200),
        ("/peers?period=ever", "peers", 400),
        ("/sums", "sums", 200),
        ("/sums?by=source,ending&each=minute", "sums", 200),
        ("/sums?by=colour", "sums", 400),
    ],
)
def test_every_answer_is_as_described(store: Stored, path: str, operation: str, status: int) -> None:
    store.put(records.answered(linked=[records.link("1" * 12, 2)], conditions=[records.condition()]))
    store.watch(PROXIED, until=int(LONG))
    (answer,) = get(site_of(store), f"/api/v1{path}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    checked(answer.json(), operation, str(status))


def test_every_reference_leads_somewhere_and_names_are_unique() -> None:
    document = description()
    names = document["components"]["schemas"].keys()
    text = str(document)
    assert {part.split("'")[0] for part in text.split("#/components/schemas/")[1:]} <= names
    assert {"CallRecord", "MessageRecord", "SumRecord", "ErrorAnswer"} <= names


@for_each(
    "operation, key, value",
    [
        (CALLS, "limit", "1000"),
        (CALLS, "outcome", "failed"),
        (CALLS, "peer", "acme.a:b-c_d"),
        (CALLS, "behind", "176760360000000000-1"),
        (CALL, "messages", "1"),
        (CALLS, "agent", "201"),
        (AGENTS, "by", "day"),
        (AGENTS, "period", "month"),
        (PEERS, "zone", "Europe/Berlin"),
        (PEERS, "from", "2d"),
        (SUMS, "each", "day"),
        (SUMS, "by", "source,destination,outcome"),
    ],
)
def test_what_is_described_is_taken(store: Stored, operation: Any, key: str, value: str) -> None:
    store.put(records.call(started=at(0)))
    path = {"calls": "/calls", "call": "/calls/0123456789ab"}.get(operation.name, f"/{operation.name}")
    assert key in operation.parameters
    assert get(site_of(store), f"/api/v1{path}?{urlencode({key: value})}")[0].status_code == 200
