"""``sipwatch check`` as users meet it: is a configuration right, what does it do, what would it have done."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.program import BUSY, DEMO, run, the_complaint

if TYPE_CHECKING:
    from pathlib import Path

FULL = """\
[timers]
no_progress_after = 12

[callback]
within = 1200
region = "DE"

[privacy]
mask = "all"

[[peer]]
name = "acme"
kind = "trunk"
addresses = ["203.0.113.10"]
no_answer_after = 36

[[peer.rule]]
status_code = 603
outcome = "declined"
note = "a person's doing"

[[peer.rule]]
status_code = 433
outcome = "blocked"

[[peer]]
name = "nowhere"
kind = "server"
hosts = ["*.nowhere.example"]

[[hours]]
peers = ["acme"]
zone = "Europe/Berlin"
open = ["Mon-Fri 09:00-18:00", "Fri 22:00-02:00"]
holidays = ["12-25", "2026-04-03"]

[links]
header = "X-CID"
by_numbers = true
"""


@pytest.fixture
def full(tmp_path: Path) -> Path:
    path = tmp_path / "full.toml"
    path.write_text(FULL)
    return path


def test_a_right_configuration_is_explained(full: Path) -> None:
    done = run("check", full)
    assert done.stderr == ""
    for words in (
        "full.toml is right: 2 peers, 2 rules, 1 set of working hours.",
        "for acme",
        "36 s",
        "*.nowhere.example",
        'line 17: A call to or from acme counts as Call declined (declined) if it ends with 603. "a person\'s doing"',
        "line 31: peers acme: Mon-Fri 09:00-18:00, Fri 22:00-24:00, Sat 00:00-02:00, Europe/Berlin",
        "closed on 12-25, 2026-04-03",
        "spoken to within 1200 s; numbers are read as dialled in DE.",
        "Hidden: whole numbers.",
        "acme, rule on line 22: this comes out as blocked without a rule, too",
    ):
        assert words in " ".join(done.stdout.split()), words


def test_the_same_as_json(full: Path) -> None:
    report = json.loads(run("check", full, "--format", "json").stdout)
    assert report["timers"]["no_progress_after"] == 12
    acme, nowhere = report["peers"]
    assert (acme["timers"]["no_progress_after"], acme["timers"]["no_answer_after"]) == (12, 36)
    assert (acme["own"], nowhere["own"]) == (["no_answer_after"], [])
    assert [rule["outcome"] for rule in acme["rules"]] == ["declined", "blocked"]
    assert report["callback"] == {"within_seconds": 1200, "region": "DE"}
    assert report["privacy"] == {"mask": "all", "names": False, "pseudonyms": False, "addresses": False}
    assert report["links"] == {"headers": ["x-cid"], "session_id": True, "transfers": True, "numbers_within_seconds": 2}
    assert report["hours"][0]["holidays"] == ["12-25", "2026-04-03"]
    assert "against" not in report


def test_it_says_how_many_agents_there_are(tmp_path: Path) -> None:
    (tmp_path / "agents.csv").write_text("number,name\n201,Anna\n202,Ben\n")
    (tmp_path / "c.toml").write_text('[[agent]]\nfile = "agents.csv"\n')
    assert "is right: 0 peers, 2 agents." in " ".join(run("check", tmp_path / "c.toml").stdout.split())
    assert json.loads(run("check", tmp_path / "c.toml", "--format", "json").stdout)["agents"] == 2
    (tmp_path / "agents.csv").write_text("number,name\n201,Anna\n201,Ben\n")
    said = the_complaint(run("check", tmp_path / "c.toml", status=1))
    assert "agents.csv, line 3: number = '201': expected one agent for each number" in said


def test_an_empty_file_is_right(tmp_path: Path) -> None:
    (tmp_path / "empty.toml").write_text("")
    assert "is right: 0 peers" in run("check", tmp_path / "empty.toml").stdout


def test_against_captures_it_says_what_each_peer_and_rule_would_have_had(full: Path) -> None:
    report = json.loads(run("check", full, "--against", DEMO, "--format", "json").stdout)
    replayed = json.loads(run("replay", DEMO, "--config", full, "--format", "json").stdout)["calls"]
    plain = {call["id"]: call for call in json.loads(run("replay", DEMO, "--format", "json").stdout)["calls"]}
    acme = report["peers"][0]
    assert report["calls"] == len(replayed)
    assert acme["calls_from"]["calls"] == sum(call["source"] == "acme" for call in replayed) > 0
    assert acme["calls_to"]["answered"] == sum(
        call["destination"] == "acme" and call["outcome"] == "answered" for call in replayed
    )
    declined, blocked = acme["rules"]
    touched = [
        call for call in replayed if call["status_code"] == 603 and "acme" in (call["source"], call["destination"])
    ]
    assert declined["calls"] == len(touched) == sum(change["calls"] for change in declined["changes"]) > 0
    assert {call["outcome"] for call in touched} == {"declined"}
    assert {change["after"] for change in declined["changes"]} == {"declined"}
    assert declined["hops"] >= declined["calls"]
    assert {change["before"] for change in declined["changes"]} == {"declined", "congested"}
    # Nobody is a trunk without a configuration, and 603 then means what it says.
    assert {plain[call["id"]]["outcome"] for call in touched} == {"declined"}
    assert (blocked["calls"], blocked["hops"]) == (0, 0)
    assert "acme, rule on line 22: it was never used" in report["remarks"]
    assert "nowhere: no call came from it or reached it" in report["remarks"]


def test_several_captures_are_tried_together(full: Path) -> None:
    single = json.loads(run("check", full, "--against", BUSY, "--format", "json").stdout)["calls"]
    several = json.loads(run("check", full, "--against", BUSY, DEMO, "--format", "json").stdout)
    again = json.loads(run("check", full, "--against", BUSY, "--against", DEMO, "--format", "json").stdout)
    assert several == again
    assert several["calls"] > single == 3
    assert len(several["against"]) == 2
    assert "calls in all, in" in run("check", full, "--against", BUSY).stdout


def test_a_peer_that_is_known_by_name_has_the_calls_of_the_addresses_it_was_met_at(tmp_path: Path) -> None:
    """In the demo everybody is called under example.com; whoever has no address configured is the trunk."""
    ours = """
[[peer]]
name = "server"
kind = "server"
addresses = ["198.51.100.10"]
[[peer]]
name = "phones"
kind = "devices"
addresses = ["192.0.2.0/24"]
[[peer]]
name = "trunks"
kind = "trunk"
"""
    path = tmp_path / "named.toml"
    calls = []
    for line in ('hosts = ["Example.com"]', 'addresses = ["203.0.113.0/24"]'):
        path.write_text(ours + line + "\n")
        report = json.loads(run("check", path, "--against", DEMO, "--format", "json").stdout)
        calls.append((report["peers"][2]["calls_from"]["calls"], report["peers"][2]["calls_to"]["calls"]))
    named, numbered = calls
    assert named[1] == numbered[1] > 100  # a call out of the house names the trunk by itself
    assert 100 < named[0] <= numbered[0]  # calls in are the trunk's once one has gone out


def test_a_capture_without_against_is_wrong_usage(full: Path) -> None:
    assert "--against" in run("check", full, DEMO, status=2).stderr


MISTAKES = [
    ("[[hours]]\nzone = 'Europe/Berln'\nopen = ['Mon 09:00-18:00']\n", "line 2: zone = 'Europe/Berln': expected a time zone"),
    ("[[hours]]\nzone = 'UTC'\nopen = ['Mon 09:00-18:00', 'Mon 17:00-20:00']\n", "line 3: open = 'Mon 17:00-20:00': expected hours that"),
    (FULL.replace("addresses = [", 'addresses = ["203.0.113.10", '), "line 14: addresses = '203.0.113.10/32': expected an address that"),
    (FULL.replace("status_code = 433", "status_code = 603\ncause = 17"), "line 22: rule = 'status_code 603, cause 17': expected it before"),
    (FULL.replace("status_code = 433", "reason_text = '(full'"), "line 23: reason_text = '(full': expected a regular expression: missing )"),
    ("[[peer]]\nname = 1\n", "line 2: name = 1: expected a short name"),
    ("x", "not valid TOML"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words"), MISTAKES)
def test_a_wrong_configuration_is_one_line_with_line_and_value(tmp_path: Path, text: str, words: str) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(text)
    done = run("check", wrong, status=1)
    assert words in the_complaint(done)
    assert "wrong.toml" in done.stderr
    assert done.stdout == ""


def test_what_is_not_there_is_one_line(tmp_path: Path, full: Path) -> None:
    assert "cannot be read" in the_complaint(run("check", tmp_path / "nothing.toml", status=1))
    assert "nothing.pcap" in the_complaint(run("check", full, "--against", tmp_path / "nothing.pcap", status=1))


def test_results_go_to_a_file_when_asked(tmp_path: Path, full: Path) -> None:
    out = tmp_path / "out.json"
    assert run("check", full, "--format", "json", "-o", out).stdout == ""
    assert json.loads(out.read_text())["file"] == str(full)
