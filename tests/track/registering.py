"""Conversations of REGISTER and OPTIONS (written as in ``pcaps/make/talk.py``), and what comes of them.

Here a response belongs to a REGISTER unless ``method`` says otherwise, and two more keys stand in a
line: ``aor`` is the user registered, ``contact`` what stands in Contact, ``_`` for a blank (``-``: no
Contact). A REGISTER has a Contact of its own accord, a response only where one is written.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from pcaps.make.talk import lines
from sipwatch.track.events import Asked, Bound, Options, Registration, Unbound
from sipwatch.track.registrar import Registrar
from sipwatch.track.timers import TimerQueue
from sipwatch.wire.message import Request, Response
from sipwatch.wire.sip import parse
from tests.conversation import message_text, nanoseconds, path

if TYPE_CHECKING:
    from sipwatch.track.events import Event, Takes
    from sipwatch.track.registrar import RegistrarLimits
    from sipwatch.wire.message import Path

PHONE = "<sip:alice@192.0.2.65:5060>"
CHALLENGE = 'h=WWW-Authenticate:_Digest_realm="example.com",nonce="n1"'
CREDENTIALS = 'h=Authorization:_Digest_username="alice",realm="example.com",nonce="n1",uri="sip:example.com"'


def said(script: str) -> list[Request | Response]:
    """Read a conversation."""
    found = []
    for line in lines(script):
        if line.is_response:
            line.options.setdefault("method", "REGISTER")
        contact = line.options.get("contact", PHONE if line.what == "REGISTER" else "-").replace("_", " ")
        headers = line.headers if contact == "-" else [f"Contact: {contact}", *line.headers]
        text = message_text(line._replace(headers=headers))
        text = text.replace(b"To: <sip:15550101@", b"To: <sip:" + line.options.get("aor", "alice").encode() + b"@")
        ends = path(line.source, line.destination, int(line.options.get("sport", "5060")))
        message = parse(nanoseconds(line.time), ends, text, False)
        assert isinstance(message, (Request, Response)), line
        found.append(message)
    return found


def hop(way: Path) -> str:
    """Write a path as the letters it was made of."""
    return f"{chr(way.source_address[-1])}>{chr(way.destination_address[-1])}"


class Registered:
    """A registrar under observation. ``log`` has each result and change as words, in order."""

    def __init__(self, limits: RegistrarLimits | None = None) -> None:
        self.log: list[str] = []
        self.results: list[Registration] = []
        self.pings: list[Options] = []
        self.repeated: list[str] = []
        self.asked_for: list[str] = []
        self.active: dict[str, int] = {}
        self.expired = 0
        self.queue = TimerQueue()
        self.events: list[Event] = []
        self.registrar = Registrar(self.events, self.queue, count(1).__next__, limits)
        self._takers: Takes = {
            Asked: self._asked,
            Registration: self._registration,
            Options: self._options,
            Bound: self._bound,
            Unbound: self._unbound,
        }
        self.now = 0

    def _take(self) -> None:
        for event in self.events:
            self._takers[event.__class__](event)
        self.events.clear()

    def _asked(self, event: Asked) -> None:
        if not event.again:
            self.asked_for.append(event.request.method)

    def _registration(self, event: Registration) -> None:
        self.results.append(event)
        self._say(f"{hop(event.path)} {event.outcome} {event.status_code}")

    def _options(self, event: Options) -> None:
        self.pings.append(event)
        self._say(f"{hop(event.path)} {event.outcome} {event.status_code}")

    def _bound(self, event: Bound) -> None:
        self.active[hop(event.path)] = self.active.get(hop(event.path), 0) + 1
        self._say(f"{hop(event.path)} bound")

    def _unbound(self, event: Unbound) -> None:
        self.active[hop(event.path)] -= 1
        self.expired += event.expired
        self._say(f"{hop(event.path)} {'expired' if event.expired else 'unbound'}")

    def _say(self, what: str) -> None:
        self.log.append(what)

    def take(self, message: Request | Response) -> None:
        self.idle(message.time)
        if isinstance(message, Request):
            again = self.registrar.request(message, self.now)
        else:
            again = self.registrar.response(message, self.now)
        self._take()
        if again:
            self.repeated.append(message.method if isinstance(message, Request) else str(message.status_code))

    def idle(self, now: int) -> None:
        self.now = max(self.now, now)
        while self.queue.fire(self.now):
            self._take()

    def until(self, seconds: str) -> Registered:
        self.idle(nanoseconds(seconds))
        return self

    def say(self, script: str) -> Registered:
        for message in said(script):
            self.take(message)
        return self

    def over(self) -> Registered:
        self.registrar.finish(self.now)
        self._take()
        return self


def watch(script: str, *, until: str | None = None, limits: RegistrarLimits | None = None) -> Registered:
    """Run a conversation; ``until`` says (in seconds) how long nothing happens after it. It stays open."""
    seen = Registered(limits).say(script)
    return seen.until(until) if until else seen
