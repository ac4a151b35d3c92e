"""The options that speak of HEP, and what is said about those that cannot be."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
import typer

from sipwatch.cli.hep import endpoints, hep_key, with_certificate
from sipwatch.config.hep import HepSettings
from tests.cli.program import COMMAND, ENVIRONMENT, ROOT
from tests.each import for_each

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("udp:127.0.0.1:9060", ("udp", "127.0.0.1", 9060)),
        ("tcp:collector.example.com:9061", ("tcp", "collector.example.com", 9061)),
        ("tls:[2001:db8::1]:9061", ("tls", "2001:db8::1", 9061)),
        ("udp:[::]:9060", ("udp", "::", 9060)),
    ],
)
def test_an_endpoint_is_a_kind_an_address_and_a_port(text: str, expected: tuple[str, str, int]) -> None:
    assert endpoints([text, text], "--hep") == [expected]


@for_each(
    "text",
    ["", "9060", "127.0.0.1:9060", "sctp:127.0.0.1:9060", "udp:127.0.0.1", "udp::9060", "udp:2001:db8::1:9060",
     "udp:127.0.0.1:65536", "udp:127.0.0.1:9060 ", "udp:a b:9060", "tcp:[x:9060", "x" * 10_000],
)  # fmt: skip
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(typer.BadParameter) as error:
        endpoints([text], "--hep")
    assert "udp:127.0.0.1:9060" in str(error.value)
    assert len(str(error.value)) < 200


def test_there_may_not_be_too_many() -> None:
    with pytest.raises(typer.BadParameter, match="17 of them"):
        endpoints([f"udp:127.0.0.1:{port}" for port in range(9000, 9017)], "--hep")


def test_a_key_is_all_of_a_file_but_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"myhep\r\n")
    assert hep_key(str(tmp_path / "key")) == b"myhep"
    assert hep_key(None) == b""


def live(*words: object) -> str:
    """Return what the program complains about; it does not begin."""
    command = [*COMMAND, "live", "--listen", "127.0.0.1:0", *map(str, words)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=ENVIRONMENT, timeout=60)
    assert done.returncode in (1, 2), done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.slow
def test_what_keeps_it_from_beginning_is_said_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"\n")
    (tmp_path / "no.pem").write_text("nothing")
    tls = ("--hep", "tls:127.0.0.1:0")
    for words, expected in {
        (): "name interfaces to watch (-i eth0), a pipe (-r -), or --hep",
        ("-r", "-", "--hep", "udp:127.0.0.1:0"): "name interfaces to watch",
        ("--hep", "udp:192.0.2.1:9060"): "--hep udp:192.0.2.1:9060: Cannot assign requested address",
        ("--hep", "udp:127.0.0.1:0", "--hep-key-file", tmp_path / "none"): "the key cannot be read: No such file",
        ("--hep", "udp:127.0.0.1:0", "--hep-key-file", tmp_path / "empty"): "the key has 0 bytes",
        tls: "--hep tls:... needs --hep-cert and --hep-cert-key",
        (
            *tls,
            "--hep-cert",
            tmp_path / "no.pem",
            "--hep-cert-key",
            tmp_path / "no.pem",
        ): "expected a certificate in PEM",
    }.items():
        assert expected in live(*words), words


@for_each(
    "named, meant",
    [((None, None), ("c.pem", "c.key")), (("d.pem", "d.key"), ("d.pem", "d.key")), (("d.pem", None), ("d.pem", None))],
)
def test_a_certificate_that_is_named_is_taken_with_its_key_instead_of_the_configurations(
    named: tuple[str | None, str | None], meant: tuple[str | None, str | None]
) -> None:
    found = with_certificate(HepSettings(certificate="c.pem", certificate_key="c.key"), *named)
    assert (found.certificate, found.certificate_key) == meant
