"""Which input cells feed an output cell, and with what weight.

A footprint is the Jacobian of an operation, stored the way a learner reads it: one output cell, the
few input cells behind it, their weights. Read the other way round (one input cell, all the outputs
that it reaches) it is the transposed operation.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import ClassVar

import torch
from torch import Tensor

from resample_viz.operations.jacobian import jacobian_vector, vector_jacobian
from resample_viz.operations.validation import check_matrix

Cell = tuple[int, ...]
"""Where a cell is: (row, col) of a picture, (col,) of a row, (depth, row, col) of a volume.

Where an operation mixes or tells apart channels, the channel comes first: (channel, row, col).
"""
Weighted = list[tuple[Cell, float]]


class Footprint(ABC):
    """The input cells behind each output cell of one operation on one input shape."""

    channelwise: ClassVar[bool] = True
    """Whether every channel is treated alike and alone: cells then have no channel in front."""

    @abstractmethod
    def sources(self, cell: Sequence[int]) -> Weighted:
        """The input cells that feed the output `cell`, each with its weight."""

    @abstractmethod
    def targets(self, cell: Sequence[int]) -> Weighted:
        """The output cells that the input `cell` reaches, each with its weight."""


@dataclass(frozen=True, eq=False)
class Axis:
    """The taps along one spatial axis: tap t of output i reads input `index[i, t]`.

    `index` has shape (out, taps), `weights` too. A tap that reads nothing, because it lies in the
    padding or between inserted zeros, has index -1 and weight 0. An input may be read by several
    taps (mirrored padding).
    """

    in_size: int
    index: Tensor
    weights: Tensor

    @classmethod
    def from_matrix(cls, matrix: Tensor) -> Axis:
        """Takes the taps out of a dense (out, in) matrix whose rows are mostly zeros."""
        in_size = matrix.shape[1]
        used = matrix != 0
        # argmax finds the first True; flipped, the last one. A row of zeros reads nothing.
        start = used.int().argmax(1)
        stop = in_size - used.flip(1).int().argmax(1)
        taps = int((stop - start)[used.any(1)].max()) if bool(used.any()) else 1
        start = start.clamp(max=max(in_size - taps, 0))
        index = start[:, None] + torch.arange(taps)
        return cls(in_size, index, matrix.gather(1, index))

    @classmethod
    def from_index(cls, in_size: int, index: Tensor) -> Axis:
        """Index (out, taps); weight 1 for every tap that reads a cell: a kernel has the rest."""
        return cls(in_size, index, (index >= 0).to(torch.float32))

    @property
    def out_size(self) -> int:
        """How many output cells there are along this axis."""
        return len(self.index)

    @cached_property
    def matrix(self) -> Tensor:
        """The dense (out, in) matrix of this axis. Raises OperationError if it would not fit."""
        check_matrix(self.out_size, self.in_size)
        dense = torch.zeros(self.out_size, self.in_size, dtype=self.weights.dtype)
        return dense.scatter_add_(1, self.index.clamp(min=0), self.weights)

    @cached_property
    def positions(self) -> Tensor:
        """Where each output reads, in input pixels, (out_size,): the centre of mass of its taps."""
        total = self.weights.sum(1).clamp(min=torch.finfo(self.weights.dtype).tiny)
        return (self.weights * self.index).sum(1) / total

    @property
    def centres(self) -> Tensor:
        """Where each output's centre lies, if pixels are squares, in input pixels: (out_size,)."""
        out = torch.arange(self.out_size)
        return (out + 0.5) * self.in_size / self.out_size - 0.5

    def sources(self, i: int) -> list[tuple[int, float]]:
        """The (input index, weight) pairs behind output `i`."""
        row = self.matrix[i]
        return [(int(j), float(row[j])) for j in row.nonzero().flatten()]

    def targets(self, j: int) -> list[tuple[int, float]]:
        """The (output index, weight) pairs that input `j` reaches."""
        column = self.matrix[:, j]
        return [(int(i), float(column[i])) for i in column.nonzero().flatten()]

    def unread(self) -> list[int]:
        """The input indices that no output reads."""
        return (self.matrix == 0).all(0).nonzero().flatten().tolist()


@dataclass(frozen=True, eq=False)
class SeparableFootprint(Footprint):
    """Weights that are a product of one weight per axis, the same for every channel."""

    axes: tuple[Axis, ...]

    def sources(self, cell: Sequence[int]) -> Weighted:
        """The input cells that feed the output `cell`; the weights are products over the axes."""
        sizes = tuple(axis.out_size for axis in self.axes)
        return _products([a.sources(i) for a, i in zip(self.axes, _inside(cell, sizes))])

    def targets(self, cell: Sequence[int]) -> Weighted:
        """The output cells that the input `cell` reaches."""
        sizes = tuple(axis.in_size for axis in self.axes)
        return _products([a.targets(i) for a, i in zip(self.axes, _inside(cell, sizes))])

    def matrices(self) -> tuple[Tensor, ...]:
        """One dense (out, in) matrix per axis; the whole operation is their Kronecker product."""
        return tuple(axis.matrix for axis in self.axes)


@dataclass(frozen=True, eq=False)
class KernelFootprint(Footprint):
    """A kernel that slides over two axes: a convolution, or a transposed one read as `gather`.

    Output (o, row, col) reads input (i, rows.index[row, u], cols.index[col, v]) with weight
    `kernel[o, i - first, u, v]` times the weights of the two taps. `kernel` has the shape
    (out channels, in channels / groups, taps of a column, taps of a row); `first` is the first
    input channel of o's group. Cells are (channel, row, col).
    """

    rows: Axis
    cols: Axis
    kernel: Tensor
    groups: int = 1
    channelwise: ClassVar[bool] = False

    @property
    def axes(self) -> tuple[Axis, Axis]:
        """The taps along the height and along the width."""
        return self.rows, self.cols

    @property
    def in_channels(self) -> int:
        """How many channels the input has."""
        return self.kernel.shape[1] * self.groups

    def sources(self, cell: Sequence[int]) -> Weighted:
        """The input cells that feed the output `cell`, over all the channels that it sees."""
        sizes = (len(self.kernel), self.rows.out_size, self.cols.out_size)
        out, row, col = _inside(cell, sizes)
        weights: dict[Cell, float] = {}
        for channel, kernel in self._kernels_of(out):
            for u, v in self._taps():
                self._add(weights, kernel, channel, (row, u), (col, v))
        return [(source, weight) for source, weight in weights.items() if weight != 0]

    def targets(self, cell: Sequence[int]) -> Weighted:
        """The output cells that the input `cell` reaches, in all the channels that see it."""
        sizes = (self.in_channels, self.rows.in_size, self.cols.in_size)
        channel, row, col = _inside(cell, sizes)
        per_group = len(self.kernel) // self.groups
        group, within = divmod(channel, self.kernel.shape[1])
        weights: dict[Cell, float] = {}
        row_taps = (self.rows.index == row).nonzero().tolist()
        col_taps = (self.cols.index == col).nonzero().tolist()
        for out in range(group * per_group, (group + 1) * per_group):
            for (i, u), (j, v) in product(row_taps, col_taps):
                weight = float(self.kernel[out, within, u, v])
                weights[(out, i, j)] = weights.get((out, i, j), 0.0) + weight
        return [(target, weight) for target, weight in weights.items() if weight != 0]

    def _kernels_of(self, out: int) -> Iterator[tuple[int, Tensor]]:
        """(input channel, its (taps, taps) kernel) for all channels that output channel sees."""
        first = out * self.groups // len(self.kernel) * self.kernel.shape[1]
        yield from enumerate(self.kernel[out], start=first)

    def _taps(self) -> Iterator[tuple[int, ...]]:
        return product(*(range(axis.index.shape[1]) for axis in self.axes))

    def _add(
        self,
        weights: dict[Cell, float],
        kernel: Tensor,
        channel: int,
        row_tap: tuple[int, int],
        col_tap: tuple[int, int],
    ) -> None:
        source = (channel, int(self.rows.index[row_tap]), int(self.cols.index[col_tap]))
        if min(source) >= 0:
            weight = float(kernel[row_tap[1], col_tap[1]])
            weights[source] = weights.get(source, 0.0) + weight


@dataclass(frozen=True, eq=False)
class JacobianFootprint(Footprint):
    """The slopes of any function of a picture, around one picture x, asked of autograd.

    For operations whose weights depend on the values, and for several in a row. Every call of
    `sources` is one backward pass, every call of `targets` one forward pass. Cells are
    (channel, row, col) of the first picture of the batch.
    """

    function: Callable[[Tensor], Tensor]
    x: Tensor
    channelwise: ClassVar[bool] = False

    def sources(self, cell: Sequence[int]) -> Weighted:
        """The input cells that the output `cell` depends on, with the slopes."""
        x = self.x[:1]
        cotangent = _impulse(self.function(x), cell)
        return _nonzero(vector_jacobian(self.function, x, cotangent))

    def targets(self, cell: Sequence[int]) -> Weighted:
        """The output cells that depend on the input `cell`, with the slopes."""
        x = self.x[:1]
        return _nonzero(jacobian_vector(self.function, x, _impulse(x, cell)))


def _impulse(like: Tensor, cell: Sequence[int]) -> Tensor:
    """Zeros of the same shape with a one at `cell`."""
    impulse = torch.zeros_like(like)
    impulse[(0, *_inside(cell, tuple(like.shape[1:])))] = 1
    return impulse


def _nonzero(slopes: Tensor) -> Weighted:
    return [(tuple(cell), float(slopes[0][tuple(cell)])) for cell in slopes[0].nonzero().tolist()]


@dataclass(frozen=True, eq=False)
class PickFootprint(Footprint):
    """Every output takes one cell of its window: what max pooling does to one very input.

    `axes` are the windows. `winners`, (C, rows out, columns out) int64, holds the flat index
    row * width + column of the cell that each output takes, in its own channel: PyTorch's
    `return_indices`. Cells are (channel, row, col).
    """

    axes: tuple[Axis, Axis]
    winners: Tensor
    channelwise: ClassVar[bool] = False

    def sources(self, cell: Sequence[int]) -> Weighted:
        """The one input cell that the output `cell` takes."""
        channel, row, col = _inside(cell, tuple(self.winners.shape))
        place = divmod(int(self.winners[channel, row, col]), self.axes[1].in_size)
        return [((channel, *place), 1.0)]

    def targets(self, cell: Sequence[int]) -> Weighted:
        """The output cells that take the input `cell`: none, one, or several."""
        sizes = (len(self.winners), *(axis.in_size for axis in self.axes))
        channel, row, col = _inside(cell, sizes)
        won = self.winners[channel] == row * self.axes[1].in_size + col
        return [((channel, i, j), 1.0) for i, j in won.nonzero().tolist()]


@dataclass(frozen=True, eq=False)
class LocalFootprint(Footprint):
    """Every output weighs the cells of its window in its own way: a derivative at one very input.

    `axes` are the windows, `weights` has the shape (C, rows out, columns out, taps of a column,
    taps of a row). Cells are (channel, row, col).
    """

    axes: tuple[Axis, Axis]
    weights: Tensor
    channelwise: ClassVar[bool] = False

    def sources(self, cell: Sequence[int]) -> Weighted:
        """The input cells that feed the output `cell`."""
        channel, row, col = _inside(cell, tuple(self.weights.shape[:3]))
        rows, cols = (axis.index[i].tolist() for axis, i in zip(self.axes, (row, col)))
        weights = self.weights[channel, row, col]
        weighted = [
            ((channel, rows[u], cols[v]), float(weights[u, v]))
            for u, v in weights.nonzero().tolist()
        ]
        return [(source, weight) for source, weight in weighted if min(source) >= 0]

    def targets(self, cell: Sequence[int]) -> Weighted:
        """The output cells that the input `cell` reaches."""
        sizes = (len(self.weights), *(axis.in_size for axis in self.axes))
        channel, row, col = _inside(cell, sizes)
        row_taps = (self.axes[0].index == row).nonzero().tolist()
        col_taps = (self.axes[1].index == col).nonzero().tolist()
        weighted = [
            ((channel, i, j), float(self.weights[channel, i, j, u, v]))
            for (i, u), (j, v) in product(row_taps, col_taps)
        ]
        return [(target, weight) for target, weight in weighted if weight != 0]


def _products(taps: list[list[tuple[int, float]]]) -> Weighted:
    cells = product(*taps)
    return [
        (tuple(index for index, _ in cell), math.prod(weight for _, weight in cell))
        for cell in cells
    ]


def _inside(cell: Sequence[int], sizes: tuple[int, ...]) -> Cell:
    fits = len(cell) == len(sizes) and all(0 <= i < n for i, n in zip(cell, sizes))
    if not fits:
        raise IndexError(f"cell {tuple(cell)} is outside the grid of size {sizes}")
    return tuple(cell)
