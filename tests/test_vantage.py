"""The captures of ``pcaps/vantage/``: one side of a server, lost packets, odd answers, and how calls end.

What a person concludes from each is stated by hand in ``pcaps/make/sides.py`` and ``odd.py``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pcaps.make.vantage import VIEWS
from tests.replay import replay

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord

FOLDER = Path(__file__).resolve().parent.parent / "pcaps" / "vantage"


def seen(call: CallRecord) -> dict[str, Any]:
    """Return of a record what an expectation states."""
    stated = ("outcome", "status_code", "ended_by", "ending", "destination_address")
    return {
        **{name: getattr(call, name) for name in stated},
        "talk_seconds": None if call.talk_seconds is None else call.talk_seconds.seconds,
        "legs": [leg.outcome for leg in call.legs],
        "inferred": [leg.inferred for leg in call.legs],
        "conditions": [condition.kind for condition in call.conditions],
    }


@pytest.mark.parametrize(("name", "call"), [(name, call) for name, view in VIEWS.items() for call in view.calls])
def test_what_became_of_the_call_is_what_a_person_concludes(name: str, call: str) -> None:
    """Outcome, ending, who ended it, who was reached, how long they talked, each leg, what was inferred, what was wrong."""
    expected = json.loads((FOLDER / f"{name}.expected.json").read_text())["calls"][call]
    (found,) = [one for one in replay(FOLDER / f"{name}.pcap").calls if one.call_id == call]
    assert seen(found) == expected


@pytest.mark.parametrize("name", VIEWS)
def test_there_are_no_more_calls_than_were_made(name: str) -> None:
    """And every message of theirs is read."""
    replayed = replay(FOLDER / f"{name}.pcap")
    assert [call.call_id for call in replayed.calls] == list(VIEWS[name].calls)
    assert replayed.capture is not None
    assert set(replayed.capture.discards) <= {"media", "tcp_control"}
