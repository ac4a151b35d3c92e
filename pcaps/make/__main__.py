"""Write the synthetic captures and what is expected of each: ``python -m pcaps.make [--check] [NAME...]``.

``--check`` writes nothing and says whether the files are what the scripts make.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from pcaps.make import demo, packets, readme, situations, talk, vantage
from pcaps.make.scenes import AGENTS, CONDITIONS, HOSTS, HOSTS_V6, OUTCOMES

if TYPE_CHECKING:
    from pcaps.make.scenes import Scene

HERE = Path(__file__).resolve().parent.parent
START = 1_767_603_600_000_000_000  # 2026-01-05T09:00:00Z
_SYN, _ACK, _PUSH = 2, 16, 8


def nanoseconds(seconds: str | float) -> int:
    """Return packet time for seconds after the start."""
    return START + int(Decimal(str(seconds)) * 1_000_000_000)


def capture(scene: Scene) -> bytes:
    """Return a scene as a capture file."""
    hosts = HOSTS_V6 if scene.ipv6 else HOSTS
    said = sorted(talk.lines(scene.script), key=lambda line: Decimal(line.time))
    frames: list[tuple[int, bytes]] = []
    numbers: dict[tuple[str, str], int] = {}
    for line in said:
        source, destination = hosts[line.source], hosts[line.destination]
        payload = talk.message(line, hosts, AGENTS, transport="TCP" if scene.tcp else "UDP")
        if scene.tcp:
            frame = _segment(numbers, line, source, destination, payload)
        else:
            frame = packets.udp(source, destination, payload)
        frames.append((nanoseconds(line.time), frame))
    if scene.until is not None:
        # A packet that is no SIP tells how long the capture went on: an RTP packet.
        rtp = packets.udp(hosts["A"], hosts["P"], b"\x80\x08" + bytes(170), 10000, 10000)
        frames.append((nanoseconds(scene.until), rtp))
    return packets.pcap(frames)


def _segment(
    numbers: dict[tuple[str, str], int], line: talk.Line, source: str, destination: str, payload: bytes
) -> bytes:
    """Return a message as a TCP segment of a connection that was up before, from the phone's own port."""
    ports = (5060, 40000) if line.is_response else (40000, 5060)
    sequence = numbers.get((source, destination), 1)
    numbers[source, destination] = sequence + len(payload)
    acknowledged = numbers.get((destination, source), 1)
    return packets.tcp(source, destination, payload, sequence, acknowledged, _ACK | _PUSH, *ports)


def expectation(scene: Scene) -> bytes:
    """Return what is expected of a scene, as JSON."""
    fates = {call: asdict(fate) for call, fate in scene.fates.items()}
    return (json.dumps({"trunk": scene.trunk, "calls": fates}, indent=1) + "\n").encode()


def everything() -> dict[str, bytes]:
    """Return every file by its path below ``pcaps/``."""
    files: dict[str, bytes] = {}
    for folder, scenes in (("outcomes", OUTCOMES), ("conditions", CONDITIONS)):
        for name, scene in scenes.items():
            files[f"{folder}/{name}.pcap"] = capture(scene)
            files[f"{folder}/{name}.expected.json"] = expectation(scene)
    files.update(demo.files())
    files.update(situations.files())
    files.update(vantage.files())
    files["README.md"] = readme.text(HERE, OUTCOMES, CONDITIONS).encode()
    return files


def main(arguments: list[str]) -> int:
    """Write or check the files named, by default all."""
    check = "--check" in arguments
    wanted = [word for word in arguments if word != "--check"]
    stale = []
    for name, content in everything().items():
        if wanted and not any(word in name for word in wanted):
            continue
        path = HERE / name
        if path.is_file() and path.read_bytes() == content:
            continue
        stale.append(name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    for name in stale:
        print(("differs: " if check else "written: ") + name)
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
