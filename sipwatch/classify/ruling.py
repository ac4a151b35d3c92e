"""Whether a rule of a peer is about a leg: OUTCOMES §2, rule 1.

Must not know: which peers there are, or what a rule makes of a leg.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.classify.regex import MAX_TEXT_LENGTH
from sipwatch.classify.told import told
from sipwatch.wire.message import decoded
from sipwatch.wire.sip import header, header_values

if TYPE_CHECKING:
    from sipwatch.classify.peers import Rule
    from sipwatch.classify.regex import Pattern
    from sipwatch.track.leg import Leg
    from sipwatch.wire.message import Response

MAX_HEADER_LINES: Final = 16  # of one name that are looked at: a message may bring thousands


def rule_applies(rule: Rule, leg: Leg) -> bool:
    """Tell whether a peer's rule is about this leg; an answer only when it names the status code."""
    if rule.status_code is not None and rule.status_code != leg.status_code:
        return False
    if leg.answered_at >= 0 and rule.status_code is None:
        return False
    if rule.heard is not None and rule.heard is not leg.heard:
        return False
    if rule.early_media is not None and rule.early_media is not early_media(leg):
        return False
    return _is_told(rule, leg)


def _is_told(rule: Rule, leg: Leg) -> bool:
    """Tell whether headers and words are what a rule asks for."""
    if rule.header is not None and not (leg.final is not None and _has_header(leg.final, rule)):
        return False
    if rule.cause is not None and not any(
        r.cause == rule.cause and rule.cause_protocol in (None, r.protocol) for r in told(leg)
    ):
        return False
    return rule.reason_text is None or _says(leg, rule.reason_text)


def early_media(leg: Leg) -> bool:
    """Tell whether the callee's side offered something to hear before the final response: 183 with SDP."""
    progress = leg.session_progress
    if progress is None:
        return False
    kind = header(progress.raw, b"content-type", b"c").lower()
    return kind.startswith(b"application/sdp") or (
        kind.startswith(b"multipart/") and b"application/sdp" in progress.raw.lower()
    )


def _has_header(final: Response, rule: Rule) -> bool:
    """Tell whether a final response has the header that a rule names, long or compact, and the value it asks for."""
    long, compact = rule.header_forms
    if long not in final.names and compact not in final.names:
        return False
    if rule.value is None:
        return True
    values = header_values(final.raw, long, compact)[:MAX_HEADER_LINES]
    return any(rule.value.found_in(_words(value)) for value in values)


def _says(leg: Leg, pattern: Pattern) -> bool:
    """Tell whether a leg's end says something: its reason phrase, or a text of the Reason values that count."""
    if leg.final is not None and pattern.found_in(_words(leg.final.reason_phrase)):
        return True
    return any(r.text is not None and pattern.found_in(r.text[:MAX_TEXT_LENGTH]) for r in told(leg))


def _words(raw: bytes) -> str:
    return decoded(raw[: 4 * MAX_TEXT_LENGTH])[:MAX_TEXT_LENGTH]
