"""Rights given away for good. What changes a process is done in a process of its own."""

from __future__ import annotations

import json
import os
import pwd
import socket
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from sipwatch.shell import privileges
from sipwatch.shell.privileges import PrivilegeError, become, explain_denied, has_net_raw

ROOT = Path(__file__).resolve().parent.parent.parent
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user: run these tests as root")
as_packet_root = pytest.mark.skipif(
    os.geteuid() != 0 or not has_net_raw(), reason="needs root with CAP_NET_RAW, which this process has not"
)

# What a process can still do, said on its standard output.
LOOK = """
def look():
    status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
        packets = True
    except PermissionError:
        packets = False
    return {
        "user": os.getresuid(), "group": os.getresgid(), "groups": os.getgroups(), "packets": packets,
        "capabilities": {key: int(status[key], 16) for key in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")},
        "no_new_privs": int(status["NoNewPrivs"]),
    }
"""

# A network of its own, with a pair of interfaces; somebody who goes on being root in it; and how to listen and speak.
NETWORK = """
import time
from subprocess import PIPE, Popen
from sipwatch.capture.bpf import WantedPackets, program
from sipwatch.capture.errors import CaptureDenied
from sipwatch.capture.live import InterfaceSource

PAIR = (
    "ip link add one type veth peer name two && ip address add 192.0.2.2/24 dev two"
    " && ip link set one up && ip link set two up"
)

def open_interfaces(*names):
    return InterfaceSource(names, program(WantedPackets()), 1 << 20)

def as_root(command):
    shell.stdin.write(command + " && echo done || echo failed\\n")
    shell.stdin.flush()
    assert shell.stdout.readline() == "done\\n"

class Enough(Exception):
    pass

def speak_and_listen(source):
    found, until = [], time.monotonic() + 20
    speaker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    speaker.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    def between(horizon):
        if found or time.monotonic() > until:
            raise Enough
        # Again and again: the kernel starts the queues of a new interface a little later.
        speaker.sendto(b"INVITE sip:a@b SIP/2.0", ("192.0.2.255", 5060))
    try:
        for _, _, data in source.frames(between, lambda ring: None, lambda *_: None, print):
            found.append(data[-22:].decode())
    except Enough:
        return found

assert ctypes.CDLL(None).unshare(0x40000000) == 0  # CLONE_NEWNET
shell = Popen(["sh"], stdin=PIPE, stdout=PIPE, text=True)
as_root(PAIR)
"""

# Becomes an ordinary user that holds CAP_NET_RAW as systemd's AmbientCapabilities= gives it.
AMBIENT = """
libc = ctypes.CDLL(None)
libc.prctl.argtypes = [ctypes.c_int] + 4 * [ctypes.c_ulong]
assert libc.prctl(8, 1, 0, 0, 0) == 0  # PR_SET_KEEPCAPS
os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
assert libc.capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)(*3 * [1 << 13])) == 0
assert libc.prctl(47, 2, 13, 0, 0) == 0  # PR_CAP_AMBIENT_RAISE
"""


def in_a_process(script: str) -> dict[str, Any]:
    """Run a script that ends by giving ``said``; return that, or the PrivilegeError's text as ``error``."""
    program = [
        "import ctypes, json, os, socket, struct, threading",
        "from sipwatch.shell import privileges",
        LOOK,
        "said = {}",
        "try:",
        textwrap.indent(textwrap.dedent(script), "    "),
        "except privileges.PrivilegeError as error:",
        "    said = {'error': str(error)}",
        "print(json.dumps(said))",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(program)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


NOTHING = {"CapInh": 0, "CapPrm": 0, "CapEff": 0, "CapBnd": 0, "CapAmb": 0}


@as_root
def test_root_becomes_nobody_and_keeps_nothing() -> None:
    said = in_a_process("said = {'name': privileges.become('nobody'), **look()}")
    nobody = pwd.getpwnam("nobody")
    assert said == {
        "name": "nobody",
        "user": [nobody.pw_uid] * 3,
        "group": [nobody.pw_gid] * 3,
        "groups": os.getgrouplist("nobody", nobody.pw_gid),
        "packets": False,
        "capabilities": NOTHING,
        "no_new_privs": 1,
    }


@as_root
def test_without_a_name_it_is_the_first_user_that_exists() -> None:
    """On a machine where somebody made the user sipwatch it is that one."""
    names = {account.pw_name for account in pwd.getpwall()}
    expected = next(name for name in ("sipwatch", "nobody") if name in names)
    assert in_a_process("said = {'name': privileges.become(None)}") == {"name": expected}


@as_root
def test_inheritable_and_ambient_capabilities_go_as_well() -> None:
    """Changing the user alone leaves the inheritable set as it is: the precondition is shown too."""
    said = in_a_process("""
        libc = ctypes.CDLL(None)
        data = (ctypes.c_uint32 * 6)()
        assert libc.capget((ctypes.c_uint32 * 2)(0x20080522, 0), data) == 0
        data[2] = 1 << 13
        assert libc.capset((ctypes.c_uint32 * 2)(0x20080522, 0), data) == 0
        said = {"before": look()["capabilities"]["CapInh"]}
        privileges.become("nobody")
        said["after"] = look()["capabilities"]
        """)
    assert said == {"before": 1 << 13, "after": NOTHING}


@as_packet_root
def test_capabilities_given_by_systemd_go_without_a_change_of_user() -> None:
    """The bounding set stays, which nobody but root can change; no_new_privs makes it worthless."""
    said = in_a_process(
        AMBIENT + "said = {'before': look(), 'name': privileges.become(None), 'after': look()}",
    )
    assert said["before"]["packets"] is True
    assert said["before"]["capabilities"]["CapAmb"] == 1 << 13
    assert said["name"] is None
    assert said["after"]["user"] == [65534] * 3
    assert said["after"]["packets"] is False
    assert said["after"]["capabilities"] == {**NOTHING, "CapBnd": said["before"]["capabilities"]["CapBnd"]}
    assert said["after"]["no_new_privs"] == 1


@as_packet_root
def test_a_packet_socket_opened_before_goes_on_working() -> None:
    """It is bound again when an interface was made anew, gets other filters, and tells what was dropped."""
    said = in_a_process("""
        def take(most):
            program = ctypes.create_string_buffer(struct.pack("=HBBI", 6, 0, 0, most))
            packets.setsockopt(socket.SOL_SOCKET, 26, struct.pack("@HP", 1, ctypes.addressof(program)))

        packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        take(0)  # nothing yet: what others send on this machine meanwhile would be more than there is room for
        packets.bind(("lo", 3))
        privileges.become("nobody")
        packets.bind(("lo", 3))
        take(65535)
        said = {"dropped": struct.unpack("=II", packets.getsockopt(263, 6, 8))[1]}
        """)
    assert said == {"dropped": 0}


@as_packet_root
def test_an_ordinary_user_with_the_one_capability_captures() -> None:
    said = in_a_process(
        NETWORK
        + AMBIENT
        + """
with open_interfaces("one", "any") as source:
    said = {"heard": speak_and_listen(source), "is": look()}
"""
    )
    assert set(said["heard"]) == {"INVITE sip:a@b SIP/2.0"}
    assert said["is"]["user"] == [65534] * 3
    assert said["is"]["capabilities"]["CapEff"] == 1 << 13


@as_packet_root
def test_an_interface_that_vanishes_is_captured_again_without_any_right() -> None:
    """What is opened goes on: bound again, filtered anew. To open another one is denied."""
    said = in_a_process(
        NETWORK
        + """
with open_interfaces("one") as source:
    privileges.become("nobody")
    as_root("ip link delete one && " + PAIR)
    source.rings[0].follow()
    source.rings[0].follow()
    source.filter(program(WantedPackets(tunnels=("gre",))))
    said = {"heard": speak_and_listen(source)}
    try:
        open_interfaces("two")
    except CaptureDenied as error:
        said["denied"] = str(error)
"""
    )
    assert set(said["heard"]) == {"INVITE sip:a@b SIP/2.0"}
    assert said["denied"] == "two: permission denied"


@as_root
@pytest.mark.parametrize(
    ("user", "words"),
    [("root", "is root"), ("no-such-user", "no such user"), ("\x1b[2J", "\\x1b[2J: there is no such user")],
    ids=["root-is-not-unprivileged", "nobody-of-that-name", "no-escape-reaches-the-terminal"],
)
def test_a_user_who_will_not_do_is_named_and_nothing_is_changed(user: str, words: str) -> None:
    before = Path("/proc/self/status").read_text()
    with pytest.raises(PrivilegeError) as error:
        become(user)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert os.geteuid() == 0
    caps = [line for line in before.splitlines() if line.startswith("Cap")]
    assert [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("Cap")] == caps


@as_root
def test_a_user_of_roots_group_will_not_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getgrouplist", lambda name, gid: [gid, 0])
    with pytest.raises(PrivilegeError, match="in root's group"):
        become("nobody")


def test_without_root_no_user_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(PrivilegeError, match="only root can become another user"):
        become("nobody")


def test_without_any_unprivileged_user_there_is_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(privileges, "UNPRIVILEGED", ("no-such-user", "no-such-one-either"))
    with pytest.raises(PrivilegeError, match=r"no user no-such-user and no user no-such-one-either .* --user"):
        become(None)


@as_root
def test_a_container_without_setuid_is_told_what_it_lacks() -> None:
    said = in_a_process("""
        data = (ctypes.c_uint32 * 6)()
        libc = ctypes.CDLL(None)
        assert libc.capset((ctypes.c_uint32 * 2)(0x20080522, 0), data) == 0
        privileges.become("nobody")
        """)
    assert "cannot become nobody (Operation not permitted); it needs CAP_SETUID and CAP_SETGID" in said["error"]


@as_root
def test_a_thread_that_keeps_rights_is_found() -> None:
    """The kernel knows capabilities by thread: one that ran before would keep what this one gave away."""
    said = in_a_process("""
        done = threading.Event()
        threading.Thread(target=done.wait).start()
        try:
            privileges.become("nobody")
        finally:
            done.set()
        """)
    assert "kept rights" in said["error"]


@as_root
def test_a_way_back_would_be_found() -> None:
    """Somebody who only changed the effective user has root in reserve; the attempt to take it succeeds."""
    said = in_a_process("""
        os.setegid(65534)
        os.seteuid(65534)
        privileges._try_to_return()
        """)
    assert "could be taken back" in said["error"]


def test_whether_packets_may_be_captured_is_the_kernels_answer() -> None:
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
        allowed = True
    except PermissionError:
        allowed = False
    assert has_net_raw() is allowed


def test_a_user_without_the_capability_is_told_three_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privileges, "_is_set", lambda name, bit=0: False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    words = explain_denied("eth0\x1b[31m")
    assert words.startswith("eth0\\x1b[31m: ")
    assert "\n" not in words
    for part in (
        "CAP_NET_RAW",
        "systemd",
        f"setcap cap_net_raw+ep {os.path.realpath(sys.executable)}",
        "start as root",
    ):
        assert part in words


@as_root
def test_where_setcap_counts_for_nothing_it_is_not_advised() -> None:
    said = in_a_process("""
        privileges.become("nobody")
        said = {"words": privileges.explain_denied("eth0")}
        """)
    assert "no_new_privs is set" in said["words"]
    assert "`setcap" not in said["words"]
    assert "start as root" in said["words"]


@pytest.mark.parametrize(
    ("capable", "uid", "words"),
    [(False, 0, "docker run --cap-add NET_RAW"), (True, 1000, "AppArmor")],
    ids=["a-container's-root-without-it", "it-is-there-and-something-else-forbids"],
)
def test_other_reasons_have_other_words(capable: bool, uid: int, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privileges, "has_net_raw", lambda: capable)
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    assert words in explain_denied("eth0")
    assert "setcap" not in explain_denied("eth0")
