"""Writes the generated parts of README.md and docs/: ``python -m docs.generate``, or ``make docs``.

A generated part stands between ``<!-- generated: NAME -->`` and ``<!-- end -->``. tests/test_docs.py
checks that each is what this script writes now.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import generate_latest as exposition_text
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics_text
from prometheus_client.registry import Collector as Registered

from bench.registering import registering_words
from bench.store import table as store_answers
from bench.store import table_of_late
from bench.store_live import sentence as store_beside_a_capture
from docs import keys
from docs.commands import parameters
from docs.hostile import attacks
from docs.manual import manual
from docs.schemas import call_schema, configuration_schema, report_schema
from sipwatch.capture.files import Prefilter, open_capture
from sipwatch.classify.endings import Ending
from sipwatch.classify.findings import Kind as Cause
from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.peers import Directory
from sipwatch.classify.tags import Tag
from sipwatch.cli.check import check
from sipwatch.cli.live import live
from sipwatch.cli.peers import peers
from sipwatch.cli.replay import replay
from sipwatch.cli.report import report
from sipwatch.cli.serve import serve
from sipwatch.config import TIMER_KEYS, load
from sipwatch.engine import Engine
from sipwatch.export import series
from sipwatch.export.collector import Collector
from sipwatch.export.metrics import Metrics
from sipwatch.export.series import Level, MetricKind
from sipwatch.knowledge import load as load_knowledge
from sipwatch.knowledge.entries import Topic
from sipwatch.packet import SECOND
from sipwatch.report.plain import TAG_WORDS
from sipwatch.track.table import RESOLVED_BY, TABLE, TIMERS, Input, Since, State, Timer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from prometheus_client import Metric

    from docs.keys import Key

ROOT = Path(__file__).resolve().parent.parent
PAGES = (
    "README.md",
    "docs/design.md",
    "docs/configuration.md",
    "docs/metrics.md",
    "docs/benchmarks.md",
    "docs/store.md",
)
ELSEWHERE = {"benchmarks", "live"}  # parts that bench/ writes
_PART = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_FAILED_CALLS_SHOWN = 12  # lines of them in the README


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(cell or ' ' for cell in line)} |\n" for line in lines)


# docs/design.md


def diagram() -> str:
    """Draw the INVITE table; inputs that lead the same way share an arrow."""
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> CALLING: INVITE"]
    for state in State:
        ways: dict[State, list[str]] = {}
        for given, then in zip(Input, TABLE[state], strict=True):
            if then is not state:
                ways.setdefault(then, []).append(given.name)
        lines += [f"    {state.name} --> {then.name}: {', '.join(names)}" for then, names in ways.items()]
    return "\n".join([*lines, "    TERMINATED --> [*]", "```", ""])


def transitions() -> str:
    """Write the INVITE table out: a row for each state, a column for each input."""
    rows = [[f"**{state.name}**", *("·" if then is state else then.name for then in TABLE[state])] for state in State]
    return table(["", *(given.name for given in Input)], rows)


def _delay(timer: Timer) -> str:
    if isinstance(timer.delay, str):
        return f"`{timer.delay}` ({TIMER_KEYS[timer.delay][0]} s)"
    return f"{timer.delay / SECOND:g} s"


_SINCE = {
    Since.INVITE: "the first INVITE",
    Since.TRYING: "the first 100",
    Since.ALERT: "the first 180 or 183",
    Since.PROVISIONAL: "the latest provisional response",
    Since.CANCEL: "the CANCEL",
    Since.FINAL: "the final response",
    Since.ACTIVITY: "the latest message",
}


def timers() -> str:
    """Write the table of timers."""
    rows = []
    for timer in TIMERS:
        does = f"raises `{timer.raises}`" if timer.raises else f"gives {timer.gives.name}" if timer.gives else ""
        rows.append([timer.name, timer.state.name, _delay(timer), _SINCE[timer.since], does])
    return table(["timer", "in state", "after", "since", "does"], rows)


def resolutions() -> str:
    """Write how each condition is resolved by each input."""
    rows = [
        [f"`{condition}`", *(f"{by[given]}" if given in by else "" for given in Input)]
        for condition, by in RESOLVED_BY.items()
    ]
    return table(["", *(given.name for given in Input)], rows)


# README.md


def run(*arguments: str) -> str:
    """Run sipwatch as in a terminal that knows no colours, and return what it says."""
    environment = {**os.environ, "COLUMNS": "110", "NO_COLOR": "1", "TERM": "dumb", "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "sipwatch", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)
    return done.stdout.decode()


def demo() -> str:
    """Show what ``make demo`` shows, with most of the failed calls left out."""
    said = run("replay", "pcaps/demo.pcap", "--config", "pcaps/demo.toml")
    summary, heading, lists = said.partition("\nFailed calls")
    failed, other, odd = lists.partition("\nAnswered, and ended oddly")
    kept = (heading.lstrip("\n") + failed).splitlines()[: _FAILED_CALLS_SHOWN + 1]
    return "```\n" + summary + "\n" + "\n".join(kept) + "\n[...]\n" + other + odd + "```\n"


def ladder() -> str:
    """Show the ladder of a call that was stuck."""
    arguments = ("replay", "pcaps/outcomes/no_progress.pcap", "--ladder", "stuck")
    return f"```\n$ sipwatch {' '.join(arguments)}\n{run(*arguments)}```\n"


def options(command: Callable[..., None]) -> str:
    """Write a command's options: what its help says."""
    rows = [
        [", ".join(f"`{name}`" for name in of.names), f"`{of.value}`" if of.value else "", of.meaning]
        if of.names
        else [f"`{of.value}`", "", of.meaning]
        for of in parameters(command)
    ]
    return table(["option", "value", "meaning"], rows)


def findings() -> str:
    """Write the kinds of findings there are."""
    rows = [[f"`{kind}`", entry.plain, entry.meaning] for kind in Cause for entry in [load_knowledge().finding(kind)]]
    return table(["finding", "plain name", "when"], rows)


def links() -> str:
    """Write the reasons why calls are linked."""
    rows = [[f"`{entry.key}`", entry.plain, entry.meaning] for entry in load_knowledge().all(Topic.LINK)]
    return table(["`by`", "plain name", "when"], rows)


def tags() -> str:
    """Write the marks there are."""
    return table(["tag", "means"], [[f"`{tag}`", TAG_WORDS[tag]] for tag in Tag])


def endings() -> str:
    """Write the closed list of ways in which answered calls end."""
    rows = [[f"`{ending}`", ending.plain_name, load_knowledge().ending(ending).meaning] for ending in Ending]
    return table(["ending", "plain name", "when"], rows)


def outcomes() -> str:
    """Write the closed list of outcomes."""
    rows = [[f"`{name}`", name.plain_name, name.category.value, load_knowledge().outcome(name).who] for name in Outcome]
    return table(["outcome", "plain name", "category", "who should look"], rows)


# docs/configuration.md


def timer_keys() -> str:
    """Write the keys of [timers]."""
    rows = [[f"`{key}`", f"{default}", meaning] for key, (default, meaning) in TIMER_KEYS.items()]
    return table(["key", "default, seconds", "the time after which"], rows)


def keys_of(table_of: dict[str, Key]) -> str:
    """Write the keys of a table of sipwatch.toml."""
    return table(["key", "value", "meaning"], [[f"`{name}`", key.value, key.meaning] for name, key in table_of.items()])


def peer_keys() -> str:
    """Write the keys of [[peer]]: its timers, which stand under [timers], in one row."""
    rows = [[f"`{name}`", key.value, key.meaning] for name, key in keys.PEER.items() if name not in keys.TIMERS]
    return table(["key", "value", "meaning"], [*rows, ["any of `[timers]`", "seconds", "For this peer."]])


def example() -> str:
    """Show the configuration of the demo."""
    return f"```toml\n{(ROOT / 'pcaps/demo.toml').read_text()}```\n"


# docs/metrics.md


def metrics_of(level: Level) -> str:
    """Write the metrics of one level."""
    rows = [
        [f"`{of.exposed}`", of.kind.value, " ".join(f"`{label}`" for label in of.labels), of.meaning]
        for of in series.ALL
        if of.level is level
    ]
    return table(["metric", "type", "labels", "meaning"], rows)


def buckets() -> str:
    """Write the bounds of every histogram."""
    rows = [
        [f"`{of.exposed}`", " ".join(f"{bound:g}" for bound in of.buckets)]
        for of in series.ALL
        if of.kind is MetricKind.HISTOGRAM
    ]
    return table(["histogram", "upper bounds, seconds"], rows)


@cache
def _demo_metrics() -> list[Metric]:
    """Count the demo, as a replay does."""
    engine = Engine(None, metrics=Metrics(Directory(load(str(ROOT / "pcaps/demo.toml")).settings)))
    with open_capture([str(ROOT / "pcaps/demo.pcap")], prefilter=Prefilter.OFF) as source:
        engine.run(source)
        engine.finish(source.last)
    return list(Collector(engine).collect())


class _Fixed(Registered):
    def collect(self) -> list[Metric]:
        return _demo_metrics()


def exposition() -> str:
    """Show real text of what a scrape of the demo gives: some series of some metrics that are not 0."""
    text = exposition_text(_Fixed()).decode()
    return "```\n" + "".join(_excerpt(text, name, most) for name, most in _SHOWN) + "```\n"


def exemplars() -> str:
    """Show the same as OpenMetrics, whose samples name a call."""
    text = openmetrics_text(_Fixed()).decode()
    lines = [line for line in text.splitlines() if line.startswith("sipwatch_calls_total{") and " # {" in line]
    return "```\n" + "\n".join(lines[:2]) + "\n```\n"


_SHOWN = (("calls_total", 4), ("invites_in_condition", 2), ("progress_delay_seconds", 16), ("reason_causes_total", 2))


def _excerpt(text: str, name: str, most: int) -> str:
    """Return a metric's head and its first samples; only samples of series with something in them, but for gauges."""
    family = text[text.index(f"# HELP sipwatch_{name} ") :]
    lines = family[: family.index("\n# HELP", 1)].splitlines()
    head, samples = lines[:2], lines[2:]
    if name.endswith("_seconds"):
        first = next(line for line in samples if "_count{" in line and not line.endswith(" 0.0"))
        labels = first[first.index("{") + 1 : first.index("}")].split(",")
        chosen = [line for line in samples if all(label in line for label in labels)]
    else:
        chosen = [line for line in samples if name == "invites_in_condition" or not line.endswith(" 0.0")]
    return "\n".join([*head, *chosen[:most]]) + "\n"


PARTS: dict[str, Callable[[], str]] = {
    "state-diagram": diagram,
    "transitions": transitions,
    "timers": timers,
    "resolutions": resolutions,
    "demo": demo,
    "ladder": ladder,
    "options": lambda: options(replay),
    "live-options": lambda: options(live),
    "report-options": lambda: options(report),
    "serve-options": lambda: options(serve),
    "outcomes": outcomes,
    "endings": endings,
    "findings": findings,
    "tags": tags,
    "timer-keys": timer_keys,
    "capture-keys": lambda: keys_of(keys.CAPTURE),
    "limits-keys": lambda: keys_of(keys.LIMITS),
    "hep-keys": lambda: keys_of(keys.HEP),
    "node-keys": lambda: keys_of(keys.NODE),
    "peer-keys": peer_keys,
    "rule-keys": lambda: keys_of(keys.RULE),
    "software-keys": lambda: keys_of(keys.SOFTWARE),
    "agent-keys": lambda: keys_of(keys.AGENT),
    "hours-keys": lambda: keys_of(keys.HOURS),
    "callback-keys": lambda: keys_of(keys.CALLBACK),
    "links": links,
    "links-keys": lambda: keys_of(keys.LINKS),
    "store-keys": lambda: keys_of(keys.STORE),
    "incidents-keys": lambda: keys_of(keys.INCIDENTS),
    "privacy-keys": lambda: keys_of(keys.PRIVACY),
    "peers-options": lambda: options(peers),
    "check-options": lambda: options(check),
    "example": example,
    "metrics-of-calls": lambda: metrics_of(Level.CALL),
    "metrics-of-legs": lambda: metrics_of(Level.LEG),
    "metrics-of-messages": lambda: metrics_of(Level.MESSAGE),
    "metrics-of-itself": lambda: metrics_of(Level.SELF),
    "buckets": buckets,
    "exposition": exposition,
    "exemplars": exemplars,
    "attacks": attacks,
    "store-answers": store_answers,
    "store-live": store_beside_a_capture,
    "store-beside": table_of_late,
    "store-registering": registering_words,
}


# Files that are generated from their first line to their last.
WHOLE: dict[str, Callable[[], str]] = {
    "docs/sipwatch.1": manual,
    "docs/schema/call.schema.json": call_schema,
    "docs/schema/report.schema.json": report_schema,
    "docs/schema/sipwatch.toml.schema.json": configuration_schema,
}


def parts(page: str) -> list[str]:
    """Return the names of a page's generated parts."""
    return [match[2] for match in _PART.finditer((ROOT / page).read_text()) if match[2] not in ELSEWHERE]


def current(page: str) -> str:
    """Return a page with its generated parts as they should be now."""

    def anew(match: re.Match[str]) -> str:
        return match[0] if match[2] in ELSEWHERE else match[1] + PARTS[match[2]]() + match[3]

    return _PART.sub(anew, (ROOT / page).read_text())


def main() -> None:
    """Write every page that is not current."""
    texts = {page: current(page) for page in PAGES} | {name: write() for name, write in WHOLE.items()}
    for name, text in texts.items():
        path = ROOT / name
        if not path.is_file() or text != path.read_text():
            path.write_text(text)
            print(f"written: {name}")


if __name__ == "__main__":
    main()
