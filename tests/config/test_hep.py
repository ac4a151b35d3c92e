"""[hep] and [[hep.node]]: what they give, and what is wrong with them, line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sipwatch.config import ConfigError, parse
from sipwatch.config.hep import HepSettings

if TYPE_CHECKING:
    from pathlib import Path

FULL = """
[hep]
key_file = "hep.key"
certificate = "cert.pem"
certificate_key = "/etc/key.pem"
across_nat = true
send_id = 4294967295
send_key_file = "send.key"
send_ca_file = "ca.pem"
[[hep.node]]
name = "edge"
id = 2001
[[hep.node]]
name = "core"
id = 2002
node = "sbc-core"
"""


def test_without_it_nothing_is_demanded_and_nobody_named() -> None:
    assert parse("", "sipwatch.toml").hep == HepSettings()


def test_all_of_it(tmp_path: Path) -> None:
    (tmp_path / "hep.key").write_bytes(b"secret\n")
    (tmp_path / "send.key").write_bytes(b"other")
    found = parse(FULL, str(tmp_path / "sipwatch.toml")).hep
    assert [(node.label, node.capture_id, node.node) for node in found.nodes] == [
        ("edge", 2001, None),
        ("core", 2002, "sbc-core"),
    ]
    assert found._replace(nodes=()) == HepSettings(
        b"secret", f"{tmp_path}/cert.pem", "/etc/key.pem", True, (), 4_294_967_295, b"other", f"{tmp_path}/ca.pem"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[hep]\nlisten = 1", "line 2: unknown key 'listen'"),
        ("[hep]\nacross_nat = 1", "line 2: across_nat = 1: expected true or false"),
        ("[hep]\nsend_id = -1", "line 2: send_id = -1: expected a whole number from 0 to 4294967295"),
        ("[hep]\ncertificate = 'x'", "line 1: certificate_key is missing"),
        ("[hep]\ncertificate_key = 'x'", "line 1: certificate is missing"),
        ("[hep]\nkey_file = ''", "line 2: key_file = '': expected the path of a file"),
        ("[hep]\nkey_file = 'none.key'", "line 2: key_file = 'none.key': the key cannot be read: No such file"),
        ("[[hep.node]]\nid = 1", "line 1: name is missing"),
        ("[[hep.node]]\nname = 'a b'\nid = 1", "line 2: name = 'a b': expected a short name"),
        ("[[hep.node]]\nname = 'other'\nid = 1", "line 2: name = 'other': expected another name"),
        ("[[hep.node]]\nname = 'a'", "line 1: id is missing, or node"),
        ("[[hep.node]]\nname = 'a'\nid = 'x'", "line 3: id = 'x': expected a whole number"),
        ("[[hep.node]]\nname = 'a'\nnode = 7", "line 3: node = 7: expected the name that the agent gives itself"),
        (
            "[[hep.node]]\nname = 'a'\nid = 1\n[[hep.node]]\nname = 'b'\nid = 1",
            "line 6: id = 1: expected one that a has not",
        ),
    ],
)
def test_mistakes_are_named_with_their_lines(text: str, expected: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        parse(text, str(tmp_path / "sipwatch.toml"))
    assert expected in str(error.value)


def test_several_nodes_may_share_a_name() -> None:
    text = "[[hep.node]]\nname = 'a'\nid = 1\n[[hep.node]]\nname = 'a'\nid = 2"
    assert len(parse(text, "sipwatch.toml").hep.nodes) == 2
