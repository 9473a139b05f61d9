"""Charts: moving only the lines must give the picture that drawing everything gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from resample_viz.view import LineChart
from resample_viz.view.charts import COLORS, THEMES, Drawn

X = np.arange(12.0)
SHIFT = 80  # of 255: a picture has few colours, and the nearest one is taken
DRAWS = ({"y": (X, np.sin(X)), "x": (X, np.cos(X))}, {"y": (X[2:9], X[2:9] / 12)}, {})


def dressed(axes: Any) -> None:
    axes.set(xlim=(-1, 12), ylim=(-1.5, 1.5), xlabel="pixels")


def chart(dress: Callable[[Any], None] = dressed) -> LineChart:
    made = LineChart(360, 150, dress)
    made.add("y", color="#D55E00", marker=".")
    made.add("x", label="input x", color="#0072B2", marker="o", ls="")
    return made


def rgb(drawn: Drawn) -> np.ndarray:
    indices, palette = drawn
    return palette[indices]


def redrawn(made: LineChart) -> np.ndarray:
    """The same artists, all of them drawn again from nothing, in the same places."""
    canvas = made._canvas
    assert canvas is not None
    canvas.figure.set_layout_engine("none")  # a second layout would move the axes a little
    for line in made._lines.values():
        line.set_animated(False)
    canvas.draw()
    return rgb(made._quantised(canvas))


@pytest.mark.parametrize("series", DRAWS)
def test_moved_lines_give_the_picture_of_a_full_redraw(series: dict[str, Any]) -> None:
    made = chart()
    made.update(y=(X, -np.sin(X)), x=(X, X * 0))
    moved = rgb(made.update(**series))
    assert np.array_equal(moved, redrawn(made))


def test_nothing_of_the_frame_before_is_left() -> None:
    made = chart()
    for series in DRAWS:
        assert np.array_equal(rgb(made.update(**series)), rgb(chart().update(**series)))


def test_a_line_leaves_its_colour_in_the_picture() -> None:
    made = chart()
    empty, full = rgb(made.update()), rgb(made.update(y=(X, np.sin(X))))
    changed = (empty != full).any(-1)
    vermilion = np.array([0xD5, 0x5E, 0x00])
    assert changed.sum() > 100
    assert np.abs(full[changed].astype(int) - vermilion).sum(-1).min() < 24


def test_the_background_is_drawn_again_only_after_a_reset() -> None:
    dresses: list[Any] = []
    made = chart(lambda axes: (dresses.append(axes), dressed(axes))[0])
    for series in DRAWS * 2:
        made.update(**series)
    assert len(dresses) == 1
    made.reset()
    assert len(dresses) == 1  # not before it is needed
    made.update()
    made.update()
    assert len(dresses) == 2
    made.add("z", color="k")
    made.update(z=(X, X / 12))
    assert len(dresses) == 3


def test_a_line_without_data_is_gone() -> None:
    made = chart()
    made.update(y=(X, np.sin(X)), x=(X, np.cos(X)))
    assert np.array_equal(rgb(made.update()), rgb(chart().update()))


def test_frames_differ_where_the_data_differ() -> None:
    made = chart()
    before, after = X * 0, np.where(X > 6, 1.0, 0.0)
    frames = [rgb(made.update(y=(X, data))).astype(int) for data in (before, after)]
    changed = np.abs(frames[0] - frames[1]).max(-1) > SHIFT
    columns = np.flatnonzero(changed.any(0))
    assert columns.min() > 360 / 2
    assert len(columns) > 20


def test_dark_charts_have_light_text() -> None:
    made = chart()
    made.reset(dark=True)
    picture = rgb(made.update()).astype(int).sum(-1)
    assert np.median(picture) < 3 * 40
    assert picture.max() > 3 * 150


@pytest.mark.parametrize("dark", [False, True])
def test_the_ground_follows_the_theme(dark: bool) -> None:
    made = chart()
    made.update()
    made.reset(dark=dark)
    made.reset()  # which keeps the theme
    corner = rgb(made.update(y=(X, np.sin(X))))[0, 0]
    wanted = np.array([int(THEMES[dark]["ground"][i : i + 2], 16) for i in (1, 3, 5)])
    assert np.abs(corner.astype(int) - wanted).max() <= 8


def test_a_chart_is_as_large_as_asked_and_has_few_colours() -> None:
    indices, palette = chart().update(y=(X, np.sin(X)))
    assert indices.shape == (150, 360)
    assert indices.dtype == palette.dtype == np.uint8
    assert indices.max() < len(palette) <= COLORS
