"""Calls as an observer meets them, as capture files with what is expected of each.

The expectations are stated by hand in ``sides.py`` and ``odd.py``, by OUTCOMES' rules; nothing of sipwatch is asked.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pcaps.make.odd import ODD
from pcaps.make.sides import SIDES
from pcaps.make.situation import Situation
from pcaps.make.situations import capture

if TYPE_CHECKING:
    from pcaps.make.view import Seen, View

VIEWS: dict[str, View] = {**SIDES, **ODD}


def stated(seen: Seen) -> dict[str, Any]:
    """Return what is expected of a call, by the names that records have."""
    return {
        "outcome": seen.outcome,
        "status_code": seen.code,
        "ended_by": seen.by,
        "ending": seen.ending,
        "destination_address": seen.reached if ":" in seen.reached else f"{seen.reached}:5060",
        "talk_seconds": seen.talk,
        "legs": seen.legs,
        "inferred": [seen.inferred.get(place, []) for place in range(len(seen.legs))],
        "conditions": seen.conditions,
    }


def files() -> dict[str, bytes]:
    """Return every file by its path below ``pcaps/``."""
    found: dict[str, bytes] = {}
    for name, view in VIEWS.items():
        situation = Situation(
            view.what, view.script, {}, until=view.until, errors=view.errors, resets=view.resets
        )  # fmt: skip
        found[f"vantage/{name}.pcap"] = capture(situation)
        expected = {"what": view.what, "calls": {call: stated(seen) for call, seen in view.calls.items()}}
        found[f"vantage/{name}.expected.json"] = (json.dumps(expected, indent=1) + "\n").encode()
    return found
