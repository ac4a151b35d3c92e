"""The manual page sipwatch(1), from what the commands say of themselves, in man's own language (man-pages(7))."""

from __future__ import annotations

import inspect
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from docs.commands import Parameter, commands, parameters
from sipwatch.cli.main import app

if TYPE_CHECKING:
    from collections.abc import Callable

_NAME = "sipwatch \\- SIP signalling monitor: what became of every call"
_STATUS = (
    ("0", "Done, also when a file broke off (with a warning, and what was read up to there)."),
    ("1", "It could not be done; one line on standard error says why. Of `expect` also: not all is as expected."),
    ("2", "Wrong usage."),
    ("130", "Interrupted."),
)
_ENVIRONMENT = (
    ("NO_COLOR", "Whatever its value: no colours."),
    ("COLUMNS", "The width of tables and ladders."),
    ("SIPWATCH_DEBUG", "If set, an internal error shows where it happened. Please report those."),
)
_EXAMPLES = (
    ("A report on a capture:", "sipwatch replay trouble.pcap"),
    ("One of its calls, message by message:", "sipwatch replay trouble.pcap --ladder dcfeae97"),
    ("What a code means, and who should do what:", "sipwatch explain 486"),
    ("Watch an interface and serve the figures to Prometheus:", "sudo sipwatch live -i eth0"),
    (
        "Was a phone registered, since when not, and why:",
        "sipwatch registrations --store /var/lib/sipwatch --number 4711",
    ),
    ("Look at stored calls in a browser:", "sipwatch serve /var/lib/sipwatch/calls"),
    ("Dashboards, alerts, the systemd unit:", "sipwatch assets sipwatch-files"),
)


def manual() -> str:
    """Write the page."""
    lines = [
        f'.TH SIPWATCH 1 "" "sipwatch {_version()}" "User Commands"',
        ".nh",
        *_section("NAME", _NAME),
        *_section("SYNOPSIS"),
        *(line for command in commands() for line in (_synopsis(command), ".br")),
        ".B sipwatch",
        "[\\fB\\-\\-version\\fR] [\\fB\\-\\-help\\fR]",
        *_section("DESCRIPTION", _escaped(_summary(app.registered_callback.callback))),  # type: ignore[union-attr]
        *_section("COMMANDS"),
        *(line for command in commands() for line in _command(command)),
        *_section("EXIT STATUS", *_list(_STATUS)),
        *_section("ENVIRONMENT", *_list(_ENVIRONMENT)),
        *_section("EXAMPLES"),
        *(line for words, example in _EXAMPLES for line in (".PP", _escaped(words), ".PP", ".RS", ".EX", _escaped(example), ".EE", ".RE")),
        *_section("SEE ALSO", ".BR tcpdump (8),", ".BR tshark (1),", ".BR promtool (1)", ".PP"),
        "https://github.com/sipwatch/sipwatch has all of the documentation.",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _version() -> str:
    """Return the version of this tree, whichever is installed."""
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]
    return str(project["version"])


def _section(name: str, *lines: str) -> list[str]:
    return [f".SH {name}", *lines]


def _command(command: Callable[..., None]) -> list[str]:
    lines = [f".SS sipwatch {command.__name__}", _escaped(_summary(command))]
    for of in parameters(command):
        lines += [".TP", _term(of), _escaped(of.meaning)]
    return lines


def _summary(command: Callable[..., None] | None) -> str:
    return " ".join(inspect.getdoc(command).split())  # type: ignore[union-attr]


def _term(of: Parameter) -> str:
    names = ", ".join(f"\\fB{_escaped(name)}\\fR" for name in of.names)
    value = "|".join(f"\\fI{_escaped(word)}\\fR" for word in of.value.split())
    return " ".join(filter(None, (names, value)))


def _synopsis(command: Callable[..., None]) -> str:
    values = [(_escaped(of.value.strip("[]")), of.may_lack) for of in parameters(command) if not of.names]
    arguments = " ".join(f"[\\fI{value}\\fR]" if may_lack else f"\\fI{value}\\fR" for value, may_lack in values)
    return " ".join(filter(None, (f"\\fBsipwatch {command.__name__}\\fR", "[\\fIOPTION\\fR]...", arguments)))


def _list(entries: tuple[tuple[str, str], ...]) -> list[str]:
    return [line for term, meaning in entries for line in (".TP", f"\\fB{_escaped(term)}\\fR", _escaped(meaning))]


def _escaped(text: str) -> str:
    r"""Return a text that man shows as it is: ``-`` as the minus of options, no line that begins as a request does."""
    escaped = re.sub(r"`([^`]*)`", r"\\fB\1\\fR", text.replace("\\", "\\e")).replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
