"""Conversations, and who was met in them: calls, and REGISTER and OPTIONS as in ``tests/track/registering.py``.

Here ``caller`` stands in From as ``callee`` does in the Request-URI.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pcaps.make.talk import lines
from sipwatch.classify.survey import End, Survey
from sipwatch.engine import Engine
from sipwatch.wire.message import Request, Response
from sipwatch.wire.sip import parse
from tests.conversation import address, message_text, nanoseconds, path
from tests.track.registering import said

if TYPE_CHECKING:
    from sipwatch.classify.peers import Settings


def calls(script: str) -> list[Request | Response]:
    """Read a conversation."""
    found = []
    for line in lines(script):
        caller = line.options.get("caller", "15550100").encode()
        text = message_text(line).replace(b"From: <sip:15550100@", b"From: <sip:" + caller + b"@")
        ends = path(line.source, line.destination, int(line.options.get("sport", "5060")))
        message = parse(nanoseconds(line.time), ends, text, False)
        assert isinstance(message, (Request, Response)), line
        found.append(message)
    return found


def survey(
    script: str = "",
    others: str = "",
    settings: Settings | None = None,
    *,
    until: str | None = None,
    limit: int = 10_000,
) -> Survey:
    """Watch calls and other requests, each written as a conversation; ``until`` is when the capture ends."""
    watched = Survey(limit)
    engine = Engine(None, settings, diagnose=False)
    engine.add(watched)
    for message in sorted([*calls(script), *said(others)], key=lambda message: message.time):
        watched.message(message)
        engine.message(message)
    engine.finish(None if until is None else nanoseconds(until))
    return watched


def met(watched: Survey) -> dict[str, End]:
    """Return who was met, by letter."""
    return {chr(end.address[-1]): end for end in watched.ends()}


def registers(source: str, at: str, user: str = "alice", *, code: int = 200) -> str:
    """Let an address register at another, or try to."""
    contact = f"contact=<sip:{user}@{source.lower()}.example.com>"
    asks = f"0 {source}>{at} REGISTER aor={user} call=r{source} {contact}\n"
    return asks + f"0.1 {at}>{source} {code} call=r{source} {contact if code == 200 else ''}\n"


def many(source: str, destination: str, count: int, *, via: str = "", more: str = "", code: int = 486) -> str:
    """Let an address call another from and to as many numbers, directly or through a proxy."""
    script = ""
    for number in range(count):
        name = f"call={source}{destination}{number} caller=1555{number:04d} callee=1666{number:04d}"
        if via:
            script += (
                f"{number} {source}>{via} INVITE {name}\n{number}.1 {via}>{destination} INVITE vias=2 {name} {more}\n"
            )
            script += f"{number}.5 {destination}>{via} {code} vias=2 {name}\n{number}.6 {via}>{source} {code} {name}\n"
        else:
            script += f"{number} {source}>{destination} INVITE {name} {more}\n{number}.5 {destination}>{source} {code} {name}\n"
    return script


__all__ = ["address", "calls", "many", "met", "registers", "survey"]
