"""The interface against its own description: schemathesis asks whatever the description allows, and what it does not."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from sipwatch.web.pages import Pages, Sources
from tests.store.stored import Stored
from tests.test_daemon import PCAPS
from tests.web.browsing import site_of
from tests.web.serving import figures, well

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis import Case

pytestmark = pytest.mark.slow
CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The interface over a store of the demonstration's calls."""
    store = Stored(tmp_path_factory.mktemp("openapi") / "store")
    store.capture(PCAPS / "demo.pcap")
    app = Pages(Sources(figures, well, well), site_of(store)).app
    api = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app)
    api.config.update(base_url="http://testserver/api/v1")
    yield api
    store.close()


def test_every_answer_is_what_the_description_says_and_none_is_the_server_s_fault(api: Any) -> None:
    """What fits the description and what does not, of each operation."""
    operations = [found.ok() for found in api.get_all_operations()]
    assert len(operations) >= 3
    for operation in operations:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @given(case=operation.as_strategy(generation_mode=mode))
            @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)
            def ask(case: Case[Any]) -> None:
                case.validate_response(case.call(), checks=list(CHECKS))

            # What asks for nothing can be asked in no wrong way.
            with suppress(Unsatisfiable) if mode is GenerationMode.NEGATIVE and not asks(operation) else nullcontext():
                ask()


def asks(operation: Any) -> bool:
    """Tell whether an operation has parameters."""
    return bool(operation.definition.raw.get("parameters"))
