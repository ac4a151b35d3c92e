"""Programs that run while a block runs, and conditions that are waited for. Nothing here sleeps for a fixed time.

Must not know: what the programs are.
"""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Self

T = TypeVar("T")
POLL = 0.05  # seconds between two looks


class Running:
    """A program that runs, its output in a file. Leaving the ``with`` statement ends it, gently first."""

    def __init__(self, command: list[str], log: Path, **more: Any) -> None:
        """``more`` is for Popen; what it says of standard input and output goes before what is usual here."""
        self.log = log
        with log.open("ab") as output:
            streams = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output}
            self.process = subprocess.Popen(command, **{**streams, **more})

    @property
    def pid(self) -> int:
        """Return the program's process id."""
        return self.process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def said(self) -> str:
        """Return all it has written so far."""
        return self.log.read_text(errors="replace")

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def alive(self) -> bool:
        """Tell whether it still runs."""
        return self.process.poll() is None

    def wait(self, seconds: float) -> int:
        """Wait for its end; return its exit status."""
        return self.process.wait(seconds)

    def end(self, seconds: float = 10) -> int:
        """End it, by force if it does not listen; return its exit status."""
        if self.alive():
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()

    def ready(self, check: Callable[[], object], seconds: float, what: str) -> None:
        """Wait until a check holds. What has ended never gets there, and its output says why; what does not is ended."""
        try:
            until(lambda: check() or not self.alive(), seconds, what, self.said)
            assert self.alive(), f"it has ended before {what}: {self.said()}"
        except BaseException:
            self.end()
            raise


def until(check: Callable[[], T | None], seconds: float, what: str, evidence: Callable[[], object] | None = None) -> T:
    """Wait until a check gives something true, and return that; ``evidence`` goes into the complaint."""
    deadline = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s for {what}; there is {evidence() if evidence else found!r}")
        time.sleep(POLL)
