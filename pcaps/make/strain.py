"""Situations under strain: large requests, dead connections, overload, circles, floods, phones that say busy.

What each shows is seen only by whoever remembers earlier calls. Stated by hand, as the others are.
"""

from __future__ import annotations

from pcaps.make.situation import (
    ACME,
    ANSWERS,
    ENDS,
    HOSTS,
    PHONES,
    PROXY_CHALLENGE,
    PROXY_CREDENTIALS,
    SERVER,
    TRIES,
    End,
    Situation,
    Told,
    moved,
    peer,
    refuses,
    said,
    sent,
    several,
)

REPEATS = (0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5)  # of an INVITE that nobody answers (RFC 3261 §17.1.1.2)
PING = "0 P>T OPTIONS\n0.1 T>P 200 method=OPTIONS\n"
TOOK_AND_ENDED = (
    "0 P>B INVITE\n0.1 B>P 180\n3 B>P 200\n3.1 P>B ACK ttag=callee branch=z9hG4bKa\n"
    "10 P>B BYE\n10.1 B>P 200 method=BYE cseq=2\n"
)
BUSY_AT_ONCE = "0 P>B INVITE\n0.05 B>P 100\n0.1 B>P 486\n0.2 P>B ACK ttag=callee\n"
INTERNAL = (
    "0 C>P INVITE\n0.02 P>C 100\n0.05 P>B INVITE vias=2\n0.1 B>P 180 vias=2\n0.12 P>C 180\n3 B>P 200 vias=2\n3.02 P>C 200\n"
    "3.1 C>P ACK ttag=callee branch=z9hG4bKa\n3.12 P>B ACK ttag=callee branch=z9hG4bKb vias=2\n60 C>P BYE\n60.02 P>B BYE vias=2\n"
    "60.05 B>P 200 method=BYE cseq=2 vias=2\n60.07 P>C 200 method=BYE cseq=2\n"
)


def _to_and_fro(rounds: int) -> str:
    """Write a call that two servers send each other, each time under another Call-ID."""
    calls = []
    for n in range(rounds):
        hop, back = ("P>T", "T>P") if n % 2 == 0 else ("T>P", "P>T")
        script = f"0 {hop} INVITE\n0.01 {back} 100\n{2 - 0.1 * n:.2f} {back} 503\n{2.02 - 0.1 * n:.2f} {hop} ACK ttag=callee\n"
        calls.append(said(f"round-{n}", 0.05 * n, script))
    return several(*calls)


def _wrong_passwords(count: int) -> str:
    """Write INVITEs with credentials that are refused, one right after the other."""
    script = f"0 A>P INVITE\n0.01 P>A 407 {PROXY_CHALLENGE.format(n='n0')}\n0.02 A>P ACK ttag=callee\n"
    for n in range(1, count + 1):
        at = 0.05 * n
        script += (
            f"{at:.2f} A>P INVITE cseq={n + 1} {PROXY_CREDENTIALS.format(n=f'n{n - 1}', user='15550100')}\n"
            f"{at + 0.01:.2f} P>A 407 cseq={n + 1} {PROXY_CHALLENGE.format(n=f'n{n}')}\n{at + 0.02:.2f} A>P ACK cseq={n + 1} ttag=callee\n"
        )
    return script


STRAIN: dict[str, Situation] = {
    "oversize_udp": Situation(
        "an INVITE that no longer fits with its credentials: only OPTIONS get through; 513; and a large one that is answered",
        several(
            said(
                "grown",
                0,
                f"0 P>T INVITE\n0.05 T>P 407 {PROXY_CHALLENGE.format(n='n1')}\n0.1 P>T ACK ttag=callee\n"
                + sent(
                    [0.2 + gone for gone in REPEATS],
                    "P>T",
                    f"INVITE cseq=2 pad=1400 {PROXY_CREDENTIALS.format(n='n1', user='acct42')}",
                ),
            ),
            said("ping", 10, PING),
            said("refused", 60, moved("0 P>T INVITE pad=1400\n0.1 T>P 513\n0.2 P>T ACK ttag=callee\n", T="Q")),
            said("well", 80, moved(ANSWERS.replace("INVITE", "INVITE pad=1400") + ENDS, T="M")),
        ),
        {
            "grown": End(
                "not_responding",
                None,
                [Told("oversize_udp", "acme", r"^An INVITE of 2[0-9]{3} bytes over UDP was sent 7 times .* while acme answers smaller")],
            ),
            "refused": End(
                "server_error",
                513,
                [Told("oversize_udp", "198.51.100.20", r"^198\.51\.100\.20 refused an INVITE of 1[0-9]{3} bytes as too large \(513\)")],
            ),
            "well": End("answered", 200),
        },
        ACME + peer("mobile", "trunk", HOSTS["M"]),
        until=200,
    ),
    "tcp_dead": Situation(
        "a phone's TCP connection that nothing comes back on, and one that is reset; both carried a call before",
        several(
            said("trunk", 0, ANSWERS + ENDS),
            *(
                said(
                    f"before-{phone}",
                    40,
                    moved(ANSWERS + ENDS, P=phone, T="P"),
                    over="tcp",
                    caller=f"1555010{place}",
                )
                for place, phone in enumerate("AB", 1)
            ),
            said("forgotten", 400, "0 P>A INVITE", over="tcp", callee="15550101"),
            said("reset", 500, "0 P>B INVITE", over="tcp", callee="15550102"),
        ),
        {
            "trunk": End("answered", 200),
            "before-A": End("answered", 200),
            "before-B": End("answered", 200),
            "forgotten": End(
                "not_responding",
                None,
                [
                    Told(
                        "tcp_dead",
                        "phones",
                        r"^Nothing came back from 192\.0\.2\.11:40000 for what was sent at 2026-01-05 09:06:40 UTC .*last at 2026-01-05 09:01:10 UTC",
                    )
                ],
                ["refused"],
            ),
            "reset": End(
                "not_responding",
                None,
                [Told("tcp_dead", "phones", r"^192\.0\.2\.12:40000 reset the TCP connection at 2026-01-05 09:08:35 UTC")],
                ["refused"],
            ),
        },
        ACME + PHONES + SERVER,
        until=700,
        resets=[("515", "B", "P")],
    ),
    "overload": Situation(
        "a peer asks for two minutes of peace and gets ten seconds; later it takes a call; another one just says 503",
        several(
            said("asked", 0, TRIES + refuses(503, 0.5, "Retry-After:_120_(maintenance)")),
            said("too-soon", 10, TRIES + refuses(503, 0.5, "Retry-After:_120"), callee="15550102"),
            said("taken", 140, ANSWERS + ENDS, callee="15550103"),
            said("without", 180, TRIES + refuses(503, 0.5), callee="15550104"),
        ),
        {
            "asked": End(
                "server_error", 503, [Told("overload", "acme", r"^503 from acme, which wants no more calls for 120 s, until 2026-01-05 09:02:00 UTC")]
            ),
            "too-soon": End(
                "server_error",
                503,
                [Told("overload", "acme", r"^acme had asked at 2026-01-05 09:00:00 UTC .* for 120 s\. This one was sent 9\.5 s later")],
            ),
            "taken": End("answered", 200),
            "without": End("server_error", 503),
        },
        ACME,
    ),
    "to_and_fro": Situation(
        "a server and a trunk send each other a number that neither keeps; another number comes back once and is taken",
        several(
            _to_and_fro(6),
            said("out", 60, ANSWERS + ENDS, callee="15555550140"),
            said("home", 60.2, moved(ANSWERS + ENDS, P="T", T="P"), callee="15555550140"),
        ),
        {
            **{
                f"round-{n}": End(
                    "server_error",
                    503,
                    [
                        Told(
                            "loop",
                            "198.51.100.10",
                            r"^Calls from 15550100 to 15550101 went to and fro between 198\.51\.100\.10 and acme, seen 6 times within 0\.2 s",
                        )
                    ],
                )
                for n in range(6)
            },
            "out": End("answered", 200),
            "home": End("answered", 200),
        },
        ACME,
        until=120,
    ),
    "invite_flood": Situation(
        "a wrong password eight times in half a second; a barred number dialled six times a second; and a patient redialler",
        several(
            said("password", 0, _wrong_passwords(8)),
            *(
                said(f"barred-{n}", 60 + 0.1 * n, "0 B>P INVITE\n0.02 P>B 403\n0.04 B>P ACK ttag=callee\n", caller="15550102", callee="18765550199")
                for n in range(6)
            ),
            *(
                said(f"patient-{n}", 120 + 5 * n, "0 C>P INVITE\n0.02 P>C 403\n0.04 C>P ACK ttag=callee\n", caller="15550103", callee="18765550199")
                for n in range(6)
            ),
        ),
        {
            "password": End(
                "auth_failed",
                407,
                [
                    Told("wrong_credentials", "198.51.100.10", r"^198\.51\.100\.10 challenged again after user 15550100"),
                    Told("invite_flood", "192.0.2.11", r"^192\.0\.2\.11 sent 8 INVITEs to 198\.51\.100\.10 within 0\.3 s .* one second: 8"),
                ],
            ),
            **{
                f"barred-{n}": End("forbidden", 403, [Told("invite_flood", "192.0.2.12", r"^192\.0\.2\.12 sent 6 INVITEs to .* within 0\.5 s")])
                for n in range(6)
            },
            **{f"patient-{n}": End("forbidden", 403) for n in range(6)},
        },
        until=200,
    ),
    "idle_busy": Situation(
        "a phone that took a call is busy with nothing; then with a colleague; then with a caller from outside",
        several(
            said("took", 0, TOOK_AND_ENDED),
            said("nothing", 30, BUSY_AT_ONCE),
            said("colleague", 60, INTERNAL, caller="15550103"),
            said("inside", 80, BUSY_AT_ONCE),
            said("outside", 140, TOOK_AND_ENDED.replace("10 P>B", "60 P>B").replace("10.1", "60.1")),
            said("rightly", 160, BUSY_AT_ONCE),
            said("finger", 220, BUSY_AT_ONCE.replace("0.1 B>P 486", "0.1 B>P 180\n4 B>P 486").replace("0.2 P>B", "4.1 P>B")),
        ),
        {
            "took": End("answered", 200),
            "nothing": End(
                "busy",
                486,
                [Told("idle_busy", "15550101", r"^486 at once from device 15550101 at 192\.0\.2\.12, which had no call that was seen here")],
                ["refused"],
            ),
            "colleague": End("answered", 200),
            "inside": End(
                "busy",
                486,
                [Told("idle_busy", "15550101", r"^486 .*since 2026-01-05 09:01:03 UTC it was in an internal call with 15550103")],
                ["refused"],
            ),
            "outside": End("answered", 200),
            "rightly": End("busy", 486, [], ["refused"]),
            "finger": End("busy", 486, [], ["refused"]),
        },
        PHONES + SERVER,
    ),
    "pings_only": Situation(
        "no call at all: a peer that answers no OPTIONS, and one that does",
        several(
            *(said(f"ping-{n}", 60 * n, sent((0, 0.5, 1.5, 3.5, 7.5), "P>Q", "OPTIONS")) for n in range(3)),
            said("well", 90, PING),
        ),
        {},
        peer("backup", "server", HOSTS["Q"]),
        [Told("silent_peer", "backup", r"^Nothing came back from 198\.51\.100\.20:5060 since 2026-01-05 09:00:00 UTC; requests in a row: 3", 0)],
        until=240,
    ),
}  # fmt: skip
