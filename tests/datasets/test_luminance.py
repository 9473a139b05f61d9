"""Luminance pairs: nothing that is tested on is trained on, and small ones are made as they say."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.color import rgb2ycbcr

from resample_viz.datasets import (
    TEST_PHOTOGRAPHS,
    TRAINING_PHOTOGRAPHS,
    VALIDATION_PHOTOGRAPH,
    luminance,
    native,
    small_and_large,
    training_pairs,
    validation_pair,
)
from resample_viz.images import PHOTOGRAPHS, ImageError


def test_every_photograph_has_one_part_to_play() -> None:
    parts = [*TRAINING_PHOTOGRAPHS, VALIDATION_PHOTOGRAPH, *TEST_PHOTOGRAPHS]
    assert sorted(parts) == sorted(PHOTOGRAPHS)


def test_luminance_is_scikit_images() -> None:
    x = native("chelsea")
    expected = rgb2ycbcr(x[0].permute(1, 2, 0).numpy())[..., 0] / 255
    np.testing.assert_allclose(luminance(x)[0, 0].numpy(), expected, atol=1e-5)
    grey = torch.rand(1, 1, 3, 3)
    assert luminance(grey) is grey
    with pytest.raises(ImageError, match=r"5 channels.*\.$"):
        luminance(torch.rand(1, 5, 3, 3))


@pytest.mark.parametrize("factor", [2, 3])
def test_small_pictures_are_pillows(factor: int) -> None:
    """Anti-aliased bicubic with a = -0.5, of the size of the file, cut to a multiple."""
    small, large = small_and_large("camera", factor)
    assert large.shape[-1] == factor * small.shape[-1] == 512 // factor * factor
    image = Image.fromarray(large[0, 0].numpy(), mode="F")
    expected = image.resize((small.shape[-1], small.shape[-2]), Image.Resampling.BICUBIC)
    np.testing.assert_allclose(small[0, 0].numpy(), np.clip(expected, 0, 1), atol=1e-5)


def test_what_has_no_pixel_left_is_refused() -> None:
    with pytest.raises(ImageError, match="no pixel left"):
        small_and_large(torch.rand(1, 1, 2, 9), 3)
    with pytest.raises(ImageError, match="no photograph"):
        small_and_large("nothing", 2)


def test_the_pairs_of_a_training() -> None:
    pairs = training_pairs(3)
    assert len(pairs) == len(TRAINING_PHOTOGRAPHS)
    assert all(large.shape[-1] == 3 * small.shape[-1] for small, large in pairs)
    small, large = validation_pair(2)
    assert (small.shape, large.shape) == ((1, 1, 96, 96), (1, 1, 192, 192))
