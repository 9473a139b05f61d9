"""Small PNG files: the pictures of labs that notebooks store, and IPython keeps in its history.

A palette takes a third of the bytes of true colours. What it may not change: the colours that mean
something stay exact, text stays clean, and gradients show no bands.
"""

from __future__ import annotations

import base64
import io
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL import Image

Box = tuple[int, int, int, int]
"""Left, top, right and bottom, in pixels."""

COLORS = 256
GREYS = tuple(f"#{level:02x}{level:02x}{level:02x}" for level in range(0, 256, 17))
"""What text and lines are made of."""
MANY_GREYS = tuple(f"#{level:02x}{level:02x}{level:02x}" for level in range(0, 256, 3))
"""What a grey photograph is made of, with no bands to be seen."""


def small_png(
    picture: Image.Image, *, exact: Iterable[str] = GREYS, smooth: Sequence[Box] = ()
) -> bytes:
    """PNG bytes of an RGB picture with at most 256 colours, among them those of `exact` (#rrggbb).

    The boxes `smooth` hold gradients of more colours than a palette has: they are dithered
    (Floyd and Steinberg 1976), everything else takes its nearest colour.
    """
    from PIL import Image

    colors = picture.getcolors(COLORS)  # None if there are more
    if colors:
        known = [color for _, color in colors if isinstance(color, tuple)]
        entries = known
    else:
        known = list({tint: None for color in exact for tint in _tints(color)})
        # Median cut would take the colours of small things for those of large ones.
        method = Image.Quantize.FASTOCTREE
        few = picture.quantize(COLORS - len(known), method=method, kmeans=1)
        chosen = few.getpalette("RGB") or []
        entries = [*known, *zip(chosen[0::3], chosen[1::3], chosen[2::3])][:COLORS]
    palette = Image.new("P", (1, 1))
    palette.putpalette([level for entry in entries for level in entry])
    few = picture.quantize(palette=palette, dither=Image.Dither.NONE)
    for box in smooth:
        part = picture.crop(box)
        few.paste(part.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG), box)
    # Pillow looks the nearest colour up in a coarse table: what is in the palette gets itself.
    codes, numbers = np.array(few), _numbers(np.asarray(picture))
    for code, color in enumerate(known):
        codes[numbers == _numbers(np.array(color, np.uint8))] = code
    few = Image.fromarray(codes)
    few.putpalette(palette.getpalette("RGB") or [])
    buffer = io.BytesIO()
    few.save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def as_text(png: bytes) -> str:
    """PNG bytes as a notebook stores them, base64.

    IPython keeps what every run of a cell displayed. Equal pictures are one string in memory
    (interned), so that a cell that is run a hundred times keeps one.
    """
    return sys.intern(base64.b64encode(png).decode("ascii"))


def _tints(color: str) -> list[tuple[int, int, int]]:
    """#rrggbb as three levels of it, and of it mixed with white, as at the edges of letters."""
    red, green, blue = bytes.fromhex(color[1:])
    return [
        (255 - (255 - red) * n // 3, 255 - (255 - green) * n // 3, 255 - (255 - blue) * n // 3)
        for n in (3, 2, 1)
    ]


def _numbers(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
    """One number for each colour, (..., 3) to (...)."""
    wide = pixels.astype(np.int32)
    numbers: npt.NDArray[np.int32] = wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]
    return numbers
