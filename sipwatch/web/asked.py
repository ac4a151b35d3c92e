"""Which calls an address asks for: ``?filter=``, ``since``, ``until``, ``number``, ``outcome``, ``peer``, ``agent``.

Must not know: HTTP, pages, what time it is (it is told).
"""

from __future__ import annotations

import re
from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from sipwatch.classify.hours import zone_of
from sipwatch.evidence.period import DAYS_AGO, moment_from_now
from sipwatch.export.choices import ChoiceError, chosen
from sipwatch.export.filters import FilterError, compile_filter
from sipwatch.packet import MILLISECOND
from sipwatch.store.wanted import FOREVER, Number, Position, Wanted, known_number

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from sipwatch.export.filters import Filter

SELECTION: Final = ("filter", "since", "until", "number", "outcome", "peer", "agent")
PLACES: Final = ("behind", "before")  # from where to go on
UTC: Final = ZoneInfo("UTC")
_MOMENT: Final = "a moment (UTC) such as 2026-01-05T09:00, today, yesterday, or 1h or 1w for so long ago"
_PLACE: Final = re.compile(r"([0-9]{1,19})-([0-9]{1,19})")
_EPOCH: Final = re.compile(r"[0-9]{10}(?:[0-9]{3})?")  # s or ms since 1970, as dashboards write moments
_LOST_PLUS: Final = re.compile(r"(?<=T\d\d:\d\d) (?=\d\d:?\d\d$)|(?<=T\d\d:\d\d:\d\d) (?=\d\d:?\d\d$)")  # of an offset
_MAX_SHOWN: Final = 60
_compiling = Lock()  # rule-engine's parser is one for all threads


class AskedError(Exception):
    """What was asked for cannot be read; the text says why, in one line, and ``where`` which parameter."""

    def __init__(self, where: str, words: str) -> None:
        super().__init__(words)
        self.where = where


class AskedFor(NamedTuple):
    """What was asked for: the texts as they were given, and what they mean."""

    given: Mapping[str, str]
    wanted: Wanted
    behind: Position | None = None
    before: Position | None = None

    def query(self, **more: str) -> str:
        """Return the selection as an address has it, with ``?`` before it if there is any."""
        pairs = {**{key: self.given[key] for key in SELECTION if self.given.get(key)}, **more}
        return "?" + urlencode(pairs) if pairs else ""

    @property
    def narrows(self) -> bool:
        """Tell whether less than everything is asked for."""
        return any(self.given.get(key) for key in SELECTION)


def parameters_of(pairs: Iterable[tuple[str, str]], known: Collection[str]) -> dict[str, str]:
    """Return what an address asks for. Raises AskedError for a parameter that is not known there, or is said twice.

    Who mistypes one would be shown other things than those that were asked for.
    """
    given: dict[str, str] = {}
    for key, value in pairs:
        if key not in known:
            there_are = f"there are {', '.join(known)}" if known else "there are none"
            raise AskedError(key[:40], f"there is no parameter {as_given(key)} here; {there_are}")
        if key in given:
            raise AskedError(key, f"{as_given(key)} is said twice")
        given[key] = value
    return given


def asked_for(given: Mapping[str, str], now: int, region: str | None = None, zone: str = "UTC") -> AskedFor:
    """Return what an address asks for. Raises AskedError.

    Moments are UTC; ``today`` and ``yesterday`` begin by the clocks of ``zone``.
    """
    given = {key: value.strip() for key, value in given.items() if key in (*SELECTION, *PLACES)}
    since, until = (_moment(given, key, now, zone) for key in ("since", "until"))
    if since is not None and until is not None and since >= until:
        raise AskedError("until", "“until” is not after “since”: no call can have begun between them.")
    agent = (given["agent"],) if given.get("agent") else ()
    wanted = Wanted(since, until, _filter(given), _number(given, region), _choices(given), agent)
    return AskedFor(given, wanted, _place(given, "behind"), _place(given, "before"))


def place_text(place: Position) -> str:
    """Return a place as addresses have it."""
    return f"{int(place.started)}-{place.number}"


def path_to_calls(number: str | None) -> str | None:
    """Return where all calls of a number stand, from the root on; None for what no calls are found by."""
    return None if known_number(number) is None else f"calls?{urlencode({'number': number})}"


def whole_number(given: Mapping[str, str], key: str, least: int, most: int, default: int) -> int:
    """Return a parameter that is a whole number. Raises AskedError."""
    text = given.get(key, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and least <= int(text) <= most):
        raise AskedError(key, f"“{key}” has to be a whole number from {least} to {most:,}, not {as_given(text)}.")
    return int(text)


def _moment(given: Mapping[str, str], key: str, now: int, zone: str) -> int | None:
    text = given.get(key, "")
    if not text:
        return None
    if _EPOCH.fullmatch(text):
        return min(FOREVER, int(text) * (1000 if len(text) == 10 else 1) * MILLISECOND)
    return asked_moment(key, text, zone_of(zone) if text in DAYS_AGO else UTC, now, _MOMENT)


def asked_moment(key: str, text: str, zone: ZoneInfo, now: int, expected: str) -> int:
    """Return a moment (ns since 1970) that a parameter names. Raises AskedError, which says what was expected.

    The plus of an offset may have become a blank, as it does in an address.
    """
    try:
        return moment_from_now(_LOST_PLUS.sub("+", text), zone, now)
    except ValueError:
        raise AskedError(key, f"“{key}” is {as_given(text)}, which is no moment; write {expected}.") from None


def _number(given: Mapping[str, str], region: str | None) -> Number | None:
    text = given.get("number", "")
    if not text:
        return None
    try:
        return Number(text, region)
    except ValueError as error:
        raise AskedError("number", as_sentence(str(error))) from None


def _filter(given: Mapping[str, str]) -> Filter | None:
    text = given.get("filter", "")
    return compiled(text) if text else None


def compiled(expression: str) -> Filter:
    """Return a filter. Raises AskedError."""
    try:
        with _compiling:
            return compile_filter(expression)
    except FilterError as error:
        raise AskedError("filter", as_sentence(f"The filter cannot be used: {error}")) from None


def _choices(given: Mapping[str, str]) -> Filter | None:
    """Return the filter that the quick choices make together."""
    try:
        expression = chosen(given.get("outcome", ""), given.get("peer", ""))
    except ChoiceError as error:
        raise AskedError(error.where, as_sentence(str(error))) from None
    return compiled(expression) if expression else None


def _place(given: Mapping[str, str], key: str) -> Position | None:
    text = given.get(key, "")
    if not text:
        return None
    match = _PLACE.fullmatch(text)
    place = Position(int(match[1]), int(match[2])) if match else None
    if place is None or max(place) > FOREVER:
        raise AskedError(key, f"“{key}” says from where to go on, and is not what a page gave: {as_given(text)}.")
    return place


def as_sentence(words: str) -> str:
    """Return words as a sentence: with a capital letter, and an end."""
    return f"{words[:1].upper()}{words[1:]}{'' if words.endswith(('?', '.')) else '.'}"


def as_given(text: str) -> str:
    """Quote what was given, cut to a length that can be read."""
    return repr(text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…")
