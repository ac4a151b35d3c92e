"""The JSON Schemas of what sipwatch writes and reads: ``--format json``, a line of ``jsonl``, and sipwatch.toml.

Must not know: pages. What is written is asked of the records themselves, what is read of the keys (docs/keys.py).
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docs import keys
from sipwatch.config import TABLES
from sipwatch.export.record import CallRecord, CaptureRecord, SummaryRecord
from sipwatch.export.schemas import schemas_of

if TYPE_CHECKING:
    import msgspec

    from docs.keys import Key, Schema

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


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
        "incidents": _table(keys.INCIDENTS),
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
    return schemas_of(records, "#/$defs/{name}")


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
