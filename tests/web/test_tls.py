"""The words of Go's crypto/tls, done with Python's ssl or refused."""

from __future__ import annotations

import os
import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from sipwatch.web import tls
from sipwatch.web.tls import TlsError, Wanted

if TYPE_CHECKING:
    from tests.web.certificates import Certificates


@pytest.fixture(scope="module")
def usual(certificates: Certificates) -> Wanted:
    server = certificates.server()
    return Wanted(server.cert.read_bytes(), server.key.read_bytes())


def refused(wanted: Wanted) -> tuple[str, str]:
    """Return the setting that is refused, and what is expected instead."""
    with pytest.raises(TlsError) as caught:
        tls.context(wanted)
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


def client_of(usual: Wanted, **settings: Any) -> ssl.SSLContext:
    client = ssl.create_default_context(cadata=usual.cert.decode())
    for name, value in settings.items():
        setattr(client, name, value)
    return client


def test_the_defaults_are_those_of_the_format(usual: Wanted) -> None:
    made = tls.context(usual)
    assert (made.minimum_version, made.maximum_version) == (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
    assert made.verify_mode is ssl.CERT_NONE
    assert made.options & ssl.OP_CIPHER_SERVER_PREFERENCE
    assert made.options & ssl.OP_NO_RENEGOTIATION
    assert shake_hands(made, client_of(usual)).version() == "TLSv1.3"


def test_http_1_1_is_what_is_agreed_on(usual: Wanted) -> None:
    client = client_of(usual)
    client.set_alpn_protocols(["h2", "http/1.1"])
    assert shake_hands(tls.context(usual), client).selected_alpn_protocol() == "http/1.1"


def test_versions_are_bounds(usual: Wanted) -> None:
    older = tls.context(usual._replace(max_version="TLS12"))
    assert shake_hands(older, client_of(usual)).version() == "TLSv1.2"
    newer = tls.context(usual._replace(min_version="TLS13"))
    with pytest.raises(ssl.SSLError):
        shake_hands(newer, client_of(usual, maximum_version=ssl.TLSVersion.TLSv1_2))


@pytest.mark.parametrize("word", ["TLS10", "TLS11", "TLS14", "tls12", ""])
def test_versions_that_are_broken_or_unknown_are_refused(usual: Wanted, word: str) -> None:
    for key, wanted in (
        ("min_version", usual._replace(min_version=word)),
        ("max_version", usual._replace(max_version=word)),
    ):
        name, words = refused(wanted)
        assert (name, words.startswith("TLS12 or TLS13")) == (key, True)


def test_the_least_version_is_not_above_the_greatest(usual: Wanted) -> None:
    key, words = refused(usual._replace(min_version="TLS13", max_version="TLS12"))
    assert (key, "TLS13" in words) == ("max_version", True)


@pytest.mark.parametrize("suite", [suite for suite in tls.CIPHERS if "ECDSA" in suite])
def test_each_suite_that_suits_the_key_is_used_when_it_is_the_only_one(usual: Wanted, suite: str) -> None:
    made = tls.context(usual._replace(cipher_suites=(suite,), max_version="TLS12"))
    client = client_of(usual)
    client.set_ciphers("ALL")
    cipher = shake_hands(made, client).cipher()
    assert cipher is not None
    assert cipher[0] == tls.CIPHERS[suite]


def test_the_servers_order_of_suites_counts_unless_it_is_told_not_to(usual: Wanted) -> None:
    suites = ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")
    chosen = []
    for prefer in (True, False):
        made = tls.context(
            usual._replace(cipher_suites=suites, max_version="TLS12", prefer_server_cipher_suites=prefer)
        )
        client = client_of(usual)
        client.set_ciphers(":".join(tls.CIPHERS[suite] for suite in reversed(suites)))
        cipher = shake_hands(made, client).cipher()
        assert cipher is not None
        chosen.append(cipher[0])
    assert chosen == [tls.CIPHERS[suite] for suite in suites]


@pytest.mark.parametrize("suite", ["TLS_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-SHA", "", "a\nb"])
def test_unknown_suites_are_refused(usual: Wanted, suite: str) -> None:
    key, words = refused(usual._replace(cipher_suites=(*tls.CIPHERS, suite)))
    assert (key, words.endswith(f"not {suite!r}")) == ("cipher_suites", True)


def test_suites_of_tls_13_are_all_or_none(usual: Wanted) -> None:
    tls.context(usual._replace(cipher_suites=(*tls.CIPHERS_13, *tls.CIPHERS)))
    tls.context(usual._replace(cipher_suites=tls.CIPHERS_13))
    key, words = refused(usual._replace(cipher_suites=(*tls.CIPHERS, tls.CIPHERS_13[0])))
    assert (key, "all three" in words) == ("cipher_suites", True)


@pytest.mark.parametrize("openssl_has", [(), ("ECDHE-RSA-AES128-SHA",)])
def test_suites_that_openssl_lacks_are_named(
    usual: Wanted, monkeypatch: pytest.MonkeyPatch, openssl_has: tuple[str, ...]
) -> None:
    monkeypatch.setitem(tls.CIPHERS, "TLS_NEW", "NEW-CIPHER")
    names = [suite for suite, name in tls.CIPHERS.items() if name in openssl_has]
    key, words = refused(usual._replace(cipher_suites=("TLS_NEW", *names)))
    assert (key, words.endswith("it lacks TLS_NEW")) == ("cipher_suites", True)


@pytest.mark.parametrize("curve", tls.CURVES)
def test_a_single_curve_is_used(usual: Wanted, curve: str) -> None:
    made = tls.context(usual._replace(curve_preferences=(curve,)))
    client = client_of(usual)
    other = next(name for name in ("prime256v1", "secp384r1") if name != tls.CURVES[curve])
    client.set_ecdh_curve(tls.CURVES[curve])
    assert shake_hands(made, client).version() == "TLSv1.3"
    client.set_ecdh_curve(other)
    with pytest.raises(ssl.SSLError):
        shake_hands(made, client)


def test_several_curves_and_unknown_ones_are_refused(usual: Wanted, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "a single curve" in refused(usual._replace(curve_preferences=("X25519", "CurveP256")))[1]
    assert refused(usual._replace(curve_preferences=("P-256",)))[1].endswith("not 'P-256'")
    monkeypatch.setitem(tls.CURVES, "Curve9", "curve9")
    assert refused(usual._replace(curve_preferences=("Curve9",)))[1].endswith("it lacks Curve9")


# Certificates and keys


def test_a_certificate_that_is_none_is_refused(usual: Wanted) -> None:
    for cert in (b"", b"\xff", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", usual.key):
        assert refused(usual._replace(cert=cert)) == (
            "cert", "a certificate in PEM: -----BEGIN CERTIFICATE-----"
        )  # fmt: skip


def test_a_key_that_is_none_is_refused(usual: Wanted) -> None:
    garbled = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    for key in (b"", b"\xff", usual.cert, garbled):
        name, words = refused(usual._replace(key=key))
        assert (name, words.startswith("a private key in PEM")) == ("key", True)


def test_a_key_of_another_certificate_is_refused(usual: Wanted, certificates: Certificates) -> None:
    key, words = refused(usual._replace(key=certificates.server("other").key.read_bytes()))
    assert (key, "belongs to the certificate" in words) == ("key", True)


def test_a_key_with_a_passphrase_is_refused_without_asking_for_it(usual: Wanted, certificates: Certificates) -> None:
    key, words = refused(usual._replace(key=certificates.encrypted_key().read_bytes()))
    assert (key, "without a passphrase" in words) == ("key", True)


def test_a_chain_with_words_around_it_is_taken(usual: Wanted, certificates: Certificates) -> None:
    chain = "# Für uns\n".encode() + usual.cert + b"\n# and the CA\n" + certificates.ca().cert.read_bytes()
    shake_hands(tls.context(usual._replace(cert=chain)), client_of(usual))


def test_no_file_stays_open(usual: Wanted) -> None:
    tls.context(usual)
    before = len(os.listdir("/proc/self/fd"))
    tls.context(usual)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("days", [1, 365, 20_000])  # the last is beyond 2050, and written in another way
def test_the_end_of_a_certificate_is_what_openssl_says(certificates: Certificates, days: int) -> None:
    cert = certificates.server(f"days{days}", days=days).cert
    said = certificates.openssl("x509", "-in", cert, "-noout", "-enddate").strip().removeprefix("notAfter=")
    assert tls.not_after(cert.read_bytes()) == ssl.cert_time_to_seconds(said)


def test_the_end_of_a_certificate_may_be_past(certificates: Certificates) -> None:
    expired = certificates.expired().cert.read_bytes()
    assert tls.not_after(expired) == datetime(2020, 2, 1, tzinfo=UTC).timestamp()


# Clients


@pytest.mark.parametrize("word", tls.UNVERIFIED)
def test_certificates_that_are_not_verified_are_not_asked_for(usual: Wanted, word: str) -> None:
    key, words = refused(usual._replace(client_auth_type=word, client_ca=usual.cert))
    assert (key, tls.DEMANDED in words) == ("client_auth_type", True)


@pytest.mark.parametrize(
    ("word", "mode"),
    [(tls.DEMANDED, ssl.CERT_REQUIRED), ("VerifyClientCertIfGiven", ssl.CERT_OPTIONAL)],
)
def test_certificates_that_are_verified_are_asked_for(
    usual: Wanted, certificates: Certificates, word: str, mode: ssl.VerifyMode
) -> None:
    made = tls.context(usual._replace(client_auth_type=word, client_ca=certificates.ca().cert.read_bytes()))
    assert made.verify_mode is mode
    client = client_of(usual)
    client.load_cert_chain(*certificates.client())
    assert shake_hands(made, client).version() == "TLSv1.3"
    stranger = client_of(usual)
    stranger.load_cert_chain(*certificates.client(ca="another"))
    with pytest.raises(ssl.SSLError):
        shake_hands(made, stranger)


def test_clients_settings_that_contradict_each_other_are_refused(usual: Wanted) -> None:
    assert refused(usual._replace(client_auth_type="Never"))[0] == "client_auth_type"
    assert refused(usual._replace(client_auth_type=tls.DEMANDED))[0] == "client_auth_type"
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
    assert tls.canonical(["2001:DB8:0::1", "a.example"]) == {"2001:db8::1", "a.example"}
