"""An interface as the kernel shows it: filter, times, loopback once, down and back. Needs root and its own network."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import resource
import select
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sipwatch.capture.bpf import MAX_TCP_PORTS, TUNNELS, WantedPackets, program
from sipwatch.capture.errors import CaptureDenied, CaptureError
from sipwatch.capture.ring import BLOCK, LEAST_BLOCKS, Ring
from sipwatch.wire.decoder import Decoder
from sipwatch.wire.message import Request, Unreachable
from tests.capture.private_network import (
    connect,
    inject,
    ip,
    listeners,
    make_pair,
    private_network,
    send,
    send_from_two,
)
from tests.wire import frames as f

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sipwatch.capture.tally import Frame
    from sipwatch.wire.decoder import Item

PROGRAM = program(WantedPackets())
INVITE = b"INVITE sip:a@b SIP/2.0\r\n\r\n"
SIZE = 8 * BLOCK


@pytest.fixture(autouse=True)
def network() -> Iterator[None]:
    """Run in a network namespace of this test's own, with a pair of interfaces, one and two."""
    with private_network(), listeners(5060, 4789, 9):
        yield


@pytest.fixture
def ring() -> Iterator[Ring]:
    yield from opened("lo")


@pytest.fixture
def one() -> Iterator[Ring]:
    yield from opened("one")


@pytest.fixture
def everything() -> Iterator[Ring]:
    yield from opened("any")


def opened(name: str) -> Iterator[Ring]:
    ring = Ring(name, PROGRAM, SIZE)
    yield ring
    ring.close()


def wait(ring: Ring, what: int = select.POLLIN) -> None:
    poll = select.poll()
    poll.register(ring.fileno(), what)
    poll.poll(100)


def read(ring: Ring, enough: Callable[[list[Frame]], bool] | int) -> list[Frame]:
    """Read until there is enough; what was not full is handed over after a moment."""
    found: list[Frame] = []
    deadline = time.monotonic() + 20
    while not (len(found) >= enough if isinstance(enough, int) else enough(found)):
        assert time.monotonic() < deadline, [data[:60] for _, _, data in found[:5]]
        wait(ring)
        found += ring.read(8)[0]
    return found


def items(frames: list[Frame]) -> list[Item]:
    decoder = Decoder()
    return [item for frame in frames for item in decoder.frame(*frame)]


def methods(frames: list[Frame]) -> list[str]:
    return [item.method for item in items(frames) if isinstance(item, Request)]


def test_sip_is_seen_once_with_the_kernels_time_and_media_not_at_all(ring: Ring) -> None:
    before = time.time_ns()
    send(b"\x80\x08" + bytes(160))
    send(INVITE)
    send(INVITE, address="::1")
    send(b"SIP/2.0 200 OK\r\n\r\n", 9)
    frames = read(ring, 3)
    assert [link_type for _, link_type, _ in frames] == [1, 1, 1]
    assert frames[0][2].endswith(INVITE)
    assert frames[1][2].endswith(INVITE)
    assert frames[2][2].endswith(b"SIP/2.0 200 OK\r\n\r\n")
    assert before <= frames[0][0] <= frames[1][0] <= frames[2][0] <= time.time_ns()
    assert ring.packets == 3


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_that_nobody_is_there_is_seen_as_well(ring: Ring, address: str) -> None:
    """The kernel itself answers for a port that nobody listens at."""
    send(INVITE, 5999, address)
    request, answer = items(read(ring, 2))
    assert isinstance(request, Request)
    assert isinstance(answer, Unreachable)
    assert answer.path == request.path


def test_blocks_go_round(ring: Ring) -> None:
    """Four times what the ring holds, read as it comes, is whole and in order."""
    payload = b"INVITE sip:" + bytes(1200)
    sent, found = 0, 0
    while sent * len(payload) < 4 * SIZE:
        for _ in range(100):
            send(payload + sent.to_bytes(4, "big"))
            sent += 1
        for _, _, data in ring.read(8)[0]:
            assert int.from_bytes(data[-4:], "big") == found
            found += 1
    found += len(read(ring, sent - found))
    ring.count_drops()
    assert (found, ring.packets, ring.dropped) == (sent, sent, 0)


def test_what_is_read_and_what_found_no_room_is_everything(ring: Ring) -> None:
    payload = b"INVITE sip:" + bytes(1200)
    sent = 3 * SIZE // len(payload)
    for _ in range(sent):
        send(payload)
    found: list[Frame] = []
    deadline = time.monotonic() + 20
    while ring.packets + ring.dropped < sent and time.monotonic() < deadline:
        wait(ring)
        found += ring.read(1)[0]
        ring.count_drops()
    assert ring.dropped > 0
    assert ring.packets == len(found)
    assert ring.packets + ring.dropped == sent
    send(INVITE)
    assert read(ring, 1)[0][2].endswith(INVITE), "it goes on afterwards"
    ring.count_drops()
    assert ring.packets + ring.dropped == sent + 1


def test_a_large_datagram_is_whole_though_it_lies_in_several_pages(ring: Ring) -> None:
    """Loopback takes 64 KiB at once. A filter that reads from the network header on would not find the payload."""
    payload = b"MESSAGE sip:a@b SIP/2.0\r\n\r\n" + bytes(60_000)
    send(payload)
    send(payload, address="::1")
    assert [data[-len(payload) :] == payload for _, _, data in read(ring, 2)] == [True, True]


def test_what_tcp_leaves_to_the_network_card_to_cut_is_whole(ring: Ring) -> None:
    """The segments of loopback are as large as IP allows."""
    content = os.urandom(400_000)
    with socket.create_server(("127.0.0.1", 5060)) as server, socket.create_connection(("127.0.0.1", 5060)) as sender:
        receiver = server.accept()[0]
        thread = threading.Thread(target=sender.sendall, args=(content,))
        thread.start()
        with receiver:
            left = len(content)
            while left:
                left -= len(receiver.recv(left))
        thread.join()
        frames = read(ring, lambda found: content in sent_to(5060, found))
    assert max(len(data) for _, _, data in frames) > 30_000
    assert all(int.from_bytes(data[16:18], "big") == len(data) - 14 for _, _, data in frames), "nothing is cut off"


def sent_to(port: int, frames: list[Frame]) -> bytes:
    """Return what TCP carried to a port; what it sent again stands where it belongs."""
    stream = bytearray()
    first = -1
    for _, _, data in frames:
        if data[36:38] == port.to_bytes(2, "big"):
            number = int.from_bytes(data[38:42], "big")
            first = number if first < 0 else first
            at, body = (number - first) % 2**32, data[34 + (data[46] >> 4) * 4 :]
            if at < 2**31:
                stream[at : at + len(body)] = body
    return bytes(stream)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_message_in_fragments_is_put_together(ring: Ring, address: str) -> None:
    ip("link set lo mtu 1400")
    send(b"MESSAGE sip:a@b SIP/2.0\r\n\r\n" + bytes(5000), address=address)
    frames = read(ring, 4)
    assert all(len(data) < 1500 for _, _, data in frames)
    assert methods(frames) == ["MESSAGE"]


def test_another_filter_takes_the_place_of_the_first(ring: Ring) -> None:
    ring.filter(program(WantedPackets(tunnels=("vxlan",))))
    send(b"\x08\0\0\0\0\0\1\0 tunnelled", 4789)
    assert read(ring, 1)[0][2].endswith(b"tunnelled")


@pytest.mark.parametrize("name", ["lo", "any"])
def test_the_largest_filter_fits_into_what_older_kernels_grant(name: str) -> None:
    """20 KiB (net.core.optmem_max up to Linux 6.7), and for a moment it stands next to the one it replaces."""
    knob = Path("/proc/sys/net/core/optmem_max")
    if knob.exists():  # older kernels have one for all namespaces, with the value that is meant here
        knob.write_text("20480")
    largest = program(WantedPackets(tuple(range(5000, 5000 + MAX_TCP_PORTS)), TUNNELS))
    ring = Ring(name, largest, SIZE)
    ring.filter(largest)
    ring.close()


TAGGED = {
    "one-tag": struct.pack("!HHH", 0x8100, 7, 0x0800),
    "two-tags": struct.pack("!HHHHH", 0x88A8, 7, 0x8100, 9, 0x0800),
    "three-tags": struct.pack("!HHHHHHH", 0x88A8, 7, 0x8100, 8, 0x8100, 9, 0x0800),
}


@pytest.mark.parametrize("tags", TAGGED.values(), ids=list(TAGGED))
def test_tagged_frames_are_seen_on_the_way_in(one: Ring, tags: bytes) -> None:
    """Their outermost tag the kernel takes off. Nobody misses it."""
    inject(b"\xff" * 6 + bytes(6) + tags + f.ipv4(f.udp(INVITE)))
    frames = read(one, 1)
    assert len(frames[0][2]) == 12 + len(tags) - 4 + 28 + len(INVITE)
    assert methods(frames) == ["INVITE"]


@pytest.mark.parametrize("tags", TAGGED.values(), ids=list(TAGGED))
def test_tagged_frames_are_seen_without_link_headers_too(everything: Ring, tags: bytes) -> None:
    """On the way out, where the kernel says tag and shows what is behind the tags, and on the way in."""
    inject(b"\xff" * 6 + bytes(6) + tags + f.ipv4(f.udp(INVITE)))
    frames = read(everything, 2)
    assert [methods([frame]) for frame in frames] == [["INVITE"]] * 2


@pytest.mark.parametrize("name", ["one", "any"])
def test_labels_and_sessions_are_looked_into(name: str) -> None:
    ring = Ring(name, program(WantedPackets(tunnels=("mpls", "pppoe"))), SIZE)
    for make in (f.mpls, f.pppoe):
        inject(make(f.ipv4(f.udp(INVITE, sport=len(make.__name__)))))
    frames = read(ring, lambda found: len(methods(found)) >= 2)
    assert methods(frames) == ["INVITE"] * 2
    ring.close()


def test_what_is_sent_is_seen_once() -> None:
    ring = Ring("two", PROGRAM, SIZE)
    send_from_two(INVITE)
    send_from_two(b"BYE sip:a@b SIP/2.0\r\n\r\n")
    frames = read(ring, lambda found: "BYE" in methods(found))
    assert [data[42:46] for _, _, data in frames] == [b"INVI", b"BYE "]
    assert [link_type for _, link_type, _ in frames] == [1, 1]
    ring.close()


def test_a_device_without_link_headers_gives_ip_packets_behind_empty_ones() -> None:
    """Tunnels as those of VPNs: what comes out of one, and what goes into it."""
    if not os.path.exists("/dev/net/tun"):
        pytest.skip("there is no /dev/net/tun here")
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH22x", b"tunnel", 0x1001))  # TUNSETIFF, IFF_TUN | IFF_NO_PI
    ip("address add 198.51.100.1/24 dev tunnel")
    ip("link set tunnel up")
    ring = Ring("tunnel", PROGRAM, SIZE)
    os.write(tun, f.ipv4(f.udp(INVITE), destination=bytes((198, 51, 100, 1))))
    send(b"BYE sip:a@b SIP/2.0\r\n\r\n", address="198.51.100.2")
    frames = read(ring, lambda found: "BYE" in methods(found))
    assert [data[:15] for _, _, data in frames] == [bytes(12) + b"\x08\x00E"] * 2
    assert methods(frames) == ["INVITE", "BYE"]
    ring.close()
    os.close(tun)


@pytest.mark.parametrize("kind", ["ipip", "gre"])
def test_the_kernels_tunnels_give_what_is_in_them(kind: str) -> None:
    try:
        ip(f"link add tunnel type {kind} local 192.0.2.2 remote 192.0.2.9")
    except subprocess.CalledProcessError:
        pytest.skip(f"this kernel has no {kind}")
    ip("address add 198.51.100.1/24 dev tunnel")
    ip("link set tunnel up")
    ring = Ring("tunnel", PROGRAM, SIZE)
    send(INVITE, address="198.51.100.2")
    assert methods(read(ring, 1)) == ["INVITE"]
    ring.close()


def test_any_sees_every_interface(everything: Ring) -> None:
    send(INVITE)
    send_from_two(INVITE)
    frames = read(everything, 3)
    # Once on loopback; out of two and into one.
    assert [(link_type, data[:15]) for _, link_type, data in frames] == [(1, bytes(12) + b"\x08\x00E")] * 3
    assert methods(frames) == ["INVITE"] * 2, "the copy is told from a retransmission by its time"


def test_an_interface_that_goes_down_and_comes_back_is_captured_again(one: Ring) -> None:
    assert one.up
    ip("link set one down")
    one.follow()
    assert not one.up
    connect()
    one.follow()
    assert one.up
    send_from_two(INVITE)
    assert read(one, 1)[0][2].endswith(INVITE)


def test_an_interface_that_was_down_for_a_moment_is_told_as_down_once(one: Ring) -> None:
    ip("link set one down")
    ip("link set one up")
    one.follow()
    assert not one.up
    one.follow()
    assert one.up


def test_one_that_is_up_is_not_taken_for_down_when_there_is_no_descriptor_left(one: Ring) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, before[1]))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            os.dup(0)
        one.follow()
        assert one.up
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_an_interface_that_is_down_can_be_opened_and_is_captured_once_it_is_up() -> None:
    ip("link set one down")
    ring = Ring("one", PROGRAM, SIZE)
    assert not ring.up
    connect()
    ring.follow()
    assert ring.up
    send_from_two(INVITE)
    assert read(ring, 1)[0][2].endswith(INVITE)
    ring.close()


def test_waiting_goes_on_being_waiting_after_it_went_down(one: Ring) -> None:
    """The kernel says so once, and until somebody listens poll() returns at once."""
    poll = select.poll()
    poll.register(one.fileno(), select.POLLIN)
    ip("link set one down")
    assert poll.poll(10_000) == [(one.fileno(), select.POLLERR)]
    one.follow()
    assert poll.poll(1) == []


@pytest.mark.parametrize("looked_meanwhile", [True, False])
@pytest.mark.parametrize("numbers", [("", ""), ("index 77", "index 77"), ("index 77", "index 78")])
def test_an_interface_that_was_made_anew_is_captured_again(looked_meanwhile: bool, numbers: tuple[str, str]) -> None:
    """With the same number as before, too: one that comes back from another namespace keeps it."""
    ip("link delete one")
    make_pair(numbers[0])
    ring = Ring("one", PROGRAM, SIZE)
    ip("link delete one")
    if looked_meanwhile:
        ring.follow()
        assert not ring.up
    make_pair(numbers[1])
    ring.follow()
    assert ring.up is looked_meanwhile, "what was gone for a moment is told as down once"
    ring.follow()
    assert ring.up
    send_from_two(INVITE)
    assert read(ring, 1)[0][2].endswith(INVITE)
    ring.close()


def test_another_interface_of_that_name_is_captured_in_its_place(one: Ring) -> None:
    ip("link set one down")
    ip("link set one name former")
    one.follow()
    assert not one.up
    ip("link set two down")
    ip("link set two name one")
    connect("one", "former")
    one.follow()
    assert one.up
    inject(f.ethernet(f.ipv4(f.udp(INVITE))), "former")
    assert methods(read(one, 1)) == ["INVITE"]


def test_an_interface_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(CaptureError, match="eth9: no such interface; there are any, lo, one, two"):
        Ring("eth9", PROGRAM, SIZE)


def test_a_name_with_a_nul_or_too_long_is_no_interface() -> None:
    for name in ("a" * 40, "a\0b", ""):
        with pytest.raises(CaptureError, match="no such interface"):
            Ring(name, PROGRAM, SIZE)


def test_without_the_capability_it_is_denied(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.socket

    def denied(family: int, *rest: int) -> socket.socket:
        if family == socket.AF_PACKET:
            raise PermissionError(errno.EPERM, "Operation not permitted")
        return real(family, *rest)

    monkeypatch.setattr(socket, "socket", denied)
    with pytest.raises(CaptureDenied, match=r"^lo: permission denied$"):
        Ring("lo", PROGRAM, SIZE)


def test_a_ring_that_finds_no_memory_says_what_to_make_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> mmap.mmap:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(mmap, "mmap", none)
    with pytest.raises(
        CaptureError, match=r"^lo: no memory for a ring of 64 MiB; make it smaller \(\[capture\] ring\)$"
    ):
        Ring("lo", PROGRAM, 64 << 20)


def test_what_it_opened_it_gives_back() -> None:
    before = len(os.listdir("/proc/self/fd"))
    ring = Ring("lo", PROGRAM, 1)
    assert Path("/proc/self/maps").read_text().count("socket:") == 1
    ring.close()
    ring.close()
    assert len(os.listdir("/proc/self/fd")) == before
    assert Path("/proc/self/maps").read_text().count("socket:") == 0


def test_the_smallest_ring_still_has_blocks_to_turn() -> None:
    small = Ring("lo", PROGRAM, 1)
    for number in range(3 * LEAST_BLOCKS):
        send(INVITE + bytes((number,)))
        assert read(small, 1)[0][2][-1] == number
    small.close()
