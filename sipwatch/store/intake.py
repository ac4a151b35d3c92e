"""What the engine hands to the store: taken at once, without waiting for anything, or counted as dropped.

Must not know: files, tables, threads. One thread puts in, another takes out; a list changes hands as a whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.store.attempts import HandedAttempt, kept_attempt, size_of_attempt
from sipwatch.store.spool import Kept
from sipwatch.track.events import MessageTaken

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sipwatch.export.record import CallRecord
    from sipwatch.store.attempts import RegisterAttempt
    from sipwatch.track.events import Registration, Takes, Unbound
    from sipwatch.wire.message import Message

MAX_CALLS: Final = 10_000  # that wait for the disk; some 5 kB each
MAX_BYTES: Final = 32 << 20  # of packets that wait for it
MAX_TAGS: Final = 50_000
MAX_ANSWERED: Final = 50_000
MAX_ATTEMPTS: Final = 50_000  # to register; some 1 kB each
MAX_ATTEMPT_BYTES: Final = 16 << 20  # of their messages, until a writer takes them
_GAVE_WAY: Final = "room"
DROPS: Final = (  # what can be dropped, and why
    ("call", "queue"),
    ("call", "file"),
    ("message", "queue"),
    ("message", "disk"),
    ("message", "spool"),
    ("message", "file"),
    ("tag", "queue"),
    ("answer", "queue"),
    ("attempt", "queue"),
    ("attempt", "file"),
    ("registration", _GAVE_WAY),
)
_UDP: Final = "udp"


class HandedCall(NamedTuple):
    """A call that is over, and which messages were its own: number, whether repeated, whether placed."""

    record: CallRecord
    completed: bool
    numbers: list[tuple[int, bool, bool]]


class Tagging(NamedTuple):
    """Other tags for a call that was handed in before: its id, and when it began (ns)."""

    record_id: str
    started: int
    tags: list[str]


class AnsweredCall(NamedTuple):
    """A call that was answered, and is not over: its id, when it began (ns), the peers at both ends."""

    record_id: str
    started: int
    source: str
    destination: str


class HandedIn(NamedTuple):
    """What waits to be written, but for messages."""

    calls: list[HandedCall]
    tags: list[Tagging]
    answered: list[AnsweredCall]
    attempts: list[RegisterAttempt]


class Intake:
    """Takes what is to be kept (``export.handover.Keeper``); ``dropped`` counts by what and why.

    ``messages`` says whether any are wanted at all.
    """

    def __init__(self, *, messages: bool = True) -> None:
        self.dropped: dict[tuple[str, ...], float] = {}
        self._messages_wanted = messages
        self._calls: list[HandedCall] = []
        self._tags: list[Tagging] = []
        self._answered: list[AnsweredCall] = []
        self._attempts: list[HandedAttempt] = []
        self._attempt_bytes = 0
        self._messages: list[tuple[int, Message, bytes, int, bytes]] = []
        self._frame: tuple[int, bytes] = (-1, b"")
        self._put = self._done = 0  # calls
        self._put_bytes = self._done_bytes = 0

    @property
    def waiting(self) -> int:
        """Say how many calls wait for the disk."""
        return self._put - self._done

    # The engine's side

    def watch(self, frames: Iterable[tuple[int, int, bytes]]) -> Iterator[tuple[int, int, bytes]]:
        """Hand on frames (time, link type, bytes); which of them the engine is at is remembered."""
        for frame in frames:
            self._frame = frame[1:]
            yield frame

    def takes(self) -> Takes:
        """Say that messages are wanted."""
        return {MessageTaken: self._message} if self._messages_wanted else {}

    def call(self, record: CallRecord, completed: bool, numbers: list[tuple[int, bool, bool]]) -> None:
        """Take a call that is over."""
        if self.waiting >= MAX_CALLS:
            self.drop("call", "queue")
            return
        self._put += 1
        self._calls.append(HandedCall(record, completed, numbers))

    def answered(self, record_id: str, started: int, ends: tuple[str, str]) -> None:
        """Take note that a call was answered."""
        if len(self._answered) >= MAX_ANSWERED:
            self.drop("answer", "queue")
        else:
            self._answered.append(AnsweredCall(record_id, started, *ends))

    def registration(self, result: Registration, ends: tuple[str, str], ahead: int) -> None:
        """Take the result of an attempt to register."""
        self._attempt(HandedAttempt(result, ends, ahead), size_of_attempt(result))

    def expired(self, binding: Unbound, ends: tuple[str, str], ahead: int) -> None:
        """Take note that a binding ran out."""
        self._attempt(HandedAttempt(binding, ends, ahead), 0)

    def _attempt(self, handed: HandedAttempt, size: int) -> None:
        if len(self._attempts) >= MAX_ATTEMPTS or self._attempt_bytes + size > MAX_ATTEMPT_BYTES:
            self.drop("attempt", "queue")
            return
        self._attempt_bytes += size
        self._attempts.append(handed)

    def tag(self, record_id: str, started: int, tags: list[str]) -> None:
        """Take other tags for a call."""
        if len(self._tags) >= MAX_TAGS:
            self.drop("tag", "queue")
        else:
            self._tags.append(Tagging(record_id, started, tags))

    def _message(self, event: MessageTaken) -> None:
        link_type, frame = self._frame
        size = len(frame) + len(event.text)
        if self._put_bytes - self._done_bytes + size > MAX_BYTES:
            self.drop("message", "queue")
            return
        self._put_bytes += size
        self._messages.append((event.number, event.message, event.text, link_type, frame))

    def drop(self, what: str, why: str, number: int = 1) -> None:
        """Count what is not stored."""
        if number:
            self.dropped[what, why] = self.dropped.get((what, why), 0) + number

    @property
    def lost(self) -> int:
        """Say how much could not be stored, but for what gave way to others of its kind, as is meant."""
        return sum(int(number) for (_, why), number in self.dropped.items() if why != _GAVE_WAY)

    def drops(self) -> dict[tuple[str, ...], float]:
        """Return what was dropped, by what and why; 0 where nothing was, so that the first is seen as an increase."""
        return dict.fromkeys(DROPS, 0.0) | self.dropped.copy()

    # The writer's side

    def calls(self) -> HandedIn:
        """Take the calls that wait, and what else is to be said of calls. Messages have to be taken after that."""
        answered, self._answered = self._answered, []  # before their calls: one that is over is up no longer
        calls, self._calls = self._calls, []
        tags, self._tags = self._tags, []
        return HandedIn(calls, tags, answered, self._taken_attempts())

    def _taken_attempts(self) -> list[RegisterAttempt]:
        # What is put in between the two lines is only counted as too little, until the next time.
        attempts, self._attempts = self._attempts, []
        self._attempt_bytes = 0
        return [kept_attempt(handed) for handed in attempts]

    def done(self, calls: int) -> None:
        """Make room: so many calls wait no longer, stored or not."""
        self._done += calls

    def messages(self) -> list[tuple[int, Kept]]:
        """Take the messages that wait, each with its number."""
        taken, self._messages = self._messages, []
        found = []
        for number, message, text, link_type, frame in taken:
            self._done_bytes += len(frame) + len(text)
            found.append((number, _kept(message, text, link_type, frame)))
        return found


def _kept(message: Message, text: bytes, link_type: int, frame: bytes) -> Kept:
    """Return a message with what stood around it in its packet, if that was a packet of its own."""
    path = message.path
    at = frame.find(text) if path.carrier == _UDP and link_type >= 0 else -1
    if at < 0 or not _is_headed(frame[:at], path.key) or message.fragmented:
        return Kept(message.time, path.transport, path.key, text)
    return Kept(message.time, path.transport, path.key, text, link_type, frame[:at], frame[at + len(text) :])


def _is_headed(before: bytes, key: bytes) -> bool:
    """Tell whether bytes end with the headers of IP, without options, and UDP between these ends."""
    addresses, ports = key[:-4], key[-4:]
    return before[-8:-4] == ports and before[-8 - len(addresses) : -8] == addresses
