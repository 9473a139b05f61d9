"""Which input cells feed an output cell, and with what weight.

A footprint is the Jacobian of an operation, stored the way a learner reads it: one output cell, the
few input cells behind it, their weights. Read the other way round (one input cell, all the outputs
that it reaches) it is the transposed operation.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import torch
from torch import Tensor

Cell = tuple[int, ...]
"""Spatial position: (row, col) of a picture, (col,) of a row, (depth, row, col) of a volume."""
Weighted = list[tuple[Cell, float]]


class Footprint(ABC):
    """The input cells behind each output cell of one operation on one input shape."""

    @abstractmethod
    def sources(self, cell: Sequence[int]) -> Weighted:
        """The input cells that feed the output `cell`, each with its weight."""

    @abstractmethod
    def targets(self, cell: Sequence[int]) -> Weighted:
        """The output cells that the input `cell` reaches, each with its weight."""


@dataclass(frozen=True, eq=False)
class Axis:
    """The taps along one spatial axis: output i reads `weights[i]` from `start[i]` onwards.

    `start` has shape (out,), `weights` has shape (out, taps); taps that would lie outside the input
    have weight 0.
    """

    in_size: int
    start: Tensor
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
        return cls(in_size, start, matrix.gather(1, index))

    @property
    def out_size(self) -> int:
        """How many output cells there are along this axis."""
        return len(self.start)

    @cached_property
    def matrix(self) -> Tensor:
        """The dense (out, in) matrix of this axis."""
        taps = self.weights.shape[1]
        index = self.start[:, None] + torch.arange(taps)
        dense = torch.zeros(self.out_size, self.in_size, dtype=self.weights.dtype)
        return dense.scatter_(1, index, self.weights)

    @cached_property
    def positions(self) -> Tensor:
        """The centre of mass of each output's taps, in input pixels: where the output reads."""
        taps = self.start[:, None] + torch.arange(self.weights.shape[1])
        total = self.weights.sum(1).clamp(min=torch.finfo(self.weights.dtype).tiny)
        return (self.weights * taps).sum(1) / total

    @property
    def centres(self) -> Tensor:
        """Where the centre of each output cell lies, in input pixels, if pixels are squares."""
        out = torch.arange(self.out_size)
        return (out + 0.5) * self.in_size / self.out_size - 0.5

    def sources(self, i: int) -> list[tuple[int, float]]:
        """The (input index, weight) pairs behind output `i`."""
        first = int(self.start[i])
        taps = enumerate(self.weights[i].tolist(), start=first)
        return [(index, weight) for index, weight in taps if weight != 0]

    def targets(self, j: int) -> list[tuple[int, float]]:
        """The (output index, weight) pairs that input `j` reaches."""
        column = self.matrix[:, j]
        return [(int(i), float(column[i])) for i in column.nonzero().flatten()]


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
