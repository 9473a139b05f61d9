"""Windows that slide over height and width: their numbers, how many fit, what each one reads."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch

from resample_viz.operations.errors import OperationError
from resample_viz.operations.footprint import Axis
from resample_viz.operations.validation import check_taps
from resample_viz.words import N_
from resample_viz.words import gettext as _


@dataclass(frozen=True)
class Window:
    """The windows along one axis of a pooling layer.

    Source of the size rule: the pages of torch.nn.MaxPool2d and torch.nn.AvgPool2d.
    """

    name: str
    kernel: int
    stride: int
    padding: int = 0
    dilation: int = 1
    ceil_mode: bool = False

    @property
    def extent(self) -> int:
        """How many cells a window spans from its first to its last one."""
        return self.dilation * (self.kernel - 1) + 1

    def _fitting(self, n: int) -> int:
        rest = n + 2 * self.padding - self.extent
        return (-(-rest // self.stride) if self.ceil_mode else rest // self.stride) + 1

    def _starts_too_late(self, n: int) -> bool:
        last = self._fitting(n) - 1
        return self.ceil_mode and last * self.stride >= n + self.padding

    def count(self, n: int) -> int:
        """How many windows there are over `n` cells; one in the right padding alone is dropped.

        Raises OperationError if there is none.
        """
        count = self._fitting(n) - self._starts_too_late(n)
        if count < 1:
            facts = {"extent": self.extent, "name": self.name, "n": n, "padding": self.padding}
            facts["most"] = self._largest_kernel(n)
            raise OperationError(
                _(
                    "a window of {extent} cells does not fit into the {name} of {n} with {padding} "
                    "padded on both sides: use kernel_size={most} or less, or a larger input.",
                    **facts,
                )
                if self.padding
                else _(
                    "a window of {extent} cells does not fit into the {name} of {n}: use "
                    "kernel_size={most} or less, or a larger input.",
                    **facts,
                )
            )
        return count

    def _largest_kernel(self, n: int) -> int:
        return max(1, (n + 2 * self.padding - 1) // self.dilation + 1)

    def explain(self, n: int) -> str:
        """The size formula with its numbers, in one line."""
        count = self.count(n)
        padded = f"{n} + 2×{self.padding}" if self.padding else f"{n}"
        span = f"{self.dilation}×({self.kernel} − 1) − 1" if self.dilation > 1 else f"{self.kernel}"
        value = (n + 2 * self.padding - self.extent) / self.stride + 1
        rounding = "ceil" if self.ceil_mode else "floor"
        line = (
            f"{_(self.name)}: {rounding}(({padded} − {span}) / {self.stride} + 1) = "
            f"{rounding}({value:g}) = {self._fitting(n)}"
        )
        if self._starts_too_late(n):
            line = _(
                "{line}, minus the one that would start in the right padding = {count}",
                line=line,
                count=count,
            )
        return line

    def axis(self, n: int) -> Axis:
        """What each window reads of `n` cells; -1 where it hangs over the edge."""
        return _axis(self, n)

    def average(self, n: int, *, count_include_pad: bool) -> Axis:
        """The same with one over the number of cells that count, for each cell that is read."""
        return _average(self, n, count_include_pad)


@lru_cache(maxsize=32)
def _axis(window: Window, n: int) -> Axis:
    check_taps(window.name, window.count(n), window.kernel)
    starts = torch.arange(window.count(n))[:, None] * window.stride - window.padding
    index = starts + torch.arange(window.kernel) * window.dilation
    return Axis.from_index(n, index.where((index >= 0) & (index < n), -1))


@lru_cache(maxsize=32)
def _average(window: Window, n: int, count_include_pad: bool) -> Axis:
    axis = window.axis(n)
    starts = torch.arange(axis.out_size)[:, None] * window.stride - window.padding
    counted = axis.weights.sum(1, keepdim=True)
    if count_include_pad:  # padding counts, what ceil_mode reaches beyond it does not
        counted = (starts + window.kernel).clamp(max=n + window.padding) - starts
    return Axis(n, axis.index, axis.weights / counted)


@lru_cache(maxsize=32)
def adaptive_axis(n: int, m: int) -> Axis:
    """The windows of adaptive pooling: output i reads from floor(i n / m) to ceil((i + 1) n / m).

    They overlap and differ in length unless m divides n.
    Source: the page of torch.nn.AdaptiveAvgPool2d, and its kernel in ATen.
    """
    taps = adaptive_lengths(n, m)[-1]
    check_taps(N_("height or width"), m, taps)
    windows = torch.arange(m)
    first, stop = windows * n // m, -(-(windows + 1) * n // m)
    index = first[:, None] + torch.arange(taps)
    return Axis.from_index(n, index.where(index < stop[:, None], -1))


def adaptive_lengths(n: int, m: int) -> range:
    """All lengths of these windows, from the shortest to the longest.

    Output i reads ceil((r + n) / m) cells, r being the rest of i n / m. With n and m in lowest
    terms, r takes every value below m.

    >>> list(adaptive_lengths(7, 3)), list(adaptive_lengths(8, 4))
    ([3], [2])
    """
    common = math.gcd(n, m)
    n, m = n // common, m // common
    return range(-(-n // m), -(-(n + m - 1) // m) + 1)
