"""A daemon that finds an incident in its store tells a webhook of it, with a secret and a link."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from sipwatch.packet import DAY, MINUTE
from tests.browser.site import place
from tests.cli.program import COMMAND, ENVIRONMENT, ROOT
from tests.e2e.process import Running
from tests.shell.test_webhook import LONG, receiver
from tests.store.stored import Stored
from tests.store.troubled import calls, trouble

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.shell.test_webhook import Receiver

__all__ = ["receiver"]
pytestmark = pytest.mark.slow  # a daemon


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return where there is a store of eight days, of which the last forty minutes went wrong."""
    with place() as name:
        path = Path(name)
        store = Stored(path / "store")
        now = time.time_ns() // MINUTE * MINUTE
        today = now // DAY * DAY
        store.put(*calls(today - 8 * DAY, today - DAY, every=20 * MINUTE))
        store.put(*calls(today - DAY, now - 40 * MINUTE))
        store.put(*trouble(now - 40 * MINUTE, now - 2 * MINUTE, every=MINUTE))
        store.close()
        if os.geteuid() == 0:  # whom it becomes
            for one in (path / "store", *(path / "store").iterdir()):
                shutil.chown(one, "nobody")
        yield path


def test_a_webhook_is_told_of_an_incident(folder: Path, receiver: Receiver) -> None:
    (folder / "secret").write_text("Bearer 4f1c0e\n")
    (folder / "sipwatch.toml").write_text(
        f'[incidents]\nwebhook = "{receiver.url}"\nauthorization_file = "secret"\npages = "https://voice.example.com"\n'
    )
    words = ["live", "-r", "-", "--listen", "127.0.0.1:0", "--store", str(folder / "store")]
    command = [*COMMAND, *words, "--config", str(folder / "sipwatch.toml")]
    with Running(command, folder / "log", stdin=subprocess.PIPE, env=ENVIRONMENT, cwd=ROOT) as running:
        assert receiver.arrived.acquire(timeout=6 * LONG), running.said()
        assert running.process.stdin is not None
        running.process.stdin.close()
    [(secret, kind, body)] = receiver.taken
    told = msgspec.json.decode(body)
    assert (secret, kind, told["event"]) == ("Bearer 4f1c0e", "application/json", "began")
    assert told["text"][0].startswith("Calls to south: “Server failure”, since")
    assert told["url"].startswith("https://voice.example.com/incidents?peer=south&from=20")
    assert "incident_began" in running.said()
