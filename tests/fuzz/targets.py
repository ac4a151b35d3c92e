"""What must hold of any bytes, one function a target. None may raise but AssertionError, and never does.

The fuzzers call these with what they invent, test_targets.py with the seeds and with what once failed.
"""

from __future__ import annotations

import io
import os
import struct
from typing import TYPE_CHECKING

from sipwatch.capture.errors import CaptureError
from sipwatch.capture.files import Prefilter, open_capture
from sipwatch.capture.hep import WINDOW
from sipwatch.capture.hep_stream import HepStream
from sipwatch.capture.merge import Window
from sipwatch.classify.media import MAX_CODECS, offered
from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.peers import EVERYTHING, Privacy
from sipwatch.config import ConfigError
from sipwatch.config import parse as parse_configuration
from sipwatch.engine import Engine
from sipwatch.export import scrub
from sipwatch.export.escape import terminal
from sipwatch.export.privacy import policy_of
from sipwatch.export.rawmask import Disguise
from sipwatch.export.writers import CsvWriter, JsonLinesWriter
from sipwatch.wire import shapes, sip
from sipwatch.wire import websocket as websockets
from sipwatch.wire.decoder import Decoder
from sipwatch.wire.discards import Discard
from sipwatch.wire.limits import DEFAULT_LIMITS
from sipwatch.wire.message import Path, Request, Response, Transport, Unreachable
from tests.constructs import segments
from tests.fuzz.inputs import DELAYS, EPOCH, decode
from tests.wire import frames as f

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sipwatch.export.record import CallRecord

_PATH = Path(bytes((192, 0, 2, 1, 192, 0, 2, 2, 0x13, 0xC4, 0x13, 0xC4)), Transport.UDP)
_FIELDS = ("call_id", "from_tag", "to_tag", "cseq_number", "cseq_method", "branch", "via_count", "names")
_OF_REQUESTS = (*_FIELDS, "method", "request_uri", "max_forwards")
_OF_RESPONSES = (*_FIELDS, "status_code", "reason_phrase")
_OUTCOMES = frozenset(outcome.value for outcome in Outcome)
# What a terminal would act on: controls of both kinds, and what turns the direction of writing.
_ACTS = frozenset(map(chr, (*range(32), *range(127, 160), 0x202E, 0x2066, 0xFEFF)))


def wire(data: bytes) -> None:
    """Frames give messages and discards, each a value of its kind, and every discard is counted."""
    decoder = Decoder()
    discarded = 0
    for time, link_type, frame in decode(data):
        for item in decoder.frame(time, link_type, frame):
            discarded += isinstance(item, Discard)
            _check_item(item)
    for item in decoder.finish(EPOCH):
        _check_item(item)
    assert sum(decoder.discards.values()) >= discarded


def _check_item(item: object) -> None:
    match item:
        case Request():
            assert item.method
            assert item.raw
        case Response():
            assert 100 <= item.status_code <= 699
        case Unreachable() | Discard():
            pass
        case _:
            raise AssertionError(item)


def parser(data: bytes) -> None:
    """A message reads the same whether or not its shape is known."""
    parser = sip.Parser()
    patient = sip.parse(EPOCH, _PATH, data, False)
    for _ in range(shapes.SEEN_BEFORE):
        learned = parser.parse(EPOCH, _PATH, data, False)
    learned = parser.parse(EPOCH, _PATH, data, False)
    assert _facts(learned) == _facts(patient)
    # The second line changed, the shape perhaps not: the same once more, with patterns that know the first.
    changed = data.replace(b"\r\n", b"\r\n ", 1) + data[:1]
    quick = parser.parse(EPOCH, _PATH, changed, False)
    assert _facts(quick) == _facts(sip.parse(EPOCH, _PATH, changed, False))


def _facts(item: object) -> object:
    match item:
        case Request():
            return [getattr(item, field) for field in _OF_REQUESTS]
        case Response():
            return [getattr(item, field) for field in _OF_RESPONSES]
        case _:
            return item


def engine(data: bytes) -> None:
    """Every call ends once with an outcome of the closed list, its legs too, and can be written anywhere."""
    calls: list[CallRecord] = []
    running = Engine(lambda call, _: calls.append(call), keep_messages=True)
    frames = list(decode(data))
    running.run(frames)
    running.finish(max((frame.time for frame in frames), default=None))
    _check_calls(calls)


def _check_calls(calls: list[CallRecord]) -> None:
    out = io.BytesIO()
    writers = (JsonLinesWriter(out), CsvWriter(out, messages=True))
    for call in calls:
        assert call.outcome in _OUTCOMES
        assert call.legs
        assert all(leg.outcome in _OUTCOMES for leg in call.legs)
        assert all(condition.leg < len(call.legs) for condition in call.conditions)
        for text in (call.call_id, call.caller, call.reason_phrase, call.user_agent):
            assert not _ACTS.intersection(terminal(text or ""))
        for writer in writers:
            writer.call(call)
    assert not _ACTS.intersection(out.getvalue().decode()) - {"\r", "\n"}
    assert len({call.id for call in calls}) == len(calls)


def files(data: bytes) -> None:
    """Bytes as a capture file: frames up to where it breaks off, with a warning; CaptureError is the only error."""
    descriptor = os.memfd_create("capture")
    try:
        os.write(descriptor, data)
        _replay(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _replay(path: str) -> None:
    calls: list[CallRecord] = []
    running = Engine(lambda call, _: calls.append(call))
    try:
        with open_capture([path], prefilter=Prefilter.OFF) as source:
            running.run(source)
            running.finish(source.last)
            running.account.capture(source)
            warnings = source.warnings
    except CaptureError as error:
        warnings = [str(error)]
    assert not any("\n" in warning for warning in warnings)
    _check_calls(calls)


_SAID = struct.Struct("!BBH")  # how and by whom, delay, length of what follows


def hep(data: bytes) -> None:
    """Bytes as HEP, in datagrams and over connections that are cut anywhere: frames in time, or discards by name.

    Some are also captured on their way to somebody else, as segments of which some are missing or come twice.
    """
    calls: list[CallRecord] = []
    running = Engine(lambda call, _: calls.append(call))
    decoder, window, now, at = running.decoder, Window(), EPOCH, 1
    decoder.expect_hep(across_nat=data[:1] > b"\x7f")
    streams: dict[int, HepStream] = {}
    while at + _SAID.size <= len(data):
        how, delay, length = _SAID.unpack_from(data, at)
        body = data[at + _SAID.size : at + _SAID.size + length]
        at += _SAID.size + length
        now += abs(DELAYS[delay % len(DELAYS)])
        for packet in _packets(streams, how, body, now):
            found = decoder.agents.report(now, window.passed, "udp:192.0.2.9:9060", f"192.0.2.{how >> 1}", packet)
            if isinstance(found, tuple):
                assert window.passed <= found[0] <= max(now, window.passed)
                window.add([found])
            else:
                assert found in Discard
        running.run(window.give(now - WINDOW, now))
        running.run(
            [(now - WINDOW, 101, f.ipv4(f.tcp(body, at - length + delay % 3 * (length & 7), dport=9060), f.TCP))]
        )
        running.advance(now - WINDOW)
    running.run(window.give(now, now))
    running.finish(now)
    assert len(decoder.agents.nodes) <= DEFAULT_LIMITS.nodes + 1
    _check_calls(calls)


def _packets(streams: dict[int, HepStream], how: int, body: bytes, now: int) -> list[bytes]:
    """Return what arrives: bit 0 says that it comes over the sender's connection."""
    if not how & 1:
        return [body]
    stream = streams.setdefault(how, HepStream())
    packets = stream.feed(body, now)
    assert len(stream) <= 65_535 or stream.broken
    if stream.broken:
        del streams[how]  # the connection is closed
    return packets


def say_hep(items: Iterable[tuple[bool, int, bytes]]) -> bytes:
    """Make an input of (over a connection, delay's place in DELAYS, bytes), all by one sender."""
    return b"\0" + b"".join(_SAID.pack(over, delay, len(body)) + body for over, delay, body in items)


def websocket(data: bytes) -> None:
    """Bytes as WebSocket frames give the same messages however they are cut, or are broken; as a stream, items."""
    step = 1 + data[0] % 64 if data else 1
    whole, cut = websockets.Frames(DEFAULT_LIMITS.message), websockets.Frames(DEFAULT_LIMITS.message)
    whole.take(data)
    for at in range(0, len(data), step):
        cut.take(data[at : at + step])
        if cut.broken:
            break
    assert sum(map(len, whole.messages)) + len(whole) <= len(data)
    if not whole.broken and not cut.broken:
        assert cut.messages == whole.messages
        assert cut.unfinished() == whole.unfinished()
    websockets.begins_frame(data)
    for beginning in (f.HANDSHAKE_RESPONSE, b""):
        decoder = Decoder()
        for frame in segments(beginning + data, 64 * step):
            for item in decoder.frame(EPOCH, 1, frame):
                _check_item(item)
        for item in decoder.finish(EPOCH):
            _check_item(item)


_OFFER = (
    b"INVITE sip:15550101@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nCall-ID: 1\r\n"
    b"From: <sip:15550100@example.com>;tag=a\r\nTo: <sip:15550101@example.com>\r\nCSeq: 1 INVITE\r\n"
    b"Content-Type: application/sdp\r\n\r\n"
)
_POLICIES = [
    Privacy(mask=4, names=True),
    Privacy(mask=EVERYTHING),
    Privacy(mask=EVERYTHING, key=b"k" * 16, addresses=True),
]


def sdp(data: bytes) -> None:
    """Bytes as the body of an offer: codecs of plain words, few of them, and texts hidden whose length stays."""
    message = sip.parse(EPOCH, _PATH, _OFFER + data, False)
    assert isinstance(message, Request)
    codecs = offered(message)
    assert len(codecs) <= MAX_CODECS
    assert all(codec.isprintable() for codec in codecs)
    assert len(scrub.payload(message.raw)) == len(message.raw)
    for privacy in _POLICIES:
        disguise = Disguise(privacy, [message.raw])
        hidden = disguise.message(message.raw)
        assert privacy.key or len(hidden) == len(message.raw)
        disguise.leaks(hidden)


def configuration(data: bytes) -> None:
    """Bytes as a configuration: settings, or one line that says what is wrong with it."""
    said = ""
    try:
        config = parse_configuration(data.decode("utf-8", "replace"), "sipwatch.toml")
        policy_of(config.privacy)
    except ConfigError as error:
        said = str(error)
    assert said.startswith("sipwatch.toml") or not said
    assert not _ACTS.intersection(said)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "wire": wire,
    "parser": parser,
    "engine": engine,
    "files": files,
    "hep": hep,
    "websocket": websocket,
    "sdp": sdp,
    "configuration": configuration,
}
