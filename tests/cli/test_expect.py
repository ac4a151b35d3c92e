"""``sipwatch expect``: a capture as a test, with an exit status and XML that others read."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from tests.cli.program import BUSY, DEMO, ROOT, into_a_closed_pipe, run, the_complaint

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs/expectations.md").read_text()
CONFIG = ROOT / "pcaps/demo.toml"
BUSY_RULE = '[[expect]]\nname = "it is busy"\nshare_of = "outcome == \'busy\'"\nmin = 1.0\n'
NEVER = BUSY_RULE.replace("it is busy", "it is answered").replace("'busy'", "'answered'")


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    return tmp_path / "rules.toml"


def test_the_example_of_the_page_runs_as_printed(rules: Path) -> None:
    (example,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (result,) = re.findall(r"^```\n(met .*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    rules.write_text(example)
    assert run("expect", rules, DEMO, "--config", CONFIG, status=1).stdout == result
    assert "\n3 of 4 expectations met.\n" in result


def test_what_is_met_ends_with_0_and_what_is_not_with_1(rules: Path) -> None:
    rules.write_text(BUSY_RULE)
    run("expect", rules, BUSY)
    rules.write_text(BUSY_RULE + NEVER)
    done = run("expect", rules, BUSY, "--format", "json", status=1)
    found = json.loads(done.stdout)
    assert (found["met"], found["of"], found["capture"]["files"]) == (1, 2, [str(BUSY)])
    ours, theirs = found["expectations"]
    assert (ours["met"], ours["figure"], theirs["met"], theirs["figure"]) == (True, 1.0, False, 0.0)
    example, *_ = theirs["examples"]
    assert run("replay", BUSY, "--ladder", example).stdout
    assert done.stderr == ""


def test_the_xml_is_written_beside_the_results(rules: Path, tmp_path: Path) -> None:
    rules.write_text(BUSY_RULE + NEVER)
    xml = tmp_path / "results.xml"
    assert "1 of 2 expectations met." in run("expect", rules, BUSY, "--junit", xml, status=1).stdout
    (suite,) = ET.fromstring(xml.read_text())  # noqa: S314 - ours
    assert [case.get("classname") for case in suite.iter("testcase")] == ["rules.toml"] * 2
    assert len(list(suite.iter("failure"))) == 1


def test_a_reader_that_goes_away_takes_nothing_from_the_xml(rules: Path, tmp_path: Path) -> None:
    rules.write_text(BUSY_RULE)
    done = into_a_closed_pipe("expect", rules, BUSY, "--junit", tmp_path / "results.xml")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "results.xml").read_text().count("testcase") == 2


def test_wrong_rules_are_wrong_usage(rules: Path, tmp_path: Path) -> None:
    rules.write_text(f"{BUSY_RULE}maximum = 1\n")
    line = the_complaint(run("expect", rules, BUSY, status=2))
    assert (
        line == f"sipwatch: {rules}, line 5: unknown key 'maximum'; did you mean max?"
        or "unknown key 'maximum'" in line
    )
    missing = the_complaint(run("expect", tmp_path / "none.toml", BUSY, status=2))
    assert missing.endswith("none.toml: the file of rules cannot be read: No such file or directory")


def test_a_peer_has_to_be_configured(rules: Path) -> None:
    rules.write_text(f'{BUSY_RULE}destination = "acme"\n')
    assert "expected one of other" in the_complaint(run("expect", rules, DEMO, status=2))
    assert "of 96 calls" in run("expect", rules, DEMO, "--config", CONFIG, status=1).stdout


def test_what_cannot_be_read_is_no_test_that_passed(rules: Path, tmp_path: Path) -> None:
    rules.write_text(BUSY_RULE)
    assert "missing.pcap" in the_complaint(run("expect", rules, tmp_path / "missing.pcap", status=1))


def test_both_results_need_a_file_of_their_own(rules: Path, tmp_path: Path) -> None:
    rules.write_text(BUSY_RULE)
    out = tmp_path / "out"
    assert "a file each" in run("expect", rules, BUSY, "-o", out, "--junit", out, status=2).stderr
    assert "is being read" in the_complaint(run("expect", rules, BUSY, "--junit", rules, status=1))
