"""Baselines and scores of super-resolution, against PyTorch, Pillow and scikit-image."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from resample_viz.analysis import (
    BASELINES,
    back_project,
    resize_matrix,
    ssim,
    super_resolution_score,
    upscale,
)
from resample_viz.analysis.super_resolution import Baseline
from resample_viz.networks import upscale_bicubic

BY_FORMULA = {
    "nearest": {"mode": "nearest"},
    "bilinear": {"mode": "linear"},
    "bicubic": {"mode": "cubic", "cubic_coeff": -0.5, "antialias": True},
    "Lanczos": {"mode": "lanczos3", "antialias": True},
}
sizes = st.integers(4, 12)
factors = st.sampled_from([2, 3, 4])


def pictures(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.lanczos
@settings(deadline=None, max_examples=30)
@given(st.sampled_from(BASELINES), sizes, sizes, factors)
def test_the_baselines_are_what_their_formulas_say(
    method: Baseline, height: int, width: int, factor: int
) -> None:
    x = pictures(2, 3, height, width)
    rows, cols = (
        resize_matrix(size, size * factor, **BY_FORMULA[method]).float() for size in (height, width)
    )
    expected = rows @ x @ cols.T
    torch.testing.assert_close(upscale(x, factor, method), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("factor", [2, 3])
def test_lanczos_is_pillows(factor: int) -> None:
    x = pictures(1, 1, 9, 7)
    image = Image.fromarray(x[0, 0].numpy(), mode="F")
    expected = image.resize((7 * factor, 9 * factor), Image.Resampling.LANCZOS)
    result = upscale(x, factor, "Lanczos")[0, 0].numpy()
    np.testing.assert_allclose(result, np.array(expected), atol=1e-5)


def test_the_networks_bicubic_is_the_baseline() -> None:
    x = pictures(1, 1, 8, 5)
    torch.testing.assert_close(upscale_bicubic(x, 3), upscale(x, 3), rtol=0, atol=1e-5)


def test_an_unknown_method_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no method 'cubic'.*'Lanczos'\.$"):
        upscale(torch.rand(1, 1, 4, 4), 2, "cubic")  # type: ignore[arg-type]
    assert len(BASELINES) == 4


@settings(deadline=None, max_examples=20)
@given(st.integers(11, 30), st.integers(11, 30), st.integers(0, 2**31))
def test_gaussian_ssim_agrees_with_scikit_image(height: int, width: int, seed: int) -> None:
    a, b = pictures(2, height, width, seed=seed).double()
    expected = structural_similarity(
        a.numpy(),
        b.numpy(),
        data_range=1.0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert ssim(a, b, gaussian=True) == pytest.approx(expected, abs=1e-9)
    assert ssim(a, b, gaussian=True) != pytest.approx(ssim(a, b), abs=1e-6)


@pytest.mark.parametrize("factor", [2, 3])
def test_the_score_is_that_of_the_inside_of_what_can_be_shown(factor: int) -> None:
    truth, result = pictures(2, 1, 1, 40, 30)
    result = 3 * result - 1
    inside = (0, 0, slice(factor, -factor), slice(factor, -factor))
    a, b = (picture.double().numpy()[inside] for picture in (result.clamp(0, 1), truth))
    psnr, similarity = super_resolution_score(result, truth, factor)
    assert psnr == pytest.approx(peak_signal_noise_ratio(a, b, data_range=1.0))
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    assert similarity == pytest.approx(structural_similarity(a, b, data_range=1.0, **options))


def test_what_happens_at_the_border_does_not_count() -> None:
    truth = pictures(1, 1, 20, 20)
    result = truth.clone()
    result[..., :2, :] = result[..., :, -2:] = 0.5
    assert super_resolution_score(result, truth, 2) == (math.inf, 1.0)
    assert super_resolution_score(result, truth, 1).psnr < 40


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((1, 3, 20, 20), r"luminance.*\(1, 3, 20, 20\)"),
        ((20, 20), r"luminance.*\(20, 20\)"),
        ((1, 1, 4, 20), "nothing of 4 × 20 is left when 2 pixels"),
    ],
)
def test_what_has_no_score_is_refused(shape: tuple[int, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        super_resolution_score(torch.rand(shape), torch.rand(shape), 2)
    assert str(caught.value).endswith(".")


@settings(deadline=None, max_examples=20)
@given(sizes, sizes, factors, st.integers(0, 2**31))
def test_a_consistent_picture_shrinks_to_the_small_one(
    height: int, width: int, factor: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    small = torch.rand(1, 2, height, width, generator=generator)
    guess = torch.rand(1, 2, factor * height, factor * width, generator=generator)
    result = back_project(guess, small)
    again = F.interpolate(result, scale_factor=1 / factor, mode="bicubic", antialias=True)
    torch.testing.assert_close(again, small, rtol=0, atol=1e-4)
    assert torch.allclose(back_project(result, small), result, atol=1e-4), "nothing left to do"


def test_it_is_the_nearest_consistent_picture() -> None:
    """What is added is orthogonal to everything that shrinking does not see."""
    small, guess = pictures(1, 1, 5, 6, seed=1), pictures(1, 1, 10, 12, seed=2)
    added = back_project(guess, small) - guess
    other = pictures(1, 1, 10, 12, seed=3)
    unseen = back_project(other, torch.zeros_like(small))
    assert abs((added * unseen).sum()) < 1e-4
    assert unseen.norm() > 1


@pytest.mark.parametrize("shape", [(1, 1, 11, 12), (1, 1, 10, 18)])
def test_sizes_that_do_not_fit_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"whole number of times.*\.$"):
        back_project(torch.rand(shape), torch.rand(1, 1, 5, 6))
