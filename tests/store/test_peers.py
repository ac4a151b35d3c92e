"""The peers that a store knows, by calls or by registrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sipwatch.export.choices import NoSuchPeerError
from sipwatch.store.peers import known_peers, need_peers
from tests.export import records
from tests.store.attempts import attempt
from tests.store.test_registered import put

if TYPE_CHECKING:
    from tests.store.stored import Stored


def test_whoever_had_a_call_or_registered_is_known(store: Stored) -> None:
    store.put(records.call(source="phones", destination="acme"))
    assert known_peers(store.read()) == {"phones", "acme"}
    put(store, attempt(1, source="desks", destination="pbx"))
    assert known_peers(store.read()) == {"phones", "acme", "desks", "pbx"}


def test_a_name_that_nobody_has_is_refused_with_the_nearest(store: Stored) -> None:
    store.put(records.call(source="phones", destination="north"))
    need_peers(store.read(), ["phones", "north"])
    need_peers(store.read(), ["nord"], also=["nord"])
    put(store, attempt(1, source="desks", destination="pbx"))
    need_peers(store.read(), ["desks"])
    with pytest.raises(NoSuchPeerError, match="'nord'; did you mean north"):
        need_peers(store.read(), ["phones", "nord"])
