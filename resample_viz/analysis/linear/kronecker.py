"""Maps that are one matrix per axis, found by asking the layer, and inverted axis by axis.

Blurs with a separable kernel, interpolation, average pooling, and chains of them treat channels,
rows and columns one after the other: A is a Kronecker product of small matrices. So is its
pseudo-inverse, of theirs, and its singular values are the products of theirs (G. Golub and C. Van
Loan, *Matrix computations*, 4th edition 2013, section 12.3). A photograph then takes milliseconds.

Nothing is assumed about the layer: it is run on pictures that are products of one vector per axis,
the small matrices are read off, and a picture of noise says whether they are all there is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from resample_viz.threads import one_thread

Forward = Callable[[Tensor], Tensor]
Search = Generator[tuple[float, str], None, "Kronecker | None"]
"""Yields (share done from 0 to 1, what is being done) between slices; returns what was found."""

_NUMBERS = 2**20  # of one batch of pictures: 8 MB
_AGREES = 1e-5  # of the largest response: a hundred times the rounding of float32 weights
_TOLD_APART = 0.2  # of the largest singular value of the responses: others would add rounding


@dataclass(frozen=True, eq=False)
class Kronecker:
    """A = A_channels x A_rows x A_columns, or one such product for every channel.

    `matrices` has one float64 tensor (groups, out, in) per axis of a picture, channels first;
    `groups` is 1 where one product is the whole map, and the number of channels where every channel
    has a product of its own. `gap` is how far the layer is from that, relative to its largest
    output: weights that were rounded to float32 are products to about 1e-7.
    """

    matrices: tuple[Tensor, ...]
    gap: float = 0.0

    @property
    def groups(self) -> int:
        """How many independent products there are."""
        return len(self.matrices[0])

    def __call__(self, x: Tensor) -> Tensor:
        """A x for x (N, C, ...) in float64."""
        return self._apply(self.matrices, x)

    def singular_values(self) -> Tensor:
        """All of them, sorted from the largest: min(out, in) per axis, multiplied."""
        values = torch.cat([group.flatten() for group in self._values])
        return values.sort(descending=True).values

    def pseudo_inverse(self, y: Tensor, rtol: float) -> Tensor:
        """A^+ y for y (N, C, ...) in float64; singular values up to `rtol` x the largest are 0.

        The limit is one on the products: an axis alone may weaken more than all of them together.
        """
        left = tuple(u.mT for u, _, _ in self._decomposed)
        right = tuple(vh.mT for _, _, vh in self._decomposed)
        known = self._apply(left, y).unflatten(1, (self.groups, -1))
        values = self._values
        kept = values > rtol * values.max()
        weights = torch.where(kept, 1 / values.where(kept, torch.ones_like(values)), 0.0)
        return self._apply(right, (known * weights).flatten(1, 2))

    @cached_property
    def _decomposed(self) -> tuple[tuple[Tensor, Tensor, Tensor], ...]:
        with one_thread():
            return tuple(map(_svd, self.matrices))

    @cached_property
    def _values(self) -> Tensor:
        """The products of the axes' singular values, (groups, channels, rows, ...)."""
        values = torch.ones(self.groups, dtype=torch.float64)
        for _, one, _ in self._decomposed:
            values = values[..., None] * one.view(self.groups, *[1] * (values.ndim - 1), -1)
        return values

    def _apply(self, matrices: Sequence[Tensor], x: Tensor) -> Tensor:
        x = x.unflatten(1, (self.groups, -1))
        for dim, matrix in enumerate(matrices, start=2):
            moved = x.movedim(dim, -1)
            across = matrix.mT.view(1, self.groups, *[1] * (x.ndim - 4), *matrix.mT.shape[1:])
            x = (moved @ across).movedim(-1, dim)
        return x.flatten(1, 2)


def _svd(matrix: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """U, S, V^H of every (out, in) matrix of a batch."""
    try:
        u, s, vh = torch.linalg.svd(matrix, full_matrices=False)
        return u, s, vh
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
        # As in operations.inverses: LAPACK's fast driver gives up on some repeated values.
        from scipy.linalg import svd

        each = [svd(m.numpy(), full_matrices=False, lapack_driver="gesvd") for m in matrix]
        u, s, vh = (torch.stack([torch.from_numpy(part) for part in p]) for p in zip(*each))
        return u, s, vh


def find_factors(forward: Forward, in_shape: Sequence[int], out_shape: Sequence[int]) -> Search:
    """The matrices of the axes, if the map is a product of them; in slices.

    `forward` takes and gives float64, (N, C, ...); both shapes are those of one picture,
    (1, C, ...). A map that is no product is found out after one picture, as a rule; a map that is
    one after some twenty.
    """
    if len(in_shape) != len(out_shape) or len(in_shape) < 3:
        return None
    channels = in_shape[1]
    for groups in (1, channels) if channels > 1 and channels == out_shape[1] else (1,):
        found = yield from _Probe(forward, in_shape[1:], out_shape[1:], groups).search()
        if found is not None:
            return found
    return None


class _NotAProductError(Exception):
    """The map is no product of one matrix per axis."""


class _Axis:
    """What is known about the matrix of one axis, for every group."""

    def __init__(self, vector: Tensor, response: Tensor) -> None:
        self.groups, self.size = vector.shape
        self.vectors, self.responses = vector[..., None], response[..., None]
        # Neighbours respond alike: those far apart come first, as they tell more.
        self.left = list(_far_apart(self.size))
        self.columns: dict[int, Tensor] = {}

    def learn(self, cells: Sequence[int], columns: Tensor) -> None:
        """Takes the responses (groups, out, cells) to impulses in these cells."""
        impulses = torch.zeros(self.groups, self.size, len(cells), dtype=torch.float64)
        impulses[:, cells, range(len(cells))] = 1
        self.vectors = torch.cat([self.vectors, impulses], 2)
        self.responses = torch.cat([self.responses, columns], 2)
        self.columns |= dict(zip(cells, columns.unbind(2)))

    def orthonormal(self) -> tuple[Tensor, Tensor]:
        """Vectors (groups, size, k) with orthonormal responses (groups, out, k)."""
        lengths = self.responses.norm(dim=1, keepdim=True)
        lengths = lengths.where(lengths > 0, torch.inf)  # what is not read tells nothing
        u, s, wh = _svd(self.responses / lengths)
        count = int((s > _TOLD_APART * s[:, :1]).sum(1).min())
        combined = (self.vectors / lengths) @ (wh.mT / s[:, None])[..., :count]
        return combined, u[..., :count]

    @property
    def matrix(self) -> Tensor:
        """All columns, (groups, out, size)."""
        return torch.stack([self.columns[cell] for cell in range(self.size)], 2)


class _Probe:
    """Reads the matrices of the axes off the responses to products of vectors.

    Where A = B x C, a picture whose column j is v has the response B v in the direction of column j
    of C. With several v whose responses B v are orthonormal, one picture tells as many columns of
    C; and these, in turn, are known responses of C, with which a picture tells more of B. So what
    is known grows like Fibonacci's numbers.
    """

    def __init__(
        self, forward: Forward, in_shape: Sequence[int], out_shape: Sequence[int], groups: int
    ) -> None:
        self.forward = forward
        self.sizes = (groups, in_shape[0] // groups, *in_shape[1:])
        self.out_sizes = (groups, out_shape[0] // groups, *out_shape[1:])
        self.batch = max(1, _NUMBERS // max(math.prod(in_shape), math.prod(out_shape)))
        self.random = torch.Generator().manual_seed(0)

    def search(self) -> Search:
        """In slices; None where the map is no such product."""
        try:
            with one_thread():
                axes = self._begin()
            cells = sum(self.sizes[1:])
            while any(axis.left for axis in axes):
                known = cells - sum(len(axis.left) for axis in axes)
                yield known / cells, "looking at the axes one by one"
                with one_thread():
                    self._learn_more(axes)
            yield 1.0, "looking at the axes one by one"
            with one_thread():
                return self._checked(axes)
        except _NotAProductError:
            return None

    def _begin(self) -> list[_Axis]:
        """The response to one product of vectors, which must be such a product itself."""
        vectors = [self._noise(self.sizes[0], size) for size in self.sizes[1:]]
        y = self._run(_outer([v[None] for v in vectors]))[0]
        lines = [_lines_through_the_peak(y, dim) for dim in range(1, y.ndim)]
        if not all(bool((line.norm(dim=1) > 0).all()) for line in lines):
            raise _NotAProductError  # a channel that is always 0
        lines = [line / line.norm(dim=1, keepdim=True) for line in lines]
        lines[0] = lines[0] * _along(y, lines)[:, None]
        if _gap(_outer([line[None] for line in lines])[0], y) > _AGREES:
            raise _NotAProductError
        return [_Axis(*each) for each in zip(vectors, lines)]

    def _learn_more(self, axes: list[_Axis]) -> None:
        """Columns of the axis of which most is missing, by way of the axis that tells most."""
        at = max(range(len(axes)), key=lambda i: len(axes[i].left))
        told = [axis.orthonormal() for axis in axes]
        by = max((i for i in range(len(axes)) if i != at), key=lambda i: told[i][0].shape[2])
        vectors, responses = told[by]
        slots = vectors.shape[2]
        # What this picture tells lets the next one tell more, unless all is known, or much alike.
        may_grow = axes[by].left and 2 * slots > axes[by].vectors.shape[2]
        cells = axes[at].left[: slots * (1 if may_grow else self.batch)]
        axes[at].left = axes[at].left[len(cells) :]
        seen = self._run(self._pictures(axes, at, by, vectors, cells))
        columns = _inner(seen, axes, at, by, responses)  # (groups, out, N, slots)
        axes[at].learn(cells, columns.flatten(2)[..., : len(cells)])

    def _pictures(
        self, axes: list[_Axis], at: int, by: int, vectors: Tensor, cells: Sequence[int]
    ) -> Tensor:
        """In every picture each of `vectors` stands in one of the cells: (N, groups, C, ...)."""
        slots = vectors.shape[2]
        count = -(-len(cells) // slots)
        planes = torch.zeros(count, self.sizes[0], axes[by].size, axes[at].size).double()
        for number, cell in enumerate(cells):
            planes[number // slots, :, :, cell] = vectors[:, :, number % slots]
        if by > at:
            planes = planes.mT
        shape = [1] * len(axes)
        shape[by], shape[at] = axes[by].size, axes[at].size
        others = [
            torch.ones(1, 1, 1).double() if i in (at, by) else axis.vectors[None, ..., 0]
            for i, axis in enumerate(axes)
        ]
        return _outer(others) * planes.reshape(count, self.sizes[0], *shape)

    def _checked(self, axes: list[_Axis]) -> Kronecker:
        """What was found, if a picture of noise agrees."""
        x = self._noise(1, *self.sizes)
        found = Kronecker(tuple(axis.matrix for axis in axes))
        y = self._run(x)
        gap = _gap(found(x.flatten(1, 2)).view_as(y), y)
        if gap > _AGREES:
            raise _NotAProductError
        return replace(found, gap=gap)

    def _run(self, x: Tensor) -> Tensor:
        y: Tensor = self.forward(x.flatten(1, 2)).unflatten(1, self.out_sizes[:2])
        return y

    def _noise(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.random, dtype=torch.float64)


def _outer(vectors: Sequence[Tensor]) -> Tensor:
    """The products (N, groups, a, b, ...) of one vector (N, groups, size) per axis."""
    product = vectors[0]
    for vector in vectors[1:]:
        product = product[..., None] * vector.view(*vector.shape[:2], *[1] * (product.ndim - 2), -1)
    return product


def _inner(seen: Tensor, axes: list[_Axis], at: int, by: int, responses: Tensor) -> Tensor:
    """(groups, out of `at`, N, slots): what the responses of all other axes have in `seen`."""
    order = [i for i in range(len(axes)) if i not in (at, by)]
    left = seen.permute(0, 1, *(i + 2 for i in (*order, at, by)))  # (N, groups, ..., at, by)
    for i in order:
        first = axes[i].responses[..., 0]
        along = first / first.square().sum(1, keepdim=True)
        left = _contract(along, left)
    return (left @ responses).permute(1, 2, 0, 3)


def _contract(along: Tensor, left: Tensor) -> Tensor:
    """The inner product of vectors (groups, n) with the first axis of left (N, groups, n, ...)."""
    found: Tensor = (along[:, None] @ left.flatten(3)).squeeze(2)
    return found.view(*left.shape[:2], *left.shape[3:])


def _along(y: Tensor, lines: Sequence[Tensor]) -> Tensor:
    """The inner product of y (groups, a, b, ...) with the product of lines, for every group."""
    return (y * _outer([line[None] for line in lines])[0]).flatten(1).sum(1)


def _lines_through_the_peak(y: Tensor, dim: int) -> Tensor:
    """Along `dim`, the cells of y (groups, a, b, ...) in line with its largest: (groups, size)."""
    lines = y.movedim(dim, -1).flatten(1, -2)  # (groups, lines, size)
    peaks = lines.abs().amax(2).argmax(1)
    return torch.stack([line[peak] for line, peak in zip(lines, peaks.tolist())])


def _gap(made: Tensor, y: Tensor) -> float:
    """The largest difference, relative to the largest of y."""
    return float((made - y).abs().max()) / (float(y.abs().max()) or 1.0)


def _far_apart(count: int) -> Iterator[int]:
    """All numbers below `count`; those that come after one another are far apart."""
    bits = max(count - 1, 1).bit_length()
    for number in range(2**bits):
        turned = int(f"{number:0{bits}b}"[::-1], 2)
        if turned < count:
            yield turned
