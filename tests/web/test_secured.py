"""The server with a web configuration: TLS, clients' certificates, users, and a configuration that changes."""

from __future__ import annotations

import contextlib
import http.client
import ssl
from typing import TYPE_CHECKING

import pytest

from sipwatch.web import tls
from tests.web.serving import (
    ask,
    ask_on,
    basic,
    connection,
    dial,
    everything,
    hashed,
    serving,
    tls_config,
    trusting,
    until,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.web.certificates import Certificates

# TLS


def clients_config(folder: Path, certificates: Certificates, more: str = "", word: str = tls.DEMANDED) -> Path:
    """Write a configuration that asks clients for certificates."""
    ca = certificates.ca().cert
    return tls_config(folder, certificates, f"  client_auth_type: {word}\n  client_ca_file: {ca}\n{more}")


def test_figures_come_by_tls(tmp_path: Path, certificates: Certificates) -> None:
    with serving(web_config=tls_config(tmp_path, certificates)) as (server, log):
        trusted = trusting(certificates.server().cert)
        with contextlib.closing(connection(server.address, trusted)) as made:
            for _ in range(2):
                assert b"sipwatch_calls_started_total" in ask_on(made, "/metrics").body
        assert log.lines == []


def test_what_is_no_handshake_is_one_line_each(tmp_path: Path, certificates: Certificates) -> None:
    with serving(web_config=tls_config(tmp_path, certificates)) as (server, log):
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            ask(server.address, "/")
        with dial(server.address) as made:
            made.sendall(b"\x16\x03\x01\x00\x05hello" * 10)
            everything(made)
        with pytest.raises(ssl.SSLError):
            ask(server.address, "/", tls=ssl.create_default_context())  # does not trust this certificate
        old = trusting(certificates.server().cert)
        old.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask(server.address, "/", tls=old)
        with dial(server.address):
            pass  # only looks whether somebody is there
        until(lambda: len(log.lines) == 4, "four lines")
        assert ask(server.address, "/", tls=trusting(certificates.server().cert)).status == 200
        assert log.lines[0] == 'WARNING tls_failed reason="plain HTTP at a TLS port"'
        assert log.lines[2] == 'WARNING tls_failed reason="tlsv1 alert unknown ca"'
        assert log.lines[3] == 'WARNING tls_failed reason="no shared cipher"'
        assert all(line.startswith("WARNING tls_failed reason=") for line in log.lines)


def test_who_does_not_shake_hands_keeps_nobody_waiting(tmp_path: Path, certificates: Certificates) -> None:
    with serving(web_config=tls_config(tmp_path, certificates)) as (server, _), dial(server.address):
        assert ask(server.address, "/", tls=trusting(certificates.server().cert)).status == 200


def refused_by(address: str, context: ssl.SSLContext) -> bool:
    """Tell whether a client is refused: by TLS 1.3 it learns that only when it reads."""
    try:
        ask(address, "/", tls=context)
    except (ssl.SSLError, ConnectionError, http.client.HTTPException):
        return True
    return False


def test_only_clients_with_a_certificate_of_the_ca_are_served(tmp_path: Path, certificates: Certificates) -> None:
    with serving(web_config=clients_config(tmp_path, certificates)) as (server, log):
        cert = certificates.server().cert
        assert ask(server.address, "/", tls=trusting(cert, certificates.client())).status == 200
        assert log.lines == []
        assert refused_by(server.address, trusting(cert))
        assert refused_by(server.address, trusting(cert, certificates.client(ca="another")))
        until(lambda: len(log.of("tls_failed")) == 2, "two lines")


def test_a_certificate_may_be_left_out_but_not_be_anybodys(tmp_path: Path, certificates: Certificates) -> None:
    config = clients_config(tmp_path, certificates, word="VerifyClientCertIfGiven")
    with serving(web_config=config) as (server, _):
        cert = certificates.server().cert
        assert ask(server.address, "/", tls=trusting(cert)).status == 200
        assert ask(server.address, "/", tls=trusting(cert, certificates.client())).status == 200
        assert refused_by(server.address, trusting(cert, certificates.client(ca="another")))


@pytest.mark.parametrize(
    "name", ["prometheus.example", "ops@example.com", "2001:DB8::7", "spiffe://example/prometheus"]
)
def test_a_clients_certificate_has_an_allowed_name(tmp_path: Path, certificates: Certificates, name: str) -> None:
    config = clients_config(tmp_path, certificates, f"  client_allowed_sans: ['other.example', '{name}']\n")
    with serving(web_config=config) as (server, log):
        cert = certificates.server().cert
        assert ask(server.address, "/", tls=trusting(cert, certificates.client())).status == 200
        assert refused_by(server.address, trusting(cert, certificates.client("DNS:prometheus.example.com")))
        reason = "client certificate: none of its names is in client_allowed_sans"
        assert log.lines == [f'WARNING tls_failed reason="{reason}"']


# Users


def test_users_over_tls(tmp_path: Path, certificates: Certificates) -> None:
    config = tls_config(tmp_path, certificates, f"basic_auth_users:\n  anna: {hashed('secret')}\n")
    with serving(web_config=config) as (server, log):
        trusted = trusting(certificates.server().cert)
        statuses = [
            ask(server.address, "/metrics", headers=headers, tls=trusted).status
            for headers in (
                basic("anna", "secret"),
                {},
                basic("anna", "wrong"),
                basic("bert", "secret"),
                {"Authorization": "Basic =garbled="},
                basic("anna", "secret"),
            )
        ]
        assert statuses == [200, 401, 401, 401, 401, 200]
        assert log.lines == [
            "WARNING unauthorized user=anna client=127.0.0.1",
            "WARNING unauthorized user=bert client=127.0.0.1",
            'WARNING unauthorized client=127.0.0.1 reason="no basic authentication"',
        ]


# A configuration that changes


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sipwatch.web.current.LOOK_EVERY", 0)
    monkeypatch.setattr("sipwatch.web.server.LOOK_EVERY", 0)


def replace(path: Path, text: str) -> None:
    """Change a file as careful programs do."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


@pytest.mark.usefixtures("impatient")
def test_users_come_and_go_on_a_connection_that_is_kept(tmp_path: Path) -> None:
    config = tmp_path / "web.yml"
    config.write_text("")
    with serving(web_config=config) as (server, log), contextlib.closing(connection(server.address)) as made:
        assert ask_on(made, "/").status == 200
        replace(config, f"basic_auth_users: {{anna: {hashed('secret')}}}\n")
        assert ask_on(made, "/").status == 401
        assert ask_on(made, "/", headers=basic("anna", "secret")).status == 200
        replace(config, "basic_auth_users: {anna: secret}\n")
        assert ask_on(made, "/").status == 401
        assert ask_on(made, "/", headers=basic("anna", "secret")).status == 200
        replace(config, "")
        assert ask_on(made, "/").status == 200
        assert [line.split()[1] for line in log.lines] == [
            "web_configuration_read",
            "web_configuration_kept",
            "web_configuration_read",
        ]


@pytest.mark.usefixtures("impatient")
def test_a_renewed_certificate_is_shown_to_the_next_connection(tmp_path: Path, certificates: Certificates) -> None:
    config = tls_config(tmp_path, certificates)
    with serving(web_config=config) as (server, _):
        old, new = trusting(certificates.server().cert), trusting(certificates.server("other").cert)
        assert ask(server.address, "/", tls=old).status == 200
        tls_config(tmp_path, certificates, server="other")
        until(lambda: not refused_by(server.address, new), "the new certificate")
        assert refused_by(server.address, old)


@pytest.mark.usefixtures("impatient")
def test_connections_made_before_tls_was_demanded_end(tmp_path: Path, certificates: Certificates) -> None:
    config = tmp_path / "web.yml"
    config.write_text("")
    with serving(web_config=config) as (server, _), contextlib.closing(connection(server.address)) as made:
        assert ask_on(made, "/").status == 200
        tls_config(tmp_path, certificates)
        until(lambda: not refused_by(server.address, trusting(certificates.server().cert)), "TLS")
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            ask_on(made, "/")


@pytest.mark.usefixtures("impatient")
def test_a_configuration_out_of_reach_changes_nothing(tmp_path: Path, certificates: Certificates) -> None:
    config = tls_config(tmp_path, certificates)
    with serving(web_config=config) as (server, log):
        config.unlink()
        for _ in range(3):
            assert ask(server.address, "/", tls=trusting(certificates.server().cert)).status == 200
        assert len(log.lines) == len(log.of("web_configuration_kept")) == 1
