"""Giving rights away once the sockets are open, and words for when there were too few to open them.

Must not know: what is captured, or by whom this is called. It has to be called before any thread is
started: the kernel keeps capabilities by thread, and this changes those of the calling one.

What is left afterwards may open no packet socket, become no other user and gain nothing from a set-uid
program; see capabilities(7), credentials(7) and PR_SET_NO_NEW_PRIVS in prctl(2).
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import pwd
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sipwatch.export.escape import terminal

if TYPE_CHECKING:
    from collections.abc import Callable

UNPRIVILEGED = ("sipwatch", "nobody")  # the first of them that exists
CAP_NET_RAW: Final = 13  # <linux/capability.h>
_CAP_SETPCAP: Final = 8
_CAPABILITY_VERSION_3 = 0x20080522
_PR_CAPBSET_READ, _PR_CAPBSET_DROP = 23, 24  # <linux/prctl.h>
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_SETS = ("CapInh", "CapPrm", "CapEff", "CapAmb")


class PrivilegeError(Exception):
    """Rights that cannot be given away, or were not there; the text is one line."""


def become(user: str | None) -> str | None:
    """Give every right away. Started as root, become ``user``, and return that user's name.

    Without a name it is the first of ``UNPRIVILEGED`` that exists. Not started as root, the user stays the
    same and None is returned; capabilities that systemd or a file gave are gone nevertheless. Raises
    PrivilegeError when anything is left that ought to be gone: the process must not go on then.
    """
    if os.geteuid() != 0:
        if user is not None:
            raise PrivilegeError(f"--user {terminal(user)}: only root can become another user; leave --user out")
        _give_up_capabilities()
        _check()
        return None
    account = _account(user)
    _limit()
    _change_user(account)
    _give_up_capabilities()
    _check()
    _try_to_return()
    return account.pw_name


def successor(user: str | None) -> pwd.struct_passwd | None:
    """Return whom ``become`` will become, None if nobody else: we are not root. Raises PrivilegeError."""
    return _account(user) if os.geteuid() == 0 else None


def has_net_raw() -> bool:
    """Tell whether this process may open packet sockets as far as capabilities go."""
    return _is_set("CapEff", CAP_NET_RAW)


def explain_denied(interface: str) -> str:
    """Say in one line why a packet socket on this interface was refused (EPERM), and what to do."""
    refused = f"{terminal(interface)}: the kernel refuses a packet socket"
    if has_net_raw():
        return (
            f"{refused} although CAP_NET_RAW is there: look for what else forbids it"
            " (seccomp, AppArmor, SELinux, a user namespace)"
        )
    needs = f"{refused} without the capability CAP_NET_RAW"
    if os.geteuid() == 0:
        return f"{needs}, which this root has not: give it to the container (docker run --cap-add NET_RAW)"
    as_root = "start as root: sipwatch drops to an unprivileged user"
    if _is_set("NoNewPrivs"):
        return f"{needs}, and no_new_privs is set, so that setcap on a file counts for nothing: {as_root}"
    python = terminal(os.path.realpath(sys.executable))
    return (
        f"{needs}: run sipwatch by its systemd unit, or grant it with `setcap cap_net_raw+ep {python}`"
        f" (every script run by that interpreter has it then), or {as_root}"
    )


# The steps, in their order


def _account(user: str | None) -> pwd.struct_passwd:
    """Find whom to become. Neither root nor anybody in root's group will do."""
    for name in UNPRIVILEGED if user is None else (user,):
        try:
            account = pwd.getpwnam(name)
        except (KeyError, ValueError):
            continue
        if account.pw_uid == 0 or 0 in os.getgrouplist(name, account.pw_gid):
            raise PrivilegeError(f"user {terminal(name)} is root or in root's group; name one who is not (--user)")
        return account
    if user is None:
        raise PrivilegeError(f"there is no user {' and no user '.join(UNPRIVILEGED)} to become; name one with --user")
    raise PrivilegeError(f"--user {terminal(user)}: there is no such user")


def _limit() -> None:
    """Empty the bounding set, from which a program that is executed could take capabilities again."""
    if not _is_set("CapEff", _CAP_SETPCAP):
        return  # a container without CAP_SETPCAP; no_new_privs says the same
    for capability in range(64):
        if _prctl(_PR_CAPBSET_READ, capability) < 0:
            return  # beyond the last one that this kernel knows
        _demand(_prctl(_PR_CAPBSET_DROP, capability), "the bounding set")


def _change_user(account: pwd.struct_passwd) -> None:
    """Take groups first, the user last: after that there is no right left to take groups."""
    uid, gid = account.pw_uid, account.pw_gid
    try:
        os.initgroups(account.pw_name, gid)
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    except OSError as error:
        hint = "; it needs CAP_SETUID and CAP_SETGID" if error.errno == errno.EPERM else ""
        name = terminal(account.pw_name)
        raise PrivilegeError(f"root cannot become {name} ({os.strerror(error.errno or 0)}){hint}") from None


def _give_up_capabilities() -> None:
    """Empty all sets of this thread. Changing the user leaves the inheritable set, and more under some securebits."""
    _demand(_prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL), "ambient capabilities")
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    _demand(_libc().capset(header, nothing), "capabilities")
    _demand(_prctl(_PR_SET_NO_NEW_PRIVS, 1), "the right to gain privileges")


# Whether it worked


def _check() -> None:
    """Look at every thread of the process: none may hold a capability, or get one by executing a program."""
    try:
        for thread in Path("/proc/self/task").iterdir():
            status = _status(f"self/task/{thread.name}")
            left = [name for name in _SETS if status[name]]
            if left or not status["NoNewPrivs"]:
                raise PrivilegeError(
                    f"thread {thread.name} kept rights ({' '.join(left) or 'no_new_privs is not set'})"
                )
    except (OSError, KeyError):
        raise PrivilegeError("whether all rights are gone cannot be checked: /proc is not mounted") from None


def _try_to_return() -> None:
    """Try to become root again, by each of the ways there are."""
    ways: tuple[Callable[[], None], ...] = (
        lambda: os.setuid(0),
        lambda: os.seteuid(0),
        lambda: os.setresuid(-1, 0, -1),
        lambda: os.setgid(0),
        lambda: os.setegid(0),
        lambda: os.setgroups([0]),
    )
    for way in ways:
        with contextlib.suppress(PermissionError):
            way()
            raise PrivilegeError("root's rights were given away and could be taken back")
    if 0 in {*os.getresuid(), *os.getresgid(), *os.getgroups()}:
        raise PrivilegeError("root's identity was not given away")


# The kernel


def _status(process: str) -> dict[str, int]:
    """Read what /proc says of a process or thread: its capability sets, and whether it may gain any."""
    found = {}
    for line in Path(f"/proc/{process}/status").read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, value = line.partition(":")
        if name.startswith("Cap") or name == "NoNewPrivs":
            found[name] = int(value, 16)
    return found


def _is_set(name: str, bit: int = 0) -> bool:
    """Tell whether a bit is set in what /proc says of this process; no where there is no /proc."""
    try:
        return bool(_status("self")[name] >> bit & 1)
    except (OSError, KeyError):
        return False


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, argument: int) -> int:
    """Call prctl(2), all of whose arguments are unsigned long; those that are not used have to be 0."""
    prctl = _libc().prctl
    prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    return int(prctl(option, argument, 0, 0, 0))


def _demand(result: int, what: str) -> None:
    """Go on only if a system call did what it was asked to."""
    if result != 0:
        raise PrivilegeError(f"{what}: cannot be given up ({os.strerror(ctypes.get_errno())})")
