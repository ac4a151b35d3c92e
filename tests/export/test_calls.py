"""From a call that is over to its record."""

from __future__ import annotations

from sipwatch.export.moments import timestamp
from sipwatch.wire.message import decoded
from tests.conversation import EPOCH, Observed, messages, observe, the_call
from tests.export.records import span

SCRIPT = """
0    A>P INVITE h=User-Agent:_Phone/1
0.1  P>A 100
1    P>A 183
2.5  P>A 180 h=Server:_Proxy/2
5    P>A 200 h=Server:_Proxy/2
5.1  A>P ACK branch=z9hG4bKa ttag=callee
15   A>P BYE
15.1 P>A 200 method=BYE cseq=2
"""


def test_every_moment_of_a_call_is_in_its_record() -> None:
    """DESIGN §5.1."""
    call = the_call(SCRIPT, until="60")
    moments = (call.started, call.trying, call.progressed, call.ringing, call.answered, call.ended)
    assert [moment and moment.exact_clock[6:] for moment in moments] == [
        "00.000",
        "00.100",
        "01.000",
        "02.500",
        "05.000",
        "15.000",
    ]
    assert (call.setup_seconds, call.ring_seconds, call.talk_seconds) == (span(5.0), span(4.0), span(10.0))


def test_names_and_numbers_stand_as_on_the_wire() -> None:
    call = the_call(SCRIPT, until="60")
    assert (call.caller, call.callee, call.caller_uri) == ("15550100", "15550101", "sip:15550100@example.com")
    assert (call.user_agent, call.server, call.from_tag, call.to_tag) == ("Phone/1", "Proxy/2", "caller", "callee")
    assert (call.source, call.destination, call.transport) == ("other", "other", "udp")


def test_what_is_not_known_is_null() -> None:
    call = the_call("0 A>P INVITE", until="1")
    unknown = (
        call.to_tag,
        call.trying,
        call.answered,
        call.status_code,
        call.reason_phrase,
        call.server,
        call.talk_seconds,
        call.cause,
    )
    assert unknown == (None,) * 8


def test_the_same_input_gives_the_same_id_and_another_call_another() -> None:
    assert the_call(SCRIPT).id == the_call(SCRIPT, until="99").id
    ids = {call.id for call in observe(SCRIPT + "0 A>P INVITE call=c2\n0 A>P INVITE call=c3").calls}
    assert len(ids) == 3


def test_bytes_that_are_no_utf8_are_made_visible() -> None:
    assert decoded(b"Z\xc3\xbc \xff") == "Zü \\xff"


def test_times_are_exact_and_survive_the_far_future() -> None:
    assert timestamp(EPOCH + 1_234_567_891) == "2026-01-05T09:00:01.234567Z"
    assert timestamp(2**63).endswith("Z")
    assert timestamp(0) == "1970-01-01T00:00:00.000000Z"


def test_kept_messages_tell_what_was_repeated() -> None:
    observed = Observed(keep=True)
    for message in messages("0 A>P INVITE\n0.5 A>P INVITE\n1 P>A 486\n1.5 P>A 486"):
        observed.message(message)
    observed.finish()
    kept = observed.calls[0].messages
    assert kept is not None
    assert [(m.first_line[:11], m.retransmission) for m in kept] == [
        ("INVITE sip:", False), ("INVITE sip:", True), ("SIP/2.0 486", False), ("SIP/2.0 486", True),
    ]  # fmt: skip


def test_secrets_are_in_no_record() -> None:
    """Privacy configured or not: passwords in URIs, digest responses, keys."""
    script = (
        '0 A>P INVITE uri=sip:bob:hunter2@example.com h=Authorization:_Digest_username="u",_response="5ec2e75ec2e7"'
    )
    observed = Observed(keep=True)
    for message in messages(script):
        observed.message(message)
    observed.finish()
    (record,) = observed.calls
    assert (record.callee, record.callee_uri) == ("bob", "sip:bob:*******@example.com")
    assert record.messages is not None
    (kept,) = record.messages
    assert kept.first_line == "INVITE sip:bob:*******@example.com SIP/2.0"
    assert 'Authorization: Digest username="u", response=**************\r\n' in kept.raw
    assert "hunter2" not in repr(record)
    assert "5ec2e75ec2e7" not in repr(record)


# Hops


def test_a_hop_says_whom_it_asked_for_when_it_rang_and_when_waiting_was_over() -> None:
    script = (
        "0 A>P INVITE callee=500\n0.1 P>B INVITE vias=2 callee=101\n0.2 P>C INVITE vias=2 callee=102\n"
        "1 B>P 180 vias=2\n2 C>P 183 vias=2 ttag=c\n3 P>A 180\n6 B>P 200 vias=2\n6.1 P>A 200\n"
        "6.2 P>C CANCEL vias=2 callee=102\n6.4 C>P 487 vias=2 ttag=c\n"
    )
    legs = the_call(script, until="60").legs
    clock = [
        (leg.callee, *(moment and moment.exact_clock[6:] for moment in (leg.alerted, leg.settled))) for leg in legs
    ]
    assert clock == [
        ("500", "03.000", "06.100"),
        ("101", "01.000", "06.000"),
        ("102", "02.000", "06.200"),
    ]


def test_what_was_not_seen_of_a_hop_is_null() -> None:
    """The INVITE of the second hop was not captured; nobody knows whom it asked for."""
    first, second = the_call("0 A>P INVITE callee=500\n1 B>P 180 vias=2 branch=z9hG4bKb\n1.1 P>A 180\n").legs
    assert (first.callee, second.callee) == ("500", None)
    assert first.settled is second.settled is None
    assert first.offered is second.offered is None
