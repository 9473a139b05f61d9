"""Enlarging and judging as papers on super-resolution do it: baselines, and the score they report.

All of it takes luminance, (N, 1, H, W) in [0, 1]; `resample_viz.datasets.luminance` makes it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal, NamedTuple, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from resample_viz.analysis.metrics import psnr, ssim
from resample_viz.analysis.resizing.matrix import resize_matrix
from resample_viz.compat import has_lanczos, no_lanczos
from resample_viz.operations import OperationError
from resample_viz.threads import one_thread

Baseline = Literal["nearest", "bilinear", "bicubic", "Lanczos"]
BASELINES: tuple[Baseline, ...] = get_args(Baseline)
"""The ways to enlarge without anything learned, in the order of their reach."""

INTERPOLATE: dict[str, dict[str, Any]] = {
    "nearest": {"mode": "nearest"},
    "bilinear": {"mode": "bilinear"},
    "bicubic": {"mode": "bicubic", "antialias": True},
    "Lanczos": {"mode": "lanczos", "antialias": True},
}


class SuperResolutionScore(NamedTuple):
    """What a table in a paper has for one picture: `psnr` in dB, and `ssim`."""

    psnr: float
    ssim: float


@one_thread()
def upscale(x: Tensor, factor: int, method: Baseline = "bicubic") -> Tensor:
    """A picture (N, C, H, W) at `factor` times its size, by F.interpolate.

    "bicubic" has antialias=True, for its kernel: Keys' a = −0.5, as in MATLAB and Pillow, instead
    of PyTorch's −0.75; "Lanczos" has three lobes, as in Pillow. Both leave out what lies beyond the
    border, as Pillow does.

    Raises ValueError for another method, and OperationError for "Lanczos" where torch has none, in
    one sentence.

    >>> upscale(torch.tensor([[[[0.0, 1.0]]]]), 2, "bilinear").tolist()
    [[[[0.0, 0.25, 0.75, 1.0], [0.0, 0.25, 0.75, 1.0]]]]
    """
    if method not in BASELINES:
        names = ", ".join(map(repr, BASELINES))
        raise ValueError(f"there is no method {method!r} to enlarge by: choose one of {names}.")
    if method == "Lanczos" and not has_lanczos():
        raise OperationError(no_lanczos())  # a ValueError, which labs tell in one sentence
    return F.interpolate(x, scale_factor=factor, **INTERPOLATE[method])


@one_thread()
def back_project(guess: Tensor, small: Tensor) -> Tensor:
    """The nearest picture to `guess` that, shrunk by anti-aliased bicubic, is `small` exactly.

    guess + A⁺ (small − A guess): what the small picture says is put right, what it does not say
    stays as it was guessed. A shrinks rows and columns by one matrix each, so its pseudo-inverse
    does as well. Guess (N, C, factor H, factor W) and small (N, C, H, W) → the shape of the guess.
    The idea of correcting by what the shrunk guess lacks: M. Irani, S. Peleg, Improving resolution
    by image registration, CVGIP 53 (1991).

    Raises ValueError if the guess is not a whole number of times as large.
    """
    sizes = list(zip(guess.shape[-2:], small.shape[-2:]))
    if any(large % few for large, few in sizes) or len({large // few for large, few in sizes}) > 1:
        raise ValueError(
            f"the guess {tuple(guess.shape)} must be a whole number of times as large as the small "
            f"picture {tuple(small.shape)}: cut it to a multiple."
        )
    (rows, rows_back), (cols, cols_back) = (
        tuple(matrix.to(guess.dtype) for matrix in _shrinking(*size)) for size in sizes
    )
    lacks = small - rows @ guess @ cols.T
    return guess + rows_back @ lacks @ cols_back.T


@one_thread()
def super_resolution_score(result: Tensor, truth: Tensor, factor: int) -> SuperResolutionScore:
    """PSNR and SSIM of an enlarged luminance, as papers on super-resolution report them.

    Both (N, 1, H, W). Values are cut to [0, 1], `factor` pixels are left out at every border, SSIM
    has its paper's Gaussian window. B. Lim et al., Enhanced Deep Residual Networks for Single Image
    Super-Resolution, CVPR workshops 2017, https://arxiv.org/abs/1707.02921, section 4.

    Raises ValueError for another number of channels, different shapes, or if nothing is left.
    """
    if result.ndim != 4 or result.shape[1] != 1:
        raise ValueError(
            f"the score is that of luminance, (N, 1, H, W), but the result is "
            f"{tuple(result.shape)}: take luminance(x) of both first."
        )
    if min(result.shape[-2:]) <= 2 * factor:
        height, width = result.shape[-2:]
        raise ValueError(
            f"nothing of {height} × {width} is left when {factor} pixels are cut off at every "
            "border: use a larger picture."
        )
    inside = (..., slice(factor, -factor), slice(factor, -factor))
    pair = tuple(picture.clamp(0, 1)[inside] for picture in (result, truth))
    return SuperResolutionScore(psnr(*pair), ssim(*pair, gaussian=True))


@lru_cache(maxsize=8)
@one_thread()
def _shrinking(large: int, small: int) -> tuple[Tensor, Tensor]:
    """The matrix that shrinks an axis, and its pseudo-inverse."""
    matrix = resize_matrix(large, small, mode="cubic", antialias=True, cubic_coeff=-0.5)
    return matrix, torch.linalg.pinv(matrix)
