"""The runbook: what it tells people to type runs as printed, and what it links to is there."""

from __future__ import annotations

import re
import shlex
import shutil
from typing import TYPE_CHECKING

import pytest

from sipwatch.classify.outcomes import Outcome
from sipwatch.knowledge import load
from tests.cli.program import run
from tests.grafana.links import ROOT, anchors
from tests.grafana.test_rules import SECTIONS, commands

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = list(dict.fromkeys(shlex.join(command) for command in commands()))
DOCUMENTS = ("docs/runbook.md", "grafana/README.md", "deploy/README.md")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what the commands name: a capture in which things go wrong, its calls, and who is who."""
    made = tmp_path_factory.mktemp("runbook")
    shutil.copy(ROOT / "pcaps/demo.pcap", made / "trouble.pcap")
    shutil.copy(ROOT / "pcaps/demo.pcap", made / "better.pcap")
    shutil.copy(ROOT / "pcaps/demo.toml", made / "sipwatch.toml")
    run("replay", made / "trouble.pcap", "--store", made / "store")
    return made


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_runs_as_printed(command: str, folder: Path) -> None:
    names = {name: folder / name for name in ("trouble.pcap", "better.pcap", "sipwatch.toml", "acme.zip")}
    names["/var/lib/sipwatch"] = folder / "store"
    run(*(names.get(word, word) for word in shlex.split(command)[1:]))
    if "evidence" in command:
        assert (folder / "acme.zip").stat().st_size > 1000


def test_what_other_commands_do_nobody_does_by_hand() -> None:
    """Packages for providers, meanings of words, mistakes in the configuration, addresses that nobody has named."""
    given = {name: [command[1] for command in commands_of(section)] for name, section in SECTIONS.items()}
    wanted = {
        "evidence": ["SipCallsStuckAfterTrying", "SipUnavailableJumped", "SipNerLow"],
        "explain": ["SipSerLow", "SipNerLow", "SipCallsEndingOddly"],
        "check": ["SipTrunkBusy", "SipwatchDown", "SipwatchConfigReloadFailed"],
        "peers": ["SipPeerPartlyNotResponding", "SipPeerVanished", "SipAuthenticationFailing"],
    }
    for name, sections in wanted.items():
        assert [section for section in sections if name not in given[section]] == [], name


def commands_of(section: str) -> list[list[str]]:
    return [shlex.split(line) for line in section.splitlines() if line.startswith("sipwatch ")]


def test_what_is_to_be_explained_is_known() -> None:
    words = [command[2] for command in commands() if command[1] == "explain"]
    assert words
    assert all(load().find(word) for word in words)
    outcomes = {command[command.index("--outcome") + 1] for command in commands() if "--outcome" in command}
    assert outcomes
    assert {outcome for several in outcomes for outcome in several.split(",")} <= set(Outcome)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_to_a_file_and_heading_that_exist(document: str) -> None:
    path = ROOT / document
    links = re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([\w-]+))?\)", path.read_text(encoding="utf-8"))
    assert links
    for name, anchor in links:
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), name
        assert not anchor or anchor in anchors(target), anchor
