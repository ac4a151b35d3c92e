"""The options that speak of HEP, and what is opened for them.

Must not know: what is sent or received.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from sipwatch.cli.options import value
from sipwatch.cli.words import fail, why

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from sipwatch.capture.hep import HepListeners
    from sipwatch.config import Config
    from sipwatch.config.hep import HepSettings
    from sipwatch.shell.hep_out import HepOut
    from sipwatch.shell.log import Log

    Endpoint = tuple[str, str, int]

_TARGET = "KIND:HOST:PORT"
HepFrom = Annotated[
    list[str] | None,
    value(_TARGET, "Let agents send HEP here, over udp, tcp or tls; may be repeated, and beside -i.", "--hep"),
]
HepTo = Annotated[
    list[str] | None,
    value(_TARGET, "Send what is captured on as HEP 3, over udp, tcp or tls; may be repeated.", "--hep-to"),
]
HepKeyFile = Annotated[
    str | None, value("FILE", "The key that agents must send; instead of key_file in the configuration.")
]
HepCert = Annotated[
    str | None, value("FILE", "Certificate for --hep tls:..., PEM; instead of certificate in the configuration.")
]
HepCertKey = Annotated[str | None, value("FILE", "Its private key; instead of certificate_key in the configuration.")]
_ENDPOINT = re.compile(r"(udp|tcp|tls):(?:\[([0-9A-Fa-f:.%\w]+)\]|([^\[\]:\s]+)):([0-9]{1,5})")
_MAX_ENDPOINTS = 16
_MAX_QUOTE_LENGTH = 60  # characters of a value that are repeated


def endpoints(given: Sequence[str] | None, option: str) -> list[Endpoint]:
    """Read values such as ``udp:127.0.0.1:9060`` and ``tls:[2001:db8::1]:9061``."""
    found = [_endpoint(text, option) for text in dict.fromkeys(given or ())]
    if len(found) > _MAX_ENDPOINTS:
        raise typer.BadParameter(f"{len(found)} of them; there may be {_MAX_ENDPOINTS}", param_hint=option)
    return found


def _endpoint(text: str, option: str) -> Endpoint:
    match = _ENDPOINT.fullmatch(text)
    if match is None or int(match[4]) > 65_535:
        quoted = repr(text[:_MAX_QUOTE_LENGTH])
        words = f"{quoted} is not udp, tcp or tls, an address and a port, such as udp:127.0.0.1:9060"
        raise typer.BadParameter(words, param_hint=option)
    return match[1], match[2] or match[3], int(match[4])


def hep_key(path: str | None) -> bytes:
    """Read the key that agents must send; what is wrong with the file ends the program."""
    from sipwatch.config.hep import secret_of

    try:
        return b"" if path is None else secret_of(path)
    except ValueError as error:
        fail(f"{path}: {error}")


def with_certificate(settings: HepSettings, certificate: str | None, key: str | None) -> HepSettings:
    """Return settings with the certificate and key that were named instead of theirs, if any was."""
    if certificate is None and key is None:
        return settings
    return settings._replace(certificate=certificate, certificate_key=key)


def listeners(wanted: list[Endpoint], settings: HepSettings) -> HepListeners | None:
    """Open what agents send to. Raises CaptureError; what is wrong with the certificate ends the program."""
    if not wanted:
        return None
    from sipwatch.capture.hep import HepListeners

    over_tls = any(kind == "tls" for kind, _, _ in wanted)
    return HepListeners(wanted, _server_context(settings) if over_tls else None)


def sender(targets: list[Endpoint], config: Config, log: Log) -> HepOut | None:
    """Prepare sending to targets; it begins when it is started."""
    if not targets:
        return None
    from sipwatch.shell.hep_out import HepOut
    from sipwatch.wire.hep import Agent

    over_tls = any(kind == "tls" for kind, _, _ in targets)
    agent = Agent(config.hep.send_id, config.hep.send_key)
    return HepOut(targets, agent, _client_context(config.hep.send_ca) if over_tls else None, log)


def _server_context(settings: HepSettings) -> ssl.SSLContext:
    from sipwatch.web.tls import TlsError, TlsSettings, context

    if settings.certificate is None or settings.certificate_key is None:
        fail("--hep tls:... needs --hep-cert and --hep-cert-key, or both in [hep] of the configuration")
    try:
        return context(TlsSettings(_pem(settings.certificate), _pem(settings.certificate_key)), lambda _: None)
    except TlsError as error:
        path = settings.certificate if error.key == "cert" else settings.certificate_key
        fail(f"{path}: expected {error}")


def _client_context(authorities: str | None) -> ssl.SSLContext:
    import ssl

    try:
        return ssl.create_default_context(cafile=authorities)
    except ssl.SSLError:
        fail(f"{authorities}: expected certificates in PEM")
    except OSError as error:
        fail(f"{authorities}: {why(error)}")


def _pem(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(1 << 20)
    except OSError as error:
        fail(f"{path}: {why(error)}")
