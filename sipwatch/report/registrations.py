"""How registering went, in sentences: who is registered, who is not, since when and why; as a list on a terminal.

Must not know: stores, how attempts are added up. What is printed of strangers' texts is escaped here; sentences have
none. They say what packets prove and no more.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Final

from rich.console import Group
from rich.text import Text

from sipwatch.classify.outcomes import CATEGORY_OF, Category, Outcome
from sipwatch.export.escape import terminal
from sipwatch.export.registrations import RegistrationRecord, RegistrationState
from sipwatch.knowledge import load
from sipwatch.report.plain import CATEGORY_MARKS, CATEGORY_STYLE, several
from sipwatch.report.screen import FAINT, console, indented
from sipwatch.track.events import RegistrationOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import RenderableType

    from sipwatch.export.moments import Moment
    from sipwatch.report.html.times import ZoneTimes

    Clock = Callable[[Moment], str]

STATE_NAMES: Final = {
    RegistrationState.FAILING: "Fails",
    RegistrationState.RAN_OUT: "Ran out",
    RegistrationState.REGISTERED: "Registered",
    RegistrationState.REMOVED: "Signed off",
    RegistrationState.UNKNOWN: "Not known",
}
_CATEGORIES: Final = {
    RegistrationState.RAN_OUT: Category.TECHNICAL,
    RegistrationState.REGISTERED: Category.SUCCESS,
    RegistrationState.REMOVED: Category.NORMAL,
    RegistrationState.UNKNOWN: Category.UNKNOWN,
}
_OUTCOMES: Final = {
    RegistrationOutcome.AUTH_FAILED.value: Outcome.AUTH_FAILED,
    RegistrationOutcome.REFUSED.value: Outcome.FORBIDDEN,
    RegistrationOutcome.NOT_RESPONDING.value: Outcome.NOT_RESPONDING,
}
_INDENT: Final = 4


def registration_category(record: RegistrationRecord) -> Category:
    """Return the category by which it is marked how a device stands: of one that fails, that of its latest attempt."""
    if record.state is RegistrationState.FAILING:
        return Category(CATEGORY_OF[_OUTCOMES[record.outcome or ""]])
    return _CATEGORIES[record.state]


def registration_sentences(record: RegistrationRecord, at: Clock) -> list[str]:
    """Say how a device stands, since when and why; ``at`` writes a moment."""
    match record.state:
        case RegistrationState.FAILING:
            return [_failing(record, at), _before_that(record, at)]
        case RegistrationState.RAN_OUT:
            told = f"Not registered since {_at(record.ran_out, at)}: what was granted ran out, and no refresh was seen."
        case RegistrationState.REGISTERED:
            told = f"Registered at {_at(record.succeeded, at)}, which was granted until {_at(record.until, at)}."
        case RegistrationState.REMOVED:
            told = f"Signed off at {_at(record.succeeded, at)}."
        case _:
            told = "No attempt was seen to its end."
    return [told, *_failed_before(record, at)]


def _failing(record: RegistrationRecord, at: Clock) -> str:
    what, how = _why(record)
    since = _at(record.failing_since, at)
    if record.streak == 1:
        return f"{what} at {since}: 1 attempt, {how}."
    return f"{what} since {since}: {record.streak:,} attempts failed in a row, the latest {how}."


def _why(record: RegistrationRecord) -> tuple[str, str]:
    """Return what the latest attempt failed for, and how: as far as that is in the packets."""
    if record.outcome == RegistrationOutcome.NOT_RESPONDING:
        return "No answer", "without any final response"
    code = code_words(record.status_code)
    if record.outcome == RegistrationOutcome.REFUSED:
        return "Refused", f"with {code}"
    if record.credentials_refused:
        return "Password not accepted", f"challenged again ({code}) although credentials were given"
    return "Challenge not answered", f"challenged with {code}, and nothing that answers it followed"


def code_words(code: int | None) -> str:
    """Write a status code, with its name if it has one."""
    if code is None:
        return "no code"
    name = load().status(code).name
    return str(code) if name.startswith("(") else f"{code} {name}"  # "(not registered)" would be read otherwise here


def _before_that(record: RegistrationRecord, at: Clock) -> str:
    if record.ran_out is not None and (record.until is None or record.ran_out >= record.until):
        return f"What was granted before ran out at {_at(record.ran_out, at)}."
    if record.succeeded is None:
        return "It was not seen to be registered on these days."
    if record.until is None:
        return f"Before that it signed off at {_at(record.succeeded, at)}."
    return f"It was registered before, at {_at(record.succeeded, at)}, which was granted until {_at(record.until, at)}."


def _failed_before(record: RegistrationRecord, at: Clock) -> list[str]:
    if record.failed is None:
        return []
    failed = f"{record.failures:,} of {several(record.attempts, 'attempt')} failed"
    return [f"{failed}, the latest at {_at(record.failed, at)}."]


def _at(moment: Moment | None, at: Clock) -> str:
    return "a time not known" if moment is None else at(moment)


# On a terminal


def print_registrations(out: IO[str], records: Sequence[RegistrationRecord], left: int, times: ZoneTimes) -> None:
    """Print who registered or tried to, times by the clocks of a zone; ``left`` more are not shown."""
    target = console(out)
    for record in records:
        target.print(Group(*_lines(record, times)))
    if left:
        target.print(Text(f"{left:,} more; --limit shows more, --format csv all.", style=FAINT))
    target.print(Text(f"Times are {times.name}; counts are of whole days (UTC).", style=FAINT))


def print_nobody(
    out: IO[str], asked: tuple[int | None, int | None], span: tuple[int, int] | None, times: ZoneTimes
) -> None:
    """Say that nobody was found in the time (ns) that was ``asked`` for, and of when attempts are stored at all."""
    since, until = asked
    begin = "" if since is None else f" from {times.full(since)}"
    when = begin + ("" if until is None else f" until {times.full(until)}") or " at any time"
    stored = (
        "No attempt to register is stored at all: none was captured, or an earlier version wrote the store."
        if span is None
        else f"The store has attempts to register from {times.full(span[0])} to the hour of {times.full(span[1])}."
    )
    said = f"Nobody like that registered, or tried to,{when}. {stored} Times are {times.name}."
    console(out).print(Text(said))


def _lines(record: RegistrationRecord, times: ZoneTimes) -> list[RenderableType]:
    category = registration_category(record)
    name = Text(f"{CATEGORY_MARKS[category]} {STATE_NAMES[record.state]}", style=CATEGORY_STYLE[category])
    ends = f"{record.device} ({record.source}) → {record.registrar} ({record.destination})"
    told = " ".join(registration_sentences(record, times.full))
    counts = f"{several(record.attempts, 'attempt')}, {record.failures:,} failed, {record.expired:,} ran out"
    software = "" if record.user_agent is None else f"; {record.user_agent}"
    return [
        Text.assemble(name, f"  {terminal(record.aor)}"),
        indented(told, _INDENT),
        indented(terminal(f"{ends}; {counts}{software}"), _INDENT, FAINT),
    ]
