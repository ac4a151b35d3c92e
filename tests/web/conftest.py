"""What the web's tests share."""

from __future__ import annotations

import pytest

from tests.store.conftest import demo, store, stores
from tests.web.certificates import Certificates

__all__ = ["demo", "store", "stores"]


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))
