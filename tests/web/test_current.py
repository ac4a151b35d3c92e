"""A changed configuration takes effect; a wrong one changes nothing, and is told once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sipwatch.web.current import LOOK_EVERY, Current
from sipwatch.web.webconfig import WebConfig, WebError
from tests.web.serving import Told, hashed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.web.certificates import Certificates

HASH = hashed("secret")
USERS = f"basic_auth_users:\n  anna: {HASH}\n"


class World:
    """A configuration, what is in force, and a clock that goes when it is told to."""

    def __init__(self, at: Path, text: str = USERS) -> None:
        self.at = at
        self.log = Told()
        self.seconds = 100.0
        at.write_text(text)
        self.current = Current(str(at), self.log, clock=lambda: self.seconds)

    def write(self, text: str) -> None:
        self.at.write_text(text)

    def look(self, later: float = LOOK_EVERY) -> WebConfig:
        self.seconds += later
        return self.current.look()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "web.yml")


def test_without_a_configuration_there_is_nothing_to_look_at() -> None:
    log = Told()
    current = Current(None, log, clock=iter(range(0, 1000, 100)).__next__)
    assert [current.look() for _ in range(3)] == [WebConfig()] * 3
    assert log.lines == []


def test_a_wrong_configuration_is_an_error_at_first(tmp_path: Path) -> None:
    (tmp_path / "web.yml").write_text("a: 1\n")
    with pytest.raises(WebError, match="unknown key"):
        Current(str(tmp_path / "web.yml"), Told())


def test_a_changed_configuration_takes_effect_within_a_second(world: World) -> None:
    world.write(USERS + f"  bert: {HASH}\n")
    assert set(world.look(LOOK_EVERY - 0.1).users) == {"anna"}
    assert set(world.look(0.2).users) == {"anna", "bert"}
    assert world.log.lines == ["INFO web_configuration_read users=2 tls=off"]


def test_what_has_not_changed_is_not_read_again(world: World) -> None:
    first = world.current.look()
    assert all(world.look() is first for _ in range(3))
    assert world.log.lines == []


def test_a_wrong_one_is_told_once_and_the_old_one_stays(world: World) -> None:
    world.write("oops: 1\n")
    assert [set(world.look().users) for _ in range(5)] == [{"anna"}] * 5
    [line] = world.log.lines
    assert line.startswith('ERROR web_configuration_kept reason="')
    assert "line 1: unknown key 'oops'" in line


def test_another_mistake_is_told_and_its_mending_too(world: World) -> None:
    for text in ("oops: 1\n", "again: 1\n", USERS):
        world.write(text)
        for _ in range(3):
            world.look()
    assert [line.split()[1] for line in world.log.lines] == ["web_configuration_kept"] * 2 + ["web_configuration_read"]
    world.write("oops: 1\n")
    world.look()
    assert len(world.log.of("web_configuration_kept")) == 3


def test_a_file_out_of_reach_is_told_once_and_the_old_one_stays(world: World) -> None:
    world.at.unlink()
    assert [set(world.look().users) for _ in range(3)] == [{"anna"}] * 3
    [line] = world.log.lines
    assert "the web configuration cannot be read: No such file or directory" in line


def test_a_renewed_certificate_takes_effect(tmp_path: Path, certificates: Certificates) -> None:
    def install(name: str) -> None:
        pair = certificates.server(name)
        (tmp_path / "cert").write_bytes(pair.cert.read_bytes())
        (tmp_path / "key").write_bytes(pair.key.read_bytes())

    install("server")
    world = World(tmp_path / "web.yml", "tls_server_config: {cert_file: cert, key_file: key}\n")
    first = world.current.look().tls
    assert first is not None
    assert world.look().tls is first
    install("other")
    second = world.look().tls
    assert second is not None
    assert second != first
    assert world.log.lines == ["INFO web_configuration_read users=0 tls=on"]


def test_a_certificate_renewed_by_halves_is_taken_when_it_is_whole(tmp_path: Path, certificates: Certificates) -> None:
    server, other = certificates.server(), certificates.server("other")
    (tmp_path / "cert").write_bytes(server.cert.read_bytes())
    (tmp_path / "key").write_bytes(server.key.read_bytes())
    world = World(tmp_path / "web.yml", "tls_server_config: {cert_file: cert, key_file: key}\n")
    first = world.current.look()
    (tmp_path / "cert").write_bytes(other.cert.read_bytes())
    assert world.look() is first
    (tmp_path / "key").write_bytes(other.key.read_bytes())
    assert world.look() is not first
    assert [line.split()[1] for line in world.log.lines] == ["web_configuration_kept", "web_configuration_read"]


def test_a_certificate_that_a_wrong_configuration_names_is_taken_when_it_appears(
    world: World, certificates: Certificates
) -> None:
    world.write("tls_server_config: {cert_file: cert, key_file: key}\n")
    world.look()
    pair = certificates.server()
    (world.at.parent / "cert").write_bytes(pair.cert.read_bytes())
    (world.at.parent / "key").write_bytes(pair.key.read_bytes())
    assert world.look().tls is not None


def test_a_setting_without_effect_is_told_when_it_is_read(world: World) -> None:
    world.write(USERS + "rate_limit: {}\n")
    world.look()
    world.look()
    assert [line.split()[1] for line in world.log.lines] == ["web_configuration_read", "web_setting_without_effect"]
    at_first = World(world.at, "rate_limit: {}\n")
    assert "line 1: rate_limit has no effect here" in at_first.log.lines[0]
