"""Compares sipwatch with sngrep, sipmon, tshark and tcpdump, and measures its memory: ``python -m bench.run``.

All that is compared is run in turn, A B C A B C, in one go, and what counts are the ratios within a turn:
absolute times, of the processor, are this machine's. sipmon (``cargo install sipmon``) and whatever else is not installed
is left out. With ``--write`` the results are stored in bench/results.json, and the tables go into
docs/benchmarks.md (``python -m bench.page`` writes it again); ``--small`` is a hundredth of everything, to see that it
works.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import re
import shutil
import sys
import time
from pathlib import Path
from typing import NamedTuple

from bench.make_captures import rtp_file, sip_file
from bench.page import FORMS, PAGE, Comparison, Memory, Results, Row, current, page, store
from sipwatch import installed_version

SIPWATCH = [sys.executable, "-m", "sipwatch", "replay"]
# `make compiled` puts it there; -P keeps the source in this folder from being found first.
COMPILED = ["env", "PYTHONPATH=build/compiled", sys.executable, "-P", "-m", "sipwatch", "replay"]
VERSIONS = {
    "sngrep": ["sngrep", "-V"],
    "sipmon": ["sipmon", "-V"],
    "tshark": ["tshark", "-v"],
    "tcpdump": ["tcpdump", "--version"],
}


class Run(NamedTuple):
    """One run of a program: seconds by the wall, seconds of processor, peak of memory in MB."""

    wall: float
    processor: float
    peak: float


def measure(command: list[str]) -> Run:
    """Run a program to its end, its output thrown away; stop when it fails."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    redirect = [(os.POSIX_SPAWN_DUP2, nowhere, to) for to in (0, 1, 2)]
    start = time.perf_counter()
    process = os.posix_spawnp(command[0], command, os.environ, file_actions=redirect)
    _, status, used = os.wait4(process, 0)
    wall = time.perf_counter() - start
    os.close(nowhere)
    if status:
        sys.exit(f"failed with {os.waitstatus_to_exitcode(status)}: {' '.join(command)}")
    return Run(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def turns(commands: dict[str, list[str]], rounds: int) -> dict[str, list[Run]]:
    """Run the programs in turn; the first turn, which fills the cache, does not count."""
    results: dict[str, list[Run]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            run = measure(command)
            print(f"  turn {turn}: {name:9} {run.wall:7.2f} s, {run.peak:6.0f} MB", flush=True)
            if turn:
                results[name].append(run)
    return results


def compared(key: str, path: Path, packets: int, words: str, others: dict[str, list[str]], rounds: int) -> Comparison:
    """Compare sipwatch, interpreted and compiled, with other programs on a file."""
    ours = [str(path), "--format", "json", "-o", os.devnull]
    commands = {"sipwatch": [*SIPWATCH, *ours], "compiled": [*COMPILED, *ours], **others}
    missing = [name for name in others if not shutil.which(name)]
    if not Path("build/compiled/sipwatch").is_dir():
        missing.append("compiled")
    for name in missing:
        print(f"  {name} is not installed and is left out")
    present = {name: command for name, command in commands.items() if name not in missing}
    results = turns(present, rounds)
    forms = dict(zip(FORMS, (results.get("sipwatch"), results.get("compiled")), strict=True))
    rows = [
        Row(
            name,
            [run.processor for run in runs],
            max(run.peak for run in runs),
            _ratios(runs, forms) if name in others else {},
        )
        for name, runs in results.items()
    ]
    return Comparison(key, packets, words, _commands(present, path), rows)


def _ratios(theirs: list[Run], forms: dict[str, list[Run] | None]) -> dict[str, list[float]]:
    """Return the ratios to each form that ran, taken turn by turn."""
    return {
        form: [other.processor / own.processor for other, own in zip(theirs, ours, strict=True)]
        for form, ours in forms.items()
        if ours is not None
    }


def _commands(commands: dict[str, list[str]], path: Path) -> list[str]:
    lines = [
        " ".join(command).replace(sys.executable, "python").replace(str(path), "F") for command in commands.values()
    ]
    return [line.replace("python -m sipwatch", "sipwatch") for line in lines]


def speed(key: str, calls: int, lines: int, rounds: int) -> Comparison:
    """SIP alone: against sngrep and tshark."""
    path = sip_file(calls, lines)
    print(f"{path}: {calls} calls")
    others = {
        "sngrep": ["sngrep", "-N", "-q", "-l", "1000000", "-I", str(path), "-O", os.devnull],
        "sipmon": ["sipmon", "--no-tui", "--dry-run", str(path)],
        "tshark": ["tshark", "-q", "-n", "-r", str(path), "-z", "sip,stat"],
    }
    messages = calls * 64 // 10
    size = path.stat().st_size // messages - 58
    words = f"{calls:,} calls, {messages:,} messages of {size} bytes on average (`F`), {_FROM[lines]}"
    return compared(key, path, messages, words, others, rounds)


_FROM = {
    1: "all between the same two addresses, as one sipp sends them (where tshark is slow: it looks through all "
    "media announced at one address)",
    64: "from 64 phones to a server",
}


def media(packets: int, rounds: int) -> Comparison:
    """Mostly RTP: against tcpdump."""
    path = rtp_file(packets)
    print(f"{path}: {packets} packets")
    others = {"tcpdump": ["tcpdump", "-r", str(path), "-w", os.devnull, "udp"]}
    words = f"{packets:,} packets, 95 of 100 RTP (`F`); the ratio is sipwatch's time to tcpdump's"
    return compared("media", path, packets, words, others, rounds)


def memory(calls: int) -> list[Memory]:
    """Peak memory on a file, and on one ten times as long."""
    short, long = sip_file(calls), sip_file(10 * calls)
    print(f"{short}, {long}: memory")

    def peak(path: Path, form: str, messages: int) -> Memory:
        return Memory(form, messages, measure([*SIPWATCH, str(path), "--format", form, "-o", os.devnull]).peak)

    first = peak(short, "jsonl", calls * 64 // 10)
    return [first, peak(long, "jsonl", calls * 64), peak(long, "json", calls * 64)]


def machine() -> str:
    """Say what was measured on and with."""
    information = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.*)", information.read_text()) if information.is_file() else None
    processor = f"{found[1] if found else platform.machine()}, {os.cpu_count()} processors"
    versions = [f"sipwatch {installed_version()} on Python {platform.python_version()}"]
    for name, command in VERSIONS.items():
        if shutil.which(name):
            said = os.popen(f"{' '.join(command)} 2>&1").read()  # noqa: S605 - a fixed command
            versions.append(f"{name} {(re.search(r'[0-9]+(?:[.][0-9]+)+', said) or ['?'])[0]}")
    today = dt.datetime.now(tz=dt.UTC).date()
    return f"Measured {today} on {processor}, Linux {platform.release().partition('-')[0]}: {', '.join(versions)}.\n"


def main() -> None:
    """Measure, print, and write the page if asked."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--small", action="store_true", help="a hundredth of everything, to see that it works")
    arguments.add_argument("--write", action="store_true", help="write the tables into docs/benchmarks.md")
    arguments.add_argument("--rounds", type=int, default=5, help="turns that count")
    given = arguments.parse_args()
    share = 100 if given.small else 1
    results = Results(
        machine(),
        [
            speed("one pair", 30_000 // share, 1, given.rounds),
            speed("phones", 30_000 // share, 64, given.rounds),
            media(2_000_000 // share, given.rounds),
        ],
        memory(15_700 // share),
    )
    if given.write and not given.small:
        store(results)
        PAGE.write_text(current())
    print(page(results, all_said=not given.small))


if __name__ == "__main__":
    main()
