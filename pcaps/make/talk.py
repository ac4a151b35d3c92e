"""Conversations as text: who says what to whom and when, turned into SIP messages.

A line is ``TIME FROM>TO WHAT [key=value ...]``. FROM and TO are letters, each an address of its own;
WHAT is a method or a status code. Branches, tags and CSeq numbers follow from the hop unless given:

    0     A>P INVITE
    0.1   P>A 100
    2     P>A 180
    33    A>P CANCEL
    33.05 P>A 487

Keys: ``call`` Call-ID, ``ftag`` and ``ttag`` (dialog tags as the caller sees them), ``cseq``, ``method``
(of a response's CSeq), ``branch``, ``vias``, ``mf``, ``uri``, ``reason`` (phrase), ``caller`` and
``callee`` (numbers), ``from`` (C: sent by the callee in the dialog), ``h`` (a header line, ``_`` for a
blank; may be repeated), ``sport``, ``sdp`` (its direction, ``sendonly`` to hold; ``none``: there is none), ``frag`` (the
status line in the body of a NOTIFY, RFC 3420).
"""

from __future__ import annotations

from typing import NamedTuple

PHRASES = {
    100: "Trying",
    180: "Ringing",
    181: "Call Is Being Forwarded",
    182: "Queued",
    183: "Session Progress",
    200: "OK",
    302: "Moved Temporarily",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    410: "Gone",
    422: "Session Interval Too Small",
    480: "Temporarily Unavailable",
    484: "Address Incomplete",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    500: "Server Internal Error",
    503: "Service Unavailable",
    504: "Server Time-out",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    606: "Not Acceptable",
    607: "Unwanted",
    608: "Rejected",
}
_WITH_SDP = ("INVITE", "200", "183")
_DEFAULT_CSEQ = {"BYE": "2"}


class Line(NamedTuple):
    """One message of a conversation; ``time`` is in seconds, as written."""

    time: str
    source: str
    destination: str
    what: str
    options: dict[str, str]
    headers: list[str]

    @property
    def is_response(self) -> bool:
        """Tell whether it is a response."""
        return self.what.isdigit()

    @property
    def method(self) -> str:
        """Return the method of its CSeq."""
        return self.options.get("method", "INVITE") if self.is_response else self.what

    @property
    def cseq(self) -> str:
        """Return its CSeq number."""
        return self.options.get("cseq", _DEFAULT_CSEQ.get(self.method, "1"))

    @property
    def branch(self) -> str:
        """Return its branch: that of the hop's request."""
        ends = (self.destination, self.source) if self.is_response else (self.source, self.destination)
        # An ACK to a failure and a CANCEL have the INVITE's branch (RFC 3261 §9.1, §17.1.1.3).
        kind = self.method if self.method not in ("ACK", "CANCEL") else "INVITE"
        call = self.options.get("call", "")
        return self.options.get("branch", f"z9hG4bK{''.join(ends)}{kind}{self.cseq}{call}")

    @property
    def tags(self) -> tuple[str, str]:
        """Return the From and To tags."""
        ours, theirs = self.options.get("ftag", "caller"), self.options.get("ttag", "")
        if not theirs and ((self.is_response and self.what != "100") or self.what == "BYE"):
            theirs = "callee"
        return (theirs, ours) if self.options.get("from") == "C" else (ours, theirs)


def lines(script: str) -> list[Line]:
    """Read a conversation; ``#`` begins a remark."""
    found = []
    for written in script.strip().splitlines():
        words = written.split(" #")[0].split()
        if not words or words[0].startswith("#"):
            continue
        time, hop, what, *rest = words
        source, destination = hop.split(">")
        pairs = [word.split("=", 1) for word in rest]
        headers = [value.replace("_", " ") for key, value in pairs if key == "h"]
        found.append(Line(time, source, destination, what, {k: v for k, v in pairs if k != "h"}, headers))
    return found


def start_line(line: Line) -> str:
    """Write the first line of a message."""
    if line.is_response:
        phrase = line.options.get("reason", PHRASES.get(int(line.what), "Whatever")).replace("_", " ")
        return f"SIP/2.0 {line.what} {phrase}"
    callee = line.options.get("callee", "15550101")
    return f"{line.what} {line.options.get('uri', f'sip:{callee}@example.com')} SIP/2.0"


def message(
    line: Line, hosts: dict[str, str], agents: dict[str, str], port: int = 5060, transport: str = "UDP"
) -> bytes:
    """Write a whole message as a phone or server would, with SDP where it belongs."""
    from_tag, to_tag = line.tags
    vias = int(line.options.get("vias", "1"))
    host = hosts[line.destination if line.is_response else line.source]
    caller, callee = line.options.get("caller", "15550100"), line.options.get("callee", "15550101")
    first, second = (callee, caller) if line.options.get("from") == "C" else (caller, callee)
    head = [start_line(line)]
    if line.branch:
        head.append(f"Via: SIP/2.0/{transport} {_host(host)}:{port};branch={line.branch};rport")
    else:
        head.append(f"Via: SIP/2.0/{transport} {_host(host)}:{port}")
    head += [f"Via: SIP/2.0/{transport} {_host(hosts['A'])}:{port};branch=z9hG4bKup{i}" for i in range(vias - 1)]
    head += [
        f'From: "{first}" <sip:{first}@example.com>;tag={from_tag}',
        f"To: <sip:{second}@example.com>" + (f";tag={to_tag}" if to_tag else ""),
        f"Call-ID: {line.options.get('call', 'c1')}",
        f"CSeq: {line.cseq} {line.method}",
    ]
    if not line.is_response:
        head.append(f"Max-Forwards: {line.options.get('mf', str(71 - vias))}")
    head.append(f"Contact: <sip:{caller}@{_host(hosts[line.source])}:{port}>")
    head.append(f"{'Server' if line.is_response else 'User-Agent'}: {agents.get(line.source, 'Example Phone 1.0')}")
    head += line.headers
    kind, body = _body(line, hosts[line.source])
    if body:
        head.append(f"Content-Type: {kind}")
    return "\r\n".join([*head, f"Content-Length: {len(body)}", "", body]).encode()


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _body(line: Line, address: str) -> tuple[str, str]:
    """Write what a message carries: its kind, and itself."""
    if "frag" in line.options:
        return "message/sipfrag;version=2.0", f"SIP/2.0 {line.options['frag'].replace('_', ' ')}\r\n"
    if line.what in _WITH_SDP and line.method == "INVITE" and line.options.get("sdp") != "none":
        return "application/sdp", _sdp(address, line.options.get("sdp", "sendrecv"))
    return "", ""


def _sdp(address: str, direction: str) -> str:
    family = "IP6" if ":" in address else "IP4"
    return (
        f"v=0\r\no=- 3976540 3976540 IN {family} {address}\r\ns=-\r\nc=IN {family} {address}\r\nt=0 0\r\n"
        "m=audio 10000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
        f"a={direction}\r\n"
    )
