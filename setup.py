"""Compile the engine with mypyc when asked to: ``SIPWATCH_COMPILE=1 pip install .``.

Everything else is configured in pyproject.toml. The interpreted form is the reference; the compiled
one is the same source, and the same tests hold for it.
"""

import os
from pathlib import Path

from setuptools import setup

# The hot path, from bytes to records. What is not here is run once per file or less.
COMPILED = [
    "sipwatch/capture/errors.py",
    "sipwatch/capture/formats.py",
    "sipwatch/capture/reader.py",
    "sipwatch/export/summary.py",
    "sipwatch/wire/*.py",
    "sipwatch/track/*.py",
    "sipwatch/classify/*.py",
    "sipwatch/export/calls.py",
    "sipwatch/engine.py",
]


def extensions() -> list:
    """Return the extension modules to build, none by default."""
    if os.environ.get("SIPWATCH_COMPILE") != "1":
        return []
    from mypyc.build import mypycify

    here = Path(__file__).parent
    files = [str(path.relative_to(here)) for pattern in COMPILED for path in sorted(here.glob(pattern))]
    return mypycify([path for path in files if not path.endswith("__init__.py")], opt_level="3")


setup(ext_modules=extensions())
