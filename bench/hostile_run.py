"""Runs attacks and tells of them: ``python -m bench.hostile_run [--short] [--write] [NAME...]``.

Those on packet time have a process each; what became of the honest calls, what tables and process took, what a message cost
is printed, and whether the bounds hold; the exit status says whether all did. Those on a cable follow, where they can be
run. ``--short`` is an eighth of each, in an eighth of the memory. ``--write`` stores it for docs/benchmarks.md.
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

from bench.hostile import ATTACKS, Figures, complaints, memory, run
from bench.hostile_live import ATTACKS as LIVE
from bench.hostile_replay import ATTACKS as REPLAYED
from bench.rows import Row, measured, store
from tests.e2e import net

if TYPE_CHECKING:
    from collections.abc import Callable


def row(name: str, figures: Figures, scale: float) -> Row:
    """Say what came of an attack."""
    most = memory(scale) / (1 << 20)
    wanted = f"all right; tables within {most:.0f} MiB, process within {1.25 * most:.0f}"
    now = (
        f"{figures.right:,} of {figures.honest:,} honest calls right; tables {figures.tables / (1 << 20):.0f} MiB, process "
        f"+{figures.grown / (1 << 20):.0f} MiB; {figures.microseconds:.0f} us a message; {figures.series:,} series; "
        f"{figures.timers:.1f} timers a call; closed in {figures.stopped:.1f} s"
    )
    return Row(
        name, ATTACKS[name].words, ATTACKS[name].before, now, wanted, complaints(figures, scale), scale, measured()
    )


def on_packet_time(name: str, scale: float) -> Row:
    """Run an attack in a process of its own."""
    command = [sys.executable, "-m", "bench.hostile_run", "--one", name, str(scale)]
    figures = Figures(*json.loads(subprocess.run(command, check=True, capture_output=True).stdout))
    return row(name, figures, scale)


def runs() -> dict[str, Callable[[float], Row]]:
    """Return all that can be run, in the order of the page."""
    return {**{name: partial(on_packet_time, name) for name in ATTACKS}, **REPLAYED, **LIVE}


def main(arguments: list[str]) -> int:
    """Run the attacks that are named, or all; return the exit status."""
    scale = 0.125 if "--short" in arguments else 1.0
    if arguments[:1] == ["--one"]:
        print(json.dumps(run(arguments[1], float(arguments[2]))))
        return 0
    known = runs()
    trouble = net.trouble()
    names = [word for word in arguments if not word.startswith("--")]
    found = []
    for name in names or known:
        if name in LIVE and trouble:
            print(f"{name}: left out ({trouble})")
            continue
        of = known[name](scale)
        found.append(of)
        print(f"{name}: {of.attack}\n  {of.now}", flush=True)
        for complaint in of.complaints:
            print(f"  NOT WITHIN BOUNDS: {complaint}", flush=True)
    if "--write" in arguments:
        store(found, list(known))
    return any(of.complaints for of in found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
