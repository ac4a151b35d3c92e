"""What the commands' own signatures say of their arguments and options: for the tables and for the manual page.

Must not know: pages. The layout of the help is typer's affair, so nothing is read from that.
"""

from __future__ import annotations

import inspect
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, get_args, get_type_hints

from typer.models import ArgumentInfo

from sipwatch.cli.main import app

if TYPE_CHECKING:
    from collections.abc import Callable


class Parameter(NamedTuple):
    """One argument, which has no names, or one option; ``value`` is "" for a flag, and may be a choice of words."""

    names: tuple[str, ...]
    value: str
    meaning: str
    may_lack: bool = False


def commands() -> list[Callable[..., None]]:
    """Return all commands, in the order of the help."""
    return [info.callback for info in app.registered_commands if info.callback is not None and not info.hidden]


def parameters(command: Callable[..., None]) -> list[Parameter]:
    """Return what a command takes."""
    hints = get_type_hints(command, include_extras=True)
    found = []
    for name, parameter in inspect.signature(command).parameters.items():
        if name == "context":
            continue
        kind, option = get_args(hints[name])
        if isinstance(option, ArgumentInfo):
            found.append(Parameter((), str(option.metavar), str(option.help), parameter.default is None))
            continue
        # What comes first in Option(...) is a default to typer, also where it is a name.
        words = [word for word in (option.default, *(option.param_decls or ())) if str(word).startswith("-")]
        default = f" Default: `{parameter.default}`." if isinstance(parameter.default, str) else ""
        names = tuple(words or (f"--{name.replace('_', '-')}",))
        found.append(Parameter(names, (option.metavar or _choices(kind)).replace("|", " "), f"{option.help}{default}"))
    return found


def _choices(kind: object) -> str:
    """Return the words of a closed list, also of one that may be left out."""
    for one in (kind, *get_args(kind)):
        if isinstance(one, type) and issubclass(one, StrEnum):
            return " ".join(choice.value for choice in one)
    return ""
