"""Telephone numbers as they are written on the wire: whether two are the same subscriber's, and how they differ.

Must not know: messages, calls, or who dials whom.

Nobody writes a number only one way: +49 30 1234567, 0049301234567, 030 1234567, 0 030 1234567 (a zero
for the line outside), 8 495 1234567 and 7 495 1234567. So two numbers are the same when some reading
of the one is a reading of the other. A reading is a country code and a national number (ITU-T E.164).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

MAX_NUMBER_LENGTH: Final = 32  # characters; E.164 knows 15 digits, and prefixes and separators come to it
MIN_NUMBER_LENGTH: Final = 7  # digits at the end that all spellings have in common; what is shorter is an extension
_CACHE_SIZE: Final = 4096

_SEPARATORS: Final = str.maketrans("", "", " -.()/")  # RFC 3966 §5.1.1, and what people write besides
_OUTSIDE: Final = "09"  # dialled first to get a line, on many systems


class _Reading(NamedTuple):
    country: int
    national: str


def same_number(one: str, other: str, region: str | None) -> bool:
    """Tell whether two numbers are the same subscriber's.

    ``region`` is the country (ISO 3166, ``"DE"``) whose people dial here, None if it is not known:
    then a national number is read as one of the other number's country. Extensions, user names and
    whatever is longer than ``MAX_NUMBER_LENGTH`` are the same only if they are identical; nothing is the same as "".
    """
    one, other = _written(one), _written(other)
    if one == other:
        return one != ""
    first, second = _plain(one), _plain(other)
    if not first or first[-MIN_NUMBER_LENGTH:] != second[-MIN_NUMBER_LENGTH:]:
        return False
    return _digits_alike(first, second, region) or _read_alike(first, second, region)


def index_key(number: str) -> str:
    """Return a key that is equal for all numbers that can be the same: the last digits, or the text itself."""
    written = _written(number)
    return _plain(written)[-MIN_NUMBER_LENGTH:] or written[:MAX_NUMBER_LENGTH]


def other_spelling(failed: str, answered: str, region: str | None = None) -> str | None:
    """Return how the number that failed would have to be written to be the one that was answered.

    ``"8->7"`` and ``"+49->0"``: another prefix; ``"no +"``: it is missing; ``"extra 0"``: it is too
    much; ``"punctuation"``: only separators differ. None if the two are identical, or unrelated.
    """
    one, other = _written(failed), _written(answered)
    if one == other or not same_number(one, other, region):
        return None
    was, wanted = _plain(one), _plain(other)
    if was == wanted:
        return "punctuation"
    common = _common_end(was, wanted)
    was, wanted = was[: len(was) - common], wanted[: len(wanted) - common]
    if not was:
        return f"no {wanted}"
    return f"{was}->{wanted}" if wanted else f"extra {was}"


def _written(number: str) -> str:
    """Return a number without its scheme, and with its plus as such (RFC 3261 §19.1.4: %2B is the same)."""
    if len(number) > MAX_NUMBER_LENGTH:
        return number
    if number[:4].lower() == "tel:":
        number = number[4:]
    return "+" + number[3:] if number[:3].lower() == "%2b" else number


def _plain(written: str) -> str:
    """Return the digits, behind their plus if there is one; "" for extensions, user names and what is too long."""
    if len(written) > MAX_NUMBER_LENGTH:
        return ""
    plain = written.translate(_SEPARATORS)
    digits = plain[1:] if plain[:1] == "+" else plain
    return plain if len(digits) >= MIN_NUMBER_LENGTH and digits.isascii() and digits.isdigit() else ""


def _digits_alike(first: str, second: str, region: str | None) -> bool:
    """Tell whether two numbers have the same digits, a plus or 00 in front aside.

    If nobody knows the region, two national numbers are the same with and without leading zeros. If
    somebody does, such a zero may belong to the number, as in Italy.
    """
    if region is None and first[0] != "+" and second[0] != "+":
        return first.lstrip("0") == second.lstrip("0")
    return _bare(first) == _bare(second)


def _bare(plain: str) -> str:
    return plain[1:] if plain[0] == "+" else plain.removeprefix("00")


def _common_end(one: str, other: str) -> int:
    length = 0
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if a != b:
            break
        length += 1
    return length


def _read_alike(first: str, second: str, region: str | None) -> bool:
    ours, theirs = _readings(first, region), _readings(second, region)
    if not ours.isdisjoint(theirs):
        return True
    return _is_read_abroad(first, theirs, region) or _is_read_abroad(second, ours, region)


def _is_read_abroad(plain: str, readings: set[_Reading], home: str | None) -> bool:
    """Tell whether a national number becomes one of these when it is read as their country's.

    Where the region is known, only a number that means nothing there: 030 1234567 in Germany is not
    that of Austria.
    """
    if plain[0] == "+" or (home is not None and _valid(plain, home) is not None):
        return False
    return any([reading in _readings(plain, _region_of(reading.country)) for reading in readings])  # noqa: C419 - mypyc


def _readings(plain: str, region: str | None) -> set[_Reading]:
    """Return what a number can mean to who dials it in a region. Guesses have to be numbers that can exist."""
    found = [_read(plain, region)]
    if plain[0] != "+":
        found.append(_valid("+" + plain, None))  # the plus is left out
        if plain.startswith("00"):
            found.append(_read("+" + plain[2:], None))  # trunks take 00 in any country
        if plain[0] in _OUTSIDE and region is not None:
            found.append(_valid(plain[1:], region))
    return {reading for reading in found if reading is not None}


def _read(plain: str, region: str | None) -> _Reading | None:
    known = _parsed(plain, region)
    return None if known is None else known[0]


def _valid(plain: str, region: str | None) -> _Reading | None:
    known = _parsed(plain, region)
    return None if known is None or not known[1] else known[0]


@lru_cache(maxsize=_CACHE_SIZE)
def _parsed(plain: str, region: str | None) -> tuple[_Reading, bool] | None:
    """Return a reading and whether such a number can exist, None without one. Regions nobody knows are none."""
    from phonenumbers import (  # noqa: PLC0415 - takes long to load, and few calls need it
        NumberParseException,
        is_valid_number,
        national_significant_number,
        parse,
    )

    try:
        number = parse(plain, region)
    except NumberParseException:
        return None
    return _Reading(number.country_code or 0, national_significant_number(number)), is_valid_number(number)


@lru_cache(maxsize=_CACHE_SIZE)
def _region_of(country: int) -> str:
    """Return the region that a country code stands for first of all; one nobody can dial in for those of none."""
    from phonenumbers import region_code_for_country_code  # noqa: PLC0415 - as above

    return region_code_for_country_code(country)
