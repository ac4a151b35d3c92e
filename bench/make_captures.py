"""Makes the large captures that bench/run.py measures on: deterministic, written once into build/bench/.

SIP as sipp and a few common stacks write it, some 600 bytes a message; 6.4 messages a call: 7 of an answered
one, 5 of a busy one. Calls begin at 100 a second and overlap as they do in life.
"""

from __future__ import annotations

import struct
from heapq import merge
from pathlib import Path
from typing import TYPE_CHECKING

from pcaps.make.packets import checksum

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path("build/bench")
MS, SECOND = 1_000_000, 1_000_000_000
EPOCH = 1_767_603_600 * SECOND
CALLS_PER_SECOND = 100
TALK = 20 * SECOND
ANSWERED_IN_TEN = 7  # 0.7 * 7 + 0.3 * 5 = 6.4 messages a call
LINES = 64  # phones that call, one address each
PBX = bytes((198, 51, 100, 10))
MACS = b"\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01"

_SDP = (
    "v=0\r\no=user1 53655765 2353687637 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
    "m=audio 6000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
)
_DIALOG = (
    'From: "Agent {line}" <sip:1555555{line:04d}@example.com:5060>;tag={tag}SIPpTag00{call}\r\n'
    "To: <sip:15555550100@example.com:5060>{to_tag}\r\nCall-ID: {call}-{tag}@{host}\r\nCSeq: {cseq} {method}\r\n"
)
_REQUEST = (
    "{method} sip:15555550100@198.51.100.10:5060 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP {host}:5060;branch=z9hG4bK-{tag}-{call}-{branch};rport\r\n" + _DIALOG + "Max-Forwards: 70\r\n"
    "Contact: <sip:1555555{line:04d}@{host}:5060;transport=udp>\r\nUser-Agent: Example Softphone 4.3.1 (linux-x86_64)\r\n"
    "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY\r\nSupported: replaces, timer, outbound\r\n"
)
_RESPONSE = (
    "SIP/2.0 {status}\r\n"
    "Via: SIP/2.0/UDP {host}:5060;branch=z9hG4bK-{tag}-{call}-{branch};rport=5060;received={host}\r\n" + _DIALOG
    + "Contact: <sip:15555550100@198.51.100.10:5060;transport=udp>\r\nServer: Example PBX 16.28.0 (release 20250614)\r\n"
    "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY\r\nSupported: replaces, timer\r\n"
)  # fmt: skip
_WITH_BODY = "Content-Type: application/sdp\r\nContent-Length: {length}\r\n\r\n{body}"
_WITHOUT = "Content-Length: 0\r\n\r\n"
_ANSWERED = (  # delay, method of the request or status of the response, CSeq, branch
    (0, "INVITE", 1, 0),
    (10 * MS, "100 Trying", 1, 0),
    (400 * MS, "180 Ringing", 1, 0),
    (4 * SECOND, "200 OK", 1, 0),
    (4 * SECOND + 30 * MS, "ACK", 1, 5),
    (4 * SECOND + TALK, "BYE", 2, 7),
    (4 * SECOND + TALK + 20 * MS, "200 OK", 2, 7),
)
_BUSY = (
    (0, "INVITE", 1, 0),
    (10 * MS, "100 Trying", 1, 0),
    (300 * MS, "180 Ringing", 1, 0),
    (2 * SECOND, "486 Busy Here", 1, 0),
    (2 * SECOND + 30 * MS, "ACK", 1, 0),
)


def message(call: int, lines: int, what: str, cseq: int, branch: int) -> tuple[bool, bytes]:
    """Return whether it is a response, and its text."""
    response = what[0].isdigit()
    line = call % lines
    method = ("INVITE" if cseq == 1 else "BYE") if response else what
    values = {
        "method": method, "status": what, "line": line, "host": f"192.0.2.{line + 1}", "tag": 4711, "call": call,
        "cseq": cseq, "branch": branch, "to_tag": "" if what in ("INVITE", "100 Trying") else f";tag=as{call:08x}",
    }  # fmt: skip
    text = (_RESPONSE if response else _REQUEST).format(**values)
    if method == "INVITE" and what in ("INVITE", "200 OK"):
        body = _SDP.format(host=values["host"])
        return response, (text + _WITH_BODY.format(length=len(body), body=body)).encode()
    return response, (text + _WITHOUT).encode()


def udp(source: bytes, destination: bytes, ports: tuple[int, int], payload: bytes) -> bytes:
    """Return an Ethernet frame; its UDP checksum is left out, as IPv4 allows."""
    length = 8 + len(payload)
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 0, 0x4000, 64, 17, 0) + source + destination
    header = header[:10] + checksum(header).to_bytes(2, "big") + header[12:]
    return MACS + b"\x08\x00" + header + struct.pack("!HHHH", *ports, length, 0) + payload


def sip(calls: int, lines: int = LINES) -> Iterator[tuple[int, bytes]]:
    """Yield the packets of so many calls from so many phones in the order of time."""
    # Calls begin at even distances, so packets of one kind are in order by themselves.
    steps = [(at, step, True) for at, step in enumerate(_ANSWERED)] + [
        (at, step, False) for at, step in enumerate(_BUSY)
    ]
    return merge(*(_steps(calls, lines, step, answered) for _, step, answered in steps), key=lambda packet: packet[0])


def _steps(calls: int, lines: int, step: tuple[int, str, int, int], answered: bool) -> Iterator[tuple[int, bytes]]:
    delay, what, cseq, branch = step
    for call in range(calls):
        if (call % 10 < ANSWERED_IN_TEN) is answered:
            response, text = message(call, lines, what, cseq, branch)
            phone = bytes((192, 0, 2, call % lines + 1))
            ends = (PBX, phone) if response else (phone, PBX)
            yield EPOCH + call * SECOND // CALLS_PER_SECOND + delay, udp(*ends, (5060, 5060), text)


def rtp(packets: int, streams: int) -> Iterator[tuple[int, bytes]]:
    """Yield so many RTP packets of G.711 streams, 172 bytes of UDP payload each 20 ms."""
    heads = []
    for stream in range(streams):
        phone = bytes((192, 0, 2, stream % LINES + 1))
        ports = (6000 + 2 * stream, 20_000 + 2 * stream)
        heads.append(
            udp(phone, PBX, ports, b"\x80\x08" + bytes(2 + 4) + struct.pack("!I", stream) + b"\xd5" * 160)[:44]
        )
    tails = [struct.pack("!I", stream) + b"\xd5" * 160 for stream in range(streams)]
    distance = 20 * MS // streams
    for number in range(packets):
        turn, stream = divmod(number, streams)
        varying = struct.pack("!HI", turn & 0xFFFF, turn * 160 & 0xFFFFFFFF)
        yield EPOCH + turn * 20 * MS + stream * distance, heads[stream] + varying + tails[stream]


def write(path: Path, packets: Iterator[tuple[int, bytes]]) -> Path:
    """Write a capture file, unless it is there already."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        record = struct.Struct("<IIII")
        with part.open("wb", buffering=1 << 20) as out:
            out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1))
            for time, frame in packets:
                second, rest = divmod(time, SECOND)
                out.write(record.pack(second, rest // 1000, len(frame), len(frame)) + frame)
        part.rename(path)
    return path


def sip_file(calls: int, lines: int = LINES) -> Path:
    """Make a capture of so many calls, 6.4 messages each, from so many phones."""
    return write(FOLDER / f"sip-{calls}-from-{lines}.pcap", sip(calls, lines))


def rtp_file(packets: int) -> Path:
    """Make a capture of so many packets, 95 in 100 of them RTP, the rest SIP."""
    calls = packets * 5 // 100 * 10 // 64
    seconds = calls / CALLS_PER_SECOND + (TALK + 5 * SECOND) / SECOND
    media = packets - calls * 64 // 10
    streams = max(1, round(media / 50 / seconds))
    both = merge(sip(calls), rtp(media, streams), key=lambda packet: packet[0])
    return write(FOLDER / f"rtp-{packets}.pcap", both)
