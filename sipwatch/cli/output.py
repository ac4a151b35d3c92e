"""Where results go: standard output or a file, as bytes or as text. One piece for every command that writes a file.

A file appears under its name when it is complete: it is written beside, under a name of its own, and moved into place,
so that a full disk, Ctrl-C or an error leaves the file that was there. What is being read is never written over.

Must not know: any command.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
from typing import IO, TYPE_CHECKING

from sipwatch.cli.options import Format
from sipwatch.cli.words import INTERRUPTED, abandon_output, complain, fail, quiet_exit, why

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import msgspec

STDIN = "-"
_MAX_LINKS = 40  # as the kernel follows at most


@contextlib.contextmanager
def opened(
    path: str | None, read: Iterable[str | None] = (), *, force: bool = False, new: bool = False
) -> Iterator[IO[bytes]]:
    """Open the output; a disk that is full or a reader that went away ends the run in one line or none.

    ``read`` names the files that are being read (``-``: standard input). ``force`` says that a symbolic link is
    followed. A ``new`` file takes the place of no other, unless by ``force``, and is a plain file.
    """
    own = None if path is None or new else _descriptor(path)
    if path is None or own == 1:
        _refuse_what_is_read("standard output", _stat(1), read)
        with _standard_output() as out:
            yield out
        return
    try:
        with open(os.dup(own), "wb") if own is not None else _named(path, read, force=force, new=new) as out:
            yield out
    except KeyboardInterrupt:
        complain(f"interrupted; {path} was not written")
        sys.exit(INTERRUPTED)
    except FileExistsError:
        fail(f"{path}: was made by somebody else in the meantime; choose another name")
    except OSError as error:
        fail(f"{path}: cannot be written: {why(error)}")


def replaces(path: str | None) -> bool:
    """Tell whether an output would take the place of a file that is there."""
    return path is not None and _descriptor(path) is None and os.path.isfile(path)


@contextlib.contextmanager
def _standard_output() -> Iterator[IO[bytes]]:
    try:
        yield sys.stdout.buffer
        sys.stdout.flush()
    except BrokenPipeError:
        quiet_exit()
    except OSError as error:
        abandon_output()
        fail(f"standard output cannot be written: {why(error)}")


# Files


def _named(
    path: str, read: Iterable[str | None], *, force: bool, new: bool
) -> contextlib.AbstractContextManager[IO[bytes]]:
    """Open a file by its name, or refuse to. Raises OSError."""
    there = _stat(path)
    if there is None and not os.path.isdir(os.path.dirname(path) or "."):
        fail(f"{path}: cannot be written: there is no such folder")
    _refuse_what_is_read(path, there, read)
    if there is not None and not stat.S_ISREG(there.st_mode):
        if new:
            fail(f"{path}: is there already and is no plain file; choose another name")
        return open(path, "wb")
    if os.path.islink(path):
        if not force:
            fail(f"{path}: is a symbolic link; name what it points to, or write over that with --force")
        path = os.path.realpath(path)
    elif new and there is not None and not force:
        fail(f"{path}: is there already; choose another name, or write over it with --force")
    return _appearing(path, there, claim=new and not force)


def _refuse_what_is_read(name: str, there: os.stat_result | None, read: Iterable[str | None]) -> None:
    """End the program where the output is a file that is being read, by this name or by another."""
    if there is None or not stat.S_ISREG(there.st_mode):
        return
    for file in read:
        other = None if file is None else _stat(0 if file == STDIN else file)
        if other is not None and os.path.samestat(there, other):
            fail(f"{name}: is a file that is being read; choose another name")


def _stat(path: str | int) -> os.stat_result | None:
    """Return what is known of a file, links followed; None where there is none that could be looked at."""
    try:
        return os.stat(path)
    except OSError:
        return None


def _descriptor(path: str) -> int | None:
    """Return the number of the open file that a path such as /dev/stdout or /dev/fd/3 stands for, None for others."""
    for _ in range(_MAX_LINKS):
        folder, name = os.path.split(path)
        if name.isdecimal() and os.path.realpath(folder) in ("/dev/fd", os.path.realpath("/proc/self/fd")):
            return int(name)
        if not os.path.islink(path):
            return None
        path = os.path.join(folder, os.readlink(path))
    return None


@contextlib.contextmanager
def _appearing(path: str, there: os.stat_result | None, *, claim: bool) -> Iterator[IO[bytes]]:
    """Open a file that appears under its name when it is complete, or not at all. Raises OSError.

    It has the owner, as far as that is allowed, and the mode of the file that was ``there``.
    """
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path) or ".", prefix=".sipwatch-", suffix=".part")
    try:
        with open(descriptor, "wb") as out:
            yield out
            out.flush()
            if there is not None:
                with contextlib.suppress(PermissionError):
                    os.fchown(out.fileno(), there.st_uid, there.st_gid)
            os.fchmod(out.fileno(), 0o666 & ~_umask() if there is None else stat.S_IMODE(there.st_mode))
            os.fsync(out.fileno())
        if claim:
            _claim(temporary, path)
        else:
            os.replace(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def _claim(temporary: str, path: str) -> None:
    """Give a file its name; unlike a rename, this never takes the place of another file."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        os.replace(temporary, path)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def write_listed(
    out: IO[bytes],
    form: Format,
    kind: type[msgspec.Struct],
    records: Sequence[msgspec.Struct],
    show: Callable[[IO[str]], None],
) -> None:
    """Write records of a ``kind`` as JSON, lines of JSON or CSV, or let ``show`` print them as a table."""
    from sipwatch.export.writers import write_lines, write_rows

    if form is Format.JSONL:
        write_lines(out, records)
    elif form is Format.CSV:
        write_rows(out, kind, records)
    else:
        write_whole(out, form, records, show)


def write_whole(out: IO[bytes], form: Format, value: object, show: Callable[[IO[str]], None]) -> None:
    """Write what was found as JSON, or let ``show`` print it for reading."""
    if form is Format.JSON:
        from sipwatch.export.writers import write_json

        write_json(out, value)
    else:
        with text_of(out) as text:
            show(text)


# Text


def open_text(out: IO[bytes]) -> IO[str]:
    """Return a text stream on the output; what its encoding lacks is replaced, never an error."""
    if out is sys.stdout.buffer:
        with contextlib.suppress(AttributeError):
            sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
        return sys.stdout
    return open(out.fileno(), "w", encoding="utf-8", closefd=False)


@contextlib.contextmanager
def text_of(out: IO[bytes]) -> Iterator[IO[str]]:
    """Open a text stream on the output for a while."""
    text = open_text(out)
    yield text
    text.flush()
