"""Pages over a store as commands make them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.classify.peers import Callback, Settings
from sipwatch.cli.showing import site_over
from sipwatch.config import Config, parse
from tests.export import records
from tests.store.conftest import store, stores
from tests.web.browsing import page, words

if TYPE_CHECKING:
    from tests.store.stored import Stored

__all__ = ["store", "stores"]


def test_numbers_are_read_as_they_are_dialled_where_the_configuration_says(store: Stored) -> None:
    """+49 30 1234567 is 030 1234567 in Germany, and nobody in France."""
    store.put(records.call(caller="+49301234567"))
    for region, found in (("DE", 1), ("FR", 0)):
        site = site_over(str(store.folder), Config(Settings(callback=Callback(1, region))))
        shown = page(site, "/calls?number=0301234567")
        assert len(shown.findall(".//table/tbody/tr")) == found, words(shown)


CENTRE = """
[[agent]]
number = "201"
name = "Anna"

[[hours]]
zone = "Asia/Tokyo"
open = ["Mon-Fri 09:00-18:00"]

[[peer]]
name = "acme"
kind = "trunk"
addresses = ["203.0.113.10"]
objective = 0.98
"""


def test_agents_zone_and_objectives_are_the_configurations(store: Stored) -> None:
    site = site_over(str(store.folder), parse(CENTRE, "sipwatch.toml"))
    found = site.roster.find("201")
    assert (found and found.name, site.zone, site.objectives) == ("Anna", "Asia/Tokyo", {"acme": 0.98})
    plain = site_over(str(store.folder), Config(Settings()))
    assert (plain.roster.find("201"), plain.zone, plain.objectives) == (None, "UTC", {})


def test_names_of_agents_are_hidden_as_others_are(store: Stored) -> None:
    site = site_over(str(store.folder), parse(CENTRE + "[privacy]\nnames = true\n", "sipwatch.toml"))
    found = site.roster.find("201")
    assert found is not None
    assert "Anna" not in found.name
