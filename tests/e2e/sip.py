"""Callers and answerers: sipp, and Kamailio between them.

Must not know: sipwatch. What was placed and said is what sipp itself counted and wrote down.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.e2e import net
from tests.e2e.process import Running

if TYPE_CHECKING:
    from tests.e2e.net import Space

KAMAILIO = "198.51.100.20"
ONE_TRUNK = Path(__file__).with_name("kamailio.cfg")
FORKS = Path(__file__).with_name("kamailio-forks.cfg")
TCP = "t1"  # one connection for all calls
# Each entry of sipp's log of messages begins so; what follows is the message.
_ENTRY = re.compile(r"-{47} (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6})\n\w+ message (sent|received)\b.*\n\n?")


class Message(NamedTuple):
    """A message as sipp logged it; ``status_code`` is 0 in a request. ``at`` is the wall clock in seconds."""

    at: float
    sent: bool
    method: str
    status_code: int


class Sipp(Running):
    """A sipp that places calls, or with ``target`` left out answers them, and plays a scenario in each.

    Call-IDs are NAME-1, NAME-2, ...; ``pause`` is what the scenario's pauses last, in seconds.
    """

    def __init__(
        self,
        space: Space,
        folder: Path,
        name: str,
        scenario: str,
        local: tuple[str, int],
        target: tuple[str, int] | None = None,
        *,
        calls: int = 0,
        rate: float = 10,
        pause: float = 0.3,
        transport: str = "u1",
        user: str = "15550101",
    ) -> None:
        self.name = name
        self.address, self.port = local
        self.target = target
        self._statistics = folder / f"{name}.csv"
        self._messages = folder / f"{name}.messages"
        file = folder / f"{name}.xml"
        file.write_text(scenario)
        words = ["-sf", str(file), "-i", self.address, "-p", str(self.port), "-t", transport, "-nostdin",
                 "-d", str(int(pause * 1000)), "-trace_err", "-error_file", str(folder / f"{name}.err"),
                 "-trace_stat", "-stf", str(self._statistics), "-fd", "1",
                 "-trace_msg", "-message_file", str(self._messages)]  # fmt: skip
        if target is not None:
            host = f"[{target[0]}]" if ":" in target[0] else target[0]
            # Timers that nobody hears expire on their own; a call that went wrong sends nothing to make up for it.
            words = [f"{host}:{target[1]}", *words, "-m", str(calls), "-l", str(calls), "-r", str(rate),
                     "-cid_str", f"{name}-%u", "-default_behaviors", "-abortunexp,-bye", "-s", user]  # fmt: skip
        super().__init__(space.command("sipp", *words), folder / f"{name}.log", cwd=folder)
        if target is None:
            protocol = "tcp" if transport == TCP else "udp"
            self.ready(lambda: local in net.bound(self.pid, protocol), 20, f"{name} to listen")

    def counted(self) -> tuple[int, int]:
        """Return how many calls it has placed, and with how many all went as the scenario says, by its own count."""
        with self._statistics.open(newline="") as file:
            last = list(csv.DictReader(file, delimiter=";"))[-1]
        return int(last["TotalCallCreated"]), int(last["SuccessfulCall(C)"])

    def done(self, seconds: float = 60) -> int:
        """Wait until all calls are over as the scenario says; return how many were placed."""
        status = self.wait(seconds)
        placed, well = self.counted()
        assert (status, well) == (0, placed), f"{self.name}: {self.errors()}"
        return placed

    def gave_up(self, seconds: float = 60) -> int:
        """Wait until all calls are over because nobody answered; return how many were placed."""
        status = self.wait(seconds)
        placed, well = self.counted()
        assert (status != 0, well) == (True, 0), f"{self.name}: {self.errors()}"
        return placed

    def messages(self) -> list[Message]:
        """Return what it has sent and received so far, as it logged it."""
        text = self._messages.read_text(errors="replace") if self._messages.exists() else ""
        entries = list(_ENTRY.finditer(text))
        ends = [*(entry.start() for entry in entries), len(text)][1:]
        return [_message(entry, text[entry.end() : end]) for entry, end in zip(entries, ends, strict=True)]

    def sent(self) -> Counter[tuple[str, int]]:
        """Count what it has sent, each repetition too, by method and status code (0: a request)."""
        return Counter((message.method, message.status_code) for message in self.messages() if message.sent)

    def errors(self) -> str:
        """Return what it complained about."""
        file = self.log.with_suffix(".err")
        return file.read_text(errors="replace") if file.exists() else self.said()


def kamailio(space: Space, folder: Path, config: Path = ONE_TRUNK) -> Running:
    """Start Kamailio in a namespace, as its configuration says."""
    words = ["-f", str(config), "-DD", "-E", "-Y", str(folder), "-w", str(folder), "-m", "32", "-M", "4"]
    server = Running(space.command("kamailio", *words), folder / "kamailio.log")
    server.ready(lambda: (KAMAILIO, 5060) in net.bound(server.pid, "udp"), 20, "Kamailio to listen")
    return server


def _message(entry: re.Match[str], text: str) -> Message:
    at = datetime.fromisoformat(entry[1]).timestamp()
    first = text.split(None, 2)
    code = int(first[1]) if first[0] == "SIP/2.0" else 0
    method = re.search(r"^CSeq:\s*\d+\s+(\w+)", text, re.MULTILINE | re.IGNORECASE)
    assert method is not None, text
    return Message(at, entry[2] == "sent", method[1], code)
