"""The hops of a call as a diagnosis goes through them."""

from __future__ import annotations

from sipwatch.classify.hops import private_host
from tests.each import for_each


@for_each(
    "uri, found",
    [
        (b"sip:bob@192.168.1.20:5060;transport=udp", bytes((192, 168, 1, 20))),
        (b"sips:10.1.2.3", bytes((10, 1, 2, 3))),
        (b"sip:bob@[fd00::1]:5060", b"\xfd" + bytes(14) + b"\x01"),
        (b"sip:bob@[2001:db8::1]:5060", None),
        (b"sip:bob@192.0.2.1", None),
        (b"sip:bob@pbx.local", None),
        (b"sip:192.168.1.20@example.com", None),
        (b"sip:bob@192.168.1.999", None),
        (b"tel:+15550100", None),
        (b"*", None),
        (b"", None),
        (b"sip:bob@" + b"1" * 60_000, None),
        (b"sip:\xff@\xff:\xff", None),
    ],
)
def test_private_hosts_are_read_off_uris(uri: bytes, found: bytes | None) -> None:
    assert private_host(uri) == found
