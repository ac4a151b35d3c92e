"""One call, written in the form that was asked for.

Must not know: where calls come from.
"""

from __future__ import annotations

from enum import StrEnum
from typing import IO, TYPE_CHECKING, Annotated

from sipwatch.cli.options import choice
from sipwatch.cli.words import fail

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sipwatch.export.privacy import Policy
    from sipwatch.export.record import CallRecord

_MAX_NAMED = 5  # ids


class LadderForm(StrEnum):
    """What one call is written as."""

    TEXT = "text"
    SVG = "svg"
    MERMAID = "mermaid"
    WIRESHARK = "wireshark"
    SIPP = "sipp"
    SIPP_CALLEE = "sipp-callee"


_DRAWN = (LadderForm.TEXT, LadderForm.SVG, LadderForm.MERMAID)
LADDER_ONLY = "a ladder has forms of its own (--ladder-form); it cannot be combined with --format"
NO_LADDER = "is of use only with --ladder"

LadderFormed = Annotated[
    LadderForm | None,
    choice(
        *LadderForm,
        flag="--ladder-form",
        words="What --ladder writes: a drawing as text, as SVG or for Mermaid, a display filter for Wireshark, or what"
        " the caller or the called side did as a scenario for SIPp. Default: text.",
    ),
]


def write_calls(
    out: IO[str],
    found: Sequence[CallRecord],
    linked_with: Callable[[CallRecord], Sequence[CallRecord]],
    policy: Policy | None,
    form: LadderForm,
) -> None:
    """Write calls, in time order, with what is to be hidden hidden; some forms have room for one call.

    A ladder has the calls that are linked with it as well, and so has a filter.
    """
    calls = sorted(found, key=lambda call: call.started)
    if form in _DRAWN:
        for call in calls if form is LadderForm.TEXT else [_only(calls)]:
            first, *others = _shown([call, *linked_with(call)], policy)
            _draw(out, first, others, form)
    elif form is LadderForm.WIRESHARK:
        out.write(_filter([*calls, *(other for call in calls for other in linked_with(call))], policy) + "\n")
    else:
        (call,) = _shown([_only(calls)], policy)
        out.write(_scenario(call, form))


def _shown(calls: list[CallRecord], policy: Policy | None) -> list[CallRecord]:
    return calls if policy is None else [policy.call(call) for call in calls]


def _only(calls: list[CallRecord]) -> CallRecord:
    if len(calls) > 1:
        ids = ", ".join(call.id for call in calls[:_MAX_NAMED]) + (", ..." if len(calls) > _MAX_NAMED else "")
        fail(f"{len(calls)} calls match, and this form has room for one; name it by its id: {ids}")
    return calls[0]


def _draw(out: IO[str], call: CallRecord, others: list[CallRecord], form: LadderForm) -> None:
    if form is LadderForm.SVG:
        from sipwatch.report.svg import ladder_svg

        out.write(ladder_svg(call, others) + "\n")
    elif form is LadderForm.MERMAID:
        from sipwatch.report.mermaid import mermaid_text

        out.write(mermaid_text(call, others))
    else:
        from sipwatch.report.ladder import print_ladder

        print_ladder(out, call, others)


def _filter(calls: list[CallRecord], policy: Policy | None) -> str:
    from sipwatch.report.wireshark import display_filter

    shown = _shown(calls, policy)
    if [call.call_id for call in shown] != [call.call_id for call in calls]:
        fail("the configuration hides Call-IDs, and a filter for Wireshark would have to name them")
    return display_filter(shown)


def _scenario(call: CallRecord, form: LadderForm) -> str:
    from sipwatch.report.sipp import NothingToPlayError, PlayedSide, sipp_scenario

    try:
        return sipp_scenario(call, PlayedSide.CALLER if form is LadderForm.SIPP else PlayedSide.CALLEE)
    except NothingToPlayError as error:
        fail(str(error))
