"""``/calls/{id}``: one call, from the verdict to the packets that it was read from.

Must not know: how calls are read, how a template is filled in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlencode

from markupsafe import Markup

from sipwatch.classify.endings import UNREMARKABLE
from sipwatch.classify.tags import Tag
from sipwatch.export.naming import name_of_call, name_of_leg
from sipwatch.knowledge import Topic, load
from sipwatch.report.listed import response_words
from sipwatch.report.plain import (
    CONDITION_WORDS,
    INFERRED_WORDS,
    TAG_WORDS,
)
from sipwatch.report.svg import ladder_svg
from sipwatch.report.wireshark import display_filter
from sipwatch.store.linked import FollowedLink, drawable, linked_calls
from sipwatch.store.missing import why_no_messages
from sipwatch.web.asked import path_to_calls
from sipwatch.web.attempts import Around, Attempts, CallBack, called_back, calls_around, is_marked_missed
from sipwatch.web.explained import explain_path
from sipwatch.web.facts import facts_of, hop
from sipwatch.web.raw import shown_messages
from sipwatch.web.registrations import registrations_path
from sipwatch.web.shown import CallRow, badge, reached_by, row
from sipwatch.web.why import reasons_for

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from sipwatch.export.record import CallRecord, EvidenceRecord
    from sipwatch.store.reader import Stored, StoreReader
    from sipwatch.web.site import Website

SCALE: Final = ("scale", "time")  # what an address asks for: distances that are times
ALONE: Final = ("calls", "alone")  # ... and no call that is linked with it in the picture
_PHONE: Final = 340  # px
_FEW: Final = 120  # messages of which a second picture, for phones, costs little


class _Whole(NamedTuple):
    """A call with its messages, and what lies around it; ``others`` can be drawn beside it.

    ``reached`` is how its caller was reached, if it was missed and is marked so.
    """

    stored: Stored
    call: CallRecord
    links: list[FollowedLink]
    others: list[CallRecord]
    around: Around
    reached: CallBack | None


def routes(site: Website) -> list[Route]:
    """Return the page's route."""

    async def call(request: Request) -> Response:
        wanted = str(request.path_params["id"])

        def question(reader: StoreReader) -> _Whole | None:
            stored = reader.call(wanted)
            if stored is None:
                return None
            record = reader.with_messages(stored.record)
            links, around = linked_calls(reader, record), calls_around(reader, record, site.region)
            found = called_back(reader, record, site.region) if is_marked_missed(record) else None
            return _Whole(stored, record, links, drawable(reader, links), around, found)

        found = await site.ask(question)
        return no_such_call(site, request) if found is None else _page(site, request, found)

    return [site.route("/calls/{id}", call, (SCALE[0], ALONE[0]))]


def no_such_call(site: Website, request: Request) -> Response:
    """Return the page that says that a call is not there, and why that may be."""
    words = "No call with this id is stored. It may not be over yet, or it was older than calls are kept."
    return site.told(request, 404, "No such call", words)


def _page(site: Website, request: Request, found: _Whole) -> Response:
    call = found.call
    knowledge = load()
    to_scale, alone = (request.query_params.get(key) == word for key, word in (SCALE, ALONE))
    entry = knowledge.outcome(call.outcome)
    ending = None if call.ending is None else knowledge.ending(call.ending)
    messages = shown_messages(call)
    return site.frame.page(
        request,
        "call.html",
        f"{call.caller or '?'} → {call.callee or '?'}: {name_of_call(call)}",
        call=call,
        badge=badge(call.outcome, name_of_call(call)),
        response=response_words(call),
        entry=entry,
        ending=ending,
        is_odd=call.ending is not None and call.ending not in UNREMARKABLE,
        reasons=reasons_for(call, knowledge),
        findings=[(knowledge.finding(one.kind).plain, one, _seen(call, one.evidence)) for one in call.findings],
        conditions=[(one, CONDITION_WORDS[one.kind]) for one in call.conditions],
        inferred=[(n + 1, INFERRED_WORDS[what]) for n, leg in enumerate(call.legs) for what in leg.inferred],
        tags=[(tag, TAG_WORDS[tag]) for tag in call.tags],
        facts=facts_of(call),
        legs=[(leg, name_of_leg(leg), hop(leg)) for leg in call.legs],
        pictures=_pictures(call, [] if alone else found.others, to_scale=to_scale),
        choices=_choices(to_scale=to_scale, alone=alone, has_others=bool(found.others)),
        taken="?" + urlencode([ALONE]) if alone else "",
        shown=messages,
        why_none=why_no_messages(found.stored),
        wireshark=display_filter([call]),
        links=[(one, _why_linked(one), None if one.call is None else _row(one.call)) for one in found.links],
        two=_rows(found.around.two),
        others=_rows(found.around.caller),
        calls_of=(path_to_calls(call.caller), path_to_calls(call.callee)),
        is_missed=is_marked_missed(call),
        reached=None if found.reached is None else reached_by(found.reached),
        why_unreached=_why_unreached(call),
        registered=_registered(call),
        path=explain_path,
        explain_code=None if call.status_code is None else f"status {call.status_code}",
    )


def _registered(call: CallRecord) -> list[tuple[str, str]]:
    """Return where it stands whether the two were registered on that day: who, and the path from the root on."""
    numbers = dict.fromkeys(number for number in (call.caller, call.callee) if number)
    return [(number, registrations_path(number, call.started.day)) for number in numbers]


def _row(stored: Stored) -> CallRow:
    return row(stored.record, stored.kept)


def _rows(attempts: Attempts) -> dict[str, object]:
    before, after = ([_row(one) for one in side] for side in attempts[:2])
    return {"before": before, "after": after, "why_not": attempts.why_not}


def _why_unreached(call: CallRecord) -> str:
    """Say what is known of the caller of a missed call where no later call reached him, as far as the store has any."""
    if path_to_calls(call.caller) is None:
        return "It cannot be looked for: the caller has no number by which calls are found."
    if Tag.CALLED_BACK in call.tags:
        return "Yes, says the mark that the daemon gave; the call that reached the caller is not in this store."
    return (
        "Not yet, as far as this store goes: no call from or to this number that began within a week was answered. One"
        " that is not over is not stored yet."
    )


def _choices(*, to_scale: bool, alone: bool, has_others: bool) -> list[list[tuple[str, str | None]]]:
    """Return what can be chosen of the ladder: in words, and where that leads, None where it is shown."""

    def choice(words: str, is_shown: bool, *pairs: tuple[str, str] | None) -> tuple[str, str | None]:
        return words, None if is_shown else f"?{urlencode([pair for pair in pairs if pair is not None])}#ladder"

    scale, which = SCALE if to_scale else None, ALONE if alone else None
    times = [choice("Even distances", not to_scale, which), choice("Distances are times", to_scale, SCALE, which)]
    calls = [choice("With the linked calls", not alone, scale), choice("This call alone", alone, scale, ALONE)]
    return [times, calls] if has_others else [times]


def _pictures(call: CallRecord, others: list[CallRecord], *, to_scale: bool) -> list[tuple[str, Markup]]:
    """Return the ladder, and one for narrow screens where that is little more; by what a style sheet knows them."""
    if not call.messages:
        return []
    wide = ladder_svg(call, others, to_scale=to_scale, links="#message-")
    found = [("wide", Markup(wide))]  # noqa: S704 - it escapes
    if sum(len(one.messages or ()) for one in (call, *others)) <= _FEW:
        narrow = ladder_svg(call, others, to_scale=to_scale, width=_PHONE, links="#message-")
        found.append(("narrow", Markup(narrow)))  # noqa: S704 - it escapes
    return found


def _why_linked(one: FollowedLink) -> tuple[str, str]:
    """Return what another call is to this one, and the word for why."""
    role = "" if one.link.role is None else one.link.role.replace("_", " ")
    names = {entry.key: entry.plain for entry in load().all(Topic.LINK)}
    return role, names.get(one.link.by, one.link.by)


def _seen(call: CallRecord, evidence: list[EvidenceRecord]) -> list[tuple[EvidenceRecord, int | None]]:
    """Return the evidence of a finding, each with the place of the message that it is, if it is kept."""
    places = {int(message.time): place for place, message in reversed(list(enumerate(call.messages or ())))}
    return [(one, places.get(int(one.time))) for one in evidence]
