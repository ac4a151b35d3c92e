"""What comes back several times on one hop: the 2xx of each dialog, and reliable provisional responses.

Must not know: calls, legs, what is concluded from repetitions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.wire.sip import header

if TYPE_CHECKING:
    from sipwatch.wire.message import Request, Response

_UNSET: Final = -1
MAX_RELIABLE: Final = 32  # reliable provisional responses remembered of one hop


class Answer:
    """The 2xx of one dialog on one hop: several phones that answer have a To tag each (RFC 3261 §13.2.2.4).

    ``response`` is the first copy, None where it was not captured; ``count`` the copies seen, ``last_at`` when the
    latest came (ns). ``ack`` is the first ACK that acknowledges it, ``misrouted`` the first that carries the caller's
    words to somebody else or for another dialog; ``acked_at`` is -1 without one.
    """

    __slots__ = ("ack", "acked_at", "at", "count", "last_at", "misrouted", "response", "tag", "targets")

    def __init__(self, tag: bytes, response: Response | None, at: int) -> None:
        self.tag = tag
        self.response = response
        self.at = self.last_at = at
        self.count = 0 if response is None else 1
        self.ack: Request | None = None
        self.acked_at = _UNSET
        self.misrouted: Request | None = None
        self.targets: list[bytes | None] | None = None  # where its ACK may go, once somebody had to look


class Reliable:
    """A provisional response that wants a PRACK (RFC 3262): the first copy, its RSeq as written, how many came."""

    __slots__ = ("count", "last_at", "response", "rseq")

    def __init__(self, response: Response, rseq: bytes, at: int) -> None:
        self.response = response
        self.rseq = rseq
        self.count = 1
        self.last_at = at


def note_ack(answer: Answer, ack: Request, now: int) -> None:
    """Note an ACK of a 2xx."""
    if answer.acked_at < 0:
        answer.acked_at = now
        answer.ack = ack


def note_reliable(known: list[Reliable], response: Response, now: int) -> bool:
    """Note a provisional response that wants a PRACK, or another copy; return False where too many are known."""
    rseq = header(response.raw, b"rseq")
    for one in known:
        if one.rseq == rseq and one.response.to_tag == response.to_tag:
            one.count += 1
            one.last_at = now
            return True
    if len(known) >= MAX_RELIABLE:
        return False
    known.append(Reliable(response, rseq, now))
    return True
