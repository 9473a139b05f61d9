"""Small PNG files keep what a picture says."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from resample_viz.images import photograph
from resample_viz.view.colors import ROLE_COLORS
from resample_viz.view.pictures import GREYS, MANY_GREYS, as_text, small_png


def opened(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.mode == "P"
        return np.asarray(picture.convert("RGB")).astype(int)


def scene(name: str) -> Image.Image:
    """A photograph, and a word in the colour of each role beside it."""
    levels = (photograph(name, 96)[0].permute(1, 2, 0) * 255).round().byte().numpy()
    picture = Image.new("RGB", (200, 96), "white")
    picture.paste(Image.fromarray(np.broadcast_to(levels, (96, 96, 3)).copy()))
    for row, color in enumerate(sorted(set(ROLE_COLORS.values()))):
        picture.paste(color, (120, 18 * row, 190, 18 * row + 12))
    return picture


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), colors=st.integers(1, 256), size=st.integers(1, 40))
def test_up_to_256_colours_nothing_is_lost(seed: int, colors: int, size: int) -> None:
    chance = np.random.default_rng(seed)
    pixels = chance.integers(0, 256, (colors, 3), np.uint8)[chance.integers(colors, size=(9, size))]
    assert np.array_equal(opened(small_png(Image.fromarray(pixels))), pixels)


@pytest.mark.parametrize("name", ["astronaut", "camera", "coffee"])
def test_the_colours_of_roles_and_the_ground_stay_exact(name: str) -> None:
    picture = scene(name)
    shown = opened(small_png(picture, exact=(*GREYS, *ROLE_COLORS.values())))
    assert np.array_equal(shown[:, 100:], np.asarray(picture)[:, 100:])


def test_a_grey_photograph_is_off_by_a_level() -> None:
    picture = scene("camera")
    shown = opened(small_png(picture, exact=(*MANY_GREYS, *ROLE_COLORS.values())))
    assert np.abs(shown - np.asarray(picture)).max() <= 4


def test_a_gradient_keeps_its_means_where_it_is_dithered() -> None:
    """Bands would leave means that are off by half a band; dithering leaves none."""
    rows, cols = np.mgrid[0:128, 0:128]
    gradient = np.stack([60 + rows, 110 + rows // 3 + cols // 3, 70 + cols], -1).astype(np.uint8)
    picture = Image.fromarray(gradient)
    means = [
        np.abs((opened(data) - gradient).reshape(8, 16, 8, 16, 3).mean((1, 3))).max()
        for data in (small_png(picture, smooth=[(0, 0, 128, 128)]), small_png(picture))
    ]
    assert means[0] < 2 < means[1]


def test_equal_pictures_are_one_string() -> None:
    data = small_png(scene("coins"))
    first, second = as_text(data), as_text(bytes(bytearray(data)))
    assert first is second
    assert base64.b64decode(first) == data
