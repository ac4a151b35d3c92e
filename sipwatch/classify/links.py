"""Which calls belong to one conversation: those that a B2BUA has made of it, and those that a transfer has.

Must not know: words, records, who asks. Linked calls stay calls of their own: nothing is counted by a link.

A call is linked with others when its first INVITE comes (on any hop), or when its verdict falls, by what its answer
says. Both calls are told of it, as long as they are open; whoever is over by then has left without it. So the later
call names the earlier, always, and the earlier the later where they overlap, as those of a conversation do.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sipwatch.classify.alike import Descriptions
from sipwatch.classify.past import CallId, Table, call_id
from sipwatch.classify.remembered import LIST, SLOT, of_id
from sipwatch.packet import SECOND
from sipwatch.track.bindings import short
from sipwatch.wire.compact import both_forms
from sipwatch.wire.sip import header

if TYPE_CHECKING:
    from collections.abc import Callable

    from sipwatch.classify.families.transfer import Transfers
    from sipwatch.classify.peers import Settings
    from sipwatch.classify.remembered import Memory
    from sipwatch.track.call import Call
    from sipwatch.track.leg import Leg
    from sipwatch.wire.message import Message, Request


class LinkedBy(StrEnum):
    """Why two calls are taken to be of one conversation."""

    REPLACES = "replaces"  # the one takes the place of the other's dialog (RFC 3891)
    REFERRED = "referred"  # a REFER in the one set up the other (RFC 3515, RFC 3892)
    HEADER = "header"  # both have the same value in a header that the configuration names
    SESSION_ID = "session_id"  # both have the same UUID (RFC 7989)
    NUMBERS = "numbers"  # numbers, time, place and SDP agree, and no other call's do


class LinkRole(StrEnum):
    """What the other call is to this one, where that is proven."""

    UPSTREAM = "upstream"  # nearer the caller: this call comes from a host that the other one had reached
    DOWNSTREAM = "downstream"
    REPLACED = "replaced"
    REPLACING = "replacing"
    TRANSFERRING = "transferring"  # the REFER was in it
    TRANSFERRED = "transferred"  # set up by the REFER


_OPPOSITE: Final = {
    LinkRole.UPSTREAM: LinkRole.DOWNSTREAM,
    LinkRole.DOWNSTREAM: LinkRole.UPSTREAM,
    LinkRole.REPLACED: LinkRole.REPLACING,
    LinkRole.REPLACING: LinkRole.REPLACED,
    LinkRole.TRANSFERRING: LinkRole.TRANSFERRED,
    LinkRole.TRANSFERRED: LinkRole.TRANSFERRING,
}

MAX_LINKS: Final = 8  # of one call: the first, and the latest
MAX_SHARED: Final = 8  # calls remembered with one identifier: the first, and the latest
MAX_KEYS: Final = 20_000  # identifiers remembered at a time
MAX_LINKED: Final = 20_000  # calls with links at a time
LASTS: Final = 4 * 3600 * SECOND  # between the beginnings of two calls with one identifier
_EACH: Final = SLOT + LIST
_KNOWN: Final = 120
_LINK: Final = 80
_NULL: Final = b"0" * 32
_HEX: Final = frozenset(b"0123456789abcdef")
_SESSION_ID: Final = b"session-id"
_REPLACES: Final = b"replaces"
_BY_TRANSFER: Final = frozenset({_REPLACES, *both_forms(b"referred-by")})


class Link:
    """A call's link with another: which one, why, and what the other is to it if that is proven."""

    __slots__ = ("by", "other", "role", "size")

    def __init__(self, other: CallId, by: LinkedBy, role: LinkRole | None) -> None:
        self.size = _LINK + of_id(other)
        self.other = other
        self.by = by
        self.role = role


class LinkedCall:
    """A call that was seen, and what it takes to remember it (bytes)."""

    __slots__ = ("name", "serial", "size")

    def __init__(self, serial: int, name: CallId) -> None:
        self.size = _KNOWN + of_id(name)
        self.serial = serial
        self.name = name


class Links:
    """Takes what identifies calls, and remembers which of them belong together.

    ``latest`` returns the latest call with a Call-ID that is open.
    """

    def __init__(
        self, settings: Settings, memory: Memory, transfers: Transfers, latest: Callable[[bytes], Call | None]
    ) -> None:
        self.keys: Table[list[LinkedCall]] = Table(MAX_KEYS, memory, _EACH)
        self.by_call: Table[list[Link]] = Table(MAX_LINKED, memory, _EACH)  # by the serial of the call
        self.descriptions = Descriptions(memory)
        self._transfers = transfers
        self._latest = latest
        self.use(settings)

    def use(self, settings: Settings) -> None:
        """Link by other settings from now on."""
        linking = settings.linking
        self._by_numbers = linking.by_numbers
        self._within = linking.numbers_within
        self._region = None if settings.callback is None else settings.callback.region
        self._session_id = linking.session_id
        self._by_transfer = linking.transfers
        self._headers = [both_forms(name.encode()) for name in linking.headers]
        wanted = {name for forms in self._headers for name in forms if name}
        if linking.session_id:
            wanted.add(_SESSION_ID)
        if linking.transfers:
            wanted |= _BY_TRANSFER
        self._wanted = frozenset(wanted)

    def begun(self, leg: Leg) -> None:
        """Take a hop that has just begun."""
        if not self._wanted.isdisjoint(leg.invite.names):
            self._labels(leg.call, leg.invite)
        if self._by_numbers and leg.invite_seen:
            self._alike(leg)

    def _labels(self, call: Call, invite: Request) -> None:
        """Link by what an INVITE itself says."""
        if self._by_transfer and len(call.legs) == 1 and not _BY_TRANSFER.isdisjoint(invite.names):
            self._replacing(call)
            self._referred(call)
        for name, compact in self._headers:
            if name in invite.names or compact in invite.names:
                self._labelled(call, invite, name, compact)
        if self._session_id and _SESSION_ID in invite.names:
            self._of_session(call, invite)

    def settled(self, call: Call) -> None:
        """Take a call whose verdict has fallen: who knows no Session-ID is told of it by who answers (RFC 7989 §7)."""
        leg = call.upstream
        final = None if leg is None else leg.final
        if final is None or not self._session_id or _SESSION_ID not in final.names:
            return
        if _SESSION_ID not in call.legs[0].invite.names:
            self._of_session(call, final)

    def of(self, call: Call) -> list[Link]:
        """Return the links of a call that is over, in the order in which the others began; they are forgotten."""
        links = self.by_call.get(call.serial)
        self.by_call.drop(call.serial)
        return [] if links is None else sorted(links, key=_began)

    # What links

    def _replacing(self, call: Call) -> None:
        """Link with the call whose dialog this one replaces: that with the tags that the Replaces names."""
        value = header(call.legs[0].invite.raw, _REPLACES)
        if not value:
            return
        parts = value.split(b";")
        to_tag, from_tag = _parameter(parts, b"to-tag"), _parameter(parts, b"from-tag")
        other = self._latest(parts[0].strip())
        while other is not None:
            if _has_dialog(other, to_tag, from_tag) or _has_dialog(other, from_tag, to_tag):
                self._link(call, LinkedCall(other.serial, call_id(other)), LinkedBy.REPLACES, LinkRole.REPLACED)
                return
            other = other.sibling

    def _referred(self, call: Call) -> None:
        """Link with the call in which a REFER asked for this one, and was not refused."""
        transfer = self._transfers.that_set_up(call)
        if transfer is None:
            return
        other = LinkedCall(transfer.serial, transfer.call)
        open_still = self._open(other)
        if not (transfer.refused if open_still is None else self._transfers.is_refused(open_still, transfer)):
            self._link(call, other, LinkedBy.REFERRED, LinkRole.TRANSFERRING)

    def _labelled(self, call: Call, invite: Message, name: bytes, compact: bytes) -> None:
        """Link by a header: others have the same value in it, or it is the Call-ID of another."""
        value = header(invite.raw, name, compact)
        if not value:
            return
        other = self._latest(value)
        if other is not None:
            self._link(call, LinkedCall(other.serial, call_id(other)), LinkedBy.HEADER, None)
        self._share(call, name + b":" + short(value), LinkedBy.HEADER)

    def _of_session(self, call: Call, message: Message) -> None:
        for identifier in identifiers(header(message.raw, _SESSION_ID)):
            self._share(call, b";" + identifier, LinkedBy.SESSION_ID)

    def _share(self, call: Call, key: bytes, by: LinkedBy) -> None:
        """Link with the calls that have an identifier, too."""
        before = self.keys.touch(key)
        known: list[LinkedCall] = []
        for one in before or ():
            if one.serial == call.serial:
                return
            if call.started - one.name[2] <= LASTS:
                known.append(one)
        for one in known:
            self._link(call, one, by, None)
        if len(known) >= MAX_SHARED:
            del known[1]
            self.keys.evicted += 1
        known.append(LinkedCall(call.serial, call_id(call)))
        self.keys.put(key, known, len(key) + sum([one.size for one in known]))

    def _alike(self, leg: Leg) -> None:
        """Link with the one call that a host goes on with, while that has no final response yet."""
        candidates = [
            (one, call)
            for one in self.descriptions.begun(leg, self._within, self._region)
            for call in [self._open(LinkedCall(one.serial, one.name))]
            if call is not None and _is_undecided(call)
        ]
        if len(candidates) == 1:
            one, _ = candidates[0]
            self._link(leg.call, LinkedCall(one.serial, one.name), LinkedBy.NUMBERS, LinkRole.UPSTREAM)

    # Links

    def _link(self, call: Call, other: LinkedCall, by: LinkedBy, role: LinkRole | None) -> None:
        """Let two calls name each other, unless the other is an earlier try of the same."""
        if other.serial == call.serial or other.name[:2] == (call.call_id, call.from_tag):
            return
        mine = self._links_of(call.serial)
        for link in mine:
            if link.other == other.name:
                return
        theirs = self._open(other)
        if role is None and theirs is not None:
            role = _role(call, theirs)
        self._add(call.serial, mine, Link(other.name, by, role))
        if theirs is not None:
            link = Link(call_id(call), by, None if role is None else _OPPOSITE[role])
            self._add(other.serial, self._links_of(other.serial), link)

    def _links_of(self, serial: int) -> list[Link]:
        """Return the links of an open call, which has none as a rule."""
        links = self.by_call.get(serial)
        return [] if links is None else links

    def _add(self, serial: int, links: list[Link], link: Link) -> None:
        """Note a link of a call that has these: of more than there is room for the first stays, and the latest."""
        if len(links) >= MAX_LINKS:
            del links[1]
            self.by_call.evicted += 1
        links.append(link)
        if len(links) == 1:
            self.by_call.put(serial, links, link.size)
        else:
            self.by_call.weigh(serial, sum([one.size for one in links]))

    def _open(self, known: LinkedCall) -> Call | None:
        """Return a call that was seen, None when it is over."""
        call = self._latest(known.name[0])
        while call is not None and call.serial != known.serial:
            call = call.sibling
        return call


def identifiers(value: bytes) -> list[bytes]:
    """Return the UUIDs of a Session-ID, the sender's first, without those that stand for nobody's yet (RFC 7989 §5).

    Their order is left to whoever sends: each side's own comes first. An older form has no ``remote`` (RFC 7329); the
    one UUID in it is that of the whole session, which a B2BUA hands on just so.
    """
    parts = value.split(b";")
    both = parts[0].strip().lower(), _parameter(parts, b"remote").lower()
    return [uuid for uuid in both if len(uuid) == len(_NULL) and uuid != _NULL and _HEX.issuperset(uuid)]


def _parameter(parts: list[bytes], wanted: bytes) -> bytes:
    """Return the value of a parameter, ``b""`` without it; the first part is what they are of."""
    for part in parts[1:]:
        name, _, value = part.partition(b"=")
        if name.strip().lower() == wanted:
            return value.strip()
    return b""


def _has_dialog(call: Call, callers: bytes, callees: bytes) -> bool:
    """Tell whether a call has a dialog with these tags; of one that nobody has answered the callee's may be any."""
    if call.from_tag != callers:
        return False
    return call.dialogs is None or not call.dialogs.all or call.dialogs.find(callees) is not None


def _is_undecided(call: Call) -> bool:
    for leg in call.legs:
        if leg.final is not None:
            return False
    return not call.settled


def _role(call: Call, other: Call) -> LinkRole | None:
    """Return what another call is to one: the later of two that comes from where the earlier got is behind it."""
    if other.started <= call.started:
        return LinkRole.UPSTREAM if _came_from(call, other) else None
    return LinkRole.DOWNSTREAM if _came_from(other, call) else None


def _came_from(later: Call, earlier: Call) -> bool:
    source = later.legs[0].path.source_address
    for leg in earlier.legs:  # noqa: SIM110 - quicker than any()
        if leg.path.destination_address == source:
            return True
    return False


def _began(link: Link) -> tuple[int, bytes, bytes]:
    return link.other[2], link.other[0], link.other[1]
