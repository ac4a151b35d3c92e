"""Who called whom is shown to this machine alone, unless there are users, or somebody says that all may see it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipwatch.web.exposure import check_exposure, is_loopback
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
