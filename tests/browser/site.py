"""A contact centre whose calls ``sipwatch live`` has watched for two hours until now, and whose pages it shows.

Must not know: browsers.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlencode

from pcaps.make import packets, talk
from sipwatch.packet import SECOND
from tests.cli.program import COMMAND, DEMO, ENVIRONMENT, ROOT
from tests.e2e.process import Running, until

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENT: Final = 60.0  # seconds that a busy machine may take
HOSTS: Final = {"A": "192.0.2.11", "B": "192.0.2.12", "P": "198.51.100.10", "T": "203.0.113.10", "N": "203.0.113.20"}
_AGENTS: Final = {"A": "Example Phone 1.0", "B": "Example Phone 1.0", "P": "Example PBX 3.1", "T": "Example SBC 7"}
# Seconds from now on: what is going on when somebody looks.
_GOING_ON: Final = """
-50 A>P INVITE call=stuck@desk caller=201 callee=+4930555777
-49.9 P>A 100 call=stuck@desk caller=201 callee=+4930555777
-40 T>P INVITE call=long@acme caller=+4930555123 callee=4401
-39.9 P>T 100 call=long@acme caller=+4930555123 callee=4401
-39.5 P>T 180 call=long@acme caller=+4930555123 callee=4401
-8 A>P INVITE call=silent@desk caller=202 callee=0190
-300 A>P INVITE call=up@desk caller=203 callee=+4930555888
-299 P>A 200 call=up@desk caller=203 callee=+4930555888
-298.9 A>P ACK call=up@desk caller=203 callee=+4930555888 ttag=callee branch=z9hG4bKack
-200 T>P INVITE call=missed@acme caller=+4930555999 callee=4402
-199.5 P>T 180 call=missed@acme caller=+4930555999 callee=4402
-180 T>P CANCEL call=missed@acme caller=+4930555999 callee=4402
-179.9 P>T 487 call=missed@acme caller=+4930555999 callee=4402
-179.8 T>P ACK call=missed@acme caller=+4930555999 callee=4402 ttag=callee
"""
_BUSY: Final = """
0 T>P INVITE call={call} caller={caller} callee=4403
0.1 P>T 100 call={call} caller={caller} callee=4403
0.4 P>T 486 call={call} caller={caller} callee=4403 h=Reason:_Q.850;cause=17;text="user_busy"
0.5 T>P ACK call={call} caller={caller} callee=4403 ttag=callee
"""

_CALLED_BACK: Final = """
0 P>T INVITE call=back@pbx caller=4402 callee={number}
0.5 T>P 200 call=back@pbx caller=4402 callee={number}
0.6 P>T ACK call=back@pbx caller=4402 callee={number} ttag=callee branch=z9hG4bKback
"""
_MANY: Final = 600  # calls: of twice 318 some are still up

Packet = tuple[int, bytes]


class Site:
    """``sipwatch live`` at the end of a pipe, with the demo's calls of the last hour and of the hour before."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        (folder / "sipwatch.toml").write_text(
            (ROOT / "pcaps" / "demo.toml").read_text() + '[callback]\nwithin = 3600\nregion = "DE"\n'
        )
        words = ["live", "-r", "-", "--listen", "127.0.0.1:0", "--store", str(folder / "store")]
        command = [*COMMAND, *words, "--config", str(folder / "sipwatch.toml"), *arguments]
        self.running = Running(command, folder / "log", stdin=subprocess.PIPE, env=ENVIRONMENT, cwd=ROOT)
        self.store = folder / "store"
        self.url = ""

    def __enter__(self) -> Self:
        found = until(lambda: re.search(r"listening address=(\S+)", self.running.said()), PATIENT, "it to listen")
        self.url = f"http://{found[1]}"
        now = time.time_ns()
        self.write(
            sorted([*_demo(now - 75 * 60 * SECOND), *_demo(now - 20 * SECOND), *said(_GOING_ON, now)]), head=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self.running.process.stdin is not None
        self.running.process.stdin.close()
        self.running.end()

    def filled(self) -> None:
        """Wait until what is over is stored: both hours of the demo, and the latest missed call."""
        until(lambda: len(self.calls("")) == _MANY, PATIENT, "the calls of both hours to be stored")
        until(lambda: self.calls('call_id == "missed@acme"'), PATIENT, "the missed call to be stored")

    def calls(self, expression: str) -> list[dict[str, Any]]:
        """Return the stored calls that a filter finds, the newest first."""
        query = urlencode({"limit": _MANY, **({"filter": expression} if expression else {})})
        with urllib.request.urlopen(f"{self.url}/api/v1/calls?{query}", timeout=PATIENT) as answer:
            found: list[dict[str, Any]] = json.load(answer)["calls"]
        return found

    def write(self, frames: list[Packet], *, head: bool = False) -> None:
        """Let it see packets."""
        pipe = self.running.process.stdin
        assert pipe is not None
        pipe.write(packets.pcap(frames)[0 if head else 24 :])
        pipe.flush()

    def busy(self, caller: str, call: str) -> None:
        """Let somebody call right now who finds 4403 busy."""
        self.write(list(said(_BUSY.format(call=call, caller=caller), time.time_ns())))

    def call_back(self, number: str) -> None:
        """Let somebody inside call a number right now, and be answered."""
        self.write(list(said(_CALLED_BACK.format(number=number), time.time_ns())))


def said(script: str, now: int) -> Iterator[Packet]:
    """Give the packets of a conversation, whose times are in seconds from ``now`` (ns)."""
    for line in talk.lines(script):
        frame = packets.udp(HOSTS[line.source], HOSTS[line.destination], talk.message(line, HOSTS, dict(_AGENTS)))
        yield now + int(float(line.time) * SECOND), frame


def _demo(end: int) -> Iterator[Packet]:
    """Give the packets of the demo, the last of them at ``end`` (ns)."""
    data, at = DEMO.read_bytes(), 24
    found = []
    while at < len(data):
        second, micros, length = (int.from_bytes(data[at + place : at + place + 4], "little") for place in (0, 4, 8))
        found.append((second * SECOND + micros * 1000, data[at + 16 : at + 16 + length]))
        at += 16 + length
    last = max(moment for moment, _ in found)
    for moment, frame in found:
        yield end - last + moment, frame


def place() -> tempfile.TemporaryDirectory[str]:
    """Return a folder that whoever root becomes can reach, too."""
    folder = tempfile.TemporaryDirectory()
    Path(folder.name).chmod(0o755)
    return folder
