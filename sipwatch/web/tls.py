"""From the words of a web configuration to a TLS context; what Python's ssl cannot do is refused.

Must not know: files, connections. The words are those of Go's crypto/tls.
"""

from __future__ import annotations

import contextlib
import os
import re
import ssl
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

DEMANDED = "RequireAndVerifyClientCert"
CLIENT_AUTH = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    DEMANDED: ssl.CERT_REQUIRED,
}
# A certificate that is asked for and not verified: ssl has no such mode. The third is an old name of the second.
UNVERIFIED = ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert")
VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
BROKEN_VERSIONS = ("TLS10", "TLS11")  # RFC 8996
CIPHERS = {
    f"TLS_ECDHE_{key}_WITH_{go}": f"ECDHE-{key}-{openssl}"
    for key in ("ECDSA", "RSA")
    for go, openssl in (
        ("AES_128_GCM_SHA256", "AES128-GCM-SHA256"),
        ("AES_256_GCM_SHA384", "AES256-GCM-SHA384"),
        ("CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305"),
        ("AES_128_CBC_SHA", "AES128-SHA"),
        ("AES_256_CBC_SHA", "AES256-SHA"),
    )
}
CIPHERS_13 = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
CURVES = {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"}
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL | re.ASCII)
_PRIVATE_KEY = re.compile(rb"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----")


class TlsError(Exception):
    """A setting that cannot be used: ``key`` is its name, the text says what is expected instead."""

    def __init__(self, key: str, expected: str) -> None:
        super().__init__(expected)
        self.key = key


class _EncryptedKey(Exception):  # noqa: N818 - no error: what OpenSSL's question for a passphrase is answered with
    pass


class Wanted(NamedTuple):
    """What a web configuration says of TLS. ``cert``, ``key`` and ``client_ca`` are PEM."""

    cert: bytes
    key: bytes
    client_ca: bytes | None = None
    client_auth_type: str = "NoClientCert"
    min_version: str = "TLS12"
    max_version: str = "TLS13"
    client_allowed_sans: tuple[str, ...] = ()
    cipher_suites: tuple[str, ...] = ()
    curve_preferences: tuple[str, ...] = ()
    prefer_server_cipher_suites: bool = True


def context(wanted: Wanted) -> ssl.SSLContext:
    """Make a server's context. Raises TlsError."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.set_alpn_protocols(["http/1.1"])
    made.options |= ssl.OP_NO_RENEGOTIATION  # which costs a server more than a client
    if not wanted.prefer_server_cipher_suites:
        made.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    _set_versions(made, wanted)
    _set_ciphers(made, wanted)
    _set_curve(made, wanted.curve_preferences)
    _set_certificate(made, wanted)
    _set_clients(made, wanted)
    return made


def _set_versions(made: ssl.SSLContext, wanted: Wanted) -> None:
    for key, word in (("min_version", wanted.min_version), ("max_version", wanted.max_version)):
        if word in BROKEN_VERSIONS:
            raise TlsError(key, "TLS12 or TLS13: older ones are broken (RFC 8996), and OpenSSL does not offer them")
        if word not in VERSIONS:
            raise TlsError(key, "TLS12 or TLS13")
    if VERSIONS[wanted.min_version] > VERSIONS[wanted.max_version]:
        raise TlsError("max_version", f"a version that is not below min_version, {wanted.min_version}")
    made.minimum_version = VERSIONS[wanted.min_version]
    made.maximum_version = VERSIONS[wanted.max_version]


def _set_ciphers(made: ssl.SSLContext, wanted: Wanted) -> None:
    names = []
    for suite in wanted.cipher_suites:
        if suite in CIPHERS:
            names.append(CIPHERS[suite])
        elif suite not in CIPHERS_13:
            raise TlsError("cipher_suites", f"suites out of {', '.join([*CIPHERS, *CIPHERS_13])}, not {suite!r}")
    of_13 = set(CIPHERS_13) & set(wanted.cipher_suites)
    if of_13 and len(of_13) < len(CIPHERS_13):
        raise TlsError("cipher_suites", "all three suites of TLS 1.3 or none of them: ssl lets nobody choose")
    if not names:
        return
    with contextlib.suppress(ssl.SSLError):  # not one of them is known
        made.set_ciphers(":".join(names))
    offered = {cipher["name"] for cipher in made.get_ciphers()}
    missing = [suite for suite in wanted.cipher_suites if suite in CIPHERS and CIPHERS[suite] not in offered]
    if missing:
        raise TlsError("cipher_suites", f"suites that this OpenSSL has; it lacks {', '.join(missing)}")


def _set_curve(made: ssl.SSLContext, curves: tuple[str, ...]) -> None:
    for curve in curves:
        if curve not in CURVES:
            raise TlsError("curve_preferences", f"one of {', '.join(CURVES)}, not {curve!r}")
    if len(curves) > 1:
        raise TlsError("curve_preferences", "a single curve: ssl takes no order of several")
    for curve in curves:
        try:
            made.set_ecdh_curve(CURVES[curve])
        except (ssl.SSLError, ValueError):
            raise TlsError("curve_preferences", f"a curve that this OpenSSL has; it lacks {curve}") from None


def _set_certificate(made: ssl.SSLContext, wanted: Wanted) -> None:
    _first_certificate(wanted.cert)
    if not _PRIVATE_KEY.search(wanted.key):
        raise TlsError("key", "a private key in PEM: -----BEGIN PRIVATE KEY-----")
    try:
        with _as_file(wanted.cert) as cert, _as_file(wanted.key) as key:
            made.load_cert_chain(cert, key, password=_no_passphrase)
    except _EncryptedKey:
        raise TlsError("key", "a private key without a passphrase: nobody is there to type it") from None
    except ssl.SSLError as error:
        if error.reason in {"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH"}:
            raise TlsError("key", "the private key that belongs to the certificate; this is another one") from None
        if error.reason in {"EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK"}:
            raise TlsError("cert", f"a certificate that OpenSSL holds to be safe ({_reason(error)})") from None
        raise TlsError("key", f"a private key in PEM that OpenSSL can read ({_reason(error)})") from None
    except OSError as error:
        raise TlsError("cert", f"/proc to be mounted: OpenSSL is given files there ({error.strerror})") from None


def _set_clients(made: ssl.SSLContext, wanted: Wanted) -> None:
    word = wanted.client_auth_type or "NoClientCert"
    if word in UNVERIFIED:
        raise TlsError("client_auth_type", f"{DEMANDED}: Python's ssl cannot ask for certificates without verifying")
    if word not in CLIENT_AUTH:
        raise TlsError("client_auth_type", f"one of {', '.join(CLIENT_AUTH)}")
    if wanted.client_allowed_sans and word != DEMANDED:
        raise TlsError("client_allowed_sans", f"client_auth_type: {DEMANDED} beside it")
    if wanted.client_ca is None:
        if CLIENT_AUTH[word] is not ssl.CERT_NONE:
            raise TlsError("client_auth_type", "client_ca_file beside it: whose certificates are to be trusted?")
        return
    if CLIENT_AUTH[word] is ssl.CERT_NONE:
        raise TlsError("client_ca", f"client_auth_type: {DEMANDED} beside it, or no client CA")
    blocks = _certificates(wanted.client_ca)
    try:
        made.load_verify_locations(cadata="\n".join(blocks))
    except (ssl.SSLError, ValueError):
        blocks = []
    if not blocks:
        raise TlsError("client_ca", "certificates in PEM: -----BEGIN CERTIFICATE-----")
    made.verify_mode = CLIENT_AUTH[word]


# Certificates


def _certificates(pem: bytes) -> list[str]:
    """Return the certificates of a PEM file, whatever else stands in it."""
    return _CERTIFICATE.findall(pem.decode("ascii", "replace"))


def _first_certificate(pem: bytes) -> bytes:
    """Return the certificate that a server shows as its own, in DER. Raises TlsError."""
    try:
        der = ssl.PEM_cert_to_DER_cert(_certificates(pem)[0])
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=der)
    except (IndexError, ValueError, ssl.SSLError):
        raise TlsError("cert", "a certificate in PEM: -----BEGIN CERTIFICATE-----") from None
    return der


def not_after(pem: bytes) -> float:
    """Return when a certificate that OpenSSL could read expires, in seconds since 1970 (RFC 5280 section 4.1)."""
    der = _first_certificate(pem)
    _, at, _ = _element(der, 0)  # Certificate
    _, at, _ = _element(der, at)  # TBSCertificate
    tag, _, end = _element(der, at)
    if tag == 0xA0:  # version, which a certificate of version 1 has not
        at = end
    for _ in range(3):  # serialNumber, signature, issuer
        _, _, at = _element(der, at)
    _, at, _ = _element(der, at)  # validity
    _, _, at = _element(der, at)  # notBefore
    tag, start, end = _element(der, at)
    text = der[start:end].decode("ascii")
    if tag == 0x17:  # UTCTime: 50 to 99 are 1950 to 1999
        text = ("19" if text >= "5" else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()


def _element(der: bytes, at: int) -> tuple[int, int, int]:
    """Return tag, start and end of the contents of the DER element at this place (X.690 section 8.1)."""
    length, start = der[at + 1], at + 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[at + 2 : start], "big")
    return der[at], start, start + length


def canonical(names: Iterable[str]) -> frozenset[str]:
    """Return names of certificates with IP addresses as Go writes them: ssl writes those of IPv6 at length."""
    return frozenset(_canonical(name) for name in names)


def _canonical(name: str) -> str:
    with contextlib.suppress(ValueError):
        return str(ip_address(name.strip()))
    return name


def names_of(peer: Mapping[str, object]) -> frozenset[str]:
    """Return the Subject Alternative Names of a client's verified certificate, as ``getpeercert`` gives it."""
    given = peer.get("subjectAltName", ())
    kinds = ("DNS", "IP Address", "URI", "email")
    return canonical(value for kind, value in given if kind in kinds) if isinstance(given, tuple) else frozenset()


def explain(error: OSError) -> str:
    """Say in a few words why a handshake failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"client certificate: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return "plain HTTP at a TLS port" if error.reason == "HTTP_REQUEST" else _reason(error)
    return error.strerror or str(error)


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or "unknown").lower().replace("_", " ")


def _no_passphrase() -> NoReturn:
    raise _EncryptedKey


@contextlib.contextmanager
def _as_file(data: bytes) -> Iterator[str]:
    """Give data a name, without writing a private key to a disk: OpenSSL's door for it takes names only."""
    with os.fdopen(os.memfd_create("sipwatch"), "wb") as file:
        file.write(data)
        file.flush()
        yield f"/proc/self/fd/{file.fileno()}"
