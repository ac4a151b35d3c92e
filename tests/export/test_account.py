"""What an engine has to say of its work."""

from __future__ import annotations

from sipwatch.engine import Engine
from sipwatch.export.account import implementation
from sipwatch.export.summary import Summary
from tests.conversation import messages, nanoseconds


class Source:
    """Says what files gave."""

    files = ("a.pcap",)
    packets = 7
    first = nanoseconds("0")
    last = nanoseconds("3")
    media = 2
    dropped = 5


def worked(script: str, *, diagnose: bool = True) -> Engine:
    engine = Engine(None, diagnose=diagnose)
    for message in messages(script):
        engine.message(message)
    return engine


def test_messages_are_counted_over_all_peers() -> None:
    account = worked("0 A>P INVITE\n0 B>P INVITE call=c2\n1 P>A 486\n2 P>B 486 call=c2\n3 A>P ACK").account
    assert (account.requests, account.responses) == ({"INVITE": 2, "ACK": 1}, {486: 2})


def test_the_capture_says_what_was_read_and_what_was_lost() -> None:
    head = worked("0 A>P INVITE\n1 P>A 100\n3 P>A 486").account.capture(Source())
    assert (head.files, head.packets, head.messages) == (["a.pcap"], 7, 3)
    assert (head.requests, head.responses) == ({"INVITE": 1}, {"100": 1, "486": 1})
    assert head.discards == {"media": 2}
    assert head.gaps == ["5 packets were lost while capturing: what seems missing may have been there"]


def test_tables_and_what_they_gave_up_are_named_once_for_all_layers() -> None:
    """Tracking's own and those of who looks for causes; without the latter, theirs are not there."""
    engine = worked("0 A>P INVITE")
    assert engine.account.tracked["calls"] == 1
    assert "silent_ends" in engine.account.tracked
    assert "silent_ends" not in worked("0 A>P INVITE", diagnose=False).account.tracked
    engine.tracker.evict("calls")
    assert engine.account.evicted == {"calls": 1}
    assert engine.account.capture(Source()).evicted == {"calls": 1}


def test_without_anybody_who_looks_for_causes_a_summary_has_none() -> None:
    assert worked("0 A>P INVITE", diagnose=False).account.whole(Summary()).devices == []


def test_this_form_of_the_engine_has_a_name() -> None:
    assert implementation() in {"interpreted", "compiled"}
