"""Situations of a call's own dialog: its ACK, CANCEL, BYE, changes and transfers.

Stated by hand, as those of the contact centre are.
"""

from __future__ import annotations

from pcaps.make.situation import (
    ACME,
    ANSWERS,
    ENDS,
    HOSTS,
    INBOUND,
    PROXY_CREDENTIALS,
    RINGS,
    End,
    Linked,
    Situation,
    Told,
    gives_up,
    said,
    sent,
    several,
)

PHONE, TRUNK, SERVER = (HOSTS[letter] for letter in "BTP")
REPEATS = (6, 6.5, 7.5, 9.5, 13.5, 17.5, 21.5, 25.5, 29.5, 33.5, 37.5)  # of a 2xx (RFC 3261 §13.3.1.4)
GIVES_UP = "38.2 T>P BYE from=C cseq=7\n38.25 P>T 200 method=BYE from=C cseq=7"
THERE = "<sip:15550101@203.0.113.10:5060>"
REPLACED = "desk@example.com;to-tag=t;from-tag=f"


def acks(hop: str, *more: str) -> str:
    """Write an ACK behind each copy of the answer."""
    return "".join(f"{at + 0.02:.2f} {hop} ACK branch=z9hG4bKack {' '.join(more)}\n" for at in REPEATS)


def inside(at: float, hop: str, what: str, final: int, cseq: int, *more: str) -> str:
    """Write a request of the caller inside the call, its final response, and the ACK that a re-INVITE has."""
    method, _, rest = what.partition(" ")
    back = f"{hop[2]}>{hop[0]}"
    lines = [
        f"{at} {hop} {method} cseq={cseq} ttag=callee {rest} {' '.join(more)}",
        f"{at + 0.05:.2f} {back} {final} method={method} cseq={cseq} sdp=none",
    ]
    if method == "INVITE":
        branch = "" if final >= 300 else f"branch=z9hG4bKreack{cseq}"
        lines.append(f"{at + 0.1:.2f} {hop} ACK cseq={cseq} ttag=callee {branch}")
    return "\n".join(lines) + "\n"


def hangs_up(at: float, cseq: int, final: int = 200, *more: str) -> str:
    """Write the caller's BYE and its response."""
    return f"{at} P>T BYE cseq={cseq} {' '.join(more)}\n{at + 0.1:.1f} T>P {final} method=BYE cseq={cseq}\n"


def timed(refresher: str) -> str:
    """Write a call that is answered with a session interval of two minutes."""
    return (
        RINGS + f"6 T>P 200 h=Session-Expires:_120;refresher={refresher}\n6.1 P>T ACK ttag=callee branch=z9hG4bKack\n"
    )


def told(at: float, status: str, cseq: int = 8) -> str:
    """Write the trunk's NOTIFY of what has become of a transfer."""
    return (
        f"{at} T>P NOTIFY from=C ttag=callee cseq={cseq} frag={status} h=Event:_refer\n"
        f"{at + 0.05:.2f} P>T 200 method=NOTIFY from=C cseq={cseq}\n"
    )


DIALOGS: dict[str, Situation] = {
    "ack_misrouted": Situation(
        "the ACK of an answer goes to another host, another URI, another dialog; and one that goes past the server",
        several(
            said(
                "elsewhere",
                0,
                RINGS + sent(REPEATS, "T>P", f"200 contact={THERE}") + acks("P>X", "ttag=callee") + GIVES_UP,
            ),
            said(
                "other-uri",
                60,
                RINGS
                + sent(REPEATS, "T>P", f"200 contact={THERE}")
                + acks("P>T", "ttag=callee", "uri=sip:15550199@example.com")
                + GIVES_UP,
            ),
            said(
                "other-dialog",
                120,
                RINGS + sent(REPEATS, "T>P", f"200 contact={THERE}") + acks("P>T", "ttag=early") + GIVES_UP,
            ),
            said(
                "ignored",
                180,
                RINGS
                + sent(REPEATS, "T>P", f"200 contact={THERE}")
                + acks("P>T", "ttag=callee", "uri=sip:15550101@203.0.113.10:5060")
                + GIVES_UP,
            ),
            said(
                "past-the-server",
                240,
                RINGS
                + f"6 T>P 200 contact=<sip:15550101@{HOSTS['N']}:5060>\n6.05 P>N ACK ttag=callee branch=z9hG4bKack\n"
                + ENDS,
            ),
        ),
        {
            "elsewhere": End(
                "answered",
                200,
                [
                    Told(
                        "ack_misrouted",
                        "acme",
                        r"sent 11 times: its ACK goes to 192\.0\.2\.99, .*ask for 203\.0\.113\.10\.$",
                    )
                ],
            ),
            "other-uri": End(
                "answered",
                200,
                [
                    Told(
                        "ack_misrouted",
                        "acme",
                        r"the ACK is for sip:15550199@example\.com, .*is sip:15550101@203\.0\.113\.10:5060\.$",
                    )
                ],
            ),
            "other-dialog": End(
                "answered", 200, [Told("ack_misrouted", "acme", r"the To tag early, the answer has callee")]
            ),
            "ignored": End(
                "answered",
                200,
                [
                    Told(
                        "ack_lost",
                        "acme",
                        r"sent 11 times although its ACK passed here each time .*not arrive there, or is not accepted",
                    )
                ],
            ),
            "past-the-server": End("answered", 200),
        },
        ACME,
        until=320,
    ),
    "ack_stopped": Situation(
        "a server gets the ACK and does not hand it on",
        said(
            "swallowed",
            0,
            "0 A>P INVITE\n0.02 P>A 100\n0.05 P>T INVITE vias=2\n0.1 T>P 100 vias=2\n1 T>P 180 vias=2\n1.02 P>A 180\n"
            "5 T>P 200 vias=2\n5.02 P>A 200\n5.1 A>P ACK ttag=callee branch=z9hG4bKack\n"
            + sent((5.5, 6.5, 8.5, 12.5, 16.5), "T>P", "200 vias=2")
            + "20 A>P BYE\n20.02 P>T BYE vias=2\n20.05 T>P 200 method=BYE vias=2\n20.07 P>A 200 method=BYE",
        ),
        {
            "swallowed": End(
                "answered",
                200,
                [
                    Told(
                        "ack_lost",
                        TRUNK,
                        r"sent 6 times: its ACK arrived at 198\.51\.100\.10, and was not seen on its way on to 203",
                    )
                ],
            )
        },
        until=90,
    ),
    "cancel_race": Situation(
        "a CANCEL crosses the answer, one comes behind the caller's 487 and leaves a phone alone; and one in time",
        several(
            said(
                "crossed",
                0,
                RINGS
                + "8 P>T CANCEL\n8.01 T>P 200\n8.05 T>P 481 method=CANCEL\n8.06 P>T ACK ttag=callee branch=z9hG4bKack\n"
                + hangs_up(8.1, 2),
            ),
            said(
                "ghost",
                60,
                "0 A>P INVITE\n0.02 P>A 100\n0.05 P>B INVITE vias=2\n0.1 B>P 100 vias=2\n1.2 B>P 180 vias=2\n1.22 P>A 180\n"
                "9 A>P CANCEL\n9.01 P>A 200 method=CANCEL\n9.02 P>A 487\n9.03 B>P 200 vias=2\n9.04 P>B CANCEL vias=2\n"
                "9.05 B>P 481 method=CANCEL vias=2\n9.06 A>P ACK ttag=callee\n"
                + sent((9.53, 10.53, 12.53, 16.53), "B>P", "200 vias=2"),
            ),
            said("in-time", 120, INBOUND + gives_up(9)),
            said(
                "goes-on",
                160,
                RINGS
                + "8 P>T CANCEL\n8.05 T>P 481 method=CANCEL\n9 T>P 200\n9.1 P>T ACK ttag=callee branch=z9hG4bKack\n"
                + ENDS,
            ),
        ),
        {
            "crossed": End(
                "answered", 200, [Told("cancel_race", TRUNK, r"^198\.51\.100\.10 cancelled, .*hung up on at once")]
            ),
            "ghost": End(
                "abandoned",
                487,
                [Told("cancel_race", PHONE, r"^198\.51\.100\.10 cancelled, .*a ghost call, in which 192\.0\.2\.12")],
            ),
            "in-time": End("abandoned", 487),
            "goes-on": End("answered", 200, [Told("cancel_race", TRUNK, r"acknowledged, and the call went on")]),
        },
        until=260,
    ),
    "bye_refused": Situation(
        "a BYE is refused for its CSeq, for want of hops, of credentials, and because nobody knows it; and one that is "
        "repeated with credentials",
        several(
            said("counted-wrong", 0, ANSWERS + inside(20, "P>T", "INVITE", 200, 5) + hangs_up(30, 5, 500)),
            said("no-hops", 100, ANSWERS + hangs_up(30, 2, 483, "mf=0")),
            said("challenged", 200, ANSWERS + hangs_up(30, 2, 407)),
            said("unknown", 300, ANSWERS + hangs_up(30, 2, 481)),
            said(
                "repeated",
                400,
                ANSWERS
                + hangs_up(30, 2, 407)
                + hangs_up(30.5, 3, 200, PROXY_CREDENTIALS.format(n="n", user="15550100")),
            ),
            said(
                "both-at-once",
                500,
                ANSWERS
                + "30 P>T BYE\n30 T>P BYE from=C cseq=7\n30.1 T>P 481 method=BYE cseq=2\n30.1 P>T 481 method=BYE from=C cseq=7",
            ),
        ),
        {
            "counted-wrong": End(
                "answered",
                200,
                [Told("bye_refused", "acme", r"^acme refused the BYE with 500: its CSeq number 5 is not")],
            ),
            "no-hops": End("answered", 200, [Told("bye_refused", "acme", r"with 483: it has no Max-Forwards left")]),
            "challenged": End("answered", 200, [Told("bye_refused", "acme", r"^acme asked for credentials with 407")]),
            "unknown": End(
                "answered",
                200,
                [Told("bye_refused", "acme", r"^acme answered the BYE with 481: it knows no such call")],
            ),
            "repeated": End("answered", 200),
            "both-at-once": End("answered", 200),
        },
        ACME,
        until=600,
    ),
    "session_timer": Situation(
        "sessions that nobody refreshes, or whose refresh is refused; and one that is refreshed",
        several(
            said(
                "forgotten",
                0,
                timed("uac")
                + "116 T>P BYE from=C cseq=7 h=Reason:_SIP;cause=408\n116.1 P>T 200 method=BYE from=C cseq=7",
            ),
            said(
                "refused",
                200,
                timed("uac")
                + inside(66, "P>T", "UPDATE", 500, 2)
                + "116 T>P BYE from=C cseq=7\n116.1 P>T 200 method=BYE from=C cseq=7",
            ),
            said(
                "unheard",
                400,
                timed("uac")
                + sent((66, 66.5, 67.5), "P>T", "UPDATE cseq=2 ttag=callee")
                + "116 T>P BYE from=C cseq=7\n116.1 P>T 200 method=BYE from=C cseq=7",
            ),
            said("nobody", 600, timed("uas")),
            said(
                "refreshed",
                800,
                timed("uac")
                + "66 P>T UPDATE cseq=2 ttag=callee\n66.1 T>P 200 method=UPDATE cseq=2 h=Session-Expires:_120;refresher=uac\n"
                + hangs_up(150, 3),
            ),
        ),
        {
            "forgotten": End(
                "answered",
                200,
                [
                    Told(
                        "session_timer",
                        SERVER,
                        r"^198\.51\.100\.10 was to refresh .* every 120 s, and did not: acme hung up",
                    )
                ],
            ),
            "refused": End(
                "answered",
                200,
                [
                    Told("session_timer", SERVER, r"acme refused the UPDATE with 500"),
                    Told("midcall_refused", "acme", r"^acme refused the UPDATE inside the call with 500"),
                ],
            ),
            "unheard": End("answered", 200, [Told("session_timer", SERVER, r"the UPDATE to acme got no answer")]),
            "nobody": End(
                "answered",
                200,
                [Told("session_timer", "acme", r"^acme was to refresh .*nothing more came, not even a BYE")],
            ),
            "refreshed": End("answered", 200),
        },
        ACME,
        until=1000,
    ),
    "midcall_refused": Situation(
        "hold, a new offer and an UPDATE are refused; and what is only put off: glare, wait a moment, a challenge",
        several(
            said("hold", 0, ANSWERS + inside(15, "P>T", "INVITE", 403, 2, "sdp=sendonly") + hangs_up(15.5, 3)),
            said("offer", 60, ANSWERS + inside(15, "P>T", "INVITE", 488, 2) + hangs_up(30, 3)),
            said("update", 120, ANSWERS + inside(15, "P>T", "UPDATE", 405, 2) + hangs_up(30, 3)),
            said(
                "glare",
                180,
                ANSWERS + inside(15, "P>T", "INVITE", 491, 2) + inside(17.2, "P>T", "INVITE", 200, 3) + hangs_up(30, 4),
            ),
            said(
                "moment",
                240,
                ANSWERS
                + "15 P>T UPDATE cseq=2 ttag=callee\n15.1 T>P 500 method=UPDATE cseq=2 h=Retry-After:_3\n"
                + inside(18.2, "P>T", "UPDATE", 200, 3)
                + hangs_up(30, 4),
            ),
            said(
                "challenge",
                300,
                ANSWERS
                + inside(15, "P>T", "INVITE", 407, 2)
                + inside(15.3, "P>T", "INVITE", 200, 3, PROXY_CREDENTIALS.format(n="n", user="15550100"))
                + hangs_up(30, 4),
            ),
        ),
        {
            "hold": End(
                "answered",
                200,
                [Told("midcall_refused", "acme", r"^acme refused to be put on hold: 403 for the INVITE")],
            ),
            "offer": End(
                "answered",
                200,
                [Told("midcall_refused", "acme", r"the INVITE inside the call with 488\. Offered were: PCMA, PCMU")],
            ),
            "update": End(
                "answered",
                200,
                [Told("midcall_refused", "acme", r"^acme refused the UPDATE inside the call with 405\.$")],
            ),
            "glare": End("answered", 200),
            "moment": End("answered", 200),
            "challenge": End("answered", 200),
        },
        ACME,
        until=400,
    ),
    "transfer_failed": Situation(
        "a transfer is refused; one is accepted, and the new call comes to nothing; and one that succeeds",
        several(
            said(
                "refused",
                0,
                ANSWERS
                + inside(15, "P>T", "REFER", 603, 2, "h=Refer-To:_<sip:15550177@example.com>")
                + hangs_up(30, 3),
            ),
            said(
                "attended",
                60,
                ANSWERS
                + inside(
                    15,
                    "P>T",
                    "REFER",
                    202,
                    2,
                    f"h=Refer-To:_<sip:15550188@example.com?Replaces={REPLACED.replace('@', '%40').replace(';', '%3B').replace('=', '%3D')}>",
                )
                + told(15.5, "403_Forbidden")
                + hangs_up(30, 3),
            ),
            said(
                "target",
                75.1,
                "0 T>B INVITE\n0.1 B>T 403\n0.12 T>B ACK ttag=callee".replace(
                    "INVITE", f"INVITE h=Replaces:_{REPLACED}"
                ),
                callee="15550188",
            ),
            said(
                "silent-about-it",
                120,
                ANSWERS
                + inside(15, "P>T", "REFER", 202, 2, "h=Refer-To:_<sip:15550144@example.com>")
                + told(15.1, "100_Trying")
                + hangs_up(40, 3),
            ),
            said(
                "target-too",
                135.1,
                "0 T>B INVITE h=Referred-By:_<sip:15550100@example.com>\n0.05 B>T 100\n0.1 B>T 404\n0.12 T>B ACK ttag=callee",
                callee="15550144",
            ),
            said(
                "succeeds",
                180,
                ANSWERS
                + inside(15, "P>T", "REFER", 202, 2, "h=Refer-To:_<sip:15550166@example.com>")
                + told(15.1, "100_Trying")
                + told(18, "200_OK", 9)
                + hangs_up(18.5, 3),
            ),
        ),
        {
            "refused": End(
                "answered",
                200,
                [Told("transfer_failed", "acme", r"^acme refused with 603 to transfer the call to 15550177")],
                ["transferred"],
            ),
            "attended": End(
                "answered",
                200,
                [
                    Told(
                        "transfer_failed",
                        "acme",
                        r"to 15550188 was accepted and failed: acme tells of 403\. The new call has the Call-ID target\.$",
                    )
                ],
                ["transferred"],
                [Linked("target", "referred", "transferred")],
            ),
            "target": End(
                "forbidden",
                403,
                [
                    Told(
                        "transfer_failed",
                        PHONE,
                        r"set up by a transfer to 15550188, and came to forbidden.*Call-ID attended\.$",
                    )
                ],
                linked=[Linked("attended", "referred", "transferring")],
            ),
            "silent-about-it": End(
                "answered",
                200,
                [
                    Told(
                        "transfer_failed",
                        "acme",
                        r"to 15550144 was accepted, and the call that it set up came to not_found\. It has the Call-ID target-too",
                    )
                ],
                ["transferred"],
                [Linked("target-too", "referred", "transferred")],
            ),
            "target-too": End(
                "not_found",
                404,
                [Told("transfer_failed", PHONE, r"Call-ID silent-about-it\.$")],
                linked=[Linked("silent-about-it", "referred", "transferring")],
            ),
            "succeeds": End("answered", 200, [], ["transferred"]),
        },
        ACME,
        until=300,
    ),
}
