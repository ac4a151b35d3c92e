"""``sipwatch serve``: pages over a store, on this machine unless told otherwise."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.export import records
from tests.store.conftest import store, stores
from tests.web.serving import ask, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.store.stored import Stored

__all__ = ["store", "stores"]


def serving(*given: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sipwatch", "serve", *given],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )


@pytest.mark.slow
def test_it_shows_the_calls_of_a_store_until_it_is_told_to_end(store: Stored) -> None:
    store.put(records.call(caller="+4930555123"))
    process = serving(str(store.folder), "--listen", "127.0.0.1:0")
    assert process.stderr is not None
    line = process.stderr.readline()
    assert line.startswith("sipwatch: pages at http://127.0.0.1:")
    address = line.split()[3].removeprefix("http://").rstrip("/")
    assert "+4930555123" in ask(address, "/calls").body.decode()
    store.put(records.call(id="1" * 12, caller="+4930555999"))
    assert until(lambda: "+4930555999" in ask(address, "/calls").body.decode(), "the new call")
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert process.stderr.read() == ""
    process.stderr.close()


@pytest.mark.slow
def test_it_does_not_show_calls_to_the_network_without_users(store: Stored) -> None:
    store.put(records.call())
    process = serving(str(store.folder), "--listen", "0.0.0.0:0")
    said = process.communicate(timeout=20)[1]
    assert (process.returncode, "no users are configured" in said) == (1, True)


@pytest.mark.slow
def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    process = serving(str(tmp_path / "nothing"))
    said = process.communicate(timeout=20)[1]
    assert process.returncode == 1
    assert said == f"sipwatch: {tmp_path}/nothing: the store cannot be read: No such file or directory\n"
