"""The situations as capture files, with what is expected of each and the configuration that it needs."""

from __future__ import annotations

import json
import re
import struct
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING

from pcaps.make import packets, talk
from pcaps.make.centre import CENTRE
from pcaps.make.network import NETWORK
from pcaps.make.scenes import AGENTS
from pcaps.make.situation import HOSTS

if TYPE_CHECKING:
    from pcaps.make.situation import Situation

SITUATIONS: dict[str, Situation] = {**CENTRE, **NETWORK}
START = 1_767_603_600_000_000_000  # 2026-01-05T09:00:00Z, a Monday
_CONTACT = re.compile(rb"(?<=\r\nContact: )[^\r]*")


def capture(situation: Situation) -> bytes:
    """Return a situation as a capture file."""
    frames: list[tuple[int, bytes]] = []
    sources = {(time, source, destination): gone for time, source, destination, gone in situation.errors}
    for line in sorted(talk.lines(situation.script), key=lambda line: Decimal(line.time)):
        source, destination = HOSTS[line.source], HOSTS[line.destination]
        payload = talk.message(line, HOSTS, AGENTS)
        if "contact" in line.options:
            payload = _CONTACT.sub(line.options["contact"].encode(), payload)
        frame = packets.udp(source, destination, payload)
        frames.append((_moment(line.time), frame))
        gone = sources.get((line.time, line.source, line.destination))
        if gone is not None:
            frames.append((_moment(Decimal(line.time) + Decimal(str(gone))), unreachable(destination, source, frame)))
    if situation.until is not None:
        rtp = packets.udp(HOSTS["A"], HOSTS["P"], b"\x80\x08" + bytes(170), 10000, 10000)
        frames.append((_moment(situation.until), rtp))
    return packets.pcap(sorted(frames, key=lambda entry: entry[0]))


def _moment(seconds: str | float | Decimal) -> int:
    return START + int(Decimal(str(seconds)) * 1_000_000_000)


def unreachable(reporter: str, sender: str, frame: bytes) -> bytes:
    """Return an ICMP port unreachable (RFC 792) that quotes the beginning of a frame's packet."""
    body = struct.pack("!BBHI", 3, 3, 0, 0) + frame[14:][:548]
    return packets.ethernet(reporter, sender, 1, body[:2] + packets.checksum(body).to_bytes(2, "big") + body[4:])


def files() -> dict[str, bytes]:
    """Return every file by its path below ``pcaps/``; a configuration only where one is needed."""
    found: dict[str, bytes] = {}
    for name, situation in SITUATIONS.items():
        expected = {
            "calls": {call: asdict(end) for call, end in situation.calls.items()},
            "beside": [asdict(told) for told in situation.beside],
        }
        found[f"situations/{name}.pcap"] = capture(situation)
        found[f"situations/{name}.expected.json"] = (json.dumps(expected, indent=1) + "\n").encode()
        if situation.config:
            found[f"situations/{name}.toml"] = f"# {situation.what}.\n\n{situation.config}".encode()
    return found
