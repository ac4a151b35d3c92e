"""sipwatch as a process of its own, as users start it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BUSY = ROOT / "pcaps" / "outcomes" / "busy.pcap"
DEMO = ROOT / "pcaps" / "demo.pcap"
COMMAND = [sys.executable, "-m", "sipwatch"]
ENVIRONMENT = {**os.environ, "COLUMNS": "100", "PYTHONWARNINGS": "error"}


def run(*arguments: object, status: int = 0, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run sipwatch; no user ever sees a traceback."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=ENVIRONMENT,
        timeout=120,
        check=False,
        **more,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == status, done.stderr
    return done


def the_complaint(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line on standard error."""
    (line,) = done.stderr.splitlines()
    assert line.startswith("sipwatch: ")
    return line
