"""Which kinds of finding are looked for in a call that is over, and in which order they are told.

Must not know: how a cause is recognised, words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sipwatch.classify.families import cause, dialog, early, media, path, setup
from sipwatch.classify.findings import NONE, TABLE

if TYPE_CHECKING:
    from sipwatch.classify.findings import Finding, Kind, Look
    from sipwatch.classify.peers import Directory
    from sipwatch.track.call import Call

_FAMILIES: Final = (cause, dialog, early, media, path, setup)
_LOOK_OF: Final[dict[Kind, Look]] = {kind: look for family in _FAMILIES for kind, look in family.LOOKS.items()}
_LOOKS: Final = tuple((entry.signs, _LOOK_OF[entry.kind]) for entry in TABLE if entry.signs)
_STRENGTH: Final = {entry.kind: place for place, entry in enumerate(TABLE)}
_EXPLAINS: Final = {entry.kind: entry.explains for entry in TABLE if entry.explains}


def look_for(call: Call, signs: int, directory: Directory) -> list[Finding]:
    """Return what a call that is over shows by itself."""
    found: list[Finding] = []
    for wanted, look in _LOOKS:
        if wanted & signs:
            finding = look(call, directory)
            if finding is not None:
                found.append(finding)
    return found


def strongest_first(found: list[Finding]) -> list[Finding]:
    """Put findings about one call in order, and leave out what another one of them explains."""
    explained = {kind for finding in found for kind in _EXPLAINS.get(finding.kind, NONE)}
    kept = [finding for finding in found if finding.kind not in explained]
    return sorted(kept, key=lambda finding: _STRENGTH[finding.kind])
