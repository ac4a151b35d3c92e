"""Header names and their one-letter forms."""

from __future__ import annotations

import pytest

from sipwatch.wire.compact import COMPACT, both_forms


@pytest.mark.parametrize("name", [b"Contact", b"m", b"M", b"CONTACT"])
def test_a_header_is_found_by_either_form_in_any_case(name: bytes) -> None:
    assert both_forms(name) == (b"contact", b"m")


def test_a_header_without_a_compact_form_has_only_its_name() -> None:
    assert both_forms(b"X-Twilio-Error") == (b"x-twilio-error", b"")


def test_no_letter_stands_for_two_headers() -> None:
    assert len(set(COMPACT.values())) == len(COMPACT)
    assert all(len(letter) == 1 for letter in COMPACT.values())
