"""Colours: a hue for each kind of thing, and a shade of it for each thing.

Must not know: what the things are. ``RED`` means that something is wrong now, so no hue comes near it: what a graph
shows of the past may be over long since.
"""

from __future__ import annotations

import colorsys
from typing import NamedTuple

RED = "red"
ORANGE = "orange"  # worth a look
CALM = "blue"  # a figure that is neither good nor bad
GOOD = "green"
NO_DATA = "#6e6e6e"


class Hue(NamedTuple):
    """A range of hues in degrees, and how strong they are, from 0 (grey) to 1."""

    start: int
    end: int
    strength: float


GREENS = Hue(100, 145, 0.45)
TEALS = Hue(165, 188, 0.5)
BLUES = Hue(195, 243, 0.6)
PURPLES = Hue(255, 285, 0.45)
ROSES = Hue(312, 334, 0.55)
ORANGES = Hue(22, 34, 0.8)
YELLOWS = Hue(46, 58, 0.75)
GREYS = Hue(215, 215, 0.05)

_DARKEST, _LIGHTEST = 0.36, 0.74  # lightness that stands out on white as well as on black


def shades(hue: Hue, number: int) -> list[str]:
    """Return so many colours of one hue, from dark to light, as Grafana reads them. No two are the same."""
    return [_shade(hue, place / max(number - 1, 1) if number > 1 else 0.4) for place in range(number)]


def _shade(hue: Hue, share: float) -> str:
    degrees = hue.start + (hue.end - hue.start) * share
    lightness = _DARKEST + (_LIGHTEST - _DARKEST) * share
    parts = colorsys.hls_to_rgb(degrees / 360, lightness, hue.strength)
    return "#" + "".join(f"{round(255 * part):02x}" for part in parts)
