"""Captures that calls are cut out of, and what came out of them, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pcaps.make import packets, talk
from pcaps.make.__main__ import nanoseconds
from sipwatch.capture.files import Prefilter, open_capture
from sipwatch.classify.peers import Privacy, Settings
from sipwatch.config import parse
from sipwatch.evidence.build import Builder
from sipwatch.evidence.cut import Cutter
from tests.capture import builders
from tests.replay import replay
from tests.tshark import frames

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sipwatch.evidence.facts import Example
    from sipwatch.export.record import CallRecord

V4 = {"A": "192.0.2.11", "P": "198.51.100.10", "T": "203.0.113.10"}
V6 = {"A": "2001:db8::11", "P": "2001:db8::10", "T": "2001:db8:5::10"}
CALLER, CALLEE, STRANGER = "15550177100", "15550177101", "15550188999"
RESPONSE, KEY = "0123456789abcdef0123456789abcdef", "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
CONFIG = """
[[peer]]
name = "acme"
kind = "trunk"
addresses = ["203.0.113.0/24", "2001:db8:5::/48"]
[[peer]]
name = "pbx"
kind = "server"
addresses = ["198.51.100.0/24"]
"""
# A call that is challenged, offers a key, hangs, and is given up.
STUCK = f"""
0     P>T INVITE call=stuck caller={CALLER} callee={CALLEE} cseq=1
0.05  T>P 407 call=stuck caller={CALLER} callee={CALLEE} cseq=1
0.06  P>T ACK call=stuck caller={CALLER} callee={CALLEE} cseq=1
0.10  P>T INVITE call=stuck caller={CALLER} callee={CALLEE} cseq=2 h=Proxy-Authorization:_Digest_username="{CALLER}",_realm="acme",_nonce="n",_uri="sip:{CALLEE}@example.com",_response="{RESPONSE}" h=X-Key:_a=crypto:1_inline:{KEY}
0.20  T>P 100 call=stuck caller={CALLER} callee={CALLEE} cseq=2
12    P>T CANCEL call=stuck caller={CALLER} callee={CALLEE} cseq=2
12.1  T>P 200 call=stuck caller={CALLER} callee={CALLEE} cseq=2 method=CANCEL
12.2  T>P 487 call=stuck caller={CALLER} callee={CALLEE} cseq=2
12.3  P>T ACK call=stuck caller={CALLER} callee={CALLEE} cseq=2
"""
# Somebody else's, at the same time between the same ends.
OTHERS = f"""
0.01  P>T INVITE call=else caller={STRANGER} callee=15550188998 ftag=e
0.11  T>P 100 call=else caller={STRANGER} callee=15550188998 ftag=e
0.12  T>P 180 call=else caller={STRANGER} callee=15550188998 ftag=e
5     T>P 486 call=else caller={STRANGER} callee=15550188998 ftag=e
5.1   P>T ACK call=else caller={STRANGER} callee=15550188998 ftag=e
"""

Frame = builders.Frame


class Said(NamedTuple):
    """One message of a scene; time in ns."""

    time: int
    source: str
    destination: str
    raw: bytes


def said(*scripts: str, hosts: dict[str, str] = V4, transport: str = "UDP") -> list[Said]:
    """Return the messages of conversations in the order of time."""
    found = [line for script in scripts for line in talk.lines(script)]
    messages = [
        Said(
            nanoseconds(line.time),
            hosts[line.source],
            hosts[line.destination],
            talk.message(line, hosts, {}, transport=transport),
        )
        for line in found
    ]
    return sorted(messages, key=lambda message: message.time)


def over_udp(messages: Sequence[Said]) -> list[Frame]:
    """Send each message in a datagram of its own."""
    return [(m.time, 1, packets.udp(m.source, m.destination, m.raw)) for m in messages]


class Cut(NamedTuple):
    """A call, what is told of it, and its packets, None where they were left out."""

    call: CallRecord
    example: Example
    path: Path | None


def save(path: Path, frames: Sequence[Frame]) -> Path:
    """Write frames as a capture with nanoseconds; pcapng where there are several link types."""
    kinds = {kind for _, kind, _ in frames}
    path.write_bytes(builders.pcap(frames, nano=True) if len(kinds) < 2 else builders.pcapng(frames, resolution=9))
    return path


def cut_out(
    folder: Path,
    *files: Path,
    privacy: Privacy | None = None,
    config: str | None = None,
    keep: Callable[[CallRecord], bool] = lambda _: True,
) -> list[Cut]:
    """Cut calls out of captures, as the command does."""
    calls = [call for call in replay(*files, config=config).calls if keep(call)]
    settings = parse(config, "test").settings if config else Settings()
    cutter = Cutter(calls, settings)
    with open_capture([str(file) for file in files], prefilter=Prefilter.AUTO) as source:
        for frame in source:
            cutter.frame(*frame)
        cutter.finish(source.last or 0)
    builder = Builder(cutter, privacy or Privacy(), "acme")
    examples = [builder.example(number, call) for number, call in enumerate(calls, 1)]
    (folder / "examples").mkdir(exist_ok=True)
    for name, content in builder.captures:
        (folder / name).write_bytes(content)
    return [
        Cut(call, example, folder / example.capture.name if example.capture.name else None)
        for call, example in zip(calls, examples, strict=True)
    ]


def the_call(cuts: Sequence[Cut], call_id: str = "stuck") -> Cut:
    """Return the one call with a Call-ID."""
    (found,) = [cut for cut in cuts if cut.call.call_id == call_id]
    return found


def verdict(call: CallRecord) -> tuple[object, ...]:
    """Return what a call is known by when it is replayed on its own."""
    legs = [
        (leg.branch, leg.outcome, leg.status_code, leg.source_address, leg.destination_address) for leg in call.legs
    ]
    return call.id, call.call_id, call.outcome, call.status_code, call.started, legs


def frames_of(path: Path) -> list[Frame]:
    """Return the packets of a capture."""
    return builders.Read(path).frames


def all_bytes(path: Path) -> bytes:
    """Return the bytes of all packets, one behind the other."""
    return b"\n".join(data for _, _, data in frames_of(path))


def tshark(path: Path, display: str, *fields: str) -> list[str]:
    """Return a line for each packet that tshark finds, checksums looked at."""
    return ["\t".join(found) for found in frames(path, display, *fields or ("frame.number",), checksums=True)]


WRONG = "_ws.malformed || udp.checksum.status==0 || tcp.checksum.status==0 || ip.checksum.status==0"
