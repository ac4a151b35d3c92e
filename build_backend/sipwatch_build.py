"""The build backend: setuptools', which with ``SIPWATCH_COMPILE=1`` also compiles the engine with mypyc.

Must not know: which modules are compiled (setup.py). Where compiling is not possible, the plain form is built, and
whoever asked for the other is told so.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import sysconfig
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import (
    build_editable,
    build_sdist,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

Settings = dict[str, Any] | None
_SWITCH = "SIPWATCH_COMPILE"
_PROBE = "#include <Python.h>\n"


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    """Return what a build needs: to compile, mypyc and all that sipwatch needs as well, whose types mypyc reads."""
    required: list[str] = build_meta.get_requires_for_build_wheel(config_settings)
    if not _wanted() or _trouble():
        return required
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    mypyc = [line for line in project["optional-dependencies"]["dev"] if line.startswith("mypy>")]
    return [*required, *mypyc, *project["dependencies"]]


def build_wheel(wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None) -> str:
    """Build the wheel: compiled if that is asked for and possible, plain otherwise."""
    if _wanted():
        trouble = _trouble()
        if not trouble:
            try:
                return _build(wheel_directory, config_settings, metadata_directory)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever went wrong, the plain form works
                trouble = f"{type(error).__name__}: {error}"
        os.environ[_SWITCH] = "0"
        _tell(f"sipwatch is NOT COMPILED, the plain form is installed: {trouble}")
    return _build(wheel_directory, config_settings, metadata_directory)


def _build(*given: Any) -> str:
    name: str = build_meta.build_wheel(*given)
    return name


def _wanted() -> bool:
    return os.environ.get(_SWITCH) == "1"


def _trouble() -> str:
    """Try the compiler on next to nothing, and say what is missing; "" if nothing is."""
    from setuptools._distutils.ccompiler import new_compiler
    from setuptools._distutils.sysconfig import customize_compiler

    with tempfile.TemporaryDirectory(prefix="sipwatch-") as folder:
        source = Path(folder, "probe.c")
        source.write_text(_PROBE, encoding="ascii")
        compiler = new_compiler()
        customize_compiler(compiler)
        try:
            compiler.compile([str(source)], output_dir=folder, include_dirs=[sysconfig.get_path("include")])
        except Exception as error:  # noqa: BLE001 - each compiler's class has errors of its own
            return f"there is no C compiler with Python's headers here ({error})"
    return ""


def _tell(words: str) -> None:
    """Say it on standard error, and, as pip keeps that to itself, on the standard error of the one who runs this."""
    sys.stderr.write(f"\n{words}\n")
    sys.stderr.flush()
    with contextlib.suppress(OSError):  # no /proc, or nobody who reads
        parents = os.open(f"/proc/{os.getppid()}/fd/2", os.O_WRONLY | os.O_APPEND | os.O_NOCTTY | os.O_NONBLOCK)
        there, here = os.fstat(parents), os.fstat(sys.stderr.fileno())
        # Not into a file: who opened it goes on writing where it was, over what is said here.
        if not os.path.samestat(there, here) and not stat.S_ISREG(there.st_mode):
            os.write(parents, f"\nWARNING: {words}\n".encode())
        os.close(parents)
