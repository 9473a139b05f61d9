"""Line charts for the stage: matplotlib, drawn once, then only the artists that changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from resample_viz.view.panel import Indices

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.lines import Line2D
    from PIL import Image

THEMES = {
    False: {"ground": "#ffffff", "text": "#212121", "quiet": "#5f5f5f", "line": "#d0d0d0"},
    True: {"ground": "#111111", "text": "#e0e0e0", "quiet": "#a0a0a0", "line": "#4a4a4a"},
}
"""JupyterLab's own light and dark ground and text colours; the key says whether it is dark."""

COLORS = 12
"""Enough for line art, and far fewer bytes than true colours."""
Drawn = tuple[Indices, Indices]


class LineChart:
    """A small chart whose background (axes, ticks, grid) is drawn once and then reused.

    `dress(axes)` sets limits and labels. `update(**series)` moves the lines that `add` has made and
    returns the whole chart as pixels; the background is drawn again only after `reset`.
    Technique: https://matplotlib.org/stable/users/explain/animations/blitting.html
    """

    def __init__(self, width: int, height: int, dress: Callable[[Axes], None]) -> None:
        self.width, self.height, self.dress = width, height, dress
        self.dark = False
        self._styles: dict[str, dict[str, Any]] = {}
        self.reset()

    def add(self, name: str, **style: Any) -> None:
        """Declares a line by its name, in matplotlib's own terms (color, marker, linestyle)."""
        self._styles[name] = style
        self.reset()

    def reset(self, *, dark: bool | None = None) -> None:
        """Forgets the background, because limits, labels or the theme changed."""
        self.dark = self.dark if dark is None else dark
        self._canvas: FigureCanvasAgg | None = None
        self._background: Any = None
        self._palette: Any = None
        self._lines: dict[str, Line2D] = {}

    def update(self, **series: tuple[Any, Any]) -> Drawn:
        """The chart with these (x, y) data: palette indices (H, W) and palette (n, 3)."""
        canvas = self._canvas or self._draw_background()
        canvas.restore_region(self._background)
        axes = canvas.figure.axes[0]
        for name, line in self._lines.items():
            line.set_data(*series.get(name, ((), ())))
            axes.draw_artist(line)
        return self._quantised(canvas)

    def _quantised(self, canvas: FigureCanvasAgg) -> Drawn:
        from PIL import Image

        few = _picture(canvas).quantize(palette=self._palette, dither=Image.Dither.NONE)
        return np.asarray(few), np.array(self._palette.getpalette("RGB"), np.uint8).reshape(-1, 3)

    def _draw_background(self) -> FigureCanvasAgg:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from PIL import Image

        colors = THEMES[self.dark]
        figure = Figure(
            figsize=(self.width / 100, self.height / 100),
            dpi=100,
            facecolor=colors["ground"],
            layout="constrained",
        )
        canvas = FigureCanvasAgg(figure)
        axes = figure.add_subplot(facecolor=colors["ground"])
        axes.tick_params(colors=colors["quiet"], labelsize=8)
        for spine in axes.spines.values():
            spine.set_color(colors["line"])
        axes.xaxis.label.set_color(colors["text"])
        axes.yaxis.label.set_color(colors["text"])
        self.dress(axes)
        self._lines = {
            name: axes.plot([], [], animated=True, **{"label": name, **style})[0]
            for name, style in self._styles.items()
        }
        legend = axes.legend(
            loc="upper center",
            bbox_to_anchor=(0.5, 1.2),
            ncols=len(self._lines),
            frameon=False,
            fontsize=8,
            labelcolor=colors["text"],
        )
        legend.set_in_layout(True)
        canvas.draw()
        self._background = canvas.copy_from_bbox(figure.bbox)
        # The legend shows every line, so the background has all the colours; chosen once, they do
        # not flicker from frame to frame.
        self._palette = _picture(canvas).quantize(COLORS, method=Image.Quantize.FASTOCTREE)
        self._canvas = canvas
        return canvas


def _picture(canvas: FigureCanvasAgg) -> Image.Image:
    from PIL import Image

    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
