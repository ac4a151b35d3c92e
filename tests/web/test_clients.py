"""Who somebody is, as text."""

from __future__ import annotations

import pytest

from sipwatch.web.clients import origin, plain


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("", ""),
    ],
)
def test_an_ipv4_address_at_a_socket_for_both_is_written_as_one(host: str, expected: str) -> None:
    assert plain(host) == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:7:1:2:3:4", "2001:db8:0:7::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_all_of_an_ipv6_network_is_one_stranger(host: str, expected: str) -> None:
    assert origin(host) == expected
