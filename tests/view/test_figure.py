"""The printed face: every panel drawn as it is, and nothing left behind."""

from __future__ import annotations

import io
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle
from PIL import Image

from resample_viz.view import ChartPanel, Frame, IndexPanel, Panel, Step, figure, png
from resample_viz.view.colors import ROLE_COLORS, Colormap, palette
from resample_viz.view.figure import NUMBERS_UP_TO, index_colors

X = torch.tensor([[[0.0, 0.25], [0.5, 1.0]]])
COLOUR = torch.linspace(-0.5, 1.5, 3 * 4 * 5).view(3, 4, 5)
CHART = ChartPanel("c", "Chart", np.zeros((4, 4), np.uint8), np.zeros((1, 3), np.uint8), "a chart")
INDEX = IndexPanel("i", "Index", torch.arange(3.0), torch.arange(4.0), (3, 4), "where from")
FRAME = Frame(
    (
        Panel("x", "Input x", "input", X),
        Panel("k", "Weights", "kernel", X - 0.5, (-0.5, 0.5), "diverging"),
        Panel("y", "Output y", "output", COLOUR),
        Panel("b", "Undone", "undone", torch.zeros(1, 20, 20)),
        Panel("e", "Error", "error", X, colormap="magma", caption="largest 1"),
        INDEX,
        CHART,
    ),
    strip=(Step("x", (1, 1, 2, 2), "input"), Step("Upsample"), Step("y", (1, 1, 4, 5), "output")),
)


def test_every_panel_but_the_charts_is_drawn() -> None:
    drawing = figure(FRAME)
    titles = [axes.get_title() for axes in drawing.axes]
    assert titles == ["Input x", "Weights", "Output y", "Undone", "Error", "Index"]
    assert drawing.get_suptitle() == "x (1, 1, 2, 2) → Upsample → y (1, 1, 4, 5)"
    assert [axes.get_xlabel() for axes in drawing.axes][-2:] == ["largest 1", "where from"]


def test_the_colour_of_a_title_tells_the_role() -> None:
    panels = [panel for panel in FRAME.panels if not isinstance(panel, ChartPanel)]
    for axes, panel in zip(figure(FRAME).axes, panels, strict=True):
        assert to_hex(axes.title.get_color()).upper() == ROLE_COLORS[panel.role].upper()


def test_pixels_are_the_values_clipped_and_never_smoothed() -> None:
    gray, _, colour, *_, index = (axes.images[0] for axes in figure(FRAME).axes)
    assert np.array_equal(gray.get_array(), X[0].numpy())
    assert [axes.images[0].get_clim() for axes in figure(FRAME).axes][:2] == [(0, 1), (-0.5, 0.5)]
    assert np.allclose(colour.get_array(), COLOUR.clamp(0, 1).permute(1, 2, 0).numpy())
    assert np.allclose(index.get_array(), index_colors(INDEX))
    for axes in figure(FRAME).axes:
        assert axes.images[0].get_interpolation() == "nearest"


@pytest.mark.parametrize("colormap", ["gray", "magma", "diverging", "cividis"])
def test_print_and_browser_share_their_palettes(colormap: Colormap) -> None:
    ramp = Panel("p", "P", "output", torch.linspace(0, 1, 256).view(1, 16, 16), colormap=colormap)
    image = figure(Frame((ramp,))).axes[0].images[0]
    printed = image.to_rgba(np.linspace(0, 1, 256), bytes=True)[:, :3]
    shown = np.frombuffer(palette(colormap), np.uint8).reshape(256, 3)
    assert np.abs(printed.astype(int) - shown).max() <= (colormap == "gray")  # rounding


@pytest.mark.parametrize("colormap", ["gray", "magma", "diverging"])
def test_a_palette_has_256_colours(colormap: Colormap) -> None:
    colors = np.frombuffer(palette(colormap), np.uint8).reshape(-1, 3)
    assert len(np.unique(colors, axis=0)) == len(colors) == 256


def test_numbers_are_written_into_small_panels_only() -> None:
    written = [[text.get_text() for text in axes.texts] for axes in figure(FRAME).axes]
    assert written[0] == ["0", "0.25", "0.5", "1"]
    assert written[2] == written[3] == written[5] == []
    assert FRAME.panels[3].tensor.numel() > NUMBERS_UP_TO


def test_numbers_stand_out_from_their_cell() -> None:
    inks = [text.get_color() for text in figure(FRAME).axes[0].texts]
    assert inks == ["white", "white", "white", "black"]


def test_an_index_map_is_orange_downwards_and_blue_to_the_right() -> None:
    colors = index_colors(IndexPanel("i", "I", torch.arange(60.0), torch.arange(60.0), (60, 60)))
    assert colors.shape == (60, 60, 3)
    assert (np.diff(colors[:, 0, 0]) > 0).all()
    assert (np.diff(colors[0, :, 2]) > 0).all()
    small = index_colors(INDEX)
    assert small[0, 1].sum() < small[0, 0].sum()  # neighbours differ in lightness


def test_positions_between_two_cells_are_rounded_up_as_in_the_browser() -> None:
    halves, wholes = torch.tensor([0.5, 1.5, 2.5]), torch.zeros(1)
    light = index_colors(IndexPanel("i", "I", halves, wholes, (4, 4)))[:, 0, 2] * 255
    assert np.allclose(light, [0.72 * 70, 70, 0.72 * 70])  # rows 1, 2, 3


def test_an_index_map_of_a_single_cell_is_neither_first_nor_last() -> None:
    colors = index_colors(IndexPanel("i", "I", torch.zeros(1), torch.zeros(2), (1, 1)))
    assert np.array_equal(np.rint(colors * 255), np.full((1, 2, 3), (150, 155, 160)))


@pytest.mark.parametrize("panels", [(), (CHART,)])
def test_a_frame_without_pixels_gives_an_empty_figure(panels: tuple[ChartPanel, ...]) -> None:
    assert figure(Frame(panels)).axes == []


def test_nothing_is_registered_with_pyplot() -> None:
    before = plt.get_fignums()
    figure(FRAME)
    png(FRAME)
    assert plt.get_fignums() == before


def test_the_same_frame_gives_the_same_bytes() -> None:
    data = png(FRAME)
    assert data == png(FRAME)
    assert b"Software" not in data
    assert data.startswith(b"\x89PNG")


def test_the_png_shows_more_than_one_colour() -> None:
    picture = Image.open(io.BytesIO(png(FRAME))).convert("RGB")
    assert picture.width > picture.height
    assert len(picture.getcolors(maxcolors=1 << 24) or ()) > 20


# Marks


def drawn(tensor: torch.Tensor, **more: Any) -> Axes:
    return figure(Frame((Panel("p", "P", "input", tensor, (0, 25), **more),))).axes[0]


def covered(axes: Axes, rows: int, cols: int) -> np.ndarray:
    """How many hatched rectangles lie over each cell."""
    counts = np.zeros((rows, cols), int)
    for patch in axes.patches:
        assert isinstance(patch, Rectangle)
        assert patch.get_hatch()
        x, y = round(patch.get_x() + 0.5), round(patch.get_y() + 0.5)
        counts[y : y + round(patch.get_height()), x : x + round(patch.get_width())] += 1
    return counts


@pytest.mark.parametrize("margin", [(1, 1, 1, 1), (0, 2, 1, 0), (2, 0, 0, 3), (0, 0, 0, 0)])
def test_padding_is_hatched_once_and_nothing_else(margin: tuple[int, int, int, int]) -> None:
    top, left, bottom, right = margin
    axes = drawn(torch.zeros(1, 6, 7), margin=margin)
    expected = np.ones((6, 7), int)
    expected[top : 6 - bottom, left : 7 - right] = 0
    assert np.array_equal(covered(axes, 6, 7), expected)


def test_cells_that_nothing_reads_are_crossed_out_once_each() -> None:
    axes = drawn(torch.zeros(1, 4, 5), unread=([3], [0, 4]))
    expected = [[c, r] for r in range(4) for c in range(5) if r == 3 or c in (0, 4)]
    assert [stroke.mean(0).tolist() for stroke in axes.collections[0].get_segments()] == expected


def test_a_colour_picture_has_its_marks_too() -> None:
    axes = drawn(torch.zeros(3, 4, 5), margin=(1, 1, 1, 1), unread=([2], []))
    assert covered(axes, 4, 5).sum() == 20 - 6
    assert len(axes.collections[0].get_segments()) == 5


def test_of_a_large_picture_whole_rows_and_columns_are_marked() -> None:
    axes = drawn(torch.zeros(1, 200, 100), unread=(range(1, 200, 2), range(1, 100, 2)))
    assert len(axes.patches) == 100 + 50
    assert axes.get_xlim() == (-0.5, 99.5), "marks do not move the limits"


def test_tiles_are_told_apart_by_lines() -> None:
    axes = drawn(torch.zeros(1, 4, 6), lines=(2, 3))
    across = [line.get_ydata()[0] for line in axes.lines if line.get_ydata()[0] % 1]
    down = [line.get_xdata()[0] for line in axes.lines if line.get_xdata()[0] % 1]
    assert (across, down) == ([1.5], [2.5])


def test_of_several_channels_the_chosen_one_is_printed() -> None:
    tensor = torch.arange(40.0).view(5, 2, 4) / 2
    axes = drawn(tensor, channel=3)
    assert np.array_equal(axes.images[0].get_array(), tensor[3].numpy())
    assert [text.get_text() for text in axes.texts][:2] == ["12", "12.5"]
