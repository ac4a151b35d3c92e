"""The table of captures, ``pcaps/README.md``."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from pcaps.make.centre import CENTRE
from pcaps.make.dialogs import DIALOGS
from pcaps.make.links import LINKS
from pcaps.make.network import NETWORK
from pcaps.make.odd import ODD
from pcaps.make.setups import SETUPS
from pcaps.make.sides import SIDES
from pcaps.make.strain import STRAIN

if TYPE_CHECKING:
    from pathlib import Path

    from pcaps.make.scenes import Scene

_SITUATIONS = (
    ("centre", CENTRE), ("network", NETWORK), ("strain", STRAIN), ("dialogs", DIALOGS), ("setups", SETUPS), ("links", LINKS),
)  # fmt: skip
_HEAD = """# Captures

Written by `make pcaps` (synthetic, deterministic: the scripts are in `make/`) and `make record` (recorded from
real software: the script is in `recorded/`). Beside each synthetic capture stands what a person must conclude
from it (`.expected.json`), stated by hand in the script. Addresses are from RFC 5737 and RFC 3849, names from
RFC 2606, numbers from the ranges reserved for fiction; private addresses (RFC 1918) stand only in the Contact of
phones behind a router. A capture that needs a configuration has it beside it (`.toml`). This table is generated.

| capture | what | provenance |
|---|---|---|
"""


def text(folder: Path, outcomes: dict[str, Scene], conditions: dict[str, Scene]) -> str:
    """Return the page."""
    rows = ["| demo.pcap | ten minutes of a small contact centre, some 300 calls of every fate | `make/demo.py` |"]
    for place, scenes in (("outcomes", outcomes), ("conditions", conditions)):
        for name, scene in scenes.items():
            calls = ", ".join(f"{call}: {fate.outcome}" for call, fate in scene.fates.items())
            rows.append(f"| {place}/{name}.pcap | {calls} | `make/scenes.py` |")
    for script, situations in _SITUATIONS:
        for name, situation in situations.items():
            rows.append(f"| situations/{name}.pcap | {situation.what} | `make/{script}.py` |")
    for script, views in (("sides", SIDES), ("odd", ODD)):
        for name, view in views.items():
            rows.append(f"| vantage/{name}.pcap | {view.what} | `make/{script}.py` |")
    manifest = folder / "recorded" / "manifest.toml"
    if manifest.is_file():
        for entry in tomllib.loads(manifest.read_text())["capture"]:
            calls = ", ".join(call["outcome"] for call in entry["calls"])
            rows.append(f"| recorded/{entry['file']} | {calls} | {entry['provenance']} |")
    return _HEAD + "\n".join(rows) + "\n"
