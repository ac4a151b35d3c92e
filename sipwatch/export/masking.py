r"""Numbers, user names and display names made unreadable in texts, so that what is left can still be worked with.

Must not know: records, whole messages, configuration files. Whatever is hidden becomes as many asterisks. The same
text is hidden the same way everywhere.

    15550123             1555****        the last four digits
    +1 (555) 012-3456    +1 (***) ***-****    spelt for people, somewhere in a text: only its beginning stays
    alice                a****           a user part that is no number keeps its first character
    "Alice" <sip:...>    ******* <sip:...>    a display name

While the beginning of numbers may be read, a number in free text is known by its looks, ``MIN_DIGITS`` digits or more
in a row; addresses and times are none. What is known to be a number or a name of somebody in the call (``Known``) is
found by what it is, however short.

Where whole numbers are hidden, so is everything that may name somebody: of free text only those words
stay that are on a list (``sipwatch/export/words.txt``). With a key, all who are recognised get a pseudonym, always the
same; nothing is left of what is only not understood.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib import resources
from ipaddress import ip_address
from itertools import islice
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

from sipwatch.classify.callbacks import ANONYMOUS
from sipwatch.classify.numbers import MIN_NUMBER_LENGTH
from sipwatch.classify.peers import EVERYTHING
from sipwatch.export.pseudonyms import Pseudonyms
from sipwatch.export.scrub import hidden
from sipwatch.wire.message import address_text, is_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sipwatch.classify.peers import Privacy

MIN_DIGITS = 5  # digits in a row
SPELT = 7  # digits with blanks, dashes and the like between them
MAX_DIGITS = 15  # digits of a number (ITU-T E.164); who knows where one begins in a longer row
MAX_KNOWN = 64  # numbers and names of one call; only an attacker brings more
_MIN_NAME_LENGTH = 3
_MAX_HOST_LENGTH = 253  # characters (RFC 1035 §2.3.4)
_MAX_PORT_LENGTH = 5  # digits

_GAP = r"[\s().\-/\u00ad\u2000-\u206f\ufeff]{0,3}"  # between digits; what cannot be seen as well
_CHARACTER = re.compile(r"%[0-9A-Fa-f]{2}|.", re.DOTALL)
_NUMBER = re.compile(r"[\d\s+().\-/*#]*\d[\d\s+().\-/*#]*")
_DIGITS = re.compile(r"\d+")
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
# Digits of which nobody is called: times, addresses, ports, lifetimes.
_PLAIN = re.compile(
    r"(?P<kept>(?<!\d)\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?Z?(?!\d)"
    rf"|(?<![\d.])(?:{_OCTET}\.){{3}}{_OCTET}(?!\d|\.\d)(?::\d{{1,5}}(?!\d))?"
    r"|\]:\d{1,5}(?!\d)|(?<![\w-])rport=\d{1,5}(?!\d)|(?<![\w-])expires=\d{1,6}(?!\d))"
    rf"|(?P<number>\+?\d(?:{_GAP}\d)*+)"
)
_ADDRESS = re.compile(
    rf"(?<![\d.])(?:{_OCTET}\.){{3}}{_OCTET}(?!\d|\.\d)"
    r"|(?<![\w:.])(?=[\da-f:.]{2,45}(?![\w:]))[\da-f]{0,4}:[\da-f:]*:[\da-f:]*(?:\d{1,3}(?:\.\d{1,3}){3})?(?![\w:])",
    re.IGNORECASE,
)
_HOST = re.compile(r"[A-Za-z0-9_](?:[\w-]{0,62}\.)*[\w-]{0,62}\.?", re.ASCII)
# What stays though it is no word: times, addresses, ports, and parameters whose values are small numbers. ...
_KEPT = (
    r"(?<!\d)\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?Z?(?!\d)"
    rf"|(?<![\d.])(?:{_OCTET}\.){{3}}{_OCTET}(?!\d|\.\d)(?::\d{{1,5}}(?!\d))?"
    r"|\[[0-9A-Fa-f:.]{2,45}\](?::\d{1,5}(?!\d))?|\]:\d{1,5}(?!\d)"
    r"|(?<![\w-])(?:rport|expires|cause|index|q|retry-after|min-se|refresher|duration|ttl|algorithm|reg-id|ob)="
    r"(?:[01]\.\d{1,3}|\d{1,6}(?:\.\d{1,2}){0,8}|(?=\D))(?![\w.])"
)
# ... and the words of which each is looked for.
_WORD = r"(?P<word>[^\s,;:=<>()\"'/?&\[\]{}|!#$^`~\\@]+)"
_CLOSED = re.compile(rf"(?:{_KEPT}|(?<!\w)\d{{1,2}}(?!\w))|{_WORD}", re.IGNORECASE)
_CLOSED_PRODUCT = re.compile(
    rf"(?:{_KEPT}|(?<![\w])v?\d{{1,4}}(?:\.\d{{1,4}}){{1,4}}(?![\w])|(?<!\w)\d{{1,2}}(?!\w))|{_WORD}", re.IGNORECASE
)
_CLOSED_PROTOCOL = re.compile(rf"(?:{_KEPT}|(?<!\w)\d{{1,6}}(?:[.\-]\d{{1,6}}){{0,8}}(?![\w.]))|{_WORD}", re.IGNORECASE)
_ONE_PIECE = re.compile(rf"\d{{{MIN_DIGITS},}}")
# A quoted string (RFC 3261 §25.1). A mark behind a backslash may open one, too, where a stack escaped the marks itself.
# Of many such marks each would have all that follows looked through: they look no farther than a name is long.
QUOTED = r'(?:(?<!\\)"(?:[^"\\]|\\.)*+"|(?<=\\)"(?:[^"\\]|\\.){0,64}+")'
# What tells by its grammar who is meant: RFC 3261 §25.1, RFC 3966, and user@host without a scheme.
_STRUCTURE = re.compile(
    rf"(?P<quoted>{QUOTED}(?=\s*+<))"
    r'|(?P<bare>(?:(?<=,)|^)\s*+[^\s"<>,][^"<>,]*+(?=<))'
    r'|(?P<scheme>(?<![A-Za-z])(?:sips?|im|pres|xmpp|mailto):)(?P<user>[^\s<>"]{0,256}@)?(?P<host>[^\s<>",;?]*)'
    r'|(?P<tel>(?<![A-Za-z])tel:)(?P<number>[^\s<>",?]*)'
    r'|(?P<mark>(?<![\w-])(?:(?:from-|to-|local-|remote-)?tag|branch|icid-value)\s*+=\s*+)(?P<id>[^;,\s>"&]*)'
    r'|(?<![^\s<>"@,;=:])(?P<who>[^\s<>"@,;=:]{1,256}+)(?=@[\w\[])',
    re.IGNORECASE,
)


class Known:
    """Who has a part in a call: user parts and display names, to be found wherever else they stand.

    Of users and of names not more than ``MAX_KNOWN`` are looked for, the first ones.
    """

    __slots__ = ("_names", "_numbers", "_pattern", "_whole")

    def __init__(self, users: Iterable[str] = (), names: Iterable[str] = ()) -> None:
        self._numbers: dict[str, None] = {}
        self._names: dict[str, None] = {}
        for name in islice(names, MAX_KNOWN):
            self._add_name(name)
        for user in islice(dict.fromkeys(users), MAX_KNOWN):
            self._add(user)
        self._whole: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def hiding(self, whole: Iterable[str]) -> Known:
        """Return the same people, together with texts that are to be hidden whole wherever they stand."""
        more = Known()
        more._names, more._numbers = self._names, self._numbers
        more._whole = {spelt for one in whole if one for spelt in (one, quote(one, safe=""))}
        return more

    def _add_name(self, name: str) -> None:
        name = name.strip().lower()
        if len(name) >= _MIN_NAME_LENGTH and name not in ANONYMOUS:
            self._names[name] = None

    def _add(self, user: str) -> None:
        user = unquote(user)
        digits = "".join(_DIGITS.findall(user))
        if _NUMBER.fullmatch(user) is None:
            self._add_name(user)
            digits = digits if len(digits) >= MIN_DIGITS else ""
        if len(digits) >= _MIN_NAME_LENGTH:
            self._numbers[digits[-MIN_NUMBER_LENGTH:]] = None

    def may_stand_in(self, texts: Iterable[str]) -> bool:
        """Tell whether anybody may be named in one of these texts; a no is certain."""
        together = "\0".join(texts).lower()
        digits = "".join(_DIGITS.findall(together))
        return any(number in digits for number in self._numbers) or any(name in together for name in self._names)

    def found_in(self, text: str) -> bool:
        """Tell whether somebody is named in a text."""
        return text in self._whole or self.pattern.search(text) is not None

    @property
    def pattern(self) -> re.Pattern[str]:
        """What finds them: a group for each kind, ``whole``, ``digits`` and those before, ``short``, ``name``."""
        if self._pattern is None:
            numbers = sorted(self._numbers, key=len, reverse=True)
            gaps = [_GAP.join(number) for number in numbers if len(number) >= MIN_DIGITS]
            names = [re.escape(name) for name in self._names]
            kinds = {
                "whole": _any_of(re.escape(one) for one in self._whole if len(one) > MIN_NUMBER_LENGTH),
                "digits": rf"\+?(?:\d{_GAP}){{0,24}}?{_any_of(gaps)}",
                # Only where it stands alone, and is no part of an address.
                "short": rf"(?<!\w)(?<!\d[.:]){_any_of(n for n in numbers if len(n) < MIN_DIGITS)}(?!\w|[.:]\d)",
                "name": rf"(?<![^\W_]){_any_of(names)}(?![^\W_])",
            }
            wanted = "|".join(f"(?P<{kind}>{pattern})" for kind, pattern in kinds.items())
            self._pattern = re.compile(wanted, re.IGNORECASE)
        return self._pattern


def _any_of(patterns: Iterable[str]) -> str:
    """Return what matches one of these, the longest first; nothing if there are none."""
    return f"(?:{'|'.join(sorted(patterns, key=len, reverse=True)) or '(?!)'})"


NO_ONE: Final = Known()


class Masking:
    """Hides the last ``mask`` digits of numbers (None: none), and display names if ``names`` says so.

    ``closed`` tells that only what is known to be harmless stays. ``pseudonyms`` stand in the place of those who are
    recognised; ``addresses`` says that addresses and hosts get theirs, too.
    """

    __slots__ = ("_addresses", "_pseudonyms", "closed", "mask", "names")

    def __init__(
        self, mask: int | None, *, names: bool, pseudonyms: Pseudonyms | None = None, addresses: bool = False
    ) -> None:
        self.closed = pseudonyms is not None or (mask is not None and mask >= EVERYTHING)
        self.mask = EVERYTHING if self.closed else mask
        self.names = names or self.closed
        self._pseudonyms = pseudonyms
        self._addresses = pseudonyms if addresses else None

    @classmethod
    def of(cls, privacy: Privacy) -> Masking:
        """Return what hides as a configuration asks."""
        pseudonyms = pseudonyms_of(privacy.key) if privacy.key else None
        return cls(privacy.mask, names=privacy.names, pseudonyms=pseudonyms, addresses=privacy.addresses)

    @property
    def hides(self) -> bool:
        """Tell whether there is anything to do."""
        return self.mask is not None or self.names

    # What is known to be a number or a name

    def number(self, text: str) -> str:
        """Hide the end of a number, or of the user name that stands where a number could."""
        if self.mask is None or text.strip().lower() in ANONYMOUS:
            return text
        if _NUMBER.fullmatch(unquote(text)) is not None:
            return self._digits(text) if self._pseudonyms is None else self._pseudonyms.number(text)
        if self.closed:
            return hidden(text) if self._pseudonyms is None or not text.strip() else self._pseudonyms.user(text)
        first = _CHARACTER.match(text)
        return "" if first is None else first[0] + hidden(text[first.end() :])

    def user(self, text: str) -> str:
        """Hide a URI's user part, its parameters (RFC 4694, RFC 3966) and what comes after a colon."""
        if self.mask is None:
            return text
        user, colon, password = text.partition(":")
        first, *parameters = user.split(";")
        made = [self.number(first)]
        for parameter in parameters:
            if self.closed:
                made.append(hidden(parameter))
                continue
            name, equals, value = parameter.partition("=")
            made.append(name + equals + self.number(value) if equals else self.number(name))
        return ";".join(made) + colon + hidden(password)

    def name(self, text: str) -> str:
        """Hide a display name; if names may be read, at least the number that often stands there."""
        if self.names:
            bare = text.strip()
            if self._pseudonyms is None or not bare:
                return hidden(text)
            return text.replace(bare, self._pseudonyms.name(bare), 1)
        return self.number(text) if _NUMBER.fullmatch(text.strip('" ')) is not None else self.free(text)

    def _digits(self, text: str, last: int | None = None) -> str:
        left = last if last is not None else self.mask or 0
        parts = _CHARACTER.findall(text) if "%" in text else list(text)
        for place in range(len(parts) - 1, -1, -1):
            if not left:
                break
            part = parts[place]
            if (part if len(part) == 1 else unquote(part)).isdigit():
                parts[place] = "*" * len(part)
                left -= 1
        return "".join(parts)

    # What may hold one

    def free(self, text: str, known: Known = NO_ONE, *, identifies: bool = False) -> str:
        """Hide in any text: URIs by their grammar, the parties of the call, whatever looks like a number.

        ``identifies`` says that its tag or branch is that of a dialog or transaction, which tells who belongs together.
        """
        return self.placed(self._free(text, known, self._looks, identifies=identifies or not self.closed))

    def software(self, text: str, known: Known = NO_ONE) -> str:
        """As ``free``, for names of products: versions, written with dots and blanks, are no numbers."""
        return self.placed(self._free(text, known, self._looks_in_one_piece, identifies=not self.closed))

    def technical(self, text: str, known: Known = NO_ONE) -> str:
        """As ``free``, for what consists of short numbers and of words of a protocol, such as SDP."""
        return self.placed(self._named(text, known, _shown_of_protocol if self.closed else str, short=False))

    def identifier(self, text: str, known: Known) -> str:
        """Hide a Call-ID, a tag, a branch as a whole if somebody's number or name stands in it."""
        found = self._identified(text, known)
        if self._addresses is None or found != text:
            return found
        local, at, host = text.rpartition("@")
        return self.placed(local) + at + self.host(host, known) if at else self.placed(text)

    def host(self, text: str, known: Known = NO_ONE) -> str:
        """Hide in what should be a host, with a port or without."""
        return self.placed(self._host(text, known))

    def placed(self, text: str) -> str:
        """Put pseudonyms in the place of all IP addresses, if addresses are to be hidden."""
        return text if self._addresses is None else _ADDRESS.sub(self._placed, text)

    def _placed(self, found: re.Match[str]) -> str:
        try:
            packed = ip_address(found[0]).packed
        except ValueError:
            return found[0]
        return found[0] if self._addresses is None else address_text(self._addresses.address(packed))

    def _free(self, text: str, known: Known, rest: Callable[[str, Known], str], *, identifies: bool) -> str:
        made = []
        place = 0
        for found in _STRUCTURE.finditer(text):
            made += [rest(text[place : found.start()], known), self._structure(found, known, identifies=identifies)]
            place = found.end()
        made.append(rest(text[place:], known))
        return "".join(made)

    def _structure(self, found: re.Match[str], known: Known, *, identifies: bool) -> str:
        """Hide in what the grammar says to be a name, an identifier, or an address of somebody."""
        kind = found.lastgroup
        if kind == "id":
            return found["mark"] + (self._identified(found["id"], known) if identifies else hidden(found["id"]))
        if kind == "quoted":
            return f'"{self.named(self.name(found[0][1:-1]), known)}"'
        if kind == "bare":
            return self.named(self.name(found[0]), known)
        if kind == "number":
            return found["tel"] + self.named(self.user(found["number"]), known)
        if kind == "who":
            return self.named(self.user(found["who"]), known)
        return found["scheme"] + self._address(found["user"], found["host"], known)

    def _address(self, user: str | None, host: str, known: Known) -> str:
        if user is not None:
            return self.named(self.user(user[:-1]), known) + "@" + self._host(host, known)
        # Without a user part, and cut short (classify.findings.said): what is left may be one.
        return self.number(host) if host.endswith("...") else self._host(host, known)

    def _host(self, text: str, known: Known) -> str:
        """Hide in what should be a host; what has no dot and only digits is somebody's number."""
        if self.mask is not None and (_NUMBER.fullmatch(text) is not None and not is_address(text)):
            return self.number(text)
        if len(text) > _MAX_HOST_LENGTH:
            return hidden(text)
        host, colon, port = text.rpartition(":")
        if not (colon and port.isdigit() and len(port) <= _MAX_PORT_LENGTH):
            host, colon, port = text, "", ""
        if not self.closed:
            return self._looks(host, known) + colon + port
        if _HOST.fullmatch(host) is None and not is_address(host.strip("[]")):
            return hidden(text)
        if self._addresses is not None and not is_address(host.strip("[]")) and not _leads_nowhere(host):
            return self._addresses.host(host) + colon + port
        return self._named(host, known, str) + colon + port

    def named(self, text: str, known: Known) -> str:
        """Hide the parties of the call alone, and no short numbers: in what consists of numbers, such as SDP."""
        return self._named(text, known, str, short=False)

    def _identified(self, text: str, known: Known) -> str:
        """Hide as ``identifier`` does; addresses in it come later, with those around it."""
        if text and known is not NO_ONE and known.found_in(text):
            return hidden(text) if self._pseudonyms is None else self._pseudonyms.token(text)
        return text

    def _looks(self, text: str, known: Known) -> str:
        return self._named(text, known, _shown_of_words if self.closed else self._spelt_out)

    def _looks_in_one_piece(self, text: str, known: Known) -> str:
        return self._named(text, known, _shown_of_products if self.closed else self._in_one_piece)

    def _named(self, text: str, known: Known, rest: Callable[[str], str], *, short: bool = True) -> str:
        """Hide whom the call knows, and what ``rest`` finds between."""
        if known is NO_ONE or not text:
            return rest(text)
        made = []
        place = 0
        for found in known.pattern.finditer(text):
            if short or found.lastgroup != "short":
                made += [rest(text[place : found.start()]), self._known(found)]
                place = found.end()
        made.append(rest(text[place:]))
        return "".join(made)

    def _known(self, found: re.Match[str]) -> str:
        if found.lastgroup == "whole":
            return hidden(found[0]) if self._pseudonyms is None else self._pseudonyms.token(found[0])
        if found.lastgroup in ("digits", "short"):
            return self._digits(found[0]) if self._pseudonyms is None else self._pseudonyms.number(found[0])
        return self.name(found[0]) if self.names else self.number(found[0])

    def _spelt_out(self, text: str) -> str:
        return text if self.mask is None else _PLAIN.sub(self._candidate, text)

    def _in_one_piece(self, text: str) -> str:
        return text if self.mask is None else _ONE_PIECE.sub(self._row, text)

    def _candidate(self, found: re.Match[str]) -> str:
        """Hide digits that may be a number, or several: the last of every row, and all behind the first."""
        written = found["number"]
        if written is None:
            return found[0]
        rows = _DIGITS.findall(written)
        if len(rows) == 1:
            return self._row(found)
        if sum(map(len, rows)) < SPELT:
            return _ONE_PIECE.sub(self._row, written)
        first = _DIGITS.search(written)
        assert first is not None  # noqa: S101 - there are rows
        return written[: first.start()] + self._row(first) + self._digits(written[first.end() :], EVERYTHING)

    def _row(self, found: re.Match[str]) -> str:
        row = found[0]
        digits = len(row.lstrip("+"))
        if digits < MIN_DIGITS:
            return row
        return self._digits(row, EVERYTHING if digits > MAX_DIGITS else None)


def _shown_of_words(text: str) -> str:
    """Leave of a text what is known to name nobody."""
    return _CLOSED.sub(_shown_word, text)


def _shown_of_products(text: str) -> str:
    """As for words; versions stay as well."""
    return _CLOSED_PRODUCT.sub(_shown_word, text)


def _shown_of_protocol(text: str) -> str:
    """As for words; numbers that are too short for one stay as well."""
    return _CLOSED_PROTOCOL.sub(_shown_word, text)


def _shown_word(found: re.Match[str]) -> str:
    word = found["word"]
    if word is None:
        return found[0]
    return word if word.lower().strip("*.+-%") in harmless_words() or word.strip("*") == "" else hidden(word)


@cache
def harmless_words() -> frozenset[str]:
    """Return the words that name nobody, in lower case: of the protocols, of reason phrases, of products."""
    text = resources.files("sipwatch.export").joinpath("words.txt").read_text("utf-8")
    return frozenset(word for line in text.splitlines() for word in line.partition("#")[0].lower().split())


def _leads_nowhere(host: str) -> bool:
    """Tell whether a host is a name that stands for none (RFC 2606, RFC 6761)."""
    return host.lower().rpartition(".")[2] in ("invalid", "localhost")


@lru_cache(8)
def pseudonyms_of(key: bytes) -> Pseudonyms:
    """Return the pseudonyms under a key; they remember what they were asked."""
    return Pseudonyms(key)
