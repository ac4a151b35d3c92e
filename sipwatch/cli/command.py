"""How a command's help is laid out: what is typed, not what the library or Python calls it.

Must not know: any command.
"""

from __future__ import annotations

import re
from typing import Any

from typer.core import TyperCommand

_TYPE = re.compile(r" <[^<>]*>$")  # the Python type that newer versions put behind an argument's name


class Command(TyperCommand):
    """A command whose help and usage name arguments as they are typed: ``FILE...``."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what stands behind the command's name in a usage line."""
        arguments = [str(parameter.metavar) for parameter in self.get_params(ctx) if _is_argument(parameter)]
        return ["[OPTIONS]", *arguments]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, then the options."""
        rows: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                name = _TYPE.sub("", record[0]) if _is_argument(parameter) else record[0]
                rows["Arguments" if _is_argument(parameter) else "Options"].append((name, record[1]))
        for title, found in rows.items():
            if found:
                with formatter.section(title):
                    formatter.write_dl(found)


def _is_argument(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "argument")
