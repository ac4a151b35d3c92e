"""The seed corpus: the captures of pcaps/, foreign ones where there are any, and messages with odd but legal forms.

``python -m tests.fuzz.seeds FOLDER`` writes them, a folder for each target.
"""

from __future__ import annotations

import gzip
import os
import struct
import sys
import zlib
from hashlib import sha1
from itertools import islice
from pathlib import Path

from sipwatch.capture.errors import CaptureError
from sipwatch.capture.files import Prefilter, open_capture
from tests.fuzz.inputs import EPOCH, LINK_TYPES, SECOND, Kind, encode
from tests.fuzz.targets import say_hep
from tests.wire import frames as f

ROOT = Path(__file__).resolve().parents[2]
FOREIGN = Path(os.environ.get("SIPWATCH_CAPTURES", ROOT.parent / "shared" / "captures"))
FAILED = Path(__file__).parent / "failed"  # inputs that once failed: NAME of a target, then what it was
LARGEST = 16_384
_FRAMES = 12  # of a capture in one seed

_HEAD = "From: <sip:15550100@example.com>;tag=a\r\nTo: <sip:15550101@example.com>\r\nCall-ID: odd@example.com\r\nCSeq: 1 INVITE\r\n"
_VIA = "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKodd\r\n"
_START = "INVITE sip:15550101@example.com SIP/2.0\r\n"
ODD = {
    "compact": "INVITE sip:b@example.com SIP/2.0\r\nv: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nf: <sip:a@example.com>;tag=1\r\nt: sip:b@example.com\r\ni: 1\r\nCSeq: 1 INVITE\r\nl: 0\r\n\r\n",
    "folded": _START + "Via: SIP/2.0/UDP\r\n 192.0.2.1\r\n\t;branch=z9hG4bKodd\r\nSubject: a\r\n  b\r\n" + _HEAD + "\r\n",
    "folded-like-headers": _START + _VIA + _HEAD + "Subject: a\r\n Via: b\r\n Reason: c\r\n\r\n",
    "line-feeds": (_START + _VIA + _HEAD + "\r\n").replace("\r\n", "\n"),
    "upper-case": _START + _VIA.replace("Via", "VIA") + _HEAD.replace("From", "FROM").replace("Call-ID", "CALL-ID") + "\r\n",
    "blank-before-colon": _START + _VIA.replace("Via:", "Via\t :") + _HEAD.replace("To:", "To  :") + "\r\n",
    "vias-in-one-line": _START + "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1, SIP/2.0/TCP [2001:db8::1];branch=z9hG4bK2\r\n" + _HEAD + "\r\n",
    "quoted-tag": _START + _VIA + _HEAD.replace("<sip:15550100", '"x;tag=\\"no\\"" <sip:15550100') + "\r\n",
    "escaped": _START.replace("15550101", "%31%35%00") + _VIA + _HEAD + "\r\n",
    "no-length": _START + _VIA + _HEAD + "Content-Type: application/sdp\r\n\r\nv=0\r\n",
    "length-too-large": _START + _VIA + _HEAD + "Content-Length: 99999\r\n\r\nv=0\r\n",
    "length-no-number": _START + _VIA + _HEAD + "Content-Length: -1x\r\n\r\n",
    "numbers-too-large": _START + _VIA + _HEAD.replace("CSeq: 1", "CSeq: 99999999999999999999") + "Max-Forwards: 9999999999\r\n\r\n",
    "old-branch": _START + _VIA.replace("z9hG4bKodd", "1") + _HEAD + "\r\n",
    "no-branch": _START + "Via: SIP/2.0/UDP 192.0.2.1\r\n" + _HEAD + "\r\n",
    "multipart": _START + _VIA + _HEAD + "Content-Type: multipart/mixed;boundary=b\r\n\r\n--b\r\n\r\nINVITE sip:x SIP/2.0\r\n\r\n--b--\r\n",
    "reasons": "SIP/2.0 487 Request Terminated\r\n" + _VIA + _HEAD + 'Reason: SIP;cause=200;text="a, \\"b\\";c", Q.850 ; text=x;cause=34\r\nReason: X.int;cause=0\r\n\r\n',
    "no-reason-phrase": "SIP/2.0 183 \r\n" + _VIA + _HEAD + "\r\n",
    "escape-sequences": _START + _VIA + _HEAD + "User-Agent: \x1b[2J\x07\x9b31m=cmd|' /C calc'!A0\r\n\r\n",
    "junk-behind": _START + _VIA + _HEAD + "Content-Length: 0\r\n\r\nSIP/2.0 200 OK\r\n\r\n",
    "blank-lines-before": "\r\n\r\n" + _START + _VIA + _HEAD + "\r\n",
    "websocket": "GET / HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: sip\r\n\r\n",
    "cut": _START + _VIA + "From: <sip:1555",
}  # fmt: skip
ODD_MESSAGES = {name: text.encode("latin-1") for name, text in ODD.items()}


def captures() -> list[Path]:
    """Return the captures to take seeds from, ours and, where there are any, others'."""
    return sorted([*(ROOT / "pcaps").rglob("*.pcap*"), *(FOREIGN.rglob("*.pcap*") if FOREIGN.is_dir() else ())])


def odd_inputs() -> dict[str, bytes]:
    """Return the odd messages as inputs: as datagrams, cut over TCP segments, and with what follows them."""
    inputs = {}
    for name, text in ODD_MESSAGES.items():
        inputs[f"{name}-udp"] = encode([(Kind.UDP, 0, 0, text), (Kind.UDP, 0, SECOND // 2, text)])
        cut = len(text) // 2
        inputs[f"{name}-tcp"] = encode([(Kind.TCP, 0, 0, text[:cut]), (Kind.TCP, 0, 0, text[cut:])])
    return inputs


def capture_inputs(capture: Path) -> list[bytes]:
    """Return a capture's beginning, and some of its middle, as inputs."""
    inputs: list[bytes] = []
    try:
        with open_capture([str(capture)], prefilter=Prefilter.OFF) as source:
            frames = iter(source)
            while len(inputs) < 4:
                some = list(islice(frames, _FRAMES))
                if not some or some[0][1] not in LINK_TYPES:
                    break
                times = [some[0][0], *(frame[0] for frame in some)]
                items = [
                    (Kind.FRAME, 0, frame[0] - before, frame[2]) for before, frame in zip(times, some, strict=False)
                ]
                inputs.append(encode(items, some[0][1])[:LARGEST])
    except CaptureError:
        pass  # a broken one is a seed for the files, not for the frames
    return inputs


def conversations() -> list[bytes]:
    """Return the calls of pcaps/, and torture messages where there are any, as the engine sees them most."""
    messages = [path.read_bytes() for path in sorted(FOREIGN.rglob("torture/**/*")) if path.is_file()]
    return [encode([(Kind.UDP, 0, 0, text)]) for text in messages]


def hep_inputs() -> dict[str, bytes]:
    """Return the odd messages as agents report them: in datagrams of each version, compressed, and over a connection."""
    inputs = {}
    for name, text in ODD_MESSAGES.items():
        report = f.hep3(text, f.A4, f.B4, time=EPOCH, capture_id=7)
        small = (
            f.hep3(b"", f.A6, f.B6, time=EPOCH, protocol=22)[:-6]
            + struct.pack("!HHH", 0, 16, 6 + len(zlib.compress(text)))
            + zlib.compress(text)
        )
        small = b"HEP3" + len(small).to_bytes(2, "big") + small[6:]
        both = report + small
        inputs[name] = say_hep([
            (False, 3, report), (False, 3, f.hep2(text, f.A4, f.B4, time=EPOCH)), (False, 0, small),
            (True, 1, both[:100]), (True, 6, both[100:]), (True, 0, b"GET /"),
        ])  # fmt: skip
    return inputs


def websocket_inputs() -> list[bytes]:
    """Return the odd messages in frames: masked or not, whole or in two, with a ping between them."""
    inputs = []
    for text in ODD_MESSAGES.values():
        for mask in (b"", b"mask"):
            cut = len(text) // 2
            parts = f.websocket_frame(text[:cut], final=False, mask=mask), f.websocket_frame(text[cut:], 0, mask=mask)
            inputs.append(f.websocket_frame(b"", 9).join(parts) + f.websocket_frame(text, 2, mask=mask))
    return inputs


_SDP = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
OFFERS = {
    "plain": _SDP + "m=audio 4000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n",
    "encrypted": _SDP + "m=audio 4000 RTP/SAVP 96\r\na=rtpmap:96 opus/48000/2\r\n"
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:32\r\n",
    "browser": _SDP + "a=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-pwd:asd88fgpdd777uzjYhagZg\r\n"
    "a=fingerprint:sha-256 AA:BB\r\nm=video 0 UDP/TLS/RTP/SAVPF 96\r\na=bundle-only\r\na=rtpmap:96 VP8/90000\r\n",
    "fax": _SDP + "m=image 4000 udptl t38\r\na=T38FaxVersion:0\r\n",
    "people": _SDP + "i=of 15550100\r\ne=alice@example.com (Alice)\r\np=+1 555 555-0100\r\nk=clear:secret\r\n",
    "odd": "v=0\nm=\nm=audio\nm=audio 1 RTP/AVP\na=rtpmap:\na=rtpmap:0\na=rtpmap:x y/z\nm=audio 99999999 RTP/AVP 0 0 0\n",
}
CONFIGURATIONS = {
    "rules": '[[peer]]\nname = "a"\naddresses = ["192.0.2.0/24"]\n[[peer.rule]]\nstatus = 503\noutcome = "busy"\n',
    "deep": "a = " + "[" * 4000,
    "digits": "a = " + "9" * 5000,
    "many-parts": "[" + ".".join("a" * 2000) + "]",
    "no-text": "\0\ufffd",
}


def configurations() -> list[bytes]:
    """Return all configurations of the repository, and odd ones."""
    files = sorted([*(ROOT / "deploy").glob("*.toml"), *(ROOT / "pcaps").rglob("*.toml")])
    return [*(path.read_bytes()[:LARGEST] for path in files), *(text.encode() for text in CONFIGURATIONS.values())]


def seeds() -> dict[str, list[bytes]]:
    """Return the seeds of each target."""
    inputs = [*odd_inputs().values(), *conversations()]
    contents = []
    for capture in captures():
        inputs += capture_inputs(capture)
        content = capture.read_bytes()[:LARGEST]
        contents += [content, gzip.compress(content, mtime=0)[:LARGEST]]
    torture = [path.read_bytes() for path in sorted(FOREIGN.rglob("torture/**/*")) if path.is_file()]
    return {
        "wire": inputs,
        "engine": inputs,
        "files": contents,
        "parser": [*ODD_MESSAGES.values(), *torture],
        "hep": list(hep_inputs().values()),
        "websocket": websocket_inputs(),
        "sdp": [text.encode() for text in OFFERS.values()],
        "configuration": configurations(),
    }


def failed(target: str) -> list[bytes]:
    """Return the inputs that once failed a target."""
    return [path.read_bytes() for path in sorted(FAILED.glob(f"{target}-*"))]


def write(folder: Path) -> None:
    """Write the seeds, a folder for each target."""
    for target, inputs in seeds().items():
        place = folder / target
        place.mkdir(parents=True, exist_ok=True)
        for data in [*inputs, *failed(target)]:
            (place / sha1(data, usedforsecurity=False).hexdigest()[:16]).write_bytes(data)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
