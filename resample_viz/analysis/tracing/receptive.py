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

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor, inf, lcm

from resample_viz.analysis.tracing.layout import AXES, Axis, Layout

Taps = Callable[[int], Iterable[int]]


@dataclass(frozen=True)
class AxisField:
    """What the cells of one axis see of the input: `first` and `last`, for the cells of a period.

    A cell that sees nothing (under a stamp with holes) has an empty field, from inf to -inf.
    Where the pattern does not repeat within the map, as behind padding by reflection, it is
    `aperiodic`: the period is the whole map, and cells beyond it are extrapolated.
    """

    period: int
    advance: Fraction
    first: tuple[float, ...]
    last: tuple[float, ...]
    aperiodic: bool = False

    @classmethod
    def of_input(cls) -> AxisField:
        """Every input cell sees itself."""
        return cls(1, Fraction(1), (0,), (0,))

    def at(self, cell: int) -> tuple[float, float]:
        """The first and the last input cell that `cell` sees.

        >>> window(AxisField.of_input(), 3, stride=2, padding=1).at(5)
        (9, 11)
        """
        if 0 <= cell < self.period:
            return self.first[cell], self.last[cell]
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
    period = outputs * lcm(inputs, axis.period) // inputs
    aperiodic = axis.aperiodic or period > size
    period = size if aperiodic else period
    first, last = [], []
    for cell in range(period):
        turns, place = divmod(cell, outputs)
        seen = [axis.at(turns * inputs + tap) for tap in taps(place)]
        first.append(min((low for low, _ in seen), default=inf))
        last.append(max((high for _, high in seen), default=-inf))
    advance = axis.stride * Fraction(inputs, outputs) * period
    return AxisField(period, advance, tuple(first), tuple(last), aperiodic)


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


def picked(axis: AxisField, taps: Sequence[Iterable[int]]) -> AxisField:
    """Behind a layer whose output j reads the cells taps[j]: one entry for every output.

    >>> picked(AxisField.of_input(), [[1], [0], [1], [2], [1]]).at(4)  # reflected at both ends
    (1, 1)
    """
    size = len(taps)
    return replace(gather(axis, size, size, lambda cell: taps[cell], size), aperiodic=True)


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
    period = lcm(one.period, other.period)
    drift = one.stride != other.stride or one.aperiodic or other.aperiodic
    aperiodic = drift or period > size
    period = size if aperiodic else period
    stride = max(one.stride, other.stride)
    both = [(one.at(cell), other.at(cell)) for cell in range(period)]
    return AxisField(
        period,
        stride * period,
        tuple(min(a[0], b[0]) for a, b in both),
        tuple(max(a[1], b[1]) for a, b in both),
        aperiodic,
    )


@dataclass(frozen=True)
class Field:
    """The receptive field of the cells of a feature map, and where that map lies in a tensor.

    Attributes:
        rows, cols: what the map's rows and columns see of the input's.
        layout: which dimensions of the tensor are the map's; see `Layout`.
        is_bound: some operator on the way is not known to read by windows. The field is then an
            upper bound: every cell may depend on whatever that operator could read.
        statistics: every cell also depends on the mean and variance of a whole map, by a
            normalisation on the way (GroupNorm, InstanceNorm). The field does not count these.
    """

    rows: AxisField
    cols: AxisField
    layout: Layout
    is_bound: bool = False
    statistics: bool = False

    @classmethod
    def of_input(cls, shape: Sequence[int]) -> Field:
        """Every cell of an input (..., H, W) sees itself."""
        return cls(AxisField.of_input(), AxisField.of_input(), Layout.of_map(shape))

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

    def axis(self, axis: Axis) -> AxisField:
        """`rows` or `cols`, by name."""
        return self.cols if axis == "cols" else self.rows

    def along(self, axis: Axis, change: Callable[[AxisField], AxisField], layout: Layout) -> Field:
        """With what `change` makes of the rows, or of the columns."""
        cells = change(self.axis(axis))
        rows, cols = (self.rows, cells) if axis == "cols" else (cells, self.cols)
        return replace(self, rows=rows, cols=cols, layout=layout)

    def laid_out(self, layout: Layout) -> Field:
        """The same cells in another layout; along an axis that it lacks, every cell sees all.

        So it does along an axis of another length: there one cell stands for all.
        """
        lost = (axis for axis in AXES if layout.size_of(axis) != self._size_of(axis))
        return self._seeing_all(*lost, layout=layout)

    def _seeing_all(self, *axes: Axis, layout: Layout) -> Field:
        """Every cell sees what all cells along `axes` see together."""
        rows, cols = (
            constant(self.axis(axis), self._size_of(axis)) if axis in axes else self.axis(axis)
            for axis in AXES
        )
        return replace(self, rows=rows, cols=cols, layout=layout)

    def whole(self, layout: Layout, *axes: Axis, is_bound: bool) -> Field:
        """What all cells see together along `axes` (default: both); `is_bound` if perhaps less."""
        axes = axes or AXES
        seen = self._seeing_all(*axes, layout=layout)
        changed = (seen.rows, seen.cols) != (self.rows, self.cols)
        return replace(seen, is_bound=self.is_bound or (is_bound and changed))

    def _size_of(self, axis: Axis) -> int:
        return self.layout.size_of(axis) or 1

    def joined(self, other: Field) -> Field:
        """What is seen along either of two paths that meet, both in the layout of `self`."""
        return replace(
            self,
            rows=union(self.rows, other.rows, self._size_of("rows")),
            cols=union(self.cols, other.cols, self._size_of("cols")),
            is_bound=self.is_bound or other.is_bound,
            statistics=self.statistics or other.statistics,
        )
