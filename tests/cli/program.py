"""sipwatch as users start it: in this process, or, where the process itself is the point, in one of its own."""

from __future__ import annotations

import contextlib
import functools
import gc
import io
import os
import pty
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from unittest import mock

import typer.main

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
# Typer builds the commands at every start, which takes longer than most of them run; here they are built once.
_COMMANDS = functools.cache(typer.main.get_command)


def run(
    *arguments: object,
    status: int = 0,
    stdin: IO[bytes] | None = None,
    environment: dict[str, str] | None = None,
    encoding: str = "utf-8",
) -> subprocess.CompletedProcess[str]:
    """Run the command line in this process, on descriptors of its own; standard input is empty unless one is given."""
    words = ["sipwatch", *map(str, arguments)]
    with contextlib.ExitStack() as stack:
        out, err, nothing = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(3))
        code = _run_on(words, (stdin or nothing, out, err), environment or {}, encoding)
        return _checked(subprocess.CompletedProcess(words, code, _text(out, encoding), _text(err)), status)


def into_a_closed_pipe(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command line in this process, for a reader that has gone away: ``| head``."""
    words = ["sipwatch", *map(str, arguments)]
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb", buffering=0) as out, tempfile.TemporaryFile() as nothing, tempfile.TemporaryFile() as err:
        code = _run_on(words, (nothing, out, err), {}, "utf-8")
        return subprocess.CompletedProcess(words, code, "", _text(err))


def on_a_terminal(*arguments: object, **environment: str) -> bytes:
    """Run the command line in this process, on a terminal of its own; return what the terminal got."""
    ours, theirs = pty.openpty()
    with ThreadPoolExecutor(1) as pool, open(ours, "rb", buffering=0) as got:
        with open(theirs, "wb", buffering=0) as out, tempfile.TemporaryFile() as nothing:
            shown = pool.submit(lambda: b"".join(_until_closed(got)))
            code = _run_on(["sipwatch", *map(str, arguments)], (nothing, out, out), environment, "utf-8")
        assert code == 0
        return shown.result(timeout=60)


def _until_closed(terminal: IO[bytes]) -> Iterator[bytes]:
    """Read a terminal until nobody writes to it any more, which Linux tells by an error."""
    with contextlib.suppress(OSError):
        while data := terminal.read(65_536):
            yield data


def _run_on(words: list[str], files: tuple[IO[bytes], ...], environment: dict[str, str], encoding: str) -> int:
    """Run the command line on these files for standard input, output and error; return the status."""
    with (
        _alone(),
        mock.patch.dict(os.environ, {**SETTINGS, **environment}),
        contextlib.chdir(ROOT),
        _descriptors(*files, encoding=encoding),
        mock.patch.object(sys, "argv", words),
        mock.patch.object(typer.main, "get_command", _COMMANDS),
    ):
        return _ended()


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
def _descriptors(*files: IO[bytes], encoding: str) -> Iterator[None]:
    """Put files in the place of standard input, output and error, as descriptors and as streams."""
    names = ("stdin", "stdout", "stderr")
    kept = [(getattr(sys, name), os.dup(number)) for number, name in enumerate(names)]
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    try:
        for number, (name, file) in enumerate(zip(names, files, strict=True)):
            os.dup2(file.fileno(), number)
            setattr(sys, name, _stream(number, name, encoding))
        yield
    finally:
        for number, (name, (stream, copy)) in enumerate(zip(names, kept, strict=True)):
            setattr(sys, name, stream)
            os.dup2(copy, number)
            os.close(copy)


def _stream(number: int, name: str, encoding: str) -> IO[str]:
    if name == "stdin":
        return open(number, encoding="utf-8", closefd=False)
    if name == "stdout":
        return open(number, "w", encoding=encoding, closefd=False)
    return open(number, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _text(file: IO[bytes], encoding: str = "utf-8") -> str:
    """Return what was written, its ends of lines read as a process's are."""
    file.seek(0)
    return io.IncrementalNewlineDecoder(None, translate=True).decode(file.read().decode(encoding), final=True)
