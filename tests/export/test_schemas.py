"""The schema of a record holds for what is written of it."""

from __future__ import annotations

import json

import jsonschema
import pytest

from sipwatch.classify.outcomes import Outcome
from sipwatch.export.record import CallRecord
from sipwatch.export.schemas import schemas_of
from sipwatch.export.writers import encode
from tests.export import records


def test_a_call_is_as_its_schema_says_and_no_other_word_is() -> None:
    (call,), parts = schemas_of([CallRecord], "#/$defs/{name}")
    schema = {**call, "$defs": parts}
    written = json.loads(encode(records.answered(conditions=[records.condition()], linked=[records.link("1" * 12, 1)])))
    jsonschema.validate(written, schema)
    for key, value in (("outcome", "fine"), ("started", 5), ("tags", ["x"]), ("setup_seconds", "1")):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**written, key: value}, schema)
    assert parts["CallRecord"]["properties"]["outcome"]["enum"] == [outcome.value for outcome in Outcome]
