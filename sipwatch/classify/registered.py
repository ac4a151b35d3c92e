"""How registering went last, for whom, from where and at which registrar: so that a refusal can be explained by it.

Must not know: clocks, words, calls. Every table is bounded: the entry that was touched longest ago goes, and is
counted.

One failure says little: another device of the same user may be registered all the while, the same one may have moved
to another address or another registrar, and behind one address there may be an office. So nobody counts as inactive
as long as anything that was seen speaks for him.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.classify.findings import Evidence, seen
from sipwatch.classify.hops import private_host
from sipwatch.classify.past import Bounded, Table
from sipwatch.classify.remembered import DICT, LIST, PAIR_KEY, SLOT, Memory, of_evidence, of_text
from sipwatch.packet import SECOND
from sipwatch.track.bindings import DEFAULT_EXPIRES, contacts_of, expires_of, short
from sipwatch.track.events import Registration, RegistrationOutcome
from sipwatch.track.table import TIMER_F
from sipwatch.wire.message import address_text
from sipwatch.wire.sip import user_of

if TYPE_CHECKING:
    from sipwatch.wire.message import Response

MAX_REGISTRATIONS: Final = 40_000
MAX_LINES: Final = 256  # of one address that are looked through for the one that is meant
_REGISTERED: Final = 400
_ADDRESS: Final = SLOT + 90  # with a packed address or an end as its key, and a time
_AOR: Final = SLOT + 170  # ... with an address of record, and two times
_GROUP: Final = SLOT + PAIR_KEY + DICT + LIST
_IN_GROUP: Final = SLOT + 60


class Registered(NamedTuple):
    """How registering went last: when it was asked for and when the result was known (ns), until when it holds.

    ``until`` is 0 where it does not. What was asked for later counts: a challenge that nobody answers has its result
    only after 32 s, when another attempt may have succeeded long since.
    """

    outcome: str
    status_code: int
    asked: int
    at: int
    until: int
    evidence: Evidence
    private_contact: str  # the address the device gave as its own, where that is a private one; "" else
    aor: bytes
    contact: bytes  # the user part of the address that the device gave as its own: what it is reached by


class Group:
    """Results that have something in common, by what tells them apart; ``cut`` says that some were given up."""

    __slots__ = ("cut", "entries")

    def __init__(self) -> None:
        self.entries: dict[bytes, Registered] = {}
        self.cut = False


class Groups:
    """Results in groups, bounded in all: of the group that was touched longest ago the oldest goes."""

    def __init__(self, limit: int, memory: Memory | None = None) -> None:
        self.evicted = 0
        self.bytes = 0
        self._memory = Memory() if memory is None else memory
        self._memory.share(self)
        self._limit = limit
        self._count = 0
        self._groups: dict[tuple[bytes, bytes], Group] = {}

    def __len__(self) -> int:
        return self._count

    def get(self, key: tuple[bytes, bytes]) -> Group | None:
        """Return a group, None where there is none."""
        return self._groups.get(key)

    def add(self, key: tuple[bytes, bytes], inner: bytes, entry: Registered) -> None:
        """Put a result, unless there is that of a later attempt."""
        group = self._groups.pop(key, None)
        grown = 0
        if group is None:
            group = Group()
            grown = _GROUP + len(key[1])
        self._groups[key] = group
        before = group.entries.pop(inner, None)
        if before is None:
            self._count += 1
            grown += _IN_GROUP + len(inner)
        else:
            grown -= _size(before)
            if before.asked > entry.asked:
                entry = before
        group.entries[inner] = entry
        self._memory.grow(self, grown + _size(entry))
        if self._count > self._limit:
            self.forget_oldest()

    def forget_oldest(self) -> None:
        """Give up the oldest result of the group that was touched longest ago, and count it."""
        key = next(iter(self._groups))
        group = self._groups[key]
        inner = next(iter(group.entries))
        less = _IN_GROUP + len(inner) + _size(group.entries.pop(inner))
        group.cut = True
        if not group.entries:
            del self._groups[key]
            less += _GROUP + len(key[1])
        self._count -= 1
        self.evicted += 1
        self._memory.grow(self, -less)


class Registrations:
    """By user and registrar, by source and registrar, and by the device's end."""

    def __init__(self, memory: Memory | None = None) -> None:
        memory = memory or Memory()
        most = MAX_REGISTRATIONS
        self.users = Groups(most, memory)  # of one user at one registrar, by source
        self.ends = Groups(most, memory)  # from one source to one registrar, by user
        self.devices: Table[Registered] = Table(most, memory, _ADDRESS)  # by "ip:port"
        self.sources: Table[int] = Table(most, memory, _ADDRESS)  # addresses from which somebody got registered; when
        self.registrars: Table[int] = Table(most, memory, _ADDRESS)  # addresses that registered somebody; when
        self.held: Table[tuple[int, int]] = Table(most, memory, _AOR)  # by address of record: latest success, its end

    def add(self, result: Registration) -> None:
        """Take the result of an attempt to register."""
        if result.outcome is RegistrationOutcome.UNFINISHED:
            return
        entry = _entry(result)
        path, user = result.path, short(user_of(result.aor))
        source, registrar = path.source_address, path.destination_address
        self.users.add((registrar, user), source, entry)
        self.ends.add((source, registrar), user, entry)
        before = self.devices.get(path.source)
        if before is None or before.asked <= entry.asked:
            self.devices.put(path.source, entry, _size(entry))
        if entry.until:
            self.sources.put(source, entry.at)
            self.registrars.put(registrar, entry.at)
            self.held.put(entry.aor, (entry.asked, entry.until), len(entry.aor))

    def inactive_user(self, registrar: bytes, user: bytes, moment: int) -> Registered | None:
        """Return the latest result of a user there, if he was not registered at that moment; None if nothing is known.

        That he signed off himself counts, too: it explains as well why he cannot be reached.
        """
        return self._inactive(self.users.get((registrar, short(user))) if user else None, moment)

    def inactive_source(self, source: bytes, registrar: bytes, moment: int) -> Registered | None:
        """Return the latest result between two addresses, if nobody was registered that way at that moment."""
        return self._inactive(self.ends.get((source, registrar)), moment)

    def knows_user(self, registrar: bytes, user: bytes) -> bool:
        """Tell whether anything is known of a user there."""
        return bool(user) and self.users.get((registrar, short(user))) is not None

    def _inactive(self, group: Group | None, moment: int) -> Registered | None:
        if group is None or group.cut:
            return None
        latest: Registered | None = None
        for entry in group.entries.values():
            if entry.until >= moment:
                return None
            held = self.held.get(entry.aor)  # at another registrar, say the other half of a pair
            if held is not None and held[0] > entry.asked and held[1] >= moment:
                return None
            if latest is None or entry.at > latest.at:
                latest = entry
        return latest

    def device(self, end: str) -> Registered | None:
        """Return how the device at an end (``ip:port``) fared last."""
        return self.devices.get(end)

    def user_at(self, address: bytes, registrar: bytes, asked: bytes, moment: int) -> bytes:
        """Return whose device stands at an address, as far as it registered there; b"" where nobody can say.

        That is who was asked for, if he is registered from there; else whose device gave that name as its Contact, as
        browsers do, which make one up; else the only one who is: what rings for a group is somebody's device as well.
        """
        group = self.ends.get((address, registrar))
        if group is None or group.cut:
            return b""
        user = short(asked)
        entry = group.entries.get(user)
        if entry is not None and entry.until >= moment:
            return asked
        if len(group.entries) > MAX_LINES:
            return b""
        here = [entry for entry in group.entries.values() if entry.until >= moment]
        meant = [entry for entry in here if user and entry.contact == user] or here
        if len(meant) != 1:
            return b""
        found = user_of(meant[0].aor)
        return found if found in group.entries else b""  # it may have been too long to be kept

    def is_device(self, address: bytes) -> bool:
        """Tell whether somebody registered from an address at which nobody registers himself."""
        return self.sources.get(address) is not None and self.registrars.get(address) is None

    @property
    def tables(self) -> dict[str, Bounded]:
        """Return the tables by name, for their counts."""
        return {
            "registered_users": self.users,
            "registered_ends": self.ends,
            "registered_devices": self.devices,
            "registered_sources": self.sources,
            "registrars": self.registrars,
            "addresses_of_record": self.held,
        }


def _size(entry: Registered) -> int:
    """Return what a result takes (bytes), in each table: nobody knows which of them forgets it last."""
    return (
        _REGISTERED + of_evidence(entry.evidence) + of_text(entry.private_contact) + len(entry.aor) + len(entry.contact)
    )


def _entry(result: Registration) -> Registered:
    request, response, path = result.request, result.response, result.path
    at = request.time + TIMER_F if response is None else response.time
    lasts = 0 if response is None or response.status_code >= 300 else max(result.expires, _longest(response))
    outcome = RegistrationOutcome.REGISTERED if lasts else result.outcome
    private = next((c for c in map(private_host, result.contacts) if c is not None and c != path.source_address), None)
    return Registered(
        outcome.value,
        result.status_code,
        request.time,
        at,
        at + lasts * SECOND if lasts else 0,
        seen(request if response is None else response),
        "" if private is None else address_text(private),
        short(result.aor),
        short(user_of(result.contacts[0])) if result.contacts else b"",
    )


def _longest(response: Response) -> int:
    """Return for how many seconds the last of a user's bindings lasts, 0 without any.

    A 2xx lists every binding there is (RFC 3261 §10.3, step 8): who takes one away may keep others.
    """
    general = expires_of(response)
    return max((_lasts(contact.expires, general) for contact in contacts_of(response)), default=0)


def _lasts(given: int, general: int) -> int:
    if given >= 0:
        return given
    return general if general >= 0 else DEFAULT_EXPIRES
