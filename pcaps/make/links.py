"""The two calls that a B2BUA makes of one, in every way in which they can be known for that; and what links nothing.

P is the B2BUA: A calls it, and it calls B, with a Call-ID and tags of its own.
"""

from __future__ import annotations

from pcaps.make.situation import End, Linked, Situation, said, several

ID = "b2e5d1a07c3f4e9aa1d05c6f7788990a"
OTHER_ID = "0c1d2e3f4a5b6c7d8e9fa0b1c2d3e4f5"
NOBODY = "0" * 32
MEDIA = "swap=IN_IP4_198.51.100.10~IN_IP4_192.0.2.11"  # P leaves A's session description as it is
REPLACED = "consult@example.com;to-tag=callee;from-tag=caller"
EMBEDDED = REPLACED.replace("@", "%40").replace(";", "%3B").replace("=", "%3D")

_IN = "0 A>P INVITE {up}\n0.02 P>A 100\n1.25 P>A 180\n6.05 P>A 200\n6.1 A>P ACK ttag=callee branch=z9hG4bKack1\n"
_IN_ENDS = "30 A>P BYE\n30.08 P>A 200 method=BYE cseq=2\n"
_OUT = "0.05 P>B INVITE {down}\n0.1 B>P 100\n1.2 B>P 180\n6 B>P 200\n6.15 P>B ACK ttag=callee branch=z9hG4bKack2\n"
_OUT_ENDS = "30.03 P>B BYE\n30.06 B>P 200 method=BYE cseq=2\n"


def both(name: str, start: float, up: str, down: str, callee: str = "15550101") -> str:
    """Write the two calls of a conversation, each with what its INVITE has besides."""
    return several(
        said(f"{name}-in", start, (_IN + _IN_ENDS).format(up=up), ftag="phone"),
        said(f"{name}-out", start, (_OUT + _OUT_ENDS).format(down=down), ftag="server", callee=callee),
    )


def pair(name: str, by: str) -> dict[str, End]:
    """Return what is expected of the two."""
    return {
        f"{name}-in": End("answered", 200, linked=[Linked(f"{name}-out", by, "downstream")]),
        f"{name}-out": End("answered", 200, linked=[Linked(f"{name}-in", by, "upstream")]),
    }


TALKS = "0 B>A INVITE\n0.5 A>B 180\n2 A>B 200\n2.1 B>A ACK ttag=callee branch=z9hG4bKack3\n"
ASKS = "0 A>C INVITE\n0.5 C>A 180\n2 C>A 200\n2.1 A>C ACK ttag=callee branch=z9hG4bKack4\n"
# A transfers B to C: in the dialog that B began, A is the callee.
REFERS = (
    f"20 A>B REFER from=C ttag=callee cseq=7 h=Refer-To:_<sip:15550103@example.com?Replaces={EMBEDDED}>\n"
    "20.1 B>A 202 method=REFER from=C cseq=7\n"
    "24 A>B BYE from=C cseq=8\n24.1 B>A 200 method=BYE from=C cseq=8\n"
)
CONNECTS = (
    f"0 B>C INVITE callee=15550103 h=Replaces:_{REPLACED} h=Referred-By:_<sip:15550101@example.com>\n"
    "0.1 C>B 200\n0.2 B>C ACK ttag=callee branch=z9hG4bKack5\n20 B>C BYE\n20.1 C>B 200 method=BYE cseq=2\n"
)

LINKS: dict[str, Situation] = {
    "linked": Situation(
        "a B2BUA makes two calls of one: known by Session-ID, by a header that it copies, by one with the Call-ID, and by "
        "numbers and session description; not known where nothing is the same; and an attended transfer",
        several(
            both("session", 0, f"h=Session-ID:_{ID};remote={NOBODY}", f"h=Session-ID:_{ID};remote={NOBODY}"),
            both("copied", 60, "h=X-Conversation:_7741", "h=X-Conversation:_7741"),
            both("named", 120, "", "h=X-CID:_named-in"),
            both("alike", 180, "", MEDIA, "00015550101"),
            both("strange", 240, "", f"h=Session-ID:_{OTHER_ID};remote={NOBODY}", "15550144"),
            said("talk", 300, TALKS + REFERS, ftag="talker"),
            said("consult@example.com", 310, ASKS + "11 C>A BYE from=C\n11.1 A>C 200 method=BYE from=C cseq=2\n"),
            said("connected", 320.5, CONNECTS, ftag="referee"),
        ),
        {
            **pair("session", "session_id"),
            **pair("copied", "header"),
            **pair("named", "header"),
            **pair("alike", "numbers"),
            "strange-in": End("answered", 200),
            "strange-out": End("answered", 200),
            "talk": End("answered", 200, [], ["transferred"], [Linked("connected", "referred", "transferred")]),
            "consult@example.com": End("answered", 200, linked=[Linked("connected", "replaces", "replacing")]),
            "connected": End(
                "answered",
                200,
                linked=[
                    Linked("talk", "referred", "transferring"),
                    Linked("consult@example.com", "replaces", "replaced"),
                ],
            ),
        },
        '[links]\nheader = ["X-Conversation", "X-CID"]\nby_numbers = true\n',
        until=400,
    ),
}
