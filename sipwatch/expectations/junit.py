"""Results as JUnit's XML, as Jenkins, GitLab and others read it: a test case for each expectation.

Must not know: how anything was judged. A text that is written to XML has been made harmless by ``export.escape``, which
takes out what XML 1.0 cannot hold; ElementTree escapes the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from sipwatch.export.escape import terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sipwatch.expectations.judge import ResultRecord


def junit_xml(rules: str, files: Sequence[str], results: Sequence[ResultRecord]) -> bytes:
    """Return the document; ``rules`` is the name of the rules file, ``files`` are the captures."""
    failed = sum(not one.met for one in results)
    counts = {"tests": str(len(results)), "failures": str(failed), "errors": "0"}
    top = ET.Element("testsuites", counts)
    suite = ET.SubElement(top, "testsuite", {"name": "sipwatch expect", **counts, "skipped": "0"})
    properties = ET.SubElement(suite, "properties")
    for file in files:
        ET.SubElement(properties, "property", {"name": "capture", "value": terminal(file)})
    for one in results:
        case = ET.SubElement(suite, "testcase", {"classname": terminal(rules), "name": terminal(one.name)})
        if one.met:
            ET.SubElement(case, "system-out").text = terminal(one.text)
        else:
            failure = ET.SubElement(case, "failure", {"type": "expectation", "message": terminal(one.text)})
            failure.text = "\n".join([terminal(one.text), *(f"example: call {call}" for call in one.examples)])
    ET.indent(top)
    return bytes(ET.tostring(top, encoding="utf-8", xml_declaration=True)) + b"\n"
