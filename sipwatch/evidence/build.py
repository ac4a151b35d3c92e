"""From chosen calls and their packets to a package, covered as the policy asks.

Must not know: where captures are read, or where the package is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from sipwatch.capture.write import Saved, capture_file, extension
from sipwatch.evidence import page, plain, sheets
from sipwatch.evidence.facts import Capture, Example
from sipwatch.evidence.render import Unsafe, render
from sipwatch.export import scrub
from sipwatch.export.moments import Moment
from sipwatch.export.privacy import policy_of
from sipwatch.export.rawmask import Disguise
from sipwatch.export.record import MessageRecord
from sipwatch.packet import SECOND
from sipwatch.wire.message import Unreachable, decoded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sipwatch.classify.peers import Privacy
    from sipwatch.evidence.cut import Cutter, Found
    from sipwatch.evidence.facts import Package
from sipwatch.export.record import CallRecord

_NOT_FOUND = "the capture does not hold them any more"
_MIN_FRAME_SIZE = 60  # bytes; what a packet without content says that it was at least


class Builder:
    """Makes the examples. ``captures`` gathers their packet captures, as (name, content)."""

    def __init__(self, cutter: Cutter, privacy: Privacy, peer: str) -> None:
        self._cutter = cutter
        self._privacy = privacy
        self._policy = policy_of(privacy)
        self._peer = peer
        self.captures: list[tuple[str, bytes]] = []

    def example(self, number: int, call: CallRecord) -> Example:
        """Make one example; its packets are left out when they cannot be covered for certain."""
        found = self._cutter.messages(call)
        whole = replace(call, messages=list(_records(found)))
        shown = whole if self._policy is None else self._policy.call(whole)
        return Example(number, shown, self._capture(number, call, found), self._peer)

    def _capture(self, number: int, call: CallRecord, found: Sequence[Found]) -> Capture:
        left_out = self._cutter.left_out(call)
        if not found:
            return Capture(None, why_not=_NOT_FOUND)
        try:
            packets = render(found, Disguise(self._privacy, [one.raw for one in found]))
        except Unsafe as unsafe:
            return Capture(None, left_out=left_out, why_not=str(unsafe))
        witness = self._cutter.witness(call, found)
        after = None
        if witness is not None:
            time, length = witness
            after = (time - packets[-1].time) / SECOND
            packets.append(Saved(time, packets[0].link_type, b"", max(length, _MIN_FRAME_SIZE)))
        # Both parts are ours: a number and hexadecimal digits.
        name = f"examples/{number:03d}-{call.id}.{extension(packets)}"
        self.captures.append((name, capture_file(packets)))
        return Capture(name, len(packets), left_out, witness=after)


def entries(package: Package, captures: Sequence[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """Yield what the zip holds, as (name, content)."""
    yield "index.html", page.page(package).encode("utf-8", "backslashreplace")
    yield "index.txt", plain.plain(package).encode("utf-8", "backslashreplace")
    yield "examples.csv", sheets.examples(package).encode("utf-8", "backslashreplace")
    yield "summary.csv", sheets.summary(package).encode("utf-8", "backslashreplace")
    yield from captures


def _records(found: Sequence[Found]) -> Iterator[MessageRecord]:
    """Yield the messages as records, without secrets, and without the copies that only the capture made."""
    before: set[tuple[bytes, bytes]] = set()
    for one in found:
        item = one.item
        if isinstance(item, Unreachable) or one.trace.copy:
            continue
        key = (item.path.key, one.raw)
        raw = decoded(scrub.payload(one.raw))
        first_line = raw.partition("\n")[0].rstrip("\r")
        ends = (item.path.source, item.path.destination)
        # An example lists what was said; which transaction it belonged to is not asked there.
        yield MessageRecord(Moment(item.time), *ends, first_line, key in before, True, raw)
        before.add(key)
