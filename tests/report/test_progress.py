"""A progress bar where there is a terminal, and nothing elsewhere."""

from __future__ import annotations

import os
import pty
import sys
import threading

import pytest

from sipwatch.report import progress


class Source:
    """Half way through a file."""

    bytes_read = 500
    total_bytes = 1000


def test_nothing_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.progress(Source()):
        pass
    assert capsys.readouterr().err == ""


def test_a_bar_with_rate_and_time_left_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes away when the file is through."""
    monkeypatch.setattr(progress, "PATIENCE", 0)
    monkeypatch.setattr(progress, "_EVERY", 0.01)
    monkeypatch.setenv("TERM", "xterm")
    master, slave = pty.openpty()
    seen: list[bytes] = []
    shown = threading.Event()

    def read() -> None:
        try:
            while data := os.read(master, 4096):
                seen.append(data)
                if b"0.5/1.0 kB" in b"".join(seen):
                    shown.set()
        except OSError:
            shown.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    with os.fdopen(slave, "w", encoding="utf-8") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        with progress.progress(Source()):
            assert shown.wait(20), seen
    reader.join(20)
    os.close(master)
    assert b"0.5/1.0 kB" in b"".join(seen)


def test_a_short_file_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience is longer than most files take."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    drawn = []
    monkeypatch.setattr(progress, "_bar", lambda: drawn.append(1))
    with progress.progress(Source()):
        pass
    assert drawn == []


@pytest.mark.parametrize(
    ("read", "waited", "nearly"), [(900, 0.5, True), (900, 10, False), (500, 0.5, False), (0, 0.5, False)]
)
def test_what_is_nearly_done_shows_nothing_either(read: int, waited: float, nearly: bool) -> None:
    source = Source()
    source.bytes_read = read
    assert progress._nearly_done(source, waited) is nearly
