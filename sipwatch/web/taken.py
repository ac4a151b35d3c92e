"""One call to take along, under ``/calls/{id}/``: its ladder as SVG and for Mermaid, its packets, scenarios for SIPp.

Must not know: how calls are read, how each of these is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from starlette.responses import Response

from sipwatch.report.mermaid import mermaid_text
from sipwatch.report.sipp import NothingToPlayError, PlayedSide, sipp_scenario
from sipwatch.report.svg import ladder_svg
from sipwatch.store.linked import drawable, linked_calls
from sipwatch.store.missing import why_no_messages
from sipwatch.web.call import ALONE, no_such_call
from sipwatch.web.downloads import attached, capture_of
from sipwatch.web.frame import PRIVATE

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.routing import Route

    from sipwatch.export.record import CallRecord
    from sipwatch.store.reader import Stored, StoreReader
    from sipwatch.web.site import Website


class _Form(NamedTuple):
    """A form in which a call, with those linked with it, can be taken along.

    It has a type, who writes it, and whether it is for a program's folder.
    """

    media_type: str
    write: Callable[[CallRecord, list[CallRecord]], str]
    is_file: bool


_FORMS: Final = {
    "ladder.svg": _Form("image/svg+xml", ladder_svg, is_file=False),
    "ladder.mmd": _Form("text/plain; charset=utf-8", mermaid_text, is_file=False),
    "sipp-caller.xml": _Form("application/xml", lambda call, _: sipp_scenario(call, PlayedSide.CALLER), is_file=True),
    "sipp-callee.xml": _Form("application/xml", lambda call, _: sipp_scenario(call, PlayedSide.CALLEE), is_file=True),
}


def routes(site: Website) -> list[Route]:
    """Return the routes of all forms."""

    def one(name: str, form: _Form) -> Route:
        async def taken(request: Request) -> Response:
            wanted = str(request.path_params["id"])
            alone = request.query_params.get(ALONE[0]) == ALONE[1]
            found = await site.ask(lambda reader: _with_messages(reader, wanted, alone=alone or form.is_file))
            if found is None:
                return no_such_call(site, request)
            stored, call, others = found
            if not call.messages:
                return _nothing(site, request, stored)
            try:
                text = await site.ask(lambda _: form.write(call, others))
            except NothingToPlayError as error:
                return site.told(request, 404, "No such scenario", f"There is none to play: {error}.")
            headers = attached(f"{call.id}-{name}") if form.is_file else PRIVATE
            return Response(text, headers=headers, media_type=form.media_type)

        return site.route(f"/calls/{{id}}/{name}", taken, (ALONE[0],))

    async def pcap(request: Request) -> Response:
        wanted = str(request.path_params["id"])
        found = await site.ask(lambda reader: _packets(reader, wanted))
        if found is None:
            return no_such_call(site, request)
        return found if isinstance(found, Response) else _nothing(site, request, found)

    return [*(one(name, form) for name, form in _FORMS.items()), site.route("/calls/{id}/call.pcap", pcap)]


def _nothing(site: Website, request: Request, stored: Stored) -> Response:
    return site.told(request, 404, "No messages", why_no_messages(stored))


def _with_messages(
    reader: StoreReader, wanted: str, *, alone: bool
) -> tuple[Stored, CallRecord, list[CallRecord]] | None:
    """Return a call, the same with messages and, unless it is wanted ``alone``, those that can be drawn beside it."""
    stored = reader.call(wanted)
    if stored is None:
        return None
    others = [] if alone else drawable(reader, linked_calls(reader, stored.record))
    return stored, reader.with_messages(stored.record), others


def _packets(reader: StoreReader, wanted: str) -> Response | Stored | None:
    """Return a capture file of a call's messages, the call where there are none, None without the call."""
    stored = reader.call(wanted)
    if stored is None:
        return None
    messages = [kept.message for kept in reader.messages(stored.record)]
    return capture_of(messages, stored.record.id) if messages else stored
