"""What a finding is made of."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from sipwatch.classify.findings import (
    MAX_FACT_LENGTH,
    VARIANTS,
    Kind,
    Sort,
    Term,
    first_line,
    is_private,
    said,
    seconds,
    seen,
    where,
)
from sipwatch.knowledge import load
from tests.conversation import messages
from tests.each import for_each


def test_every_kind_has_its_words_for_each_variant() -> None:
    """A finding that nobody can tell would be lost."""
    assert set(VARIANTS) == set(Kind)
    for kind, variants in VARIANTS.items():
        for variant, facts in variants.items():
            told = load().says(kind.value, variant).format_map({**dict.fromkeys(facts, "!"), "subject": "!"})
            assert "{" not in told


@for_each("kind", list(Kind))
def test_no_fact_of_a_variant_is_gathered_in_vain(kind: Kind) -> None:
    """What no sentence names need not be looked for, but for what JSON's readers may want of the same kind."""
    words = " ".join(load().says(kind.value, variant) for variant in VARIANTS[kind])
    named = {fact for facts in VARIANTS[kind].values() for fact in facts if f"{{{fact}}}" in words}
    assert named == {fact for facts in VARIANTS[kind].values() for fact in facts}


def test_what_a_stranger_wrote_is_cut_and_never_undecodable() -> None:
    """60 kB of a number stay 120 characters; what is not UTF-8 is written out."""
    assert said(b"15550100") == "15550100"
    assert said("größe".encode()) == "größe"
    assert said(b"a\xff\x00b") == "a\\xff\x00b"
    assert said(b"1" * 60_000) == "1" * (MAX_FACT_LENGTH - 3) + "..."
    assert len(said(b"\xff" * 60_000)) == MAX_FACT_LENGTH
    said(b"\xf0\x9f\x98\x80" * 200).encode()  # cut anywhere, it is still text


def test_evidence_is_a_packet_with_what_it_says() -> None:
    request, response = messages("0 A>T INVITE\n1 T>A 480 reason=Not_Here\n")
    assert seen(request)[2] == "INVITE sip:15550101@example.com"
    assert (seen(response).time, seen(response).number, seen(response).what) == (response.time, 0, "480 Not Here")
    response.number = 7
    assert seen(response).number == 7
    response.reason_phrase = b""  # type: ignore[union-attr]
    assert first_line(response) == "480"


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "172.16.0.1", "172.31.255.1", "192.168.1.20", "100.64.0.1", "100.127.9.9", "fd00::1", "fc12::3"],
)
def test_addresses_that_only_their_own_network_knows_are_private(address: str) -> None:
    """RFC 1918, RFC 6598, RFC 4193."""
    assert is_private(ip_address(address).packed)


@for_each(
    "address",
    [
        "9.255.0.1",
        "11.0.0.1",
        "172.15.0.1",
        "172.32.0.1",
        "192.167.0.1",
        "192.169.0.1",
        "100.63.0.1",
        "100.128.0.1",
        "203.0.113.77",
        "2001:db8::1",
        "fe80::1",
    ],
)
def test_others_are_not(address: str) -> None:
    assert not is_private(ip_address(address).packed)


def test_spans_are_told_to_a_tenth_and_addresses_as_people_write_them() -> None:
    assert seconds(9_040_000_000) == 9.0
    assert seconds(9_060_000_000) == 9.1
    assert where(bytes((192, 0, 2, 1))) == Term(Sort.ADDRESS, "192.0.2.1")
    assert str(where(ip_address("2001:db8::1").packed)) == "2001:db8::1"
