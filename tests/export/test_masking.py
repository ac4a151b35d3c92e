"""Numbers and names in texts: what is hidden, what stays, and that nothing else is touched."""

from __future__ import annotations

import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.classify.causes import _MEDIA_WORDS
from sipwatch.classify.peers import EVERYTHING
from sipwatch.export.masking import MAX_DIGITS, MIN_DIGITS, Known, Masking, harmless_words
from tests.each import for_each

FOUR = Masking(4, names=True)
ALL = Masking(EVERYTHING, names=True)
NUMBERS_ONLY = Masking(4, names=False)
NAMES_ONLY = Masking(None, names=True)


@for_each(
    "number, four, everything",
    [
        ("15550123", "1555****", "********"),
        ("+15550123", "+1555****", "+********"),
        ("+1 (555) 012-3456", "+1 (555) 012-****", "+* (***) ***-****"),
        ("%2B15550123", "%2B1555****", "%2B********"),
        ("1555012%33", "1555******", "**********"),
        ("*21*15550123#", "*21*1555****#", "************#"),
        ("112", "***", "***"),
        ("alice", "a****", "*****"),
        ("1001-home", "1********", "*********"),
        ("%C3%A9milie", "%C3********", "***********"),
        ("anonymous", "anonymous", "anonymous"),
        ("Unavailable", "Unavailable", "Unavailable"),
        ("", "", ""),
    ],
)
def test_a_number_keeps_its_beginning_and_a_user_name_its_first_letter(number: str, four: str, everything: str) -> None:
    assert FOUR.number(number) == four
    assert ALL.number(number) == everything
    assert NAMES_ONLY.number(number) == number


@pytest.mark.parametrize(
    ("user", "hidden"),
    [
        ("+15550123;ext=1001", "+1555****;ext=****"),
        ("15550123;rn=+15550199;npdi", "1555****;rn=+1555****;n***"),
        ("alice:*******", "a****:*******"),
        ("alice:hunter2", "a****:*******"),
    ],
)
def test_the_parameters_of_a_user_part_are_numbers_too(user: str, hidden: str) -> None:
    assert FOUR.user(user) == hidden


@for_each(
    "text, hidden",
    [
        ("sip:15550123@192.0.2.1:50600;transport=tcp", "sip:1555****@192.0.2.1:50600;transport=tcp"),
        ("SIPS:+15550123@[2001:db8::1]:50600", "SIPS:+1555****@[2001:db8::1]:50600"),
        ("sip:alice@example.com", "sip:a****@example.com"),
        ("sip:15550123", "sip:1555****"),
        ("sip:1001", "sip:****"),
        ("sip:192.0.2.1", "sip:192.0.2.1"),
        ("sip:a.long.name.that.was.cut...", "sip:a**************************"),
        ("tel:+1-555-0123;phone-context=example.com", "tel:+1-555-****;phone-context=e**********"),
        ('"Alice \\" B" <sip:alice@h>;tag=x', '"***** ** *" <sip:a****@h>;tag=x'),
        ("Alice Smith <sip:alice@h>, Bob <sip:bob@h>", "***** ***** <sip:a****@h>, *** <sip:b**@h>"),
        ("alice@example.com is away", "a****@example.com is away"),
        ("call 15550123 or +15550199.", "call 1555**** or +1555****."),
        ("call 5550 1234", "call 5550 ****"),
        ("(555) 012-3456", "(555) ***-****"),
        ("555\u200b0123 555\u20110123", "555\u200b**** ***\u2011****"),
        ("15550123 15550199", "1555**** ********"),
        ("555 0123 and 1234", "555 **** and 1234"),
        (
            "from 192.0.2.123:5060 at 2026-01-05T09:00:00.123456Z",
            "from 192.0.2.123:5060 at 2026-01-05T09:00:00.123456Z",
        ),
        ("since 2026-01-05 09:01:45 UTC", "since 2026-01-05 09:01:45 UTC"),
        (";rport=50600;received=192.0.2.1;expires=86400", ";rport=50600;received=192.0.2.1;expires=86400"),
        ("Q.850;cause=16", "Q.850;cause=16"),
        ("1768473638123456789", "*" * 19),
    ],
)
def test_what_is_hidden_in_free_text(text: str, hidden: str) -> None:
    assert FOUR.free(text) == hidden


@pytest.mark.parametrize(
    "name",
    [
        "Yealink SIP-T46S 66.86.0.15",
        "FRITZ!Box 7590 154.07.29",
        "PolycomVVX-VVX_411-UA/5.9.0.9373",
        "FPBX-16.0.40(18.9)",
    ],
)
def test_a_version_is_no_number(name: str) -> None:
    assert FOUR.software(name) == name


def test_a_serial_number_behind_a_product_is_hidden_like_any_number() -> None:
    assert FOUR.software("snom/10.1 00041396A1B2 15550123") == "snom/10.1 0004****A1B2 1555****"


def test_without_a_mask_numbers_stay_and_without_names_only_the_number_in_a_name_goes() -> None:
    line = '"Alice" <sip:15550123@h>, "15550123" <sip:15550123@h>'
    assert NAMES_ONLY.free(line) == '"*****" <sip:15550123@h>, "********" <sip:15550123@h>'
    assert NUMBERS_ONLY.free(line) == '"Alice" <sip:1555****@h>, "1555****" <sip:1555****@h>'
    assert NUMBERS_ONLY.free('"1001" <sip:15550123@h>') == '"****" <sip:1555****@h>'


# Who is known


def test_who_has_a_part_in_a_call_is_found_wherever_he_stands() -> None:
    known = Known(["+15550123", "1001", "alice"], ["Alice Smith"])
    assert FOUR.free("User 1001 (ALICE SMITH) busy", known) == "User **** (***** *****) busy"
    assert FOUR.free("for alice, not malice", known) == "for *****, not malice"
    assert NUMBERS_ONLY.free("for alice", known) == "for a****"


@pytest.mark.parametrize("written", ["15550123", "0015550123", "9915550123", "5550123", "1-555-0123", "1 (555) 01 23"])
def test_a_known_number_is_found_however_it_is_spelt_and_between_other_digits(written: str) -> None:
    known = Known(["+15550123"])
    for text in (written, f"x{written}y", f"{written}20260105"):
        assert "0123" not in FOUR.free(text, known).replace(" ", "").replace("-", "")
        assert "123" not in FOUR.named(text, known)


def test_short_numbers_are_no_part_of_addresses_or_of_what_consists_of_numbers() -> None:
    known = Known(["101"])
    assert FOUR.free("192.0.2.101:101 101", known) == "192.0.2.101:101 ***"
    assert FOUR.named("a=rtpmap:101 telephone-event/8000", known) == "a=rtpmap:101 telephone-event/8000"


@pytest.mark.parametrize(
    "identifier", ["15550123-abc@h", "a15550123b", "5550123", "ALICE.1@h", "x-1001@h", "001 555 0123"]
)
def test_an_identifier_in_which_somebody_stands_is_hidden_whole(identifier: str) -> None:
    hidden = FOUR.identifier(identifier, Known(["15550123", "alice", "1001"]))
    assert set(hidden) <= {"*", " "}
    assert len(hidden) == len(identifier)


@pytest.mark.parametrize("identifier", ["1768473638-5060@192.0.2.1", "malice@h", "z9hG4bK1001a", "", "a84b4c76e66710"])
def test_any_other_identifier_stays(identifier: str) -> None:
    assert FOUR.identifier(identifier, Known(["15550123", "alice", "1001"])) == identifier


def test_what_is_to_be_hidden_whole_is_found_escaped_too() -> None:
    known = Known(["15550123"]).hiding(["15550123-x@h", "t1"])
    assert FOUR.free("?Replaces=15550123-x%40h%3Bto-tag%3Dz", known) == "?Replaces=**************%3Bto-tag%3Dz"
    assert FOUR.free(";tag=t1 t1", known) == ";tag=** t1"


def test_who_cannot_be_in_a_text_is_known_without_a_search() -> None:
    known = Known(["15550123", "alice"])
    assert not known.may_stand_in(["555012", "malic"])
    assert known.may_stand_in(["55-50", "12-3"])
    assert known.may_stand_in(["MALICE"])


def test_nobody_is_looked_for_by_what_stands_for_nobody() -> None:
    assert not Known(["anonymous", "", "12", "a"], ["", "A"]).may_stand_in(["anonymous 12 a A"])


def test_the_words_that_a_verdict_is_read_from_stay() -> None:
    """Or what is hidden would be judged otherwise."""
    assert harmless_words() >= _MEDIA_WORDS
    for text in ("v=analytics1;url=", "Network Blocked", "Call completed elsewhere"):
        assert ALL.free(text) == text


# Whatever comes

NUMBERS = st.text(string.digits, min_size=MIN_DIGITS, max_size=MAX_DIGITS)
AROUND = st.sampled_from(["", " ", "x", "-", ";n=", "sip:", "<", '"', ",", "+", "(", "=", "@h", "\r\n ", "é", "/"])


@given(NUMBERS, AROUND, AROUND, st.integers(1, 8))
def test_no_number_keeps_its_end_in_free_text(number: str, before: str, after: str, mask: int) -> None:
    hidden = Masking(mask, names=False).free(before + number + after)
    assert number not in hidden
    assert hidden.count("*") >= min(mask, len(number))
    assert len(hidden) == len(before + number + after)


@given(NUMBERS, st.integers(1, 32))
def test_the_same_number_is_always_hidden_the_same_way(number: str, mask: int) -> None:
    masking = Masking(mask, names=False)
    hidden = masking.number(number)
    assert hidden == number[: max(0, len(number) - mask)] + "*" * min(mask, len(number))
    assert masking.user(number) == hidden
    assert masking.free(f"sip:{number}@h") == f"sip:{hidden}@h"
    assert masking.free(f"x {number} y", Known([number])) == f"x {hidden} y"


@given(st.text(max_size=200), st.sampled_from([FOUR, ALL, NUMBERS_ONLY, NAMES_ONLY]))
def test_any_text_keeps_its_length_and_nothing_is_added_but_asterisks(text: str, masking: Masking) -> None:
    known = Known(["15550123", "1001", text[:20]], [text[20:40]])
    for hidden in (masking.free(text), masking.free(text, known), masking.software(text, known), masking.user(text)):
        assert len(hidden) == len(text)
        assert all(new in (old, "*") for new, old in zip(hidden, text, strict=True))


@pytest.mark.parametrize(
    "piece",
    [
        "5",
        "5 ",
        "sip:",
        "sip:;",
        '"',
        '"a" ',
        ",",
        ", ",
        "a",
        "a@",
        " ",
        ";tag=",
        "%35",
        "\\",
        "<",
        "x<",
        "5550123",
        "5-",
    ],
)
def test_a_long_text_takes_no_longer_than_it_must(piece: str) -> None:
    """A stranger sends 60,000 bytes of the worst; a search that goes back and forth takes seconds for a third of it."""
    text = piece * (20_000 // len(piece))
    began = time.process_time()
    FOUR.free(text, Known(["15550123", "1001", "alice"], ["Alice Smith"]))
    assert time.process_time() - began < 0.5
