"""The words of Go's crypto/tls, done with Python's ssl or refused."""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING, Any

import pytest

from sipwatch.web import tls
from sipwatch.web.tls import TlsError, TlsSettings

if TYPE_CHECKING:
    from tests.web.certificates import Certificates


@pytest.fixture(scope="module")
def usual(certificates: Certificates) -> TlsSettings:
    server = certificates.server()
    return TlsSettings(server.cert.read_bytes(), server.key.read_bytes())


def made_of(wanted: TlsSettings, told: list[str] | None = None) -> ssl.SSLContext:
    """Make a context; ``told`` is where it says which handshakes failed."""
    lines: list[str] = [] if told is None else told
    return tls.context(wanted, lines.append)


def refused(wanted: TlsSettings) -> tuple[str, str]:
    """Return the setting that is refused, and what is expected instead."""
    with pytest.raises(TlsError) as caught:
        made_of(wanted)
    assert "\n" not in str(caught.value)
    return caught.value.key, str(caught.value)


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> ssl.SSLObject:
    """Let two contexts talk in memory; return the client's end. Raises ssl.SSLError of either."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname="localhost"),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(10):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return ends[0]


def client_of(usual: TlsSettings, **settings: Any) -> ssl.SSLContext:
    client = ssl.create_default_context(cadata=usual.cert.decode())
    for name, value in settings.items():
        setattr(client, name, value)
    return client


def test_the_defaults_are_those_of_the_format(usual: TlsSettings) -> None:
    made = made_of(usual)
    assert (made.minimum_version, made.maximum_version) == (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
    assert made.verify_mode is ssl.CERT_NONE
    assert made.options & ssl.OP_NO_RENEGOTIATION
    assert shake_hands(made, client_of(usual)).version() == "TLSv1.3"


def test_http_1_1_is_what_is_agreed_on(usual: TlsSettings) -> None:
    client = client_of(usual)
    client.set_alpn_protocols(["h2", "http/1.1"])
    assert shake_hands(made_of(usual), client).selected_alpn_protocol() == "http/1.1"


def test_versions_are_bounds(usual: TlsSettings) -> None:
    older = made_of(usual._replace(max_version="TLS12"))
    assert shake_hands(older, client_of(usual)).version() == "TLSv1.2"
    newer = made_of(usual._replace(min_version="TLS13"))
    with pytest.raises(ssl.SSLError):
        shake_hands(newer, client_of(usual, maximum_version=ssl.TLSVersion.TLSv1_2))


@pytest.mark.parametrize("word", tls.BROKEN_VERSIONS)
def test_a_broken_version_is_raised_to_one_that_is_not(usual: TlsSettings, word: str) -> None:
    made = made_of(usual._replace(min_version=word, max_version=word))
    assert made.minimum_version is made.maximum_version is ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("word", ["TLS14", "tls12", ""])
def test_versions_that_are_unknown_are_refused(usual: TlsSettings, word: str) -> None:
    for key, wanted in (
        ("min_version", usual._replace(min_version=word)),
        ("max_version", usual._replace(max_version=word)),
    ):
        name, words = refused(wanted)
        assert (name, words == "TLS12 or TLS13") == (key, True)


def test_the_least_version_is_not_above_the_greatest(usual: TlsSettings) -> None:
    key, words = refused(usual._replace(min_version="TLS13", max_version="TLS12"))
    assert (key, "TLS13" in words) == ("max_version", True)


# Certificates and keys


def test_a_certificate_that_is_none_is_refused(usual: TlsSettings) -> None:
    for cert in (b"", b"\xff", usual.key):
        assert refused(usual._replace(cert=cert)) == (
            "cert", "a certificate in PEM: -----BEGIN CERTIFICATE-----"
        )  # fmt: skip


def test_a_key_that_is_none_is_refused(usual: TlsSettings) -> None:
    for key in (b"", b"\xff", usual.cert):
        assert refused(usual._replace(key=key)) == ("key", "a private key in PEM: -----BEGIN PRIVATE KEY-----")


def test_what_is_garbled_is_refused(usual: TlsSettings) -> None:
    garbled = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    for wanted in (
        usual._replace(cert=garbled),
        usual._replace(key=garbled.replace(b"CERTIFICATE", b"PRIVATE KEY")),
    ):
        key, words = refused(wanted)
        assert (key, words.startswith("a certificate and its private key that OpenSSL takes")) == ("cert", True)


def test_a_key_of_another_certificate_is_refused(usual: TlsSettings, certificates: Certificates) -> None:
    key, words = refused(usual._replace(key=certificates.server("other").key.read_bytes()))
    assert (key, "belongs to the certificate" in words) == ("key", True)


def test_a_key_with_a_passphrase_is_refused_without_asking_for_it(
    usual: TlsSettings, certificates: Certificates
) -> None:
    key, words = refused(usual._replace(key=certificates.encrypted_key().read_bytes()))
    assert (key, "without a passphrase" in words) == ("key", True)


def test_a_chain_with_words_around_it_is_taken(usual: TlsSettings, certificates: Certificates) -> None:
    chain = "# Für uns\n".encode() + usual.cert + b"\n# and the CA\n" + certificates.ca().cert.read_bytes()
    shake_hands(made_of(usual._replace(cert=chain)), client_of(usual))


def test_no_file_stays_open(usual: TlsSettings) -> None:
    made_of(usual)
    before = len(os.listdir("/proc/self/fd"))
    made_of(usual)
    assert len(os.listdir("/proc/self/fd")) == before


# Clients


@pytest.mark.parametrize("word", tls.UNVERIFIED)
def test_certificates_that_are_not_verified_are_not_asked_for(usual: TlsSettings, word: str) -> None:
    assert made_of(usual._replace(client_auth_type=word, client_ca=usual.cert)).verify_mode is ssl.CERT_NONE


def test_without_a_ca_the_systems_are_trusted_as_in_go(usual: TlsSettings, certificates: Certificates) -> None:
    made = made_of(usual._replace(client_auth_type=tls.DEMANDED))
    assert made.verify_mode is ssl.CERT_REQUIRED
    stranger = client_of(usual)
    stranger.load_cert_chain(*certificates.client())
    with pytest.raises(ssl.SSLError):
        shake_hands(made, stranger)


def test_a_handshake_that_fails_is_told_once(usual: TlsSettings) -> None:
    told: list[str] = []
    made = made_of(usual._replace(min_version="TLS13"), told)
    with pytest.raises(ssl.SSLError):
        shake_hands(made, client_of(usual, maximum_version=ssl.TLSVersion.TLSv1_2))
    assert told == ["unsupported protocol"]


@pytest.mark.parametrize(
    ("word", "mode"),
    [(tls.DEMANDED, ssl.CERT_REQUIRED), ("VerifyClientCertIfGiven", ssl.CERT_OPTIONAL)],
)
def test_certificates_that_are_verified_are_asked_for(
    usual: TlsSettings, certificates: Certificates, word: str, mode: ssl.VerifyMode
) -> None:
    made = made_of(usual._replace(client_auth_type=word, client_ca=certificates.ca().cert.read_bytes()))
    assert made.verify_mode is mode
    client = client_of(usual)
    client.load_cert_chain(*certificates.client())
    assert shake_hands(made, client).version() == "TLSv1.3"
    stranger = client_of(usual)
    stranger.load_cert_chain(*certificates.client(ca="another"))
    with pytest.raises(ssl.SSLError):
        shake_hands(made, stranger)


def test_clients_settings_that_contradict_each_other_are_refused(usual: TlsSettings) -> None:
    assert refused(usual._replace(client_auth_type="Never"))[0] == "client_auth_type"
    assert refused(usual._replace(client_ca=usual.cert))[0] == "client_ca"
    optional = usual._replace(client_auth_type="VerifyClientCertIfGiven", client_ca=usual.cert)
    assert refused(optional._replace(client_allowed_sans=("a",)))[0] == "client_allowed_sans"
    for client_ca in (b"", usual.key, b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        demanded = usual._replace(client_auth_type=tls.DEMANDED, client_ca=client_ca)
        assert refused(demanded)[0] == "client_ca"


def test_names_are_compared_as_go_writes_them() -> None:
    peer = {
        "subjectAltName": (
            ("DNS", "a.example"),
            ("IP Address", "192.0.2.1"),
            ("IP Address", "2001:DB8:0:0:0:0:0:1"),
            ("URI", "spiffe://x/y"),
            ("email", "a@b.example"),
            ("DirName", (("commonName", "x"),)),
        )
    }
    expected = {"a.example", "192.0.2.1", "2001:db8::1", "spiffe://x/y", "a@b.example"}
    assert tls.names_of(peer) == expected
    assert tls.names_of({}) == frozenset()
    assert tls.canonical_names(["2001:DB8:0::1", "a.example"]) == {"2001:db8::1", "a.example"}
