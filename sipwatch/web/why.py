"""Why a call is said to be what it is: what decided, by which rule, who said it first, and who should act.

Must not know: HTTP, templates. Texts of messages are as on the wire: a template escapes them. Nothing is said but what
the messages and the record of the call show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sipwatch.classify.outcomes import OUTCOME_OF
from sipwatch.export.naming import name_of_any, name_of_call
from sipwatch.knowledge.leads import When, cause_leads, status_leads
from sipwatch.report.deciding import decided_by
from sipwatch.report.listed import end_name
from sipwatch.wire.sip import header

if TYPE_CHECKING:
    from sipwatch.export.record import CallRecord, MessageRecord
    from sipwatch.knowledge import Knowledge
    from sipwatch.report.deciding import Decision


class WhySentence(NamedTuple):
    """A sentence; ``message`` is the place of the message that it is about, ``explains`` the word behind it."""

    words: str
    message: int | None = None
    explains: str = ""


def reasons_for(call: CallRecord, knowledge: Knowledge) -> list[WhySentence]:
    """Return why a call has its outcome."""
    decision = decided_by(call)
    found = [_what_decided(call, decision), _by_which_rule(call, decision, knowledge), _who_said_it_first(call)]
    return [one for one in found if one is not None]


def name_of_end(call: CallRecord, address: str) -> str:
    """Return an address with the name of its peer before it, if it has one."""
    for leg in call.legs:
        for peer, at in ((leg.source, leg.source_address), (leg.destination, leg.destination_address)):
            if at == address and end_name(peer, at) != at:
                return f"{peer} ({address})"
    return address


def _what_decided(call: CallRecord, decision: Decision | None) -> WhySentence:
    if decision is not None:
        message = (call.messages or [])[decision.message]
        said = f"“{message.first_line}” from {name_of_end(call, message.source)} at {message.time.exact_clock} decided."
        if decision.headers and not decision.start_line:
            said += f" What counts in it is the header {', '.join(decision.headers)}."
        elif decision.headers:
            said += f" Its status and its header {', '.join(decision.headers)} say the same."
        return WhySentence(said, decision.message)
    if call.status_code is not None:
        return WhySentence(f"The final response was {call.status_code} {call.reason_phrase or ''}".rstrip() + ".")
    if any("final" in leg.inferred for leg in call.legs):
        return WhySentence("A failing final response must have come, since it was acknowledged; it was not captured.")
    return WhySentence("No message decided: what counts is what had come by then, and that nothing more came.")


def _by_which_rule(call: CallRecord, decision: Decision | None, knowledge: Knowledge) -> WhySentence | None:
    """Return which rule made the outcome of a code or a cause, as far as that rule is everybody's."""
    name = name_of_call(call)
    by_reason = decision is not None and bool(decision.headers) and call.cause is not None
    if by_reason and call.cause is not None and call.cause_protocol == "Q.850":
        leads, shown, asks = cause_leads(call.cause), f"Q.850 cause {call.cause}", f"cause {call.cause}"
    elif call.status_code is not None and not by_reason:
        leads, shown, asks = status_leads(call.status_code), f"{call.status_code}", f"status {call.status_code}"
    else:
        return None
    for lead in leads:
        if lead.outcome is OUTCOME_OF[call.outcome]:
            when = knowledge.when(When(lead.when))
            return WhySentence(f"{shown} stands for “{name}”{f' {when}' if when else ''}.", explains=asks)
    usual = ", ".join(dict.fromkeys(f"“{name_of_any(lead.outcome)}”" for lead in leads))
    if not usual:
        return None
    more = "Here more was known: a rule of a peer, a Reason, or what was heard before."
    return WhySentence(f"By itself {shown} stands for {usual}. {more}", explains=asks)


def _who_said_it_first(call: CallRecord) -> WhySentence | None:
    """Return who is the first that was seen to send the final response, if it was one that fails."""
    code = call.status_code
    if code is None or code < 300:
        return None
    said = [(place, one) for place, one in enumerate(call.messages or ()) if _is_final(one, code)]
    if not said:
        return _from_legs(call, code)
    place, first = min(said, key=lambda each: (each[1].time, each[0]))
    passed_on = len({message.source for _, message in said} - {first.source})
    words = f"The first to say {code} was {name_of_end(call, first.source)}, at {first.time.exact_clock}"
    if passed_on:
        others = "another passed it on" if passed_on == 1 else f"{passed_on} others passed it on"
        return WhySentence(f"{words}; {others}.", place)
    return WhySentence(f"{words}; nobody behind it was seen to say so.", place)


def _from_legs(call: CallRecord, code: int) -> WhySentence | None:
    legs = [leg for leg in call.legs if leg.status_code == code and leg.settled is not None]
    if not legs:
        return None
    first = min(legs, key=lambda leg: leg.settled or 0)
    who = name_of_end(call, first.destination_address)
    return WhySentence(f"Of the hops that ended with {code}, the first to end was that to {who}.")


def _is_final(message: MessageRecord, code: int) -> bool:
    if message.retransmission or not message.first_line.startswith(f"SIP/2.0 {code}"):
        return False
    return header(message.raw.encode("utf-8", "replace"), b"cseq").upper().endswith(b"INVITE")
