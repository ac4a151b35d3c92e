"""A selection of calls as a file: ``/calls.csv``, ``/calls.jsonl``, and their packets as ``/calls.pcap``.

Must not know: how calls are read, pages. Rows are written as they are read, some hundred at a time, so that neither
memory nor other questions wait for a large file.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final, Protocol

from starlette.responses import Response, StreamingResponse

from sipwatch.capture.write import capture_file, extension
from sipwatch.export.writers import CsvWriter, JsonLinesWriter
from sipwatch.store.packets import packets_of
from sipwatch.store.selected import selected_messages
from sipwatch.web.asked import SELECTION
from sipwatch.web.frame import PRIVATE
from sipwatch.web.stored import Listed, listed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from typing import IO

    from starlette.requests import Request
    from starlette.routing import Route

    from sipwatch.export.record import CallRecord
    from sipwatch.store.reader import StoreReader
    from sipwatch.store.spool import Kept
    from sipwatch.web.asked import AskedFor
    from sipwatch.web.site import Website

MAX_ROWS: Final = 100_000  # calls of a file with rows
_AT_A_TIME: Final = 500
PCAP: Final = "application/vnd.tcpdump.pcap"


class _Taker(Protocol):
    """Writes calls."""

    def call(self, record: CallRecord) -> None:
        """Write one."""


def routes(site: Website) -> list[Route]:
    """Return the routes of all forms."""

    async def csv(request: Request) -> Response:
        return await _rows(site, request, CsvWriter, "text/csv; charset=utf-8; header=present", "calls.csv")

    async def lines(request: Request) -> Response:
        return await _rows(site, request, JsonLinesWriter, "application/x-ndjson", "calls.jsonl")

    async def pcap(request: Request) -> Response:
        asked = site.asked_for(request.query_params)
        found = await site.ask(lambda reader: selected_messages(reader, asked.wanted))
        if not found.messages:
            return site.told(request, 404, "No packets", found.why_none)
        return await site.ask(lambda _: capture_of(found.messages, "calls"))

    paths = {"/calls.csv": csv, "/calls.jsonl": lines, "/calls.pcap": pcap}
    return [site.route(path, answer, SELECTION) for path, answer in paths.items()]


def capture_of(messages: list[Kept], name: str) -> Response:
    """Return a capture file of messages."""
    packets = packets_of(messages).saved
    return Response(capture_file(packets), headers=attached(f"{name}.{extension(packets)}"), media_type=PCAP)


def attached(name: str) -> dict[str, str]:
    """Return the headers of an answer that is a file; ``name`` is one of ours."""
    return {**PRIVATE, "Content-Disposition": f'attachment; filename="{name}"'}


async def _rows(
    site: Website, request: Request, writer_to: Callable[[IO[bytes]], _Taker], media_type: str, name: str
) -> Response:
    asked = site.asked_for(request.query_params)
    out = io.BytesIO()
    writer = writer_to(out)
    first = await site.ask(
        _step(asked, None, writer, min(MAX_ROWS, _AT_A_TIME))
    )  # what is wrong shows before the answer begins
    if request.method == "HEAD":
        return Response(headers=attached(name), media_type=media_type)
    pieces = _pieces(site, asked, writer, out, first)
    return StreamingResponse(pieces, headers=attached(name), media_type=media_type)


async def _pieces(
    site: Website, asked: AskedFor, writer: _Taker, out: io.BytesIO, page: Listed
) -> AsyncIterator[bytes]:
    left = MAX_ROWS - len(page.calls)
    while True:
        yield out.getvalue()
        out.seek(0)
        out.truncate()
        if page.older is None or left <= 0:
            return
        page = await site.ask(_step(asked, page, writer, min(left, _AT_A_TIME)))
        left -= len(page.calls)


def _step(asked: AskedFor, before: Listed | None, writer: _Taker, most: int) -> Callable[[StoreReader], Listed]:
    def question(reader: StoreReader) -> Listed:
        page = listed(reader, asked.wanted, most, behind=None if before is None else before.older)
        for one in page.calls:
            writer.call(one.record)
        return page

    return question
