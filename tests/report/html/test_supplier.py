"""What a supplier may be told of a call: his own hops, and nothing of ours."""

from __future__ import annotations

from msgspec.structs import replace

from sipwatch.export.record import FindingRecord
from sipwatch.report.html.supplier import at_peer, direction_of
from tests.export.records import call, condition, leg, link, message, words

PHONE, SERVER, ACME = "192.0.2.65:5060", "192.0.2.80:5060", "203.0.113.10:5060"
INSIDE = leg(source="phones", destination="server", source_address=PHONE, destination_address=SERVER)
OUTSIDE = leg(source="server", destination="acme", source_address=SERVER, destination_address=ACME)
CALL = call(
    source="phones",
    destination="acme",
    source_address=PHONE,
    destination_address=ACME,
    legs=[INSIDE, OUTSIDE],
    conditions=[condition("no_answer"), replace(condition("no_progress"), leg=1)],
    findings=[
        FindingRecord("trunk_full", words("acme"), words("all lines busy"), []),
        FindingRecord("refusal_streak", words("15550199"), words("did not take 3 calls in a row"), []),
    ],
    tags=["waiting_callback"],
    linked=[link("aa", 1)],
    messages=[
        message(0, PHONE, SERVER, "INVITE sip:a SIP/2.0"),
        message(1, SERVER, ACME, "INVITE sip:b SIP/2.0"),
        message(2, ACME, SERVER, "SIP/2.0 503 Full"),
        message(3, SERVER, PHONE, "SIP/2.0 503 Full"),
    ],
)


def test_the_hops_and_messages_of_the_peer_are_left() -> None:
    told = at_peer(CALL, "acme")
    assert told.legs == [OUTSIDE]
    assert [one.first_line for one in told.messages or ()] == ["INVITE sip:b SIP/2.0", "SIP/2.0 503 Full"]
    assert [(one.kind, one.leg) for one in told.conditions] == [("no_progress", 0)]


def test_findings_are_those_about_the_peer() -> None:
    assert [one.kind for one in at_peer(CALL, "acme").findings] == ["trunk_full"]


def test_who_waits_and_what_belongs_together_is_not_told() -> None:
    told = at_peer(CALL, "acme")
    assert (told.tags, told.linked) == ([], [])


def test_what_became_of_the_call_stays() -> None:
    told = at_peer(CALL, "acme")
    assert (told.outcome, told.status_code, told.call_id, told.caller) == ("busy", 486, "c1", "15550100")
    assert at_peer(told, "acme") == told


def test_a_call_without_messages_has_none() -> None:
    assert at_peer(replace(CALL, messages=None), "acme").messages is None


def test_a_call_is_to_the_peer_or_from_it() -> None:
    assert direction_of(CALL, "acme") == "to acme"
    assert direction_of(replace(CALL, source="acme", destination="phones"), "acme") == "from acme"
