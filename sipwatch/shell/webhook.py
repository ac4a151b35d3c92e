"""JSON posted to an address: in a thread of its own, tried again for a while, never holding up whoever posts.

Must not know: what is posted.
"""

from __future__ import annotations

import encodings.idna  # noqa: F401 - later it may be out of reach, and names of hosts need it
import threading
import urllib.error
import urllib.request
from collections import deque
from http.client import HTTPException
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from sipwatch.shell.log import Log

    Post = Callable[[bytes], None]  # raises OSError or HTTPException

MAX_WAITING: Final = 100  # that wait to be posted; then the oldest goes
PAUSES: Final = (2.0, 10.0, 60.0)  # seconds until it is tried again; then it is given up
PATIENCE: Final = 10.0  # seconds that an answer may take
SENT, FAILED, DROPPED = "sent", "failed", "dropped"
RESULTS: Final = (SENT, FAILED, DROPPED)


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """Goes nowhere else: whoever answers with another address is not to be told our secret there."""

    def redirect_request(self, *_: object) -> None:
        """Refuse, so that the answer counts as a failure."""


class Webhook:
    """Posts to ``address`` (http or https), with ``authorization`` as the header of that name if there is one.

    ``results`` counts what became of it: ``sent``, ``failed`` after all tries, ``dropped`` for want of room.
    """

    def __init__(self, address: str, authorization: bytes, log: Log, post: Post | None = None) -> None:
        self.results = dict.fromkeys(RESULTS, 0)
        self._address = address
        self._headers = {"Content-Type": "application/json", "User-Agent": "sipwatch"}
        if authorization:
            self._headers["Authorization"] = authorization.decode("ascii")
        self._opener = urllib.request.build_opener(NoRedirects)
        self._log = log
        self._send = self._post if post is None else post
        self._waiting: deque[bytes] = deque()
        self._something = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sipwatch-webhook", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def put(self, body: bytes) -> None:
        """Let something be posted soon."""
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.popleft()
            self.results[DROPPED] += 1
        self._waiting.append(body)
        self._something.set()

    def stop(self, within: float) -> None:
        """Let what waits be tried once more, for so many seconds at most."""
        self._stopping.set()
        self._something.set()
        if self._thread.is_alive():
            self._thread.join(within)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._something.wait()
            self._something.clear()
            self.send_waiting()

    def send_waiting(self) -> None:
        """Post all that waits, one after the other."""
        while self._waiting:
            self._deliver(self._waiting.popleft())

    def _deliver(self, body: bytes) -> None:
        """Try several times, and count how it ends; when we are to end, once."""
        for pause in (*PAUSES, None):
            try:
                self._send(body)
            except (OSError, HTTPException) as error:
                reason = f"{type(error).__name__}: {error}"
            else:
                self.results[SENT] += 1
                return
            if pause is None or self._stopping.wait(pause):
                break
        self.results[FAILED] += 1
        self._log.event("error", "webhook_failed", reason=reason)

    def _post(self, body: bytes) -> None:
        request = urllib.request.Request(self._address, body, self._headers, method="POST")  # noqa: S310 - see above
        with self._opener.open(request, timeout=PATIENCE) as answer:
            answer.read(1)
