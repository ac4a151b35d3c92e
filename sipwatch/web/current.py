"""The web configuration as its files say it now: read again when they change, and kept when they are wrong.

Must not know: HTTP, connections.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sipwatch.web.webconfig import WebConfig, WebError, load, signature

if TYPE_CHECKING:
    from collections.abc import Callable

    from sipwatch.shell.log import Log

LOOK_EVERY = 1.0  # seconds


class Current:
    """Holds what is in force. ``clock`` counts seconds, ``now`` is the wall clock. Raises WebError at first."""

    def __init__(
        self,
        path: str | None,
        log: Log,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._log = log
        self._clock = clock
        self._now = now
        self._config = WebConfig() if path is None else load(path)
        self._looked = clock()
        self._wrong = ""
        self._expiry_told = False
        self._tell_expiry()

    def look(self) -> WebConfig:
        """Return what is in force; look at the files at most once a second.

        Cheap enough for every request. After root's rights are given away the files may be out of reach:
        that is told once, as any other mistake in them, and what was read before stays in force.
        """
        now = self._clock()
        if self._path is not None and now - self._looked >= LOOK_EVERY:
            self._looked = now
            if self._wrong or any(signature(path) != seen for path, seen in self._config.files.items()):
                self._read_again(self._path)
            self._tell_expiry()
        return self._config

    def _read_again(self, path: str) -> None:
        """Take over what the files say. While they are wrong they are tried again and again, and told once."""
        try:
            self._config = load(path)
        except WebError as error:
            if str(error) != self._wrong:
                self._log.event("error", "web_configuration_kept", reason=str(error))
            self._wrong = str(error)
            return
        self._wrong = ""
        self._expiry_told = False
        tls = "on" if self._config.context is not None else "off"
        self._log.event("info", "web_configuration_read", users=len(self._config.users), tls=tls)

    def _tell_expiry(self) -> None:
        expires = self._config.expires
        if expires is None or expires > self._now() or self._expiry_told:
            return
        self._expiry_told = True
        self._log.event("warning", "certificate_expired", since=datetime.fromtimestamp(expires, UTC).isoformat())
