"""A linear operation as the matrix that it is: its transpose, its rank, its pseudo-inverse.

Everything is computed by running PyTorch's own layer forwards, and backwards by autograd, in
float64. The matrix is formed for small inputs only; the rest works on photographs too.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypedDict, Unpack

import torch
from torch import Tensor

from resample_viz.analysis.linear.direct import MOST_CELLS, Direct, elsewhere
from resample_viz.analysis.linear.kronecker import Kronecker, find_factors
from resample_viz.analysis.linear.layers import Layer, as_operation
from resample_viz.analysis.linear.least_squares import (
    LIMIT,
    TOLERANCE,
    ConvergenceWarning,
    Solution,
    Steps,
    conjugate_gradients,
    finish,
    part,
)
from resample_viz.operations import MAX_BYTES, Operation, OperationError
from resample_viz.operations.inverses import LOST, lost_below
from resample_viz.progress import Progress
from resample_viz.threads import FastestThreads, one_thread
from resample_viz.words import gettext as _

RANK_TOLERANCE = LOST
"""Directions weakened more than this, relative to the strongest, count as lost, where the layer
computes in float64; 1e-6, a few times the rounding of float32, where it knows float32 only."""

MAX_SVD_WORK = 2**31
"""Rows x columns x the lesser of both, up to which singular values take about half a second."""
SMALL_SVD_WORK = 2**22
"""The same up to which they take milliseconds, and no matrices of the axes are looked for."""
MAX_PINV_WORK = 2**29
"""The same for a pseudo-inverse by matrix in a quarter of a second, unless it is asked for."""
_PROBE_AGREES = 1e-4  # far above the rounding of float32, far below any change of a weight
_TRANSPOSE_GAP = 1e-5
_IMPULSE_NUMBERS = 2**21  # of one batch of impulses or responses: 16 MB
_REFINEMENTS = 8  # each has a tenth of the error of the one before it, or less
_REFINED = 1e-4  # the last correction, relative to x, of a solution that counts as found
WEAK = 100.0
"""A condition number from which on one has to speak of weak directions: the rounding of y to 8 bits
(1/512) may then change a cell of x by a fifth of its range."""


@dataclass(frozen=True)
class Spectrum:
    """What the singular values of a map say about what comes through it.

    - `rank`: how many dimensions do.
    - `inputs`, `outputs`: the cells of one picture, all channels together.
    - `condition`: the largest singular value over the smallest that counts, ||A|| ||A^+||. What is
      rounded or noisy in y may appear in x that many times larger. 1 for a map that is 0.
    - `tolerance`: directions weaker than this, relative to the strongest, count as lost.
    """

    rank: int
    inputs: int
    outputs: int
    condition: float
    tolerance: float

    @property
    def lost(self) -> int:
        """How many dimensions of the input are lost."""
        return self.inputs - self.rank

    @property
    def square(self) -> bool:
        """Whether there are as many outputs as inputs."""
        return self.inputs == self.outputs

    def __str__(self) -> str:
        rank = f"rank {self.rank:,} of {self.inputs:,}, condition {self.condition:.2g}"
        if self.lost:
            weak = f" (weaker than {self.tolerance:.0e})" if self.tolerance > 10 * LOST else ""
            return f"{self.lost:,} dimensions are lost{weak}: {rank}."
        weak = "" if self.condition < WEAK else ", but weak directions drown in little noise"
        return f"Nothing is lost{weak}: {rank}."


def linear_map(
    operation: Operation | Callable[[Tensor], Tensor], input_shape: Sequence[int]
) -> LinearMap:
    """The linear map that `operation` is on inputs of `input_shape`, (N, C, H, W) for pictures.

    `operation` is one of the suite's, or a PyTorch layer or a function of your own, of which a copy
    is used; whether it is linear is then tried. A bias is left out: the map is
    operation(x) - operation(0), and `bias` is the rest. A layer treats all pictures of a batch
    alike, so the map is that of one picture, and takes any number of them.

    Raises OperationError for an operation that is not linear, or that cannot be applied to
    `input_shape`.

    >>> from resample_viz.operations import Upsample
    >>> half = linear_map(Upsample(scale_factor=0.5, mode="area"), (1, 1, 2, 4))
    >>> half.matrix().tolist()[0]
    [0.25, 0.25, 0.0, 0.0, 0.25, 0.25, 0.0, 0.0]
    >>> half.rank(), half.nullity()
    (2, 6)
    """
    return LinearMap(as_operation(operation, input_shape), input_shape)


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
            raise OperationError(_not_linear(operation))
        input_shape = operation.as_batch(input_shape)
        self.operation = operation
        self.output_shape = (1, *operation.output_shape(input_shape)[1:])
        self.input_shape = (1, *tuple(input_shape)[1:])
        self._graph: tuple[Tensor, Tensor] | None = None
        self._layer, self._precision = self._exact_layer()
        bias = self._layer(self._zeros(1))
        self._bias = bias if bias.any() else None
        self._searched = False
        self._factors: Kronecker | None = None
        self._decomposed: Direct | None = None
        self._spectrum: Spectrum | None = None

    def __repr__(self) -> str:
        told = "" if self._bias is None else ", without its bias"
        return f"LinearMap({self.operation!r}: {self.input_shape} -> {self.output_shape}{told})"

    @property
    def bias(self) -> Tensor | None:
        """operation(0), which the map leaves out, `output_shape` in float64; None if it is 0."""
        return None if self._bias is None else self._bias.clone()

    def affine(self, x: Tensor) -> Tensor:
        """operation(x) with its bias, (N, C, ...) in float64, computed in float64 if it can be."""
        x = self._given("x", x, self.input_shape)
        with torch.no_grad():
            return self._layer(x)

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

        Raises OperationError where the singular values would take more than seconds.
        """
        return self.spectrum().rank

    def nullity(self) -> int:
        """How many dimensions of the input are lost: input cells - rank."""
        return self.spectrum().lost

    def condition(self) -> float:
        """||A|| ||A^+||: how much weaker the weakest direction comes through than the strongest.

        Directions that are lost do not count. Raises OperationError like `rank`.
        """
        return self.spectrum().condition

    def spectrum(self) -> Spectrum:
        """Rank and condition number. Raises OperationError like `rank`."""
        with Progress() as progress:
            found = finish(self.spectrum_steps(), progress.report)
        if found is None:
            rows, columns = self._cells()
            raise OperationError(
                _(
                    "the rank of a matrix of {rows} x {columns} takes too long to compute: "
                    "use an input of at most 1,000 cells, all channels together, or see "
                    "what is lost with invisible_part.",
                    rows=format(rows, ","),
                    columns=format(columns, ","),
                )
            )
        return found

    def spectrum_steps(self) -> Generator[tuple[float, str], None, Spectrum | None]:
        """`spectrum` in slices, as `Steps`; None where it would take too long."""
        if self._spectrum is None:
            self._spectrum = yield from self._measure()
        return self._spectrum

    def _measure(self) -> Generator[tuple[float, str], None, Spectrum | None]:
        rows, columns = self._cells()
        factors = None
        if self._svd_work() > SMALL_SVD_WORK:
            factors = yield from self._factor_steps()
        if factors is not None:
            found = self._spectrum_of(factors.singular_values(), self._tolerance_of(factors))
            if not found.lost or found.tolerance == self._tolerance:
                return found
        if self._svd_work() <= MAX_SVD_WORK:
            yield 0.0, "singular values"
            return self._spectrum_of(self._singular_values, self._tolerance)
        if factors is not None:
            return found
        if self._is_isometry():
            return Spectrum(min(rows, columns), columns, rows, 1.0, self._tolerance)
        direct = yield from self._direct_steps()
        if direct is None or direct.condition * self._tolerance > 1:
            return None
        return Spectrum(min(rows, columns), columns, rows, direct.condition, self._tolerance)

    def _is_isometry(self) -> bool:
        """Whether A^T A, or A A^T if that is smaller, is a multiple of 1: noise is multiplied."""
        rows, columns = self._cells()
        generator = torch.Generator().manual_seed(0)
        shape = self.input_shape if rows >= columns else self.output_shape
        x = torch.randn(shape, generator=generator, dtype=torch.float64)
        if rows >= columns:
            y = self._backward(self._forward(x))
        else:
            y = self._forward(self._backward(x))
        factor = (y * x).sum() / x.square().sum()
        return bool((y - factor * x).norm() <= _TRANSPOSE_GAP * y.norm() > 0)

    def _spectrum_of(self, values: Tensor, tolerance: float) -> Spectrum:
        """Of singular values from the largest to the smallest."""
        rows, columns = self._cells()
        kept = values[values > tolerance * values[0]]
        condition = float(kept[0] / kept[-1]) if len(kept) else 1.0
        return Spectrum(len(kept), columns, rows, condition, tolerance)

    @property
    def _tolerance(self) -> float:
        exact = self._precision < torch.finfo(torch.float32).eps
        return lost_below(torch.float64 if exact else torch.float32)

    def _tolerance_of(self, factors: Kronecker) -> float:
        """Weaker directions are not known: they come from how far A is from such a product."""
        return max(self._tolerance, 8 * factors.gap)

    def _factor_steps(self) -> Generator[tuple[float, str], None, Kronecker | None]:
        """One matrix per axis, if the map is a product of them; looked for once."""
        if not self._searched:
            self._factors = yield from find_factors(
                self._forward, self.input_shape, self.output_shape
            )
            self._searched = True
        return self._factors

    def _direct_steps(self) -> Generator[tuple[float, str], None, Direct | None]:
        """A decomposition of the matrix, if that is not too large."""
        if self._decomposed is None and max(self._cells()) <= MOST_CELLS:
            matrix = yield from self._matrix_steps()
            self._decomposed = yield from elsewhere(
                lambda: Direct.of(matrix), "decomposing the matrix"
            )
        return self._decomposed

    @cached_property
    def _matrix(self) -> Tensor:
        rows, columns = self._cells()
        if 8 * rows * columns > MAX_BYTES:
            raise OperationError(
                _(
                    "the matrix from {input_shape} to {output_shape} has {rows} x "
                    "{columns} entries, more than the {most} MB allowed: use a smaller "
                    "input, or what needs no matrix (adjoint, pseudo_inverse, "
                    "invisible_part).",
                    input_shape=self.input_shape,
                    output_shape=self.output_shape,
                    rows=format(rows, ","),
                    columns=format(columns, ","),
                    most=MAX_BYTES // 2**20,
                )
            )
        return finish(self._matrix_steps())

    def _matrix_steps(self) -> Generator[tuple[float, str], None, Tensor]:
        rows, columns = self._cells()
        matrix = torch.empty(rows, columns, dtype=torch.float64)
        batch = max(1, _IMPULSE_NUMBERS // max(rows, columns))
        threads = FastestThreads()
        for first in range(0, columns, batch):
            yield 0.5 * first / columns, "making the matrix"
            cells = torch.arange(first, min(first + batch, columns))
            impulses = torch.zeros(len(cells), columns, dtype=torch.float64)
            impulses[torch.arange(len(cells)), cells] = 1
            with threads.step():
                responses = self._forward(impulses.view(-1, *self.input_shape[1:]))
            matrix[:, cells] = responses.reshape(len(cells), rows).T
        return matrix

    @cached_property
    def _singular_values(self) -> Tensor:
        with one_thread():
            values: Tensor = torch.linalg.svdvals(self._matrix)
            return values

    @cached_property
    def _whole(self) -> Kronecker:
        """The matrix as a product of itself and 1, for its singular vectors."""
        return Kronecker((self._matrix[None], torch.ones(1, 1, 1, dtype=torch.float64)))

    def _cells(self) -> tuple[int, int]:
        return math.prod(self.output_shape), math.prod(self.input_shape)

    def _svd_work(self) -> int:
        rows, columns = self._cells()
        return rows * columns * min(rows, columns)

    # ------------------------------------------------------------ least squares

    def pseudo_inverse(self, y: Tensor, **effort: Unpack[SolverOptions]) -> Tensor:
        """A^+ y: of all x for which A x is as near to y as possible, the shortest.

        y has the shape of the output, (N, C, ...), and the result that of the input. Small maps go
        by their matrix, and those that are one matrix per axis (separable blurs, interpolation,
        average pooling, chains of them) axis by axis, at any size. Singular values below
        `RANK_TOLERANCE` x the largest then count as 0, and below 1e-6 if y is in float32, in whose
        rounding they drown: give y in float64 if there is more in it. Other maps go by conjugate
        gradients, and give a ConvergenceWarning where the estimated error is above the tolerance
        when the limit is reached. `solve_steps` gives the details, and the options: `tolerance`,
        `limit`, `by_matrix`.

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
            by_matrix: whether to go by the matrix, or else by conjugate gradients; by default, the
                matrix or the matrices of the axes where they are small enough.
        """
        _check_effort(tolerance, limit)
        exact = self._given("y", y, self.output_shape)
        _check_finite("y", exact)
        rtol = max(self._tolerance, lost_below(y.dtype))
        steps = self._solution_steps(exact, rtol, tolerance, limit, by_matrix)
        solution = yield from part(steps, 0, 1)
        return replace(solution, tensor=solution.tensor.to(y))

    def _solution_steps(
        self, y: Tensor, rtol: float, tolerance: float, limit: int, by_matrix: bool | None
    ) -> Steps:
        found = None
        if by_matrix is None and self._svd_work() > SMALL_SVD_WORK:
            found = yield from self._solve_by_axes(y, rtol)
        if by_matrix or (by_matrix is None and self._svd_work() <= MAX_PINV_WORK):
            solution = found or self._solve_by_matrix(y, rtol)
            yield 1.0, "by matrix"
            return solution
        if by_matrix is None and found is None:
            found = yield from self._solve_directly(y, rtol)
        return found or (yield from self._iterate(y, tolerance, limit))

    def invisible_steps(self, x: Tensor, **effort: Unpack[SolverOptions]) -> Steps:
        """`invisible_part` in slices of about 20 ms, options as for `solve_steps`.

        x has the shape of the input, (N, C, ...). `Solution.error` speaks of the visible part,
        `Solution.residual` of what A still sees of the invisible one, relative to A x.
        """
        exact = self._given("x", x, self.input_shape)
        solution = yield from self.solve_steps(self._forward(exact), **effort)
        return replace(solution, tensor=(exact - solution.tensor).to(x))

    def _solve_by_matrix(self, y: Tensor, rtol: float) -> Solution:
        flat = self._whole.pseudo_inverse(y.flatten(1)[..., None], rtol)
        return self._solved(y, flat.view(-1, *self.input_shape[1:]), "matrix")

    def _solved(self, y: Tensor, x: Tensor, method: str) -> Solution:
        residual = float((y - self._forward(x)).norm()) / (float(y.norm()) or 1.0)
        return Solution(x, True, 0, residual, 0.0, method)

    def _solve_directly(
        self, y: Tensor, rtol: float
    ) -> Generator[tuple[float, str], None, Solution | None]:
        """By a matrix that is not too large, if it has full rank; else None."""
        direct = yield from self._direct_steps()
        if direct is None or direct.condition * rtol > 1:
            return None
        x = direct.pseudo_inverse(y.flatten(1)).reshape(-1, *self.input_shape[1:])
        return self._solved(y, x, "QR")

    def _solve_by_axes(
        self, y: Tensor, rtol: float
    ) -> Generator[tuple[float, str], None, Solution | None]:
        """By the pseudo-inverse K^+ of the product that A nearly is, refined: x + K^+ (y - A x).

        Iterative refinement (Golub and Van Loan, section 3.5.3) takes back what rounding the
        weights to float32 has changed. None where A is no product, or it does not converge.
        """
        factors = yield from part(self._factor_steps(), 0, 0.5)
        if factors is None:
            return None
        rtol = max(rtol, 8 * factors.gap)
        x, before = torch.zeros(len(y), *self.input_shape[1:], dtype=torch.float64), math.inf
        for step in range(_REFINEMENTS):
            yield 0.5 + 0.5 * step / _REFINEMENTS, "axis by axis"
            with one_thread():
                change = factors.pseudo_inverse(y - self._forward(x) if step else y, rtol)
            size = float(change.norm()) / (float((x + change).norm()) or 1.0)
            if size >= before:  # only rounding is left, or it does not converge
                break
            x, before = x + change, size
        if before > _REFINED:
            return None
        return self._solved(y, x, "one matrix per axis")

    def _iterate(self, y: Tensor, tolerance: float, limit: int) -> Steps:
        self._check_transpose()
        yield 0.0, "there and back"
        solution: Solution = yield from conjugate_gradients(
            self._forward,
            self._backward,
            y,
            tolerance=tolerance,
            limit=limit,
            precision=self._precision,
        )
        return solution

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
                _(
                    "{name} must be a tensor of floating-point numbers, not {kind}: use "
                    "torch.as_tensor({name}).float().",
                    name=name,
                    kind=kind,
                )
            )
        if tensor.ndim != len(shape) or tensor.shape[1:] != shape[1:] or len(tensor) < 1:
            alone = tuple(tensor.shape) == shape[1:]
            way_out = (
                _("use {name}[None]", name=name)
                if alone
                else _("call linear_map with the sizes of x")
            )
            raise OperationError(
                _(
                    "{name} has shape {shape}, but this map takes {wanted} there, or "
                    "more pictures at once: {way_out}.",
                    name=name,
                    shape=tuple(tensor.shape),
                    wanted=shape,
                    way_out=way_out,
                )
            )
        return tensor.detach().to("cpu", torch.float64)

    def _check_transpose(self) -> None:
        gap = self._probe_gap
        if gap > _TRANSPOSE_GAP:
            raise OperationError(
                _(
                    "conjugate gradients need the transpose of the map, and for "
                    "{operation} on {input_shape} PyTorch's backward pass is another map "
                    "(gap {gap}): use size instead of scale_factor, or a smaller input, "
                    "whose matrix is used.",
                    operation=repr(self.operation),
                    input_shape=self.input_shape,
                    gap=format(gap, ".1g"),
                )
            )

    @cached_property
    def _probe_gap(self) -> float:
        generator = torch.Generator().manual_seed(0)
        shapes = self.input_shape, self.output_shape
        x, y = (torch.rand(s, generator=generator, dtype=torch.float64) for s in shapes)
        return self.adjoint_gap(x, y)


def _not_linear(operation: Operation) -> str:
    name = operation.name if isinstance(operation, Layer) else type(operation).__name__
    said = f"{name} is not linear, so there is no matrix that describes it"
    if isinstance(operation, Layer) and operation.linear_in_eval:
        return f"{said} in training mode: give layer.eval(), which is linear."
    if isinstance(operation, Layer):
        return f"{said}: leave out what is not, such as activations and max pooling."
    return f"{said}: choose a linear operation, such as an interpolation or a convolution."


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
            _(
                "tolerance is a relative error between 0 and 1, not {tolerance}: try "
                "tolerance={usual}.",
                tolerance=tolerance,
                usual=TOLERANCE,
            )
        )
    if limit < 1:
        raise OperationError(
            _(
                "limit is a number of iterations, not {limit}: try limit={usual}.",
                limit=limit,
                usual=LIMIT,
            )
        )


def _check_finite(name: str, tensor: Tensor) -> None:
    if not bool(tensor.isfinite().all()):
        raise OperationError(
            _(
                "{name} holds numbers that are not finite, and least squares would "
                "spread them over the whole picture: use torch.nan_to_num({name}).",
                name=name,
            )
        )
