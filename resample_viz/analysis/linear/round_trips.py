"""There and back: every way back of an operation, measured; and two pictures with one result."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import torch
from torch import Tensor

from resample_viz.analysis.linear.layers import as_operation
from resample_viz.analysis.linear.least_squares import SLICE_SECONDS, Solution, finish, part
from resample_viz.analysis.linear.linear_maps import LinearMap, Spectrum, linear_map
from resample_viz.analysis.metrics import mae, psnr, ssim
from resample_viz.operations import Chain, Operation, OperationError
from resample_viz.operations.base import UndoKind
from resample_viz.operations.validation import check_tensor
from resample_viz.progress import Progress
from resample_viz.threads import one_thread
from resample_viz.words import gettext as _

LEAST_SQUARES = "least squares, all steps at once"
SOLVED: tuple[UndoKind, ...] = ("exact inverse", "left inverse", "pseudo-inverse")
SAME_OUTPUT = 1e-4
"""Two outputs that differ by no more than this, in units of the picture's range, are the same."""
SAME_PICTURE = 1e-4
"""Two ways back whose results differ by no more than this, in the same units, are the same."""
METAMER_STEPS = 200
SAME_AS_EXACT = 100.0  # decibels from which on only rounding is left


@dataclass(frozen=True, eq=False)
class RoundTrip:
    """One way back, and how near it comes.

    - `kind`: what it honestly is ("adjoint", "exact inverse", ...); "not converged" where the
      iterations ended before the answer.
    - `label`: the method by name.
    - `restored`: what it made of the output, in the shape of the input.
    - `mae`, `psnr`, `ssim`: against the input; NaN where they cannot be told. What was computed in
      float64 is measured in float64.
    - `residual`: where it was solved for, ||y - A x|| / ||y||, what it leaves unexplained; or NaN.
    - `same_as`: the label of a row above that gives the same picture, or "".
    """

    kind: UndoKind
    label: str
    restored: Tensor
    mae: float
    psnr: float
    ssim: float
    residual: float = math.nan
    same_as: str = ""

    @classmethod
    def of(
        cls, kind: UndoKind, label: str, restored: Tensor, x: Tensor, data_range: float
    ) -> RoundTrip:
        """Measures `restored` against `x`, both (N, C, ...), whose values span `data_range`.

        SSIM is one of pictures, (N, C, H, W). What is in float64 is measured so, and kept in the
        dtype of x.
        """
        alike = ssim(restored, x, data_range=data_range) if x.ndim == 4 else math.nan
        error = mae(restored, x)
        figure = psnr(restored, x, data_range=data_range)
        return cls(kind, label, restored.to(x), error, figure, alike)

    def __str__(self) -> str:
        """One line: "  22.4 dB  pseudo-inverse   least squares"."""
        figure = f"over {SAME_AS_EXACT:.0f}" if self.psnr > SAME_AS_EXACT else f"{self.psnr:.1f}"
        same = f" (the same as {self.same_as})" if self.same_as else ""
        return f"{figure:>8} dB  {self.kind:15} {self.label}{same}"

    def __repr__(self) -> str:
        return f"RoundTrip({' '.join(str(self).split())})"


class RoundTrips(tuple[RoundTrip, ...]):
    """What `round_trip` returns: the rows, the nearest first; printed, they are a table.

    - `spectrum`: rank and condition number of a linear operation: what is lost for good, and what
      is only weak. None for others, and where it would take too long.
    """

    spectrum: Spectrum | None

    def __new__(
        cls, rows: Iterable[RoundTrip] = (), spectrum: Spectrum | None = None
    ) -> RoundTrips:
        """A tuple of the rows."""
        made = super().__new__(cls, rows)
        made.spectrum = spectrum
        return made

    def __str__(self) -> str:
        if not self:
            return "No way back is known: it is not linear, and y is not to be resized to x."
        lines = [str(row) for row in self]
        return "\n".join([*lines, str(self.spectrum)] if self.spectrum else lines)

    def __repr__(self) -> str:
        return str(self)


RoundTripSteps = Generator[tuple[float, str], None, RoundTrips]


def round_trip(
    operation: Operation | Callable[[Tensor], Tensor], x: Tensor, *, data_range: float = 1.0
) -> RoundTrips:
    """Every way back from `operation(x)`, the nearest to x first.

    The operation's own ways back, with what it remembers of x (the indices of max pooling); and
    least squares, where the operation is linear and has no such way itself. `operation` may also be
    a PyTorch layer or a function, as in `linear_map`. x holds floating-point numbers, (N, C, H, W)
    or whatever else the operation takes. `data_range` is that of `psnr`. What is solved for is
    computed in float64, y included: in a y of float32, weak directions would drown.

    Shows how far it is after a second.

    Raises OperationError if the operation cannot be applied to x.

    >>> from resample_viz.operations import Upsample
    >>> rows = round_trip(Upsample(scale_factor=2), torch.rand(1, 1, 8, 8))
    >>> rows[0].psnr > 100, rows[-1].kind
    (True, 'adjoint')
    >>> print(rows.spectrum)
    Nothing is lost: rank 64 of 64, condition 1.
    """
    with Progress() as progress:
        return finish(round_trip_steps(operation, x, data_range=data_range), progress.report)


def round_trip_steps(
    operation: Operation | Callable[[Tensor], Tensor], x: Tensor, *, data_range: float = 1.0
) -> RoundTripSteps:
    """`round_trip` in slices: yields (share done, what is being done)."""
    _check_floating(x)
    operation = as_operation(operation, x.shape)
    x = x.detach()
    if operation.is_one_picture(x):
        found = yield from round_trip_steps(operation, x[None], data_range=data_range)
        return RoundTrips((replace(row, restored=row.restored[0]) for row in found), found.spectrum)
    rows = []
    for share, row in own_ways(operation, x, data_range):
        rows.append(row)
        yield 0.2 * share, f"way back {len(rows)}: {row.label}"
    if not operation.linear:
        return RoundTrips(ranked(rows))
    linear = linear_map(operation, x.shape)
    spectrum = yield from part(linear.spectrum_steps(), 0.2, 0.6)
    label = to_solve(operation, rows, spectrum)
    if label:
        steps = least_squares_steps(linear, x, spectrum, data_range, label)
        solved = yield from part(steps, 0.6, 1)
        rows = [*(row for row in rows if row.label != label), solved]
    return RoundTrips(ranked(rows), spectrum)


def _check_floating(x: Tensor) -> None:
    check_tensor(x)
    if x.dtype == torch.uint8:
        raise OperationError(
            _(
                "the ways back are measured on floating-point pictures, not on "
                "torch.uint8: make floats in [0, 1] of the levels, x.float() / 255."
            )
        )
    if not x.is_floating_point():
        raise OperationError(
            _(
                "the ways back are measured on floating-point tensors, not on {dtype}: "
                "use x.float().",
                dtype=x.dtype,
            )
        )


def own_ways(
    operation: Operation, x: Tensor, data_range: float
) -> Generator[tuple[float, RoundTrip], None, None]:
    """(share done, row) for each of the operation's own ways back, in their order.

    What inverts a linear operation is given a y that is computed in float64.
    """
    with one_thread():
        y = operation(x)
        ways = operation.undo_at(x)
    exact = None
    for number, way in enumerate(ways, start=1):
        with one_thread():
            given = y
            if operation.linear and way.kind in SOLVED:
                exact = linear_map(operation, x.shape).affine(x) if exact is None else exact
                given = exact
            row = RoundTrip.of(way.kind, way.label, way(given).detach(), x, data_range)
        yield number / len(ways), row


def ranked(rows: Sequence[RoundTrip]) -> tuple[RoundTrip, ...]:
    """The nearest first; what cannot be compared (NaN) last.

    Rows that differ by less than 0.01 dB stay in their order: that is rounding. A row that gives
    the same picture as one above says so.
    """

    def place(row: RoundTrip) -> float:
        if row.psnr > SAME_AS_EXACT:
            return -SAME_AS_EXACT
        return math.inf if math.isnan(row.psnr) else -round(row.psnr, 2)

    found: list[RoundTrip] = []
    for row in sorted(rows, key=place):
        same = next((one for one in found if not one.same_as and _alike(one, row)), None)
        label = same.label if same else ""
        found.append(row if row.same_as == label else replace(row, same_as=label))
    return tuple(found)


def _alike(one: RoundTrip, other: RoundTrip) -> bool:
    if not abs(one.psnr - other.psnr) < 0.1:  # two pictures alike are as far from a third one
        return one.psnr > SAME_AS_EXACT and other.psnr > SAME_AS_EXACT
    span = float(one.restored.max() - one.restored.min()) or 1.0
    return float((one.restored - other.restored).abs().max()) <= SAME_PICTURE * span


def to_solve(operation: Operation, rows: Sequence[RoundTrip], spectrum: Spectrum | None) -> str:
    """The label of the least-squares row that is missing among the operation's own, or "".

    One is missing if none of them solves a linear operation; or if one does that float32 makes a
    pseudo-inverse of, though nothing is lost: in float64 there is an inverse. That one is replaced.
    """
    if not operation.linear:
        return ""
    solved = [row for row in rows if row.kind in SOLVED]
    if not solved:
        several = isinstance(operation, Chain) and len(operation.steps) > 1
        return LEAST_SQUARES if several else "least squares"
    only_weak = all(row.kind == "pseudo-inverse" for row in solved)
    return solved[0].label if only_weak and spectrum and not spectrum.lost else ""


def least_squares_steps(
    linear: LinearMap, x: Tensor, spectrum: Spectrum | None, data_range: float, label: str
) -> Generator[tuple[float, str], None, RoundTrip]:
    """The pseudo-inverse of the whole operation on its result for x, as a row; in slices.

    x is (N, C, ...), `spectrum` that of the map, if it is known. See `LinearMap.solve_steps`.
    """
    y = linear(x.double())
    solution: Solution = yield from linear.solve_steps(y)
    if not solution.converged:
        residual = f"{solution.residual:.1%}" if solution.residual >= 5e-4 else "under 0.1%"
        label += f", stopped after {solution.iterations} iterations, residual {residual}"
    kind = _kind(solution, spectrum)
    row = RoundTrip.of(kind, label, solution.tensor, x, data_range)
    return replace(row, residual=solution.residual)


def _kind(solution: Solution, spectrum: Spectrum | None) -> UndoKind:
    if not solution.converged:
        return "not converged"
    if spectrum is None or spectrum.lost:
        return "pseudo-inverse"
    return "exact inverse" if spectrum.square else "left inverse"


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
    with Progress() as progress:
        return finish(metamer_steps(operation, x, limits=limits), progress.report)


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
            _(
                "the picture runs from {darkest} to {lightest}, outside {low} to {high}: use "
                "x.clamp({low}, {high}), or limits=(float(x.min()), float(x.max())).",
                darkest=format(float(x.min()), ".3g"),
                lightest=format(float(x.max()), ".3g"),
                low=format(low, "g"),
                high=format(high, "g"),
            )
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
    for _step in range(15):
        v = linear.adjoint(linear(v / (v.norm() or 1.0)))
        gain = float(v.norm())
    return 1.05 * gain or 1.0
