"""TCP connections that were refused or reset, as evidence for those who wanted to speak SIP over them.

Must not know: streams, calls.

A reset is told once for each connection, and only of connections that matter: over which SIP was seen, or which were
to lead to where SIP is spoken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.packet import ACK, FIN, RST, SEQUENCE_MASK, SIP_PORTS

if TYPE_CHECKING:
    from sipwatch.wire.limits import Limits
    from sipwatch.wire.message import Path

RESET, REFUSED = "connection_reset", "connection_refused"
_SIP_PORTS: Final = frozenset(port.to_bytes(2, "big") for port in SIP_PORTS)  # as in a header


class Resets:
    """Connections asked for and connections that carried SIP; each table gives up its oldest when it is full."""

    __slots__ = ("_asked", "_most", "_speakers", "carriers", "evicted")

    def __init__(self, limits: Limits) -> None:
        self._asked: dict[bytes, int] = {}  # how a SYN will be acknowledged; its complement once it was refused
        self.carriers: dict[bytes, None] = {}  # directions over which SIP went
        self._speakers: dict[bytes, None] = {}  # address and port of their servers
        self._most = limits.streams
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._asked) + len(self.carriers) + len(self._speakers)

    def follow(self, path: Path, sequence: int, acknowledged: int, flags: int, *, over: bool) -> str:
        """Take a segment that begins or ends a connection; return what a reset says, "" of anything else.

        ``over`` says that the other direction was closed already. Its end has nothing more to send then, and a reset
        is only how some stacks close in a hurry: SO_LINGER with a time of zero, or data that nobody read (RFC 1122
        §4.2.2.13). Nothing was lost by that.
        """
        if flags & RST:
            if flags & ACK and self._refusal(path, acknowledged):
                return REFUSED
            return RESET if self._ended(path) and not over else ""
        if flags & FIN:
            if over:
                self._ended(path)
        elif flags & ACK:
            self._asked.pop(path.reverse_key, None)  # a SYN was answered
        else:
            self._ask(path, sequence)
        return ""

    def carried(self, path: Path) -> None:
        """Take note that SIP went this way, which is not among the ``carriers`` yet."""
        self._keep(self.carriers, path.key)
        # The lower port is the server's: a client's is drawn from a range above those in use.
        source, destination = path.key[-4:-2], path.key[-2:]
        end = path.source_address + source if source < destination else path.destination_address + destination
        if end not in self._speakers:
            self._keep(self._speakers, end)

    def _ask(self, path: Path, sequence: int) -> None:
        """Take note of a SYN, when it goes where SIP is spoken."""
        port = path.key[-2:]
        if port not in _SIP_PORTS and path.destination_address + port not in self._speakers:
            return
        expected = sequence + 1 & SEQUENCE_MASK
        if path.key in self._asked:
            if self._asked[path.key] in (expected, ~expected):
                return  # sent again, or captured again
            del self._asked[path.key]
        while len(self._asked) >= self._most:
            del self._asked[next(iter(self._asked))]
            self.evicted += 1
        self._asked[path.key] = expected

    def _refusal(self, path: Path, acknowledged: int) -> bool:
        """Tell whether a reset on this way, which acknowledges something, refuses a connection asked for."""
        if self._asked.get(path.reverse_key) != acknowledged:
            return False
        self._asked[path.reverse_key] = ~acknowledged
        return True

    def _ended(self, path: Path) -> bool:
        """Take note that a connection is over; tell whether it carried SIP."""
        carriers = self.carriers
        if path.key not in carriers and path.reverse_key not in carriers:
            return False
        carriers.pop(path.key, None)
        carriers.pop(path.reverse_key, None)
        return True

    def _keep(self, table: dict[bytes, None], key: bytes) -> None:
        while len(table) >= self._most:
            del table[next(iter(table))]
            self.evicted += 1
        table[key] = None
