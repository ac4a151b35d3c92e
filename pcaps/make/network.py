"""Situations of the network: credentials, codecs, lost packets, circles, silence, full lines.

Stated by hand, as those of the contact centre are.
"""

from __future__ import annotations

from pcaps.make.situation import (
    ACME,
    ANSWERS,
    AT_HOME,
    ENDS,
    HOSTS,
    PROXY_CHALLENGE,
    PROXY_CREDENTIALS,
    RINGS,
    TRIES,
    End,
    Situation,
    Told,
    peer,
    refuses,
    registers,
    said,
    sent,
    several,
)

ROUND = ("P>Q", "Q>P", "P>Q", "Q>P", "P>Q")

NETWORK: dict[str, Situation] = {
    "wrong_credentials": Situation(
        "an INVITE and a REGISTER with a wrong password; and one whose nonce was only too old",
        several(
            said(
                "wrong",
                0,
                f"0 A>P INVITE\n0.05 P>A 407 {PROXY_CHALLENGE.format(n='n1')}\n0.1 A>P ACK ttag=callee\n"
                f"0.2 A>P INVITE cseq=2 {PROXY_CREDENTIALS.format(n='n1', user='15550100')}\n"
                f"0.25 P>A 407 cseq=2 {PROXY_CHALLENGE.format(n='n2')}\n0.3 A>P ACK cseq=2 ttag=callee",
            ),
            said(
                "too-old",
                60,
                f"0 A>P INVITE {PROXY_CREDENTIALS.format(n='n0', user='15550100')}\n"
                f"0.05 P>A 407 {PROXY_CHALLENGE.format(n='n3')}\n0.1 A>P ACK ttag=callee\n"
                f"0.2 A>P INVITE cseq=2 {PROXY_CREDENTIALS.format(n='n3', user='15550100')}\n0.25 P>A 100 cseq=2\n"
                "1 P>A 180 cseq=2\n5 P>A 200 cseq=2\n5.1 A>P ACK cseq=2 ttag=callee branch=z9hG4bKa\n"
                "20 A>P BYE cseq=3\n20.1 P>A 200 method=BYE cseq=3",
            ),
            said("registration", 100, registers("B>P", final=401, user="15550101"), caller="15550101", callee="15550101"),
        ),
        {
            "wrong": End(
                "auth_failed",
                407,
                [
                    Told(
                        "wrong_credentials",
                        "198.51.100.10",
                        r"^198\.51\.100\.10 challenged again after user 15550100 had answered for realm example\.com \(MD5\)",
                    )
                ],
            ),
            "too-old": End("answered", 200),
        },
        beside=[
            Told("wrong_credentials", "192.0.2.12", r"^192\.0\.2\.12 cannot register: user 15550101 was challenged again", 0)
        ],
        until=160,
    ),
    "media_mismatch": Situation(
        "488 with a Warning, and 415: what was offered stands in the finding",
        several(
            said("warned", 0, TRIES + refuses(488, 0.5, 'Warning:_304_example.com_"Media_type_not_available"')),
            said("unsupported", 30, TRIES + refuses(415, 0.5).replace("415", "415 reason=Unsupported_Media_Type"), callee="15550102"),
        ),
        {
            "warned": End(
                "rejected",
                488,
                [
                    Told(
                        "media_mismatch",
                        "acme",
                        r"^488 from acme, .*offered: PCMA, PCMU, telephone-event\. It says: 304 example\.com",
                    )
                ],
            ),
            "unsupported": End(
                "rejected",
                415,
                [Told("media_mismatch", "acme", r"^415 from acme, .*offered: PCMA, PCMU, telephone-event\.$")],
            ),
        },
        ACME,
        until=90,
    ),
    "ack_lost": Situation(
        "a phone behind a router answers with a private Contact: no ACK arrives. A caller behind it cannot be hung up on. "
        "And a trunk to which nobody sends an ACK",
        several(
            said(
                "answers",
                0,
                "0 P>N INVITE\n0.1 N>P 100\n1 N>P 180\n"
                + sent((5, 5.5, 6.5, 8.5, 12.5, 16.5), "N>P", f"200 contact={AT_HOME}")
                + "37 N>P BYE from=C cseq=7\n37.1 P>N 200 method=BYE from=C cseq=7",
                callee="15550110",
            ),
            said(
                "calls",
                100,
                f"0 N>P INVITE contact={AT_HOME}\n0.1 P>N 100\n1 P>N 180\n5 P>N 200\n"
                "5.1 N>P ACK ttag=callee branch=z9hG4bKa\n"
                + sent([20 + gone for gone in (0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5)], "P>N", "BYE from=C cseq=7"),
                caller="15550110",
            ),
            said(
                "well",
                200,
                f"0 N>P INVITE contact={AT_HOME}\n0.1 P>N 100\n1 P>N 180\n5 P>N 200\n5.1 N>P ACK ttag=callee branch=z9hG4bKa\n"
                "20 P>N BYE from=C cseq=7\n20.1 N>P 200 method=BYE from=C cseq=7",
                caller="15550110",
            ),
            said(
                "without-ack",
                300,
                RINGS
                + sent((6, 6.5, 7.5, 9.5, 13.5, 17.5), "T>P", "200 contact=<sip:15550101@203.0.113.10:5060>")
                + "38 T>P BYE from=C cseq=7\n38.1 P>T 200 method=BYE from=C cseq=7",
            ),
        ),
        {
            "answers": End(
                "answered",
                200,
                [
                    Told("nat_suspect", "203.0.113.77", r"^The callee .*192\.168\.1\.20.*answers from 203\.0\.113\.77.*ack_missing"),
                ],
            ),
            "calls": End(
                "answered",
                200,
                [Told("nat_suspect", "203.0.113.77", r"^The caller .*192\.168\.1\.20.*sends from 203\.0\.113\.77.*bye_unanswered")],
            ),
            "well": End("answered", 200),
            "without-ack": End(
                "answered",
                200,
                [Told("ack_lost", "203.0.113.10", r"^The answer was sent 6 times and no ACK was seen: 203\.0\.113\.10 is not acknowledged")],
            ),
        },
        until=400,
    ),
    "loss": Situation(
        "packets lost in each of the four directions; and a single repetition, which may just have crossed the answer",
        several(
            said("requests", 0, sent((0, 0.5, 1.5), "P>T", "INVITE") + "1.6 T>P 100\n2 T>P 180\n6 T>P 486\n6.1 P>T ACK ttag=callee"),
            said("responses", 30, "0 P>T INVITE\n0.1 T>P 100\n0.5 P>T INVITE\n1.5 P>T INVITE\n1.6 T>P 180\n6 T>P 486\n6.1 P>T ACK ttag=callee"),
            said("finals", 60, RINGS + "6 T>P 486\n6.5 T>P 486\n7.5 T>P 486\n7.6 P>T ACK ttag=callee"),
            said(
                "acks",
                90,
                RINGS
                + "".join(f"{at} T>P 200\n{at + 0.05} P>T ACK ttag=callee branch=z9hG4bKa\n" for at in (6, 6.5, 7.5))
                + ENDS,
            ),
            said("once", 130, "0 P>T INVITE\n0.5 P>T INVITE\n0.55 T>P 100\n1 T>P 180\n6 T>P 486\n6.1 P>T ACK ttag=callee"),
        ),
        {
            "requests": End("busy", 486, [Told("loss", "acme", r"^The INVITE was sent 2 times more before anything came back: acme did not get the first ones")]),
            "responses": End("busy", 486, [Told("loss", "198.51.100.10", r"^The INVITE came 2 times again .* do not get back to 198\.51\.100\.10, or are not accepted")]),
            "finals": End("busy", 486, [Told("loss", "198.51.100.10", r"^The final response was sent 2 times more .*198\.51\.100\.10 does not get it, does not acknowledge it")]),
            "acks": End("answered", 200, [Told("loss", "acme", r"^The final response came 2 times again .* the ACK does not get to acme, or is not accepted")]),
            "once": End("busy", 486),
        },
        ACME,
    ),
    "loop": Situation(
        "two servers send a call to each other until one has counted enough hops",
        said(
            "circle",
            0,
            "0 A>P INVITE mf=70\n0.01 P>A 100\n"
            + "".join(
                f"{0.02 * n:.2f} {hop} INVITE vias={n + 1} mf={70 - n} branch=z9hG4bKround{n}\n"
                f"{0.02 * n + 0.01:.2f} {hop[2]}>{hop[0]} 100 vias={n + 1} branch=z9hG4bKround{n}\n"
                for n, hop in enumerate(ROUND, 1)
            )
            + "".join(
                f"{0.4 - 0.02 * n:.2f} {hop[2]}>{hop[0]} 482 reason=Loop_Detected vias={n + 1} branch=z9hG4bKround{n}\n"
                f"{0.41 - 0.02 * n:.2f} {hop} ACK vias={n + 1} ttag=callee branch=z9hG4bKround{n}\n"
                for n, hop in enumerate(ROUND, 1)
            )
            + "0.5 P>A 482 reason=Loop_Detected\n0.6 A>P ACK ttag=callee",
        ),
        {
            "circle": End(
                "server_error",
                482,
                [Told("loop", "198.51.100.20", r"^482: the call to sip:15550101@example\.com went in circles; the number of Via grew from 1 to 6")],
            )
        },
    ),
    "silent_peer": Situation(
        "a server that answers neither OPTIONS nor calls, without a word of ICMP; another one is silent once",
        several(
            *(said(f"ping-{n}", 30 * n, sent((0, 0.5, 1.5, 3.5, 7.5), "P>Q", "OPTIONS")) for n in range(2)),
            said("first", 60, sent((0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5), "P>Q", "INVITE")),
            said("once", 100, sent((0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5), "P>X", "INVITE"), callee="15550103"),
            said("well", 110, ANSWERS + ENDS),
        ),
        {
            "well": End("answered", 200),
            "first": End(
                "not_responding",
                None,
                [Told("silent_peer", "backup", r"^Nothing came back from 198\.51\.100\.20:5060 since 2026-01-05 09:00:00 UTC; requests in a row: 3")],
            ),
            "once": End("not_responding", None),
        },
        peer("backup", "server", HOSTS["Q"]),
        [Told("silent_peer", "backup", r"since 2026-01-05 09:00:00 UTC; requests in a row: 2", 0)],
        until=200,
    ),
    "unreachable_peer": Situation(
        "the host of a trunk is up and its SIP server is not: the first call already gets ICMP port unreachable",
        said("refused", 0, "0 P>T INVITE\n0.5 P>T INVITE\n"),
        {
            "refused": End(
                "not_responding",
                None,
                [Told("silent_peer", "acme", r"^Nothing came back from 203\.0\.113\.10:5060 .*203\.0\.113\.10 says by ICMP: port_unreachable")],
            )
        },
        ACME,
        until=60,
        errors=[("0.000", "P", "T", 0.01), ("0.500", "P", "T", 0.01)],
    ),
    "trunk_full": Situation(
        "three calls are up when the provider has no line left; when they are over, it says so once more",
        several(
            *(said(f"up-{n}", 2 * n, ANSWERS + ENDS, callee=f"1555555012{n}") for n in range(3)),
            said("full", 15, TRIES + refuses(503, 0.5, 'Reason:_Q.850;cause=34;text="No_circuit"'), callee="15555550130"),
            said("empty", 60, TRIES + refuses(503, 0.5, 'Reason:_Q.850;cause=34;text="No_circuit"'), callee="15555550131"),
        ),
        {
            **{f"up-{n}": End("answered", 200) for n in range(3)},
            "full": End("congested", 503, [Told("trunk_full", "acme", r"at that moment: 3; the most ever: 3")]),
            "empty": End("congested", 503, [Told("trunk_full", "acme", r"none of the calls seen here was up at that moment \(the most ever was 3\)")]),
        },
        ACME,
    ),
}  # fmt: skip
