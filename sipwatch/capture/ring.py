"""One interface: an AF_PACKET socket with a ring that the kernel fills (TPACKET_V3), filtered in the kernel.

Must not know: SIP, other interfaces, what becomes of the frames. Reading costs no system call per packet,
and the times are the kernel's. See packet(7) and Documentation/networking/packet_mmap.rst of Linux.

The ring counts as memory of this process from the beginning, used or not. The kernel hands it over block
by block, a block that is not full after ``RETIRE``: on a quiet line a ring lasts as long as it has blocks
(128 in 16 MiB: twelve seconds), on a busy one as long as it has bytes.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import socket
import sys
from contextlib import suppress
from struct import Struct
from typing import TYPE_CHECKING

from sipwatch.capture.errors import CaptureDenied, CaptureError
from sipwatch.packet import ETHERNET, ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPES_IP, MILLISECOND, SECOND, VLAN_TAGS

if TYPE_CHECKING:
    from sipwatch.capture.bpf import Program
    from sipwatch.capture.tally import Frame

ANY = "any"

# <linux/if_packet.h>, <linux/if_ether.h>, <asm-generic/socket.h>, <linux/if.h>, <linux/sockios.h>
_SOL_PACKET = 263
_PACKET_RX_RING, _PACKET_STATISTICS, _PACKET_VERSION = 5, 6, 10
_TPACKET_V3 = 2
_ETH_P_ALL = 3
_SO_ATTACH_FILTER = 26
_SIOCGIFFLAGS, _SIOCGIFHWADDR, _SIOCGIFINDEX, _IFF_UP = 0x8913, 0x8927, 0x8933, 0x1
_ARPHRD_ETHER, _ARPHRD_LOOPBACK = 1, 772
_STATUS_AT, _TO_KERNEL, _TO_USER, _VLAN_VALID = 8, 0, 1, 1 << 4

_RING_REQUEST = Struct("=7I")  # struct tpacket_req3
_BLOCK = Struct("=12xII")  # packets, where the first begins
_PACKET = Struct("=4I8xH")  # struct tpacket3_hdr: next, s, ns, captured, link header at
_COOKED_PACKET = Struct("=4I4xI2xH22xH")  # next, s, ns, captured, status, network header at; sockaddr_ll: ethertype
_STATUS = Struct("=I")
_STATISTICS = Struct("=III")
_FILTER = Struct("@HP")  # struct sock_fprog
_ADDRESS = Struct("@H2siHBB8s")  # struct sockaddr_ll
_REQUEST = Struct("@16sH22x")  # struct ifreq, whose second half begins with a short
_NUMBER = Struct("@16si20x")  # or with an int

BLOCK = 1 << 17  # bytes; a packet of 64 KiB fits, which is what TCP hands to loopback and to cards that cut it
LEAST_BLOCKS = 4
_RETIRE = 100  # ms until the kernel hands over a block that is not full; shorter, and a ring lasts no longer than that
RETIRE = _RETIRE * MILLISECOND
# Ethertypes as they stand in sockaddr_ll and, in bytes, in a packet.
_IPV4, _IPV6 = socket.htons(ETHERTYPE_IPV4), socket.htons(ETHERTYPE_IPV6)
_VERSIONS = {4: _IPV4, 6: _IPV6}
_TAG_NEXT = frozenset(tag.to_bytes(2, "big") for tag in VLAN_TAGS)
_IP_NEXT = frozenset(kind.to_bytes(2, "big") for kind in ETHERTYPES_IP)
_TAGS = frozenset(int.from_bytes(tag, sys.byteorder) for tag in _TAG_NEXT)


class Ring:
    """An open interface. ``packets`` and ``dropped`` count since it was opened; the latter is the kernel's figure.

    Both together are what passed the filter, but for packets that wait in the ring. ``up`` is what ``follow`` found.
    """

    def __init__(self, name: str, program: Program, size: int) -> None:
        """Open an interface (``any``: all of them) with a ring of ``size`` bytes. Raises CaptureError."""
        self.name = name
        self.packets = 0
        self.dropped = 0
        self._blocks = max(LEAST_BLOCKS, size // BLOCK)
        self._next = 0
        self._index = _index(name)
        # Ethernet frames stand as in files. Of everything else, from tunnels to PPP, the IP packet is enough; the
        # wire layer is fastest with Ethernet.
        self._cooked = name == ANY or _hardware(name) not in (_ARPHRD_ETHER, _ARPHRD_LOOPBACK)
        try:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM if self._cooked else socket.SOCK_RAW, 0)
        except PermissionError:
            raise CaptureDenied(f"{name}: permission denied") from None
        except OSError as error:
            raise CaptureError(f"{name}: packet sockets do not work here ({error.strerror})") from None
        try:
            self._ring = self._start(program)
        except OSError as error:
            self._socket.close()
            raise CaptureError(f"{name}: {_why(error, self._blocks * BLOCK)}") from None
        self.up = self.is_up()

    def _start(self, program: Program) -> mmap.mmap:
        """Set everything before the socket is bound, so that no packet comes in past the filter."""
        self.filter(program)
        self._socket.setsockopt(_SOL_PACKET, _PACKET_VERSION, _TPACKET_V3)
        frames = self._blocks * (BLOCK >> 11)
        request = _RING_REQUEST.pack(BLOCK, self._blocks, 1 << 11, frames, _RETIRE, 0, 0)
        self._socket.setsockopt(_SOL_PACKET, _PACKET_RX_RING, request)
        ring = mmap.mmap(self._socket.fileno(), self._blocks * BLOCK)
        try:
            self._bind(self._index)
        except OSError:
            ring.close()
            raise
        return ring

    def _bind(self, index: int) -> None:
        """Capture an interface by its number, all with 0, which ``socket.bind`` does not know."""
        address = _ADDRESS.pack(socket.AF_PACKET, _ETH_P_ALL.to_bytes(2, "big"), index, 0, 0, 0, b"")
        if ctypes.CDLL(None, use_errno=True).bind(self.fileno(), address, len(address)) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._socket.fileno()

    def close(self) -> None:
        """Give the ring and both descriptors back. Closing twice is harmless."""
        self._socket.close()
        self._ring.close()

    def filter(self, program: Program) -> None:
        """Put another filter in place of the present one; no packet is lost between them."""
        code = program.bare if self._cooked else program.framed
        buffer = ctypes.create_string_buffer(code, len(code))
        self._socket.setsockopt(
            socket.SOL_SOCKET, _SO_ATTACH_FILTER, _FILTER.pack(len(code) // 8, ctypes.addressof(buffer))
        )

    def read(self, blocks: int) -> tuple[list[Frame], bool]:
        """Take what up to ``blocks`` blocks hold, and whether that was everything there is."""
        frames: list[Frame] = []
        ring, take = self._ring, self._take_cooked if self._cooked else self._take
        for _ in range(blocks):
            at = self._next * BLOCK
            if not ring[at + _STATUS_AT] & _TO_USER:
                self.packets += len(frames)
                return frames, True
            packets, first = _BLOCK.unpack_from(ring, at)  # after the status: the kernel writes it last
            take(frames, at + first, packets)
            _STATUS.pack_into(ring, at + _STATUS_AT, _TO_KERNEL)
            self._next = (self._next + 1) % self._blocks
        self.packets += len(frames)
        return frames, False

    def _take(self, frames: list[Frame], at: int, packets: int) -> None:
        ring, header, add = self._ring, _PACKET.unpack_from, frames.append
        for _ in range(packets):
            following, seconds, nanoseconds, size, link = header(ring, at)
            start = at + link
            add((seconds * SECOND + nanoseconds, ETHERNET, ring[start : start + size]))
            at += following

    def _take_cooked(self, frames: list[Frame], at: int, packets: int) -> None:
        """Take packets that begin at their network header, and put an Ethernet header without addresses before it."""
        ring, header, add = self._ring, _COOKED_PACKET.unpack_from, frames.append
        for _ in range(packets):
            following, seconds, nanoseconds, size, status, net, protocol = header(ring, at)
            data = ring[at + net : at + net + size]
            if status & _VLAN_VALID or protocol in _TAGS:
                protocol, data = _without_tags(protocol, data)
            link = _LINK_HEADERS.get(protocol) or _link_header(protocol)
            add((seconds * SECOND + nanoseconds, ETHERNET, link + data))
            at += following

    def count_drops(self) -> None:
        """Ask the kernel how many packets found the ring full; asking sets its figure back to 0.

        The figure next to it, how often the ring froze, is about the same packets.
        """
        with suppress(OSError):
            statistics = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, _STATISTICS.size)
            self.dropped += _STATISTICS.unpack(statistics)[1]

    def follow(self) -> None:
        """Look whether the interface is there and up; one that was made anew is captured again.

        What was up, and was gone for a moment since we looked last, is told as down this time.
        """
        # ENETDOWN as soon as it goes down. Unless it is taken, poll() returns at once for ever.
        failed = bool(self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        if self.name != ANY:
            interrupted = self._renew(failed)
            self.up = self.is_up() and not (self.up and interrupted)

    def _renew(self, failed: bool) -> bool:
        """Bind again if there is anything new under the name; tell whether the capture was interrupted."""
        try:
            # Not if_nametoindex: that opens a socket for each answer, and there may be no descriptor left.
            index = _ask(self._socket, _SIOCGIFINDEX, self.name, _NUMBER)
        except OSError:
            self._index = -1  # what comes back may have the same number, and yet has to be bound
            return True
        renewed = index != self._index
        if renewed or failed:
            self._index = -1
            with suppress(OSError):
                self._bind(index)
                self._index = index
        return renewed or failed

    def is_up(self) -> bool:
        """Tell whether the interface is there and up."""
        if self.name == ANY:
            return True
        try:
            return bool(_ask(self._socket, _SIOCGIFFLAGS, self.name) & _IFF_UP)
        except OSError:
            return False


def _without_tags(protocol: int, data: bytes) -> tuple[int, bytes]:
    """Find the IP header of a tagged packet; what has none is left as it is.

    Whether tags stand before it, and whether the ethertype that the kernel tells is that of a tag, depends
    on the direction, on what the network card does by itself, and on the kernel's age (6.10).
    """
    at = 0
    while data[at + 2 : at + 4] in _TAG_NEXT:
        at += 4
    if data[at + 2 : at + 4] in _IP_NEXT and data[at + 4 : at + 5] and data[at + 4] >> 4 in _VERSIONS:
        at += 4
    version = data[at] >> 4 if data[at : at + 1] else 0
    return (_VERSIONS[version], data[at:]) if version in _VERSIONS else (protocol, data)


def _link_header(protocol: int) -> bytes:
    return bytes(12) + protocol.to_bytes(2, sys.byteorder)


_LINK_HEADERS = {protocol: _link_header(protocol) for protocol in (_IPV4, _IPV6)}


def _index(name: str) -> int:
    if name == ANY:
        return 0
    try:
        return socket.if_nametoindex(name)
    except (OSError, ValueError):
        there = ", ".join(sorted(there for _, there in socket.if_nameindex()))
        raise CaptureError(f"{name}: no such interface; there are {ANY}, {there}") from None


def _hardware(name: str) -> int:
    """Return the kind of link (ARPHRD_...), -1 where it cannot be known."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asking:
            return _ask(asking, _SIOCGIFHWADDR, name)
    except OSError:
        return -1


def _ask(asking: socket.socket, question: int, name: str, form: Struct = _REQUEST) -> int:
    """Ask the kernel about an interface, see netdevice(7); return the number that it answers."""
    answer = fcntl.ioctl(asking, question, form.pack(name.encode(), 0))
    return int(form.unpack(answer)[1])


def _why(error: OSError, size: int) -> str:
    if error.errno == errno.ENOMEM:
        return f"no memory for a ring of {size >> 20} MiB; make it smaller ([capture] ring)"
    return f"cannot be captured ({error.strerror or error})"
