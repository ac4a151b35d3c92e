"""A word of which nobody can know what it means, planted wherever SIP lets a stranger write something."""

from __future__ import annotations

from sipwatch.classify.peers import EVERYTHING, Privacy
from sipwatch.wire.message import Request, Response
from sipwatch.wire.sip import parse
from tests.conversation import EPOCH, path

WORD = "Vqzz"  # stands in nothing of ours
CLOSED = {
    "whole numbers": Privacy(EVERYTHING),
    "pseudonyms": Privacy(key=b"a key of thirty-two bytes or more"),
    "pseudonyms and addresses": Privacy(key=b"a key of thirty-two bytes or more", addresses=True),
}

HEADERS = [
    'Warning: 399 sbc.example.com "Vqzz is not here"',
    'Reason: SIP;cause=486;text="Vqzz hung up"',
    "P-Charging-Vector: icid-value=Vqzz-1;icid-generated-at=192.0.2.1;orig-ioi=Vqzz.example.com",
    'P-Charging-Function-Addresses: ccf=Vqzz; ecf="Vqzz"',
    "Session-ID: Vqzz;remote=Vqzz",
    "In-Reply-To: Vqzz@example.com, 7@Vqzz",
    "Replaces: Vqzz@example.com;to-tag=Vqzz;from-tag=Vqzz;early-only",
    "Join: Vqzz@example.com;to-tag=Vqzz;from-tag=Vqzz",
    "Target-Dialog: Vqzz@example.com;local-tag=Vqzz;remote-tag=Vqzz",
    "Geolocation: <cid:Vqzz@example.com>, <sip:Vqzz@example.com>, <https://lis.example.com/Vqzz>",
    'Geolocation-Error: 100;code="Vqzz"',
    'P-Asserted-Identity: "Vqzz" <sip:Vqzz@example.com>, <tel:Vqzz>',
    "P-Preferred-Identity: Vqzz <sip:Vqzz@example.com>",
    "P-Called-Party-ID: <sip:Vqzz@example.com;x=Vqzz>",
    "P-Associated-URI: <sip:Vqzz@example.com>",
    "P-Access-Network-Info: IEEE-802.11;i-wlan-node-id=Vqzz",
    'P-Visited-Network-ID: "Vqzz"',
    'Remote-Party-ID: "Vqzz" <sip:Vqzz@example.com>;party=Vqzz',
    "Subject: Vqzz",
    "s: Vqzz",
    "Organization: Vqzz and Sons",
    "Call-Info: <http://example.com/Vqzz.jpg>;purpose=icon, <http://Vqzz.example.com/>;purpose=Vqzz",
    "Alert-Info: <http://example.com/Vqzz.wav>;info=Vqzz",
    "Error-Info: <sip:Vqzz@example.com>",
    "Identity: eyJhbGciOiJFUzI1NiJ9.Vqzz.Vqzz;info=<https://example.com/Vqzz>;alg=ES256;ppt=Vqzz",
    "User-to-User: Vqzz;encoding=hex;purpose=Vqzz",
    'Diversion: "Vqzz" <sip:Vqzz@example.com>;reason=Vqzz;screen=Vqzz',
    "History-Info: <sip:Vqzz@example.com?Reason=SIP%3Btext%3D%22Vqzz%22>;index=1;rc=Vqzz",
    'Referred-By: Vqzz <sip:Vqzz@example.com>;cid="Vqzz@example.com"',
    "Refer-To: <sip:Vqzz@example.com?Replaces=Vqzz%40example.com%3Bto-tag%3DVqzz&Subject=Vqzz>",
    "Reply-To: Vqzz <sip:Vqzz@example.com>",
    'Contact: "Vqzz" <sip:Vqzz@192.0.2.1;x=Vqzz;Vqzz>;x=Vqzz;+sip.instance="<urn:uuid:Vqzz>";+Vqzz',
    "Record-Route: <sip:Vqzz@192.0.2.1;lr;x=Vqzz>",
    "Path: <sip:Vqzz@192.0.2.1;lr>",
    'Accept-Contact: *;Vqzz="Vqzz"',
    "Allow: INVITE, VQZZ",
    "Supported: 100rel, Vqzz",
    "Event: Vqzz;id=Vqzz",
    "Content-Disposition: Vqzz;handling=Vqzz",
    "Accept-Language: Vqzz",
    "Date: Vqzz",
    "Priority: Vqzz",
    "Timestamp: Vqzz",
    "Expires: Vqzz",
    "User-Agent: Vqzz Phone/1.2 (Vqzz)",
    "Server: Phone of Vqzz",
    "X-Vqzz: 1",
    'X-Unheard-Of: Vqzz, "Vqzz" <x:Vqzz>;tag=Vqzz;branch=Vqzz',
    'Authorization: Digest username="Vqzz", realm="Vqzz", nonce="n", uri="sip:Vqzz@h", response="Vqzz", Vqzz="Vqzz"',
    'WWW-Authenticate: Digest realm="Vqzz", nonce="n", domain="sip:Vqzz"',
    "X-Auth: Vqzz",
    "X-Caller-Name: Vqzz",
    "no header at all, Vqzz",
]  # fmt: skip

SESSION = [
    "v=0",
    "o=Vqzz 1 1 IN IP4 192.0.2.1",
    "s=Vqzz",
    "i=Vqzz",
    "u=http://example.com/Vqzz",
    "e=Vqzz@example.com (Vqzz)",
    "p=+1 555 Vqzz",
    "c=IN IP4 192.0.2.1",
    "b=Vqzz:64",
    "t=0 0",
    "k=clear:Vqzz",
    "a=tool:Vqzz",
    "a=Vqzz",
    "a=Vqzz:1",
    "m=audio 10000 RTP/AVP 8 101",
    "i=Vqzz",
    "a=rtpmap:8 PCMA/8000",
    "a=rtpmap:101 Vqzz/8000",
    "a=fmtp:8 x=Vqzz",
    "a=label:Vqzz",
    "a=ice-ufrag:Vqzz",
    "a=candidate:Vqzz 1 UDP 1 192.0.2.1 10000 typ host",
    "a=ssrc:1 cname:Vqzz",
    "a=msid:Vqzz Vqzz",
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:VqzzVqzzVqzz",
    "a=x-caller:Vqzz",
    "Vqzz",
]

BODIES = [
    ("application/sdp", "\r\n".join(SESSION)),
    ("text/plain", "Vqzz"),
    ("application/pidf+xml", "<presence>Vqzz</presence>"),
    ("application/Vqzz", "a=Vqzz"),
    ("message/sipfrag", "SIP/2.0 404 Vqzz\r\nTo: Vqzz <sip:Vqzz@example.com>;x=Vqzz\r\nX-Unheard: Vqzz"),
    ("multipart/mixed;boundary=Vqzz", "--Vqzz\r\nContent-Type: Vqzz/x;y=Vqzz\r\n\r\nVqzz\r\n--Vqzz--"),
]


PARTIES = [
    'From: "Vqzz" <sip:15550100@example.com;x=Vqzz>;tag=a1;x=Vqzz',
    "To: Vqzz <sip:Vqzz@example.com;Vqzz>;Vqzz",
    "Via: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK2;x=Vqzz;Vqzz;received=192.0.2.1",
    "Via: SIP/2.0/Vqzz 192.0.2.1;branch=z9hG4bK3",
    "CSeq: 1 VQZZ",
    "Max-Forwards: Vqzz",
]


def message(*lines: str, kind: str = "", body: str = "", start: str = "INVITE sip:15550101@example.com SIP/2.0") -> str:
    """Return a message; the word is only where ``start``, ``lines`` and ``body`` have it, and nobody has it as a name."""
    head = [
        start,
        "Via: SIP/2.0/UDP 192.0.2.65:5060;branch=z9hG4bK1;rport",
        'From: "Alice" <sip:15550100@example.com>;tag=a1',
        "To: <sip:15550101@example.com>",
        "Call-ID: 77@192.0.2.65",
        "CSeq: 1 INVITE",
        *lines,
        *([f"Content-Type: {kind}"] if kind else []),
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*head, "", body])


def strange(seconds: float, scene: int, start: str, *, kind: str = "", body: str = "") -> Request | Response:
    """Return a message of a call between A and P that holds a strange word wherever there is room for one."""
    response = start.startswith("SIP/2.0")
    tag = ";tag=b1" if response and " 100 " not in start else ""
    raw = message(*HEADERS, kind=kind, body=body, start=start)
    raw = raw.replace("branch=z9hG4bK1;", f"branch=z9hG4bK1{scene};", 1).replace(
        "Call-ID: 77@", f"Call-ID: {scene}@", 1
    )
    raw = raw.replace("To: <sip:15550101@example.com>", f"To: Vqzz <sip:15550101@example.com>{tag}", 1)
    raw = raw.replace("CSeq: 1 INVITE", f"CSeq: 1 {'INVITE' if response else start.partition(' ')[0]}", 1)
    ends = path("P", "A") if response else path("A", "P")
    found = parse(EPOCH + int(seconds * 1_000_000_000), ends, raw.encode(), False)
    assert isinstance(found, (Request, Response))
    return found


def calls() -> list[Request | Response]:
    """Return calls that fail in ways about which there is much to say, told by strangers in strange words."""
    found = []
    codes = ("404 Vqzz", "488 Vqzz", "482 Vqzz", "486 Vqzz", "480 Vqzz", "603 Vqzz", "500 Vqzz")
    for scene, (code, (kind, body)) in enumerate(zip(codes, [*BODIES, ("", "")], strict=True)):
        at = scene * 100.0
        uri = "sip:Vqzz;Vqzz=Vqzz@example.com;x=Vqzz?Vqzz=Vqzz"
        sdp = BODIES[0]
        found.append(strange(at, scene, f"INVITE {uri} SIP/2.0", kind=sdp[0], body=sdp[1]))
        found += [
            strange(at + 0.1, scene, "SIP/2.0 100 Vqzz"),
            strange(at + 14, scene, f"SIP/2.0 {code}", kind=kind, body=body),
        ]
        found.append(strange(at + 14.1, scene, f"ACK {uri} SIP/2.0"))
    return found
