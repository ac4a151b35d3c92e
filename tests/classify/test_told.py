"""OUTCOMES §2, rule 3, as conversations: which Reason headers count, and which are believed."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest

from sipwatch.classify import told
from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.peers import Peer, PeerKind, Rule, Settings
from sipwatch.classify.reason import Reason, reasons
from sipwatch.classify.told import Contradiction, claims_elsewhere, contradiction
from sipwatch.track.events import CallOver
from tests.conversation import Observed, messages, nanoseconds, the_call
from tests.each import for_each

if TYPE_CHECKING:
    from sipwatch.track.events import Takes
    from sipwatch.wire.message import Message

TRIES = "0 A>P INVITE\n0.1 P>A 100\n"
RINGS = TRIES + "1 P>A 180\n"
ANNOUNCED = TRIES + "1 P>A 183 h=Reason:_Q.850;cause=1\n"
GIVES_UP = "13 A>P CANCEL\n13.1 P>A 200 method=CANCEL\n13.1 P>A 487\n13.2 A>P ACK ttag=callee\n"


def trunk(letter: str = "P", *rules: Rule) -> Settings:
    """Return settings with one trunk at a letter's address."""
    return Settings(peers=[Peer("acme", PeerKind.TRUNK, [ip_network(f"192.0.2.{ord(letter)}/32")], None, list(rules))])


class Kept(Observed):
    """Keeps what is to be known of each leg when its call is over: later, the call lets go of it."""

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__(settings)
        self.contradictions: list[Contradiction | None] = []
        self.claims: list[bool] = []

    def takes(self) -> Takes:
        return {**super().takes(), CallOver: self._look}

    def _look(self, event: CallOver) -> None:
        self.contradictions += [contradiction(leg) for leg in event.call.legs]
        self.claims += [claims_elsewhere(leg) for leg in event.call.legs]
        self._over(event)


def kept(script: str, settings: Settings | None = None) -> Kept:
    """Run a conversation to its end."""
    kept = Kept(settings)
    for message in sorted(messages(script), key=lambda message: message.time):
        kept.message(message)
    kept.advance(nanoseconds("120"))
    kept.finish()
    return kept


# Which values count


COUNTING = [
    ("the-final-responses", TRIES + "2 P>A 480 h=Reason:_Q.850;cause=17", "busy"),
    ("the-cancels-where-the-final-is-487", RINGS + "3 A>P CANCEL h=Reason:_Q.850;cause=17\n3.1 P>A 487", "busy"),
    ("the-cancels-where-no-final-came", RINGS + "3 A>P CANCEL h=Reason:_Q.850;cause=17", "busy"),
    ("not-the-cancels-where-another-final-came", RINGS + "3 A>P CANCEL h=Reason:_Q.850;cause=17\n3.1 P>A 404", "not_found"),
    ("the-487s-before-the-cancels", RINGS + "3 A>P CANCEL h=Reason:_Q.850;cause=17\n3.1 P>A 487 h=Reason:_Q.850;cause=21", "declined"),
    ("the-cancels-where-the-487s-says-nothing", RINGS + "3 A>P CANCEL h=Reason:_Q.850;cause=17\n3.1 P>A 487 h=Reason:_Q.850;cause=16", "busy"),
    ("an-announcements-where-the-caller-gave-up", ANNOUNCED + GIVES_UP, "not_found"),
    ("an-announcements-where-no-487-came", ANNOUNCED + "13 A>P CANCEL", "not_found"),
    ("the-last-announcements", ANNOUNCED + "3 P>A 183 h=Reason:_Q.850;cause=34\n" + GIVES_UP, "congested"),
    ("the-last-that-had-one", ANNOUNCED + "3 P>A 180\n" + GIVES_UP, "not_found"),
    ("an-announcement-that-says-nothing", ANNOUNCED.replace("cause=1", "cause=127") + GIVES_UP, "abandoned"),
    ("the-cancels-before-an-announcements", ANNOUNCED + "13 A>P CANCEL h=Reason:_Q.850;cause=17\n13.1 P>A 487", "busy"),
    ("not-an-announcements-where-a-failure-came", ANNOUNCED + "13 P>A 486", "busy"),
    ("not-an-announcements-where-it-was-answered", ANNOUNCED + "13 P>A 200", "answered"),
]  # fmt: skip


@for_each("script, outcome", [row[1:] for row in COUNTING], ids=[row[0] for row in COUNTING])
def test_which_reason_decides(script: str, outcome: str) -> None:
    assert the_call(script, until="60").outcome == outcome


def test_an_announcement_that_nobody_waits_out_is_told_of_with_its_cause() -> None:
    call = the_call(ANNOUNCED.replace("cause=1", 'cause=1;text="not_in_service"') + GIVES_UP, until="60")
    assert (call.outcome, call.cause, call.cause_protocol, call.cause_text) == (
        "not_found", 1, "Q.850", "not in service",
    )  # fmt: skip
    assert (call.status_code, call.ended_by) == (487, "caller")


def test_an_announcement_on_one_phone_is_nothing_once_another_has_answered() -> None:
    """The server cancels it because of the answer."""
    script = (
        "0 A>P INVITE\n0.1 P>A 100\n0.2 P>B INVITE vias=2\n0.2 P>C INVITE vias=2\n"
        "1 B>P 183 vias=2 h=Reason:_Q.850;cause=20\n1 C>P 180 vias=2\n3 C>P 200 vias=2\n3.01 P>A 200\n"
        "3.02 P>B CANCEL vias=2\n3.03 B>P 487 vias=2\n"
    )
    assert [leg.outcome for leg in the_call(script, until="60").legs] == ["answered", "answered_elsewhere", "answered"]


# What is believed


@pytest.mark.parametrize("code", [486, 600])
def test_busy_is_busy_whatever_a_gateway_says_of_its_circuits(code: int) -> None:
    call = the_call(TRIES + f'2 P>A {code} h=Reason:_Q.850;cause=34;text="participant_is_busy"', until="60")
    assert (call.outcome, call.cause, call.cause_text) == ("busy", 34, "participant is busy")


def test_a_cause_about_the_callee_goes_before_busy() -> None:
    assert the_call(TRIES + "2 P>A 486 h=Reason:_Q.850;cause=21", until="60").outcome == "declined"


def test_the_next_value_is_asked_where_the_first_is_not_believed() -> None:
    end = "2 P>A 486 h=Reason:_Q.850;cause=34,_SIP;cause=603"
    assert the_call(TRIES + end, until="60").outcome == "declined"


@pytest.mark.parametrize(
    ("text", "outcome"), [("MediaOfferError", "rejected"), ("number_changed", "not_found")], ids=["media", "number"]
)
def test_22_means_what_its_text_says(text: str, outcome: str) -> None:
    end = f'2 P>A 488 h=Reason:_Q.850;cause=22;text="{text}"'
    assert the_call(TRIES + end, until="60").outcome == outcome


BLOCKED = [
    ("network-blocked", "603 reason=Network_Blocked"),
    ("analytics-in-the-reason", '603 h=Reason:_SIP;cause=603;text="v=analytics1;url=https://redress.example.com"'),
    ("analytics-behind-a-cause", '603 h=Reason:_Q.850;cause=21,_SIP;cause=603;text="v=analytics1"'),
    ("analytics-behind-another-code", '480 h=Reason:_SIP;cause=603;text="v=analytics1"'),
    ("607", "607"),
    ("607-with-a-cause", "607 h=Reason:_Q.850;cause=21"),
    ("608", "608 h=Reason:_Q.850;cause=34"),
]


@pytest.mark.parametrize("end", [row[1] for row in BLOCKED], ids=[row[0] for row in BLOCKED])
@pytest.mark.parametrize("settings", [None, trunk()], ids=["anybody", "trunk"])
def test_what_a_network_blocks_is_blocked_whatever_the_peers_kind(end: str, settings: Settings | None) -> None:
    assert the_call(f"{TRIES}2 P>A {end}", settings, until="60").outcome == "blocked"


def test_the_words_of_the_network_are_those_told() -> None:
    end = '2 P>A 603 h=Reason:_Q.850;cause=21,_SIP;cause=603;text="v=analytics1;tel=+15555550199"'
    call = the_call(TRIES + end, until="60")
    assert (call.cause, call.cause_protocol, call.cause_text) == (603, "SIP", "v=analytics1;tel=+15555550199")


def test_a_plain_603_of_a_trunk_is_congestion_as_before() -> None:
    assert the_call(TRIES + "2 P>A 603", trunk(), until="60").outcome == "congested"
    assert the_call(TRIES + "2 P>A 603", until="60").outcome == "declined"


def test_a_peers_rule_goes_before_all_of_this() -> None:
    ruled = trunk("P", Rule(Outcome.FORBIDDEN, status_code=603))
    assert the_call(TRIES + "2 P>A 603 reason=Network_Blocked", ruled, until="60").outcome == "forbidden"


# "Elsewhere"


def group(*, claim: str = "h=Reason:_SIP;cause=200", caller: str = "", answer: str = "") -> str:
    """Write a ring group of two phones, B and C, behind a server whose CANCELs claim an answer elsewhere."""
    return (
        "0 A>P INVITE\n0.02 P>A 100\n0.05 P>B INVITE vias=2\n0.05 P>C INVITE vias=2\n"
        "0.3 B>P 180 vias=2\n0.3 C>P 180 vias=2\n0.31 P>A 180\n"
        f"{caller}{answer}"
        f"14.05 P>B CANCEL vias=2 {claim}\n14.07 B>P 487 vias=2\n"
        + ("" if answer else f"14.05 P>C CANCEL vias=2 {claim}\n14.07 C>P 487 vias=2\n")
    )


CALLER_GIVES_UP = "14 A>P CANCEL\n14.02 P>A 487\n14.03 A>P ACK ttag=callee\n"


@pytest.mark.parametrize("claim", ["h=Reason:_SIP;cause=200", "h=Reason:_Q.850;cause=26"], ids=["sip", "q850"])
def test_nobody_answered_elsewhere_where_the_caller_gave_up(claim: str) -> None:
    """The upstream leg is in sight: the phones have its outcome."""
    call = the_call(group(claim=claim, caller=CALLER_GIVES_UP), until="120")
    assert (call.outcome, [leg.outcome for leg in call.legs]) == ("abandoned", ["abandoned"] * 3)


def test_where_the_caller_was_refused_the_phones_share_that() -> None:
    call = the_call(group(caller="14 P>A 480\n14.03 A>P ACK ttag=callee\n"), until="120")
    assert [leg.outcome for leg in call.legs] == ["no_answer"] * 3


def test_where_a_sibling_answered_it_was_elsewhere() -> None:
    call = the_call(group(answer="14 C>P 200 vias=2\n14.01 P>A 200\n"), until="120")
    assert [leg.outcome for leg in call.legs] == ["answered", "answered_elsewhere", "answered"]


def test_where_the_caller_was_answered_it_was_elsewhere_though_nobody_saw_by_whom() -> None:
    script = (
        "0 A>P INVITE\n0.02 P>A 100\n0.05 P>B INVITE vias=2\n0.3 B>P 180 vias=2\n"
        "14 P>A 200\n14.05 P>B CANCEL vias=2 h=Reason:_SIP;cause=200\n14.07 B>P 487 vias=2\n"
    )
    assert [leg.outcome for leg in the_call(script, until="120").legs] == ["answered", "answered_elsewhere"]


PHONES = (
    "0.05 P>B INVITE\n0.05 P>C INVITE branch=z9hG4bKc\n0.3 B>P 180\n0.3 C>P 180 branch=z9hG4bKc\n"
    "14.05 P>B CANCEL {0}\n14.05 P>C CANCEL branch=z9hG4bKc {1}\n14.07 B>P 487\n14.07 C>P 487 branch=z9hG4bKc\n"
)
CLAIM = "h=Reason:_SIP;cause=200"


def test_on_the_phones_side_all_that_were_cancelled_must_say_so() -> None:
    """A third phone, or another site, has taken it."""
    call = the_call(PHONES.format(CLAIM, CLAIM), until="120")
    assert (call.outcome, [leg.outcome for leg in call.legs]) == ("answered_elsewhere", ["answered_elsewhere"] * 2)


def test_where_one_of_them_does_not_the_others_are_not_believed() -> None:
    call = the_call(PHONES.format(CLAIM, ""), until="120")
    assert (call.outcome, [leg.outcome for leg in call.legs]) == ("abandoned", ["abandoned"] * 2)
    assert kept(PHONES.format(CLAIM, "")).claims == [True, False]


@pytest.mark.parametrize("last", ["SIP;cause=200", "SIP;cause=480"], ids=["all-say-so", "the-last-does-not"])
def test_a_large_ring_group_reads_each_reason_a_few_times(monkeypatch: pytest.MonkeyPatch, last: str) -> None:
    """Not once for each pair of phones: their number is up to the sender."""
    read: list[Message] = []

    def counted(message: Message) -> list[Reason]:
        read.append(message)
        return reasons(message)

    monkeypatch.setattr(told, "reasons", counted)
    phones = [f"branch=z9hG4bK{number} ttag=t{number}" for number in range(60)]
    says = ["SIP;cause=200"] * (len(phones) - 1) + [last]
    script = "".join(f"0 P>B INVITE {phone.split()[0]}\n" for phone in phones)
    script += "".join(f"9 B>P 180 {phone}\n" for phone in phones)
    script += "".join(
        f"14 P>B CANCEL {phone.split()[0]} h=Reason:_{said}\n" for phone, said in zip(phones, says, strict=True)
    )
    script += "".join(f"14.1 B>P 487 {phone}\n" for phone in phones)
    call = the_call(script, until="60")
    assert len(call.legs) == len(phones)
    assert (call.outcome == "answered_elsewhere") == (last == "SIP;cause=200")
    assert len(read) < 10 * len(phones)


# Contradictions


AGREES = [
    ("no-reason", TRIES + "2 P>A 486"),
    ("the-same", TRIES + "2 P>A 486 h=Reason:_Q.850;cause=17"),
    ("paired-by-rfc-3398", TRIES + "2 P>A 480 h=Reason:_Q.850;cause=31"),
    ("paired-the-other-way", TRIES + "2 P>A 480 h=Reason:_Q.850;cause=18"),
    ("a-gateways-default", TRIES + "2 P>A 500 h=Reason:_Q.850;cause=44"),
    ("a-cause-that-says-nothing", TRIES + "2 P>A 486 h=Reason:_Q.850;cause=16"),
    ("an-unknown-cause", TRIES + "2 P>A 486 h=Reason:_Q.850;cause=111"),
    ("sip-names-another-code", TRIES + "2 P>A 500 h=Reason:_SIP;cause=486"),
    ("603-as-a-trunk-means-it", TRIES + "2 P>A 603 h=Reason:_Q.850;cause=34"),
    ("blocked-and-refused", TRIES + "2 P>A 603 reason=Network_Blocked h=Reason:_Q.850;cause=21"),
    ("607-as-gateways-write-it", TRIES + "2 P>A 607 h=Reason:_Q.850;cause=21"),
    ("a-cause-for-a-call-given-up", RINGS + "3 A>P CANCEL\n3.1 P>A 487 h=Reason:_Q.850;cause=31"),
    ("an-announcement", ANNOUNCED + GIVES_UP),
    ("answered", TRIES + "2 P>A 200 h=Reason:_Q.850;cause=17"),
    ("an-elsewhere-that-was", group(answer="14 C>P 200 vias=2\n14.01 P>A 200\n")),
    ("an-elsewhere-that-may-have-been", PHONES.format(CLAIM, CLAIM)),
    ("an-elsewhere-that-nobody-can-deny", PHONES.format(CLAIM, "")),
]  # fmt: skip


@for_each("script", [row[1] for row in AGREES], ids=[row[0] for row in AGREES])
def test_what_agrees_or_cannot_be_denied_is_no_contradiction(script: str) -> None:
    assert kept(script).contradictions == [None] * script.count("INVITE")


DENIES = [
    ("busy-and-no-circuit", "486 h=Reason:_Q.850;cause=34", 34, "congested", "busy", "busy"),
    ("blocked-and-no-circuit", "608 h=Reason:_Q.850;cause=34", 34, "congested", "blocked", "blocked"),
    ("unavailable-and-busy", "480 h=Reason:_Q.850;cause=17", 17, "busy", "unavailable", "busy"),
    ("failed-and-no-circuit", "500 h=Reason:_Q.850;cause=34", 34, "congested", "server_error", "congested"),
    ("behind-a-silent-value", "404 h=Reason:_Q.850;cause=16,_Q.850;cause=17", 17, "busy", "not_found", "busy"),
]


@pytest.mark.parametrize(
    ("end", "cause", "by_cause", "by_status", "believed"), [row[1:] for row in DENIES], ids=[row[0] for row in DENIES]
)
def test_a_contradiction_says_what_each_means_and_which_was_believed(
    end: str, cause: int, by_cause: str, by_status: str, believed: str
) -> None:
    found = kept(f"{TRIES}2 P>A {end}")
    said = Contradiction(cause, "Q.850", Outcome(by_cause), Outcome(by_status), Outcome(believed))
    assert found.contradictions == [said]
    assert [call.outcome for call in found.calls] == [believed]


def test_a_peers_rule_may_believe_neither() -> None:
    settings = trunk("P", Rule(Outcome.FORBIDDEN, status_code=486))
    found = kept(TRIES + "2 P>A 486 h=Reason:_Q.850;cause=34", settings).contradictions
    assert found == [Contradiction(34, "Q.850", Outcome.CONGESTED, Outcome.BUSY, Outcome.FORBIDDEN)]


def test_an_answer_elsewhere_that_nobody_gave_is_one() -> None:
    claimed = Contradiction(200, "SIP", Outcome.ANSWERED_ELSEWHERE, Outcome.ABANDONED, Outcome.ABANDONED)
    assert kept(group(caller=CALLER_GIVES_UP)).contradictions == [None, claimed, claimed]
