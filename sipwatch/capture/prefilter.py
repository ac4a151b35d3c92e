"""Keeps media away natively: libpcap reads the file, drops RTP and RTCP, and pipes the rest to us.

Must not know: SIP. It never changes a verdict: it drops only UDP datagrams whose first payload bits
are 10, RTP's and RTCP's version 2, with which neither SIP nor any tunnel that we open can begin. The
wire layer counts the same datagrams as ``media`` when it meets them.

All that is done per packet of media happens in C: libpcap's own reader, its BPF interpreter, and its
``pcap_dump`` as the callback, in a thread that does not hold the interpreter's lock.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import threading
from struct import Struct
from typing import TYPE_CHECKING, Any

from sipwatch.capture.errors import CaptureError, Damage
from sipwatch.capture.formats import LARGEST_RECORD, SECOND, Frame, Tally, frames
from sipwatch.capture.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

WORTHWHILE = 16 << 20  # bytes; below that the plain reader is through before a thread pays
SAMPLE = 2_000  # packets looked at
MOSTLY = 0.5  # share of media in the sample from which on the filter pays
SMALLEST_SNAPLEN = 128  # below, packets may end before the byte that the filter looks at

_LIBRARIES = ("libpcap.so.0.8", "libpcap.so.1", "libpcap.so", "libpcap.A.dylib", "libpcap.dylib")
_NANO_PRECISION = 1
_PIPE_SIZE = 1 << 20
_F_SETPIPE_SZ = 1031  # Linux; Python names it from 3.10 on, but not everywhere
_ORDERS = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}

_MEDIA = (
    "(ip proto 17 and ip[6:2] & 0x3fff = 0 and udp[4:2] > 8 and udp[8] & 0xc0 = 0x80)"
    " or (ip6[6] = 17 and ip6[44:2] > 8 and ip6[48] & 0xc0 = 0x80)"
)
_EXPRESSIONS = (
    f"not ({_MEDIA}) and not (vlan and ({_MEDIA}))".encode(),
    f"not ({_MEDIA})".encode(),  # for link types that know no VLAN
)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint), ("instructions", ctypes.c_void_p))


def is_media(link_type: int, data: bytes) -> bool:
    """Tell whether a plain Ethernet frame holds RTP or RTCP over IPv4 or IPv6; good enough for a sample."""
    if link_type != 1 or len(data) < 63:
        return len(data) > 44 and data[16:18] == b"\x08\x00" and data[44] & 0xC0 == 0x80
    start = 46 if data[12:14] == b"\x81\x00" else 42
    start += 20 if data[start - 30 : start - 28] == b"\x86\xdd" else 0
    return len(data) > start and data[start] & 0xC0 == 0x80


def native(path: str, size: int, *, force: bool) -> Native | None:
    """Return the native way to read a file, None where it does not pay or libpcap is not there.

    Only classic pcap, not compressed: for it the packets kept away can be counted without reading them.
    """
    if size < WORTHWHILE and not force:
        return None
    with open(path, "rb") as file:
        header = file.read(24)
    if len(header) < 24 or header[:4] not in _ORDERS:
        return None
    order, _ = _ORDERS[header[:4]]
    (snaplen,) = Struct(order + "I").unpack(header[16:20])
    if 0 < snaplen < SMALLEST_SNAPLEN or not (force or _mostly_media(path)):
        return None
    library = _load()
    return None if library is None else Native.open(library, path)


def _mostly_media(path: str) -> bool:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        seen = media = 0
        for _, link_type, data in frames(Reader(fd), path, Tally()):
            seen += 1
            media += is_media(link_type, data)
            if seen >= SAMPLE:
                break
    except (Damage, CaptureError):
        return False
    finally:
        os.close(fd)
    return media >= MOSTLY * seen > 0


def _load() -> Any | None:
    for name in _LIBRARIES:
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        if not hasattr(library, "pcap_open_offline_with_tstamp_precision"):
            continue
        library.pcap_open_offline_with_tstamp_precision.restype = ctypes.c_void_p
        library.pcap_dump_fopen.restype = ctypes.c_void_p
        library.pcap_geterr.restype = ctypes.c_char_p
        return library
    return None


class Native:
    """One file on its way through libpcap. ``media`` is how many packets were kept away, once through."""

    def __init__(self, library: Any, path: str, handle: int) -> None:
        self.media = 0
        self._library = library
        self._path = path
        self._handle = ctypes.c_void_p(handle)
        self._failed = False

    @classmethod
    def open(cls, library: Any, path: str) -> Native | None:
        """Open a file and set the filter; None when libpcap refuses either."""
        message = ctypes.create_string_buffer(256)
        handle = library.pcap_open_offline_with_tstamp_precision(os.fsencode(path), _NANO_PRECISION, message)
        if not handle:
            return None
        program = _Program()
        for expression in _EXPRESSIONS:
            pointer = ctypes.c_void_p(handle)
            if library.pcap_compile(pointer, ctypes.byref(program), expression, 1, 0xFFFFFFFF) == 0:
                done = library.pcap_setfilter(pointer, ctypes.byref(program))
                library.pcap_freecode(ctypes.byref(program))
                if done == 0:
                    return cls(library, path, handle)
        library.pcap_close(ctypes.c_void_p(handle))
        return None

    def frames(self, tally: Tally) -> Iterator[Frame]:
        """Yield what the filter lets through; afterwards the tally is of all packets. May raise Damage."""
        read_end, write_end = os.pipe()
        _enlarge(read_end)
        worker = threading.Thread(target=self._pump, args=(write_end,), daemon=True)
        worker.start()
        passed = Tally()
        try:
            yield from frames(Reader(read_end), self._path, passed)
        finally:
            self._library.pcap_breakloop(self._handle)
            os.close(read_end)  # a writer that is blocked gets EPIPE
            worker.join()
            self._library.pcap_close(self._handle)
        try:
            _walk(self._path, tally)
            if self._failed:
                raise Damage("libpcap stopped reading")
        finally:
            self.media = tally.packets - passed.packets

    def _pump(self, write_end: int) -> None:
        """Run libpcap's loop with its own pcap_dump as the callback; in a thread."""
        libc = ctypes.CDLL(None)
        libc.fdopen.restype = ctypes.c_void_p
        stream = libc.fdopen(write_end, b"w")
        libc.setvbuf(ctypes.c_void_p(stream), None, 0, ctypes.c_size_t(1 << 18))
        dumper = self._library.pcap_dump_fopen(self._handle, ctypes.c_void_p(stream))
        callback = ctypes.cast(self._library.pcap_dump, ctypes.c_void_p)
        self._failed = self._library.pcap_loop(self._handle, -1, callback, ctypes.c_void_p(dumper)) == -1
        self._library.pcap_dump_close(ctypes.c_void_p(dumper))


def _enlarge(pipe: int) -> None:
    try:
        import fcntl

        fcntl.fcntl(pipe, _F_SETPIPE_SZ, _PIPE_SIZE)
    except (ImportError, OSError):
        return  # a smaller pipe only means more switching


def _walk(path: str, tally: Tally) -> None:
    """Count the records of a classic pcap file from their headers alone. Raises Damage where it breaks off."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        order, unit = _ORDERS[data[:4]]
        captured_at = Struct(order + "I").unpack_from
        size = len(data)
        at, latest, packets = 24, 24, 0
        while at + 16 <= size:
            (captured,) = captured_at(data, at + 8)
            end = at + 16 + captured
            if end > size:
                break
            packets += 1
            latest = at
            at = end
        if packets:
            tally.add(packets, _time(data, 24, order, unit), _time(data, latest, order, unit))
        if at < size:
            absurd = at + 16 <= size and captured > LARGEST_RECORD
            raise Damage(f"absurd record length {captured}" if absurd else "cut off in the middle of a record")


def _time(data: mmap.mmap, at: int, order: str, unit: int) -> int:
    seconds, fraction = Struct(order + "II").unpack_from(data, at)
    return int(seconds * SECOND + fraction * unit)
