"""A classic BPF machine in plain Python, as the kernel runs it on a packet socket: the tests' second opinion."""

from __future__ import annotations

import struct
from typing import NamedTuple

AD = 0xFFFFF000
OUTGOING, HOST = 4, 0
LOOPBACK, ETHERNET = 772, 1


class Packet(NamedTuple):
    """What the kernel hands to a filter: the bytes, from the link or the network header on, and what it knows."""

    data: bytes
    protocol: int
    pkttype: int = HOST
    hatype: int = ETHERNET


class Beyond(Exception):  # noqa: N818 - how the kernel ends a program that reads beyond the packet
    """A read beyond the packet."""


def load(packet: Packet, at: int, size: int) -> int:
    """Read bytes of the packet, or a fact beside it."""
    if at >= AD:
        return {0: packet.protocol, 4: packet.pkttype, 28: packet.hatype}[at - AD]
    if at + size > len(packet.data):
        raise Beyond
    return int.from_bytes(packet.data[at : at + size], "big")


def run(program: bytes, packet: Packet) -> int:  # noqa: C901, PLR0912 - one branch for each instruction
    """Return how many bytes of the packet the program keeps; 0: none."""
    code = list(struct.iter_unpack("=HBBI", program))
    memory: dict[int, int] = {}
    a = x = at = 0
    try:
        while True:
            op, yes, no, k = code[at]
            at += 1
            match op & 0x07, op & 0xF8:
                case 0, mode if mode & 0xE0 in (0x20, 0x40):  # LD ABS, LD IND
                    size = {0x00: 4, 0x08: 2, 0x10: 1}[op & 0x18]
                    a = load(packet, k + x if mode & 0x40 else k, size)
                case 0, 0x60:  # LD MEM
                    a = memory[k]
                case 1, 0x00:  # LDX IMM
                    x = k
                case 2, 0x00:  # ST
                    memory[k] = a
                case 4, operation:
                    value = x if operation & 0x08 else k
                    shown = {0x00: a + value, 0x50: a & value, 0x60: a << value, 0x70: a >> value}
                    a = shown[operation & 0xF0] & 0xFFFFFFFF
                case 5, 0x00:  # JA
                    at += k
                case 5, condition:
                    holds = {0x10: a == k, 0x20: a > k, 0x30: a >= k, 0x40: bool(a & k)}[condition]
                    at += yes if holds else no
                case 6, 0x00:  # RET
                    return int(k)
                case 7, 0x00:  # TAX
                    x = a
                case 7, 0x80:  # TXA
                    a = x
                case other:
                    raise AssertionError(f"no such instruction here: {other}")
    except Beyond:
        return 0
