"""The figures of merit against numpy and scikit-image, and their behaviour on awkward tensors."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from skimage.metrics import (
    mean_squared_error,
    peak_signal_noise_ratio,
    structural_similarity,
)

from resample_viz.analysis import mae, mse, psnr, ssim

METRICS = [mae, mse, psnr, ssim]
DTYPES = [torch.float32, torch.float64, torch.uint8, torch.int64]

each_metric = pytest.mark.parametrize("metric", METRICS)


def random_pair(
    shape: tuple[int, ...], seed: int, dtype: torch.dtype = torch.float64, high: float = 1.0
) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    a, b = torch.rand(2, *shape, generator=generator, dtype=torch.float64) * high
    return a.to(dtype), b.to(dtype)


shapes = st.lists(st.integers(1, 9), min_size=0, max_size=5).map(tuple)
seeds = st.integers(0, 2**32 - 1)


@settings(deadline=None)
@given(shape=shapes, seed=seeds, dtype=st.sampled_from(DTYPES))
def test_mae_mse_and_psnr_agree_with_numpy_and_scikit_image(
    shape: tuple[int, ...], seed: int, dtype: torch.dtype
) -> None:
    a, b = random_pair(shape, seed, dtype, high=255)
    x, y = a.double().numpy(), b.double().numpy()
    assert mae(a, b) == pytest.approx(np.abs(x - y).mean(), rel=1e-12)
    assert mse(a, b) == pytest.approx(mean_squared_error(x, y), rel=1e-12)
    assume(not np.array_equal(x, y))
    expected = peak_signal_noise_ratio(x, y, data_range=255)
    assert psnr(a, b, data_range=255) == pytest.approx(expected, rel=1e-12)


@settings(deadline=None, max_examples=30)
@given(
    batch=st.lists(st.integers(1, 3), max_size=2),
    height=st.integers(3, 20),
    width=st.integers(3, 20),
    seed=seeds,
    data_range=st.sampled_from([0.5, 1.0, 255.0]),
)
def test_ssim_is_the_mean_of_scikit_images_over_all_planes(
    batch: list[int], height: int, width: int, seed: int, data_range: float
) -> None:
    a, b = random_pair((*batch, height, width), seed, high=data_range)
    window = max(w for w in (3, 5, 7) if w <= min(height, width))
    planes = zip(a.view(-1, height, width), b.view(-1, height, width), strict=True)
    each = [
        structural_similarity(x.numpy(), y.numpy(), win_size=window, data_range=data_range)
        for x, y in planes
    ]
    assert ssim(a, b, data_range=data_range) == pytest.approx(np.mean(each), abs=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@each_metric
def test_every_metric_returns_a_python_float_for_every_dtype(
    metric: Callable[..., float], dtype: torch.dtype
) -> None:
    value = metric(*random_pair((3, 9, 9), seed=0, dtype=dtype, high=200))
    assert type(value) is float


@settings(deadline=None)
@given(shape=shapes, seed=seeds)
def test_identical_tensors_have_no_error_and_infinite_psnr(
    shape: tuple[int, ...], seed: int
) -> None:
    a, _ = random_pair(shape, seed)
    assert (mae(a, a), mse(a, a), psnr(a, a)) == (0.0, 0.0, math.inf)


@pytest.mark.parametrize("shape", [(3, 3), (3, 16, 16), (2, 3, 8, 12)])
def test_an_image_is_perfectly_similar_to_itself(shape: tuple[int, ...]) -> None:
    a, _ = random_pair(shape, seed=1)
    assert ssim(a, a.clone()) == pytest.approx(1.0, abs=1e-12)


@settings(deadline=None, max_examples=30)
@given(seed=seeds)
def test_no_metric_prefers_one_of_its_two_tensors(seed: int) -> None:
    a, b = random_pair((2, 9, 9), seed)
    for metric in METRICS:
        assert metric(a, b) == pytest.approx(metric(b, a), rel=1e-12)


def test_unsigned_bytes_do_not_wrap_around() -> None:
    a, b = torch.tensor([3, 250], dtype=torch.uint8), torch.tensor([5, 10], dtype=torch.uint8)
    assert mae(a, b) == 121.0
    assert mse(a, b) == (2**2 + 240**2) / 2


def test_booleans_count_as_zero_and_one() -> None:
    assert mae(torch.tensor([True, False]), torch.tensor([True, True])) == 0.5


def test_tensors_that_require_a_gradient_are_compared_all_the_same() -> None:
    a, b = random_pair((8, 8), seed=2)
    assert ssim(a.requires_grad_(), b) == ssim(a.detach(), b)
    assert mse(a, b) == mse(a.detach(), b)


def test_tensors_of_two_dtypes_are_compared_by_value() -> None:
    assert mae(torch.tensor([1], dtype=torch.uint8), torch.tensor([1.5])) == 0.5


def test_the_data_range_is_what_was_said_not_what_was_seen() -> None:
    """One pixel a hair below 0 must not move the result by 6 dB."""
    a, b = random_pair((16, 16), seed=3)
    below = a.clone()
    below[0, 0] = -1e-7
    assert psnr(below, b) == pytest.approx(psnr(a, b), abs=0.05)
    assert psnr(a, b, data_range=2) - psnr(a, b) == pytest.approx(20 * math.log10(2))
    assert psnr(a * 255, b * 255, data_range=255) == pytest.approx(psnr(a, b))
    assert ssim(a * 255, b * 255, data_range=255) == pytest.approx(ssim(a, b))


@each_metric
def test_a_nan_gives_nan(metric: Callable[..., float]) -> None:
    a, b = random_pair((9, 9), seed=4)
    a[4, 4] = math.nan
    assert math.isnan(metric(a, b))
    assert math.isnan(metric(b, a))
    assert math.isnan(metric(a, a))


def test_an_infinite_value_is_infinitely_far_away() -> None:
    a, b = torch.tensor([math.inf, 0.0]), torch.zeros(2)
    assert (mae(a, b), mse(a, b), psnr(a, b)) == (math.inf, math.inf, -math.inf)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert math.isnan(ssim(a.expand(8, 2).repeat(1, 4), torch.zeros(8, 8)))


@pytest.mark.parametrize("shape", [(2, 9), (9, 2), (1, 1), (3, 2, 2)])
def test_below_three_by_three_there_is_no_similarity(shape: tuple[int, ...]) -> None:
    assert math.isnan(ssim(*random_pair(shape, seed=5)))


@each_metric
@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (torch.zeros(8, 8), torch.zeros(8, 9), "got (8, 8) and (8, 9): resize or crop"),
        (torch.zeros(1, 8, 8), torch.zeros(8, 8), "tensors of the same shape"),
        (torch.zeros(0, 8), torch.zeros(0, 8), "needs at least one value; got shape (0, 8)"),
        (torch.zeros(8, 8, dtype=torch.complex64), torch.zeros(8, 8), "compares real tensors"),
    ],
)
def test_tensors_that_cannot_be_compared_are_refused_in_one_sentence(
    metric: Callable[..., float], a: torch.Tensor, b: torch.Tensor, message: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as refusal:
        metric(a, b)
    assert str(refusal.value).startswith(metric.__name__)


@each_metric
def test_what_is_no_tensor_is_refused(metric: Callable[..., float]) -> None:
    with pytest.raises(TypeError, match="compares two tensors; got ndarray"):
        metric(np.zeros((8, 8)), torch.zeros(8, 8))


@pytest.mark.parametrize("shape", [(9,), (1, 1, 1, 9, 9)])
def test_ssim_refuses_what_is_no_image(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"images of shape \(H, W\), \(C, H, W\) or \(N, C"):
        ssim(torch.zeros(shape), torch.zeros(shape))


@pytest.mark.parametrize("metric", [psnr, ssim])
@pytest.mark.parametrize("data_range", [0, -1.0, math.nan, math.inf, None, "auto"])
def test_a_data_range_that_is_no_positive_number_is_refused(
    metric: Callable[..., float], data_range: object
) -> None:
    a, b = random_pair((9, 9), seed=6)
    with pytest.raises(ValueError, match="data_range must be a positive number"):
        metric(a, b, data_range=data_range)
