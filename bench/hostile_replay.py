"""What strangers can put into a capture that is written out afterwards: ``make hostile`` runs it with the others.

Must not know: networks.
"""

from __future__ import annotations

import resource
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.make_captures import EPOCH, MS
from bench.rows import Row, measured
from sipwatch.capture.write import Saved, capture_file
from sipwatch.packet import ETHERNET
from tests.constructs import call
from tests.e2e.servers import ENVIRONMENT, SIPWATCH
from tests.wire import frames as f

if TYPE_CHECKING:
    from collections.abc import Callable

_SIZES = (1, 62)  # kB in one message
_MOST = 2.0  # seconds that the larger one may cost more


def quotes(scale: float) -> Row:
    """Write a call out whose messages are full of quotation marks, with its numbers hidden."""
    with tempfile.TemporaryDirectory() as folder:
        took = [_replayed(Path(folder), size << 10) for size in _SIZES]
    more = took[1] - took[0]
    within = [] if more < _MOST / scale else [f"{more:.1f} s"]
    return Row(
        "quotes",
        "a call with 62 kB of quotation marks in each message, written out with `--messages`, numbers hidden",
        "3 s for 16 kB, 36 s for 62 kB",
        f"{more:.1f} s of a processor more than for 1 kB",
        f"{_MOST:g} s",
        within,
        measured=measured(),
    )


def _replayed(folder: Path, size: int) -> float:
    """Return what a replay takes, in seconds of a processor."""
    capture, config = folder / f"{size}.pcap", folder / "sipwatch.toml"
    config.write_text("[privacy]\nmask = 3\nnames = true\n")
    steps = [(f.udp(text), back) for back, text in call(b"X-Any", b'"', size)]
    frames = [f.ethernet(f.ipv4(data, f.UDP, *((f.B4, f.A4) if back else (f.A4, f.B4)))) for data, back in steps]
    capture.write_bytes(
        capture_file([Saved(EPOCH + 20 * place * MS, ETHERNET, one, len(one)) for place, one in enumerate(frames)])
    )
    command = [*SIPWATCH, "replay", str(capture), "--config", str(config), "--messages", "--format", "jsonl"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, check=True, capture_output=True, env=ENVIRONMENT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if len(done.stdout) < size:
        raise RuntimeError("the messages are not in what was written")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


ATTACKS: dict[str, Callable[[float], Row]] = {"quotes": quotes}
