"""Bindings of contacts to addresses of record (RFC 3261 §10.3): asked for, granted, held, run out.

Must not know: transactions, results of attempts, peers, clocks.

A binding is counted once, however many hops its REGISTER is seen on. The first hop on which it is
seen to be accepted holds it: responses come back from the registrar, so where all hops are captured
that is the one nearest to it. The other hops can prolong it and take it away, no more.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.packet import SECOND
from sipwatch.track.events import Bound, Unbound
from sipwatch.track.timers import HORIZON, NEVER, Timed, TimerQueue
from sipwatch.wire.sip import header, header_values, parameters, split_values, uri_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sipwatch.track.events import Event
    from sipwatch.wire.message import Message, Path, Request, Response

DEFAULT_EXPIRES: Final = 3600  # seconds, where nobody names any (§10.3, step 7)
MAX_EXPIRES: Final = 1 << 31  # seconds; §20.19 goes to 2**32-1, and nobody waits that long
MAX_CONTACTS: Final = 128  # of one message, and of one address of record
BINDING: Final = 800  # bytes that one takes, its entries in the tables and the queue included
MAX_NAME_LENGTH: Final = 128  # bytes kept of what strangers write; of more only a digest

_CONTACT: Final = frozenset({b"contact", b"m"})
_STAR: Final = b"*"


class Contact(NamedTuple):
    """One Contact value. ``expires`` is -1 when it says none; ``name`` is what a registrar tells it by."""

    uri: bytes
    name: bytes
    expires: int


def contacts_of(message: Message) -> list[Contact]:
    """Return the Contact values of a message, without those beyond ``MAX_CONTACTS``; ``*`` has the URI ``*``."""
    found: list[Contact] = []
    if _CONTACT.isdisjoint(message.names):
        return found
    for line in header_values(message.raw, b"contact", b"m"):
        for value in split_values(line):
            if len(found) >= MAX_CONTACTS:
                return found
            if value:
                found.append(_contact(value))
    return found


def _contact(value: bytes) -> Contact:
    uri = uri_of(value)
    given = parameters(value)
    instance, flow = given.get(b"+sip.instance", b""), given.get(b"reg-id", b"")
    # RFC 5626 §6: the same instance and flow again replaces the binding, whatever its URI.
    name = instance + b" " + flow if instance and flow else uri
    return Contact(uri, short(name), delta_seconds(given.get(b"expires", b"")))


def wants_all_removed(contacts: list[Contact]) -> bool:
    """Tell whether these are ``Contact: *`` (§10.2.2)."""
    return any(contact.uri == _STAR for contact in contacts)


def granted(contacts: list[Contact], request: Request, response: Response) -> list[int]:
    """Return for how many seconds a 2xx binds each of the request's contacts, 0 where it does not.

    The 2xx lists all bindings there are (§10.3, step 8), so a contact that it leaves out beside
    others of the same request is not bound. But one that lists none of them is believed: elements on
    the way rewrite contacts, and some registrars list nothing.
    """
    asked_of_all = expires_of(request)
    given_to_all = expires_of(response)
    listed = contacts_of(response)
    by_name = {contact.name: contact for contact in reversed(listed)}
    by_address = {canonical_uri(contact.uri): contact for contact in reversed(listed)}
    asked = [_first(contact.expires, asked_of_all, DEFAULT_EXPIRES) for contact in contacts]
    found = [by_name.get(contact.name) or by_address.get(canonical_uri(contact.uri)) for contact in contacts]
    wanted = [i for i, wish in enumerate(asked) if wish]
    believed = all(found[i] is None for i in wanted)
    if believed and len(wanted) == 1:
        others = [contact for contact in listed if contact not in found]
        if len(others) == 1:
            found[wanted[0]] = others[0]  # what else could it have become
    grants: list[int] = []
    for wish, grant in zip(asked, found, strict=True):
        if wish == 0 or (grant is None and not believed):
            grants.append(0)
        else:
            grants.append(_first(-1 if grant is None else grant.expires, given_to_all, wish))
    return grants


def expires_of(message: Message) -> int:
    """Return the seconds of the Expires header (§20.19), -1 without a usable one."""
    return delta_seconds(header(message.raw, b"expires")) if b"expires" in message.names else -1


def delta_seconds(text: bytes) -> int:
    """Read delta-seconds, ``MAX_EXPIRES`` at the most; -1 for what is none."""
    text = text.strip()
    if not text.isdigit():
        return -1
    text = text.lstrip(b"0") or b"0"
    return min(int(text), MAX_EXPIRES) if len(text) <= 10 else MAX_EXPIRES


def _first(first: int, second: int, third: int) -> int:
    if first >= 0:
        return first
    return second if second >= 0 else third


def address_of_record(message: Message) -> bytes:
    """Return whom a REGISTER is about: the To URI in its canonical form (§10.3, step 5), ``b""`` without."""
    return canonical_uri(uri_of(header(message.raw, b"to", b"t")))


def canonical_uri(uri: bytes) -> bytes:
    """Return a URI without parameters and headers; scheme and host, which know no case, in lower case."""
    scheme, colon, rest = uri.partition(b":")
    if not colon:
        return uri
    user, at, host = rest.rpartition(b"@")
    host = host.partition(b";")[0].partition(b"?")[0].lower()
    return scheme.lower() + colon + user + at + host


def short(text: bytes) -> bytes:
    """Return a text to be kept and compared: as it is, or its digest if it is long."""
    return text if len(text) <= MAX_NAME_LENGTH else blake2b(text, digest_size=16).digest()


class Binding(Timed):
    """One contact of one address of record. ``origin`` tells its latest REGISTER from others, hops aside."""

    __slots__ = ("aor", "expires_at", "name", "origin", "path", "table")

    def __init__(self, serial: int, table: Bindings, aor: bytes, name: bytes, path: Path) -> None:
        self.serial = serial
        self.queued = NEVER
        self.table = table
        self.aor = aor
        self.name = name
        self.path = path
        self.origin = 0
        self.expires_at = NEVER

    def deadline(self) -> int:
        """Return when it runs out, NEVER once it is gone."""
        return self.expires_at

    def expire(self, now: int) -> None:  # noqa: ARG002 - it ends now because it is due now
        """End, not having been refreshed."""
        self.table.end(self, expired=True)


class Bindings:
    """All bindings that are active, by address of record."""

    __slots__ = ("_by_aor", "_count", "_events", "_limit", "_next_serial", "_queue", "evicted")

    def __init__(self, events: list[Event], queue: TimerQueue, next_serial: Callable[[], int], limit: int) -> None:
        self.evicted = 0
        self._events = events
        self._queue = queue
        self._next_serial = next_serial
        self._limit = limit
        self._count = 0
        self._by_aor: dict[bytes, list[Binding]] = {}

    def __len__(self) -> int:
        return self._count

    def paths(self) -> Iterator[Path]:
        """Give the path of each active binding, that under which it is counted."""
        for bindings in self._by_aor.values():
            for binding in bindings:
                yield binding.path

    def bind(self, aor: bytes, contact: Contact, request: Request, lifetime: int, now: int) -> None:
        """Take an accepted contact, new or refreshed, for ``lifetime`` seconds."""
        origin = hash((request.call_id, request.cseq_number))
        until = now + lifetime * SECOND
        bindings = self._by_aor.get(short(aor))
        binding = None if bindings is None else _held(bindings, contact.name, origin, request.path)
        if binding is None:
            binding = self._add(short(aor), contact.name, request.path)
            binding.origin = origin
            binding.expires_at = until
        else:
            self._refresh(binding, origin, request.path, until)
        # Never looked at later than a HORIZON from now: what is removed sooner is let go of.
        self._queue.watch(binding, min(binding.expires_at, now + HORIZON))

    def _refresh(self, binding: Binding, origin: int, path: Path, until: int) -> None:
        held = binding.path
        if held.destination_address != path.destination_address:
            binding.expires_at = max(binding.expires_at, until)  # another hop
        elif held.source_address == path.source_address:
            binding.path = path
            binding.expires_at = until
        elif binding.origin == origin:
            binding.expires_at = max(binding.expires_at, until)  # seen on both sides of a NAT
        else:
            binding.path = path
            binding.expires_at = until
            self._events.append(Unbound(held, binding.aor))  # the device has moved
            self._events.append(Bound(path))
        binding.origin = origin

    def _add(self, aor: bytes, name: bytes, path: Path) -> Binding:
        bindings = self._by_aor.get(aor)
        if bindings is not None and len(bindings) >= MAX_CONTACTS:
            self._give_up(bindings[0])
        elif self._count >= self._limit:
            self._give_up(next(iter(self._by_aor.values()))[0])
        bindings = self._by_aor.setdefault(aor, [])  # the one given up may have been its last
        binding = Binding(self._next_serial(), self, bindings[0].aor if bindings else aor, name, path)
        bindings.append(binding)
        self._count += 1
        self._events.append(Bound(path))
        return binding

    def _give_up(self, binding: Binding) -> None:
        self.evicted += 1
        self.end(binding, expired=False)

    def remove(self, aor: bytes, contact: Contact) -> None:
        """Take a contact away, on whatever hop that was accepted."""
        for binding in self._by_aor.get(short(aor), ()):
            if binding.name == contact.name:
                self.end(binding, expired=False)
                return

    def remove_all(self, aor: bytes) -> None:
        """Take every contact of an address of record away."""
        for binding in list(self._by_aor.get(short(aor), ())):
            self.end(binding, expired=False)

    def end(self, binding: Binding, *, expired: bool) -> None:
        """Let go of an active binding."""
        bindings = self._by_aor[binding.aor]
        bindings.remove(binding)
        if not bindings:
            del self._by_aor[binding.aor]
        self._count -= 1
        ran_out = binding.expires_at if expired else -1
        binding.expires_at = NEVER
        self._queue.forget(binding)
        self._events.append(Unbound(binding.path, binding.aor, ran_out))


def _held(bindings: list[Binding], name: bytes, origin: int, path: Path) -> Binding | None:
    """Return the binding that a contact has: by its name, else that of its REGISTER on another hop, rewritten."""
    other_hop: Binding | None = None
    for binding in bindings:
        if binding.name == name:
            return binding
        if binding.origin == origin and binding.path.key != path.key:
            other_hop = binding
    return other_hop
