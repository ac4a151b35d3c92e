"""A call that sipp places over a real interface appears on a page that somebody has open."""

from __future__ import annotations

import os
import re
import shutil
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.site import PATIENT, place
from tests.browser.visitor import Visitor
from tests.cli.program import COMMAND, ENVIRONMENT, ROOT
from tests.e2e import net
from tests.e2e.process import Running, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow  # a browser, and a call of real time


@pytest.fixture
def folder() -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("needs root: packet sockets")
    if shutil.which("sipp") is None:
        pytest.skip("sipp (sip-tester) is not installed")
    with place() as name:
        yield Path(name)


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_call_that_sipp_places_appears_by_itself(chromium: Browser, folder: Path) -> None:
    """While it is up it is among the calls of now, and when it is over in the list: nobody loads a page again."""
    words = ["live", "-i", "lo", "--listen", "127.0.0.1:0", "--store", str(folder / "store")]
    running = Running([*COMMAND, *words], folder / "log", env=ENVIRONMENT, cwd=ROOT)
    with running:
        found = until(lambda: re.search(r"listening address=(\S+)", running.said()), PATIENT, "it to listen")
        visitor, watcher = (Visitor(chromium, f"http://{found[1]}") for _ in range(2))
        page, now = visitor.go("/calls"), watcher.go("/now")
        expect(page.locator("#live")).to_contain_text("No call is stored yet")
        port = free_port()
        answers = ["sipp", "-sn", "uas", "-i", "127.0.0.1", "-p", str(port), "-nostdin", "-m", "1"]
        places = ["sipp", "-sn", "uac", f"127.0.0.1:{port}", "-i", "127.0.0.1", "-nostdin", "-m", "1", "-s", "4711"]
        with Running(answers, folder / "uas", cwd=folder) as callee:
            until(lambda: ("127.0.0.1", port) in net.bound(callee.pid, "udp"), PATIENT, "sipp to listen")
            with Running([*places, "-d", "8000"], folder / "uac", cwd=folder) as caller:
                expect(now.locator("table.figures").first).to_contain_text("Talking", timeout=PATIENT * 1000)
                caller.process.wait(PATIENT)
        expect(page.locator("table.calls tbody tr")).to_have_count(1, timeout=PATIENT * 1000)
        expect(page.locator("table.calls")).to_contain_text("4711")
        expect(page.locator("table.calls")).to_contain_text("Answered")
        for one in (visitor, watcher):
            one.close()
            assert one.wrong == []
