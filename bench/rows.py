"""What attacks came to, stored in bench/hostile.json for docs/benchmarks.md to be made of.

Must not know: how anything is attacked, or how the page is written.
"""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

import msgspec

STORED = Path(__file__).resolve().parent / "hostile.json"


class Row(msgspec.Struct):
    """One attack or fault. ``before`` is what happened when sipwatch had no bounds, ``wanted`` what is asserted now.

    ``scale`` is 1 for the whole attack, less for a shorter one.
    """

    name: str
    attack: str
    before: str
    now: str
    wanted: str
    complaints: list[str] = []
    scale: float = 1.0
    measured: str = ""


def measured() -> str:
    """Say when and on what."""
    return f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} processors, Linux {platform.release().partition('-')[0]}"


def load() -> list[Row]:
    """Return the rows that are stored."""
    return msgspec.json.decode(STORED.read_bytes(), type=list[Row]) if STORED.is_file() else []


def store(rows: list[Row], order: list[str]) -> None:
    """Store rows, each in the place of that of the same name, in an order of names."""
    known = {row.name: row for row in [*load(), *rows]}
    kept = [known[name] for name in order if name in known]
    STORED.write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=2) + b"\n")
