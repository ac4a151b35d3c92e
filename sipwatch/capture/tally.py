"""The value that leaves capture, the frame, and the count of what a file has given.

Must not know: files, formats.
"""

Frame = tuple[int, int, bytes]  # packet time in ns since 1970, LINKTYPE number, captured bytes

LATEST = 2**63 - 1  # ns, in the year 2262; a later time is damage, and no calendar would take it

FILE_SHIFT = 40  # bits of a packet's number; above them stands the place of its file among several


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
