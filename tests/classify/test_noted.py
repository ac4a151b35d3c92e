"""Where findings are put down."""

from __future__ import annotations

from sipwatch.classify.findings import Evidence, Finding, Kind, own
from sipwatch.classify.noted import Noted
from sipwatch.classify.past import MAX_IDS, Table
from sipwatch.classify.peers import Directory
from tests.classify.diagnosing import SITE
from tests.conversation import address


def finding(subject: str, time: int, kind: Kind = Kind.SILENT_PEER) -> Finding:
    return Finding(kind, "silent", own(subject), {}, [Evidence(time, time, "INVITE x")])


def test_a_peer_is_called_by_its_name_and_a_stranger_by_its_address() -> None:
    noted = Noted(Directory(SITE))
    assert [str(noted.subject(address(who))) for who in "TX"] == ["acme", "192.0.2.88"]


def test_what_stands_beside_is_put_together_by_kind_and_subject_in_the_order_of_its_first_evidence() -> None:
    noted = Noted(Directory(SITE))
    noted.of_none(finding("b", 9), 1, [(b"c1", b"", 1)])
    noted.of_none(finding("a", 5))
    noted.of_none(finding("b", 3), 9, [(b"c%d" % n, b"", n) for n in range(9)])
    first, second = noted.capture_findings()
    assert (str(first.finding.subject), first.calls, len(first.ids), first.first) == ("b", 10, MAX_IDS, 3)
    assert (str(second.finding.subject), second.calls, second.ids) == ("a", 0, [])


def test_what_stands_beside_is_bounded() -> None:
    noted = Noted(Directory(SITE))
    noted.beside = Table(2)
    for number in range(5):
        noted.of_none(finding(str(number), number))
    assert (len(noted.beside), noted.beside.evicted) == (2, 3)
