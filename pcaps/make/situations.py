"""The situations as capture files, with what is expected of each and the configuration that it needs."""

from __future__ import annotations

import json
import re
import struct
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pcaps.make import packets, talk
from pcaps.make.centre import CENTRE
from pcaps.make.dialogs import DIALOGS
from pcaps.make.links import LINKS
from pcaps.make.network import NETWORK
from pcaps.make.scenes import AGENTS
from pcaps.make.setups import SETUPS
from pcaps.make.situation import HOSTS
from pcaps.make.strain import STRAIN

if TYPE_CHECKING:
    from pcaps.make.situation import End, Situation

SITUATIONS: dict[str, Situation] = {**CENTRE, **NETWORK, **STRAIN, **DIALOGS, **SETUPS, **LINKS}
START = 1_767_603_600_000_000_000  # 2026-01-05T09:00:00Z, a Monday
_CONTACT = re.compile(rb"(?<=\r\nContact: )[^\r]*")
_MAX_FRAME_SIZE = 1514
_RESET, _PUSH, _ACK = 4, 8, 16


class Wire:
    """Puts messages into frames: datagrams, fragments of them, segments of connections that were up before."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        self._openers: set[tuple[str, str]] = set()
        self._fragmented = 0

    def frames(self, source: str, destination: str, payload: bytes, options: dict[str, str]) -> list[bytes]:
        """Return the frames of one message."""
        if options.get("over") == "tcp":
            return [self.segment(source, destination, payload, _ACK | _PUSH)]
        ports = int(options.get("sport", "5060")), int(options.get("dport", "5060"))
        frame = packets.udp(source, destination, payload, *ports)
        if len(frame) <= _MAX_FRAME_SIZE:
            return [frame]
        self._fragmented += 1
        return packets.fragments(frame, self._fragmented)

    def segment(self, source: str, destination: str, payload: bytes, flags: int) -> bytes:
        """Return a segment; whoever sends first has opened the connection, from a port of his own."""
        if (destination, source) not in self._openers:
            self._openers.add((source, destination))
        ports = (40000, 5060) if (source, destination) in self._openers else (5060, 40000)
        sequence = self._numbers.get((source, destination), 1)
        self._numbers[source, destination] = sequence + len(payload)
        acknowledged = self._numbers.get((destination, source), 1)
        return packets.tcp(source, destination, payload, sequence, acknowledged, flags, *ports)


def capture(situation: Situation) -> bytes:
    """Return a situation as a capture file."""
    wire = Wire()
    frames: list[tuple[int, bytes]] = []
    sources = {(time, source, destination): gone for time, source, destination, gone in situation.errors}
    for line in sorted(talk.lines(situation.script), key=lambda line: Decimal(line.time)):
        source, destination = HOSTS[line.source], HOSTS[line.destination]
        sent = wire.frames(source, destination, _payload(line), line.options)
        frames += [(_moment(line.time), frame) for frame in sent]
        gone = sources.get((line.time, line.source, line.destination))
        if gone is not None:
            at = _moment(Decimal(line.time) + Decimal(str(gone)))
            frames.append((at, unreachable(destination, source, sent[0])))
    for time, source, destination in situation.resets:
        frames.append((_moment(time), wire.segment(HOSTS[source], HOSTS[destination], b"", _RESET | _ACK)))
    if situation.until is not None:
        rtp = packets.udp(HOSTS["A"], HOSTS["P"], b"\x80\x08" + bytes(170), 10000, 10000)
        frames.append((_moment(situation.until), rtp))
    return packets.pcap(sorted(frames, key=lambda entry: entry[0]))


def _stated(end: End) -> dict[str, Any]:
    """Return what is expected of a call; most are linked with no other."""
    stated = asdict(end)
    if not end.linked:
        del stated["linked"]
    return stated


def _payload(line: talk.Line) -> bytes:
    transport = line.options.get("over", "udp").upper()
    payload = talk.message(line, HOSTS, AGENTS, transport=transport)
    if "contact" in line.options:
        payload = _CONTACT.sub(line.options["contact"].encode(), payload)
    if "swap" in line.options:
        old, new = line.options["swap"].replace("_", " ").encode().split(b"~")
        payload = payload.replace(old, new)
    if "pad" in line.options:
        payload = payload.replace(
            b"\r\nContact:", b"\r\nSubject: " + b"x" * int(line.options["pad"]) + b"\r\nContact:", 1
        )
    return payload


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
            "calls": {call: _stated(end) for call, end in situation.calls.items()},
            "beside": [asdict(told) for told in situation.beside],
        }
        found[f"situations/{name}.pcap"] = capture(situation)
        found[f"situations/{name}.expected.json"] = (json.dumps(expected, indent=1) + "\n").encode()
        if situation.config:
            found[f"situations/{name}.toml"] = f"# {situation.what}.\n\n{situation.config}".encode()
    return found
