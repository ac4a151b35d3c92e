"""Views of servers and clients that try several targets: one side only, or both."""

from __future__ import annotations

from pcaps.make.situation import HOSTS, said, sent, several
from pcaps.make.view import Seen, View

A, B, C, D, P, Q, T, M = (HOSTS[letter] for letter in "ABCDPQTM")


def far(phone: str, code: int, at: float, *, begun: float = 0, rings: bool = True, tag: str = "callee") -> str:
    """Write the far side of P: a target that is tried, rings, and says a final response, with its ACK."""
    ringing = f"{begun + 0.6:.2f} {phone}>P 180 vias=2 ttag={tag}\n" if rings else ""
    ack = f"branch=z9hG4bKack{phone}{tag}" if code == 200 else ""
    return (
        f"{begun} P>{phone} INVITE vias=2\n{begun + 0.05:.2f} {phone}>P 100 vias=2\n{ringing}"
        f"{at} {phone}>P {code} vias=2 ttag={tag}\n{at + 0.05:.2f} P>{phone} ACK vias=2 ttag={tag} {ack}\n"
    )


def taken_away(phone: str, at: float, tag: str) -> str:
    """Write a phone that rings until the server cancels."""
    return (
        f"0 P>{phone} INVITE vias=2\n0.05 {phone}>P 100 vias=2\n0.7 {phone}>P 180 vias=2 ttag={tag}\n"
        f"{at} P>{phone} CANCEL vias=2\n{at + 0.02:.2f} {phone}>P 200 method=CANCEL vias=2\n"
        f"{at + 0.03:.2f} {phone}>P 487 vias=2 ttag={tag}\n{at + 0.05:.2f} P>{phone} ACK vias=2 ttag={tag}\n"
    )


def hung_up(hop: str, at: int, tag: str = "callee", cseq: int = 9) -> str:
    """Write a BYE of the caller's side and its 2xx."""
    vias = " vias=2" if hop[0] == "P" else ""
    return (
        f"{at} {hop} BYE ttag={tag} cseq={cseq}{vias}\n"
        f"{at}.05 {hop[2]}>{hop[0]} 200 method=BYE cseq={cseq} ttag={tag}{vias}\n"
    )


def tried(hop: str, code: int, at: float, *, begun: float = 0, cseq: int = 1, more: str = "") -> str:
    """Write one try of a client: INVITE, 100, final response, ACK."""
    back = f"{hop[2]}>{hop[0]}"
    ack = f"branch=z9hG4bKack{hop[2]}{cseq}" if code == 200 else ""
    ringing = f"{begun + 1:.2f} {back} 180 cseq={cseq}\n" if code == 200 else ""
    return (
        f"{begun} {hop} INVITE cseq={cseq} {more}\n{begun + 0.05:.2f} {back} 100 cseq={cseq}\n{ringing}"
        f"{at} {back} {code} cseq={cseq}\n{at + 0.05:.2f} {hop} ACK cseq={cseq} ttag=callee {ack}\n"
    )


SIDES: dict[str, View] = {
    "equal_legs": View(
        "a ring group seen from its phones: one answers; the caller gives up; two targets refuse; one fails while another rings",
        several(
            said("group", 0, taken_away("B", 7.1, "b") + far("C", 200, 7, tag="c") + taken_away("D", 7.12, "d")
                 + hung_up("P>C", 32, "c")),
            said("given-up", 100, taken_away("B", 14, "b") + taken_away("C", 14.01, "c")),
            said("refused", 200, far("T", 404, 1.5, rings=False, tag="t") + far("M", 503, 0.8, rings=False, tag="m")),
            said("one-fails", 300, far("B", 480, 0.4, rings=False, tag="b") + far("C", 200, 11, tag="c") + hung_up("P>C", 41, "c")),
            said("nobody-wants", 400, far("B", 603, 3, tag="b") + taken_away("C", 3.1, "c")),
        ),
        {
            "group": Seen("answered", 200, "caller", C, ["answered_elsewhere", "answered", "answered_elsewhere"], "normal", 25.0),
            "given-up": Seen("abandoned", 487, "caller", C, ["abandoned", "abandoned"]),
            "refused": Seen("not_found", 404, "callee", M, ["not_found", "server_error"]),
            "one-fails": Seen("answered", 200, "caller", C, ["unavailable", "answered"], "normal", 30.0),
            "nobody-wants": Seen("declined", 603, "callee", C, ["declined", "abandoned_brief"]),
        },
        500,
    ),
    "failover": View(
        "one trunk after the other, seen from the trunks' side, from both sides, and where the phone itself goes on",
        several(
            said("refused", 0, far("T", 503, 0.3, rings=False) + far("M", 200, 6, begun=0.4) + hung_up("P>M", 46)),
            said("silent", 100, sent((0, 0.5, 1.5, 3.5), "P>T", "INVITE vias=2") + far("M", 200, 12, begun=4) + hung_up("P>M", 52)),
            said("phone-next-number", 200, tried("A>P", 503, 0.3) + tried("A>Q", 200, 5, begun=0.5, cseq=2) + hung_up("A>Q", 35)),
            said("phone-same-number", 300, tried("A>P", 503, 0.3) + tried("A>Q", 200, 5, begun=0.5) + hung_up("A>Q", 35)),
            said("icmp", 400, "0 A>P INVITE\n" + tried("A>Q", 486, 3, begun=0.2)),
            said(
                "both-sides",
                500,
                "0 A>P INVITE\n0.02 P>A 100\n" + far("T", 503, 0.3, begun=0.1, rings=False) + far("M", 200, 6, begun=0.4)
                + "1.1 P>A 180\n6.02 P>A 200\n6.04 A>P ACK ttag=callee branch=z9hG4bKa\n" + hung_up("A>P", 36)
                + "36.02 P>M BYE ttag=callee cseq=9 vias=2\n36.03 M>P 200 method=BYE cseq=9 ttag=callee vias=2\n",
            ),
        ),
        {
            "refused": Seen("answered", 200, "caller", M, ["server_error", "answered"], "normal", 40.0),
            "silent": Seen("answered", 200, "caller", M, ["not_responding", "answered"], "normal", 40.0, ["no_response"]),
            "phone-next-number": Seen("answered", 200, "caller", Q, ["server_error", "answered"], "normal", 30.0),
            "phone-same-number": Seen("answered", 200, "caller", Q, ["server_error", "answered"], "normal", 30.0),
            "icmp": Seen("busy", 486, "callee", Q, ["not_responding", "busy"], conditions=["no_response"]),
            "both-sides": Seen("answered", 200, "caller", M, ["answered", "server_error", "answered"], "normal", 29.98),
        },
        600,
        errors=[("400.000", "A", "P", 0.01)],
    ),
    "transport_change": View(
        "a large INVITE that UDP does not carry goes by TCP; a TCP connection is reset, and the INVITE goes by UDP",
        several(
            said("to-tcp", 0, "0 A>P INVITE pad=900\n0.5 A>P INVITE pad=900\n"
                 + tried("A>P", 200, 6, begun=1.2, more="pad=900 branch=z9hG4bKtcp over=tcp").replace("P>A 100", "P>A 100 over=tcp branch=z9hG4bKtcp")
                 .replace("P>A 180", "P>A 180 over=tcp branch=z9hG4bKtcp").replace("P>A 200", "P>A 200 over=tcp branch=z9hG4bKtcp").replace("A>P ACK", "A>P ACK over=tcp")
                 + hung_up("A>P", 36).replace("BYE ttag", "BYE over=tcp ttag").replace("200 method", "200 over=tcp method")),
            said("to-udp", 100, "0 B>P INVITE over=tcp branch=z9hG4bKtcp\n" + tried("B>P", 200, 5, begun=0.3) + hung_up("B>P", 35)),
        ),
        {
            "to-tcp": Seen("answered", 200, "caller", P, ["not_responding", "answered"], "normal", 30.0, ["no_response"]),
            "to-udp": Seen("answered", 200, "caller", P, ["not_responding", "answered"], "normal", 30.0, ["no_response"]),
        },
        200,
        resets=[("100.050", "P", "B")],
    ),
    "asked_again": View(
        "refused on one condition and asked again on another: the offer, the interval, an extension, more digits; and three sockets",
        several(
            said("plain-offer", 0, tried("A>P", 488, 0.4) + tried("A>P", 200, 4, begun=0.7, cseq=2) + hung_up("A>P", 49)),
            said("longer-interval", 100, tried("A>P", 422, 0.4, more="h=Session-Expires:_60")
                 + tried("A>P", 200, 4, begun=0.7, cseq=2, more="h=Session-Expires:_1800") + hung_up("A>P", 24)),
            said("without-extension", 200, tried("A>P", 420, 0.4, more="h=Require:_100rel") + tried("A>P", 486, 3, begun=0.7, cseq=2)),
            said("more-digits", 300, tried("A>P", 484, 0.4) + tried("A>P", 404, 3, begun=9, cseq=2)),
            said("never-again", 400, tried("A>P", 488, 0.4)),
            said(
                "sockets",
                500,
                "".join(
                    f"0.0{n} A>P INVITE sport={5070 + n} cseq={n}\n0.1{n} P>A 100 dport={5070 + n} cseq={n}\n"
                    f"1.0{n} P>A 180 dport={5070 + n} cseq={n}\n"
                    f"4.0{n} P>A 200 dport={5070 + n} cseq={n}\n"
                    f"4.1{n} A>P ACK sport={5070 + n} cseq={n} ttag=callee branch=z9hG4bKack{n}\n"
                    for n in (1, 2, 3)
                )
                + "34 A>P BYE sport=5073 ttag=callee cseq=9\n34.05 P>A 200 dport=5073 method=BYE cseq=9 ttag=callee\n",
            ),
        ),
        {
            "plain-offer": Seen("answered", 200, "caller", P, ["retried", "answered"], "normal", 45.0),
            "longer-interval": Seen("answered", 200, "caller", P, ["retried", "answered"], "normal", 20.0),
            "without-extension": Seen("busy", 486, "callee", P, ["retried", "busy"]),
            "more-digits": Seen("not_found", 404, "callee", P, ["retried", "not_found"]),
            "never-again": Seen("rejected", 488, "callee", P, ["rejected"]),
            "sockets": Seen("answered", 200, "caller", P, ["answered"] * 3, "normal", 29.99),
        },
        600,
    ),
    "several_answers": View(
        "two phones answer and the caller keeps the first, or the second; and an INVITE that reaches the phone by two ways",
        several(
            said("keeps-first", 0, far("B", 200, 4, tag="b") + far("C", 200, 4.02, tag="c") + hung_up("P>C", 5, "c") + hung_up("P>B", 64, "b")),
            said("keeps-second", 100, far("B", 200, 4, tag="b") + far("C", 200, 4.02, tag="c") + hung_up("P>B", 5, "b") + hung_up("P>C", 64, "c")),
            said("merged", 200, "0 P>B INVITE vias=2\n0.01 Q>B INVITE vias=2 branch=z9hG4bKtwice\n0.05 B>P 100 vias=2\n"
                 "0.06 B>Q 482 vias=2 branch=z9hG4bKtwice reason=Merged_Request ttag=m\n0.1 Q>B ACK vias=2 branch=z9hG4bKtwice ttag=m\n"
                 "1 B>P 180 vias=2\n5 B>P 200 vias=2\n5.05 P>B ACK vias=2 ttag=callee branch=z9hG4bKa\n" + hung_up("P>B", 20)),
        ),
        {
            "keeps-first": Seen("answered", 200, "caller", B, ["answered", "answered"], "normal", 60.0),
            "keeps-second": Seen("answered", 200, "caller", C, ["answered", "answered"], "normal", 59.98),
            "merged": Seen("answered", 200, "caller", B, ["answered", "server_error"], "normal", 15.0),
        },
        300,
    ),
}  # fmt: skip
