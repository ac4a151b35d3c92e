"""sipwatch.toml: what it can say, and how every mistake is named with its line."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest

from sipwatch.classify.outcomes import Outcome
from sipwatch.classify.peers import PeerKind
from sipwatch.config import ConfigError, lines_of, load, parse
from sipwatch.track.leg import Heard
from sipwatch.track.table import SECOND

if TYPE_CHECKING:
    from pathlib import Path

FULL = """
[timers]                     # seconds
no_response_after  = 4
slow_progress_after = 2.5
no_answer_after    = 25

[[peer]]
name = "acme"
kind = "trunk"
addresses = ["203.0.113.0/24", "2001:db8:5::/48"]
no_progress_after = 8

[[peer.rule]]
status_code = 603
outcome = "congested"
note = "603 when every channel is taken"

[[peer.rule]]
cause = 21
cause_protocol = "Q.850"
heard = "alerted"
status_code = 480
outcome = "declined"

[[peer]]
name = "phones"
kind = "devices"
addresses = ["203.0.113.7"]
"""


def test_everything_that_a_configuration_can_say() -> None:
    settings = parse(FULL, "x").settings
    assert (settings.timers.no_response_after, settings.timers.slow_progress_after) == (4 * SECOND, 5 * SECOND // 2)
    assert settings.timers.no_progress_after == 10 * SECOND
    acme, phones = settings.peers
    assert (acme.name, acme.kind, acme.networks[1]) == ("acme", PeerKind.TRUNK, ip_network("2001:db8:5::/48"))
    assert acme.timers is not None
    assert (acme.timers.no_progress_after, acme.timers.no_answer_after) == (8 * SECOND, 25 * SECOND)
    assert phones.timers is None
    first, second = acme.rules
    assert (first.status_code, first.outcome, first.note) == (603, Outcome.CONGESTED, "603 when every channel is taken")
    assert (second.cause, second.cause_protocol, second.heard) == (21, "Q.850", Heard.ALERTED)


def test_an_empty_configuration_means_the_defaults() -> None:
    settings = parse("", "x").settings
    assert (settings.timers.no_answer_after, settings.peers) == (30 * SECOND, [])


PEER = '[[peer]]\nname = "acme"\nkind = "trunk"\naddresses = ["192.0.2.1"]\n'
RULE = PEER + "[[peer.rule]]\n"
MISTAKES = [
    ("unknown-table", "[timer]\n", "x, line 1: unknown key 'timer'; did you mean timers?"),
    ("misspelt-timer", "[timers]\nno_progres_after = 3\n", "x, line 2: unknown key 'no_progres_after'; did you mean no_progress_after?"),
    ("a-timer-that-is-text", '[timers]\nno_answer_after = "30"\n', "x, line 2: no_answer_after = '30': expected a number of seconds"),
    ("a-negative-timer", "[timers]\nno_answer_after = -1\n", "x, line 2: no_answer_after = -1: expected"),
    ("an-infinite-timer", "[timers]\nno_answer_after = inf\n", "expected a number of seconds"),
    ("a-timer-that-is-true", "[timers]\nno_answer_after = true\n", "expected a number of seconds"),
    ("misspelt-peer-key", PEER + "adresses = []\n", "line 5: unknown key 'adresses'; did you mean addresses?"),
    ("no-name", '[[peer]]\nkind = "trunk"\naddresses = ["192.0.2.1"]\n', "line 1: name is missing"),
    ("an-empty-name", PEER.replace("acme", ""), "line 2: name = '': expected a short name"),
    ("the-reserved-name", PEER.replace("acme", "other"), "line 2: name = 'other': expected another name"),
    ("an-unknown-kind", PEER.replace("trunk", "trnk"), "line 3: kind = 'trnk': expected one of trunk, devices, server (did you mean 'trunk'?)"),
    ("no-addresses", PEER.replace('["192.0.2.1"]', "[]"), "line 4: addresses = []: expected a list"),
    ("a-bad-address", PEER.replace("192.0.2.1", "192.0.2.300"), "line 4: addresses = '192.0.2.300': expected an IP address or network"),
    ("host-bits-set", PEER.replace("192.0.2.1", "192.0.2.1/24"), "has host bits set"),
    ("the-same-name-twice", PEER + PEER.replace("192.0.2.1", "192.0.2.2"), "line 6: name = 'acme': expected another name, line 2 has it already"),
    ("the-same-address-twice", PEER + PEER.replace("acme", "b"), "line 8: addresses = '192.0.2.1/32': expected an address that peer 'acme' does not have"),
    ("a-rule-without-outcome", RULE + "status_code = 603\n", "line 5: outcome is missing"),
    ("a-rule-that-matches-nothing-in-particular", RULE + 'outcome = "busy"\n', "at least one of status_code, cause, heard"),
    ("an-unknown-outcome", RULE + 'status_code = 603\noutcome = "bussy"\n', "line 7: outcome = 'bussy': expected one of"),
    ("an-outcome-that-is-no-verdict", RULE + 'status_code = 603\noutcome = "retried"\n', "outcome = 'retried'"),
    ("a-status-code-out-of-range", RULE + 'status_code = 99\noutcome = "busy"\n', "line 6: status_code = 99: expected a whole number from 200 to 699"),
    ("a-cause-that-is-text", RULE + 'cause = "34"\noutcome = "busy"\n', "line 6: cause = '34'"),
    ("a-protocol-without-cause", RULE + 'status_code = 603\ncause_protocol = "SIP"\noutcome = "busy"\n', "expected a cause beside it"),
    ("an-unknown-heard", RULE + 'heard = "alert"\noutcome = "busy"\n', "did you mean 'alerted'?"),
    (
        "two-rules-for-the-same-call",
        RULE + 'status_code = 603\noutcome = "busy"\n[[peer.rule]]\nstatus_code = 603\noutcome = "declined"\n',
        "line 8: rule = 'status_code 603': expected a rule that cannot match the same call as that of line 5",
    ),
    (
        "two-rules-that-may-overlap",
        RULE + 'status_code = 603\noutcome = "busy"\n[[peer.rule]]\ncause = 34\noutcome = "congested"\n',
        "cannot match the same call",
    ),
    (
        "the-narrower-rule-behind-the-wider-one",
        RULE + 'cause = 34\noutcome = "busy"\n[[peer.rule]]\ncause = 34\nheard = "trying"\noutcome = "congested"\n',
        "cannot match the same call",
    ),
    ("no-toml-at-all", "this is = not\n= toml", "x: not valid TOML"),
    ("peer-as-a-table", "[peer]\nname = 1\n", "expected tables, each headed [[peer]]"),
    ("timers-as-a-number", "timers = 3\n", "line 1: timers = 3: expected a table"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES])
def test_a_mistake_is_named_with_line_value_and_what_was_expected(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(text, "x")
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_narrower_rule_may_stand_before_a_wider_one() -> None:
    text = RULE + 'cause = 34\nheard = "trying"\noutcome = "busy"\n[[peer.rule]]\ncause = 34\noutcome = "congested"\n'
    assert len(parse(text, "x").settings.peers[0].rules) == 2


def test_lines_are_found_through_comments_strings_and_lists() -> None:
    text = '# [fake]\n[timers]\n# a = 1\nb = """\nc = 1\n"""\nd = [\n  "x = 1",\n]\ne = 2\n[[peer]]\n[[peer]]\n[[peer.rule]]\nf = 1\n'
    found = lines_of(text)
    assert found["timers", "e"] == 10
    assert found["peer", 1, "rule", 0, "f"] == 14
    assert not any("c" in where or "x" in where for where in found)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load(str(tmp_path / "nothing.toml"))
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(str(tmp_path / "bytes.toml"))
    (tmp_path / "good.toml").write_text(FULL)
    assert len(load(str(tmp_path / "good.toml")).settings.peers) == 2
