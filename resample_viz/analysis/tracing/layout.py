"""Where the rows and columns of a feature map lie in a tensor.

Most maps are (N, C, H, W), but not all: ConvNeXt's linear layers take channels last, (N, H, W, C),
and tokens are a map whose rows lie one behind the other in one dimension, (N, H W, C). Permuting
and reshaping moves rows and columns about without any cell seeing more of the input; a layout says
where they have gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

from torch import Tensor

Axis = Literal["depth", "rows", "cols", ""]
Factor = tuple[Axis, int]
"""A part of a dimension: the rows or columns of the map, or anything else (""), and its size."""
AXES: tuple[Axis, Axis] = ("rows", "cols")
ALL_AXES: tuple[Axis, ...] = ("depth", *AXES)
"""Those of a volume; a sequence has columns only."""


@dataclass(frozen=True)
class Layout:
    """For every dimension of a tensor, what it consists of, the slowest part first.

    >>> Layout.of_map((8, 3, 24, 32)).permuted((0, 2, 3, 1)).reshaped((8, 768, 3)).map_size
    (24, 32)
    """

    dims: tuple[tuple[Factor, ...], ...]

    @classmethod
    def of_map(cls, shape: Sequence[int], axes: int = 2) -> Layout:
        """Rows and columns in the last two dimensions, (..., H, W), or as many as `axes` says."""
        others: list[Axis] = [""] * (len(shape) - axes)
        names = [*others, *ALL_AXES[-axes:]]
        return cls(tuple(((name, n),) for name, n in zip(names, shape)))

    @classmethod
    def without_map(cls, shape: Sequence[int]) -> Layout:
        """No rows or columns: all cells see the same."""
        return cls(tuple((("", n),) for n in shape))

    def size_of(self, axis: Axis) -> int | None:
        """The length of the rows or columns; None if the tensor has none."""
        return next((n for dim in self.dims for name, n in dim if name == axis), None)

    @property
    def map_size(self) -> tuple[int, int] | None:
        """(height, width) of the map; None without rows or columns."""
        size = self.size(2)
        return None if size is None else (size[0], size[1])

    def size(self, axes: int) -> tuple[int, ...] | None:
        """The sizes of the last `axes` of depth, rows, columns; None where one is missing."""
        sizes = [n for n in map(self.size_of, ALL_AXES[-axes:]) if n is not None]
        return tuple(sizes) if len(sizes) == axes else None

    def is_plain(self, axes: int) -> bool:
        """Whether the layout is (N, C, …), with as many axes."""
        last = [name for dim in self.dims[2:] for name, _ in dim]
        return len(self.dims) == axes + 2 and last == [*ALL_AXES[-axes:]]

    @property
    def is_map(self) -> bool:
        """Whether rows and columns, as far as there are any, are the last two dimensions."""
        expected = (*((0, ""),) * (len(self.dims) - 2), (1, "rows"), (1, "cols"))
        return len(self.dims) >= 3 and all(
            all(name in ("", axis) for name, _ in dim) and (len(dim) == 1 or not axis)
            for dim, (_, axis) in zip(self.dims, expected)
        )

    @property
    def places(self) -> tuple[tuple[Axis, ...], ...]:
        """For every dimension, which of rows and columns lie in it."""
        return tuple(tuple(name for name, _ in dim if name) for dim in self.dims)

    @property
    def channels(self) -> int:
        """The numbers of a cell: all but the first dimension, the batch, and rows and columns."""
        return prod(n for dim in self.dims[1:] for name, n in dim if not name)

    def has_axis(self, dims: Iterable[int]) -> bool:
        """Whether rows or columns lie in one of the dimensions."""
        return any(name for dim in dims for name, _ in self.dims[dim])

    def permuted(self, order: Sequence[int]) -> Layout:
        """The dimensions in another order."""
        return Layout(tuple(self.dims[dim] for dim in order))

    def replaced(self, dims: Iterable[int], shape: Sequence[int]) -> Layout:
        """The same with no rows or columns in `dims`, whose sizes are those of `shape`."""
        gone = set(dims)
        return Layout(
            tuple((("", shape[n]),) if n in gone else dim for n, dim in enumerate(self.dims))
        )

    def resized(self, dim: int, size: int) -> Layout:
        """With another number of rows, or columns, in the dimension that has nothing else."""
        ((axis, _),) = self.dims[dim]
        return Layout((*self.dims[:dim], ((axis, size),), *self.dims[dim + 1 :]))

    def shrunk_to_one(self, dims: Iterable[int]) -> Layout:
        """With one number left in each of some dimensions: one row, one column."""
        gone = set(dims)
        return Layout(
            tuple(
                tuple((name, 1) for name, _ in dim) if n in gone else dim
                for n, dim in enumerate(self.dims)
            )
        )

    def removed(self, dims: Iterable[int]) -> Layout:
        """Without some dimensions."""
        gone = set(dims)
        return Layout(tuple(dim for n, dim in enumerate(self.dims) if n not in gone))

    def inserted(self, place: int, size: int = 1) -> Layout:
        """With one dimension more, before dimension `place`."""
        return Layout((*self.dims[:place], (("", size),), *self.dims[place:]))

    def reshaped(self, shape: Sequence[int]) -> Layout | None:
        """The same numbers under another shape; None where that tears rows or columns apart.

        >>> Layout.of_map((1, 3, 8, 8)).reshaped((1, 3, 4, 2, 8)) is None
        True
        """
        factors = [factor for dim in self.dims for factor in dim]
        dims: list[tuple[Factor, ...]] = []
        for size in shape:
            taken = _take(factors, size)
            if taken is None:
                return None
            dims.append(taken)
        return None if prod(n for _, n in factors) > 1 else Layout(tuple(dims))

    def as_map(self, tensor: Tensor) -> Tensor | None:
        """The tensor of this layout as a feature map, (N, C, H, W); None without rows or columns.

        The first dimension is taken for the batch, all others for channels.
        """
        if self.map_size is None:
            return None
        factors = [(n, *factor) for n, dim in enumerate(self.dims) for factor in dim]
        parts = tensor.reshape([size for *_, size in factors])
        places = {axis: n for n, (_, axis, _) in enumerate(factors) if axis}
        batch = [n for n, (dim, axis, _) in enumerate(factors) if dim == 0 and not axis]
        others = [n for n, (dim, axis, _) in enumerate(factors) if dim > 0 and not axis]
        parts = parts.permute(*batch, *others, places["rows"], places["cols"])
        count = prod(factors[n][2] for n in batch)
        return parts.reshape(count, -1, *self.map_size)


def _take(factors: list[Factor], size: int) -> tuple[Factor, ...] | None:
    """Takes the factors of one dimension of this size from the front of the list."""
    if size == 1 and factors and factors[0][1] == 1:
        return (factors.pop(0),)
    taken: list[Factor] = []
    while size > 1 and factors:
        axis, length = factors.pop(0)
        if size % length == 0:
            size //= length
            if length > 1 or axis:
                taken.append((axis, length))
        elif not axis and length % size == 0:
            factors.insert(0, ("", length // size))
            taken.append(("", size))
            size = 1
        else:
            return None
    return tuple(taken) if taken else (("", 1),)
