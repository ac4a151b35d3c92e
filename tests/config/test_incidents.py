"""[incidents]: whom to tell, and how every mistake is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sipwatch.config import ConfigError, load, parse
from sipwatch.config.incidents import IncidentSettings
from tests.config.mistakes import complaint
from tests.each import for_each

if TYPE_CHECKING:
    from pathlib import Path


def test_without_the_table_nobody_is_told() -> None:
    assert parse("", "x").incidents == parse("[incidents]", "x").incidents == IncidentSettings()


def test_everything_that_the_table_can_say(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("Bearer 4f1c0e\n")
    path = tmp_path / "sipwatch.toml"
    path.write_text(
        '[incidents]\nwebhook = "https://h.example.com:8443/a?b=c"\nauthorization_file = "secret"\n'
        'pages = "http://[2001:db8::1]:10060/"\n'
    )
    assert load(str(path)).incidents == IncidentSettings(
        "https://h.example.com:8443/a?b=c", b"Bearer 4f1c0e", "http://[2001:db8::1]:10060"
    )


MISTAKES = [
    (
        "another scheme",
        'webhook = "file:///etc/passwd"',
        "line 2: webhook = 'file:///etc/passwd': expected an address that",
    ),
    ("no host", 'webhook = "https:///x"', "expected an address that begins with http:// or https://"),
    ("a blank", 'pages = "http://a b"', "line 2: pages = 'http://a b': expected an address"),
    ("a line break", 'webhook = "http://a/\\nx"', "expected an address"),
    ("too long", f'webhook = "http://a/{"x" * 2000}"', "expected an address"),
    ("no text", "pages = 5", "line 2: pages = 5: expected an address"),
    ("no such file", 'authorization_file = "nowhere"', "authorization_file = 'nowhere': the key cannot be read"),
    ("misspelt", 'webhooks = "x"', "line 2: unknown key 'webhooks'; did you mean webhook?"),
]


@for_each("name, line, said", MISTAKES)
def test_mistakes_are_named(name: str, line: str, said: str) -> None:
    assert said in complaint(f"[incidents]\n{line}\n"), name


@for_each("content", [b"a\nX-Other: b", b"a\r\nb", "é".encode(), b"a\x00"])
def test_what_would_be_two_headers_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "sipwatch.toml"
    (tmp_path / "secret").write_bytes(content)
    path.write_text('[incidents]\nauthorization_file = "secret"\n')
    with pytest.raises(ConfigError, match="expected a file with one line of ASCII"):
        load(str(path))
