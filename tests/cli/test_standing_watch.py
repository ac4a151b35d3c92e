"""Beside a daemon: what begins and ends is told once, in the log and to a webhook, with a link that shows it again."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
import pytest

from sipwatch.cli import standing_watch
from sipwatch.cli.standing_watch import StandingWatch, watch_over
from sipwatch.config.incidents import IncidentSettings
from sipwatch.packet import DAY, HOUR, MINUTE
from sipwatch.shell.log import Log
from sipwatch.shell.webhook import Webhook
from sipwatch.store.days import EmptyStoreError
from sipwatch.store.troubles import Troubles
from tests.store.conftest import store, stores
from tests.store.troubled import NOON, TODAY, trouble_from_ten_to_eleven
from tests.web.browsing import page
from tests.web.test_incidents import cards, site

if TYPE_CHECKING:
    from pathlib import Path

    from sipwatch.store.reader import StoreReader
    from tests.store.stored import Stored

__all__ = ["store", "stores"]
PAGES = "https://voice.example.com/sipwatch"


class Watched:
    """A watch over a store, by a clock that is set; what it posts and what it says."""

    def __init__(self, store: Stored) -> None:
        self.now = NOON
        self.posted: list[bytes] = []
        self.out = io.StringIO()
        log = Log(self.out, "text", lambda: 0.0)
        self.webhook = Webhook("http://192.0.2.1/", b"", log, self.posted.append)
        self.watch = StandingWatch(store.read, Troubles(), lambda: self.now, log, self.webhook, PAGES)

    def look(self, now: int) -> list[dict[str, object]]:
        """Look at a time, and return what is posted."""
        self.now = now
        self.watch.look()
        self.webhook.send_waiting()
        posted = [msgspec.json.decode(body) for body in self.posted]
        self.posted.clear()
        return posted


def test_what_begins_and_ends_is_told_once(store: Stored) -> None:
    trouble_from_ten_to_eleven(store)
    watched = Watched(store)
    assert watched.look(TODAY + 10 * HOUR) == []
    [began] = watched.look(TODAY + 10 * HOUR + 40 * MINUTE)
    assert watched.watch.going_on == 1
    assert watched.look(TODAY + 10 * HOUR + 50 * MINUTE) == []
    [ended] = watched.look(NOON)
    assert watched.watch.going_on == 0
    assert [one["event"] for one in (began, ended)] == ["began", "ended"]
    assert began["text"][0].startswith("Calls to south: “Server failure”, since 10:00;")  # type: ignore[index]
    assert began["incident"]["id"] == ended["incident"]["id"]  # type: ignore[index]
    lines = watched.out.getvalue().splitlines()
    assert [line.split()[1:3] for line in lines] == [["WARNING", "incident_began"], ["INFO", "incident_ended"]]


def test_nobodys_number_leaves(store: Stored) -> None:
    trouble_from_ten_to_eleven(store)
    watched = Watched(store)
    watched.now = TODAY + 10 * HOUR + 40 * MINUTE
    watched.watch.look()
    watched.webhook.send_waiting()
    assert b"1555" not in watched.posted[0]


@pytest.mark.parametrize("later", [0, DAY])
def test_its_link_shows_it_also_on_the_next_day(store: Stored, later: int) -> None:
    trouble_from_ten_to_eleven(store)
    [began] = Watched(store).look(TODAY + 10 * HOUR + 40 * MINUTE)
    assert str(began["url"]).startswith(f"{PAGES}/incidents?peer=south&from=2026-01-12")
    parts = urlsplit(str(began["url"]))
    [card] = cards(page(site(store, NOON + later), f"/incidents?{parts.query}"))
    assert began["incident"]["peer"] == "south"  # type: ignore[index]
    assert "Server failure" in "".join(card.itertext())


def test_where_nothing_is_stored_yet_nothing_is_told(store: Stored) -> None:
    def nobody() -> StoreReader:
        raise EmptyStoreError("nothing there")

    watched = Watched(store)
    watch = StandingWatch(nobody, Troubles(), lambda: NOON, Log(watched.out, "text", lambda: 0.0), None, None)
    watch.look()
    assert watched.out.getvalue() == ""


def test_it_looks_in_a_thread_of_its_own_until_it_ends(store: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong there is in the log, and the next look is made all the same."""
    monkeypatch.setattr(standing_watch, "_FIRST", 0.01)
    monkeypatch.setattr(standing_watch, "EVERY", 0.01)
    looked: list[int] = []

    class Broken(Troubles):
        def look(self, *_: object) -> object:  # type: ignore[override]
            looked.append(1)
            if len(looked) > 2:
                watch._stopping.set()
            raise ValueError("odd")

    out = io.StringIO()
    watch = StandingWatch(store.read, Broken(), lambda: NOON, Log(out, "text", lambda: 0.0), None, None)
    store.put(*[])
    trouble_from_ten_to_eleven(store)
    with watch.running():
        watch._stopping.wait(10)
    assert len(looked) == 3
    assert out.getvalue().count('ERROR incidents_failed reason="ValueError: odd"') == 3


def test_the_configuration_says_whom_to_tell(tmp_path: Path) -> None:
    log = Log(io.StringIO(), "text", lambda: 0.0)
    assert watch_over(tmp_path, Troubles(), IncidentSettings(), log).webhook is None
    settings = IncidentSettings("http://192.0.2.1/", b"Bearer x", PAGES)
    assert watch_over(tmp_path, Troubles(), settings, log).webhook is not None
