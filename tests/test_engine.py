"""The two laws as properties, and what the engine says of a whole capture."""

from __future__ import annotations

import gzip
import itertools
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from sipwatch.capture.files import Prefilter, open_capture
from sipwatch.classify.peers import Directory, Settings
from sipwatch.engine import Engine
from sipwatch.export.collector import Collector
from sipwatch.export.metrics import Metrics
from sipwatch.export.record import as_text
from sipwatch.export.writers import encode
from sipwatch.track.traffic import MAX_METHODS
from sipwatch.wire.message import Path as Ends
from sipwatch.wire.message import Transport
from sipwatch.wire.sip import parse
from tests.capture import builders
from tests.conversation import messages
from tests.replay import replay
from tests.thorough import examples

if TYPE_CHECKING:
    from prometheus_client.samples import Sample

    from sipwatch.capture.formats import Frame
    from sipwatch.export.record import CallRecord

PCAPS = Path(__file__).resolve().parent.parent / "pcaps"
CAPTURES = Path(os.environ.get("SIPWATCH_CAPTURES", PCAPS.parent.parent / "shared" / "captures"))
CASES = Path(os.environ.get("SIPWATCH_CASES", PCAPS.parent.parent / "shared" / "cases"))
SCENES = (
    "outcomes/answered_elsewhere",
    "outcomes/no_answer",
    "outcomes/no_progress",
    "conditions/ack_missing",
    "outcomes/auth_failed",
)
SECOND = 1_000_000_000
IN_A_TEMPORARY_FOLDER = examples(25, suppress_health_check=[HealthCheck.function_scoped_fixture])


def frames_of(name: str) -> list[Frame]:
    with open_capture([str(PCAPS / f"{name}.pcap")], prefilter=Prefilter.OFF) as source:
        return list(source)


FRAMES = {name: frames_of(name) for name in SCENES}


def records(frames: list[Frame], ticks: list[int]) -> bytes:
    """Return all calls as JSON, with idle ticks at these times pushed in where they belong."""
    calls: list[CallRecord] = []
    engine = Engine(lambda call, _: calls.append(call))
    pending = sorted(ticks)
    for frame in frames:
        while pending and pending[0] <= frame[0]:
            engine.advance(pending.pop(0))
        engine.run([frame])
    engine.finish(frames[-1][0])
    return encode(calls) + repr(engine.tracker.notices).encode()


def unnumbered(calls: list[CallRecord]) -> list[object]:
    """Return calls without the packet numbers of their findings' evidence, which are those of each file."""
    plain = msgspec.to_builtins(calls, enc_hook=as_text)
    for seen in (seen for call in plain for finding in call["findings"] for seen in finding["evidence"]):
        del seen["packet"], seen["file"]
    return list(plain)


@cache
def undisturbed(scene: str) -> bytes:
    """Return all calls of a scene as JSON, as it was captured."""
    return records(FRAMES[scene], [])


@pytest.mark.parametrize("scene", SCENES)
@examples(30)
@given(places=st.lists(st.floats(0, 1), max_size=12))
def test_idle_ticks_anywhere_change_nothing(scene: str, places: list[float]) -> None:
    """Law 1 and 2: a tick between two packets fires what was due anyway, each at its own deadline."""
    frames = FRAMES[scene]
    first, last = frames[0][0], frames[-1][0]
    ticks = [first + int(place * (last - first)) for place in places]
    assert records(frames, ticks) == undisturbed(scene)


@pytest.mark.parametrize("scene", SCENES)
@IN_A_TEMPORARY_FOLDER
@given(data=st.data())
def test_cut_gzipped_converted_or_merged_the_input_says_the_same(
    scene: str, data: st.DataObject, tmp_path: Path
) -> None:
    """Law 2: how the packets are stored changes nothing."""
    frames = FRAMES[scene]
    # Packets of the same moment stay in one part: between files nothing tells which came first.
    possible = [place for place in range(1, len(frames)) if frames[place][0] != frames[place - 1][0]]
    cuts = data.draw(st.lists(st.sampled_from(possible), max_size=3, unique=True).map(sorted))
    parts = [frames[a:b] for a, b in zip([0, *cuts], [*cuts, len(frames)], strict=True)]
    paths = []
    for place, part in enumerate(parts):
        content = builders.pcapng(part) if data.draw(st.booleans()) else builders.pcap(part)
        if data.draw(st.booleans()):
            content = gzip.compress(content)
        path = tmp_path / f"part{place}"
        path.write_bytes(content)
        paths.append(path)
    order = data.draw(st.permutations(paths))
    assert unnumbered(replay(*order).calls) == unnumbered(replay(PCAPS / f"{scene}.pcap").calls)


@pytest.mark.parametrize("scene", SCENES)
@IN_A_TEMPORARY_FOLDER
@given(data=st.data())
def test_packets_dealt_out_to_several_files_say_the_same(scene: str, data: st.DataObject, tmp_path: Path) -> None:
    """Law 2: two capture points, merged by time."""
    frames = FRAMES[scene]
    hands = data.draw(st.lists(st.integers(0, 2), min_size=len(frames), max_size=len(frames)))
    paths = []
    for hand in sorted(set(hands)):
        path = tmp_path / f"hand{hand}"
        path.write_bytes(builders.pcap([frame for frame, whose in zip(frames, hands, strict=True) if whose == hand]))
        paths.append(path)
    merged, whole = replay(*paths), replay(PCAPS / f"{scene}.pcap")
    # Packets of the same moment may change places between files; the calls must not.
    assert [(c.id, c.outcome, c.status_code, len(c.legs)) for c in merged.calls] == [
        (c.id, c.outcome, c.status_code, len(c.legs)) for c in whole.calls
    ]


OWN = sorted(path for path in PCAPS.rglob("*.pcap*") if path.suffix in (".pcap", ".pcapng"))
OTHERS = sorted(CAPTURES.glob("*.pcap*")) + sorted(CASES.glob("*.pcap*"))
EVERY = [*OWN, *(pytest.param(path, marks=pytest.mark.slow) for path in OTHERS)]
NAMES = [path.name for path in (*OWN, *OTHERS)]


@pytest.mark.parametrize("path", EVERY, ids=NAMES)
def test_with_and_without_the_native_filter_every_capture_gives_the_same(path: Path) -> None:
    """Keeping media away natively never changes a verdict, nor a count."""
    with_filter, without = replay(path, prefilter=Prefilter.ON), replay(path, prefilter=Prefilter.OFF)
    assert with_filter == without


@pytest.mark.parametrize("path", EVERY, ids=NAMES)
def test_every_leg_that_started_ends_exactly_once(path: Path) -> None:
    """And every call has a record, in order, with an id of its own."""
    calls = replay(path).calls
    assert len({call.id for call in calls}) == len(calls)
    assert all(leg.outcome for call in calls for leg in call.legs)
    assert all(condition.resolution for call in calls for condition in call.conditions)


# Seconds behind a capture: past T1, ``hunt_within``, T4, Timers B and C, a session's half hour, a dialog's four hours.
BEHIND = (1, 5, 33, 70, 181, 1801, 5 * 3600)
COUNTED = ("_total", "_bucket", "_count")
Samples = list["Sample"]


def samples_of(path: Path, behind: tuple[int, ...], *, with_sink: bool) -> list[Samples]:
    """Return every sample at the end of a capture, so many seconds behind it, and when all is over."""
    calls: list[CallRecord] = []
    engine = Engine((lambda call, _: calls.append(call)) if with_sink else None, metrics=Metrics(Directory(Settings())))
    collector = Collector(engine)

    def scrape() -> Samples:
        return [sample for metric in collector.collect() for sample in metric.samples]

    with open_capture([str(path)], prefilter=Prefilter.OFF) as source:
        engine.run(source, source.place)
        last = source.last or 0
    found = [scrape()]
    for seconds in behind:
        engine.advance(last + seconds * SECOND)
        found.append(scrape())
    engine.finish(last + behind[-1] * SECOND)
    return [*found, scrape()]


COUNTING = [
    *((path, BEHIND[number % 3 :: 3]) for number, path in enumerate(OWN)),
    *(pytest.param(path, BEHIND, marks=pytest.mark.slow) for path in (*OWN, *OTHERS)),
]


@pytest.mark.parametrize(
    ("path", "behind"), COUNTING, ids=[*(path.name for path in OWN), *(f"{name}-all" for name in NAMES)]
)
def test_whether_anybody_wants_records_changes_no_metric_and_no_count_goes_back(
    path: Path, behind: tuple[int, ...]
) -> None:
    """Law 2, sample by sample, at the end of each capture and at any time behind it; also when calls are let go."""
    scrapes = samples_of(path, behind, with_sink=False)
    assert samples_of(path, behind, with_sink=True) == scrapes
    counts = [
        {(name, *labels.values()): value for name, labels, value, *_ in samples if name.endswith(COUNTED)}
        for samples in scrapes
    ]
    fell = [
        key
        for before, after in itertools.pairwise(counts)
        for key, value in before.items()
        if after.get(key, -1.0) < value
    ]
    assert fell == []


def test_methods_that_strangers_invent_stay_bounded() -> None:
    """They are counted by name up to a limit, then together."""
    engine = Engine(lambda call, _: None)
    ends = Ends(bytes(12), Transport.UDP)
    for number in range(500):
        engine.message(parse(number, ends, b"M%d sip:x SIP/2.0\r\n\r\n" % number, False))  # type: ignore[arg-type]
    assert len(engine.account.requests) == MAX_METHODS + 1
    assert engine.account.requests["other"] == 500 - MAX_METHODS


def test_time_beyond_the_capture_lets_the_last_timers_fire() -> None:
    """The last packet of the file tells how long it went on, also when it is media."""
    calls = replay(PCAPS / "outcomes" / "no_progress.pcap").calls
    assert calls[1].ended_by == "timeout"


def test_the_end_waits_no_longer_than_there_is_time_for() -> None:
    """However many calls are open: those that were not closed are counted, and nothing is held of them."""
    settled: list[str] = []
    engine = Engine(lambda record, _: settled.append(record.outcome))
    for message in messages("\n".join(f"{n} A>P INVITE call=c{n}" for n in range(10))):
        engine.message(message)
    turns = iter([True, True, True, False])
    assert engine.finish(goes_on=lambda: next(turns)) == 7
    assert settled == ["unfinished"] * 3
    assert engine.account.evicted["calls"] == 7
    assert engine.account.tracked["calls"] == 0
    assert engine.account.taken["calls"] == 0
