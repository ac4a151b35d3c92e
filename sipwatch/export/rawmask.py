"""Whole SIP messages with numbers and names hidden, field by field; their line ends stay.

Must not know: records, configuration files, where the text goes. What a header is for says how it is read; of one
that is not known here everything is looked through, or hidden where whole numbers are. Secrets are hidden in any case.
Where there are no pseudonyms the length stays; else Content-Length is made right.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Final

from sipwatch.export import scrub
from sipwatch.export.masking import NO_ONE, QUOTED, Known, Masking, harmless_words, pseudonyms_of
from sipwatch.export.scrub import BLANK_LINE, FIELD, hidden
from sipwatch.wire.sip import header, parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sipwatch.classify.peers import Privacy

# Headers of numbers that nobody is called by, as long as they keep to their grammar.
_COUNTS = frozenset(
    [
        *("content-length", "cseq", "expires", "l", "max-forwards", "min-expires", "min-se", "rack", "retry-after"),
        *("rseq", "session-expires", "x", "timestamp"),
    ]
)
_COUNT = re.compile(r"\s*\d{1,10}(?:[.\s]+\d{1,10})?(?:\s+[A-Z]{1,12})?(?:\s*;\s*(?:refresher|duration)=\w{1,10})?\s*")
_IDENTIFIERS = frozenset({"call-id", "i"})
# They name other calls, of people who have no part in this one.
_OF_OTHERS = frozenset({"in-reply-to", "join", "replaces", "session-id", "target-dialog"})
_TYPES = frozenset({"c", "content-type"})
_SOFTWARE = frozenset({"server", "user-agent"})
_PARTIES = frozenset({"f", "from", "t", "to"})
_ABOUT_PEOPLE = frozenset({"organization", "s", "subject"})
_QUOTED = re.compile(QUOTED)
_DISPLAYED = re.compile(r'[^\s"]')
_SENT_BY = re.compile(
    r"(?P<protocol>SIP\s*/\s*2\.0\s*/\s*\w+\s+)(?P<host>[^\s;,]*?)(?P<port>:\d{1,5})?(?=[\s;,]|$)", re.IGNORECASE
)
_CREDENTIAL = re.compile(r'(?<![\w*-])(?P<name>[\w*-]++)(?P<equals>\s*+=\s*+)(?P<value>"(?:[^"\\]|\\.)*+"|[^,\s]*+)')
_LINE_END = re.compile(r"(\r?\n(?![ \t]))")
_SENT_LINE = re.compile(r"(?P<method>[^\s:@\"]{1,64} )(?P<uri>.*?)(?P<version> SIP/2\.0\s*)?", re.DOTALL)
_STATUS_LINE = re.compile(r"(?P<code>(?:SIP/2\.0 )?\d{3}(?!\S))(?P<phrase>.*)", re.DOTALL)
_WORDS = re.compile(r"[A-Za-z]+")
_LONG = re.compile(r"\d{6}")
_WARN_CODE = re.compile(r"3\d\d(?!\S)")
_CONTENT_LENGTH = re.compile(r"(?im)^((?:content-length|l)[ \t]*:[ \t]*)\d{1,9}(?=[ \t]*\r?$)")
_BOUNDARY = re.compile(r"--(?P<name>.+?)(?P<last>--)?")
_SESSION = re.compile(r"(?P<user>\S+) (?P<id>\S+ \S+) (?P<where>IN IP[46] \S+)")
# Parameters of credentials whose values are of closed lists, or random and needed to tell who answers whom.
_PARAMETERS = frozenset({"algorithm", "nc", "nonce", "qop", "stale", "nextnonce"})
# Attributes of SDP that say how media are sent: of all others nothing is shown.
_ATTRIBUTES = frozenset(
    [
        *("rtpmap", "fmtp", "ptime", "maxptime", "minptime", "sendrecv", "sendonly", "recvonly", "inactive", "rtcp"),
        *("rtcp-mux", "rtcp-rsize", "rtcp-fb", "setup", "connection", "group", "curr", "des", "conf", "silencesupp"),
        *("ice-lite", "crypto", "framerate", "framesize", "direction", "t38faxversion", "t38maxbitrate"),
        *("t38faxratemanagement", "t38faxmaxbuffer", "t38faxmaxdatagram", "t38faxudpec"),
    ]
)
_SDP_LINE = re.compile(r"[A-Za-z]=")
_READABLE = re.compile(r"(?im)^(?:content-type|c)[ \t]*:[ \t]*(?P<type>application/sdp|message/sipfrag|multipart/)")

# Who is named in a message
_USER = re.compile(
    r"(?i)(?:sips?:([^\s<>\"@:]{1,256}+)(?::[^\s<>\"@]{0,256}+)?+@|tel:([^\s<>\",;?]{1,64})|username=\"([^\"@]*))"
)
_QUOTED_IN_LINE = QUOTED.replace(r'[^"\\]', r'[^"\\\r\n]')
_NAME = re.compile(rf'(?m)(?:({_QUOTED_IN_LINE})\s*+<|^[\w-]+[ \t]*+:\s*+([^"<>:\r\n]++)<)')


_MAX_SECRETS = 256  # each of which is looked for; of more of them, their beginnings
_SECRET = 8  # bytes of the shortest secret
_MAX_CHANCE_LENGTH = 5  # digits: so few may stand anywhere
_WORD = re.compile(rb"[\w+/=]{%d,}" % _SECRET)  # of a secret: long enough to stand nowhere by chance
_ASTERISKS = re.compile(rb"\*+")


class Disguise:
    """Hides what is to be hidden in packets of one call: ``raws`` are all of its messages, as they were captured.

    They are looked at together, so that whoever is named in one of them is hidden in each, and what belongs together
    stays together.
    """

    def __init__(self, privacy: Privacy, raws: Sequence[bytes]) -> None:
        self._masking = Masking.of(privacy)
        self._pseudonyms = pseudonyms_of(privacy.key) if privacy.addresses and privacy.key else None
        self._hides = self._masking.hides
        self._known = NO_ONE
        self._raws = raws
        self._numbers: re.Pattern[bytes] | None = None
        if self._hides:
            self._learn(raws)

    def _learn(self, raws: Sequence[bytes]) -> None:
        """Note who has a part in the call, as the policy does for records."""
        masking = self._masking
        users, names = named(raw.decode("latin-1") for raw in raws)
        known = Known(sorted(users) if masking.mask is not None else (), sorted(names) if masking.names else ())
        made_of = sorted({one.decode("latin-1") for raw in raws for one in _identity(raw)})
        self._known = known.hiding(made_of) if any(known.found_in(one) for one in made_of) else known
        runs = {digits for user in users for digits in re.findall(r"[0-9]+", user)}
        hidden = sorted(run for run in runs if len(run) > _MAX_CHANCE_LENGTH and masking.number(run) != run)
        if hidden:
            # As a number of its own: it may be the beginning of another one, which was cut down to it.
            self._numbers = re.compile(rb"(?<!\d)(?:%b)(?![\d*])" % "|".join(hidden).encode())

    def message(self, raw: bytes) -> bytes:
        """Return a message with everything hidden. Its length may be another; Content-Length is right."""
        if not self._hides:
            return scrub.payload(raw)
        return message(self._masking, raw.decode("latin-1"), self._known).encode("latin-1")

    def address(self, packed: bytes) -> bytes:
        """Return the address to be written in the place of a packed one; its family stays."""
        return packed if self._pseudonyms is None else self._pseudonyms.address(packed)

    def leaks(self, data: bytes) -> bool:
        """Tell whether anything stands in bytes that must not."""
        if self._numbers is not None and self._numbers.search(data) is not None:
            return True
        if len(self._secrets) <= _MAX_SECRETS:
            return any(secret in data for secret in self._secrets)
        words = (word[at : at + _SECRET] for word in _WORD.findall(data) for at in range(len(word) - _SECRET + 1))
        return not self._beginnings.isdisjoint(words)

    @cached_property  # who only hides, as the store does, never asks for them
    def _secrets(self) -> set[bytes]:
        return {secret for raw in self._raws for secret in _overwritten(raw, scrub.payload(raw))}

    @cached_property
    def _beginnings(self) -> frozenset[bytes]:
        return frozenset([secret[:_SECRET] for secret in self._secrets])


def _identity(raw: bytes) -> Iterator[bytes]:
    """Yield the Call-ID and the From tag of a message."""
    yield header(raw, b"call-id", b"i")
    yield parameters(header(raw, b"from", b"f").rpartition(b">")[2]).get(b"tag", b"")


def _overwritten(before: bytes, after: bytes) -> Iterator[bytes]:
    """Yield the words under the asterisks that are long enough to be looked for."""
    for hidden_part in _ASTERISKS.finditer(after):
        yield from _WORD.findall(before, *hidden_part.span())


def named(raws: Iterable[str]) -> tuple[set[str], set[str]]:
    """Return the user parts, and the display names, that stand in messages."""
    users: set[str] = set()
    names: set[str] = set()
    for raw in raws:
        users.update(next(filter(None, found)).partition(";")[0] for found in _USER.findall(raw) if any(found))
        names.update((quoted[1:-1] or bare).strip() for quoted, bare in _NAME.findall(raw))
    return users, names


def start_line(masking: Masking, line: str, known: Known = NO_ONE) -> str:
    """Hide in a start line: whole, or as findings have it, without the version."""
    status = _STATUS_LINE.fullmatch(line)
    if status is not None:
        return status["code"] + masking.free(status["phrase"], known)
    sent = _SENT_LINE.fullmatch(line)
    if sent is None:
        return masking.free(line, known)
    uri = masking.free(sent["uri"], known)
    return masking.free(sent["method"], known) + uri + (sent["version"] or "")


def message(masking: Masking, raw: str, known: Known) -> str:
    """Hide in a message, or in the beginning of one. It is scrubbed of secrets first."""
    raw = scrub.message(raw)
    blank = BLANK_LINE.search(raw)
    head = raw if blank is None else raw[: blank.start()]
    first, *rest = _LINE_END.split(head)
    made = start_line(masking, first, known)
    made += "".join([part if place % 2 == 0 else _field(masking, part, known) for place, part in enumerate(rest)])
    if blank is None:
        return made
    body = raw[blank.end() :]
    readable = _READABLE.search(head)
    shown = hidden(body) if readable is None else _body(masking, body, readable["type"].lower(), known)
    if len(shown) != len(body):
        made = _CONTENT_LENGTH.sub(rf"\g<1>{len(shown)}", made)
    return made + blank[0] + shown


def _field(masking: Masking, line: str, known: Known) -> str:
    """Hide in one header field, folded or not."""
    found = FIELD.fullmatch(line)
    if found is None:
        return masking.free(line, known)
    name = found["name"]
    shown = hidden(name) if masking.closed and name.lower() not in harmless_words() else masking.software(name)
    return shown + found["colon"] + _value(masking, name.lower(), found["value"], known)


def _value(masking: Masking, name: str, value: str, known: Known) -> str:
    if name in _COUNTS and _COUNT.fullmatch(value) is not None:
        return _WORDS.sub(_shown, value) if masking.closed else value
    if masking.names and (name in _ABOUT_PEOPLE or "name" in name):
        return hidden(value)
    if "auth" in name and not (masking.closed and name not in harmless_words()):
        return _credentials(masking, value, known)
    return _READ.get(name, _anything)(masking, value, known)


def _shown(found: re.Match[str]) -> str:
    return found[0] if found[0].lower() in harmless_words() else hidden(found[0])


def _anything(masking: Masking, value: str, known: Known) -> str:
    return masking.free(value, known)


def _software(masking: Masking, value: str, known: Known) -> str:
    return masking.software(value, known)


def _identifier(masking: Masking, value: str, known: Known) -> str:
    before, bare, after = _around(value)
    return before + masking.identifier(bare, known) + after


def _of_others(masking: Masking, value: str, known: Known) -> str:
    return hidden(value) if masking.closed else _identifier(masking, value, known)


def _type(masking: Masking, value: str, known: Known) -> str:
    return masking.free(value, known) if masking.closed else _identifier(masking, value, known)


def _warning(masking: Masking, value: str, known: Known) -> str:
    """Leave the codes that a Warning begins with (RFC 3261 §20.43)."""
    if not masking.closed:
        return masking.free(value, known)
    before, bare, after = _around(value)
    code = bare[:3] if _WARN_CODE.match(bare) is not None else ""
    return before + code + masking.free(bare[len(code) :], known) + after


def _party(masking: Masking, value: str, known: Known) -> str:
    """Hide in From or To: what stands before the bracket is the display name, however it is written."""
    if not masking.names:
        return masking.free(value, known, identifies=True)
    display, bracket, address = value.partition("<")
    if bracket and masking.closed:
        before, bare, after = _around(display)
        quote = '"' if len(bare) > 1 and bare[0] == bare[-1] == '"' else ""
        name = masking.name(bare[1:-1] if quote else bare)
        return f"{before}{quote}{name}{quote}{after}" + masking.free(bracket + address, known, identifies=True)
    value = _QUOTED.sub(lambda found: _DISPLAYED.sub("*", found[0]), value)
    display, bracket, address = value.partition("<")
    if bracket:
        return _DISPLAYED.sub("*", display) + masking.free(bracket + address, known, identifies=True)
    return masking.free(value, known, identifies=True)


def _around(value: str) -> tuple[str, str, str]:
    """Return the blanks before a value, the value, the blanks behind it."""
    bare = value.strip()
    before, _, after = value.partition(bare) if bare else (value, "", "")
    return before, bare, after


def _via(masking: Masking, value: str, known: Known) -> str:
    """Leave the ports alone that a Via names."""
    made = []
    place = 0
    for found in _SENT_BY.finditer(value):
        made += [
            masking.free(value[place : found.start()], known, identifies=True),
            _protocol(masking, found["protocol"]),
        ]
        host = masking.host(found["host"], known) if masking.closed else masking.free(found["host"], known)
        made += [host, found["port"] or ""]
        place = found.end()
    return "".join([*made, masking.free(value[place:], known, identifies=True)])


def _protocol(masking: Masking, protocol: str) -> str:
    """Leave the protocol that a Via begins with; its transport only if there is such a one."""
    version, slash, transport = protocol.rpartition("/")
    return version + slash + (masking.technical(transport) if masking.closed else transport)


def _credentials(masking: Masking, value: str, known: Known) -> str:
    """Hide in credentials or a challenge; their secrets, and what is no parameter, are hidden already."""
    return _CREDENTIAL.sub(lambda found: found["name"] + found["equals"] + _credential(masking, found, known), value)


def _credential(masking: Masking, found: re.Match[str], known: Known) -> str:
    name = found["name"].lower()
    value = found["value"]
    quote = '"' if len(value) > 1 and value[:1] == value[-1:] == '"' else ""
    value = value[1:-1] if quote else value
    if name.startswith("username"):
        user, at, realm = value.partition("@")
        value = masking.user(user) + at + masking.free(realm, known)
    elif name in ("uri", "realm"):
        value = masking.free(value, known)
    elif masking.closed and name not in _PARAMETERS:
        value = hidden(value)
    else:
        value = masking.identifier(value, known)
    return quote + value + quote


_READ: Final = {
    **dict.fromkeys(_IDENTIFIERS, _identifier),
    **dict.fromkeys(_OF_OTHERS, _of_others),
    **dict.fromkeys(_TYPES, _type),
    "warning": _warning,
    **dict.fromkeys(_SOFTWARE, _software),
    **dict.fromkeys(_PARTIES, _party),
    "via": _via,
    "v": _via,
}

# Bodies


def _body(masking: Masking, body: str, kind: str, known: Known) -> str:
    """Hide in a body of a kind that can be read line by line; of a multipart, what is no SDP is hidden whole."""
    parts = re.split(r"(\r?\n)", body)
    return "".join([part if place % 2 else _line(masking, part, kind, known) for place, part in enumerate(parts)])


def _line(masking: Masking, line: str, kind: str, known: Known) -> str:
    if not line:
        return line
    if _SDP_LINE.match(line) is not None and kind != "message/sipfrag":
        return _sdp(masking, line, known)
    if kind == "message/sipfrag":
        return _field(masking, line, known) if FIELD.fullmatch(line) else start_line(masking, line, known)
    boundary = _BOUNDARY.fullmatch(line)
    if boundary is not None and masking.closed:
        return f"--{hidden(boundary['name'])}{boundary['last'] or ''}"
    if boundary is not None or line.lower().startswith("content-"):
        return _field(masking, line, known) if masking.closed else masking.identifier(line, known)
    return hidden(line)


def _sdp(masking: Masking, line: str, known: Known) -> str:
    """Hide in a line of SDP (RFC 4566 §5): who made the session, what it is called, how to reach people."""
    kind, value = line[:2], line[2:]
    if masking.closed:
        return kind + _closed_sdp(masking, kind, value, known)
    if kind == "o=":
        user, blank, rest = value.partition(" ")
        return kind + masking.user(user) + blank + masking.identifier(rest, known)
    if kind in ("e=", "p="):
        return kind + hidden(value)
    if kind in ("s=", "i=", "u="):
        return kind + (
            hidden(value) if masking.names and value.strip() not in ("", "-") else masking.free(value, known)
        )
    if kind in ("v=", "c=", "b=", "m=") and _LONG.search(value) is None:
        return line  # versions, addresses, ports, payload types
    return kind + masking.named(value, known)


def _closed_sdp(masking: Masking, kind: str, value: str, known: Known) -> str:
    """Leave of a line of SDP what says how media are sent, and to where."""
    if kind == "o=":
        found = _SESSION.fullmatch(value)
        if found is None:
            return hidden(value)
        user = "-" if found["user"] == "-" else masking.user(found["user"])
        return f"{user} {hidden(found['id'])} {masking.technical(found['where'])}"
    if kind in ("v=", "c=", "b=", "t=", "m="):
        return masking.technical(value, known)
    if kind != "a=":
        return "-" if kind == "s=" and value == "-" else hidden(value)
    name, colon, rest = value.partition(":")
    if name.strip().lower() not in _ATTRIBUTES:
        return (name if name.strip().lower() in harmless_words() else hidden(name)) + colon + hidden(rest)
    return name + colon + masking.technical(rest, known)
