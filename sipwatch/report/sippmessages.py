r"""One message of a call as text that SIPp sends: what is this call's own gives way to SIPp's keywords.

SIPp reads ``[keyword]`` and ``\xNN`` in what it sends (SIPp reference, "Structure of client scenarios"), inside a CDATA
section. So brackets, backslashes and whatever is not printable ASCII are written as ``\xNN``: nothing that a stranger
wrote is a keyword, or ends the section.

Must not know: the course of the call, or what goes before and after a message.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from sipwatch.report.described import body_of
from sipwatch.wire.sip import tag_of, user_of

if TYPE_CHECKING:
    from sipwatch.export.record import MessageRecord

_LONG: Final = {
    "v": "Via", "f": "From", "t": "To", "i": "Call-ID", "m": "Contact", "c": "Content-Type", "l": "Content-Length",
}  # fmt: skip
# Written anew for every call and hop; all others are sent as they were captured.
_OWN: Final = frozenset(
    [
        *("via", "from", "to", "call-id", "cseq", "contact", "content-length", "max-forwards", "route", "record-route"),
        *("authorization", "proxy-authorization"),
    ]
)
CREDENTIALS: Final = frozenset({"authorization", "proxy-authorization"})
_TOKEN: Final = re.compile(r"[!-9;-~]{1,64}")  # a header's name
_METHOD: Final = re.compile(r"[A-Z]{1,20}")
_TAG: Final = re.compile(r";\s*tag\s*=\s*[^;,\s>]*", re.IGNORECASE)
_URI: Final = re.compile(r"(?P<scheme>sips?):(?:[^@]*@)?[^;?]*(?P<parameters>;[^?]*)?", re.IGNORECASE)
_OF_A_HOP: Final = frozenset({"transport", "maddr", "lr", "received", "ttl"})
_USER: Final = re.compile(r"[\w.+-]{1,64}")
_USERNAME: Final = re.compile(r'username="([\w.+-]{1,64})"')
_CONNECTION: Final = re.compile(r"c=IN IP[46] (?!0\.0\.0\.0|::\s*$)\S+")
_ORIGIN: Final = re.compile(r"(o=\S+ \S+ \S+) IN IP[46] \S+")
_MEDIUM: Final = re.compile(r"(m=\S+) (?!0[ /])\d{1,5}(?=[ /])")


class Said(NamedTuple):
    """A message taken apart; ``code`` is 0 in a request, ``number`` and ``method`` are CSeq's. ``time`` is in ns."""

    time: int
    code: int
    line: str
    number: int
    method: str
    headers: list[tuple[str, str]]
    body: str

    def value(self, name: str) -> str:
        """Return the first value of a header, ``""`` without it; its name in lower case."""
        return next((value for found, value in self.headers if found.lower() == name), "")

    def count(self, name: str) -> int:
        """Return how many lines there are of a header."""
        return sum(found.lower() == name for found, _ in self.headers)

    @property
    def from_tag(self) -> str:
        """Return the tag in From."""
        return _tag(self.value("from"))

    @property
    def to_tag(self) -> str:
        """Return the tag in To, ``""`` where a request has none yet."""
        return _tag(self.value("to"))


def taken_apart(message: MessageRecord) -> Said | None:
    """Return a message of a record in its parts, None where SIPp could not be told of it."""
    head = message.raw[: len(message.raw) - len(body := body_of(message.raw))]
    unfolded = re.sub(r"\r?\n[ \t]+", " ", head)
    headers = []
    for line in re.split(r"\r?\n", unfolded)[1:]:
        name, colon, value = line.partition(":")
        name = name.strip(" \t")
        if colon and _TOKEN.fullmatch(name):
            headers.append((_LONG.get(name.lower(), name), value.strip()))
    said = Said(message.time, _code(message.first_line), message.first_line, 0, "", headers, body)
    number, _, method = said.value("cseq").partition(" ")
    method = method.strip()
    if not (number.isdecimal() and number.isascii() and len(number) <= 10 and _METHOD.fullmatch(method)):
        return None
    return said._replace(number=int(number), method=method)


def _code(first_line: str) -> int:
    return int(first_line[8:11]) if re.match(r"SIP/2\.0 [1-6]\d\d(?!\d)", first_line) else 0


def _tag(value: str) -> str:
    return tag_of(value.encode("utf-8", "replace")).decode("utf-8", "replace")


def literal(text: str) -> str:
    r"""Return text that SIPp sends as it is; what is no printable ASCII, a bracket or a backslash becomes ``\xNN``.

    A NUL would end SIPp's own text: it is sent as it is written here, ``\x00``.
    """
    raw = text.replace("\0", "\\x00").encode("utf-8", "replace")
    return "".join(chr(b) if 0x20 <= b < 0x7F and b not in b"[]\\" else f"\\x{b:02X}" for b in raw)


def request_lines(
    said: Said, *, uri: str, branch: str, own_tag: str, to: str, with_credentials: bool, routes: bool
) -> list[str]:
    """Return the lines of a request: start line, headers, an empty line, and the body. ``to`` is written as it is."""
    credentials = any(name.lower() in CREDENTIALS for name, _ in said.headers)
    return [
        f"{literal(said.line.partition(' ')[0])} {uri} SIP/2.0",
        f"Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={branch}",
        "Max-Forwards: 70",
        *(["[routes]"] if routes else []),
        f"From: {literal(untagged(said.value('from')))};tag={own_tag}",
        f"To: {to}",
        "Call-ID: [call_id]",
        f"CSeq: {said.number} {said.method}",
        *_contact(said),
        *([_authentication(said)] if credentials and with_credentials else []),
        *_rest(said),
    ]


def response_lines(said: Said, via: list[str], from_line: str, to: str, cseq: str) -> list[str]:
    """Return the lines of a response; what comes of the request is written as it is."""
    return [
        f"SIP/2.0 {said.code} {literal(said.line[12:].strip())}",
        *via,
        from_line,
        to,
        "[last_Call-ID:]",
        cseq,
        *(["[last_Record-Route:]"] if said.method == "INVITE" and 100 < said.code < 300 else []),
        *_contact(said),
        *_rest(said),
    ]


def untagged(value: str) -> str:
    """Return the value of From or To without its tag."""
    name, bracket, parameters = value.rpartition(">")
    return name + bracket + _TAG.sub("", parameters)


def target(said: Said) -> str:
    """Return a Request-URI that leads to SIPp's other side, with the user and parameters that were captured."""
    uri = said.line.partition(" ")[2].rpartition(" ")[0]
    found = _URI.match(uri)
    if found is None:
        return literal(uri)  # tel:, or whatever else there may be
    user = user_of(uri.encode("utf-8", "replace")).decode("utf-8", "replace")
    kept = [part for part in (found["parameters"] or "").split(";") if part and _name(part) not in _OF_A_HOP]
    at = f"{literal(user)}@" if user else ""
    return f"{found['scheme'].lower()}:{at}[remote_ip]:[remote_port]{''.join(';' + literal(part) for part in kept)}"


def _name(parameter: str) -> str:
    return parameter.partition("=")[0].strip().lower()


def _contact(said: Said) -> list[str]:
    """Return a Contact that leads back here; a redirection's says where to go instead, and stays."""
    value = said.value("contact")
    if not value:
        return []
    if 300 <= said.code < 400:
        return [f"Contact: {literal(value)}"]
    user = re.search(r"sips?:([^@:;<>\s]+)@", value, re.IGNORECASE)
    at = f"{user[1]}@" if user and _USER.fullmatch(user[1]) else ""
    return [f"Contact: <sip:{at}[local_ip]:[local_port];transport=[transport]>"]


def _authentication(said: Said) -> str:
    """Return the keyword that answers the challenge, for who answered it then; the password is SIPp's ``-ap``."""
    found = next((_USERNAME.search(value) for name, value in said.headers if name.lower() in CREDENTIALS), None)
    return f"[authentication username={found[1]}]" if found else "[authentication]"


def _rest(said: Said) -> list[str]:
    others = [f"{name}: {literal(value)}" for name, value in said.headers if name.lower() not in _OWN]
    return [*others, "Content-Length: [len]", "", *_body(said)]


def _body(said: Said) -> list[str]:
    lines = re.split(r"\r?\n", said.body)
    while lines and not lines[-1]:
        lines.pop()
    if not said.value("content-type").lower().startswith("application/sdp"):
        return [literal(line) for line in lines]
    media = 0
    written = []
    for line in lines:
        # Brackets are keywords here, which is why what was captured is made literal piece by piece.
        if _CONNECTION.match(line):
            written.append("c=IN IP[media_ip_type] [media_ip]")
        elif found := _ORIGIN.match(line):
            written.append(literal(found[1]) + " IN IP[local_ip_type] [local_ip]")
        elif found := _MEDIUM.match(line):
            port = f"[media_port+{2 * media}]" if media else "[media_port]"
            written.append(f"{literal(found[1])} {port}{literal(line[found.end() :])}")
            media += 1
        else:
            written.append(literal(line))
    return written
