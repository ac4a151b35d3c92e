"""How long the parts of a call took: from where to where each delay runs, and when there is none."""

from __future__ import annotations

from sipwatch.export.delays import DELAYS
from sipwatch.report.plain import DELAY_WORDS
from tests.each import for_each
from tests.export.records import answered, at, call, leg

CHALLENGED = answered(
    legs=[leg(outcome="retried", status_code=407), leg(outcome="answered", started=at(0.4), status_code=200)]
)
TOOK = [  # of an answered call: INVITE at 0 s, 180 at 1 s, 200 at 5 s, BYE at 65 s
    ("progress", answered(), 1.0),
    ("progress", call(), None),
    ("answer", answered(), 5.0),
    ("answer", call(), None),
    ("srd", answered(), 1.0),
    ("srd", answered(progressed=None, ringing=None), 5.0),
    ("srd", CHALLENGED, 0.6),
    ("srd", call(), None),
    ("srd", answered(legs=[leg(outcome="answered", inferred=["invite"])]), None),
    ("setup_seconds", call(), 2.0),
    ("ring_seconds", answered(), 4.0),
    ("ring_seconds", call(), None),
    ("talk_seconds", answered(), 60.0),
]


@for_each("name, of, seconds", TOOK, ids=lambda row: f"{row[0]} {row[2]}")
def test_a_delay_runs_from_here_to_there(name: str, of: object, seconds: float | None) -> None:
    found = DELAYS[name](of)  # type: ignore[arg-type]
    assert (None if found is None else found / 1e9) == seconds


def test_each_has_words() -> None:
    assert list(DELAY_WORDS) == list(DELAYS)
