"""The daemon beside its store: what it hands over, tells in figures, and takes from a new configuration."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from sipwatch.capture.files import Prefilter, open_capture
from sipwatch.shell.log import Log
from sipwatch.shell.webhook import Webhook
from sipwatch.store.settings import KeepMessages
from tests.e2e.process import until
from tests.store.stored import EVERYTHING, Stored
from tests.test_daemon import PATIENT, PCAPS, Piped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sipwatch.store.intake import Intake

SETTINGS = '[store]\nmessages = "all"\n'


class Storing:
    """A daemon at the end of a FIFO, and its store, which is written when a test says so."""

    def __init__(self, folder: Path) -> None:
        self.store = Stored(folder / "store", EVERYTHING)
        self.piped = Piped(folder, SETTINGS, self.store.intake)
        self.piped.daemon.keep_in(self.store.writer)

    def close(self) -> None:
        self.piped.daemon.stop()
        self.piped.hang_up()
        self.piped.thread.join(PATIENT)
        self.store.close()


@pytest.fixture
def storing(tmp_path: Path) -> Iterator[Storing]:
    made = Storing(tmp_path)
    yield made
    made.close()


def test_every_call_of_the_pipe_is_stored_with_its_messages(storing: Storing) -> None:
    """As many as a replay of the file has."""
    storing.piped.write((PCAPS / "outcomes" / "busy.pcap").read_bytes())
    storing.piped.hang_up()
    storing.piped.over()
    storing.store.writer.write()
    with open_capture([str(PCAPS / "outcomes" / "busy.pcap")], prefilter=Prefilter.OFF) as source:
        packets = sum(1 for _ in source)
    [(calls, kept)] = storing.store.ask("SELECT count(*), sum(kept) FROM calls WHERE outcome = 'busy'")
    assert calls >= 1
    assert 0 < kept <= packets


def test_who_registered_is_stored_live_and_counts_once_when_the_capture_is_replayed(storing: Storing) -> None:
    """Somebody records what the daemon watches, and reads it into the same store afterwards."""
    sums = "SELECT outcome, sum(attempts) FROM register_hours GROUP BY outcome"
    storing.piped.write((PCAPS / "demo.pcap").read_bytes())
    storing.piped.hang_up()
    storing.piped.over()
    storing.store.writer.write()
    live = storing.store.ask(sums), storing.store.ask("SELECT * FROM registrations")
    assert dict(live[0])["registered"] > 30
    storing.store.capture(PCAPS / "demo.pcap")
    assert (storing.store.ask(sums), storing.store.ask("SELECT * FROM registrations")) == live


def test_figures_tell_what_is_stored_what_waits_and_what_was_dropped(storing: Storing) -> None:
    """They are there while it runs."""
    intake: Intake = storing.store.intake
    assert storing.piped.value("store_calls_total") == 0
    intake.drop("message", "spool", 7)
    storing.store.watch("0 A>P INVITE\n1 P>A 486\n1.1 A>P ACK ttag=callee\n")
    assert storing.piped.value("store_calls_total") == 1
    assert storing.piped.value("store_calls_waiting") == 0
    assert storing.piped.value("store_dropped_total", what="message", reason="spool") == 7
    assert storing.piped.value("store_dropped_total", what="call", reason="queue") == 0
    assert storing.piped.value("store_size_bytes") >= 0


def test_figures_tell_how_many_incidents_go_on_and_what_became_of_the_news(storing: Storing) -> None:
    sent = Webhook("http://192.0.2.1/", b"", Log(io.StringIO(), "text", float))

    class Standing:
        going_on = 2
        webhook: Webhook | None = sent

    sent.results["failed"] = 3
    storing.piped.daemon.stand_watch(Standing())
    assert storing.piped.value("incidents") == 2
    assert storing.piped.value("webhook_posts_total", result="failed") == 3
    assert storing.piped.value("webhook_posts_total", result="sent") == 0


def test_a_new_configuration_counts_for_the_store_at_once_but_for_the_spool(storing: Storing) -> None:
    storing.piped.config.write_text('[store]\nmessages = "none"\ndays = 3\nspool = "64 MiB"\n')
    storing.piped.daemon.reload()
    until(lambda: storing.piped.events("configuration_read"), PATIENT, "it is read again")
    assert storing.store.writer.settings.messages is KeepMessages.NONE
    assert storing.store.writer.settings.days == 3
    [told] = storing.piped.events("restart_needed")
    assert "spool" in told["reason"]
