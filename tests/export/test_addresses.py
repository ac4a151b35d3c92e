"""Where links lead: addresses that are escaped but for what is filled in later, and bases that cannot be anything else."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from sipwatch.export.addresses import PAGES, calls_address, pages_base, since_alert


def test_what_is_filled_in_later_stays_and_all_else_is_escaped() -> None:
    address = calls_address("${pages:raw}", since="${__from}", filter='source == "{{ $labels.source }}" and cause > 1')
    assert address == (
        "${pages:raw}/calls?since=${__from}&filter=source+%3D%3D+%22{{ $labels.source }}%22+and+cause+%3E+1"
    )


def test_nothing_of_a_filter_ends_it() -> None:
    hard = 'caller =~ "a&b=c#d%20+${2"'
    assert parse_qs(urlsplit(calls_address(PAGES, filter=hard)).query) == {"filter": [hard]}


def test_the_moment_before_an_alert_is_asked_of_prometheus() -> None:
    assert since_alert(60) == '{{ with query "time() - 60" }}{{ . | first | value | printf "%.0f" }}{{ end }}'


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("http://127.0.0.1:10060", "http://127.0.0.1:10060"),
        ("https://voice.example.com/", "https://voice.example.com"),
        (
            "https://voice.example.com:8443/sip_watch/~calls%20here/",
            "https://voice.example.com:8443/sip_watch/~calls%20here",
        ),
        ("http://[2001:db8::1]:10060", "http://[2001:db8::1]:10060"),
    ],
)
def test_where_pages_can_be(text: str, base: str) -> None:
    assert pages_base(text) == base


@pytest.mark.parametrize(
    "text", ["", "voice.example.com", "ftp://voice.example.com", "javascript:alert(1)", "HTTP://x", " http://x"]
)
def test_where_pages_cannot_be_is_told_by_the_beginning(text: str) -> None:
    with pytest.raises(ValueError, match="has to begin with http:// or https://"):
        pages_base(text)


@pytest.mark.parametrize(
    "text",
    [
        *("http://", "https:///calls", "http://a b", "http://x\n", "http://x/?q=1", "http://x/#y", "http://u:p@x"),
        *('http://x/"', "http://x/'", "http://x/{{ . }}", "http://x/${y}", "http://x:port", "http://x/\u00fc", "http://[::1", "http://x\\y"),
    ],
)  # fmt: skip
def test_what_is_more_than_a_host_and_a_path_is_told(text: str) -> None:
    """It goes into YAML, JSON and templates as it stands."""
    with pytest.raises(ValueError, match="has to be a host, perhaps with a port and a path"):
        pages_base(text)
