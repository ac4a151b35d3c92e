"""What is cut out of a capture is the call, the whole call, and nothing but the call."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.capture.files import open_capture
from sipwatch.classify.peers import EVERYTHING, Privacy, Settings
from sipwatch.evidence import cut as module
from sipwatch.evidence.build import Builder
from sipwatch.evidence.cut import Cutter
from tests.evidence.scenes import (
    CALLEE,
    CALLER,
    CONFIG,
    KEY,
    OTHERS,
    RESPONSE,
    STRANGER,
    STUCK,
    V6,
    cut_out,
    frames_of,
    over_udp,
    said,
    save,
    the_call,
    tshark,
    verdict,
)
from tests.replay import feed, replay
from tests.thorough import examples
from tests.tshark import needs_tshark
from tests.wire import frames as f

if TYPE_CHECKING:
    from tests.capture import builders
    from tests.evidence.scenes import Said

PCAPS = Path(__file__).resolve().parents[2] / "pcaps"
CAPTURES = sorted(path for path in PCAPS.rglob("*.pcap") if path.name != "demo.pcap")
NAMES = [f"{path.parent.name}-{path.stem}" for path in CAPTURES]
SECOND = 1_000_000_000


def in_turn(paths: list[Path], now: list[Path]) -> list[object]:
    """Return the captures as parameters, those that are not to be tried at each change marked as slow."""
    return [path if path in now else pytest.param(path, marks=pytest.mark.slow) for path in paths]


@pytest.mark.parametrize("path", CAPTURES, ids=NAMES)
def test_every_call_replayed_from_its_own_packets_is_the_same_call(path: Path, tmp_path: Path) -> None:
    for cut in cut_out(tmp_path, path):
        assert cut.path is not None, cut.example.capture.why_not
        assert [verdict(call) for call in replay(cut.path).calls] == [verdict(cut.call)]


# At each change what is in every third capture is hidden, and in every other third all have pseudonyms.
MASKED_NOW, PSEUDONYMS_NOW = CAPTURES[::3], CAPTURES[1::3]


@pytest.mark.parametrize("path", in_turn(CAPTURES, MASKED_NOW), ids=NAMES)
def test_it_is_judged_alike_when_everything_in_it_is_hidden(path: Path, tmp_path: Path) -> None:
    for cut in cut_out(tmp_path, path, privacy=Privacy(EVERYTHING, names=True)):
        assert cut.path is not None, cut.example.capture.why_not
        (again,) = replay(cut.path).calls
        assert verdict(again)[2:5] == verdict(cut.call)[2:5]
        assert [leg.outcome for leg in again.legs] == [leg.outcome for leg in cut.call.legs]


@pytest.mark.parametrize("path", in_turn(CAPTURES, PSEUDONYMS_NOW), ids=NAMES)
def test_it_is_judged_alike_when_everybody_has_a_pseudonym(path: Path, tmp_path: Path) -> None:
    for cut in cut_out(tmp_path, path, privacy=Privacy(addresses=True, key=b"0123456789abcdef")):
        assert cut.path is not None, cut.example.capture.why_not
        (again,) = replay(cut.path).calls
        assert verdict(again)[2:5] == verdict(cut.call)[2:5]
        assert [leg.outcome for leg in again.legs] == [leg.outcome for leg in cut.call.legs]


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.slow)])
def test_so_is_every_call_of_a_busy_contact_centre(tmp_path: Path, step: int) -> None:
    cuts = cut_out(tmp_path, PCAPS / "demo.pcap")
    assert len(cuts) > 300
    assert all(cut.path is not None for cut in cuts)
    for cut in cuts[::step]:
        assert cut.path is not None
        assert [verdict(call) for call in replay(cut.path).calls] == [verdict(cut.call)]


@needs_tshark
@pytest.mark.parametrize("name", ["recorded/ring_all", "recorded/tcp", "recorded/auth", "outcomes/no_progress"])
def test_tshark_counts_the_same_messages_in_it(name: str, tmp_path: Path) -> None:
    path = PCAPS / f"{name}.pcap"
    for cut in cut_out(tmp_path, path):
        assert cut.path is not None
        wanted = f'sip.Call-ID == "{cut.call.call_id}" && !icmp'
        fields = ("frame.time_epoch", "sip.Method", "sip.Status-Code", "sip.CSeq")
        found = tshark(cut.path, "sip && !icmp", *fields)
        assert found == tshark(path, wanted, *fields)
        assert found


def test_nothing_of_another_call_is_in_it_and_nothing_of_its_own_is_missing(tmp_path: Path) -> None:
    messages = said(STUCK, OTHERS)
    frames = over_udp(messages)
    cut = the_call(cut_out(tmp_path, save(tmp_path / "all.pcap", frames)))
    assert cut.path is not None
    own = [frame for frame, message in zip(frames, messages, strict=True) if b"Call-ID: stuck" in message.raw]
    assert [time for time, _, _ in frames_of(cut.path)] == [time for time, _, _ in own]
    assert cut.example.capture.packets == len(own) == 9


def test_packets_without_secrets_are_as_they_were_captured_to_the_nanosecond(tmp_path: Path) -> None:
    frames = [(time + 7, kind, data) for time, kind, data in over_udp(said(OTHERS))]
    cut = the_call(cut_out(tmp_path, save(tmp_path / "all.pcap", frames)), "else")
    assert cut.path is not None
    assert frames_of(cut.path) == frames


def test_calls_over_ipv6_are_cut_as_well(tmp_path: Path) -> None:
    cut = the_call(cut_out(tmp_path, save(tmp_path / "all.pcap", over_udp(said(STUCK, OTHERS, hosts=V6)))))
    assert cut.path is not None
    assert [verdict(call) for call in replay(cut.path).calls] == [verdict(cut.call)]


def test_a_packet_captured_twice_is_there_twice(tmp_path: Path) -> None:
    """Of a mirror port that shows both sides; what Wireshark saw before it sees again."""
    frames = [(time + late, kind, data) for time, kind, data in over_udp(said(STUCK)) for late in (0, 1_000_000)]
    cut = the_call(cut_out(tmp_path, save(tmp_path / "all.pcap", frames)))
    assert cut.path is not None
    assert len(frames_of(cut.path)) == 18
    assert [verdict(call) for call in replay(cut.path).calls] == [verdict(cut.call)]
    assert len(cut.example.call.messages or []) == 9


def test_a_call_in_several_files_is_put_together_in_the_order_of_time(tmp_path: Path) -> None:
    frames = over_udp(said(STUCK, OTHERS))
    parts = [save(tmp_path / f"{part}.pcap", frames[part::3]) for part in range(3)]
    cut = the_call(cut_out(tmp_path, *parts))
    assert cut.path is not None
    assert [verdict(call) for call in replay(cut.path).calls] == [verdict(cut.call)]
    assert len(frames_of(cut.path)) == 9


def test_a_call_seen_on_two_kinds_of_link_stays_in_one_file(tmp_path: Path) -> None:
    frames = [
        (time, 1, data) if at % 2 else (time, 101, data[14:])
        for at, (time, _, data) in enumerate(over_udp(said(STUCK)))
    ]
    cut = the_call(cut_out(tmp_path, save(tmp_path / "all.pcapng", frames)))
    assert cut.path is not None
    assert cut.path.suffix == ".pcapng"
    assert [kind for _, kind, _ in frames_of(cut.path)] == [kind for _, kind, _ in frames]
    assert [verdict(call) for call in replay(cut.path).calls] == [verdict(cut.call)]


def test_two_attempts_under_one_call_id_are_two_calls(tmp_path: Path) -> None:
    again = STUCK.replace("call=stuck", "call=same")
    later = "\n".join(
        f"{float(line.split()[0]) + 60} {line.split(None, 1)[1]} ftag=second" for line in again.strip().splitlines()
    ).replace("cseq=1", "cseq=11").replace("cseq=2", "cseq=12")  # fmt: skip
    cuts = cut_out(tmp_path, save(tmp_path / "all.pcap", over_udp(said(again, later))))
    assert [cut.call.call_id for cut in cuts] == ["same", "same"]
    for cut in cuts:
        assert cut.path is not None
        assert len(frames_of(cut.path)) == 9
        assert [verdict(call) for call in replay(cut.path).calls] == [verdict(cut.call)]


SILENCE = f"""
0   P>T INVITE call=silence caller={CALLER} callee={CALLEE}
0.5 P>T INVITE call=silence caller={CALLER} callee={CALLEE}
1.5 P>T INVITE call=silence caller={CALLER} callee={CALLEE}
"""


def silence_until(seconds: int) -> list[builders.Frame]:
    """Return an INVITE that nobody answers, and a packet of nobody's at the end."""
    frames = over_udp(said(SILENCE))
    return [*frames, (frames[0][0] + seconds * SECOND, 1, bytes(100))]


def test_a_verdict_of_silence_needs_a_packet_that_shows_how_long_the_capture_went_on(tmp_path: Path) -> None:
    cut = the_call(cut_out(tmp_path, save(tmp_path / "all.pcap", silence_until(400))), "silence")
    assert cut.path is not None
    assert cut.call.outcome == "not_responding"
    assert [verdict(call) for call in replay(cut.path).calls] == [verdict(cut.call)]
    *_, (time, _, data) = frames_of(cut.path)
    assert data == b""
    assert cut.example.capture.witness == pytest.approx(398.5)
    assert time == silence_until(400)[-1][0]


@needs_tshark
def test_tshark_takes_that_packet_for_what_it_is(tmp_path: Path) -> None:
    cut = the_call(cut_out(tmp_path, save(tmp_path / "all.pcap", silence_until(400))), "silence")
    assert cut.path is not None
    assert tshark(cut.path, "frame.cap_len == 0", "frame.len") == ["100"]
    assert tshark(cut.path, "_ws.malformed") == []


def test_the_witness_is_the_first_packet_by_which_everything_is_decided(tmp_path: Path) -> None:
    frames = silence_until(400)
    frames[3:3] = [(frames[0][0] + seconds * SECOND, 1, bytes(80)) for seconds in (10, 100, 250, 300)]
    cut = the_call(cut_out(tmp_path, save(tmp_path / "all.pcap", frames)), "silence")
    assert cut.example.capture.witness == pytest.approx(248.5)


def test_a_call_that_messages_decide_needs_no_such_packet(tmp_path: Path) -> None:
    frames = over_udp(said(STUCK))
    frames.append((frames[-1][0] + 400 * SECOND, 1, bytes(100)))
    assert the_call(cut_out(tmp_path, save(tmp_path / "all.pcap", frames))).example.capture.witness is None


def test_a_call_with_messages_without_end_is_cut_at_a_bound_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_MESSAGES", 4)
    cut = the_call(cut_out(tmp_path, save(tmp_path / "all.pcap", over_udp(said(STUCK)))))
    assert (cut.example.capture.packets, cut.example.capture.left_out) == (4, 5)
    monkeypatch.setattr(module, "MAX_MESSAGES", 1000)
    monkeypatch.setattr(module, "MAX_BYTES", 900)
    cut = the_call(cut_out(tmp_path, save(tmp_path / "all.pcap", over_udp(said(STUCK)))))
    assert cut.example.capture.left_out > 0


def test_a_call_that_the_capture_no_longer_holds_has_no_packets(tmp_path: Path) -> None:
    """A ring of captures may have gone round between the two readings."""
    path = save(tmp_path / "all.pcap", over_udp(said(STUCK)))
    (call,) = replay(path, config=CONFIG).calls
    cutter = Cutter([call], Settings())
    save(path, over_udp(said(OTHERS)))
    with open_capture([str(path)]) as source:
        for frame in source:
            cutter.frame(*frame)
        cutter.finish(source.last or 0)
    assert cutter.messages(call) == []


@examples(80)
@given(st.integers(min_value=0, max_value=2**32))
def test_damaged_packets_never_break_it_and_never_leak(seed: int) -> None:
    """Bytes changed, packets cut off, lost, repeated and out of order: hidden things stay hidden."""
    random = Random(seed)
    messages = said(STUCK, OTHERS)
    frames = over_udp(messages) if random.random() < 0.5 else fragmented(messages, random.choice([64, 400]))
    damaged = []
    for time, kind, data in frames:
        if random.random() < 0.05:
            continue
        new = bytearray(data)
        for _ in range(random.choice([0, 0, 0, 1, 3])):
            new[random.randrange(min(42, len(new)))] = random.randrange(
                256
            )  # the headers: a changed number is no secret
        cut = len(new) - random.choice([0, 0, 0, 0, random.randrange(len(new))])
        damaged += [(time, kind, bytes(new[:cut]))] * random.choice([1, 1, 1, 2])
    if random.random() < 0.3:
        random.shuffle(damaged)
    calls = feed(damaged)
    cutter = Cutter(calls, Settings())
    for frame in damaged:
        cutter.frame(*frame)
    cutter.finish(max((time for time, _, _ in damaged), default=0))
    builder = Builder(cutter, Privacy(4), "acme")
    for number, call in enumerate(calls):
        builder.example(number, call)
    for _, content in builder.captures:
        for secret in (CALLER, CALLEE, STRANGER, RESPONSE, KEY):
            assert secret.encode() not in content


def fragmented(messages: list[Said], size: int) -> list[builders.Frame]:
    """Send each message in fragments."""
    found = []
    for ident, (time, _, data) in enumerate(over_udp(messages)):
        found += [(time, 1, f.ethernet(piece)) for piece in f.fragments_v4(data[14:], size, ident)]
    return found
