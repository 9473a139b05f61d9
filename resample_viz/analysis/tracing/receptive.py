"""Receptive fields: which input cells can reach a cell of a feature map, axis by axis.

Along one axis, cell i of a feature map sees the input cells first(i) to last(i). As layers repeat
their pattern along the picture, so do these: after `period` cells everything has moved on by
`advance` input cells, and advance / period is the stride. This holds on and beyond the map, where
padding lies, so the field of a cell may reach outside the input; so do the fields in Araujo, Norris
and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019,
https://distill.pub/2019/computing-receptive-fields. Their closed form holds for windows alone.
Following every cell of a period also covers transposed convolutions and interpolation, where
neighbouring cells see differently many inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor, inf, lcm

Taps = Callable[[int], Iterable[int]]


@dataclass(frozen=True)
class AxisField:
    """What the cells of one axis see of the input: `first` and `last`, for the cells of a period.

    A cell that sees nothing (under a stamp with holes) has an empty field, from inf to -inf.
    """

    period: int
    advance: Fraction
    first: tuple[float, ...]
    last: tuple[float, ...]

    @classmethod
    def of_input(cls) -> AxisField:
        """Every input cell sees itself."""
        return cls(1, Fraction(1), (0,), (0,))

    def at(self, cell: int) -> tuple[float, float]:
        """The first and the last input cell that `cell` sees.

        >>> window(AxisField.of_input(), 3, stride=2, padding=1).at(5)
        (9, 11)
        """
        turns, place = divmod(cell, self.period)
        moved = floor(turns * self.advance)
        return self.first[place] + moved, self.last[place] + moved

    @property
    def stride(self) -> Fraction:
        """Input cells from one cell to the next; 0 if all cells see the same."""
        return self.advance / self.period

    @property
    def size(self) -> int:
        """The number of input cells that the cell with the widest view sees or spans."""
        return max(
            (int(last - first) + 1 for first, last in zip(self.first, self.last) if first <= last),
            default=0,
        )

    @property
    def is_constant(self) -> bool:
        """Whether all cells see the same."""
        return self.advance == 0


def gather(axis: AxisField, outputs: int, inputs: int, taps: Taps, size: int) -> AxisField:
    """The field behind a layer whose output j reads the cells taps(j).

    The layer repeats: what output j + `outputs` reads lies `inputs` cells further on. `size` is the
    number of output cells; a pattern that repeats later than that is followed no further.
    """
    repeats = lcm(inputs, axis.period) // inputs
    period = min(outputs * repeats, size)
    first, last = [], []
    for cell in range(period):
        turns, place = divmod(cell, outputs)
        seen = [axis.at(turns * inputs + tap) for tap in taps(place)]
        first.append(min((low for low, _ in seen), default=inf))
        last.append(max((high for _, high in seen), default=-inf))
    advance = axis.stride * Fraction(inputs, outputs) * period
    return AxisField(period, advance, tuple(first), tuple(last))


def window(
    axis: AxisField,
    kernel_size: int,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    *,
    size: int = 10**9,
) -> AxisField:
    """Behind a window: a convolution or a pooling.

    >>> window(window(AxisField.of_input(), 3), 3).size
    5
    """
    taps = [dilation * tap - padding for tap in range(kernel_size)]
    return gather(axis, 1, stride, lambda _: taps, size)


def stamp(
    axis: AxisField,
    kernel_size: int,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    *,
    size: int = 10**9,
) -> AxisField:
    """Behind a transposed convolution: output j reads i where j + padding = stride i + dilation t.

    >>> stamp(AxisField.of_input(), 4, stride=2, padding=1).size
    2
    """

    def taps(cell: int) -> list[int]:
        places = [cell + padding - dilation * tap for tap in range(kernel_size)]
        return [place // stride for place in places if place % stride == 0]

    return gather(axis, stride, 1, taps, size)


def adaptive(axis: AxisField, inputs: int, size: int) -> AxisField:
    """Behind adaptive pooling: output j reads floor(j n / m) to ceil((j + 1) n / m) - 1."""
    ratio = Fraction(inputs, size)

    def taps(cell: int) -> Iterable[int]:
        return range(floor(cell * ratio), ceil((cell + 1) * ratio))

    return gather(axis, ratio.denominator, ratio.numerator, taps, size)


def resized(
    axis: AxisField,
    inputs: int,
    size: int,
    *,
    reach: int = 1,
    scale: float | None = None,
    align_corners: bool = False,
    antialias: bool = False,
) -> AxisField:
    """Behind an interpolation whose kernel reaches `reach` cells far: linear 1, cubic 2.

    A cell that falls onto an input cell reads this one alone. https://pytorch.org/docs/stable/
    generated/torch.nn.functional.interpolate.html has the coordinates.
    """
    if inputs == 1:
        return constant(axis, 1)
    step = _step(inputs, size, scale, align_corners)
    spread = reach * max(Fraction(1), step) if antialias else Fraction(reach)

    def taps(cell: int) -> Iterable[int]:
        place = cell * step if align_corners else (cell + Fraction(1, 2)) * step - Fraction(1, 2)
        if place.denominator == 1 and spread == reach:
            return (int(place),)
        return range(floor(place - spread) + 1, ceil(place + spread))

    return gather(axis, step.denominator, step.numerator, taps, size)


def copied(
    axis: AxisField, inputs: int, size: int, *, scale: float | None = None, exact: bool = False
) -> AxisField:
    """Behind nearest neighbours (`exact`: nearest-exact): every output cell copies one input."""
    step = _step(inputs, size, scale, align_corners=False)
    shift = Fraction(1, 2) if exact else Fraction(0)
    return gather(
        axis, step.denominator, step.numerator, lambda cell: (floor((cell + shift) * step),), size
    )


def _step(inputs: int, size: int, scale: float | None, align_corners: bool) -> Fraction:
    """Input cells from one output cell to the next."""
    if align_corners:
        return Fraction(inputs - 1, max(1, size - 1))
    if scale:
        return 1 / Fraction(scale).limit_denominator(10_000)
    return Fraction(inputs, size)


def constant(axis: AxisField, cells: int) -> AxisField:
    """Every cell sees all that the first `cells` cells of `axis` see."""
    if axis.is_constant and axis.period == 1:
        return axis
    seen = [axis.at(cell) for cell in range(cells)]
    first, last = min(low for low, _ in seen), max(high for _, high in seen)
    return AxisField(1, Fraction(0), (first,), (last,))


def union(one: AxisField, other: AxisField, size: int) -> AxisField:
    """What is seen along either of two paths that meet in a map of `size` cells."""
    if one == other:
        return one
    # Where the two drift apart nothing repeats, and every cell is looked at.
    repeats = one.stride == other.stride
    period = min(lcm(one.period, other.period), size) if repeats else size
    stride = max(one.stride, other.stride)
    both = [(one.at(cell), other.at(cell)) for cell in range(period)]
    return AxisField(
        period,
        stride * period,
        tuple(min(a[0], b[0]) for a, b in both),
        tuple(max(a[1], b[1]) for a, b in both),
    )


@dataclass(frozen=True)
class Field:
    """The receptive field of a tensor's cells, along its last two axes.

    `is_bound`: some layer on the way is not known to read by windows. The field is then an upper
    bound: every cell may depend on whatever that layer could read.
    """

    rows: AxisField
    cols: AxisField
    is_bound: bool = False

    @classmethod
    def of_input(cls) -> Field:
        """Every input cell sees itself."""
        return cls(AxisField.of_input(), AxisField.of_input())

    @property
    def stride(self) -> tuple[Fraction, Fraction]:
        """Input rows and columns from one cell to the next; 0 if all cells see the same."""
        return self.rows.stride, self.cols.stride

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the widest field, in input cells."""
        return self.rows.size, self.cols.size

    def region(self, row: int, col: int) -> tuple[int, int, int, int]:
        """The first row, first column, last row, last column that a cell sees, borders included.

        Numbers below 0, and beyond the input's size, lie in padding.
        """
        top, bottom = self.rows.at(row)
        left, right = self.cols.at(col)
        if top > bottom or left > right:
            return 0, 0, -1, -1
        return int(top), int(left), int(bottom), int(right)

    def centre(self, row: int = 0, col: int = 0) -> tuple[float, float]:
        """The middle of a cell's field, in input coordinates: 0 is the middle of the first cell."""
        top, left, bottom, right = self.region(row, col)
        return (top + bottom) / 2, (left + right) / 2

    def whole(self, rows: int, cols: int, *, known: bool = True) -> Field:
        """What all cells of a map see together; exactly, if the layer is `known` to read it all."""
        mixed = not (self.rows.is_constant and self.cols.is_constant)
        return Field(
            constant(self.rows, rows),
            constant(self.cols, cols),
            self.is_bound or (mixed and not known),
        )

    def joined(self, other: Field, rows: int, cols: int) -> Field:
        """What is seen along either of two paths that meet."""
        return Field(
            union(self.rows, other.rows, rows),
            union(self.cols, other.cols, cols),
            self.is_bound or other.is_bound,
        )

    def broadcast(self, rows: bool, cols: bool) -> Field:
        """The field where a single row, or column, stands for all."""
        return replace(
            self,
            rows=constant(self.rows, 1) if rows else self.rows,
            cols=constant(self.cols, 1) if cols else self.cols,
        )
