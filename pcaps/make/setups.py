"""Situations of a call's setup: provisional responses, invented ringing, causes, counting, credentials.

Stated by hand, as those of the contact centre are.
"""

from __future__ import annotations

from pcaps.make.dialogs import REPEATS, hangs_up, inside
from pcaps.make.situation import (
    ACME,
    ANSWERS,
    HOSTS,
    INBOUND,
    PROXY_CHALLENGE,
    PROXY_CREDENTIALS,
    RINGS,
    TRIES,
    End,
    Situation,
    Told,
    gives_up,
    refuses,
    said,
    sent,
    several,
)

PHONE, TRUNK, SERVER = (HOSTS[letter] for letter in "BTP")
RELIABLE = "183 h=Require:_100rel h=RSeq:_7"
UNCONFIRMED = (1, 1.5, 2.5, 4.5, 8.5, 16.5, 32.5)  # of a reliable response (RFC 3262 §3)
WANTS = "0.5 T>P 183 h=Require:_100rel,_precondition h=RSeq:_7\n"
STALE = PROXY_CHALLENGE + ",_stale=true"


def challenged(times: int, challenge: str) -> str:
    """Write an INVITE that is challenged and repeated with credentials so many times."""
    lines = [f"0 A>P INVITE\n0.02 P>A 407 {PROXY_CHALLENGE.format(n='n0')}\n0.04 A>P ACK ttag=callee"]
    for n in range(1, times + 1):
        at = 0.1 * n
        lines.append(
            f"{at:.2f} A>P INVITE cseq={n + 1} {PROXY_CREDENTIALS.format(n=f'n{n - 1}', user='15550100')}\n"
            f"{at + 0.02:.2f} P>A 407 cseq={n + 1} {challenge.format(n=f'n{n}')}\n"
            f"{at + 0.04:.2f} A>P ACK cseq={n + 1} ttag=callee"
        )
    return "\n".join(lines)


def pracked(at: float, rseq: int, cseq: int = 2) -> str:
    """Write a PRACK and its response."""
    return (
        f"{at:.2f} P>T PRACK cseq={cseq} ttag=callee h=RAck:_{rseq}_1_INVITE\n"
        f"{at + 0.02:.2f} T>P 200 method=PRACK cseq={cseq}\n"
    )


SETUPS: dict[str, Situation] = {
    "prack": Situation(
        "a reliable 183 without PRACK, with one for another response, and in spite of PRACKs; and one that is confirmed",
        several(
            said("missing", 0, TRIES + sent(UNCONFIRMED, "T>P", RELIABLE) + refuses(504, 33)),
            said("other", 60, TRIES + sent(UNCONFIRMED, "T>P", RELIABLE) + pracked(1.1, 6) + refuses(504, 33)),
            said(
                "ignored",
                120,
                TRIES
                + sent(UNCONFIRMED, "T>P", RELIABLE)
                + "".join(pracked(at + 0.02, 7, n) for n, at in enumerate(UNCONFIRMED, 2))
                + refuses(504, 33),
            ),
            said(
                "confirmed",
                180,
                TRIES
                + sent((1, 1.5), "T>P", RELIABLE)
                + pracked(1.6, 7)
                + ANSWERS.removeprefix(RINGS)
                + hangs_up(30, 3),
            ),
        ),
        {
            "missing": End(
                "gateway_timeout",
                504,
                [Told("prack_missing", "acme", r"^The 183 with RSeq 7 was sent 7 times, and no PRACK")],
            ),
            "other": End(
                "gateway_timeout",
                504,
                [Told("prack_missing", "acme", r"the PRACK that was seen names another response \(RAck 6 1 INVITE\)")],
            ),
            "ignored": End(
                "gateway_timeout",
                504,
                [Told("prack_ignored", "acme", r"sent 7 times, although 7 PRACK for it were answered")],
            ),
            "confirmed": End("answered", 200),
        },
        ACME,
    ),
    "precondition": Situation(
        "preconditions that are refused, and that nobody meets; and a call for which they are met",
        several(
            said(
                "refused", 0, TRIES + WANTS + pracked(0.6, 7) + inside(0.8, "P>T", "UPDATE", 580, 3) + refuses(580, 9)
            ),
            said("no-update", 60, TRIES + WANTS + pracked(0.6, 7) + refuses(504, 30)),
            said(
                "met",
                120,
                TRIES
                + WANTS
                + pracked(0.6, 7)
                + inside(0.8, "P>T", "UPDATE", 200, 3)
                + ANSWERS.removeprefix(TRIES)
                + hangs_up(30, 4),
            ),
        ),
        {
            "refused": End("rejected", 580, [Told("precondition", "acme", r"^acme ended the call with 580")]),
            "no-update": End(
                "gateway_timeout",
                504,
                [Told("precondition", "acme", r"^acme asked for preconditions with its 183, and no UPDATE")],
            ),
            "met": End("answered", 200),
        },
        ACME,
    ),
    "invented_ringing": Situation(
        "a server rings by itself while the phone says nothing, or no more than 100; and a phone that rings",
        several(
            said(
                "silent",
                0,
                "0 A>P INVITE\n0.02 P>A 100\n0.05 P>A 180\n"
                + sent((0.06, 0.56, 1.56, 3.56, 7.56, 15.56, 31.56), "P>X", "INVITE vias=2")
                + "32.2 P>A 480\n32.3 A>P ACK ttag=callee",
            ),
            said(
                "trying",
                100,
                "0 A>P INVITE\n0.02 P>A 100\n0.05 P>A 180\n0.06 P>B INVITE vias=2\n0.1 B>P 100 vias=2\n"
                "25 P>B CANCEL vias=2\n25.05 B>P 200 method=CANCEL vias=2\n25.06 B>P 487 vias=2\n25.08 P>B ACK ttag=callee vias=2\n25.1 P>A 480\n25.2 A>P ACK ttag=callee",
            ),
            said(
                "rings",
                200,
                "0 A>P INVITE\n0.02 P>A 100\n0.06 P>B INVITE vias=2\n0.1 B>P 100 vias=2\n1 B>P 180 vias=2\n1.02 P>A 180\n9 B>P 486 vias=2\n9.02 P>B ACK ttag=callee vias=2\n9.1 P>A 486\n9.2 A>P ACK ttag=callee",
            ),
        ),
        {
            "silent": End(
                "no_answer",
                480,
                [Told("invented_ringing", SERVER, r"told the caller that it rings, while nothing at all came back")],
            ),
            "trying": End(
                "no_answer", 480, [Told("invented_ringing", SERVER, r"none of the 1 behind it had said more than 100")]
            ),
            "rings": End("busy", 486),
        },
        until=300,
    ),
    "causes": Situation(
        "a cause that contradicts its code, an answer elsewhere that was none, a cause before the end, a network that "
        "blocks; and causes that agree",
        several(
            said("no-circuit", 0, RINGS + refuses(486, 9, "Reason:_Q.850;cause=34")),
            said(
                "elsewhere",
                60,
                INBOUND
                + gives_up(9).replace(
                    "P>B CANCEL vias=2", 'P>B CANCEL vias=2 h=Reason:_SIP;cause=200;text="Call_completed_elsewhere"'
                ),
            ),
            said(
                "announcement",
                120,
                TRIES
                + '1 T>P 183 h=Reason:_Q.850;cause=1;text="Unallocated"\n8 P>T CANCEL\n8.05 T>P 200 method=CANCEL\n8.06 T>P 487\n8.1 P>T ACK ttag=callee',
            ),
            said(
                "analytics",
                180,
                TRIES + refuses(603, 1, 'Reason:_SIP;cause=603;text="v=analytics1;url=https://redress.example.com"'),
            ),
            said("unwanted", 240, TRIES + "1 T>P 607 reason=Unwanted\n1.1 P>T ACK ttag=callee"),
            said("agree", 300, RINGS + refuses(486, 9, "Reason:_Q.850;cause=17")),
            said("translated", 360, TRIES + refuses(404, 1, "Reason:_Q.850;cause=1"), callee="15550107"),
        ),
        {
            "no-circuit": End(
                "busy",
                486,
                [
                    Told(
                        "cause_contradicts",
                        "acme",
                        r"^486 means busy, the cause 34 .* means congested\. The verdict: busy",
                    )
                ],
            ),
            "elsewhere": End(
                "abandoned",
                487,
                [Told("cause_contradicts", PHONE, r"answered elsewhere \(SIP 200\), while it came to abandoned")],
            ),
            "announcement": End(
                "not_found",
                487,
                [
                    Told(
                        "early_cause",
                        "acme",
                        r"^The 183 already gave a cause: Q\.850 1, which means not_found\. It says: Unallocated",
                    )
                ],
            ),
            "analytics": End(
                "blocked",
                603,
                [
                    Told(
                        "network_blocked",
                        "acme",
                        r"^603 from acme: .*Complain there.*url=https://redress\.example\.com",
                    )
                ],
            ),
            "unwanted": End("blocked", 607, [Told("network_blocked", "acme", r"^607 from acme: .*names no address")]),
            "agree": End("busy", 486),
            "translated": End("not_found", 404),
        },
        ACME,
        until=420,
    ),
    "cseq_mismatch": Situation(
        "an answer comes with a CSeq that is not its request's; a re-INVITE and a BYE have one number",
        several(
            said(
                "handed-on-wrong",
                0,
                "0 A>P INVITE cseq=500\n0.02 P>A 100 cseq=500\n"
                + sent(REPEATS, "P>A", "200 cseq=499 branch=z9hG4bKAPINVITE500handed-on-wrong")
                + "40 A>P CANCEL cseq=500\n40.02 P>A 481 method=CANCEL cseq=500",
            ),
            said("one-number", 100, ANSWERS + inside(15, "P>T", "INVITE", 200, 2) + hangs_up(30, 2, 408)),
        ),
        {
            "handed-on-wrong": End(
                "no_progress",
                None,
                [
                    Told(
                        "cseq_mismatch",
                        SERVER,
                        r"^Responses came with the CSeq number 499, while the request has 500 \(seen: 11\)",
                    )
                ],
            ),
            "one-number": End(
                "answered",
                200,
                [
                    Told(
                        "cseq_mismatch",
                        SERVER,
                        r"sent the BYE with the CSeq number 2, which it had used for its INVITE",
                    )
                ],
            ),
        },
        until=200,
    ),
    "stale_loop": Situation(
        "a server finds every nonce too old; and one that is slow once",
        several(
            said("always", 0, challenged(4, STALE)),
            said(
                "once",
                60,
                challenged(1, STALE)
                + "\n0.3 A>P INVITE cseq=3 "
                + PROXY_CREDENTIALS.format(n="n1", user="15550100")
                + "\n0.32 P>A 100 cseq=3\n1 P>A 180 cseq=3\n"
                "5 P>A 200 cseq=3\n5.1 A>P ACK cseq=3 ttag=callee branch=z9hG4bKack\n20 A>P BYE cseq=4\n20.1 P>A 200 method=BYE cseq=4",
            ),
        ),
        {
            "always": End(
                "auth_failed", 407, [Told("stale_loop", SERVER, r"challenged 4 INVITEs .*realm example\.com")]
            ),
            "once": End("answered", 200),
        },
        until=200,
    ),
}
