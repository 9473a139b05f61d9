"""There and back: every way back of an operation, measured; and two pictures with one result."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from time import perf_counter

import torch
from torch import Tensor

from resample_viz.analysis.linear.least_squares import SLICE_SECONDS, Solution, Steps, finish
from resample_viz.analysis.linear.linear_maps import LinearMap, linear_map
from resample_viz.analysis.metrics import mae, psnr, ssim
from resample_viz.operations import Operation, OperationError, Undo
from resample_viz.operations.base import UndoKind
from resample_viz.threads import one_thread

LEAST_SQUARES = "least squares, all steps at once"
SOLVED: tuple[UndoKind, ...] = ("exact inverse", "left inverse", "pseudo-inverse")
SAME_OUTPUT = 1e-4
"""Two outputs that differ by no more than this, in units of the picture's range, are the same."""
METAMER_STEPS = 200


@dataclass(frozen=True, eq=False)
class RoundTrip:
    """One way back, and how near it comes.

    - `kind`: what it honestly is ("adjoint", "exact inverse", ...).
    - `label`: the method by name.
    - `restored`: what it made of the output, in the shape of the input.
    - `mae`, `psnr`, `ssim`: against the input; NaN where they cannot be told.
    """

    kind: UndoKind
    label: str
    restored: Tensor
    mae: float
    psnr: float
    ssim: float

    @classmethod
    def of(
        cls, kind: UndoKind, label: str, restored: Tensor, x: Tensor, data_range: float
    ) -> RoundTrip:
        """Measures `restored` against `x`, both (N, C, H, W), whose values span `data_range`."""
        return cls(
            kind,
            label,
            restored,
            mae(restored, x),
            psnr(restored, x, data_range=data_range),
            ssim(restored, x, data_range=data_range),
        )


def round_trip(
    operation: Operation, x: Tensor, *, data_range: float = 1.0
) -> tuple[RoundTrip, ...]:
    """Every way back from `operation(x)`, the nearest to x first.

    The operation's own ways back, with what it remembers of x (the indices of max pooling); and
    least squares, where the operation is linear and has no such way itself. `data_range` is that
    of `psnr`.

    Raises OperationError if the operation cannot be applied to x.

    >>> from resample_viz.operations import Upsample
    >>> rows = round_trip(Upsample(scale_factor=2), torch.rand(1, 1, 8, 8))
    >>> rows[0].psnr > 100, rows[-1].kind
    (True, 'adjoint')
    """
    with one_thread():
        y = operation(x)
        rows = [measured(way, y, x, data_range) for way in operation.undo_at(x)]
    if lacks_least_squares(operation, x):
        solution = finish(least_squares_steps(operation, x, y))
        rows.append(RoundTrip.of("pseudo-inverse", LEAST_SQUARES, solution.tensor, x, data_range))
    return ranked(rows)


def measured(way: Undo, y: Tensor, x: Tensor, data_range: float) -> RoundTrip:
    """One of the operation's own ways back from y to the shape of x, (N, C, H, W), as a row."""
    return RoundTrip.of(way.kind, way.label, way(y).detach(), x, data_range)


def ranked(rows: Sequence[RoundTrip]) -> tuple[RoundTrip, ...]:
    """The nearest first; what cannot be compared (NaN) last.

    Rows that differ by less than 0.01 dB stay in their order: that is rounding.
    """

    def place(row: RoundTrip) -> float:
        return math.inf if math.isnan(row.psnr) else -round(row.psnr, 2)

    return tuple(sorted(rows, key=place))


def lacks_least_squares(operation: Operation, x: Tensor) -> bool:
    """Whether none of the operation's own ways back is the least-squares one, but one exists.

    x is an input of the operation, (N, C, H, W).
    """
    if not operation.linear:
        return False
    return not any(way.kind in SOLVED for way in operation.undo_at(x))


def least_squares_steps(operation: Operation, x: Tensor, y: Tensor) -> Steps:
    """The pseudo-inverse of the whole operation on y = operation(x), in slices.

    x is (N, C, H, W). See `LinearMap.solve_steps`.
    """
    linear = linear_map(operation, x.shape)
    bias = operation(torch.zeros_like(x[:1]))
    solution: Solution = yield from linear.solve_steps(y - bias)
    return solution


@dataclass(frozen=True, eq=False)
class Metamer:
    """Another picture that the operation cannot tell from the first one.

    - `picture`: the first picture plus something invisible, within the same limits.
    - `change`: the mean of |picture - x|, over the range of the limits.
    - `gap`: the largest |operation(picture) - operation(x)|, at most `SAME_OUTPUT` x the range.
    """

    picture: Tensor
    change: float
    gap: float


MetamerSteps = Generator[tuple[float, str], None, Metamer]


def metamer(
    operation: Operation, x: Tensor, *, limits: tuple[float, float] = (0.0, 1.0)
) -> Metamer:
    """A second picture within `limits` for which a linear operation gives the same as for `x`.

    An operation that loses nothing has none: the change is then next to 0.

    Raises OperationError for an operation that is not linear, or a picture outside the limits.

    >>> from resample_viz.operations import AvgPool
    >>> found = metamer(AvgPool(2), torch.full((1, 1, 8, 8), 0.5))
    >>> found.change > 0.2, found.gap < 1e-4
    (True, True)
    """
    steps = metamer_steps(operation, x, limits=limits)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            found: Metamer = stop.value
            return found


def metamer_steps(
    operation: Operation, x: Tensor, *, limits: tuple[float, float] = (0.0, 1.0)
) -> MetamerSteps:
    """`metamer` in slices: yields (share done, what is being done), returns a Metamer.

    Starts from x, (N, C, H, W), with strong noise on it and goes down ||A z - A x||, cut to the
    limits after every step: the projected gradient method with momentum (A. Beck and M. Teboulle,
    *A fast iterative shrinkage-thresholding algorithm for linear inverse problems*, SIAM J. Imaging
    Sciences 2, 2009). The noise that A cannot see is what is left.
    """
    low, high = limits
    if float(x.min()) < low or float(x.max()) > high:
        raise OperationError(
            f"the picture runs from {float(x.min()):.3g} to {float(x.max()):.3g}, outside "
            f"{low:g} to {high:g}: clip it first, or give its own limits."
        )
    linear = linear_map(operation, x.shape)
    first = x.detach().double()
    wanted = linear(first)
    noise = torch.randint(0, 2, first.shape, generator=torch.Generator().manual_seed(0))
    z = ahead = (first + (high - low) * 0.5 * (2 * noise - 1)).clamp(low, high)
    size = 1 / _largest_gain(linear, first)
    momentum, enough, clock = 1.0, 0.5 * SAME_OUTPUT * (high - low), perf_counter()
    rest = rest_ahead = linear(z) - wanted
    for step in range(METAMER_STEPS):
        following = (ahead - size * linear.adjoint(rest_ahead)).clamp(low, high)
        grown = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
        push = (momentum - 1) / grown
        following_rest = linear(following) - wanted
        ahead = following + push * (following - z)
        rest_ahead = following_rest + push * (following_rest - rest)
        z, rest, momentum = following, following_rest, grown
        gap = float(rest.abs().max())
        if gap <= enough:
            break
        if perf_counter() - clock > SLICE_SECONDS:
            yield step / METAMER_STEPS, f"looking for a second picture, step {step}"
            clock = perf_counter()
    if gap > enough:  # between the two everything is linear: half the way has half the gap
        z = first + (enough / gap) * (z - first)
    return _metamer(operation, x, z.to(x), high - low)


def _metamer(operation: Operation, x: Tensor, picture: Tensor, span: float) -> Metamer:
    gap = float((operation(picture) - operation(x)).abs().max())
    return Metamer(picture, float((picture - x).abs().mean()) / span, gap)


def _largest_gain(linear: LinearMap, like: Tensor) -> float:
    """A little more than the square of the largest singular value, by power iteration."""
    v = torch.rand(like[:1].shape, generator=torch.Generator().manual_seed(1), dtype=like.dtype)
    gain = 1.0
    for _ in range(15):
        v = linear.adjoint(linear(v / (v.norm() or 1.0)))
        gain = float(v.norm())
    return 1.05 * gain or 1.0
