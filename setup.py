"""What pyproject.toml cannot say: the engine's extension modules, and the files that a wheel carries along.

``SIPWATCH_COMPILE=1 pip install .`` compiles the engine with mypyc (build_backend/ says when, and what else that
needs). The interpreted form is the reference; the compiled one is the same source, and the same tests hold for it
(``make test-compiled``).
"""

from __future__ import annotations

import os
import sys
import tempfile
import tomllib
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

from setuptools import setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
WANTED = os.environ.get("SIPWATCH_COMPILE") == "1" and "bdist_wheel" in sys.argv

# The hot path, from frames to records. The readers of capture/ stay interpreted: their loops are C already,
# and compiled generators do not finish what a consumer leaves early.
COMPILED = [
    "sipwatch/packet.py",
    "sipwatch/wire/*.py",
    "sipwatch/track/*.py",
    "sipwatch/classify/*.py",
    "sipwatch/classify/families/*.py",
    "sipwatch/export/calls.py",
    "sipwatch/export/counting.py",
    "sipwatch/export/delays.py",
    "sipwatch/export/handover.py",
    "sipwatch/export/metrics.py",
    "sipwatch/export/ratios.py",
    "sipwatch/export/series.py",
    "sipwatch/export/summary.py",
    "sipwatch/engine.py",
]
# Each module's C by itself, for all processors to work on. -O2 makes code that is as fast as that of -O3 here (it calls
# the interpreter's own functions, mostly), in less than half of the time.
OPTIMIZE = "2"


def extensions(folder: str) -> list[Any]:
    """Return the extension modules to build, none by default; their C is written below a folder."""
    if not WANTED:
        return []
    from mypyc.build import mypycify

    files = [str(path.relative_to(HERE)) for pattern in COMPILED for path in sorted(HERE.glob(pattern))]
    modules: list[Any] = mypycify(
        [
            f"--cache-dir={folder}/mypy",
            *(path for path in files if not path.endswith("__init__.py")),
        ],
        opt_level=OPTIMIZE,
        debug_level="0",
        multi_file=True,
        target_dir=folder,
    )
    for module in modules:
        module.extra_compile_args.append("-Wno-error")  # another compiler warns of other things
    return modules


class InParallel(build_ext):
    """Compile as many files at once as there are processors; setuptools' own way is one after the other."""

    def build_extensions(self) -> None:
        """Build all extension modules."""
        compile_some = self.compiler.compile

        def compile_all(sources: list[str], *args: Any, **named: Any) -> list[str]:
            with ThreadPool(os.cpu_count()) as pool:
                objects = pool.map(lambda source: compile_some([source], *args, **named), sources, chunksize=1)
            return [name for names in objects for name in names]

        self.compiler.compile = compile_all  # type: ignore[method-assign]
        super().build_extensions()


class WithAssets(build_py):
    """Put what ``sipwatch assets`` writes out into the wheel; it stands in the tree once, and not in sipwatch/."""

    def run(self) -> None:
        """Copy the package, and the files that [tool.sipwatch] names; an installation that is editable has the tree."""
        super().run()
        if self.editable_mode:
            return
        for name in assets():
            target = Path(self.build_lib, "sipwatch", "assets", name)
            target.parent.mkdir(parents=True, exist_ok=True)
            self.copy_file(str(HERE / name), str(target))


def assets() -> list[str]:
    """Return the paths of the files, as they are below the top of the tree."""
    patterns = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["sipwatch"]["assets"]
    found = {pattern: sorted(HERE.glob(pattern)) for pattern in patterns}
    if missing := [pattern for pattern, paths in found.items() if not paths]:
        sys.exit(f"files of the wheel are missing: {', '.join(missing)}")
    return [str(path.relative_to(HERE)) for paths in found.values() for path in paths]


# Built in a folder of its own: what an earlier build left behind, of modules that are gone, gets into no wheel.
with tempfile.TemporaryDirectory(prefix="sipwatch-build-") as built:
    setup(
        ext_modules=extensions(built),
        cmdclass={"build_ext": InParallel, "build_py": WithAssets},
        options={"build": {"build_base": built}},
    )
