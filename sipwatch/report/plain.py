"""Words for people: of endings, conditions, discards, and of how long something took.

Must not know: terminals, formats.
"""

from __future__ import annotations

from sipwatch.classify.causes import EFFECTIVE_CODES, INEFFECTIVE_CODES
from sipwatch.classify.endings import Ending
from sipwatch.classify.offers import Offered
from sipwatch.classify.outcomes import Category, Outcome


def _listed(codes: frozenset[int]) -> str:
    return ", ".join(map(str, sorted(codes)))


CONDITION_WORDS = {
    "no_response": "no response at all",
    "slow_progress": "100, then silence for longer than usual",
    "no_progress": "100, then silence: stuck",
    "no_answer": "it rings and nobody answers",
    "ack_missing": "2xx sent again and again, no ACK",
    "bye_unanswered": "BYE without response",
}

CATEGORY_STYLE = {
    "success": "green",
    "user": "cyan",
    "policy": "magenta",
    "routing": "yellow",
    "normal": "blue",
    "technical": "red",
    "capacity": "bright_red",
    "unknown": "bright_black",
}

# Beside a colour: what reads in black and white, and by who sees no colours.
CATEGORY_MARKS = {
    Category.SUCCESS: "✓",
    Category.USER: "○",
    Category.POLICY: "⊘",
    Category.ROUTING: "?",
    Category.NORMAL: "↷",
    Category.TECHNICAL: "!",
    Category.CAPACITY: "#",
    Category.UNKNOWN: "…",
}

CATEGORY_NAMES = {
    Category.SUCCESS: "answered",
    Category.USER: "up to a person",
    Category.POLICY: "not allowed",
    Category.ROUTING: "number or way not found",
    Category.NORMAL: "as planned",
    Category.TECHNICAL: "technical fault",
    Category.CAPACITY: "no capacity",
    Category.UNKNOWN: "not known",
}

# How a device took a call that it was offered.
OFFERED_WORDS = {
    Offered.TAKEN: "Took it",
    Offered.BUSY: Outcome.BUSY.plain_name,
    Offered.IDLE_BUSY: "Busy while idle",
    Offered.DECLINED: "Declined",
    Offered.RANG_OUT: "Rang out",
    Offered.NOT_ALERTED: "Not alerted",
    Offered.GAVE_UP: "Caller gave up first",
    Offered.ELSEWHERE: "Another took it",
    Offered.OTHER: "Something else",
}

ENDED_BY_WORDS = {
    "caller": "the caller",
    "callee": "the called side",
    "timeout": "nobody",
    "capture_end": "nobody that was seen",
    "": "nobody that was seen",
}

# What was not captured, and why it must have been.
INFERRED_WORDS = {
    "invite": "the INVITE was not captured; what belongs to it shows that there was one",
    "final": "a failing final response was not captured; its ACK shows that one came",
    "success": "the answer was not captured; what followed shows that one came",
    "challenge": "the challenge was not captured; the credentials that followed show that one came",
}

TAG_WORDS = {
    "outside_hours": "it came outside working hours",
    "brief": "the caller gave up within moments",
    "refused": "a device was offered the call and did not take it",
    "called_back": "missed, and the caller was reached in time",
    "waiting_callback": "missed, and nobody has reached the caller yet",
    "transferred": "transferred, or sent elsewhere",
    "short_ring": "it did not ring long enough to be answered",
    "early_ringing": "183 came long before the phone really rang",
}

DELAY_WORDS = {
    "progress": "Post-dial delay",
    "srd": "Session request delay",
    "answer": "Time to answer",
    "setup_seconds": "Time to final response",
    "ring_seconds": "Ringing",
    "talk_seconds": "Talking",
}

# RFC 6076, and what telephone networks have always counted (ITU-T E.425).
RATIO_WORDS = {
    "ser": "answered, redirected calls left out",
    "seer": f"answered, or ended by the called user ({_listed(EFFECTIVE_CODES)}), redirected calls left out",
    "isa": f"failed on the way ({_listed(INEFFECTIVE_CODES)}, or no response at all)",
    "scr": "answered, and ended by a BYE that was confirmed",
    "asr": "answered",
    "ner": "answered, or failed because of a user and not of the network",
}

DISCARD_WORDS = {
    "tls": "encrypted (TLS): --deep with --keylog can decrypt it",
    "sctp": "SCTP packets, which are not decoded here: --deep reads the SIP in them",
    "tcp_gap": "gaps in TCP streams: the capture lost packets",
    "fragment_timeout": "IP fragments whose other parts never came",
    "ip_truncated": "cut short by the snap length",
    "sip_truncated": "SIP cut short by the snap length",
    "link_type": "a link type that is not decoded",
    "sip_start_line": "damaged SIP start lines",
}


def plain_ending(ending: str) -> str:
    """Return the name that people use for the way in which an answered call ended."""
    return Ending(ending).plain_name


def several(count: int, word: str, plural: str | None = None) -> str:
    """Write a count with what is counted: 1 call, 2 calls."""
    return f"{count:,} {word if count == 1 else plural or f'{word}s'}"


def duration(seconds: float | None) -> str:
    """Write seconds as people read them: 0.25 s, 12.3 s, 3:05, 1:02:03."""
    if seconds is None:
        return "-"
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
