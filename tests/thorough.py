"""How many examples a property is tried on: a sound number at each change, many where there is time.

``make test-slow`` has the many (``HYPOTHESIS_PROFILE=full``), for every property. Must not know: any test.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import settings

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "default")
IN_FULL = PROFILE != "default"
SHARE, FEWEST = 6, 2  # of the many examples, one in so many is tried at each change, but never fewer than these


def examples(many: int, **more: Any) -> settings:
    """Return settings for so many examples, a share of them unless all are asked for."""
    return settings(max_examples=many if IN_FULL else min(many, max(FEWEST, many // SHARE)), **more)
