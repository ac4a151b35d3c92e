"""Views with something missing, in the wrong place, or spelt oddly; and how answered calls end."""

from __future__ import annotations

from pcaps.make.sides import hung_up, tried
from pcaps.make.situation import HOSTS, said, several
from pcaps.make.view import Seen, View

A, B, C, P, T = (HOSTS[letter] for letter in "ABCPT")
UP = "0 A>P INVITE\n0.05 P>A 100\n1 P>A 180\n5 P>A 200 {0}\n5.05 A>P ACK ttag=callee branch=z9hG4bKa uri=sip:15550100@198.51.100.10:5060\n"
ANSWERED = UP.format("")
UNHEARD = "0 A>P INVITE\n0.05 P>A 100\n1 P>A 180\n"
CREDENTIALS = 'h=Proxy-Authorization:_Digest_username="15550100",_realm="example.com",_nonce="n1",_response="00d1e5"'
BYE = "{0} A>P BYE ttag=callee cseq=9 {1}\n"
BYE_BY_CALLEE = "{0} P>A BYE from=C ttag=callee cseq=9 {1}\n{0}.05 A>P 200 method=BYE from=C ttag=callee cseq=9\n"
HOPS = (
    "0 A>P INVITE\n0.02 P>A 100\n0.1 P>B INVITE vias=2\n0.15 B>P 100 vias=2\n1 B>P 180 vias=2\n1.02 P>A 180\n"
    "5 B>P 200 vias=2\n{0}5.1 A>P ACK ttag=callee branch=z9hG4bKa\n5.12 P>B ACK ttag=callee branch=z9hG4bKb vias=2\n"
)
BYE_OVER_HOPS = (
    "35 A>P BYE ttag=callee cseq=9\n35.02 P>B BYE ttag=callee cseq=9 vias=2\n"
    "35.05 B>P 200 method=BYE cseq=9 ttag=callee vias=2\n35.07 P>A 200 method=BYE cseq=9 ttag=callee\n"
)
REPEATED = "".join(f"{at} P>A 200\n" for at in (5, 5.5, 6.5, 8.5, 12.5, 16.5, 20.5, 24.5, 28.5, 32.5, 36.5))
TIMED = UP.format("h=Session-Expires:_90;refresher=uac")
REFRESH = "45 A>P UPDATE ttag=callee cseq=3\n45.05 P>A 200 method=UPDATE cseq=3 ttag=callee h=Session-Expires:_90;refresher=uac\n"
RE_INVITE = "15 A>P INVITE ttag=callee cseq=3 sdp=sendonly\n15.05 P>A {0} cseq=3\n15.1 A>P ACK ttag=callee cseq=3\n"


def answered(
    legs: int = 1,
    ending: str = "normal",
    by: str = "caller",
    talk: float | None = 30.0,
    *,
    code: int | None = 200,
    reached: str = P,
    conditions: tuple[str, ...] = (),
    inferred: dict[int, list[str]] | None = None,
) -> Seen:
    """Expect a call that was answered."""
    return Seen("answered", code, by, reached, ["answered"] * legs, ending, talk, list(conditions), inferred or {})


ODD: dict[str, View] = {
    "lost_message": View(
        "what was not captured but must have been: a challenge, an answer on one hop or the only one, an answer and its ACK",
        several(
            said("challenge", 0, "0 A>P INVITE\n0.1 A>P ACK ttag=callee\n" + tried("A>P", 200, 5, begun=0.2, cseq=2, more=CREDENTIALS)
                 + hung_up("A>P", 35)),
            said("challenge-and-ack", 100, "0 A>P INVITE\n" + tried("A>P", 486, 2, begun=0.2, cseq=2, more=CREDENTIALS)),
            said("answer", 200, UNHEARD + "5 A>P ACK ttag=callee branch=z9hG4bKa\n" + hung_up("A>P", 35)),
            said("answer-on-first-hop", 300, HOPS.format("") + BYE_OVER_HOPS),
            said("answer-and-ack", 400, UNHEARD + hung_up("A>P", 25)),
            said("failing-final", 500, UNHEARD + "4 A>P ACK ttag=callee\n"),
            said("ringing-on-first-hop", 600, "0 A>P INVITE\n0.1 P>B INVITE vias=2\n1 B>P 180 vias=2\n9 B>P 486 vias=2\n"
                 "9.02 P>B ACK vias=2 ttag=callee\n9.05 P>A 486\n9.1 A>P ACK ttag=callee\n"),
        ),
        {
            "challenge": Seen("answered", 200, "caller", P, ["retried", "answered"], "normal", 30.0, inferred={0: ["challenge"]}),
            "challenge-and-ack": Seen("busy", 486, "callee", P, ["retried", "busy"], inferred={0: ["challenge"]}),
            "answer": answered(code=None, inferred={0: ["success"]}),
            "answer-on-first-hop": answered(2, code=None, reached=B, talk=29.9, inferred={0: ["success"]}),
            "answer-and-ack": answered(code=None, talk=None, inferred={0: ["success"]}),
            "failing-final": Seen("unfinished", None, "callee", P, ["unfinished"], inferred={0: ["final"]}),
            "ringing-on-first-hop": Seen("busy", 486, "callee", B, ["busy", "busy"]),
        },
        700,
    ),
    "odd_response": View(
        "responses from another port or address, without their Via, with a branch or a CSeq number that nobody sent",
        several(
            said("other-port", 0, (ANSWERED + hung_up("A>P", 35)).replace("P>A", "P>A sport=5066").replace("P>A sport=5066 ", "P>A ")),
            said("via-lost", 100, HOPS.format("5.02 P>A 200\n").replace("B>P 200 vias=2", "B>P 200 vias=1 branch=z9hG4bKup0")
                 + BYE_OVER_HOPS),
            said("other-branch", 200, "0 A>P INVITE\n0.05 P>A 100\n3 P>A 486 branch=z9hG4bKnobodys\n3.1 A>P ACK ttag=callee\n"),
            said("other-cseq", 300, "0 A>P INVITE cseq=7\n0.05 P>A 100 cseq=7\n1 P>A 486 cseq=6 branch=z9hG4bKAPINVITE7other-cseq\n"
                 "8 A>P CANCEL cseq=7\n8.05 P>A 200 method=CANCEL cseq=7\n8.1 P>A 487 cseq=7\n8.15 A>P ACK cseq=7 ttag=callee\n"),
        ),
        {
            "other-port": answered(),
            "via-lost": answered(2, reached=B, talk=29.98),
            "other-branch": Seen("busy", 486, "callee", P, ["busy"]),
            "other-cseq": Seen("abandoned", 487, "caller", P, ["abandoned"], conditions=["slow_progress"]),
        },
        400,
    ),
    "cancel_race": View(
        "a CANCEL meets the answer; the answer comes behind the caller's 487; a CANCEL is refused; and two that are in time",
        several(
            said("crossed", 0, ANSWERED.replace("\n5 P>A", "\n4.98 A>P CANCEL\n5 P>A") + "5.02 P>A 481 method=CANCEL\n" + hung_up("A>P", 6)),
            said("behind-487", 100, UNHEARD + "8 A>P CANCEL\n8.02 P>A 200 method=CANCEL\n8.04 P>A 487\n8.06 A>P ACK ttag=callee\n8.1 P>A 200\n"),
            said("refused", 200, UNHEARD + "4 A>P CANCEL\n4.02 P>A 481 method=CANCEL\n5 P>A 486\n5.1 A>P ACK ttag=callee\n"),
            said("in-time", 300, UNHEARD + "8 A>P CANCEL\n8.02 P>A 200 method=CANCEL\n8.04 P>A 487\n8.06 A>P ACK ttag=callee\n"),
            said("claims-an-answer", 400, UNHEARD + "1.05 P>B INVITE vias=2\n1.1 B>P 180 vias=2\n8 A>P CANCEL\n"
                 '8.01 P>B CANCEL vias=2 h=Reason:_SIP;cause=200;text="Call_completed_elsewhere"\n8.03 B>P 487 vias=2\n8.04 P>A 487\n'
                 "8.05 P>B ACK vias=2 ttag=callee\n8.06 A>P ACK ttag=callee\n"),
        ),
        {
            "crossed": answered(talk=1.0),
            "behind-487": Seen("abandoned", 487, "caller", P, ["abandoned"]),
            "refused": Seen("busy", 486, "callee", P, ["busy"]),
            "in-time": Seen("abandoned", 487, "caller", P, ["abandoned"]),
            "claims-an-answer": Seen("abandoned", 487, "caller", B, ["abandoned", "abandoned"]),
        },
        500,
    ),
    "ack": View(
        "an answer that is never acknowledged: no ACK, one that goes elsewhere, ACKs that do not help; and one past the server",
        several(
            said("none", 0, UNHEARD + REPEATED + BYE_BY_CALLEE.format(37, "")),
            said("elsewhere", 100, UNHEARD + REPEATED + "5.05 A>C ACK ttag=callee branch=z9hG4bKa\n" + BYE_BY_CALLEE.format(37, "")),
            said("no-help", 200, UNHEARD + REPEATED + "".join(f"{at}5 A>P ACK ttag=callee branch=z9hG4bKa uri=sip:15550100@{P}:5060\n" for at in ("5.0", "5.5", "6.5", "8.5"))
                 + BYE_BY_CALLEE.format(37, "")),
            said("past-the-server", 300, ANSWERED.replace("A>P ACK", "A>B ACK").replace("5 P>A 200", f"5 P>A 200 contact=<sip:15550101@{B}:5060>")
                 + hung_up("A>P", 35)),
            said("nobody-hangs-up", 400, UNHEARD + REPEATED),
        ),
        {
            "none": answered(ending="ack_timeout", by="callee", talk=32.0, conditions=("ack_missing",)),
            "elsewhere": answered(ending="ack_timeout", by="callee", talk=32.0, conditions=("ack_missing",)),
            "no-help": answered(ending="ack_timeout", by="callee", talk=32.0),
            "past-the-server": answered(),
            "nobody-hangs-up": answered(ending="ack_timeout", by="timeout", talk=None, conditions=("ack_missing",)),
        },
        500,
    ),
    "bye_refused": View(
        "a BYE that is refused, challenged and repeated, answered 408, not answered at all; and two that cross",
        several(
            said("refused", 0, ANSWERED + BYE.format(35, "") + "35.05 P>A 500 method=BYE cseq=9 ttag=callee\n"),
            said("challenged", 100, ANSWERED + BYE.format(35, "") + "35.05 P>A 407 method=BYE cseq=9 ttag=callee\n" + hung_up("A>P", 36, cseq=10)),
            said("timed-out", 200, ANSWERED + BYE.format(35, "") + "67 P>A 408 method=BYE cseq=9 ttag=callee\n"),
            said("unanswered", 300, ANSWERED + "".join(BYE.format(at, "") for at in (35, 35.5, 36.5, 38.5, 42.5))),
            said("crossed", 400, ANSWERED + BYE.format(35, "") + "35.02 P>A BYE from=C ttag=callee cseq=4\n"
                 "35.04 P>A 481 method=BYE cseq=9 ttag=callee\n35.06 A>P 481 method=BYE from=C cseq=4 ttag=callee\n"),
        ),
        {
            "refused": answered(ending="bye_refused"),
            "challenged": answered(),
            "timed-out": answered(ending="bye_unanswered", conditions=("bye_unanswered",)),
            "unanswered": answered(ending="bye_unanswered", conditions=("bye_unanswered",)),
            "crossed": answered(),
        },
        500,
    ),
    "end_reason": View(
        "what a BYE gives as its reason: normal clearing, a fault of the network, a media timeout",
        several(
            said("normal", 0, ANSWERED + BYE_BY_CALLEE.format(35, 'h=Reason:_Q.850;cause=16;text="Normal_call_clearing"')),
            said("network", 100, ANSWERED + BYE_BY_CALLEE.format(35, "h=Reason:_Q.850;cause=38")),
            said("media", 200, ANSWERED + BYE_BY_CALLEE.format(35, 'h=Reason:_SIP;cause=500;text="Media_timeout"')),
        ),
        {
            "normal": answered(by="callee"),
            "network": answered(by="callee", ending="error_reason"),
            "media": answered(by="callee", ending="error_reason"),
        },
        300,
    ),
    "session_timer": View(
        "sessions of 90 s: refreshed, never refreshed and hung up on, never refreshed and forgotten",
        several(
            said("refreshed", 0, TIMED + REFRESH + hung_up("A>P", 110)),
            said("hung-up-on", 200, TIMED + BYE_BY_CALLEE.format(90, 'h=Reason:_SIP;cause=408;text="Session_timeout"')),
            said("forgotten", 400, TIMED),
        ),
        {
            "refreshed": answered(talk=105.0),
            "hung-up-on": answered(ending="session_expired", by="callee", talk=85.0),
            "forgotten": answered(ending="session_expired", by="timeout", talk=None),
        },
        600,
    ),
    "midcall": View(
        "hold is refused and the caller hangs up; an offer meets another one, is put off, is never answered",
        several(
            said("refused", 0, ANSWERED + RE_INVITE.format(403) + hung_up("A>P", 16)),
            said("glare", 100, ANSWERED + RE_INVITE.format(491) + hung_up("A>P", 16)),
            said("put-off", 200, ANSWERED + RE_INVITE.format("500 h=Retry-After:_2") + hung_up("A>P", 16)),
            said("unanswered", 300, ANSWERED + "15 A>P UPDATE ttag=callee cseq=3\n15.5 A>P UPDATE ttag=callee cseq=3\n" + hung_up("A>P", 47)),
            said("accepted", 400, ANSWERED + RE_INVITE.format(200).replace("cseq=3\n15.1 A>P ACK ttag=callee", "cseq=3\n15.1 A>P ACK branch=z9hG4bKre ttag=callee") + hung_up("A>P", 16)),
        ),
        {
            "refused": answered(ending="midcall_failure", talk=11.0),
            "glare": answered(talk=11.0),
            "put-off": answered(talk=11.0),
            "unanswered": answered(ending="midcall_failure", talk=42.0),
            "accepted": answered(talk=11.0),
        },
        500,
    ),
    "ordinary": View(
        "nothing is wrong: a queue that says 182 again and again, a redirect followed under another Call-ID, a number left alone",
        several(
            said("queue", 0, "0 A>P INVITE\n0.05 P>A 100\n0.5 P>A 182\n15 P>A 182\n30 P>A 182\n40 P>A 200\n"
                 "40.05 A>P ACK ttag=callee branch=z9hG4bKa\n" + hung_up("A>P", 70)),
            said("queue-left", 100, "0 A>P INVITE\n0.05 P>A 100\n0.5 P>A 182\n15 P>A 182\n28 A>P CANCEL\n28.02 P>A 200 method=CANCEL\n"
                 "28.04 P>A 487\n28.1 A>P ACK ttag=callee\n"),
            said("redirected", 200, tried("P>B", 302, 1.2)),
            said("dialled-on", 201.5, tried("P>C", 200, 6) + "36 P>C BYE ttag=callee cseq=9\n36.05 C>P 200 method=BYE cseq=9 ttag=callee\n"),
        ),
        {
            "queue": answered(),
            "queue-left": Seen("abandoned", 487, "caller", P, ["abandoned"]),
            "redirected": Seen("redirected", 302, "callee", B, ["redirected"]),
            "dialled-on": answered(reached=C),
        },
        300,
    ),
    "syntax": View(
        "spellings that have broken parsers: no From tag, no branch, names with blanks and quotes, a Via with blanks and a comment",
        several(
            said("no-tag", 0, (ANSWERED + hung_up("A>P", 35)).replace(" INVITE", " INVITE swap=;tag=caller~")
                 .replace("200", "200 swap=;tag=caller~").replace("180", "180 swap=;tag=caller~").replace("100", "100 swap=;tag=caller~")
                 .replace("ACK", "ACK swap=;tag=caller~").replace("BYE ttag", "BYE swap=;tag=caller~ ttag")),
            said("name", 100, '0 A>P INVITE swap=From:_"15550100"~f:_"Doe\\\\,_\\"J.\\";_x<y>"\n0.05 P>A 100\n3 P>A 486\n3.1 A>P ACK ttag=callee\n'),
            said("via", 200, "0 A>P INVITE swap=Via:_SIP/2.0/UDP_~v:__SIP_/_2.0_/_UDP__\n0.05 P>A 100 swap=Via:_SIP/2.0/UDP_~VIA_:_SIP/2.0/UDP__\n"
                 "3 P>A 486\n3.1 A>P ACK ttag=callee\n"),
            said("no-branch", 300, "0 A>P INVITE branch=\n0.05 P>A 100 branch=\n3 P>A 603 branch=\n3.1 A>P ACK ttag=callee branch=\n"),
        ),
        {
            "no-tag": answered(),
            "name": Seen("busy", 486, "callee", P, ["busy"]),
            "via": Seen("busy", 486, "callee", P, ["busy"]),
            "no-branch": Seen("declined", 603, "callee", P, ["declined"]),
        },
        400,
    ),
}  # fmt: skip
