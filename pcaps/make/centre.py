"""Situations of a contact centre: what agents and administrators meet, and what each must conclude.

The expectations are stated here by hand, from OUTCOMES and from what the conversation is made to be; nothing of
sipwatch is asked. A finding is stated by its kind, whom it is about, and a pattern that its words must match.
"""

from __future__ import annotations

from pcaps.make.situation import (
    ACME,
    ANSWERS,
    AT_HOME,
    ENDS,
    HOSTS,
    INBOUND,
    INSIDE,
    INSIDE_TAKEN,
    PHONES,
    SERVER,
    TAKEN,
    TRIES,
    End,
    Situation,
    Told,
    gives_up,
    moved,
    peer,
    phone_refuses,
    refuses,
    registers,
    said,
    several,
    silent_phone,
)

OFFER = "0 P>B INVITE\n0.05 B>P 100\n0.5 B>P 180\n4 B>P 486\n4.1 P>B ACK ttag=callee\n"


def healthy(count: int, apart: float) -> str:
    """Write so many answered calls to different numbers, and among them one to a phone that is off."""
    calls = [said(f"fine-{n}", n * apart, ANSWERS + ENDS, callee=f"15555550{110 + n}") for n in range(count)]
    return several(said("off", apart / 2, TRIES + refuses(480, 0.5), callee="15555550109"), *calls)


def _fine(count: int) -> dict[str, End]:
    return {f"fine-{n}": End("answered", 200) for n in range(count)}


def _streak(number: int) -> list[Told]:
    words = rf"^Device 15550101 at 192\.0\.2\.12 did not take {number} calls in a row since 2026-01-05 09:00:01 UTC, mostly busy"
    return [Told("refusal_streak", "15550101", words)] if number >= 3 else []


CENTRE: dict[str, Situation] = {
    "stuck_in_trying": Situation(
        "100 and silence; the caller gives up after 10 s. Another call is slow, and goes on at 9 s",
        several(
            said(
                "stuck",
                0,
                TRIES + "10.1 P>T CANCEL\n10.2 T>P 200 method=CANCEL\n10.3 T>P 487\n10.4 P>T ACK ttag=callee",
            ),
            said(
                "slow",
                60,
                TRIES + "9 T>P 180\n12 T>P 200\n12.1 P>T ACK ttag=callee branch=z9hG4bKa\n" + ENDS,
                callee="15550102",
            ),
        ),
        {"stuck": End("no_progress", 487), "slow": End("answered", 200)},
        ACME,
    ),
    "forbidden": Situation(
        "403 for a barred direction while registered; 403 when the registration has run out",
        several(
            said("registration", 0, registers("P>T", 60), caller="acct42", callee="acct42"),
            said("barred", 20, TRIES + refuses(403, 0.5), callee="18765550199"),
            said("lapsed", 120, TRIES + refuses(403, 0.5), callee="15550102"),
        ),
        {
            "barred": End("forbidden", 403),
            "lapsed": End(
                "forbidden",
                403,
                [Told("registration_inactive", "acme", r"^403 from acme: .*had run out at 2026-01-05 09:01:00 UTC")],
            ),
        },
        ACME,
    ),
    "number_format_learned": Situation(
        "404 for 020..., and later 44 20... is answered: the finding comes when the call is over, so it stands by itself",
        several(
            said("national", 0, TRIES + refuses(404, 0.5), callee="02079460142"),
            said("unknown", 30, TRIES + refuses(404, 0.5), callee="02079460999"),
            said("international", 60, ANSWERS + ENDS, callee="442079460142"),
        ),
        {
            "national": End("not_found", 404),
            "unknown": End("not_found", 404),
            "international": End("answered", 200),
        },
        ACME,
        [Told("number_format", "acme", r"^acme does not know 02079460142, but 442079460142 was answered.*\(0->44\)")],
    ),
    "number_format_known": Situation(
        "44 20... was answered before: then 404 for 020... is explained at once, and 404 for another number is not",
        several(
            said("international", 0, ANSWERS + ENDS, callee="442079460142"),
            said("national", 60, TRIES + refuses(404, 0.5), callee="02079460142"),
            said("unknown", 90, TRIES + refuses(404, 0.5), callee="02079460999"),
        ),
        {
            "international": End("answered", 200),
            "national": End(
                "not_found",
                404,
                [Told("number_format", "acme", r"^acme does not know 02079460142, but 442079460142 .*\(0->44\)")],
            ),
            "unknown": End("not_found", 404),
        },
        ACME,
    ),
    "late_480": Situation(
        "480 after 17 s of silence, which was ringing; 480 at once; 480 from a queue that says 182",
        several(
            said("rang", 0, TRIES + refuses(480, 17)),
            said("off", 60, TRIES + refuses(480, 0.5), callee="15550102"),
            said("queued", 120, TRIES + "0.5 T>P 182\n" + refuses(480, 30), callee="15550103"),
        ),
        {
            "rang": End("unavailable", 480, [Told("late_480", "acme", r"^480 came after 17 s without any 180")]),
            "off": End("unavailable", 480),
            "queued": End("unavailable", 480),
        },
        ACME,
    ),
    "late_busy": Situation(
        "486 from a phone that rang for 31 s; 486 from one that is on a call",
        several(
            said("rang", 0, INSIDE + phone_refuses(486, 32.2)),
            said("busy", 60, INSIDE + phone_refuses(486, 3)),
        ),
        {
            "rang": End("busy", 486, [Told("late_busy", "phones", r"^486 after 31 s of ringing")], ["refused"]),
            "busy": End("busy", 486, [], ["refused"]),
        },
        PHONES + SERVER,
    ),
    "trunk_down": Situation(
        "a trunk that was well turns every number into 480",
        several(
            healthy(12, 40),
            *(said(f"bad-{n}", 600 + 5 * n, TRIES + refuses(480, 0.5), callee=f"15555550{150 + n}") for n in range(9)),
        ),
        {
            **_fine(12),
            "off": End("unavailable", 480),
            **{f"bad-{n}": End("unavailable", 480) for n in range(7)},
            **{
                f"bad-{n}": End(
                    "unavailable",
                    480,
                    [
                        Told(
                            "trunk_down",
                            "acme",
                            rf"^Since 2026-01-05 09:10:00 UTC {share} of 100 calls by acme end as unavailable"
                            rf" \({n + 1} of the latest\), before it were 9 of 100",
                        )
                    ],
                )
                for n, share in ((7, 80), (8, 90))
            },
        },
        ACME,
    ),
    "unregistered_503": Situation(
        "503 from a provider that did not take the password; 503 from another one, for reasons of its own",
        several(
            said("registration", 0, registers("P>T", final=401), caller="acct42", callee="acct42"),
            said("unregistered", 60, TRIES + refuses(503, 0.5)),
            said("overload", 90, moved(TRIES + refuses(503, 0.5), T="M")),
        ),
        {
            "unregistered": End(
                "server_error",
                503,
                [
                    Told(
                        "registration_inactive",
                        "acme",
                        r"^503 from acme: .*REGISTER was challenged \(401\) and not let in by 2026-01-05 09:00:00 UTC",
                    )
                ],
            ),
            "overload": End("server_error", 503),
        },
        ACME + peer("mobile", "trunk", HOSTS["M"]),
        [
            Told(
                "wrong_credentials",
                "198.51.100.10",
                r"cannot register: user acct42 was challenged again .* realm example\.com \(MD5\)",
                0,
            )
        ],
    ),
    "declined_or_full": Situation(
        "603 from a full trunk, with a call up on it; 603 from a phone whose user presses the red button",
        several(
            said("up", 0, ANSWERS + ENDS),
            said("full", 10, TRIES + refuses(603, 0.5), callee="15550102"),
            said("red-button", 60, INSIDE + phone_refuses(603, 4)),
        ),
        {
            "up": End("answered", 200),
            "full": End(
                "congested",
                603,
                [Told("trunk_full", "acme", r"^603 from acme: all lines busy\. .*at that moment: 1; the most ever: 1")],
            ),
            "red-button": End("declined", 603, [], ["refused"]),
        },
        ACME + PHONES + SERVER,
    ),
    "early_ringing": Situation(
        "a mobile carrier says 183 nine seconds before the phone rings; a fixed line says it one second before",
        several(
            *(
                said(
                    f"mobile-{n}",
                    60 * n,
                    f"0 P>M INVITE\n0.1 M>P 100\n1 M>P 183\n{late} M>P 180\n{late + 6} M>P 200\n"
                    f"{late + 6.1} P>M ACK ttag=callee branch=z9hG4bKa\n30 P>M BYE\n30.1 M>P 200 method=BYE cseq=2",
                    callee=f"1555555012{n}",
                )
                for n, late in enumerate((10, 10, 13))
            ),
            said(
                "fixed",
                200,
                TRIES
                + "1 T>P 183\n2 T>P 180\n6 T>P 200\n6.1 P>T ACK ttag=callee branch=z9hG4bKa\n" + ENDS,
            ),
        ),
        {
            **{
                f"mobile-{n}": End(
                    "answered",
                    200,
                    [Told("early_ringing", "mobile", rf"^183 came {by} s before 180; .*typically 9 s \(calls: {n + 1}\)")],
                    ["early_ringing"],
                )
                for n, by in enumerate((9, 9, 12))
            },
            "fixed": End("answered", 200),
        },
        ACME + peer("mobile", "trunk", HOSTS["M"], "no_answer_after = 36"),
    ),
    "rings_once": Situation(
        "a forwarding that rings once and is taken away, one whose target itself gives up; and one that rings on",
        several(
            said(
                "taken-away",
                0,
                "0 A>P INVITE\n0.02 P>A 100\n0.05 P>A 181\n0.1 P>C INVITE vias=2 uri=sip:15550103@example.com\n"
                "0.2 C>P 100 vias=2\n1 C>P 180 vias=2\n1.02 P>A 180\n6 P>C CANCEL vias=2\n6.02 C>P 200 method=CANCEL vias=2\n"
                "6.05 C>P 487 vias=2\n6.06 P>C ACK ttag=callee vias=2\n6.1 P>A 480\n6.2 A>P ACK ttag=callee",
            ),
            said("gives-up", 60, INSIDE + phone_refuses(480, 7.2)),
            said("rings-on", 120, INSIDE + phone_refuses(480, 26.2)),
        ),
        {
            "taken-away": End(
                "no_answer",
                480,
                [Told("short_ring", "phones", r"^It rang for 5 s, then server took the call away")],
                ["refused", "short_ring"],
            ),
            "gives-up": End(
                "no_answer",
                480,
                [Told("short_ring", "phones", r"^It rang for 6 s, then phones ended it by itself")],
                ["refused", "short_ring"],
            ),
            "rings-on": End("no_answer", 480, [], ["refused"]),
        },
        PHONES + SERVER,
    ),
    "refusal_streak": Situation(
        "a caller waits in the queue while one desk refuses seven offers in a row; the eighth goes to another, which takes it",
        several(
            said(
                "caller",
                0,
                "0 T>P INVITE\n0.02 P>T 100\n0.1 P>T 182\n59 P>T 200\n59.1 T>P ACK ttag=callee branch=z9hG4bKa\n"
                "90 T>P BYE\n90.1 P>T 200 method=BYE cseq=2",
                caller="15550142",
                callee="15550100",
            ),
            *(said(f"offer-{n}", 1 + 7 * (n - 1), OFFER, caller="15550142") for n in range(1, 8)),
            said(
                "offer-8",
                55,
                "0 P>C INVITE\n0.05 C>P 100\n0.5 C>P 180\n3.9 C>P 200\n4.1 P>C ACK ttag=callee branch=z9hG4bKa\n"
                "35 P>C BYE\n35.1 C>P 200 method=BYE cseq=2",
                caller="15550142",
                callee="15550103",
            ),
        ),
        {
            "caller": End("answered", 200),
            **{f"offer-{n}": End("busy", 486, _streak(n), ["refused"]) for n in range(1, 8)},
            "offer-8": End("answered", 200),
        },
        ACME + PHONES + SERVER,
    ),
    "ring_all": Situation(
        "a group of three rings at once and one answers: nothing is wrong, and nobody refused",
        said(
            "group",
            0,
            "0 A>P INVITE\n0.05 P>A 100\n"
            + "".join(f"0.1 P>{phone} INVITE vias=2\n0.6 {phone}>P 180 vias=2 ttag={phone}\n" for phone in "BCD")
            + "0.8 P>A 180 ttag=B\n5 C>P 200 vias=2 ttag=C\n5.01 P>A 200 ttag=C\n"
            + "".join(
                f"5.02 P>{phone} CANCEL vias=2\n5.05 {phone}>P 200 method=CANCEL vias=2\n5.1 {phone}>P 487 vias=2 ttag={phone}\n"
                f"5.11 P>{phone} ACK vias=2 ttag={phone}\n"
                for phone in "BD"
            )
            + "5.2 A>P ACK ttag=C branch=z9hG4bKa\n5.21 P>C ACK ttag=C branch=z9hG4bKb vias=2\n30 A>P BYE ttag=C\n"
            "30.1 P>C BYE ttag=C vias=2\n30.2 C>P 200 method=BYE cseq=2 ttag=C vias=2\n30.3 P>A 200 method=BYE cseq=2 ttag=C",
        ),
        {"group": End("answered", 200)},
        PHONES + SERVER,
    ),
    "frozen_softphone": Situation(
        "a softphone registers and then hangs: three calls get nothing back; a colleague's phone answers meanwhile",
        several(
            said("registration", 0, registers("B>P", user="15550101"), caller="15550101", callee="15550101"),
            said("first", 60, silent_phone("B")),
            said("colleague", 80, moved(INSIDE_TAKEN, B="C"), callee="15550103"),
            said("second", 120, silent_phone("B")),
            said("third", 180, silent_phone("B")),
        ),
        {
            "first": End("not_responding", 408),
            "colleague": End("answered", 200),
            "second": End(
                "not_responding",
                408,
                [Told("silent_peer", "192.0.2.12", r"^Nothing came back from 192\.0\.2\.12:5060 since 2026-01-05 09:01:00 UTC; requests in a row: 2")],
            ),
            "third": End(
                "not_responding",
                408,
                [
                    Told("silent_peer", "192.0.2.12", r"requests in a row: 3"),
                    Told("refusal_streak", "15550101", r"did not take 3 calls in a row since 2026-01-05 09:01:00 UTC, mostly not_responding"),
                ],
            ),
        },
        until=240,
    ),
    "nat_binding_gone": Situation(
        "a phone at home registers with a private Contact: a call arrives while the router remembers it, later ones do not",
        several(
            said("registration", 0, registers("N>P", user="15550110"), caller="15550110", callee="15550110", contact=AT_HOME),
            said("in-time", 10, moved(INSIDE_TAKEN, B="N"), callee="15550110"),
            said("too-late", 300, silent_phone("N"), callee="15550110"),
            said("again", 360, silent_phone("N"), callee="15550110"),
        ),
        {
            "in-time": End("answered", 200),
            "too-late": End(
                "not_responding",
                408,
                [
                    Told(
                        "nat_suspect",
                        "203.0.113.77",
                        r"^The device registered with the private Contact 192\.168\.1\.20 from 203\.0\.113\.77 at 2026-01-05 09:00:00 UTC",
                    )
                ],
            ),
            "again": End(
                "not_responding",
                408,
                [
                    Told("silent_peer", "203.0.113.77", r"since 2026-01-05 09:05:00 UTC; requests in a row: 2"),
                    Told("nat_suspect", "203.0.113.77", r"its NAT binding has probably gone"),
                ],
            ),
        },
        until=420,
    ),
    "outside_hours": Situation(
        "a call on Monday at 10:00 in Berlin, one at 20:00, and one to the number that is staffed until 22:00",
        several(
            said("morning", 0, INBOUND + TAKEN, callee="15550101"),
            said("evening", 36000, INBOUND + TAKEN, callee="15550101"),
            said("emergency", 36100, INBOUND + TAKEN, callee="15550112"),
        ),
        {
            "morning": End("answered", 200),
            "evening": End("answered", 200, [], ["outside_hours"]),
            "emergency": End("answered", 200),
        },
        ACME
        + PHONES
        + SERVER
        + '[[hours]]\nzone = "Europe/Berlin"\nopen = ["Mon-Fri 09:00-18:00"]\nholidays = ["12-25", "12-26"]\n\n'
        + '[[hours]]\nnumbers = ["15550112"]\nzone = "Europe/Berlin"\nopen = ["Mon-Sun 08:00-22:00"]\n',
    ),
    "call_backs": Situation(
        "two callers give up waiting; one is called back after 20 minutes, the other is tried once in vain",
        several(
            said("missed", 0, INBOUND + gives_up(12), caller="15555550142", callee="15550101"),
            said("forgotten", 60, INBOUND + gives_up(9), caller="15555550143", callee="15550101"),
            said("tried", 600, TRIES + refuses(480, 0.5), callee="15555550143"),
            said("back", 1212, ANSWERS + ENDS, callee="+15555550142"),
        ),
        {
            "missed": End("abandoned", 487, [], ["called_back"]),
            "forgotten": End("abandoned", 487, [], ["waiting_callback"]),
            "tried": End("unavailable", 480),
            "back": End("answered", 200),
        },
        ACME + PHONES + SERVER + "[callback]\nwithin = 3600\n",
        until=4000,
    ),
}  # fmt: skip
