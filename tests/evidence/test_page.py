"""The page: everything on it, nothing that runs, and no text of a stranger's that is more than text."""

from __future__ import annotations

from html.parser import HTMLParser

from sipwatch.evidence import page as module
from sipwatch.evidence.facts import Capture
from sipwatch.export.record import FindingRecord
from tests.evidence.told import SERVER, TRUNK, package, said, stuck
from tests.export.records import EVIL, words

VOID = {"meta"}


class Reader(HTMLParser):
    """Reads a page as a browser does, and holds it to its grammar."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.words = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words += data


def test_everything_is_on_the_page() -> None:
    words = Reader(module.page(package())).words
    for expected in (
        *("Call examples for acme", "1 of 4 calls from or to acme, 25.0%", "15550100 → 15550101", "Stuck in Trying"),
        *("2026-01-05 10:00:00.000000 +01:00 (Europe/Berlin)", "487 Request Terminated", 'Q.850;cause=16;text="gone"'),
        *("then nothing for 12.4 s", f"pbx {SERVER} → acme {TRUNK}", "acme has not answered since 09:00."),
        *("75.0%", "sipwatch 1.2.3", "monday.pcap", "From acme", "To acme"),
    ):
        assert expected in words, expected


def test_the_packets_are_linked() -> None:
    found = Reader(module.page(package())).attributes
    assert ("href", "examples/001-0123456789ab.pcap") in found
    assert ("href", "#example-1") in found
    assert ("id", "example-1") in found


def test_without_packets_there_is_no_link() -> None:
    reader = Reader(module.page(package(capture=Capture(None, why_not="of a test"))))
    assert [value for name, value in reader.attributes if name == "href"] == ["#example-1"]
    assert "none, because of a test" in reader.words


def test_the_page_runs_and_loads_nothing() -> None:
    reader = Reader(module.page(package()))
    assert not reader.tags & {"script", "link", "img", "iframe", "object", "form"}
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in reader.attributes


def test_a_strangers_text_stays_text() -> None:
    evil = f"<script>alert(1)</script>\"'&{EVIL}"
    call = stuck(
        caller=evil, callee=evil, call_id=evil, reason_phrase=evil, cause_text=evil,
        findings=[FindingRecord("x", words(evil), words(evil), [])],
        messages=[said(0, SERVER, TRUNK, f"INVITE {evil} SIP/2.0")],
    )  # fmt: skip
    text = module.page(package(call, peer=evil, files=[evil], expression=evil))
    reader = Reader(text)
    assert "script" not in reader.tags
    assert not any(name.startswith("on") for name, _ in reader.attributes)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "<script>alert(1)</script>" in reader.words


def test_many_messages_end_with_a_word() -> None:
    call = stuck(messages=[said(n, SERVER, TRUNK, "INFO sip:b SIP/2.0", "1 INFO") for n in range(50)])
    assert "10 more messages are in the packet capture." in Reader(module.page(package(call))).words


def test_the_same_package_gives_the_same_page() -> None:
    assert module.page(package()) == module.page(package())
