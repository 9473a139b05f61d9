"""The ladder of resolutions: one bar per step of a network, and below what its cells see.

Drawn by Pillow, in milliseconds: it is drawn anew for every input size that a slider passes, and
each time with other bars.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from math import log2
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from resample_viz.view.charts import THEMES
from resample_viz.view.colors import ROLE_COLORS
from resample_viz.view.pictures import small_png

if TYPE_CHECKING:
    from PIL import Image

    from resample_viz.view.panel import Indices

WIDTH, HEIGHT = 760, 330
LEFT, RIGHT = 54, 752
UPPER, LOWER = (18, 150), (172, 252)
"""First and last row of pixels of the bars and of the lines."""
SMALL = 10
NAME_ROOM = 11  # pixels that the name of a step needs beside its neighbours
COLORS = 24
Pair = tuple[int, int]


class Rung(NamedTuple):
    """A step: the size of its map, its receptive field and its stride; None where it failed.

    A map has one size per axis; the field is None where it is not known.
    """

    name: str
    size: tuple[int, ...] | None
    field: Pair | None = None
    stride: float = 0.0


class Ladder:
    """The picture of some steps: bars as high as the maps, on a scale of powers of two.

    Bars that are lower than the one before are blue, higher ones green, the step that failed is
    crossed out. Below, the receptive field and the stride, beside the size of the input.
    """

    def __init__(
        self,
        rungs: Sequence[Rung],
        input_size: tuple[int, ...],
        *,
        dark: bool = False,
        chosen: int | None = None,
    ) -> None:
        from PIL import Image, ImageDraw

        self.rungs, self.input_size, self.chosen = rungs, input_size, chosen
        self.colors = THEMES[dark]
        self.image = Image.new("RGB", (WIDTH, HEIGHT), self.colors["ground"])
        self.pen = ImageDraw.Draw(self.image)
        self._bars()
        self._fields()
        self._names()

    @property
    def edges(self) -> list[float]:
        """The left edge of every bar in pixels, and the right one of the last."""
        return [LEFT + (RIGHT - LEFT) * n / len(self.rungs) for n in range(len(self.rungs) + 1)]

    def pixels(self) -> tuple[Indices, Indices]:
        """Palette indices (H, W) and palette (n, 3), as a `ChartPanel` takes them."""
        from PIL import Image

        few = self.image.quantize(COLORS, dither=Image.Dither.NONE)
        return np.asarray(few), np.array(few.getpalette("RGB"), np.uint8).reshape(-1, 3)

    def png(self) -> bytes:
        """The picture as PNG bytes."""
        return small_png(self.image)

    # Parts

    def _bars(self) -> None:
        heights = [rung.size[0] if rung.size else 0 for rung in self.rungs]
        place = self._axis(UPPER, 0.7, 1.8 * max(1, *heights), "size of the map")
        previous = heights[0]
        free = 0.0
        for n, rung in enumerate(self.rungs):
            left, right = self.edges[n], max(self.edges[n] + 1, self.edges[n + 1] - 2)
            if rung.size is None:
                self._crossed((left, place(max(heights)), right, UPPER[1]))
                continue
            box = (left, place(heights[n]), right, UPPER[1])
            self.pen.rectangle(box, fill=self._bar_color(heights[n], previous))
            if n == self.chosen:
                self.pen.rectangle(box, outline=ROLE_COLORS["output"], width=3)
            if (heights[n] != previous or n == 0) and left >= free:
                text = "×".join(map(str, dict.fromkeys(rung.size)))
                middle = (left + right) / 2
                self._write((middle, box[1] - 2), text, anchor="mb")
                free = middle + self.pen.textlength(text, font(SMALL)) / 2
            previous = heights[n]

    def _bar_color(self, height: int, previous: int) -> str:
        if height == previous:
            return self.colors["quiet"]
        return ROLE_COLORS["input" if height < previous else "undone"]

    def _crossed(self, box: tuple[float, float, float, float]) -> None:
        left, top, right, bottom = box
        right = max(right, left + 6)
        color = ROLE_COLORS["output"]
        self.pen.rectangle((*box[:2], right, bottom), outline=color, width=2)
        self.pen.line((left, top, right, bottom), fill=color, width=2)
        self.pen.line((left, bottom, right, top), fill=color, width=2)

    def _fields(self) -> None:
        fields = [max(rung.field) if rung.field else 0 for rung in self.rungs]
        strides = [rung.stride for rung in self.rungs]
        size = max(self.input_size)
        lowest = min(0.7, *(stride * 0.7 for stride in strides if stride > 0))
        place = self._axis(LOWER, lowest, 2 * max(size, *fields), "input pixels")
        row = place(size)
        for left in range(LEFT, RIGHT, 8):
            self.pen.line((left, row, left + 4, row), fill=ROLE_COLORS["input"])
        lines = ((strides, self.colors["quiet"], 1), (fields, ROLE_COLORS["kernel"], 3))
        for values, color, width in lines:
            for n, value in enumerate(values):
                if value > 0:
                    ends = (self.edges[n], place(value), self.edges[n + 1], place(value))
                    self.pen.line(ends, fill=color, width=width)
        begin = float(LEFT)
        for text, color in (
            ("receptive field", ROLE_COLORS["kernel"]),
            ("stride", self.colors["quiet"]),
            ("size of the input (dashed)", ROLE_COLORS["input"]),
        ):
            self.pen.rectangle((begin, LOWER[0] - 11, begin + 9, LOWER[0] - 6), fill=color)
            self._write((begin + 13, LOWER[0] - 3), text, anchor="lb")
            begin += 30 + self.pen.textlength(text, font(SMALL))

    def _names(self) -> None:
        step = (RIGHT - LEFT) / len(self.rungs)
        every = max(1, -(-NAME_ROOM // max(1, round(step))))
        for n in range(0, len(self.rungs), every):
            middle = (self.edges[n] + self.edges[n + 1]) / 2
            self._write_upwards(middle, short(self.rungs[n].name))

    # Pen strokes

    def _axis(
        self, rows: Pair, lowest: float, highest: float, label: str
    ) -> Callable[[float], float]:
        """Draws the lines of a logarithmic axis; returns where a value lies."""
        top, bottom = rows
        span = log2(highest) - log2(lowest)

        def place(value: float) -> float:
            return bottom - (bottom - top) * (log2(value) - log2(lowest)) / span

        power = -8
        while 4.0**power <= highest:
            value = 4.0**power
            if value >= lowest:
                self.pen.line((LEFT, place(value), RIGHT, place(value)), fill=self.colors["line"])
                self._write((LEFT - 4, place(value)), _number(value), anchor="rm", quiet=True)
            power += 1
        self._write_upwards(9, label, (top + bottom) / 2)
        return place

    def _write(self, at: Any, text: str, *, anchor: str, quiet: bool = False) -> None:
        color = self.colors["quiet" if quiet else "text"]
        self.pen.text(at, text, fill=color, font=font(SMALL), anchor=anchor)

    def _write_upwards(self, column: float, text: str, row: float | None = None) -> None:
        """Text from bottom to top: around `row`, or hanging from below the lines."""
        from PIL import Image, ImageDraw

        length = round(self.pen.textlength(text, font(SMALL))) + 2
        line = Image.new("L", (length, 14), 0)
        ImageDraw.Draw(line).text((1, 7), text, fill=255, font=font(SMALL), anchor="lm")
        turned: Image.Image = line.transpose(Image.Transpose.ROTATE_90)
        top = LOWER[1] + 4 if row is None else round(row - length / 2)
        self.image.paste(self.colors["text"], (round(column) - 7, top), turned)


@cache
def font(size: int) -> Any:
    """Matplotlib's own font: it is there, and has the signs that are needed."""
    from matplotlib import get_data_path
    from PIL import ImageFont

    return ImageFont.truetype(f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf", size)


def short(name: str) -> str:
    """The end of a long name: its beginning is that of its neighbours."""
    return name if len(name) <= 12 else f"…{name[-11:]}"


def _number(value: float) -> str:
    return f"{value:g}" if value >= 1 else f"1/{round(1 / value)}"
