"""A public name means one thing: no two modules of sipwatch/ define a class or a function of the same name."""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent / "sipwatch"

# Functions that several modules have, and why: each is called by its module's name or stands for the same act.
SAME_ACT = {
    "load": "a file of that module's kind, as json.load",
    "parse": "a text of that module's kind, as urllib.parse",
    "frames": "of a capture; formats.frames chooses between those of pcap and pcapng",
    "message": "scrub.message and rawmask.message: what each hides in one",
    "routes": "of each module of pages, which web.site asks",
    "uri": "findings.uri is a kind of fact, scrub.uri what is hidden in one",
}


@cache
def trees() -> dict[Path, ast.Module]:
    return {module: ast.parse(module.read_text()) for module in sorted(ROOT.rglob("*.py"))}


def defined(kinds: tuple[type[ast.stmt], ...]) -> dict[str, list[str]]:
    """Return the public names that modules define, and in which."""
    found = defaultdict(list)
    for module, tree in trees().items():
        for node in tree.body:
            if isinstance(node, kinds) and not (name := getattr(node, "name", "_")).startswith("_"):
                found[name].append(str(module.relative_to(ROOT)))
    return {name: modules for name, modules in found.items() if len(modules) > 1}


def test_a_class_has_a_name_of_its_own() -> None:
    assert defined((ast.ClassDef,)) == {}


def test_a_function_has_a_name_of_its_own_or_does_the_same_as_its_namesakes() -> None:
    """No reason stands for a name that one module alone has by now."""
    assert set(defined((ast.FunctionDef, ast.AsyncFunctionDef))) == set(SAME_ACT)
