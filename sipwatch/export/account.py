"""What an engine has to say of its work: messages counted, what was not used, what is remembered and was given up.

Must not know: formats, metric families, how any of it came about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sipwatch.classify.past import Counts, counts
from sipwatch.export.by_wall import by_wall
from sipwatch.export.findings import capture_finding_record, device_record
from sipwatch.export.gaps import gaps
from sipwatch.export.moments import Moment
from sipwatch.export.record import CaptureRecord, SummaryRecord
from sipwatch.track import tracker
from sipwatch.track.events import Notice
from sipwatch.track.room import SERIES
from sipwatch.track.traffic import OTHER_CODE, OTHER_METHOD
from sipwatch.wire.discards import Discard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sipwatch.classify.desk import Desk
    from sipwatch.classify.diagnosis import Diagnosis
    from sipwatch.classify.peers import Directory
    from sipwatch.classify.wall import Wall
    from sipwatch.export.summary import Summary
    from sipwatch.track.tracker import Tracker
    from sipwatch.wire.decoder import Decoder

MAX_DEVICES = 50  # shown, the worst first


class Working(Protocol):
    """What an account is given of: an engine."""

    decoder: Decoder
    tracker: Tracker
    directory: Directory
    diagnosis: Diagnosis | None
    desk: Desk
    wall: Wall


class Read(Protocol):
    """What files gave: packets, the times of the first and the last (ns), and what they say of those they lack."""

    @property
    def files(self) -> Sequence[str]:
        """Which files were read."""

    @property
    def packets(self) -> int:
        """How many packets they hold."""

    @property
    def first(self) -> int | None:
        """When the first packet came."""

    @property
    def last(self) -> int | None:
        """When the last one did."""

    @property
    def media(self) -> int:
        """How many were kept away, since they can hold no SIP."""

    @property
    def dropped(self) -> int:
        """How many were lost while capturing."""


class Account:
    """Counts of one engine, made when somebody asks."""

    def __init__(self, engine: Working) -> None:
        self._engine = engine

    @property
    def requests(self) -> dict[str, int]:
        """Count requests by method; of those that strangers invent, most are ``other``."""
        traffic = self._engine.tracker.traffic
        found: dict[str, int] = dict(traffic.invented)
        for pair in traffic.all_pairs():
            for method, count in pair.requests.items():
                if method != OTHER_METHOD:
                    found[method] = found.get(method, 0) + count
        return found

    @property
    def responses(self) -> dict[int, int]:
        """Count responses by status code."""
        traffic = self._engine.tracker.traffic
        found: dict[int, int] = dict(traffic.unregistered)
        for pair in traffic.all_pairs():
            for codes in pair.responses.values():
                for code, count in codes.items():
                    if code != OTHER_CODE:
                        found[code] = found.get(code, 0) + count
        for code in traffic.early:
            found[code] = found.get(code, 0) + 1
        return found

    @property
    def notices(self) -> dict[str, int]:
        """Count what was met out of the ordinary, and read or followed all the same."""
        tracked = {notice.value: count for notice, count in self._engine.tracker.notices.items()}
        return dict(sorted({**self._engine.decoder.notices, **tracked}.items()))

    @property
    def tracked(self) -> dict[str, int]:
        """Count the entries of each table right now."""
        engine = self._engine
        tracked = {**engine.decoder.tracked, **engine.tracker.tracked, **engine.directory.tracked}
        tracked["series"] = engine.tracker.traffic.room.taken
        return tracked | self._remembered.entries

    @property
    def taken(self) -> dict[str, int]:
        """Say how many bytes each table that is bounded by them takes right now."""
        tracker, remembered = self._engine.tracker, self._remembered.bytes
        if "callbacks" in remembered:
            remembered["callbacks"] += self._engine.desk.bytes  # the records of the calls that wait
        series = tracker.traffic.room.taken * SERIES
        return {**self._engine.decoder.taken, **tracker.taken, "series": series, **remembered}

    @property
    def evicted(self) -> dict[str, int]:
        """Count what each table had to give up; tables that gave up nothing are left out."""
        engine = self._engine
        evicted = {**engine.decoder.evicted, **engine.tracker.evicted, **engine.directory.evicted}
        return evicted | self._remembered.evicted

    @property
    def _remembered(self) -> Counts:
        diagnosis = self._engine.diagnosis
        return counts({**({} if diagnosis is None else diagnosis.tables), **self._engine.desk.tables})

    def capture(self, source: Read) -> CaptureRecord:
        """Say what was read, and what of it was not used."""
        discards = dict(self._engine.decoder.discards)
        duplicates = discards.pop(Discard.DUPLICATE, 0)
        if source.media:
            discards[Discard.MEDIA] = discards.get(Discard.MEDIA, 0) + source.media
        requests, responses = self.requests, self.responses
        orphans = self._engine.tracker.notices.get(Notice.RESPONSE_WITHOUT_REQUEST, 0)
        return CaptureRecord(
            files=list(source.files),
            first=None if source.first is None else Moment(source.first),
            last=None if source.last is None else Moment(source.last),
            packets=source.packets,
            messages=sum(requests.values()) + sum(responses.values()),
            requests=dict(sorted(requests.items())),
            responses={str(code): count for code, count in sorted(responses.items())},
            duplicates=duplicates,
            discards={reason.value: count for reason, count in sorted(discards.items())},
            notices=self.notices,
            evicted=self.evicted,
            gaps=gaps(discards, requests, responses, source.dropped, orphans),
        )

    def whole(self, summary: Summary) -> SummaryRecord:
        """Return a summary of calls together with what was found beside them."""
        diagnosis = self._engine.diagnosis
        if diagnosis is None:
            return summary.to_record()
        devices = [device_record(device) for device in diagnosis.worst_devices(MAX_DEVICES)]
        found = [capture_finding_record(whole) for whole in diagnosis.capture_findings()]
        return by_wall(summary.to_record(found, devices), self._engine.wall)


def implementation() -> str:
    """Say which form of the engine runs: interpreted, or compiled from the same source."""
    return "interpreted" if (tracker.__file__ or "").endswith(".py") else "compiled"
