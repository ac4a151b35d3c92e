"""What the numbers on the wire are called: status codes of SIP, causes of ITU-T Q.850.

Must not know: queries and panels. A code keeps its number beside its name, for whoever writes to a provider; it has
the hue of the outcomes that it usually stands for.
"""

from __future__ import annotations

from grafana.make import colours
from grafana.make.words import HUES, Look, Looks, shaded
from sipwatch.classify.causes import BY_CAUSE, BY_STATUS
from sipwatch.classify.outcomes import Category
from sipwatch.classify.reason import Q850, SIP
from sipwatch.knowledge import Topic, load
from sipwatch.track.room import OTHER

_BY_CLASS = {
    "1": colours.GREENS, "2": colours.GREENS, "3": HUES[Category.NORMAL], "4": HUES[Category.TECHNICAL],
    "5": HUES[Category.TECHNICAL], "6": HUES[Category.USER],
}  # fmt: skip
_SPECIAL = {"100": colours.GREYS, "480": colours.BLUES, "487": colours.BLUES, "503": colours.ORANGES}


def _hue_of_status(code: str) -> colours.Hue:
    outcome = BY_STATUS.get(int(code))
    if code in _SPECIAL or outcome is None:
        return _SPECIAL.get(code, _BY_CLASS[code[0]])
    return HUES[outcome.category]


def _hue_of_cause(cause: str) -> colours.Hue:
    outcome = BY_CAUSE.get(int(cause))
    return colours.GREYS if outcome is None else HUES[outcome.category]


_NAMES = {entry.key: entry.name for entry in load().all(Topic.STATUS)}
_COLOURS = shaded(_NAMES, _hue_of_status)
STATUS: Looks = {
    "none": Look("No final response", colours.shades(colours.GREYS, 3)[2]),
    OTHER: Look("Unregistered code", colours.shades(colours.GREYS, 3)[0]),
    **{code: Look(f"{code} {name}", _COLOURS[code]) for code, name in _NAMES.items()},
}

# How the delay until the first response after the 100 is split: by that response.
PROGRESS: Looks = {
    **{code: STATUS[code] for code in ("180", "181", "182", "183", "199")},
    "final": Look("Final response at once", colours.shades(colours.BLUES, 1)[0]),
}

_CAUSE_NAMES = {entry.key: entry.name for entry in load().all(Topic.CAUSE)}
_CAUSE_COLOURS = shaded(_CAUSE_NAMES, _hue_of_cause)
_IN_REASON = ("408", "480", "486", "487", "500", "503", "504", "600", "603")  # of SIP, as Reason headers have them
_UNKNOWN = colours.shades(colours.GREYS, 3)[0]
CAUSES: Looks = {
    **{f"Q.850 {cause}": Look(f"{cause} {name}", _CAUSE_COLOURS[cause]) for cause, name in _CAUSE_NAMES.items()},
    **{f"{protocol} {OTHER}": Look(f"{protocol}, unregistered cause", _UNKNOWN) for protocol in (Q850, SIP)},
    f"{OTHER} {OTHER}": Look("Another protocol's cause", _UNKNOWN),
    "SIP 200": Look("Answered elsewhere (SIP 200)", STATUS["200"].colour),  # RFC 3326 §3.1
    **{f"SIP {code}": Look(f"{_NAMES[code]} (SIP {code})", STATUS[code].colour) for code in _IN_REASON},
}
