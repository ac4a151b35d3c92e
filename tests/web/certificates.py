"""Certificates made by the openssl command: a server's, a CA with a client's, and ones that are not as they should be.

Must not know: web servers.
"""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from pathlib import Path

CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
CLIENT_NAMES = "DNS:prometheus.example,email:ops@example.com,IP:2001:db8::7,URI:spiffe://example/prometheus"


class Pair(NamedTuple):
    """A certificate and its key, in PEM."""

    cert: Path
    key: Path


class Certificates:
    """Makes certificates in a folder, each when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("the openssl command is not installed")
        self.folder = folder

    def server(self, name: str = "server") -> Pair:
        """Return a certificate of localhost, signed by itself."""
        names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
        return self._self_signed(name, "-days", "30", "-addext", names)

    def ca(self, name: str = "ca") -> Pair:
        """Return a CA."""
        return self._self_signed(name, "-addext", "keyUsage=critical,keyCertSign")

    def client(self, names: str = CLIENT_NAMES, *, ca: str = "ca") -> Pair:
        """Return a client's certificate, signed by a CA."""
        pair = self._pair(f"client-{ca}-{abs(hash(names))}")
        if not pair.cert.exists():
            authority = self.ca(ca)
            request = self._request(pair)
            extensions = pair.cert.with_suffix(".ext")
            extensions.write_text(f"subjectAltName={names}\nextendedKeyUsage=clientAuth\n")
            signer = ("-CA", authority.cert, "-CAkey", authority.key, "-set_serial", "7", "-days", "30")
            self.openssl("x509", "-req", "-in", request, *signer, "-extfile", extensions, "-out", pair.cert)
        return pair

    def encrypted_key(self) -> Path:
        """Return the server's key with a passphrase on it."""
        path = self.folder / "encrypted.key"
        self.openssl("pkey", "-in", self.server().key, "-aes256", "-passout", "pass:secret", "-out", path)
        return path

    def openssl(self, *words: str | Path) -> str:
        """Run openssl; return what it says."""
        done = subprocess.run(["openssl", *words], cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _self_signed(self, name: str, *more: str) -> Pair:
        pair = self._pair(name)
        if not pair.cert.exists():
            self.openssl("req", "-x509", *CURVE, "-subj", f"/CN={name}", "-keyout", pair.key, "-out", pair.cert, *more)
        return pair

    def _request(self, pair: Pair) -> Path:
        path = pair.cert.with_suffix(".csr")
        self.openssl("req", "-new", *CURVE, "-subj", "/CN=sipwatch", "-keyout", pair.key, "-out", path)
        return path

    def _pair(self, name: str) -> Pair:
        return Pair(self.folder / f"{name}.crt", self.folder / f"{name}.key")
