"""The description of the interface for machines (OpenAPI 3.1): its paths and parameters, and the records as they are.

Must not know: HTTP, the store. What a parameter may be is read elsewhere (``asked``, ``api``).
"""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

from sipwatch import installed_version
from sipwatch.classify.outcomes import OF_CALLS
from sipwatch.export.choices import FAILED_ONES
from sipwatch.export.filters import MAX_LENGTH
from sipwatch.export.intervals import By
from sipwatch.export.record import CallRecord
from sipwatch.export.schemas import Schema, schemas_of
from sipwatch.store.ids import MIN_BEGINNING
from sipwatch.store.schema import SUM_KEYS
from sipwatch.web.answers import (
    MAX_SUMS,
    SPANS,
    AgentsAnswer,
    CallsAnswer,
    ErrorAnswer,
    IncidentsAnswer,
    NowAnswer,
    PeersAnswer,
    RegistrationsAnswer,
    SumsAnswer,
)
from sipwatch.web.period import NamedPeriod

MAX_LIMIT: Final = 1000  # calls of one answer
DEFAULT_LIMIT: Final = 100
_MOMENT: Final = "a moment (UTC unless it says otherwise), today, 1h for an hour ago, seconds or milliseconds since"


class Parameter(NamedTuple):
    """A parameter: its schema, and what it asks for."""

    schema: Schema
    says: str


class Operation(NamedTuple):
    """What can be asked for at a path: its name, what it gives, its parameters, the record that it answers with."""

    name: str
    says: str
    parameters: dict[str, Parameter]
    answer: type


def _limit(of: str) -> Parameter:
    schema: Schema = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
    return Parameter(schema, f"How many {of} at most.")


_TIME: Final = {
    "since": Parameter({"type": "string"}, f"Calls that began from then on: {_MOMENT} 1970."),
    "until": Parameter({"type": "string"}, f"Calls that began before: {_MOMENT} 1970."),
}
CALLS: Final = Operation(
    "calls",
    "Calls, the newest first, page by page.",
    {
        **_TIME,
        "filter": Parameter({"type": "string", "maxLength": MAX_LENGTH}, "An expression over the keys of a call."),
        "number": Parameter({"type": "string"}, "Calls from or to a number in any notation; *4567 is what ends so."),
        "outcome": Parameter(
            {"type": "string", "enum": [FAILED_ONES, *(outcome.value for outcome in OF_CALLS)]},
            f"Calls with an outcome; {FAILED_ONES} is all that failed.",
        ),
        "peer": Parameter({"type": "string", "pattern": "^[A-Za-z0-9_.:-]{1,64}$"}, "Calls from or to a peer."),
        "agent": Parameter({"type": "string"}, "Calls that were offered to a device, by its number or address there."),
        "behind": Parameter({"type": "string", "pattern": "^[0-9]{1,18}-[0-9]{1,18}$"}, "next of the page before."),
        "limit": _limit("calls"),
    },
    CallsAnswer,
)
CALL: Final = Operation(
    "call",
    "One call, by its id or Call-ID.",
    {"messages": Parameter({"type": "integer", "enum": [0, 1], "default": 0}, "1: with the messages that are kept.")},
    CallRecord,
)
SUMS: Final = Operation(
    "sums",
    f"Calls added up, in at most {MAX_SUMS:,} rows. Times are whole minutes: since is rounded down, until up.",
    {
        **_TIME,
        "by": Parameter(
            {"type": "string", "default": "outcome", "examples": ["outcome", "source,destination,outcome"]},
            f"What is told apart, with commas between: {', '.join(SUM_KEYS)}.",
        ),
        "each": Parameter({"type": "string", "enum": list(SPANS), "default": "all"}, "How much time a row spans."),
    },
    SumsAnswer,
)
NOW: Final = Operation(
    "now",
    "What is going on right now, what is stuck, and the outcomes of the last hour beside those of the hour before.",
    {},
    NowAnswer,
)
_PERIOD: Final = {
    "period": Parameter(
        {"type": "string", "enum": [one.value for one in NamedPeriod], "default": NamedPeriod.TODAY.value},
        "A time by its name; from and to go before it.",
    ),
    "from": Parameter({"type": "string"}, "A day (2026-01-05, today, yesterday), a moment, or 2d for two days ago."),
    "to": Parameter({"type": "string"}, "The same; a day is included, now without it."),
    "zone": Parameter(
        {"type": "string"}, "The IANA name of a time zone, for days and hours; else the configuration's."
    ),
}
AGENTS: Final = Operation(
    "agents",
    "How every agent took the calls that were offered, by whole hours of the time.",
    {
        **_PERIOD,
        "by": Parameter({"type": "string", "enum": [one.value for one in By], "default": "all"}, "What is told apart."),
    },
    AgentsAnswer,
)
PEERS: Final = Operation("peers", "What became of the calls to and from each peer.", _PERIOD, PeersAnswer)
INCIDENTS: Final = Operation(
    "incidents",
    "What left its own past, since when, where, with examples; without a time: yesterday and today until a minute ago.",
    {
        **{name: one for name, one in _PERIOD.items() if name != "period"},
        "period": Parameter(
            {"type": "string", "enum": [one.value for one in NamedPeriod]},
            "A time by its name; from and to go before it.",
        ),
        "peer": Parameter(
            {"type": "string"}, "Only those of a peer, or of several with commas between, and of all calls."
        ),
    },
    IncidentsAnswer,
)
REGISTRATIONS: Final = Operation(
    "registrations",
    "Who is registered, who is not, since when and why; and attempts to register between peers.",
    {
        **_PERIOD,
        "number": Parameter(
            {"type": "string"},
            "A number in any notation (*4567 is what ends so), a part of an address of record, or an IP address.",
        ),
        "peer": Parameter({"type": "string"}, "Devices or registrars of a peer."),
        "limit": _limit("devices"),
    },
    RegistrationsAnswer,
)
_PATHS: Final = {
    "/agents": AGENTS,
    "/peers": PEERS,
    "/registrations": REGISTRATIONS,
    "/now": NOW,
    "/incidents": INCIDENTS,
    "/calls": CALLS,
    "/calls/{id}": CALL,
    "/sums": SUMS,
}
_ID: Final[Schema] = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": f"The call's id, a beginning of it with {MIN_BEGINNING} digits or more, or its Call-ID.",
    "schema": {"type": "string"},
}
_REFUSALS: Final = {
    "400": "A parameter is wrong.",
    "404": "There is no such call, or several calls begin so.",
    "503": "The store cannot be read, or too much is asked for at once; ask again later.",
}


@cache
def description() -> Schema:
    """Return the description."""
    answers = (*dict.fromkeys([one.answer for one in _PATHS.values()]), ErrorAnswer)
    references, parts = schemas_of(answers, "#/components/schemas/{name}")
    of: dict[type, Schema] = dict(zip(answers, references, strict=True))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "sipwatch",
            "version": installed_version(),
            "description": "What became of every call, as it is stored. Everything is read with GET.",
        },
        "servers": [{"url": "./"}],
        "paths": {path: {"get": _operation(path, one, of)} for path, one in _PATHS.items()},
        "components": {"schemas": parts},
    }


def _operation(path: str, operation: Operation, of: dict[type, Schema]) -> Schema:
    own = [] if "{id}" not in path else [_ID]
    answers = {"200": _response(operation.says, of[operation.answer])}
    for status, says in _REFUSALS.items():
        if status != "404" or own:
            answers[status] = _response(says, of[ErrorAnswer])
    return {
        "operationId": operation.name,
        "summary": operation.says,
        "parameters": [*own, *(_parameter(name, one) for name, one in operation.parameters.items())],
        "responses": answers,
    }


def _parameter(name: str, parameter: Parameter) -> Schema:
    return {"name": name, "in": "query", "description": parameter.says, "schema": parameter.schema}


def _response(says: str, schema: Schema) -> Schema:
    return {"description": says, "content": {"application/json": {"schema": schema}}}
