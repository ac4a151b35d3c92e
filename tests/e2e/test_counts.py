"""What sipp placed is what the figures say: by outcome, by who called whom, message by message."""

from __future__ import annotations

import pytest

from tests.e2e import scenarios as s
from tests.e2e.figures import assert_all_is_over, conditions, endings, finals, legs, outcomes, resolved, ser
from tests.e2e.sip import TCP
from tests.e2e.site import (
    ACME,
    ACME6,
    ACME_BEHIND_KAMAILIO,
    BRIEFLY,
    FOR_A_WHILE,
    GLOBEX,
    INITECH,
    KAMAILIO,
    PHONE,
    PHONE6,
    PHONE_2,
    SERVER,
    SERVER6,
    STRANGER,
    TOO_LONG,
    UMBRELLA,
    Site,
)

pytestmark = pytest.mark.slow  # real programs, in real time


def test_calls_that_go_well_are_answered_and_end_by_who_hangs_up(site: Site) -> None:
    sipwatch = site.watch()
    site.answers("acme", s.ANSWERS, ACME)
    site.answers("globex", s.HANGS_UP, GLOBEX)
    site.answers("pbx", s.ANSWERS, SERVER)
    outgoing = site.calls("outgoing", s.TALKS, SERVER, ACME, 20, port=5070, rate=20)
    hung_up_on = site.calls("hung-up-on", s.IS_HUNG_UP_ON, SERVER, GLOBEX, 10, port=5071)
    phones = site.calls("phones", s.TALKS, PHONE, SERVER, 5, port=5070)
    assert (outgoing.done(), hung_up_on.done(), phones.done()) == (20, 10, 5)
    samples = site.settled(sipwatch, 35)
    assert outcomes(samples) == {
        ("server", "acme", "answered"): 20,
        ("server", "globex", "answered"): 10,
        ("phones", "server", "answered"): 5,
    }
    assert samples.table("sipwatch_calls_ended_total", "source", "destination", "ended_by") == {
        ("server", "acme", "caller"): 20,
        ("server", "globex", "callee"): 10,
        ("phones", "server", "caller"): 5,
    }
    assert finals(samples) == {(*key[:2], "200"): count for key, count in outcomes(samples).items()}
    for name in ("session_duration", "session_disconnect_delay", "answer_delay", "trying_delay"):
        assert samples.by(f"sipwatch_{name}_seconds_count", "destination") == {"acme": 20, "globex": 10, "server": 5}
    # Each of them talked for 0.3 s, and all were answered at once.
    assert 35 * 0.3 <= samples.sum("sipwatch_session_duration_seconds_sum") < 35 * 3
    assert samples.sum("sipwatch_answer_delay_seconds_sum") < 35 * 1
    assert ser(samples) == 1
    # A hop taken for a retransmission would be one for each call; a busy machine may cause one or two real ones.
    assert samples.sum("sipwatch_retransmissions_total") < 5
    assert samples.sum("sipwatch_invite_conditions_total") == 0
    assert_all_is_over(samples)


def test_a_wave_of_busy_calls(site: Site) -> None:
    sipwatch = site.watch()
    site.answers("phones", s.refuses(486), PHONE)
    site.answers("acme", s.ANSWERS, ACME)
    wave = site.calls("wave", s.is_refused(486), SERVER, PHONE, 200, port=5070, rate=100)
    well = site.calls("well", s.TALKS, SERVER, ACME, 20, port=5071, rate=20)
    assert (wave.done(), well.done()) == (200, 20)
    samples = site.settled(sipwatch, 220)
    assert outcomes(samples) == {("server", "phones", "busy"): 200, ("server", "acme", "answered"): 20}
    assert finals(samples) == {("server", "phones", "486"): 200, ("server", "acme", "200"): 20}
    assert samples.sum("sipwatch_calls_total", outcome="busy", category="user") == 200
    # A hop taken for a retransmission would be one for each call; a busy machine may cause one or two real ones.
    assert samples.sum("sipwatch_retransmissions_total") < 5
    assert_all_is_over(samples)


# What a final response means when a trunk says it, and when a device does (OUTCOMES §2.4).
BY_TRUNK_AND_DEVICE = {
    302: ("redirected", "redirected"),
    403: ("forbidden", "forbidden"),
    404: ("not_found", "not_found"),
    480: ("unavailable", "unavailable"),
    486: ("busy", "busy"),
    503: ("server_error", "server_error"),
    603: ("congested", "declined"),
}


def test_each_refusal_is_counted_as_what_it_means(site: Site) -> None:
    """The one that may be followed, 302, is decided when nobody did, half a minute later: it is left to another test."""
    sipwatch = site.watch()
    placed, expected = [], {}
    codes = [code for code in BY_TRUNK_AND_DEVICE if code != 302]
    for number, code in enumerate(codes):
        for many, (peer, address) in enumerate([("acme", ACME), ("phones", PHONE)], 2):
            port = 5100 + number
            site.answers(f"{peer}-{code}", s.refuses(code), address, port=port)
            local = 5100 + 10 * many + number
            name = f"to-{peer}-{code}"
            placed.append(site.calls(name, s.is_refused(code), SERVER, address, many, port=local, target_port=port))
            expected["server", peer, BY_TRUNK_AND_DEVICE[code][many - 2]] = many
    for sipp in placed:
        sipp.done()
    samples = site.settled(sipwatch, 5 * len(codes))
    assert outcomes(samples) == expected
    assert finals(samples) == {
        ("server", peer, str(code)): many for many, peer in ((2, "acme"), (3, "phones")) for code in codes
    }
    # A hop taken for a retransmission would be one for each call; a busy machine may cause one or two real ones.
    assert samples.sum("sipwatch_retransmissions_total") < 5
    assert_all_is_over(samples)


def test_after_ringing_a_timeout_or_480_means_that_nobody_answered(site: Site) -> None:
    sipwatch = site.watch()
    for port, code in ((5061, 480), (5062, 408)):
        site.answers(f"phone-{code}", s.refuses(code, ringing=True), PHONE, port=port)
        site.calls(f"to-{code}", s.is_refused(code), SERVER, PHONE, 4, port=port, target_port=port).done()
    site.answers("reason", s.refuses(480, 'Reason: Q.850;cause=17;text="User busy"'), PHONE_2)
    site.calls("to-reason", s.is_refused(480), SERVER, PHONE_2, 3).done()
    samples = site.settled(sipwatch, 11)
    assert outcomes(samples) == {("server", "phones", "no_answer"): 8, ("server", "phones", "busy"): 3}
    assert samples.table("sipwatch_reason_causes_total", "protocol", "cause") == {("Q.850", "17"): 3}


def test_who_gives_up_is_counted_by_what_was_heard_until_then_and_for_how_long(site: Site) -> None:
    sipwatch = site.watch()
    site.answers("rings", s.RINGS, PHONE)
    site.answers("trying", s.SAYS_TRYING, ACME)
    site.answers("silent", s.IS_SILENT, GLOBEX)
    elsewhere = 'SIP;cause=200;text="Call completed elsewhere"'
    waves = [
        # name, after, calls, seconds, Reason, whom
        ("rings-briefly", s.AT_RINGING, 2, BRIEFLY, "", PHONE),
        ("rings-a-while", s.AT_RINGING, 3, FOR_A_WHILE, "", PHONE),
        ("rings-too-long", s.AT_RINGING, 4, TOO_LONG, "", PHONE),
        ("taken-elsewhere", s.AT_RINGING, 5, BRIEFLY, elsewhere, PHONE),
        ("timed-out", s.AT_RINGING, 6, BRIEFLY, "Q.850;cause=19", PHONE),
        ("trying-briefly", s.AT_TRYING, 2, BRIEFLY, "", ACME),
        ("trying-a-while", s.AT_TRYING, 3, FOR_A_WHILE, "", ACME),
        ("trying-too-long", s.AT_TRYING, 4, TOO_LONG, "", ACME),
        ("silent-briefly", "", 2, BRIEFLY, "", GLOBEX),
        ("silent-a-while", "", 3, FOR_A_WHILE, "", GLOBEX),
        ("silent-too-long", "", 4, TOO_LONG, "", GLOBEX),
    ]
    placed = [
        site.calls(
            name, s.gives_up(*filter(None, [after]), reason=why), SERVER, whom, calls, port=5070 + n, pause=pause
        )
        for n, (name, after, calls, pause, why, whom) in enumerate(waves)
    ]
    for sipp in placed:
        sipp.done()
    samples = site.settled(sipwatch, 38)
    assert outcomes(samples) == {
        ("server", "phones", "abandoned_brief"): 2,
        ("server", "phones", "abandoned"): 3,
        ("server", "phones", "no_answer"): 4 + 6,
        ("server", "phones", "answered_elsewhere"): 5,
        ("server", "acme", "abandoned_brief"): 2,
        ("server", "acme", "abandoned"): 3,
        ("server", "acme", "no_progress"): 4,
        ("server", "globex", "abandoned_brief"): 2,
        ("server", "globex", "abandoned"): 3,
        ("server", "globex", "not_responding"): 4,
    }
    assert conditions(samples) == {
        ("server", "phones", "no_answer"): 4,
        ("server", "acme", "slow_progress"): 3 + 4,
        ("server", "acme", "no_progress"): 4,
        ("server", "globex", "no_response"): 4,
    }
    assert resolved(samples) == {(*key, "cancelled"): count for key, count in conditions(samples).items()}
    assert samples.by("sipwatch_call_final_responses_total", "status_code") == {"487": 38}
    # A hop taken for a retransmission would be one for each call; a busy machine may cause one or two real ones.
    assert samples.sum("sipwatch_retransmissions_total") < 5
    assert_all_is_over(samples)


def test_a_challenged_call_is_one_call_and_all_of_them_are_established(site: Site) -> None:
    sipwatch = site.watch()
    site.answers("pbx", s.CHALLENGES, SERVER)
    assert site.calls("phones", s.HAS_CREDENTIALS, PHONE, SERVER, 20, port=5070, rate=20).done() == 20
    samples = site.settled(sipwatch, 20)
    assert outcomes(samples) == {("phones", "server", "answered"): 20}
    assert finals(samples) == {("phones", "server", "200"): 20}
    assert samples.by("sipwatch_invites_total", "outcome") == {"retried": 20, "answered": 20}
    assert samples.by("sipwatch_invite_final_responses_total", "status_code") == {"407": 20, "200": 20}
    assert ser(samples) == 1
    # What comes out when messages are counted instead of calls, as others do.
    assert samples.sum("sipwatch_responses_total", method="INVITE", status_code="200") == 20
    assert samples.sum("sipwatch_requests_total", method="INVITE") == 40
    # A hop taken for a retransmission would be one for each call; a busy machine may cause one or two real ones.
    assert samples.sum("sipwatch_retransmissions_total") < 5
    assert_all_is_over(samples)


def test_a_call_that_keeps_the_tag_of_the_challenge_is_one_call_and_answered(site: Site) -> None:
    """No dialog was there to be in: a To tag in an INVITE proves none (OUTCOMES §2)."""
    sipwatch = site.watch()
    site.answers("pbx", s.CHALLENGES_AND_KEEPS_ITS_TAG, SERVER)
    assert site.calls("phones", s.KEEPS_THE_TAG_OF_THE_401, PHONE, SERVER, 10, port=5070).done() == 10
    samples = site.settled(sipwatch, 10)
    assert outcomes(samples) == {("phones", "server", "answered"): 10}
    assert finals(samples) == {("phones", "server", "200"): 10}
    assert legs(samples) == {("phones", "server", "retried"): 10, ("phones", "server", "answered"): 10}
    assert endings(samples) == {("phones", "server", "caller", "normal"): 10}
    assert ser(samples) == 1
    # A hop taken for a retransmission would be one for each call; a busy machine may cause one or two real ones.
    assert samples.sum("sipwatch_retransmissions_total") < 5
    assert_all_is_over(samples)


def test_a_redirect_that_is_followed_is_the_same_call(site: Site) -> None:
    sipwatch = site.watch()
    site.answers("phone", s.REDIRECTS, PHONE)
    site.calls("follows", s.FOLLOWS, SERVER, PHONE, 6).done()
    samples = site.settled(sipwatch, 6)
    assert outcomes(samples) == {("server", "phones", "answered"): 6}
    assert samples.by("sipwatch_invites_total", "outcome") == {"retried": 6, "answered": 6}
    assert ser(samples) == 1


@pytest.mark.usefixtures("with_kamailio")
def test_a_call_through_a_proxy_is_one_call_with_a_leg_on_each_hop(site: Site) -> None:
    sipwatch = site.watch()
    site.kamailio()
    acme = site.answers("acme", s.ANSWERS, ACME_BEHIND_KAMAILIO)
    assert site.calls("phones", s.TALKS, PHONE, KAMAILIO, 10, port=5070).done() == 10
    acme.end()
    acme = site.answers("full", s.refuses(603), ACME_BEHIND_KAMAILIO)
    assert site.calls("refused", s.is_refused(603), PHONE_2, KAMAILIO, 8, port=5070).done() == 8
    acme.end()
    site.answers("stuck", s.SAYS_TRYING, ACME_BEHIND_KAMAILIO)
    waits = site.calls("waits", s.gives_up(s.AT_TRYING), PHONE, KAMAILIO, 3, port=5071, pause=TOO_LONG)
    assert waits.done() == 3
    samples = site.settled(sipwatch, 21)
    assert outcomes(samples) == {
        ("phones", "acme", "answered"): 10,
        ("phones", "acme", "congested"): 8,
        ("phones", "acme", "no_progress"): 3,
    }
    assert samples.table("sipwatch_invites_total", "source", "destination", "outcome") == {
        ("phones", "server", "answered"): 10,
        ("server", "acme", "answered"): 10,
        ("phones", "server", "congested"): 8,
        ("server", "acme", "congested"): 8,
        ("phones", "server", "no_progress"): 3,
        ("server", "acme", "no_progress"): 3,
    }
    assert samples.table("sipwatch_calls_ended_total", "source", "destination", "ended_by") == {
        ("phones", "acme", "caller"): 10
    }
    # A hop taken for a retransmission would be one for each call; a busy machine may cause one or two real ones.
    assert samples.sum("sipwatch_retransmissions_total") < 5
    assert_all_is_over(samples)


@pytest.mark.parametrize(
    ("server", "acme", "phone", "transport"),
    [(SERVER6, ACME6, PHONE6, "u1"), (SERVER, ACME, PHONE, TCP), (SERVER6, ACME6, PHONE6, TCP)],
    ids=["UDP over IPv6", "TCP over IPv4", "TCP over IPv6"],
)
def test_transport_and_address_family_make_no_difference(
    server: str, acme: str, phone: str, transport: str, site: Site
) -> None:
    sipwatch = site.watch()
    site.answers("acme", s.ANSWERS, acme, transport=transport)
    site.answers("phone", s.refuses(486, ringing=True), phone, transport=transport)
    well = site.calls("well", s.TALKS, server, acme, 10, port=5070, transport=transport)
    busy = site.calls("busy", s.is_refused(486), server, phone, 5, port=5071, transport=transport)
    assert (well.done(), busy.done()) == (10, 5)
    samples = site.settled(sipwatch, 15)
    assert outcomes(samples) == {("server", "acme", "answered"): 10, ("server", "phones", "busy"): 5}
    assert samples.by("sipwatch_calls_ended_total", "ended_by") == {"caller": 10}
    # A hop taken for a retransmission would be one for each call; a busy machine may cause one or two real ones.
    assert samples.sum("sipwatch_retransmissions_total") < 5
    assert_all_is_over(samples)


def test_messages_larger_than_packets_are_put_together(site: Site) -> None:
    sipwatch = site.watch()
    for name, server, acme in (("4", SERVER, ACME), ("6", SERVER6, ACME6)):
        site.answers(f"acme{name}", s.ANSWERS_AT_LENGTH, acme)
        site.calls(f"long{name}", s.TALKS_AT_LENGTH, server, acme, 5, port=5070).done()
    samples = site.settled(sipwatch, 10)
    assert outcomes(samples) == {("server", "acme", "answered"): 10}
    # Each INVITE and its 200 came in three packets, the rest (100, 180, ACK, BYE, 200) in one.
    assert samples.sum("sipwatch_capture_packets_total") >= 10 * (2 * 3 + 5)
    assert samples.sum("sipwatch_discards_total", reason="fragment_timeout") == 0


def test_what_is_sent_again_is_no_second_call_and_counted_as_often_as_sipp_sent_it(site: Site) -> None:
    sipwatch = site.watch()
    phone = site.answers("slow", s.ANSWERS_SLOWLY, PHONE)
    caller = site.calls("late", s.ACKNOWLEDGES_LATE, SERVER, PHONE, 3)
    caller.done()
    samples = site.settled(sipwatch, 3)
    assert outcomes(samples) == {("server", "phones", "answered"): 3}
    again = {
        ("server", "phones", "INVITE"): caller.sent()["INVITE", 0] - 3,
        ("server", "phones", "BYE"): caller.sent()["BYE", 0] - 3,
        ("phones", "server", "INVITE"): phone.sent()["INVITE", 200] - 3,
        ("phones", "server", "BYE"): phone.sent()["BYE", 200] - 3,
    }
    assert samples.table("sipwatch_retransmissions_total", "source", "destination", "method") == {
        key: count for key, count in again.items() if count
    }
    assert min(again["server", "phones", "INVITE"], again["server", "phones", "BYE"]) >= 3
    assert again["phones", "server", "INVITE"] >= 9
    assert conditions(samples) == {("server", "phones", "ack_missing"): 3}
    assert resolved(samples) == {("server", "phones", "ack_missing", "responded"): 3}


def test_who_is_not_configured_is_called_other(site: Site) -> None:
    sipwatch = site.watch()
    site.answers("pbx", s.refuses(404), SERVER)
    site.calls("scanner", s.is_refused(404), STRANGER, SERVER, 4, port=5070).done()
    samples = site.settled(sipwatch, 4)
    assert outcomes(samples) == {("other", "server", "not_found"): 4}


def test_registrations_and_pings_are_counted_by_what_came_of_them(site: Site) -> None:
    sipwatch = site.watch()
    pairs = [
        ("plain", s.registers(), s.registrar(), 3),
        ("challenged", s.registers(code=401), s.registrar(code=401), 4),
        ("leaves", s.registers(seconds=0), s.registrar(), 2),
        ("forbidden", s.registers(code=401, finally_=403), s.registrar(code=401, finally_=403), 5),
        ("wrong", s.registers(code=401, credentials=s.WRONG_CREDENTIALS, finally_=401), s.registrar(code=401, finally_=401), 6),
        ("pings", s.PINGS, s.IS_PINGED, 7),
        ("refused", s.PINGS_AND_IS_REFUSED, s.REFUSES_PINGS, 8),
    ]  # fmt: skip
    placed = []
    for port, (name, phone, server, many) in enumerate(pairs, 5061):
        site.answers(f"{name}-server", server, SERVER, port=port)
        placed.append(site.calls(name, phone, PHONE, SERVER, many, port=port, target_port=port, user=name))
    for sipp in placed:
        sipp.done()
    samples = site.settled(sipwatch, 0)
    assert samples.table("sipwatch_registrations_total", "source", "destination", "outcome", "status_code") == {
        ("phones", "server", "registered", "200"): 3 + 4,
        ("phones", "server", "removed", "200"): 2,
        ("phones", "server", "refused", "403"): 5,
        ("phones", "server", "auth_failed", "401"): 6,
    }
    assert samples.table("sipwatch_options_total", "source", "destination", "outcome") == {
        ("phones", "server", "answered"): 7,
        ("phones", "server", "refused"): 8,
    }
    # Each of the two that stay registers one contact again and again.
    assert samples.table("sipwatch_registrations_active", "source", "destination") == {("phones", "server"): 2}
    assert samples.sum("sipwatch_registration_request_delay_seconds_count") == 3 + 4 + 2
    # A hop taken for a retransmission would be one for each call; a busy machine may cause one or two real ones.
    assert samples.sum("sipwatch_retransmissions_total") < 5


def test_what_is_certain_only_after_half_a_minute(site: Site) -> None:
    """Everything that needs 64*T1 to be sure, at the same time: nobody there, nobody who tries again."""
    sipwatch = site.watch()
    far = site.cable.far
    with far.deaf(GLOBEX, 5060), far.deaf(GLOBEX, 5061), far.deaf(GLOBEX, 5062):
        unheard = [
            site.calls("refuted", s.HEARS_NOTHING, SERVER, INITECH, 3, port=5070),  # ICMP: no such port
            site.calls("unheard", s.HEARS_NOTHING, SERVER, GLOBEX, 4, port=5071),
            site.calls("pings", s.PINGS, SERVER, GLOBEX, 2, port=5072, target_port=5061),
            site.calls("registers", s.registers(), SERVER, GLOBEX, 3, port=5073, target_port=5062),
        ]
        site.answers("challenges", s.CHALLENGES_ONCE, SERVER)
        site.calls("no-credentials", s.HAS_NO_CREDENTIALS, PHONE, SERVER, 5).done()
        site.answers("challenges-again", s.CHALLENGES_AGAIN, SERVER, port=5061)
        site.calls("wrong-credentials", s.HAS_WRONG_CREDENTIALS, PHONE, SERVER, 7, port=5061, target_port=5061).done()
        site.answers("redirects", s.refuses(302), ACME)
        site.calls("not-followed", s.is_refused(302), SERVER, ACME, 6, port=5075).done()
        site.answers("half-open", s.DOES_NOT_ANSWER_THE_BYE, UMBRELLA)
        unheard.append(site.calls("hangs-up", s.TALKS, SERVER, UMBRELLA, 2, port=5076))
        assert [sipp.gave_up(90) for sipp in unheard] == [3, 4, 2, 3, 2]
        sipwatch.forgotten(60)
        samples = site.settled(sipwatch, 27)
    assert outcomes(samples) == {
        ("server", "initech", "not_responding"): 3,
        ("server", "globex", "not_responding"): 4,
        ("phones", "server", "auth_failed"): 5 + 7,
        ("server", "acme", "redirected"): 6,
        ("server", "umbrella", "answered"): 2,
    }
    assert finals(samples) == {
        ("server", "initech", "none"): 3,
        ("server", "globex", "none"): 4,
        ("phones", "server", "407"): 5 + 7,
        ("server", "acme", "302"): 6,
        ("server", "umbrella", "200"): 2,
    }
    assert samples.table("sipwatch_calls_timed_out_total", "destination", "timer") == {
        ("initech", "B"): 3,
        ("globex", "B"): 4,
    }
    assert conditions(samples) == {
        ("server", "initech", "no_response"): 3,
        ("server", "globex", "no_response"): 4,
        ("server", "umbrella", "bye_unanswered"): 2,
    }
    assert resolved(samples) == {
        ("server", "initech", "no_response", "expired"): 3,
        ("server", "globex", "no_response", "expired"): 4,
        ("server", "umbrella", "bye_unanswered", "expired"): 2,
    }
    assert ser(samples) == 2 / (27 - 6)
    assert samples.by("sipwatch_options_total", "outcome") == {"not_responding": 2}
    assert samples.table("sipwatch_registrations_total", "outcome", "status_code") == {("not_responding", "none"): 3}
    # Everything above is said once for each call, however often sipp sent it.
    once = {"INVITE": 3 + 4 + 2, "BYE": 2, "OPTIONS": 2, "REGISTER": 3}
    again = {method: sum(sipp.sent()[method, 0] for sipp in unheard) - many for method, many in once.items()}
    assert samples.by("sipwatch_retransmissions_total", "method") == again
    assert all(again[method] >= 3 * many for method, many in once.items())
    assert_all_is_over(samples)
