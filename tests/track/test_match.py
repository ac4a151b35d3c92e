"""Which message belongs to which leg, and which answer an ACK acknowledges: OUTCOMES §2.3."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from sipwatch.track.call import MAX_STRAYS
from sipwatch.track.match import MAX_ROUTES, host_address, targets
from sipwatch.wire.message import Response
from tests.conversation import Observed, messages, observe, the_call
from tests.each import for_each
from tests.export.records import at

TRIES = "0 A>P INVITE\n0.1 P>A 100\n"


def response(*headers: str) -> Response:
    """Return a 200 with these header lines."""
    (found,) = messages("0 P>A 200 " + " ".join(f"h={header.replace(' ', '_')}" for header in headers))
    assert isinstance(found, Response)
    return found


# Responses, strict before loose


@pytest.mark.parametrize(
    ("hop", "more"),
    [
        ("P>A", ""),
        ("P>A", "branch=z9hG4bKAPINVITE1 vias=3"),
        ("P>A", "branch=z9hG4bKup0"),
        ("P>A", "branch="),
        ("P>A", "branch=z9hG4bKchanged"),
        ("P>A", "sport=5061"),
        ("Q>A", "branch=z9hG4bKAPINVITE1"),
        ("Q>A", "branch=z9hG4bKAPINVITE1 sport=40000"),
        ("Q>A", "branch= vias=1"),
    ],
    ids=[
        "branch and CSeq on the hop",
        "with Vias too many",
        "with the own Via lost: a branch farther down the stack",
        "with every Via lost: the same two ends",
        "with another branch: the same two ends, Call-ID, CSeq number and From tag",
        "from another port",
        "from another address, to the same sender",
        "from another address and port",
        "from another address with every Via lost",
    ],
)
@for_each("code", ["180", "486", "200"])
def test_a_response_finds_its_leg(hop: str, more: str, code: str) -> None:
    """For provisional, failing and successful ones alike."""
    call = the_call(f"0 A>P INVITE vias=2\n1 {hop} {code} {more if 'vias' in more else more + ' vias=2'}", until="2")
    expected = {"180": "unfinished", "486": "busy", "200": "answered"}[code]
    assert (call.outcome, len(call.legs), call.ringing is not None) == (expected, 1, code == "180")


def test_a_looser_match_takes_nothing_from_the_leg_that_fits_strictly() -> None:
    """Two phones of one sender, with the caller's Via in common; each says something else."""
    script = """
    0   P>B INVITE vias=2
    0   P>C INVITE vias=2
    1   C>P 180 vias=2 ttag=c
    2   B>P 486 vias=2 ttag=b
    3   C>P 200 vias=2 ttag=c
    """
    call = the_call(script, until="4")
    assert [(leg.outcome, leg.status_code) for leg in call.legs] == [("busy", 486), ("answered", 200)]


def test_of_legs_that_fit_loosely_none_behind_takes_a_response_for_another_sender() -> None:
    """It goes to A: only a leg that A has sent can be meant."""
    script = "0 A>P INVITE\n0.1 P>B INVITE vias=2\n1 Q>A 486 branch=\n"
    call = the_call(script, until="2")
    assert [leg.status_code for leg in call.legs] == [486, None]


def test_a_finished_transaction_takes_no_response_with_another_branch() -> None:
    """It has had its answer; this is one to an INVITE that was not captured."""
    call = the_call("0 A>P INVITE\n1 P>A 486\n2 P>A 200 branch=z9hG4bKother", until="3")
    assert [leg.status_code for leg in call.legs] == [486, 200]


@pytest.mark.parametrize(
    ("request_line", "answer"),
    [
        ("10 A>P BYE", "10.1 P>A 200 method=BYE sport=5061"),
        ("10 A>P BYE", "10.1 Q>A 200 method=BYE branch=z9hG4bKAPBYE2"),
        ("10 A>P BYE", "10.1 P>A 200 method=BYE branch="),
        ("10 A>P BYE", "10.1 P>A 200 method=BYE branch=z9hG4bKchanged"),
        ("10 P>A BYE from=C", "10.1 A>P 200 method=BYE from=C branch="),
    ],
    ids=["another port", "another address", "Via lost", "another branch", "the callee's, Via lost"],
)
def test_the_same_holds_for_a_bye(request_line: str, answer: str) -> None:
    """Else it would be told as unanswered."""
    script = TRIES + f"1 P>A 200\n1.1 A>P ACK ttag=callee branch=z9hG4bKa\n{request_line}\n{answer}"
    call = the_call(script, until="100")
    assert (call.ending, call.conditions) == ("normal", [])


def test_a_cancel_with_a_branch_of_its_own_means_the_open_leg_of_its_ends_and_number() -> None:
    """Against §9.1, but some do."""
    call = the_call(TRIES + "1 P>A 180\n8 A>P CANCEL branch=z9hG4bKown\n8.1 P>A 487", until="20")
    assert (call.outcome, call.ended_by, call.legs[0].status_code) == ("abandoned", "caller", 487)


def test_a_response_whose_cseq_number_is_off_stays_with_its_call() -> None:
    """It changes no state, and stands on the ladder."""
    observed = Observed(keep=True)
    for message in messages(
        TRIES + "1 P>A 180 cseq=7 branch=z9hG4bKAPINVITE1\n2 P>A 200 cseq=7 branch=z9hG4bKAPINVITE1"
    ):
        observed.message(message)
    observed.finish()
    (call,) = observed.calls
    assert (call.outcome, call.ringing, call.answered) == ("unfinished", None, None)
    assert [message.first_line for message in call.messages or ()][-2:] == ["SIP/2.0 180 Ringing", "SIP/2.0 200 OK"]
    assert len(call.messages or ()) == 4


def test_the_ladder_shows_every_message_with_the_call_id() -> None:
    """Placed or not: other methods, other tags, responses to nothing."""
    script = TRIES + (
        "1 P>A 180\n1.1 P>A 481 method=INFO cseq=9\n1.2 A>P INFO cseq=9\n1.3 A>P MESSAGE cseq=10 ftag=stranger\n"
        "1.4 X>Y 200 method=NOTIFY cseq=4 ftag=stranger\n2 P>A 486\n2.1 A>P ACK ttag=callee"
    )
    observed = Observed(keep=True)
    for message in messages(script):
        observed.message(message)
    observed.finish()
    (call,) = observed.calls
    assert len(call.messages or ()) == 9


# Retransmissions


def test_two_phones_that_both_say_200_repeat_nothing() -> None:
    """Retransmissions are counted per To tag."""
    script = (
        TRIES + "1 P>A 200 ttag=b\n1.01 P>A 200 ttag=c\n1.5 P>A 200 ttag=b\n1.51 P>A 200 ttag=c\n2.5 P>A 200 ttag=c"
    )
    assert the_call(script, until="3").retransmissions == 3


# ACK

CONTACT = "h=Contact:_<sip:15550101@192.0.2.66:5060>"  # B's
ROUTE = "h=Record-Route:_<sip:192.0.2.82;lr>"  # R's
REPEATS = "".join(f"{at} P>A 200 {{headers}}\n" for at in ("2", "2.5", "3.5", "5.5", "9.5"))
ACKNOWLEDGED = {
    "along the hop, whatever the Contact": (CONTACT, "A>P", True),
    "along the hop, without a Contact": ("", "A>P", True),
    "from end to end, to the Contact": (CONTACT, "A>B", True),
    "to the first Record-Route": (f"{ROUTE} {CONTACT}", "A>R", True),
    "a Contact with but a name: anywhere": ("h=Contact:_<sip:15550101@phone.example.com>", "A>X", True),
    "a Record-Route with but a name: anywhere": (f"h=Record-Route:_<sip:p.example.com;lr> {CONTACT}", "A>X", True),
    "elsewhere": (CONTACT, "A>X", False),
    "elsewhere than to either": (f"{ROUTE} {CONTACT}", "A>X", False),
}


@pytest.mark.parametrize(("headers", "hop", "acknowledged"), ACKNOWLEDGED.values(), ids=ACKNOWLEDGED.keys())
def test_where_an_ack_acknowledges(headers: str, hop: str, acknowledged: bool) -> None:
    """One that goes elsewhere acknowledges nothing: the callee goes on repeating itself."""
    script = f"{TRIES}{REPEATS.format(headers=headers)}2.1 {hop} ACK ttag=callee branch=z9hG4bKack"
    lines = sorted(script.strip().splitlines(), key=lambda line: float(line.split()[0]))
    call = the_call("\n".join(lines), until="20")
    assert [condition.kind for condition in call.conditions] == ([] if acknowledged else ["ack_missing"])


def test_an_ack_acknowledges_only_the_2xx_whose_to_tag_it_carries() -> None:
    """The other phone goes on, and is told of."""
    answers = "".join(f"{at} P>A 200 ttag={{tag}}\n" for at in ("{0}", "{0}.5", "{1}.5", "{3}.5"))
    first = answers.replace("{0}", "1").replace("{1}", "2").replace("{3}", "4").replace("{tag}", "b")
    second = first.replace("ttag=b", "ttag=c")
    script = TRIES + "".join(
        sorted(f"{line}\n" for line in (first + second + "1.2 A>P ACK ttag=c branch=z9hG4bKc").splitlines())
    )
    call = the_call(script, until="6")
    assert [(c.kind, c.raised) for c in call.conditions] == [("ack_missing", at(4.5))]
    assert the_call(script + "4.6 A>P ACK ttag=b branch=z9hG4bKb", until="6").conditions[0].resolution == "responded"


def test_an_ack_with_another_to_tag_acknowledges_nothing() -> None:
    """It is nobody's 2xx that it names."""
    call = the_call(TRIES + REPEATS.format(headers="") + "9.6 A>P ACK ttag=stranger branch=z9hG4bKx", until="20")
    assert [(c.kind, c.resolution) for c in call.conditions] == [("ack_missing", "capture_end")]


# Addresses


@for_each(
    "uri, host",
    [
        (b"sip:192.0.2.66", "192.0.2.66"),
        (b"sip:15550101@192.0.2.66", "192.0.2.66"),
        (b"sip:15550101@192.0.2.66:5062;transport=tcp", "192.0.2.66"),
        (b"sip:a%40b@192.0.2.66?Subject=x", "192.0.2.66"),
        (b"sips:15550101@[2001:db8::1]:5061", "2001:db8::1"),
        (b"sip:[2001:db8::1];lr", "2001:db8::1"),
        (b"sip:phone.example.com", None),
        (b"sip:15550101@phone.example.com:5060", None),
        (b"sip:abc", None),
        (b"sip:300.0.2.1", None),
        (b"sip:1.2.3", None),
        (b"sip:[2001:db8::1", "2001:db8::1"),
        (b"sip:[zz]", None),
        (b"tel:+15555550101", None),
        (b"192.0.2.66", None),
        (b"", None),
        (b"sip:" + b"1" * 5000, None),
        (b"sip:\xff\xfe", None),
    ],
)  # fmt: skip
def test_the_address_that_a_uri_names(uri: bytes, host: str | None) -> None:
    """Packed; None for a name, and for what is neither."""
    assert host_address(uri) == (None if host is None else ip_address(host).packed)


def test_a_response_names_its_record_routes_and_its_contact() -> None:
    """In one line or several; the Contact's compact form as well."""
    found = targets(response("Record-Route: <sip:192.0.2.82;lr>, <sip:p.example.com;lr>", "Record-Route: <sip:192.0.2.83>", "m: <sip:192.0.2.66>"))  # fmt: skip
    assert found == [bytes((192, 0, 2, 82)), None, bytes((192, 0, 2, 83)), bytes((192, 0, 2, 66))]


def test_a_response_that_names_nobody_has_no_addresses() -> None:
    """Nothing says where the ACK should go."""
    assert targets(response()) == []


def test_routes_without_end_are_looked_at_up_to_a_limit() -> None:
    """A message may bring thousands."""
    long = response("Record-Route: " + ", ".join(["<sip:192.0.2.82;lr>"] * 2000))
    assert len(targets(long)) == MAX_ROUTES


def test_a_thousand_responses_of_wrong_number_stay_bounded() -> None:
    """The call's memory of them has a limit, and what is beyond it is counted."""
    script = TRIES + "\n".join(f"1 P>A 180 cseq={n} branch=z9hG4bKAPINVITE1" for n in range(10, 1010))
    observed = observe(script)
    assert [call.outcome for call in observed.calls] == ["unfinished"]
    assert observed.tracker.evicted == {"strays": 1000 - MAX_STRAYS}


def test_what_is_looked_up_in_a_message_for_stray_responses_and_acks_is_read_once() -> None:
    """Hundreds of legs with hundreds of Via each would else be read again at every one of them."""
    observed = Observed()
    said = messages(
        f"0 A>P INVITE vias=20\n1 P>A 180 branch=z9hG4bKone vias=3\n1.1 P>A 180 branch=z9hG4bKtwo vias=3\n2 P>A 200 {CONTACT}\n"
        "2.1 A>X ACK ttag=callee branch=z9hG4bKa\n2.2 A>X ACK ttag=callee branch=z9hG4bKb"
    )
    read = []
    for message in said:
        observed.message(message)
        (call,) = observed.tracker.calls()
        (leg,) = call.legs
        read.append((leg.branches, leg.answers[0].targets if leg.answers else None))
    assert read[1][0] is not None
    assert read[2][0] is read[1][0]
    assert read[4][1] is not None
    assert read[5][1] is read[4][1]
