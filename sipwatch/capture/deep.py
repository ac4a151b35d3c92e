"""The deep decoder: tshark, by pyshark, for what our own decoder does not open (TLS with a key log, SCTP, ...).

Must not know: what SIP messages mean; it hands on their bytes, their ends and their times.
"""

from __future__ import annotations

import heapq
import os
import shutil
import signal
from contextlib import suppress
from decimal import Decimal
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, NamedTuple

from sipwatch.capture.errors import CaptureError
from sipwatch.capture.files import open_capture
from sipwatch.capture.tally import Tallied, Tally
from sipwatch.packet import FILE_SHIFT, SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# SIP quoted inside an ICMP error is evidence, not a message.
_DISPLAY_FILTER = "sip && !icmp && !icmpv6"
_CARRIERS = ("udp", "tcp", "sctp")
INSTALL_HINT = (
    "--deep needs tshark, which is not installed. Install it with 'apt install tshark' (Debian, Ubuntu), "
    "'dnf install wireshark-cli' (Fedora), 'apk add tshark' (Alpine) or 'brew install wireshark' (macOS)"
)


class Datagram(NamedTuple):
    """One SIP message as tshark found it: packet time in ns, packet number, transport word, ends, bytes.

    ``key`` is source and destination address and source and destination port, packed in that order.
    """

    time: int
    number: int
    transport: str
    key: bytes
    payload: bytes


class DeepSource(Tallied):
    """Iterates over the SIP messages of capture files, decoded by tshark; a context manager.

    Several files are merged in packet-time order. Raises CaptureError when tshark is missing, or
    cannot read a file at all. ``packets``, ``first`` and ``last`` are of the whole files where we can
    read their format too, else of the packets that held SIP.
    """

    def __init__(self, paths: Sequence[str], keylog: str | None = None) -> None:
        if shutil.which("tshark") is None:
            raise CaptureError(INSTALL_HINT)
        for path in (*paths, *([keylog] if keylog else [])):
            _check(path)
        self.files = list(paths)
        self.warnings: list[str] = []
        self._tallies = [Tally() for _ in paths]
        self._keylog = keylog
        self._captures: list[Any] = []

    @property
    def bytes_read(self) -> int:
        """Tell nothing: tshark does not say how far it is."""
        return 0

    @property
    def total_bytes(self) -> int | None:
        """Tell nothing, likewise."""
        return None

    def close(self) -> None:
        """Stop tshark."""
        while self._captures:
            _stop(self._captures.pop())
        # pyshark's event loop leaves its descriptor for signals behind, which nobody reads any more: it fills up with
        # the ends of later child processes.
        with suppress(ValueError):  # not in the main thread, where nothing was set
            signal.set_wakeup_fd(-1)

    @property
    def packets_of(self) -> dict[str, int]:
        """Count the packets so far by file."""
        return {path: tally.packets for path, tally in zip(self.files, self._tallies, strict=True)}

    def __iter__(self) -> Iterator[Datagram]:
        parts = [
            self._file(path, tally, index << FILE_SHIFT)
            for index, (path, tally) in enumerate(zip(self.files, self._tallies, strict=True))
        ]
        return parts[0] if len(parts) == 1 else heapq.merge(*parts, key=lambda datagram: datagram.time)

    def _file(self, path: str, tally: Tally, before: int) -> Iterator[Datagram]:
        # Late: pyshark brings lxml and asyncio, which nobody else needs.
        from pyshark import FileCapture
        from pyshark.capture.capture import TSharkCrashException

        _event_loop()
        counted = self._count(path, tally)
        capture = FileCapture(
            path,
            display_filter=_DISPLAY_FILTER,
            keep_packets=False,
            override_prefs={"tls.keylog_file": self._keylog} if self._keylog else None,
            custom_parameters=["-n"],  # no names from the network
        )
        self._captures.append(capture)
        try:
            for packet in capture:
                time = _nanoseconds(str(packet.frame_info.time_epoch))
                if not counted:
                    tally.add(1, time, time)
                yield from _datagrams(time, before + int(packet.number), packet.layers)
        except TSharkCrashException as error:
            if not tally.packets:
                raise CaptureError(f"{path}: tshark could not read it: {_one_line(error)}") from None
            self.warnings.append(f"{path}: tshark stopped before the end; reported up to there")

    def _count(self, path: str, tally: Tally) -> bool:
        """Count the packets with our own reader: tshark hands over only those that hold SIP."""
        try:
            with open_capture([path]) as source:
                for _ in source:
                    pass
                tally.packets, tally.first, tally.last = source.packets, source.first, source.last
                tally.dropped = source.dropped
                self.warnings.extend(source.warnings)
        except CaptureError:
            return False
        return True


def _stop(capture: Any) -> None:
    """Stop a tshark; of one that has ended with an error, iterating has told already: pyshark would raise it again."""
    from pyshark.capture.capture import TSharkCrashException

    try:
        capture.close()
    except TSharkCrashException:
        capture._running_processes.clear()  # noqa: SLF001 - else again when it is collected
        capture.close()


def _event_loop() -> None:
    """See to it that pyshark finds an event loop: who has run one before us may have left none."""
    import asyncio  # noqa: TID251 - pyshark's, not ours

    policy = asyncio.get_event_loop_policy()
    try:
        policy.get_event_loop()
    except RuntimeError:
        policy.set_event_loop(policy.new_event_loop())


def _check(path: str) -> None:
    """Raise CaptureError when a file cannot be opened; tshark would say it in words of its own."""
    if path == "-":
        raise CaptureError("--deep reads files only; save standard input to a file first")
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        raise CaptureError(f"{path}: cannot be opened: {error.strerror}") from None
    if os.path.isdir(path):
        raise CaptureError(f"{path}: is a directory, not a file")


def _datagrams(time: int, number: int, layers: Sequence[Any]) -> Iterator[Datagram]:
    """Walk a packet's layers outside in: the innermost addresses and ports are those of the SIP ends."""
    addresses: tuple[bytes, bytes] | None = None
    ports = b""
    transport = "udp"
    secure = False
    for layer in layers:
        name = layer.layer_name
        if name in ("ip", "ipv6"):
            addresses = _packed(layer, name)
        elif name in _CARRIERS:
            ports = _port(layer, f"{name}.srcport") + _port(layer, f"{name}.dstport")
            transport, secure = name, False
        elif name in ("tls", "ssl", "dtls"):
            secure = True
        elif name == "websocket":
            transport = "ws"
        elif name == "sip" and addresses is not None:
            payload = _sip_bytes(layer)
            if payload:
                key = addresses[0] + addresses[1] + ports
                yield Datagram(time, number, _transport(transport, secure=secure), key, payload)


def _transport(carrier: str, *, secure: bool) -> str:
    if not secure:
        return carrier
    return "wss" if carrier == "ws" else "tls"


def _packed(layer: Any, name: str) -> tuple[bytes, bytes] | None:
    source, destination = layer.get_field(f"{name}.src"), layer.get_field(f"{name}.dst")
    if source is None or destination is None:
        return None
    return ip_address(str(source)).packed, ip_address(str(destination)).packed


def _port(layer: Any, name: str) -> bytes:
    port = layer.get_field(name)
    return (int(str(port)) if port is not None else 0).to_bytes(2, "big")


def _sip_bytes(layer: Any) -> bytes:
    """Put a message together from the raw values of its first line, header section and body."""
    first = _raw(layer, "sip.Request-Line") or _raw(layer, "sip.Status-Line")
    if not first:
        return b""
    head = _raw(layer, "sip.msg_hdr").rstrip(b"\r\n")
    return first.rstrip(b"\r\n") + b"\r\n" + head + b"\r\n\r\n" + _raw(layer, "sip.msg_body")


def _raw(layer: Any, name: str) -> bytes:
    field = layer.get_field(name)
    return bytes.fromhex(field.raw_value) if field is not None and field.raw_value else b""


def _nanoseconds(epoch: str) -> int:
    """Read tshark's time: decimal seconds, or ISO 8601 from version 4.4 on."""
    if "T" not in epoch:
        return int(Decimal(epoch) * SECOND)
    from datetime import datetime

    whole, _, fraction = epoch.rstrip("Z").partition(".")
    seconds = int(datetime.fromisoformat(whole + "+00:00").timestamp())
    return seconds * SECOND + int(fraction[:9].ljust(9, "0") or 0)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
