"""Compile the engine with mypyc when asked to: ``SIPWATCH_COMPILE=1 pip install .``, which needs a C compiler.

Everything else is configured in pyproject.toml. The interpreted form is the reference; the compiled one
is the same source, and the same tests hold for it (``make test-compiled``).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from setuptools import setup

WANTED = os.environ.get("SIPWATCH_COMPILE") == "1"

# The hot path, from frames to records. The readers of capture/ stay interpreted: their loops are C already,
# and compiled generators do not finish what a consumer leaves early.
COMPILED = [
    "sipwatch/packet.py",
    "sipwatch/wire/*.py",
    "sipwatch/track/*.py",
    "sipwatch/classify/*.py",
    "sipwatch/classify/families/*.py",
    "sipwatch/export/calls.py",
    "sipwatch/export/summary.py",
    "sipwatch/engine.py",
]


def extensions() -> list[Any]:
    """Return the extension modules to build, none by default."""
    if not WANTED:
        return []
    try:
        from mypyc.build import mypycify
    except ImportError:  # pip is still asking what the build needs; see setup_requires
        return []
    here = Path(__file__).parent
    files = [str(path.relative_to(here)) for pattern in COMPILED for path in sorted(here.glob(pattern))]
    modules: list[Any] = mypycify([path for path in files if not path.endswith("__init__.py")], opt_level="3")
    return modules


setup(ext_modules=extensions(), setup_requires=["mypy"] if WANTED else [])
