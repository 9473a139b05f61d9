"""How far apart are two tensors? The figures of merit shown beside every reconstruction.

All of them convert to float64 first: differences of uint8 tensors wrap around (3 - 5 = 254), and
float32 sums drift. None of them guesses the value range: PSNR and SSIM mean nothing without it, and
a range guessed from the data jumps by 6 dB when one pixel falls a hair below 0.

A NaN in either tensor gives NaN, so a caller can show "no value" instead of a wrong one. What is
not a tensor raises TypeError.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from resample_viz.threads import one_thread


def mae(a: Tensor, b: Tensor) -> float:
    """Mean absolute error, in the units of the tensors. Tensors of any shape, the same for both.

    Raises ValueError for different shapes, empty or complex tensors.

    >>> mae(torch.tensor([3], dtype=torch.uint8), torch.tensor([5], dtype=torch.uint8))
    2.0
    """
    x, y = _pair("mae", a, b)
    return (x - y).abs().mean().item()


def mse(a: Tensor, b: Tensor) -> float:
    """Mean squared error, in squared units of the tensors. Tensors of any shape, the same for both.

    Raises ValueError for different shapes, empty or complex tensors.

    >>> mse(torch.tensor([0.0, 0.0]), torch.tensor([3.0, 4.0]))
    12.5
    """
    x, y = _pair("mse", a, b)
    return (x - y).square().mean().item()


def psnr(a: Tensor, b: Tensor, *, data_range: float = 1.0) -> float:
    """Peak signal-to-noise ratio in decibels: `10 * log10(data_range**2 / mse)`; higher is closer.

    `data_range` is the distance between the lowest and the highest possible value: 1 for images
    in [0, 1], 255 for uint8. It is never taken from the data. Tensors of any shape, the same for
    both; identical ones give `math.inf`.

    Raises ValueError for different shapes, empty or complex tensors, or a `data_range` that is not
    a positive number.

    >>> round(psnr(torch.zeros(4), torch.full((4,), 0.1)), 6)
    20.0
    """
    peak = _data_range(data_range)
    x, y = _pair("psnr", a, b)
    error = mse(x, y)
    return math.inf if error == 0 else 20 * math.log10(peak) - 10 * math.log10(error)


def ssim(a: Tensor, b: Tensor, *, data_range: float = 1.0, gaussian: bool = False) -> float:
    """Structural similarity, at most 1 (identical): compares local means, contrasts and patterns.

    Images of shape (H, W), (C, H, W) or (N, C, H, W), the same for both; the mean over channels and
    images. `data_range` as in `psnr`. The window is 7x7, or the largest odd square that fits a
    smaller image; below 3x3 there is no window and the result is NaN.

    With `gaussian` it has the paper's own window, 11x11 with weights of standard deviation 1.5,
    as papers on super-resolution report it; scikit-image calls that `gaussian_weights=True,
    sigma=1.5, use_sample_covariance=False`.

    Z. Wang et al., *Image quality assessment: from error visibility to structural similarity*, IEEE
    Trans. Image Processing 13 (2004), with the settings of `skimage.metrics.structural_similarity`:
    a uniform window, sample covariances, K1 = 0.01, K2 = 0.03.

    Raises ValueError for different shapes, another number of dimensions, empty or complex tensors,
    or a `data_range` that is not a positive number.

    >>> ssim(torch.eye(8), torch.eye(8))
    1.0
    """
    peak = _data_range(data_range)
    x, y = _pair("ssim", a, b)
    if not 2 <= x.ndim <= 4:
        raise ValueError(
            "ssim compares images of shape (H, W), (C, H, W) or (N, C, H, W); "
            f"got {tuple(x.shape)}."
        )
    window = min(11 if gaussian else 7, x.shape[-2], x.shape[-1])
    window -= 1 - window % 2
    if window < 3 or not bool((x.isfinite() & y.isfinite()).all()):
        return math.nan
    planes = (-1, *x.shape[-2:])
    weights, unbiased = x.new_full((window,), 1 / window), window**2 / (window**2 - 1)
    if gaussian:
        distance = torch.arange(window).to(x) - window // 2
        weights, unbiased = torch.softmax(-distance.square() / (2 * 1.5**2), 0), 1.0
    return _similarity(x.reshape(planes), y.reshape(planes), weights, unbiased, peak).mean().item()


@one_thread()
def _similarity(x: Tensor, y: Tensor, weights: Tensor, unbiased: float, peak: float) -> Tensor:
    """Equation 13 of the paper at every window that lies inside the image.

    Written out because importing scikit-image's version takes 20 MB of every lab's kernel; the
    tests hold the two against each other.
    """
    taps = weights.tolist()
    mean_x, mean_y, mean_xx, mean_yy, mean_xy = (
        _window_means(each, taps) for each in (x, y, x * x, y * y, x * y)
    )
    var_x = unbiased * (mean_xx - mean_x**2)
    var_y = unbiased * (mean_yy - mean_y**2)
    covariance = unbiased * (mean_xy - mean_x * mean_y)
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    alike = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return alike / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))


def _window_means(planes: Tensor, taps: list[float]) -> Tensor:
    """Weighted means of all windows inside of planes, (N, H, W) → (N, H - n + 1, W - n + 1).

    One axis after the other: 2 n terms for each window instead of n². One tap after the other:
    windows laid side by side would take n times the memory of the planes.
    """
    for axis in (-1, -2):
        count = planes.shape[axis] - len(taps) + 1
        means = planes.narrow(axis, 0, count) * taps[0]
        for start, tap in enumerate(taps[1:], start=1):
            means.add_(planes.narrow(axis, start, count), alpha=tap)
        planes = means
    return planes


def _pair(metric: str, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Both as float64 on the CPU, without gradients; refused if they cannot be compared."""
    for tensor in (a, b):
        if not isinstance(tensor, Tensor):
            raise TypeError(
                f"{metric} compares two tensors; got {type(tensor).__name__}: "
                "convert it with torch.as_tensor."
            )
        if tensor.is_complex():
            raise ValueError(
                f"{metric} compares real tensors; got {tensor.dtype}: compare .real and .imag, "
                "or .abs()."
            )
    if a.shape != b.shape:
        raise ValueError(
            f"{metric} compares tensors of the same shape; got {tuple(a.shape)} and "
            f"{tuple(b.shape)}: resize or crop one of them."
        )
    if a.numel() == 0:
        raise ValueError(f"{metric} needs at least one value; got shape {tuple(a.shape)}.")
    x, y = (tensor.detach().to("cpu", torch.float64) for tensor in (a, b))
    return x, y


def _data_range(value: float) -> float:
    try:
        peak = float(value)
    except (TypeError, ValueError):
        peak = math.nan
    if not (math.isfinite(peak) and peak > 0):
        raise ValueError(
            f"data_range must be a positive number, such as 1.0 or 255; got {value!r}."
        )
    return peak
