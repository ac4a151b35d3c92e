"""The store of ``sipwatch live``: made while we may, opened as the user that we become, written beside the capture.

Must not know: what is captured, how calls are stored.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sipwatch.cli.feed import feed
from sipwatch.cli.words import FailOn, complain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sipwatch.cli.feed import Source
    from sipwatch.config import Config
    from sipwatch.daemon import Daemon
    from sipwatch.engine import Engine
    from sipwatch.shell.log import Level, Log
    from sipwatch.store.intake import Intake
    from sipwatch.store.troubles import Troubles

_ITEMS_AT_A_TIME = 500
_TRIES = 8  # a disk that refuses is asked again after some turns
TIME_TO_STORE = 1.5  # seconds for what was open in the end


class Storing:
    """A store in ``folder``; ``user`` is whom we will become, if we are root and somebody said so.

    Raises StoreError or PrivilegeError. Everything is imported now: who has given root's rights away may be unable to
    read libraries.
    """

    def __init__(self, folder: str, user: str | None) -> None:
        from sipwatch.cli.standing_watch import watch_over
        from sipwatch.store.intake import Intake
        from sipwatch.store.troubles import Troubles
        from sipwatch.store.writer import StoreWriter

        self.folder = Path(folder)
        self.intake: Intake = Intake()
        self.troubles: Troubles = Troubles()
        self._open = StoreWriter
        self._watch_over = watch_over
        _make(self.folder, user)

    @contextlib.contextmanager
    def running(self, daemon: Daemon, config: Config, log: Log) -> Iterator[None]:
        """Write meanwhile, in a thread of its own. Raises StoreError."""

        def tell(level: Level, event: str, reason: str) -> None:
            log.event(level, event, reason=reason)

        writer = self._open(self.folder, self.intake, config.store, config.privacy, time.time_ns, tell)
        daemon.keep_in(writer)
        watch = self._watch_over(self.folder, self.troubles, config.incidents, log)
        daemon.stand_watch(watch)
        writer.start()
        log.event("info", "storing", folder=str(self.folder))
        try:
            with watch.running():
                yield
        finally:
            writer.stop(TIME_TO_STORE)
            for (what, why), number in sorted(self.intake.dropped.items()):
                log.event("warning", "store_dropped", what=what, reason=why, number=number)


class Filling:
    """Fills a store from files: whoever reads them waits for the disk, and everything is stored. Raises StoreError.

    What ``settings`` say of how much may be kept is for a store that grows by itself; whose messages are kept counts.
    """

    def __init__(self, folder: str, config: Config, *, messages: bool) -> None:
        from sipwatch.store.intake import Intake
        from sipwatch.store.settings import KeepMessages
        from sipwatch.store.writer import StoreWriter

        _make(Path(folder), None)
        kept = KeepMessages.ALL if messages else config.store.messages
        unbounded = config.store._replace(days=None, message_days=None, calls=None, size=None, messages=kept)
        self.intake: Intake = Intake()
        self._writer = StoreWriter(Path(folder), self.intake, unbounded, config.privacy, time.time_ns, _complain)

    def feed(self, engine: Engine, source: Source, output: str | None, *, across_nat: bool) -> None:
        """Feed an engine to the end of a source, and store what comes of it; a store that fails ends the program."""
        from sipwatch.store.days import StoreError

        engine.add(self.intake)
        with FailOn(StoreError):
            feed(engine, source, output, items=self._watched(source), across_nat=across_nat)
            self._finish()

    def _watched(self, source: Source) -> Iterator[Any]:
        """Hand on frames; now and then, write what they have brought."""
        from sipwatch.capture.deep import DeepSource

        items = iter(source) if isinstance(source, DeepSource) else self.intake.watch(source)
        for number, item in enumerate(items):
            yield item
            if not number % _ITEMS_AT_A_TIME:
                self._writer.write()

    def _finish(self) -> None:
        """Write the rest. Raises StoreError where something could not be written."""
        from sipwatch.store.days import StoreError

        for _ in range(_TRIES):
            self._writer.write()
        lost = self._writer.waiting + self.intake.lost
        self._writer.stop(0)
        if lost:
            raise StoreError(f"{self._writer.folder}: {lost:,} calls, messages or registrations could not be stored")


def filling_of(folder: str | None, config: Config, *, messages: bool) -> Filling | None:
    """Open a store to be filled, if there is to be one; what keeps it from that ends the program."""
    from sipwatch.store.days import StoreError

    if folder is None:
        return None
    with FailOn(StoreError):
        return Filling(folder, config, messages=messages)


def _complain(level: str, event: str, reason: str) -> None:
    if level == "error":
        complain(f"warning: {event.replace('_', ' ')}: {reason}")


def _make(folder: Path, user: str | None) -> None:
    """Make the folder if it is not there; as root, for whom we become. What is there belongs to whom it belongs."""
    from sipwatch.shell.privileges import successor
    from sipwatch.store.days import StoreError

    if folder.exists():
        return
    account = successor(user)
    try:
        folder.mkdir(parents=True, mode=0o750)
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
    except OSError as error:
        raise StoreError(f"{folder}: the store cannot be made: {error.strerror}") from None


@contextlib.contextmanager
def stored_in(storing: Storing | None, daemon: Daemon, config: Config, log: Log) -> Iterator[None]:
    """Write the store meanwhile, if there is to be one; what keeps it from that ends the program."""
    from sipwatch.store.days import StoreError

    if storing is None:
        yield
        return
    with contextlib.ExitStack() as stack:
        with FailOn(StoreError):
            stack.enter_context(storing.running(daemon, config, log))
        yield


def storing_in(folder: str | None, user: str | None) -> Storing | None:
    """Prepare a store, if there is to be one; what keeps it from that ends the program."""
    from sipwatch.shell.privileges import PrivilegeError
    from sipwatch.store.days import StoreError

    if folder is None:
        return None
    with FailOn(StoreError, PrivilegeError):
        return Storing(folder, user)
