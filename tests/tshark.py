"""What tshark makes of captures, asked of one sharkd for all: it is tshark's own decoder, started only once.

It reads its lists of names anew with each capture, which takes ten times as long as most captures. Without its folder of
data it has none, but only an ordinary user may say where that folder is: so it is never root, and sees copies.

Debian and Ubuntu have sharkd in wireshark-common, which tshark needs. Must not know: what sipwatch makes of them.
"""

from __future__ import annotations

import atexit
import itertools
import json
import os
import pwd
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

CHECKSUMS = ("udp.check_checksum", "tcp.check_checksum", "ip.check_checksum")
needs_tshark = pytest.mark.skipif(
    any(shutil.which(program) is None for program in ("tshark", "sharkd")), reason="tshark or sharkd is not installed"
)


class Sharkd:
    """A sharkd that answers questions (JSON-RPC, one a line) about one file after the other."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="sharkd-")
        nobody = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        Path(self._folder.name).chmod(0o755)
        self._process = subprocess.Popen(
            ["sharkd", "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "HOME": self._folder.name, "WIRESHARK_DATA_DIR": self._folder.name},
            user=nobody and nobody.pw_uid,
            group=nobody and nobody.pw_gid,
            extra_groups=nobody and [],
        )
        self._numbers = itertools.count(1)

    def ask(self, method: str, **parameters: str) -> Any:
        """Return the result; what sharkd says against a question is the failure."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        question = {"jsonrpc": "2.0", "id": next(self._numbers), "method": method, "params": parameters}
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert answer["id"] == question["id"]
        assert "result" in answer, answer
        return answer["result"]

    def frames(self, path: Path, display: str, fields: tuple[str, ...], *, checksums: bool) -> list[list[str]]:
        """Load a file, and return the fields of the packets for which a display filter holds."""
        for preference in CHECKSUMS:
            self.ask("setconf", name=preference, value=str(checksums).upper())
        copy = shutil.copyfile(path, Path(self._folder.name) / path.name)
        copy.chmod(0o644)
        self.ask("load", file=str(copy))
        copy.unlink()
        columns = {f"column{place}": f"{field}:0" for place, field in enumerate(fields)}  # :0 is every occurrence
        # It remembers what a filter found, also of the file before: each question needs a filter of its own.
        unlike = " " * next(self._numbers)
        return [frame["c"] for frame in self.ask("frames", filter=display + unlike, **columns)]

    def close(self) -> None:
        self._process.communicate()
        self._folder.cleanup()


@cache
def _sharkd() -> Sharkd:
    """Start the one of this process."""
    started = Sharkd()
    atexit.register(started.close)
    return started


def frames(path: Path, display: str, *fields: str, checksums: bool = False) -> list[list[str]]:
    """Return the fields of each packet for which a display filter holds, several occurrences with commas between."""
    return _sharkd().frames(path, display, fields, checksums=checksums)
