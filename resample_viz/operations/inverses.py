"""Telling an inverse from a pseudo-inverse, and computing it, for matrices of a lab's size."""

from __future__ import annotations

import torch
from torch import Tensor

from resample_viz.operations.base import UndoKind
from resample_viz.threads import one_thread

WELL_CONDITIONED = 1e-3  # smallest over largest singular value; below, rounding of y swamps x
LOST = 1e-12
"""A direction that is weakened more than this, relative to the strongest, is lost: some thousand
times the rounding of float64 (2.2e-16), in which all these matrices are computed."""


def lost_below(dtype: torch.dtype) -> float:
    """Relative to the strongest, what a direction must have to come back from a y of this dtype.

    `LOST`, or a few times the rounding of y, in which weaker ones drown: 1e-6 for float32.
    """
    return max(LOST, 8 * torch.finfo(dtype).eps) if dtype.is_floating_point else 1e-6


@one_thread()
def pseudo_inverse(matrix: Tensor, *, rtol: float = LOST) -> Tensor:
    """The Moore-Penrose inverse of a matrix (m, n) in double precision: (n, m).

    Singular values below `rtol` times the largest count as 0.
    """
    exact = matrix.double()
    try:
        inverse: Tensor = torch.linalg.pinv(exact, rtol=rtol)
        return inverse
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
        # LAPACK's fast driver gives up on some matrices whose singular values repeat, as those of
        # convolutions do; whether it does depends on the number of threads. The slow one does not.
        from scipy.linalg import svd

        u, values, vh = svd(exact.numpy(), full_matrices=False, lapack_driver="gesvd")
        kept = values > rtol * values[0]
        return torch.from_numpy((vh[kept].T / values[kept]) @ u[:, kept].T)


@one_thread()
def reciprocal_condition(matrix: Tensor) -> float:
    """The smallest singular value of an (out, in) matrix over the largest; 0 if inputs are lost."""
    out_size, in_size = matrix.shape
    if out_size < in_size:
        return 0.0
    values = torch.linalg.svdvals(matrix.double())
    return float(values[-1] / values[0]) if values[0] > 0 else 0.0


def inverse_kind(share: float, square: bool) -> UndoKind:
    """The honest name of a pseudo-inverse, by the `reciprocal_condition` of what it inverts.

    It is one for a y in float32. From a y in float64, more may come back: see `round_trip`.
    """
    if share < WELL_CONDITIONED:
        return "pseudo-inverse"
    return "exact inverse" if square else "left inverse"
