"""The JSON Schemas of what sipwatch writes and reads: ``--format json``, a line of ``jsonl``, and sipwatch.toml.

Must not know: pages. What is written is asked of the records themselves, what is read of the keys (docs/keys.py).
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from docs import keys
from sipwatch.classify.endings import Ending
from sipwatch.classify.findings import Kind as Cause
from sipwatch.classify.links import LinkedBy, LinkRole
from sipwatch.classify.offers import Offered
from sipwatch.classify.outcomes import Category, Outcome
from sipwatch.classify.tags import Tag
from sipwatch.config import TABLES
from sipwatch.export.moments import Duration, Moment
from sipwatch.export.record import CallRecord, CaptureRecord, SummaryRecord, Words
from sipwatch.track.conditions import Condition, Resolution

if TYPE_CHECKING:
    from enum import StrEnum

    from docs.keys import Key, Schema

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_MOMENT: Schema = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$",
    "description": "RFC 3339, UTC, to the microsecond.",
}
_DURATION: Schema = {"type": "number", "minimum": 0, "description": "Seconds, to the microsecond."}
# The texts of records that come from a closed list. New words may come with a new version of sipwatch.
_CLOSED: dict[tuple[str, str], type[StrEnum]] = {
    ("CallRecord", "category"): Category,
    ("CallRecord", "ending"): Ending,
    ("CallRecord", "outcome"): Outcome,
    ("CallRecord", "tags"): Tag,
    ("ConditionRecord", "kind"): Condition,
    ("ConditionRecord", "resolution"): Resolution,
    ("FindingRecord", "kind"): Cause,
    ("LegRecord", "conditions"): Condition,
    ("LegRecord", "offered"): Offered,
    ("LegRecord", "outcome"): Outcome,
    ("LinkRecord", "by"): LinkedBy,
    ("LinkRecord", "role"): LinkRole,
    ("CaptureFindingRecord", "kind"): Cause,
}


def call_schema() -> str:
    """Write the schema of one call: a line of ``--format jsonl``."""
    (call,), parts = _records(CallRecord)
    return _document("call.schema.json", "A call attempt, as a line of sipwatch replay --format jsonl", call, parts)


def report_schema() -> str:
    """Write the schema of ``--format json``."""
    (capture, summary, call), parts = _records(CaptureRecord, SummaryRecord, CallRecord)
    whole = _object({"capture": capture, "summary": summary, "calls": {"type": "array", "items": call}})
    return _document("report.schema.json", "What sipwatch replay --format json writes", whole, parts)


def configuration_schema() -> str:
    """Write the schema of sipwatch.toml, for editors. ``sipwatch check`` knows more."""
    tables = {
        "timers": _table(keys.TIMERS),
        "capture": _table(keys.CAPTURE),
        "limits": _table(keys.LIMITS),
        "hep": _table(keys.HEP)
        | {"dependentRequired": {"certificate": ["certificate_key"], "certificate_key": ["certificate"]}},
        "peer": {"type": "array", "items": {"$ref": "#/$defs/peer"}},
        "software": {"type": "array", "items": _table(keys.SOFTWARE, "name", "pattern")},
        "hours": {"type": "array", "items": _table(keys.HOURS, "zone", "open")},
        "agent": {
            "type": "array",
            "items": _table(keys.AGENT) | {"oneOf": [{"required": ["number", "name"]}, {"required": ["file"]}]},
        },
        "callback": _table(keys.CALLBACK),
        "links": _table(keys.LINKS),
        "store": _table(keys.STORE),
        "privacy": _table(keys.PRIVACY),
    }
    whole = _closed({name: tables[name] for name in TABLES})
    peer = _table(keys.PEER, "name", "kind") | {"anyOf": [{"required": ["addresses"]}, {"required": ["hosts"]}]}
    matching = [{"required": [key]} for key in keys.RULE if key not in ("cause_protocol", "value", "outcome", "note")]
    rule = _table(keys.RULE, "outcome") | {
        "anyOf": matching,
        "dependentRequired": {"cause_protocol": ["cause"], "value": ["header"]},
    }
    node = _table(keys.NODE, "name") | {"anyOf": [{"required": ["id"]}, {"required": ["node"]}]}
    parts = {"peer": peer, "rule": rule, "node": node}
    return _document("sipwatch.toml.schema.json", "The configuration of sipwatch", whole, parts)


def _records(*records: type[msgspec.Struct]) -> tuple[list[Schema], dict[str, Any]]:
    """Return references to records as they are written, and what they refer to."""
    found, parts = msgspec.json.schema_components(records, schema_hook=_as_written, ref_template="#/$defs/{name}")
    for (record, field), words in _CLOSED.items():
        if record in parts:
            _close(parts[record]["properties"][field], [word.value for word in words])
    for part in parts.values():
        part["description"] = " ".join(part["description"].split())
    return list(found), dict(parts)


def _as_written(kind: type) -> Schema:
    """Return the schema of what stands for a moment, a duration or words (msgspec's schema_hook). Raises NotImplementedError."""
    if issubclass(kind, Moment):
        return dict(_MOMENT)
    if issubclass(kind, Duration):
        return dict(_DURATION)
    if issubclass(kind, Words):
        return {"type": "string"}
    raise NotImplementedError(kind)


def _close(schema: Schema, words: list[str]) -> None:
    """Let a text be one of these words: itself, one that may be null, or each of a list."""
    if schema.get("type") == "string":
        schema["enum"] = words
    for inner in (*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else [])):
        _close(inner, words)


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _closed(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _table(of: dict[str, Key], *required: str) -> Schema:
    """Return the schema of a table, which takes no key that it does not know."""
    table = _closed({name: {"description": key.meaning, **key.schema} for name, key in of.items()})
    return table | ({"required": list(required)} if required else {})


def _document(name: str, title: str, schema: Schema, parts: dict[str, Any]) -> str:
    home = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]["urls"]["Homepage"]
    head = {"$schema": _DIALECT, "$id": f"{home}/blob/main/docs/schema/{name}", "title": title}
    return json.dumps({**head, **schema, "$defs": parts}, indent=2, ensure_ascii=False) + "\n"
