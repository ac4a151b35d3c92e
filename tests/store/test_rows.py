"""Calls as rows: what is read is what was written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from sipwatch.classify.peers import Privacy
from sipwatch.export.privacy import Policy
from sipwatch.export.record import EvidenceRecord, FindingRecord, LinkRecord
from sipwatch.export.writers import encode
from sipwatch.store.rows import as_strangers, digits_turned
from sipwatch.store.wanted import Wanted
from tests.each import for_each
from tests.export import records
from tests.export.records import at, words
from tests.replay import replay

if TYPE_CHECKING:
    from tests.store.stored import Stored

DEMO = Path(__file__).resolve().parents[2] / "pcaps/demo.pcap"


def test_a_call_comes_back_with_everything_that_it_has(store: Stored) -> None:
    """Every key, moments to the nanosecond."""
    seen = EvidenceRecord(at(1.0000005), 7, 0, words("INVITE sip:x"))
    given = records.call(
        findings=[FindingRecord("loss", words("192.0.2.1"), words("it was lost"), [seen])],
        conditions=[records.condition(), records.condition("no_answer", 30, 31)],
        tags=["refused", "brief"],
        linked=[LinkRecord("abcdefabcdef", "session_id", None, at(3))],
        legs=[records.leg(conditions=["no_progress", "no_answer"], inferred=["final"], alerted=at(1)), records.leg()],
    )
    store.put(given, completed=True)
    [found] = store.read().calls(Wanted())
    assert encode(found.record) == encode(given)
    assert found.completed
    assert found.record.started == given.started
    assert found.record.findings[0].evidence[0].time == seen.time


def test_every_call_of_a_capture_comes_back_as_it_was(store: Stored) -> None:
    """With all that real calls have; the store gives what a replay gives."""
    calls = sorted(replay(DEMO).calls, key=lambda call: (call.started, call.id))
    store.put(*calls)
    found = sorted((one.record for one in store.read().calls(Wanted())), key=lambda call: (call.started, call.id))
    assert [msgspec.json.decode(encode(one)) for one in found] == [msgspec.json.decode(encode(one)) for one in calls]


@for_each(
    "number, turned",
    [
        ("+49 30 1234567", "76543210394"),
        ("201", "102"),
        ("tel:+4930", "0394"),
        ("%2B4930", "0394"),
        ("tel", None),
        ("anonymous", None),
        ("alice42", None),
        ("", None),
        (None, None),
        ("*" * 40, None),
        ("1" * 33, None),
        ("15***", "51"),
    ],
)
def test_a_number_stands_with_its_digits_turned(number: str | None, turned: str | None) -> None:
    """What is a name, or nothing, has none."""
    assert digits_turned(number) == turned


def test_text_of_strangers_is_stored_as_it_is(store: Stored) -> None:
    """SQL, NUL, quotes, what is no UTF-8: a text is a text."""
    evil = "'; DROP TABLE calls; --\0\x1b[31m\u202e\"%_"
    store.put(records.call(caller=evil, call_id=evil, reason_phrase=evil, user_agent=evil, source=evil))
    [found] = store.read().calls(Wanted())
    assert (found.record.caller, found.record.call_id, found.record.reason_phrase) == (evil, evil, evil)
    assert store.read().call(evil) is not None


def test_one_call_that_cannot_be_written_does_not_keep_the_others_from_it(store: Stored) -> None:
    """A cause of thirty digits, half a character: such a call is counted, and its neighbours are there."""
    store.put(
        records.call(id="00000000000a"),
        records.call(id="00000000000b", cause=10**30),
        records.call(id="00000000000c", caller="\ud800"),
        records.call(id="00000000000d"),
    )
    assert store.ids() == ["00000000000a", "00000000000d"]
    assert store.intake.dropped == {("call", "file"): 2}


def test_a_policy_hides_in_the_findings_of_a_call_that_was_read(store: Stored) -> None:
    """Their words are sentences by then, of which nobody knows whose the parts are."""
    found = FindingRecord("refusal_streak", words("15555550199"), words("Device 15555550199 is silent."), [])
    store.put(records.call(findings=[found]))
    ((read, *_),) = store.read().calls(Wanted())
    policy = Policy(Privacy(mask=4))
    assert str(policy.call(read).findings[0].subject) == "15555550199"
    (hidden,) = policy.call(as_strangers(read)).findings
    assert (str(hidden.subject), str(hidden.text)) == ("1555555****", "Device 1555555**** is silent.")
    assert as_strangers(records.call()) == records.call()
