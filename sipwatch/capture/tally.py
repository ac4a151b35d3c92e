"""The value that leaves capture, the frame, and the count of what files have given.

Must not know: files, formats.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

Frame = tuple[int, int, bytes]  # packet time in ns since 1970, LINKTYPE number, captured bytes

LATEST = 4_611_000_000 * 10**9  # ns, in the year 2116; a later time is damage


class Place:
    """Where in a capture we are: ``number`` is that of the packet given last, from 1, as Wireshark counts.

    Packets that were kept away have numbers, too. Of several files that are merged, the bits from
    ``FILE_SHIFT`` on hold the file's index.
    """

    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number = 0


class Tally(Place):
    """What a file has given so far: packets, and the times (ns) of the first and the latest.

    ``media`` counts those of the packets that were kept away; ``damage`` says how the file broke off; ``dropped``
    counts the packets that the file itself says were lost while capturing.
    """

    __slots__ = ("damage", "dropped", "first", "last", "media", "packets")

    def __init__(self) -> None:
        super().__init__()
        self.packets = 0
        self.dropped = 0
        self.media = 0
        self.first: int | None = None
        self.last: int | None = None
        self.damage = ""

    def add(self, packets: int, first: int, last: int) -> None:
        """Add a stretch of packets."""
        if packets:
            self.packets += packets
            self.last = last
            if self.first is None:
                self.first = first


class Closable(ABC):
    """A context manager that closes itself in the end."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Let go of everything. Closing twice is harmless."""


class Tallied(Closable):
    """What counts what each of its files gives."""

    _tallies: Sequence[Tally]

    @property
    def packets(self) -> int:
        """Count the packets so far, also those kept away. Exact at the end, and when waiting for a stream."""
        return sum(tally.packets for tally in self._tallies)

    @property
    def media(self) -> int:
        """Count the packets that were kept away as media, by the rule of ``prefilter.is_media``."""
        return sum(tally.media for tally in self._tallies)

    @property
    def dropped(self) -> int:
        """Count the packets that were lost while capturing, as far as the files say."""
        return sum(tally.dropped for tally in self._tallies)

    @property
    def first(self) -> int | None:
        """Return the time (ns) of the first packet, of the file that begins first; None without any."""
        return min((tally.first for tally in self._tallies if tally.first is not None), default=None)

    @property
    def last(self) -> int | None:
        """Return the time (ns) of the last packet, of the file that ends last; None without any."""
        return max((tally.last for tally in self._tallies if tally.last is not None), default=None)
