"""What people type when they ask about a code: a number, a status line, a Reason header.

Must not know: texts.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from sipwatch.classify.outcomes import Outcome
from sipwatch.knowledge.entries import KEYS, MAX_CAUSE, MAX_CODE, MIN_CODE, Topic
from sipwatch.wire.sip import parameters, split_values

MAX_QUERY_LENGTH = 1000  # characters that are looked at

_HEADER = re.compile(r"\Areason\s*:\s*", re.IGNORECASE)
_STATUS_LINE = re.compile(r"sip/\d\.\d\s+(\d{1,4})\b", re.IGNORECASE)
_NUMBERED = re.compile(r"(\d{1,4})\s+\D")  # 603 Decline
_Q850 = (b"q.850", b"q850")
_KINDS = {
    "outcome": Topic.OUTCOME,
    "condition": Topic.CONDITION,
    "ending": Topic.ENDING,
    "finding": Topic.FINDING,
    "tag": Topic.TAG,
    "link": Topic.LINK,
    "offer": Topic.OFFER,
    "ratio": Topic.RATIO,
    "status": Topic.STATUS,
    "status code": Topic.STATUS,
    "code": Topic.STATUS,
    "sip": Topic.STATUS,
    "cause": Topic.CAUSE,
    "q.850": Topic.CAUSE,
    "q850": Topic.CAUSE,
    "q.850 cause": Topic.CAUSE,
    "q850 cause": Topic.CAUSE,
    "class": Topic.CLASS,
}
_OF_KIND = re.compile(rf"({'|'.join(map(re.escape, sorted(_KINDS, key=len, reverse=True)))})\s*[ =:]\s*(\S.*)")

_NUMBER_OF_KIND = re.compile(r"(?:cause\s*=?\s*)?(\d{1,4})(?:\s.*)?")


class Query(NamedTuple):
    """What was asked for: ``key`` is a number for status codes and causes, else a name; ``kind`` None takes any."""

    kind: Topic | None
    key: str


def normal(text: str) -> str:
    """Return text as names are compared: any case, and blanks, hyphens and underscores alike."""
    return " ".join(re.split(r"[\s_-]+", text[:MAX_QUERY_LENGTH].casefold().strip()))


def read(text: str) -> list[Query]:
    """Return what a text asks for, in the order in which it would decide; empty for numbers beyond every list."""
    text = _HEADER.sub("", text[:MAX_QUERY_LENGTH].strip(), count=1)
    line = _STATUS_LINE.match(text)
    if line:
        return _status(int(line[1]))
    if ";" in text:
        return _reasons(text)
    words = " ".join(text.casefold().split())
    if re.fullmatch(r"\d{1,4}", words):
        return _number(int(words))
    numbered = _NUMBERED.match(words)
    if numbered:
        number = int(numbered[1])
        return _status(number) if number >= MIN_CODE else _cause(number)
    of_kind = _OF_KIND.fullmatch(words)
    return _of_kind(_KINDS[of_kind[1]], of_kind[2]) if of_kind else [Query(None, normal(words))]


def _number(number: int) -> list[Query]:
    """Take a bare number for what it is in any list; for a status code if it is in none."""
    found = [Query(kind, str(number)) for kind in (Topic.STATUS, Topic.CAUSE) if str(number) in KEYS[kind]]
    return found or _status(number) or _cause(number)


def _status(code: int) -> list[Query]:
    return [Query(Topic.STATUS, str(code))] if MIN_CODE <= code <= MAX_CODE else []


def _cause(number: int) -> list[Query]:
    return [Query(Topic.CAUSE, str(number))] if 1 <= number <= MAX_CAUSE else []


def _of_kind(kind: Topic, rest: str) -> list[Query]:
    numbered = _NUMBER_OF_KIND.fullmatch(rest)
    if numbered and kind is Topic.STATUS:
        return _status(int(numbered[1]))
    if numbered and kind is Topic.CAUSE:
        return _cause(int(numbered[1]))
    return [Query(None if kind is Topic.STATUS else kind, normal(rest))]


def _reasons(text: str) -> list[Query]:
    """Read Reason values as verdicts do (RFC 3326): those of Q.850 first, unknown protocols left out."""
    given = []
    for value in split_values(text.encode("utf-8", "replace")):
        protocol = value.partition(b";")[0].strip().lower()
        cause = parameters(value).get(b"cause", b"")
        if cause.isdigit() and len(cause) <= 3:
            given.append((protocol, int(cause)))
    first = [asked for protocol, number in given if protocol in _Q850 for asked in _cause(number)]
    then = [asked for protocol, number in given if protocol == b"sip" for asked in _sip_reason(number)]
    return list(dict.fromkeys(first + then))


def _sip_reason(code: int) -> list[Query]:
    """As if it were the status code; but a success is another branch's (rule 3)."""
    if 200 <= code < 300:
        return [Query(Topic.OUTCOME, Outcome.ANSWERED_ELSEWHERE.value)]
    return _status(code)
