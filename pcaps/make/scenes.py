"""One capture for every outcome and every condition, with what a person must conclude from each.

The expectations are stated here by hand, by OUTCOMES' rules; nothing of sipwatch is asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field

# Letters are ends: A to D phones, P the proxy, T the trunk's gateway, X an address where nobody is.
HOSTS = {
    "A": "192.0.2.11",
    "B": "192.0.2.12",
    "C": "192.0.2.13",
    "D": "192.0.2.14",
    "P": "198.51.100.10",
    "T": "203.0.113.10",
    "X": "192.0.2.99",
}
HOSTS_V6 = {letter: f"2001:db8:{place + 1:x}::{10 + place:x}" for place, letter in enumerate(HOSTS)}
AGENTS = {"A": "Example Phone 1.0", "B": "Example Desk 2.1", "P": "Example Proxy 5.6", "T": "Example Gateway 3.0"}


@dataclass(frozen=True)
class Fate:
    """What became of one call: outcome, final code, outcomes of its legs, conditions as (kind, raised, resolution).

    ``raised`` is in seconds after the call's first INVITE.
    """

    outcome: str
    status_code: int | None
    legs: list[str]
    conditions: list[tuple[str, float, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Scene:
    """A conversation of one or several calls (their Call-IDs are the keys of ``fates``)."""

    script: str
    fates: dict[str, Fate]
    until: float | None = None  # a last packet that is no SIP, this many seconds after the start
    ipv6: bool = False
    tcp: bool = False
    trunk: bool = False  # T is configured as a trunk


PROXIED = """
0     A>P INVITE call={c}
0.02  P>A 100 call={c}
0.05  P>B INVITE call={c} vias=2
0.1   B>P 100 call={c} vias=2
1.2   B>P 180 call={c} vias=2
1.22  P>A 180 call={c}
"""
ANSWER = """
6     B>P 200 call={c} vias=2
6.02  P>A 200 call={c}
6.1   A>P ACK call={c} ttag=callee branch=z9hG4bKackA{c}
6.12  P>B ACK call={c} ttag=callee branch=z9hG4bKackB{c} vias=2
"""
HANGUP = """
21    A>P BYE call={c}
21.02 P>B BYE call={c} vias=2
21.05 B>P 200 call={c} method=BYE cseq=2 vias=2
21.07 P>A 200 call={c} method=BYE cseq=2
"""


def _final(code: int, at: float, header: str = "") -> str:
    """Return a failing final response that travels back over the proxy, with its ACKs."""
    extra = f" h={header}" if header else ""
    return f"""
{at:.2f}        B>P {code} call={{c}} vias=2{extra}
{at + 0.01:.2f} P>B ACK call={{c}} vias=2 ttag=callee
{at + 0.02:.2f} P>A {code} call={{c}}{extra}
{at + 0.03:.2f} A>P ACK call={{c}} ttag=callee
"""


def _direct(call: str, middle: str, end: str) -> str:
    """Return a call straight to the trunk's gateway."""
    return f"0 A>T INVITE call={call}\n{middle}\n{end}".replace("{c}", call)


def _shift(script: str, seconds: float) -> str:
    """Move a conversation in time."""
    moved = []
    for line in script.strip().splitlines():
        if line.strip():
            time, _, rest = line.strip().partition(" ")
            moved.append(f"{float(time) + seconds:.6f} {rest}")
    return "\n".join(moved)


def _calls(*scripts: str, apart: float = 60) -> str:
    return "\n".join(_shift(script, apart * place) for place, script in enumerate(scripts))


RINGING = PROXIED + "\n"
CHALLENGE = 'h=Proxy-Authenticate:_Digest_realm="example.com",_nonce="{n}",_algorithm=MD5'
CREDENTIALS = (
    'h=Proxy-Authorization:_Digest_username="15550100",_realm="example.com",_nonce="{n}",_uri="sip:example.com",'
    '_response="00000000000000000000000000000000"'
)

OUTCOMES: dict[str, Scene] = {
    "answered": Scene(
        _calls(
            (PROXIED + ANSWER + HANGUP).format(c="proxied"),
            # The 200 crosses the CANCEL on the way: the call was answered, and hung up at once.
            "0 A>T INVITE call=crossed\n1 T>A 180 call=crossed\n4 A>T CANCEL call=crossed\n4.01 T>A 200 call=crossed\n"
            "4.02 T>A 200 call=crossed method=CANCEL\n4.1 A>T ACK call=crossed ttag=callee branch=z9hG4bKx\n"
            "4.2 A>T BYE call=crossed\n4.3 T>A 200 call=crossed method=BYE cseq=2",
        ),
        {"proxied": Fate("answered", 200, ["answered"] * 2), "crossed": Fate("answered", 200, ["answered"])},
    ),
    "busy": Scene(
        _calls(
            (PROXIED + _final(486, 3)).format(c="busy-here"),
            _direct("everywhere", "0.1 T>A 100 call={c}", "2 T>A 600 call={c}\n2.1 A>T ACK call={c} ttag=callee"),
            _direct(
                "cause-17",
                "0.1 T>A 100 call={c}",
                "2 T>A 500 call={c} h=Reason:_Q.850;cause=17\n2.1 A>T ACK call={c} ttag=callee",
            ),
        ),
        {
            "busy-here": Fate("busy", 486, ["busy"] * 2),
            "everywhere": Fate("busy", 600, ["busy"]),
            "cause-17": Fate("busy", 500, ["busy"]),
        },
    ),
    "no_answer": Scene(
        _calls(
            (PROXIED + _final(480, 25)).format(c="rang-480"),
            (
                PROXIED + "36.2 P>B CANCEL call={c} vias=2\n36.25 B>P 200 call={c} vias=2 method=CANCEL\n"
                "36.3 B>P 487 call={c} vias=2\n36.31 P>B ACK call={c} vias=2 ttag=callee\n"
                "36.32 P>A 408 call={c}\n36.4 A>P ACK call={c} ttag=callee"
            ).format(c="server-gave-up"),
            _direct(
                "caller-gave-up",
                "0.1 T>A 100 call={c}\n1 T>A 180 call={c}",
                "31.5 A>T CANCEL call={c}\n31.6 T>A 200 call={c} method=CANCEL\n31.7 T>A 487 call={c}\n31.8 A>T ACK call={c} ttag=callee",
            ),
            apart=120,
        ),
        {
            "rang-480": Fate("no_answer", 480, ["no_answer"] * 2),
            "server-gave-up": Fate(
                "no_answer",
                408,
                ["no_answer"] * 2,
                [("no_answer", 31.2, "cancelled"), ("no_answer", 31.22, "failed")],
            ),
            "caller-gave-up": Fate("no_answer", 487, ["no_answer"], [("no_answer", 31, "cancelled")]),
        },
    ),
    "declined": Scene(
        _calls((PROXIED + _final(603, 3)).format(c="declined")),
        {"declined": Fate("declined", 603, ["declined"] * 2)},
    ),
    "unavailable": Scene(
        _calls(
            _direct("unavailable", "0.1 T>A 100 call={c}", "0.5 T>A 480 call={c}\n0.6 A>T ACK call={c} ttag=callee")
        ),
        {"unavailable": Fate("unavailable", 480, ["unavailable"])},
        ipv6=True,
    ),
    "abandoned_brief": Scene(
        _calls(
            _direct(
                "brief",
                "0.1 T>A 100 call={c}\n1 T>A 180 call={c}",
                "3 A>T CANCEL call={c}\n3.1 T>A 200 call={c} method=CANCEL\n3.2 T>A 487 call={c}\n3.3 A>T ACK call={c} ttag=callee",
            )
        ),
        {"brief": Fate("abandoned_brief", 487, ["abandoned_brief"])},
    ),
    "abandoned": Scene(
        _calls(
            (
                PROXIED
                + "14 A>P CANCEL call={c}\n14.01 P>A 200 call={c} method=CANCEL\n14.02 P>B CANCEL call={c} vias=2\n"
                "14.05 B>P 200 call={c} vias=2 method=CANCEL\n14.06 B>P 487 call={c} vias=2\n"
                "14.07 P>B ACK call={c} vias=2 ttag=callee\n14.08 P>A 487 call={c}\n14.2 A>P ACK call={c} ttag=callee"
            ).format(c="abandoned")
        ),
        {"abandoned": Fate("abandoned", 487, ["abandoned"] * 2)},
    ),
    "blocked": Scene(
        _calls(
            *(
                _direct(
                    f"code-{code}",
                    "0.1 T>A 100 call={c}",
                    f"0.5 T>A {code} call={{c}}\n0.6 A>T ACK call={{c}} ttag=callee",
                )
                for code in (607, 608)
            )
        ),
        {"code-607": Fate("blocked", 607, ["blocked"]), "code-608": Fate("blocked", 608, ["blocked"])},
    ),
    "forbidden": Scene(
        _calls(_direct("forbidden", "0.1 T>A 100 call={c}", "0.3 T>A 403 call={c}\n0.4 A>T ACK call={c} ttag=callee")),
        {"forbidden": Fate("forbidden", 403, ["forbidden"])},
    ),
    "auth_failed": Scene(
        _calls(
            f"0 A>P INVITE call=wrong\n0.1 P>A 407 call=wrong {CHALLENGE.format(n=1)}\n0.15 A>P ACK call=wrong ttag=callee\n"
            f"0.2 A>P INVITE call=wrong cseq=2 {CREDENTIALS.format(n=1)}\n0.3 P>A 407 call=wrong cseq=2 {CHALLENGE.format(n=2)}\n"
            "0.35 A>P ACK call=wrong cseq=2 ttag=callee",
            f"0 A>P INVITE call=given-up\n0.1 P>A 407 call=given-up {CHALLENGE.format(n=3)}\n0.15 A>P ACK call=given-up ttag=callee",
        ),
        {
            "wrong": Fate("auth_failed", 407, ["retried", "auth_failed"]),
            "given-up": Fate("auth_failed", 407, ["auth_failed"]),
        },
        until=100,
    ),
    "not_found": Scene(
        _calls(
            *(
                _direct(
                    f"code-{code}",
                    "0.1 T>A 100 call={c}",
                    f"0.5 T>A {code} call={{c}}\n0.6 A>T ACK call={{c}} ttag=callee",
                )
                for code in (404, 484, 604)
            )
        ),
        {f"code-{code}": Fate("not_found", code, ["not_found"]) for code in (404, 484, 604)},
        tcp=True,
    ),
    "answered_elsewhere": Scene(
        # The caller is itself a member of a ring group's server: it cancels because another took the call.
        _calls(
            '0 P>B INVITE call=group\n0.1 B>P 180 call=group\n5 P>B CANCEL call=group h=Reason:_SIP;cause=200;text="Call_completed_elsewhere"\n'
            "5.1 B>P 200 call=group method=CANCEL\n5.2 B>P 487 call=group\n5.3 P>B ACK call=group ttag=callee",
            # Ring-all at the proxy: one of three answers, the others' legs were answered elsewhere.
            """
            0    A>P INVITE call=fork
            0.01 P>A 100 call=fork
            0.1  P>B INVITE call=fork vias=2
            0.1  P>C INVITE call=fork vias=2
            0.1  P>D INVITE call=fork vias=2
            0.5  B>P 180 call=fork vias=2 ttag=b
            0.6  C>P 180 call=fork vias=2 ttag=c
            0.7  D>P 180 call=fork vias=2 ttag=d
            0.8  P>A 180 call=fork ttag=b
            5    C>P 200 call=fork vias=2 ttag=c
            5.01 P>A 200 call=fork ttag=c
            5.02 P>B CANCEL call=fork vias=2
            5.02 P>D CANCEL call=fork vias=2
            5.1  B>P 487 call=fork vias=2 ttag=b
            5.1  D>P 487 call=fork vias=2 ttag=d
            5.11 P>B ACK call=fork vias=2 ttag=b
            5.11 P>D ACK call=fork vias=2 ttag=d
            5.2  A>P ACK call=fork ttag=c branch=z9hG4bKfa
            5.21 P>C ACK call=fork ttag=c branch=z9hG4bKfb vias=2
            30   A>P BYE call=fork ttag=c
            30.1 P>C BYE call=fork ttag=c vias=2
            30.2 C>P 200 call=fork method=BYE cseq=2 ttag=c vias=2
            30.3 P>A 200 call=fork method=BYE cseq=2 ttag=c
            """,
        ),
        {
            "group": Fate("answered_elsewhere", 487, ["answered_elsewhere"]),
            "fork": Fate("answered", 200, ["answered", "answered_elsewhere", "answered", "answered_elsewhere"]),
        },
    ),
    "redirected": Scene(
        _calls(
            _direct(
                "redirected",
                "",
                "0.2 T>A 302 call={c} h=Contact:_<sip:15550199@example.org>\n0.3 A>T ACK call={c} ttag=callee",
            )
        ),
        {"redirected": Fate("redirected", 302, ["redirected"])},
        until=45,
    ),
    "not_responding": Scene(
        _calls(
            "\n".join(f"{at} A>X INVITE call=silence" for at in (0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5)),
            "0 A>P INVITE call=behind\n0.02 P>A 100 call=behind\n"
            + "\n".join(f"{0.1 + at} P>X INVITE call=behind vias=2" for at in (0, 0.5, 1.5, 3.5))
            + "\n5.2 P>A 408 call=behind\n5.3 A>P ACK call=behind ttag=callee",
        ),
        {
            "silence": Fate("not_responding", None, ["not_responding"], [("no_response", 5, "expired")]),
            "behind": Fate(
                "not_responding",
                408,
                ["not_responding", "not_responding"],
                [("slow_progress", 3.02, "failed"), ("no_response", 5.1, "expired")],
            ),
        },
        until=160,
    ),
    "no_progress": Scene(
        _calls(
            _direct(
                "stuck",
                "0.1 T>A 100 call={c}",
                "12 A>T CANCEL call={c}\n12.1 T>A 200 call={c} method=CANCEL\n12.2 T>A 487 call={c}\n12.3 A>T ACK call={c} ttag=callee",
            ),
            _direct("for-ever", "0.1 T>A 100 call={c}", ""),
        ),
        {
            "stuck": Fate(
                "no_progress",
                487,
                ["no_progress"],
                [("slow_progress", 3.1, "cancelled"), ("no_progress", 10.1, "cancelled")],
            ),
            "for-ever": Fate(
                "no_progress",
                None,
                ["no_progress"],
                [("slow_progress", 3.1, "expired"), ("no_progress", 10.1, "expired")],
            ),
        },
        until=260,
    ),
    "gateway_timeout": Scene(
        _calls(
            _direct(
                "timeout",
                "0.1 T>A 100 call={c}\n1 T>A 183 call={c}",
                "8 T>A 504 call={c}\n8.1 A>T ACK call={c} ttag=callee",
            ),
            _direct(
                "cause-102",
                "0.1 T>A 100 call={c}",
                "2 T>A 500 call={c} h=Reason:_Q.850;cause=102\n2.1 A>T ACK call={c} ttag=callee",
            ),
        ),
        {
            "timeout": Fate("gateway_timeout", 504, ["gateway_timeout"]),
            "cause-102": Fate("gateway_timeout", 500, ["gateway_timeout"]),
        },
    ),
    "server_error": Scene(
        _calls(
            *(
                _direct(
                    f"code-{code}",
                    "0.1 T>A 100 call={c}",
                    f"0.5 T>A {code} call={{c}}\n0.6 A>T ACK call={{c}} ttag=callee",
                )
                for code in (500, 503)
            )
        ),
        {f"code-{code}": Fate("server_error", code, ["server_error"]) for code in (500, 503)},
    ),
    "rejected": Scene(
        _calls(
            *(
                _direct(
                    f"code-{code}",
                    "0.1 T>A 100 call={c}",
                    f"0.5 T>A {code} call={{c}}\n0.6 A>T ACK call={{c}} ttag=callee",
                )
                for code in (488, 606)
            )
        ),
        {f"code-{code}": Fate("rejected", code, ["rejected"]) for code in (488, 606)},
    ),
    "congested": Scene(
        _calls(
            _direct("trunk-603", "0.1 T>A 100 call={c}", "0.5 T>A 603 call={c}\n0.6 A>T ACK call={c} ttag=callee"),
            _direct(
                "cause-34",
                "0.1 T>A 100 call={c}",
                '0.5 T>A 503 call={c} h=Reason:_Q.850;cause=34;text="No_circuit/channel_available"\n0.6 A>T ACK call={c} ttag=callee',
            ),
        ),
        {"trunk-603": Fate("congested", 603, ["congested"]), "cause-34": Fate("congested", 503, ["congested"])},
        trunk=True,
    ),
    "unfinished": Scene(
        RINGING.format(c="cut-off"),
        {"cut-off": Fate("unfinished", None, ["unfinished"] * 2)},
        until=9,
    ),
    "retried": Scene(
        _calls(
            f"0 A>P INVITE call=challenged\n0.1 P>A 407 call=challenged {CHALLENGE.format(n=1)}\n0.15 A>P ACK call=challenged ttag=callee\n"
            f"0.2 A>P INVITE call=challenged cseq=2 {CREDENTIALS.format(n=1)}\n0.25 P>A 100 call=challenged cseq=2\n"
            "1 P>A 180 call=challenged cseq=2\n3 P>A 200 call=challenged cseq=2\n"
            "3.1 A>P ACK call=challenged cseq=2 ttag=callee branch=z9hG4bKca\n9 A>P BYE call=challenged cseq=3\n"
            "9.1 P>A 200 call=challenged method=BYE cseq=3",
            "0 A>P INVITE call=interval h=Session-Expires:_60\n0.1 P>A 422 call=interval h=Min-SE:_90\n0.15 A>P ACK call=interval ttag=callee\n"
            "0.2 A>P INVITE call=interval cseq=2 h=Session-Expires:_90\n1 P>A 486 call=interval cseq=2\n1.1 A>P ACK call=interval cseq=2 ttag=callee",
        ),
        {
            "challenged": Fate("answered", 200, ["retried", "answered"]),
            "interval": Fate("busy", 486, ["retried", "busy"]),
        },
    ),
}

_ANSWERED = "0 A>T INVITE call={c}\n0.1 T>A 100 call={c}\n1 T>A 180 call={c}\n"
CONDITIONS: dict[str, Scene] = {
    "no_response": Scene(
        "0 A>T INVITE call=late\n0.5 A>T INVITE call=late\n1.5 A>T INVITE call=late\n3.5 A>T INVITE call=late\n"
        "6 T>A 100 call=late\n6.5 T>A 180 call=late\n9 T>A 486 call=late\n9.1 A>T ACK call=late ttag=callee",
        {"late": Fate("busy", 486, ["busy"], [("no_response", 5, "responded")])},
    ),
    "slow_progress": Scene(
        "0 A>T INVITE call=slow\n0.1 T>A 100 call=slow\n5 T>A 183 call=slow\n9 T>A 486 call=slow\n9.1 A>T ACK call=slow ttag=callee",
        {"slow": Fate("busy", 486, ["busy"], [("slow_progress", 3.1, "progressed")])},
    ),
    "no_progress": Scene(
        "0 A>T INVITE call=stuck\n0.1 T>A 100 call=stuck\n12.1 T>A 180 call=stuck\n15 T>A 200 call=stuck\n"
        "15.1 A>T ACK call=stuck ttag=callee branch=z9hG4bKa\n20 A>T BYE call=stuck\n20.1 T>A 200 call=stuck method=BYE cseq=2",
        {
            "stuck": Fate(
                "answered",
                200,
                ["answered"],
                [("slow_progress", 3.1, "progressed"), ("no_progress", 10.1, "progressed")],
            )
        },
    ),
    "no_answer": Scene(
        _ANSWERED.format(c="rings") + "40 T>A 200 call=rings\n40.1 A>T ACK call=rings ttag=callee branch=z9hG4bKa\n"
        "50 A>T BYE call=rings\n50.1 T>A 200 call=rings method=BYE cseq=2",
        {"rings": Fate("answered", 200, ["answered"], [("no_answer", 31, "answered")])},
    ),
    "ack_missing": Scene(
        _ANSWERED.format(c="lost") + "\n".join(f"{at} T>A 200 call=lost" for at in (5, 5.5, 6.5, 8.5, 12.5))
        + "\n37 T>A BYE call=lost from=C cseq=7\n37.1 A>T 200 call=lost method=BYE from=C cseq=7",
        {"lost": Fate("answered", 200, ["answered"], [("ack_missing", 8.5, "expired")])},
        until=60,
    ),
    "bye_unanswered": Scene(
        _ANSWERED.format(c="half") + "5 T>A 200 call=half\n5.1 A>T ACK call=half ttag=callee branch=z9hG4bKa\n"
        + "\n".join(f"{at} A>T BYE call=half" for at in (15, 15.5, 16.5, 18.5, 22.5, 26.5, 30.5, 34.5, 38.5, 42.5, 46.5)),
        {"half": Fate("answered", 200, ["answered"], [("bye_unanswered", 47, "expired")])},
        until=70,
    ),
}  # fmt: skip
