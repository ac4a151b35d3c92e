"""Which earlier call another goes on with, where nothing says so but numbers, time, place and session description.

Must not know: what else links calls, words, records.

A B2BUA that hands nothing on but the session description is known by that: the host that received an INVITE sends
another within moments, with the same caller or callee, and with the same description or at least the same place for the
media. Each of these can be chance. So a call must be the only one that it can be; where there are two, nobody is taken.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sipwatch.classify.callbacks import ANONYMOUS
from sipwatch.classify.findings import said
from sipwatch.classify.numbers import same_number
from sipwatch.classify.past import Table, call_id
from sipwatch.classify.remembered import LIST, SLOT, of_id, of_text
from sipwatch.track.bindings import short
from sipwatch.wire.sip import header, uri_of, user_of

if TYPE_CHECKING:
    from sipwatch.classify.remembered import Memory
    from sipwatch.track.call import Call
    from sipwatch.track.leg import Leg
    from sipwatch.wire.message import Message

MAX_DESCRIPTIONS: Final = 10_000  # remembered at a time, by the host that received them
MAX_ALIKE: Final = 8  # calls with one description at one host; with more nobody is taken
_EACH: Final = SLOT + LIST
_DESCRIBED: Final = 250
_ORIGIN: Final = re.compile(rb"\no=([^\r\n]+)")
_CONNECTION: Final = re.compile(rb"\nc=IN IP[46] ([^\r\n]+)")
_MEDIUM: Final = re.compile(rb"\nm=[a-z]+ ([0-9]+)")
_NOWHERE: Final = frozenset({b"0.0.0.0", b"::"})


class Described:
    """The description that a host was sent in a call: when (ns), and between which numbers."""

    __slots__ = ("at", "callee", "caller", "name", "serial", "size")

    def __init__(self, call: Call, leg: Leg, caller: str, callee: str) -> None:
        self.serial = call.serial
        self.name = call_id(call)
        self.at = leg.started
        self.caller = caller
        self.callee = callee
        self.size = _DESCRIBED + of_id(self.name) + of_text(caller) + of_text(callee)


class Descriptions:
    """Remembers what hosts were offered within moments, and finds what they have made of it."""

    def __init__(self, memory: Memory) -> None:
        self.table: Table[list[Described]] = Table(MAX_DESCRIPTIONS, memory, _EACH)

    def begun(self, leg: Leg, within: int, region: str | None) -> list[Described]:
        """Take a hop that has just begun; return the calls that it may go on with, at most ``within`` ns older."""
        descriptions = descriptions_of(leg.invite)
        if not descriptions:
            return []
        call = leg.call
        self._forget(leg.started - within)
        caller = said(user_of(uri_of(header(leg.invite.raw, b"from", b"f"))))
        this = Described(call, leg, caller, said(user_of(leg.invite.request_uri)))
        found = self._like(this, leg, descriptions, within, region) if len(call.legs) == 1 else []
        for description in descriptions:
            self._add(leg.path.destination_address + description, this, within)
        return found

    def _like(
        self, this: Described, leg: Leg, descriptions: list[bytes], within: int, region: str | None
    ) -> list[Described]:
        found: dict[int, Described] = {}
        for description in descriptions:
            known = self.table.get(leg.path.source_address + description) or []
            known = [one for one in known if this.at - one.at <= within]
            if len(known) >= MAX_ALIKE:
                return []
            for one in known:
                if one.name[:2] != this.name[:2] and _same_people(one, this, region):
                    found[one.serial] = one
        return list(found.values())

    def _add(self, key: bytes, this: Described, within: int) -> None:
        known = [one for one in self.table.get(key) or () if this.at - one.at <= within and one.serial != this.serial]
        if len(known) >= MAX_ALIKE:
            del known[0]
            self.table.evicted += 1
        known.append(this)
        self.table.put(key, known, len(key) + sum([one.size for one in known]))

    def _forget(self, before: int) -> None:
        """Forget what is too old to be gone on with, of which the oldest comes first."""
        entries = self.table.entries
        while entries:
            oldest = next(iter(entries))
            if entries[oldest][-1].at >= before:
                return
            self.table.drop(oldest)


def descriptions_of(message: Message) -> list[bytes]:
    """Return what the session description in a message is known by: its origin, and where its first medium goes.

    RFC 4566 §5.2, §5.7, §5.14. There are none without a description, and no place for what is on hold or refused.
    """
    _, blank, body = message.raw.partition(b"\r\n\r\n")
    if not blank:
        _, _, body = message.raw.partition(b"\n\n")
    origin = _ORIGIN.search(body)
    if origin is None:
        return []
    found = [b"o=" + short(origin[1].strip())]
    connection, medium = _CONNECTION.search(body), _MEDIUM.search(body)
    if connection is not None and medium is not None:
        place, port = connection[1].strip(), medium[1]
        if place not in _NOWHERE and port.strip(b"0"):
            found.append(b"c=" + short(place + b" " + port))
    return found


def _same_people(one: Described, other: Described, region: str | None) -> bool:
    """Tell whether two calls have the same caller or callee; who hides his number is nobody's like."""
    if same_number(one.callee, other.callee, region):
        return True
    return one.caller.strip().lower() not in ANONYMOUS and same_number(one.caller, other.caller, region)
