"""Incidents told as they begin and end, beside a daemon that stores calls: in the log, to a webhook, as a figure.

Must not know: how incidents are found or sent.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from sipwatch.export.moments import Moment
from sipwatch.export.news import IncidentNews, IncidentTurn
from sipwatch.export.writers import encode
from sipwatch.report.incidents import incident_sentences
from sipwatch.shell.webhook import Webhook
from sipwatch.store.days import StoreError
from sipwatch.store.reader import StoreReader
from sipwatch.store.troubles import yesterday_and_today

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sipwatch.config.incidents import IncidentSettings
    from sipwatch.export.incidents import IncidentRecord
    from sipwatch.export.news import News
    from sipwatch.shell.log import Level, Log
    from sipwatch.store.troubles import Troubles

EVERY: Final = 60.0  # seconds between two looks
_FIRST: Final = 5.0  # seconds until the first
_LAST_WORDS: Final = 1.0  # seconds that a webhook has in the end


class StandingWatch:
    """Looks once a minute at the store that ``open_reader`` opens, by the clock ``now`` (ns since 1970).

    ``going_on`` is how many incidents there are. ``pages`` is how the address of the pages begins, if anybody says.
    """

    def __init__(
        self,
        open_reader: Callable[[], StoreReader],
        troubles: Troubles,
        now: Callable[[], int],
        log: Log,
        webhook: Webhook | None,
        pages: str | None,
    ) -> None:
        self.webhook = webhook
        self._open_reader = open_reader
        self._reader: StoreReader | None = None
        self._troubles = troubles
        self._now = now
        self._log = log
        self._pages = pages
        self._news = IncidentNews()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sipwatch-incidents", daemon=True)

    @property
    def going_on(self) -> int:
        """Return how many incidents go on, as of the last look."""
        return len(self._news.going_on)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Look meanwhile."""
        if self.webhook is not None:
            self.webhook.start()
        self._thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            self._thread.join(_LAST_WORDS)
            if self.webhook is not None:
                self.webhook.stop(_LAST_WORDS)

    def look(self) -> None:
        """Look once, and tell what is new."""
        since, until = yesterday_and_today(self._now())
        try:
            if self._reader is None:
                self._reader = self._open_reader()
            looked = self._troubles.look(self._reader, since, until)
        except StoreError:
            return  # nothing is stored yet, or the disk is away: the writer says so
        for news in self._news.of(looked.incidents):
            self._tell(news, until)

    def _run(self) -> None:
        pause = _FIRST
        while not self._stopping.wait(pause):
            pause = EVERY
            try:
                self.look()
            except Exception as error:
                self._log.event("error", "incidents_failed", reason=f"{type(error).__name__}: {error}")

    def _tell(self, news: News, until: int) -> None:
        said = incident_sentences(news.incident, until)
        level: Level = "warning" if news.turn == IncidentTurn.BEGAN else "info"
        self._log.event(level, f"incident_{news.turn}", id=news.incident.id, reason=said[0])
        if self.webhook is not None:
            link = None if self._pages is None else f"{self._pages}/incidents?{_selection(news.incident, until)}"
            whole = {"event": news.turn, "incident": news.incident, "text": said, "url": link}
            self.webhook.put(encode(whole))


def _selection(incident: IncidentRecord, until: int) -> str:
    """Return what asks the page for the days of an incident: also when it is read next week."""
    days = {"from": incident.since.day, "to": (incident.until or Moment(until)).day}
    return urlencode(days if incident.peer is None else {"peer": incident.peer, **days})


def watch_over(folder: Path, troubles: Troubles, settings: IncidentSettings, log: Log) -> StandingWatch:
    """Return what looks at the store in a folder, and tells whom the configuration says."""
    webhook = None
    if settings.webhook is not None:
        webhook = Webhook(settings.webhook, settings.authorization, log)
    return StandingWatch(lambda: StoreReader(folder), troubles, time.time_ns, log, webhook, settings.pages)
