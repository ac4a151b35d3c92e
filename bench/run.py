"""Compares sipwatch with sngrep, tshark and tcpdump, and measures its memory: ``python -m bench.run``.

All that is compared is run in turn, A B C A B C, in one go, and what counts are the ratios within a turn:
absolute times are this machine's. With ``--write`` the tables go into docs/benchmarks.md; ``--small`` is a
hundredth of everything, to see that it works.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import re
import shutil
import statistics
import sys
import time
from pathlib import Path
from typing import NamedTuple

from bench.make_captures import rtp_file, sip_file
from sipwatch import installed_version

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
SIPWATCH = [sys.executable, "-m", "sipwatch", "replay"]
# `make compiled` puts it there; -P keeps the source in this folder from being found first.
COMPILED = ["env", "PYTHONPATH=build/compiled", sys.executable, "-P", "-m", "sipwatch", "replay"]
VERSIONS = {"sngrep": ["sngrep", "-V"], "tshark": ["tshark", "-v"], "tcpdump": ["tcpdump", "--version"]}


class Run(NamedTuple):
    """One run of a program: seconds by the wall, seconds of processor, peak of memory in MB."""

    wall: float
    processor: float
    peak: float


class Target(NamedTuple):
    """What a ratio or a size shall be."""

    words: str
    least: float = 0.0
    most: float = float("inf")

    def holds(self, value: float) -> str:
        """Say whether a value meets it."""
        return "yes" if self.least <= value <= self.most else "**no**"


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


def spread(values: list[float], unit: str = "") -> str:
    """Return median and, in brackets, least and most."""
    return f"{statistics.median(values):.2f}{unit} ({min(values):.2f} to {max(values):.2f})"


def table(heads: list[str], rows: list[list[str]]) -> str:
    """Return a markdown table."""
    return "".join(f"| {' | '.join(row)} |\n" for row in [heads, ["---"] * len(heads), *rows])


def comparison(
    path: Path, packets: int, commands: dict[str, list[str]], targets: dict[str, Target], rounds: int
) -> str:
    """Compare sipwatch, the first of the commands, with the others on a file."""
    missing = [name for name in targets if not shutil.which(name)]
    if not Path("build/compiled/sipwatch").is_dir():
        missing.append("compiled")
    for name in missing:
        print(f"  {name} is not installed and is left out")
    present = {name: command for name, command in commands.items() if name not in missing}
    results = turns(present, rounds)
    rows = []
    for name, runs in results.items():
        walls = [run.wall for run in runs]
        rate = packets / statistics.median(walls)
        row = [name, spread(walls, " s"), f"{rate:,.0f}", f"{max(run.peak for run in runs):.0f} MB"]
        if name in targets:
            for own in ("sipwatch", "compiled"):
                row += verdict(results[own], runs, targets[name]) if own in results else ["not run", ""]
            rows.append([*row, targets[name].words])
        else:
            rows.append([*row, "", "", "", "", ""])
    heads = ["", "time", "packets/s", "memory", "ratio, interpreted", "met", "ratio, compiled", "met", "wanted"]
    return _commands(present, path) + table(heads, rows)


def verdict(ours: list[Run], theirs: list[Run], target: Target) -> list[str]:
    """Return the ratio, taken turn by turn, and whether it is what was wanted."""
    ratios = [other.wall / own.wall for other, own in zip(theirs, ours, strict=True)]
    if target.most < float("inf"):  # sipwatch may be the slower one: how many times
        ratios = [1 / ratio for ratio in ratios]
    return [spread(ratios), target.holds(statistics.median(ratios))]


def _commands(commands: dict[str, list[str]], path: Path) -> str:
    lines = [
        " ".join(command).replace(sys.executable, "python").replace(str(path), "F") for command in commands.values()
    ]
    return "```\n" + "\n".join(lines).replace("python -m sipwatch", "sipwatch") + "\n```\n\n"


def speed(calls: int, rounds: int) -> str:
    """SIP alone: against sngrep and tshark."""
    return "## SIP alone\n\n" + "\n".join(_speed(calls, lines, rounds) for lines in (1, 64))


def _speed(calls: int, lines: int, rounds: int) -> str:
    path = sip_file(calls, lines)
    print(f"{path}: {calls} calls")
    name = str(path)
    commands = {
        "sipwatch": [*SIPWATCH, name, "--format", "json", "-o", os.devnull],
        "compiled": [*COMPILED, name, "--format", "json", "-o", os.devnull],
        "sngrep": ["sngrep", "-N", "-q", "-l", "1000000", "-I", name, "-O", os.devnull],
        "tshark": ["tshark", "-q", "-n", "-r", name, "-z", "sip,stat"],
    }
    targets = {"sngrep": Target("at least 2", 2), "tshark": Target("at least 8", 8)}
    messages = calls * 64 // 10
    size = path.stat().st_size // messages - 58
    text = f"{calls:,} calls, {messages:,} messages of {size} bytes on average (`F`), {_FROM[lines]}"
    return f"{text}:\n\n{comparison(path, messages, commands, targets, rounds)}"


_FROM = {
    1: "all between the same two addresses, as one sipp sends them (where tshark is slow: it looks through all "
    "media announced at one address)",
    64: "from 64 phones to a server",
}


def media(packets: int, rounds: int) -> str:
    """Mostly RTP: against tcpdump."""
    path = rtp_file(packets)
    print(f"{path}: {packets} packets")
    commands = {
        "sipwatch": [*SIPWATCH, str(path), "--format", "json", "-o", os.devnull],
        "compiled": [*COMPILED, str(path), "--format", "json", "-o", os.devnull],
        "tcpdump": ["tcpdump", "-r", str(path), "-w", os.devnull, "udp"],
    }
    targets = {"tcpdump": Target("at most 3", most=3)}
    text = f"{packets:,} packets, 95 of 100 RTP (`F`); the ratio is sipwatch's time to tcpdump's"
    return f"## Mostly media\n\n{text}:\n\n{comparison(path, packets, commands, targets, rounds)}"


def memory(calls: int) -> str:
    """Peak memory on a file, and on one ten times as long."""
    short, long = sip_file(calls), sip_file(10 * calls)
    print(f"{short}, {long}: memory")

    def peak(path: Path, form: str) -> float:
        return measure([*SIPWATCH, str(path), "--format", form, "-o", os.devnull]).peak

    first, second, whole = peak(short, "jsonl"), peak(long, "jsonl"), peak(long, "json")
    growth = Target("0.9 to 1.1", 0.9, 1.1)
    bound = Target("below 250 MB", 0, 250)
    rows = [
        [f"`jsonl`, {calls * 64 // 10:,} messages", f"{first:.0f} MB", "", ""],
        [
            f"`jsonl`, {calls * 64:,} messages",
            f"{second:.0f} MB, {second / first:.2f} times",
            growth.words,
            growth.holds(second / first),
        ],
        [f"`json`, {calls * 64:,} messages", f"{whole:.0f} MB", bound.words, bound.holds(whole)],
    ]
    return f"## Memory\n\n```\nsipwatch replay F --format jsonl -o /dev/null\n```\n\n{table(['', 'peak', 'wanted', 'met'], rows)}"


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
    sections = [
        machine(),
        speed(30_000 // share, given.rounds),
        media(2_000_000 // share, given.rounds),
        memory(15_700 // share),
    ]
    text = "\n".join(sections)
    print(text)
    if given.write and not given.small:
        begin, end = "<!-- generated: benchmarks -->\n", "<!-- end -->"
        before, _, rest = PAGE.read_text().partition(begin)
        PAGE.write_text(before + begin + text + end + rest.partition(end)[2])


if __name__ == "__main__":
    main()
