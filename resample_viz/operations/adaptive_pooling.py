"""Pooling to a size that is given: the windows follow from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any

import torch.nn.functional as F
from torch import Tensor, nn

from resample_viz.operations.base import Operation, Undo
from resample_viz.operations.footprint import Axis, PickFootprint, SeparableFootprint
from resample_viz.operations.parameters import Pair, Range
from resample_viz.operations.separable import least_squares, resize_back
from resample_viz.operations.validation import AXES, check_pair, check_picture, check_whole
from resample_viz.operations.windows import adaptive_axis, adaptive_lengths
from resample_viz.words import N_
from resample_viz.words import gettext as _

OutputSize = Annotated[int | tuple[int | None, int | None], Range(1, 64)]
"""One number, or (height, width), of which None keeps the input's."""


class AdaptivePool(Operation):
    """What the adaptive layers share: output i reads from floor(i n / m) to ceil((i + 1) n / m)."""

    variable = "pool"
    layer: Any
    """The class of PyTorch's layer."""
    output_size: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        for number in self.parts:
            if number is not None or not isinstance(self.output_size, tuple):
                check_whole("output_size", number, 1, pairs=False)
        check_pair("output_size", self.output_size)

    @property
    def parts(self) -> tuple[int | None, ...]:
        """`output_size` as a tuple."""
        size = self.output_size
        return size if isinstance(size, tuple) else (size, size)

    def module(self) -> nn.Module:
        """PyTorch's layer with this output size."""
        layer: nn.Module = self.layer(self.output_size)
        return layer

    def code(self) -> str:
        """The PyTorch expression for this layer."""
        return f"nn.{self.layer.__name__}({self.output_size!r})"

    def output_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """(N, C, *output_size). Raises OperationError where the input has other axes."""
        shape = check_picture(N_("pooling"), shape)
        return (*shape[:2], *self.sizes(shape))

    def sizes(self, shape: Sequence[int]) -> Pair:
        """Height and width of the output, None replaced by those of the input."""
        height, width = self.parts
        return shape[-2] if height is None else height, shape[-1] if width is None else width

    def explain_shape(self, shape: Sequence[int]) -> str:
        """One line per axis, with the lengths of its windows."""
        lines = []
        for name, n, m in zip(AXES, shape[2:], self.output_shape(shape)[2:]):
            least, *more = adaptive_lengths(n, m)
            cells = _("{least} or {most}", least=least, most=more[0]) if more else least
            line = _(
                "{name}: windows of {cells} cells ({n} in, {m} out), output_size = {m}",
                name=name,
                cells=cells,
                n=n,
                m=m,
            )
            lines.append(line)
        return "\n".join(lines)

    def footprint(self, shape: Sequence[int]) -> SeparableFootprint:
        """The windows: every cell that may feed an output, with weight 1."""
        return SeparableFootprint(self._axes(shape))

    def undo(self, shape: Sequence[int]) -> tuple[Undo, ...]:
        """Resizing back (shape only)."""
        return resize_back(shape[2:], "nearest"), resize_back(shape[2:], "bilinear")

    def _axes(self, shape: Sequence[int]) -> tuple[Axis, Axis]:
        out = self.output_shape(shape)[2:]
        rows, cols = (adaptive_axis(n, m) for n, m in zip(shape[2:], out))
        return rows, cols


@dataclass(frozen=True)
class AdaptiveAvgPool(AdaptivePool):
    """Averages of as many windows as asked for (torch.nn.AdaptiveAvgPool2d). Takes (N, C, H, W).

    The same as F.interpolate(mode="area"). It can enlarge, too.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html

    >>> AdaptiveAvgPool((3, 4)).output_shape((1, 3, 7, 8))
    (1, 3, 3, 4)
    """

    layer = nn.AdaptiveAvgPool2d

    output_size: OutputSize = 4

    def footprint(self, shape: Sequence[int]) -> SeparableFootprint:
        """One over the length of the window, for each of its cells."""
        axes = self._axes(shape)
        return SeparableFootprint(tuple(map(_average, axes)))

    def undo(self, shape: Sequence[int]) -> tuple[Undo, ...]:
        """Resizing back (shape only), the adjoint, and least squares."""
        ways = (self.adjoint(shape), least_squares(self, self.footprint(shape).axes))
        return (*super().undo(shape), *ways)


@dataclass(frozen=True)
class AdaptiveMaxPool(AdaptivePool):
    """The largest values of as many windows as asked for (torch.nn.AdaptiveMaxPool2d).

    Takes (N, C, H, W). It can enlarge, too.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveMaxPool2d.html
    """

    linear = False
    layer = nn.AdaptiveMaxPool2d

    output_size: OutputSize = 4

    def with_indices(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The largest values and their flat indices, both (N, C, H_out, W_out)."""
        return self(x), F.adaptive_max_pool2d(x, self.sizes(x.shape), return_indices=True)[1]

    def footprint_at(self, x: Tensor) -> PickFootprint:
        """The winners of the first picture of x, (N, C, H, W)."""
        self._accept(x)
        return PickFootprint(self._axes(x.shape), self.with_indices(x[:1].detach())[1][0])


@lru_cache(maxsize=16)
def _average(axis: Axis) -> Axis:
    return Axis(axis.in_size, axis.index, axis.weights / axis.weights.sum(1, keepdim=True))
