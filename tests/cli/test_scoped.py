"""What a report says of itself, by the configuration."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sipwatch.cli.scoped import dialled_in, roster_of, scope_of
from sipwatch.config import parse

if TYPE_CHECKING:
    from sipwatch.config import Config


def config(text: str = "") -> Config:
    return parse(text, "sipwatch.toml")


def test_it_says_who_made_it_when_and_what_is_hidden() -> None:
    scope = scope_of(
        config("[privacy]\nmask = 4\n"), ["a.pcap"], ZoneInfo("Europe/Berlin"), "Europe/Berlin", peer="acme"
    )
    assert re.fullmatch(r"sipwatch \S+, \d{4}-\d\d-\d\d \d\d:\d\d:\d\d Europe/Berlin", scope.made)
    assert "4" in scope.hidden
    assert (scope.source, scope.peer) == (["a.pcap"], "acme")
    assert scope_of(config(), []).hidden == ""


def test_numbers_are_compared_as_they_are_dialled_in_the_region() -> None:
    read = config('[callback]\nregion = "DE"\n[[agent]]\nnumber = "+49301234567"\nname = "Anna"\n')
    assert dialled_in(read) == "DE"
    found = roster_of(read).find("0301234567")
    assert found is not None
    assert found.name == "Anna"
    assert dialled_in(config()) is None


def test_outside_is_beyond_the_peers_that_are_trunks() -> None:
    kinds = {"acme": "trunk", "pbx": "server", "north": "trunk", "desks": "devices"}
    peers = [
        f'[[peer]]\nname = "{name}"\nkind = "{kind}"\naddresses = ["192.0.2.{place}"]\n'
        for place, (name, kind) in enumerate(kinds.items())
    ]
    assert scope_of(config("".join(peers)), []).trunks == {"acme", "north"}
    assert scope_of(config(), []).trunks == frozenset()
