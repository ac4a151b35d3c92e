"""sipwatch as users start it: in this process, or, where the process itself is the point, in one of its own."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from unittest import mock

from sipwatch.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
BUSY = ROOT / "pcaps" / "outcomes" / "busy.pcap"
DEMO = ROOT / "pcaps" / "demo.pcap"
COMMAND = [sys.executable, "-m", "sipwatch"]
SETTINGS = {"COLUMNS": "100", "PYTHONWARNINGS": "error"}
ENVIRONMENT = {**os.environ, **SETTINGS}
HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(
    *arguments: object, status: int = 0, stdin: IO[bytes] | None = None, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command line in this process, on descriptors of its own; standard input is empty unless one is given."""
    words = ["sipwatch", *map(str, arguments)]
    with contextlib.ExitStack() as stack:
        out, err, nothing = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(3))
        with (
            _alone(),
            mock.patch.dict(os.environ, {**SETTINGS, **(environment or {})}),
            contextlib.chdir(ROOT),
            _descriptors(stdin or nothing, out, err),
            mock.patch.object(sys, "argv", words),
        ):
            code = _ended()
        return _checked(subprocess.CompletedProcess(words, code, _text(out), _text(err)), status)


def process(*arguments: object, status: int = 0, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run sipwatch in a process of its own, as ``run`` does here."""
    given = {"capture_output": True, "text": True, "cwd": ROOT, "env": ENVIRONMENT, "timeout": 120, **more}
    return _checked(subprocess.run([*COMMAND, *map(str, arguments)], check=False, **given), status)


def the_complaint(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line on standard error."""
    (line,) = done.stderr.splitlines()
    assert line.startswith("sipwatch: ")
    return line


def _checked(done: subprocess.CompletedProcess[str], status: int) -> subprocess.CompletedProcess[str]:
    """No user ever sees a traceback."""
    assert "Traceback" not in (done.stderr or "")
    assert done.returncode == status, done.stderr
    return done


def _ended() -> int:
    """Run it to its end; return the status that the process would have."""
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.stdout.flush()
    return 0


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Put back what a process may keep as it likes: the collector, and who hears signals."""
    handlers = {number: signal.getsignal(number) for number in HANDLED}
    collecting = gc.isenabled()
    try:
        yield
    finally:
        (gc.enable if collecting else gc.disable)()
        for number, handler in handlers.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _descriptors(*files: IO[bytes]) -> Iterator[None]:
    """Put files in the place of standard input, output and error, as descriptors and as streams."""
    names = ("stdin", "stdout", "stderr")
    kept = [(getattr(sys, name), os.dup(number)) for number, name in enumerate(names)]
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    try:
        for number, (name, file) in enumerate(zip(names, files, strict=True)):
            os.dup2(file.fileno(), number)
            setattr(sys, name, _stream(number, name))
        yield
    finally:
        for number, (name, (stream, copy)) in enumerate(zip(names, kept, strict=True)):
            setattr(sys, name, stream)
            os.dup2(copy, number)
            os.close(copy)


def _stream(number: int, name: str) -> IO[str]:
    if name == "stdin":
        return open(number, encoding="utf-8", closefd=False)
    if name == "stdout":
        return open(number, "w", encoding="utf-8", closefd=False)
    return open(number, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _text(file: IO[bytes]) -> str:
    """Return what was written, its ends of lines read as a process's are."""
    file.seek(0)
    return io.IncrementalNewlineDecoder(None, translate=True).decode(file.read().decode(), final=True)
