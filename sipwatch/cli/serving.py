"""A web server in the foreground: until Ctrl-C, or a signal that means the same.

Must not know: what is served.
"""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

from sipwatch.cli.words import FailOn, complain

if TYPE_CHECKING:
    from sipwatch.web.server import Server


def serve_until_ended(server: Server, said: str) -> None:
    """Serve until somebody ends it; ``said`` tells people where."""
    from sipwatch.web.server import WebError

    try:
        with FailOn(WebError), contextlib.suppress(KeyboardInterrupt):
            server.start()
            complain(f"{said} until Ctrl-C")
            signal.pause()
    finally:
        server.stop()
