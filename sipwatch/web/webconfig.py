"""The web configuration file: TLS, users and response headers, in the format that Prometheus' exporters share.

Must not know: HTTP, connections, OpenSSL. What an exporter starts with, this program starts with; a setting that has no
effect here is told of, in one line. The format: docs/web-configuration.md in prometheus/exporter-toolkit.
"""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import yaml

from sipwatch.export.escape import terminal
from sipwatch.web import tls

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

FILE_KEYS = ("tls_server_config", "http_server_config", "basic_auth_users", "rate_limit")
TLS_KEYS = (
    "cert_file",
    "key_file",
    "client_ca_file",
    "cert",
    "key",
    "client_ca",
    "client_auth_type",
    "client_allowed_sans",
    "min_version",
    "max_version",
    "cipher_suites",
    "prefer_server_cipher_suites",
    "curve_preferences",
)
HTTP_KEYS = ("http2", "headers")
# Taken, told of, and of no effect.
NO_EFFECT: Mapping[str, str] = {
    "rate_limit": "a proxy in front can limit requests; here, few are answered at once",
    "http2": "HTTP/1.1 is what is spoken",
    "cipher_suites": "OpenSSL chooses",
    "prefer_server_cipher_suites": "OpenSSL chooses",
    "curve_preferences": "OpenSSL chooses",
}
HEADERS: Mapping[str, tuple[str, ...]] = {  # and the values they may have, if not any
    "Content-Security-Policy": (),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-Content-Type-Options": ("nosniff",),
    "X-XSS-Protection": (),
    "Strict-Transport-Security": (),
}
MAX_COST = 18  # of bcrypt: seconds for each password that is tried; every step more takes twice as long
MAX_FILE_SIZE = 1 << 20
_BCRYPT = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")  # RFC 9110 section 5.5, ASCII only
_NULL, _BOOL = "tag:yaml.org,2002:null", "tag:yaml.org,2002:bool"
_WHOLE = "the file"
_SECRETS = ("key", "basic_auth_users", _WHOLE)
_MAX_SHOWN_LENGTH = 60

Signature = tuple[int, ...]


class WebError(Exception):
    """A web server that cannot start; the text is one line: what, why, what to do."""


@dataclass(frozen=True)
class WebConfig:
    """What a web configuration says; without one: no TLS, no users, nothing added.

    ``users``: bcrypt hashes by name. ``files``: every file that was read, and its signature then. ``remarks``: a line
    for each setting that has no effect.
    """

    users: Mapping[str, bytes] = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()
    tls: tls.TlsSettings | None = None
    files: Mapping[Path, Signature] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def load(path: str) -> WebConfig:
    """Read a web configuration and the files that it names. Raises WebError."""
    files: dict[Path, Signature] = {}
    shown = terminal(path)
    try:
        document = yaml.compose(_read(Path(path), files).decode(), Loader=yaml.SafeLoader)
    except OSError as error:
        raise WebError(f"{shown}: the web configuration cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise WebError(f"{shown}: the web configuration is not UTF-8 text") from None
    except RecursionError:
        raise WebError(f"{shown}: the web configuration is nested too deeply") from None
    except yaml.MarkedYAMLError as error:
        at = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise WebError(f"{shown}{at}: not valid YAML: {terminal(error.problem or 'something is wrong')}") from None
    except yaml.YAMLError as error:
        raise WebError(f"{shown}: not valid YAML: {terminal(' '.join(str(error).split()))}") from None
    return _Checker(path, files).config(document)


def signature(path: Path) -> Signature | None:
    """Return what changes with a file's contents, owner or mode; None when there is no such file to be seen."""
    try:
        return _signature(path.stat())
    except OSError:
        return None


def _signature(stat: os.stat_result) -> Signature:
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def _read(path: Path, files: dict[Path, Signature]) -> bytes:
    """Read a file; note its signature, of the very file that is read. Raises OSError."""
    with path.open("rb") as file:
        files[path] = _signature(os.fstat(file.fileno()))
        data = file.read(MAX_FILE_SIZE + 1)
    if len(data) > MAX_FILE_SIZE:
        raise OSError(0, "it is larger than 1 MiB")
    return data


class _Entry(NamedTuple):
    """A key of the file, where it stands, and what follows it."""

    key: str
    line: int
    node: yaml.Node


class _Checker:
    """Goes through a document; every complaint knows its line.

    It goes through YAML's nodes and takes texts as they are written, as Go's library does: a user may be
    called ``no``, and a password file ``0755``.
    """

    def __init__(self, path: str, files: dict[Path, Signature]) -> None:
        self._path = path
        self._files = files
        self._remarks: list[str] = []

    def config(self, document: yaml.Node | None) -> WebConfig:
        if document is None or document.tag == _NULL:
            return WebConfig(files=self._files)
        top = self._table(_Entry(_WHOLE, 0, document), FILE_KEYS)
        http = self._table(top.get("http_server_config"), HTTP_KEYS)
        settings = self._table(top.get("tls_server_config"), TLS_KEYS)
        users = self._users(top.get("basic_auth_users"))
        headers = self._headers(http.get("headers"))
        for given in (top, settings, {} if "http2" not in http or not self._flag(http["http2"]) else http):
            for key in NO_EFFECT.keys() & given.keys():
                self._remark(given[key], f"has no effect here: {NO_EFFECT[key]}")
        wanted = self._tls(settings, top["tls_server_config"]) if settings else None
        return WebConfig(users, headers, wanted, self._files, tuple(self._remarks))

    def _tls(self, settings: dict[str, _Entry], section: _Entry) -> tls.TlsSettings:
        certificate, private = self._pem(settings, "cert"), self._pem(settings, "key")
        if certificate is None or private is None:
            missing = "cert_file" if certificate is None else "key_file"
            raise WebError(f"{self._at(section.line)}: {missing} is missing beside the other settings of TLS")
        words = ("client_auth_type", "min_version", "max_version")
        given = {key: self._text(settings[key]) for key in words if key in settings}
        sans = self._texts(settings["client_allowed_sans"]) if "client_allowed_sans" in settings else ()
        wanted = tls.TlsSettings(
            certificate, private, self._pem(settings, "client_ca"), **given, client_allowed_sans=sans
        )
        try:
            tls.context(wanted, failed=lambda _: None)
        except tls.TlsError as error:
            # A certificate stands under one of two names; a setting that is missing, nowhere.
            entry = settings.get(error.key) or settings.get(error.key + "_file") or section
            self._refuse(entry, str(error))
        for key in words:
            if given.get(key) in tls.BROKEN_VERSIONS:
                self._remark(settings[key], f"is {given[key]}, which is broken (RFC 8996): TLS12 is used instead")
            if given.get(key) in tls.UNVERIFIED:
                self._remark(settings[key], f"is {given[key]}, which has no effect here; {tls.DEMANDED} protects")
        return wanted

    def _pem(self, settings: dict[str, _Entry], key: str) -> bytes | None:
        """Return a certificate or key, which stands in the file itself or in one that is named."""
        inline, named = settings.get(key), settings.get(key + "_file")
        if inline is not None and named is not None:
            self._refuse(named, f"either {key} or {key}_file, not both", show=False)
        if inline is not None:
            return self._text(inline).encode()
        if named is None:
            return None
        try:
            # Relative to the configuration's own folder, as with all exporters.
            return _read(Path(self._path).parent / self._text(named), self._files)
        except (OSError, ValueError) as error:
            self._refuse(named, f"a file that can be read ({getattr(error, 'strerror', None) or error})")

    def _users(self, entry: _Entry | None) -> dict[str, bytes]:
        users = {}
        for name, hashed in self._table(entry, None).items():
            match = _BCRYPT.fullmatch(self._text(hashed))
            hint = f"a bcrypt hash such as $2y$10$..., as `htpasswd -nB {terminal(name)}` makes it"
            if match is None:
                self._refuse(hashed, hint, show=False)
            if not 4 <= int(match[1]) <= MAX_COST:
                self._refuse(hashed, f"a bcrypt hash of a cost from 4 to {MAX_COST}, not {match[1]}", show=False)
            if not name or ":" in name:
                self._refuse(hashed, "a user's name without a colon (RFC 7617 section 2)", show=False)
            users[name] = match[0].encode()
        return users

    def _headers(self, entry: _Entry | None) -> tuple[tuple[str, str], ...]:
        headers = []
        for name, value in self._table(entry, HEADERS).items():
            text = self._text(value)
            if not text:
                continue  # the format: unset if blank
            if HEADERS[name] and text not in HEADERS[name]:
                self._refuse(value, f"one of {', '.join(HEADERS[name])}")
            if not _HEADER_VALUE.fullmatch(text):
                self._refuse(value, "printable ASCII characters on one line")
            headers.append((name, text))
        return tuple(headers)

    # Small checks

    def _table(self, entry: _Entry | None, keys: Collection[str] | None) -> dict[str, _Entry]:
        """Return a table's entries, those that are null left out; ``keys`` are the only ones there may be."""
        if entry is None:
            return {}
        if not isinstance(entry.node, yaml.MappingNode):
            self._refuse(entry, "a table: lines of `key: value`")
        found: dict[str, _Entry] = {}
        for key_node, node in entry.node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise WebError(f"{self._at(line)}: expected a key that is a text")
            key = key_node.value
            if keys is not None and key not in keys:
                self._unknown(key, line, keys)
            if key in found:
                raise WebError(f"{self._at(line)}: {_shown(key)} stands in line {found[key].line} already")
            found[key] = _Entry(key, line, node)
        return {key: given for key, given in found.items() if given.node.tag != _NULL}

    def _unknown(self, key: str, line: int, keys: Collection[str]) -> NoReturn:
        near = difflib.get_close_matches(key, list(keys), n=1)
        hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(keys)}"
        raise WebError(f"{self._at(line)}: unknown key {_shown(key)}; {hint}")

    def _text(self, entry: _Entry) -> str:
        if not isinstance(entry.node, yaml.ScalarNode):
            self._refuse(entry, "a text")
        return str(entry.node.value)

    def _texts(self, entry: _Entry) -> tuple[str, ...]:
        node = entry.node
        if not isinstance(node, yaml.SequenceNode) or not all(isinstance(item, yaml.ScalarNode) for item in node.value):
            self._refuse(entry, "a list of texts: lines of `- text`")
        return tuple(item.value for item in node.value)

    def _flag(self, entry: _Entry) -> bool:
        if entry.node.tag != _BOOL:
            self._refuse(entry, "true or false")
        return str(entry.node.value).lower() in {"true", "yes", "on"}

    def _remark(self, entry: _Entry, words: str) -> None:
        self._remarks.append(f"{self._at(entry.line)}: {entry.key} {words}")

    def _refuse(self, entry: _Entry, expected: str, *, show: bool = True) -> NoReturn:
        """Complain. A value that is secret, or was meant to be, is not shown."""
        node = entry.node
        value = ""
        if show and isinstance(node, yaml.ScalarNode) and entry.key not in _SECRETS:
            value = f" = {_shown(node.value)}"
        raise WebError(f"{self._at(entry.line)}: {terminal(entry.key)}{value}: expected {expected}")

    def _at(self, line: int) -> str:
        return f"{terminal(self._path)}, line {line}" if line else terminal(self._path)


def _shown(value: str) -> str:
    return repr(value if len(value) <= _MAX_SHOWN_LENGTH else value[: _MAX_SHOWN_LENGTH - 1] + "…")
