"""Which outcome a code leads to, worked out from the rules that judge calls (OUTCOMES §2).

Must not know: texts. Nothing is written down here that ``classify`` knows.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from sipwatch.classify.causes import BY_CAUSE, blocks, cause_outcome, stands_against, status_outcome
from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.peers import PeerKind
from sipwatch.knowledge.entries import CAUSES, STATUS_CODES, Topic
from sipwatch.track.table import CHALLENGES, RESPONSE_INPUT, Heard, Input, may_be_followed

_BUSY = 486  # of those that deny a cause, any
_HEARD = {Input.TRYING: Heard.TRYING, Input.PROGRESS: Heard.PROGRESSED, Input.ALERT: Heard.ALERTED}


class When(StrEnum):
    """On what it depends that a code leads to an outcome."""

    ALWAYS = "always"
    ALERTED = "alerted"
    NOT_ALERTED = "not_alerted"
    TRUNK = "trunk"
    NOT_TRUNK = "not_trunk"
    FOLLOWED = "followed"
    NOT_FOLLOWED = "not_followed"
    REFUSED = "refused"
    ELSEWHERE = "elsewhere"
    SILENT = "silent"
    STUCK = "stuck"
    RANG = "rang"
    BRIEF = "brief"
    LATER = "later"
    NETWORK = "network"
    MEDIA = "media"
    NOT_DENIED = "not_denied"
    CREDIBLE = "credible"


class Lead(NamedTuple):
    """An outcome, and when it is that."""

    outcome: Outcome
    when: When


class Source(NamedTuple):
    """A status code or cause that leads to an outcome, and when."""

    kind: Topic
    number: int
    when: When


# A cancelled leg is judged by its course, not by its code (rule 5).
CANCELLED = (
    Lead(Outcome.ANSWERED_ELSEWHERE, When.ELSEWHERE),
    Lead(Outcome.NOT_RESPONDING, When.SILENT),
    Lead(Outcome.NO_PROGRESS, When.STUCK),
    Lead(Outcome.NO_ANSWER, When.RANG),
    Lead(Outcome.ABANDONED_BRIEF, When.BRIEF),
    Lead(Outcome.ABANDONED, When.LATER),
)


def status_leads(code: int, peer: PeerKind | None = None) -> tuple[Lead, ...]:
    """Return what a status code, 100 to 699, leads to between any peers, or when one of the given kind is concerned."""
    if code < 200:
        return ()
    if code < 300:
        return (Lead(Outcome.ANSWERED, When.ALWAYS),)
    if code == 487:
        return CANCELLED
    leads = _final_leads(code, peer)
    if not may_be_followed(code):
        return leads
    otherwise = When.REFUSED if code in CHALLENGES else When.NOT_FOLLOWED
    return (Lead(Outcome.RETRIED, When.FOLLOWED), *(Lead(lead.outcome, otherwise) for lead in leads))


def cause_leads(number: int) -> tuple[Lead, ...]:
    """Return what a Q.850 cause leads to; nothing where it decides nothing."""
    outcome = BY_CAUSE.get(number)
    if outcome is None:
        return ()
    usual = Lead(outcome, _when(number, outcome))
    media = cause_outcome(number, "media")
    return (usual,) if media is None or media is outcome else (usual, Lead(media, When.MEDIA))


def leads(kind: Topic, number: int, peer: PeerKind | None = None) -> tuple[Lead, ...]:
    """Return what a status code or a cause leads to."""
    return status_leads(number, peer) if kind is Topic.STATUS else cause_leads(number)


def heard_by(code: int) -> Heard | None:
    """Return as what a provisional response is heard, None for a final one."""
    return _HEARD.get(RESPONSE_INPUT[code])


def sources(outcome: Outcome, peer: PeerKind | None = None) -> tuple[Source, ...]:
    """Return every registered status code and every cause that leads to an outcome."""
    numbers = [(Topic.STATUS, code) for code in STATUS_CODES] + [(Topic.CAUSE, number) for number in CAUSES]
    return tuple(
        Source(kind, number, lead.when)
        for kind, number in numbers
        for lead in leads(kind, number, peer)
        if lead.outcome is outcome
    )


def _when(cause: int, outcome: Outcome) -> When:
    if outcome is Outcome.ANSWERED_ELSEWHERE:
        return When.CREDIBLE
    return When.NOT_DENIED if stands_against(_BUSY, cause) else When.ALWAYS


def _final_leads(code: int, peer: PeerKind | None) -> tuple[Lead, ...]:
    usual = _usual_leads(code, peer)
    screened = blocks(code, b"Network Blocked") and all(lead.outcome is not Outcome.BLOCKED for lead in usual)
    return (*usual, Lead(Outcome.BLOCKED, When.NETWORK)) if screened else usual


def _usual_leads(code: int, peer: PeerKind | None) -> tuple[Lead, ...]:
    trunk = peer is PeerKind.TRUNK
    quiet, alerted = status_outcome(code, False, trunk), status_outcome(code, True, trunk)
    if quiet is not alerted:
        return (Lead(quiet, When.NOT_ALERTED), Lead(alerted, When.ALERTED))
    if peer is None and status_outcome(code, False, True) is not quiet:
        return (Lead(quiet, When.NOT_TRUNK), Lead(status_outcome(code, False, True), When.TRUNK))
    return (Lead(quiet, When.ALWAYS),)
