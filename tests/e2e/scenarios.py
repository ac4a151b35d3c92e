"""What sipp says and waits for in a call, step by step, and the XML it reads that from.

Must not know: addresses, how sipp is started. Durations come from outside: a pause takes what ``-d`` says.
Every call's From tag holds its Call-ID's number, every branch its place in the call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PHRASES = {
    100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK", 302: "Moved Temporarily", 401: "Unauthorized",
    403: "Forbidden", 404: "Not Found", 407: "Proxy Authentication Required", 408: "Request Timeout",
    480: "Temporarily Unavailable", 486: "Busy Here", 487: "Request Terminated", 503: "Service Unavailable",
    603: "Decline",
}  # fmt: skip
SDP = """\
v=0
o=- 53655765 2353687637 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio 6000 RTP/AVP 8
a=rtpmap:8 PCMA/8000"""
LARGE_SDP = SDP + "".join(f"\na=candidate:{n} 1 UDP 2130706431 192.0.2.1 {6000 + n} typ host" for n in range(60))
CREDENTIALS = "[authentication username=caller password=secret]"
WRONG_CREDENTIALS = "[authentication username=caller password=wrong]"
PAUSE = "<pause/>"
# In between two sendings (RFC 3261: 0, 0.5, 1.5, 3.5, 7.5 s): once more, and three times more.
ONCE_TOO_LATE, LATE_FOR_THE_FOURTH_TIME = '<pause milliseconds="900"/>', '<pause milliseconds="5500"/>'
FOR_EVER = '<pause milliseconds="600000"/>'
TOLD = '<recv request="INFO"/>'  # somebody outside decides when to go on: see site.Site.tell
_CHALLENGES = {
    401: 'WWW-Authenticate: Digest realm="example.com", nonce="47364c23432d2e131a5fb210812c", algorithm=MD5',
    407: 'Proxy-Authenticate: Digest realm="example.com", nonce="47364c23432d2e131a5fb210812c", algorithm=MD5',
}
_CONTACT = "Contact: <sip:[service]@[local_ip]:[local_port];transport=[transport]>"
_EXPIRES = ("Supported: timer", "Session-Expires: 3;refresher=uac")
_AGAIN = '<send retrans="500">'
_TO_ANSWER = ("Via", "From", "To")  # what an answer needs of the INVITE, if something else was received since

# Steps


def request(method: str, number: int, branch: int | None = None, *, more: Sequence[str] = (), body: str = "") -> str:
    """Send a request. Its branch is made of ``branch``, by default its CSeq number and method."""
    in_dialog = method in {"BYE", "UPDATE"} or (method == "ACK" and branch is None)
    answered = method in {"ACK", "BYE", "UPDATE"}
    lines = [
        f"{method} {'[next_url]' if in_dialog else 'sip:[service]@[remote_ip]:[remote_port]'} SIP/2.0",
        f"Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=z9hG4bK-[call_id]-{branch or f'{method}{number}'}",
        'From: "Caller" <sip:caller@example.com>;tag=a[call_number]',
        "To: <sip:[service]@example.com>" + ("[peer_tag_param]" if answered else ""),
        "Call-ID: [call_id]",
        f"CSeq: {number} {method}",
        *(["[routes]"] if in_dialog else []),
        _CONTACT,
        "Max-Forwards: 70",
        "User-Agent: sipp",
        *more,
    ]
    return _send(lines, body, again=method != "ACK")


def invite(number: int = 1, *more: str, body: str = SDP, once: bool = False) -> str:
    """Send an INVITE; ``more`` are headers."""
    sent = request("INVITE", number, number, more=more, body=body)
    return sent.replace(_AGAIN, "<send>") if once else sent


def ack(number: int = 1, *, refused: bool = False) -> str:
    """Send the ACK: of a refusal it belongs to the INVITE's transaction (RFC 3261 §17.1.1.3)."""
    return request("ACK", number, number if refused else None)


def maybe(*codes: int) -> str:
    """Accept these responses, if they come."""
    return "".join(f'<recv response="{code}" optional="true"/>' for code in codes)


def want(code: int, *, challenge: bool = False) -> str:
    """Wait for a response."""
    return f'<recv response="{code}" auth="{str(challenge).lower()}"/>'


def asked(method: str, *, keep: Sequence[str] = ()) -> str:
    """Wait for a request; ``keep`` these headers of it, all of which must be used later."""
    kept = (f'<ereg regexp=".*" search_in="hdr" header="{name}:" assign_to="{name}"/>' for name in keep)
    return f'<recv request="{method}">' + (f"<action>{''.join(kept)}</action>" if keep else "") + "</recv>"


def reply(code: int, *more: str, kept: bool = False, body: str = "", tagged: bool = False) -> str:
    """Answer the latest request, or the INVITE that was kept; ``tagged``: its To has a tag already."""
    tag = ";tag=b[pid]-[call_number]" if code > 100 and not tagged else ""
    lines = [
        f"SIP/2.0 {code} {PHRASES[code]}",
        "Via: [$Via]" if kept else "[last_Via:]",
        "From: [$From]" if kept else "[last_From:]",
        ("To: [$To]" if kept else "[last_To:]") + tag,
        "[last_Call-ID:]",
        "CSeq: 1 INVITE" if kept else "[last_CSeq:]",
        "[last_Record-Route:]",
        _CONTACT,
        "Server: sipp",
        *more,
    ]
    return _send(lines, body, again=code >= 200)


def accepted(*more: str) -> str:
    """Answer a request other than INVITE with 200; the other side repeats what gets lost."""
    names = ("Via", "From", "To", "Call-ID", "CSeq", "Contact")
    return _send(["SIP/2.0 200 OK", *(f"[last_{name}:]" for name in names), *more], "", again=False)


def declined(code: int, *more: str) -> str:
    """Answer a request other than INVITE with something else."""
    names = ("Via", "From", "To", "Call-ID", "CSeq")
    return _send([f"SIP/2.0 {code} {PHRASES[code]}", *(f"[last_{name}:]" for name in names), *more], "", again=False)


def _bye() -> str:
    """Hang up as the callee: From and To have changed places."""
    lines = [
        "BYE sip:caller@[remote_ip]:[remote_port] SIP/2.0",
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=z9hG4bK-[call_id]-callee",
        "From: <sip:callee@example.com>;tag=b[pid]-[call_number]",
        "To: [$From]",
        "Call-ID: [call_id]",
        "CSeq: 1 BYE",
        "Max-Forwards: 70",
    ]
    return _send(lines, "", again=True)


def challenges(code: int) -> str:
    """Answer the latest request other than INVITE by asking for credentials."""
    return declined(code, _CHALLENGES[code])


def scenario(*steps: str) -> str:
    """Return the XML of a scenario."""
    return (
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<scenario name="steps">\n' + "\n".join(steps) + "\n</scenario>\n"
    )


def _send(lines: Sequence[str], body: str, *, again: bool) -> str:
    """Send a message; ``again``: until it is answered (RFC 3261 T1)."""
    head = [*lines, *(["Content-Type: application/sdp"] if body else []), "Content-Length: [len]"]
    opening = _AGAIN if again else "<send>"
    return f"{opening}<![CDATA[\n\n" + "\n".join([*head, "", body]) + "\n]]></send>"


# Callers

_ANSWER = '<recv response="200" rrs="true"/>'  # says by which way the rest goes
_HANG_UP = (request("BYE", 9), want(200))
_CHALLENGED = (invite(), maybe(100), want(407, challenge=True), ack(refused=True))
TALKS = scenario(invite(), maybe(100, 180, 183), _ANSWER, ack(), PAUSE, *_HANG_UP)
TALKS_UNTIL_TOLD = scenario(invite(), maybe(100, 180, 183), _ANSWER, ack(), TOLD, *_HANG_UP)
TALKS_AT_LENGTH = scenario(invite(body=LARGE_SDP), maybe(100, 180, 183), _ANSWER, ack(), PAUSE, *_HANG_UP)
IS_HUNG_UP_ON = scenario(invite(), maybe(100, 180, 183), _ANSWER, ack(), asked("BYE"), accepted())
ACKNOWLEDGES_LATE = scenario(invite(), maybe(100, 180, 183), _ANSWER, LATE_FOR_THE_FOURTH_TIME, ack(), PAUSE, *_HANG_UP)
HAS_CREDENTIALS = scenario(*_CHALLENGED, invite(2, CREDENTIALS), maybe(100, 180), _ANSWER, ack(2), PAUSE, *_HANG_UP)
HAS_WRONG_CREDENTIALS = scenario(*_CHALLENGED, invite(2, WRONG_CREDENTIALS), want(407), ack(2, refused=True))
HAS_NO_CREDENTIALS = scenario(*_CHALLENGED)
KEEPS_THE_TAG_OF_THE_401 = scenario(
    invite(), maybe(100), want(401, challenge=True), ack(refused=True),
    invite(2, CREDENTIALS).replace("\nCall-ID:", "[peer_tag_param]\nCall-ID:"), maybe(100, 180), _ANSWER, ack(2), PAUSE,
    *_HANG_UP,
)  # fmt: skip
HEARS_NOTHING = scenario(request("INVITE", 1, body=SDP), want(200))
# RFC 4028: whoever talks refreshes the session, or is gone.
_TIMED = (invite(1, *_EXPIRES), maybe(100, 180), _ANSWER, ack())
VANISHES = scenario(*_TIMED)
REFRESHES = scenario(
    *_TIMED, *(PAUSE + request("UPDATE", n, more=_EXPIRES) + want(200) for n in (2, 3, 4)), PAUSE, *_HANG_UP
)
FOLLOWS = scenario(
    invite(), maybe(100), want(302), ack(refused=True),
    invite(2), maybe(100, 180), _ANSWER, ack(2), PAUSE, *_HANG_UP,
)  # fmt: skip


def is_refused(code: int) -> str:
    """Return a caller who gets this final response and leaves it at that."""
    return scenario(invite(), maybe(100, 180, 183), want(code), ack(refused=True))


def gives_up(*before: str, reason: str = "", after: str = PAUSE) -> str:
    """Return a caller who cancels ``after`` a while, once ``before`` has happened; ``reason`` is a Reason header's value.

    When nothing has to happen before, the INVITE is sent once: sipp does nothing else while it repeats itself.
    """
    more = [f"Reason: {reason}"] if reason else []
    cancel = request("CANCEL", 1, 1, more=more)
    return scenario(invite(once=not before), *before, after, cancel, want(200), want(487), ack(refused=True))


AT_TRYING = want(100)
AT_RINGING = maybe(100) + want(180)

# Who answers

_RINGS = (asked("INVITE"), reply(100), reply(180))
_ANSWERS = (*_RINGS, reply(200, body=SDP), asked("ACK"))
_IS_HUNG_UP_ON = (asked("BYE"), accepted())
_IS_CANCELLED = (asked("CANCEL"), accepted(), reply(487, kept=True), asked("ACK"))
ANSWERS = scenario(*_ANSWERS, *_IS_HUNG_UP_ON)
ANSWERS_AFTER_RINGING = scenario(*_RINGS, PAUSE, reply(200, body=SDP), asked("ACK"), *_IS_HUNG_UP_ON)
ANSWERS_AT_ONCE = scenario(asked("INVITE"), reply(200, body=SDP), asked("ACK"), *_IS_HUNG_UP_ON)
ANSWERS_AT_LENGTH = scenario(*_RINGS, reply(200, body=LARGE_SDP), asked("ACK"), *_IS_HUNG_UP_ON)
_TIMED_ANSWER = (*_RINGS, reply(200, "Require: timer", _EXPIRES[1], body=SDP), asked("ACK"))
IS_LEFT_ALONE = scenario(*_TIMED_ANSWER)
IS_REFRESHED = scenario(*_TIMED_ANSWER, *(asked("UPDATE") + accepted(_EXPIRES[1]) for _ in range(3)), *_IS_HUNG_UP_ON)
HANGS_UP = scenario(
    asked("INVITE", keep=["From"]), reply(100), reply(180), reply(200, body=SDP), asked("ACK"), PAUSE, _bye(), want(200)
)
DOES_NOT_ANSWER_THE_BYE = scenario(*_ANSWERS, asked("BYE"), FOR_EVER)
ANSWERS_SLOWLY = scenario(
    asked("INVITE"),
    ONCE_TOO_LATE,
    reply(180),
    reply(200, body=SDP),
    asked("ACK"),
    asked("BYE"),
    ONCE_TOO_LATE,
    accepted(),
)
IS_STUCK_UNTIL_TOLD = scenario(
    asked("INVITE", keep=_TO_ANSWER), reply(100), TOLD, reply(180, kept=True), reply(200, kept=True, body=SDP),
    asked("ACK"), *_IS_HUNG_UP_ON,
)  # fmt: skip
IS_SILENT = scenario(asked("INVITE", keep=_TO_ANSWER), *_IS_CANCELLED)
SAYS_TRYING = scenario(asked("INVITE", keep=_TO_ANSWER), reply(100), *_IS_CANCELLED)
RINGS = scenario(asked("INVITE", keep=_TO_ANSWER), reply(100), reply(180), *_IS_CANCELLED)
REDIRECTS = scenario(asked("INVITE"), reply(302), asked("ACK"), *_ANSWERS, *_IS_HUNG_UP_ON)
CHALLENGES = scenario(asked("INVITE"), reply(407, _CHALLENGES[407]), asked("ACK"), *_ANSWERS, *_IS_HUNG_UP_ON)
CHALLENGES_AND_KEEPS_ITS_TAG = scenario(
    asked("INVITE"), reply(401, _CHALLENGES[401]), asked("ACK"),
    asked("INVITE"), reply(100), reply(180, tagged=True), reply(200, body=SDP, tagged=True), asked("ACK"),
    *_IS_HUNG_UP_ON,
)  # fmt: skip
CHALLENGES_AGAIN = scenario(*(asked("INVITE"), reply(407, _CHALLENGES[407]), asked("ACK")) * 2)
CHALLENGES_ONCE = scenario(asked("INVITE"), reply(407, _CHALLENGES[407]), asked("ACK"))


def refuses(code: int, *more: str, ringing: bool = False) -> str:
    """Return who says 100, perhaps 180, and then this; ``more`` are headers."""
    return scenario(asked("INVITE"), reply(100), reply(180) if ringing else "", reply(code, *more), asked("ACK"))


# Registering, and asking whether somebody is there


def registers(*, code: int = 0, credentials: str = CREDENTIALS, finally_: int = 200, seconds: int = 600) -> str:
    """Return who registers a contact for ``seconds``, is challenged by ``code`` (if any), and gets ``finally_``."""
    expires = f"Expires: {seconds}"
    first = request("REGISTER", 1, more=[expires])
    again = (want(code, challenge=True), request("REGISTER", 2, more=[expires, credentials])) if code else ()
    return scenario(first, *again, want(finally_))


def registrar(*, code: int = 0, finally_: int = 200) -> str:
    """Return the other side of ``registers``."""
    challenge = (asked("REGISTER"), challenges(code)) if code else ()
    if finally_ == 200:
        last = accepted("[last_Expires:]")
    else:
        last = challenges(finally_) if finally_ in _CHALLENGES else declined(finally_)
    return scenario(*challenge, asked("REGISTER"), last)


PINGS = scenario(request("OPTIONS", 1), want(200))
PINGS_AND_IS_REFUSED = scenario(request("OPTIONS", 1), want(404))
IS_PINGED = scenario(asked("OPTIONS"), accepted())
REFUSES_PINGS = scenario(asked("OPTIONS"), declined(404))
