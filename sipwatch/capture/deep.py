"""The deep decoder: tshark, by pyshark, for what our own decoder does not open (TLS with a key log, SCTP, ...).

Must not know: what SIP messages mean; it hands on their bytes, their ends and their times.
"""

from __future__ import annotations

from decimal import Decimal
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, NamedTuple

from sipwatch.capture.errors import CaptureError
from sipwatch.capture.files import open_capture

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
    """One SIP message as tshark found it: packet time in ns, transport word, ends, bytes.

    ``key`` is source and destination address and source and destination port, packed in that order.
    """

    time: int
    transport: str
    key: bytes
    payload: bytes


class DeepSource:
    """Iterates over the SIP messages of one file, decoded by tshark; a context manager.

    Raises CaptureError when tshark is missing, or cannot read the file at all. ``packets``,
    ``first`` and ``last`` are of the whole file where we can read its format too, else of the
    packets that held SIP.
    """

    def __init__(self, path: str, keylog: str | None = None) -> None:
        self.files = [path]
        self.packets = 0
        self.media = 0
        self.first: int | None = None
        self.last: int | None = None
        self.warnings: list[str] = []
        self._path = path
        self._keylog = keylog
        self._capture: Any = None

    def __enter__(self) -> DeepSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop tshark."""
        if self._capture is not None:
            self._capture.close()
            self._capture = None

    def __iter__(self) -> Iterator[Datagram]:
        # Late: pyshark brings lxml and asyncio, which nobody else needs.
        from pyshark.capture.capture import TSharkCrashException
        from pyshark.tshark.tshark import TSharkNotFoundException

        self._count()
        try:
            for packet in self._open():
                time = _nanoseconds(str(packet.frame_info.time_epoch))
                self._note(time)
                yield from _datagrams(time, packet.layers)
        except TSharkNotFoundException:
            raise CaptureError(INSTALL_HINT) from None
        except TSharkCrashException as error:
            if not self.packets:
                raise CaptureError(f"{self._path}: tshark could not read it: {_one_line(error)}") from None
            self.warnings.append(f"{self._path}: tshark stopped before the end: {_one_line(error)}")
        finally:
            self.close()

    def _open(self) -> Any:  # noqa: ANN401 - pyshark has no types
        from pyshark import FileCapture

        preferences = {"tls.keylog_file": self._keylog} if self._keylog else None
        self._capture = FileCapture(
            self._path,
            display_filter=_DISPLAY_FILTER,
            keep_packets=False,
            override_prefs=preferences,
            # No names from the network, two passes not needed: the file is read once, offline.
            custom_parameters=["-n"],
        )
        return self._capture

    def _count(self) -> None:
        """Count the packets with our own reader: tshark hands over only those that hold SIP."""
        try:
            with open_capture([self._path]) as source:
                for _ in source:
                    pass
                self.packets, self.first, self.last = source.packets, source.first, source.last
        except CaptureError:
            self._counted = False
        else:
            self._counted = True

    def _note(self, time: int) -> None:
        if not self._counted:
            self.packets += 1
            self.first = time if self.first is None else self.first
            self.last = time if self.last is None else max(self.last, time)


def _datagrams(time: int, layers: Sequence[Any]) -> Iterator[Datagram]:
    """Walk a packet's layers outside in: the innermost addresses and ports are those of the SIP ends."""
    addresses: tuple[bytes, bytes] | None = None
    ports = b""
    transport = "udp"
    secure = False
    for layer in layers:
        name = layer.layer_name
        fields = layer._all_fields  # noqa: SLF001 - the only way to raw values by full name
        if name in ("ip", "ipv6"):
            addresses = _packed(fields, name)
        elif name in _CARRIERS:
            ports = _port(fields, f"{name}.srcport") + _port(fields, f"{name}.dstport")
            transport, secure = name, False
        elif name in ("tls", "ssl", "dtls"):
            secure = True
        elif name == "websocket":
            transport = "ws"
        elif name == "sip" and addresses is not None:
            payload = _sip_bytes(fields)
            if payload:
                yield Datagram(time, _transport(transport, secure=secure), addresses[0] + addresses[1] + ports, payload)


def _transport(carrier: str, *, secure: bool) -> str:
    if not secure:
        return carrier
    return "wss" if carrier == "ws" else "tls"


def _packed(fields: dict[str, Any], name: str) -> tuple[bytes, bytes] | None:
    source, destination = fields.get(f"{name}.src"), fields.get(f"{name}.dst")
    if source is None or destination is None:
        return None
    return ip_address(str(source)).packed, ip_address(str(destination)).packed


def _port(fields: dict[str, Any], name: str) -> bytes:
    port = fields.get(name)
    return (int(str(port)) if port is not None else 0).to_bytes(2, "big")


def _sip_bytes(fields: dict[str, Any]) -> bytes:
    """Put a message together from the raw values of its first line, header section and body."""
    first = _raw(fields, "sip.Request-Line") or _raw(fields, "sip.Status-Line")
    if not first:
        return b""
    head = _raw(fields, "sip.msg_hdr").rstrip(b"\r\n")
    return first.rstrip(b"\r\n") + b"\r\n" + head + b"\r\n\r\n" + _raw(fields, "sip.msg_body")


def _raw(fields: dict[str, Any], name: str) -> bytes:
    field = fields.get(name)
    return bytes.fromhex(field.raw_value) if field is not None and field.raw_value else b""


def _nanoseconds(epoch: str) -> int:
    """Read tshark's time: decimal seconds, or ISO 8601 from version 4.4 on."""
    if "T" not in epoch:
        return int(Decimal(epoch) * 1_000_000_000)
    from datetime import datetime

    whole, _, fraction = epoch.rstrip("Z").partition(".")
    seconds = int(datetime.fromisoformat(whole + "+00:00").timestamp())
    return seconds * 1_000_000_000 + int(fraction[:9].ljust(9, "0") or 0)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
