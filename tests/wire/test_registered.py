"""The registered status codes."""

from __future__ import annotations

from sipwatch.knowledge import Topic, load
from sipwatch.wire.registered import REGISTERED_CODES

RFC_2543 = {409, 411}  # explained to whoever meets them, but registered no more


def test_every_registered_code_is_explained_and_no_other() -> None:
    assert {int(entry.key) for entry in load().all(Topic.STATUS)} == REGISTERED_CODES | RFC_2543
