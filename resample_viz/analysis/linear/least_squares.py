"""Least squares without a matrix: conjugate gradients, told step by step.

scipy.sparse.linalg.lsqr computes the same and is what the tests compare with, but it cannot be
interrupted to report progress, and importing it would take 20 MB of every lab's kernel.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass
from time import perf_counter
from typing import TypeVar

import torch
from torch import Tensor

from resample_viz.threads import FastestThreads, one_thread

TOLERANCE = 1e-3
"""Estimated error of a solution, relative to its size, at which it counts as found: 60 dB."""
LIMIT = 80
"""Iterations after which a solution that is still on its way is given as it is."""
SLICE_SECONDS = 0.01  # an iteration takes a few milliseconds more, and 20 are noticed by nobody

Map = Callable[[Tensor], Tensor]
Found = TypeVar("Found")


class ConvergenceWarning(UserWarning):
    """A solution is not exact to the tolerance: the iteration limit came first."""


@dataclass(frozen=True)
class Solution:
    """A least-squares solution, and how far it can be trusted.

    - `tensor`: the solution.
    - `converged`: whether `error` came down to the tolerance.
    - `iterations`: how many it took; 0 where a matrix gave the answer.
    - `residual`: ||y - A x|| / ||y||, the share of y that x leaves unexplained.
    - `error`: ||x - exact|| / ||x|| as estimated; 0.0 where a matrix gave the answer.
    - `method`: "matrix", "one matrix per axis", "QR" or "conjugate gradients".
    """

    tensor: Tensor
    converged: bool
    iterations: int
    residual: float
    error: float
    method: str = "conjugate gradients"


Steps = Generator[tuple[float, str], None, Solution]
"""Yields (share done from 0 to 1, what is being done) between slices of work; returns a Solution.

In a lab's background job: `solution = yield from steps`. In a script: `finish(steps)`.
"""


def finish(
    steps: Generator[tuple[float, str], None, Found],
    report: Callable[[str], None] = lambda _: None,
) -> Found:
    """Runs all the steps and returns what they found.

    `report` is told how far they are, as `Progress.report` takes it.
    """
    while True:
        try:
            share, text = next(steps)
        except StopIteration as stop:
            found: Found = stop.value
            return found
        report(f"{text} ({share:.0%})")


def part(
    steps: Generator[tuple[float, str], None, Found], first: float, last: float
) -> Generator[tuple[float, str], None, Found]:
    """The same steps as a part of more work: their shares run from `first` to `last`, and rise."""
    share = first
    while True:
        try:
            done, text = next(steps)
        except StopIteration as stop:
            found: Found = stop.value
            return found
        share = max(share, first + (last - first) * done)
        yield share, text


def conjugate_gradients(
    forward: Map,
    adjoint: Map,
    y: Tensor,
    *,
    tolerance: float = TOLERANCE,
    limit: int = LIMIT,
    precision: float = torch.finfo(torch.float64).eps,
) -> Steps:
    """The shortest x that brings A x as near to y as possible, from A and its transpose alone.

    CGLS: M. Hestenes and E. Stiefel, *Methods of conjugate gradients for solving linear systems*,
    J. Research of the National Bureau of Standards 49 (1952), section 10; as written in A. Björck,
    *Numerical methods for least squares problems* (SIAM 1996), algorithm 7.4.1. All steps lie in
    the range of the transpose, so nothing is added that A cannot see.

    Args:
        forward: x -> A x.
        adjoint: y -> A^T y.
        y: float64, any shape that `adjoint` takes.
        tolerance: the estimated relative error of x at which to stop.
        limit: the number of iterations after which to stop in any case.
        precision: the relative rounding error of `forward` and `adjoint`.
    """
    scale = float(y.abs().max()) or 1.0  # squares of very large or small numbers would overflow
    descent = _Descent(forward, adjoint, y / scale, precision)
    share, iterations, clock = 0.0, 0, perf_counter()
    threads = FastestThreads()
    while not descent.within(tolerance) and iterations < limit:
        with threads.step():
            descent.step()
        iterations += 1
        if perf_counter() - clock > SLICE_SECONDS:
            share = max(share, iterations / limit, descent.share_done(tolerance))
            yield min(share, 0.99), f"iteration {iterations} of at most {limit}"
            clock = perf_counter()
    error = descent.error()
    converged = error <= tolerance
    yield 1.0, f"{'' if converged else 'not '}converged at iteration {iterations}"
    residual = _norm(descent.rest) / (_norm(y / scale) or 1.0)
    return Solution(descent.x * scale, converged, iterations, residual, error)


class _Descent:
    """The state of CGLS between two iterations.

    A small gradient ||A^T (y - A x)|| proves little by itself: a part of x that A weakens a
    thousandfold appears in it a million times smaller. Divided by the square of the smallest
    singular value, it bounds the error of x. Singular values come free with the iterations, as
    those of the bidiagonal matrix that Golub and Kahan's process would have made (Y. Saad,
    *Iterative methods for sparse linear systems*, SIAM 2003, section 6.7.3). They are found
    from above: a direction too weak to have been met yet is not counted.
    """

    def __init__(self, forward: Map, adjoint: Map, y: Tensor, precision: float) -> None:
        self.forward, self.adjoint = forward, adjoint
        self.rest = y
        self.gradient = self.direction = adjoint(y)
        self.x = torch.zeros_like(self.gradient)
        self.slope = _dot(self.gradient, self.gradient)
        self.rounding = 8 * precision * _norm(y)
        self.lengths: list[float] = []
        self.ratios: list[float] = []
        self.largest, self.smallest, self.known = 0.0, math.inf, 0

    def step(self) -> None:
        """One iteration: one pass through the map, and one back."""
        image = self.forward(self.direction)
        energy = _dot(image, image)
        if energy == 0:  # only rounding was left, in a direction that A does not see
            self.slope = 0.0
            return
        length = self.slope / energy
        self.x.add_(self.direction, alpha=length)
        self.rest.sub_(image, alpha=length)
        self.gradient = self.adjoint(self.rest)
        before, self.slope = self.slope, _dot(self.gradient, self.gradient)
        ratio = self.slope / before
        self.direction = self.gradient + ratio * self.direction
        self.lengths.append(length)
        self.ratios.append(ratio)

    def within(self, tolerance: float) -> bool:
        """Whether the error is down to `tolerance`; asked after each iteration.

        To keep it cheap, singular values are computed anew when there are a tenth more iterations
        than at the last time. In between they are too large, and the error is not relied on.
        """
        if len(self.lengths) >= 1.1 * self.known:
            self.error()
        up_to_date = self.known == len(self.lengths)
        return up_to_date and self._error() <= tolerance

    @one_thread()
    def error(self) -> float:
        """||x - exact|| / ||x||, estimated from all iterations so far."""
        if self.known < len(self.lengths):
            steepness = torch.tensor(self.lengths, dtype=torch.float64).rsqrt()
            beside = steepness * torch.tensor(self.ratios, dtype=torch.float64).sqrt()
            values = torch.linalg.svdvals(steepness.diag() + beside[:-1].diag(-1))
            self.largest, self.smallest = float(values[0]), float(values[-1])
            self.known = len(self.lengths)
        return self._error()

    def _error(self) -> float:
        # Below the rounding of A^T (y - A x) there is nothing left to gain.
        gain = math.sqrt(self.slope) - self.rounding * self.largest
        if gain <= 0:
            return 0.0
        return gain / self.smallest**2 / _norm(self.x) if self.lengths else 1.0

    def share_done(self, tolerance: float) -> float:
        """About how far the error has come on its way from 1 down to `tolerance`, in decibels."""
        error = max(self._error(), tolerance) if self.known else 1.0
        return 1 - math.log(error / tolerance) / -math.log(tolerance)


def _dot(a: Tensor, b: Tensor) -> float:
    return float(torch.dot(a.flatten(), b.flatten()))


def _norm(a: Tensor) -> float:
    return math.sqrt(_dot(a, a))
