"""JSON Schema of records as they are written: asked of the records themselves, with the words that they may have.

Must not know: documents, files, who reads them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from sipwatch.classify.endings import Ending
from sipwatch.classify.findings import Kind
from sipwatch.classify.links import LinkedBy, LinkRole
from sipwatch.classify.offers import Offered
from sipwatch.classify.outcomes import Category, Outcome
from sipwatch.classify.tags import Tag
from sipwatch.export.moments import Duration, Moment
from sipwatch.export.record import Words
from sipwatch.track.conditions import Condition, Resolution

if TYPE_CHECKING:
    from collections.abc import Sequence
    from enum import StrEnum

Schema = dict[str, Any]

MOMENT: Final[Schema] = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$",
    "description": "RFC 3339, UTC, to the microsecond.",
}
DURATION: Final[Schema] = {"type": "number", "minimum": 0, "description": "Seconds, to the microsecond."}
# The texts of records that come from a closed list. New words may come with a new version of sipwatch.
_CLOSED: Final[dict[tuple[str, str], type[StrEnum]]] = {
    ("CallRecord", "category"): Category,
    ("CallRecord", "ending"): Ending,
    ("CallRecord", "outcome"): Outcome,
    ("CallRecord", "tags"): Tag,
    ("ConditionRecord", "kind"): Condition,
    ("ConditionRecord", "resolution"): Resolution,
    ("FindingRecord", "kind"): Kind,
    ("LegRecord", "conditions"): Condition,
    ("LegRecord", "offered"): Offered,
    ("LegRecord", "outcome"): Outcome,
    ("LinkRecord", "by"): LinkedBy,
    ("LinkRecord", "role"): LinkRole,
    ("CaptureFindingRecord", "kind"): Kind,
}


def schemas_of(records: Sequence[type[msgspec.Struct]], ref_template: str) -> tuple[list[Schema], dict[str, Schema]]:
    """Return references to records, and what these refer to; ``ref_template`` has ``{name}`` where a name stands."""
    found, parts = msgspec.json.schema_components(records, schema_hook=_as_written, ref_template=ref_template)
    for (record, field), words in _CLOSED.items():
        if record in parts:
            _close(parts[record]["properties"][field], [word.value for word in words])
    for part in parts.values():
        part["description"] = " ".join(part["description"].split())
    return list(found), dict(parts)


def _as_written(kind: type) -> Schema:
    """Return the schema of what stands for a moment, a duration or words (msgspec's schema_hook).

    Raises NotImplementedError.
    """
    if issubclass(kind, Moment):
        return dict(MOMENT)
    if issubclass(kind, Duration):
        return dict(DURATION)
    if issubclass(kind, Words):
        return {"type": "string"}
    raise NotImplementedError(kind)


def _close(schema: Schema, words: list[str]) -> None:
    """Let a text be one of these words: itself, one that may be null, or each of a list."""
    if schema.get("type") == "string":
        schema["enum"] = words
    for inner in (*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else [])):
        _close(inner, words)
