"""Where results go: a file appears when it is complete, and never in the place of what is being read."""

from __future__ import annotations

import errno
import os
import stat
import threading
from typing import TYPE_CHECKING

import pytest

from sipwatch.cli.output import opened, replaces, text_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OLD = b"what was there"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Return a file from an earlier run."""
    path = tmp_path / "calls.json"
    path.write_bytes(OLD)
    return path


def write(path: object, read: list[str] | None = None, *, force: bool = False, new: bool = False) -> None:
    with opened(str(path), read or [], force=force, new=new) as out:
        out.write(b"new")


def refusal(capsys: pytest.CaptureFixture[str], act: Callable[[], None], status: int = 1) -> str:
    """Return the one line with which something is refused."""
    with pytest.raises(SystemExit) as ended:
        act()
    assert ended.value.code == status
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_a_file_takes_the_place_of_an_older_one_when_it_is_complete(old: Path) -> None:
    with opened(str(old)) as out:
        out.write(b"new")
        out.flush()
        assert old.read_bytes() == OLD
    assert old.read_bytes() == b"new"
    assert list(old.parent.iterdir()) == [old]


def test_it_keeps_the_mode_of_the_older_one(old: Path) -> None:
    old.chmod(0o640)
    write(old)
    assert stat.S_IMODE(old.stat().st_mode) == 0o640


def test_a_first_file_has_the_mode_of_any_new_file(tmp_path: Path) -> None:
    write(tmp_path / "first")
    (tmp_path / "other").touch()
    assert (tmp_path / "first").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize(
    ("trouble", "status", "words"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), 1, "cannot be written: No space left on device"),
        (OSError(errno.EMFILE, os.strerror(errno.EMFILE)), 1, "raise the limit (ulimit -n)"),
        (KeyboardInterrupt(), 130, "interrupted; "),
    ],
    ids=["full-disk", "few-descriptors", "ctrl-c"],
)
def test_what_goes_wrong_leaves_the_older_file(
    old: Path, capsys: pytest.CaptureFixture[str], trouble: BaseException, status: int, words: str
) -> None:
    def act() -> None:
        with opened(str(old)) as out:
            out.write(b"half")
            raise trouble

    assert words in refusal(capsys, act, status)
    assert old.read_bytes() == OLD
    assert list(old.parent.iterdir()) == [old]


def test_what_is_read_is_never_written_over(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By whatever way it is named: file and device tell."""
    soft, hard, folder = (old.parent / name for name in ("soft", "hard", "folder"))
    soft.symlink_to(old)
    hard.hardlink_to(old)
    folder.symlink_to(old.parent)
    for path in (old, soft, hard, folder / old.name):
        for read in (old, soft, hard):
            words = refusal(capsys, lambda path=path, read=read: write(path, [str(read)], force=True))  # type: ignore[misc]
            assert words == f"sipwatch: {path}: is a file that is being read; choose another name"
    assert old.read_bytes() == OLD


def test_standard_input_is_read_too(
    old: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = os.stat
    monkeypatch.setattr(os, "stat", lambda path, **more: before(old if path == 0 else path, **more))
    assert "is a file that is being read" in refusal(capsys, lambda: write(old, ["-"]))


def test_a_link_is_followed_only_when_that_is_said(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    link = old.parent / "link"
    link.symlink_to(old.name)
    assert "is a symbolic link" in refusal(capsys, lambda: write(link))
    assert old.read_bytes() == OLD
    write(link, force=True)
    assert link.is_symlink()
    assert old.read_bytes() == b"new"


def test_a_link_to_nothing_is_no_file_to_write_either(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    assert "is a symbolic link" in refusal(capsys, lambda: write(link))
    write(link, force=True)
    assert (tmp_path / "elsewhere").read_bytes() == b"new"


def test_a_new_file_takes_no_place_without_force(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "write over it with --force" in refusal(capsys, lambda: write(old, new=True))
    assert old.read_bytes() == OLD
    write(old, new=True, force=True)
    assert old.read_bytes() == b"new"


def test_a_new_file_is_not_taken_from_who_made_one_meanwhile(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "evidence.zip"

    def act() -> None:
        with opened(str(path), new=True) as out:
            out.write(b"new")
            path.write_bytes(OLD)

    assert "was made by somebody else" in refusal(capsys, act)
    assert path.read_bytes() == OLD


@pytest.mark.parametrize("name", ["no/such/folder", "."])
def test_what_is_no_place_for_a_file_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert "cannot be written: " in refusal(capsys, lambda: write(tmp_path / name))


def test_devices_and_fifos_are_written_as_they_are(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(fifo.read_bytes()))
    reader.start()
    write(fifo)
    reader.join()
    write("/dev/null", ["/dev/null"])
    assert got == [b"new"]
    assert fifo.is_fifo()


def test_an_open_file_is_written_by_its_number(tmp_path: Path) -> None:
    """Where standard output is a file, /dev/stdout is a link to it: what stands in it already stays."""
    with open(tmp_path / "log", "wb") as log:
        log.write(b"before ")
        log.flush()
        write(f"/dev/fd/{log.fileno()}")
        assert not replaces(f"/dev/fd/{log.fileno()}")
    assert (tmp_path / "log").read_bytes() == b"before new"


def test_text_is_utf_8_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "text"
    with opened(str(path)) as out, text_of(out) as text:
        text.write("a → b")
    assert path.read_text("utf-8") == "a → b"


def test_only_a_plain_file_that_is_there_is_replaced(old: Path) -> None:
    assert replaces(str(old))
    assert not replaces(str(old.parent / "another"))
    assert not replaces("/dev/null")
    assert not replaces(None)
