"""A linear operation as the matrix that it is: its transpose, its rank, its pseudo-inverse.

Everything is computed by running PyTorch's own layer forwards, and backwards by autograd, in
float64. The matrix is formed for small inputs only; the rest works on photographs too.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TypedDict, Unpack

import torch
from torch import Tensor

from resample_viz.analysis.linear.least_squares import (
    LIMIT,
    TOLERANCE,
    ConvergenceWarning,
    Solution,
    Steps,
    conjugate_gradients,
    finish,
)
from resample_viz.operations import MAX_BYTES, Operation, OperationError
from resample_viz.operations.inverses import pseudo_inverse
from resample_viz.threads import FastestThreads, one_thread

RANK_TOLERANCE = 1e-6
"""Directions weakened more than this, relative to the strongest, count as lost: a few times the
rounding of float32 (1.2e-7), in which they would drown."""

MAX_SVD_WORK = 2**31
"""Rows x columns x the lesser of both, up to which singular values take about half a second."""
MAX_PINV_WORK = 2**29
"""The same for a pseudo-inverse by matrix in a quarter of a second, unless it is asked for."""
_PROBE_AGREES = 1e-4  # far above the rounding of float32, far below any change of a weight
_TRANSPOSE_GAP = 1e-5
_IMPULSE_NUMBERS = 2**21  # of one batch of impulses or responses: 16 MB


def linear_map(operation: Operation, input_shape: Sequence[int]) -> LinearMap:
    """The linear map that `operation` is on inputs of `input_shape`, (N, C, H, W) for pictures.

    A bias is left out: the map is operation(x) - operation(0). A layer treats all pictures of a
    batch alike, so the map is that of one picture, and takes any number of them.

    Raises OperationError for an operation that is not linear, or that cannot be applied to
    `input_shape`.

    >>> from resample_viz.operations import Upsample
    >>> half = linear_map(Upsample(scale_factor=0.5, mode="area"), (1, 1, 2, 4))
    >>> half.matrix().tolist()[0]
    [0.25, 0.25, 0.0, 0.0, 0.25, 0.25, 0.0, 0.0]
    >>> half.rank(), half.nullity()
    (2, 6)
    """
    return LinearMap(operation, input_shape)


class LinearMap:
    """What `linear_map` returns: A, with cells of a picture counted in row-major order, (C, H, W).

    Tensors may have any floating-point dtype and any number of pictures; results have the dtype of
    the argument, and are computed in float64. (Where the layer computes something else in float64
    than in float32, as *nearest* does at some ties, the float32 layer is run.)

    - `operation`: the operation.
    - `input_shape`, `output_shape`: those of one picture, (1, C, H, W).
    """

    def __init__(self, operation: Operation, input_shape: Sequence[int]) -> None:
        if not operation.linear:
            raise OperationError(
                f"{type(operation).__name__} is not linear, so there is no matrix that describes "
                "it: choose a linear operation, such as an interpolation or a convolution."
            )
        self.operation = operation
        self.output_shape = (1, *operation.output_shape(input_shape)[1:])
        self.input_shape = (1, *tuple(input_shape)[1:])
        self._graph: tuple[Tensor, Tensor] | None = None
        self._layer, self._precision = self._exact_layer()
        bias = self._layer(self._zeros(1))
        self._bias = bias if bias.any() else None

    def __repr__(self) -> str:
        return f"LinearMap({self.operation!r}: {self.input_shape} -> {self.output_shape})"

    def __call__(self, x: Tensor) -> Tensor:
        """A x: what the operation does to `x`, without its bias."""
        return self._forward(self._given("x", x, self.input_shape)).to(x)

    def adjoint(self, y: Tensor) -> Tensor:
        """A^T y: the transposed map, which is the gradient of <A x, y> in x, taken by autograd.

        y has the shape of the output, (N, C, ...); the result that of the input. In torch 2.13 the
        backward pass of an interpolation is not the transpose of its forward pass where
        `scale_factor` leaves an axis as long as it was (3 x 1.3 = 3), or makes it exactly twice as
        long (3 x 2.3 = 6). This returns the backward pass all the same, and `adjoint_gap` tells.
        Use `size` there instead of `scale_factor`.
        """
        return self._backward(self._given("y", y, self.output_shape)).to(y)

    def adjoint_gap(self, x: Tensor, y: Tensor) -> float:
        """|<A x, y> - <x, A^T y>| / (||A x|| ||y||): rounding (1e-16) if A^T is the transpose.

        x of the shape of the input, y of that of the output, (N, C, ...).
        """
        x, y = self._given("x", x, self.input_shape), self._given("y", y, self.output_shape)
        there, back = self._forward(x), self._backward(y)
        gap = abs(float((there * y).sum() - (x * back).sum()))
        return gap / (float(there.norm() * y.norm()) or 1.0)

    def roundtrip_error(self, x: Tensor) -> float:
        """||A^T A x - x|| / ||x||: 0 where the transpose brings back what A was given.

        x has the shape of the input, (N, C, ...).
        """
        x = self._given("x", x, self.input_shape)
        back = self._backward(self._forward(x))
        return float((back - x).norm()) / (float(x.norm()) or 1.0)

    # ------------------------------------------------------------ by matrix

    def matrix(self) -> Tensor:
        """A as a float64 tensor (output cells, input cells): its columns answer to unit impulses.

        Raises OperationError for matrices of more than `MAX_BYTES`, before memory is taken.
        """
        return self._matrix.clone()

    def rank(self) -> int:
        """How many dimensions come through: singular values above `RANK_TOLERANCE` x the largest.

        The numerical rank of G. Golub and C. Van Loan, *Matrix computations* (4th edition, 2013),
        section 5.4.1.

        Raises OperationError where the singular values would take seconds.
        """
        return self._rank

    def nullity(self) -> int:
        """How many dimensions of the input are lost: input cells - rank."""
        return math.prod(self.input_shape) - self.rank()

    @cached_property
    def _matrix(self) -> Tensor:
        rows, columns = self._cells()
        if 8 * rows * columns > MAX_BYTES:
            raise OperationError(
                f"the matrix from {self.input_shape} to {self.output_shape} has {rows:,} x "
                f"{columns:,} entries, more than the {MAX_BYTES // 2**20} MB allowed: use a "
                "smaller input, or what needs no matrix (adjoint, pseudo_inverse, invisible_part)."
            )
        matrix = torch.empty(rows, columns, dtype=torch.float64)
        batch = max(1, _IMPULSE_NUMBERS // max(rows, columns))
        threads = FastestThreads()
        for first in range(0, columns, batch):
            cells = torch.arange(first, min(first + batch, columns))
            impulses = torch.zeros(len(cells), columns, dtype=torch.float64)
            impulses[torch.arange(len(cells)), cells] = 1
            with threads.step():
                responses = self._forward(impulses.view(-1, *self.input_shape[1:]))
            matrix[:, cells] = responses.reshape(len(cells), rows).T
        return matrix

    @cached_property
    def _rank(self) -> int:
        if self._svd_work() > MAX_SVD_WORK:
            rows, columns = self._cells()
            raise OperationError(
                f"the rank of a matrix of {rows:,} x {columns:,} takes too long to compute: use "
                "an input of at most 1,000 cells, all channels together, or see what is lost with "
                "invisible_part."
            )
        with one_thread():
            values = torch.linalg.svdvals(self._matrix)
        return int((values > RANK_TOLERANCE * values[0]).sum())

    @cached_property
    def _pinv(self) -> Tensor:
        return pseudo_inverse(self._matrix, rtol=RANK_TOLERANCE)

    def _cells(self) -> tuple[int, int]:
        return math.prod(self.output_shape), math.prod(self.input_shape)

    def _svd_work(self) -> int:
        rows, columns = self._cells()
        return rows * columns * min(rows, columns)

    # ------------------------------------------------------------ least squares

    def pseudo_inverse(self, y: Tensor, **effort: Unpack[SolverOptions]) -> Tensor:
        """A^+ y: of all x for which A x is as near to y as possible, the shortest.

        y has the shape of the output, (N, C, ...), and the result that of the input. Small maps go
        by their matrix: singular values below `RANK_TOLERANCE` x the largest count as 0. Larger
        ones go by conjugate gradients, and give a ConvergenceWarning where the estimated error is
        above the tolerance when the limit is reached. `solve_steps` gives the details, and the
        options: `tolerance`, `limit`, `by_matrix`.

        Raises OperationError for tensors of another shape, for numbers that are not finite, and
        where the backward pass is not the transpose (see `adjoint`) but is needed.
        """
        return _told(finish(self.solve_steps(y, **effort)))

    def invisible_part(self, x: Tensor, **effort: Unpack[SolverOptions]) -> Tensor:
        """X - A^+ A x: the part of `x` that A cannot see, its projection on the null space.

        x and the result have the shape of the input, (N, C, ...). Options, warnings and errors as
        for `pseudo_inverse`.
        """
        return _told(finish(self.invisible_steps(x, **effort)))

    def visible_part(self, x: Tensor, **effort: Unpack[SolverOptions]) -> Tensor:
        """A^+ A x: all that can be known about `x` from A x. Options as for `pseudo_inverse`.

        x and the result have the shape of the input, (N, C, ...).
        """
        # Not by `invisible_part`: a warning is to point at the caller's line.
        invisible = _told(finish(self.invisible_steps(x, **effort)))
        return x.detach() - invisible

    def solve_steps(
        self,
        y: Tensor,
        *,
        tolerance: float = TOLERANCE,
        limit: int = LIMIT,
        by_matrix: bool | None = None,
    ) -> Steps:
        """`pseudo_inverse` in slices of about 20 ms, with the details: see `Steps`, `Solution`.

        Args:
            y: (N, C, H, W), as `output_shape`.
            tolerance: the estimated relative error at which conjugate gradients stop.
            limit: the number of iterations after which they stop in any case.
            by_matrix: whether to go by the matrix; by default, where that takes a quarter of a
                second at most.
        """
        _check_effort(tolerance, limit)
        exact = self._given("y", y, self.output_shape)
        _check_finite("y", exact)
        if by_matrix is None:
            by_matrix = self._svd_work() <= MAX_PINV_WORK
        if by_matrix:
            solution = self._solve_by_matrix(exact)
            yield 1.0, "by matrix"
        else:
            self._check_transpose()
            yield 0.0, "there and back"
            solution = yield from conjugate_gradients(
                self._forward,
                self._backward,
                exact,
                tolerance=tolerance,
                limit=limit,
                precision=self._precision,
            )
        return replace(solution, tensor=solution.tensor.to(y))

    def invisible_steps(self, x: Tensor, **effort: Unpack[SolverOptions]) -> Steps:
        """`invisible_part` in slices of about 20 ms, options as for `solve_steps`.

        x has the shape of the input, (N, C, ...). `Solution.error` speaks of the visible part,
        `Solution.residual` of what A still sees of the invisible one, relative to A x.
        """
        exact = self._given("x", x, self.input_shape)
        solution = yield from self.solve_steps(self._forward(exact), **effort)
        return replace(solution, tensor=(exact - solution.tensor).to(x))

    def _solve_by_matrix(self, y: Tensor) -> Solution:
        x = (y.flatten(1) @ self._pinv.T).view(-1, *self.input_shape[1:])
        residual = float((y - self._forward(x)).norm()) / (float(y.norm()) or 1.0)
        return Solution(x, True, 0, residual, 0.0)

    # ------------------------------------------------------------ the layer

    def _exact_layer(self) -> tuple[Callable[[Tensor], Tensor], float]:
        """The operation in float64 with its rounding error, or in float32 where that differs."""
        probe = torch.rand(self.input_shape, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            expected = self.operation(probe).double()
            try:
                difference = (self.operation(probe.double()) - expected).abs().max()
            except OperationError:  # a layer whose weights stay in float32
                difference = torch.tensor(math.inf)
        if difference <= _PROBE_AGREES * expected.abs().max():
            return self.operation, torch.finfo(torch.float64).eps
        return lambda x: self.operation(x.float()).double(), torch.finfo(torch.float32).eps

    def _forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            y = self._layer(x)
            return y if self._bias is None else y - self._bias

    def _backward(self, y: Tensor) -> Tensor:
        """A^T y is the gradient of <A x, y> in x. It is the same for all x: one graph is kept."""
        with torch.enable_grad():
            if self._graph is None or len(self._graph[0]) != len(y):
                x = self._zeros(len(y)).requires_grad_()
                self._graph = x, self._layer(x)
            x, image = self._graph
            # torch.func.vjp says it in one word, but its first call imports 800 modules.
            product = torch.dot(image.flatten(), y.flatten())
            return torch.autograd.grad(product, x, retain_graph=True)[0]

    def _zeros(self, pictures: int) -> Tensor:
        return torch.zeros(pictures, *self.input_shape[1:], dtype=torch.float64)

    def _given(self, name: str, tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
        """`tensor` in float64 on the CPU, refused if it does not fit."""
        if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
            kind = tensor.dtype if isinstance(tensor, Tensor) else type(tensor).__name__
            raise OperationError(
                f"{name} must be a tensor of floating-point numbers, not {kind}: convert it, "
                "e.g. with torch.as_tensor(...).float()."
            )
        if tensor.ndim != len(shape) or tensor.shape[1:] != shape[1:] or len(tensor) < 1:
            raise OperationError(
                f"{name} has shape {tuple(tensor.shape)}, but this map takes {shape} there, or "
                f"more pictures at once: reshape it, or call linear_map with other sizes."
            )
        return tensor.detach().to("cpu", torch.float64)

    def _check_transpose(self) -> None:
        gap = self._probe_gap
        if gap > _TRANSPOSE_GAP:
            raise OperationError(
                f"conjugate gradients need the transpose of the map, and for {self.operation!r} on "
                f"{self.input_shape} PyTorch's backward pass is another map (gap {gap:.1g}): use "
                "size instead of scale_factor, or a smaller input, whose matrix is used."
            )

    @cached_property
    def _probe_gap(self) -> float:
        generator = torch.Generator().manual_seed(0)
        shapes = self.input_shape, self.output_shape
        x, y = (torch.rand(s, generator=generator, dtype=torch.float64) for s in shapes)
        return self.adjoint_gap(x, y)


class SolverOptions(TypedDict, total=False):
    """The options of `LinearMap.solve_steps`."""

    tolerance: float
    limit: int
    by_matrix: bool | None


def _told(solution: Solution) -> Tensor:
    if not solution.converged:
        warnings.warn(
            f"not converged at iteration {solution.iterations}: the result is off by an "
            f"estimated {solution.error:.1%} of its size. Raise limit, or accept it with a larger "
            "tolerance.",
            ConvergenceWarning,
            stacklevel=3,
        )
    return solution.tensor


def _check_effort(tolerance: float, limit: int) -> None:
    if not 0 < tolerance < 1:
        raise OperationError(
            f"tolerance is a relative error between 0 and 1, not {tolerance}: try {TOLERANCE}."
        )
    if limit < 1:
        raise OperationError(f"limit is a number of iterations, not {limit}: try {LIMIT}.")


def _check_finite(name: str, tensor: Tensor) -> None:
    if not bool(tensor.isfinite().all()):
        raise OperationError(
            f"{name} holds numbers that are not finite, and least squares would spread them over "
            "the whole picture: replace them, e.g. with torch.nan_to_num."
        )
