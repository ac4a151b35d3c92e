"""Who calls: From, or what a trusted peer asserts where From hides it (RFC 3323, RFC 3325)."""

from __future__ import annotations

import pytest

from sipwatch.classify.peers import Callback, Settings
from tests.classify.diagnosing import ACME, DEVICES, SECOND, SERVER, Diagnosed, peer
from tests.classify.test_desk import RANG, calls_back, feed

SITE = Settings(
    peers=[ACME, peer("server", SERVER, "P"), peer("phones", DEVICES, "A")], callback=Callback(1200 * SECOND)
)
HIDDEN = "sip:anonymous@anonymous.invalid"
ASSERTED = "P-Asserted-Identity:_<sip:+15555550142@carrier.example.com>"


def call(sender: str = HIDDEN, *headers: str, hop: str = "T>P", back: str = "") -> Diagnosed:
    """Run a missed call, after which somebody may be called back."""
    given = " ".join(f"h={header}" for header in (f'From:_"Anonymous"_<{sender}>;tag=caller', *headers))
    script = RANG + "12 T>P CANCEL\n12 P>T 487\n12.1 T>P ACK ttag=callee\n"
    script = script.replace("INVITE", f"INVITE {given}")
    script = script.replace("T>P", "x").replace("P>T", f"{hop[2]}>{hop[0]}").replace("x", hop)
    return feed(Diagnosed(SITE), script + back).until("9000").over()


def caller(*headers: str, sender: str = HIDDEN, hop: str = "T>P") -> str | None:
    """Return who called."""
    (record,) = call(sender, *headers, hop=hop).calls.values()
    return record.caller


@pytest.mark.parametrize(
    "sender",
    [
        HIDDEN,
        "sip:Anonymous@carrier.example.com",
        "sip:Restricted@carrier.example.com",
        "sip:unavailable@unknown.invalid",
        "sip:carrier.example.com",
        "sip:user1@anonymous.invalid",
        "sip:c8oqz84zk7z@ANONYMOUS.invalid;user=phone",
    ],
)
def test_where_from_hides_the_caller_the_trunk_says_who_it_is(sender: str) -> None:
    assert caller(ASSERTED, sender=sender) == "+15555550142"


def test_where_from_names_somebody_that_is_the_caller() -> None:
    """As written; a company shows its main number."""
    assert caller(ASSERTED, sender="sip:15555550100@x") == "15555550100"


@pytest.mark.parametrize(("hop", "who"), [("T>P", "+15555550142"), ("P>A", "+15555550142"), ("A>P", "anonymous"), ("Z>P", "anonymous")])  # fmt: skip
def test_only_a_configured_trunk_or_server_is_believed(hop: str, who: str) -> None:
    """RFC 3325 §5: from outside the trust domain, anybody may have written it."""
    assert caller(ASSERTED, hop=hop) == who


@pytest.mark.parametrize(
    ("headers", "who"),
    [
        ([], "anonymous"),
        (["P-Preferred-Identity:_<sip:+15555550142@x>"], "anonymous"),
        (['P-Asserted-Identity:_"Doe,_Jane"_<sip:jane@x>,_<tel:+1-555-555-0142>'], "+1-555-555-0142"),
        (["P-Asserted-Identity:_<sip:jane@x>", "P-Asserted-Identity:_<tel:+15555550142>"], "+15555550142"),
        (["p-asserted-identity:_tel:+15555550142;cpc=ordinary"], "+15555550142"),
        (["P-Asserted-Identity:_<sip:jane@x>"], "jane"),
        (["P-Asserted-Identity:_<sip:anonymous@anonymous.invalid>"], "anonymous"),
        (["P-Asserted-Identity:_<sip:carrier.example.com>"], "anonymous"),
        (["P-Asserted-Identity:_%%%"], "anonymous"),
    ],
    ids=[
        "nothing", "only-preferred", "a-number-before-a-name", "in-two-headers", "without-brackets", "a-name",
        "anonymous-as-well", "a-host", "nonsense",
    ],
)  # fmt: skip
def test_what_is_asserted(headers: list[str], who: str) -> None:
    assert caller(*headers) == who


def test_the_uri_stays_as_it_was_written() -> None:
    (record,) = call(HIDDEN, ASSERTED).calls.values()
    assert record.caller_uri == HIDDEN


def test_an_anonymous_caller_whom_the_trunk_names_can_be_called_back() -> None:
    assert call(HIDDEN, ASSERTED).calls["c1"].tags == ["waiting_callback"]
    found = call(HIDDEN, ASSERTED, back=calls_back(300, "15555550142"))
    assert found.calls["c1"].tags == ["called_back"]


def test_one_whom_nobody_names_cannot() -> None:
    assert call(HIDDEN).calls["c1"].tags == []
    assert call(HIDDEN, "P-Preferred-Identity:_<sip:+15555550142@x>").calls["c1"].tags == []
