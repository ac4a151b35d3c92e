"""Which messages decided what became of a call, and which of their headers, so that a page can mark them.

Must not know: how they are marked. What a code or a cause means is ``classify``'s to say: the record has the verdict,
and here only the message is looked up that brought it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.classify.causes import reason_outcome, stands_against, status_outcome
from sipwatch.classify.reason import Q850, Reason, reasons_in
from sipwatch.wire.sip import header

if TYPE_CHECKING:
    from collections.abc import Callable

    from sipwatch.export.record import CallRecord, MessageRecord

REASON: Final = "Reason"


class Decision(NamedTuple):
    """A message that decided: its place in the call's ``messages``, whether its start line did, and which headers."""

    message: int
    start_line: bool
    headers: tuple[str, ...]


def decided_by(call: CallRecord) -> Decision | None:
    """Return what decided the outcome: a final response, a CANCEL, or the Reason of one of these or of an 18x.

    It is none where nothing came, so that a timer or the end of the capture decided, nor where messages were not kept.
    """
    final = _final(call)
    cancel = _cancel(call) if call.status_code in {None, 487} else None
    own = final if cancel is None else cancel
    if own is None:
        return None
    said = Reason(call.cause_protocol or "", call.cause, call.cause_text)
    bearer = _bearer(call, said, [place for place in (final, cancel) if place is not None])
    if bearer is None or not _is_believed(call, said):
        return Decision(own, True, ())
    return Decision(bearer, bearer == final and call.outcome in _by_code(call), (REASON,))


def ended_by_message(call: CallRecord) -> Decision | None:
    """Return the BYE that ended an answered call, with the Reason it gave; None where there was none."""
    for place, message in enumerate(call.messages or ()):
        if message.first_line.startswith("BYE ") and message.placed and call.ending is not None:
            told = call.end_cause is not None or call.end_cause_text is not None
            return Decision(place, not told, (REASON,) if told else ())
    return None


def _final(call: CallRecord) -> int | None:
    """Return the final response that the caller was given: of several that look alike, that of the moment it was."""
    if call.status_code is None or not call.messages:
        return None
    line = f"SIP/2.0 {call.status_code}"
    found = [
        place
        for place, message in enumerate(call.messages)
        if message.first_line.startswith(line) and not message.retransmission and _is_about_the_invite(message)
    ]
    nearest = _of_the_caller(call, found, lambda message: message.destination)
    if call.status_code == 487:
        return nearest[-1] if nearest else None
    return _at_the_moment(call, nearest)


def _cancel(call: CallRecord) -> int | None:
    """Return the CANCEL by which the caller, or who stands in for him, gave up."""
    messages = call.messages or ()
    found = [n for n, m in enumerate(messages) if m.first_line.startswith("CANCEL ") and not m.retransmission]
    return _at_the_moment(call, _of_the_caller(call, found, lambda message: message.source))


def _of_the_caller(call: CallRecord, places: list[int], end: Callable[[MessageRecord], str]) -> list[int]:
    """Return those of the hop nearest the caller; all, where none of them is there."""
    messages = call.messages or []
    exactly = [place for place in places if end(messages[place]) == call.source_address]
    return exactly or places


def _at_the_moment(call: CallRecord, places: list[int]) -> int | None:
    if not places:
        return None
    if call.setup_seconds is None:
        return places[-1]
    settled = call.started + call.setup_seconds
    messages = call.messages or []
    return min(places, key=lambda place: abs(messages[place].time - settled))


def _bearer(call: CallRecord, said: Reason, first: list[int]) -> int | None:
    """Return the message that says so: the final response, else the CANCEL, else the last 18x before."""
    messages = call.messages or []
    if said == Reason("", None, None):
        return None
    early = [n for n, m in enumerate(messages) if m.first_line.startswith("SIP/2.0 1")]
    for place in [*first, *reversed(early)]:
        if said in reasons_in(_raw(messages[place])):
            return place
    return None


def _is_believed(call: CallRecord, said: Reason) -> bool:
    if said.protocol == Q850 and said.cause is not None and stands_against(call.status_code or 0, said.cause):
        return False
    flags = ((alerted, trunk) for alerted in (False, True) for trunk in (False, True))
    return call.outcome in {reason_outcome(said, alerted=alerted, trunk=trunk) for alerted, trunk in flags}


def _by_code(call: CallRecord) -> set[str]:
    """Return what the status code may mean by itself, whoever sends it."""
    code = call.status_code or 0
    if code < 300:
        return set()
    return {status_outcome(code, alerted, trunk) for alerted in (False, True) for trunk in (False, True)}


def _is_about_the_invite(message: MessageRecord) -> bool:
    return header(_raw(message), b"cseq").upper().endswith(b"INVITE")


def _raw(message: MessageRecord) -> bytes:
    return message.raw.encode("utf-8", "replace")
