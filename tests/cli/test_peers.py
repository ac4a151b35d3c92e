"""``sipwatch peers`` as users meet it: who is in a capture, and a configuration to start from."""

from __future__ import annotations

import json
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from sipwatch.classify.peers import Directory
from sipwatch.config import load, parse
from tests.cli.program import BUSY, DEMO, ROOT, run, the_complaint

if TYPE_CHECKING:
    from pathlib import Path


def test_the_demo_is_recognised_for_what_it_is() -> None:
    """The guesses are held against the configuration that was written by hand."""
    report = json.loads(run("peers", DEMO, "--format", "json").stdout)
    wanted = Directory(load(str(ROOT / "pcaps" / "demo.toml")).settings)
    for peer in report["peers"]:
        assert peer["role"] == wanted.peer(ip_address(peer["address"]).packed).kind, peer["address"]
    assert {peer["role"] for peer in report["peers"]} == {"trunk", "devices", "server"}
    assert report["left_out"] == 0
    assert report["capture"]["requests"]["INVITE"] > 300


def test_the_table_is_followed_by_a_configuration_that_is_correct(tmp_path: Path) -> None:
    done = run("peers", DEMO)
    assert done.stderr == ""
    assert "198.51.100.10  server (sure)" in done.stdout
    assert "\x1b" not in done.stdout
    _, _, written = done.stdout.partition("writes it to a file):\n\n")
    assert [peer.name for peer in parse(written, "x").settings.peers] == ["server", "trunk", "devices"]
    started = tmp_path / "sipwatch.toml"
    assert run("peers", DEMO, "--format", "toml", "-o", started).stdout == ""
    assert started.read_text() == written
    assert "is right: 3 peers" in " ".join(run("check", started).stdout.split())
    assert run("replay", DEMO, "--config", started).stdout


def test_whoever_has_a_name_keeps_it_and_is_not_proposed_again() -> None:
    done = run("peers", DEMO, "--config", "pcaps/demo.toml")
    assert "acme" in done.stdout
    assert "[[peer]]" not in done.stdout
    assert "Nobody was met whom the present configuration does not name." in done.stdout


def test_several_files_are_looked_at_together() -> None:
    both = json.loads(run("peers", DEMO, BUSY, "--format", "json").stdout)
    assert len(both["capture"]["files"]) == 2


def test_a_capture_without_sip_has_nobody_in_it(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pcap"
    empty.write_bytes(DEMO.read_bytes()[:24])
    assert run("peers", empty).stdout == "No SIP message was found in this capture: nobody is in it.\n"
    assert parse(run("peers", empty, "--format", "toml").stdout, "x").settings.peers == []
    assert json.loads(run("peers", empty, "--format", "json").stdout)["peers"] == []


def test_what_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    assert "nothing.pcap" in the_complaint(run("peers", tmp_path / "nothing.pcap", status=1))
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[[peer]]\n")
    assert "line 1: name is missing" in the_complaint(run("peers", DEMO, "--config", wrong, status=1))


def test_a_file_is_needed() -> None:
    assert "Missing argument" in run("peers", status=2).stderr


@pytest.mark.parametrize(
    "name",
    [
        "aaa.pcap",
        "scan-with-icmp.pcap",
        "tcp.pcap",
        "volte-gtp.pcap",
        "ipv6-fragments.pcap",
        "long-paths.pcap",
        "ssdp-not-sip.pcap",
    ],
)
def test_other_peoples_captures_give_correct_configurations(foreign_captures: Path, name: str) -> None:
    report = json.loads(run("peers", foreign_captures / name, "--format", "json").stdout)
    proposed = parse(report["configuration"], "x").settings.peers
    guessed = [peer for peer in report["peers"] if peer["role"]]
    assert bool(proposed) == bool(guessed)
    assert sum(peer["sent"] for peer in report["peers"]) == report["capture"]["messages"]
