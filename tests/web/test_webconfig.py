"""The format of Prometheus' exporters: what is taken, and one line with the line for each mistake."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipwatch.web import tls
from sipwatch.web.webconfig import (
    FILE_KEYS,
    HEADERS,
    HTTP_KEYS,
    MAX_FILE_SIZE,
    TLS_KEYS,
    WebConfig,
    WebError,
    load,
    signature,
)

if TYPE_CHECKING:
    from tests.web.certificates import Certificates

HASH = "$2y$04$3vTsgEjjrA3VjJlx2Q5i1.KNGIsCGcnDMKwhviG.zqbaS2T49V2qC"


@pytest.fixture
def at(tmp_path: Path, certificates: Certificates) -> Path:
    """Return where to write a configuration; certificates lie beside it."""
    server = certificates.server()
    for name, path in {
        "server.crt": server.cert,
        "server.key": server.key,
        "ca.crt": certificates.ca().cert,
        "other.key": certificates.server("other").key,
        "encrypted.key": certificates.encrypted_key(),
    }.items():
        (tmp_path / name).write_bytes(path.read_bytes())
    return tmp_path / "web.yml"


def read(at: Path, text: str) -> WebConfig:
    at.write_text(text, encoding="utf-8")
    return load(str(at))


def complaint(at: Path, text: str | bytes) -> str:
    """Return what is said against a configuration, without the file's name in front."""
    at.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(WebError) as caught:
        load(str(at))
    words = str(caught.value)
    assert "\n" not in words
    assert words.startswith(str(at))
    return words.removeprefix(str(at)).removeprefix(": ").removeprefix(", ")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "{}",
        "---\n",
        "tls_server_config:\nbasic_auth_users:\nhttp_server_config:\n",
        "tls_server_config: {}\nbasic_auth_users: {}\nhttp_server_config:\n  headers:\n  http2: false\n",
    ],
)
def test_what_is_empty_asks_for_nothing(at: Path, text: str) -> None:
    config = read(at, text)
    assert (config.users, config.headers, config.tls, config.remarks) == ({}, (), None, ())


def test_users_are_taken_as_they_are_written(at: Path) -> None:
    config = read(at, f"basic_auth_users:\n  no: {HASH}\n  0755: '{HASH}'\n  jürgen: \"{HASH}\"\n  ~: {HASH}\n")
    assert config.users == dict.fromkeys(("no", "0755", "jürgen", "~"), HASH.encode())


@pytest.mark.parametrize("kind", ["$2a$", "$2b$", "$2y$"])
def test_all_kinds_of_bcrypt_are_taken(at: Path, kind: str) -> None:
    assert read(at, f"basic_auth_users: {{a: {kind + HASH[4:]}}}").users == {"a": (kind + HASH[4:]).encode()}


def test_headers_are_those_of_the_format(at: Path) -> None:
    config = read(
        at,
        "http_server_config:\n  headers:\n    Content-Security-Policy: default-src 'self'\n    X-Frame-Options: deny\n"
        "    X-Content-Type-Options: nosniff\n    X-XSS-Protection: ''\n    Strict-Transport-Security: max-age=3600\n",
    )
    assert config.headers == (
        ("Content-Security-Policy", "default-src 'self'"),
        ("X-Frame-Options", "deny"),
        ("X-Content-Type-Options", "nosniff"),
        ("Strict-Transport-Security", "max-age=3600"),
    )


def test_certificates_are_looked_for_beside_the_file(at: Path) -> None:
    config = read(
        at,
        "tls_server_config:\n  cert_file: server.crt\n  key_file: ./server.key\n  client_ca_file: ca.crt\n"
        f"  client_auth_type: {tls.DEMANDED}\n  client_allowed_sans: [a.example, '2001:DB8::1']\n  min_version: TLS13\n"
        "  max_version: TLS13\n",
    )
    cert, key, ca = ((at.parent / name).read_bytes() for name in ("server.crt", "server.key", "ca.crt"))
    sans = ("a.example", "2001:DB8::1")
    assert config.tls == tls.TlsSettings(cert, key, ca, tls.DEMANDED, "TLS13", "TLS13", client_allowed_sans=sans)
    assert {path.name for path in config.files} == {"web.yml", "server.crt", "server.key", "ca.crt"}
    assert config.files == {path: signature(path) for path in config.files}
    assert config.remarks == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rate_limit:\n  burst: 3\n", "line 1: rate_limit has no effect here: a proxy in front can limit requests"),
        ("http_server_config:\n  http2: true\n", "line 2: http2 has no effect here: HTTP/1.1 is what is spoken"),
        ("PAIR  cipher_suites: [RC4]\n", "line 4: cipher_suites has no effect here: OpenSSL chooses"),
        ("PAIR  curve_preferences: [X25519, CurveP256]\n", "line 4: curve_preferences has no effect here: OpenSSL"),
        ("PAIR  prefer_server_cipher_suites: false\n", "line 4: prefer_server_cipher_suites has no effect here"),
        ("PAIR  min_version: TLS10\n", "line 4: min_version is TLS10, which is broken (RFC 8996): TLS12 is used instead"),
        ("PAIR  client_auth_type: RequireAnyClientCert\n", "line 4: client_auth_type is RequireAnyClientCert, which has"),
    ],
)  # fmt: skip
def test_what_an_exporter_would_start_with_is_taken_and_told_of(at: Path, text: str, said: str) -> None:
    (remark,) = read(at, text.replace("PAIR", PAIR)).remarks
    assert remark.removeprefix(f"{at}, ")[: len(said)] == said


def test_certificates_may_stand_in_the_file(at: Path) -> None:
    def block(name: str) -> str:
        return "|\n" + "".join(f"    {line}\n" for line in (at.parent / name).read_text().splitlines())

    config = read(
        at,
        f"tls_server_config:\n  cert: {block('server.crt')}  key: {block('server.key')}  client_ca: {block('ca.crt')}"
        f"  client_auth_type: {tls.DEMANDED}\n",
    )
    assert config.tls is not None
    assert list(config.files) == [at]


def test_certificates_are_found_by_their_absolute_paths(at: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "web.yml"
    pair = f"{{cert_file: {at.parent / 'server.crt'}, key_file: {at.parent / 'server.key'}}}"
    assert read(elsewhere, f"tls_server_config: {pair}").tls is not None


PAIR = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"


MISTAKES: list[tuple[str | bytes, str]] = [
        # The file
        ("- a\n", "the file: expected a table: lines of `key: value`"),
        ("text", "the file: expected a table: lines of `key: value`"),
        ("a: [\n", "line 2: not valid YAML: expected the node content, but found '<stream end>'"),
        ("a: b: c\n", "line 1: not valid YAML: mapping values are not allowed here"),
        ("a: \x00", "not valid YAML: unacceptable character #x0000: special characters are not allowed in"),
        ("---\na: 1\n---\nb: 2\n", "line 3: not valid YAML: but found another document"),
        ("a: *b\n", "line 1: not valid YAML: found undefined alias 'b'"),
        ("[" * 1_200, "the web configuration is nested too deeply"),
        (b"a: \xff\n", "the web configuration is not UTF-8 text"),
        (b"#" * (MAX_FILE_SIZE + 1), "the web configuration cannot be read: it is larger than 1 MiB"),
        # Keys
        ("\ntls_config: {}\n", "line 2: unknown key 'tls_config'; did you mean tls_server_config?"),
        ("web: {}\n", "line 1: unknown key 'web'; expected one of tls_server_config, http_server_config,"),
        ("? [a]\n: 1\n", "line 1: expected a key that is a text"),
        ("basic_auth_users: {}\nbasic_auth_users: {}\n", "line 2: 'basic_auth_users' stands in line 1 already"),
        ("a\u202e" * 100 + ": 1\n", "line 1: unknown key 'a\\u202ea\\u202e"),
        # HTTP
        ("http_server_config: true\n", "line 1: http_server_config = 'true': expected a table"),
        ("http_server_config:\n  http2: 1\n", "line 2: http2 = '1': expected true or false"),
        ("http_server_config:\n  header: {}\n", "line 2: unknown key 'header'; did you mean headers?"),
        ("http_server_config:\n  headers:\n    Server: x\n", "line 3: unknown key 'Server'; expected one of Content-S"),
        ("http_server_config:\n  headers:\n    X-Frame-Options: no\n", "line 3: X-Frame-Options = 'no': expected one of d"),
        ('http_server_config:\n  headers:\n    X-XSS-Protection: "a\\r\\nb"\n', "line 3: X-XSS-Protection = 'a\\r\\nb': e"),
        ("http_server_config:\n  headers:\n    X-XSS-Protection: é\n", "line 3: X-XSS-Protection = 'é': expected print"),
        ("http_server_config:\n  headers:\n    X-XSS-Protection: [a]\n", "line 3: X-XSS-Protection: expected a text"),
        # Users
        ("basic_auth_users:\n  - a\n", "line 1: basic_auth_users: expected a table"),
        ("basic_auth_users:\n  anna: hunter2\n", "line 2: anna: expected a bcrypt hash such as $2y$10$..., as `htpasswd"),
        ("basic_auth_users:\n  anna: [a]\n", "line 2: anna: expected a text"),
        (f"basic_auth_users:\n  anna: {HASH[:-1]}\n", "line 2: anna: expected a bcrypt hash such as"),
        (f"basic_auth_users:\n  anna: $2y$19{HASH[6:]}\n", "line 2: anna: expected a bcrypt hash of a cost from 4 to 18"),
        (f"basic_auth_users:\n  anna: $2y$03{HASH[6:]}\n", "line 2: anna: expected a bcrypt hash of a cost from 4 to 18"),
        (f"basic_auth_users:\n  'a:b': {HASH}\n", "line 2: a:b: expected a user's name without a colon"),
        (f"basic_auth_users:\n  '': {HASH}\n", "line 2: : expected a user's name without a colon"),
        # TLS
        ("tls_server_config:\n  cert_file: server.crt\n", "line 1: key_file is missing beside the other settings"),
        ("\ntls_server_config:\n  min_version: TLS13\n", "line 2: cert_file is missing beside the other settings"),
        ("tls_server_config:\n  cert_fil: a\n", "line 2: unknown key 'cert_fil'; did you mean cert_file?"),
        (PAIR + "  cert: a\n", "line 2: cert_file: expected either cert or cert_file, not both"),
        (PAIR.replace("server.crt", "absent"), "line 2: cert_file = 'absent': expected a file that can be read (No su"),
        (PAIR.replace("server.crt", "."), "line 2: cert_file = '.': expected a file that can be read (Is a directory)"),
        (PAIR.replace("server.crt", '"\\0"'), "line 2: cert_file = '\\x00': expected a file that can be read (embedd"),
        (PAIR.replace("server.crt", "server.key"), "line 2: cert_file = 'server.key': expected a certificate in PEM"),
        (PAIR.replace("server.key", "server.crt"), "line 3: key_file = 'server.crt': expected a private key in PEM"),
        (PAIR.replace("server.key", "other.key"), "line 3: key_file = 'other.key': expected the private key that belo"),
        (PAIR.replace("server.key", "encrypted.key"), "line 3: key_file = 'encrypted.key': expected a private key witho"),
        (PAIR + "  min_version: TLS1\n", "line 4: min_version = 'TLS1': expected TLS12 or TLS13"),
        (PAIR + "  client_allowed_sans: a\n", "line 4: client_allowed_sans = 'a': expected a list of texts"),
        (PAIR + "  client_allowed_sans: [[a]]\n", "line 4: client_allowed_sans: expected a list of texts"),
        (PAIR + "  min_version: [a]\n", "line 4: min_version: expected a text"),
        (PAIR + "  max_version: SSL3\n", "line 4: max_version = 'SSL3': expected TLS12 or TLS13"),
        (PAIR + "  client_auth_type: Always\n", "line 4: client_auth_type = 'Always': expected one of NoClientCert, Ver"),
        (PAIR + "  client_ca_file: ca.crt\n", "line 4: client_ca_file = 'ca.crt': expected client_auth_type: RequireAnd"),
        (PAIR + "  client_allowed_sans: [a]\n", "line 4: client_allowed_sans: expected client_auth_type: RequireAndVerify"),
    ]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), MISTAKES, ids=[expected for _, expected in MISTAKES])
def test_each_mistake_is_told_in_one_line(at: Path, text: str | bytes, expected: str) -> None:
    assert complaint(at, text)[: len(expected)] == expected


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WebError) as caught:
        load(f"{tmp_path}/no\nfile")
    assert str(caught.value) == f"{tmp_path}/no\\nfile: the web configuration cannot be read: No such file or directory"


def test_no_secret_is_shown(at: Path) -> None:
    for text in (
        "basic_auth_users:\n  anna: hunter2\n",
        "basic_auth_users: hunter2\n",
        f"basic_auth_users:\n  anna: $2y$31$hunter2{HASH[14:]}\n",
        "tls_server_config:\n  cert_file: server.crt\n  key: hunter2\n",
        "hunter2",
        "tls_server_config:\n  cert_file: server.crt\n  key: hunter2\n  key_file: server.key\n",
    ):
        assert "hunter2" not in complaint(at, text), text


def test_a_signature_changes_with_contents_and_mode(tmp_path: Path) -> None:
    path = tmp_path / "a"
    assert signature(path) is None
    path.write_text("a")
    seen = {signature(path)}
    path.write_text("ab")
    seen.add(signature(path))
    os.utime(path, ns=(1, 1))
    seen.add(signature(path))
    replacement = tmp_path / "b"
    replacement.write_text("ab")
    replacement.replace(path)
    seen.add(signature(path))
    assert len(seen) == 4


KEYS = st.sampled_from([*FILE_KEYS, *HTTP_KEYS, *TLS_KEYS, *HEADERS, "a"])
SCALARS = st.sampled_from(
    [HASH, "true", "server.crt", "server.key", "TLS12", "~", "'", "*x", "&x", "|", "\u2028", "\x00"]
)
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.dictionaries(KEYS, inner, max_size=4).map(
            lambda table: "{" + ", ".join(f"{key}: {value}" for key, value in table.items()) + "}"
        )
        | st.lists(inner, max_size=3).map(lambda items: "[" + ", ".join(items) + "]")
    ),
    max_leaves=12,
)


@given(st.one_of(TREES.map(str.encode), st.binary(max_size=100), st.text(max_size=100).map(lambda t: t.encode())))
def test_nothing_that_a_file_can_say_is_more_than_one_line(text: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder) / "web.yml"
        at.write_bytes(text)
        with contextlib.suppress(WebError):
            assert isinstance(load(str(at)), WebConfig)
            return
        assert complaint(at, text).isprintable()
