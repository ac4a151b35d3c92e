"""What a capture cannot show, in words: said once, so that nobody reads more into it than is there.

Must not know: calls, findings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipwatch.wire.discards import Discard

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENOUGH = 8  # messages of one kind, and none of the other, that are no accident


def gaps(
    discards: Mapping[Discard, int],
    requests: Mapping[str, int],
    responses: Mapping[int, int],
    dropped: int,
    orphans: int = 0,
) -> list[str]:
    """Return what is missing.

    ``dropped`` counts the packets that the capture says it lost, ``orphans`` the responses to an INVITE that was
    not captured itself.
    """
    found = []
    if dropped:
        found.append(f"{dropped:,} packets were lost while capturing: what seems missing may have been there")
    cut = discards.get(Discard.SIP_TRUNCATED, 0)
    if cut:
        found.append(f"{cut:,} messages were cut off by the snap length; capture again with -s 0")
    holes = discards.get(Discard.TCP_GAP, 0)
    if holes:
        found.append(f"{holes:,} holes in TCP streams: messages in them are missing")
    asked = sum(requests.values()) - requests.get("ACK", 0)
    told = sum(responses.values())
    if asked >= _ENOUGH and not told:
        found.append("only requests were captured: who answered what cannot be known")
    if told >= _ENOUGH and not asked:
        found.append("only responses were captured: what they answer cannot be known")
    elif orphans >= _ENOUGH and 2 * orphans >= told:
        # In and out of one server's interface, half of every conversation runs the other way.
        found.append(f"{orphans:,} responses are to requests that were not captured: one direction seems to be missing")
    return found
