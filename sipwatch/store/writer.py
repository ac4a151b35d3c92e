"""The thread that writes a store: it takes what waits, in batches, and lets old days go. Nobody waits for it.

Must not know: tables, the engine, what time it is (it is told). Whatever the disk does, the capture goes on: what
cannot be written waits as long as there is room for it, is counted when there is none, and is written when the disk is
back.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import sqlite3
from threading import Event, Thread
from typing import IO, TYPE_CHECKING, Final, Literal, TypeVar

from sipwatch.store.book import Book, CallEntry, DayBatch, KeptMessage, by_day
from sipwatch.store.bounds import beyond, outdated
from sipwatch.store.days import StoreError, day_of, files_in, path_of, remove
from sipwatch.store.hiding import Hiding
from sipwatch.store.intake import MAX_ANSWERED, MAX_ATTEMPTS, MAX_TAGS
from sipwatch.store.schema import CALLS, MESSAGES, TooNewError
from sipwatch.store.settings import KeepMessages, StoreSettings, is_worth_keeping
from sipwatch.store.spool import Spool, packed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sipwatch.classify.peers import Privacy
    from sipwatch.store.attempts import RegisterAttempt
    from sipwatch.store.days import DayFile
    from sipwatch.store.intake import AnsweredCall, HandedCall, Intake, Tagging

    Tell = Callable[[Literal["info", "warning", "error"], str, str], None]  # level, event, reason

T = TypeVar("T")

TURN: Final = 0.2  # seconds between two looks at what waits; with a batch and its commit, well below two
_LOOK_AT_BOUNDS: Final = 50  # turns
_TRY_AGAIN: Final = 5  # turns after a failure
_SPOOL: Final = "spool"
_LOCK: Final = "lock"
_LET_GO: Final = 2000  # calls, or messages, of today that go at a time when today alone is too much


class StoreWriter:
    """Writes into ``folder`` what ``intake`` takes. ``now`` gives the time (ns since 1970), by which days grow old.

    ``stored`` counts calls, ``size`` is what the files took when they were looked at last (bytes). Raises StoreError.
    """

    def __init__(
        self,
        folder: Path,
        intake: Intake,
        settings: StoreSettings,
        privacy: Privacy,
        now: Callable[[], int],
        tell: Tell,
    ) -> None:
        self.settings = settings
        self.stored = self.size = 0
        self.intake = intake
        self.folder = folder
        self._now = now
        self._tell = tell
        self._hiding = Hiding(privacy)
        self._lock = _locked(folder)
        self._book = Book(folder)
        self._spool = self._begin_spool()
        self._calls: list[HandedCall] = []  # that wait for the disk
        self._tags: list[Tagging] = []
        self._answered: list[AnsweredCall] = []
        self._attempts: list[RegisterAttempt] = []  # to register, with everything hidden that is to be
        self._failing = ""
        self._wait = 0
        self._turns = 0
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="sipwatch-store", daemon=True)

    @property
    def waiting(self) -> int:
        """Say how many calls, and attempts to register, wait for the disk."""
        return self.intake.waiting + len(self._attempts)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self, within: float) -> None:
        """Write what there is, for so many seconds at most, and close the files."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(within)
        if self._thread.is_alive():
            return  # it holds its files; what is committed stays
        self._spool.close()
        self._book.close()
        shutil.rmtree(self.folder / _SPOOL, ignore_errors=True)
        self._lock.close()

    def use(self, settings: StoreSettings, privacy: Privacy) -> None:
        """Go by other settings from now on; the spool stays as large as it may be."""
        self.settings = settings
        self._hiding = Hiding(privacy)

    def write(self) -> None:
        """Take what waits and write it."""
        handed = self.intake.calls()
        self._calls += handed.calls
        self._tags += self._with_room(handed.tags, MAX_TAGS - len(self._tags), "tag")
        self._answered += self._with_room(handed.answered, MAX_ANSWERED - len(self._answered), "answer")
        attempts = self._with_room(handed.attempts, MAX_ATTEMPTS - len(self._attempts), "attempt")
        self._attempts += [self._hiding.attempt(one) for one in attempts]
        self._spool_messages()
        if self._wait > 0:
            self._wait -= 1
        elif self._calls or self._tags or self._answered or self._attempts:
            self._write_all()
        self._turns += 1
        if self._turns % _LOOK_AT_BOUNDS == 1:
            self._keep_bounds()

    def _with_room(self, handed: list[T], room: int, what: str) -> list[T]:
        """Return what there is room for to wait for the disk; the rest is dropped."""
        if len(handed) > room:
            self.intake.drop(what, "queue", len(handed) - room)
        return handed[:room]

    def _run(self) -> None:
        while not self._stopping.wait(TURN):
            self._safely()
        self._wait = 0
        self._safely()

    def _safely(self) -> None:
        try:
            self.write()
        except Exception as error:  # noqa: BLE001 - the last net of this thread; the capture goes on
            self._failed(error)

    def _begin_spool(self) -> Spool:
        spool = self.folder / _SPOOL
        shutil.rmtree(spool, ignore_errors=True)  # of one that was killed: its open calls are gone
        try:
            spool.mkdir()
        except OSError as error:
            raise StoreError(f"{spool}: cannot be made: {error.strerror}") from None
        return Spool(spool, self.settings.spool)

    # Messages

    def _spool_messages(self) -> None:
        messages = self.intake.messages()
        if self.settings.messages is KeepMessages.NONE:
            return
        before = self._spool.given_up
        try:
            self._spool.add([(number, packed(kept)) for number, kept in messages])
        except OSError as error:
            self.intake.drop("message", "disk", len(messages))
            self._failed(error)
        if self._spool.given_up > before:
            self.intake.drop("message", "spool", self._spool.given_up - before)

    def _entry(self, call: HandedCall) -> CallEntry:
        """Return a call with its messages, if they are worth it, and with everything hidden that is to be."""
        kept: list[KeptMessage] = []
        if call.numbers and is_worth_keeping(call.record, self.settings):
            kept = self._read(call)
        record, messages = self._hiding.call(call.record, kept)
        return CallEntry(record, call.completed, messages)

    def _read(self, call: HandedCall) -> list[KeptMessage]:
        flags = {number: (again, placed) for number, again, placed in call.numbers}
        try:
            found = self._spool.read(flags)
        except OSError as error:
            self.intake.drop("message", "disk", len(flags))
            self._failed(error)
            return []
        return [KeptMessage(message, *flags[number]) for number, message in found]

    # Calls

    def _write_all(self) -> None:
        calls = self._calls
        days = by_day([self._entry(call) for call in calls], self._tags, self._answered, self._attempts)
        written = {day for day, batch in days.items() if self._write_day(day, batch)}
        self._calls = [call for call in calls if day_of(call.record.started) not in written]
        self._tags = [one for one in self._tags if day_of(one.started) not in written]
        self._answered = [one for one in self._answered if day_of(one.started) not in written]
        self._attempts = [one for one in self._attempts if day_of(one.at) not in written]
        for call in calls:
            if day_of(call.record.started) in written:
                self._spool.forget([number for number, _, _ in call.numbers])
        self.intake.done(len(calls) - len(self._calls))
        if len(written) == len(days):
            self._recovered()

    def _write_day(self, day: str, batch: DayBatch) -> bool:
        """Write what is of one day; tell whether that is done with."""
        entries = batch.entries
        why = self._write_messages(day, [entry for entry in entries if entry.messages])
        lost = sum(len(entry.messages) for entry in entries) if why else 0
        if why:
            entries = [entry._replace(messages=()) for entry in entries]
        try:
            self._write_book(day, batch._replace(entries=entries))
        except sqlite3.OperationalError as error:  # full, locked, read only, gone: it may come back
            self._failed(error)
            self._wait = _TRY_AGAIN
            return False
        except (sqlite3.Error, TooNewError, ValueError, OverflowError) as error:
            if _is_damage(error):
                self._set_aside(day, CALLS, error)
                return False
            self._failed(error)
            if len(entries) > 1 or (entries and batch.attempts):
                # One of them cannot be written, and shall not keep the others from it.
                beside = batch._replace(entries=[])
                alone = [DayBatch([one], batch.tagged, batch.answered, []) for one in entries]
                return min([self._write_day(day, one) for one in (beside, *alone)])
            self.intake.drop("call", "file", len(entries))
            self.intake.drop("attempt", "file", len(batch.attempts))
        if lost:
            self.intake.drop("message", why, lost)
        return True

    def _write_book(self, day: str, batch: DayBatch) -> None:
        before = self._book.given_up
        self.stored += self._book.write(day, *batch)
        if self._book.given_up > before:
            self.intake.drop("registration", "room", self._book.given_up - before)

    def _write_messages(self, day: str, entries: Sequence[CallEntry]) -> str:
        """Write the messages of calls; return why that cannot be, if so."""
        if not entries:
            return ""
        try:
            self._book.write_messages(day, entries)
        except sqlite3.OperationalError as error:
            self._failed(error)
            return "disk"
        except (sqlite3.Error, TooNewError) as error:
            if _is_damage(error):
                self._set_aside(day, MESSAGES, error)
            self._failed(error)
            return "file"
        return ""

    def _set_aside(self, day: str, kind: str, error: Exception) -> None:
        """Rename a file that is damaged, for another to take its place."""
        self._book.close(day)
        path = path_of(self.folder, day, kind)
        aside = path.with_name(f"{path.name}.damaged-{self._now() // 10**9}")
        for beside in ("-wal", "-shm"):
            with contextlib.suppress(OSError):
                path.with_name(path.name + beside).unlink()
        with contextlib.suppress(OSError):
            path.rename(aside)
        self._tell("error", "store_damaged", f"{path}: {error}; it is {aside.name} now, and a new one begins")

    # Bounds

    def _keep_bounds(self) -> None:
        files = files_in(self.folder)
        if not files:
            return
        # Of packets that come from a file, or from a line that was silent for days, the newest day is what counts; of
        # packets with a date to come it is not.
        today = min(day_of(self._now()), files[-1].day)
        going = outdated(files, self.settings, today)
        left = [file for file in files if file not in going]
        calls: dict[str, int] = {}
        if self.settings.calls is not None:
            calls = {file.day: self._calls_on(file.day) for file in left if file.kind == CALLS}
        going += beyond(left, self.settings, calls, today)
        for file in going:
            self._book.close(file.day)
            remove(file)
            self._tell("info", "store_day_dropped", f"{file.path.name}, {file.size:,} bytes")
        left = [file for file in files if file not in going]
        self._trim(today, left, calls)
        self.size = sum(file.size for file in left)

    def _calls_on(self, day: str) -> int:
        with contextlib.suppress(sqlite3.Error, TooNewError):
            return self._book.calls_on(day)
        return 0

    def _trim(self, today: str, files: Sequence[DayFile], calls: dict[str, int]) -> None:
        """Let the first of today's messages, then calls, go where today is more than there may be."""
        settings = self.settings
        days = {(file.day, file.kind) for file in files}
        others = sum(file.size for file in files if file.day != today)
        if settings.calls is not None and (today, CALLS) in days:
            extra = sum(calls.get(day, 0) for day, kind in days if kind == CALLS) - settings.calls
            while extra > 0:
                self._book.let_go_of_calls(today, min(extra, _LET_GO))
                extra -= _LET_GO
        while settings.size is not None:
            used = {kind: self._book.used(today, kind) for kind in (CALLS, MESSAGES) if (today, kind) in days}
            if others + sum(used.values()) <= settings.size:
                break
            if used.get(MESSAGES, 0) > used.get(CALLS, 0) // 2:
                self._book.let_go_of_messages(today, _LET_GO)
            elif (today, CALLS) in days and self._book.calls_on(today) > _LET_GO:
                self._book.let_go_of_calls(today, _LET_GO)
            else:
                break

    # What is said

    def _failed(self, error: Exception) -> None:
        reason = f"{type(error).__name__}: {error}"
        if reason != self._failing:
            self._failing = reason
            self._tell("error", "store_failed", f"{reason}; what has no room meanwhile is counted as dropped")

    def _recovered(self) -> None:
        if self._failing:
            self._failing = ""
            self._tell("info", "store_recovered", "calls are written again")


def _is_damage(error: Exception) -> bool:
    """Tell whether a file is no database any more; what else can go wrong has exceptions of its own."""
    return type(error) is sqlite3.DatabaseError


def _whose(folder: Path) -> str:
    """Say who may not write, and what to do."""
    return f"; give it to the user that sipwatch runs as: chown {os.geteuid()} {folder}"


def _locked(folder: Path) -> IO[str]:
    """Make the folder if need be, and let no other sipwatch write there. Raises StoreError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / _LOCK).open("w")
    except OSError as error:
        why = f"{error.strerror}{_whose(folder) if error.errno == errno.EACCES else ''}"
        raise StoreError(f"{folder}: the store cannot be written: {why}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise StoreError(f"{folder}: another sipwatch writes this store; give each a folder of its own") from None
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock
