"""The whole package: what is in the zip, covered alike in pages and packets."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from sipwatch.classify.peers import Privacy
from sipwatch.evidence.build import entries
from tests.evidence.scenes import (
    CALLEE,
    CALLER,
    CONFIG,
    KEY,
    OTHERS,
    RESPONSE,
    STUCK,
    Cut,
    Said,
    cut_out,
    over_udp,
    said,
    save,
    the_call,
)
from tests.evidence.told import package
from tests.export import planted
from tests.replay import replay

if TYPE_CHECKING:
    from pathlib import Path

HIDDEN = (CALLER, CALLEE)


def everything(folder: Path, privacy: Privacy | None = None) -> dict[str, bytes]:
    """Return the zip's entries for the one stuck call."""
    path = save(folder / "all.pcap", over_udp(said(STUCK, OTHERS)))
    cuts = cut_out(folder, path, privacy=privacy, config=CONFIG, keep=lambda call: call.call_id == "stuck")
    whole = package(examples=[cut.example for cut in cuts])
    captures = [(cut.example.capture.name or "", cut.path.read_bytes()) for cut in cuts if cut.path is not None]
    return dict(entries(whole, captures))


def test_there_are_a_page_a_text_two_tables_and_the_packets(tmp_path: Path) -> None:
    found = everything(tmp_path)
    *pages, capture = found
    assert pages == ["index.html", "index.txt", "examples.csv", "summary.csv"]
    assert capture.startswith("examples/001-")
    assert capture.endswith(".pcap")
    for name in pages[:3]:
        for expected in (CALLER, CALLEE, "stuck", "487 Request Terminated"):
            assert expected.encode() in found[name], (name, expected)


def test_no_secret_is_in_any_of_them(tmp_path: Path) -> None:
    for name, content in everything(tmp_path).items():
        assert content
        for secret in (RESPONSE, KEY):
            assert secret.encode() not in content, name


def test_a_hidden_number_is_hidden_in_all_of_them(tmp_path: Path) -> None:
    for name, content in everything(tmp_path, Privacy(4)).items():
        for number in HIDDEN:
            assert number.encode() not in content, name
        if name != "summary.csv":
            assert b"1555017****" in content, name


def test_the_hop_is_that_of_the_supplier(tmp_path: Path) -> None:
    path = save(tmp_path / "all.pcap", over_udp(said(STUCK)))
    example = the_call(cut_out(tmp_path, path, config=CONFIG)).example
    assert example.hop.leg.destination == "acme"
    assert example.hop.response == "487 Request Terminated"
    assert [message.first_line.split()[0] for message in example.call.messages or ()] == [
        *("INVITE", "SIP/2.0", "ACK", "INVITE", "SIP/2.0", "CANCEL", "SIP/2.0", "SIP/2.0", "ACK")
    ]


def test_a_repeated_message_says_so_and_a_copy_of_the_captures_making_is_none(tmp_path: Path) -> None:
    first, *rest = over_udp(said(STUCK))
    copies = [(first[0] + late, first[1], first[2]) for late in (0, 1_000_000, 30_000_000, 600_000_000)]
    frames = sorted([*copies, *rest], key=lambda frame: frame[0])
    example = the_call(cut_out(tmp_path, save(tmp_path / "all.pcap", frames))).example
    invites = [
        message
        for message in example.call.messages or ()
        if message.raw.startswith("INVITE") and "1 INVITE" in message.raw
    ]
    assert [message.retransmission for message in invites] == [False, True]
    assert example.capture.packets == 12


class Covered(NamedTuple):
    """A package in which something is hidden: how, its entries, and its calls."""

    privacy: Privacy
    found: dict[str, bytes]
    cuts: list[Cut]


def of_strangers(folder: Path, privacy: Privacy) -> tuple[dict[str, bytes], list[Cut]]:
    """Return the zip's entries for calls in which strangers say whatever they like, and the calls."""
    folder.mkdir(exist_ok=True)
    sent = [
        Said(m.time, m.path.source.partition(":")[0], m.path.destination.partition(":")[0], m.raw)
        for m in planted.calls()
    ]
    cuts = cut_out(folder, save(folder / "all.pcap", over_udp(sent)), privacy=privacy)
    whole = package(examples=[cut.example for cut in cuts], hidden="whatever")
    captures = [(cut.example.capture.name or "", cut.path.read_bytes()) for cut in cuts if cut.path is not None]
    return dict(entries(whole, captures)), cuts


@pytest.fixture(scope="module", params=planted.CLOSED)
def covered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Covered:
    """Return what strangers said, packed in one of the ways in which nobody is known."""
    privacy = planted.CLOSED[request.param]
    return Covered(privacy, *of_strangers(tmp_path_factory.mktemp("strangers"), privacy))


def test_what_nobody_knows_is_in_none_of_them(covered: Covered) -> None:
    privacy, found, cuts = covered
    assert len(found) == 4 + len(cuts) == 11, "every call has its packets"
    for name, content in found.items():
        assert planted.WORD.lower().encode() not in content.lower(), name
        for number in (b"15550100", b"15550101"):
            assert number not in content, name
        if privacy.addresses:
            for address in (b"192.0.2.65", b"192.0.2.80", bytes((192, 0, 2, 65)), bytes((192, 0, 2, 80))):
                assert address not in content, (name, address)


def test_what_is_hidden_changes_no_verdict(covered: Covered) -> None:
    for cut in covered.cuts:
        assert cut.path is not None
        (again,) = replay(cut.path).calls
        assert (again.outcome, again.status_code, again.started) == (
            cut.call.outcome,
            cut.call.status_code,
            cut.call.started,
        )
        assert (again.caller, again.source_address) == (cut.example.call.caller, cut.example.call.source_address)


def test_one_person_is_the_same_in_every_package_of_one_key(tmp_path: Path) -> None:
    privacy = planted.CLOSED["pseudonyms and addresses"]
    parties = set()
    for name in ("first", "second"):
        _, cuts = of_strangers(tmp_path / name, privacy)
        parties |= {(cut.example.call.caller, cut.example.call.source_address) for cut in cuts}
    assert len(parties) == 1
    _, cuts = of_strangers(tmp_path / "third", privacy._replace(key=b"another key of many bytes"))
    assert parties.isdisjoint((cut.example.call.caller, cut.example.call.source_address) for cut in cuts)
