"""Runs every fuzz target for some seconds from the seed corpus: ``python -m tests.fuzz.run``, or ``make fuzz``.

Each input is bounded: 5 seconds, 1 GB. What the fuzzer learns stays in build/fuzz/ and is where it goes on
next time. With a seed the same inputs come in the same order, as far as the time goes: what CI runs is what was run
before, so that it fails by a change and not by luck; luck is for the long runs. An input that fails is shown by its place; put into tests/fuzz/failed/ it becomes a test.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import subprocess
import sys
from multiprocessing.pool import ThreadPool
from pathlib import Path

from tests.fuzz.seeds import LARGEST, write
from tests.fuzz.targets import TARGETS

FOLDER = Path("build/fuzz")
DICTIONARY = Path(__file__).parent / "sip.dict"


def fuzz(target: str, seconds: int, seed: int | None) -> bool:
    """Run a target and say in a line how it went; all that it said when it failed."""
    settled = [] if seed is None else [f"-seed={seed}"]
    corpus, failures = FOLDER / "corpus" / target, FOLDER / "failures"
    corpus.mkdir(parents=True, exist_ok=True)
    failures.mkdir(parents=True, exist_ok=True)
    command = [
        *(sys.executable, "-m", f"tests.fuzz.fuzz_{target}", f"-max_total_time={seconds}"),
        *settled,
        *("-timeout=5", "-rss_limit_mb=1024", f"-max_len={LARGEST}", "-print_final_stats=1"),
        *(f"-dict={DICTIONARY}", f"-artifact_prefix={failures}/{target}-", str(corpus), str(FOLDER / "seeds" / target)),
    ]
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        env={**os.environ, **({"PYTHONHASHSEED": "0"} if settled else {})},
    )
    numbers = dict(re.findall(r"stat::(\w+):\s+(\d+)", done.stdout))
    coverage = re.findall(r"cov: (\d+)", done.stdout)[-1:] or ["?"]
    if done.returncode:
        print(done.stdout[-6000:])
    print(
        f"{target:8} {'FAILED' if done.returncode else 'passed'}: {numbers.get('number_of_executed_units', '?')} inputs "
        f"in {seconds} s, coverage {coverage[0]}, slowest {numbers.get('slowest_unit_time_sec', '?')} s, "
        f"peak {numbers.get('peak_rss_mb', '?')} MB",
        flush=True,
    )
    return not done.returncode


def main() -> int:
    """Fuzz all targets, or those named."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("targets", nargs="*", default=list(TARGETS), metavar="TARGET")
    arguments.add_argument("--seconds", type=int, default=60, help="for each target")
    arguments.add_argument("--seed", type=int, help="the same inputs each time, from an empty corpus")
    given = arguments.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("FUZZING SKIPPED: there is no atheris for this Python and machine; the seeds are still tests")
        return 0
    write(FOLDER / "seeds")
    with ThreadPool(os.cpu_count()) as pool:  # each target is a process of its own, and takes one processor
        results = pool.map(lambda target: fuzz(target, given.seconds, given.seed), given.targets, chunksize=1)
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
