"""From the words of a web configuration to a TLS context of Python's ssl; ciphers and curves are OpenSSL's choice.

Must not know: files, connections. The words are those of Go's crypto/tls.
"""

from __future__ import annotations

import contextlib
import os
import re
import ssl
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

DEMANDED = "RequireAndVerifyClientCert"
CLIENT_AUTH = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    DEMANDED: ssl.CERT_REQUIRED,
}
# A certificate that is asked for and not verified, which anybody can make: ssl has no such mode, and needs none.
UNVERIFIED = ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert")
VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
BROKEN_VERSIONS = ("TLS10", "TLS11")  # RFC 8996
_PRIVATE_KEY = re.compile(rb"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----")
_NO_MATCH = "client certificate: none of its names is in client_allowed_sans"


class TlsError(Exception):
    """A setting that cannot be used: ``key`` is its name, the text says what is expected instead."""

    def __init__(self, key: str, expected: str) -> None:
        super().__init__(expected)
        self.key = key


class _EncryptedKey(Exception):  # noqa: N818 - no error: what OpenSSL's question for a passphrase is answered with
    pass


class TlsSettings(NamedTuple):
    """What a web configuration says of TLS. ``cert``, ``key`` and ``client_ca`` are PEM."""

    cert: bytes
    key: bytes
    client_ca: bytes | None = None
    client_auth_type: str = "NoClientCert"
    min_version: str = "TLS12"
    max_version: str = "TLS13"
    client_allowed_sans: tuple[str, ...] = ()


def context(wanted: TlsSettings, failed: Callable[[str], None]) -> ssl.SSLContext:
    """Make a server's context; ``failed`` is told of handshakes that fail, and why. Raises TlsError."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.set_alpn_protocols(["http/1.1"])
    made.options |= ssl.OP_NO_RENEGOTIATION  # which costs a server more than a client
    made.minimum_version, made.maximum_version = _version("min_version", wanted), _version("max_version", wanted)
    if made.minimum_version > made.maximum_version:
        raise TlsError("max_version", f"a version that is not below min_version, {wanted.min_version}")
    _set_certificate(made, wanted)
    _set_clients(made, wanted)
    made.sslobject_class = _handshakes(canonical_names(wanted.client_allowed_sans), failed)
    return made


def _version(key: str, wanted: TlsSettings) -> ssl.TLSVersion:
    word = wanted.min_version if key == "min_version" else wanted.max_version
    if word in BROKEN_VERSIONS:
        return ssl.TLSVersion.TLSv1_2
    if word not in VERSIONS:
        raise TlsError(key, "TLS12 or TLS13")
    return VERSIONS[word]


def _set_certificate(made: ssl.SSLContext, wanted: TlsSettings) -> None:
    if b"-----BEGIN CERTIFICATE-----" not in wanted.cert:
        raise TlsError("cert", "a certificate in PEM: -----BEGIN CERTIFICATE-----")
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
        raise TlsError("cert", f"a certificate and its private key that OpenSSL takes ({_reason(error)})") from None
    except OSError as error:
        raise TlsError("cert", f"/proc to be mounted: OpenSSL is given files there ({error.strerror})") from None


def _set_clients(made: ssl.SSLContext, wanted: TlsSettings) -> None:
    word = wanted.client_auth_type or "NoClientCert"
    if word not in (*CLIENT_AUTH, *UNVERIFIED):
        raise TlsError("client_auth_type", f"one of {', '.join(CLIENT_AUTH)}")
    if wanted.client_allowed_sans and word != DEMANDED:
        raise TlsError("client_allowed_sans", f"client_auth_type: {DEMANDED} beside it")
    mode = CLIENT_AUTH.get(word, ssl.CERT_NONE)
    if wanted.client_ca is not None:
        if mode is ssl.CERT_NONE and word not in UNVERIFIED:
            raise TlsError("client_ca", f"client_auth_type: {DEMANDED} beside it, or no client CA")
        try:
            made.load_verify_locations(cadata=wanted.client_ca.decode("ascii", "replace"))
        except (ssl.SSLError, ValueError):
            raise TlsError("client_ca", "certificates in PEM: -----BEGIN CERTIFICATE-----") from None
    elif mode is not ssl.CERT_NONE:
        made.load_default_certs(ssl.Purpose.CLIENT_AUTH)  # the system's, as Go does
    made.verify_mode = mode


# Handshakes


def _handshakes(allowed: frozenset[str], failed: Callable[[str], None]) -> type[ssl.SSLObject]:
    """Make the class of connections whose handshake fails where no name of the client's is allowed, and is told of."""

    class Handshake(ssl.SSLObject):
        def do_handshake(self) -> None:
            try:
                super().do_handshake()
                _check_names(self, allowed)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except ssl.SSLError as error:
                failed(handshake_failure(error))
                raise

    return Handshake


def _check_names(connection: ssl.SSLObject, allowed: frozenset[str]) -> None:
    if allowed and not allowed & names_of(connection.getpeercert() or {}):
        raise ssl.SSLError(ssl.SSL_ERROR_SSL, _NO_MATCH)


def canonical_names(names: Iterable[str]) -> frozenset[str]:
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
    return canonical_names(value for kind, value in given if kind in kinds) if isinstance(given, tuple) else frozenset()


def handshake_failure(error: ssl.SSLError) -> str:
    """Say in a few words why a handshake failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"client certificate: {error.verify_message}"
    if getattr(error, "reason", None) is None:  # made here, not by OpenSSL
        return str(error.args[-1])
    return "plain HTTP at a TLS port" if error.reason == "HTTP_REQUEST" else _reason(error)


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
