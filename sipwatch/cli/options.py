"""What several commands ask for in the same words: files, a configuration, a format, where the result goes.

Must not know: any command. The values are read here, so that what is wrong with one is said in our own words
whatever the library's version.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from sipwatch.export.filters import Filter as CallFilter

_Member = TypeVar("_Member", bound=StrEnum)
_MAX_QUOTE_LENGTH = 40  # characters of a value that are repeated
_MAX_DIGITS = 9


class Format(StrEnum):
    """How a result is written; each command offers some of these."""

    TABLE = "table"
    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"
    PCAP = "pcap"
    HTML = "html"
    OPENMETRICS = "openmetrics"
    TOML = "toml"


def choice(*members: _Member, flag: str | None = None, words: str) -> Any:  # an OptionInfo, which typer takes as Any
    """Return an option that takes one of ``members``, in upper or lower case."""

    def read(text: str) -> _Member:
        for member in members:
            if member.value == text.lower():
                return member
        quoted = repr(text[:_MAX_QUOTE_LENGTH])
        raise typer.BadParameter(f"{quoted} is not one of {', '.join(member.value for member in members)}")

    names = [member.value for member in members]
    return typer.Option(
        *([flag] if flag else []),
        parser=read,
        metavar="|".join(names),
        help=words,
        autocompletion=lambda incomplete: [name for name in names if name.startswith(incomplete.lower())],
    )


def number(metavar: str, least: int, most: int | None = None, *, words: str, flag: str | None = None) -> Any:
    """Return an option that takes a whole number from ``least`` to ``most``."""
    span = f"{least} on" if most is None else f"{least} to {most}"

    def read(text: str | int) -> int:
        digits = str(text)
        value = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS else None
        if value is None or value < least or (most is not None and value > most):
            raise typer.BadParameter(f"{digits[:_MAX_QUOTE_LENGTH]!r} is not a whole number from {span}")
        return value

    return typer.Option(*([flag] if flag else []), parser=read, metavar=metavar, help=words)


def value(metavar: str, words: str, *flags: str) -> Any:
    """Return an option that takes whatever is written, once or, for a list, several times."""
    return typer.Option(*flags, metavar=metavar, help=words)


def switch(flag: str, words: str) -> Any:
    """Return an option without a value."""
    return typer.Option(flag, help=words)


def format_option(*formats: Format, words: str = "How to write the result.") -> Any:
    """Return the option ``--format`` of a command that knows these."""
    return choice(*formats, flag="--format", words=words)


def refuse_first(*combinations: tuple[bool, str, str]) -> None:
    """End for the first of the combinations (whether it was asked for, option, why not) that makes no sense."""
    for asked_for, option, why in combinations:
        if asked_for:
            raise typer.BadParameter(why, param_hint=option)


def filter_of(expression: str | None) -> CallFilter | None:
    """Return the test of calls that ``--filter`` asks for, if it does."""
    if expression is None:
        return None
    from sipwatch.export.filters import FilterError, compile_filter

    try:
        return compile_filter(expression)
    except FilterError as error:
        raise typer.BadParameter(str(error), param_hint="--filter") from None


def choices_of(outcome: str, peer: str) -> CallFilter | None:
    """Return the test of calls that ``--outcome`` and ``--peer`` ask for, as the choices of pages do, if they do."""
    from sipwatch.export.choices import ChoiceError, chosen

    try:
        return filter_of(chosen(outcome, peer) or None)
    except ChoiceError as error:
        raise typer.BadParameter(str(error), param_hint=f"--{error.where}") from None


FILE_WORDS = "Capture files: pcap, pcapng, gzip of either; - is standard input. Several are merged in time order."
Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE...",
        help=FILE_WORDS,
    ),
]
Output = Annotated[
    str | None,
    value(
        "OUT",
        "Write to this file instead of standard output. It replaces an older one only when complete.",
        *("-o", "--output"),
    ),
]


def _pages(text: str) -> str:
    from sipwatch.export.addresses import pages_base

    try:
        return pages_base(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text[:_MAX_QUOTE_LENGTH]!r} is not where pages can be: {error}") from None


Pages = Annotated[
    str,
    typer.Option(
        "--pages", parser=_pages, metavar="URL", help="Where sipwatch's pages are, for links of alerts and dashboards."
    ),
]
Store = Annotated[str, value("DIR", "The store that sipwatch live --store DIR writes.", "--store")]
DialledIn = Annotated[
    str | None, value("FILE", "Configuration: in which country numbers are dialled ([callback] region).", "--config")
]
PrintedZone = Annotated[
    str,
    value("ZONE", "Time zone of --since and --until, and of the times in a table, such as Europe/Berlin.", "--zone"),
]
Zone = Annotated[str, value("ZONE", "Time zone of --since and --until, such as Europe/Berlin.", "--zone")]
Force = Annotated[bool, switch("--force", "If OUT is a symbolic link, overwrite what it points to.")]
WithoutUsers = Annotated[
    bool,
    switch("--without-users", "Show the pages to everybody who can reach the address, without any password."),
]
Filter = Annotated[
    str | None, value("EXPR", "Only calls that match, e.g. 'outcome == \"busy\" and setup_seconds > 3'.", "--filter")
]
