"""What a user is told on standard error, and how the program ends.

Must not know: any command.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from sipwatch.config import Config


INTERRUPTED = 130  # exit status, as shells have it for SIGINT
DEFAULT_LISTEN = "127.0.0.1:10060"


def complain(words: str) -> None:
    """Tell the user, on standard error."""
    from sipwatch.export.escape import terminal

    with contextlib.suppress(OSError):
        print(f"sipwatch: {terminal(words)}", file=sys.stderr)


def fail(words: str) -> NoReturn:
    """Tell the user what could not be done, and end."""
    complain(words)
    sys.exit(1)


class FailOn:
    """End the program in a ``with`` statement, with one line, for an exception of these kinds."""

    def __init__(self, *kinds: type[Exception]) -> None:
        self._kinds = kinds

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Say what an exception says, and end."""
        if isinstance(error, self._kinds):
            fail(str(error))


def why(error: OSError) -> str:
    """Say why a file could not be opened or written."""
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return "too many files are open at once; raise the limit (ulimit -n)"
    return f"{error.strerror or error}"


def abandon_output() -> None:
    """Point standard output at nothing, so that the interpreter's own flush at exit cannot fail."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def quiet_exit() -> NoReturn:
    """End as a filter ends whose reader has seen enough (``| head``)."""
    abandon_output()
    sys.exit(0)


def configuration(path: str | None) -> Config:
    """Read a configuration, the defaults without one; what is wrong with it ends the program."""
    from sipwatch.config import Config, ConfigError, load

    if path is None:
        from sipwatch.classify.peers import Settings

        return Config(Settings())
    with FailOn(ConfigError):
        return load(path)
