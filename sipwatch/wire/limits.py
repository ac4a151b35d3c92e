"""Every bound of the wire layer in one place, each with its reason.

Must not know: what the tables hold.
"""

from typing import Final, NamedTuple

from sipwatch.budget import DEFAULT_BUDGET, Budget
from sipwatch.packet import SECOND

# bytes of a Call-ID, tag or branch; of a longer one its beginning and a digest are kept (``sip.identifier``)
MAX_IDENTIFIER: Final = 256
MAX_TEXT: Final = 16_384  # bytes of a message that tracking keeps; more than any phone writes


class Limits(NamedTuple):
    """How much the decoder remembers, in entries and bytes, and how long, in ns of packet time."""

    # Paths are only a saving of work: full, the table starts anew.
    paths: int = 65_536

    # DESIGN §4: copies come within 50 ms. A retransmission comes no sooner than T1/2 = 250 ms.
    duplicate_window: int = SECOND // 20
    duplicates: int = 65_536  # datagrams in one window: more than a million a second

    copies: int = 65_536  # messages that are compared with what agents report over HEP, in one generation
    copies_kept: int = SECOND  # the length of a generation: late ones are known by their own time

    reporters: int = 1024  # senders of HEP whose clocks are compared with ours
    nodes: int = 32  # capture nodes that nobody configured and that get a name of their own

    fragmented: int = 1024  # datagrams in pieces
    fragments: int = 64  # of one datagram: 64 kB over a 1,280 byte path make 54
    fragments_bytes: int = 16_777_216  # in all datagrams together
    fragment_lifetime: int = 30 * SECOND  # RFC 791 suggests 15 s, RFC 8200 §4.5 says 60 s, Linux takes 30

    # 1,500 bytes at 256 kbit/s; and copies come within that time (see above), so the rest does, too.
    rest_lasts: int = SECOND // 20
    heads: int = 64  # first fragments that wait for their rest; each is looked at with every message meanwhile

    tunnel_depth: int = 4  # tunnels in tunnels; more is an attack
    extension_headers: int = 8  # of IPv6, in a row
    associations: int = 4_096  # of ESP that encrypts nothing

    streams: int = 8_192  # one direction of a connection each
    stream_lifetime: int = 7_200 * SECOND  # a silent stream's sequence numbers mean nothing after that
    stream_bytes: int = 262_144  # waiting behind a gap: what the largest message may have
    streams_bytes: int = 33_554_432  # buffered in all streams together
    waiting: int = 64  # segments of one stream behind a gap
    gap_lasts: int = 3 * SECOND  # longer than a fast retransmit, shorter than anybody's patience
    message: int = 262_144  # bytes; bodies of 64 kB exist
    header_section: int = 65_536  # bytes
    line: int = 8_192  # a start line not ended by then is none
    closed_streams: int = 8_192
    closed_lasts: int = 60 * SECOND  # a late copy must not be a new stream; Linux' TIME-WAIT


PATH: Final = 600  # bytes that one interned path takes, its entry in the table included
_DUPLICATE: Final = 110  # bytes of a datagram remembered


def limits_within(budget: Budget) -> Limits:
    """Return the limits that keep the wire layer's tables within their parts of a budget."""
    streams = budget.streams
    return Limits(
        paths=budget.paths // 2 // PATH,
        duplicates=streams // 10 // (2 * _DUPLICATE),  # in two generations
        copies=streams // 5 // (2 * _DUPLICATE),  # as those, but for twenty times as long
        fragments_bytes=streams // 5,
        streams_bytes=streams // 2,
    )


DEFAULT_LIMITS: Final = limits_within(DEFAULT_BUDGET)
