"""What a call shows at a glance. That signs lead to causes is tested with the table (``families/test_table.py``)."""

from __future__ import annotations

from sipwatch.classify import signs


def test_every_sign_is_a_number_of_its_own() -> None:
    """They are added up: two that share a bit would make one look for the other's causes."""
    named = {name: value for name, value in vars(signs).items() if name.isupper() and type(value) is int}
    bits = [value for name, value in named.items() if name not in ("EARLY_RINGING_FROM", "SECOND")]
    assert len(bits) > 10
    assert all(value > 0 and value & (value - 1) == 0 for value in bits)
    assert len(set(bits)) == len(bits)
