"""What a call shows whose media could not be agreed on.

Must not know: other calls, words; how a session description is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.classify.causes import MEDIA_CODES
from sipwatch.classify.findings import PLAIN, Fact, Finding, Kind, quoted, seen
from sipwatch.classify.hops import far_end, first_of, last_hops
from sipwatch.classify.media import offered
from sipwatch.wire.sip import header

if TYPE_CHECKING:
    from sipwatch.classify.findings import Look
    from sipwatch.classify.peers import Directory
    from sipwatch.track.call import Call
    from sipwatch.track.leg import Leg


def media_mismatch(call: Call, directory: Directory) -> Finding | None:
    """The callee's side takes none of what was offered."""
    return first_of(last_hops(call), _media_mismatch, directory)


def _media_mismatch(leg: Leg, directory: Directory) -> Finding | None:
    if leg.status_code not in MEDIA_CODES or leg.followed or leg.final is None:
        return None
    codecs = offered(leg.invite)
    if not codecs:
        return None
    facts: dict[str, Fact] = {"status_code": leg.status_code, "codecs": quoted(", ".join(codecs).encode())}
    warning = header(leg.final.raw, b"warning") if b"warning" in leg.final.names else b""
    facts["warning"] = quoted(warning)
    evidence = [seen(leg.invite), seen(leg.final)]
    return Finding(Kind.MEDIA_MISMATCH, "warned" if warning else PLAIN, far_end(leg, directory), facts, evidence)


# What is looked for in every call that shows its signs (``findings.TABLE``).
LOOKS: Final[dict[Kind, Look]] = {
    Kind.MEDIA_MISMATCH: media_mismatch,
}
