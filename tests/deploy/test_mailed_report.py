"""The report by mail: its unit and timer hold for systemd, and the script makes and sends what it says."""

from __future__ import annotations

import email.policy
import os
import re
import shutil
import subprocess
import sys
import time
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sipwatch.export.moments import Moment
from tests.export import records
from tests.store.stored import EVERYTHING, Stored

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
SCRIPT = DEPLOY / "sipwatch-report"
SERVICE = (DEPLOY / "sipwatch-report.service").read_text()
TIMER = (DEPLOY / "sipwatch-report.timer").read_text()
with_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


def run(*command: object, **environment: str) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in command]
    given = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, env=given)


@pytest.fixture
def yesterday(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A store with a call of yesterday, and the settings under which it is reported."""
    store = Stored(tmp_path / "store", EVERYTHING)
    store.put(records.call(started=Moment((time.time_ns() // (86_400 * 10**9) - 1) * 86_400 * 10**9 + 10**9)))
    program = tmp_path / "sipwatch"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m sipwatch "$@"\n')
    sendmail = tmp_path / "sendmail"
    sendmail.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/options\ncat > {tmp_path}/mail\n')
    for one in (program, sendmail):
        one.chmod(0o755)
    yield {
        "SIPWATCH": str(program),
        "SENDMAIL": str(sendmail),
        "SIPWATCH_STORE": str(store.folder),
        "SIPWATCH_REPORT_DIR": str(tmp_path),
        "SIPWATCH_REPORT_TO": "team@example.com",
        "SIPWATCH_REPORT_OPTIONS": "--zone UTC --agents",
    }
    store.close()


@pytest.mark.slow
def test_it_makes_yesterdays_report_and_mails_it_with_the_rows_beside(
    yesterday: dict[str, str], tmp_path: Path
) -> None:
    assert run(SCRIPT, "make", **yesterday).returncode == 0
    done = run(
        SCRIPT, "send", **yesterday, SIPWATCH_REPORT_FROM="sipwatch@example.com", SIPWATCH_REPORT_SUBJECT="Calls"
    )
    assert (done.returncode, done.stderr) == (0, "")
    mail = email.message_from_bytes((tmp_path / "mail").read_bytes(), policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    assert (mail["To"], mail["From"], mail["Subject"]) == ("team@example.com", "sipwatch@example.com", "Calls")
    page, rows = mail.iter_attachments()
    assert (page.get_filename(), page.get_content_type()) == ("call-report.html", "text/html")
    assert "How agents took their calls" in page.get_content()
    assert (rows.get_filename(), rows.get_content_type()) == ("call-report.csv", "text/csv")
    assert "0123456789ab" in rows.get_content()
    assert (tmp_path / "options").read_text() == "-t -i\n"


@pytest.mark.slow
def test_a_report_that_cannot_be_made_sends_none_of_yesterday(yesterday: dict[str, str], tmp_path: Path) -> None:
    for name in ("call-report.html", "call-report.csv"):
        (tmp_path / name).write_text("old")
    assert run(SCRIPT, "make", **{**yesterday, "SIPWATCH_STORE": "/nowhere"}).returncode == 1
    done = run(SCRIPT, "send", **yesterday)
    assert done.returncode == 1
    assert "is not there" in done.stderr
    assert not (tmp_path / "mail").exists()


@pytest.mark.parametrize(
    ("changed", "status", "words"),
    [
        ({"SIPWATCH_REPORT_TO": ""}, 0, "names nobody; nothing is sent"),
        ({"SENDMAIL": "/nowhere"}, 1, "there is no sendmail"),
        ({"SIPWATCH_REPORT_SUBJECT": "a\nBcc: b@example.com"}, 1, "goes over several lines"),
    ],
)
def test_what_keeps_it_from_being_sent_is_told(
    changed: dict[str, str], status: int, words: str, tmp_path: Path
) -> None:
    settings = {"SIPWATCH_REPORT_TO": "team@example.com", "SIPWATCH_REPORT_DIR": str(tmp_path), "SENDMAIL": "/bin/true"}
    done = run(SCRIPT, "send", **{**settings, **changed})
    assert (done.returncode, words in done.stderr) == (status, True)


def test_no_link_is_followed_where_root_sends(tmp_path: Path) -> None:
    (tmp_path / "call-report.html").symlink_to("/etc/hostname")
    done = run(
        SCRIPT, "send", SIPWATCH_REPORT_TO="x@example.com", SIPWATCH_REPORT_DIR=str(tmp_path), SENDMAIL="/bin/true"
    )
    assert (done.returncode, "is not there" in done.stderr) == (1, True)


def test_wrong_usage_is_told() -> None:
    done = run(SCRIPT, "post")
    assert (done.returncode, done.stderr[:6]) == (2, "usage:")


@with_systemd
def test_systemd_understands_every_line_of_both(tmp_path: Path) -> None:
    (tmp_path / "sipwatch-report.service").write_text(SERVICE.replace("/opt/sipwatch/bin/sipwatch-report", "/bin/true"))
    (tmp_path / "sipwatch-report.timer").write_text(TIMER)
    done = run("systemd-analyze", "verify", "--man=no", *sorted(tmp_path.iterdir()))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@with_systemd
def test_the_moments_of_the_timer_are_moments() -> None:
    """The one that is set, and those that the comment offers."""
    offered = [*re.findall(r"^OnCalendar=(.+)$", TIMER, re.MULTILINE), "Mon *-*-* 06:00", "*-*-01 06:00"]
    assert all(one in TIMER for one in offered)
    for one in offered:
        assert run("systemd-analyze", "calendar", one).returncode == 0, one


def test_only_the_mail_is_sent_with_rights() -> None:
    assert "ExecStart=/opt/sipwatch/bin/sipwatch-report make" in SERVICE
    assert re.findall(r"^Exec\w+=\+.*$", SERVICE, re.MULTILINE) == [
        "ExecStartPost=+/opt/sipwatch/bin/sipwatch-report send"
    ]
    assert "PrivateNetwork=yes" in SERVICE
    assert "User=sipwatch\n" in SERVICE


def test_every_variable_of_the_script_is_told_of() -> None:
    """In the defaults or in the script's own head; the rest has a default that nobody need change."""
    told = (DEPLOY / "sipwatch-report.default").read_text() + SCRIPT.read_text().partition("set -eu")[0]
    used = set(re.findall(r"\b(SIPWATCH_REPORT_[A-Z]+)\b", SCRIPT.read_text()))
    assert used == set(re.findall(r"\b(SIPWATCH_REPORT_[A-Z]+)\b", told))
