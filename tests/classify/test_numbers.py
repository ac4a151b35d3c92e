"""Whether two numbers are the same subscriber's, however they are written."""

from __future__ import annotations

import subprocess
import sys
from itertools import combinations

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from sipwatch.classify import numbers
from sipwatch.classify.numbers import MAX_NUMBER_LENGTH, index_key, other_spelling, same_number
from tests.each import for_each

BERLIN = [
    "+49301234567",
    "+49 30 1234567",
    "+49 (0)30 123-4567",
    "tel:+49-30-1234567",
    "%2B49301234567",
    "0049301234567",
    "49301234567",
    "0301234567",
    "030/123.45.67",
    "301234567",  # without its zero
    "00301234567",  # a zero for the line outside
    "0 030 1234567",
    "00049301234567",  # and abroad, so to speak
    "90301234567",  # where a nine is dialled for it
]
MOSCOW = [
    "+74951234567",
    "84951234567",
    "74951234567",
    "8 (495) 123-45-67",
    "4951234567",
    "0074951234567",
    "984951234567",
]

OTHERS = [
    ("+49301234567", "+43301234567"),  # Austria
    ("+49301234567", "+49401234567"),  # Hamburg
    ("0301234567", "0401234567"),
    ("0301234567", "+43301234567"),  # at home it means something else
    ("1234567", "+49301234567"),  # Berlin without Berlin
    ("+49301234567", "+49301234568"),
    ("+493012345678", "+49301234567"),
]


# The same subscriber


@for_each("one, other", list(combinations(BERLIN, 2)))
def test_a_number_of_berlin_is_itself_in_every_spelling(one: str, other: str) -> None:
    assert same_number(one, other, "DE")
    assert same_number(other, one, "DE")


@for_each("one, other", list(combinations(MOSCOW, 2)))
def test_a_number_of_moscow_is_itself_with_eight_and_with_seven(one: str, other: str) -> None:
    assert same_number(one, other, "RU")


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_other_subscribers_are_others(one: str, other: str) -> None:
    assert not same_number(one, other, "DE")
    assert not same_number(other, one, "DE")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+49301234567", "0301234567"),
        ("+49301234567", "00301234567"),
        ("+49301234567", "0049301234567"),
        ("49301234567", "0301234567"),
        ("0301234567", "301234567"),
        ("+74951234567", "84951234567"),
        ("74951234567", "84951234567"),
        ("+15550100", "15550100"),  # made up, but the same digits
        ("+12125550100", "2125550100"),
    ],
)
def test_without_a_region_a_national_number_is_read_as_the_others_country_would(one: str, other: str) -> None:
    assert same_number(one, other, None)
    assert same_number(other, one, None)


def test_a_number_from_abroad_is_read_as_it_is_dialled_there() -> None:
    assert same_number("84951234567", "74951234567", "DE")  # 08495... is nobody in Germany


def test_a_region_nobody_knows_is_none() -> None:
    assert same_number("+49301234567", "0301234567", "Mordor")
    assert not same_number("+49301234567", "0301234568", "Mordor")


def test_a_zero_in_front_belongs_to_the_number_in_italy() -> None:
    assert same_number("+390612345678", "0612345678", "IT")
    assert not same_number("612345678", "0612345678", "IT")


def spellings() -> list[tuple[str, list[str]]]:
    """Return for each region the spellings of what the library gives as examples of its numbers."""
    found = []
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE):
            number = phonenumbers.example_number_for_type(region, kind)
            if number is None or len(phonenumbers.national_significant_number(number)) < 7:
                continue  # some islands have numbers as short as extensions
            e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
            national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
            found.append((region, [e164, "00" + e164[1:], e164[1:], national, "0" + national, "9" + national]))
    return found


SPELLINGS = spellings()


def test_every_country_is_understood() -> None:
    assert len({region for region, _ in SPELLINGS}) > 200
    for region, forms in SPELLINGS:
        for one, other in combinations(forms, 2):
            assert same_number(one, other, region), (region, one, other)
            assert index_key(one) == index_key(other)
        for form in forms[1:]:
            assert same_number(forms[0], form, None), (region, form)


def test_a_digit_makes_another_subscriber_in_every_country() -> None:
    for region, forms in SPELLINGS:
        wrong = forms[0][:-1] + str((int(forms[0][-1]) + 1) % 10)
        assert not any(same_number(wrong, form, region) for form in forms)


# What is no telephone number


@pytest.mark.parametrize(("one", "other"), [("100", "0100"), ("100", "+100"), ("100", "1-00"), ("123456", "0123456")])
def test_extensions_are_the_same_only_if_they_are_identical(one: str, other: str) -> None:
    assert not same_number(one, other, "DE")
    assert same_number(one, one, "DE")
    assert index_key(one) == one


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("alice", "Alice"),
        ("*31#0301234567", "0301234567"),
        ("anonymous", "1234567"),
        ("٠٣٠١٢٣٤٥٦٧", "0301234567"),
        ("0+49301234567", "+49301234567"),
    ],
)
def test_user_names_are_the_same_only_if_they_are_identical(one: str, other: str) -> None:
    assert not same_number(one, other, "DE")
    assert same_number(one, one, "DE")
    assert index_key(one) == one


@pytest.mark.parametrize("nothing", ["", "tel:", "+", "-"])
def test_nothing_is_the_same_as_no_number(nothing: str) -> None:
    assert not same_number("", nothing, "DE")
    assert not same_number(nothing, "", "DE")


# Numbers of strangers


@for_each("filler", ["0", "9", "+", "(", "x", "-", " ", "٣", "%2B", "tel:", "\0"])
def test_numbers_without_end_are_not_looked_into(filler: str) -> None:
    endless = filler * 60_000
    before = numbers._parsed.cache_info()
    assert same_number(endless, endless, "DE")
    assert not same_number(endless, endless + filler, "DE")
    assert not same_number("+4930" + endless + "1234567", "+49301234567", "DE")
    assert other_spelling(endless + "1", endless) is None
    assert len(index_key(endless)) <= MAX_NUMBER_LENGTH
    assert numbers._parsed.cache_info() == before


@pytest.mark.parametrize(
    ("one", "other"),
    [("9" * 31, "9" * 30), ("0" * 31, "0" * 30), ("+" + "1" * 31, "1" * 31), ("+00000000", "00000000")],
)
def test_digits_that_nobody_has_are_no_trouble(one: str, other: str) -> None:
    for region in ("DE", "US", None):
        assert same_number(one, other, region) == same_number(other, one, region)


def test_what_is_remembered_is_bounded() -> None:
    for number in range(5000):
        same_number(f"+4930{number:07}", f"030{number:07}", "DE")
    assert 0 < numbers._parsed.cache_info().currsize <= 4096


NUMBERS = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="0123456789+ -()", max_size=34),
    st.builds(
        lambda prefix, rest: prefix + rest,
        st.sampled_from(
            ["", "0", "00", "+", "+49", "0049", "049", "8", "7", "+7", "9", "011", "810", "tel:+49", "%2b"]
        ),
        st.sampled_from(["301234567", "4951234567", "2125550100", "1234567", "12345"]),
    ),
)
REGIONS = st.sampled_from(["DE", "RU", "US", "IT", "AR", None])


@given(NUMBERS, NUMBERS, REGIONS)
@example("+49301234567", "0301234567", "DE")
def test_the_same_have_the_same_key_and_the_order_does_not_matter(one: str, other: str, region: str | None) -> None:
    same = same_number(one, other, region)
    assert same_number(other, one, region) == same
    if same:
        assert index_key(one) == index_key(other)


@given(NUMBERS, REGIONS)
def test_a_number_is_itself(number: str, region: str | None) -> None:
    assert same_number(number, number, region) == (numbers._written(number) != "")


def test_the_library_is_loaded_only_when_numbers_differ() -> None:
    code = """
import sys
from sipwatch.classify.numbers import index_key, other_spelling, same_number
assert same_number("+49301234567", "+49 30 1234567", "DE") and not same_number("100", "0100", "DE")
assert not same_number("+49301234567", "+49301234568", "DE") and other_spelling("alice", "bob") is None
print("phonenumbers" in sys.modules)
assert same_number("+49301234567", "0301234567", "DE")
print("phonenumbers" in sys.modules)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["False", "True"]


# How they differ


@for_each(
    "failed, answered, difference",
    [
        ("84951234567", "74951234567", "8->7"),
        ("74951234567", "84951234567", "7->8"),
        ("84951234567", "+74951234567", "8->+7"),
        ("49301234567", "+49301234567", "no +"),
        ("+49301234567", "49301234567", "extra +"),
        ("0049301234567", "+49301234567", "00->+"),
        ("+49301234567", "0301234567", "+49->0"),
        ("0301234567", "+49301234567", "0->+49"),
        ("301234567", "0301234567", "no 0"),
        ("0301234567", "301234567", "extra 0"),
        ("00301234567", "0301234567", "extra 0"),
        ("+49 (0)30 1234567", "+49301234567", "+490->+49"),
        ("030/1234567", "0301234567", "punctuation"),
    ],
)
def test_the_difference_is_said_in_a_word(failed: str, answered: str, difference: str) -> None:
    assert other_spelling(failed, answered) == difference
    assert other_spelling(failed, answered, "RU" if "495" in failed else "DE") == difference


@pytest.mark.parametrize(("failed", "answered"), OTHERS)
def test_unrelated_numbers_have_no_difference(failed: str, answered: str) -> None:
    assert other_spelling(failed, answered, "DE") is None


@pytest.mark.parametrize("number", ["+49301234567", "100", "alice", "", "x" * 60_000])
def test_identical_numbers_have_no_difference(number: str) -> None:
    assert other_spelling(number, number) is None


def test_the_same_number_as_a_telephone_uri_has_no_difference() -> None:
    assert other_spelling("tel:+49301234567", "%2b49301234567") is None


@given(NUMBERS, NUMBERS, REGIONS)
@example("+49301234567", "0301234567", "DE")
def test_a_difference_is_short_and_never_the_whole_number(one: str, other: str, region: str | None) -> None:
    difference = other_spelling(one, other, region)
    if difference is not None:
        assert len(difference) <= 2 * (MAX_NUMBER_LENGTH - 7) + 2
        assert (
            set(difference.removeprefix("no ").removeprefix("extra ")) <= set("0123456789+->")
            or difference == "punctuation"
        )
        assert index_key(one) not in difference
