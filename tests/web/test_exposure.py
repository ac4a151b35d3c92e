"""Who called whom is shown to this machine alone, unless there are users, or somebody says that all may see it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipwatch.web.exposure import check_exposure, is_loopback, is_name_of_this_machine, why_hidden
from sipwatch.web.tls import DEMANDED, TlsSettings
from sipwatch.web.webconfig import WebConfig, WebError
from tests.each import for_each

NOBODY = WebConfig()
TLS = TlsSettings(b"", b"")


@for_each(
    "host, alone",
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", False),  # noqa: S104
        ("::", False),
        ("192.0.2.1", False),
        ("fe80::1%eth0", False),
        ("::ffff:192.0.2.1", False),
    ],
)
def test_addresses_of_this_machine_alone(host: str, alone: bool) -> None:
    assert is_loopback(host) is alone


@for_each("host", ["0.0.0.0", "::", "192.0.2.1"])  # noqa: S104
def test_other_addresses_need_users_or_a_word(host: str) -> None:
    with pytest.raises(WebError, match=r"no users are configured.*--without-users"):
        check_exposure(host, NOBODY, open_to_all=False)
    with pytest.raises(WebError):  # encryption alone asks nobody who he is
        check_exposure(host, replace(NOBODY, tls=TLS), open_to_all=False)
    check_exposure(host, NOBODY, open_to_all=True)
    check_exposure(host, replace(NOBODY, users={"ann": b""}), open_to_all=False)
    check_exposure(host, replace(NOBODY, tls=TLS._replace(client_auth_type=DEMANDED)), open_to_all=False)


def test_this_machine_needs_none() -> None:
    check_exposure("127.0.0.1", NOBODY, open_to_all=False)


@for_each(
    "name, own",
    [
        ("127.0.0.1:10060", True),
        ("localhost", True),
        ("LocalHost:80", True),
        ("sipwatch.localhost:80", True),
        ("[::1]:10060", True),
        ("evil.example:10060", False),
        ("localhost.evil.example", False),
        ("192.0.2.1", False),
        ("127.0.0.1.evil.example", False),
        ("127.0.0.1@evil.example", False),
        ("evil.example@localhost", False),
        ("evil.example/@localhost", False),
        ("[", False),
        ("", False),
    ],
)
def test_a_name_that_strangers_can_point_here_is_told_from_our_own(name: str, own: bool) -> None:
    assert is_name_of_this_machine(name) is own


def test_who_comes_by_a_strangers_name_is_shown_nothing_unless_he_has_a_password() -> None:
    def why(config: WebConfig, *, open_to_all: bool = False) -> str | None:
        return why_hidden("127.0.0.1", config, open_to_all=open_to_all, asked_as="evil.example:10060")

    assert "they were asked for as evil.example:10060" in (why(NOBODY) or "")
    assert why(NOBODY, open_to_all=True) is None
    assert why(replace(NOBODY, users={"ann": b""})) is None
