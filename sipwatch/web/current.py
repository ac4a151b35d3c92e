"""The web configuration as its files say it now: read again when they change, and kept when they are wrong.

Must not know: HTTP, connections.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sipwatch.web.webconfig import WebConfig, WebError, load, signature

if TYPE_CHECKING:
    from collections.abc import Callable

    from sipwatch.shell.log import Log

LOOK_EVERY = 1  # seconds between looks at the files; also made when nobody asks for anything


class Current:
    """Holds what is in force. ``clock`` counts seconds. Raises WebError at first."""

    def __init__(self, path: str | None, log: Log, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._log = log
        self._clock = clock
        self._config = WebConfig() if path is None else load(path)
        self._looked = clock()
        self._wrong = ""
        self._tell_remarks()

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
        tls = "on" if self._config.tls is not None else "off"
        self._log.event("info", "web_configuration_read", users=len(self._config.users), tls=tls)
        self._tell_remarks()

    def _tell_remarks(self) -> None:
        for remark in self._config.remarks:
            self._log.event("warning", "web_setting_without_effect", reason=remark)
