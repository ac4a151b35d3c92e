"""How long the parts of a call took: from where to where each delay runs, and when there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.capture.files import open_capture
from sipwatch.classify.peers import Directory
from sipwatch.config import load
from sipwatch.engine import Engine
from sipwatch.export.delays import DELAYS
from sipwatch.export.metrics import Metrics
from sipwatch.report.plain import DELAY_WORDS
from tests.cli.program import DEMO, ROOT
from tests.each import for_each
from tests.export.records import answered, at, call, leg

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord

CREDENTIALS = ROOT / "pcaps/situations/wrong_credentials.pcap"

CHALLENGED = answered(
    legs=[leg(outcome="retried", status_code=407), leg(outcome="answered", started=at(0.4), status_code=200)]
)
DENIED = answered(  # the first password was wrong
    legs=[leg(outcome="auth_failed", status_code=407), leg(outcome="answered", started=at(0.2), status_code=200)]
)
TOOK = [  # of an answered call: INVITE at 0 s, 180 at 1 s, 200 at 5 s, BYE at 65 s
    ("progress", answered(), 1.0),
    ("progress", call(), None),
    ("answer", answered(), 5.0),
    ("answer", call(), None),
    ("srd", answered(), 1.0),
    ("srd", answered(progressed=None, ringing=None), 5.0),
    ("srd", CHALLENGED, 0.6),
    ("srd", DENIED, 0.8),
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


def test_session_request_delays_are_those_that_are_counted_for_prometheus() -> None:
    """RFC 6076's SRD is told in two places: by the legs while a call is set up, and by the record when it is over."""
    found: list[int] = []

    def sink(record: CallRecord, completed: bool) -> None:
        del completed
        took = DELAYS["srd"](record)
        found.extend([] if took is None else [took])

    metrics = Metrics(Directory(load(str(ROOT / "pcaps/demo.toml")).settings))
    engine = Engine(sink, metrics=metrics, diagnose=False)
    with open_capture([str(DEMO), str(CREDENTIALS)]) as source:
        engine.run(source)
        engine.finish(source.last)
    counted = metrics.durations["session_request_delay_seconds"].values.items()
    told = [spread for key, spread in counted if key[2] == "success"]
    assert (len(found), sum(found)) == (sum(sum(one.counts) for one in told), sum(one.total for one in told))
    assert len(found) > 200


def test_each_has_words() -> None:
    assert list(DELAY_WORDS) == list(DELAYS)
