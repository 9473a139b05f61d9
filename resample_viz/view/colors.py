"""One colour for each role, everywhere; and the palettes of one-channel panels."""

from __future__ import annotations

from functools import cache
from typing import Literal

Role = Literal["input", "kernel", "output", "undone", "error", "index", "chart"]
Colormap = Literal["gray", "magma", "diverging", "cividis"]

ROLE_COLORS: dict[str, str] = {
    "input": "#0072B2",
    "kernel": "#CC79A7",
    "output": "#D55E00",
    "undone": "#009E73",
    "error": "#767676",
    "index": "#767676",
    "chart": "#767676",
}
"""Okabe and Ito's colour-blind-safe set (https://jfly.uni-koeln.de/color/), and a neutral grey."""

MATPLOTLIB_NAMES: dict[Colormap, str] = {
    "gray": "gray",
    "magma": "magma",
    "diverging": "RdBu_r",
    "cividis": "cividis",
}
"""Brightness, errors, signed values around 0, counts."""


@cache
def palette(colormap: Colormap) -> bytes:
    """256 RGB triples, as 768 bytes."""
    if colormap == "gray":
        return bytes(level for level in range(256) for _ in range(3))
    import matplotlib

    colors = matplotlib.colormaps[MATPLOTLIB_NAMES[colormap]](range(256), bytes=True)
    return colors[:, :3].tobytes()
