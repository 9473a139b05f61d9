"""The same panels as a matplotlib figure: for print, for export, and where no kernel runs."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from resample_viz.view.colors import MATPLOTLIB_NAMES, ROLE_COLORS, palette
from resample_viz.view.panel import Frame, IndexPanel, Panel
from resample_viz.view.pictures import GREYS, MANY_GREYS, Box, small_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL import Image

COLUMNS = 4
STORED_DPI = 80
MANY = 9  # panels; more than that are drawn smaller
NUMBERS_UP_TO = 144  # cells, in panels that have their numbers written in
CROSSED_UP_TO = 1024  # cells, in panels whose unread cells are crossed out one by one


def figure(frame: Frame) -> Figure:
    """Draws the pixel and index panels of a frame side by side, pixels never smoothed.

    Nothing is registered with pyplot, so nothing has to be closed.
    """
    from matplotlib.figure import Figure

    panels = _pictures(frame)
    columns = max(1, min(frame.columns or COLUMNS, len(panels)))
    rows = max(1, math.ceil(len(panels) / columns))
    width = 2.6 if len(panels) <= MANY else 2.0
    words = 0.7 if any(panel.caption for panel in panels) else 0.4  # inches, above and below
    size = (width * columns, (width + words) * rows)
    drawing = Figure(figsize=size, dpi=100, layout="constrained")
    strip = " → ".join(str(step) for step in frame.strip)
    drawing.suptitle(textwrap.fill(strip, round(15 * width * columns)), fontsize=9)
    fontsize = 9 if len(panels) <= MANY else 7.5
    for number, panel in enumerate(panels, start=1):
        axes = drawing.add_subplot(rows, columns, number)
        if isinstance(panel, IndexPanel):
            axes.imshow(index_colors(panel), interpolation="nearest")
        else:
            _draw_pixels(axes, panel)
        axes.set_title(panel.title, fontsize=fontsize, color=ROLE_COLORS[panel.role])
        axes.set_xlabel(textwrap.fill(panel.caption, round(17 * width)), fontsize=7)
        axes.set(xticks=[], yticks=[])
    return drawing


def png(frame: Frame) -> bytes:
    """The figure as the bytes of a small PNG; the same frame gives the same bytes."""
    panels = _pictures(frame)
    roles = {ROLE_COLORS[panel.role] for panel in panels}
    is_grey = any(
        isinstance(panel, Panel) and panel.colormap == "gray" and len(panel.shown) == 1
        for panel in panels
    )
    drawing = figure(frame)
    picture = painted(drawing)
    smooth = [
        _box(axes, picture.height)
        for axes, panel in zip(drawing.axes, panels)
        if isinstance(panel, IndexPanel) or panel.colormap != "gray"
    ]
    return small_png(
        picture, exact=(*(MANY_GREYS if is_grey else GREYS), *sorted(roles)), smooth=smooth
    )


def _pictures(frame: Frame) -> list[Panel | IndexPanel]:
    """The panels that have cells."""
    return [panel for panel in frame.panels if isinstance(panel, Panel | IndexPanel)]


def painted(drawing: Figure) -> Image.Image:
    """A matplotlib figure as an RGB picture of `STORED_DPI` pixels per inch."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    drawing.set_dpi(STORED_DPI)
    canvas = FigureCanvasAgg(drawing)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def _box(axes: Axes, height: int) -> Box:
    """The pixels inside the frame of some axes; matplotlib counts rows from below."""
    left, bottom, right, top = axes.get_window_extent().extents
    return (
        math.ceil(left) + 1,
        math.ceil(height - top) + 1,
        math.floor(right) - 1,
        math.floor(height - bottom) - 1,
    )


def _draw_pixels(axes: Axes, panel: Panel) -> None:
    low, high = panel.value_range
    values = panel.shown.detach()
    if values.shape[0] == 3:
        shown = ((values - low) / (high - low or 1)).clamp(0, 1).permute(1, 2, 0)
        axes.imshow(shown.numpy(), interpolation="nearest")
    else:
        axes.imshow(
            values[0].numpy(),
            cmap=MATPLOTLIB_NAMES[panel.colormap],
            vmin=low,
            vmax=high,
            interpolation="nearest",
        )
        if values.numel() <= NUMBERS_UP_TO:
            _write_numbers(axes, values[0], panel)
    _draw_marks(axes, panel)


def _draw_marks(axes: Axes, panel: Panel) -> None:
    """Padding is hatched, cells that nothing reads are crossed out, tiles are told apart."""
    from matplotlib.patches import Rectangle

    top, left, bottom, right = panel.margin
    _, rows, cols = panel.tensor.shape
    strips = (
        (-0.5, -0.5, cols, top),
        (-0.5, rows - bottom - 0.5, cols, bottom),
        (-0.5, top - 0.5, left, rows - top - bottom),
        (cols - right - 0.5, top - 0.5, right, rows - top - bottom),
    )
    hatch: dict[str, Any] = {"fill": False, "hatch": "////", "edgecolor": "#969696", "linewidth": 0}
    for x, y, width, height in strips:
        if width and height:
            axes.add_patch(Rectangle((x, y), width, height, **hatch))
    _cross_out(axes, panel)
    if panel.lines:
        for row in range(panel.lines[0], rows, panel.lines[0]):
            axes.axhline(row - 0.5, color=ROLE_COLORS["kernel"], linewidth=1)
        for col in range(panel.lines[1], cols, panel.lines[1]):
            axes.axvline(col - 0.5, color=ROLE_COLORS["kernel"], linewidth=1)


def _cross_out(axes: Axes, panel: Panel) -> None:
    """What no output reads: a stroke through every cell, or bands where cells are small."""
    from matplotlib.collections import LineCollection

    _, rows, cols = panel.tensor.shape
    unread_rows, unread_cols = panel.unread
    color = ROLE_COLORS["output"]
    if rows * cols > CROSSED_UP_TO:
        for row in unread_rows:
            axes.axhspan(row - 0.5, row + 0.5, color=color, alpha=0.5, linewidth=0)
        for col in unread_cols:
            axes.axvspan(col - 0.5, col + 0.5, color=color, alpha=0.5, linewidth=0)
        return
    strokes = [
        ((col - 0.5, row + 0.5), (col + 0.5, row - 0.5))
        for row in range(rows)
        for col in (range(cols) if row in unread_rows else unread_cols)
    ]
    if strokes:
        axes.add_collection(LineCollection(strokes, colors=color, linewidths=1), autolim=False)


def _write_numbers(axes: Axes, grid: Any, panel: Panel) -> None:
    """Black or white, whichever can be read on the colour of the cell."""
    colors = palette(panel.colormap)
    low, high = panel.value_range
    for (row, col), value in zip(
        ((r, c) for r in range(grid.shape[0]) for c in range(grid.shape[1])),
        grid.flatten().tolist(),
    ):
        shade = 3 * round(255 * min(1.0, max(0.0, (value - low) / (high - low or 1))))
        red, green, blue = colors[shade : shade + 3]
        ink = "black" if 0.3 * red + 0.59 * green + 0.11 * blue > 140 else "white"
        axes.text(col, row, f"{value:.3g}", ha="center", va="center", fontsize=6, color=ink)


def index_colors(panel: IndexPanel) -> Any:
    """RGB of every cell, in [0, 1]: row drives orange, column drives blue, neighbours alternate."""
    rows, cols = panel.rows.double().numpy()[:, None], panel.cols.double().numpy()[None, :]
    down = rows / (panel.in_size[0] - 1) if panel.in_size[0] > 1 else rows * 0 + 0.5
    right = cols / (panel.in_size[1] - 1) if panel.in_size[1] > 1 else cols * 0 + 0.5
    even = (np.floor(rows + 0.5) + np.floor(cols + 0.5)) % 2 == 0  # halves up, as in geometry.js
    light = np.where(even | (max(panel.in_size) > 48), 1.0, 0.72)
    grid = np.broadcast_arrays(60 + 180 * down, 110 + 50 * down + 40 * right, 70 + 180 * right)
    return np.clip(np.stack(grid, -1) * light[..., None] / 255, 0, 1)
