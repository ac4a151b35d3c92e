"""Pages over a store as commands make them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.classify.peers import Callback, Settings
from sipwatch.cli.showing import site_over
from sipwatch.config import Config
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
