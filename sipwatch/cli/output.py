"""Where results go: standard output or a file, as bytes or as text.

Must not know: any command.
"""

from __future__ import annotations

import contextlib
import sys
from typing import IO, TYPE_CHECKING

from sipwatch.cli.words import abandon_output, fail, quiet_exit

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def opened(path: str | None) -> Iterator[IO[bytes]]:
    """Open the output; a disk that is full or a reader that went away ends the run in one line or none."""
    if path is None:
        try:
            yield sys.stdout.buffer
            sys.stdout.flush()
        except BrokenPipeError:
            quiet_exit()
        except OSError as error:
            abandon_output()
            fail(f"standard output cannot be written: {error.strerror}")
        return
    try:
        with open(path, "wb") as out:
            yield out
    except OSError as error:
        fail(f"{path}: cannot be written: {error.strerror}")


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
