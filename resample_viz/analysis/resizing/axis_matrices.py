"""The rows of the resize matrices of Pillow, OpenCV and scikit-image, where PyTorch has none alike.

Each function gives the float64 matrix (out_size, in_size) that one axis is resized with, from the
steps of `resample_viz.analysis.resizing.matrix`; rows sum to 1. The tests hold every one against
the library itself.
"""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor

from resample_viz.analysis.resizing.matrix import (
    Kernel,
    drop_outside,
    field_of_view,
    kernel_stretch,
    kernel_weights,
    lanczos_kernel,
    linear_kernel,
    matrix_from_taps,
    normalise,
    round_coordinates,
    source_coordinates,
)


def pillow_box(in_size: int, out_size: int) -> Tensor:
    """Pillow's BOX, (out_size, in_size): the mean of the whole cells with centres in the output cell.

    A centre on the border between two outputs goes to the first, unless float rounding decides
    otherwise.

    >>> pillow_box(5, 2).tolist()
    [[0.3333333333333333, 0.3333333333333333, 0.3333333333333333, 0.0, 0.0], [0.0, 0.0, 0.0, 0.5, 0.5]]
    """  # noqa: E501
    return _stretched(in_size, out_size, lambda t: ((t > -0.5) & (t <= 0.5)).double(), 0.5)


def pillow_hamming(in_size: int, out_size: int) -> Tensor:
    """Pillow's HAMMING, (out_size, in_size): a sinc under a Hamming window of half-width 1."""

    def kernel(t: Tensor) -> Tensor:
        window = 0.54 + 0.46 * torch.cos(math.pi * t)
        return (torch.sinc(t) * window).masked_fill(t.abs() >= 1, 0.0)

    return _stretched(in_size, out_size, kernel, 1)


def _stretched(in_size: int, out_size: int, kernel: Kernel, reach: float) -> Tensor:
    """As Pillow does it: the kernel stretched when shrinking, cells outside left out."""
    if in_size == out_size:
        return torch.eye(in_size, dtype=torch.float64)
    x = source_coordinates(in_size, out_size)
    stretch = kernel_stretch(in_size, out_size, antialias=True)
    cells = field_of_view(x, reach * stretch)
    weights = kernel_weights(x, cells, kernel, stretch)
    return matrix_from_taps(cells, normalise(drop_outside(cells, weights, in_size)), in_size)


def opencv_area(in_size: int, out_size: int) -> Tensor:
    """OpenCV's INTER_AREA when no axis is enlarged: the mean over the output cell's exact extent.

    (out_size, in_size). A cell that is covered in part counts in part.

    >>> opencv_area(5, 2).tolist()
    [[0.4, 0.4, 0.2, 0.0, 0.0], [0.0, 0.0, 0.2, 0.4, 0.4]]
    """
    step = in_size / out_size
    begin = torch.arange(out_size, dtype=torch.float64)[:, None] * step
    cells = torch.arange(in_size, dtype=torch.float64)
    covered = torch.minimum(cells + 1, begin + step) - torch.maximum(cells, begin)
    return normalise(covered.clamp(min=0))


def opencv_area_enlarging(in_size: int, out_size: int) -> Tensor:
    """OpenCV's INTER_AREA when an axis is enlarged: a kind of linear, with a short ramp.

    (out_size, in_size). Output i lies in input cell floor(i * in / out), and mixes in the next one
    as far as it sticks out of it.

    >>> opencv_area_enlarging(2, 4).tolist()
    [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
    """
    i = torch.arange(out_size)
    cells = i * in_size // out_size
    # (i + 1) - (cell + 1) * out / in, in whole numbers up to the division: exact at the borders.
    beyond = ((i + 1) * in_size - (cells + 1) * out_size).double() / in_size
    share = torch.where(beyond <= 0, torch.zeros_like(beyond), beyond - beyond.floor())
    pairs = torch.stack([cells, cells + 1], dim=1)
    return matrix_from_taps(pairs, torch.stack([1 - share, share], dim=1), in_size)


def opencv_lanczos4(in_size: int, out_size: int) -> Tensor:
    """OpenCV's INTER_LANCZOS4: four lobes to each side, never stretched; the border repeats.

    (out_size, in_size).
    """
    x = source_coordinates(in_size, out_size)
    cells = field_of_view(x, 4)
    kernel = partial(lanczos_kernel, lobes=4)
    return matrix_from_taps(cells, normalise(kernel_weights(x, cells, kernel)), in_size)


def skimage_nearest(in_size: int, out_size: int) -> Tensor:
    """scikit-image's order=0, (out_size, in_size): the cell in which the output's centre lies."""
    cells = round_coordinates(source_coordinates(in_size, out_size), "round_prefer_ceil")[:, None]
    return matrix_from_taps(cells, torch.ones_like(cells, dtype=torch.float64), in_size)


def skimage_linear(in_size: int, out_size: int) -> Tensor:
    """scikit-image's order=1 without anti_aliasing: linear, but mirrored about the border cells.

    (out_size, in_size). Elsewhere the border cell repeats, so that the outermost samples of an
    enlarged picture differ.

    >>> skimage_linear(2, 4)[0].tolist()
    [0.75, 0.25]
    """
    x = source_coordinates(in_size, out_size)
    cells = field_of_view(x, 1)
    weights = kernel_weights(x, cells, linear_kernel)
    return matrix_from_taps(_mirrored(cells, in_size), weights, in_size)


def _mirrored(cells: Tensor, in_size: int) -> Tensor:
    """-1 is cell 1, in_size is cell in_size - 2."""
    if in_size == 1:
        return torch.zeros_like(cells)
    period = 2 * (in_size - 1)
    cells = cells % period
    return torch.minimum(cells, period - cells)
