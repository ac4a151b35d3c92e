"""A long run of ``sipwatch live`` on a line that loses, doubles and swaps: ``python -m bench.soak [SECONDS] [SEED] [RATE]``.

Calls of known fate (``tests/generator``) go onto one cable, a relay of our own takes them to another, which is watched;
an agent reports some of them as well, and others besides, over HEP. The configuration changes once a minute. Meanwhile
memory and descriptors may not grow, counters never go back, every scrape is answered; in the end all figures must be
those of a replay of the very frames that left the relay, and calls that the relay left alone must be what they were made
to be. Needs root. ``SOAK_SECONDS`` is half an hour if nothing else is said; the last 40 seconds are for timers.
"""

from __future__ import annotations

import json
import signal
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.line import HEP_PORT, NODE, REPORTED, WIRE, Agent, Known, Record, Relay
from tests.e2e import net
from tests.e2e.mirror import ANSWERED, Mirror, call
from tests.e2e.process import until
from tests.e2e.scrape import Samples, fetch, parse
from tests.e2e.servers import ENVIRONMENT, PORT, SIPWATCH, Sipwatch, events, folder

if TYPE_CHECKING:
    from collections import Counter

    from tests.e2e.net import Space
    from tests.e2e.scrape import Key

TAIL = 40.0  # seconds after the last call has begun: as long as the longest fate lasts
SHORT = 300  # seconds; below, a replay takes a sample each second
RATE = 3.0  # calls a second
MOST_GROWTH = 6.0  # MiB of memory from the second third to the last
LETTERS = {"caller": 1, "proxy": 2, "callee": 3}
CONFIG = (
    "".join(
        f'[[peer]]\nname = "{name}"\nkind = "server"\naddresses = ["192.0.2.{place}", "2001:db8::{place}"]\n'
        for name, place in LETTERS.items()
    )
    + f'[[hep.node]]\nname = "agent"\nid = {NODE}\n'
)
# What changes from minute to minute. None of it concerns those who telephone: the figures are those of one configuration.
CHANGES = (
    CONFIG,
    CONFIG + '[[peer]]\nname = "spare"\nkind = "trunk"\naddresses = ["203.0.113.0/24"]\nno_answer_after = 7\n',
    "[capture]\ntcp_ports = [5060, 5070, 5080]\n" + CONFIG,
    "[privacy]\nmask = 3\n" + CONFIG,
)
# What a file does not show, or shows otherwise.
OF_THE_DAEMON = ("capture_", "log_", "config_", "hep_", "late_", "clock_", "tracked", "build_", "process_", "python_")


class Moment(NamedTuple):
    """What the process had at a time (s since the beginning): MiB of its own, open descriptors."""

    at: float
    memory: float
    descriptors: int


class Watch:
    """Scrapes, looks at the process, and changes its configuration; notes all that is not as it has to be."""

    def __init__(self, sipwatch: Sipwatch, config: Path, every: float, change_every: float) -> None:
        self.complaints: list[str] = []
        self.moments: list[Moment] = []
        self.scrapes: list[float] = []  # seconds each
        self.changes = 0
        self._sipwatch, self._config = sipwatch, config
        self._every, self._change_every = every, change_every
        self._before = Samples()

    def run(self, space: Space, seconds: float) -> None:
        """Watch for a time."""
        begun = time.monotonic()
        while (at := time.monotonic() - begun) < seconds:
            if at > (self.changes + 1) * self._change_every:
                self._change()
            self._scrape(space)
            self.moments.append(_moment(at, self._sipwatch.pid))
            time.sleep(max(0.0, begun + at + self._every - time.monotonic()))

    def _change(self) -> None:
        self.changes += 1
        self._config.write_text(CHANGES[self.changes % len(CHANGES)])
        self._sipwatch.signal(signal.SIGHUP)

    def _scrape(self, space: Space) -> None:
        begun = time.monotonic()
        try:
            answer = fetch(space, PORT, "/metrics")
        except OSError as error:
            self.complaints.append(f"a scrape failed: {error}")
            return
        self.scrapes.append(time.monotonic() - begun)
        if answer.status != 200:
            self.complaints.append(f"a scrape was answered {answer.status}")
            return
        samples = parse(answer.text)
        back = [key for key, value in self._before.items() if _only_rises(key[0]) and samples.get(key, 0.0) < value]
        self.complaints += [f"{key} went back" for key in back]
        self._before = samples

    def growth(self) -> tuple[float, int]:
        """Return by how much memory (MiB) and descriptors grew from the second third to the last."""
        third = len(self.moments) // 3
        middle, last = self.moments[third : 2 * third], self.moments[2 * third :]
        memory = statistics.median(one.memory for one in last) - statistics.median(one.memory for one in middle)
        return memory, min(one.descriptors for one in last) - min(one.descriptors for one in middle)

    def grown(self) -> list[str]:
        """Say what has grown."""
        memory, descriptors = self.growth()
        found = [f"memory grew by {memory:.1f} MiB"] if memory > MOST_GROWTH else []
        return found + ([f"{descriptors} descriptors more"] if descriptors > 0 else [])


def _moment(at: float, pid: int) -> Moment:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    memory = next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon"))
    return Moment(at, memory, len(list(Path(f"/proc/{pid}/fd").iterdir())))


def _only_rises(name: str) -> bool:
    return name.startswith("sipwatch_") and name.endswith(("_total", "_count", "_bucket"))


# What has to be the same


def comparable(samples: Samples) -> dict[Key, float]:
    """Return what is counted of calls and messages."""
    others = tuple(f"sipwatch_{of}" for of in OF_THE_DAEMON)
    return {
        key: value for key, value in samples.items() if value and _only_rises(key[0]) and not key[0].startswith(others)
    }


def at_rest(sipwatch: Sipwatch, step: int) -> tuple[dict[Key, float], float]:
    """Return the figures once they have been the same for so long that a replay takes a sample meanwhile, and when."""
    figures, since = comparable(sipwatch.scrape()), time.time()

    def unchanged() -> bool:
        nonlocal figures, since
        now = comparable(sipwatch.scrape())
        if now != figures:
            figures, since = now, time.time()
        return time.time() - since > step + 3

    until(unchanged, 300, "nothing to happen any more")
    return figures, time.time() - 1.5


def at(text: str, moment: float) -> dict[Key, float]:
    """Return what a replay had counted by a moment (s since 1970)."""
    latest: dict[str, str] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            series, value, when = line.rsplit(" ", 2)
            if float(when) <= moment:
                latest[series] = value
    return comparable(parse("".join(f"{series} {value}\n" for series, value in latest.items())))


def differences(ours: dict[Key, float], theirs: dict[Key, float]) -> list[str]:
    """Say which figures differ."""
    return [
        f"{key[0]} {dict(key[1])}: live {ours.get(key, 0):g}, replayed {theirs.get(key, 0):g}"
        for key in sorted(ours.keys() | theirs.keys(), key=str)
        if ours.get(key, 0) != theirs.get(key, 0)
    ]


def replayed(file: Path, config: Path, *words: str) -> str:
    """Return what a replay says."""
    command = [*SIPWATCH, "replay", str(file), "--config", str(config), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=ENVIRONMENT).stdout


def misjudged(file: Path, config: Path, known: Known, relay: Relay) -> tuple[int, list[str]]:
    """Return how many calls the relay left alone, and what is wrong about them."""
    touched = {known.owner[frame] for frame in relay.touched}
    alone = {call: fate for call, fate in known.fates.items() if call not in touched}
    records = [json.loads(line) for line in replayed(file, config, "--format", "jsonl").splitlines()]
    found = {record["call_id"]: record["outcome"] for record in records if "call_id" in record}
    wrong = [f"{call} is {found.get(call)}, not {fate}" for call, fate in alone.items() if found.get(call) != fate]
    return len(alone), wrong


class Report(NamedTuple):
    """What came of a soak. Seconds, MiB; ``complaints`` is empty if all was as it has to be."""

    seconds: float
    frames: Counter[str]
    reports: int
    calls: int
    left_alone: int
    figures: int
    scrapes: int
    slowest: float
    changes: int
    memory: float
    growth: float
    descriptors: int
    complaints: list[str]


def soak(
    seconds: float, seed: int = 1, *, rate: float = RATE, scrape_every: float = 5.0, change_every: float = 60.0
) -> Report:
    """Run one, with ``rate`` calls a second."""
    with ExitStack() as stack:
        place = stack.enter_context(folder())
        config = place / "sipwatch.toml"
        config.write_text(CONFIG)
        first = stack.enter_context(net.Cable(["198.51.100.1"], ["198.51.100.2"]))
        second = stack.enter_context(net.Cable(["198.51.100.3"], ["198.51.100.4"]))
        what = ("-i", net.INTERFACE, "--hep", f"udp:127.0.0.1:{HEP_PORT}", "--config", str(config))
        sipwatch = stack.enter_context(Sipwatch(second.near, place, what=what))
        record = stack.enter_context(Record(second.near))
        relay = stack.enter_context(Relay(first.near, second.far, seed))
        known, told = (Known(seed, seconds - TAIL, rate, wanted) for wanted in (WIRE, REPORTED))
        agent = stack.enter_context(Agent(second.near, told.timed(), record))
        mirror = stack.enter_context(Mirror(first.far, known.timed()))
        watch = Watch(sipwatch, config, scrape_every, change_every)
        watch.run(second.near, seconds)
        mirror.done(TAIL)
        agent.done(TAIL)
        step = 1 if seconds < SHORT else 15
        more = _one_more(second.far, sipwatch, 1)
        ours, moment = at_rest(sipwatch, step)
        more += _one_more(second.far, sipwatch, 2)
        captured = sipwatch.scrape()
        said = sipwatch.stop()
        config.write_text(CONFIG)
        file = place / "relayed.pcap"
        record.write(file)
        theirs = at(replayed(file, config, "--format", "openmetrics", "--step", str(step)), moment)
        alone, wrong = misjudged(file, config, known, relay)
    complaints = [
        *watch.complaints,
        *differences(ours, theirs),
        *_lost(captured, relay.done["sent"] + more, record.seen, agent.sent),
        *(
            []
            if len(events(said, "configuration_read")) == watch.changes
            else events(said, "configuration_kept") or [said]
        ),
        *watch.grown(),
        *wrong,
    ]
    return Report(
        seconds, relay.done, agent.sent, len(known.fates), alone, len(ours), len(watch.scrapes), max(watch.scrapes),
        watch.changes, watch.moments[-1].memory, *watch.growth(), complaints,
    )  # fmt: skip


def _one_more(space: Space, sipwatch: Sipwatch, number: int) -> int:
    """Let strangers place a call; return how many frames that is.

    What waits for its turn is looked at when something comes, and a file knows what time it is by its packets.
    """
    with Mirror(space, call(ANSWERED, ("198.51.100.8", "198.51.100.9"), f"more-{number}", 0.0)) as mirror:
        sent = mirror.done()
    sipwatch.until("calls_ended_total", number, source="other")
    return sent


def _lost(captured: Samples, sent: int, recorded: int, told: int) -> list[str]:
    """Say what was not captured of so many frames that left the relay, and so many reports."""
    expected = {net.INTERFACE: sent, f"udp:127.0.0.1:{HEP_PORT}": told}
    found = captured.by("sipwatch_capture_packets_total", "capture")
    complaints = [] if found == expected else [f"captured {found} of {expected}"]
    if sent != recorded:
        complaints.append(f"{sent} frames were sent, {recorded} recorded")
    lost = {name: captured.sum(f"sipwatch_{name}_total") for name in ("capture_dropped", "evicted", "capture_stalls")}
    return complaints + [f"{name}: {count:g}" for name, count in lost.items() if count]


def main() -> None:
    """Soak for so many seconds."""
    if trouble := net.trouble():
        sys.exit(trouble)
    seconds = float(sys.argv[1] if len(sys.argv) > 1 else 1800)
    seed = int(sys.argv[2] if len(sys.argv) > 2 else 1)
    rate = float(sys.argv[3] if len(sys.argv) > 3 else RATE)
    report = soak(seconds, seed, rate=rate, scrape_every=min(5.0, seconds / 60), change_every=min(60.0, seconds / 6))
    frames = ", ".join(f"{count:,} {what}" for what, count in report.frames.items())
    print(
        f"{report.seconds:.0f} s, seed {seed}: {report.calls:,} calls; frames: {frames}; {report.reports:,} reported\n"
        f"{report.figures} figures as in a replay; {report.left_alone:,} calls were left alone\n"
        f"{report.scrapes} scrapes, the slowest {report.slowest * 1000:.0f} ms; {report.changes} changes of configuration\n"
        f"memory {report.memory:.1f} MiB beside the ring, grew by {report.growth:.1f}; descriptors by {report.descriptors}"
    )
    for complaint in report.complaints:
        print(f"NOT SO: {complaint}")
    sys.exit(bool(report.complaints))


if __name__ == "__main__":
    main()
