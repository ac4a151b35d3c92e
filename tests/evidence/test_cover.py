"""What is hidden in one message of a call is hidden in all of them, and its length stays."""

from __future__ import annotations

import pytest

from sipwatch.classify.peers import EVERYTHING, Privacy
from sipwatch.evidence.cover import Cover, Unsafe
from sipwatch.export import scrub
from tests.evidence.scenes import CALLEE, CALLER, KEY, RESPONSE, STUCK, said

RAWS = [message.raw for message in said(STUCK)]


def test_secrets_are_covered_whether_numbers_are_or_not() -> None:
    for privacy in (Privacy(), Privacy(4), Privacy(EVERYTHING, names=True)):
        cover = Cover(privacy, RAWS)
        for raw in RAWS:
            new = cover.message(raw)
            assert len(new) == len(raw)
            assert RESPONSE.encode() not in new
            assert KEY.encode() not in new
            assert not cover.leaks(new)


def test_without_a_policy_nothing_but_secrets_changes() -> None:
    cover = Cover(Privacy(), RAWS)
    assert [cover.message(raw) for raw in RAWS] == [scrub.payload(raw) for raw in RAWS]
    assert cover.message(RAWS[0]) == RAWS[0]


def test_a_number_that_one_message_names_is_covered_in_the_words_of_another() -> None:
    told = RAWS[-2].replace(b"Request Terminated", b"4930555012 is gone")
    named = RAWS[0].replace(b"To: <", b"P-Asserted-Identity: <tel:+4930555012>\r\nTo: <")
    assert b"4930555012" not in Cover(Privacy(4), [named, told]).message(told)


def test_a_call_id_with_a_number_in_it_is_covered_alike_in_every_message() -> None:
    """Else what belongs together would fall apart."""
    with_number = [raw.replace(b"Call-ID: stuck", b"Call-ID: x-%b" % CALLER.encode()) for raw in RAWS]
    cover = Cover(Privacy(4), with_number)
    covered = {cover.message(raw).partition(b"Call-ID: ")[2].partition(b"\r")[0] for raw in with_number}
    assert covered == {b"*" * 13}


def test_it_tells_whether_anything_hidden_can_still_be_read() -> None:
    cover = Cover(Privacy(4), RAWS)
    assert cover.leaks(b"to " + CALLEE.encode() + b".")
    assert cover.leaks(b"x" + RESPONSE.encode())
    assert not cover.leaks(CALLEE[:-4].encode() + b"****")
    assert not Cover(Privacy(), RAWS).leaks(CALLEE.encode())


def test_a_number_cut_down_to_another_one_is_no_leak() -> None:
    cover = Cover(Privacy(4), [b"From: <sip:155501@example.com>;tag=f\r\n\r\n"])
    assert not cover.leaks(b"155501****")
    assert cover.leaks(b"(155501)")


def test_a_message_that_would_get_longer_is_not_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    cover = Cover(Privacy(), RAWS)
    monkeypatch.setattr(scrub, "payload", lambda raw: raw + b"*")
    with pytest.raises(Unsafe, match="in its own length"):
        cover.message(RAWS[0])
