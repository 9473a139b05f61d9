"""Ways back that every operation has whose weights are a product of one matrix per axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from resample_viz.operations.base import Undo, UndoKind
from resample_viz.operations.footprint import Axis
from resample_viz.operations.inverses import (
    inverse_kind,
    lost_below,
    pseudo_inverse,
    reciprocal_condition,
)
from resample_viz.words import N_

WEIGHTS = 1e-6
"""Singular values of an axis, relative to the largest, that may come from rounding its weights."""
_CODE = {
    1: ("A_w,", "y @ torch.linalg.pinv(A_w).T"),
    2: ("A_h, A_w", "torch.linalg.pinv(A_h) @ y @ torch.linalg.pinv(A_w).T"),
    3: (
        "A_d, A_h, A_w",
        "torch.einsum('zd,yh,xw,ncdhw->nczyx', *map(torch.linalg.pinv, (A_d, A_h, A_w)), y)",
    ),
}


def least_squares(operation: Any, axes: Sequence[Axis]) -> Undo:
    """The Kronecker product of the axes' pseudo-inverses, which is that of the whole map."""

    def by_axes(y: Tensor, rtol: float) -> Tensor:
        x = y.double()
        for dim, axis in enumerate(axes, start=2):
            x = torch.tensordot(x, _pinv(axis, rtol), dims=([dim], [1])).movedim(-1, dim)
        return x

    def apply(y: Tensor) -> Tensor:
        rtol = lost_below(y.dtype)
        x = by_axes(y, rtol)
        if y.dtype == torch.float64:  # the weights of the axes are rounded to float32, y is not
            x = x + by_axes(y - operation(x), rtol)
        return x.to(y.dtype)

    names, code = _CODE[len(axes)]
    setup = f"{names} = rv.{operation!r}.footprint(x.shape).matrices()"
    return Undo(N_("least squares"), code, apply, lambda: _kind(axes), setup)


def resize_back(size: Sequence[int], mode: str, flags: dict[str, Any] | None = None) -> Undo:
    """F.interpolate to the input's size: the shape comes back, and something to look at."""
    options = {"size": tuple(size), "mode": mode, **(flags or {})}
    arguments = ", ".join(f"{name}={value!r}" for name, value in options.items())
    return Undo(
        N_("resize back, {mode}", mode=mode),
        f"F.interpolate(y, {arguments})",
        lambda y: F.interpolate(y, **options),
        lambda: "shape only",
    )


def _kind(axes: Sequence[Axis]) -> UndoKind:
    square = all(axis.out_size == axis.in_size for axis in axes)
    return inverse_kind(math.prod(map(_reciprocal_condition, axes)), square)


@lru_cache(maxsize=8)
def _pinv(axis: Axis, rtol: float) -> Tensor:
    return pseudo_inverse(axis.matrix, rtol=max(rtol, WEIGHTS))


@lru_cache(maxsize=8)
def _reciprocal_condition(axis: Axis) -> float:
    """0 where an input along this axis is lost."""
    return reciprocal_condition(axis.matrix)
