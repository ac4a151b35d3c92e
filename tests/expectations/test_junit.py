"""JUnit's XML: only what readers of it know, the right counts, and no text that breaks it."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from sipwatch.expectations.judge import ResultRecord
from sipwatch.expectations.junit import junit_xml
from tests.export.records import EVIL

# What Jenkins' junit-10.xsd knows, by which pytest checks its own: required and other attributes, and parts.
KNOWN: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url", "version"},
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, set(), set()),
    "testcase": ({"name"}, {"time", "classname", "group"}, {"skipped", "failure", "system-out", "system-err"}),
    "failure": (set(), {"type", "message"}, set()),
    "system-out": (set(), set(), set()),
}
MET = ResultRecord("answered", True, 0.95, 19, 20, "19 of 20 calls", [])
NOT_MET = ResultRecord("quick", False, 9.0, 20, 20, "95% within 9.00 s, at most 2 s expected", ["c1", "c2"])
HOSTILE = ResultRecord(f"<b>&\"'{EVIL}\x00\ufffe\uffff]]>", False, None, 0, 0, f"{EVIL}<!--", ["c3"])


def read(*results: ResultRecord, file: str = "x.pcap") -> ET.Element:
    return ET.fromstring(junit_xml("rules.toml", [file], results))  # noqa: S314 - ours


def check(element: ET.Element) -> None:
    required, more, parts = KNOWN[element.tag]
    assert required <= set(element.attrib) <= required | more, element.tag
    for part in element:
        assert part.tag in parts, f"{part.tag} in {element.tag}"
        check(part)


def test_it_has_nothing_that_readers_do_not_know() -> None:
    check(read(MET, NOT_MET, HOSTILE))


def test_the_counts_are_those_of_the_cases() -> None:
    top = read(MET, NOT_MET, HOSTILE)
    (suite,) = top
    for element in (top, suite):
        assert [element.get(name) for name in ("tests", "failures", "errors")] == ["3", "2", "0"]
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases[:2]] == ["answered", "quick"]
    assert {case.get("classname") for case in cases} == {"rules.toml"}
    assert [case.find("failure") is not None for case in cases] == [False, True, True]
    assert [one.get("value") for one in suite.iter("property")] == ["x.pcap"]


def test_a_failure_says_the_figure_and_which_calls() -> None:
    failure = read(NOT_MET).find(".//failure")
    assert failure is not None
    assert failure.get("message") == NOT_MET.text
    assert failure.text == f"{NOT_MET.text}\nexample: call c1\nexample: call c2"
    (said,) = read(MET).iter("system-out")
    assert said.text == "19 of 20 calls"


def test_hostile_text_stays_text() -> None:
    top = read(HOSTILE, file=EVIL)
    (case,) = top.iter("testcase")
    name = case.get("name")
    assert name is not None
    assert name.startswith("<b>&\"'\\x1b[31mred")
    assert name.endswith("\\x00\\ufffe\\uffff]]>")
    assert "\\u202e" in str(next(top.iter("property")).get("value"))
    junit_xml("rules.toml", [EVIL], [HOSTILE]).decode()
