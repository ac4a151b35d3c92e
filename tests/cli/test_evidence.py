"""``sipwatch evidence`` as users meet it: the zip, what is hidden in it, and every mistake in one line."""

from __future__ import annotations

import csv
import io
import os
import shutil
import signal
import stat
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.capture import builders
from tests.cli.program import COMMAND, DEMO, ENVIRONMENT, ROOT, run, the_complaint
from tests.evidence.scenes import CALLEE, CALLER, CONFIG, KEY, OTHERS, RESPONSE, STUCK, over_udp, said, save, verdict
from tests.replay import replay

pytestmark = pytest.mark.slow  # a process for each test

DEMO_CONFIG = DEMO.parent / "demo.toml"
DEMO_STUCK = ("evidence", DEMO, "--config", DEMO_CONFIG, "--peer", "acme", "--outcome", "no_progress")


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    return save(tmp_path / "all.pcap", over_udp(said(STUCK, OTHERS)))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "sipwatch.toml"
    path.write_text(CONFIG)
    return path


def read(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


def rows(path: Path, name: str = "examples.csv") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(read(path)[name].decode(), newline="")))


def test_a_supplier_gets_a_page_tables_and_the_packets_of_each_call(tmp_path: Path) -> None:
    out = tmp_path / "evidence.zip"
    done = run(*DEMO_STUCK, "--zone", "Europe/Berlin", "-o", out)
    assert done.stdout == f"{out}: 5 of 5 calls, 5 with their packets\n"
    assert done.stderr == ""
    found = read(out)
    examples = rows(out)
    assert [name for name in found if "/" not in name] == ["index.html", "index.txt", "examples.csv", "summary.csv"]
    assert [name for name in found if "/" in name] == [row["packets"] for row in examples]
    assert [row["outcome"] for row in examples] == ["no_progress"] * 5
    started = [row["started_utc"] for row in examples]
    assert started == sorted(started, reverse=True)
    assert all(row["started"].endswith("+01:00") for row in examples)
    summary = {row["outcome"]: row for row in rows(out, "summary.csv")}
    assert (summary["no_progress"]["calls"], summary["all"]["calls"]) == ("5", "224")


def test_each_capture_replayed_is_the_call_that_it_shows(tmp_path: Path) -> None:
    out = tmp_path / "evidence.zip"
    run(*DEMO_STUCK, "-o", out)
    whole = {call.id: call for call in replay(DEMO, config=DEMO_CONFIG.read_text()).calls}
    with zipfile.ZipFile(out) as archive:
        archive.extractall(tmp_path)
    for row in rows(out):
        (again,) = replay(tmp_path / row["packets"], config=DEMO_CONFIG.read_text()).calls
        assert verdict(again) == verdict(whole[row["id"]])


def test_the_zip_is_the_same_every_time(tmp_path: Path) -> None:
    for name in ("one.zip", "two.zip"):
        run(*DEMO_STUCK, "-o", tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_secrets_are_never_in_it_and_numbers_are_hidden_when_asked(tmp_path: Path, capture: Path, config: Path) -> None:
    for number, mask in enumerate(([], ["--mask", "4"], ["--mask", "all"])):
        out = tmp_path / f"{number}.zip"
        run("evidence", capture, "--config", config, "--peer", "acme", "--outcome", "no_progress", *mask, "-o", out)
        for name, content in read(out).items():
            assert RESPONSE.encode() not in content, name
            assert KEY.encode() not in content, name
            for party in (CALLER, CALLEE):
                assert party.encode() not in content or not mask, name
                assert party[:4].encode() not in content or mask != ["--mask", "all"], name


def test_what_is_hidden_may_stand_in_the_configuration(tmp_path: Path, capture: Path, config: Path) -> None:
    config.write_text(CONFIG + "\n[privacy]\nmask = 4\n")
    out = tmp_path / "evidence.zip"
    command = ("evidence", capture, "--config", config, "--peer", "acme", "-o", out)
    run(*command)
    assert CALLEE.encode() not in b"".join(read(out).values())
    assert b"the last 4 digits of numbers" in read(out)["index.html"]
    run(*command, "--mask", "0", "--force")
    assert CALLEE.encode() in read(out)["index.html"]


def test_with_a_key_everybody_has_another_name_and_the_same_in_the_next_package(
    tmp_path: Path, capture: Path, config: Path
) -> None:
    key = tmp_path / "package.key"
    key.write_bytes(b"0123456789abcdef")
    command = ("evidence", capture, "--config", config, "--peer", "acme", "--pseudonyms", key, "--hide-addresses")
    found = []
    for name in ("first.zip", "second.zip"):
        assert run(*command, "-o", tmp_path / name).stderr == ""
        for part, content in read(tmp_path / name).items():
            for hidden in (CALLER, CALLEE, "203.0.113.10", "198.51.100.10", "example.com"):
                assert hidden.encode() not in content, (part, hidden)
        found.append([(row["caller"], row["callee"], row["hop_source"]) for row in rows(tmp_path / name)])
    assert found[0] == found[1]


def test_examples_are_narrowed_by_outcome_filter_period_and_number(tmp_path: Path) -> None:
    def count(*options: str) -> int:
        out = tmp_path / "evidence.zip"
        run("evidence", DEMO, "--config", DEMO_CONFIG, "--peer", "acme", *options, "-o", out, "--force")
        return len(rows(out))

    assert count() == 20
    assert count("--outcome", "no_progress,forbidden", "--outcome", "rejected", "--most", "7") == 7
    assert (
        count("--outcome", "congested", "--filter", 'source == "phones" and status_code == 603', "--since", "8m") == 3
    )
    assert (
        count("--outcome", "no_progress", "--since", "10:07:55", "--until", "10:08:30", "--zone", "Europe/Berlin") == 1
    )
    assert count("--outcome", "no_progress", "--until", "2026-01-05T10:05:00+01:00") == 1


def test_several_files_are_one_capture(tmp_path: Path, config: Path) -> None:
    frames = over_udp(said(STUCK, OTHERS))
    parts = [save(tmp_path / f"{part}.pcap", frames[part::2]) for part in range(2)]
    out = tmp_path / "evidence.zip"
    run("evidence", *parts, "--config", config, "--peer", "acme", "--outcome", "no_progress", "-o", out)
    (row,) = rows(out)
    assert row["call_id"] == "stuck"
    assert b"0.pcap, 1.pcap" in read(out)["index.html"]
    assert str(tmp_path).encode() not in b"".join(read(out).values())


def test_a_compressed_capture_is_read_twice_as_well(tmp_path: Path, capture: Path, config: Path) -> None:
    subprocess.run(["gzip", str(capture)], check=True)
    run("evidence", f"{capture}.gz", "--config", config, "--peer", "acme", "-o", tmp_path / "evidence.zip")
    assert len(rows(tmp_path / "evidence.zip")) == 2


def test_a_capture_that_broke_off_gives_what_it_holds_with_one_warning(
    tmp_path: Path, capture: Path, config: Path
) -> None:
    capture.write_bytes(capture.read_bytes()[:-10])
    done = run("evidence", capture, "--config", config, "--peer", "acme", "-o", tmp_path / "evidence.zip")
    assert the_complaint(done).startswith("sipwatch: warning: cut off in the middle of a record after packet 13")
    assert len(rows(tmp_path / "evidence.zip")) == 2


# What cannot be done


def refused(tmp_path: Path, *options: object, status: int = 2) -> str:
    """Run with these options; nothing may be written."""
    out = tmp_path / "refused.zip"
    done = run("evidence", *options, "-o", out, status=status)
    assert done.stdout == ""
    assert not out.exists()
    assert not list(tmp_path.glob(".sipwatch-*"))
    return the_complaint(done).removeprefix("sipwatch: ")


DEMO_ACME = (DEMO, "--config", DEMO_CONFIG, "--peer", "acme")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ((DEMO, "--peer", "acme"), "--peer: no peer is called 'acme': without --config nobody has a name; 'sipwatch"),
        ((DEMO, "--config", DEMO_CONFIG, "--peer", "akme"), "--peer: no peer is called 'akme' in"),
        ((*DEMO_ACME, "--outcome", "stuck"), "--outcome: 'stuck' is no outcome of a call; the outcomes are answered"),
        ((*DEMO_ACME, "--outcome", "no_progres"), "--outcome: 'no_progres' is no outcome of a call; did you mean"),
        ((*DEMO_ACME, "--zone", "Berlin"), "--zone: unknown time zone 'Berlin'; write a name of the IANA time zone"),
        ((*DEMO_ACME, "--mask", "some"), "--mask: 'some' is no number of digits; write 0 to 32, or all"),
        ((*DEMO_ACME, "--hide-addresses"), "--hide-addresses: is of use only with --pseudonyms"),
        ((*DEMO_ACME, "--pseudonyms", "absent.key"), "--pseudonyms: the key cannot be read: No such file"),
        ((*DEMO_ACME, "--since", "noon"), "--since: 'noon' is no moment; write a moment such as"),
        ((*DEMO_ACME, "--until", "25:00"), "--until: '25:00' is no time of day; write"),
        ((*DEMO_ACME, "--since", "09:05", "--until", "09:04"), "--until: 09:04 is not later than --since 09:05"),
        ((*DEMO_ACME, "--filter", "colour == 1"), "--filter: a call has no key 'colour'; the keys are"),
    ],
)
def test_a_wrong_option_is_one_line(tmp_path: Path, options: tuple[object, ...], complaint: str) -> None:
    assert refused(tmp_path, *options).startswith(complaint)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("-", "--peer", "other"), "standard input can be read only once, and captures are read twice here; save it"),
        (("absent.pcap", "--peer", "other"), "absent.pcap: no such file; check the name"),
        (("README.md", "--peer", "other"), "README.md: this is not a capture file but text"),
        ((DEMO, "--peer", "acme", "--config", "absent.toml"), "absent.toml: the configuration cannot be read"),
        ((*DEMO_ACME, "--outcome", "unfinished"), "no call from or to acme ended with unfinished; its calls: answered"),
        (
            (*DEMO_ACME, "--since", "2027-01-01T00:00:00Z"),
            "no call began since 2027-01-01 00:00:00.000000 +00:00; there",
        ),
        ((DEMO, "--peer", "acme", "--config", "pcaps/demo.toml", "--filter", "ring_seconds > 900"), "no call from or"),
    ],
)
def test_what_cannot_be_done_is_one_line(tmp_path: Path, options: tuple[object, ...], complaint: str) -> None:
    assert refused(tmp_path, *options, status=1).startswith(complaint)


def test_a_time_of_day_in_a_capture_of_several_days_is_not_guessed(tmp_path: Path, config: Path) -> None:
    frames = over_udp(said(STUCK))
    frames.append((frames[0][0] + 86_400 * builders.SECOND, 1, bytes(60)))
    path = save(tmp_path / "days.pcap", frames)
    complaint = refused(tmp_path, path, "--config", config, "--peer", "acme", "--since", "09:00")
    assert "may be on several days, from 2026-01-05 to 2026-01-06" in complaint


def test_a_pipe_is_refused_before_anything_is_read(tmp_path: Path, config: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    descriptor = os.open(pipe, os.O_RDWR)
    try:
        complaint = refused(tmp_path, pipe, "--config", config, "--peer", "acme", status=1)
    finally:
        os.close(descriptor)
    assert complaint.startswith(f"{pipe}: a pipe can be read only once, and captures are read twice here")


def written(out: Path, capture: Path, config: Path, *options: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    return run("evidence", capture, "--config", config, "--peer", "acme", "-o", out, *options, status=status)


def test_a_file_that_is_there_is_left_alone_unless_it_may_be_written_over(
    tmp_path: Path, capture: Path, config: Path
) -> None:
    out = tmp_path / "evidence.zip"
    out.write_bytes(b"mine")
    done = written(out, capture, config, status=1)
    assert the_complaint(done) == (
        f"sipwatch: {out}: is there already; choose another name, or write over it with --force"
    )
    assert out.read_bytes() == b"mine"
    written(out, capture, config, "--force")
    assert len(rows(out)) == 2


def test_a_package_never_takes_the_place_of_anything_but_a_file(tmp_path: Path, capture: Path, config: Path) -> None:
    """A rename would put it where a device was."""
    before = capture.read_bytes()
    for out, complaint in (
        (Path("/dev/null"), "is there already and is no plain file"),
        (tmp_path, "is there already and is no plain file"),
        (capture, "is a file that is being read"),
        (tmp_path / "no" / "folder.zip", "there is no such folder"),
    ):
        done = written(out, capture, config, "--force", status=1)
        assert complaint in the_complaint(done)
    assert capture.read_bytes() == before
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_link_is_followed_only_when_that_is_said(tmp_path: Path, capture: Path, config: Path) -> None:
    link, other = tmp_path / "link.zip", tmp_path / "elsewhere.zip"
    link.symlink_to(other)
    assert "is a symbolic link" in the_complaint(written(link, capture, config, status=1))
    assert not other.exists()
    written(link, capture, config, "--force")
    assert link.is_symlink()
    assert len(rows(other)) == 2


def test_a_package_has_the_permissions_of_any_new_file(tmp_path: Path, capture: Path, config: Path) -> None:
    out = tmp_path / "evidence.zip"
    written(out, capture, config)
    other = tmp_path / "other"
    other.touch()
    assert out.stat().st_mode == other.stat().st_mode


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, capture: Path, config: Path) -> None:
    out = tmp_path / "evidence.zip"
    script = 'ulimit -f 1; trap "" XFSZ; exec "$@"'
    command = [*COMMAND, "evidence", str(DEMO), "--config", str(DEMO_CONFIG), "--peer", "acme", "-o", str(out)]
    done = subprocess.run(
        ["bash", "-c", script, "bash", *command], capture_output=True, text=True, cwd=ROOT, env=ENVIRONMENT, check=False
    )
    assert done.returncode == 1
    assert the_complaint(done) == f"sipwatch: {out}: cannot be written: File too large"
    assert [path.name for path in tmp_path.iterdir() if path.suffix in (".zip", ".part")] == []


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    """While it waits for the rest of a capture, in the middle of reading."""
    big = tmp_path / "big.pcap"
    content = DEMO.read_bytes()
    big.write_bytes(content + content[24:] * 40)
    out = tmp_path / "evidence.zip"
    command = [*COMMAND, "evidence", str(big), "--config", str(DEMO_CONFIG), "--peer", "acme", "-o", str(out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=ENVIRONMENT) as process:
        wait_until_open(process.pid, big)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == f"sipwatch: interrupted; {out} was not written\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["big.pcap"]


def wait_until_open(pid: int, path: Path) -> None:
    """Wait until a process has a file open."""
    folder = Path(f"/proc/{pid}/fd")
    while True:
        for link in folder.iterdir():
            try:
                if link.readlink() == path:
                    return
            except OSError:
                continue


def test_a_number_where_no_grammar_expects_one_is_hidden_as_well(tmp_path: Path, config: Path) -> None:
    """Nothing else is told of it: whatever cannot be covered for certain would be left out."""
    script = STUCK.replace("h=X-Key", f"h=X-Odd:_{CALLEE}{CALLER} h=X-Key")
    path = save(tmp_path / "odd.pcap", over_udp(said(script)))
    out = tmp_path / "evidence.zip"
    run("evidence", path, "--config", config, "--peer", "acme", "--mask", "4", "-o", out)
    for name, content in read(out).items():
        assert CALLEE.encode() not in content, name
        assert CALLER.encode() not in content, name


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_a_browser_shows_the_page(tmp_path: Path) -> None:
    out = tmp_path / "evidence.zip"
    run(*DEMO_STUCK, "-o", out)
    with zipfile.ZipFile(out) as archive:
        archive.extractall(tmp_path)
    done = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
         "--dump-dom", (tmp_path / "index.html").as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert "Call examples for acme" in done.stdout
    assert done.stdout.count('class="example"') == 5


def test_help_names_every_option() -> None:
    text = run("evidence", "--help").stdout
    for option in ("--peer", "--outcome", "--since", "--until", "--filter", "--config", "--most", "--zone", "--mask"):
        assert option in text
