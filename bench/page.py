"""The page docs/benchmarks.md from stored results: ``python -m bench.page``.

Must not know: how anything is measured. A target that is not met needs a sentence below that says why, and what is
being done about it; without one no page is written.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from typing import NamedTuple

import msgspec

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
RESULTS = Path(__file__).resolve().parent / "results.json"
BEGIN, END = "<!-- generated: benchmarks -->\n", "<!-- end -->"
FORMS = ("interpreted", "compiled")


class Row(msgspec.Struct):
    """One program on one file: seconds of processor time of each turn, and, for others than sipwatch, the ratios to each of its forms.

    A ratio is the other program's time divided by sipwatch's in the same turn. ``peak`` is in MB.
    """

    name: str
    times: list[float]
    peak: float
    ratios: dict[str, list[float]] = {}


class Comparison(msgspec.Struct):
    """The programs on one file; ``key`` names it in this module's tables."""

    key: str
    packets: int
    words: str
    commands: list[str]
    rows: list[Row]


class Memory(msgspec.Struct):
    """The peak of one replay, in MB."""

    form: str
    messages: int
    peak: float


class Results(msgspec.Struct):
    """All that was measured, in one go on one machine."""

    machine: str
    comparisons: list[Comparison]
    memory: list[Memory]


class Target(NamedTuple):
    """What a ratio or a size shall be. ``inverted``: the ratio wanted is sipwatch's time to the other's."""

    words: str
    least: float = 0.0
    most: float = float("inf")
    inverted: bool = False

    def holds(self, value: float) -> bool:
        """Tell whether a value meets it."""
        return self.least <= value <= self.most


SNGREP, SIPMON, TSHARK = Target("at least 1.67", 1 / 0.6), Target("at least 0.83", 1 / 1.2), Target("at least 8", 8)
TARGETS = {
    ("one pair", "sngrep"): SNGREP,
    ("one pair", "sipmon"): SIPMON,
    ("one pair", "tshark"): TSHARK,
    ("phones", "sngrep"): SNGREP,
    ("phones", "sipmon"): SIPMON,
    ("phones", "tshark"): TSHARK,
    ("media", "tcpdump"): Target("at most 3", most=3, inverted=True),
}
GROWTH = Target("0.9 to 1.1", 0.9, 1.1)
BOUND = Target("below 250 MB", 0, 250)

# Why a target is not met, and what is being done about it. The native twin is explained at the top of the page.
UNMET = {
    (
        "one pair",
        "sngrep",
    ): "sngrep, written in C, keeps messages and judges no call; sipwatch makes a Python object of each "
    "message and follows its transaction. The compiled form halves the time; the rest is for the native twin.",
    (
        "one pair",
        "sipmon",
    ): "sipmon, written in Rust, follows calls by Call-ID, keeps them all (six times the memory) and explains none. "
    "The compiled form has no statements left that cost much; what is left are Python's objects, for the native twin.",
    (
        "one pair",
        "tshark",
    ): "this target is for the compiled form. The interpreted one is the reference, "
    "and nothing more is planned for its speed.",
    (
        "phones",
        "sngrep",
    ): "as with the file above, one Python object for each message is what costs: for the native twin.",
    (
        "phones",
        "sipmon",
    ): "as with the file above: for the native twin.",
    (
        "phones",
        "tshark",
    ): "`-z sip,stat` counts methods and codes and follows no call, so tshark, in C, does much less here "
    "than sipwatch; what slows it down on the file above is its own table of media. The target stays, for the native twin; "
    "no Python form will meet it.",
    (
        "media",
        "tcpdump",
    ): "tcpdump copies packets and looks into none. Media costs sipwatch little, a native filter passes "
    "over it; the time goes into the SIP in between, five packets in a hundred, at the speed of the files above: for the "
    "native twin.",
}
_TITLES = {"one pair": "## SIP alone\n\n", "phones": "", "media": "## Mostly media\n\n"}


class MissingSentenceError(Exception):
    """A target is not met, and nothing says what is being done about it."""


def spread(values: list[float], unit: str = "") -> str:
    """Return median and, in brackets, least and most."""
    return f"{statistics.median(values):.2f}{unit} ({min(values):.2f} to {max(values):.2f})"


def table(heads: list[str], rows: list[list[str]]) -> str:
    """Return a markdown table."""
    return "".join(f"| {' | '.join(row)} |\n" for row in [heads, ["---"] * len(heads), *rows])


class _Unmet:
    """Collects what is not met, and says after a table what is being done about it."""

    def __init__(self, *, all_said: bool) -> None:
        self._all_said = all_said
        self._sentences: list[str] = []

    def word(self, key: tuple[str, str], target: Target, value: float) -> str:
        """Return whether a target is met. Raises MissingSentenceError."""
        if target.holds(value):
            return "yes"
        sentence = UNMET.get(key)
        if not sentence and self._all_said:
            raise MissingSentenceError(
                f"{key}: {value:.2f} is not {target.words}: bench/page.py needs a sentence in UNMET"
            )
        line = f"- {key[1]}, {target.words}: {sentence}\n"
        if sentence and line not in self._sentences:
            self._sentences.append(line)
        return "**no**"

    def said(self) -> str:
        """Return the sentences so far."""
        return "\nNot met, and what is being done about it:\n\n" + "".join(self._sentences) if self._sentences else ""


def comparison(of: Comparison, *, all_said: bool = True) -> str:
    """Write one file's table. Raises MissingSentenceError."""
    unmet = _Unmet(all_said=all_said)
    rows = []
    for row in of.rows:
        rate = of.packets / statistics.median(row.times)
        cells = [row.name, spread(row.times, " s"), f"{rate:,.0f}", f"{row.peak:.0f} MB"]
        target = TARGETS.get((of.key, row.name))
        rows.append([*cells, *(_verdicts(unmet, of.key, row, target) if target else [""] * 5)])
    heads = [
        "",
        "processor time",
        "packets/s",
        "memory",
        "ratio, interpreted",
        "met",
        "ratio, compiled",
        "met",
        "wanted",
    ]
    commands = "```\n" + "".join(f"{line}\n" for line in of.commands) + "```\n\n"
    return f"{_TITLES[of.key]}{of.words}:\n\n{commands}{table(heads, rows)}{unmet.said()}"


def _verdicts(unmet: _Unmet, key: str, row: Row, target: Target) -> list[str]:
    cells = []
    for form in FORMS:
        ratios = row.ratios.get(form)
        if ratios is None:
            cells += ["not run", ""]
            continue
        wanted = [1 / ratio for ratio in ratios] if target.inverted else ratios
        cells += [spread(wanted), unmet.word((key, row.name), target, statistics.median(wanted))]
    return [*cells, target.words]


def memory(of: list[Memory], *, all_said: bool = True) -> str:
    """Write the table of memory: a file, one ten times as long, and that as one JSON object."""
    unmet = _Unmet(all_said=all_said)
    short, long, whole = of
    times = long.peak / short.peak
    rows = [
        [f"`{short.form}`, {short.messages:,} messages", f"{short.peak:.0f} MB", "", ""],
        [f"`{long.form}`, {long.messages:,} messages", f"{long.peak:.0f} MB, {times:.2f} times", GROWTH.words,
         unmet.word(("memory", "growth"), GROWTH, times)],
        [f"`{whole.form}`, {whole.messages:,} messages", f"{whole.peak:.0f} MB", BOUND.words,
         unmet.word(("memory", "bound"), BOUND, whole.peak)],
    ]  # fmt: skip
    head = "## Memory\n\n```\nsipwatch replay F --format jsonl -o /dev/null\n```\n\n"
    return f"{head}{table(['', 'peak', 'wanted', 'met'], rows)}{unmet.said()}"


def page(results: Results, *, all_said: bool = True) -> str:
    """Write the generated part of the page.

    Raises MissingSentenceError, unless not ``all_said``: what is measured to see that it works meets nothing.
    """
    files = [comparison(of, all_said=all_said) for of in results.comparisons]
    return "\n".join([results.machine, *files, memory(results.memory, all_said=all_said)])


def load() -> Results:
    """Return the results that are stored."""
    return msgspec.json.decode(RESULTS.read_bytes(), type=Results)


def store(results: Results) -> None:
    """Store results, for the page to be made of."""
    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")


def current() -> str:
    """Return the whole page as it should be now. Raises MissingSentenceError."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    return before + BEGIN + page(load()) + END + rest.partition(END)[2]


def main() -> None:
    """Write the page."""
    try:
        PAGE.write_text(current())
    except MissingSentenceError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
