"""What the engine saw, as lines: from real calls, through the real engine."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sipwatch.capture.files import open_capture
from sipwatch.classify.endings import UNREMARKABLE, Ending
from sipwatch.classify.outcomes import CATEGORY_OF, Outcome
from sipwatch.classify.peers import Privacy
from sipwatch.config import load
from sipwatch.engine import Engine
from sipwatch.export.privacy import Policy
from sipwatch.shell.events import Told, call_ended_oddly, call_failed
from sipwatch.shell.log import Log
from tests.conversation import messages
from tests.each import for_each
from tests.export.records import EVIL, answered, call, condition, leg, span

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord

PCAPS = Path(__file__).resolve().parent.parent.parent / "pcaps"


def no_clock() -> float:
    """Stand still: these lines have packet times."""
    return 0.0


def logged(capture: str) -> tuple[list[dict[str, Any]], list[CallRecord]]:
    """Replay a capture; return what was logged, and the calls."""
    out = io.StringIO()
    log = Log(out, "json", no_clock, most_per_minute=10_000)
    records: list[CallRecord] = []

    def sink(record: CallRecord, _completed: bool) -> None:
        records.append(record)

    config = load(str(PCAPS / "demo.toml"))
    engine = Engine(sink, config.settings)
    engine.add(Told(log, engine.verdicts, None))
    with open_capture([str(PCAPS / capture)]) as source:
        engine.run(source)
        engine.finish(source.last)
    return [json.loads(line) for line in out.getvalue().splitlines()], records


def test_a_call_stuck_in_trying_is_told_while_it_happens() -> None:
    lines, (record,) = logged("conditions/no_progress.pcap")
    slow, stuck, *_ = lines
    assert slow["level"] == "INFO"
    assert slow["condition"] == "slow_progress"
    assert stuck == {
        "time": "2026-01-05T09:00:10.100000Z",
        "level": "WARNING",
        "event": "condition_raised",
        "condition": "no_progress",
        "source": "phones",
        "destination": "acme",
        "id": record.id,
        "request_uri": record.callee_uri,
        "source_address": record.source_address,
        "destination_address": record.destination_address,
        "after_seconds": 10.1,
        "call_id": record.call_id,
    }


def test_the_end_of_a_condition_says_how_and_after_how_long() -> None:
    lines, (record,) = logged("conditions/no_progress.pcap")
    ended = [line for line in lines if line["event"] == "condition_resolved"]
    assert [(line["condition"], line["resolution"]) for line in ended] == [
        (c.kind, c.resolution) for c in sorted(record.conditions, key=lambda c: (str(c.resolved), c.raised))
    ]
    (stuck,) = [line for line in ended if line["condition"] == "no_progress"]
    (known,) = [c for c in record.conditions if c.kind == "no_progress"]
    assert stuck["time"] == str(known.resolved)
    assert stuck["lasted_seconds"] == pytest.approx(known.resolved.since(known.raised) if known.resolved else None)
    assert stuck["id"] == record.id


def test_in_a_contact_centre_every_condition_and_every_failed_call_is_told_once() -> None:
    lines, records = logged("demo.pcap")
    conditions = [c for record in records for c in record.conditions]
    told = [(line["condition"], line["time"]) for line in lines if line["event"] == "condition_raised"]
    assert sorted(told) == sorted((c.kind, str(c.raised)) for c in conditions)
    resolved = [(line["condition"], line["time"]) for line in lines if line["event"] == "condition_resolved"]
    assert sorted(resolved) == sorted((c.kind, str(c.resolved)) for c in conditions)
    failed = [line["id"] for line in lines if line["event"] == "call_failed"]
    assert sorted(failed) == sorted(r.id for r in records if r.category not in {"success", "normal", "unknown"})
    assert len(failed) == 138  # the report's figure


def test_agent_busy_is_said_of_an_agent() -> None:
    out = io.StringIO()
    for legs in ([leg()], [leg(), leg(offered="busy")]):
        call_failed(Log(out, "json", no_clock), call(legs=legs))
    assert [json.loads(line)["plain_name"] for line in out.getvalue().splitlines()] == ["Busy", "Agent busy"]


def test_the_text_form_of_a_failed_call() -> None:
    out = io.StringIO()
    record = call(
        "no_progress", source="phones", destination="acme", status_code=487, cause=102, setup_seconds=span(12.3)
    )
    record.conditions = [condition("slow_progress", 3), condition("no_progress", 10)]
    call_failed(Log(out, "text", no_clock), record)
    assert out.getvalue() == (
        '2026-01-05T09:00:02.000000Z WARNING call_failed id=0123456789ab outcome=no_progress plain_name="Stuck in Trying"'
        " category=technical source=phones destination=acme caller=15550100 callee=15550101 status_code=487 cause=102"
        " setup_seconds=12.3 conditions=slow_progress,no_progress call_id=c1\n"
    )


@for_each("outcome", [o for o in Outcome if o is not Outcome.RETRIED])
def test_only_calls_that_failed_are_told_and_the_users_doing_is_no_warning(outcome: Outcome) -> None:
    out = io.StringIO()
    call_failed(Log(out, "json", no_clock), call(outcome.value))
    category = CATEGORY_OF[outcome.value]
    if category in {"success", "normal", "unknown"}:
        assert out.getvalue() == ""
    else:
        assert json.loads(out.getvalue())["level"] == ("INFO" if category == "user" else "WARNING")


def test_a_call_without_an_end_has_the_time_it_began() -> None:
    out = io.StringIO()
    call_failed(Log(out, "json", no_clock), call(ended=None))
    assert json.loads(out.getvalue())["time"] == "2026-01-05T09:00:00.000000Z"


def test_the_text_form_of_a_call_that_ended_oddly() -> None:
    out = io.StringIO()
    record = answered(source="phones", destination="acme", ending="error_reason", ended_by="callee", end_cause=38)
    record.end_cause_protocol, record.end_cause_text = "Q.850", "RTP timeout"
    call_ended_oddly(Log(out, "text", no_clock), record)
    assert out.getvalue() == (
        "2026-01-05T09:01:05.000000Z WARNING call_ended_oddly id=0123456789ab ending=error_reason"
        ' plain_name="Dropped with an error" ended_by=callee source=phones destination=acme caller=15550100'
        ' callee=15550101 talk_seconds=60.0 end_cause=38 end_cause_protocol=Q.850 end_cause_text="RTP timeout" call_id=c1\n'
    )


@for_each("ending", list(Ending))
def test_of_endings_only_the_odd_ones_are_told(ending: Ending) -> None:
    out = io.StringIO()
    call_ended_oddly(Log(out, "json", no_clock), answered(ending=ending.value))
    told = [json.loads(line)["ending"] for line in out.getvalue().splitlines()]
    assert told == ([] if ending.value in UNREMARKABLE else [ending.value])


def test_a_call_that_was_not_answered_has_no_ending_to_tell() -> None:
    out = io.StringIO()
    call_ended_oddly(Log(out, "json", no_clock), call("busy"))
    assert out.getvalue() == ""


def test_what_the_bye_of_an_odd_ending_said_is_hidden_like_the_rest() -> None:
    out = io.StringIO()
    record = answered(ending="error_reason", end_cause_text="15550101 is gone", call_id="15550100@h")
    call_ended_oddly(Log(out, "text", no_clock), record, Policy(Privacy(4)))
    assert "5010" not in out.getvalue()
    assert " caller=1555**** callee=1555**** " in out.getvalue()


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_stranger_who_calls_writes_no_line_of_his_own(form: str) -> None:
    out = io.StringIO()
    evil = EVIL + '" outcome="answered"\n2026-01-05T09:00:02.000000Z INFO stopped'
    record = call("forbidden", caller=evil, callee=evil, call_id=evil)
    call_failed(Log(out, "json" if form == "json" else "text", no_clock), record)
    assert out.getvalue().count("\n") == 1
    assert "\x1b" not in out.getvalue()
    assert "\u202e" not in out.getvalue()
    if form == "json":
        assert json.loads(out.getvalue())["outcome"] == "forbidden"
    else:
        assert out.getvalue().count(" outcome=forbidden ") == 1
        assert ' outcome="answered' not in out.getvalue().replace('\\"', "'")


def stuck(call_id: str, policy: Policy | None) -> list[dict[str, Any]]:
    """Return the lines of a call to sip:alice:hunter2@example.com that hangs."""
    out = io.StringIO()
    engine = Engine(None)
    engine.add(Told(Log(out, "json", no_clock), engine.verdicts, policy))
    uri = "sip:alice:hunter2@example.com;x=15550100"
    for message in messages(
        f"0 A>P INVITE uri={uri} call={call_id}\n0.1 P>A 100 call={call_id}\n20 P>A 404 call={call_id}"
    ):
        engine.message(message)
    engine.finish()
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_password_in_a_uri_is_in_no_line_and_the_rest_of_it_is_where_nothing_is_to_be_hidden() -> None:
    lines = stuck("c1", None)
    assert {line["event"] for line in lines} == {"condition_raised", "condition_resolved", "call_failed"}
    assert {line.get("request_uri") for line in lines} == {"sip:alice:*******@example.com;x=15550100", None}


def test_conditions_name_nobody_where_numbers_are_to_be_hidden() -> None:
    lines = stuck("c1", Policy(Privacy(4)))
    assert {line.get("request_uri") for line in lines} == {"sip:a****:*******@example.com;x=1555****", None}
    assert {line["call_id"] for line in lines} == {"c1"}


@pytest.mark.parametrize("call_id", ["15550100-7@h", "alice.7@h"])  # the caller's number, the callee's name
def test_a_call_id_that_names_somebody_is_hidden_as_in_every_report(call_id: str) -> None:
    lines = stuck(call_id, Policy(Privacy(4)))
    assert {line["call_id"] for line in lines} == {"*" * len(call_id)}


def test_a_failed_call_names_nobody_where_numbers_are_to_be_hidden() -> None:
    out = io.StringIO()
    call_failed(Log(out, "text", no_clock), call("busy", call_id="15550100@h"), Policy(Privacy(4)))
    assert " caller=1555**** callee=1555**** " in out.getvalue()
    assert " call_id=********** " in out.getvalue().replace("\n", " ")
    assert " id=0123456789ab " in out.getvalue()


def test_no_line_is_made_of_a_condition_that_finds_no_room() -> None:
    """When many calls are stuck, or all end at once, lines that nobody reads would cost more than the calls."""
    out = io.StringIO()
    log = Log(out, "json", no_clock, most_per_minute=0)
    engine = Engine(None)
    told = Told(log, engine.verdicts, None)
    asked: list[str] = []
    event = log.event
    log.event = lambda *words, **fields: asked.append(words[1]) or event(*words, **fields)  # type: ignore[method-assign, func-returns-value]
    engine.add(told)
    with open_capture([str(PCAPS / "conditions/no_progress.pcap")]) as source:
        engine.run(source)
        engine.finish(source.last)
    assert asked == []
    assert log.suppressed["condition_raised"] == log.suppressed["condition_resolved"] == 2
