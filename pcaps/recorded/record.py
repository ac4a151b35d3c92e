"""Records the captures of this folder from real software: sipp, Kamailio, baresip, linphone.

Run as root: ``python3 pcaps/recorded/record.py [NAME...]``. Everything happens in a network namespace
of its own, whose loopback carries the addresses; nothing leaves the machine.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).resolve().parent
SCENARIOS = HERE / "scenarios"
SPACE = "sipwatch-record"
PROXY = "198.51.100.10"
CALLER, GROUP, SILENT = "192.0.2.11", ("192.0.2.21", "192.0.2.22", "192.0.2.23"), "192.0.2.99"
ALICE, BOB, CAROL = "192.0.2.31", "192.0.2.32", "192.0.2.33"
ADDRESSES = (PROXY, CALLER, *GROUP, "192.0.2.24", ALICE, BOB, CAROL, SILENT)
PROGRAMS = ("ip", "tcpdump", "sipp", "kamailio")
# SIP, and the ICMP errors about it; the phones' audio stays out.
FILTER = "port 5060 or port 5061 or port 5099 or port 5062 or port 5064 or icmp"


def inside(*command: str) -> list[str]:
    """Return a command that runs in the namespace."""
    return ["ip", "netns", "exec", SPACE, *command]


def run(*command: str, check: bool = True) -> None:
    subprocess.run(command, check=check, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@contextlib.contextmanager
def namespace() -> Iterator[None]:
    """Make the namespace with all addresses on its loopback."""
    run("ip", "netns", "del", SPACE, check=False)
    run("ip", "netns", "add", SPACE)
    try:
        run(*inside("ip", "link", "set", "lo", "up"))
        for address in ADDRESSES:
            run(*inside("ip", "addr", "add", f"{address}/32", "dev", "lo"))
        yield
    finally:
        run("ip", "netns", "del", SPACE, check=False)


@contextlib.contextmanager
def running(*command: str, settle: float = 1.0) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in the namespace while the block runs."""
    process = subprocess.Popen(
        inside(*command),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(settle)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextlib.contextmanager
def capture(name: str) -> Iterator[None]:
    """Record what the block does."""
    with running("tcpdump", "-i", "lo", "-U", "-w", str(HERE / f"{name}.pcap"), FILTER, settle=1.5):
        yield
        time.sleep(1.0)


def proxy() -> contextlib.AbstractContextManager[object]:
    return running("kamailio", "-f", str(HERE / "kamailio.cfg"), "-DD", "-E", "-w", "/", settle=2.0)


def answerer(scenario: str, address: str = GROUP[0], *more: str) -> contextlib.AbstractContextManager[object]:
    """Run a sipp that waits for calls."""
    return running(
        "sipp", "-sf", str(SCENARIOS / f"uas_{scenario}.xml"), "-i", address, "-p", "5060", "-nostdin", *more
    )


def call(scenario: str, user: str, *more: str, target: str = PROXY) -> None:
    """Place one call with sipp; its exit status says no more than that it ended otherwise than hoped."""
    command = inside(
        "sipp", f"{target}:5060", "-sf", str(SCENARIOS / f"uac_{scenario}.xml"), "-s", user, "-i", CALLER, "-p", "5060",
        "-m", "1", "-nostdin", "-recv_timeout", "50000", *more,
    )  # fmt: skip
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)


def auth() -> None:
    with proxy(), answerer("answer"), capture("auth"):
        call("auth", "auth1")
        call("auth_refused", "auth2")


def ring_all() -> None:
    ringing = [answerer("ring", address) for address in GROUP[1:]]
    with proxy(), ringing[0], ringing[1], answerer("answer"), capture("ring_all"):
        call("call", "group")


def busy() -> None:
    with proxy(), answerer("busy"), capture("busy"):
        call("486", "15550101")


def no_answer() -> None:
    with proxy(), answerer("ring"), capture("no_answer"):
        call("408", "15550101")


def cancel_ringing() -> None:
    with proxy(), answerer("ring"), capture("cancel_ringing"):
        call("cancel_brief", "15550101")
        call("cancel", "15550102")


def stuck_in_trying() -> None:
    with proxy(), answerer("trying"), capture("stuck_in_trying"):
        call("cancel_stuck", "15550101")


def deaf(address: str) -> contextlib.AbstractContextManager[object]:
    """Hold a port open that nobody reads: packets arrive, nothing ever comes back."""
    holder = (
        f"import socket, time; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(('{address}', 5060)); time.sleep(600)"
    )
    return running(sys.executable, "-c", holder)


def nobody_there() -> None:
    with proxy(), deaf(SILENT), capture("nobody_there"):
        call("unanswered", "15550101", target=SILENT)
        call("408", "silence")
        call("408", "refused")


def tcp() -> None:
    with proxy(), answerer("answer"), capture("tcp"):
        call("call", "15550101", "-t", "t1")


def baresip_config(folder: Path, user: str, address: str, mode: str) -> None:
    """Write a configuration of baresip: no sound card, one account, its own port."""
    folder.mkdir()
    modules = "".join(f"module {name}.so\n" for name in ("g711", "aubridge", "stdio"))
    apps = "".join(f"module_app {name}.so\n" for name in ("account", "contact", "menu"))
    (folder / "config").write_text(
        f"sip_listen {address}:5062\naudio_source aubridge,a\naudio_player aubridge,b\naudio_alert aubridge,c\nmodule_path /usr/lib/baresip/modules\n{modules}{apps}"
    )
    (folder / "accounts").write_text(
        f'<sip:{user}@{PROXY};transport=udp>;outbound="sip:{PROXY}";regint=600;answermode={mode};audio_codecs=pcma\n'
    )
    (folder / "contacts").write_text("")
    (folder / "uuid").write_text("00000000-0000-4000-8000-000000000000\n")


def say(phone: subprocess.Popen[bytes], words: str, wait: float) -> None:
    """Type a command into a phone."""
    assert phone.stdin is not None
    phone.stdin.write(words.encode())
    phone.stdin.flush()
    time.sleep(wait)


def baresip() -> None:
    with tempfile.TemporaryDirectory() as folder, proxy(), capture("baresip"):
        baresip_config(Path(folder, "alice"), "alice", ALICE, "manual")
        baresip_config(Path(folder, "bob"), "bob", BOB, "manual")
        with (
            running("baresip", "-f", f"{folder}/bob", settle=2) as bob,
            running("baresip", "-f", f"{folder}/alice", settle=2) as alice,
        ):
            say(alice, f"/dial sip:bob@{PROXY}\n", 3)
            say(bob, "/accept\n", 4)
            say(alice, "/hangup\n", 2)
            say(alice, f"/dial sip:bob@{PROXY}\n", 3)
            say(bob, "/hangup\n", 3)


def linphone() -> None:
    with tempfile.TemporaryDirectory() as folder, proxy(), capture("linphone"):
        baresip_config(Path(folder, "bob"), "bob", BOB, "manual")
        settings = Path(folder, "linphonerc")
        settings.write_text(f"[sip]\nsip_port=5064\nguess_hostname=0\ncontact=sip:carol@{CAROL}\ndefault_proxy=-1\n")
        Path(folder, ".local/share/linphone").mkdir(parents=True)
        os.environ["HOME"] = folder
        with (
            running("baresip", "-f", f"{folder}/bob", settle=2) as bob,
            running("linphonec", "-c", str(settings), settle=4) as carol,
        ):
            say(carol, f"call sip:bob@{PROXY}\n", 5)
            say(bob, "/accept\n", 4)
            say(carol, "terminate\n", 3)
            say(carol, f"call sip:bob@{PROXY}\n", 7)
            say(carol, "terminate\n", 3)
            say(carol, "quit\n", 2)


def tls() -> None:
    keys = HERE / "tls.keys"
    keys.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder, capture("tls"):
        certificate = f"{folder}/both.pem"
        run(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=example.com", "-days", "1",
            "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem",
        )  # fmt: skip
        parts = [Path(folder, name).read_text() for name in ("key.pem", "cert.pem")]
        Path(certificate).write_text("".join(parts))
        run(
            *inside(
                "env",
                f"PYTHONPATH={HERE.parent.parent}",
                sys.executable,
                str(HERE / "tls_talk.py"),
                PROXY,
                CALLER,
                certificate,
                str(keys),
            )
        )


RECORDINGS: dict[str, Callable[[], None]] = {
    f.__name__: f
    for f in (
        auth,
        ring_all,
        busy,
        no_answer,
        cancel_ringing,
        stuck_in_trying,
        nobody_there,
        tcp,
        tls,
        baresip,
        linphone,
    )
}


def main(names: list[str]) -> int:
    """Record what is named, by default everything."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing or os.geteuid() != 0:
        print(f"recording needs root and these programs: {', '.join(missing or PROGRAMS)}", file=sys.stderr)
        return 1
    unknown = set(names) - set(RECORDINGS)
    if unknown:
        print(f"no such recording: {', '.join(sorted(unknown))}; there are {', '.join(RECORDINGS)}", file=sys.stderr)
        return 2
    with namespace():
        for name in names or RECORDINGS:
            print(f"recording {name}", flush=True)
            RECORDINGS[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
