"""Transfers that came to nothing, and that the two calls name each other."""

from __future__ import annotations

import pytest

from sipwatch.classify.families.transfer import MAX_TRANSFERS
from tests.classify.diagnosing import ACME, HUNG_UP, TAKEN, Diagnosed, at, diagnose_in_full, in_full, settings

TRUNK = settings(ACME)
TO = "h=Refer-To:_<sip:15550188@example.com>"


def refer(final: int, more: str = TO, cseq: int = 2, time: int = 15) -> str:
    return f"{time} A>T REFER cseq={cseq} ttag=callee {more}\n{time}.1 T>A {final} method=REFER cseq={cseq}\n"


def notify(time: float, status: str, cseq: int = 7) -> str:
    return (
        f"{time} T>A NOTIFY from=C ttag=callee cseq={cseq} frag={status} h=Event:_refer\n"
        f"{time + 0.1:.1f} A>T 200 method=NOTIFY from=C cseq={cseq}\n"
    )


BYE = HUNG_UP.replace("BYE", "BYE cseq=4", 1).replace("cseq=2", "cseq=4")
SET_UP = (
    "15.2 T>B INVITE callee=15550188 call=new {more}\n15.3 B>T {code} call=new\n15.4 T>B ACK ttag=callee call=new\n"
)


def test_a_transfer_that_was_refused_says_who_refused_it_and_to_where() -> None:
    found = diagnose_in_full(TAKEN + refer(603) + BYE, TRUNK)
    assert found.text("transfer_failed") == "acme refused with 603 to transfer the call to 15550188."


def test_a_transfer_that_was_challenged_and_repeated_is_judged_by_the_second_try() -> None:
    again = refer(401) + refer(202, cseq=3, time=16) + notify(17, "200_OK")
    assert diagnose_in_full(TAKEN + again + BYE, TRUNK).kinds() == []


@pytest.mark.parametrize(
    ("notices", "kinds"),
    [
        (notify(16, "403_Forbidden"), ["transfer_failed"]),
        (notify(16, "100_Trying") + notify(17, "486_Busy", 8), ["transfer_failed"]),
        (notify(16, "100_Trying") + notify(17, "200_OK", 8), []),
        (notify(16, "100_Trying"), []),
        (notify(16, "487_Request_Terminated"), []),
        ("", []),
    ],
    ids=["failed", "failed in the end", "succeeded", "nothing more was told", "was taken back", "nothing was told"],
)
def test_what_the_notify_says_has_become_of_a_transfer(notices: str, kinds: list[str]) -> None:
    assert diagnose_in_full(TAKEN + refer(202) + notices + BYE, TRUNK).kinds() == kinds


def test_two_calls_that_belong_to_one_transfer_name_each_other() -> None:
    new = SET_UP.format(more="h=Referred-By:_<sip:15550100@example.com>", code=404)
    found = diagnose_in_full(TAKEN + refer(202) + new + notify(16, "404_Not_Found") + BYE, TRUNK)
    assert found.text("transfer_failed").endswith("acme tells of 404. The new call has the Call-ID new.")
    assert found.text("transfer_failed", "new").endswith("asked for in the call with the Call-ID c1.")


def test_without_a_word_from_the_notify_the_new_call_itself_tells_it() -> None:
    new = SET_UP.format(more="h=Referred-By:_<sip:15550100@example.com>", code=404)
    found = diagnose_in_full(TAKEN + refer(202) + new + BYE, TRUNK)
    assert "the call that it set up came to not_found. It has the Call-ID new." in found.text("transfer_failed")


@pytest.mark.parametrize(
    "new",
    [
        SET_UP.format(more="", code=404),
        SET_UP.format(more="h=Referred-By:_<sip:15550100@example.com>", code=404).replace("15550188", "15550199"),
        at(300, SET_UP.format(more="h=Referred-By:_<sip:15550100@example.com>", code=404)),
        SET_UP.format(more="h=Replaces:_other@example.com;to-tag=t;from-tag=f", code=404),
    ],
    ids=["nothing in it speaks of a transfer", "it goes elsewhere", "it is too late", "it replaces another call"],
)
def test_a_call_that_failed_has_nothing_to_do_with_a_transfer_if(new: str) -> None:
    replaces = "h=Refer-To:_<sip:15550188@example.com?Replaces=desk%40example.com%3Bto-tag%3Dt%3Bfrom-tag%3Df>"
    found = diagnose_in_full(TAKEN + refer(202, replaces) + new + BYE, TRUNK, until="600")
    assert (found.kinds(), found.kinds("new")) == ([], [])


def test_the_call_that_is_to_be_replaced_is_compared() -> None:
    replaces = "h=Refer-To:_<sip:15550188@example.com?Replaces=desk%40example.com%3Bto-tag%3Dt%3Bfrom-tag%3Df>"
    new = SET_UP.format(more="h=Replaces:_desk@example.com;to-tag=t;from-tag=f", code=403)
    assert diagnose_in_full(TAKEN + refer(202, replaces) + new + BYE, TRUNK).kinds("new") == ["transfer_failed"]


def test_a_transfer_that_succeeds_is_no_finding_for_either_call() -> None:
    new = SET_UP.format(more="h=Referred-By:_<sip:15550100@example.com>", code=200).replace(
        "ACK", "ACK branch=z9hG4bKnew"
    )
    found = diagnose_in_full(TAKEN + refer(202) + new + notify(16, "200_OK") + BYE, TRUNK)
    assert (found.kinds(), found.kinds("new")) == ([], [])


def test_more_transfers_than_there_is_room_for_push_out_the_oldest_and_are_counted() -> None:
    found = Diagnosed(TRUNK)
    found.take(in_full(TAKEN))
    for number in range(MAX_TRANSFERS + 5):
        (sent,) = in_full(f"16 A>T REFER cseq={number + 2} ttag=callee h=Refer-To:_<sip:1555{number:04}@example.com>")
        found.take([sent])
    assert found.engine.account.tracked["transfers"] == MAX_TRANSFERS
    assert found.engine.account.evicted["transfers"] == 5


@pytest.mark.parametrize("body", ["", "SIP/2.0", "SIP/2.0_", "SIP/2.0_xyz", "SIP/2.0_4", "x" * 60_000])
def test_a_notify_with_any_body_tells_nothing(body: str) -> None:
    (broken,) = in_full("16 T>A NOTIFY from=C ttag=callee cseq=7 h=Event:_refer")
    broken.raw += body.replace("_", " ").encode()
    found = Diagnosed(TRUNK).take([*in_full(TAKEN + refer(202)), broken]).until("60").over()
    assert found.kinds() == []
