"""A module knows only what is below it, the engine knows no clock, and every module has its tests (DESIGN §3)."""

from __future__ import annotations

import ast
import importlib
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tests.each import for_each

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "sipwatch").rglob("*.py"))

# Who may import whom; everybody may import from its own package. What stands alone in sipwatch/ is a layer of its own.
ENGINE = {"wire", "track", "classify", "knowledge", "export"}
MAY_IMPORT: dict[str, set[str]] = {
    "packet": set(),  # what everybody may import, and budget
    "budget": set(),
    "capture": set(),
    "wire": set(),
    "track": {"wire"},
    "classify": {"wire", "track"},
    "knowledge": {"wire", "track", "classify"},
    "export": {"wire", "track", "classify", "knowledge"},
    "report": {"wire", "track", "classify", "knowledge", "export"},
    "evidence": ENGINE | {"capture", "report", "engine"},
    "config": {"wire", "track", "classify", "capture", "store"},
    "expectations": ENGINE | {"config", "report"},
    "engine": ENGINE,
    "shell": ENGINE,
    "store": ENGINE | {"capture", "evidence"},
    "web": ENGINE | {"capture", "report", "evidence", "shell", "store", "sipwatch"},
    "daemon": ENGINE | {"capture", "config", "engine", "shell", "store", "sipwatch"},
    "cli": ENGINE
    | {
        "capture",
        "report",
        "evidence",
        "config",
        "expectations",
        "engine",
        "shell",
        "store",
        "web",
        "daemon",
        "sipwatch",
    },
    "__main__": {"cli"},
    "sipwatch": set(),  # sipwatch/__init__.py
}
# Upward for type checking only: the name of a type, not the module behind it.
TYPES_ONLY = {("engine", "capture")}  # whose counts the report's head takes over

NO_CLOCK_NO_WORLD = {*ENGINE, "engine", "config", "expectations", "knowledge", "packet", "budget"}
CLOCKS_AND_WORLD = frozenset(
    [
        "asyncio",
        "concurrent",
        "glob",
        "http",
        "multiprocessing",
        "random",
        "sched",
        "secrets",
        "select",
        "selectors",
        "shutil",
        "signal",
        "socket",
        "socketserver",
        "ssl",
        "subprocess",
        "threading",
        "time",
        "urllib",
        "zoneinfo",
    ]
)
# Of what is given: times, texts. Zones are a table.
CONVERSIONS = {
    "time.gmtime",
    "time.strftime",
    "zoneinfo.ZoneInfo",
    "zoneinfo.ZoneInfoNotFoundError",
    "zoneinfo.available_timezones",
    "urllib.parse.quote",  # percent-encoding, of which SIP URIs are made
    "urllib.parse.unquote",
}
READS_A_CLOCK = frozenset({"now", "utcnow", "today", "monotonic", "perf_counter", "time_ns"})
OPENS_FILES = {"config", "export", "knowledge"}  # the configuration; what a report waits in; the package's own texts

# Modules without a test file of their own: where their tests are, and why there.
TESTED_ELSEWHERE = {
    "__main__.py": "one line; tests/test_docs.py runs it",
    "capture/errors.py": "two names; raised in tests/capture/test_files.py",
    "capture/tally.py": "plain counts; read in tests/capture/test_files.py",
    "capture/hep_connection.py": "one of those in tests/capture/test_hep.py",
    "export/counting.py": "what tests/export/test_metrics.py counts with",
    "store/ids.py": "conditions and a complaint; tests/store/test_reader.py finds calls by them",
    "store/sql.py": "pieces of SQL; tests/store/test_reader.py asks with them",
    "track/inside.py": "part of the tracker; tests/track/test_tracker.py, test_dialog.py and test_match.py",
    "track/needs.py": "two protocols; tests/track/test_tracker.py has who keeps to them",
    "cli/serving.py": "what two commands do; tests/cli/test_history.py and tests/cli/test_serve.py end it by signals",
    "cli/words.py": "part of every command; its words are read in tests/cli/test_replay.py",
    "report/waiting.py": "what one command shows; tests/cli/test_callbacks.py reads all of it",
    "export/figures.py": "plain copies; tests/export/test_exposition.py writes them",
    "export/families.py": "tests/export/test_exposition.py holds the text that is served against it",
    "export/series.py": "a list; tests/export/test_collector.py holds it against conventions and what is collected",
    "export/record.py": "shapes without behaviour; filled in tests/export/test_calls.py",
    "track/leg.py": "part of the tracker, spoken to through it in tests/track/test_tracker.py",
    "track/call.py": "part of the tracker, spoken to through it in tests/track/test_tracker.py",
    "wire/discards.py": "a closed list; its reasons are met in tests/wire/test_decoder.py",
    "wire/fragments.py": "behind the door, tests/wire/test_decoder.py",
    "wire/link.py": "behind the door, tests/wire/test_decoder.py",
    "wire/message.py": "values; they come out of the door in tests/wire/test_decoder.py",
    "wire/paths.py": "behind the door, tests/wire/test_decoder.py",
    "wire/stream.py": "behind the door, tests/wire/test_tcp.py",
    "wire/tunnels.py": "behind the door, tests/wire/test_decoder.py",
}


def layer(module: Path) -> str:
    """Return the layer that a module file belongs to."""
    parts = module.relative_to(ROOT / "sipwatch").with_suffix("").parts
    return "sipwatch" if parts == ("__init__",) else parts[0]


def imports(tree: ast.AST, *, for_types: bool = False) -> Iterator[tuple[str, bool]]:
    """Yield each module imported, and whether only for type checking."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((name.name, for_types) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            yield from ((f"{node.module}.{name.name}", for_types) for name in node.names)
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from imports(node, for_types=True)
        else:
            yield from imports(node, for_types=for_types)


@cache
def tree_of(module: Path) -> ast.Module:
    return ast.parse(module.read_text())


def edges(module: Path) -> Iterator[tuple[str, bool]]:
    """Yield each layer that a module imports from, and whether only for type checking."""
    for name, for_types in imports(tree_of(module)):
        top, _, rest = name.partition(".")
        if top == "sipwatch":
            target = rest.partition(".")[0]
            yield (target if target in MAY_IMPORT else "sipwatch"), for_types


def named(module: Path) -> str:
    """Return a module's path for an id."""
    return str(module.relative_to(ROOT))


@for_each("module", MODULES, ids=named)
def test_a_module_imports_only_from_layers_below(module: Path) -> None:
    """Any edge that is not declared above fails, also inside functions and for type checking."""
    own = layer(module)
    allowed = MAY_IMPORT[own] | {own, "packet", "budget"}
    found = {(target, for_types) for target, for_types in edges(module) if target not in allowed}
    assert {(own, target) for target, for_types in found if not for_types} == set()
    assert {(own, target) for target, _ in found} <= TYPES_ONLY


@for_each("module", [m for m in MODULES if layer(m) in NO_CLOCK_NO_WORLD], ids=named)
def test_the_engine_knows_no_clock_and_no_world(module: Path) -> None:
    """Time is the packet's: no clock is read, nothing waited for, nothing drawn by lot, no file opened."""
    tree = tree_of(module)
    imported = {name for name, _ in imports(tree)} - CONVERSIONS
    assert {name for name in imported if name.partition(".")[0] in CLOCKS_AND_WORLD} == set()
    called = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert {f.attr for f in called if isinstance(f, ast.Attribute)} & READS_A_CLOCK == set()
    if layer(module) not in OPENS_FILES:
        assert {f.id for f in called if isinstance(f, ast.Name)} & {"open", "input", "print"} == set()


def test_every_layer_is_declared() -> None:
    """A new package or module at the top has to say what it may know."""
    assert {layer(module) for module in MODULES} == set(MAY_IMPORT)


def section(title: str) -> str:
    """Return a section of docs/design.md."""
    return (ROOT / "docs/design.md").read_text().partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_the_design_has_the_same_layers_each_below_those_that_it_imports() -> None:
    rows = re.findall(r"^\| `(\w+)(?:/|\.py)` \|.*\| ([\w -]+) \|$", section("Layers"), re.MULTILINE)
    drawn = {name: set(below.replace("-", "").split()) for name, below in rows}
    alone = {"__main__", "sipwatch"}  # one line each
    assert drawn == {name: below - alone for name, below in MAY_IMPORT.items() if name not in alone}
    order = list(drawn)
    assert [name for name in order if not drawn[name] <= set(order[: order.index(name)])] == []


def test_what_a_packet_passes_is_there() -> None:
    """Every dotted name in the list is a module, or what stands in one."""
    names = re.findall(r"`([a-z_]+(?:\.\w+)+)`", section("The path of a packet"))
    assert len(names) > 20
    for name in names:
        parts = name.split(".")
        length = 1 if parts[0] == "engine" else 2
        found: object = importlib.import_module(".".join(["sipwatch", *parts[:length]]))
        for part in parts[length:]:
            found = getattr(found, part)


def test_the_layers_have_no_cycle() -> None:
    """What is declared is an order: somebody can always be taken away who knows only who is gone already."""
    left = {name: set(below) for name, below in MAY_IMPORT.items()}
    while left:
        bottom = {name for name, below in left.items() if not below & left.keys()}
        assert bottom, f"these know each other: {sorted(left)}"
        left = {name: below for name, below in left.items() if name not in bottom}


def mirror(module: Path) -> Path:
    """Return the test file of a module."""
    below = module.relative_to(ROOT / "sipwatch")
    return ROOT / "tests" / below.parent / f"test_{below.name}"


@for_each("module", [m for m in MODULES if m.name != "__init__.py"], ids=named)
def test_every_module_has_its_tests(module: Path) -> None:
    """tests/wire/test_sip.py for sipwatch/wire/sip.py, or a reason why not."""
    below = str(module.relative_to(ROOT / "sipwatch"))
    assert mirror(module).is_file() != (below in TESTED_ELSEWHERE), f"{mirror(module).relative_to(ROOT)}, or a reason"


@for_each("below", TESTED_ELSEWHERE)
def test_what_is_tested_elsewhere_is_there_and_there(below: str) -> None:
    """No reason stands for a module that is gone, or points at tests that are gone."""
    assert (ROOT / "sipwatch" / below).is_file()
    named_tests = re.findall(r"tests/[\w/]+\.py", TESTED_ELSEWHERE[below])
    assert named_tests
    assert [name for name in named_tests if not (ROOT / name).is_file()] == []


def test_the_engine_is_a_short_list_of_who_takes_what() -> None:
    """What it does itself belongs to one of those that it puts together."""
    assert len((ROOT / "sipwatch" / "engine.py").read_text().splitlines()) < 150
