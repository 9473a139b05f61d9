"""All resize methods against all others, on one picture."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from resample_viz.analysis import ResizeMethod
from resample_viz.analysis.resizing.compare import SAME
from resample_viz.analysis.resizing.methods import PACKAGES, Levels
from resample_viz.labs.background import Job
from resample_viz.labs.resize_pair import LIGHTEST
from resample_viz.operations import OperationError
from resample_viz.view import Panel
from resample_viz.words import gettext as _

ROWS_PER_SLICE = 8


@dataclass
class Table:
    """The largest and the mean difference of every method a (rows) from every method b (columns).

    In grey levels; NaN where a method refuses the picture, and where nothing is computed yet.
    """

    key: Any
    levels: Tensor
    methods_a: tuple[ResizeMethod, ...]
    methods_b: tuple[ResizeMethod, ...]
    largest: Tensor = field(init=False)
    mean: Tensor = field(init=False)

    def __post_init__(self) -> None:
        shape = (len(self.methods_a), len(self.methods_b))
        self.largest = torch.full(shape, math.nan)
        self.mean = torch.full(shape, math.nan)

    @classmethod
    def empty(cls) -> Table:
        """No picture, no methods."""
        return cls(None, torch.zeros(1, 1, 1, 1), (), ())

    @property
    def target(self) -> tuple[int, int]:
        """(height, width) of the results."""
        size: tuple[int, int] = self.key[1]
        return size

    def belongs_to(self, key: Any, levels: Tensor) -> bool:
        """Whether this is the table of that picture at that size and with those dtypes."""
        return self.key == key and self.levels is levels

    def panel(self, a: ResizeMethod, b: ResizeMethod) -> Panel:
        """The table as a panel, in which the cell of a and b is marked."""
        picked = None
        if a in self.methods_a and b in self.methods_b:
            picked = (self.methods_a.index(a), self.methods_b.index(b))
        return Panel(
            "table",
            _("All against all: largest difference"),
            "error",
            self.largest[None],
            (0.0, LIGHTEST),
            colormap="magma",
            caption=(
                _(
                    "rows: a, {dtype_a}; columns in the same order: b, {dtype_b}. Black: "
                    "the same. Lightest: {lightest} grey levels and more.",
                    dtype_a=a.dtype,
                    dtype_b=b.dtype,
                    lightest=format(LIGHTEST, "g"),
                )
            ),
            names=(_names(self.methods_a), _names(self.methods_b)),
            unit="grey levels",
            pickable=True,
            picked=picked,
        )

    def closest(self, a: ResizeMethod, library: str) -> ResizeMethod:
        """The method b of a library that comes closest to `a`: the smallest mean difference.

        Raises OperationError if there is none to compare with.
        """
        row = self.methods_a.index(a)
        candidates = [
            (round(float(self.mean[row, column]), 3), one)
            for column, one in enumerate(self.methods_b)
            if one.library == library and not self.mean[row, column].isnan()
        ]
        if not candidates:
            raise OperationError(
                _(
                    "no method of {library} takes this picture: choose another library.",
                    library=library,
                )
            )
        return min(candidates, key=lambda pair: pair[0])[1]

    def same(self, a: ResizeMethod, b: ResizeMethod) -> bool:
        """Whether the two differ by rounding only: in 8 bits, by one level."""
        rounding = 1.0 if "uint8" in (a.dtype, b.dtype) else SAME
        return float(self.largest[self.methods_a.index(a), self.methods_b.index(b)]) <= rounding

    def ranking(self, a: ResizeMethod) -> str:
        """What comes closest to `a` in every library, one line each."""
        if a not in self.methods_a or self.mean.isnan().all():
            return "Closest to a in each library: being computed."
        row = self.methods_a.index(a)
        parts = []
        for library in PACKAGES:
            others = [one for one in self.methods_b if one.library == library and one != a]
            if not others:
                continue
            column = self._closest_column(row, others)
            one = self.methods_b[column]
            most = f"off by {float(self.largest[row, column]):.1f} at most"
            parts.append(f"{one.name}: {'the same' if self.same(a, one) else most}")
        return "\n".join((f"Closest to {a!r} in each library:", *parts))

    def _closest_column(self, row: int, others: list[ResizeMethod]) -> int:
        columns = [self.methods_b.index(one) for one in others]
        return min(columns, key=lambda c: float(self.mean[row, c].nan_to_num(math.inf)))


def _names(methods: tuple[ResizeMethod, ...]) -> tuple[str, ...]:
    """Short ones: v1 and v2 can only be torchvision's."""
    return tuple(one.name.removeprefix("torchvision ") for one in methods)


def compare_all(table: Table) -> Job:
    """Fills a table, one method per slice, then some rows of differences per slice.

    scikit-image comes last: its slices are the only ones that a drag would feel.
    """
    both = {*table.methods_a, *table.methods_b}
    steps = len(both) + len(table.methods_a) / ROWS_PER_SLICE
    results: dict[ResizeMethod, Tensor] = {}
    levels = Levels(table.levels)
    for number, one in enumerate(sorted(both, key=_speed)):
        with suppress(OperationError):  # then this row and this column stay without numbers
            results[one] = one.resize(levels, table.target)
        yield (number + 1) / steps, f"all against all: {one!r}"
    yield from _fill(table, results, len(both), steps)


def _speed(one: ResizeMethod) -> tuple[bool, str]:
    return one.library == "scikit-image", repr(one)


def _fill(
    table: Table, results: dict[ResizeMethod, Tensor], done: int, steps: float
) -> Iterator[Any]:
    for row, a in enumerate(table.methods_a):
        for column, b in enumerate(table.methods_b):
            if a in results and b in results:
                difference = (results[b] - results[a]).abs_()
                table.largest[row, column] = difference.max()
                table.mean[row, column] = difference.mean()
        if row % ROWS_PER_SLICE == ROWS_PER_SLICE - 1:
            yield min(1.0, (done + row / ROWS_PER_SLICE) / steps), "all against all: differences"
