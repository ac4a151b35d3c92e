"""What the engine hands to the store: taken without waiting, or counted."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from sipwatch.capture.files import Prefilter, open_capture
from sipwatch.classify.peers import Directory, Settings
from sipwatch.engine import Engine
from sipwatch.export.collector import Collector
from sipwatch.export.metrics import Metrics
from sipwatch.export.writers import encode
from sipwatch.store import intake as intake_module
from sipwatch.store import writer as writer_module
from sipwatch.store.intake import DROPS, Intake
from sipwatch.track.events import MessageTaken, Unbound
from tests.conversation import messages
from tests.each import for_each
from tests.export import records
from tests.test_daemon import PCAPS
from tests.track.registering import watch

if TYPE_CHECKING:
    import pytest

    from sipwatch.export.record import CallRecord


def watched(path: Path) -> tuple[Intake, set[bytes]]:
    """Return what was taken of a capture, and all of its frames."""
    intake = Intake()
    engine = Engine(None, keeper=intake)
    engine.add(intake)
    with open_capture([str(path)], prefilter=Prefilter.OFF) as source:
        frames = set()
        for frame in intake.watch(source):
            frames.add(frame[2])
            engine.run([frame])
        engine.finish(source.last)
    return intake, frames


def test_a_datagram_is_kept_with_its_packet_byte_by_byte() -> None:
    """Before, text and after put together are the frame that was captured."""
    intake, frames = watched(PCAPS / "demo.pcap")
    kept = [one for _, one in intake.messages()]
    own = [one for one in kept if one.link_type >= 0]
    assert len(own) > 0.9 * len(kept) > 4000
    assert all(one.before + one.raw + one.after in frames for one in own)


def test_every_message_of_a_call_is_there_by_its_number() -> None:
    """As many as a replay with messages has, in the same order, marked the same."""
    intake, _ = watched(PCAPS / "demo.pcap")
    texts = dict(intake.messages())
    calls = intake.calls().calls
    found: list[object] = []
    engine = Engine(lambda record, _: found.append(record), keep_messages=True)
    with open_capture([str(PCAPS / "demo.pcap")], prefilter=Prefilter.OFF) as source:
        engine.run(source, source.place)
        engine.finish(source.last)
    of_replay = {record.id: [(m.time, m.retransmission, m.placed) for m in record.messages] for record in found}  # type: ignore[attr-defined]
    of_store = {call.record.id: [(texts[n].time, again, placed) for n, again, placed in call.numbers] for call in calls}
    assert of_store == of_replay


def test_a_segment_of_a_stream_has_no_packet_of_its_own() -> None:
    """Who else speaks in it is nobody's business: only the text is kept."""
    intake, _ = watched(PCAPS / "recorded" / "tcp.pcap")
    kept = [one for _, one in intake.messages() if one.transport == "tcp"]
    assert kept
    assert {(one.link_type, one.before, one.after) for one in kept} == {(-1, b"", b"")}


def test_what_has_no_room_is_counted_until_there_is_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_module, "MAX_CALLS", 2)
    monkeypatch.setattr(intake_module, "MAX_TAGS", 1)
    monkeypatch.setattr(intake_module, "MAX_ANSWERED", 1)
    intake = Intake()
    for _ in range(3):
        intake.call(records.call(), False, [])
        intake.tag("x", 0, [])
        intake.answered("x", 0, ("a", "b"))
    assert intake.dropped == {("call", "queue"): 1, ("tag", "queue"): 2, ("answer", "queue"): 2}
    assert [len(some) for some in intake.calls()] == [2, 1, 1, 0]
    intake.call(records.call(), False, [])
    assert intake.dropped["call", "queue"] == 2  # those that were taken wait still, for the disk
    intake.done(2)
    intake.call(records.call(), False, [])
    assert len(intake.calls()[0]) == 1


def test_attempts_to_register_have_room_in_number_and_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever floods a registrar costs no memory, and what ran out finds room as well."""
    [result] = watch("0 A>P REGISTER\n0.1 P>A 200 h=Expires:_60").results
    size = len(result.request.raw) + len(result.response.raw)  # type: ignore[union-attr]
    monkeypatch.setattr(intake_module, "MAX_ATTEMPT_BYTES", 3 * size)
    intake = Intake()
    for _ in range(5):
        intake.registration(result, ("a", "b"), 0)
    intake.expired(Unbound(result.path, result.aor, result.started), ("a", "b"), 0)
    assert intake.dropped == {("attempt", "queue"): 2}
    assert [one.outcome for one in intake.calls().attempts] == ["registered"] * 3 + ["expired"]
    monkeypatch.setattr(intake_module, "MAX_ATTEMPTS", 1)
    for _ in range(2):
        intake.registration(result, ("a", "b"), 0)
    assert intake.dropped == {("attempt", "queue"): 3}


def test_what_gave_way_to_others_is_not_lost() -> None:
    intake = Intake()
    intake.drop("registration", "room", 5)
    assert intake.lost == 0
    intake.drop("attempt", "file", 2)
    assert intake.lost == 2


def test_messages_have_room_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    [invite, *_] = messages("0 A>P INVITE")
    monkeypatch.setattr(intake_module, "MAX_BYTES", 2 * len(invite.raw))
    intake = Intake()
    take = intake.takes()[MessageTaken]
    for number in range(3):
        take(MessageTaken(number, invite))
    assert intake.dropped == {("message", "queue"): 1}
    assert [number for number, _ in intake.messages()] == [0, 1]
    take(MessageTaken(3, invite))
    assert [number for number, _ in intake.messages()] == [3]


def test_drops_begin_at_0_so_that_the_first_is_an_increase() -> None:
    intake = Intake()
    assert intake.drops() == dict.fromkeys(DROPS, 0)
    intake.drop("call", "queue", 3)
    assert intake.drops() == {**dict.fromkeys(DROPS, 0), ("call", "queue"): 3}


def test_every_reason_that_anybody_gives_is_a_known_one() -> None:
    text = "".join(Path(str(module.__file__)).read_text(encoding="utf-8") for module in (intake_module, writer_module))
    given = set(re.findall(r'drop\("(\w+)", "(\w+)"', text))
    given |= {("message", why) for why in re.findall(r'return "(\w+)"', text)}  # what _write_messages says
    assert given == set(DROPS)


def test_where_no_messages_are_wanted_none_are_taken() -> None:
    assert Intake(messages=False).takes() == {}


def found(path: Path, *, storing: bool) -> tuple[list[bytes], dict[tuple[str, tuple[tuple[str, str], ...]], float]]:
    """Return the records and every figure of a capture."""
    intake = Intake()
    calls: list[CallRecord] = []
    metrics = Metrics(Directory(Settings()))
    engine = Engine(lambda record, _: calls.append(record), metrics=metrics, keeper=intake if storing else None)
    if storing:
        engine.add(intake)
    with open_capture([str(path)], prefilter=Prefilter.OFF) as source:
        engine.run(intake.watch(source), source.place)
        engine.finish(source.last)
    figures = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in Collector(engine).collect()
        for sample in family.samples
        if sample.name not in OF_ITS_MEMORY
    }
    return [encode(call) for call in calls], figures


OF_ITS_MEMORY = {"sipwatch_tracked_bytes"}
CAPTURES = sorted(path for kind in ("situations", "conditions", "recorded") for path in (PCAPS / kind).glob("*.pcap"))


@for_each("path", CAPTURES, ids=lambda path: path.stem)
def test_that_calls_are_stored_changes_neither_records_nor_figures(path: Path) -> None:
    """Whoever looks at a call does not change what became of it."""
    assert found(path, storing=True) == found(path, storing=False)
