"""Pseudonyms: the same under one key, none for two, and of the shape of what they stand for."""

from __future__ import annotations

import string
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.classify.findings import is_private
from sipwatch.export.pseudonyms import Pseudonyms
from tests.each import for_each

KEY = b"a key of thirty-two bytes or more"
OURS = Pseudonyms(KEY)
NUMBERS = st.text(string.digits, max_size=20)


def address(text: str) -> str:
    return str(ip_address(OURS.address(ip_address(text).packed)))


@given(NUMBERS)
def test_a_number_has_the_same_pseudonym_always_and_as_many_digits(number: str) -> None:
    made = OURS.number(number)
    assert made == Pseudonyms(KEY).number(number)
    assert len(made) == len(number)
    assert made.isdigit() or not made


@pytest.mark.parametrize("digits", [1, 2, 3, 4])
def test_no_two_numbers_share_one(digits: int) -> None:
    assert len({OURS.number(f"{number:0{digits}d}") for number in range(10**digits)}) == 10**digits


@given(st.sets(st.text(string.digits, min_size=5, max_size=12), min_size=2, max_size=30))
def test_no_two_longer_ones_do_either(numbers: set[str]) -> None:
    assert len({OURS.number(number) for number in numbers}) == len(numbers)


@pytest.mark.parametrize("spelt", ["15550123", "+15550123", "0015550123", "1 (555) 0123", "%2B15550123"])
def test_spellings_of_one_number_stay_spellings_of_one(spelt: str) -> None:
    made = "".join(one for one in OURS.number(spelt) if one.isdigit())
    assert made.removeprefix("00") == OURS.number("15550123")


def test_all_that_is_no_digit_stays_as_it_is_written() -> None:
    made = OURS.number("+1 (555) 012-3456")
    assert [one for one in made if not one.isdigit()] == list("+ () -")


def test_one_number_that_is_known_says_nothing_of_its_neighbours() -> None:
    """Who has one number and its pseudonym finds no digit of others by it, though they differ in the last one only."""
    made = [OURS.number(f"155501{number:02d}") for number in range(100)]
    for place in range(1, 8):
        assert len({one[:place] + one[place + 1 :] for one in made}) > 90


def test_names_hosts_and_tokens_say_what_they_stand_for() -> None:
    assert OURS.user("alice").startswith("u-")
    assert OURS.user("alice") == OURS.user("Alice") != OURS.user("bob")
    assert OURS.name("Alice  Smith") == OURS.name("alice smith")
    assert OURS.host("SBC.example.com") == OURS.host("sbc.example.com")
    assert OURS.host("sbc.example.com").endswith(".invalid")
    assert OURS.token("z9hG4bK77").startswith("z9hG4bK")
    assert Pseudonyms(b"another").user("alice") != OURS.user("alice")


@for_each(
    "real, network",
    [
        ("192.0.2.1", "240.0.0.0/4"),
        ("10.1.2.3", "10.0.0.0/8"),
        ("192.168.1.1", "10.0.0.0/8"),
        ("100.64.0.1", "10.0.0.0/8"),
        ("169.254.7.7", "169.254.0.0/16"),
        ("2001:db8::1", "2001:db8::/32"),
        ("2a00::1", "2001:db8::/32"),
        ("fd00::1", "fd00::/8"),
        ("fe80::1", "fe80::/64"),
        ("::ffff:192.0.2.1", "::ffff:0:0/96"),
    ],
)
def test_an_address_keeps_its_family_and_its_sort(real: str, network: str) -> None:
    made = address(real)
    assert made != real
    assert ip_address(made) in ip_network(network)
    assert is_private(ip_address(made).packed) == is_private(ip_address(real).packed)


@pytest.mark.parametrize(
    "nobody",
    ["0.0.0.0", "127.0.0.1", "224.0.1.75", "255.255.255.255", "::", "::1", "ff02::1"],  # noqa: S104 - nobody listens
)
def test_an_address_of_nobody_stays(nobody: str) -> None:
    assert address(nobody) == nobody


def test_many_addresses_stay_apart() -> None:
    reals = [bytes((192, 0, high, low)) for high in range(8) for low in range(256)]
    assert len({OURS.address(real) for real in reals}) == len(reals)
